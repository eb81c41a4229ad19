/* export/restore.h - the newest exported store, put where a store is to be opened from.
 *
 * A generation counts when its manifest stands (export/manifest.h), its store object is what the manifest
 * says, byte for byte, and the store in it is whole and of that generation. One that is not is passed
 * over for the one before it, and said in the log. */
#pragma once
#include "export/blob.h"
#include "store/store.h"

/* `shard`: whose exports; `generation`: "<epoch>-<number>", or none: the newest. The store is written to
 * `path`, checked; what is left there on failure is nobody's.
 * Errors: ERR_NOT_FOUND (none that is good), ERR_NETWORK (the exports cannot be reached), ERR_STORAGE
 * (the disk), ERR_STOPPED, ERR_INVALID. */
MUST_USE ErrCode restore_store(const BlobStore *blobs, Str shard, Str generation, const char *path,
                               StoreOrigin *ret_origin, Err *err);
