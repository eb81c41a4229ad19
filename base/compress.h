/* base/compress.h - bytes made smaller, whole bodies at once. Any thread. */
#pragma once
#include "base/buf.h"

/* Append to `out`, whose ceiling holds for what comes out.
 * Errors: ERR_TOO_LARGE (beyond the ceiling), ERR_NO_MEMORY. */
MUST_USE ErrCode compress_gzip(Str plain, Buf *out, Err *err);
MUST_USE ErrCode compress_zstd(Str plain, Buf *out, Err *err);

/* What stays within the process: a tenth of the time of compress_zstd(), for a third more bytes.
 * The same errors. */
MUST_USE ErrCode compress_pack(Str plain, Buf *out, Err *err);
/* Gives back what was packed. `plain_bytes` is its length; `out` must be as large.
 * False: no memory. */
MUST_USE bool compress_unpack(Str packed, char *out, size_t plain_bytes);
