#include "sim/load.h"

#include "base/array.h"
#include "base/clock.h"
#include "base/json.h"
#include "sim/filter.h"
#include "sim/item.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ITEM_MAX_BYTES = 1 << 26 };

static ErrCode no_memory(Err *err)
{
    return err_set(err, ERR_NO_MEMORY, "no memory for recorded answers");
}

/* ---- walking --------------------------------------------------------------------------------- */

/* Elements of an array, or the one thing that is no array. */
typedef struct Each {
    JsonWalk walk;
    Str single; /* none: there is a walk, or it was given */
} Each;

static Each each_of(Str value)
{
    bool is_array = value.len > 0 && value.ptr[0] == '[';
    if (is_array)
        return (Each){.walk = json_walk(value), .single = STR_NONE};
    return (Each){.walk = {.done = true}, .single = value};
}

static bool each_next(Each *each, Str *ret_item)
{
    Str ignored;
    if (str_is_none(each->single))
        return json_next(&each->walk, &ignored, ret_item);
    *ret_item = each->single;
    each->single = STR_NONE;
    return true;
}

static size_t count_of(Str items)
{
    Each each = each_of(items);
    Str item;
    size_t count = 0;
    while (each_next(&each, &item))
        count++;
    return count;
}

/* What follows `before` in the text of a member: the id in an URI. */
static bool id_in(Str item, const char *member, const char *before, Str *ret_id)
{
    Str raw;
    size_t at;
    if (!json_member(item, str_of(member), &raw))
        return false;
    Str uri = unquoted(raw);
    if (!str_find(uri, str_of(before), &at))
        return false;
    at += strlen(before);
    *ret_id = (Str){uri.ptr + at, uri.len - at};
    return true;
}

/* ---- readings -------------------------------------------------------------------------------- */

static bool add_reading(Loading *loading, uint32_t measure, Str item, UnixSec *ret_time)
{
    Recorded *recorded = loading->recorded;
    Str raw_time, value = STR_NONE;
    UnixSec time;
    *ret_time = NO_TIME;
    if (!json_member(item, STR("dateTime"), &raw_time) || !clock_parse(unquoted(raw_time), &time))
        return true; /* a URI, or no time: not a reading that could be asked for */
    (void) json_member(item, STR("value"), &value);
    if (!array_room(&recorded->readings, recorded->reading_count, &recorded->reading_cap,
                    sizeof *recorded->readings))
        return false;
    recorded->readings[recorded->reading_count] =
        (RecordedReading){.measure = measure,
                          .order = (uint32_t) recorded->reading_count,
                          .time = time,
                          .value = value};
    recorded->reading_count++;
    *ret_time = time;
    return true;
}

static uint32_t measure_of_reading(const World *world, Str item)
{
    Str raw, id;
    if (id_in(item, "measure", "/id/measures/", &id))
        return world_find_measure(world, id);
    if (json_member(item, STR("measure"), &raw) && id_in(raw, "@id", "/id/measures/", &id))
        return world_find_measure(world, id);
    return WORLD_NONE;
}

ErrCode load_readings(Loading *loading, Err *err)
{
    Each each = each_of(loading->items);
    Str item;
    UnixSec time;
    while (each_next(&each, &item)) {
        uint32_t measure = measure_of_reading(loading->world, item);
        if (measure != WORLD_NONE && !add_reading(loading, measure, item, &time))
            return no_memory(err);
    }
    return OK;
}

/* ---- stations -------------------------------------------------------------------------------- */

ErrCode load_stations(Loading *loading, Err *err)
{
    World *world = loading->world;
    size_t count = count_of(loading->items);
    world->stations = calloc(count + 1, sizeof *world->stations);
    loading->recorded->stations = calloc(count + 1, sizeof *loading->recorded->stations);
    if (world->stations == NULL || loading->recorded->stations == NULL)
        return no_memory(err);
    Each each = each_of(loading->items);
    Str item, id;
    while (each_next(&each, &item)) {
        if (!id_in(item, "@id", "/id/stations/", &id))
            continue;
        loading->recorded->stations[world->station_count].item = item;
        world->stations[world->station_count++].id = id;
    }
    return world_index_stations(world, err);
}

