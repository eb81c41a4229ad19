/* store/lookup.h - which stations a key or a filter can mean. Private to the folder. */
#pragma once
#include "store/inside.h"

typedef struct StationRef {
    int64_t key;
    Str id;
} StationRef;

/* Stations by id, each once; the ids live in the arena given with them. */
typedef struct StationRefs {
    StationRef *items; /* owned */
    size_t count, cap;
} StationRefs;
void station_refs_release(StationRefs *refs);

/* `*ret_filter` is `filter` with its stations' keys replaced by ids. `*ret_all`: any station may
 * pass it; else only those of `refs`, which must still be asked. */
MUST_USE ErrCode lookup_candidates(Snapshot *snap, const Filter *filter, Arena *arena,
                                   Filter *ret_filter, bool *ret_all, StationRefs *refs, Err *err);
