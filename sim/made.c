/* sim/made.c - a network that looks like the real one: its mix of kinds, periods, units,
 * qualifiers, identifiers and of what is missing. */
#include "sim/made.h"

#include <stdlib.h>

/* ---- the mix --------------------------------------------------------------------------------- */

typedef enum Series {
    STAGE,
    DOWNSTAGE,
    FLOW,
    FLOW_MEAN,
    GROUNDWATER,
    TIDE,
    TIDE_MEAN,
    RAIN,
    RAIN_EVENT,
    TEMPERATURE,
    WIND_SPEED,
    WIND_DIRECTION,
} Series;

static const MadeSeries SERIES[] = {
    [STAGE] = {"level", "Water Level", "Stage", "instantaneous", "level-stage", "i", MOTION_RIVER},
    [DOWNSTAGE] = {"level", "Water Level", "Downstream Stage", "instantaneous", "level-downstage",
                   "i", MOTION_RIVER},
    [FLOW] = {"flow", "Flow", "", "instantaneous", "flow-", "i", MOTION_FLOW},
    [FLOW_MEAN] = {"flow", "Flow", "", "mean", "flow-", "Mean", MOTION_FLOW},
    [GROUNDWATER] = {"level", "Water Level", "Groundwater", "instantaneous", "level-groundwater",
                     "i", MOTION_GROUNDWATER},
    [TIDE] = {"level", "Water Level", "Tidal Level", "instantaneous", "level-tidal_level", "i",
              MOTION_TIDE},
    [TIDE_MEAN] = {"level", "Water Level", "Tidal Level", "mean", "level-tidal_level", "Mean",
                   MOTION_TIDE},
    [RAIN] = {"rainfall", "Rainfall", "Tipping Bucket Raingauge", "total",
              "rainfall-tipping_bucket_raingauge", "t", MOTION_RAIN},
    [RAIN_EVENT] = {"rainfall", "Rainfall", "Tipping Bucket Raingauge", "event",
                    "rainfall-tipping_bucket_raingauge", "Event", MOTION_RAIN},
    [TEMPERATURE] = {"temperature", "Temperature", "Dry Bulb", "instantaneous",
                     "temperature-dry_bulb", "i", MOTION_TEMPERATURE},
    [WIND_SPEED] = {"wind", "Wind", "Speed", "instantaneous", "wind-speed", "i", MOTION_WIND_SPEED},
    [WIND_DIRECTION] = {"wind", "Wind", "Direction", "mean", "wind-direction", "Mean",
                        MOTION_WIND_DIRECTION},
};

#define QUDT "http://qudt.org/1.1/vocab/unit#"
typedef enum Unit { MASD, MAOD, MBDAT, METRE, UNKNOWN, MM, M3_S, DEG_C, KNOTS, DEG } Unit;

static const MadeUnit UNITS[] = {
    [MASD] = {"mASD", "mASD", QUDT "Meter", "datumASD"},
    [MAOD] = {"mAOD", "mAOD", QUDT "Meter", "datumAOD"},
    [MBDAT] = {"mBDAT", "mBDAT", QUDT "Meter", "datumBDAT"},
    [METRE] = {"m", "m", QUDT "Meter", NULL},
    [UNKNOWN] = {"---", "---", NULL, NULL},
    [MM] = {"mm", "mm", QUDT "Millimeter", NULL},
    [M3_S] = {"m3/s", "m3_s", QUDT "CubicMeterPerSecond", NULL},
    [DEG_C] = {"deg C", "deg_C", QUDT "DegreeCentigrade", NULL},
    [KNOTS] = {"Knots", "Knots", NULL, NULL},
    [DEG] = {"deg", "deg", QUDT "DegreeAngle", NULL},
};

typedef enum Period { MIN_15, HOUR, MIN_5, MIN_1, MIN_30, IRREGULAR } Period;

