#define ZLIB_CONST
#include "base/compress.h"

#include "base/file.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

/* JSON of the whole country: level 6 is 3 % smaller than 4 and takes a third longer, 9 gains
 * nothing; zstd's 3 is smaller than gzip's 6 in a fifth of the time. */
enum { GZIP_LEVEL = 6, GZIP_WINDOW = 15 + 16, ZSTD_LEVEL = 3, PACK_LEVEL = -3 };

static ErrCode no_memory(Err *err)
{
    return err_set(err, ERR_NO_MEMORY, "no memory to compress");
}

ErrCode compress_gzip(Str plain, Buf *out, Err *err)
{
    z_stream z = {.zalloc = NULL};
    if (plain.len > UINT_MAX)
        return err_set(err, ERR_TOO_LARGE, "%zu bytes to compress at once", plain.len);
    if (deflateInit2(&z, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return no_memory(err);
    size_t bound = deflateBound(&z, plain.len);
    char *to = buf_reserve(out, bound);
    if (to == NULL || bound > UINT_MAX) {
        (void) deflateEnd(&z);
        return to == NULL ? buf_check(out, err) : no_memory(err);
    }
    z.next_in = (const Bytef *) plain.ptr; /* ZLIB_CONST: zlib only reads it */
    z.avail_in = (uInt) plain.len;
    z.next_out = (Bytef *) to;
    z.avail_out = (uInt) bound;
    int rc = deflate(&z, Z_FINISH);
    assert(rc == Z_STREAM_END); /* the bound is what it says */
    (void) rc;
    buf_grew(out, z.total_out);
    (void) deflateEnd(&z);
    return OK;
}

ErrCode compress_zstd(Str plain, Buf *out, Err *err)
{
    size_t bound = ZSTD_compressBound(plain.len);
    char *to = buf_reserve(out, bound);
    if (to == NULL)
        return buf_check(out, err);
    size_t len = ZSTD_compress(to, bound, plain.ptr, plain.len, ZSTD_LEVEL);
    if (ZSTD_isError(len))
        return no_memory(err);
    buf_grew(out, len);
    return OK;
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

/* ---- files ------------------------------------------------------------------------------------- */

typedef struct Unzstd {
    ZSTD_DStream *stream;
    char *in, *out;
    size_t in_size, out_size;
    int from, to;
    int64_t at;
    size_t left; /* of the frame, as zstd tells; 0: it has ended */
} Unzstd;

static void unzstd_end(Unzstd *u)
{
    (void) ZSTD_freeDStream(u->stream);
    free(u->in);
    free(u->out);
}

static ErrCode write_whole(int fd, const char *bytes, size_t len, Err *err)
{
    if (file_write(fd, (Str){bytes, len}))
        return OK;
    return err_set(err, ERR_STORAGE, "what was compressed cannot be written: %s", strerror(errno));
}

static ErrCode take_piece(Unzstd *u, size_t len, Err *err)
{
    ZSTD_inBuffer in = {u->in, len, 0};
    ErrCode rc = OK;
    while (rc == OK && in.pos < in.size) {
        ZSTD_outBuffer out = {u->out, u->out_size, 0};
        u->left = ZSTD_decompressStream(u->stream, &out, &in);
        if (ZSTD_isError(u->left))
            return err_set(err, ERR_FORMAT, "no zstd: %s", ZSTD_getErrorName(u->left));
        rc = write_whole(u->to, u->out, out.pos, err);
    }
    return rc;
}

static ErrCode take_all(Unzstd *u, Err *err)
{
    for (;;) {
        ssize_t got = pread(u->from, u->in, u->in_size, u->at);
        if (got < 0)
            return err_set(err, ERR_STORAGE, "what is compressed cannot be read: %s",
                           strerror(errno));
        if (got == 0)
            return u->left == 0 && u->at > 0 ? OK : err_set(err, ERR_FORMAT, "zstd that is cut");
        u->at += got;
        ErrCode rc = take_piece(u, (size_t) got, err);
        if (rc != OK)
            return rc;
    }
}

ErrCode uncompress_zstd_file(int from, int to, Err *err)
{
    CLEANUP(unzstd_end)
    Unzstd u = {.stream = ZSTD_createDStream(),
                .in_size = ZSTD_DStreamInSize(),
                .out_size = ZSTD_DStreamOutSize(),
                .from = from,
                .to = to};
    u.in = malloc(u.in_size);
    u.out = malloc(u.out_size);
    if (u.stream == NULL || u.in == NULL || u.out == NULL)
        return no_memory(err);
    return take_all(&u, err);
}

/* ---- streams ----------------------------------------------------------------------------------- */

struct Compressor {
    Codec codec;
    z_stream gzip;
    ZSTD_CCtx *zstd;
};

Compressor *compressor_new(Codec codec)
{
    Compressor *compressor = calloc(1, sizeof *compressor);
    if (compressor == NULL)
        return NULL;
    compressor->codec = codec;
    bool ok = false;
    if (codec == CODEC_GZIP) {
        ok = deflateInit2(&compressor->gzip, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, 8,
                          Z_DEFAULT_STRATEGY) == Z_OK;
    } else {
        compressor->zstd = ZSTD_createCCtx();
        ok = compressor->zstd != NULL &&
             !ZSTD_isError(
                 ZSTD_CCtx_setParameter(compressor->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL));
    }
    if (ok)
        return compressor;
    compressor_free(compressor);
    return NULL;
}

void compressor_free(Compressor *compressor)
{
    if (compressor == NULL)
        return;
    if (compressor->codec == CODEC_GZIP)
        (void) deflateEnd(&compressor->gzip);
    (void) ZSTD_freeCCtx(compressor->zstd);
    free(compressor);
}

enum { STREAM_BYTES = 128 * 1024 }; /* what comes out at once */

static ErrCode put_gzip(Compressor *compressor, Str piece, bool last, Buf *out, Err *err)
{
    z_stream *z = &compressor->gzip;
    if (piece.len > UINT_MAX)
        return err_set(err, ERR_TOO_LARGE, "%zu bytes to compress at once", piece.len);
    z->next_in = (const Bytef *) piece.ptr;
    z->avail_in = (uInt) piece.len;
    int rc = Z_OK;
    do {
        char *to = buf_reserve(out, STREAM_BYTES);
        if (to == NULL)
            return buf_check(out, err);
        z->next_out = (Bytef *) to;
        z->avail_out = STREAM_BYTES;
        rc = deflate(z, last ? Z_FINISH : Z_NO_FLUSH);
        assert(rc != Z_STREAM_ERROR);
        buf_grew(out, STREAM_BYTES - z->avail_out);
    } while (last ? rc != Z_STREAM_END : z->avail_out == 0);
    return OK;
}

static ErrCode put_zstd(Compressor *compressor, Str piece, bool last, Buf *out, Err *err)
{
    ZSTD_inBuffer in = {.src = piece.ptr, .size = piece.len, .pos = 0};
    size_t left = 0;
    do {
        char *to = buf_reserve(out, STREAM_BYTES);
        if (to == NULL)
            return buf_check(out, err);
        ZSTD_outBuffer room = {.dst = to, .size = STREAM_BYTES, .pos = 0};
        left =
            ZSTD_compressStream2(compressor->zstd, &room, &in, last ? ZSTD_e_end : ZSTD_e_continue);
        if (ZSTD_isError(left))
            return no_memory(err);
        buf_grew(out, room.pos);
    } while (last ? left > 0 : in.pos < in.size);
    return OK;
}

ErrCode compressor_put(Compressor *compressor, Str piece, bool last, Buf *out, Err *err)
{
    return (compressor->codec == CODEC_GZIP ? put_gzip : put_zstd)(compressor, piece, last, out,
                                                                   err);
}
