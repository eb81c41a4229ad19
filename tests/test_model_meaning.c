#include "model/meaning.h"

#include "tests/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    NEWEST = 1795342500, /* 2026-11-22T10:15:00Z */
    QUARTER = 900,
    HOUR = 3600,
};

#define SUSPECT   READING_SUSPECT
#define AMBIGUOUS READING_AMBIGUOUS

static const Measure LEVEL = {
    .id = STR("1491TH-level-stage-i-15_min-mASD"),
    .parameter = STR("level"),
    .qualifier = STR("Stage"),
    .value_type = STR("instantaneous"),
    .unit = STR("mASD"),
    .period_s = QUARTER,
    .newest = NEWEST,
};
static const Measure RAIN = {
    .id = STR("E7050-rainfall-tipping_bucket_raingauge-t-15_min-mm"),
    .parameter = STR("rainfall"),
    .qualifier = STR("Tipping Bucket Raingauge"),
    .value_type = STR("total"),
    .unit = STR("mm"),
    .period_s = QUARTER,
    .newest = NEWEST,
};
static const Station INLAND = {.id = STR("1491TH"), .type = STR("SingleLevel")};
static const Scale SCALE = {.typical_low = 0.1, .typical_high = 0.6};

static void add(MeaningPass *pass, int64_t age_min, double value, unsigned flags)
{
    Reading reading = {
        .measure_id = pass->measure->id,
        .time = pass->measure->newest - age_min * 60,
        .value = value,
        .flags = flags,
    };
    meaning_add(pass, &reading);
}

/* `text` is a list of readings: minutes before the newest, a colon, the value; behind it an
 * exclamation mark when it is suspect, a question mark when it is ambiguous. */
static Meaning meaning_of(const Measure *measure, const Station *station, const Scale *scale,
                          const char *text)
{
    MeaningPass pass = meaning_begin(measure, station, scale);
    char *at;
    for (; *text != '\0'; text = at + strspn(at, " !?")) {
        int64_t age_min = strtoll(text, &at, 10);
        REQUIRE(*at == ':');
        double value = strtod(at + 1, &at);
        add(&pass, age_min, value, *at == '!' ? SUSPECT : *at == '?' ? AMBIGUOUS : 0);
    }
    return meaning_end(&pass);
}

static Trend trend_in(const char *unit, const char *text)
{
    Measure measure = LEVEL;
    measure.unit = str_of(unit);
    return meaning_of(&measure, &INLAND, NULL, text).trend;
}

static void check_name(const char *want, const char *got)
{
    CHECK_STR(str_of(want), str_of(got));
}

TEST(meaning_names)
{
    check_name(NULL, trend_name(TREND_NONE));
    check_name("rising", trend_name(TREND_RISING));
    check_name("falling", trend_name(TREND_FALLING));
    check_name("steady", trend_name(TREND_STEADY));
    check_name(NULL, level_state_name(LEVEL_NONE));
    check_name("below", level_state_name(LEVEL_BELOW));
    check_name("normal", level_state_name(LEVEL_NORMAL));
    check_name("above", level_state_name(LEVEL_ABOVE));
}

TEST(meaning_of_nothing_is_null)
{
    static const char none[] = "";
    Meaning meaning = meaning_of(&LEVEL, &INLAND, &SCALE, none);
    CHECK_INT(TREND_NONE, meaning.trend);
    CHECK_DOUBLE(NAN, meaning.rate_per_h);
    CHECK_INT(LEVEL_NONE, meaning.state);
    CHECK_DOUBLE(NAN, meaning.range_position);
}

/* ---- trend ----------------------------------------------------------------------------------- */

