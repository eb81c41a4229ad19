/* What the newest values mean. */
#include "base/json.h"
#include "tests/site.h"

/* 1491TH-level falls by 0.001 a slot, from 0.508 to 0.413; typical are 0.1 to 0.9. OCK1-level falls
 * by 0.25 a slot and has no scale. */
TEST(latest_says_what_it_means)
{
    static const struct {
        const char *measure, *path, *want;
    } cases[] = {
        {"1491TH-level", "trend", "falling"}, /* 0.413 is 0.41, the 0.4155 before it 0.42 */
        {"1491TH-level", "rate_per_h", "-0.004"},
        {"1491TH-level", "state", "normal"},
        {"1491TH-level", "range_position", "0.39125"},
        {"1491TH-level", "total_1h", NULL},
        {"1491TH-flow", "trend", "null"}, /* suspect */
        {"1491TH-flow", "state", "null"},
        {"OCK1-level", "trend", "falling"},
        {"OCK1-level", "rate_per_h", "-1.0"},
        {"OCK1-level", "state", "null"},
        {"OCK1-level", "range_position", "null"},
        {"FAR1-temp", "trend", "null"}, /* last known: outside its station's window */
        {"FAR1-temp", "rate_per_h", "null"},
        {"A B-rainfall", "trend", "null"},
    };
    Inside inside;
    inside_open(&inside, true);
    for (size_t i = 0; i < countof(cases); i++) {
        CLEANUP(buf_release) Buf target = buf_init(300);
        CASE(cases[i].measure);
        BUF_LITERAL(&target, "/v1/latest?measure=");
        put_encoded(&target, str_of(cases[i].measure), "");
        buf_put_char(&target, '\0');
        CLEANUP(asked_release) Asked asked = ask(&inside, target.ptr);
        CLEANUP(buf_release) Buf path = buf_init(100);
        buf_printf(&path, "items.0.%s%c", cases[i].path, '\0');
        CASE(cases[i].path);
        CHECK_STR(str_of(cases[i].want), json_text_at(asked.body, path.ptr));
    }
    inside_close(&inside);
}

static void add_rain(Inside *inside)
{
    Batch batch = batch_init();
    Station station = a_station("RAIN1");
    Measure measure = a_measure("RAIN1-rain", "RAIN1", "rainfall", "Tipping Bucket Raingauge");
    measure.value_type = STR("total");
    measure.unit = STR("mm");
    REQUIRE(batch_add_station(&batch, &station) && batch_add_measure(&batch, &measure));
    for (int i = 0; i < 10; i++)
        if (i != 2)
            add_reading(&batch, "RAIN1-rain", FIXTURE_NOW - 1800 - i * 900, 0.2);
    (void) fixture_apply(&inside->fixture, &batch, FAULT_NONE);
    batch_release(&batch);
}

TEST(rain_is_summed_with_its_counts)
{
    Inside inside;
    inside_open(&inside, true);
    add_rain(&inside);
    CLEANUP(asked_release) Asked json = ask(&inside, "/v1/stations/RAIN1/latest");
    CHECK_TEXT("0.6", json_at(json.body, "items.0.total_1h"));
    CHECK_TEXT("3", json_at(json.body, "items.0.total_1h_n"));
    CHECK_TEXT("4", json_at(json.body, "items.0.total_1h_expected_n"));
    CHECK_TEXT("1.8", json_at(json.body, "items.0.total_24h"));
    CHECK_TEXT("96", json_at(json.body, "items.0.total_24h_expected_n"));
    CLEANUP(asked_release)
    Asked csv = ask(&inside, "/v1/latest.csv?parameter=rainfall&sort=-total_6h&limit=1"
                             "&fields=station,total_6h,total_6h_n");
    CHECK_TEXT("station,total_6h,total_6h_n\nRAIN1,1.8,9\n", csv.body);
    inside_close(&inside);
}

TEST(trend_and_state_select)
{
    static const struct {
        const char *query, *want;
    } cases[] = {
        {"trend=falling", "measure\n1491TH-level\nOCK1-level\n"},
        {"trend=rising", "measure\n"},
        {"trend=rising,falling", "measure\n1491TH-level\nOCK1-level\n"},
        {"trend=rising&trend=steady", "measure\n"},
        {"state=normal", "measure\n1491TH-level\n"},
        {"state=above,below", "measure\n"},
        {"state=normal&trend=falling", "measure\n1491TH-level\n"},
        {"state=NORMAL&trend=Falling", "measure\n1491TH-level\n"}, /* case is not meant */
    };
    Inside inside;
    inside_open(&inside, true);
    for (size_t i = 0; i < countof(cases); i++) {
        CLEANUP(buf_release) Buf target = buf_init(300);
        CASE(cases[i].query);
        buf_printf(&target, "/v1/latest.csv?parameter=level&fields=measure&%s%c", cases[i].query,
                   '\0');
        CLEANUP(asked_release) Asked asked = ask(&inside, target.ptr);
        CHECK_TEXT(cases[i].want, asked.body);
    }
    CLEANUP(asked_release) Asked bad = ask(&inside, "/v1/latest?state=high");
    CHECK_INT(400, bad.status);
    CHECK_HAS("'below' or 'normal' or 'above'", json_text_at(bad.body, "errors.0.detail"));
    inside_close(&inside);
}

