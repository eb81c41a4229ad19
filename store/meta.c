#include "store/meta.h"

#include "store/statements.h"

ErrCode meta_read(Db *db, int statement, Meta *ret_meta, Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(db, statement);
    bool row = false;
    ErrCode rc = sql_step(db, st, &row, err);
    if (rc != OK)
        return rc;
    if (!row)
        return db_corrupt(db, err, "its meta row is missing");
    int64_t fault = sql_int(st, 3);
    if (fault < 0 || fault >= FAULT_COUNT)
        return db_corrupt(db, err, "its meta row names a fault that there is not");
    *ret_meta = (Meta){
        .epoch = (uint32_t) sql_int(st, 0),
        .generation = (uint64_t) sql_int(st, 1),
        .as_of = sql_time(st, 2),
        .service = {.fault = (Fault) fault, .since = sql_time(st, 4)},
        .stations = sql_int(st, 5),
        .measures = sql_int(st, 6),
        .readings = sql_int(st, 7),
    };
    return OK;
}

ErrCode meta_write(Db *db, const Meta *meta, Err *err)
{
    sqlite3_stmt *st = sql_begin(db, WRITE_META);
    sql_bind_int(st, 1, (int64_t) meta->generation);
    sql_bind_time(st, 2, meta->as_of);
    sql_bind_int(st, 3, meta->service.fault);
    sql_bind_time(st, 4, meta->service.since);
    sql_bind_int(st, 5, meta->stations);
    sql_bind_int(st, 6, meta->measures);
    sql_bind_int(st, 7, meta->readings);
    return sql_run(db, st, err);
}
