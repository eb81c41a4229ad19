#include "model/render.h"

#include "tests/test.h"

#include <math.h>
#include <string.h>

static const Station STATION = {
    .id = STR("1491TH"),
    .reference = STR("1491TH"),
    .label = STR("Abingdon \"Peachcroft\", weir"),
    .river = STR("Radley Park Ditch"),
    .lat_deg = 51.6716,
    .long_deg = -1.2822,
    .easting_m = 449900,
    .northing_m = NAN,
    .datum_offset_m = NAN,
    .stage = {.typical_low = 0.1, .typical_high = 0.6, .record_high = NAN, .record_low = NAN},
    .listed = true,
    .newest = 1795341600,
};

static const Measure MEASURE = {
    .id = STR("1491TH-level-stage-i-15_min-mASD"),
    .station_id = STR("1491TH"),
    .parameter = STR("level"),
    .qualifier = STR("Stage"),
    .unit = STR("mASD"),
    .period_s = 900,
    .listed = true,
    .newest = 1795341600,
};

static Reading reading(void)
{
    return (Reading){
        .measure_id = MEASURE.id, .time = 1795341600, .value = 0.413, .received = 1795342567};
}

TEST(render_reading_as_json_and_csv)
{
    const Reading one = reading();
    const Row row = {.station = &STATION, .measure = &MEASURE, .reading = &one};
    FieldSet json = field_set_default(READING_FIELDS, FIELD_JSON);
    FieldSet csv = field_set_default(READING_FIELDS, FIELD_CSV);
    CLEANUP(buf_release) Buf out = buf_init(10000);
    render_json(&out, &json, &row);
    CHECK_TEXT("{\"station\":\"1491TH\",\"measure\":\"1491TH-level-stage-i-15_min-mASD\","
               "\"parameter\":\"level\",\"qualifier\":\"Stage\",\"unit\":\"mASD\","
               "\"time\":\"2026-11-22T10:00:00Z\",\"value\":0.413}",
               buf_view(&out)); /* flags are absent when there are none */
    buf_clear(&out);
    render_csv_header(&out, &csv);
    render_csv_on(&out, &(Stem){.fields = 0}, &csv, &row);
    CHECK_TEXT(
        "station,measure,parameter,qualifier,unit,time,value,flags\n"
        "1491TH,1491TH-level-stage-i-15_min-mASD,level,Stage,mASD,2026-11-22T10:00:00Z,0.413,\n",
        buf_view(&out));
}

TEST(render_flags)
{
    Reading odd = reading();
    odd.value = -32.768;
    odd.time += 40;
    odd.flags = READING_AMBIGUOUS | READING_CORRECTED;
    const Row row = {.station = &STATION, .measure = &MEASURE, .reading = &odd};
    FieldSet set = {.fields = {field_find(READING_FIELDS, STR("value")),
                               field_find(READING_FIELDS, STR("flags"))},
                    .count = 2};
    CLEANUP(buf_release) Buf out = buf_init(10000);
    render_json(&out, &set, &row);
    CHECK_TEXT(
        "{\"value\":-32.768,\"flags\":[\"ambiguous\",\"suspect\",\"off_grid\",\"corrected\"]}",
        buf_view(&out));
    buf_clear(&out);
    render_csv_on(&out, &(Stem){.fields = 0}, &set, &row);
    CHECK_TEXT("-32.768,ambiguous;suspect;off_grid;corrected\n", buf_view(&out));
}

TEST(render_station_as_json_and_csv)
{
    const Str ids[] = {STR("m-1"), STR("m,2")};
    const Row row = {.station = &STATION, .measure_ids = ids, .measure_id_count = 2};
    FieldSet json = field_set_default(STATION_FIELDS, FIELD_JSON);
    FieldSet csv = field_set_default(STATION_FIELDS, FIELD_CSV);
    CLEANUP(buf_release) Buf out = buf_init(10000);
    render_json(&out, &json, &row);
    CHECK_TEXT(
        "{\"station\":\"1491TH\",\"reference\":\"1491TH\","
        "\"label\":\"Abingdon \\\"Peachcroft\\\", weir\",\"river\":\"Radley Park Ditch\","
        "\"catchment\":null,\"town\":null,\"lat\":51.6716,\"long\":-1.2822,\"easting\":449900.0,"
        "\"northing\":null,\"grid_reference\":null,\"type\":null,\"status\":null,\"opened\":null,"
        "\"rloi_id\":null,\"wiski_id\":null,\"datum_offset\":null,\"typical_low\":0.1,"
        "\"typical_high\":0.6,\"record_high\":null,\"record_high_time\":null,\"record_low\":null,"
        "\"record_low_time\":null,\"listed\":true,\"measures\":[\"m-1\",\"m,2\"],"
        "\"latest\":\"2026-11-22T10:00:00Z\"}",
        buf_view(&out));
    buf_clear(&out);
    render_csv_on(&out, &(Stem){.fields = 0}, &csv, &row);
    CHECK_TEXT(
        "1491TH,1491TH,\"Abingdon \"\"Peachcroft\"\", weir\",Radley Park Ditch,,,51.6716,-1.2822,"
        "449900.0,,,,,,,,,0.1,0.6,,,,,true,\"m-1;m,2\",2026-11-22T10:00:00Z\n",
        buf_view(&out));
}

