/* The 32 quirks of the upstream, each with a test of its name: a document with the quirk goes through
 * parser, writer and snapshot, and what would be served is compared, as NDJSON. */
#include "base/clock.h"
#include "ingest/parse.h"
#include "model/render.h"
#include "store/snapshot.h"
#include "store/writer.h"
#include "tests/parse_kit.h"
#include "tests/test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define NOW clock_from_civil(2026, 11, 22, 10, 16, 7)

typedef struct World {
    Store *store;
    Writer *writer;
    Applied applied; /* by the last take() */
    Buf served;
} World;

static void world_close(World *world)
{
    writer_close(world->writer);
    store_close(world->store);
    buf_release(&world->served);
}

static World world_open(void)
{
    World world = {.served = buf_init(16 << 20)};
    const StoreOptions options = {
        .data_dir = test_dir(),
        .window_s = 86400,
        .reader_count = 2,
        .snapshot_wait_ms = 1000,
        .wal_max_bytes = 1 << 26,
    };
    char set_aside[STORE_NOTE_SIZE];
    Err err = {.code = OK};
    REQUIRE_OK(store_open(&options, &world.store, set_aside, &err));
    REQUIRE_OK(store_writer(world.store, &world.writer, &err));
    return world;
}

typedef enum Kind { STATIONS, MEASURES, READINGS, CSV } Kind;

/* `items` is what stands between the brackets of an ordinary document; a CSV is given whole. */
static void take(World *world, Kind kind, const char *items)
{
    CLEANUP(batch_release) Batch batch = batch_init();
    CLEANUP(buf_release) Buf json = buf_init(1 << 20);
    Err err = {.code = OK};
    buf_printf(&json, "{\"meta\":{\"version\":\"0.9\"},\"items\":[%s]}", items);
    switch (kind) {
    case STATIONS:
        REQUIRE_OK(parse_all_stations(buf_view(&json), &batch, &err));
        break;
    case MEASURES:
        REQUIRE_OK(parse_all_measures(buf_view(&json), &batch, &err));
        break;
    case READINGS:
        REQUIRE_OK(parse_readings(buf_view(&json), NOW, 1000, &batch, &err));
        break;
    case CSV:
        REQUIRE_OK(parse_readings_csv(str_of(items), NOW, 1000, &batch, &err));
        break;
    }
    REQUIRE_OK(writer_apply(world->writer, &batch, FAULT_NONE, NOW, &world->applied, &err));
    const ReadingCounts *counts = &world->applied.readings;
    CHECK_INT(counts->received, counts->fresh + counts->late + counts->unchanged +
                                    counts->corrected + counts->expired + counts->quarantined);
}

#define URI "http://environment.data.gov.uk/flood-monitoring/"
#define STATION(id, more)                                                                          \
    "{\"@id\":\"" URI "id/stations/" id "\",\"notation\":\"" id "\",\"stationReference\":\"" id    \
    "\"" more "}"
#define MEASURE(id, station, more)                                                                 \
    "{\"@id\":\"" URI "id/measures/" id "\",\"notation\":\"" id "\",\"station\":\"" URI            \
    "id/stations/" station                                                                         \
    "\",\"parameter\":\"level\",\"qualifier\":\"Stage\",\"period\":900" more "}"
#define READING_OF(id, time, value)                                                                \
    "{\"@id\":\"" URI "data/readings/x\",\"dateTime\":\"2026-11-22T" time "Z\",\"measure\":\"" URI \
    "id/measures/" id "\"" value "}"
#define READING(time, value) READING_OF("M", time, ",\"value\":" value)

static World world_with_measure(void)
{
    World world = world_open();
    take(&world, MEASURES, MEASURE("M", "S", ",\"unitName\":\"mASD\""));
    return world;
}

/* ---- what is served ---------------------------------------------------------------------------- */

typedef struct Asked {
    World *world;
    FieldSet fields;
    const Station *station;
    const Measure *measure;
} Asked;

static void put_row(Asked *asked, const Row *row)
{
    render_json(&asked->world->served, &asked->fields, row);
    buf_put_char(&asked->world->served, '\n');
}

static bool put_station(const Station *station, const Str *ids, size_t count, void *ctx)
{
    put_row(ctx, &(Row){.station = station, .measure_ids = ids, .measure_id_count = count});
    return true;
}

