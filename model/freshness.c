#include "model/freshness.h"

#include <string.h>

enum {
    MINUTE_S = 60,
    HOUR_S = 3600,
    GAPS_MIN = 3, /* fewer do not make a habit */
    LATE_PERCENTILE = 95,
    FIRST_AGE_MAX_S = 26 * HOUR_S, /* of what a daily delivery explains */
};

const char *freshness_name(Freshness freshness)
{
    static const char *const NAMES[FRESHNESS_COUNT] = {
        [FRESHNESS_FRESH] = "fresh",
        [FRESHNESS_LATE] = "late",
        [FRESHNESS_STALE] = "stale",
        [FRESHNESS_SILENT] = "silent",
    };
    return NAMES[freshness];
}

bool freshness_find(Str name, Freshness *ret)
{
    for (int i = 0; i < FRESHNESS_COUNT; i++) {
        if (!str_eq_nocase(name, str_of(freshness_name((Freshness) i))))
            continue;
        *ret = (Freshness) i;
        return true;
    }
    return false;
}

/* ---- deliveries ------------------------------------------------------------------------------ */

Deliveries deliveries_none(void)
{
    return (Deliveries){.last_arrival = NO_TIME};
}

static uint32_t prior_of(int64_t age_s, int64_t period_s)
{
    if (age_s <= period_s + 45 * MINUTE_S)
        return 45 * MINUTE_S;
    return age_s <= 14 * HOUR_S ? 13 * HOUR_S : 25 * HOUR_S;
}

static void push_gap(Deliveries *deliveries, int64_t gap_s)
{
    uint32_t *gaps = deliveries->gaps_s;
    if (deliveries->gap_count == DELIVERY_GAPS)
        memmove(gaps, gaps + 1, (DELIVERY_GAPS - 1) * sizeof *gaps);
    else
        deliveries->gap_count++;
    gaps[deliveries->gap_count - 1] = gap_s < UINT32_MAX ? (uint32_t) gap_s : UINT32_MAX;
}

void deliveries_add(Deliveries *deliveries, UnixSec slot, UnixSec newest, int64_t period_s)
{
    if (deliveries->prior_s == 0) {
        int64_t age_s = slot - newest;
        deliveries->prior_s = prior_of(age_s, period_s);
        if (age_s > FIRST_AGE_MAX_S)
            return;
    }
    if (deliveries->last_arrival != NO_TIME && slot > deliveries->last_arrival)
        push_gap(deliveries, slot - deliveries->last_arrival);
    deliveries->last_arrival = slot;
}

/* ---- what to expect -------------------------------------------------------------------------- */

static void sort_gaps(const Deliveries *deliveries, uint32_t sorted[static DELIVERY_GAPS])
{
    for (uint32_t i = 0; i < deliveries->gap_count; i++) {
        uint32_t gap = deliveries->gaps_s[i], at = i;
        for (; at > 0 && sorted[at - 1] > gap; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = gap;
    }
}

/* The smallest that at least `percent` of a hundred do not pass; of up to 19 the 95th is the
 * largest. */
static int64_t nearest_rank(const uint32_t *sorted, uint32_t count, uint32_t percent)
{
    uint32_t rank = (count * percent + 99) / 100;
    return sorted[rank - 1];
}

static int64_t median(const uint32_t *sorted, uint32_t count)
{
    return ((int64_t) sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
}

Expectation deliveries_expect(const Deliveries *deliveries, UnixSec newest, int64_t period_s,
                              int64_t poll_s)
{
    Expectation expectation = {NO_TIME, NO_TIME, NO_TIME, NO_TIME};
    UnixSec arrival = deliveries->last_arrival;
    if (arrival == NO_TIME)
        return expectation;
    int64_t usual_s = deliveries->prior_s; /* A */
    if (deliveries->gap_count >= GAPS_MIN) {
        uint32_t sorted[DELIVERY_GAPS];
        sort_gaps(deliveries, sorted);
        expectation.expected_next = arrival + median(sorted, deliveries->gap_count);
        usual_s = nearest_rank(sorted, deliveries->gap_count, LATE_PERCENTILE);
        usual_s = usual_s > period_s ? usual_s : period_s;
    }
    int64_t silent_s = 2 * usual_s > 24 * HOUR_S ? 2 * usual_s : 24 * HOUR_S;
    expectation.late_after = arrival + usual_s + poll_s;
    expectation.stale_after = arrival + 2 * usual_s + poll_s;
    expectation.silent_after = newest + silent_s;
    return expectation;
}

/* ---- at a slot ------------------------------------------------------------------------------- */

/* NO_TIME is before every slot: who never delivered is silent. */
Freshness freshness_at(const Expectation *expectation, UnixSec slot)
{
    if (slot > expectation->silent_after)
        return FRESHNESS_SILENT;
    if (slot > expectation->stale_after)
        return FRESHNESS_STALE;
    return slot > expectation->late_after ? FRESHNESS_LATE : FRESHNESS_FRESH;
}

UnixSec freshness_changes_at(const Expectation *expectation, UnixSec slot)
{
    const Expectation *e = expectation;
    const UnixSec next[FRESHNESS_COUNT] = {
        [FRESHNESS_FRESH] = e->late_after < e->silent_after ? e->late_after : e->silent_after,
        [FRESHNESS_LATE] = e->stale_after < e->silent_after ? e->stale_after : e->silent_after,
        [FRESHNESS_STALE] = e->silent_after,
    };
    Freshness now = freshness_at(e, slot);
    return now == FRESHNESS_SILENT ? FRESHNESS_FOR_EVER : next[now] + 1;
}
