/* base/compress.h - bytes made smaller: whole bodies at once, or a stream; and files as they were. Any
 * thread. */
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
 * False: no memory, or it is not what was packed. */
MUST_USE bool compress_unpack(Str packed, char *out, size_t plain_bytes);

typedef enum Codec { CODEC_GZIP, CODEC_ZSTD } Codec;

/* A body that comes in pieces; one thread at a time. The same bytes in give the same bytes out,
 * whatever the pieces. */
typedef struct Compressor Compressor;
/* NULL: no memory. Owns: ends with compressor_free(). */
Compressor *compressor_new(Codec codec);
void compressor_free(Compressor *compressor); /* NULL is fine */
/* Appends to `out` what comes out by now; `last`: all that is left. Errors: as above. */
MUST_USE ErrCode compressor_put(Compressor *compressor, Str piece, bool last, Buf *out, Err *err);
/* What `from` holds as zstd, from its beginning to its end, is written to `to` where that stands.
 * Errors: ERR_FORMAT (no zstd, damaged or cut), ERR_STORAGE, ERR_NO_MEMORY. */
MUST_USE ErrCode uncompress_zstd_file(int from, int to, Err *err);
