#include "base/text_file.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PASS_BYTES = 4 << 20 }; /* a multiple of every page size */

static ErrCode fail(Err *err, const char *what)
{
    return err_set(err, ERR_STORAGE, "a text on disk: %s: %s", what, strerror(errno));
}

void text_file_release(TextFile *file)
{
    if (file->map != NULL)
        (void) munmap((void *) (uintptr_t) file->map, file->len);
    if (file->is_open)
        (void) close(file->fd);
    *file = (TextFile){.is_open = false};
}

static ErrCode add(TextFile *file, Str bytes, Err *err)
{
    if (!file_write(file->fd, bytes))
        return fail(err, "write");
    file->len += bytes.len;
    return OK;
}

ErrCode text_file_go_on(TextFile *file, const char *dir, Buf *held, Str bytes, Err *err)
{
    assert(file->map == NULL);
    if (bytes.len > held->max - held->len - file->len)
        return err_set(err, ERR_TOO_LARGE, "more than %zu bytes", held->max);
    if (!file->is_open) {
        file->fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        if (file->fd < 0)
            return fail(err, dir);
        file->is_open = true;
    }
    ErrCode rc = add(file, buf_view(held), err);
    buf_release(held);
    return rc == OK ? add(file, bytes, err) : rc;
}

ErrCode text_file_map(TextFile *file, Err *err)
{
    void *map = mmap(NULL, file->len, PROT_READ, MAP_SHARED, file->fd, 0);
    if (map == MAP_FAILED)
        return err_set(err, ERR_NO_MEMORY, "a text of %zu bytes cannot be mapped: %s", file->len,
                       strerror(errno));
    file->map = file->behind = map;
    return OK;
}

Str text_file_view(const TextFile *file)
{
    return (Str){file->map, file->len};
}

void text_file_pass(TextFile *file, const char *upto)
{
    if (file->map == NULL)
        return;
    if (upto < file->behind) /* read once more, from an earlier place on */
        file->behind = file->map;
    size_t bytes = (size_t) (upto - file->behind) / PASS_BYTES * PASS_BYTES;
    if (bytes > 0)
        (void) madvise((void *) (uintptr_t) file->behind, bytes, MADV_DONTNEED);
    file->behind += bytes;
}
