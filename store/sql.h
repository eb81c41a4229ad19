/* store/sql.h - a connection with its statements: prepared once, bound, stepped, reset. Private to
 * the folder.
 *
 * A Db belongs to one thread at a time. Every failure carries the file's name, the statement's name
 * and SQLite's own words. */
#pragma once
#include "base/err.h"
#include "base/str.h"

#include <sqlite3.h>
#include <stdatomic.h>

typedef struct SqlText {
    const char *name; /* what it does, for error messages: "store reading" */
    const char *text;
} SqlText;

enum { DB_STATEMENTS_MAX = 96 };

typedef struct Db {
    sqlite3 *handle;      /* NULL: not open */
    const char *name;     /* of the file, without its folder; static */
    atomic_bool *damaged; /* set when SQLite meets corruption; shared; may be NULL */
    const SqlText *sql;
    sqlite3_stmt *statements[DB_STATEMENTS_MAX];
} Db;

typedef enum DbMode { DB_READ, DB_WRITE } DbMode;

/* What SQLite may do for all threads at once is settled here, before its first use. Any thread. */
void db_setup(void);

/* Opens `path`; DB_WRITE creates it. *db is empty again when it fails. */
MUST_USE ErrCode db_open(Db *db, const char *path, const char *name, DbMode mode,
                         atomic_bool *damaged, Err *err);
void db_close(Db *db); /* an empty Db is fine */
MUST_USE ErrCode db_prepare(Db *db, const SqlText *sql, size_t count, Err *err);

/* One or several statements without parameters whose rows nobody wants. */
MUST_USE ErrCode db_exec(Db *db, const char *sql, Err *err);
/* The first column of the first row, of pragmas and counts. */
MUST_USE ErrCode db_query_int(Db *db, const char *sql, int64_t *ret, Err *err);
/* Finds damage anywhere in the file; its time grows with the file. Errors: ERR_CORRUPT. */
MUST_USE ErrCode db_quick_check(Db *db, Err *err);
void db_rollback(Db *db); /* nothing, where SQLite rolled back by itself (a full disk) */

/* SQLite's last error as ours: ERR_CORRUPT, ERR_NO_MEMORY, else ERR_STORAGE. */
ErrCode db_fail(Db *db, Err *err, const char *what);
/* ERR_CORRUPT for what SQLite let pass and we did not write. */
ErrCode db_corrupt(Db *db, Err *err, const char *what);

/* ---- statements: CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(db, READ_META); -------------- */

sqlite3_stmt *sql_begin(Db *db, int statement); /* asserts that it is not in use */
void sql_endp(sqlite3_stmt **st);               /* resets it */

/* One step. *ret_row: there is a row to read. */
MUST_USE ErrCode sql_step(Db *db, sqlite3_stmt *st, bool *ret_row, Err *err);
/* Steps a statement that gives no row, and resets it. */
MUST_USE ErrCode sql_run(Db *db, sqlite3_stmt *st, Err *err);

/* Texts are not copied: they outlive the step. So binding can fail by misuse only. Columns borrow
 * the row. None, NAN and NO_TIME are NULL. */
void sql_bind_str(sqlite3_stmt *st, int at, Str value);
void sql_bind_int(sqlite3_stmt *st, int at, int64_t value);
void sql_bind_real(sqlite3_stmt *st, int at, double value);
void sql_bind_blob(sqlite3_stmt *st, int at, const void *bytes, size_t len);
void sql_bind_time(sqlite3_stmt *st, int at, UnixSec value);
Str sql_str(sqlite3_stmt *st, int at);
int64_t sql_int(sqlite3_stmt *st, int at);
double sql_real(sqlite3_stmt *st, int at);
UnixSec sql_time(sqlite3_stmt *st, int at);
Str sql_blob(sqlite3_stmt *st, int at);
