/* export/restore.h - the newest exported store, put where a store is to be opened from.
 *
 * A generation counts when its manifest stands (export/manifest.h), its store object is what the manifest
 * says, byte for byte, and the store in it is whole and of that generation. One that is not is passed
 * over for the one before it, and said in the log. Memory does not grow with the store; the disk holds it and
 * its object. */
#pragma once
#include "export/blob.h"
#include "store/store.h"

typedef struct RestoreOptions {
    Str shard;      /* whose exports */
    Str generation; /* "<epoch>-<number>"; none: the newest */
    /* Of a larger store the readings are what was exported, by its digest, and not looked through. 0: any
     * store is. */
    int64_t check_max_bytes;
} RestoreOptions;

/* The store is written to `path`, checked; what is left there on failure is nobody's.
 * Errors: ERR_NOT_FOUND (none that is good), ERR_NETWORK (the exports cannot be reached), ERR_STORAGE
 * (the disk), ERR_STOPPED, ERR_INVALID. */
MUST_USE ErrCode restore_store(const BlobStore *blobs, const RestoreOptions *options,
                               const char *path, StoreOrigin *ret_origin, Err *err);
