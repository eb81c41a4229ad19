/* base/file.h - a whole file at once, and bytes into one. */
#pragma once
#include "base/buf.h"

/* Appends what the file holds. False: errno says why it could not be opened or read, or the error
 * stuck in `out` that it is too large. */
MUST_USE bool file_read(const char *path, Buf *out);

/* By one system call: one that takes longer is not interrupted on every kernel, and who asks the service
 * meanwhile would wait for it. A write of 1 MB was seen to take 2.6 ms. */
enum { FILE_PIECE_BYTES = 64 * 1024 };

/* All of `bytes` where `fd` stands, in such pieces. False: errno says why not. */
MUST_USE bool file_write(int fd, Str bytes);