TEST(trend_compares_the_newest_with_the_mean_of_four_before_it)
{
    static const struct {
        const char *name;
        const char *points;
        Trend want;
    } cases[] = {
        {"rising", "15:0.40 0:0.41", TREND_RISING},
        {"falling", "15:0.41 0:0.40", TREND_FALLING},
        {"steady", "15:0.40 0:0.40", TREND_STEADY},
        {"less than a centimetre", "15:0.401 0:0.404", TREND_STEADY},
        {"across a centimetre's half", "15:0.404 0:0.405", TREND_RISING},
        {"the mean, not the last", "60:0.40 45:0.40 30:0.40 15:0.44 0:0.42", TREND_RISING},
        {"the fifth before it is not asked", "75:9.0 60:0.40 45:0.40 30:0.40 15:0.40 0:0.41",
         TREND_RISING},
        {"only the four nearest of more", "60:9.0 40:0.40 30:0.40 20:0.40 10:0.40 0:0.41",
         TREND_RISING},
        {"a gap: three before it", "60:0.40 45:0.40 15:0.40 0:0.41", TREND_RISING},
        {"below datum", "15:-0.40 0:-0.41", TREND_FALLING},
        {"through datum", "15:-0.004 0:0.004", TREND_STEADY},
        {"a sentinel before it is no level", "30:0.40 15:-32.768 0:0.41", TREND_RISING},
        {"flagged before it", "30:0.40 15:50! 0:0.41", TREND_RISING},
        {"ambiguous before it counts", "30:0.40 15:0.44? 0:0.41", TREND_FALLING},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].name);
        CHECK_INT(cases[i].want, trend_in("mASD", cases[i].points));
    }
}

TEST(trend_rounds_decimals_half_away_from_zero)
{
    static const struct {
        const char *name;
        const char *points;
        Trend want;
    } cases[] = {
        {"1.005 is 1.01", "15:1.0 0:1.005", TREND_RISING},
        {"and so equal to it", "15:1.01 0:1.005", TREND_STEADY},
        {"1.0049 is 1.00", "15:1.0 0:1.0049", TREND_STEADY},
        {"-1.005 is -1.01", "15:-1.0 0:-1.005", TREND_FALLING},
        {"-1.004 is -1.00", "15:-1.0 0:-1.004", TREND_STEADY},
        {"0.285 is 0.29", "15:0.28 0:0.285", TREND_RISING},
        {"0.575 is 0.58", "15:0.57 0:0.575", TREND_RISING},
        {"8.345 is 8.35", "15:8.34 0:8.345", TREND_RISING},
        {"high above ordnance datum", "15:172.67 0:172.675", TREND_RISING},
        {"0.005 is 0.01", "15:0.0 0:0.005", TREND_RISING},
        {"-0.005 is -0.01", "15:0.0 0:-0.005", TREND_FALLING},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].name);
        CHECK_INT(cases[i].want, trend_in("m", cases[i].points));
    }
}

TEST(trend_rounds_the_mean_likewise)
{
    static const struct {
        const char *name;
        const char *points;
        Trend want;
    } cases[] = {
        {"a mean of 1.005 is 1.01", "60:1.004 45:1.006 30:1.003 15:1.007 0:1.005", TREND_STEADY},
        {"of three", "45:1.004 30:1.005 15:1.006 0:1.01", TREND_STEADY},
        {"around datum", "45:-0.295 30:0.305 15:0.005 0:0.01", TREND_STEADY},
        {"a mean of 1.00475 is 1.00", "60:1.004 45:1.005 30:1.005 15:1.005 0:1.0", TREND_STEADY},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].name);
        CHECK_INT(cases[i].want, trend_in("m", cases[i].points));
    }
}

TEST(trend_has_the_resolution_of_its_unit)
{
    /* 20 is the range of the day: other units have steps of 0.2 */
    static const char points[] = "600:0 585:20 15:10.0 0:10.09";
    static const struct {
        const char *unit;
        Trend want;
    } cases[] = {
        {"m", TREND_RISING},     {"mASD", TREND_RISING}, {"mAOD", TREND_RISING},
        {"mBDAT", TREND_RISING}, /* of the value: the water falls */
        {"mm", TREND_STEADY},    {"m3/s", TREND_STEADY}, {"---", TREND_STEADY},
        {"m/s", TREND_STEADY},   {"", TREND_STEADY},     {NULL, TREND_STEADY},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].unit != NULL ? cases[i].unit : "none");
        CHECK_INT(cases[i].want, trend_in(cases[i].unit, points));
    }
}

