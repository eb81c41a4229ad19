#include "store/backup.h"

#include "store/inside.h"

#include <unistd.h>

static ErrCode copy(Snapshot *snap, Db *to, Err *err)
{
    sqlite3_backup *backup = sqlite3_backup_init(to->handle, "main", snap->db.handle, "main");
    if (backup == NULL)
        return db_fail(to, err, "begin backup");
    (void) sqlite3_backup_step(backup, -1);
    return sqlite3_backup_finish(backup) == SQLITE_OK ? OK : db_fail(to, err, "backup");
}

ErrCode snapshot_backup(Snapshot *snap, const char *path, Err *err)
{
    Db to;
    (void) unlink(path);
    ErrCode rc = db_open(&to, path, "backup", DB_WRITE, NULL, err);
    if (rc != OK)
        return rc;
    /* Whoever wants the file reads it before this process ends: it need not survive a power cut. */
    rc = db_exec(&to, "PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF", err);
    if (rc == OK)
        rc = copy(snap, &to, err);
    db_close(&to);
    return rc;
}
