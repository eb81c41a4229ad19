#include "ingest/plan.h"

#include <math.h>
#include <stdlib.h>

/* The gaps of one station: one request for all of them, or one for its only measure. */
typedef struct Group {
    Str station_id, measure_id;
    UnixSec since, until;
    double rows;
    bool one_measure;
} Group;

static int by_station_then_measure(const void *a, const void *b)
{
    const SeriesGap *one = a, *two = b;
    int order = str_cmp(one->station_id, two->station_id);
    return order != 0 ? order : str_cmp(one->measure_id, two->measure_id);
}

static int by_since(const void *a, const void *b)
{
    const Group *one = a, *two = b;
    return (one->since > two->since) - (one->since < two->since);
}

static int by_worth(const void *a, const void *b)
{
    const Ask *one = a, *two = b;
    if ((one->kind == ASK_EVERYTHING) != (two->kind == ASK_EVERYTHING))
        return one->kind == ASK_EVERYTHING ? -1 : 1;
    int order = (one->until < two->until) - (one->until > two->until);
    return order != 0 ? order : str_cmp(one->id, two->id);
}

static double rows_of(const SeriesGap *gap)
{
    int64_t period_s = gap->period_s > 0 ? gap->period_s : 900; /* as nearly all have */
    return (double) (gap->until - gap->after) / (double) period_s;
}

typedef struct Price {
    double requests, rows;
} Price;

/* One page at least. */
static Price price_of(double rows)
{
    return (Price){.requests = floor(rows / PLAN_PAGE_ROWS) + 1, .rows = rows};
}

static Price price_add(Price a, Price b)
{
    return (Price){.requests = a.requests + b.requests, .rows = a.rows + b.rows};
}

static double price_bytes(Price price)
{
    return price.requests * PLAN_REQUEST_BYTES + price.rows * PLAN_ROW_BYTES;
}

static bool is_better(Price a, Price b, double most_requests)
{
    bool both_fit = a.requests <= most_requests && b.requests <= most_requests;
    return both_fit ? price_bytes(a) < price_bytes(b) : a.requests < b.requests;
}

/* The station of the empty id cannot be asked for, as its address is the list's: its measures are. */
static size_t group_gaps(SeriesGap *gaps, size_t count, Group *groups)
{
    size_t group_count = 0;
    qsort(gaps, count, sizeof *gaps, by_station_then_measure);
    for (size_t i = 0; i < count; i++) {
        const SeriesGap *gap = &gaps[i];
        Group *group = group_count > 0 ? &groups[group_count - 1] : NULL;
        bool joins = group != NULL && str_eq(group->station_id, gap->station_id) &&
                     (gap->station_id.len > 0 || str_eq(group->measure_id, gap->measure_id));
        if (!joins) {
            groups[group_count++] = (Group){.station_id = gap->station_id,
                                            .measure_id = gap->measure_id,
                                            .since = gap->after,
                                            .until = gap->until,
                                            .rows = rows_of(gap),
                                            .one_measure = true};
            continue;
        }
        if (!str_eq(group->measure_id, gap->measure_id))
            group->one_measure = false;
        group->rows += rows_of(gap);
        group->since = gap->after < group->since ? gap->after : group->since;
        group->until = gap->until > group->until ? gap->until : group->until;
    }
    return group_count;
}

/* Groups come oldest first. Everything since the k-th makes all behind it needless; the older ones
 * are asked for one by one. Which k is best; `count`: none. */
static size_t best_split(const Group *groups, size_t count, UnixSec now, const PlanLimits *limits)
{
    Price best = {0}, older = {0};
    size_t best_at = count;
    for (size_t i = 0; i < count; i++)
        best = price_add(best, price_of(groups[i].rows));
    for (size_t i = 0; i < count; i++) {
        double rows = (double) (now - groups[i].since) * limits->rows_per_s;
        Price price = price_add(older, price_of(rows > 0 ? rows : 0));
        if (is_better(price, best, (double) limits->requests)) {
            best = price;
            best_at = i;
        }
        older = price_add(older, price_of(groups[i].rows));
    }
    return best_at;
}

static bool copy_ask(Arena *arena, Ask ask, Plan *plan)
{
    if (!arena_copy(arena, ask.id, &ask.id))
        return false;
    plan->asks[plan->count++] = ask;
    return true;
}

static bool make_asks(const Group *groups, size_t count, size_t split, UnixSec now, Arena *arena,
                      Plan *plan)
{
    if (split < count &&
        !copy_ask(arena, (Ask){.kind = ASK_EVERYTHING, .since = groups[split].since, .until = now},
                  plan))
        return false;
    for (size_t i = 0; i < split; i++) {
        const Group *group = &groups[i];
        Ask ask = {.kind = group->one_measure ? ASK_MEASURE : ASK_STATION,
                   .id = group->one_measure ? group->measure_id : group->station_id,
                   .since = group->since,
                   .until = group->until};
        if (!copy_ask(arena, ask, plan))
            return false;
    }
    qsort(plan->asks, plan->count, sizeof *plan->asks, by_worth);
    return true;
}

ErrCode plan_asks(const SeriesGap *gaps, size_t count, UnixSec now, const PlanLimits *limits,
                  Arena *arena, Plan *ret_plan, Err *err)
{
    Plan plan = {.count = 0};
    if (count == 0) {
        *ret_plan = plan;
        return OK;
    }
    SeriesGap *sorted = arena_alloc(arena, count * sizeof *sorted);
    Group *groups = arena_alloc(arena, count * sizeof *groups);
    plan.asks = arena_alloc(arena, (count + 1) * sizeof *plan.asks);
    if (sorted == NULL || groups == NULL || plan.asks == NULL)
        return err_set(err, ERR_NO_MEMORY, "no memory to plan for %zu gaps", count);
    for (size_t i = 0; i < count; i++)
        sorted[i] = gaps[i];
    size_t group_count = group_gaps(sorted, count, groups);
    qsort(groups, group_count, sizeof *groups, by_since);
    size_t split = best_split(groups, group_count, now, limits);
    if (!make_asks(groups, group_count, split, now, arena, &plan))
        return err_set(err, ERR_NO_MEMORY, "no memory for a plan");
    *ret_plan = plan;
    return OK;
}

bool ask_covers(const Ask *ask, const SeriesGap *gap)
{
    if (ask->since > gap->after)
        return false;
    switch (ask->kind) {
    case ASK_EVERYTHING:
        return true;
    case ASK_STATION:
        return str_eq(ask->id, gap->station_id);
    default:
        return str_eq(ask->id, gap->measure_id);
    }
}
