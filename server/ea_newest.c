#include "server/ea_newest.h"

#include "base/array.h"

#include <stdlib.h>

typedef struct EaHeld {
    UnixSec time;
    double value;
    unsigned flags;
    uint32_t series; /* index */
    Str raw;
} EaHeld;

EaNewest ea_newest_init(Arena *arena, int64_t most)
{
    bool drops = most >= 0 && most <= EA_NEWEST_MAX;
    return (EaNewest){
        .most = drops ? (size_t) most : EA_NEWEST_MAX, .drops = drops, .arena = arena};
}

void ea_newest_release(EaNewest *newest)
{
    free(newest->items);
    free(newest->series);
    *newest = (EaNewest){.most = 0};
}

static int in_order(const void *a, const void *b)
{
    const EaHeld *one = a, *two = b;
    if (one->time != two->time)
        return one->time < two->time ? 1 : -1;
    return (one->series > two->series) - (one->series < two->series);
}

/* ---- the last in order on top -------------------------------------------------------------------- */

static void sift_down(EaNewest *newest, size_t at)
{
    EaHeld *items = newest->items, moved = items[at];
    for (size_t below = 2 * at + 1; below < newest->count; below = 2 * at + 1) {
        if (below + 1 < newest->count && in_order(&items[below + 1], &items[below]) > 0)
            below++;
        if (in_order(&moved, &items[below]) >= 0)
            break;
        items[at] = items[below];
        at = below;
    }
    items[at] = moved;
}

static void make_heap(EaNewest *newest)
{
    for (size_t at = newest->count / 2; at-- > 0;)
        sift_down(newest, at);
    newest->is_heap = true;
}

/* ---- coming in ------------------------------------------------------------------------------------ */

void ea_newest_begin_series(EaNewest *newest)
{
    newest->holds_series = false;
}

static bool hold_series(EaNewest *newest, const EaSeries *series)
{
    EaSeries copy;
    if (newest->holds_series)
        return true;
    if (!arena_copy(newest->arena, series->id, &copy.id) ||
        !arena_copy(newest->arena, series->text, &copy.text) ||
        !array_room(&newest->series, newest->series_count, &newest->series_cap, sizeof copy))
        return false;
    newest->series[newest->series_count++] = copy;
    newest->holds_series = true;
    return true;
}

/* One of the last one's moment is behind it: measures come in their order. */
static bool comes_too_late(const EaNewest *newest, const Reading *reading)
{
    return newest->most == 0 || reading->time <= newest->items[0].time;
}

bool ea_newest_add(EaNewest *newest, const Reading *reading, const EaSeries *series)
{
    bool is_full = newest->count == newest->most;
    newest->too_many = is_full && !newest->drops;
    if (newest->too_many)
        return false;
    if (is_full && !newest->is_heap)
        make_heap(newest);
    if (is_full && comes_too_late(newest, reading))
        return true;
    EaHeld held = {.time = reading->time, .value = reading->value, .flags = reading->flags};
    if (!hold_series(newest, series) || !arena_copy(newest->arena, reading->raw, &held.raw) ||
        !array_room(&newest->items, newest->count, &newest->cap, sizeof held))
        return false;
    held.series = (uint32_t) newest->series_count - 1;
    if (is_full) {
        newest->items[0] = held;
        sift_down(newest, 0);
    } else {
        newest->items[newest->count++] = held;
    }
    return true;
}

/* ---- going out ------------------------------------------------------------------------------------ */

void ea_newest_each(EaNewest *newest, EaNewestFn *each, void *ctx)
{
    if (newest->count > 0)
        qsort(newest->items, newest->count, sizeof *newest->items, in_order);
    for (size_t i = 0; i < newest->count; i++) {
        const EaHeld *held = &newest->items[i];
        const EaSeries *series = &newest->series[held->series];
        const Reading reading = {.measure_id = series->id,
                                 .time = held->time,
                                 .value = held->value,
                                 .flags = held->flags,
                                 .raw = held->raw};
        if (!each(&reading, series->text, ctx))
            break;
    }
}