TEST(render_csv_quotes_as_rfc_4180_says)
{
    static const struct {
        Str label;
        const char *want;
    } cases[] = {
        {{"plain text", 10}, "plain text\n"},
        {{"a,b", 3}, "\"a,b\"\n"},
        {{"say \"no\"", 8}, "\"say \"\"no\"\"\"\n"},
        {{"two\nlines", 9}, "\"two\nlines\"\n"},
        {{"cr\r", 3}, "\"cr\r\"\n"},
        {{"=1+1", 4}, "=1+1\n"}, /* given as it is; spreadsheets have a profile of their own */
        {{"", 0}, "\"\"\n"},     /* empty is there */
        {{NULL, 0}, "\n"},       /* missing is not */
    };
    FieldSet set = {.fields = {field_find(STATION_FIELDS, STR("label"))}, .count = 1};
    for (size_t i = 0; i < countof(cases); i++) {
        Station station = STATION;
        station.label = cases[i].label;
        const Row row = {.station = &station};
        CLEANUP(buf_release) Buf out = buf_init(1000);
        CASE(cases[i].want);
        render_csv_on(&out, &(Stem){.fields = 0}, &set, &row);
        CHECK_TEXT(cases[i].want, buf_view(&out));
    }
}

TEST(render_lists_of_measures)
{
    const Str empty_id[] = {STR("")};
    FieldSet set = {.fields = {field_find(STATION_FIELDS, STR("measures"))}, .count = 1};
    CLEANUP(buf_release) Buf out = buf_init(1000);
    Row row = {.station = &STATION};
    render_json(&out, &set, &row);
    render_csv_on(&out, &(Stem){.fields = 0}, &set, &row);
    CHECK_TEXT("{\"measures\":[]}\n", buf_view(&out)); /* Q18: a station without measures */
    buf_clear(&out);
    row.measure_ids = empty_id;
    row.measure_id_count = 1;
    render_json(&out, &set, &row);
    CHECK_TEXT("{\"measures\":[\"\"]}", buf_view(&out));
}

TEST(render_measure_without_a_reading)
{
    const Row row = {.measure = &MEASURE};
    FieldSet set = field_set_default(MEASURE_FIELDS, FIELD_JSON);
    CLEANUP(buf_release) Buf out = buf_init(10000);
    render_json(&out, &set, &row);
    CHECK_HAS("\"period_s\":900,", buf_view(&out));
    CHECK_HAS("\"latest\":null", buf_view(&out));
    CHECK_HAS("\"listed\":true", buf_view(&out));
}

TEST(render_of_no_fields_is_still_a_row)
{
    const FieldSet none = {.count = 0};
    const Row row = {.station = &STATION};
    CLEANUP(buf_release) Buf out = buf_init(100);
    render_json(&out, &none, &row);
    CHECK_TEXT("{}", buf_view(&out));
    buf_clear(&out);
    render_csv_header(&out, &none);
    render_csv_on(&out, &(Stem){.fields = 0}, &none, &row);
    CHECK_TEXT("\n\n", buf_view(&out));
}

/* The cell that begins at *at; moves it behind the comma or the end of the line. */
static void take_cell(Str *at, Buf *cell)
{
    bool quoted = at->len > 0 && at->ptr[0] == '"';
    size_t i = quoted ? 1 : 0;
    buf_clear(cell);
    for (; i < at->len; i++) {
        bool is_quote = at->ptr[i] == '"';
        if (quoted && is_quote && i + 1 < at->len && at->ptr[i + 1] == '"')
            i++;
        else if (quoted ? is_quote : at->ptr[i] == ',' || at->ptr[i] == '\n')
            break;
        buf_put_char(cell, at->ptr[i]);
    }
    i += quoted ? 2 : 1;
    *at = (Str){at->ptr + i, at->len - i};
}

