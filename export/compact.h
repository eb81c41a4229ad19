/* export/compact.h - joining the files of a day of history into one.
 *
 * A day is due 48 h after its end, and again when files came later. The new file is put first; the
 * ones that it holds are condemned and go 24 h later, for a deletion kills queries that run. In between
 * both stand there, and the view `readings` shows each reading once. However large a day is, some 64 MB of
 * memory join it (export/history_merge.h). */
#pragma once
#include "export/object.h"
#include "store/exports.h"

enum { COMPACT_AFTER_S = 48 * 3600, COMPACT_CONDEMNED_S = 24 * 3600 };

/* Joins every day that is due. *ret_days: how many were. A day that cannot be read is left as it is, and
 * told as the error when all others are done. */
MUST_USE ErrCode compact_days(Exports *exports, const BlobStore *blobs,
                              const ObjectOptions *options, UnixSec now, int *ret_days, Err *err);
/* Removes what has been condemned long enough. */
MUST_USE ErrCode compact_remove(Exports *exports, const BlobStore *blobs, UnixSec now, Err *err);
