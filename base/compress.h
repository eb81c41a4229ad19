/* base/compress.h - bytes made smaller. Any thread. */
#pragma once
#include "base/buf.h"

/* Whole bodies at once. Append to `out`, whose ceiling holds for what comes out and the room it is
 * made in. Errors: ERR_TOO_LARGE (beyond the ceiling), ERR_NO_MEMORY. */
MUST_USE ErrCode compress_gzip(Str plain, Buf *out, Err *err);
MUST_USE ErrCode compress_zstd(Str plain, Buf *out, Err *err);

typedef enum Compression { COMPRESSION_ZSTD, COMPRESSION_GZIP } Compression;

/* A body that comes piece by piece. One thread at a time. */
typedef struct Compressor Compressor;

Compressor *compressor_new(Compression kind); /* NULL: no memory */
void compressor_free(Compressor *compressor); /* NULL is fine */
/* Appends what is ready to `out`; with `is_last` all of it. The same errors. */
MUST_USE ErrCode compressor_put(Compressor *compressor, Str piece, bool is_last, Buf *out,
                                Err *err);

/* What stays within the process: a tenth of the time of zstd as others get it, for a third more bytes.
 * The same errors. */
MUST_USE ErrCode compress_pack(Str plain, Buf *out, Err *err);
/* Gives back what was packed. `plain_bytes` is its length; `out` must be as large.
 * False: no memory. */
MUST_USE bool compress_unpack(Str packed, char *out, size_t plain_bytes);
