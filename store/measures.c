#include "store/measures.h"

#include "base/array.h"
#include "store/meant.h"
#include "store/rows.h"

#include <stdlib.h>

MeasureIds measure_ids_init(void)
{
    enum { IDS_MAX_BYTES = 64 << 20 }; /* of one station: never reached */
    return (MeasureIds){.bytes = buf_init(IDS_MAX_BYTES)};
}

void measure_ids_release(MeasureIds *list)
{
    buf_release(&list->bytes);
    free(list->ids);
}

/* Copied, as each id dies with its row. The bytes move while they grow: pointers come last. */
ErrCode measure_ids_read(MeasureIds *list, Snapshot *snap, int64_t station, Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(&snap->db, READ_MEASURE_IDS);
    sql_bind_int(st, 1, station);
    buf_clear(&list->bytes);
    list->count = 0;
    for (;;) {
        bool row = false;
        ErrCode rc = sql_step(&snap->db, st, &row, err);
        if (rc == OK && row && !array_room(&list->ids, list->count, &list->cap, sizeof *list->ids))
            rc =
                err_set(err, ERR_NO_MEMORY, "no memory for more than %zu measure ids", list->count);
        if (rc != OK)
            return rc;
        if (!row)
            break;
        Str id = sql_str(st, 0);
        list->ids[list->count++].len = id.len;
        buf_put_str(&list->bytes, id);
        buf_put_char(&list->bytes, '\0');
    }
    ErrCode rc = buf_check(&list->bytes, err);
    const char *at = buf_view(&list->bytes).ptr;
    for (size_t i = 0; i < list->count && rc == OK; i++) {
        list->ids[i].ptr = at;
        at += list->ids[i].len + 1;
    }
    return rc;
}

ErrCode station_has_measure(Snapshot *snap, const Filter *filter, const Station *station,
                            int64_t key, bool *ret_has, Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(&snap->db, READ_MEASURES);
    sql_bind_int(st, 1, key);
    *ret_has = false;
    while (!*ret_has) {
        bool row = false;
        int64_t measure_key = 0;
        ErrCode rc = sql_step(&snap->db, st, &row, err);
        if (rc != OK || !row)
            return rc;
        const Measure measure = row_measure(st, &measure_key);
        rc = measure_is_taken(snap, filter, station, &measure, measure_key, ret_has, err);
        if (rc != OK)
            return rc;
    }
    return OK;
}
