#include "base/array.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_CAP = 64 };

bool array_grow(void *array, size_t *cap, size_t item_bytes)
{
    size_t more = *cap == 0 ? FIRST_CAP : *cap * 2;
    void *items;
    memcpy(&items, array, sizeof items); /* it may be a pointer of any type */
    void *grown = reallocarray(items, more, item_bytes);
    if (grown == NULL)
        return false;
    memcpy(array, &grown, sizeof grown);
    *cap = more;
    return true;
}