static const MadePeriod PERIODS[] = {
    [MIN_15] = {900, "15_min"}, [HOUR] = {3600, "1_h"},      [MIN_5] = {300, "5_min"},
    [MIN_1] = {60, "1_min"},    [MIN_30] = {1800, "30_min"}, [IRREGULAR] = {0, "Unspecified"},
};

/* Which series come in which unit and period, in how many of a thousand. The first row of a series
 * takes what the others leave. */
static const struct {
    Series series;
    Unit unit;
    unsigned permille;
} UNIT_MIX[] = {
    {STAGE, MASD, 0},
    {STAGE, MAOD, 190},
    {STAGE, METRE, 330},
    {STAGE, UNKNOWN, 60},
    {DOWNSTAGE, MASD, 0},
    {DOWNSTAGE, MAOD, 250},
    {DOWNSTAGE, METRE, 150},
    {DOWNSTAGE, UNKNOWN, 120},
    {FLOW, M3_S, 0},
    {FLOW, UNKNOWN, 50},
    {FLOW_MEAN, M3_S, 0},
    {GROUNDWATER, MAOD, 0},
    {GROUNDWATER, METRE, 250},
    {GROUNDWATER, MBDAT, 140},
    {TIDE, MAOD, 0},
    {TIDE, METRE, 150},
    {TIDE_MEAN, MAOD, 0},
    {TIDE_MEAN, METRE, 400},
    {RAIN, MM, 0},
    {RAIN, UNKNOWN, 10},
    {RAIN_EVENT, MM, 0},
    {TEMPERATURE, DEG_C, 0},
    {WIND_SPEED, KNOTS, 0},
    {WIND_DIRECTION, DEG, 0},
};
static const struct {
    Series series;
    Period period;
    unsigned permille;
} PERIOD_MIX[] = {
    {STAGE, MIN_15, 0},       {STAGE, MIN_5, 3},          {STAGE, MIN_30, 2},
    {DOWNSTAGE, MIN_15, 0},   {FLOW, MIN_15, 0},          {FLOW_MEAN, MIN_15, 0},
    {GROUNDWATER, HOUR, 0},   {GROUNDWATER, MIN_15, 260}, {TIDE, MIN_15, 0},
    {TIDE, MIN_1, 60},        {TIDE_MEAN, MIN_15, 0},     {RAIN, MIN_15, 0},
    {RAIN, HOUR, 16},         {RAIN_EVENT, IRREGULAR, 0}, {TEMPERATURE, MIN_15, 0},
    {TEMPERATURE, HOUR, 500}, {WIND_SPEED, MIN_15, 0},    {WIND_DIRECTION, MIN_15, 0},
};

/* What a kind of station measures: the first series always, the others in so many of a thousand. A
 * series named twice is published twice, in two units. */
enum { SERIES_MAX = 5 };
static const struct {
    unsigned permille;       /* of all stations */
    unsigned known_permille; /* to the river-level site */
    const char *type;        /* NULL: told by its series */
    struct {
        Series series;
        unsigned permille;
    } series[SERIES_MAX];
} KINDS[] = {
    [RIVER_STATION] =
        {640,
         690,
         NULL,
         {{STAGE, 1000}, {STAGE, 170}, {DOWNSTAGE, 110}, {FLOW, 90}, {FLOW_MEAN, 15}}},
    [RAIN_STATION] = {196, 0, NULL, {{RAIN, 1000}, {RAIN_EVENT, 8}}},
    [BOREHOLE] = {124, 0, "Groundwater", {{GROUNDWATER, 1000}, {GROUNDWATER, 110}}},
    [TIDE_STATION] = {32, 900, "Coastal", {{TIDE, 1000}, {TIDE_MEAN, 400}}},
    [WEATHER_STATION] = {5,
                         0,
                         "Meteorological",
                         {{TEMPERATURE, 1000}, {WIND_SPEED, 400}, {WIND_DIRECTION, 400}}},
    [BARE_STATION] = {3, 0, NULL, {{0}}},
};

