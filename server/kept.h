/* server/kept.h - spooled answers of the last generations: downloads that broke and go on, lists that
 * are followed page by page.
 *
 * Kept until the next generation but one and for 10 minutes after their last use, as long as the
 * room lasts, on disk or in memory, and descriptors do: beyond it those leave that were longest not
 * used. Any thread. */
#pragma once
#include "server/paged.h"
#include "store/store.h"

typedef struct Kept Kept;

enum { KEPT_DESCRIPTORS_MAX = 1024 };

/* `max_bytes` of disk. NULL: no memory. Owns: ends with kept_close(), before `store`. */
Kept *kept_open(const Store *store, size_t max_bytes);
void kept_close(Kept *kept); /* NULL is fine */

/* The answer to `key` of exactly `generation`, one count of it for the caller; NULL: none. */
Finished *kept_find(Kept *kept, uint64_t generation, Str key);
/* Keeps one more count of `finished`. Without memory it is not kept. */
void kept_put(Kept *kept, uint64_t generation, Str key, Finished *finished);

/* The same of lists in pages. A key of theirs is never one of an answer. */
Paged *kept_find_paged(Kept *kept, uint64_t generation, Str key);
void kept_put_paged(Kept *kept, Str key, Paged *paged);
