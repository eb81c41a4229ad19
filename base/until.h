/* base/until.h - by when work is to be given up. Said once, by who ends the process, from any thread; asked
 * now and then by who works. */
#pragma once
#include "base/err.h"

#include <stdatomic.h>

typedef struct Until {
    _Atomic int64_t at_ms; /* of clock_elapsed_ms(); INT64_MAX: not yet said */
} Until;

void until_init(Until *until);
void until_set(Until *until, int64_t at_ms);
bool until_passed(const Until *until); /* NULL: it never does */
/* Errors: ERR_STOPPED, when it has passed. */
MUST_USE ErrCode until_check(const Until *until, Err *err);
