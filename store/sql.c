#include "store/sql.h"

#include <math.h>
#include <pthread.h>

enum { BUSY_MS = 5000 }; /* an operator's sqlite3 shell, at most; between ourselves nobody waits */

static void configure(void)
{
    /* The statistics of SQLite's allocator are one lock for all threads. Refused, harmlessly, when
     * SQLite is in use already. */
    (void) sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

void db_setup(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void) pthread_once(&once, configure);
}

static void note_damage(const Db *db)
{
    if (db->damaged != NULL)
        atomic_store(db->damaged, true);
}

ErrCode db_fail(Db *db, Err *err, const char *what)
{
    int sqlite_code = db->handle != NULL ? sqlite3_extended_errcode(db->handle) : SQLITE_NOMEM;
    ErrCode code = ERR_STORAGE;
    switch (sqlite_code & 0xff) { /* the extended codes keep the plain one in the low byte */
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        code = ERR_CORRUPT;
        note_damage(db);
        break;
    case SQLITE_NOMEM:
        code = ERR_NO_MEMORY;
        break;
    default:
        break;
    }
    return err_set(err, code, "%s: %s: %s (SQLite %d)", db->name, what,
                   db->handle != NULL ? sqlite3_errmsg(db->handle) : "out of memory", sqlite_code);
}

ErrCode db_corrupt(Db *db, Err *err, const char *what)
{
    note_damage(db);
    return err_set(err, ERR_CORRUPT, "%s: %s", db->name, what);
}

