/* store/spool.h - what history has not got and leaves the store: kept in spool.db until it is
 * exported. Private to the folder; the export side of it is store/exports.h.
 *
 * Its rows are committed before the generation that removes them from the store is: a crash between
 * leaves a reading in both, never in neither. No trouble here stops a batch: what cannot be spooled is
 * counted as lost, and said. All on the ingest thread. */
#pragma once
#include "store/inside.h"

/* Before a batch. */
void spool_begin_batch(Spool *spool, const Meta *meta, UnixSec now);
/* Readings of a measure that are about to be trimmed: those before `from`, as WRITE_TRIM has it. */
void spool_trimmed(Spool *spool, Db *store, int64_t measure, UnixSec from);
/* A reading that is about to be corrected. */
void spool_held(Spool *spool, Db *store, int64_t measure, UnixSec time);
/* All readings of a measure that is about to be removed. */
void spool_removed(Spool *spool, Db *store, int64_t measure);
/* A reading that came outside its station's window, where it was not given in the last 72 h. */
void spool_expired(Spool *spool, Db *store, int64_t measure, const Reading *given,
                   uint64_t generation);
/* Before the batch's commit, or in place of it: what was spooled is kept, or not. */
void spool_commit(Spool *spool);
void spool_rollback(Spool *spool);
