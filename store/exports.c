#include "store/exports.h"

#include "store/inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { DROP_AT_ONCE = 20000 }; /* rows: the ingest thread must not wait longer than that takes */

struct Exports {
    Store *store;
    Db db;
};

ErrCode exports_open(Store *store, Exports **ret_exports, Err *err)
{
    Exports *exports = calloc(1, sizeof *exports);
    if (exports == NULL)
        return err_set(err, ERR_NO_MEMORY, "store: no memory for exports");
    exports->store = store;
    const Files *files = &store->files;
    ErrCode rc =
        db_open(&exports->db, files->spool_path, files->spool.name, DB_WRITE, &store->damaged, err);
    if (rc == OK)
        rc = db_exec(&exports->db, "PRAGMA synchronous = FULL", err);
    if (rc == OK)
        rc = db_prepare(&exports->db, EXPORT_SQL, EXPORT_SQL_COUNT, err);
    if (rc != OK)
        exports_close(exports);
    else
        *ret_exports = exports;
    return rc;
}

void exports_close(Exports *exports)
{
    if (exports == NULL)
        return;
    db_close(&exports->db);
    free(exports);
}

static ErrCode run(Exports *exports, ExportSql statement, Err *err)
{
    return sql_run(&exports->db, sql_begin(&exports->db, (int) statement), err);
}

static ErrCode run_str(Exports *exports, ExportSql statement, Str value, Err *err)
{
    sqlite3_stmt *st = sql_begin(&exports->db, (int) statement);
    sql_bind_str(st, 1, value);
    return sql_run(&exports->db, st, err);
}

/* Ends a transaction that went well so far, or undoes it. */
static ErrCode end(Exports *exports, ErrCode rc, Err *err)
{
    if (rc == OK)
        rc = run(exports, EXPORT_COMMIT, err);
    if (rc != OK)
        db_rollback(&exports->db);
    return rc;
}

/* ---- the mark ---------------------------------------------------------------------------------- */

/* How far history has come, by a mark that may be of another epoch. What is exported as a generation
 * stands in history before: so history has at least what a copy had; and of what came in the epoch before
 * behind the copy, nothing is in this store. */
static uint64_t generation_of(const Store *store, uint32_t epoch, uint64_t generation)
{
    uint64_t copied = atomic_load(&store->copied);
    if (epoch == atomic_load(&store->epoch))
        return generation;
    return epoch == atomic_load(&store->epoch_before) && generation < copied ? generation : copied;
}

ErrCode exports_read_mark(Store *store, Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(&store->files.spool, SPOOL_READ_MARK);
    bool row = false;
    ErrCode rc = sql_step(&store->files.spool, st, &row, err);
    if (rc == OK && row)
        atomic_store(&store->exported,
                     generation_of(store, (uint32_t) sql_int(st, 0), (uint64_t) sql_int(st, 1)));
    return rc;
}

/* The mark or the plan, which are alike. */
static ErrCode read_point(Exports *exports, ExportSql statement, bool *ret_row, uint32_t *ret_epoch,
                          HistoryMark *ret_mark, Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(&exports->db, (int) statement);
    ErrCode rc = sql_step(&exports->db, st, ret_row, err);
    if (rc != OK || !*ret_row)
        return rc;
    *ret_epoch = (uint32_t) sql_int(st, 0);
    *ret_mark = (HistoryMark){.generation = (uint64_t) sql_int(st, 1), .spool_id = sql_int(st, 2)};
    return OK;
}

static ErrCode write_point(Exports *exports, ExportSql statement, uint32_t epoch, HistoryMark mark,
                           Err *err)
{
    sqlite3_stmt *st = sql_begin(&exports->db, (int) statement);
    sql_bind_int(st, 1, epoch);
    sql_bind_int(st, 2, (int64_t) mark.generation);
    sql_bind_int(st, 3, mark.spool_id);
    return sql_run(&exports->db, st, err);
}

ErrCode exports_mark(Exports *exports, HistoryMark *ret_mark, Err *err)
{
    bool row = false;
    uint32_t epoch = 0;
    HistoryMark mark = {.generation = 0};
    ErrCode rc = read_point(exports, EXPORT_READ_MARK, &row, &epoch, &mark, err);
    if (rc == OK && !row)
        return db_corrupt(&exports->db, err, "its mark is missing");
    mark.generation = generation_of(exports->store, epoch, mark.generation);
    if (rc == OK)
        *ret_mark = mark;
    return rc;
}

/* ---- the spool --------------------------------------------------------------------------------- */

ErrCode exports_spool_end(Exports *exports, int64_t after, int64_t most, int64_t *ret_id, Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(&exports->db, EXPORT_LAST_ID);
    bool row = false;
    sql_bind_int(st, 1, after);
    sql_bind_int(st, 2, most);
    ErrCode rc = sql_step(&exports->db, st, &row, err);
    if (rc == OK)
        *ret_id = row ? sql_int(st, 0) : after;
    return rc;
}