TEST(trend_of_other_units_goes_by_the_range_of_a_day)
{
    static const struct {
        const char *name;
        const char *points;
        Trend want;
    } cases[] = {
        {"half a step is one", "600:0 585:20 15:10.0 0:10.1", TREND_RISING},
        {"half a step down is none", "600:0 585:20 15:10.0 0:9.9", TREND_STEADY},
        {"more than that is", "600:0 585:20 15:10.0 0:9.89", TREND_FALLING},
        {"the newest belongs to the range", "30:10.0 15:10.0 0:10.001", TREND_RISING},
        {"one value all day", "30:10.1 15:10.1 0:10.1", TREND_STEADY},
        {"zero all day", "30:0 15:0 0:0", TREND_STEADY},
        {"a suspect one is not of the range", "600:1000! 15:10.0 0:10.1", TREND_RISING},
        {"a day ago is no more of it", "1440:1000 15:10.0 0:10.1", TREND_RISING},
        {"a minute less is", "1439:1000 15:10.0 0:10.1", TREND_STEADY},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].name);
        CHECK_INT(cases[i].want, trend_in("m3/s", cases[i].points));
    }
}

TEST(trend_is_null_where_there_is_none)
{
    static const struct {
        const char *name;
        const char *parameter, *qualifier, *value_type, *unit;
        bool null;
    } cases[] = {
        {"level", "level", "Stage", "instantaneous", "mASD", false},
        {"flow", "flow", "", "mean", "m3/s", false},
        {"temperature", "temperature", "Dry Bulb", "instantaneous", "deg C", false},
        {"wind speed", "wind", "Speed", "mean", "m/s", false},
        {"rainfall", "rainfall", "Tipping Bucket Raingauge", "total", "mm", true},
        {"cumulative rainfall", "rainfall", "", "cumulative total", "mm", true},
        {"wind direction", "wind", "Direction", "mean", "---", true},
        {"wind in degrees", "wind", "", "instantaneous", "deg", true},
        {"event", "level", "Tidal Level", "event", "mAOD", true},
        {"event, as ids have it", "level", "Stage", "Event", "mAOD", true},
        {"a gate in degrees", "level", "Gate", "instantaneous", "deg", false},
        {"nothing said", NULL, NULL, NULL, NULL, false},
    };
    static const char points[] = "30:1.0 15:1.2 0:1.4";
    for (size_t i = 0; i < countof(cases); i++) {
        Measure measure = LEVEL;
        measure.parameter = str_of(cases[i].parameter);
        measure.qualifier = str_of(cases[i].qualifier);
        measure.value_type = str_of(cases[i].value_type);
        measure.unit = str_of(cases[i].unit);
        Meaning meaning = meaning_of(&measure, &INLAND, NULL, points);
        CASE(cases[i].name);
        CHECK_INT(cases[i].null ? TREND_NONE : TREND_RISING, meaning.trend);
        CHECK_DOUBLE(cases[i].null ? NAN : 0.8, meaning.rate_per_h);
    }
}

TEST(trend_needs_two_readings_within_five_periods)
{
    static const struct {
        const char *name;
        int64_t period_s;
        const char *points;
        Trend want;
    } cases[] = {
        {"one", QUARTER, "0:1.4", TREND_NONE},
        {"two, four periods apart", QUARTER, "60:1.0 0:1.4", TREND_RISING},
        {"two, five periods apart", QUARTER, "75:1.0 0:1.4", TREND_NONE},
        {"two, a little less apart", QUARTER, "74:1.0 0:1.4", TREND_RISING},
        {"hourly", HOUR, "240:1.0 0:1.4", TREND_RISING},
        {"hourly, five apart", HOUR, "300:1.0 0:1.4", TREND_NONE},
        {"no period", 0, "15:1.0 0:1.4", TREND_NONE},
        {"the other is suspect", QUARTER, "15:1.0! 0:1.4", TREND_NONE},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        Measure measure = LEVEL;
        measure.period_s = cases[i].period_s;
        CASE(cases[i].name);
        CHECK_INT(cases[i].want, meaning_of(&measure, &INLAND, NULL, cases[i].points).trend);
    }
}

