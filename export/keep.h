/* export/keep.h - which exported generations are kept, and removing the others. */
#pragma once
#include "export/exporter.h"
#include "store/exports.h"

/* Whether a generation of `as_of` is kept at `now`: all for keep_s, then the newest of each day (UTC) for
 * keep_days more. `next_newer`: the generation after it, NO_TIME: it is the newest, which stays. */
bool keep_generation(UnixSec as_of, UnixSec next_newer, UnixSec now, const ExportOptions *options);

/* Removes all objects of a generation: its manifest first, so that nobody takes what is left for whole. */
MUST_USE ErrCode keep_remove(const BlobStore *blobs, Str shard, Str generation, Err *err);
/* Removes what puts of this shard that were begun a day ago and never came to their end have left.
 * *ret_count: of how many. */
MUST_USE ErrCode keep_sweep(const BlobStore *blobs, Str shard, UnixSec now, int *ret_count,
                            Err *err);
/* Removes what is kept no longer, and forgets it. */
MUST_USE ErrCode keep_apply(Exports *exports, const BlobStore *blobs, const ExportOptions *options,
                            UnixSec now, Err *err);