/* ---- deciding -------------------------------------------------------------------------------- */

static const MadeUnit *unit_of(const Made *made, Series series, uint64_t measure)
{
    uint64_t draw = made_draw(made, measure, DRAW_UNIT) % 1000;
    const MadeUnit *first = NULL;
    for (size_t i = 0; i < countof(UNIT_MIX); i++) {
        if (UNIT_MIX[i].series != series)
            continue;
        if (first == NULL)
            first = &UNITS[UNIT_MIX[i].unit];
        if (draw < UNIT_MIX[i].permille)
            return &UNITS[UNIT_MIX[i].unit];
        draw -= UNIT_MIX[i].permille;
    }
    return first;
}

static const MadePeriod *period_of(const Made *made, Series series, uint64_t measure)
{
    uint64_t draw = made_draw(made, measure, DRAW_PERIOD_CHOICE) % 1000;
    const MadePeriod *first = NULL;
    for (size_t i = 0; i < countof(PERIOD_MIX); i++) {
        if (PERIOD_MIX[i].series != series)
            continue;
        if (first == NULL)
            first = &PERIODS[PERIOD_MIX[i].period];
        if (draw < PERIOD_MIX[i].permille)
            return &PERIODS[PERIOD_MIX[i].period];
        draw -= PERIOD_MIX[i].permille;
    }
    return first;
}

static uint8_t kind_of(const Made *made, uint32_t station)
{
    uint64_t draw = made_draw(made, station, DRAW_KIND) % 1000;
    for (size_t kind = 0; kind < countof(KINDS); kind++) {
        if (draw < KINDS[kind].permille)
            return (uint8_t) kind;
        draw -= KINDS[kind].permille;
    }
    return RIVER_STATION;
}

bool made_is_known(const Made *made, uint32_t station)
{
    return made_chance(made, station, DRAW_KNOWN, KINDS[made->kinds[station]].known_permille);
}

const char *made_type(const Made *made, uint32_t station)
{
    return KINDS[made->kinds[station]].type;
}

/* How the readings of a measure travel: hourly, twice a day, daily. */
static void decide_batches(const Made *made, uint32_t index, unsigned permille,
                           WorldMeasure *measure)
{
    static const int32_t CLASSES[] = {3600, 43200, 43200, 43200, 86400};
    if (!made_chance(made, index, DRAW_BATCH, permille))
        return;
    measure->batch_s = PICK(CLASSES, made, index, DRAW_BATCH + 100);
    measure->batch_phase_s =
        (int32_t) (made_draw(made, index, DRAW_BATCH_PHASE) % (uint64_t) (measure->batch_s / 900)) *
        900;
}

static MadeMeasure decide_measure(const Made *made, uint32_t index, Series series,
                                  const MadeUnit *twin_unit)
{
    MadeMeasure measure = {.series = &SERIES[series], .period = period_of(made, series, index)};
    measure.unit = unit_of(made, series, index);
    if (measure.unit == twin_unit) /* the same series twice: only the unit tells them apart */
        measure.unit = twin_unit == &UNITS[METRE] ? &UNITS[MAOD] : &UNITS[METRE];
    measure.is_silent = made_chance(made, index, DRAW_SILENT, 210);
    if (measure.period->period_s > 0 && made_chance(made, index, DRAW_PHASE, 2))
        measure.phase_s = (int32_t) (made_draw(made, index, DRAW_PHASE + 100) %
                                     (uint64_t) measure.period->period_s);
    return measure;
}

static bool name_measure(World *world, uint32_t station, const MadeMeasure *measure, Str *ret_id)
{
    CLEANUP(buf_release) Buf id = buf_init(400);
    buf_printf(&id, STR_FMT "-%s-%s-%s-%s", STR_ARG(world->stations[station].id),
               measure->series->id_text, measure->series->id_value_type, measure->period->id_text,
               measure->unit->id_text);
    return id.error == OK && arena_copy(&world->strings, buf_view(&id), ret_id);
}