TEST(trend_and_rate_need_a_newest_without_doubt)
{
    static const struct {
        const char *name;
        double newest;
        unsigned flags;
        bool doubtful;
    } cases[] = {
        {"ordinary", 0.4, 0, false},
        {"suspect", 0.4, SUSPECT, true},
        {"ambiguous", 0.4, AMBIGUOUS, true},
        {"corrected", 0.4, READING_CORRECTED, false},
        {"off the grid", 0.4, READING_OFF_GRID, false},
        {"16-bit minimum", -32.768, 0, true},
        {"beyond the scale", 5.2, 0, true},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        MeaningPass pass = meaning_begin(&LEVEL, &INLAND, &SCALE);
        for (int k = 3; k > 0; k--)
            add(&pass, 15 * k, 0.4 - 0.1 * k, 0);
        add(&pass, 0, cases[i].newest, cases[i].flags);
        Meaning meaning = meaning_end(&pass);
        CASE(cases[i].name);
        CHECK_INT(cases[i].doubtful ? TREND_NONE : TREND_RISING, meaning.trend);
        CHECK_DOUBLE(cases[i].doubtful ? NAN : 0.4, meaning.rate_per_h);
    }
}

/* ---- rate ------------------------------------------------------------------------------------ */

TEST(rate_is_the_slope_of_the_last_hour)
{
    static const struct {
        const char *name;
        const char *points;
        double want;
    } cases[] = {
        {"a line", "45:0.40 30:0.41 15:0.42 0:0.43", 0.04},
        {"falling", "45:0.43 30:0.42 15:0.41 0:0.40", -0.04},
        {"flat is 0.0", "30:0.43 15:0.43 0:0.43", 0},
        {"least squares", "45:0 30:0 15:0 0:1", 1.2},
        {"with a gap", "45:0 15:1 0:1", 1.428571},
        {"a fall too small to tell is 0.0", "30:1.000000002 15:1.000000001 0:1.0", 0},
        {"two readings", "15:0.42 0:0.43", NAN},
        {"an hour ago is not of it", "60:9 15:0.42 0:0.43", NAN},
        {"a minute less is", "59:0 30:29 0:59", 60},
        {"suspect ones are not", "30:0.41! 15:0.42 0:0.43", NAN},
        {"ambiguous ones are", "30:0.41? 15:0.42 0:0.43", 0.04},
        {"far from zero", "30:172.671 15:172.673 0:172.675", 0.008},
        {"beyond all reckoning", "30:1e308 15:-1e308 0:1e308", NAN},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].name);
        double got = meaning_of(&LEVEL, &INLAND, NULL, cases[i].points).rate_per_h;
        CHECK_DOUBLE(cases[i].want, got);
        CHECK(got != 0 || !signbit(got));
    }
}

/* ---- state ----------------------------------------------------------------------------------- */

TEST(state_is_told_by_the_typical_range)
{
    static const Scale halves = {.typical_low = 0.25, .typical_high = 0.75};
    static const struct {
        const char *name;
        double value;
        LevelState state;
        double position;
    } cases[] = {
        {"below", 0.2, LEVEL_BELOW, -0.1},
        {"the low itself is normal", 0.25, LEVEL_NORMAL, 0},
        {"normal", 0.5, LEVEL_NORMAL, 0.5},
        {"a hair below the high", 0.749, LEVEL_NORMAL, 0.998},
        {"the high itself is above", 0.75, LEVEL_ABOVE, 1},
        {"flood", 3.25, LEVEL_ABOVE, 6},
        {"below datum", -0.25, LEVEL_BELOW, -1},
        {"ten ranges above the low", 5.25, LEVEL_ABOVE, 10},
        {"more than ten", 5.26, LEVEL_NONE, NAN},
        {"ten ranges below the low", -4.75, LEVEL_BELOW, -10},
        {"more than ten below", -4.76, LEVEL_NONE, NAN},
        {"a sentinel", -32.768, LEVEL_NONE, NAN},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        MeaningPass pass = meaning_begin(&LEVEL, &INLAND, &halves);
        add(&pass, 0, cases[i].value, 0);
        Meaning meaning = meaning_end(&pass);
        CASE(cases[i].name);
        CHECK_INT(cases[i].state, meaning.state);
        CHECK_DOUBLE(cases[i].position, meaning.range_position);
    }
}

