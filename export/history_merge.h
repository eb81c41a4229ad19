/* export/history_merge.h - sorted files of history as one, in memory that does not grow with them.
 *
 * Of each file that is read a row group is in memory. What is too much for one pass goes to files without a
 * name first, whose row groups are small. The disk holds it all twice meanwhile. Export thread. */
#pragma once
#include "export/object.h"

typedef struct HistoryMerge {
    const BlobStore *blobs;
    const char *dir;      /* for what lies between */
    const Until *until;   /* as in outfile_open() */
    int64_t memory_bytes; /* to read with, two files at least; writing takes some 30 MB more */
    StrList keys;         /* of files of one day that history_rows_write() wrote, or a merge */
} HistoryMerge;

/* By measure's id, time, received, revision, into `out`; of equals one is kept.
 * Errors: ERR_FORMAT (a file is none of ours, or not sorted), ERR_STORAGE, ERR_NO_MEMORY, those of the
 * BlobStore, ERR_STOPPED. */
MUST_USE ErrCode history_merge(const HistoryMerge *merge, OutFile *out, Err *err);
