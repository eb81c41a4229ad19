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
        .is_copy = sql_int(st, 8) != 0,
        .epoch_before = (uint32_t) sql_int(st, 9),
        .epoch_before_last = (uint64_t) sql_int(st, 10),
    };
    return OK;
}

uint32_t meta_epoch_of(const Meta *meta, uint64_t generation)
{
    return generation <= meta->epoch_before_last ? meta->epoch_before : meta->epoch;
}

void meta_leave_copy(Meta *meta)
{
    uint32_t epoch = meta->epoch;
    while (epoch == meta->epoch)
        sqlite3_randomness(sizeof epoch, &epoch);
    meta->epoch_before = meta->epoch;
    meta->epoch_before_last = meta->generation;
    meta->epoch = epoch;
    meta->is_copy = false;
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
    sql_bind_int(st, 8, meta->epoch);
    sql_bind_int(st, 9, meta->is_copy);
    sql_bind_int(st, 10, meta->epoch_before);
    sql_bind_int(st, 11, (int64_t) meta->epoch_before_last);
    return sql_run(db, st, err);
}