ErrCode db_open(Db *db, const char *path, const char *name, DbMode mode, atomic_bool *damaged,
                Err *err)
{
    int flags =
        SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
        (mode == DB_READ ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    *db = (Db){.name = name, .damaged = damaged};
    ErrCode rc = OK;
    if (sqlite3_open_v2(path, &db->handle, flags, NULL) != SQLITE_OK)
        rc = db_fail(db, err, "open");
    else
        (void) sqlite3_busy_timeout(db->handle, BUSY_MS);
    if (rc == OK && mode == DB_READ)
        rc = db_exec(db, "PRAGMA query_only = 1", err);
    if (rc != OK)
        db_close(db);
    return rc;
}

void db_close(Db *db)
{
    for (size_t i = 0; i < DB_STATEMENTS_MAX; i++)
        (void) sqlite3_finalize(db->statements[i]);
    int rc = sqlite3_close(db->handle);
    assert(rc == SQLITE_OK); /* else a statement of ours was forgotten */
    (void) rc;
    *db = (Db){.handle = NULL};
}

ErrCode db_prepare(Db *db, const SqlText *sql, size_t count, Err *err)
{
    assert(count <= DB_STATEMENTS_MAX);
    db->sql = sql;
    for (size_t i = 0; i < count; i++)
        if (sqlite3_prepare_v3(db->handle, sql[i].text, -1, SQLITE_PREPARE_PERSISTENT,
                               &db->statements[i], NULL) != SQLITE_OK)
            return db_fail(db, err, sql[i].name);
    return OK;
}

ErrCode db_exec(Db *db, const char *sql, Err *err)
{
    return sqlite3_exec(db->handle, sql, NULL, NULL, NULL) == SQLITE_OK ? OK
                                                                        : db_fail(db, err, sql);
}

ErrCode db_query_int(Db *db, const char *sql, int64_t *ret, Err *err)
{
    sqlite3_stmt *st = NULL;
    ErrCode rc = OK;
    if (sqlite3_prepare_v2(db->handle, sql, -1, &st, NULL) != SQLITE_OK ||
        sqlite3_step(st) != SQLITE_ROW)
        rc = db_fail(db, err, sql);
    else
        *ret = sqlite3_column_int64(st, 0);
    (void) sqlite3_finalize(st);
    return rc;
}

ErrCode db_quick_check(Db *db, Err *err)
{
    sqlite3_stmt *st = NULL;
    ErrCode rc = OK;
    if (sqlite3_prepare_v2(db->handle, "PRAGMA quick_check(1)", -1, &st, NULL) != SQLITE_OK ||
        sqlite3_step(st) != SQLITE_ROW)
        rc = db_fail(db, err, "quick_check");
    else if (!str_eq(sql_str(st, 0), STR("ok")))
        rc = err_set(err, ERR_CORRUPT, "%s: quick_check: " STR_FMT, db->name,
                     STR_ARG(sql_str(st, 0)));
    (void) sqlite3_finalize(st);
    return rc;
}

void db_rollback(Db *db)
{
    if (!sqlite3_get_autocommit(db->handle))
        (void) sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
}

sqlite3_stmt *sql_begin(Db *db, int statement)
{
    sqlite3_stmt *st = db->statements[statement];
    assert(st != NULL && !sqlite3_stmt_busy(st));
    return st;
}

void sql_endp(sqlite3_stmt **st)
{
    (void) sqlite3_reset(*st); /* repeats the step's error, reported by then */
}

static const char *name_of(const Db *db, sqlite3_stmt *st)
{
    for (size_t i = 0; i < DB_STATEMENTS_MAX; i++)
        if (db->statements[i] == st)
            return db->sql[i].name;
    return sqlite3_sql(st);
}

ErrCode sql_step(Db *db, sqlite3_stmt *st, bool *ret_row, Err *err)
{
    int rc = sqlite3_step(st);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return db_fail(db, err, name_of(db, st));
    *ret_row = rc == SQLITE_ROW;
    return OK;
}

ErrCode sql_run(Db *db, sqlite3_stmt *st, Err *err)
{
    bool row = false;
    ErrCode rc = sql_step(db, st, &row, err);
    assert(!row);
    (void) sqlite3_reset(st);
    return rc;
}

/* ---- values ---------------------------------------------------------------------------------- */

static void bound(int rc)
{
    assert(rc == SQLITE_OK);
    (void) rc;
}

void sql_bind_str(sqlite3_stmt *st, int at, Str value)
{
    if (str_is_none(value))
        bound(sqlite3_bind_null(st, at));
    else
        bound(sqlite3_bind_text64(st, at, value.ptr, value.len, SQLITE_STATIC, SQLITE_UTF8));
}

void sql_bind_int(sqlite3_stmt *st, int at, int64_t value)
{
    bound(sqlite3_bind_int64(st, at, value));
}

void sql_bind_real(sqlite3_stmt *st, int at, double value)
{
    bound(sqlite3_bind_double(st, at, value)); /* NAN becomes NULL */
}

void sql_bind_time(sqlite3_stmt *st, int at, UnixSec value)
{
    bound(value == NO_TIME ? sqlite3_bind_null(st, at) : sqlite3_bind_int64(st, at, value));
}

void sql_bind_blob(sqlite3_stmt *st, int at, const void *bytes, size_t len)
{
    bound(sqlite3_bind_blob64(st, at, bytes, len, SQLITE_STATIC));
}

Str sql_blob(sqlite3_stmt *st, int at)
{
    const char *bytes = sqlite3_column_blob(st, at);
    return (Str){bytes, bytes != NULL ? (size_t) sqlite3_column_bytes(st, at) : 0};
}

Str sql_str(sqlite3_stmt *st, int at)
{
    const char *text = (const char *) sqlite3_column_text(st, at);
    return (Str){text, text != NULL ? (size_t) sqlite3_column_bytes(st, at) : 0};
}

int64_t sql_int(sqlite3_stmt *st, int at)
{
    return sqlite3_column_int64(st, at);
}

double sql_real(sqlite3_stmt *st, int at)
{
    return sqlite3_column_type(st, at) == SQLITE_NULL ? NAN : sqlite3_column_double(st, at);
}

UnixSec sql_time(sqlite3_stmt *st, int at)
{
    return sqlite3_column_type(st, at) == SQLITE_NULL ? NO_TIME : sqlite3_column_int64(st, at);
}
