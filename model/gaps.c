#include "model/gaps.h"

enum { LEARN_MIN = 8, CANDIDATES = 8 };

const char *gap_cause_name(GapCause cause)
{
    static const char *const NAMES[GAP_CAUSE_COUNT] = {
        [GAP_PENDING] = "pending",
        [GAP_UPSTREAM] = "upstream",
        [GAP_UNASKED] = "unasked",
    };
    return NAMES[cause];
}

/* ---- the grid -------------------------------------------------------------------------------- */

/* The most frequent of numbers given one by one, among the first few different ones. */
typedef struct Modal {
    int64_t values[CANDIDATES];
    size_t counts[CANDIDATES];
    size_t count;
} Modal;

static void modal_add(Modal *modal, int64_t value)
{
    size_t i = 0;
    while (i < modal->count && modal->values[i] != value)
        i++;
    if (i == CANDIDATES)
        return;
    if (i == modal->count)
        modal->values[modal->count++] = value;
    modal->counts[i]++;
}

static size_t modal_best(const Modal *modal) /* of equals the first */
{
    size_t best = 0;
    for (size_t i = 1; i < modal->count; i++)
        if (modal->counts[i] > modal->counts[best])
            best = i;
    return best;
}

/* A step that more than half of the readings take. */
static int64_t learn_period(const GapSeries *series)
{
    Modal steps = {.count = 0};
    if (series->time_count < LEARN_MIN)
        return 0;
    for (size_t i = 1; i < series->time_count; i++)
        modal_add(&steps, series->times[i] - series->times[i - 1]);
    size_t best = modal_best(&steps);
    return 2 * steps.counts[best] > series->time_count - 1 ? steps.values[best] : 0;
}

static int64_t period_of(const GapSeries *series)
{
    const Measure *measure = series->measure;
    if (measure->newest == NO_TIME || str_eq_nocase(measure->value_type, STR("event")))
        return 0;
    return measure->period_s > 0 ? measure->period_s : learn_period(series);
}

static int64_t modulo(int64_t a, int64_t b)
{
    int64_t rest = a % b;
    return rest < 0 ? rest + b : rest;
}

typedef struct Grid {
    int64_t period_s;
    UnixSec first; /* slot */
    UnixSec end;   /* no slot begins here or later */
    bool tail_is_pending;
} Grid;

/* The first slot at or behind `time`. */
static UnixSec slot_from(UnixSec time, int64_t phase, int64_t period_s)
{
    return time + modulo(phase - time, period_s);
}

/* A slot behind the newest counts when its end has come by as_of. */
static Grid grid_of(const GapSeries *series)
{
    const Measure *measure = series->measure;
    Grid grid = {.period_s = period_of(series)};
    if (grid.period_s == 0)
        return grid;
    Modal phases = {.count = 0};
    for (size_t i = 0; i < series->time_count; i++)
        modal_add(&phases, modulo(series->times[i], grid.period_s));
    int64_t phase = series->time_count > 0 ? phases.values[modal_best(&phases)]
                                           : modulo(measure->newest, grid.period_s);
    grid.first = slot_from(series->window.from, phase, grid.period_s);
    grid.end = series->as_of - grid.period_s + 1;
    if (grid.end <= measure->newest)
        grid.end = measure->newest + 1;
    grid.tail_is_pending = series->as_of <= measure->expectation.late_after;
    return grid;
}

/* ---- walking --------------------------------------------------------------------------------- */

typedef struct SlotWalk {
    const GapSeries *series;
    Grid grid;
    UnixSec slot;
    size_t at; /* the first reading at or behind the slot */
} SlotWalk;

static SlotWalk walk_init(const GapSeries *series)
{
    SlotWalk walk = {.series = series, .grid = grid_of(series)};
    walk.slot = walk.grid.first;
    return walk;
}

/* A tail that began long ago is told as far back as a window is long. */
static void skip_old_tail(SlotWalk *walk)
{
    const GapSeries *series = walk->series;
    UnixSec oldest = series->as_of - (series->window.to - series->window.from);
    if (walk->slot > series->measure->newest && walk->slot <= oldest)
        walk->slot = slot_from(oldest + 1, walk->grid.first, walk->grid.period_s);
}

/* False: there is no slot left. */
static bool walk_next(SlotWalk *walk, UnixSec *ret_slot, bool *ret_filled)
{
    const GapSeries *series = walk->series;
    if (walk->grid.period_s == 0)
        return false;
    skip_old_tail(walk);
    if (walk->slot >= walk->grid.end)
        return false;
    while (walk->at < series->time_count && series->times[walk->at] < walk->slot)
        walk->at++;
    *ret_slot = walk->slot;
    walk->slot += walk->grid.period_s;
    *ret_filled = walk->at < series->time_count && series->times[walk->at] < walk->slot;
    return true;
}

static bool is_pending(const SlotWalk *walk, UnixSec slot)
{
    return walk->grid.tail_is_pending && slot > walk->series->measure->newest;
}

GapCount gaps_count(const GapSeries *series)
{
    SlotWalk walk = walk_init(series);
    GapCount count = {.period_s = walk.grid.period_s, .earliest = NO_TIME, .latest = NO_TIME};
    if (series->time_count > 0) {
        count.earliest = series->times[0];
        count.latest = series->times[series->time_count - 1];
    }
    UnixSec slot;
    bool filled;
    while (walk_next(&walk, &slot, &filled)) {
        count.expected += filled || !is_pending(&walk, slot);
        count.received += filled;
    }
    return count;
}

static UnixSec asked_for(const GapSeries *series, UnixSec slot)
{
    UnixSec asked = NO_TIME;
    for (size_t i = 0; i < series->asked_count; i++) {
        const AskedRange *range = &series->asked[i];
        if (range->from <= slot && slot < range->to && range->asked_at > asked)
            asked = range->asked_at;
    }
    return asked;
}

static Gap gap_of(const SlotWalk *walk, UnixSec slot)
{
    Gap gap = {.from = slot, .to = slot + walk->grid.period_s, .slots = 1};
    gap.asked = asked_for(walk->series, slot);
    if (is_pending(walk, slot))
        gap.cause = GAP_PENDING;
    else
        gap.cause = gap.asked != NO_TIME ? GAP_UPSTREAM : GAP_UNASKED;
    return gap;
}

static bool continues(const Gap *gap, const Gap *next)
{
    return gap->slots > 0 && gap->to == next->from && gap->cause == next->cause &&
           gap->asked == next->asked;
}

bool gaps_each(const GapSeries *series, GapFn *each, void *ctx)
{
    SlotWalk walk = walk_init(series);
    Gap gap = {.slots = 0};
    UnixSec slot;
    bool filled;
    while (walk_next(&walk, &slot, &filled)) {
        if (filled)
            continue;
        Gap next = gap_of(&walk, slot);
        if (continues(&gap, &next)) {
            gap.to = next.to;
            gap.slots++;
            continue;
        }
        if (gap.slots > 0 && !each(&gap, ctx))
            return false;
        gap = next;
    }
    return gap.slots == 0 || each(&gap, ctx);
}
