#include "sim/overlay.h"

#include <stdlib.h>
#include <string.h>

static bool copy(Str from, Str *ret)
{
    char *ptr = malloc(from.len + 1);
    if (ptr == NULL)
        return false;
    if (from.len > 0)
        memcpy(ptr, from.ptr, from.len);
    ptr[from.len] = '\0';
    *ret = (Str){ptr, from.len};
    return true;
}

static void free_copy(Str s)
{
    union {
        const char *borrowed;
        char *owned;
    } ptr = {.borrowed = s.ptr};
    free(ptr.owned);
}

void overlay_clear_items(Overlay *overlay)
{
    for (size_t i = 0; i < overlay->item_count; i++) {
        free_copy(overlay->items[i].path);
        free_copy(overlay->items[i].json);
    }
    free(overlay->items);
    overlay->items = NULL;
    overlay->item_count = 0;
}

void overlay_release(Overlay *overlay)
{
    overlay_clear_items(overlay);
    for (size_t i = 0; i < overlay->value_count; i++)
        free_copy(overlay->values[i].value);
    free(overlay->values);
    *overlay = (Overlay){.items = NULL};
}

ErrCode overlay_add_item(Overlay *overlay, Str path, Str json, Err *err)
{
    OverlayItem *items = realloc(overlay->items, (overlay->item_count + 1) * sizeof *items);
    OverlayItem item = {.path = STR_NONE};
    if (items != NULL)
        overlay->items = items;
    if (items == NULL || !copy(path, &item.path) || !copy(json, &item.json)) {
        free_copy(item.path);
        return err_set(err, ERR_NO_MEMORY, "no memory for an item of %zu bytes", json.len);
    }
    items[overlay->item_count++] = item;
    return OK;
}

/* Where (measure, time) stands or would stand. */
static size_t place_of(const Overlay *overlay, uint32_t measure, UnixSec time)
{
    size_t from = 0, to = overlay->value_count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        const OverlayValue *at = &overlay->values[middle];
        if (at->measure < measure || (at->measure == measure && at->time < time))
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static bool stands_at(const Overlay *overlay, size_t place, uint32_t measure, UnixSec time)
{
    return place < overlay->value_count && overlay->values[place].measure == measure &&
           overlay->values[place].time == time;
}

ErrCode overlay_set_value(Overlay *overlay, uint32_t measure, UnixSec time, Str value, Err *err)
{
    size_t place = place_of(overlay, measure, time);
    Str own;
    if (!copy(value, &own))
        return err_set(err, ERR_NO_MEMORY, "no memory for a value");
    if (stands_at(overlay, place, measure, time)) {
        free_copy(overlay->values[place].value);
        overlay->values[place].value = own;
        return OK;
    }
    OverlayValue *values = realloc(overlay->values, (overlay->value_count + 1) * sizeof *values);
    if (values == NULL) {
        free_copy(own);
        return err_set(err, ERR_NO_MEMORY, "no memory for %zu changed values",
                       overlay->value_count + 1);
    }
    overlay->values = values;
    memmove(values + place + 1, values + place, (overlay->value_count - place) * sizeof *values);
    values[place] = (OverlayValue){measure, time, own};
    overlay->value_count++;
    return OK;
}

Str overlay_value(const Overlay *overlay, uint32_t measure, UnixSec time)
{
    size_t place = place_of(overlay, measure, time);
    return stands_at(overlay, place, measure, time) ? overlay->values[place].value : STR_NONE;
}
