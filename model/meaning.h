/* model/meaning.h - what a newest value means: its trend, its state, how much rain fell.
 *
 * One pass over the readings that are held of a measure, oldest first, in constant memory:
 *
 *     MeaningPass pass = meaning_begin(measure, station, scale);
 *     for each reading from meaning_from(&pass) on: meaning_add(&pass, reading);
 *     Meaning meaning = meaning_end(&pass);
 *
 * T is the time of the measure's newest reading, P its period. Source of each formula: the
 * service's definitions, "Meaning of a value"; for trend, state and rain totals they follow the
 * rules of the Agency's public flood service. What they leave open is settled here.
 *
 * - trend: the newest value against the mean of up to 4 readings before it, both rounded to 2
 *   decimals for units of metres (m, mASD, mAOD, mBDAT), to multiples of 1 % of the range of
 *   (T - 24 h, T] for others. Equal is steady. Null for rainfall, wind direction, event series, a
 *   suspect or ambiguous newest, fewer than 2 readings in (T - 5 P, T], or where P is not known.
 *   The 4 are the nearest ones of those 5 periods. Rounding is half away from zero of the decimal
 *   that is read, not of its binary image: 1.005 is 1.01, -1.005 is -1.01. It is the trend of the
 *   value as given: mBDAT counts downwards from a datum, so that its falling is water rising.
 * - rate_per_h: slope of the least-squares line over (T - 1 h, T], in units an hour, at least 3
 *   readings. Null where the kind of measure or a doubtful newest makes the trend null: a direction
 *   goes round in a circle, a sum of rain has no slope.
 * - state: below when value < typical low, above when value >= typical high, else normal.
 *   range_position: (value - low) / (high - low). Both null without a scale in the measure's unit,
 *   where the scale is incomplete or low >= high, at a station of type Coastal (also among others:
 *   the tide crosses the range twice a day), and for a suspect value, which any beyond +-10 is.
 * - total_1h, total_6h, total_24h: rain of (T - 1 h, T] and so on, of value type total (its stamp
 *   ends the time it counts); n readings of expected_n; null when n is 0.
 *
 * A suspect reading counts nowhere (a sentinel would turn a trend and drown a total); an ambiguous
 * one before the newest does: the value chosen is near its neighbours. Results are rounded to 6
 * decimals: what is beyond is noise of binary arithmetic (0.1 + 0.2 is 0.3). */
#pragma once
#include "model/model.h"

typedef enum Trend {
    TREND_NONE, /* null */
    TREND_RISING,
    TREND_FALLING,
    TREND_STEADY,
    TREND_COUNT
} Trend;

typedef enum LevelState {
    LEVEL_NONE, /* null */
    LEVEL_BELOW,
    LEVEL_NORMAL,
    LEVEL_ABOVE,
    LEVEL_STATE_COUNT
} LevelState;

const char *trend_name(Trend trend);            /* "rising", ...; NULL for TREND_NONE */
const char *level_state_name(LevelState state); /* "below", ...; NULL for LEVEL_NONE */

typedef enum RainWindow { RAIN_1H, RAIN_6H, RAIN_24H, RAIN_WINDOW_COUNT } RainWindow;

typedef struct RainTotal {
    double sum;         /* NAN: null */
    int64_t n;          /* readings in it */
    int64_t expected_n; /* that there should be; 0: not known, or no rain total */
} RainTotal;

typedef struct Meaning {
    Trend trend;
    double rate_per_h; /* NAN: null */
    LevelState state;
    double range_position; /* NAN: null */
    RainTotal rain[RAIN_WINDOW_COUNT];
} Meaning;

enum { TREND_READINGS = 4 };

/* A measure's readings so far. */
typedef struct MeaningPass {
    /* settled by meaning_begin() */
    const Measure *measure;
    const Scale *scale;
    bool has_trend;    /* it is of a kind that rises and falls */
    bool has_position; /* state and range_position can be told */
    bool has_totals;
    bool in_metres;
    /* as readings come; none of it counts a suspect one, but for `newest` */
    bool has_newest;
    double newest;
    unsigned newest_flags;
    double low, high;              /* of 24 h; low > high: none */
    double before[TREND_READINGS]; /* a ring: the last ones of (T - 5 P, T) */
    size_t before_count;           /* all that went into it */
    /* Sums of the last hour: t in hours from T, v from the first value, so that a great height
     * above the datum costs no digits. */
    struct {
        double n, base, sum_t, sum_v, sum_tt, sum_tv;
    } line;
    RainTotal rain[RAIN_WINDOW_COUNT];
} MeaningPass;

/* `measure` with its newest time; `scale` is what it is judged by (measure_scale()), or NULL.
 * Borrowed until meaning_end(): `measure`, `scale`. */
MeaningPass meaning_begin(const Measure *measure, const Station *station, const Scale *scale);
/* From when on readings count, in (T - 24 h, T]: of a level some five of a day's 96. */
UnixSec meaning_from(const MeaningPass *pass);
/* Oldest first, none newer than measure->newest; older ones than 24 h before it do not count. */
void meaning_add(MeaningPass *pass, const Reading *reading);
Meaning meaning_end(const MeaningPass *pass);
