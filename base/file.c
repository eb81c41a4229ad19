#include "base/file.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

bool file_read(const char *path, Buf *out)
{
    enum { PIECE_BYTES = 4096 };
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    for (size_t got = 1; got > 0 && out->error == OK;) {
        char *to = buf_reserve(out, PIECE_BYTES);
        got = to != NULL ? fread(to, 1, PIECE_BYTES, file) : 0;
        buf_grew(out, got);
    }
    bool good = ferror(file) == 0 && out->error == OK;
    (void) fclose(file);
    return good;
}

bool file_write(int fd, Str bytes)
{
    while (bytes.len > 0) {
        ssize_t wrote =
            write(fd, bytes.ptr, bytes.len < FILE_PIECE_BYTES ? bytes.len : FILE_PIECE_BYTES);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return false;
        bytes = (Str){bytes.ptr + wrote, bytes.len - (size_t) wrote};
    }
    return true;
}
