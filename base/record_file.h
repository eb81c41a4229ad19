/* base/record_file.h - records put into a file without a name, and read again in order.
 *
 * For what must be whole before it counts and may be larger than memory. One thread at a time; the
 * file ends with it, whatever happens. Errors: ERR_STORAGE (directory, disk), ERR_NO_MEMORY. */
#pragma once
#include "base/buf.h"

typedef struct RecordFile RecordFile;

typedef struct Record {
    int kind; /* the caller's */
    Str key, value;
} Record;

/* In the directory `dir`. Owns: *ret_file ends with record_file_close(). */
MUST_USE ErrCode record_file_open(const char *dir, RecordFile **ret_file, Err *err);
void record_file_close(RecordFile *file); /* NULL is fine */
void record_file_closep(RecordFile **file);

MUST_USE ErrCode record_file_add(RecordFile *file, const Record *record, Err *err);
/* Back to the first; what is added after that replaces nothing and must not be. */
MUST_USE ErrCode record_file_rewind(RecordFile *file, Err *err);
/* *ret_more: there is one; it borrows the file's memory until the next call. */
MUST_USE ErrCode record_file_next(RecordFile *file, Record *ret_record, bool *ret_more, Err *err);
