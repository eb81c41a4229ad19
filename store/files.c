#include "store/files.h"

#include "base/clock.h"
#include "store/meta.h"
#include "store/schema.h"
#include "store/statements.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char STORE_NAME[] = "freshet.db", LEDGER_NAME[] = "ledger.db",
                  SPOOL_NAME[] = "spool.db", LOCK_NAME[] = "freshet.lock";

/* ---- the directory --------------------------------------------------------------------------- */

static ErrCode join(char path[static FILES_PATH_SIZE], const char *dir, const char *name, Err *err)
{
    int len = snprintf(path, FILES_PATH_SIZE, "%s/%s", dir, name);
    /* What SQLite and we append (-wal, .damaged-...) must fit too. */
    if (len < 0 || len > FILES_PATH_SIZE - 64)
        return err_set(err, ERR_STORAGE, "data directory: the path is too long: '%.100s...'", dir);
    return OK;
}

static ErrCode lock_dir(Files *files, const char *dir, Err *err)
{
    char path[FILES_PATH_SIZE];
    ErrCode rc = join(path, dir, LOCK_NAME, err);
    if (rc != OK)
        return rc;
    if (mkdir(dir, 0750) != 0 && errno != EEXIST)
        return err_set(err, ERR_STORAGE, "data directory '%s' cannot be made: %s", dir,
                       strerror(errno));
    files->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (files->lock_fd < 0)
        return err_set(err, ERR_STORAGE, "data directory '%s': %s cannot be opened: %s", dir,
                       LOCK_NAME, strerror(errno));
    if (flock(files->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return OK;
    return errno == EWOULDBLOCK
               ? err_set(err, ERR_BUSY, "data directory '%s' is in use by another process", dir)
               : err_set(err, ERR_STORAGE, "data directory '%s' cannot be locked: %s", dir,
                         strerror(errno));
}

int64_t files_bytes(const char *path, const char *suffix)
{
    char name[FILES_PATH_SIZE + 8];
    struct stat st;
    (void) snprintf(name, sizeof name, "%s%s", path, suffix);
    return stat(name, &st) == 0 ? (int64_t) st.st_size : 0;
}

/* ---- setting aside --------------------------------------------------------------------------- */

/* <path>.damaged-20261122T101607Z, or with .1, .2, ... where that is taken. */
static void name_aside(char aside[static FILES_PATH_SIZE], const char *path)
{
    char rfc[CLOCK_TEXT_SIZE], compact[CLOCK_TEXT_SIZE] = "";
    clock_format(clock_now(), rfc);
    for (size_t i = 0, len = 0; rfc[i] != '\0'; i++)
        if (rfc[i] != '-' && rfc[i] != ':')
            compact[len++] = rfc[i];

    (void) snprintf(aside, FILES_PATH_SIZE, "%s.damaged-%s", path, compact);
    for (int i = 1; access(aside, F_OK) == 0; i++)
        (void) snprintf(aside, FILES_PATH_SIZE, "%s.damaged-%s.%d", path, compact, i);
}

/* The log goes with its file: together they can still be looked into. */
static ErrCode set_aside(const char *path, const char *why, char *note, size_t note_size, Err *err)
{
    static const char *const SUFFIXES[] = {"", "-wal", "-shm"};
    char aside[FILES_PATH_SIZE], from[FILES_PATH_SIZE + 8], to[FILES_PATH_SIZE + 8];
    name_aside(aside, path);
    for (size_t i = 0; i < countof(SUFFIXES); i++) {
        (void) snprintf(from, sizeof from, "%s%s", path, SUFFIXES[i]);
        (void) snprintf(to, sizeof to, "%s%s", aside, SUFFIXES[i]);
        if (rename(from, to) != 0 && errno != ENOENT)
            return err_set(err, ERR_STORAGE, "'%s' cannot be set aside: %s", from, strerror(errno));
    }
    size_t used = strlen(note);
    (void) snprintf(note + used, note_size - used, "%sset aside as %s: %s", used > 0 ? "; " : "",
                    aside, why);
    return OK;
}

/* ---- opening --------------------------------------------------------------------------------- */

typedef struct FileKind {
    const char *name;
    const Schema *schema;
    const char *pragmas;
    const SqlText *sql;
    size_t sql_count;
    ErrCode (*look)(Db *db, Err *err); /* whether what must be in it is; NULL: nothing must */
} FileKind;

static ErrCode look_at_meta(Db *db, Err *err)
{
    Meta meta;
    return meta_read(db, WRITE_READ_META, &meta, err);
}

/* A poll changes a page of readings for each measure, and the next again: large pages are written and
 * read in fewer calls, and found faster in the log. What was made with smaller ones keeps them.
 * Checkpoints are the writer's to order. An announced generation may not be un-committed by a power
 * cut, hence FULL. A poll of the whole country visits nearly all pages of readings in turn, 23 MB and
 * more: a cache that does not hold them all would read each anew, and spill what is changed to the log. */
static const FileKind STORE_KIND = {
    .name = STORE_NAME,
    .schema = &STORE_SCHEMA,
    .pragmas = "PRAGMA page_size = 16384; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
               "PRAGMA wal_autocheckpoint = 0;"
               "PRAGMA cache_size = -32768",
    .sql = WRITE_SQL,
    .sql_count = WRITE_SQL_COUNT,
    .look = look_at_meta,
};

/* The ledger may lose its last rows in a power cut. */
static const FileKind LEDGER_KIND = {
    .name = LEDGER_NAME,
    .schema = &LEDGER_SCHEMA,
    .pragmas = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL",
    .sql = LEDGER_WRITE_SQL,
    .sql_count = LEDGER_WRITE_SQL_COUNT,
};

/* Nothing leaves the store before it is here for good, hence FULL. */
static const FileKind SPOOL_KIND = {
    .name = SPOOL_NAME,
    .schema = &SPOOL_SCHEMA,
    .pragmas = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL",
    .sql = SPOOL_WRITE_SQL,
    .sql_count = SPOOL_WRITE_SQL_COUNT,
};

typedef enum Check {
    CHECK_NOTHING,
    CHECK_TABLES, /* all but the readings, which are nearly all of a large file */
    CHECK_WHOLE,  /* its time grows with the file: 20 s a GB */
} Check;

ErrCode files_check_tables(Db *db, Err *err)
{
    /* A row for each table that is not as it should be. */
    static const char SQL[] = "SELECT found.quick_check FROM sqlite_schema AS made,"
                              " pragma_quick_check(made.name) AS found"
                              " WHERE made.type = 'table' AND made.name <> 'reading'"
                              " AND found.quick_check <> 'ok'";
    sqlite3_stmt *st = NULL;
    ErrCode rc = OK;
    int step = sqlite3_prepare_v2(db->handle, SQL, -1, &st, NULL) == SQLITE_OK ? sqlite3_step(st)
                                                                               : SQLITE_ERROR;
    if (step == SQLITE_ROW)
        rc = err_set(err, ERR_CORRUPT, "%s: quick_check: " STR_FMT, db->name,
                     STR_ARG(sql_str(st, 0)));
    else if (step != SQLITE_DONE)
        rc = db_fail(db, err, "quick_check");
    (void) sqlite3_finalize(st);
    return rc;
}

/* Nothing is written before the file is known to be ours: a foreign one stays as it was. */
static ErrCode prepare_file(Db *db, const FileKind *kind, Check check, Err *err)
{
    SchemaFound found = SCHEMA_NONE;
    int64_t version = 0;
    ErrCode rc = schema_find(db, kind->schema, &found, &version, err);
    if (rc != OK)
        return rc;
    if (found == SCHEMA_FOREIGN)
        return err_set(err, ERR_CORRUPT, "%s: it is no database of ours", kind->name);
    if (found == SCHEMA_NEWER)
        return err_set(err, ERR_STORAGE,
                       "%s was made by a newer build (its version is %" PRId64 ", ours %" PRId64
                       "): start that one, or another data directory",
                       kind->name, version, kind->schema->version);
    rc = db_exec(db, kind->pragmas, err);
    if (rc == OK && check != CHECK_NOTHING && found == SCHEMA_OURS)
        rc = check == CHECK_WHOLE ? db_quick_check(db, err) : files_check_tables(db, err);
    if (rc == OK)
        rc = schema_migrate(db, kind->schema, err);
    if (rc != OK)
        return rc;
    rc = db_prepare(db, kind->sql, kind->sql_count, err);
    if (rc == OK && kind->look != NULL)
        rc = kind->look(db, err);
    if (rc == ERR_STORAGE && (sqlite3_errcode(db->handle) & 0xff) == SQLITE_ERROR)
        rc = err->code = ERR_CORRUPT; /* no such table or column: it is not what it says it is */
    return rc;
}

static ErrCode open_file(Db *db, const char *path, const FileKind *kind, Check check,
                         atomic_bool *damaged, Err *err)
{
    if (files_bytes(path, "") == 0 && files_bytes(path, "-wal") > 0) /* SQLite would drop the log */
        return err_set(err, ERR_CORRUPT, "%s: it is empty, its log is not", kind->name);
    ErrCode rc = db_open(db, path, kind->name, DB_WRITE, damaged, err);
    if (rc != OK)
        return rc;
    rc = prepare_file(db, kind, check, err);
    if (rc == OK)
        return OK;
    /* Closing must not checkpoint: what is set aside keeps its log. */
    (void) sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    db_close(db);
    return rc;
}

/* Renames what is damaged; ERR_CORRUPT becomes OK, everything else stays. */
static ErrCode set_aside_damaged(ErrCode rc, const char *path, atomic_bool *damaged, char *note,
                                 size_t note_size, Err *err)
{
    char why[sizeof err->text];
    memcpy(why, err->text, sizeof why);
    if (rc != ERR_CORRUPT)
        return rc;
    rc = set_aside(path, why, note, note_size, err);
    if (rc == OK && damaged != NULL)
        atomic_store(damaged, false); /* what is damaged is no longer here */
    return rc;
}

/* When the file is damaged, once more with a new one. */
static ErrCode open_or_replace(Db *db, const char *path, const FileKind *kind, Check check,
                               atomic_bool *damaged, char *note, size_t note_size, Err *err)
{
    ErrCode rc = open_file(db, path, kind, check, damaged, err);
    if (rc != ERR_CORRUPT)
        return rc;
    rc = set_aside_damaged(rc, path, damaged, note, note_size, err);
    return rc == OK ? open_file(db, path, kind, CHECK_NOTHING, damaged, err) : rc;
}

/* ---- the mark of an orderly close: size and time of the store, kept in the ledger ---- */

static bool look(const char *path, int64_t *ret_bytes, int64_t *ret_changed_ns)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return false;
    *ret_bytes = (int64_t) st.st_size;
    *ret_changed_ns = (int64_t) st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
    return true;
}

/* Damage was met: these are no bytes of a file. */
enum { DAMAGED_BYTES = -1 };

/* How the store was left, and so what is to be looked at. The mark is dropped: from here on a crash
 * needs no trace. A crash alone damages nothing (the log sees to that), so that of a large file the
 * readings are taken on trust until one is found damaged. */
static Check take_mark(Files *files, int64_t check_max_bytes)
{
    Err err;
    int64_t bytes = 0, changed_ns = 0, marked_bytes = 0, marked_ns = 0;
    bool marked = false;
    {
        CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(&files->ledger, LEDGER_READ_CLOSED);
        if (sql_step(&files->ledger, st, &marked, &err) == OK && marked) {
            marked_bytes = sql_int(st, 0);
            marked_ns = sql_int(st, 1);
        }
    }
    bool there = look(files->store_path, &bytes, &changed_ns);
    bool dropped = marked && sql_run(&files->ledger, sql_begin(&files->ledger, LEDGER_DROP_CLOSED),
                                     &err) == OK;
    if (dropped && there && marked_bytes == bytes && marked_ns == changed_ns)
        return CHECK_NOTHING;
    bool is_large = check_max_bytes > 0 && bytes > check_max_bytes;
    return is_large && marked_bytes != DAMAGED_BYTES ? CHECK_TABLES : CHECK_WHOLE;
}

static void set_mark(Files *files, int64_t bytes, int64_t changed_ns)
{
    Err err;
    sqlite3_stmt *st = sql_begin(&files->ledger, LEDGER_SET_CLOSED);
    sql_bind_int(st, 1, bytes);
    sql_bind_int(st, 2, changed_ns);
    if (sql_run(&files->ledger, st, &err) != OK)
        return; /* without it the next open takes longer, that is all */
}

void files_note_damage(Files *files)
{
    set_mark(files, DAMAGED_BYTES, 0);
}

static void put_mark(Files *files)
{
    int64_t bytes = 0, changed_ns = 0;
    if (files_bytes(files->store_path, "-wal") > 0 || !look(files->store_path, &bytes, &changed_ns))
        return; /* the log could not be emptied: the next open shall look */
    set_mark(files, bytes, changed_ns);
}

/* ---- filling --------------------------------------------------------------------------------- */

static bool is_there(const char *path)
{
    return files_bytes(path, "") > 0 || files_bytes(path, "-wal") > 0;
}

static ErrCode note_origin(Files *files, const StoreOrigin *origin, Err *err)
{
    sqlite3_stmt *st = sql_begin(&files->ledger, LEDGER_SET_RESTORED);
    sql_bind_int(st, 1, clock_now());
    sql_bind_str(st, 2, str_of(origin->generation));
    sql_bind_str(st, 3, str_of(origin->source));
    return sql_run(&files->ledger, st, err);
}

/* It is brought beside its place and renamed when it is whole: a crash leaves no half of one.
 * Errors: ERR_NOT_FOUND (there is none to be had), ERR_STORAGE. */
static ErrCode fill(Files *files, const Filler *filler, Err *err)
{
    char path[FILES_PATH_SIZE + 16];
    StoreOrigin origin = {.source = ""};
    (void) snprintf(path, sizeof path, "%s.restoring", files->store_path);
    (void) unlink(path); /* of a run that was killed */
    if (!filler->fn(path, &origin, filler->ctx)) {
        (void) unlink(path);
        return err_set(err, ERR_NOT_FOUND, "there is no good copy of a store");
    }
    if (rename(path, files->store_path) != 0)
        return err_set(err, ERR_STORAGE, "'%s' cannot be renamed: %s", path, strerror(errno));
    return note_origin(files, &origin, err);
}

/* What is not there is fetched; what is damaged is set aside first. What was fetched was checked. */
static ErrCode open_store(Files *files, int64_t check_max_bytes, const Filler *filler,
                          atomic_bool *damaged, char *note, size_t note_size, Err *err)
{
    Check check = take_mark(files, check_max_bytes);
    if (is_there(files->store_path)) {
        ErrCode rc = open_file(&files->store, files->store_path, &STORE_KIND, check, damaged, err);
        rc = set_aside_damaged(rc, files->store_path, damaged, note, note_size, err);
        if (rc != OK || files->store.handle != NULL)
            return rc;
    }
    ErrCode rc = filler->fn != NULL ? fill(files, filler, err) : OK;
    if (rc != OK && rc != ERR_NOT_FOUND)
        return rc;
    return open_or_replace(&files->store, files->store_path, &STORE_KIND, CHECK_NOTHING, damaged,
                           note, note_size, err);
}

/* ---- open, close ----------------------------------------------------------------------------- */

/* All but the store. */
static ErrCode open_around(Files *files, const char *dir, atomic_bool *damaged, char *note,
                           size_t note_size, Err *err)
{
    *files = (Files){.lock_fd = -1};
    ErrCode rc = join(files->store_path, dir, STORE_NAME, err);
    if (rc == OK)
        rc = join(files->ledger_path, dir, LEDGER_NAME, err);
    if (rc == OK)
        rc = join(files->spool_path, dir, SPOOL_NAME, err);
    if (rc == OK)
        rc = lock_dir(files, dir, err);
    if (rc == OK) /* it is small: checked each time */
        rc = open_or_replace(&files->ledger, files->ledger_path, &LEDGER_KIND, CHECK_WHOLE, damaged,
                             note, note_size, err);
    return rc;
}

ErrCode files_open(Files *files, const char *dir, int64_t check_max_bytes, const Filler *filler,
                   atomic_bool *damaged, char *note, size_t note_size, Err *err)
{
    ErrCode rc = open_around(files, dir, damaged, note, note_size, err);
    if (rc == OK)
        rc = open_store(files, check_max_bytes, filler, damaged, note, note_size, err);
    if (rc == OK) /* it may be large, and what damage hides in it is met when it is read */
        rc = open_or_replace(&files->spool, files->spool_path, &SPOOL_KIND, CHECK_NOTHING, damaged,
                             note, note_size, err);
    if (rc != OK)
        files_close(files, true);
    return rc;
}

ErrCode store_restore(const char *data_dir, StoreFillFn *fn, void *ctx, Err *err)
{
    Files files;
    const Filler filler = {.fn = fn, .ctx = ctx};
    char note[STORE_NOTE_SIZE] = "";
    db_setup();
    ErrCode rc = open_around(&files, data_dir, NULL, note, sizeof note, err);
    if (rc == OK && is_there(files.store_path))
        rc = err_set(err, ERR_INVALID, "there is a store in '%s': move it away first", data_dir);
    if (rc == OK)
        rc = fill(&files, &filler, err);
    files_close(&files, true);
    return rc;
}

void files_close(Files *files, bool damaged)
{
    db_close(&files->spool);
    db_close(&files->store); /* the last connection to it: this empties and removes the log */
    if (!damaged)
        put_mark(files);
    db_close(&files->ledger);
    if (files->lock_fd >= 0)
        (void) close(files->lock_fd);
    files->lock_fd = -1;
}
