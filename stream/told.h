/* stream/told.h - how far this store was told to the log: one small file, replaced by rename. */
#pragma once
#include "base/err.h"

typedef struct Told {
    uint32_t epoch;  /* of the store */
    uint64_t number; /* of the last generation that was acknowledged; 0: none was */
    uint32_t log;    /* which log that was */
    UnixSec whole;   /* commit time of the last one that was told whole; NO_TIME: none was */
} Told;

/* `path` has room for a suffix. A file that is not there, or is none of ours, is a told at the
 * beginning: what is told twice is recognised, what is not told is lost.
 * Errors: ERR_STORAGE. */
MUST_USE ErrCode told_read(const char *path, Told *ret_told, Err *err);
MUST_USE ErrCode told_write(const char *path, const Told *told, Err *err);