static bool put_measure(const Station *station, const Measure *measure, const Reading *newest,
                        void *ctx)
{
    put_row(ctx, &(Row){.station = station, .measure = measure, .reading = newest});
    return true;
}

static bool keep_measure(const Station *station, const Measure *measure, UNUSED Window kept,
                         void *ctx)
{
    Asked *asked = ctx;
    asked->station = station;
    asked->measure = measure;
    return true;
}

static bool put_reading(const Reading *reading, void *ctx)
{
    Asked *asked = ctx;
    put_row(asked,
            &(Row){.station = asked->station, .measure = asked->measure, .reading = reading});
    return true;
}

typedef enum What { STATION_LIST, MEASURE_LIST, LATEST, ALL_READINGS } What;

/* Lines of JSON; borrowed until the next call. */
static Str served(World *world, What what, const Filter *filter)
{
    static const Field *const TABLES[] = {STATION_FIELDS, MEASURE_FIELDS, LATEST_FIELDS,
                                          READING_FIELDS};
    Asked asked = {.world = world, .fields = field_set_default(TABLES[what], FIELD_JSON)};
    const ReadingVisitor visitor = {
        .each_measure = keep_measure, .each_reading = put_reading, .ctx = &asked};
    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    const Filter everything = {.has_circle = false};
    Err err = {.code = OK};
    buf_clear(&world->served);
    filter = filter != NULL ? filter : &everything;
    REQUIRE_OK(store_snapshot(world->store, &snap, &err));
    switch (what) {
    case STATION_LIST:
        CHECK_OK(snapshot_each_station(snap, filter, put_station, &asked, &err));
        break;
    case MEASURE_LIST:
        CHECK_OK(snapshot_each_measure(snap, filter, put_measure, &asked, &err));
        break;
    case LATEST:
        CHECK_OK(snapshot_each_latest(snap, filter, put_measure, &asked, &err));
        break;
    case ALL_READINGS:
        CHECK_OK(snapshot_each_reading(snap, filter, window_everything(), &visitor, &err));
        break;
    }
    return buf_view(&world->served);
}

static int lines(Str text)
{
    int count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += text.ptr[i] == '\n' ? 1 : 0;
    return count;
}

static Filter by_station(Str *id)
{
    return (Filter){.station = {.items = id, .count = 1}};
}

#define WITH_WORLD   CLEANUP(world_close) World world = world_open()
#define WITH_MEASURE CLEANUP(world_close) World world = world_with_measure()

/* ---- readings ---------------------------------------------------------------------------------- */

TEST(quirk_01_value_is_an_array)
{
    WITH_MEASURE;
    take(&world, READINGS, READING("09:45:00", "0.7"));
    take(&world, READINGS, READING("10:00:00", "[-50.1, 0.746]"));
    CHECK_HAS("\"value\":0.746,\"flags\":[\"ambiguous\"]", served(&world, LATEST, NULL));
    uint64_t before = world.applied.generation;
    take(&world, READINGS, READING("10:00:00", "[-50.1, 0.746]"));
    CHECK_INT(before, world.applied.generation);
    CHECK_INT(1, world.applied.readings.unchanged);
    take(&world, READINGS, READING("10:15:00", "[20.37, 20.37]"));
    CHECK_HAS("\"value\":20.37,\"freshness\"",
              served(&world, LATEST, NULL)); /* all equal is no doubt */
}

TEST(quirk_02_csv_values_are_joined_by_a_bar)
{
    WITH_MEASURE;
    take(&world, READINGS, READING("09:45:00", "0.7"));
    take(&world, CSV,
         "dateTime,measure,value\n2026-11-22T10:00:00Z," URI "id/measures/M,0.260|0.688\n");
    CHECK_HAS("\"value\":0.688,\"flags\":[\"ambiguous\"]", served(&world, LATEST, NULL));
    take(&world, CSV, "dateTime,measure,value\n2026-11-22T10:15:00Z,M,0.5|0.500\n");
    CHECK_HAS("\"value\":0.5,\"freshness\"", served(&world, LATEST, NULL));
}

