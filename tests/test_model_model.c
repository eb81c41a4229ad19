#include "model/model.h"

#include "tests/test.h"

#include <math.h>

TEST(fault_names)
{
    static const char *const names[] = {"none", "upstream", "network", "ingest", "store"};
    CHECK_INT(FAULT_COUNT, countof(names));
    for (int i = 0; i < FAULT_COUNT; i++)
        CHECK_TEXT(names[i], str_of(fault_name((Fault) i)));
}

TEST(scale_unknown_says_nothing)
{
    Scale scale = scale_unknown();
    CHECK(isnan(scale.typical_low) && isnan(scale.typical_high));
    CHECK(isnan(scale.record_low) && isnan(scale.record_high));
    CHECK(str_is_none(scale.record_high_time) && str_is_none(scale.record_low_time));
}

TEST(measure_scale_goes_by_qualifier)
{
    static const Station station = {.id = STR("1491TH")};
    static const struct {
        const char *parameter, *qualifier;
        const Scale *want;
    } cases[] = {
        {"level", "Stage", &station.stage},
        {"level", "Downstream Stage", &station.downstage},
        {"level", "Groundwater", NULL},
        {"level", "Tidal Level", NULL},
        {"level", "", NULL},
        {"level", NULL, NULL},
        {"flow", "Stage", NULL},
        {"rainfall", "Tipping Bucket Raingauge", NULL},
        {NULL, "Stage", NULL},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        Measure measure = {.parameter = str_of(cases[i].parameter),
                           .qualifier = str_of(cases[i].qualifier),
                           .unit = STR("mASD")};
        CASE(cases[i].qualifier != NULL ? cases[i].qualifier : "none");
        CHECK(measure_scale(&measure, &station) == cases[i].want);
    }
}

TEST(measure_scale_is_in_metres_above_something)
{
    static const struct {
        const char *unit;
        bool has_scale;
    } cases[] = {{"mASD", true}, {"m", true},    {"mAOD", true}, {"mBDAT", false},
                 {"mm", false},  {"---", false}, {NULL, false}};
    const Station station = {.stage = scale_unknown(), .downstage = scale_unknown()};
    for (size_t i = 0; i < countof(cases); i++) {
        const Measure measure = {
            .parameter = STR("level"), .qualifier = STR("Stage"), .unit = str_of(cases[i].unit)};
        CASE(cases[i].unit != NULL ? cases[i].unit : "none");
        CHECK_INT(cases[i].has_scale, measure_scale(&measure, &station) != NULL);
    }
}

TEST(reading_is_suspect_by_value_or_by_scale)
{
    static const Scale scale = {.typical_low = 0.1, .typical_high = 0.6};
    static const Scale twisted = {.typical_low = 0.6, .typical_high = 0.1}; /* Q10 */
    static const Scale half = {.typical_low = NAN, .typical_high = 0.6};
    static const struct {
        const char *name;
        double value;
        const Scale *scale;
        bool suspect;
    } cases[] = {
        {"ordinary", 0.413, &scale, false},
        {"no scale", 9636.0, NULL, false},
        {"below the range", -0.04, &scale, false},
        {"flood", 3.2, &scale, false},
        {"ten ranges above the low", 5.0, &scale, false},
        {"more than ten", 5.2, &scale, true},
        {"more than ten below", -5.0, &scale, true},
        {"16-bit minimum", -32.768, NULL, true},
        {"16-bit minimum but one", -32.767, NULL, true},
        {"445610", -101.833, NULL, true},
        {"1674TH", -53.254, NULL, true},
        {"4327TH", -27.657, NULL, true},
        {"5562TH", -1156.0, NULL, true},
        {"5291TH", -91.0, NULL, true},
        {"beside a constant", -32.769, NULL, false},
        {"low above high tells nothing", 50, &twisted, false},
        {"half a scale tells nothing", 50, &half, false},
    };
    Measure measure = {.period_s = 900};
    for (size_t i = 0; i < countof(cases); i++) {
        Reading reading = {.value = cases[i].value, .time = 900};
        CASE(cases[i].name);
        CHECK_INT(cases[i].suspect ? READING_SUSPECT : 0,
                  reading_meaning_flags(&reading, &measure, cases[i].scale));
    }
}

TEST(reading_is_off_grid_when_its_period_does_not_divide_its_time)
{
    static const struct {
        UnixSec time;
        int64_t period_s;
        bool off_grid;
    } cases[] = {
        {1795342500, 900, false},  {1795342501, 900, true}, {1795342500, 3600, true},
        {1795341600, 3600, false}, {1795342501, 0, false}, /* no period: no grid */
        {1795342500, 300, false},  {-900, 900, false},      {-1, 900, true},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        Measure measure = {.period_s = cases[i].period_s};
        Reading reading = {.time = cases[i].time, .value = 1};
        CHECK_INT(cases[i].off_grid ? READING_OFF_GRID : 0,
                  reading_meaning_flags(&reading, &measure, NULL));
    }
}
