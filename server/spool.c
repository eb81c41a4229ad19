#include "server/spool.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PIECE_BYTES = 1 << 20 };

struct Spools {
    char *dir;
    size_t max_bytes;
    _Atomic size_t bytes; /* of all spools there are */
};

struct Spool {
    Spools *spools;
    _Atomic unsigned count;
    int fd;
    size_t bytes;
    Sha256 *sha; /* NULL once it has ended, or where there is to be no digest */
};

Spools *spools_open(const char *dir, size_t max_bytes)
{
    Spools *spools = calloc(1, sizeof *spools);
    if (spools == NULL)
        return NULL;
    spools->max_bytes = max_bytes;
    spools->dir = strdup(dir);
    if (spools->dir != NULL)
        return spools;
    free(spools);
    return NULL;
}

void spools_close(Spools *spools)
{
    if (spools == NULL)
        return;
    assert(spools->bytes == 0);
    free(spools->dir);
    free(spools);
}

size_t spools_most_bytes(const Spools *spools)
{
    return spools->max_bytes / 2;
}

/* Some file systems know no files without a name: there it has one for a moment. */
static int open_nameless(const char *dir)
{
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
        return fd;
    char path[4096];
    (void) snprintf(path, sizeof path, "%s/spool-XXXXXX", dir);
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        (void) unlink(path);
    return fd;
}

ErrCode spool_begin(Spools *spools, SpoolUse use, Spool **ret_spool, Err *err)
{
    Spool *spool = malloc(sizeof *spool);
    Sha256 *sha = use == SPOOL_SENT ? sha256_new() : NULL;
    bool has_memory = spool != NULL && (sha != NULL || use == SPOOL_READ);
    int fd = has_memory ? open_nameless(spools->dir) : -1;
    if (spool == NULL || fd < 0) {
        ErrCode rc =
            has_memory ? err_set(err, ERR_STORAGE, "spool in %s: %s", spools->dir, strerror(errno))
                       : err_set(err, ERR_NO_MEMORY, "no memory for a spool");
        sha256_free(sha);
        free(spool);
        return rc;
    }
    *spool = (Spool){.spools = spools, .count = 1, .fd = fd, .sha = sha};
    *ret_spool = spool;
    return OK;
}

static ErrCode take_room(Spool *spool, size_t bytes, Err *err)
{
    Spools *spools = spool->spools;
    size_t most = spools_most_bytes(spools);
    if (spool->bytes + bytes > most)
        return err_set(err, ERR_TOO_LARGE, "more than %zu bytes", most);
    if (atomic_fetch_add(&spools->bytes, bytes) + bytes > spools->max_bytes) {
        (void) atomic_fetch_sub(&spools->bytes, bytes);
        return err_set(err, ERR_BUSY, "%zu bytes of spools are all in use", spools->max_bytes);
    }
    spool->bytes += bytes;
    return OK;
}

ErrCode spool_append(Spool *spool, Str bytes, Err *err)
{
    ErrCode rc = take_room(spool, bytes.len, err);
    if (rc != OK)
        return rc;
    if (spool->sha != NULL)
        sha256_add(spool->sha, bytes);
    if (!file_write(spool->fd, bytes))
        return err_set(err, ERR_STORAGE, "write to a spool: %s", strerror(errno));
    return OK;
}

void spool_end(Spool *spool, char digest[static SHA256_BASE64_SIZE])
{
    sha256_base64(spool->sha, digest);
    sha256_free(TAKE(spool->sha));
}

ErrCode spool_read(const Spool *spool, size_t at, char *to, size_t len, Err *err)
{
    for (size_t done = 0; done < len;) {
        ssize_t got = pread(spool->fd, to + done, len - done, (off_t) (at + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return err_set(err, ERR_STORAGE, "read of a spool: %s",
                           strerror(got < 0 ? errno : EIO));
        done += (size_t) got;
    }
    return OK;
}

/* From one file into the other, with `piece` to read into. */
static ErrCode compress_into(Spool *to, const Spool *plain, Compressor *compressor, Buf *piece,
                             Err *err)
{
    CLEANUP(buf_release) Buf small = buf_init(piece->max * 2);
    ErrCode rc = OK;
    for (size_t at = 0; at < plain->bytes && rc == OK; at += piece->len) {
        size_t left = plain->bytes - at;
        buf_clear(piece);
        buf_clear(&small);
        char *room = buf_reserve(piece, left < PIECE_BYTES ? left : PIECE_BYTES);
        if (room == NULL)
            return buf_check(piece, err);
        buf_grew(piece, left < PIECE_BYTES ? left : PIECE_BYTES);
        rc = spool_read(plain, at, room, piece->len, err);
        if (rc == OK)
            rc = compressor_put(compressor, buf_view(piece), left == piece->len, &small, err);
        if (rc == OK)
            rc = spool_append(to, buf_view(&small), err);
    }
    return rc;
}

ErrCode spool_compress(Spools *spools, const Spool *plain, Codec by, Spool **ret_spool,
                       char digest[static SHA256_BASE64_SIZE], Err *err)
{
    CLEANUP(buf_release) Buf piece = buf_init(PIECE_BYTES);
    Spool *made = NULL;
    Compressor *compressor = compressor_new(by);
    if (compressor == NULL)
        return err_set(err, ERR_NO_MEMORY, "no memory to compress a spool");
    ErrCode rc = spool_begin(spools, SPOOL_SENT, &made, err);
    if (made != NULL)
        rc = compress_into(made, plain, compressor, &piece, err);
    compressor_free(compressor);
    if (rc != OK || made == NULL) {
        spool_drop(made);
        return rc;
    }
    spool_end(made, digest);
    *ret_spool = made;
    return OK;
}

Spool *spool_keep(Spool *spool)
{
    (void) atomic_fetch_add_explicit(&spool->count, 1, memory_order_relaxed);
    return spool;
}

void spool_drop(Spool *spool)
{
    if (spool == NULL || atomic_fetch_sub_explicit(&spool->count, 1, memory_order_acq_rel) > 1)
        return;
    (void) close(spool->fd);
    (void) atomic_fetch_sub(&spool->spools->bytes, spool->bytes);
    sha256_free(spool->sha);
    free(spool);
}

size_t spool_bytes(const Spool *spool)
{
    return spool->bytes;
}

int spool_dup(const Spool *spool)
{
    return fcntl(spool->fd, F_DUPFD_CLOEXEC, 0);
}
