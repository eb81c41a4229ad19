/* store/backup.h - the whole store of one generation as one file, and whether a file is that.
 *
 * The copy says of itself that it is one: a store that is opened from it serves its generation
 * unchanged, and its first new generation draws an epoch of its own. Equal generations are equal
 * files, also when the store that is copied was itself opened from a copy. */
#pragma once
#include "base/until.h"
#include "store/snapshot.h"

/* Writes the store as the snapshot has it to `path`, over what is there; on failure nothing is left. It is on
 * its way to somewhere else: a power cut may lose it. Takes as long as the store is large: 30 MB in 0.1 s.
 * Thread: the one that holds the snapshot. Errors: ERR_STORAGE, ERR_CORRUPT, ERR_NO_MEMORY, ERR_STOPPED
 * (`until`, which may be NULL, has passed). */
MUST_USE ErrCode snapshot_backup(Snapshot *snap, const char *path, const Until *until, Err *err);

/* Reads the whole file and tells which generation it is; changes nothing. Of one beyond `check_max_bytes` (0:
 * none is) all but the readings, as after a crash: 4 GB of them take a minute.
 * Errors: ERR_CORRUPT (damaged, no store of ours, no copy), ERR_INVALID (made by a newer build),
 * ERR_STORAGE. */
MUST_USE ErrCode backup_check(const char *path, int64_t check_max_bytes, SnapshotInfo *ret_info,
                              Err *err);
