/* base/array.h - arrays that grow as items are put behind them. */
#pragma once
#include "base/base.h"

/* Doubles the room of an array; see array_room(). */
MUST_USE bool array_grow(void *array, size_t *cap, size_t item_bytes);

/* Makes sure that an array from malloc(), or NULL, has room for one item more than `count`. `array` points to the
 * pointer to its first item, *cap says for how many there is room; both change when it grows. False: no memory,
 * and nothing has changed. The array is the caller's to free(). */
MUST_USE static inline bool array_room(void *array, size_t count, size_t *cap, size_t item_bytes)
{
    return count < *cap || array_grow(array, cap, item_bytes);
}