TEST(quirk_03_no_value_is_no_reading_and_never_zero)
{
    WITH_MEASURE;
    take(&world, READINGS, READING_OF("M", "10:00:00", ""));
    CHECK_INT(1, world.applied.readings.quarantined);
    take(&world, CSV, "dateTime,measure,value\n2026-11-22T10:00:00Z,M,\n");
    CHECK_INT(1, world.applied.readings.quarantined);
    CHECK_INT(0, lines(served(&world, LATEST, NULL)));
}

TEST(quirk_04_a_single_thing_is_an_object)
{
    CLEANUP(batch_release) Batch batch = batch_init();
    Err err = {.code = OK};
    REQUIRE_OK(parse_all_stations(
        STR("{\"items\":" STATION("E7050", ",\"measures\":{\"@id\":\"x\"}") "}"), &batch, &err));
    REQUIRE_OK(parse_all_measures(STR("{\"items\":" MEASURE("M", "E7050", "") "}"), &batch, &err));
    CHECK_INT(1, batch.station_count);
    CHECK_INT(1, batch.measure_count);
}

TEST(quirk_05_type_is_a_text_or_an_array)
{
    WITH_WORLD;
    take(&world, STATIONS,
         STATION("A", ",\"type\":\"" URI "def/core/Station\"") "," STATION(
             "B", ",\"type\":[\"" URI "def/core/Coastal\",\"" URI "def/core/Station\"]"));
    take(&world, MEASURES,
         MEASURE("M", "A", ",\"type\":[\"x\",\"y\"]") "," MEASURE("N", "B", ",\"type\":\"x\""));
    CHECK_INT(2, lines(served(&world, STATION_LIST, NULL)));
    CHECK_INT(2, lines(served(&world, MEASURE_LIST, NULL)));
}

TEST(quirk_06_a_measure_without_a_reading_is_kept)
{
    WITH_MEASURE;
    CHECK_HAS("\"latest\":null", served(&world, MEASURE_LIST, NULL));
    CHECK_INT(0, lines(served(&world, LATEST, NULL)));
}

TEST(quirk_07_latest_reading_may_be_an_address)
{
    WITH_WORLD;
    take(&world, MEASURES,
         MEASURE("M", "S", ",\"latestReading\":\"" URI "data/readings/M/2026-11-22T10-00-00Z\""));
    CHECK_INT(1, lines(served(&world, MEASURE_LIST, NULL)));
    uint64_t before = world.applied.generation;
    take(&world, MEASURES, MEASURE("M", "S", ",\"latestReading\":{\"value\":1.0}"));
    CHECK_INT(before, world.applied.generation); /* it is no part of the measure */
}

TEST(quirk_08_station_fields_are_arrays)
{
    WITH_WORLD;
    take(
        &world, STATIONS,
        STATION(
            "A",
            ",\"label\":[\"Erith Deep Wharf\",\"Erith TL\"],\"riverName\":[\"Thames\",\"Tideway\"],"
            "\"catchmentName\":[\"C1\",\"C2\"],\"town\":[\"T1\",\"T2\"],\"lat\":[51.1,51.2],"
            "\"long\":[0.1],"
            "\"RLOIid\":[\"9472\",\"9635\"],\"dateOpened\":[\"1994-01-01\",\"1995-01-01\"],"
            "\"status\":[\"" URI "def/core/statusActive\",\"" URI "def/core/statusSuspended\"]"));
    Str item = served(&world, STATION_LIST, NULL);
    CHECK_HAS(
        "\"label\":\"Erith Deep Wharf\",\"river\":\"Thames\",\"catchment\":\"C1\",\"town\":\"T1\"",
        item);
    CHECK_HAS("\"lat\":51.1,\"long\":0.1", item);
    CHECK_HAS("\"status\":\"Active\",\"opened\":\"1994-01-01\",\"rloi_id\":\"9472\"", item);
    Str second = STR("tideway"), rloi = STR("9635");
    CHECK_INT(1, lines(served(&world, STATION_LIST, &(Filter){.river = {&second, 1}})));
    CHECK_INT(1, lines(served(&world, STATION_LIST, &(Filter){.rloi_id = {&rloi, 1}})));
}

