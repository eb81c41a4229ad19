/* server/kept.h - spooled answers of the last generations, for downloads that broke and go on.
 *
 * Kept at least until the next generation but one, and for 10 minutes after their last use, as long
 * as the room lasts: beyond it the oldest leave. Any thread. */
#pragma once
#include "server/reply.h"

typedef struct Kept Kept;

/* NULL: no memory. Owns: ends with kept_close(). */
Kept *kept_open(size_t max_bytes);
void kept_close(Kept *kept); /* NULL is fine */

/* The answer to `key` of exactly `generation`, one count of it for the caller; NULL: none. */
Finished *kept_find(Kept *kept, uint64_t generation, Str key);
/* Keeps one more count of `finished`. Without memory it is not kept. */
void kept_put(Kept *kept, uint64_t generation, Str key, Finished *finished);
