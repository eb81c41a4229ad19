/* export/blob.h - where exports go: a directory or a bucket, behind one set of functions.
 *
 * A key is UTF-8, without a leading slash and without empty, "." or ".." parts: gen/1of1/7f3a-9/x.
 * An object is whole or not there: nobody ever reads half of one. All functions block and are used by
 * one thread at a time, the export worker's or main's.
 * Errors of all: ERR_NETWORK, ERR_UPSTREAM, ERR_STORAGE, ERR_BUSY (worth another try),
 * ERR_INVALID (refused: settings, permission, a key that cannot be), ERR_STOPPED. */
#pragma once
#include "base/buf.h"
#include "base/sha256.h"

/* What is put: in memory, or `bytes` of a file from its beginning. */
typedef struct BlobBody {
    Str memory; /* none: it is in the file */
    int fd;     /* its offset is not used; -1: it is in memory */
    int64_t bytes;
    unsigned char sha256[SHA256_BYTES]; /* of exactly these bytes, for who receives them to check */
} BlobBody;

/* False stops early, which is no error. `key` dies when the call returns. */
typedef bool BlobFn(Str key, int64_t bytes, UnixSec modified, void *ctx);

/* Whether a key is one of those that are meant. */
typedef bool BlobTestFn(Str key, void *ctx);

typedef struct BlobStore {
    void *ctx;
    /* Overwrites. `storage_class` as S3 names them, or NULL: the store's own. */
    ErrCode (*put)(void *ctx, Str key, const char *content_type, const char *storage_class,
                   const BlobBody *body, Err *err);
    /* Appends the object to `out`. Errors: ERR_NOT_FOUND; ERR_TOO_LARGE (beyond its ceiling). */
    ErrCode (*get)(void *ctx, Str key, Buf *out, Err *err);
    /* The same to the end of a file. What was written is whole only when this gives OK. */
    ErrCode (*get_file)(void *ctx, Str key, int fd, Err *err);
    /* Every key that begins with `prefix`, in bytewise order. */
    ErrCode (*list)(void *ctx, Str prefix, BlobFn *each, void *each_ctx, Err *err);
    /* A key that is not there is removed already. */
    ErrCode (*remove)(void *ctx, Str key, Err *err);
    /* Removes what puts that never came to their end have left (of a process that was killed): no list shows it,
     * but it takes room, and in a bucket it is paid for. Of keys that `is_meant`, begun before `before`.
     * *ret_count: how many there were. */
    ErrCode (*sweep)(void *ctx, UnixSec before, BlobTestFn *is_meant, void *test_ctx,
                     int *ret_count, Err *err);
    /* What an operator should read: "directory ./data/export", "s3://bucket/prefix"; no secrets. */
    void (*describe)(void *ctx, Buf *out);
    /* Any thread: the process is about to end; from now on nothing is waited for and nothing tried
     * again, and from `at_ms` of clock_elapsed_ms() on all ends with ERR_STOPPED, or within a second. */
    void (*hurry)(void *ctx, int64_t at_ms);
    void (*close)(void *ctx); /* ends ctx; NULL: nothing to end */
} BlobStore;

void blob_store_close(BlobStore *blobs); /* an empty one is fine */

BlobBody blob_memory(Str bytes); /* borrows them, computes their digest */

/* In a directory, made when it is not there. `path` is not kept.
 * Owns: ends with blob_store_close(). Errors: ERR_STORAGE, ERR_NO_MEMORY. */
MUST_USE ErrCode blob_dir_open(const char *path, BlobStore *ret_blobs, Err *err);
