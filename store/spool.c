#include "store/spool.h"

#include "base/metrics.h"

enum {
    GIVEN_KEPT_S = 72 * 3600,
    DROP_AT_ONCE = 4096, /* rows, when it is full */
};

static bool is_wanted(const Spool *spool)
{
    return spool->max_bytes > 0;
}

/* The first trouble of a batch is kept; the reading is gone. */
static void lose(Spool *spool)
{
    spool->lost++;
}

static ErrCode begin(Spool *spool, Err *err)
{
    if (spool->open)
        return OK;
    ErrCode rc = sql_run(spool->db, sql_begin(spool->db, SPOOL_BEGIN), err);
    spool->open = rc == OK;
    return rc;
}

void spool_begin_batch(Spool *spool, const Meta *meta, UnixSec now)
{
    assert(!spool->open);
    spool->meta = meta;
    spool->now = now;
    spool->lost = 0;
    spool->measure = 0;
    spool->err = (Err){.code = OK};
}

/* ---- series ------------------------------------------------------------------------------------ */

static ErrCode find_series(Spool *spool, Str measure, Str station, Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(spool->db, SPOOL_FIND_SERIES);
    bool row = false;
    sql_bind_str(st, 1, measure);
    sql_bind_str(st, 2, station);
    ErrCode rc = sql_step(spool->db, st, &row, err);
    spool->series = rc == OK && row ? sql_int(st, 0) : 0;
    return rc;
}

static ErrCode add_series(Spool *spool, Str measure, Str station, Err *err)
{
    sqlite3_stmt *st = sql_begin(spool->db, SPOOL_ADD_SERIES);
    sql_bind_str(st, 1, measure);
    sql_bind_str(st, 2, station);
    ErrCode rc = sql_run(spool->db, st, err);
    if (rc == OK)
        spool->series = sqlite3_last_insert_rowid(spool->db->handle);
    return rc;
}

/* spool->series becomes that of the measure, whose readings come together. */
static ErrCode enter(Spool *spool, Db *store, int64_t measure, Err *err)
{
    ErrCode rc = begin(spool, err);
    if (rc != OK || spool->measure == measure)
        return rc;
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(store, WRITE_MEASURE_IDS);
    bool row = false;
    sql_bind_int(st, 1, measure);
    rc = sql_step(store, st, &row, err);
    if (rc == OK && !row)
        rc = db_corrupt(store, err, "a reading without its measure or station");
    if (rc == OK)
        rc = find_series(spool, sql_str(st, 0), sql_str(st, 1), err);
    if (rc == OK && spool->series == 0)
        rc = add_series(spool, sql_str(st, 0), sql_str(st, 1), err);
    spool->measure = rc == OK ? measure : 0;
    return rc;
}

/* ---- rows -------------------------------------------------------------------------------------- */

static ErrCode add(Spool *spool, const Reading *reading, bool held, uint64_t generation, Err *err)
{
    sqlite3_stmt *st = sql_begin(spool->db, SPOOL_ADD);
    sql_bind_int(st, 1, spool->series);
    sql_bind_int(st, 2, held);
    sql_bind_int(st, 3, reading->time);
    sql_bind_real(st, 4, reading->value);
    sql_bind_int(st, 5, reading->flags);
    sql_bind_int(st, 6, reading->received);
    sql_bind_int(st, 7, reading->revision);
    sql_bind_int(st, 8, meta_epoch_of(spool->meta, generation));
    sql_bind_int(st, 9, (int64_t) generation);
    return sql_run(spool->db, st, err);
}

/* Each row of `st`, bound, of one measure. */
static void add_rows(Spool *spool, Db *store, sqlite3_stmt *st, int64_t measure)
{
    for (;;) {
        bool row = false;
        ErrCode rc = sql_step(store, st, &row, &spool->err);
        if (rc != OK || !row)
            return;
        const Reading reading = {
            .time = sql_int(st, 0),
            .value = sql_real(st, 1),
            .flags = (unsigned) sql_int(st, 2),
            .received = sql_int(st, 3),
            .revision = sql_int(st, 4),
        };
        rc = enter(spool, store, measure, &spool->err);
        if (rc == OK)
            rc = add(spool, &reading, true, (uint64_t) sql_int(st, 5), &spool->err);
        if (rc != OK)
            lose(spool);
    }
}

static void spool_rows(Spool *spool, Db *store, WriteSql statement, int64_t measure, UnixSec time)
{
    if (!is_wanted(spool))
        return;
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(store, (int) statement);
    sql_bind_int(st, 1, measure);
    sql_bind_int(st, 2, time);
    sql_bind_int(st, 3, (int64_t) atomic_load(spool->exported));
    add_rows(spool, store, st, measure);
}

void spool_trimmed(Spool *spool, Db *store, int64_t measure, UnixSec from)
{
    spool_rows(spool, store, WRITE_TRIMMED, measure, from);
}

void spool_held(Spool *spool, Db *store, int64_t measure, UnixSec time)
{
    spool_rows(spool, store, WRITE_HELD_READING, measure, time);
}