/* stations-type-TideGauge-2025-...: what follows the name of the query. */
static Str type_in_name(const char *name)
{
    Str rest = str_of(name + strlen("stations-type-")), type = rest, tail;
    if (!str_cut(rest, '-', &type, &tail))
        (void) str_cut(rest, '.', &type, &tail);
    return type;
}

static ErrCode add_types(Loading *loading, Str type, Err *err)
{
    Recorded *recorded = loading->recorded;
    Each each = each_of(loading->items);
    Str item, id, own_type;
    if (!arena_copy(&loading->world->strings, type, &own_type))
        return no_memory(err);
    while (each_next(&each, &item)) {
        uint32_t station = id_in(item, "@id", "/id/stations/", &id)
                               ? world_find_station(loading->world, id)
                               : WORLD_NONE;
        if (station == WORLD_NONE)
            continue;
        if (!array_room(&recorded->types, recorded->type_count, &recorded->type_cap,
                        sizeof *recorded->types))
            return no_memory(err);
        recorded->types[recorded->type_count++] = (RecordedType){own_type, station};
    }
    return OK;
}

ErrCode load_types(Loading *loading, Err *err)
{
    return add_types(loading, type_in_name(loading->name), err);
}

static void take_scales(RecordedStation *station, Str item)
{
    static const char *const NAMES[] = {
        [SCALE_STAGE] = "stageScale", [SCALE_DOWNSTAGE] = "downstageScale"};
    Str scale;
    for (size_t i = 0; i < countof(NAMES); i++)
        if (json_member(item, str_of(NAMES[i]), &scale) && scale.len > 0 && scale.ptr[0] == '{')
            station->scales[i] = scale;
}

ErrCode load_scales(Loading *loading, UNUSED Err *err)
{
    Each each = each_of(loading->items);
    Str item, id;
    while (each_next(&each, &item)) {
        uint32_t station = id_in(item, "@id", "/id/stations/", &id)
                               ? world_find_station(loading->world, id)
                               : WORLD_NONE;
        if (station != WORLD_NONE)
            take_scales(&loading->recorded->stations[station], item);
    }
    return OK;
}

ErrCode load_coastal(Loading *loading, Err *err)
{
    ErrCode rc = load_scales(loading, err);
    return rc == OK ? add_types(loading, STR("Coastal"), err) : rc;
}

/* ---- measures -------------------------------------------------------------------------------- */

/* The item without latestReading, in two halves: members stand in the order of their names. */
static bool split_measure(World *world, Str item, RecordedMeasure *measure)
{
    CLEANUP(buf_release) Buf before = buf_init(ITEM_MAX_BYTES);
    CLEANUP(buf_release) Buf after = buf_init(ITEM_MAX_BYTES);
    JsonWalk walk = json_walk(item);
    Str key, value;
    bool is_first = true;
    BUF_LITERAL(&before, "{ ");
    while (json_next(&walk, &key, &value)) {
        if (str_eq(key, STR("latestReading")))
            continue;
        Buf *half = str_cmp(key, STR("latestReading")) < 0 || is_first ? &before : &after;
        buf_printf(half, "%s\n    \"" STR_FMT "\" : ", is_first ? "" : " ,", STR_ARG(key));
        buf_put_str(half, value);
        is_first = false;
    }
    BUF_LITERAL(&after, "\n  }");
    return before.error == OK && after.error == OK &&
           arena_copy(&world->strings, buf_view(&before), &measure->before) &&
           arena_copy(&world->strings, buf_view(&after), &measure->after);
}

static void note_what_it_measures(Loading *loading, uint32_t station, Str item)
{
    static const struct {
        const char *member, *value;
        unsigned bit;
    } SIGNS[] = {
        {"qualifier", "Stage", MEASURES_STAGE},
        {"qualifier", "Downstream Stage", MEASURES_DOWNSTAGE},
        {"qualifier", "Groundwater", MEASURES_GROUNDWATER},
        {"parameter", "temperature", MEASURES_WEATHER},
        {"parameter", "wind", MEASURES_WEATHER},
    };
    Str raw;
    for (size_t i = 0; i < countof(SIGNS); i++)
        if (json_member(item, str_of(SIGNS[i].member), &raw) &&
            str_eq(unquoted(raw), str_of(SIGNS[i].value)))
            loading->recorded->stations[station].measures |= SIGNS[i].bit;
}