TEST(quirk_09_a_scale_may_be_only_an_address)
{
    WITH_WORLD;
    take(&world, STATIONS,
         STATION("A", ",\"stageScale\":\"" URI "id/stations/A/stageScale\"") "," STATION(
             "B", ",\"stageScale\":{\"typicalRangeLow\":0.1,\"typicalRangeHigh\":1.3}"));
    CHECK_HAS("\"typical_low\":null,\"typical_high\":null", served(&world, STATION_LIST, NULL));
    CHECK_HAS("\"typical_low\":0.1,\"typical_high\":1.3", served(&world, STATION_LIST, NULL));
}

TEST(quirk_10_scales_are_incomplete_or_the_wrong_way_round)
{
    WITH_WORLD;
    take(&world, STATIONS,
         STATION("A", ",\"stageScale\":{\"typicalRangeLow\":2.5,\"typicalRangeHigh\":1.3,"
                      "\"maxOnRecord\":{}}"));
    CHECK_HAS("\"typical_low\":2.5,\"typical_high\":1.3,\"record_high\":null",
              served(&world, STATION_LIST, NULL));
}

TEST(quirk_11_a_station_without_coordinates_is_kept_and_in_no_area)
{
    WITH_WORLD;
    take(&world, STATIONS, STATION("A", "") "," STATION("B", ",\"lat\":51.5,\"long\":-0.1"));
    CHECK_INT(2, lines(served(&world, STATION_LIST, NULL)));
    Box earth = {.west_deg = -180, .south_deg = -90, .east_deg = 180, .north_deg = 90};
    const Filter box = {.boxes = {&earth, 1}};
    CHECK_INT(1, lines(served(&world, STATION_LIST, &box)));
    const Filter circle = {.has_circle = true, .lat_deg = 51.5, .long_deg = -0.1, .dist_km = 20000};
    CHECK_INT(1, lines(served(&world, STATION_LIST, &circle)));
}

static StationKey resolve(World *world, const char *key, Arena *arena, ErrCode want)
{
    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    StationKey found = {.by_other_key = false};
    Err err = {.code = OK};
    REQUIRE_OK(store_snapshot(world->store, &snap, &err));
    CHECK_INT(want, snapshot_resolve_station(snap, str_of(key), arena, &found, &err));
    return found;
}

TEST(quirk_12_notation_is_the_key_and_reference_finds_it)
{
    WITH_WORLD;
    CLEANUP(arena_release) Arena arena = arena_init();
    take(&world, STATIONS,
         "{\"@id\":\"" URI "id/stations/"
         "055816_TG_319\",\"notation\":\"055816_TG_319\",\"stationReference\":\"055816_TG 319\"},"
         "{\"@id\":\"" URI
         "id/stations/SU37_63\",\"notation\":\"SU37_63\",\"stationReference\":\"SU37/63\"}");
    CHECK_HAS("\"station\":\"055816_TG_319\",\"reference\":\"055816_TG 319\"",
              served(&world, STATION_LIST, NULL));
    StationKey found = resolve(&world, "SU37/63", &arena, OK);
    CHECK_TEXT("SU37_63", found.id);
    CHECK(found.by_other_key);
    CHECK(!resolve(&world, "SU37_63", &arena, OK).by_other_key);
}

TEST(quirk_13_a_reference_is_shared_by_two_stations)
{
    WITH_WORLD;
    CLEANUP(arena_release) Arena arena = arena_init();
    take(&world, STATIONS,
         "{\"notation\":\"E6120-southern\",\"stationReference\":\"E6120\"},{\"notation\":\"E6120-"
         "anglian\",\"stationReference\":\"E6120\"}");
    StationKey found = resolve(&world, "E6120", &arena, ERR_NOT_FOUND);
    CHECK(found.ambiguous);
    CHECK_INT(2, found.candidates.count);
    Str reference = STR("E6120");
    CHECK_INT(2, lines(served(&world, STATION_LIST, &(Filter){.reference = {&reference, 1}})));
}

