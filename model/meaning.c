#include "model/meaning.h"

#include "model/window.h"

#include <math.h>

enum {
    HOUR_S = 3600,
    TREND_PERIODS = TREND_READINGS + 1, /* the newest and four before it */
    RATE_READINGS_MIN = 3,
};

static const int64_t RAIN_WINDOWS_S[RAIN_WINDOW_COUNT] = {
    [RAIN_1H] = HOUR_S,
    [RAIN_6H] = 6 * HOUR_S,
    [RAIN_24H] = 24 * HOUR_S,
};

const char *trend_name(Trend trend)
{
    static const char *const NAMES[TREND_COUNT] = {
        [TREND_RISING] = "rising",
        [TREND_FALLING] = "falling",
        [TREND_STEADY] = "steady",
    };
    return NAMES[trend];
}

const char *level_state_name(LevelState state)
{
    static const char *const NAMES[LEVEL_STATE_COUNT] = {
        [LEVEL_BELOW] = "below",
        [LEVEL_NORMAL] = "normal",
        [LEVEL_ABOVE] = "above",
    };
    return NAMES[state];
}

/* ---- what kind of measure -------------------------------------------------------------------- */

static bool is_in_metres(const Measure *measure)
{
    static const Str UNITS[] = {{"m", 1}, {"mASD", 4}, {"mAOD", 4}, {"mBDAT", 5}};
    for (size_t i = 0; i < countof(UNITS); i++)
        if (str_eq(measure->unit, UNITS[i]))
            return true;
    return false;
}

/* An angle, and not every direction says so in its qualifier. */
static bool is_wind_direction(const Measure *measure)
{
    return str_eq(measure->parameter, STR("wind")) &&
           (str_eq_nocase(measure->qualifier, STR("Direction")) ||
            str_eq(measure->unit, STR("deg")));
}

static bool rises_and_falls(const Measure *measure)
{
    return !str_eq(measure->parameter, STR("rainfall")) && !is_wind_direction(measure) &&
           !str_eq_nocase(measure->value_type, STR("event"));
}

static bool is_rain_total(const Measure *measure)
{
    return str_eq(measure->parameter, STR("rainfall")) &&
           str_eq_nocase(measure->value_type, STR("total"));
}

static bool is_coastal(const Station *station)
{
    Str rest = str_is_none(station->type_all) ? station->type : station->type_all, line;
    while (str_cut(rest, '\n', &line, &rest))
        if (str_eq_nocase(line, STR("Coastal")))
            return true;
    return str_eq_nocase(rest, STR("Coastal"));
}

/* False also where a bound is missing: no comparison with NAN is true. */
static bool is_whole_scale(const Scale *scale)
{
    return scale != NULL && scale->typical_low < scale->typical_high;
}

/* ---- the pass -------------------------------------------------------------------------------- */

MeaningPass meaning_begin(const Measure *measure, const Station *station, const Scale *scale)
{
    MeaningPass pass = {
        .measure = measure,
        .scale = scale,
        .has_trend = rises_and_falls(measure),
        .has_position = is_whole_scale(scale) && !is_coastal(station),
        .has_totals = is_rain_total(measure),
        .in_metres = is_in_metres(measure),
        .low = INFINITY,
        .high = -INFINITY,
    };
    if (pass.has_totals && measure->period_s > 0)
        for (size_t i = 0; i < RAIN_WINDOW_COUNT; i++)
            pass.rain[i].expected_n = RAIN_WINDOWS_S[i] / measure->period_s;
    return pass;
}

UnixSec meaning_from(const MeaningPass *pass)
{
    int64_t span_s = 1; /* the newest alone */
    if (pass->has_trend) {
        int64_t trend_s = TREND_PERIODS * pass->measure->period_s;
        span_s = trend_s > HOUR_S ? trend_s : HOUR_S;
    }
    /* Rain is summed up over a day, and a trend that is not in metres is told from the range of one. */
    if (pass->has_totals || (pass->has_trend && !pass->in_metres) || span_s > WINDOW_MAX_S)
        span_s = WINDOW_MAX_S;
    return pass->measure->newest - span_s + 1;
}

static void add_to_totals(MeaningPass *pass, int64_t age_s, double value)
{
    for (size_t i = 0; i < RAIN_WINDOW_COUNT; i++)
        if (age_s < RAIN_WINDOWS_S[i]) {
            pass->rain[i].sum += value;
            pass->rain[i].n++;
        }
}

