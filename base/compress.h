/* base/compress.h - bytes made smaller, whole bodies at once; and whole files as they were. Any thread. */
#pragma once
#include "base/buf.h"

/* Append to `out`, whose ceiling holds for what comes out.
 * Errors: ERR_TOO_LARGE (beyond the ceiling), ERR_NO_MEMORY. */
MUST_USE ErrCode compress_gzip(Str plain, Buf *out, Err *err);
MUST_USE ErrCode compress_zstd(Str plain, Buf *out, Err *err);

/* What `from` holds as zstd, from its beginning to its end, is written to `to` where that stands.
 * Errors: ERR_FORMAT (no zstd, damaged or cut), ERR_STORAGE, ERR_NO_MEMORY. */
MUST_USE ErrCode uncompress_zstd_file(int from, int to, Err *err);
