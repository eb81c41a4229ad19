/* /v1/rivers, /v1/catchments, /v1/towns, /v1/parameters: the values there are, and of how much. */
#include "server/route.h"
#include "server/rows.h"

#include <stdlib.h>
#include <string.h>

/* One value at one station. */
typedef struct Entry {
    Str value, station;
    int64_t measures;
} Entry;

typedef struct Values {
    Arena *arena;
    size_t value_offset, all_offset; /* of its two members in Station */
    Entry *entries;
    size_t count;
    bool no_memory;
} Values;

static bool add(Values *values, Str value, Str station, int64_t measures)
{
    if (str_is_none(value))
        return true;
    Entry entry = {.measures = measures};
    values->no_memory = !arena_room(values->arena, &values->entries, values->count, sizeof entry) ||
                        !arena_copy(values->arena, value, &entry.value) ||
                        !arena_copy(values->arena, station, &entry.station);
    if (!values->no_memory)
        values->entries[values->count++] = entry;
    return !values->no_memory;
}

static Str member(const Station *station, size_t offset)
{
    return *(const Str *) (const void *) ((const char *) station + offset);
}

/* Where the upstream gives a station several values, it counts for each. */
static bool add_station(const Station *station, const Str *measure_ids, size_t measure_id_count,
                        void *ctx)
{
    Values *values = ctx;
    Str line, rest = member(station, values->all_offset);
    int64_t measures = (int64_t) measure_id_count;
    (void) measure_ids;
    if (str_is_none(rest))
        return add(values, member(station, values->value_offset), station->id, measures);
    while (str_cut(rest, '\n', &line, &rest))
        if (!add(values, line, station->id, measures))
            return false;
    return add(values, rest, station->id, measures);
}

static bool add_measure(const Station *station, const Measure *measure, const Reading *newest,
                        void *ctx)
{
    (void) newest;
    return add(ctx, measure->parameter, station->id, 1);
}

static int compare_entries(const void *left, const void *right)
{
    const Entry *a = left, *b = right;
    int order = str_cmp(a->value, b->value);
    return order != 0 ? order : str_cmp(a->station, b->station);
}

/* Entries of one value stand together, and of one station within them. */
static void put_values(const Values *values, Rows *rows)
{
    for (size_t i = 0; i < values->count;) {
        ValueCount counted = {.value = values->entries[i].value};
        Str station = STR_NONE;
        for (; i < values->count && str_eq(values->entries[i].value, counted.value); i++) {
            counted.stations += !str_eq(values->entries[i].station, station);
            counted.measures += values->entries[i].measures;
            station = values->entries[i].station;
        }
        if (!rows_add(rows, &(Row){.counted = &counted}))
            return;
    }
}

static ErrCode end_values(Values *values, Rows *rows, Err *err)
{
    if (values->no_memory)
        return err_set(err, ERR_NO_MEMORY, "no memory for the values there are");
    if (values->count > 1)
        qsort(values->entries, values->count, sizeof *values->entries, compare_entries);
    put_values(values, rows);
    return rows_end(rows, NULL, err);
}

static ErrCode list_of_stations(const Request *req, Reply *reply, size_t value_offset,
                                size_t all_offset, Err *err)
{
    Rows rows;
    Values values = {.arena = req->arena, .value_offset = value_offset, .all_offset = all_offset};
    ErrCode rc = rows_begin(&rows, req, reply, err);
    if (rc != OK || req->head_alone)
        return rc;
    rc = snapshot_each_station(req->snap, &req->selection.filter, add_station, &values, err);
    return rc != OK ? rc : end_values(&values, &rows, err);
}

ErrCode get_rivers(const Request *req, Reply *reply, Err *err)
{
    return list_of_stations(req, reply, offsetof(Station, river), offsetof(Station, river_all),
                            err);
}

ErrCode get_catchments(const Request *req, Reply *reply, Err *err)
{
    return list_of_stations(req, reply, offsetof(Station, catchment),
                            offsetof(Station, catchment_all), err);
}

ErrCode get_towns(const Request *req, Reply *reply, Err *err)
{
    return list_of_stations(req, reply, offsetof(Station, town), offsetof(Station, town_all), err);
}

ErrCode get_parameters(const Request *req, Reply *reply, Err *err)
{
    Rows rows;
    Values values = {.arena = req->arena};
    ErrCode rc = rows_begin(&rows, req, reply, err);
    if (rc != OK || req->head_alone)
        return rc;
    rc = snapshot_each_measure(req->snap, &req->selection.filter, add_measure, &values, err);
    return rc != OK ? rc : end_values(&values, &rows, err);
}