TEST(quirk_14_the_empty_notation_is_a_station)
{
    WITH_WORLD;
    take(&world, STATIONS,
         "{\"@id\":\"" URI
         "id/stations/\",\"notation\":\"\",\"stationReference\":\"\",\"label\":\"Knightsford "
         "Bridge LVL\"}," STATION("A", ""));
    take(&world, MEASURES, MEASURE("-flow--i-15_min-m3_s", "", ",\"qualifier\":\"\""));
    take(&world, READINGS, READING_OF("-flow--i-15_min-m3_s", "10:00:00", ",\"value\":1.5"));
    Str empty = STR("");
    Filter filter = by_station(&empty);
    CHECK_HAS("\"station\":\"\"", served(&world, STATION_LIST, &filter));
    CHECK_HAS("\"measures\":[\"-flow--i-15_min-m3_s\"]", served(&world, STATION_LIST, &filter));
    CHECK_INT(1, lines(served(&world, STATION_LIST, &filter)));
    CHECK_HAS("\"value\":1.5", served(&world, LATEST, &filter));
}

TEST(quirk_15_odd_ids_are_compared_by_exact_case)
{
    static const char *const ids[] = {"0",
                                      "Not_Specified",
                                      "T999",
                                      "H_obs.upstream",
                                      "Edgeh1",
                                      "EdgeH1",
                                      "575092______________________________________",
                                      "DIFF_TB3_TB1",
                                      "a b/c%2F"};
    WITH_WORLD;
    CLEANUP(buf_release) Buf items = buf_init(65536);
    for (size_t i = 0; i < countof(ids); i++)
        buf_printf(&items, "%s{\"notation\":\"%s\",\"label\":\"label of %s\"}", i > 0 ? "," : "",
                   ids[i], ids[i]);
    buf_put_char(&items, '\0');
    take(&world, STATIONS, items.ptr);
    CHECK_INT(countof(ids), lines(served(&world, STATION_LIST, NULL)));
    for (size_t i = 0; i < countof(ids); i++) {
        char want[128];
        Str id = str_of(ids[i]);
        Filter filter = by_station(&id);
        CASE(ids[i]);
        (void) snprintf(want, sizeof want, "\"label\":\"label of %s\"", ids[i]);
        CHECK_HAS(want, served(&world, STATION_LIST, &filter));
        CHECK_INT(1, lines(served(&world, STATION_LIST, &filter)));
    }
}

TEST(quirk_16_one_series_in_several_units_stays_several)
{
    WITH_WORLD;
    take(&world, MEASURES,
         MEASURE("S-level-stage-i-15_min-m", "S", ",\"unitName\":\"m\"") "," MEASURE(
             "S-level-stage-i-15_min----", "S",
             ",\"unitName\":\"---\"") "," MEASURE("S-level-stage-i-15_min-mAOD", "S",
                                                  ",\"unitName\":\"mAOD\""));
    take(&world, READINGS,
         READING_OF("S-level-stage-i-15_min-m", "10:00:00", ",\"value\":1.0") "," READING_OF(
             "S-level-stage-i-15_min----", "10:00:00",
             ",\"value\":1.1") "," READING_OF("S-level-stage-i-15_min-mAOD", "10:00:00",
                                              ",\"value\":51.0"));
    CHECK_INT(3, lines(served(&world, LATEST, NULL)));
    CHECK_INT(3, world.applied.readings.fresh);
}

TEST(quirk_17_what_no_list_has_is_kept)
{
    WITH_WORLD;
    take(&world, STATIONS, STATION("A", ""));
    take(&world, MEASURES, MEASURE("M", "NOBODY", ""));
    take(&world, READINGS, READING("10:00:00", "1.0"));
    CHECK_HAS("\"station\":\"NOBODY\"", served(&world, LATEST, NULL));
    CHECK_INT(2, lines(served(&world, STATION_LIST, NULL)));
    Str nobody = STR("NOBODY");
    Filter filter = by_station(&nobody);
    CHECK_HAS("\"listed\":false", served(&world, STATION_LIST, &filter));
    take(&world, STATIONS, STATION("A", ""));
    CHECK_INT(2, lines(served(&world, STATION_LIST, NULL)));
    take(&world, READINGS, READING_OF("UNKNOWN", "10:00:00", ",\"value\":1.0"));
    CHECK_INT(1, world.applied.readings.quarantined); /* until a list has it: it is asked for */
    CHECK_INT(1, world.applied.unknown_measures);
}

TEST(quirk_18_a_station_without_measures_is_kept)
{
    WITH_WORLD;
    take(&world, STATIONS, STATION("T999", "") "," STATION("U", ",\"measures\":[]"));
    CHECK_INT(2, lines(served(&world, STATION_LIST, NULL)));
    CHECK_HAS("\"measures\":[],\"latest\":null", served(&world, STATION_LIST, NULL));
}

