#define ZLIB_CONST
#include "base/compress.h"

#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

/* JSON of the whole country: level 6 is 3 % smaller than 4 and takes a third longer, 9 gains
 * nothing; zstd's 3 is smaller than gzip's 6 in a fifth of the time. */
enum { GZIP_LEVEL = 6, GZIP_WINDOW = 15 + 16, ZSTD_LEVEL = 3, PACK_LEVEL = -3 };

static ErrCode no_memory(Err *err)
{
    return err_set(err, ERR_NO_MEMORY, "no memory to compress");
}

/* ---- piece by piece -------------------------------------------------------------------------- */

struct Compressor {
    ZSTD_CCtx *zstd; /* NULL: it is gzip */
    z_stream gzip;
};

Compressor *compressor_new(Compression kind)
{
    Compressor *compressor = calloc(1, sizeof *compressor);
    if (compressor == NULL)
        return NULL;
    bool made = false;
    if (kind == COMPRESSION_ZSTD) {
        compressor->zstd = ZSTD_createCCtx();
        made = compressor->zstd != NULL &&
               !ZSTD_isError(
                   ZSTD_CCtx_setParameter(compressor->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL));
    } else {
        made = deflateInit2(&compressor->gzip, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, 8,
                            Z_DEFAULT_STRATEGY) == Z_OK;
    }
    if (made)
        return compressor;
    (void) ZSTD_freeCCtx(compressor->zstd);
    free(compressor);
    return NULL;
}

void compressor_free(Compressor *compressor)
{
    if (compressor == NULL)
        return;
    if (compressor->zstd == NULL)
        (void) deflateEnd(&compressor->gzip);
    (void) ZSTD_freeCCtx(compressor->zstd);
    free(compressor);
}

/* One round each: *piece becomes what is left of it. False: no memory. *ret_done: it has all been
 * taken, and the last of it given. */
static bool step_zstd(Compressor *compressor, Str *piece, bool is_last, char *to, size_t *room,
                      bool *ret_done)
{
    ZSTD_inBuffer in = {.src = piece->ptr, .size = piece->len};
    ZSTD_outBuffer out = {.dst = to, .size = *room};
    size_t left =
        ZSTD_compressStream2(compressor->zstd, &out, &in, is_last ? ZSTD_e_end : ZSTD_e_continue);
    *piece = (Str){piece->ptr + in.pos, piece->len - in.pos};
    *room -= out.pos;
    *ret_done = piece->len == 0 && (!is_last || left == 0);
    return !ZSTD_isError(left);
}

static bool step_gzip(Compressor *compressor, Str *piece, bool is_last, char *to, size_t *room,
                      bool *ret_done)
{
    z_stream *z = &compressor->gzip;
    uInt taken = piece->len < UINT_MAX ? (uInt) piece->len : UINT_MAX;
    z->next_in = (const Bytef *) piece->ptr; /* ZLIB_CONST: zlib only reads it */
    z->avail_in = taken;
    z->next_out = (Bytef *) to;
    z->avail_out = (uInt) *room;
    int rc = deflate(z, is_last && taken == piece->len ? Z_FINISH : Z_NO_FLUSH);
    taken -= z->avail_in;
    *piece = (Str){piece->ptr + taken, piece->len - taken};
    *room = z->avail_out;
    *ret_done = is_last ? rc == Z_STREAM_END : piece->len == 0 && *room > 0;
    return rc == Z_OK || rc == Z_STREAM_END || rc == Z_BUF_ERROR; /* the last: nothing to do */
}

ErrCode compressor_put(Compressor *compressor, Str piece, bool is_last, Buf *out, Err *err)
{
    enum { ROOM_MIN = 4096 };
    bool done = false;
    while (!done) {
        size_t want = piece.len / 4 + ROOM_MIN, room = want;
        char *to = buf_reserve(out, want);
        if (to == NULL)
            return buf_check(out, err);
        bool stepped = compressor->zstd != NULL
                           ? step_zstd(compressor, &piece, is_last, to, &room, &done)
                           : step_gzip(compressor, &piece, is_last, to, &room, &done);
        if (!stepped)
            return no_memory(err);
        buf_grew(out, want - room);
    }
    return OK;
}

static ErrCode compress_whole(Compression kind, Str plain, Buf *out, Err *err)
{
    Compressor *compressor = compressor_new(kind);
    if (compressor == NULL)
        return no_memory(err);
    ErrCode rc = compressor_put(compressor, plain, true, out, err);
    compressor_free(compressor);
    return rc;
}

ErrCode compress_gzip(Str plain, Buf *out, Err *err)
{
    return compress_whole(COMPRESSION_GZIP, plain, out, err);
}

ErrCode compress_zstd(Str plain, Buf *out, Err *err)
{
    return compress_whole(COMPRESSION_ZSTD, plain, out, err);
}

/* ---- what stays within the process ----------------------------------------------------------- */

/* What zstd works with is some 100 KB: making it anew costs more than a small body does. So each
 * thread keeps its own. */
typedef struct Packer {
    ZSTD_CCtx *in;
    ZSTD_DCtx *out;
} Packer;

static pthread_key_t packer_key;
static pthread_once_t packer_once = PTHREAD_ONCE_INIT;

static void packer_free(void *of_thread)
{
    Packer *packer = of_thread;
    (void) ZSTD_freeCCtx(packer->in);
    (void) ZSTD_freeDCtx(packer->out);
    free(packer);
}

static void make_packer_key(void)
{
    int failure = pthread_key_create(&packer_key, packer_free);
    assert(failure == 0); /* one of a process's 1024 */
    (void) failure;
}

/* NULL: no memory. */
static Packer *packer_of_thread(void)
{
    (void) pthread_once(&packer_once, make_packer_key);
    Packer *packer = pthread_getspecific(packer_key);
    if (packer != NULL)
        return packer;
    packer = calloc(1, sizeof *packer);
    if (packer == NULL || pthread_setspecific(packer_key, packer) != 0) {
        free(packer);
        return NULL;
    }
    return packer;
}

ErrCode compress_pack(Str plain, Buf *out, Err *err)
{
    Packer *packer = packer_of_thread();
    if (packer != NULL && packer->in == NULL)
        packer->in = ZSTD_createCCtx();
    if (packer == NULL || packer->in == NULL)
        return no_memory(err);
    size_t bound = ZSTD_compressBound(plain.len);
    char *to = buf_reserve(out, bound);
    if (to == NULL)
        return buf_check(out, err);
    size_t len = ZSTD_compressCCtx(packer->in, to, bound, plain.ptr, plain.len, PACK_LEVEL);
    if (ZSTD_isError(len))
        return no_memory(err);
    buf_grew(out, len);
    return OK;
}

bool compress_unpack(Str packed, char *out, size_t plain_bytes)
{
    Packer *packer = packer_of_thread();
    if (packer != NULL && packer->out == NULL)
        packer->out = ZSTD_createDCtx();
    return packer != NULL && packer->out != NULL &&
           ZSTD_decompressDCtx(packer->out, out, plain_bytes, packed.ptr, packed.len) ==
               plain_bytes;
}