static void add_to_line(MeaningPass *pass, int64_t age_s, double value)
{
    if (pass->line.n == 0)
        pass->line.base = value;
    double t = -(double) age_s / HOUR_S, v = value - pass->line.base;
    pass->line.n++;
    pass->line.sum_t += t;
    pass->line.sum_v += v;
    pass->line.sum_tt += t * t;
    pass->line.sum_tv += t * v;
}

static void add_to_trend(MeaningPass *pass, int64_t age_s, double value)
{
    pass->low = fmin(pass->low, value);
    pass->high = fmax(pass->high, value);
    if (age_s > 0 && age_s < TREND_PERIODS * pass->measure->period_s)
        pass->before[pass->before_count++ % TREND_READINGS] = value;
    if (age_s < HOUR_S)
        add_to_line(pass, age_s, value);
}

void meaning_add(MeaningPass *pass, const Reading *reading)
{
    int64_t age_s = pass->measure->newest - reading->time;
    unsigned flags = reading->flags | reading_meaning_flags(reading, pass->measure, pass->scale);
    assert(age_s >= 0);
    if (age_s == 0) {
        pass->has_newest = true;
        pass->newest = reading->value;
        pass->newest_flags = flags;
    }
    if (age_s >= WINDOW_MAX_S || (flags & READING_SUSPECT) != 0)
        return;
    if (pass->has_totals)
        add_to_totals(pass, age_s, reading->value);
    if (pass->has_trend)
        add_to_trend(pass, age_s, reading->value);
}

/* ---- the outcome ----------------------------------------------------------------------------- */

/* To 6 decimals, never -0.0; NAN where values were too large to be reckoned with. */
static double result(double value)
{
    double rounded = round(value * 1e6) / 1e6 + 0.0;
    return isfinite(rounded) ? rounded : NAN;
}

/* How many steps of `resolution`, half away from zero. The nudge makes up for binary: 1.005 / 0.01
 * is a hair below 100.5. A millionth of a step is far above such errors, and far below what a gauge
 * tells apart. */
static double steps(double value, double resolution)
{
    return round(value / resolution + copysign(1e-6, value));
}

static Trend trend_of(const MeaningPass *pass)
{
    size_t count = pass->before_count < TREND_READINGS ? pass->before_count : TREND_READINGS;
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += pass->before[i];
    if (count == 0)
        return TREND_NONE;
    double resolution = pass->in_metres ? 0.01 : (pass->high - pass->low) / 100;
    if (resolution == 0)
        return TREND_STEADY; /* one value all day */
    double now = steps(pass->newest, resolution), then = steps(sum / (double) count, resolution);
    if (now == then)
        return TREND_STEADY;
    return now > then ? TREND_RISING : TREND_FALLING;
}

static double slope_of(const MeaningPass *pass)
{
    double n = pass->line.n;
    if (n < RATE_READINGS_MIN)
        return NAN;
    return (n * pass->line.sum_tv - pass->line.sum_t * pass->line.sum_v) /
           (n * pass->line.sum_tt - pass->line.sum_t * pass->line.sum_t);
}

static LevelState state_of(double value, const Scale *scale)
{
    if (value < scale->typical_low)
        return LEVEL_BELOW;
    return value >= scale->typical_high ? LEVEL_ABOVE : LEVEL_NORMAL;
}

static RainTotal total_of(RainTotal total)
{
    total.sum = total.n > 0 ? result(total.sum) : NAN;
    return total;
}

Meaning meaning_end(const MeaningPass *pass)
{
    Meaning meaning = {.rate_per_h = NAN, .range_position = NAN};
    for (size_t i = 0; i < RAIN_WINDOW_COUNT; i++)
        meaning.rain[i] = total_of(pass->rain[i]);
    if (!pass->has_newest)
        return meaning;

    unsigned flags = pass->newest_flags;
    if (pass->has_trend && (flags & (READING_SUSPECT | READING_AMBIGUOUS)) == 0) {
        meaning.trend = trend_of(pass);
        meaning.rate_per_h = result(slope_of(pass));
    }
    if (pass->has_position && (flags & READING_SUSPECT) == 0) {
        double low = pass->scale->typical_low, high = pass->scale->typical_high;
        meaning.state = state_of(pass->newest, pass->scale);
        meaning.range_position = result((pass->newest - low) / (high - low));
    }
    return meaning;
}