TEST(state_is_null_without_a_scale_that_says_something)
{
    static const struct {
        const char *name;
        bool has_scale;
        double low, high;
        bool null;
    } cases[] = {
        {"whole", true, 0.1, 0.6, false},
        {"below datum", true, -0.6, -0.1, false},
        {"none, or in another unit", false, 0, 0, true},
        {"no low", true, NAN, 0.6, true},
        {"no high", true, 0.1, NAN, true},
        {"neither", true, NAN, NAN, true},
        {"low above high", true, 0.6, 0.1, true},
        {"low equal to high", true, 0.6, 0.6, true},
    };
    static const char points[] = "0:0.4";
    for (size_t i = 0; i < countof(cases); i++) {
        Scale scale = {.typical_low = cases[i].low, .typical_high = cases[i].high};
        Meaning meaning = meaning_of(&LEVEL, &INLAND, cases[i].has_scale ? &scale : NULL, points);
        CASE(cases[i].name);
        CHECK((meaning.state == LEVEL_NONE) == cases[i].null);
        CHECK(isnan(meaning.range_position) == cases[i].null);
    }
}

TEST(state_is_null_at_the_coast)
{
    static const struct {
        const char *name, *type, *type_all;
        bool null;
    } cases[] = {
        {"inland", "SingleLevel", NULL, false},
        {"not known", NULL, NULL, false},
        {"coastal", "Coastal", NULL, true},
        {"the second of two", "SingleLevel", "SingleLevel\nCoastal", true},
        {"the first of two", "Coastal", "Coastal\nTideGauge", true},
        {"between others", "SingleLevel", "SingleLevel\nCoastal\nTideGauge", true},
        {"none of two", "SingleLevel", "SingleLevel\nMultiTraceLevel", false},
        {"begins alike", "CoastalPlain", NULL, false},
    };
    static const char points[] = "15:0.3 0:0.4";
    for (size_t i = 0; i < countof(cases); i++) {
        Station station = {.type = str_of(cases[i].type), .type_all = str_of(cases[i].type_all)};
        Meaning meaning = meaning_of(&LEVEL, &station, &SCALE, points);
        CASE(cases[i].name);
        CHECK((meaning.state == LEVEL_NONE) == cases[i].null);
        CHECK(isnan(meaning.range_position) == cases[i].null);
        CHECK_INT(TREND_RISING, meaning.trend); /* the tide has one */
    }
}

TEST(state_is_null_for_a_suspect_value_alone)
{
    static const struct {
        const char *name;
        unsigned flags;
        LevelState state;
    } cases[] = {
        {"suspect", SUSPECT, LEVEL_NONE},
        {"ambiguous", AMBIGUOUS, LEVEL_NORMAL},
        {"corrected", READING_CORRECTED, LEVEL_NORMAL},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        MeaningPass pass = meaning_begin(&LEVEL, &INLAND, &SCALE);
        add(&pass, 15, 0.3, SUSPECT);
        add(&pass, 0, 0.35, cases[i].flags);
        Meaning meaning = meaning_end(&pass);
        CASE(cases[i].name);
        CHECK_INT(cases[i].state, meaning.state);
        CHECK_DOUBLE(cases[i].state == LEVEL_NONE ? NAN : 0.5, meaning.range_position);
    }
}

/* ---- rain ------------------------------------------------------------------------------------ */

static void check_total(double sum, int64_t n, int64_t expected_n, const RainTotal *got)
{
    CHECK_DOUBLE(sum, got->sum);
    CHECK_INT(n, got->n);
    CHECK_INT(expected_n, got->expected_n);
}

TEST(rain_totals_of_a_full_day)
{
    MeaningPass pass = meaning_begin(&RAIN, &INLAND, NULL);
    for (int i = 100; i >= 0; i--)
        add(&pass, i * 15, 0.1, 0); /* a sum with binary noise */
    Meaning meaning = meaning_end(&pass);
    check_total(0.4, 4, 4, &meaning.rain[RAIN_1H]);
    check_total(2.4, 24, 24, &meaning.rain[RAIN_6H]);
    check_total(9.6, 96, 96, &meaning.rain[RAIN_24H]);
    CHECK_INT(TREND_NONE, meaning.trend);
    CHECK_DOUBLE(NAN, meaning.rate_per_h);
}

