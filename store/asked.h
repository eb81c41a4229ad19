/* store/asked.h - the ranges that the upstream was asked for, as a snapshot reads them. Private to the
 * folder. */
#pragma once
#include "model/gaps.h"
#include "store/inside.h"

typedef struct AskedList {
    AskedRange *items; /* owned; of no measure: who asked knows which */
    size_t count, cap;
} AskedList;
void asked_list_release(AskedList *list);

/* Appends those of a station or of a measure; both none: those of every measure. */
MUST_USE ErrCode asked_list_read(AskedList *list, Snapshot *snap, Str station_id, Str measure_id,
                                 Err *err);
