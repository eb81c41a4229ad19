/* server/limit.h - how many requests an address may make in a time.
 *
 * The generic cell rate algorithm: each address has one number, the moment at which its whole allowance
 * would be back. A request moves it on by the time in which one is earned; one that would move it
 * further ahead than the allowance is refused and moves nothing. So nothing is counted down by a
 * clock, a burst of the whole allowance passes, and after it one as soon as it is earned.
 *
 * A table of fixed size: where more addresses than it holds are active at once, the one nearest to its
 * whole allowance is forgotten. Any thread. */
#pragma once
#include "base/base.h"
#include "base/str.h"

/* Off where the count is 0. */
typedef struct Rate {
    int64_t count; /* requests */
    int64_t window_s;
} Rate;

enum { RATE_COUNT_MAX = 1000000, RATE_WINDOW_MAX_S = 86400 };

typedef struct Limit Limit;

/* NULL: no memory. Owns: ends with limit_close(). */
Limit *limit_open(Rate rate);
void limit_close(Limit *limit); /* NULL is fine */

typedef struct Allowance {
    bool is_refused;
    int64_t remaining;     /* requests that would pass at once */
    int64_t reset_s;       /* until all of them would, rounded up */
    int64_t retry_after_s; /* until one passes, at least 1; 0 where it was not refused */
} Allowance;

/* One request of `address`, a hash, at `now_us` of a clock that never goes back. */
Allowance limit_take(Limit *limit, uint64_t address, int64_t now_us);