static bool add_measure(Loading *loading, Str id, Str item)
{
    World *world = loading->world;
    uint32_t index = (uint32_t) world->measure_count++;
    Str station_id, latest;
    UnixSec time;
    world->measures[index] = (WorldMeasure){.id = id, .station = WORLD_NONE};
    if (id_in(item, "station", "/id/stations/", &station_id)) {
        world->measures[index].station_id = station_id;
        world->measures[index].station = world_find_station(world, station_id);
    }
    if (world->measures[index].station != WORLD_NONE)
        note_what_it_measures(loading, world->measures[index].station, item);
    if (!split_measure(world, item, &loading->recorded->measures[index]))
        return false;
    if (!json_member(item, STR("latestReading"), &latest))
        return true;
    if (!add_reading(loading, index, latest, &time))
        return false;
    if (time > loading->recorded->newest)
        loading->recorded->newest = time;
    return true;
}

ErrCode load_measures(Loading *loading, Err *err)
{
    World *world = loading->world;
    size_t count = count_of(loading->items);
    world->measures = calloc(count + 1, sizeof *world->measures);
    loading->recorded->measures = calloc(count + 1, sizeof *loading->recorded->measures);
    if (world->measures == NULL || loading->recorded->measures == NULL)
        return no_memory(err);
    Each each = each_of(loading->items);
    Str item, id;
    while (each_next(&each, &item))
        if (id_in(item, "@id", "/id/measures/", &id) && !add_measure(loading, id, item))
            return no_memory(err);
    return world_index_measures(world, err);
}

/* ---- one thing at a time --------------------------------------------------------------------- */

/* The members of `single` that `listed` has not, as an object. */
static bool members_beyond(World *world, Str single, Str listed, const char *const *aside,
                           size_t aside_count, Str *ret)
{
    CLEANUP(buf_release) Buf out = buf_init(ITEM_MAX_BYTES);
    Item item = item_open(&out);
    JsonWalk walk = json_walk(single);
    Str key, value, ignored;
    while (json_next(&walk, &key, &value)) {
        bool is_aside = json_member(listed, key, &ignored);
        for (size_t i = 0; i < aside_count; i++)
            is_aside = is_aside || str_eq(key, str_of(aside[i]));
        if (is_aside)
            continue;
        char name[64];
        (void) snprintf(name, sizeof name, STR_FMT, STR_ARG(key));
        item_raw(&item, name, value);
    }
    item_close(&item);
    return out.error == OK && arena_copy(&world->strings, buf_view(&out), ret);
}

static bool load_single_measure_item(Loading *loading, Str single)
{
    static const char *const ASIDE[] = {"latestReading"};
    World *world = loading->world;
    Str id, latest;
    UnixSec time;
    if (!id_in(single, "@id", "/id/measures/", &id))
        return true;
    uint32_t measure = world_find_measure(world, id);
    if (measure == WORLD_NONE)
        return true;
    CLEANUP(buf_release) Buf listed = buf_init(ITEM_MAX_BYTES);
    RECORDED.put_measure(world, measure, STR_NONE, &listed);
    if (!members_beyond(world, single, buf_view(&listed), ASIDE, countof(ASIDE),
                        &loading->recorded->measures[measure].more))
        return false;
    return !json_member(single, STR("latestReading"), &latest) ||
           add_reading(loading, measure, latest, &time);
}

ErrCode load_single_measure(Loading *loading, Err *err)
{
    return load_single_measure_item(loading, loading->items) ? OK : no_memory(err);
}

ErrCode load_single_station(Loading *loading, Err *err)
{
    static const char *const ASIDE[] = {"measures", "stageScale", "downstageScale"};
    Str single = loading->items, id, measures, measure;
    uint32_t index = id_in(single, "@id", "/id/stations/", &id)
                         ? world_find_station(loading->world, id)
                         : WORLD_NONE;
    if (index == WORLD_NONE)
        return OK;
    RecordedStation *station = &loading->recorded->stations[index];
    take_scales(station, single);
    if (!members_beyond(loading->world, single, station->item, ASIDE, countof(ASIDE),
                        &station->more))
        return no_memory(err);
    if (!json_member(single, STR("measures"), &measures))
        return OK;
    Each each = each_of(measures);
    while (each_next(&each, &measure))
        if (!load_single_measure_item(loading, measure))
            return no_memory(err);
    return OK;
}
