/* export/blob_s3.h - a bucket of S3, or of whatever speaks its protocol, as BlobStore.
 *
 * An object carries the SHA-256 of its bytes as metadata (x-amz-meta-sha256). The server checks what it
 * receives against the signed digest of each request; what comes back is checked against the metadata. */
#pragma once
#include "export/blob.h"
#include "export/s3.h"

/* `url`: s3://bucket[/prefix]; keys lie below the prefix. Asks nobody anything yet.
 * Owns: ends with blob_store_close(). Errors: ERR_INVALID, ERR_NO_MEMORY. */
MUST_USE ErrCode blob_s3_open(const char *url, const S3Options *options, BlobStore *ret_blobs,
                              Err *err);
bool blob_s3_is_url(const char *url); /* s3://... */
