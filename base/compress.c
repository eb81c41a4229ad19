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
