/* model/gaps.h - which slots of a measure hold no reading, and why.
 *
 * Slots run from the window's start to the measure's newest reading, at the measure's modal phase,
 * one reading in [slot, slot + period). Behind the newest they go on to `as_of`, at most as far
 * back as a window is long: pending until late_after, missing from then on. Event series, and a
 * period neither given nor learnable from at least 8 readings, have no slots, and no completeness.
 * Pure functions, no allocation. */
#pragma once
#include "model/model.h"
#include "model/shard.h"
#include "model/window.h"

/* The upstream was asked for from <= time < to, and answered. */
typedef struct AskedRange {
    Str station_id, measure_id; /* of one of them; both none: of every measure, ... */
    Shard shard;                /* ... of these stations */
    UnixSec from, to, asked_at;
} AskedRange;

typedef enum GapCause {
    GAP_PENDING,  /* it is not late yet */
    GAP_UPSTREAM, /* asked for, and not there */
    GAP_UNASKED,  /* the upstream may have it */
    GAP_CAUSE_COUNT
} GapCause;

const char *gap_cause_name(GapCause cause); /* "pending", ... */

/* Missing slots in a row, of one cause and last asked for at one time. */
typedef struct Gap {
    UnixSec from, to; /* from <= time < to */
    int64_t slots;
    GapCause cause;
    UnixSec asked; /* when all of them were last asked for; NO_TIME: never */
} Gap;

typedef struct GapSeries {
    const Measure *measure; /* with its newest and its expectation */
    Window window;          /* what its station keeps */
    UnixSec as_of;
    const UnixSec *times; /* of its readings in the window, oldest first */
    size_t time_count;
    const AskedRange *asked; /* of it, of its station, of every measure */
    size_t asked_count;
} GapSeries;

typedef struct GapCount {
    int64_t period_s;         /* given or learned; 0: there are no slots */
    int64_t expected;         /* slots that are not pending */
    int64_t received;         /* of these, filled */
    UnixSec earliest, latest; /* of its readings in the window, in a slot or not; NO_TIME: none */
} GapCount;

GapCount gaps_count(const GapSeries *series);
/* Oldest first. False stops early. */
typedef bool GapFn(const Gap *gap, void *ctx);
/* False: `each` has had enough. */
bool gaps_each(const GapSeries *series, GapFn *each, void *ctx);
