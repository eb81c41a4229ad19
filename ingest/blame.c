#include "ingest/blame.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdlib.h>

enum { CLOCK_SKEW_MAX_S = 60 };

Fault blame_of(ErrCode code)
{
    static const Fault FAULTS[ERR_CODE_COUNT] = {
        [OK] = FAULT_NONE,
        [ERR_NETWORK] = FAULT_NETWORK,
        [ERR_FORMAT] = FAULT_UPSTREAM,
        [ERR_UPSTREAM] = FAULT_UPSTREAM,
        [ERR_NOT_FOUND] = FAULT_UPSTREAM,
        [ERR_STORAGE] = FAULT_STORE,
        [ERR_CORRUPT] = FAULT_STORE,
        [ERR_TOO_LARGE] = FAULT_INGEST,
        [ERR_INVALID] = FAULT_INGEST,
        [ERR_NO_MEMORY] = FAULT_INGEST,
        [ERR_BUSY] = FAULT_INGEST,
        [ERR_STOPPED] = FAULT_NONE,
    };
    return FAULTS[code];
}

UnixSec blame_last_release(UnixSec now)
{
    return now - (now - RELEASE_PHASE_S) % RELEASE_PERIOD_S;
}

ErrCode blame_clock(UnixSec now, UnixSec date, int64_t age_s, Err *err)
{
    if (date == NO_TIME)
        return OK;
    int64_t skew_s = now - date;
    if (llabs(skew_s) <= CLOCK_SKEW_MAX_S || llabs(skew_s - age_s) <= CLOCK_SKEW_MAX_S)
        return OK;
    return err_set(err, ERR_INVALID, "our clock is %lld s %s the upstream's", llabs(skew_s),
                   skew_s > 0 ? "ahead of" : "behind");
}

ErrCode blame_release(UnixSec now, UnixSec modified, int64_t age_s, Err *err)
{
    UnixSec release = blame_last_release(now);
    bool is_later_copy = now - age_s >= release;
    if (modified == NO_TIME || modified >= release || !is_later_copy)
        return OK;
    char since[CLOCK_TEXT_SIZE];
    clock_format(modified, since);
    return err_set(err, ERR_UPSTREAM,
                   "the upstream is stuck: it answers as of %s, and has missed a release", since);
}

ErrCode blame_movement(Movement movement, Err *err)
{
    bool is_due = movement.expected >= BLAME_EXPECTED_ENOUGH ||
                  (movement.expected > 0 && movement.expected * 10 >= movement.measures);
    if (movement.has_moved || !is_due)
        return OK;
    return err_set(err, ERR_UPSTREAM,
                   "the upstream is stuck: nothing is newer, though %" PRId64 "%s of %" PRId64
                   " measures were due",
                   movement.expected, movement.expected >= BLAME_EXPECTED_ENOUGH ? " or more" : "",
                   movement.measures);
}
