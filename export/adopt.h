/* export/adopt.h - generations that lie where exports go and that nobody here knows of: those that a lost
 * ledger (spool.db) once listed, and what is left of one that was never completed.
 *
 * Of our own shard alone, and never of history. A shard's exports belong to one service: of two that export the
 * same shard to the same place each would keep and remove what the other has put. Export thread. */
#pragma once
#include "export/object.h"
#include "store/exports.h"

enum { ADOPT_LEAVES_S = 24 * 3600 };

/* Lists what has a manifest that is good, and removes what has none and was not touched for ADOPT_LEAVES_S. A
 * manifest that is not good, or a newer build's, stays with all that lies beside it, and is told in the log.
 * *ret_count: generations that are listed now and were not. Errors: as the BlobStore; ERR_STORAGE, ERR_CORRUPT,
 * ERR_NO_MEMORY. */
MUST_USE ErrCode adopt_generations(Exports *exports, const BlobStore *blobs, Str shard, UnixSec now,
                                   int *ret_count, Err *err);
