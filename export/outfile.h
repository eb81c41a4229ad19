/* export/outfile.h - an object on its way: a file without a name, written from front to back, with
 * its digest. One thread at a time. */
#pragma once
#include "export/blob.h"

typedef struct OutFile {
    int fd; /* -1: not open */
    int64_t bytes;
    Sha256 *sha;
} OutFile;

/* In `dir`, which must be there. Owns: ends with outfile_close(). Errors: ERR_STORAGE, ERR_NO_MEMORY. */
MUST_USE ErrCode outfile_open(const char *dir, OutFile *ret_file, Err *err);
void outfile_close(OutFile *file); /* an empty one is fine */
MUST_USE ErrCode outfile_put(OutFile *file, Str bytes, Err *err);
/* Nothing is put any more: what it is as an object. Borrows the descriptor. */
BlobBody outfile_body(OutFile *file);