static bool add_measures(World *world, uint32_t station, unsigned batch_permille)
{
    Made *made = world->own;
    unsigned kind = made->kinds[station];
    const MadeUnit *last_unit = NULL;
    Series last_series = STAGE;
    for (size_t i = 0; i < SERIES_MAX; i++) {
        unsigned permille = KINDS[kind].series[i].permille;
        Series series = KINDS[kind].series[i].series;
        if (permille == 0 || !made_chance(made, station, DRAW_MORE + 400 + i, permille))
            continue;
        uint32_t index = (uint32_t) world->measure_count;
        bool is_twin = last_unit != NULL && last_series == series;
        made->measures[index] = decide_measure(made, index, series, is_twin ? last_unit : NULL);
        if (is_twin) /* in the real network these differ in nothing else */
            made->measures[index].period = made->measures[index - 1].period;
        world->measures[index] =
            (WorldMeasure){.station = station, .station_id = world->stations[station].id};
        decide_batches(made, index, batch_permille, &world->measures[index]);
        if (!name_measure(world, station, &made->measures[index], &world->measures[index].id))
            return false;
        last_unit = made->measures[index].unit;
        last_series = series;
        world->measure_count++;
    }
    return true;
}

static bool add_station(World *world, uint32_t station, unsigned batch_permille)
{
    Made *made = world->own;
    CLEANUP(buf_release) Buf id = buf_init(100);
    made->kinds[station] = kind_of(made, station);
    made_put_station_id(made, station, '_', &id);
    if (!arena_copy(&world->strings, buf_view(&id), &world->stations[station].id))
        return false;
    world->station_count++;
    return add_measures(world, station, batch_permille);
}

/* ---- making ---------------------------------------------------------------------------------- */

static void made_close(World *world)
{
    Made *made = world->own;
    if (made == NULL)
        return;
    free(made->measures);
    free(made->kinds);
    free(made);
}

static const WorldKind MADE = {
    .put_station = made_put_station,
    .put_measure = made_put_measure,
    .put_scale = made_put_scale,
    .put_single_members = made_put_single_members,
    .single_measure_members = made_single_measure_members,
    .is_of_type = made_is_of_type,
    .next_time = made_next_time,
    .last_time = made_last_time,
    .put_value = made_put_value,
    .close = made_close,
};

static bool allocate(World *world, size_t station_count, uint64_t seed)
{
    size_t measures_max = station_count * SERIES_MAX + 1;
    Made *made = calloc(1, sizeof *made);
    world->own = made;
    world->stations = calloc(station_count + 1, sizeof *world->stations);
    world->measures = calloc(measures_max, sizeof *world->measures);
    if (made == NULL || world->stations == NULL || world->measures == NULL)
        return false;
    made->seed = seed;
    made->measures = calloc(measures_max, sizeof *made->measures);
    made->kinds = calloc(station_count + 1, sizeof *made->kinds);
    return made->measures != NULL && made->kinds != NULL;
}

ErrCode world_make(size_t station_count, uint64_t seed, int batching_percent, World **ret_world,
                   Err *err)
{
    World *world = calloc(1, sizeof *world);
    if (world == NULL)
        return err_set(err, ERR_NO_MEMORY, "no memory for a network");
    *world = (World){.kind = &MADE, .strings = arena_init(), .seen_from_start = NO_TIME};
    bool ok = allocate(world, station_count, seed);
    for (size_t i = 0; ok && i < station_count; i++)
        ok = add_station(world, (uint32_t) i, (unsigned) batching_percent * 10);
    ErrCode rc = ok ? OK : err_set(err, ERR_NO_MEMORY, "no memory for %zu stations", station_count);
    if (rc == OK)
        rc = world_index_stations(world, err);
    if (rc == OK)
        rc = world_index_measures(world, err);
    if (rc != OK) {
        world_close(world);
        return rc;
    }
    *ret_world = world;
    return OK;
}
