/* export/s3_upload.h - an object on its way up to a bucket: in one request, or in parts; and an end to those
 * that were begun in parts and never completed. Export thread, or main's. */
#pragma once
#include "export/blob.h"
#include "export/s3.h"

/* The SHA-256 that an object was put with, 64 hex digits: what it is compared with when it comes back. */
#define S3_DIGEST_FIELD "x-amz-meta-sha256"

typedef struct S3Upload {
    S3 *s3;
    Str key;                                  /* whole */
    const char *content_type, *storage_class; /* NULL: the bucket's own */
    const BlobBody *body;
} S3Upload;

/* In parts, when it is a file of more than part_bytes: at 16 MB each an object may have 150 GB; beyond that they grow.
 * Errors: as of s3_call(); ERR_STORAGE (the file cannot be read), ERR_NO_MEMORY. */
MUST_USE ErrCode s3_upload(const S3Upload *upload, Err *err);

typedef struct S3Sweep {
    S3 *s3;
    const char
        *prefix;    /* "" or with a slash at its end; what `is_meant` is given comes behind it */
    UnixSec before; /* begun before then, by the bucket's clock */
    BlobTestFn *is_meant;
    void *test_ctx;
} S3Sweep;

/* Aborts uploads in parts. Errors: as of s3_call(); ERR_UPSTREAM (a list that is none), ERR_NO_MEMORY. */
MUST_USE ErrCode s3_sweep_uploads(const S3Sweep *sweep, int *ret_count, Err *err);
