/* store/more.c - what the upstream says of one station or measure alone. */
#include "store/apply.h"

/* It makes a generation, for answers of the Agency's kind say it. The row is no change of that: what
 * the rest of the service says of the station or measure stays as it was. */
static ErrCode apply_one(Apply *apply, const More *more, Err *err)
{
    sqlite3_stmt *st =
        sql_begin(apply->db, more->is_measure ? WRITE_SET_MEASURE_MORE : WRITE_SET_STATION_MORE);
    sql_bind_str(st, 1, more->id);
    sql_bind_str(st, 2, more->json);
    sql_bind_int(st, 3, (int64_t) apply->generation);
    ErrCode rc = sql_run(apply->db, st, err);
    if (rc != OK || sqlite3_changes64(apply->db->handle) == 0) /* the same as ever, or not known */
        return rc;
    apply->changed = true;
    return OK;
}

ErrCode apply_more(Apply *apply, Err *err)
{
    const Batch *batch = apply->batch;
    ErrCode rc = OK;
    for (size_t i = 0; i < batch->more_count && rc == OK; i++)
        rc = apply_one(apply, &batch->mores[i], err);
    return rc;
}

ErrCode writer_stations_to_ask(Writer *writer, Str after, bool known, size_t max, Arena *arena,
                               StrList *ret_ids, Err *err)
{
    StrList ids = {.items = arena_alloc(arena, (max + 1) * sizeof *ids.items)};
    if (ids.items == NULL)
        return err_set(err, ERR_NO_MEMORY, "no memory for %zu station ids", max);
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(writer->db, WRITE_STATIONS_TO_ASK);
    sql_bind_str(st, 1, after);
    sql_bind_int(st, 2, known);
    sql_bind_int(st, 3, (int64_t) max);
    for (bool row = true; row && ids.count < max;) {
        ErrCode rc = sql_step(writer->db, st, &row, err);
        if (rc != OK)
            return rc;
        if (row && !arena_copy(arena, sql_str(st, 0), &ids.items[ids.count++]))
            return err_set(err, ERR_NO_MEMORY, "no memory for a station id");
    }
    *ret_ids = ids;
    return OK;
}
