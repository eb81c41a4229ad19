#include "model/field.h"

#include "model/render.h"

#include "tests/test.h"

#include <math.h>

static const struct {
    const char *name;
    const Field *table;
} TABLES[] = {
    {"station", STATION_FIELDS},
    {"measure", MEASURE_FIELDS},
    {"reading", READING_FIELDS},
    {"latest", LATEST_FIELDS},
};

TEST(field_tables_name_each_column_once)
{
    for (size_t i = 0; i < countof(TABLES); i++) {
        size_t count = 0;
        CASE(TABLES[i].name);
        for (const Field *field = TABLES[i].table; field->name != NULL; field++, count++) {
            CHECK(field->value != NULL);
            CHECK(field_find(TABLES[i].table, str_of(field->name)) == field); /* the first is it */
            for (const char *c = field->name; *c != '\0'; c++)
                CHECK((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '_');
        }
        CHECK(count > 0 && count <= FIELD_SET_MAX);
        CHECK(field_find(TABLES[i].table, STR("no_such_field")) == NULL);
        CHECK(field_find(TABLES[i].table, STR("")) == NULL);
        CHECK(field_find(TABLES[i].table, STR("STATION")) == NULL);
    }
}

/* The names of a set, joined by commas. */
static void put_names(Buf *out, const FieldSet *set)
{
    for (size_t i = 0; i < set->count; i++)
        buf_printf(out, "%s%s", i > 0 ? "," : "", set->fields[i]->name);
}

TEST(field_defaults_stand_in_their_published_order)
{
    static const struct {
        const char *name;
        const Field *table;
        const char *want;
    } cases[] = {
        {"station", STATION_FIELDS,
         "station,reference,label,river,catchment,town,lat,long,easting,northing,grid_reference,"
         "type,"
         "status,opened,rloi_id,wiski_id,datum_offset,typical_low,typical_high,record_high,"
         "record_high_time,record_low,record_low_time,listed,measures,latest"},
        {"reading", READING_FIELDS, "station,measure,parameter,qualifier,unit,time,value,flags"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CLEANUP(buf_release) Buf names = buf_init(2000);
        FieldSet set = field_set_default(cases[i].table, FIELD_CSV);
        CASE(cases[i].name);
        put_names(&names, &set);
        CHECK_TEXT(cases[i].want, buf_view(&names));
    }
    CLEANUP(buf_release) Buf names = buf_init(2000);
    FieldSet latest = field_set_default(LATEST_FIELDS, FIELD_CSV);
    put_names(&names, &latest);
    CHECK(str_starts(buf_view(&names),
                     STR("station,measure,parameter,qualifier,unit,time,value,flags")));
}

TEST(field_defaults_of_json_and_csv_have_the_same_columns)
{
    for (size_t i = 0; i < countof(TABLES); i++) {
        CLEANUP(buf_release) Buf json_names = buf_init(2000), csv_names = buf_init(2000);
        FieldSet json = field_set_default(TABLES[i].table, FIELD_JSON);
        FieldSet csv = field_set_default(TABLES[i].table, FIELD_CSV);
        CASE(TABLES[i].name);
        put_names(&json_names, &json);
        put_names(&csv_names, &csv);
        CHECK_STR(buf_view(&json_names), buf_view(&csv_names));
    }
}

TEST(field_can_be_chosen_for_readings)
{
    static const char *const chosen[] = {"label",    "river",    "catchment", "town",
                                         "lat",      "long",     "datum",     "received",
                                         "revision", "period_s", "raw",       "value_type"};
    for (size_t i = 0; i < countof(chosen); i++) {
        CASE(chosen[i]);
        const Field *field = field_find(READING_FIELDS, str_of(chosen[i]));
        REQUIRE(field != NULL);
        CHECK((field->in & (FIELD_JSON | FIELD_CSV)) ==
              0); /* new columns come only when asked for */
    }
}

static Value value_of(const Field *table, const char *name, const Row *row)
{
    const Field *field = field_find(table, str_of(name));
    REQUIRE(field != NULL);
    return field->value(row);
}

TEST(field_values_of_what_is_missing_are_null)
{
    const Station station = {
        .id = STR(""),
        .lat_deg = NAN,
        .long_deg = NAN,
        .easting_m = NAN,
        .northing_m = NAN,
        .datum_offset_m = NAN,
        .stage = scale_unknown(),
        .downstage = scale_unknown(),
        .newest = NO_TIME,
    };
    const Measure measure = {.id = STR("m"), .station_id = STR(""), .newest = NO_TIME};
    const Row row = {.station = &station, .measure = &measure};
    static const struct {
        const char *table;
        const Field *fields;
        const char *present; /* all others are null */
    } cases[] = {
        {"station", STATION_FIELDS, ",station,listed,measures,"},
        {"measure", MEASURE_FIELDS, ",measure,station,listed,freshness,"},
        {"reading", READING_FIELDS, ",station,measure,"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        for (const Field *field = cases[i].fields; field->name != NULL; field++) {
            CLEANUP(buf_release) Buf name = buf_init(100);
            buf_printf(&name, ",%s,", field->name);
            size_t at;
            CASE(field->name);
            bool present = str_find(str_of(cases[i].present), buf_view(&name), &at);
            CHECK_INT(present, field->value(&row).kind != VALUE_NULL);
        }
    }
    CHECK_INT(VALUE_STR, value_of(STATION_FIELDS, "station", &row).kind); /* "" is a station */
}

TEST(field_values_of_a_measure_go_by_its_scale)
{
    Station station = {.stage = scale_unknown(), .downstage = scale_unknown()};
    station.stage.typical_high = 1.5;
    station.downstage.typical_high = 2.5;
    Measure measure = {.parameter = STR("level"),
                       .qualifier = STR("Downstream Stage"),
                       .unit = STR("m"),
                       .period_s = 900};
    Row row = {.station = &station, .measure = &measure};
    CHECK_DOUBLE(2.5, value_of(MEASURE_FIELDS, "typical_high", &row).as.real);
    measure.qualifier = STR("Stage");
    CHECK_DOUBLE(1.5, value_of(MEASURE_FIELDS, "typical_high", &row).as.real);
    measure.qualifier = STR("Groundwater");
    CHECK_INT(VALUE_NULL, value_of(MEASURE_FIELDS, "typical_high", &row).kind);
    CHECK_DOUBLE(1.5, value_of(STATION_FIELDS, "typical_high", &row).as.real); /* its Stage's */
    CHECK_INT(900, value_of(MEASURE_FIELDS, "period_s", &row).as.integer);
    row.station = NULL; /* a measure that no station lists */
    CHECK_INT(VALUE_NULL, value_of(MEASURE_FIELDS, "typical_high", &row).kind);
}

TEST(field_flags_are_the_stored_ones_and_those_of_the_value)
{
    static const struct {
        double value;
        UnixSec time;
        unsigned stored, want;
    } cases[] = {
        {0.4, 1800, 0, 0},
        {0.4, 1800, READING_CORRECTED, READING_CORRECTED},
        {-32.768, 1800, READING_AMBIGUOUS, READING_AMBIGUOUS | READING_SUSPECT},
        {0.4, 1801, 0, READING_OFF_GRID},
        {6.0, 1800, 0, READING_SUSPECT}, /* beyond ten typical ranges */
    };
    Station station = {.stage = scale_unknown()};
    station.stage.typical_low = 0.1;
    station.stage.typical_high = 0.6;
    const Measure measure = {
        .parameter = STR("level"), .qualifier = STR("Stage"), .unit = STR("mASD"), .period_s = 900};
    for (size_t i = 0; i < countof(cases); i++) {
        const Reading reading = {
            .value = cases[i].value, .time = cases[i].time, .flags = cases[i].stored};
        const Row row = {.station = &station, .measure = &measure, .reading = &reading};
        Value got = value_of(READING_FIELDS, "flags", &row);
        CHECK_INT(cases[i].want != 0 ? VALUE_FLAGS : VALUE_NULL, got.kind);
        if (cases[i].want != 0)
            CHECK_INT(cases[i].want, got.as.integer);
    }
}

TEST(field_rain_total_of_no_reading_is_null_where_there_should_be_some)
{
    const Station station = {.id = STR("1")};
    const Measure measure = {.id = STR("1-rainfall"), .station_id = station.id};
    const Reading reading = {.measure_id = measure.id, .time = 1700000000, .value = 0.2};
    Meaning meaning = {.rate_per_h = NAN, .range_position = NAN};
    for (int i = 0; i < RAIN_WINDOW_COUNT; i++)
        meaning.rain[i].sum = NAN;
    meaning.rain[RAIN_1H].expected_n = 4;
    const Row row = {
        .station = &station, .measure = &measure, .reading = &reading, .meaning = &meaning};
    const FieldSet fields = field_set_default(LATEST_FIELDS, FIELD_JSON);
    CLEANUP(buf_release) Buf out = buf_init(4096);
    size_t at = 0;
    render_json(&out, &fields, &row);
    CHECK(str_find(buf_view(&out),
                   STR("\"total_1h\":null,\"total_1h_n\":0,\"total_1h_expected_n\":4"), &at));
    CHECK(!str_find(buf_view(&out), STR("total_6h"), &at)); /* of what is no rain */
}
