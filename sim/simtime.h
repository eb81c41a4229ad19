/* sim/simtime.h - what time it is for the simulator, and when it publishes.
 *
 * Three ways: time runs with the real clock, or faster until it has caught up with it, or it stands
 * still and jumps (sim/clock_server.h). Any thread. */
#pragma once
#include "base/base.h"

enum {
    RELEASE_EVERY_S = 900,
    RELEASE_PHASE_S = 201, /* hh:03:21, 18:21, 33:21, 48:21 */
    /* A release shows readings up to 18 min 21 s before it, so that between releases the newest is
       18 to 33 min old. */
    PUBLISH_DELAY_S = 1101,
};

/* Before the first thread. Times are unix milliseconds. */
void simtime_follow(int64_t start_ms,
                    double speed);    /* `start_ms` is now; it never overtakes the real clock */
void simtime_stand(int64_t start_ms); /* moved by simtime_jump() alone */

int64_t simtime_now_ms(void);
UnixSec simtime_now(void);
/* What the server's own clock says in `Date`: the same where time stands, else the real time, for a
 * hurried past is no wrong clock. */
UnixSec simtime_date(void);
void simtime_jump(int64_t to_ms); /* the clock server's */

/* The newest moment of publishing at or before `now`. */
UnixSec release_at(UnixSec now);

/* The multiple of `step` at or before `value`, also for negative ones. */
int64_t floor_to(int64_t value, int64_t step);
