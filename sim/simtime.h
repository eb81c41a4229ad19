/* sim/simtime.h - what time it is for the simulator, and when it publishes.
 *
 * A clock, and the time of the network. The clock is the real one, or one that stands still and jumps
 * (sim/clock_server.h). The network's time is the clock's, or is behind it and runs faster until it has
 * caught up. Any thread. */
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
void simtime_follow(int64_t start_ms, double speed); /* `start_ms` is now */
/* The clock stands at `clock_ms`, moved by simtime_jump() alone; the network is `behind_ms` behind. */
void simtime_stand(int64_t clock_ms, int64_t behind_ms, double speed);

int64_t simtime_now_ms(void);
UnixSec simtime_now(void);
int64_t simtime_clock_ms(void);
/* What the server says in `Date`: the clock, for a hurried past is no wrong clock. */
UnixSec simtime_date(void);
void simtime_jump(int64_t to_ms); /* the clock server's */

/* The newest moment of publishing at or before `now`. */
UnixSec release_at(UnixSec now);

/* The multiple of `step` at or before `value`, also for negative ones. */
int64_t floor_to(int64_t value, int64_t step);
