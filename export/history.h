/* export/history.h - the increments of history: what came since the last one, each reading once for
 * each of its revisions, as one file for each day that it is of.
 *
 * Gathered from a snapshot and the spool, sorted by day, measure and time, then planned, put, finished
 * (store/exports.h). Export thread. */
#pragma once
#include "export/object.h"
#include "store/exports.h"

/* Readings of one increment, at most, but for whole generations: 48 bytes each in memory. */
enum { HISTORY_ROWS_MAX = 2000000 };

typedef struct History History;

/* Removes what a crash left planned. Errors: as the BlobStore; ERR_STORAGE, ERR_CORRUPT. */
MUST_USE ErrCode history_clear_plan(Exports *exports, const BlobStore *blobs, Err *err);

/* What came behind the mark up to the snapshot's generation. The snapshot is not closed and may be when
 * this returns. *ret_more: it was too much for one increment, and another must follow.
 * Owns: ends with history_free(). */
MUST_USE ErrCode history_gather(Exports *exports, Snapshot *snap, const ObjectOptions *options,
                                History **ret_history, bool *ret_more, Err *err);
void history_free(History *history); /* NULL is fine */
/* Puts it and moves the mark; a failure in between leaves the plan. *ret_rows: readings. */
MUST_USE ErrCode history_put(History *history, Exports *exports, const BlobStore *blobs,
                             const ObjectOptions *options, UnixSec now, int64_t *ret_rows,
                             Err *err);
