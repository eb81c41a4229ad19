#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

/* Each block is twice the one before: what is large lies in few, which malloc() maps by themselves and
 * gives back to the system at once. */
enum { BLOCK_MIN_BYTES = 64 * 1024, BLOCK_MAX_BYTES = 4 << 20 };

struct ArenaBlock {
    ArenaBlock *older;
    size_t used, cap;
    _Alignas(max_align_t) char bytes[];
};

Arena arena_init(void)
{
    return (Arena){.newest = NULL};
}

void arena_release(Arena *arena)
{
    for (ArenaBlock *block = arena->newest; block != NULL;) {
        ArenaBlock *older = block->older;
        free(block);
        block = older;
    }
    *arena = arena_init();
}

static size_t next_block_bytes(const ArenaBlock *newest, size_t bytes)
{
    size_t cap = newest != NULL ? newest->cap * 2 : BLOCK_MIN_BYTES;
    if (cap > BLOCK_MAX_BYTES)
        cap = BLOCK_MAX_BYTES;
    return bytes > cap ? bytes : cap;
}

static void *take(Arena *arena, size_t bytes, size_t align)
{
    ArenaBlock *block = arena->newest;
    size_t at = block != NULL ? (block->used + align - 1) & ~(align - 1) : 0;
    if (block == NULL || at > block->cap || bytes > block->cap - at) {
        size_t cap = next_block_bytes(block, bytes);
        if (cap > SIZE_MAX - sizeof *block)
            return NULL;
        block = malloc(sizeof *block + cap);
        if (block == NULL)
            return NULL;
        *block = (ArenaBlock){.older = arena->newest, .cap = cap};
        arena->newest = block;
        at = 0;
    }
    block->used = at + bytes;
    arena->bytes += bytes;
    return block->bytes + at;
}

void *arena_alloc(Arena *arena, size_t bytes)
{
    void *ptr = take(arena, bytes, _Alignof(max_align_t));
    if (ptr != NULL)
        memset(ptr, 0, bytes);
    return ptr;
}

bool arena_room(Arena *arena, void *array, size_t count, size_t item_bytes)
{
    if ((count & (count - 1)) != 0)
        return true;
    void *items, *grown = arena_alloc(arena, (count == 0 ? 1 : count * 2) * item_bytes);
    if (grown == NULL)
        return false;
    memcpy(&items, array, sizeof items); /* it may be a pointer of any type */
    if (count > 0)
        memcpy(grown, items, count * item_bytes);
    memcpy(array, &grown, sizeof grown);
    return true;
}

bool arena_copy(Arena *arena, Str s, Str *ret)
{
    if (str_is_none(s)) {
        *ret = STR_NONE;
        return true;
    }
    char *ptr = take(arena, s.len + 1, 1);
    if (ptr == NULL)
        return false;
    if (s.len > 0)
        memcpy(ptr, s.ptr, s.len);
    ptr[s.len] = '\0';
    *ret = (Str){ptr, s.len};
    return true;
}