TEST(quirk_19_labels_repeat_and_hold_blanks)
{
    WITH_WORLD;
    take(&world, STATIONS,
         STATION("A", ",\"label\":\"RIVER CHERWELL  AT  ENSLOW \"") "," STATION(
             "B", ",\"label\":\"Abingdon\"") "," STATION("C", ",\"label\":\"Abingdon\""));
    CHECK_INT(3, lines(served(&world, STATION_LIST, NULL)));
    CHECK_HAS("\"label\":\"RIVER CHERWELL  AT  ENSLOW \"",
              served(&world, STATION_LIST, NULL)); /* as given */
    Str word = STR("enslow");
    CHECK_INT(1, lines(served(&world, STATION_LIST, &(Filter){.q = {&word, 1}})));
}

TEST(quirk_20_a_measure_label_is_its_own)
{
    WITH_WORLD;
    take(&world, STATIONS, STATION("S", ",\"label\":\"Bourton Dickler\""));
    take(&world, MEASURES,
         MEASURE("M", "S", ",\"label\":\"RIVER DIKLER AT BOURTON ON THE WATER - level-stage\""));
    CHECK_HAS("\"station\":\"S\",\"label\":\"RIVER DIKLER AT BOURTON ON THE WATER - level-stage\"",
              served(&world, MEASURE_LIST, NULL));
    CHECK_HAS("\"label\":\"Bourton Dickler\"", served(&world, STATION_LIST, NULL));
}

TEST(quirk_21_status_is_free_text_or_missing)
{
    WITH_WORLD;
    take(&world, STATIONS,
         STATION("A", ",\"status\":\"" URI "def/core/statusukcmf\"") "," STATION("B", ""));
    CHECK_HAS("\"status\":\"ukcmf\"", served(&world, STATION_LIST, NULL));
    CHECK_HAS("\"status\":null", served(&world, STATION_LIST, NULL));
    Str status = STR("UKCMF");
    CHECK_INT(1, lines(served(&world, STATION_LIST, &(Filter){.status = {&status, 1}})));
}

TEST(quirk_22_values_out_of_reason_are_kept_and_marked)
{
    static const struct {
        const char *value, *want;
    } cases[] = {
        {"-32.768", "\"value\":-32.768,\"flags\":[\"suspect\"]"},
        {"-1156.0", "\"value\":-1156.0,\"flags\":[\"suspect\"]"},
        {"-0.441", "\"value\":-0.441,\"freshness\""}, /* negative is normal */
        {"9636.0", "\"value\":9636.0,\"freshness\""}, /* large can be right */
    };
    WITH_MEASURE;
    for (size_t i = 0; i < countof(cases); i++) {
        char item[512];
        CASE(cases[i].value);
        (void) snprintf(item, sizeof item, READING("0%zu:00:00", "%s"), i + 1, cases[i].value);
        take(&world, READINGS, item);
        CHECK_HAS(cases[i].want, served(&world, LATEST, NULL));
    }
    take(&world, STATIONS,
         STATION("S", ",\"stageScale\":{\"typicalRangeLow\":0.0,\"typicalRangeHigh\":1.0}"));
    CHECK_HAS("\"value\":9636.0,\"flags\":[\"suspect\"]",
              served(&world, LATEST, NULL)); /* beyond ten typical ranges */
}

TEST(quirk_23_units_pass_through)
{
    WITH_WORLD;
    take(&world, MEASURES,
         MEASURE("A", "S", ",\"unitName\":\"mm\"") "," MEASURE(
             "B", "S", ",\"unitName\":\"---\"") "," MEASURE("C", "S", ",\"unitName\":\"Knots\""));
    CHECK_HAS("\"unit\":\"mm\"", served(&world, MEASURE_LIST, NULL));
    CHECK_HAS("\"unit\":\"---\"", served(&world, MEASURE_LIST, NULL));
    CHECK_HAS("\"unit\":\"Knots\"", served(&world, MEASURE_LIST, NULL));
}

