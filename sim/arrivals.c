/* sim/arrivals.c - a world of a few real series, each reading with the moment it really arrived.
 *
 * Two tables are understood, told apart by their first line:
 *     measure,dateTime,value,first_seen     first_seen empty: as promptly as any
 *     poll_time,station,dateTime,value      the newest reading of a station at each poll: it arrived
 *                                           with the first poll that had it
 * Such a table has no lists; they are made of what the identifiers tell. */
#include "base/array.h"
#include "base/clock.h"
#include "sim/item.h"
#include "sim/load.h"
#include "sim/simtime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 4, SERIES_MAX = 1000 };

static const struct {
    const char *header, *suffix;         /* suffix: what makes a station's name a measure's id */
    size_t series, time, value, arrived; /* columns */
} TABLES[] = {
    {"measure,dateTime,value,first_seen", "", 0, 1, 2, 3},
    {"poll_time,station,dateTime,value", "-level-stage-i-15_min-m", 1, 2, 3, 0},
};

/* What an identifier tells by its end. */
typedef struct Trait {
    const char *end, *parameter, *parameter_name, *qualifier, *value_type, *unit;
} Trait;

static const Trait TRAITS[] = {
    {"-level-stage-i-15_min-m", "level", "Water Level", "Stage", "instantaneous", "m"},
    {"-level-tidal_level-i-15_min-mAOD", "level", "Water Level", "Tidal Level", "instantaneous",
     "mAOD"},
    {"-rainfall-tipping_bucket_raingauge-t-15_min-mm", "rainfall", "Rainfall",
     "Tipping Bucket Raingauge", "total", "mm"},
};

typedef struct Series {
    Str id, station;
    const Trait *trait;
} Series;

typedef struct Table {
    World *world;
    size_t form; /* of TABLES */
    Series series[SERIES_MAX];
    size_t series_count;
} Table;

/* ---- rows ------------------------------------------------------------------------------------ */

static bool next_row(Str *rest, Str columns[static COLUMNS])
{
    Str line = *rest, tail = STR("");
    if (rest->len == 0)
        return false;
    (void) str_cut(*rest, '\n', &line, &tail);
    *rest = tail;
    line = str_trim(line);
    for (size_t i = 0; i < COLUMNS; i++) {
        Str after = STR("");
        columns[i] = line;
        (void) str_cut(line, ',', &columns[i], &after);
        line = after;
    }
    return true;
}

static ErrCode form_of(Table *table, Str *rest, Err *err)
{
    Str header = *rest;
    (void) str_cut(*rest, '\n', &header, rest);
    for (size_t i = 0; i < countof(TABLES); i++) {
        if (str_eq(str_trim(header), str_of(TABLES[i].header))) {
            table->form = i;
            return OK;
        }
    }
    return err_set(err, ERR_FORMAT, "'" STR_FMT "' begins no table of arrivals",
                   STR_ARG(str_trim(header)));
}

/* Rows of a few series follow each other, so few are looked at. */
static size_t find_series(const Table *table, Str name)
{
    size_t i = 0;
    while (i < table->series_count &&
           !(str_starts(table->series[i].id, name) &&
             str_eq((Str){table->series[i].id.ptr + name.len, table->series[i].id.len - name.len},
                    str_of(TABLES[table->form].suffix))))
        i++;
    return i;
}

static ErrCode add_series(Table *table, Str name, Err *err)
{
    Series *series = &table->series[table->series_count];
    CLEANUP(buf_release) Buf id = buf_init(1000);
    if (find_series(table, name) < table->series_count)
        return OK;
    if (table->series_count == SERIES_MAX)
        return err_set(err, ERR_TOO_LARGE, "more than %d series", SERIES_MAX);
    buf_put_str(&id, name);
    buf_put_str(&id, str_of(TABLES[table->form].suffix));
    if (id.error != OK || !arena_copy(&table->world->strings, buf_view(&id), &series->id))
        return err_set(err, ERR_NO_MEMORY, "no memory for a table of arrivals");
    for (size_t i = 0; i < countof(TRAITS); i++) {
        if (!str_ends(series->id, str_of(TRAITS[i].end)))
            continue;
        series->trait = &TRAITS[i];
        series->station = (Str){series->id.ptr, series->id.len - strlen(TRAITS[i].end)};
        table->series_count++;
        return OK;
    }
    return err_set(err, ERR_FORMAT, "'" STR_FMT "' is no series of a known kind", STR_ARG(name));
}

static ErrCode find_all_series(Table *table, Str rows, Err *err)
{
    Str columns[COLUMNS];
    ErrCode rc = OK;
    while (rc == OK && next_row(&rows, columns))
        rc = add_series(table, columns[TABLES[table->form].series], err);
    return rc;
}

static ErrCode add_arrivals(const Table *table, Str rows, Err *err)
{
    Recorded *recorded = table->world->own;
    Str columns[COLUMNS];
    while (next_row(&rows, columns)) {
        Str arrived_text = columns[TABLES[table->form].arrived];
        RecordedReading reading = {.order = (uint32_t) recorded->reading_count,
                                   .value = columns[TABLES[table->form].value]};
        reading.measure = world_find_measure(
            table->world,
            table->series[find_series(table, columns[TABLES[table->form].series])].id);
        if (!clock_parse(columns[TABLES[table->form].time], &reading.time) ||
            (arrived_text.len > 0 && !clock_parse(arrived_text, &reading.arrived)))
            return err_set(err, ERR_FORMAT, "'" STR_FMT "' is no time in row %zu",
                           STR_ARG(columns[TABLES[table->form].time]), recorded->reading_count + 1);
        if (arrived_text.len == 0)
            reading.arrived = reading.time + PUBLISH_DELAY_S;
        if (!array_room(&recorded->readings, recorded->reading_count, &recorded->reading_cap,
                        sizeof *recorded->readings))
            return err_set(err, ERR_NO_MEMORY, "no memory for a table of arrivals");
        recorded->readings[recorded->reading_count++] = reading;
    }
    return OK;
}

