#include "store/copy.h"

#include "base/json.h"
#include "store/inside.h"

enum { ROW_MAX_BYTES = 1 << 20 };

static const char *const NAMES[COPY_TABLE_COUNT] = {
    [COPY_GONE] = "gone", [COPY_STATION] = "station",   [COPY_MEASURE] = "measure",
    [COPY_MORE] = "more", [COPY_DELIVERY] = "delivery", [COPY_ASKED] = "asked"};

const char *copy_table_name(CopyTable table)
{
    return NAMES[table];
}

static void put_column(JsonWriter *json, sqlite3_stmt *st, int at)
{
    switch (sqlite3_column_type(st, at)) {
    case SQLITE_INTEGER:
        json_int(json, sql_int(st, at));
        break;
    case SQLITE_FLOAT:
        json_double(json, sql_real(st, at));
        break;
    case SQLITE_TEXT:
        json_str(json, sql_str(st, at));
        break;
    default:
        json_null(json);
        break;
    }
}

/* What is NULL is left out: most columns are. */
static void put_row(Buf *out, sqlite3_stmt *st)
{
    JsonWriter json = json_writer(out);
    json_open(&json, '{');
    for (int at = 0; at < sqlite3_column_count(st); at++) {
        if (sqlite3_column_type(st, at) == SQLITE_NULL)
            continue;
        json_key(&json, sqlite3_column_name(st, at));
        put_column(&json, st, at);
    }
    json_close(&json, '}');
}

/* Of a bound statement. */
static ErrCode each_row(Db *db, sqlite3_stmt *st, CopyTable table, CopyRowFn *each, void *ctx,
                        Err *err)
{
    CLEANUP(buf_release) Buf text = buf_init(ROW_MAX_BYTES);
    for (bool going = true; going;) {
        bool row = false;
        ErrCode rc = sql_step(db, st, &row, err);
        if (rc != OK || !row)
            return rc;
        buf_clear(&text);
        put_row(&text, st);
        rc = buf_check(&text, err);
        if (rc != OK)
            return rc;
        going = each(table, buf_view(&text), ctx);
    }
    return OK;
}

/* It stands in the ledger, beside the snapshot: each row with the generation that it goes with. */
static ErrCode each_asked(Snapshot *snap, uint64_t after, CopyRowFn *each, void *ctx, Err *err)
{
    ErrCode rc = ledger_connect(snap, err);
    if (rc != OK)
        return rc;
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(&snap->ledger, LEDGER_COPY_ASKED);
    sql_bind_int(st, 1, after == 0 ? -1 : (int64_t) after);
    sql_bind_int(st, 2, (int64_t) snap->meta.generation);
    return each_row(&snap->ledger, st, COPY_ASKED, each, ctx, err);
}

ErrCode snapshot_each_row(Snapshot *snap, CopyTable table, uint64_t after, CopyRowFn *each,
                          void *ctx, Err *err)
{
    static const ReadSql statements[COPY_TABLE_COUNT] = {
        [COPY_GONE] = READ_COPY_GONE,           [COPY_STATION] = READ_COPY_STATIONS,
        [COPY_MEASURE] = READ_COPY_MEASURES,    [COPY_MORE] = READ_COPY_MORE,
        [COPY_DELIVERY] = READ_COPY_DELIVERIES,
    };
    if (table == COPY_ASKED)
        return each_asked(snap, after, each, ctx, err);
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(&snap->db, (int) statements[table]);
    sql_bind_int(st, 1, (int64_t) after);
    return each_row(&snap->db, st, table, each, ctx, err);
}
