/* server/cache.h - finished answers of the newest generation.
 *
 * Dropped as a whole when the generation changes. Within one, answers stay whole within three
 * quarters of the ceiling; beyond that the least lately used are packed (packed.h), and the least
 * lately used of these leave. What is rendered of a generation that is committed and not yet
 * announced stands on a shelf of its own and replaces the rest when the first asks for it. Any
 * thread. */
#pragma once
#include "server/reply.h"

typedef struct Cache Cache;

/* What an answer answers: the key, and how to ask for the same again. */
typedef struct Question {
    Str key;    /* canonical: equal for equal questions, in one format and coding */
    Str target; /* as somebody wrote it */
    Format format;
    Coding coding;
} Question;

/* NULL: no memory. `max_bytes` 0 keeps nothing. Owns: ends with cache_close(). */
Cache *cache_open(size_t max_bytes);
void cache_close(Cache *cache); /* NULL is fine */

/* The finished answer to `key` of `generation` or of a newer one, its Expires made `expires`. The
 * caller gets a count of it; NULL: there is none. */
Finished *cache_find(Cache *cache, uint64_t generation, Str key, UnixSec expires);
/* Of exactly `generation`; it counts as no use, and nothing moves. */
Finished *cache_find_at(Cache *cache, uint64_t generation, Str key);
/* Keeps one more count of `finished`, unless a newer generation has been seen or it is more than a
 * quarter of the ceiling. */
void cache_put(Cache *cache, uint64_t generation, const Question *question, Finished *finished);

/* The bodies found at least once in the newest generation that was asked for, the most used first;
 * texts are copied to `arena`. */
typedef struct Hot {
    Question question;
    uint64_t uses;
    size_t bytes;
} Hot;
size_t cache_hottest(Cache *cache, Arena *arena, Hot *hot, size_t max);
