/* What the parser takes from the upstream's documents, and what it refuses. */
#include "base/clock.h"
#include "ingest/parse.h"
#include "tests/parse_kit.h"
#include "tests/test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* 2026-11-22T10:16:07Z: the clock of all these tests. */
#define NOW clock_from_civil(2026, 11, 22, 10, 16, 7)

static Batch parse_one(const char *json)
{
    Batch batch = batch_init();
    Err err = {.code = OK};
    REQUIRE_OK(parse_readings(str_of(json), NOW, 1000, &batch, &err));
    return batch;
}

static Batch parse_item(const char *members)
{
    char json[1024];
    (void) snprintf(json, sizeof json, "{\"items\":[{%s}]}", members);
    return parse_one(json);
}

#define MEASURE "\"measure\":\"http://x/id/measures/M-level-stage-i-15_min-m\""
#define TIME    "\"dateTime\":\"2026-11-22T10:00:00Z\""

TEST(parse_reading_takes_what_the_upstream_sends)
{
    static const struct {
        const char *name, *item;
        double value;
    } cases[] = {
        {"ordinary", MEASURE "," TIME ",\"value\":1.23", 1.23},
        {"below datum", MEASURE "," TIME ",\"value\":-0.04", -0.04},
        {"whole", MEASURE "," TIME ",\"value\":0.0", 0.0},
        {"exponent", MEASURE "," TIME ",\"value\":1e2", 100},
        {"number in a text", MEASURE "," TIME ",\"value\":\" 1.5 \"", 1.5},
        {"escapes",
         "\"measure\":\"http:\\/\\/x\\/M-level-stage-i-15_min-m\"," TIME ",\"value\":1.5", 1.5},
        {"twice: the first", MEASURE "," TIME ",\"value\":1.5,\"value\":2", 1.5},
        {"members that nobody reads", "\"x\":{\"value\":[9]}," MEASURE "," TIME ",\"value\":1.5",
         1.5},
        {"array of one", MEASURE "," TIME ",\"value\":[0.7]", 0.7},
        {"array with one usable", MEASURE "," TIME ",\"value\":[null,\"x\",0.7]", 0.7},
        {"measure as an object",
         "\"measure\":{\"@id\":\"http://x/M-level-stage-i-15_min-m\"}," TIME ",\"value\":2.5", 2.5},
        {"time in an array", MEASURE ",\"dateTime\":[\"2026-11-22T10:00:00Z\"],\"value\":2.5", 2.5},
        {"time with an offset", MEASURE ",\"dateTime\":\"2026-11-22T11:00:00+01:00\",\"value\":2.5",
         2.5},
        {"an hour ahead", MEASURE ",\"dateTime\":\"2026-11-22T11:16:07Z\",\"value\":2.5", 2.5},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].name);
        CLEANUP(batch_release) Batch batch = parse_item(cases[i].item);
        REQUIRE(batch.reading_count == 1);
        CHECK_DOUBLE(cases[i].value, batch.readings[0].reading.value);
        CHECK_INT(0, batch.readings[0].candidates.count);
        CHECK_TEXT("M-level-stage-i-15_min-m", batch.readings[0].reading.measure_id);
        CHECK_INT(0, batch.refusal_count);
    }
}

TEST(parse_reading_refuses_with_a_reason)
{
    static const struct {
        const char *name, *item;
        RefusalReason want;
    } cases[] = {
        {"value missing", MEASURE "," TIME, REFUSED_NO_VALUE},
        {"value null", MEASURE "," TIME ",\"value\":null", REFUSED_NO_VALUE},
        {"value empty", MEASURE "," TIME ",\"value\":\" \"", REFUSED_NO_VALUE},
        {"value an empty array", MEASURE "," TIME ",\"value\":[]", REFUSED_NO_VALUE},
        {"value a word", MEASURE "," TIME ",\"value\":\"dry\"", REFUSED_BAD_VALUE},
        {"value true", MEASURE "," TIME ",\"value\":true", REFUSED_BAD_VALUE},
        {"value an object", MEASURE "," TIME ",\"value\":{}", REFUSED_BAD_VALUE},
        {"value beyond a double", MEASURE "," TIME ",\"value\":1e999", REFUSED_BAD_VALUE},
        {"array of words", MEASURE "," TIME ",\"value\":[\"a\",\"b\"]", REFUSED_BAD_VALUE},
        {"time missing", MEASURE ",\"value\":1.0", REFUSED_NO_TIME},
        {"time empty", MEASURE ",\"dateTime\":\"\",\"value\":1.0", REFUSED_NO_TIME},
        {"no such day", MEASURE ",\"dateTime\":\"2026-02-30T00:00:00Z\",\"value\":1.0",
         REFUSED_BAD_TIME},
        {"a date alone", MEASURE ",\"dateTime\":\"2026-11-22\",\"value\":1.0", REFUSED_BAD_TIME},
        {"time a word", MEASURE ",\"dateTime\":\"yesterday\",\"value\":1.0", REFUSED_BAD_TIME},
        {"more than an hour ahead", MEASURE ",\"dateTime\":\"2026-11-22T11:16:08Z\",\"value\":1.0",
         REFUSED_FUTURE},
        {"no measure", TIME ",\"value\":1.0", REFUSED_NO_MEASURE},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].name);
        CLEANUP(batch_release) Batch batch = parse_item(cases[i].item);
        CHECK_INT(0, batch.reading_count);
        REQUIRE(batch.refusal_count == 1);
        CHECK_TEXT(refusal_name(cases[i].want), str_of(refusal_name(batch.refusals[0].reason)));
        CHECK_HAS(cases[i].item, batch.refusals[0].raw);
    }
}

