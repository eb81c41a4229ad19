/* base/compress.h - bytes made smaller, whole bodies at once. Any thread. */
#pragma once
#include "base/buf.h"

/* Append to `out`, whose ceiling holds for what comes out.
 * Errors: ERR_TOO_LARGE (beyond the ceiling), ERR_NO_MEMORY. */
MUST_USE ErrCode compress_gzip(Str plain, Buf *out, Err *err);
MUST_USE ErrCode compress_zstd(Str plain, Buf *out, Err *err);
