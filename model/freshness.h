/* model/freshness.h - whether a measure delivers as it usually does: fresh, late, stale or silent.
 *
 * A gauge that is read out twice a day is not late after an hour. So each measure is judged by the
 * gaps between its own deliveries. Two steps, for two moments: a delivery changes what is expected
 * (deliveries_add(), deliveries_expect()); a poll slot compares the slot's time with that
 * (freshness_at()), and need look only at measures whose freshness_changes_at() has come. The
 * answer is not asked for at start: who was down himself cannot tell who is late. Pure functions;
 * the store keeps the structs.
 *
 *     A                the 95th percentile (nearest rank) of the last 16 gaps, at least the period;
 *                      before there are 3 gaps, the prior
 *     prior            by the age of the newest reading when the measure was first seen:
 *                      at most period + 45 min: 45 min; at most 14 h: 13 h; at most 26 h: 25 h
 *     expected_next    last arrival + median gap (of an even number: the mean of the middle two)
 *     late_after       last arrival + A + one poll
 *     stale_after      last arrival + 2 A + one poll
 *     silent           newest reading older than the larger of 24 h and 2 A, or none
 *
 * Source: the service's definitions, "Freshness of a measure, by its deliveries"; the priors are
 * the ages at which the newest readings of the country stand: within the hour, or read out twice or
 * once a day. What the definitions leave open is settled here:
 * - A delivery is a poll that brought a newer newest reading; late and corrected ones do not count.
 * - `after` is strict: at late_after itself a measure is still fresh.
 * - With fewer than 3 gaps there is no expected_next. The first gap begins where we began to look,
 *   not with a delivery, so that a median of so few says nothing.
 * - A newest reading of more than 26 h at first sight was brought by no delivery that is known: the
 *   measure is silent until it delivers, and has the longest prior from then on. */
#pragma once
#include "base/base.h"
#include "base/str.h"

enum { DELIVERY_GAPS = 16 };

/* How a measure was delivered so far. 16 gaps of 4 bytes: a BLOB of 64. */
typedef struct Deliveries {
    uint32_t gaps_s[DELIVERY_GAPS]; /* oldest first; 0 from gap_count on */
    uint32_t gap_count;
    uint32_t prior_s; /* A before there are 3 gaps; 0: the measure was never seen with a reading */
    UnixSec last_arrival; /* NO_TIME: no delivery yet */
} Deliveries;

Deliveries deliveries_none(void);
/* At `slot` came a reading of `newest` that is newer than all before. `slot` is the poll's planned
 * time, without jitter, so that gaps are as regular as the polls; the poll at start has only its
 * own. Twice in a slot (a poll and what was asked for because of it) is one delivery. A clock that
 * was set back makes no gap. `period_s` 0: not known. */
void deliveries_add(Deliveries *deliveries, UnixSec slot, UnixSec newest, int64_t period_s);

/* What is to be expected until the next delivery. NO_TIME throughout before the first. */
typedef struct Expectation {
    UnixSec expected_next; /* NO_TIME also before there are 3 gaps */
    UnixSec late_after, stale_after, silent_after;
} Expectation;

/* `newest`: time of the measure's newest reading. `poll_s`: between two polls. */
Expectation deliveries_expect(const Deliveries *deliveries, UnixSec newest, int64_t period_s,
                              int64_t poll_s);

typedef enum Freshness {
    FRESHNESS_FRESH,
    FRESHNESS_LATE,
    FRESHNESS_STALE,
    FRESHNESS_SILENT,
    FRESHNESS_COUNT
} Freshness;

const char *freshness_name(Freshness freshness); /* "fresh", ... */
/* Case ignored. False: no such name. */
bool freshness_find(Str name, Freshness *ret);

#define FRESHNESS_FOR_EVER INT64_MAX /* in truth: until the next delivery */

/* At a poll slot, after what the poll brought was added. A measure whose newest reading has left
 * its station's window is silent whatever this says; the one who trims knows. */
Freshness freshness_at(const Expectation *expectation, UnixSec slot);
/* The first moment after `slot` at which freshness_at() says something else. */
UnixSec freshness_changes_at(const Expectation *expectation, UnixSec slot);
