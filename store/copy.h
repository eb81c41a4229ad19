/* store/copy.h - generations that were made in one store and are kept in another: what a replica
 * needs of them, told by the one and followed by the other.
 *
 * A generation travels as rows: of stations, measures and what is expected of them as JSON objects of
 * their columns, so that nothing that is served can differ, and as readings. Where a reader falls
 * behind, several generations become one: what counts is where it ends. */
#pragma once
#include "store/snapshot.h"
#include "store/writer.h"

/* In this order: what is gone may have come back since, a measure needs its station, an expectation
 * its measure. `more` is what the upstream says of one station or measure alone, where nothing else
 * of it changed; `asked` what the upstream was asked for between the generation before and this. */
typedef enum CopyTable {
    COPY_GONE,
    COPY_STATION,
    COPY_MEASURE,
    COPY_MORE,
    COPY_DELIVERY,
    COPY_ASKED,
    COPY_TABLE_COUNT
} CopyTable;
const char *copy_table_name(CopyTable table); /* "station" */

/* ---- telling: the thread that holds the snapshot ------------------------------------------------- */

/* The rows of `table` that changed after generation `after` (0: all), by id. The row borrows a
 * buffer that lives until the callback returns; false stops early. */
typedef bool CopyRowFn(CopyTable table, Str row, void *ctx);
MUST_USE ErrCode snapshot_each_row(Snapshot *snap, CopyTable table, uint64_t after, CopyRowFn *each,
                                   void *ctx, Err *err);

/* ---- following: the writer's thread -------------------------------------------------------------- */

/* Where a followed generation ends. */
typedef struct Followed {
    uint32_t epoch;  /* of the log that it came by: that of every store that follows it */
    uint64_t number; /* its own in that log: above all before */
    UnixSec as_of;
    Service service;    /* of the ingester */
    int64_t resume;     /* where to read on, to be kept with it */
    Str ingester;       /* who made it, by its shard, ... */
    uint32_t its_epoch; /* ... and what it was there */
    uint64_t its_number;
    bool whole; /* says all that its ingester holds; else what came after the one before */
} Followed;

typedef struct FollowItem {
    bool is_reading;
    CopyTable table;
    Str row;
    Reading reading; /* with received and revision; stored flags alone count */
} FollowItem;

/* Gives the next item of the generation; *ret_more false: that was all. */
typedef ErrCode FollowNextFn(void *ctx, FollowItem *ret_item, bool *ret_more, Err *err);

/* Applies all of a generation or nothing of it, and keeps its number, epoch, commit time and `resume`
 * as they are told. Windows of touched stations are trimmed as writer_apply() does; nothing is judged
 * by a clock. Of several ingesters the first one at fault, by time and then by name, is the fault of
 * the service. `announce` false: the store knows it, readers are not told yet.
 * Errors: ERR_INVALID (the store belongs to another epoch, or the number is not above the newest),
 * ERR_FORMAT (a row that is none), ERR_STOPPED, ERR_STORAGE, ERR_CORRUPT. */
MUST_USE ErrCode writer_follow(Writer *writer, const Followed *end, bool announce,
                               FollowNextFn *next, void *ctx, Applied *ret_applied, Err *err);

/* The last generation of `ingester` that was followed. ERR_NOT_FOUND: none. */
MUST_USE ErrCode writer_followed(Writer *writer, Str ingester, uint32_t *ret_epoch,
                                 uint64_t *ret_number, Err *err);
/* What the last followed generation gave as `resume`; -1: none was. */
MUST_USE ErrCode writer_resume(Writer *writer, int64_t *ret_resume, Err *err);
/* Tells readers what writer_follow() kept from them. */
void writer_announce(Writer *writer);