TEST(rain_totals_end_with_the_newest_and_begin_behind_their_length)
{
    static const struct {
        const char *name;
        const char *points;
        double sums[RAIN_WINDOW_COUNT];
        int n[RAIN_WINDOW_COUNT];
    } cases[] = {
        {"the newest alone", "0:0.2", {0.2, 0.2, 0.2}, {1, 1, 1}},
        {"dry is not null", "0:0.0", {0, 0, 0}, {1, 1, 1}},
        {"59 minutes", "59:1 0:2", {3, 3, 3}, {2, 2, 2}},
        {"an hour", "60:1 0:2", {2, 3, 3}, {1, 2, 2}},
        {"six hours", "360:1 0:2", {2, 2, 3}, {1, 1, 2}},
        {"a day", "1440:1 0:2", {2, 2, 2}, {1, 1, 1}},
        {"suspect ones are not rain", "15:-1156.0 0:2", {2, 2, 2}, {1, 1, 1}},
        {"ambiguous ones are", "15:1? 0:2", {3, 3, 3}, {2, 2, 2}},
        {"a suspect newest: what is before it", "90:1 0:2!", {NAN, 1, 1}, {0, 1, 1}},
        {"beyond all reckoning", "15:1e308 0:1e308", {NAN, NAN, NAN}, {2, 2, 2}},
        {"none", "", {NAN, NAN, NAN}, {0, 0, 0}},
    };
    static const int64_t expected_n[] = {4, 24, 96};
    for (size_t i = 0; i < countof(cases); i++) {
        Meaning meaning = meaning_of(&RAIN, &INLAND, NULL, cases[i].points);
        CASE(cases[i].name);
        for (int k = 0; k < RAIN_WINDOW_COUNT; k++)
            check_total(cases[i].sums[k], cases[i].n[k], expected_n[k], &meaning.rain[k]);
    }
}

TEST(rain_totals_expect_by_the_period)
{
    static const struct {
        int64_t period_s;
        int64_t want[RAIN_WINDOW_COUNT];
    } cases[] = {
        {QUARTER, {4, 24, 96}},
        {HOUR, {1, 6, 24}},
        {300, {12, 72, 288}},
        {0, {0, 0, 0}}, /* not known */
    };
    static const char points[] = "0:0.2";
    for (size_t i = 0; i < countof(cases); i++) {
        Measure measure = RAIN;
        measure.period_s = cases[i].period_s;
        Meaning meaning = meaning_of(&measure, &INLAND, NULL, points);
        for (int k = 0; k < RAIN_WINDOW_COUNT; k++)
            check_total(0.2, 1, cases[i].want[k], &meaning.rain[k]);
    }
}

TEST(rain_totals_are_of_rain_totals_only)
{
    static const struct {
        const char *parameter, *value_type;
        bool has;
    } cases[] = {
        {"rainfall", "total", true},  {"rainfall", "cumulative total", false},
        {"rainfall", "event", false}, {"rainfall", "instantaneous", false},
        {"flow", "total", false},     {"level", "instantaneous", false},
        {"rainfall", NULL, false},
    };
    static const char points[] = "15:1 0:2";
    for (size_t i = 0; i < countof(cases); i++) {
        Measure measure = RAIN;
        measure.parameter = str_of(cases[i].parameter);
        measure.value_type = str_of(cases[i].value_type);
        Meaning meaning = meaning_of(&measure, &INLAND, NULL, points);
        CASE(cases[i].value_type != NULL ? cases[i].value_type : "none");
        check_total(cases[i].has ? 3 : NAN, cases[i].has ? 2 : 0, cases[i].has ? 4 : 0,
                    &meaning.rain[RAIN_1H]);
    }
}

/* ---- against a plainer reckoning ------------------------------------------------------------- */

