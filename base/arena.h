/* base/arena.h - many small things, freed at once.
 *
 * For the lifetime of a poll or a request. One thread at a time. */
#pragma once
#include "base/str.h"

typedef struct ArenaBlock ArenaBlock;

typedef struct Arena {
    ArenaBlock *newest; /* blocks are chained from the newest to the oldest */
    size_t bytes;       /* asked for so far */
} Arena;

Arena arena_init(void);
void arena_release(Arena *arena); /* frees everything; the Arena is empty and usable again */

/* Zeroed, aligned for any type. NULL: no memory. */
MUST_USE void *arena_alloc(Arena *arena, size_t bytes);
/* Makes sure that an array in the arena, or NULL, has room for one item more than `count`: of 1, 2, 4, 8, ... items.
 * `array` points to the pointer to its first item, which changes when it moves. False: no memory. */
MUST_USE bool arena_room(Arena *arena, void *array, size_t count, size_t item_bytes);
/* A copy of `s`, with a NUL behind it for libraries that insist. STR_NONE stays none.
 * *ret is written only when there was memory. */
MUST_USE bool arena_copy(Arena *arena, Str s, Str *ret);
