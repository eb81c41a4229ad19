/* server/bytes.h - the body of a finished answer, counted; it never changes.
 *
 * A large one lies in a file that exists in memory only: from there the kernel sends the very pages,
 * where from a buffer it copies them anew for each client. Any thread. */
#pragma once
#include "base/buf.h"
#include "server/spool.h"

#include <stdatomic.h>

typedef struct Bytes {
    _Atomic unsigned count;
    char *ptr; /* NULL: they are in the spool */
    size_t len;
    char *block;  /* what is freed: `ptr`, or what begins before it; NULL: nothing */
    int fd;       /* of the file that `ptr` maps; -1: none */
    Spool *spool; /* NULL: none */
} Bytes;

/* Takes the memory of `body` over, without its slack: it may stay for a while. NULL: no memory. */
Bytes *bytes_take(Buf *body);
/* `len` bytes from `from` on in `block`, which is taken over whatever comes of it. */
Bytes *bytes_of_block(char *block, size_t from, size_t len);
/* Takes the count of `spool` over, whatever comes of it. */
Bytes *bytes_of_spool(Spool *spool);

Bytes *bytes_keep(Bytes *bytes); /* one more count */
void bytes_drop(Bytes *bytes);

bool bytes_is_file(const Bytes *bytes); /* in memory or spooled */
int bytes_dup(const Bytes *bytes);      /* of that file; -1: no descriptor is left */