TEST(render_says_the_same_decimals_and_times_in_every_format)
{
    FieldSet set = {.fields = {field_find(READING_FIELDS, STR("time")),
                               field_find(READING_FIELDS, STR("value"))},
                    .count = 2};
    for (int i = -500; i < 500; i++) {
        Reading one = reading();
        one.value = i * 0.137;
        one.time += i * 977;
        const Row row = {.station = &STATION, .measure = &MEASURE, .reading = &one};
        CLEANUP(buf_release) Buf json = buf_init(1000), csv = buf_init(1000), cell = buf_init(100);
        Str time, value;
        render_json(&json, &set, &row);
        render_csv_on(&csv, &(Stem){.fields = 0}, &set, &row);
        REQUIRE(json_member(buf_view(&json), STR("time"), &time));
        REQUIRE(json_member(buf_view(&json), STR("value"), &value));
        Str rest = buf_view(&csv);
        take_cell(&rest, &cell);
        CHECK_STR(((Str){time.ptr + 1, time.len - 2}), buf_view(&cell));
        take_cell(&rest, &cell);
        CHECK_STR(value, buf_view(&cell));
        double back = 0;
        CHECK(str_to_double(value, &back));
        CHECK_DOUBLE(one.value, back);
    }
}

TEST(render_marks_the_buffer_when_it_is_full)
{
    const Str ids[] = {STR("one"), STR("two")};
    const Row row = {.station = &STATION, .measure_ids = ids, .measure_id_count = 2};
    FieldSet set = field_set_default(STATION_FIELDS, FIELD_CSV);
    for (size_t max = 0; max < 60; max += 7) {
        CLEANUP(buf_release) Buf json = buf_init(max), csv = buf_init(max);
        render_json(&json, &set, &row);
        render_csv_on(&csv, &(Stem){.fields = 0}, &set, &row);
        CHECK_INT(ERR_TOO_LARGE, json.error);
        CHECK_INT(ERR_TOO_LARGE, csv.error);
    }
}

TEST(rows_on_a_stem_read_as_without)
{
    char too_long[200];
    memset(too_long, 'x', sizeof too_long);
    const Station station = {.id = STR("S,1"), .lat_deg = 51, .long_deg = -1};
    const Measure measures[] = {
        {.id = STR("a\"b"), .station_id = STR("S,1"), .parameter = STR("level")},
        {.id = STR("b"), .station_id = STR("S,1"), .parameter = STR("flow"), .unit = STR("m3/s")},
        {.id = {too_long, sizeof too_long}, .station_id = STR("S,1"), .parameter = STR("flow")},
    };
    static const char *const FIELDS[][4] = {{"station", "measure", "time", "value"},
                                            {"measure", "flags", "unit", "value"},
                                            {"time", "measure", "value", "flags"},
                                            {"measure", "unit", "parameter", "station"}};
    for (size_t f = 0; f < countof(FIELDS); f++) {
        FieldSet set = {.chosen = true};
        for (size_t i = 0; i < countof(FIELDS[f]); i++)
            field_set_add(&set, field_find(READING_FIELDS, str_of(FIELDS[f][i])));
        Stem json_stem = {.fields = 0}, csv_stem = {.fields = 0};
        for (size_t i = 0; i < 12; i++) { /* two of each, and again */
            const Measure *measure = &measures[i / 2 % countof(measures)];
            const Reading reading = {
                .measure_id = measure->id, .time = (UnixSec) i * 900, .value = 1};
            const Row row = {.station = &station, .measure = measure, .reading = &reading};
            CLEANUP(buf_release) Buf want = buf_init(4096);
            CLEANUP(buf_release) Buf got = buf_init(4096);
            render_json(&want, &set, &row);
            render_json_on(&got, &json_stem, &set, &row);
            CHECK_STR(buf_view(&want), buf_view(&got));
            buf_clear(&want);
            buf_clear(&got);
            render_csv_on(&want, &(Stem){.fields = 0}, &set, &row);
            render_csv_on(&got, &csv_stem, &set, &row);
            CHECK_STR(buf_view(&want), buf_view(&got));
        }
    }
}
