/* ingest/lookup.h - measures met for the first time in a reading: what the upstream knows of each.
 *
 * A few are asked for one by one, with their stations where these are not known either; what the
 * upstream answers 404 for is made of what its id says, so that its readings are kept all the same.
 * Where there are many, the lists cost it less: that is the caller's to see. Ingest thread. */
#pragma once
#include "ingest/upstream.h"
#include "model/filter.h"
#include "store/writer.h"

enum { LOOKUPS_MAX = 25 }; /* measures in one cycle: a list has some 6,700, two lists cost 1 MB */

typedef struct Lookup {
    Buf last; /* owned: the measure asked for last; the next cycle goes on behind it */
} Lookup;

Lookup lookup_init(void);
void lookup_release(Lookup *lookup);

typedef struct LookupCount {
    int64_t found, bare, failed; /* measures */
} LookupCount;

/* Of `batch`, which was applied, only the readings stay whose measures are not known (`ret_unknown`, in
 * order; the batch's): as a release, to be applied again with what is found. Errors: ERR_NO_MEMORY. */
MUST_USE ErrCode lookup_keep_waiting(Batch *batch, const Applied *applied, StrList *ret_unknown,
                                     Err *err);

/* Adds to *batch what is known of `unknown` measures (in order, none is in the store), at most
 * LOOKUPS_MAX of them, as far as the budget goes, and until three in a row have failed. One whose request fails is left out, which is told in
 * the log once; it is asked for again in a later cycle.
 * Errors: ERR_UPSTREAM (asked to come back later: *ret_retry_after_s), ERR_STOPPED, ERR_NO_MEMORY, and
 * those of the store. */
MUST_USE ErrCode lookup_measures(Lookup *lookup, Upstream *upstream, Writer *writer,
                                 const StrList *unknown, Batch *batch, LookupCount *ret_count,
                                 int64_t *ret_retry_after_s, Err *err);
