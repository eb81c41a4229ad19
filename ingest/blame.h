/* ingest/blame.h - whose fault it is: what an error code, a clock and an unmoved feed say. Pure. */
#pragma once
#include "base/err.h"
#include "model/model.h"

enum {
    RELEASE_PERIOD_S = 900, /* the upstream publishes every 15 minutes */
    RELEASE_PHASE_S = 201,  /* at hh:03:21 and so on */
};

Fault blame_of(ErrCode code);

/* The last at or before `now`. */
UnixSec blame_last_release(UnixSec now);

/* More than a minute between our clock and theirs is ours to mend: readings are told apart from
 * nonsense by their distance to now. `date`: the answer's, NO_TIME where it says none; a cache in
 * between may give that of `age_s` ago, when it stored it. Errors: ERR_INVALID (it is apart). */
ErrCode blame_clock(UnixSec now, UnixSec date, int64_t age_s, Err *err);

/* An upstream that goes on answering, but with what it said before its last release, is stuck. A copy
 * that a cache made before that release is not. `modified`: the answer's Last-Modified, NO_TIME where
 * it says none. Errors: ERR_UPSTREAM (it is stuck). */
ErrCode blame_release(UnixSec now, UnixSec modified, int64_t age_s, Err *err);

/* What a poll found: did any measure's newest time move, and of how many was that to be expected? */
typedef struct Movement {
    bool has_moved;
    int64_t expected, measures; /* `expected` need not be counted beyond BLAME_EXPECTED_ENOUGH */
} Movement;

enum { BLAME_EXPECTED_ENOUGH = 10 };

/* Nothing moved where ten measures, or a tenth, were expected: the feed is stuck, whatever it says of
 * itself. Errors: ERR_UPSTREAM. */
ErrCode blame_movement(Movement movement, Err *err);
