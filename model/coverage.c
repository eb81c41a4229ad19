#include "model/coverage.h"

#include <math.h>

Coverage coverage_init(void)
{
    return (Coverage){.earliest = NO_TIME, .latest = NO_TIME};
}

/* A slot's number at a phase: slot n begins at n * period + offset, 0 <= offset < period. */
static int64_t slot_of(UnixSec time, int64_t offset, int64_t period_s)
{
    int64_t slot = time / period_s, rest = time % period_s;
    if (rest < 0) {
        rest += period_s;
        slot--;
    }
    return rest >= offset ? slot : slot - 1;
}

static int64_t offset_of(UnixSec time, int64_t period_s)
{
    int64_t rest = time % period_s;
    return rest < 0 ? rest + period_s : rest;
}

static int64_t first_slot(const Coverage *coverage, int64_t offset)
{
    UnixSec from = coverage->window.from;
    int64_t slot = slot_of(from, offset, coverage->period_s);
    return offset_of(from, coverage->period_s) == offset ? slot : slot + 1;
}

void coverage_begin_measure(Coverage *coverage, int64_t period_s, Window window, UnixSec newest)
{
    coverage->period_s = period_s;
    coverage->window = window;
    coverage->until = newest < window.to ? newest : window.to - 1;
    coverage->until_phase = newest;
    coverage->newest = NO_TIME;
    coverage->seen = 0;
    coverage->phase_count = 0;
    if (period_s > 0)
        coverage->counted = true;
}

static CoveragePhase *find_phase(Coverage *coverage, int64_t offset)
{
    for (size_t i = 0; i < coverage->phase_count; i++)
        if (coverage->phases[i].offset == offset)
            return &coverage->phases[i];
    return NULL;
}

/* Readings seen before are taken to have filled a slot each of the new phase: so it is when they
 * stand at one phase, the ordinary case. No more slots are filled than have begun. */
static CoveragePhase *begin_phase(Coverage *coverage, int64_t offset)
{
    int64_t first = first_slot(coverage, offset);
    int64_t last = first - 1;
    if (coverage->seen > 0) {
        int64_t slot = slot_of(coverage->newest, offset, coverage->period_s);
        last = slot > last ? slot : last;
    }
    int64_t begun = last - first + 1;
    CoveragePhase *phase = &coverage->phases[coverage->phase_count++];
    *phase = (CoveragePhase){
        .offset = offset,
        .filled = coverage->seen < begun ? coverage->seen : begun,
        .last_slot = last,
    };
    return phase;
}

static void learn_phase(Coverage *coverage, int64_t offset)
{
    CoveragePhase *phase = find_phase(coverage, offset);
    if (phase == NULL && coverage->phase_count < COVERAGE_PHASES)
        phase = begin_phase(coverage, offset);
    if (phase != NULL) /* else none of the candidates: its readings fill slots of theirs */
        phase->count++;
}

void coverage_add(Coverage *coverage, UnixSec time)
{
    if (coverage->earliest == NO_TIME || time < coverage->earliest)
        coverage->earliest = time;
    if (coverage->latest == NO_TIME || time > coverage->latest)
        coverage->latest = time;
    coverage->count++;
    if (coverage->period_s <= 0)
        return;

    learn_phase(coverage, offset_of(time, coverage->period_s));
    for (size_t i = 0; i < coverage->phase_count; i++) {
        CoveragePhase *phase = &coverage->phases[i];
        int64_t slot = slot_of(time, phase->offset, coverage->period_s);
        if (slot > phase->last_slot) { /* a reading before the first slot fills none */
            phase->filled++;
            phase->last_slot = slot;
        }
    }
    coverage->newest = time;
    coverage->seen++;
}

/* Of equals the one seen first. A measure without any reading in the window has its newest, behind
 * the window, to tell the phase by. */
static CoveragePhase modal_phase(const Coverage *coverage)
{
    const CoveragePhase *modal = NULL;
    for (size_t i = 0; i < coverage->phase_count; i++)
        if (modal == NULL || coverage->phases[i].count > modal->count)
            modal = &coverage->phases[i];
    if (modal != NULL)
        return *modal;
    CoveragePhase empty = {.offset = offset_of(coverage->until_phase, coverage->period_s)};
    empty.last_slot = first_slot(coverage, empty.offset) - 1;
    return empty;
}

void coverage_end_measure(Coverage *coverage)
{
    bool is_empty = coverage->until < coverage->window.from; /* also: no reading is known of it */
    if (coverage->period_s <= 0 || is_empty)
        return;
    CoveragePhase modal = modal_phase(coverage);
    int64_t last = slot_of(coverage->until, modal.offset, coverage->period_s);
    if (last < modal.last_slot)
        last = modal.last_slot;
    int64_t slots = last - first_slot(coverage, modal.offset) + 1;
    coverage->expected += slots > 0 ? slots : 0;
    coverage->received += modal.filled;
}

double coverage_completeness(const Coverage *coverage)
{
    return coverage->expected > 0 ? (double) coverage->received / (double) coverage->expected : NAN;
}
