#include "base/until.h"

#include "base/clock.h"

void until_init(Until *until)
{
    atomic_init(&until->at_ms, INT64_MAX);
}

void until_set(Until *until, int64_t at_ms)
{
    atomic_store(&until->at_ms, at_ms);
}

bool until_passed(const Until *until)
{
    return until != NULL && clock_elapsed_ms() >= atomic_load(&until->at_ms);
}

ErrCode until_check(const Until *until, Err *err)
{
    return until_passed(until) ? err_set(err, ERR_STOPPED, "given up: the time to end has come")
                               : OK;
}