TEST(quirk_24_off_grid_times_are_kept_to_the_second)
{
    WITH_MEASURE;
    take(&world, READINGS, READING("08:39:55", "1.0"));
    CHECK_HAS("\"time\":\"2026-11-22T08:39:55Z\",\"value\":1.0,\"flags\":[\"off_grid\"]",
              served(&world, LATEST, NULL));
}

TEST(quirk_25_readings_come_unsorted)
{
    WITH_MEASURE;
    take(&world, READINGS,
         READING("00:45:00", "3.0") "," READING("00:30:00", "2.0") "," READING(
             "01:00:00", "4.0") "," READING("00:15:00", "1.0"));
    Str text = served(&world, ALL_READINGS, NULL);
    size_t at = 0, before = 0;
    CHECK_INT(4, lines(text));
    for (int i = 1; i <= 4; i++) {
        char part[32];
        (void) snprintf(part, sizeof part, "\"value\":%d.0", i);
        REQUIRE(str_find(text, str_of(part), &at));
        CHECK(at >= before);
        before = at;
    }
    CHECK_HAS("\"value\":4.0", served(&world, LATEST, NULL));
}

TEST(quirk_27_missing_slots_stay_gaps_until_they_arrive)
{
    WITH_MEASURE;
    take(&world, READINGS, READING("09:00:00", "1.0") "," READING("09:30:00", "2.0"));
    CHECK_INT(2, lines(served(&world, ALL_READINGS, NULL)));
    take(&world, READINGS, READING("09:15:00", "1.5"));
    CHECK_INT(1, world.applied.readings.late);
    CHECK_INT(3, lines(served(&world, ALL_READINGS, NULL)));
}

TEST(quirk_28_the_same_reading_twice_is_one)
{
    WITH_MEASURE;
    take(&world, READINGS, READING("09:00:00", "1.0") "," READING("09:00:00", "1.0"));
    CHECK_INT(1, world.applied.readings.fresh);
    CHECK_INT(1, world.applied.readings.unchanged);
    uint64_t before = world.applied.generation;
    take(&world, READINGS, READING("09:00:00", "1.0"));
    CHECK_INT(before, world.applied.generation);
    CHECK_INT(1, lines(served(&world, ALL_READINGS, NULL)));
}

TEST(quirk_29_a_reading_without_a_time_is_dropped_and_counted)
{
    WITH_MEASURE;
    take(&world, READINGS,
         "{\"dateTime\":\"\",\"measure\":\"" URI
         "id/measures/M\",\"value\":1.0}," READING("09:00:00", "1.0"));
    CHECK_INT(2, world.applied.readings.received);
    CHECK_INT(1, world.applied.readings.quarantined);
    CHECK_INT(1, world.applied.readings.fresh);
}

TEST(quirk_30_times_of_records_have_no_zone_and_pass_as_they_are)
{
    WITH_WORLD;
    take(&world, STATIONS,
         STATION("A", ",\"stageScale\":{\"maxOnRecord\":{\"value\":1.67,\"dateTime\":\"1987-08-"
                      "21T23:00:00\"}},\"statusDate\":\"2020-01-01T00:00:00\""));
    CHECK_HAS("\"record_high\":1.67,\"record_high_time\":\"1987-08-21T23:00:00\"",
              served(&world, STATION_LIST, NULL));
}

TEST(quirk_31_versions_and_missing_meta_are_no_matter)
{
    static const char *const heads[] = {"\"meta\":{\"version\":\"0.5\"},",
                                        "\"meta\":{\"version\":\"0.7\",\"hasFormat\":[]},", ""};
    for (size_t i = 0; i < countof(heads); i++) {
        CLEANUP(batch_release) Batch batch = batch_init();
        char json[512];
        Err err = {.code = OK};
        (void) snprintf(json, sizeof json, "{%s\"items\":[" STATION("A", "") "]}", heads[i]);
        CHECK_OK(parse_all_stations(str_of(json), &batch, &err));
        CHECK_INT(1, batch.station_count);
    }
}

TEST(quirk_32_the_id_of_a_reading_is_not_needed)
{
    WITH_MEASURE;
    take(&world, READINGS,
         "{\"dateTime\":\"2026-11-22T09:00:00Z\",\"measure\":\"" URI
         "id/measures/M\",\"value\":1.0}");
    CHECK_INT(1, world.applied.readings.fresh);
}
