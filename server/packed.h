/* server/packed.h - a finished answer made small, to be kept where many are.
 *
 * A station's day is 16 KB of much the same text and a tenth of it packed; unpacking takes some 4
 * microseconds, rendering it anew thirty times that. Any thread. */
#pragma once
#include "server/reply.h"

typedef struct Packed Packed; /* counted; never changes */

/* NULL: it is spooled, too large to be unpacked between two requests, gains too little, or there is
 * no memory. Owns: the caller holds the one count. */
Packed *packed_of(const Finished *finished);
/* The same answer again, with another Expires. NULL: no memory. */
Finished *packed_open(const Packed *packed, UnixSec expires);
Packed *packed_keep(Packed *packed); /* one more count */
void packed_drop(Packed *packed);    /* NULL is fine */
size_t packed_bytes(const Packed *packed);
