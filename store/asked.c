#include "store/asked.h"

#include "base/array.h"

#include <stdlib.h>

/* ---- writing: the ingest thread -------------------------------------------------------------- */

static sqlite3_stmt *bind_range(Db *ledger, LedgerWriteSql statement, const AskedRange *range)
{
    sqlite3_stmt *st = sql_begin(ledger, (int) statement);
    sql_bind_str(st, 1, range->station_id);
    sql_bind_str(st, 2, range->measure_id);
    sql_bind_int(st, 3, range->from);
    sql_bind_int(st, 4, range->to);
    sql_bind_int(st, 5, range->asked_at);
    return st;
}

/* What lies inside a range that is asked for anew says nothing any more. */
static ErrCode add_range(Db *ledger, const AskedRange *range, uint64_t generation, Err *err)
{
    ErrCode rc = sql_run(ledger, bind_range(ledger, LEDGER_DROP_ASKED, range), err);
    if (rc != OK)
        return rc;
    sqlite3_stmt *st = bind_range(ledger, LEDGER_ADD_ASKED, range);
    sql_bind_int(st, 6, (int64_t) generation);
    return sql_run(ledger, st, err);
}

static ErrCode trim_asked(Db *ledger, UnixSec newest, Err *err)
{
    sqlite3_stmt *st = sql_begin(ledger, LEDGER_TRIM_ASKED_BY_AGE);
    sql_bind_int(st, 1, newest - ASKED_KEPT_S);
    ErrCode rc = sql_run(ledger, st, err);
    if (rc == OK)
        rc = sql_run(ledger, sql_begin(ledger, LEDGER_TRIM_ASKED_BY_COUNT), err);
    return rc;
}

ErrCode writer_record_asked(Writer *writer, const AskedRange *ranges, size_t count, Err *err)
{
    Db *ledger = writer->ledger;
    UnixSec newest = NO_TIME;
    if (count == 0)
        return OK;
    ErrCode rc = sql_run(ledger, sql_begin(ledger, LEDGER_BEGIN), err);
    for (size_t i = 0; i < count && rc == OK; i++) {
        rc = add_range(ledger, &ranges[i], writer->meta.generation + 1, err);
        if (ranges[i].asked_at > newest)
            newest = ranges[i].asked_at;
    }
    if (rc == OK)
        rc = trim_asked(ledger, newest, err);
    if (rc == OK)
        rc = sql_run(ledger, sql_begin(ledger, LEDGER_COMMIT), err);
    if (rc != OK)
        db_rollback(ledger);
    return rc;
}

/* ---- reading: through a snapshot ------------------------------------------------------------- */

void asked_list_release(AskedList *list)
{
    free(list->items);
    *list = (AskedList){.items = NULL};
}

static ErrCode add(AskedList *list, const AskedRange *range, Err *err)
{
    if (!array_room(&list->items, list->count, &list->cap, sizeof *range))
        return err_set(err, ERR_NO_MEMORY, "no memory for more than %zu ranges", list->count);
    list->items[list->count++] = *range;
    return OK;
}

/* The rows of `statement`. Only what an ingester asked has its name behind, which is its shard. */
static ErrCode add_rows(AskedList *list, Db *db, int statement, Str station_id, Str measure_id,
                        Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(db, statement);
    sql_bind_str(st, 1, station_id);
    sql_bind_str(st, 2, measure_id);
    for (;;) {
        bool row = false;
        ErrCode rc = sql_step(db, st, &row, err);
        if (rc != OK || !row)
            return rc;
        AskedRange range = {.station_id = STR_NONE,
                            .measure_id = STR_NONE,
                            .from = sql_int(st, 0),
                            .to = sql_int(st, 1),
                            .asked_at = sql_int(st, 2)};
        if (sqlite3_column_count(st) > 3 && !shard_parse(sql_str(st, 3), &range.shard))
            continue; /* named by a later version: nothing is known of what it has */
        rc = add(list, &range, err);
        if (rc != OK)
            return rc;
    }
}

ErrCode asked_list_read(AskedList *list, Snapshot *snap, Str station_id, Str measure_id, Err *err)
{
    ErrCode rc = ledger_connect(snap, err);
    if (rc == OK)
        rc = add_rows(list, &snap->ledger, LEDGER_ASKED, station_id, measure_id, err);
    return rc == OK ? add_rows(list, &snap->db, READ_ASKED, station_id, measure_id, err) : rc;
}

ErrCode asked_list_add(AskedList *list, const AskedList *all, Str station_id, Err *err)
{
    ErrCode rc = OK;
    for (size_t i = 0; i < all->count && rc == OK; i++)
        if (shard_has_station(all->items[i].shard, station_id))
            rc = add(list, &all->items[i], err);
    return rc;
}