TEST(trend_and_state_select_the_same_measures_everywhere)
{
    static const struct {
        const char *target, *want;
    } cases[] = {
        {"/v1/stations.csv?trend=falling&fields=station", "station\n1491TH\nOCK1\n"},
        {"/v1/stations.csv?state=normal&fields=station", "station\n1491TH\n"},
        {"/v1/stations.csv?state=above&fields=station", "station\n"},
        {"/v1/stations.csv?state=normal&parameter=flow&fields=station", "station\n"},
        {"/v1/measures.csv?trend=falling&fields=measure", "measure\n1491TH-level\nOCK1-level\n"},
        {"/v1/latest.csv?trend=falling&fields=measure", "measure\n1491TH-level\nOCK1-level\n"},
        {"/v1/stations/1491TH/latest.csv?trend=falling&fields=measure", "measure\n1491TH-level\n"},
        {"/v1/readings.csv?state=normal&limit=2&fields=measure",
         "measure\n1491TH-level\n1491TH-level\n"},
        {"/v1/stations/1491TH/readings.csv?trend=rising&fields=measure", "measure\n"},
        {"/v1/gaps.csv?state=above&fields=measure", "measure\n"},
        {"/v1/parameters.csv?trend=falling", "parameter,stations,measures\nlevel,2,2\n"},
        {"/v1/rivers.csv?state=above", "river,stations,measures\n"},
    };
    Inside inside;
    inside_open(&inside, true);
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].target);
        CLEANUP(asked_release) Asked asked = ask(&inside, cases[i].target);
        CHECK_TEXT(cases[i].want, asked.body);
    }
    CLEANUP(asked_release) Asked some = ask(&inside, "/v1/gaps?trend=falling");
    CLEANUP(asked_release) Asked all = ask(&inside, "/v1/gaps?measure=1491TH-level,OCK1-level");
    CHECK_STR(json_at(all.body, "coverage"), json_at(some.body, "coverage"));
    inside_close(&inside);
}

TEST(latest_of_nothing_says_why)
{
    static const struct {
        const char *target, *reason;
    } cases[] = {{"/v1/stations/NEW1/latest", "no reading of it is kept"},
                 {"/v1/latest?measure=NEW1-level", "no reading of it is kept"},
                 {"/v1/latest?measure=nothing", "no measure matches"},
                 {"/v1/latest?parameter=level&state=above", "no measure matches"}};
    Inside inside;
    inside_open(&inside, true);
    Batch batch = batch_init();
    Station station = a_station("NEW1");
    Measure measure = a_measure("NEW1-level", "NEW1", "level", "Stage");
    REQUIRE(batch_add_station(&batch, &station) && batch_add_measure(&batch, &measure));
    (void) fixture_apply(&inside.fixture, &batch, FAULT_NONE);
    batch_release(&batch);
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].target);
        CLEANUP(asked_release) Asked asked = ask(&inside, cases[i].target);
        CHECK_INT(200, asked.status);
        CHECK_TEXT("0", json_at(asked.body, "count"));
        CHECK_TEXT(cases[i].reason, json_text_at(asked.body, "coverage.reason"));
    }
    inside_close(&inside);
}

/* A level in mm is not judged by a scale in metres. */
TEST(scale_is_in_metres)
{
    static const struct {
        const char *unit;
        const char *state, *flag;
    } cases[] = {{"mm", "null", NULL}, {"mASD", "null", "suspect"}, {"---", "null", NULL}};
    for (size_t i = 0; i < countof(cases); i++) {
        Inside inside;
        CASE(cases[i].unit);
        inside_open(&inside, true);
        Batch batch = batch_init();
        Measure other = a_measure("1491TH-other", "1491TH", "level", "Stage");
        other.unit = str_of(cases[i].unit);
        REQUIRE(batch_add_measure(&batch, &other));
        add_reading(&batch, "1491TH-other", FIXTURE_NOW - 1800, 412.0);
        (void) fixture_apply(&inside.fixture, &batch, FAULT_NONE);
        batch_release(&batch);
        CLEANUP(asked_release) Asked asked = ask(&inside, "/v1/latest?measure=1491TH-other");
        CHECK_TEXT(cases[i].state, json_text_at(asked.body, "items.0.state"));
        CHECK_STR(str_of(cases[i].flag), json_text_at(asked.body, "items.0.flags.0"));
        inside_close(&inside);
    }
}
