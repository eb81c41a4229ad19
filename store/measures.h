/* store/measures.h - the measures of one station. Private to the folder. */
#pragma once
#include "base/buf.h"
#include "store/inside.h"

/* Their ids, by id. Filled anew for each station, so that its memory serves for all of them. */
typedef struct MeasureIds {
    Buf bytes;
    Str *ids; /* owned */
    size_t count, cap;
} MeasureIds;

MeasureIds measure_ids_init(void);
void measure_ids_release(MeasureIds *list);
MUST_USE ErrCode measure_ids_read(MeasureIds *list, Snapshot *snap, int64_t station, Err *err);

/* Whether the filter takes one of them. */
MUST_USE ErrCode station_has_measure(Snapshot *snap, const Filter *filter, const Station *station,
                                     int64_t key, bool *ret_has, Err *err);
