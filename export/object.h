/* export/object.h - a pinned generation as objects: made on disk, then put.
 *
 * The same generation gives the same bytes under the same keys, so that putting them again, after a
 * crash or a failure, changes nothing. Keys and manifest: export/manifest.h. */
#pragma once
#include "export/manifest.h"
#include "export/outfile.h"
#include "store/snapshot.h"

enum { OBJECT_COUNT = 4 };

typedef struct Objects {
    Arena arena;
    Manifest manifest;
    OutFile files[OBJECT_COUNT]; /* in the order of manifest.objects */
    BlobBody bodies[OBJECT_COUNT];
} Objects;

typedef struct ObjectOptions {
    const char *dir;           /* for what is being made; the data directory */
    const char *shard;         /* "1of1" */
    const char *history_class; /* storage class of history/; NULL: the bucket's own */
    const char *storage_class; /* of gen/; the same. What is written over and over has none */
    const Until *until;        /* then what is being made is given up: ERR_STOPPED; or NULL */
    int64_t merge_bytes;       /* of memory, to read files of history while they are joined */
} ObjectOptions;

/* Closes *snap, which is then NULL, as soon as nothing more is read from it.
 * Owns: ends with objects_release(). Errors: ERR_STORAGE, ERR_CORRUPT, ERR_NO_MEMORY. */
MUST_USE ErrCode objects_make(Snapshot **snap, const ObjectOptions *options, Objects *ret_objects,
                              Err *err);
void objects_release(Objects *objects);

/* Objects, then the manifest, then the copies under latest/, then the pointer: who reads the pointer
 * finds everything there. The manifest's JSON is appended to `manifest`. */
MUST_USE ErrCode objects_put(const Objects *objects, const ObjectOptions *options,
                             const BlobStore *blobs, Buf *manifest, Err *err);
