/* sim/exchanges.h - answers an upstream gave to a service, given again when they are due.
 *
 * A folder of files NNNNNN.json (or .json.gz), numbered as the answers came. The first line of each
 * says when, to what and how it was answered, parted by single blanks; the rest is the body as it
 * was, decoded:
 *     2026-01-20T12:05:03Z /data/readings?latest 200
 *     { "@context" : ...
 * The target follows /flood-monitoring and is encoded as it was sent; the status is 0 where no answer
 * came. What does not change once it is opened; any thread may read. */
#pragma once
#include "base/err.h"
#include "base/str.h"

typedef struct Exchanges Exchanges;

typedef struct GivenAnswer {
    UnixSec time;
    unsigned status;  /* 0: the connection ended without an answer */
    Str target, path; /* path: the target without its query */
    Str body;
} GivenAnswer;

/* Owns: ends with exchanges_close(). Errors: ERR_NOT_FOUND (no folder, none in it), ERR_FORMAT (a
 * first line that is not as above), ERR_NO_MEMORY. */
MUST_USE ErrCode exchanges_open(const char *folder, Exchanges **ret_exchanges, Err *err);
void exchanges_close(Exchanges *exchanges); /* NULL is fine */

UnixSec exchanges_start(const Exchanges *exchanges); /* of the first */
/* What was last given to this target at `now`; where that was never asked for, to its path with any
 * query (a `since` is seldom the same twice). 304s are left out: what they confirm is still there.
 * NULL: nothing yet. */
const GivenAnswer *exchanges_find(const Exchanges *exchanges, Str target, UnixSec now);
