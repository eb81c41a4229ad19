#include "sim/world.h"

#include "sim/simtime.h"

#include <stdlib.h>

void world_close(World *world)
{
    if (world == NULL)
        return;
    world->kind->close(world);
    arena_release(&world->strings);
    free(world->stations);
    free(world->measures);
    free(world->measures_of);
    free(world->stations_by_id);
    free(world->measures_by_id);
    free(world);
}

static int compare_stations(const void *a, const void *b, void *ctx)
{
    const World *world = ctx;
    return str_cmp(world->stations[*(const uint32_t *) a].id,
                   world->stations[*(const uint32_t *) b].id);
}

static int compare_measures(const void *a, const void *b, void *ctx)
{
    const World *world = ctx;
    return str_cmp(world->measures[*(const uint32_t *) a].id,
                   world->measures[*(const uint32_t *) b].id);
}

static uint32_t *ordered(World *world, size_t count,
                         int (*compare)(const void *, const void *, void *))
{
    uint32_t *order = malloc((count + 1) * sizeof *order);
    if (order == NULL)
        return NULL;
    for (size_t i = 0; i < count; i++)
        order[i] = (uint32_t) i;
    qsort_r(order, count, sizeof *order, compare, world);
    return order;
}

static void group_measures(World *world)
{
    for (size_t i = 0; i < world->measure_count; i++)
        if (world->measures[i].station != WORLD_NONE)
            world->stations[world->measures[i].station].count++;
    uint32_t first = 0;
    for (size_t i = 0; i < world->station_count; i++) {
        world->stations[i].first = first;
        first += world->stations[i].count;
        world->stations[i].count = 0;
    }
    for (size_t i = 0; i < world->measure_count; i++) {
        if (world->measures[i].station == WORLD_NONE)
            continue;
        WorldStation *station = &world->stations[world->measures[i].station];
        world->measures_of[station->first + station->count++] = (uint32_t) i;
    }
}

ErrCode world_index_stations(World *world, Err *err)
{
    world->stations_by_id = ordered(world, world->station_count, compare_stations);
    if (world->stations_by_id == NULL)
        return err_set(err, ERR_NO_MEMORY, "no memory to order %zu stations", world->station_count);
    return OK;
}

ErrCode world_index_measures(World *world, Err *err)
{
    world->measures_of = malloc((world->measure_count + 1) * sizeof *world->measures_of);
    world->measures_by_id = ordered(world, world->measure_count, compare_measures);
    if (world->measures_of == NULL || world->measures_by_id == NULL)
        return err_set(err, ERR_NO_MEMORY, "no memory to order %zu measures", world->measure_count);
    group_measures(world);
    return OK;
}

uint32_t world_find_station(const World *world, Str id)
{
    size_t from = 0, to = world->station_count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        uint32_t station = world->stations_by_id[middle];
        int order = str_cmp(world->stations[station].id, id);
        if (order == 0)
            return station;
        if (order < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return WORLD_NONE;
}

uint32_t world_find_measure(const World *world, Str id)
{
    size_t from = 0, to = world->measure_count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        uint32_t measure = world->measures_by_id[middle];
        int order = str_cmp(world->measures[measure].id, id);
        if (order == 0)
            return measure;
        if (order < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return WORLD_NONE;
}

UnixSec world_kept_from(const World *world, UnixSec now)
{
    enum { DAY_S = 86400 };
    if (world->is_recorded) /* the shift has moved its midnight */
        return now - 30 * DAY_S;
    return floor_to(now, DAY_S) -
           29 * DAY_S; /* seen: on the 5th of September, from the 7th of August */
}
