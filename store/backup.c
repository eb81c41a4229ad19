#include "store/backup.h"

#include "store/inside.h"
#include "store/schema.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char NAME[] = "copy of the store";

/* ---- making one ------------------------------------------------------------------------------ */

/* Inside the snapshot's transaction it copies exactly that generation, whatever the writer does. */
static ErrCode copy_pages(Snapshot *snap, Db *to, const Until *until, Err *err)
{
    enum { PAGES_AT_ONCE = 4096 }; /* 16 MB: then who must end is asked */
    sqlite3_backup *backup = sqlite3_backup_init(to->handle, "main", snap->db.handle, "main");
    if (backup == NULL)
        return db_fail(to, err, "begin");
    int step = SQLITE_OK;
    ErrCode rc = OK;
    while (rc == OK && step == SQLITE_OK) {
        step = sqlite3_backup_step(backup, PAGES_AT_ONCE);
        rc = until_check(until, err);
    }
    (void) sqlite3_backup_finish(backup); /* tells the same again */
    return rc != OK || step == SQLITE_DONE ? rc : db_fail(to, err, "copy");
}

static ErrCode fail(Err *err, const char *what)
{
    return err_set(err, ERR_STORAGE, "%s: %s: %s", NAME, what, strerror(errno));
}

/* Big-endian numbers of the file's first page, at their places in SQLite's file format. */
enum { HEADER_MODES = 18, HEADER_CHANGES = 24, HEADER_SCHEMA = 40, HEADER_VALID_FOR = 92 };

static bool put_number(int fd, off_t at, uint32_t number)
{
    const unsigned char bytes[] = {(unsigned char) (number >> 24), (unsigned char) (number >> 16),
                                   (unsigned char) (number >> 8), (unsigned char) number};
    return pwrite(fd, bytes, sizeof bytes, at) == (ssize_t) sizeof bytes;
}

/* The pages say that there is a log; a copy is one file. */
static bool drop_log_mode(int fd)
{
    return pwrite(fd, "\1\1", 2, HEADER_MODES) == 2;
}

/* What tells how often the file was written, and would differ between copies of one generation. */
static bool settle_counters(int fd, uint32_t schema)
{
    return put_number(fd, HEADER_CHANGES, 1) && put_number(fd, HEADER_VALID_FOR, 1) &&
           put_number(fd, HEADER_SCHEMA, schema);
}

static ErrCode mark(const char *path, Err *err)
{
    Db db;
    ErrCode rc = db_open(&db, path, NAME, DB_WRITE, NULL, err);
    if (rc != OK)
        return rc;
    rc = db_exec(&db, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF", err);
    if (rc == OK)
        rc = db_exec(&db, "UPDATE meta SET is_copy = 1", err);
    db_close(&db);
    return rc;
}

static ErrCode write_copy(Snapshot *snap, const char *path, const Until *until, Err *err)
{
    Db db;
    ErrCode rc = db_open(&db, path, NAME, DB_WRITE, NULL, err);
    if (rc != OK)
        return rc;
    /* It is worth nothing until it is whole, and gone on: no journal, nothing waited for. */
    rc = db_exec(&db, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF", err);
    if (rc == OK)
        rc = copy_pages(snap, &db, until, err);
    db_close(&db);
    return rc;
}

static ErrCode finish(const char *path, int fd, uint32_t schema, Err *err)
{
    if (!drop_log_mode(fd))
        return fail(err, "write");
    ErrCode rc = mark(path, err);
    if (rc != OK)
        return rc;
    return settle_counters(fd, schema) ? OK : fail(err, "write");
}

ErrCode snapshot_backup(Snapshot *snap, const char *path, const Until *until, Err *err)
{
    int64_t schema = 0;
    ErrCode rc = db_query_int(&snap->db, "PRAGMA schema_version", &schema, err);
    if (rc != OK)
        return rc;
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (fd < 0)
        return err_set(err, ERR_STORAGE, "'%s' cannot be made: %s", path, strerror(errno));
    rc = write_copy(snap, path, until, err);
    if (rc == OK)
        rc = finish(path, fd, (uint32_t) schema, err);
    (void) close(fd);
    if (rc != OK)
        (void) unlink(path);
    return rc;
}

/* ---- judging one ----------------------------------------------------------------------------- */

static ErrCode check_schema(Db *db, Err *err)
{
    SchemaFound found = SCHEMA_NONE;
    int64_t version = 0;
    ErrCode rc = schema_find(db, &STORE_SCHEMA, &found, &version, err);
    if (rc != OK)
        return rc;
    if (found == SCHEMA_NEWER)
        return err_set(err, ERR_INVALID, "%s: made by a newer build (version %" PRId64 ")", NAME,
                       version);
    return found == SCHEMA_OURS ? OK : err_set(err, ERR_CORRUPT, "%s: it is no store", NAME);
}

/* Not by meta_read(), whose statements want the newest schema. */
static ErrCode read_info(Db *db, SnapshotInfo *ret_info, Err *err)
{
    static const struct {
        const char *sql;
        size_t at; /* in SnapshotInfo */
    } numbers[] = {
        {"SELECT generation FROM meta", offsetof(SnapshotInfo, generation)},
        {"SELECT as_of FROM meta", offsetof(SnapshotInfo, as_of)},
        {"SELECT readings FROM meta", offsetof(SnapshotInfo, readings)},
    };
    SnapshotInfo info = {.generation = 0};
    int64_t epoch = 0, is_copy = 0;
    ErrCode rc = db_query_int(db, "SELECT epoch FROM meta", &epoch, err);
    if (rc == OK)
        rc = db_query_int(db, "SELECT is_copy FROM meta", &is_copy, err);
    for (size_t i = 0; rc == OK && i < countof(numbers); i++) {
        int64_t number = 0;
        rc = db_query_int(db, numbers[i].sql, &number, err);
        memcpy((char *) &info + numbers[i].at, &number, sizeof number);
    }
    if (rc != OK)
        return rc;
    if (is_copy != 1)
        return err_set(err, ERR_CORRUPT, "%s: it does not say that it is one", NAME);
    (void) snprintf(info.tag, sizeof info.tag, "%08" PRIx32 "-%" PRIu64, (uint32_t) epoch,
                    info.generation);
    *ret_info = info;
    return OK;
}

ErrCode backup_check(const char *path, int64_t check_max_bytes, SnapshotInfo *ret_info, Err *err)
{
    Db db;
    db_setup();
    ErrCode rc = db_open(&db, path, NAME, DB_READ, NULL, err);
    if (rc != OK)
        return rc;
    rc = check_schema(&db, err);
    bool is_large = check_max_bytes > 0 && files_bytes(path, "") > check_max_bytes;
    if (rc == OK)
        rc = is_large ? files_check_tables(&db, err) : db_quick_check(&db, err);
    if (rc == OK)
        rc = read_info(&db, ret_info, err);
    db_close(&db);
    return rc;
}