/* The same sums taken the long way: all readings at hand, one formula after the other. */
static double plain_slope(const double *values, const int *ages_min, int count)
{
    double t = 0, v = 0, tv = 0, tt = 0;
    for (int i = 0; i < count; i++) {
        t -= ages_min[i] / 60.0 / count;
        v += values[i] / count;
    }
    for (int i = 0; i < count; i++) {
        tv += (-ages_min[i] / 60.0 - t) * (values[i] - v);
        tt += (-ages_min[i] / 60.0 - t) * (-ages_min[i] / 60.0 - t);
    }
    return tv / tt;
}

TEST(rate_equals_the_textbook_on_many_series)
{
    uint64_t x = 1;
    for (int round_no = 0; round_no < 500; round_no++) {
        double values[60];
        int ages_min[60], count = 0;
        MeaningPass pass = meaning_begin(&LEVEL, &INLAND, NULL);
        for (int age = 59; age >= 0; age--) {
            x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            if (age > 0 && x >> 61 != 0) /* about every eighth minute */
                continue;
            values[count] = (double) (x >> 40 & 0xffff) / 1000 - 20;
            ages_min[count] = age;
            add(&pass, age, values[count], 0);
            count++;
        }
        if (count < 3)
            continue;
        double want = plain_slope(values, ages_min, count);
        double got = meaning_end(&pass).rate_per_h;
        CHECK(fabs(want - got) < 2e-6);
    }
}

/* ---- from when on ------------------------------------------------------------------------------ */

static bool same_real(double a, double b)
{
    return isnan(a) ? isnan(b) : a == b;
}

static bool same_meaning(const Meaning *a, const Meaning *b)
{
    bool same = a->trend == b->trend && a->state == b->state &&
                same_real(a->rate_per_h, b->rate_per_h) &&
                same_real(a->range_position, b->range_position);
    for (size_t i = 0; i < RAIN_WINDOW_COUNT; i++)
        same = same && same_real(a->rain[i].sum, b->rain[i].sum) && a->rain[i].n == b->rain[i].n;
    return same;
}

/* Of a day and more of readings, minute by minute: all of them, and those that are said to count. */
static void check_from(const Measure *measure, int64_t span_s)
{
    const Scale *scale = str_eq(measure->parameter, STR("rainfall")) ? NULL : &SCALE;
    uint64_t x = 7;
    for (int round_no = 0; round_no < 100; round_no++) {
        MeaningPass all = meaning_begin(measure, &INLAND, scale);
        MeaningPass counting = meaning_begin(measure, &INLAND, scale);
        CHECK_INT(NEWEST - span_s + 1, meaning_from(&counting));
        for (int age = 25 * 60; age >= 0; age--) {
            x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            if (age > 0 && x >> 60 != 0) /* every sixteenth minute, about */
                continue;
            double value = (double) (x >> 40 & 0xff) / 100;
            add(&all, age, value, 0);
            if (NEWEST - age * 60 >= meaning_from(&counting))
                add(&counting, age, value, 0);
        }
        const Meaning want = meaning_end(&all), got = meaning_end(&counting);
        REQUIRE(same_meaning(&want, &got));
    }
}

TEST(meaning_counts_no_reading_before_it_says)
{
    enum { DAY_S = 86400, HOUR_S = 3600 };
    Measure flow = LEVEL, hourly = LEVEL, daily = LEVEL, quick = LEVEL, direction = LEVEL;
    flow.unit = STR("m3/s");
    hourly.period_s = HOUR_S;
    daily.period_s = DAY_S;
    quick.period_s = 60;
    direction.parameter = STR("wind");
    direction.qualifier = STR("Direction");
    const struct {
        const char *name;
        const Measure *measure;
        int64_t span_s;
    } cases[] = {
        {"level", &LEVEL, 5 * QUARTER},    {"level, hourly", &hourly, 5 * HOUR_S},
        {"level, daily", &daily, DAY_S},   {"level, each minute", &quick, HOUR_S},
        {"flow: its range", &flow, DAY_S}, {"rain: its totals", &RAIN, DAY_S},
        {"wind direction", &direction, 1},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].name);
        check_from(cases[i].measure, cases[i].span_s);
    }
}
