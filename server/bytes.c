#include "server/bytes.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* Below, the copy costs less than the second system call that a file takes. */
enum { FILE_MIN_BYTES = 64 * 1024 };

static Bytes *bytes_new(const Bytes *like)
{
    Bytes *bytes = malloc(sizeof *bytes);
    if (bytes != NULL)
        *bytes = *like;
    return bytes;
}

/* Mapped, so that it can still be read: to be compressed, mostly. What is not read of it takes no
 * memory of the process beside the file's own. */
static char *map_file(int fd, Str body)
{
    size_t written = 0;
    while (written < body.len) {
        ssize_t count = write(fd, body.ptr + written, body.len - written);
        if (count <= 0)
            return NULL;
        written += (size_t) count;
    }
    void *map = mmap(NULL, body.len, PROT_READ, MAP_SHARED, fd, 0);
    return map != MAP_FAILED ? map : NULL;
}

/* NULL: there is no such file to be had, and the buffer must do. */
static Bytes *bytes_of_file(Str body)
{
    int fd = memfd_create("body", MFD_CLOEXEC);
    char *map = fd >= 0 ? map_file(fd, body) : NULL;
    Bytes *bytes =
        map != NULL ? bytes_new(&(Bytes){.count = 1, .ptr = map, .len = body.len, .fd = fd}) : NULL;
    if (bytes == NULL && map != NULL)
        (void) munmap(map, body.len);
    if (bytes == NULL && fd >= 0)
        (void) close(fd);
    return bytes;
}

Bytes *bytes_take(Buf *body)
{
    Bytes *bytes = body->len >= FILE_MIN_BYTES ? bytes_of_file(buf_view(body)) : NULL;
    if (bytes != NULL) {
        buf_release(body);
        return bytes;
    }
    buf_shrink(body);
    bytes = bytes_of_block(body->ptr, 0, body->len);
    *body = buf_init(body->max);
    return bytes;
}

Bytes *bytes_of_block(char *block, size_t from, size_t len)
{
    char *ptr = block != NULL ? block + from : NULL;
    Bytes *bytes =
        bytes_new(&(Bytes){.count = 1, .ptr = ptr, .len = len, .block = block, .fd = -1});
    if (bytes == NULL)
        free(block);
    return bytes;
}

Bytes *bytes_of_spool(Spool *spool)
{
    Bytes *bytes =
        bytes_new(&(Bytes){.count = 1, .len = spool_bytes(spool), .fd = -1, .spool = spool});
    if (bytes == NULL)
        spool_drop(spool);
    return bytes;
}

Bytes *bytes_keep(Bytes *bytes)
{
    (void) atomic_fetch_add_explicit(&bytes->count, 1, memory_order_relaxed);
    return bytes;
}

void bytes_drop(Bytes *bytes)
{
    if (atomic_fetch_sub_explicit(&bytes->count, 1, memory_order_acq_rel) > 1)
        return;
    if (bytes->fd >= 0) {
        (void) munmap(bytes->ptr, bytes->len);
        (void) close(bytes->fd);
    }
    spool_drop(bytes->spool);
    free(bytes->block);
    free(bytes);
}

bool bytes_is_file(const Bytes *bytes)
{
    return bytes->fd >= 0 || bytes->spool != NULL;
}

int bytes_dup(const Bytes *bytes)
{
    return bytes->spool != NULL ? spool_dup(bytes->spool) : fcntl(bytes->fd, F_DUPFD_CLOEXEC, 0);
}