static Spooled row_spooled(sqlite3_stmt *st)
{
    return (Spooled){
        .measure_id = sql_str(st, 0),
        .station_id = sql_str(st, 1),
        .held = sql_int(st, 2) != 0,
        .reading = {.time = sql_int(st, 3),
                    .value = sql_real(st, 4),
                    .flags = (unsigned) sql_int(st, 5),
                    .received = sql_int(st, 6),
                    .revision = sql_int(st, 7)},
        .epoch = (uint32_t) sql_int(st, 8),
        .generation = (uint64_t) sql_int(st, 9),
    };
}

ErrCode exports_each_spooled(Exports *exports, int64_t after, int64_t until, SpooledFn *each,
                             void *ctx, Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(&exports->db, EXPORT_ROWS);
    sql_bind_int(st, 1, after);
    sql_bind_int(st, 2, until);
    for (;;) {
        bool row = false;
        ErrCode rc = sql_step(&exports->db, st, &row, err);
        if (rc != OK || !row)
            return rc;
        Spooled spooled = row_spooled(st);
        spooled.reading.measure_id = spooled.measure_id;
        if (!each(&spooled, ctx))
            return OK;
    }
}

/* In pieces: the ingest thread writes in between. A crash leaves some behind, which the mark passes
 * over and the next call drops. */
static ErrCode drop_exported(Exports *exports, Err *err)
{
    for (;;) {
        sqlite3_stmt *st = sql_begin(&exports->db, EXPORT_DROP_ROWS);
        sql_bind_int(st, 1, DROP_AT_ONCE);
        ErrCode rc = sql_run(&exports->db, st, err);
        if (rc != OK || sqlite3_changes64(exports->db.handle) == 0)
            return rc;
    }
}

/* ---- the plan ---------------------------------------------------------------------------------- */

ErrCode exports_plan(Exports *exports, HistoryMark until, const StrList *keys, Err *err)
{
    ErrCode rc = run(exports, EXPORT_BEGIN, err);
    if (rc != OK)
        return rc;
    rc = write_point(exports, EXPORT_SET_PLAN, exports->store->epoch, until, err);
    for (size_t i = 0; i < keys->count && rc == OK; i++)
        rc = run_str(exports, EXPORT_ADD_PLAN_KEY, keys->items[i], err);
    return end(exports, rc, err);
}

/* The texts of a bound statement's first column. */
static ErrCode list_texts(Exports *exports, sqlite3_stmt *st, Arena *arena, StrList *ret, Err *err)
{
    StrList list = {.count = 0};
    for (;;) {
        bool row = false;
        Str copy;
        ErrCode rc = sql_step(&exports->db, st, &row, err);
        if (rc != OK)
            return rc;
        if (!row)
            break;
        if (!arena_copy(arena, sql_str(st, 0), &copy) || !str_list_add(arena, &list, copy))
            return err_set(err, ERR_NO_MEMORY, "no memory for a list of keys");
    }
    *ret = list;
    return OK;
}

ErrCode exports_planned(Exports *exports, Arena *arena, StrList *ret_keys, Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(&exports->db, EXPORT_PLAN_KEYS);
    return list_texts(exports, st, arena, ret_keys, err);
}

static ErrCode forget_plan(Exports *exports, Err *err)
{
    ErrCode rc = run(exports, EXPORT_DROP_PLAN, err);
    return rc == OK ? run(exports, EXPORT_DROP_PLAN_KEYS, err) : rc;
}

ErrCode exports_drop_plan(Exports *exports, Err *err)
{
    ErrCode rc = run(exports, EXPORT_BEGIN, err);
    return rc == OK ? end(exports, forget_plan(exports, err), err) : rc;
}

ErrCode exports_finish_plan(Exports *exports, Err *err)
{
    bool row = false;
    uint32_t epoch = 0;
    HistoryMark mark = {.generation = 0};
    ErrCode rc = run(exports, EXPORT_BEGIN, err);
    if (rc != OK)
        return rc;
    rc = read_point(exports, EXPORT_READ_PLAN, &row, &epoch, &mark, err);
    assert(rc != OK || row);
    if (rc == OK)
        rc = write_point(exports, EXPORT_SET_MARK, epoch, mark, err);
    if (rc == OK)
        rc = forget_plan(exports, err);
    rc = end(exports, rc, err);
    if (rc != OK)
        return rc;
    atomic_store(&exports->store->exported, mark.generation);
    return drop_exported(exports, err);
}

/* ---- exported generations ---------------------------------------------------------------------- */

