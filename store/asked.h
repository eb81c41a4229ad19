/* store/asked.h - the ranges that the upstream was asked for, as a snapshot reads them. Private to the
 * folder. */
#pragma once
#include "model/gaps.h"
#include "store/inside.h"

enum { ASKED_KEPT_S = 26 * 3600 }; /* the window, and what a late answer takes */

typedef struct AskedList {
    AskedRange *items; /* owned; whose they are, who reads them knows */
    size_t count, cap;
} AskedList;
void asked_list_release(AskedList *list);

/* Appends those of a station or of a measure; both none: those of every measure, of their shard. */
MUST_USE ErrCode asked_list_read(AskedList *list, Snapshot *snap, Str station_id, Str measure_id,
                                 Err *err);
/* Appends those of `all` whose shard has the station. */
MUST_USE ErrCode asked_list_add(AskedList *list, const AskedList *all, Str station_id, Err *err);