/* ---- lists ----------------------------------------------------------------------------------- */

static void put_told(Item *item, const Series *series)
{
    item_text(item, "parameter", str_of(series->trait->parameter));
    item_text(item, "parameterName", str_of(series->trait->parameter_name));
    item_int(item, "period", 900);
    item_text(item, "qualifier", str_of(series->trait->qualifier));
}

static void put_measure(const Series *series, Buf *out)
{
    Item item = item_open(out);
    item_uri(&item, "@id", "/id/measures/", series->id);
    item_text(&item, "label", series->id);
    item_text(&item, "notation", series->id);
    put_told(&item, series);
    item_uri(&item, "station", "/id/stations/", series->station);
    item_text(&item, "stationReference", series->station);
    item_text(&item, "unitName", str_of(series->trait->unit));
    item_text(&item, "valueType", str_of(series->trait->value_type));
    item_close(&item);
}

static void put_nested(const Table *table, Str station, Buf *out)
{
    bool is_first = true;
    BUF_LITERAL(out, "[ ");
    for (size_t i = 0; i < table->series_count; i++) {
        const Series *series = &table->series[i];
        if (!str_eq(series->station, station))
            continue;
        if (!is_first)
            BUF_LITERAL(out, "\n    , ");
        is_first = false;
        Item item = item_open(out);
        item_uri(&item, "@id", "/id/measures/", series->id);
        put_told(&item, series);
        item_text(&item, "unitName", str_of(series->trait->unit));
        item_close(&item);
    }
    BUF_LITERAL(out, "\n     ]");
}

static void put_station(const Table *table, Str station, Buf *out)
{
    Item item = item_open(out);
    item_uri(&item, "@id", "/id/stations/", station);
    item_text(&item, "label", station);
    item_key(&item, "measures");
    put_nested(table, station, out);
    item_text(&item, "notation", station);
    item_text(&item, "stationReference", station);
    item_close(&item);
}

static bool is_first_of_station(const Table *table, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (str_eq(table->series[i].station, table->series[at].station))
            return false;
    return true;
}

static void put_stations(const Table *table, Buf *out)
{
    for (size_t i = 0; i < table->series_count; i++) {
        if (!is_first_of_station(table, i))
            continue;
        buf_put_str(out, i > 0 ? STR("\n  , ") : STR("[ "));
        put_station(table, table->series[i].station, out);
    }
    BUF_LITERAL(out, "\n  ]");
}

static void put_measures(const Table *table, Buf *out)
{
    for (size_t i = 0; i < table->series_count; i++) {
        buf_put_str(out, i > 0 ? STR("\n  , ") : STR("[ "));
        put_measure(&table->series[i], out);
    }
    BUF_LITERAL(out, "\n  ]");
}

/* As if the list had been recorded. The world keeps its text. */
static ErrCode load_made_list(const Table *table, void (*put)(const Table *, Buf *), LoadFn *load,
                              Err *err)
{
    Recorded *recorded = table->world->own;
    Buf *text;
    ErrCode rc = recorded_add_file(recorded, &text, err);
    if (rc != OK)
        return rc;
    put(table, text);
    rc = buf_check(text, err);
    if (rc != OK)
        return rc;
    Loading loading = {.world = table->world, .recorded = recorded, .items = buf_view(text)};
    return load(&loading, err);
}

/* ---- the world ------------------------------------------------------------------------------- */

static ErrCode load_table(Table *table, const char *path, Err *err)
{
    Recorded *recorded = table->world->own;
    Buf *file;
    ErrCode rc = recorded_add_file(recorded, &file, err);
    if (rc == OK)
        rc = recorded_read_file(path, file, err);
    if (rc != OK)
        return rc;
    Str rows = buf_view(file);
    rc = form_of(table, &rows, err);
    if (rc == OK)
        rc = find_all_series(table, rows, err);
    if (rc == OK)
        rc = load_made_list(table, put_stations, load_stations, err);
    if (rc == OK)
        rc = load_made_list(table, put_measures, load_measures, err);
    if (rc == OK)
        rc = add_arrivals(table, rows, err);
    if (rc == OK)
        recorded_order_readings(table->world);
    return rc == OK ? OK : err_context(err, "%s", path);
}

ErrCode world_replay_arrivals(const char *path, World **ret_world, Err *err)
{
    World *world;
    Table *table = calloc(1, sizeof *table);
    if (table == NULL)
        return err_set(err, ERR_NO_MEMORY, "no memory for a table of arrivals");
    ErrCode rc = recorded_open(&world, err);
    if (rc == OK) {
        world->has_arrivals = true;
        table->world = world;
        rc = load_table(table, path, err);
        if (rc == OK)
            *ret_world = world;
        else
            world_close(world);
    }
    free(table);
    return rc;
}