TEST(parse_reading_keeps_all_candidates_and_their_text)
{
    CLEANUP(batch_release) Batch batch = parse_item(MEASURE "," TIME ",\"value\":[-53.254, 0.746]");
    REQUIRE(batch.reading_count == 1);
    const BatchReading *got = &batch.readings[0];
    REQUIRE(got->candidates.count == 2);
    CHECK_DOUBLE(-53.254, got->candidates.values[0]);
    CHECK_DOUBLE(0.746, got->candidates.values[1]);
    CHECK_TEXT("[-53.254, 0.746]", got->reading.raw);
}

TEST(parse_one_bad_item_never_costs_the_others)
{
    CLEANUP(batch_release)
    Batch batch = parse_one("{\"items\":[ 17, \"x\", null, [], {\"value\":1}, {" MEASURE "," TIME
                            ",\"value\":1.0}, {\"a\":nonsense} ]}");
    CHECK_INT(1, batch.reading_count);
    CHECK_INT(6, batch.refusal_count);
}

TEST(parse_refuses_what_is_no_document)
{
    static const struct {
        const char *name, *json;
    } cases[] = {
        {"nothing", ""},
        {"blanks", "  \n"},
        {"HTML", "<!DOCTYPE html><html></html>"},
        {"a list", "[1,2]"},
        {"a number", "7"},
        {"no items", "{\"meta\":{}}"},
        {"items a word", "{\"items\":\"none\"}"},
        {"cut in the head", "{\"meta\":{\"a\""},
        {"cut in an item", "{\"items\":[{" MEASURE "," TIME ",\"value\":1.0},{\"measure\":\"ht"},
        {"cut behind an item", "{\"items\":[{" MEASURE "," TIME ",\"value\":1.0},"},
        {"cut before the last brace", "{\"items\":[]"},
        {"more behind it", "{\"items\":[]} and more"},
        {"brackets crossed", "{\"items\":[{]}}"},
        {"only brackets",
         "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].name);
        CLEANUP(batch_release) Batch batch = batch_init();
        Err err = {.code = OK};
        CHECK_INT(ERR_FORMAT, parse_readings(str_of(cases[i].json), NOW, 1000, &batch, &err));
        CHECK(err.text[0] != '\0');
        CHECK_INT(ERR_FORMAT, parse_all_stations(str_of(cases[i].json), &batch, &err));
        CHECK_INT(ERR_FORMAT, parse_all_measures(str_of(cases[i].json), &batch, &err));
        CHECK(!batch.has_all_stations && !batch.has_all_measures);
    }
}

TEST(parse_list_gives_its_items_some_at_a_time)
{
    static const struct {
        const char *json;
        size_t want[4]; /* stations of each portion; what follows is none */
    } cases[] = {
        {"{\"items\":[{\"notation\":\"A\"},{\"notation\":\"B\"},{\"notation\":\"C\"}],\"x\":[1]}",
         {2, 1}},
        {"{\"items\":[{\"notation\":\"A\"},7,{\"notation\":\"B\"}]}",
         {1, 1}}, /* 7 is one of them */
        {"{\"items\":{\"notation\":\"A\"}}", {1}},
        {"{\"items\":[]}", {0}},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        ParseList list;
        Err err = {.code = OK};
        bool more = true;
        CASE(cases[i].json);
        REQUIRE_OK(parse_list(str_of(cases[i].json), NULL, &list, &err));
        for (size_t portion = 0; portion < countof(cases[i].want) && more; portion++) {
            CLEANUP(batch_release) Batch batch = batch_init();
            CHECK_OK(parse_stations(&list, 2, &batch, &more, &err));
            CHECK_INT(cases[i].want[portion], batch.station_count);
            CHECK(!batch.has_all_stations); /* the caller knows */
        }
        CHECK(!more);
    }
}

TEST(parse_readings_beyond_the_ceiling_are_counted)
{
    CLEANUP(batch_release) Batch batch = batch_init();
    CLEANUP(buf_release) Buf json = buf_init(100000);
    Err err = {.code = OK};
    BUF_LITERAL(&json, "{\"items\":[");
    for (int i = 0; i < 10; i++)
        buf_printf(&json, "%s{" MEASURE ",\"dateTime\":\"2026-11-22T0%d:00:00Z\",\"value\":1.0}",
                   i ? "," : "", i);
    BUF_LITERAL(&json, "]}");
    CHECK_OK(parse_readings(buf_view(&json), NOW, 4, &batch, &err));
    CHECK_INT(4, batch.reading_count);
    REQUIRE(batch.refusal_count == 6);
    CHECK_INT(REFUSED_TOO_MANY, batch.refusals[0].reason);
}

static const char STATION[] =
    "{\"items\":[{\"@id\":\"http://x/id/stations/S1\",\"notation\":\"S1\",\"stationReference\":\"S "
    "1\","
    "\"label\":[\"Erith Deep Wharf\",\"Erith Deep Wharf TL\"],\"riverName\":\"River Thames\","
    "\"lat\":[51.5,51.6],\"long\":-0.1,\"easting\":417990,\"northing\":219610.5,\"gridReference\":"
    "\"SP 1\","
    "\"RLOIid\":[\"9472\",\"9635\"],\"wiskiID\":1029,\"datumOffset\":3.2,\"dateOpened\":\"1994-01-"
    "01\","
    "\"status\":[\"http://x/def/core/statusActive\",\"http://x/def/core/statusSuspended\"],"
    "\"stageScale\":{\"typicalRangeHigh\":[1.3,1.4],\"typicalRangeLow\":0.1,"
    "\"maxOnRecord\":{\"value\":1.67,\"dateTime\":\"1987-08-21T23:00:00\"}},"
    "\"downstageScale\":\"http://x/id/stations/S1/downstageScale\"}]}";

TEST(parse_station_takes_the_first_value_and_keeps_all_for_search)
{
    CLEANUP(batch_release) Batch batch = batch_init();
    Err err = {.code = OK};
    REQUIRE_OK(parse_all_stations(str_of(STATION), &batch, &err));
    REQUIRE(batch.station_count == 1 && batch.has_all_stations);
    const Station *got = &batch.stations[0];
    CHECK_TEXT("S1", got->id);
    CHECK_TEXT("S 1", got->reference);
    CHECK_TEXT("Erith Deep Wharf", got->label);
    CHECK_TEXT("Erith Deep Wharf\nErith Deep Wharf TL", got->label_all);
    CHECK_TEXT("River Thames", got->river);
    CHECK(str_is_none(got->river_all));
    CHECK(str_is_none(got->town));
    CHECK_TEXT("9472", got->rloi_id);
    CHECK_TEXT("9472\n9635", got->rloi_id_all);
    CHECK_TEXT("1029", got->wiski_id);
    CHECK_DOUBLE(51.5, got->lat_deg);
    CHECK_DOUBLE(-0.1, got->long_deg);
    CHECK_DOUBLE(219610.5, got->northing_m);
    CHECK_DOUBLE(3.2, got->datum_offset_m);
    CHECK_TEXT("Active", got->status);
    CHECK_DOUBLE(1.3, got->stage.typical_high);
    CHECK_DOUBLE(0.1, got->stage.typical_low);
    CHECK_DOUBLE(1.67, got->stage.record_high);
    CHECK_TEXT("1987-08-21T23:00:00", got->stage.record_high_time);
    CHECK(isnan(got->stage.record_low));
    CHECK(isnan(got->downstage.typical_low));
    CHECK_HAS("\"label\":[\"Erith Deep Wharf\",\"Erith Deep Wharf TL\"]", got->raw);
}

TEST(parse_measure_keeps_its_item_without_the_reading)
{
    CLEANUP(batch_release) Batch batch = batch_init();
    Err err = {.code = OK};
    REQUIRE_OK(parse_all_measures(
        STR("{\"items\":{\"@id\":\"http://x/id/measures/M\", \"label\" : \"a \\\"b\\\" c\","
            "\"latestReading\" : {\"value\":1.0, \"a\":[1,2]},\"datumType\":\"http://x/datumASD\","
            "\"station\":\"http://x/id/stations/\",\"period\":900,\"qualifier\":\"\"}}"),
        &batch, &err));
    REQUIRE(batch.measure_count == 1);
    const Measure *got = &batch.measures[0];
    CHECK_TEXT("M", got->id);
    CHECK_TEXT("", got->station_id);
    CHECK(!str_is_none(got->station_id));
    CHECK_TEXT("", got->qualifier);
    CHECK(str_is_none(got->unit));
    CHECK_TEXT("datumASD", got->datum);
    CHECK_INT(900, got->period_s);
    CHECK_TEXT("{\"@id\":\"http://x/id/measures/M\",\"label\":\"a \\\"b\\\" "
               "c\",\"datumType\":\"http://x/datumASD\","
               "\"station\":\"http://x/id/stations/\",\"period\":900,\"qualifier\":\"\"}",
               got->raw);
}

TEST(parse_items_without_an_id_are_counted_and_passed_over)
{
    CLEANUP(batch_release) Batch batch = batch_init();
    Err err = {.code = OK};
    CHECK_OK(parse_all_stations(STR("{\"items\":[{\"label\":\"x\"},{\"notation\":\"\"},7]}"),
                                &batch, &err));
    CHECK_INT(1, batch.station_count);
    CHECK_INT(2, batch.item_refused_count);
    CHECK_OK(parse_all_measures(STR("{\"items\":[{\"notation\":\"M\"}]}"), &batch, &err));
    CHECK_INT(0, batch.measure_count);
    CHECK_INT(3, batch.item_refused_count);
}

TEST(parse_types_tell_of_what_type_a_station_is)
{
    CLEANUP(batch_release) Batch batch = batch_init();
    Err err = {.code = OK};
    CHECK_OK(parse_station_types(STR("{\"items\":[{\"notation\":\"A\"},{\"notation\":\"B\"}]}"),
                                 STR("Coastal"), &batch, &err));
    REQUIRE(batch.type_count == 2);
    CHECK_TEXT("B", batch.types[1].station_id);
    CHECK_TEXT("Coastal", batch.types[1].type);
    CHECK(!batch.has_all_types);
}

/* Of two shards the first has 1491TH and E7050, the second EdgeH1. */
TEST(parse_passes_over_what_is_another_shards)
{
    static const struct {
        uint32_t index;
        size_t stations, measures, types, readings, refusals, foreign;
    } cases[] = {{0, 2, 2, 2, 1, 1, 2}, {1, 1, 1, 1, 1, 1, 2}};
    static const char CSV[] = "dateTime,measure,value\n"
                              "2026-11-22T10:00:00Z,E7050-level-stage-i-15_min-m,1\n"
                              "2026-11-22T10:00:00Z,EdgeH1-level-stage-i-15_min-m,1\n"
                              "2026-11-22T10:00:00Z,EdgeH1-level-stage-i-15_min-m,\n"
                              "2026-11-22T10:00:00Z,,5\n";
    for (size_t i = 0; i < countof(cases); i++) {
        Batch batch = batch_init();
        Err err = {.code = OK};
        batch.shard = (Shard){.index = cases[i].index, .count = 2};
        CHECK_OK(
            parse_all_stations(STR("{\"items\":[{\"notation\":\"1491TH\"},{\"@id\":\"x/E7050\"},"
                                   "{\"notation\":\"EdgeH1\"}]}"),
                               &batch, &err));
        CHECK_OK(parse_all_measures(
            STR("{\"items\":["
                "{\"notation\":\"1491TH-level-stage-i-15_min-m\",\"station\":\"x/1491TH\"},"
                "{\"notation\":\"E7050-level-stage-i-15_min-m\",\"station\":\"x/E7050\"},"
                "{\"notation\":\"EdgeH1-level-stage-i-15_min-m\",\"station\":\"x/EdgeH1\"}]}"),
            &batch, &err));
        CHECK_OK(parse_station_types(STR("{\"items\":[{\"notation\":\"1491TH\"},"
                                         "{\"notation\":\"E7050\"},{\"notation\":\"EdgeH1\"}]}"),
                                     STR("Coastal"), &batch, &err));
        CHECK_OK(parse_readings_csv(str_of(CSV), NOW, 1000, &batch, &err));
        CHECK_INT(cases[i].stations, batch.station_count);
        CHECK_INT(cases[i].measures, batch.measure_count);
        CHECK_INT(cases[i].types, batch.type_count);
        CHECK_INT(cases[i].readings, batch.reading_count);
        CHECK_INT(cases[i].refusals, batch.refusal_count);
        CHECK_INT(cases[i].foreign, batch.foreign_count);
        batch_release(&batch);
        CHECK_INT(2, batch.shard.count); /* whose batch it is does not end with what is in it */
    }
}

TEST(parse_single_items_say_nothing_of_the_lists)
{
    Batch batch = batch_init();
    Err err = {.code = OK};
    CHECK_OK(parse_station(STR("{\"items\":{\"notation\":\"S\"}}"), &batch, &err));
    CHECK_OK(
        parse_measure(STR("{\"items\":{\"notation\":\"M\",\"station\":\"x/S\"}}"), &batch, &err));
    REQUIRE(batch.station_count == 1 && batch.measure_count == 1);
    CHECK(!batch.stations[0].listed && !batch.measures[0].listed);
    CHECK(!batch.has_all_stations && !batch.has_all_measures);
    batch_release(&batch);
}

TEST(parse_csv_reads_by_column_name)
{
    static const char CSV[] =
        "date,dateTime,\"label, quoted\",measure,value\r\n"
        "2026-11-22,2026-11-22T10:00:00Z,\"a, \"\"b\"\"\",http://x/id/measures/M,0.260|0.267\r\n"
        "2026-11-22,2026-11-22T10:00:00Z,,http://x/id/measures/N,\n"
        "2026-11-22,2026-11-22T10:00:00Z,,http://x/id/measures/O,\"41.030\"\n"
        "\n"
        "short,line\n"
        "2026-11-22,2026-11-22T10:00:00Z,,,1.0\n"
        "2026-11-22,2026-11-22T10:15:00Z,,http://x/id/measures/P,7";
    CLEANUP(batch_release) Batch batch = batch_init();
    Err err = {.code = OK};
    REQUIRE_OK(parse_readings_csv(str_of(CSV), NOW, 1000, &batch, &err));
    REQUIRE(batch.reading_count == 3);
    CHECK_TEXT("M", batch.readings[0].reading.measure_id);
    CHECK_INT(2, batch.readings[0].candidates.count);
    CHECK_TEXT("0.260|0.267", batch.readings[0].reading.raw);
    CHECK_DOUBLE(41.03, batch.readings[1].reading.value);
    CHECK_DOUBLE(7, batch.readings[2].reading.value);
    REQUIRE(batch.refusal_count == 3);
    CHECK_INT(REFUSED_NO_VALUE, batch.refusals[0].reason);
    CHECK_INT(REFUSED_BAD_ITEM, batch.refusals[1].reason);
    CHECK_INT(REFUSED_NO_MEASURE, batch.refusals[2].reason);
    CHECK_INT(ERR_FORMAT, parse_readings_csv(STR("a,b\n1,2\n"), NOW, 1000, &batch, &err));
    CHECK_HAS("a,b", str_of(err.text));
    CHECK_INT(ERR_FORMAT, parse_readings_csv(STR(""), NOW, 1000, &batch, &err));
}

TEST(parse_of_any_cut_never_reads_beyond_or_passes_as_whole)
{
    Str whole = str_of(STATION);
    for (size_t len = 0; len < whole.len; len++) {
        CLEANUP(batch_release) Batch batch = batch_init();
        CLEANUP(buf_release)
        Buf exact = buf_init(whole.len + 1); /* of just this size, for the sanitizer */
        Err err = {.code = OK};
        buf_put(&exact, whole.ptr, len);
        CHECK_INT(ERR_FORMAT, parse_all_stations(buf_view(&exact), &batch, &err));
    }
}

TEST(parse_the_whole_country_recordings)
{
    CLEANUP(buf_release) Buf stations = buf_init(0);
    CLEANUP(buf_release) Buf measures = buf_init(0);
    CLEANUP(batch_release) Batch batch = batch_init();
    Err err = {.code = OK};
    if (!test_recording("stations-all-2025-09-05T155532Z.json.gz", &stations) ||
        !test_recording("measures-all-2025-09-05T155534Z.json.gz", &measures))
        test_skip("the recordings are not there");
    CHECK_OK(parse_all_stations(buf_view(&stations), &batch, &err));
    CHECK_OK(parse_all_measures(buf_view(&measures), &batch, &err));
    CHECK_INT(5430, batch.station_count);
    CHECK_INT(6697, batch.measure_count);
    CHECK_INT(0, batch.item_refused_count);
    size_t without_period = 0, without_place = 0;
    for (size_t i = 0; i < batch.measure_count; i++)
        without_period += batch.measures[i].period_s == 0 ? 1 : 0;
    for (size_t i = 0; i < batch.station_count; i++)
        without_place += isnan(batch.stations[i].lat_deg) ? 1 : 0;
    CHECK_INT(14, without_period);
    CHECK_INT(632, without_place);
}