ErrCode exports_add(Exports *exports, Str generation, UnixSec as_of, UnixSec exported, Str manifest,
                    Err *err)
{
    sqlite3_stmt *st = sql_begin(&exports->db, EXPORT_ADD);
    sql_bind_str(st, 1, generation);
    sql_bind_int(st, 2, as_of);
    sql_bind_int(st, 3, exported);
    sql_bind_str(st, 4, manifest);
    ErrCode rc = sql_run(&exports->db, st, err);
    if (rc != OK)
        return rc;
    (void) atomic_fetch_add(&exports->store->export_count, 1);
    store_tell_watchers(exports->store);
    return OK;
}

ErrCode exports_each(Exports *exports, ExportFn *each, void *ctx, Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(&exports->db, EXPORT_LIST);
    for (;;) {
        bool row = false;
        ErrCode rc = sql_step(&exports->db, st, &row, err);
        if (rc != OK || !row || !each(sql_str(st, 0), sql_int(st, 1), ctx))
            return rc;
    }
}

ErrCode exports_drop(Exports *exports, Str generation, Err *err)
{
    return run_str(exports, EXPORT_DROP, generation, err);
}

/* ---- condemned objects ------------------------------------------------------------------------- */

ErrCode exports_condemn(Exports *exports, Str key, UnixSec since, Err *err)
{
    sqlite3_stmt *st = sql_begin(&exports->db, EXPORT_CONDEMN);
    sql_bind_str(st, 1, key);
    sql_bind_int(st, 2, since);
    return sql_run(&exports->db, st, err);
}

ErrCode exports_is_condemned(Exports *exports, Str key, bool *ret, Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(&exports->db, EXPORT_IS_CONDEMNED);
    sql_bind_str(st, 1, key);
    return sql_step(&exports->db, st, ret, err);
}

ErrCode exports_condemned(Exports *exports, UnixSec since, Arena *arena, StrList *ret_keys,
                          Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(&exports->db, EXPORT_CONDEMNED);
    sql_bind_int(st, 1, since);
    return list_texts(exports, st, arena, ret_keys, err);
}

ErrCode exports_spare(Exports *exports, Str key, Err *err)
{
    return run_str(exports, EXPORT_SPARE, key, err);
}

uint32_t snapshot_epoch(const Snapshot *snap, uint64_t generation)
{
    return meta_epoch_of(&snap->meta, generation);
}

static ErrCode read_change(Snapshot *snap, ReadSql statement, uint64_t *ret, Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(&snap->db, (int) statement);
    bool row = false;
    ErrCode rc = sql_step(&snap->db, st, &row, err);
    if (rc == OK)
        *ret = row ? (uint64_t) sql_int(st, 0) : 0;
    return rc;
}

ErrCode snapshot_lists_changed(Snapshot *snap, uint64_t *ret_stations, uint64_t *ret_measures,
                               Err *err)
{
    ErrCode rc = read_change(snap, READ_STATIONS_CHANGED, ret_stations, err);
    return rc == OK ? read_change(snap, READ_MEASURES_CHANGED, ret_measures, err) : rc;
}

uint64_t store_export_count(const Store *store)
{
    return atomic_load(&store->export_count);
}

/* ---- for who serves them ----------------------------------------------------------------------- */

static ErrCode connect(Snapshot *snap, Err *err)
{
    if (snap->spool.handle != NULL)
        return OK;
    const Files *files = &snap->store->files;
    ErrCode rc = db_open(&snap->spool, files->spool_path, files->spool.name, DB_READ,
                         &snap->store->damaged, err);
    if (rc == OK)
        rc = db_prepare(&snap->spool, SPOOL_READ_SQL, SPOOL_READ_SQL_COUNT, err);
    if (rc != OK)
        db_close(&snap->spool);
    return rc;
}

ErrCode snapshot_history(Snapshot *snap, HistoryState *ret_state, Err *err)
{
    ErrCode rc = connect(snap, err);
    if (rc != OK)
        return rc;
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(&snap->spool, SPOOL_COUNT);
    bool row = false;
    rc = sql_step(&snap->spool, st, &row, err);
    if (rc != OK)
        return rc;
    if (!row)
        return db_corrupt(&snap->spool, err, "its mark is missing");
    HistoryState state = {
        .exists = sql_int(st, 1) > 0, .lost = sql_int(st, 2), .waiting = sql_int(st, 3)};
    (void) snprintf(state.tag, sizeof state.tag, "%08" PRIx32 "-%" PRIu64,
                    (uint32_t) sql_int(st, 0), (uint64_t) sql_int(st, 1));
    *ret_state = state;
    return OK;
}

ErrCode snapshot_each_export(Snapshot *snap, ManifestFn *each, void *ctx, Err *err)
{
    ErrCode rc = connect(snap, err);
    if (rc != OK)
        return rc;
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(&snap->spool, SPOOL_LIST_EXPORTS);
    for (;;) {
        bool row = false;
        rc = sql_step(&snap->spool, st, &row, err);
        if (rc != OK || !row || !each(sql_str(st, 0), sql_int(st, 1), ctx))
            return rc;
    }
}
