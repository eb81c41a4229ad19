/* server/resolve.h - the station or measure that a path names. */
#pragma once
#include "server/reply.h"

/* Narrows *filter to the station that the path's argument means; found by another key than its id,
 * Content-Location names the canonical path. Errors: ERR_NOT_FOUND, with the problem in `reply`
 * that lists what is near or what the key means too; those of the store. */
MUST_USE ErrCode resolve_station(const Request *req, Reply *reply, Filter *filter, Err *err);
/* The same for a measure, by its id alone. */
MUST_USE ErrCode resolve_measure(const Request *req, Reply *reply, Filter *filter, Err *err);
