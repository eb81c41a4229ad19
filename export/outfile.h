/* export/outfile.h - an object on its way: a file without a name, written from front to back, with
 * its digest. One thread at a time. */
#pragma once
#include "base/until.h"
#include "export/blob.h"

typedef struct OutFile {
    int fd; /* -1: not open */
    int64_t bytes;
    Sha256 *sha;
    const Until *until;
} OutFile;

/* In `dir`, which must be there. `until`, NULL or outliving it: then nothing more can be put, which ends whatever
 * makes the file. Owns: ends with outfile_close(). Errors: ERR_STORAGE, ERR_NO_MEMORY. */
MUST_USE ErrCode outfile_open(const char *dir, const Until *until, OutFile *ret_file, Err *err);
void outfile_close(OutFile *file);                                /* an empty one is fine */
MUST_USE ErrCode outfile_put(OutFile *file, Str bytes, Err *err); /* ERR_STORAGE, ERR_STOPPED */
/* Nothing is put any more: what it is as an object. Borrows the descriptor. */
BlobBody outfile_body(OutFile *file);
