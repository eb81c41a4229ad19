/* server/cache.h - finished answers of the newest generation.
 *
 * Dropped as a whole when the generation changes; within one, the least lately used leave when the
 * ceiling is reached. Any thread. */
#pragma once
#include "server/reply.h"

typedef struct Cache Cache;

/* NULL: no memory. `max_bytes` 0 keeps nothing. Owns: ends with cache_close(). */
Cache *cache_open(size_t max_bytes);
void cache_close(Cache *cache); /* NULL is fine */

/* The finished answer to `key` of `generation` or of a newer one, its Expires made `expires`. The
 * caller gets a count of it; NULL: there is none. */
Finished *cache_find(Cache *cache, uint64_t generation, Str key, UnixSec expires);
/* Keeps one more count of `finished`, unless a newer generation has been seen or it is more than a
 * quarter of the ceiling. */
void cache_put(Cache *cache, uint64_t generation, Str key, Finished *finished);
