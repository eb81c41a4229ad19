/* store/backup.h - the store itself as one file, to be kept elsewhere. */
#pragma once
#include "store/snapshot.h"

/* Copies exactly the snapshot's generation to `path`, which is overwritten: the same generation gives
 * the same bytes. Takes as long as the disk does, and holds up nobody: inside its read transaction the
 * copy never has to begin anew.
 * Errors: ERR_STORAGE, ERR_CORRUPT. */
MUST_USE ErrCode snapshot_backup(Snapshot *snap, const char *path, Err *err);
