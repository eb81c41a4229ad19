#include "model/measure_id.h"

#include "base/json.h"
#include "tests/test.h"

TEST(measure_id_is_read_where_it_can_be)
{
    static const struct {
        const char *id, *station, *parameter, *qualifier, *value_type, *unit;
        int64_t period_s;
    } cases[] = {
        {"1491TH-level-stage-i-15_min-mASD", "1491TH", "level", "Stage", "instantaneous", "mASD",
         900},
        {"E7050-rainfall-tipping_bucket_raingauge-t-15_min-mm", "E7050", "rainfall",
         "Tipping Bucket Raingauge", "total", "mm", 900},
        {"E2900-anglian-level-tidal_level-i-15_min---", "E2900-anglian", "level", "Tidal Level",
         "instantaneous", "--", 900},
        {"730511-flow--i-15_min-m3_s", "730511", "flow", "", "instantaneous", "m3/s", 900},
        {"-flow--i-15_min-m3_s", "", "flow", "", "instantaneous", "m3/s", 900},
        {"Not_Specified-rainfall-1-t-1_h-mm", "Not_Specified", "rainfall", "1", "total", "mm",
         3600},
        {"3275-temperature-dry_bulb-i-15_min-deg_C", "3275", "temperature", "Dry Bulb",
         "instantaneous", "deg C", 900},
        {"a-level-b-level-stage-i-1_h----", "a-level-b", "level", "Stage", "instantaneous", "---",
         3600},
        {"X-level-odd_word-Event-Unspecified-m", "X", "level", NULL, "event", "m", 0},
        /* nothing to be read, or more than one way to do it */
        {"nobody", "nobody", NULL, NULL, NULL, NULL, 0},
        {"", "", NULL, NULL, NULL, NULL, 0},
        {"X-height-stage-i-15_min-m", "X-height-stage-i-15_min-m", NULL, NULL, NULL, NULL, 0},
        {"X-level-stage-i-7_min-m", "X-level-stage-i-7_min-m", NULL, NULL, NULL, NULL, 0},
        {"X-level-a-i-1_h-flow-b-i-1_h-m", "X-level-a-i-1_h-flow-b-i-1_h-m", NULL, NULL, NULL, NULL,
         0},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        Measure got;
        CASE(cases[i].id);
        CHECK_INT(cases[i].parameter != NULL, measure_id_read(str_of(cases[i].id), &got));
        CHECK_TEXT(cases[i].id, got.id);
        CHECK_TEXT(cases[i].station, got.station_id);
        CHECK_TEXT(cases[i].parameter, got.parameter);
        CHECK_TEXT(cases[i].qualifier, got.qualifier);
        CHECK_TEXT(cases[i].value_type, got.value_type);
        CHECK_TEXT(cases[i].unit, got.unit);
        CHECK_INT(cases[i].period_s, got.period_s);
        CHECK(!got.listed && str_is_none(got.raw));
        CHECK_TEXT(cases[i].station, measure_id_station(str_of(cases[i].id)));
    }
}

static Str member(Str object, const char *name)
{
    Str value = STR_NONE;
    if (!json_member(object, str_of(name), &value) || value.len < 2 || value.ptr[0] != '"')
        return value;
    return (Str){value.ptr + 1, value.len - 2};
}

TEST(measure_id_says_what_the_fields_of_real_measures_say)
{
    Buf body = buf_init(0);
    if (!test_recording("measures-all-2025-09-05T155534Z.json.gz", &body))
        test_skip("the recordings are not here");
    Str items = STR_NONE, key, item;
    REQUIRE(json_member(buf_view(&body), STR("items"), &items));
    JsonWalk walk = json_walk(items);
    size_t count = 0;
    for (; json_next(&walk, &key, &item); count++) {
        Measure got;
        int64_t period_s = 0;
        (void) str_to_int(member(item, "period"), &period_s);
        CHECK(measure_id_read(member(item, "notation"), &got));
        CHECK_STR(str_after_last(member(item, "station"), '/'), got.station_id);
        CHECK_STR(member(item, "parameter"), got.parameter);
        CHECK_STR(member(item, "qualifier"), got.qualifier);
        CHECK_STR(member(item, "valueType"), got.value_type);
        CHECK_STR(member(item, "unitName"), got.unit);
        CHECK_INT(period_s, got.period_s);
    }
    CHECK_INT(6697, count);
    buf_release(&body);
}
