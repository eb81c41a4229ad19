/* model/coverage.h - how much of what there should be is there.
 *
 * Slots of a measure run from the window's start to its newest reading, at the measure's modal
 * phase, one reading in [slot, slot + period). A measure without a period is not counted: its
 * completeness is unknown, never 1.0. Feed it the readings of one measure after the other, each
 * measure's oldest first. One thread, no allocation. */
#pragma once
#include "model/model.h"
#include "model/window.h"

enum { COVERAGE_PHASES = 8 };

typedef struct Coverage {
    UnixSec earliest, latest; /* of all readings; NO_TIME: none */
    int64_t count;            /* readings seen */
    int64_t expected;         /* slots of the measures that have a period */
    int64_t received;         /* of these, filled */
    bool counted;             /* at least one measure had a period */
    /* the measure under way */
    int64_t period_s;
    Window window;
    UnixSec first, last, last_slot_time;
    int64_t in_window;
    struct { int64_t offset, count; } phases[COVERAGE_PHASES];
    size_t phase_count;
} Coverage;

Coverage coverage_init(void);
/* `window`: what was asked of this measure, inside what its station keeps. */
void coverage_begin_measure(Coverage *coverage, int64_t period_s, Window window);
void coverage_add(Coverage *coverage, UnixSec time);
void coverage_end_measure(Coverage *coverage);
/* received / expected; NAN where nothing could be expected. */
double coverage_completeness(const Coverage *coverage);