void spool_removed(Spool *spool, Db *store, int64_t measure)
{
    UnixSec newest = NO_TIME;
    {
        CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(store, WRITE_MEASURE_NEWEST);
        bool row = false;
        sql_bind_int(st, 1, measure);
        if (sql_step(store, st, &row, &spool->err) != OK || !row)
            return;
        newest = sql_time(st, 0);
    }
    if (newest == NO_TIME)
        return;
    spool_rows(spool, store, WRITE_TRIMMED, measure, INT64_MAX);
    spool_rows(spool, store, WRITE_HELD_READING, measure, newest);
}

/* *ret_revision: 0 for what was never given, -1 for what was given just so, else one more. */
static ErrCode look_up_given(Spool *spool, const Reading *reading, int64_t *ret_revision, Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(spool->db, SPOOL_FIND_GIVEN);
    bool row = false;
    sql_bind_int(st, 1, spool->series);
    sql_bind_int(st, 2, reading->time);
    ErrCode rc = sql_step(spool->db, st, &row, err);
    if (rc == OK)
        *ret_revision = !row ? 0 : sql_real(st, 0) == reading->value ? -1 : sql_int(st, 1) + 1;
    return rc;
}

static ErrCode remember_given(Spool *spool, const Reading *reading, Err *err)
{
    sqlite3_stmt *st = sql_begin(spool->db, SPOOL_SET_GIVEN);
    sql_bind_int(st, 1, spool->series);
    sql_bind_int(st, 2, reading->time);
    sql_bind_real(st, 3, reading->value);
    sql_bind_int(st, 4, reading->revision);
    sql_bind_int(st, 5, reading->received);
    return sql_run(spool->db, st, err);
}

void spool_expired(Spool *spool, Db *store, int64_t measure, const Reading *given,
                   uint64_t generation)
{
    if (!is_wanted(spool))
        return;
    Reading reading = *given;
    reading.received = spool->now;
    ErrCode rc = enter(spool, store, measure, &spool->err);
    if (rc == OK)
        rc = look_up_given(spool, &reading, &reading.revision, &spool->err);
    if (rc == OK && reading.revision < 0)
        return;
    if (reading.revision > 0)
        reading.flags |= READING_CORRECTED;
    if (rc == OK)
        rc = remember_given(spool, &reading, &spool->err);
    if (rc == OK)
        rc = add(spool, &reading, false, generation, &spool->err);
    if (rc != OK)
        lose(spool);
}

/* ---- ending a batch ---------------------------------------------------------------------------- */

static ErrCode used_bytes(Spool *spool, int64_t *ret, Err *err)
{
    int64_t pages = 0, unused = 0, page_bytes = 0;
    ErrCode rc = db_query_int(spool->db, "PRAGMA page_count", &pages, err);
    if (rc == OK)
        rc = db_query_int(spool->db, "PRAGMA freelist_count", &unused, err);
    if (rc == OK)
        rc = db_query_int(spool->db, "PRAGMA page_size", &page_bytes, err);
    *ret = (pages - unused) * page_bytes;
    return rc;
}

/* Full: the oldest go. */
static ErrCode make_room(Spool *spool, Err *err)
{
    for (;;) {
        int64_t used = 0;
        ErrCode rc = used_bytes(spool, &used, err);
        if (rc != OK || used <= spool->max_bytes)
            return rc;
        sqlite3_stmt *st = sql_begin(spool->db, SPOOL_DROP_OLDEST);
        sql_bind_int(st, 1, DROP_AT_ONCE);
        rc = sql_run(spool->db, st, err);
        int64_t dropped = sqlite3_changes64(spool->db->handle);
        if (rc != OK || dropped == 0)
            return rc;
        spool->lost += dropped;
    }
}

static ErrCode note_lost(Spool *spool, Err *err)
{
    if (spool->lost == 0)
        return OK;
    metric_add(METRIC_HISTORY_LOST, spool->lost);
    ErrCode rc = begin(spool, err);
    if (rc != OK)
        return rc;
    sqlite3_stmt *st = sql_begin(spool->db, SPOOL_ADD_LOST);
    sql_bind_int(st, 1, spool->lost);
    return sql_run(spool->db, st, err);
}

static ErrCode forget_given(Spool *spool, Err *err)
{
    sqlite3_stmt *st = sql_begin(spool->db, SPOOL_TRIM_GIVEN);
    sql_bind_int(st, 1, spool->now - GIVEN_KEPT_S);
    return sql_run(spool->db, st, err);
}

void spool_commit(Spool *spool)
{
    if (!spool->open && spool->lost == 0)
        return;
    Err *err = &spool->err;
    ErrCode rc = begin(spool, err);
    if (rc == OK)
        rc = forget_given(spool, err);
    if (rc == OK)
        rc = make_room(spool, err);
    if (rc == OK)
        rc = note_lost(spool, err);
    if (rc == OK)
        rc = sql_run(spool->db, sql_begin(spool->db, SPOOL_COMMIT), err);
    if (rc != OK)
        db_rollback(spool->db);
    spool->open = false;
}

void spool_rollback(Spool *spool)
{
    if (spool->open)
        db_rollback(spool->db);
    spool->open = false;
}
