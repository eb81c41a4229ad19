/* store/files.h - the three files in the data directory: whose they are, whether they are whole, and
 * where they go when they are not. Private to the folder. */
#pragma once
#include "store/sql.h"
#include "store/store.h"

enum { FILES_PATH_SIZE = 4096 };

typedef struct Files {
    int lock_fd; /* held: no other process has the directory open */
    char store_path[FILES_PATH_SIZE], ledger_path[FILES_PATH_SIZE], spool_path[FILES_PATH_SIZE];
    Db store, ledger, spool; /* that the ingest thread writes, with WRITE_SQL and so on */
} Files;

/* Who fetches a store from elsewhere; fn NULL: nobody. */
typedef struct Filler {
    StoreFillFn *fn;
    void *ctx;
} Filler;

/* Opens or creates all. A damaged or foreign file is renamed, and told in `note`. A store that is not
 * there is what `filler` brings, or empty. `damaged` is set when corruption is met from now on. *files
 * is whole or, on failure, empty.
 * Errors: ERR_BUSY (another process), ERR_STORAGE. */
MUST_USE ErrCode files_open(Files *files, const char *dir, int64_t check_max_bytes,
                            const Filler *filler, atomic_bool *damaged, char *note,
                            size_t note_size, Err *err);
/* Before files_close(..., true), where damage was met: the next open shall check all of the store. */
void files_note_damage(Files *files);
/* After every other connection is closed. Marks the store as closed in order, so that the next open
 * need not check it, unless `damaged`. */
void files_close(Files *files, bool damaged);

/* Checks all tables but that of the readings, which are nearly all of a large store: its time grows with
 * the file, 20 s a GB. Errors: ERR_CORRUPT, ERR_STORAGE. */
MUST_USE ErrCode files_check_tables(Db *db, Err *err);

int64_t files_bytes(const char *path, const char *suffix); /* 0 when it is not there */
