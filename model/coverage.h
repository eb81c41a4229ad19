/* model/coverage.h - how much of what there should be is there.
 *
 * Slots of a measure run from the window's start to its newest reading, at the measure's modal
 * phase, one reading in [slot, slot + period). A measure without a period is not counted: its
 * completeness is unknown, never 1.0. Feed it the readings of one measure after the other, each
 * measure's oldest first. One thread, no allocation.
 *
 * Exact while a measure's readings stand at one phase, or at another now and then. With three and
 * more phases `received` is approximate (never more than `expected`), and of the phases only the
 * first COVERAGE_PHASES are candidates. */
#pragma once
#include "model/model.h"
#include "model/window.h"

enum { COVERAGE_PHASES = 8 };

/* A candidate for the modal phase of the measure under way. */
typedef struct CoveragePhase {
    int64_t offset;    /* of its slots from the multiples of the period */
    int64_t count;     /* readings that stand exactly at it */
    int64_t filled;    /* its slots with a reading */
    int64_t last_slot; /* the newest of these */
} CoveragePhase;

typedef struct Coverage {
    UnixSec earliest, latest; /* of all readings; NO_TIME: none */
    int64_t count;            /* readings seen */
    int64_t expected;         /* slots of the measures that have a period */
    int64_t received;         /* of these, filled */
    bool counted;             /* at least one measure had a period */
    /* the measure under way */
    int64_t period_s;
    Window window;
    UnixSec until, until_phase; /* last moment of which something is expected; its newest */
    UnixSec newest;             /* NO_TIME: none yet */
    int64_t seen;               /* readings of it */
    CoveragePhase phases[COVERAGE_PHASES];
    size_t phase_count;
} Coverage;

Coverage coverage_init(void);
/* `window`: what was asked of this measure, inside what its station keeps. `newest`: the measure's
 * newest reading, inside the window or behind it; NO_TIME: none, and so none is expected. */
void coverage_begin_measure(Coverage *coverage, int64_t period_s, Window window, UnixSec newest);
void coverage_add(Coverage *coverage, UnixSec time);
void coverage_end_measure(Coverage *coverage);
/* received / expected; NAN where nothing could be expected. */
double coverage_completeness(const Coverage *coverage);
