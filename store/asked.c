#include "store/asked.h"

#include <stdlib.h>

enum { ASKED_KEPT_S = 26 * 3600 }; /* the window, and what a late answer takes */

/* ---- writing: the ingest thread -------------------------------------------------------------- */

/* What lies inside a range that is asked for anew says nothing any more. */
static ErrCode add_range(Db *ledger, const AskedRange *range, Err *err)
{
    static const LedgerWriteSql steps[] = {LEDGER_DROP_ASKED, LEDGER_ADD_ASKED};
    ErrCode rc = OK;
    for (size_t i = 0; i < countof(steps) && rc == OK; i++) {
        sqlite3_stmt *st = sql_begin(ledger, (int) steps[i]);
        sql_bind_str(st, 1, range->station_id);
        sql_bind_str(st, 2, range->measure_id);
        sql_bind_int(st, 3, range->from);
        sql_bind_int(st, 4, range->to);
        sql_bind_int(st, 5, range->asked_at);
        rc = sql_run(ledger, st, err);
    }
    return rc;
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
        rc = add_range(ledger, &ranges[i], err);
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

ErrCode asked_list_read(AskedList *list, Snapshot *snap, Str station_id, Str measure_id, Err *err)
{
    ErrCode rc = ledger_connect(snap, err);
    if (rc != OK)
        return rc;
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(&snap->ledger, LEDGER_ASKED);
    sql_bind_str(st, 1, station_id);
    sql_bind_str(st, 2, measure_id);
    for (;;) {
        bool row = false;
        rc = sql_step(&snap->ledger, st, &row, err);
        if (rc != OK || !row)
            return rc;
        if (list->count == list->cap) {
            size_t cap = list->cap * 2 + 64;
            AskedRange *items = reallocarray(list->items, cap, sizeof *items);
            if (items == NULL)
                return err_set(err, ERR_NO_MEMORY, "no memory for %zu ranges", cap);
            list->items = items;
            list->cap = cap;
        }
        list->items[list->count++] = (AskedRange){.station_id = STR_NONE,
                                                  .measure_id = STR_NONE,
                                                  .from = sql_int(st, 0),
                                                  .to = sql_int(st, 1),
                                                  .asked_at = sql_int(st, 2)};
    }
}
