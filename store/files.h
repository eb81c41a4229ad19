/* store/files.h - the two files in the data directory: whose they are, whether they are whole, and
 * where they go when they are not. Private to the folder. */
#pragma once
#include "store/sql.h"

enum { FILES_PATH_SIZE = 4096 };

typedef struct Files {
    int lock_fd; /* held: no other process has the directory open */
    char store_path[FILES_PATH_SIZE], ledger_path[FILES_PATH_SIZE];
    Db store, ledger; /* the only connections that write, with WRITE_SQL and LEDGER_WRITE_SQL */
} Files;

/* Opens or creates both. A damaged or foreign file is renamed, and told in `note`. `damaged` is set
 * when corruption is met from now on. `check_max_bytes`: as StoreOptions. *files is whole or, on failure, empty.
 * Errors: ERR_BUSY (another process), ERR_STORAGE. */
MUST_USE ErrCode files_open(Files *files, const char *dir, int64_t check_max_bytes,
                            atomic_bool *damaged, char *note, size_t note_size, Err *err);
/* After every other connection is closed. Marks the store as closed in order, so that the next open
 * need not check it, or as `damaged`, so that it checks all of it. */
void files_close(Files *files, bool damaged);

int64_t files_bytes(const char *path, const char *suffix); /* 0 when it is not there */
