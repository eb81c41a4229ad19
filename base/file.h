/* base/file.h - a whole file at once. */
#pragma once
#include "base/buf.h"

/* Appends what the file holds. False: errno says why it could not be opened or read, or the error
 * stuck in `out` that it is too large. */
MUST_USE bool file_read(const char *path, Buf *out);
