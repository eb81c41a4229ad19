#include "base/file.h"

#include <stdio.h>

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
