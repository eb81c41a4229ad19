#include "model/measure_id.h"

#include <string.h>

/* ---- words ----------------------------------------------------------------------------------- */

static const char *const PARAMETERS[] = {"level",    "flow",  "rainfall",     "temperature", "wind",
                                         "velocity", "state", "people_count", "area"};

typedef struct Word {
    const char *in_id, *told;
} Word;

static const Word VALUE_TYPES[] = {
    {"i", "instantaneous"},
    {"t", "total"},
    {"Mean", "mean"},
    {"Event", "event"},
    {"Cumulative_Total", "cumulative total"},
};

static const Word QUALIFIERS[] = {
    {"stage", "Stage"},
    {"downstage", "Downstream Stage"},
    {"tipping_bucket_raingauge", "Tipping Bucket Raingauge"},
    {"groundwater", "Groundwater"},
    {"tidal_level", "Tidal Level"},
    {"water", "Water"},
    {"logged", "Logged"},
    {"reservoir_level", "Reservoir Level"},
    {"sump_level", "Sump Level"},
    {"height", "Height"},
    {"speed", "Speed"},
    {"direction", "Direction"},
    {"dry_bulb", "Dry Bulb"},
    {"wet_bulb", "Wet Bulb"},
    {"crest_tapping", "Crest Tapping"},
    {"radar", "Radar"},
    {"net", "Net"},
};

/* Those that are written otherwise than in the id. */
static const Word UNITS[] = {
    {"m3_s", "m3/s"}, {"m_s", "m/s"}, {"Ml_d", "Ml/d"},
    {"l_s", "l/s"},   {"_", "%"},     {"deg_C", "deg C"},
};

static const struct {
    const char *in_id;
    int64_t period_s;
} PERIODS[] = {
    {"15_min", 900}, {"1_h", 3600},    {"1_min", 60},
    {"5_min", 300},  {"30_min", 1800}, {"Unspecified", 0},
};

static const char *told_as(const Word *words, size_t count, Str word)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(word, str_of(words[i].in_id)))
            return words[i].told;
    return NULL;
}

/* A number stands for itself: channel 2 of several. */
static Str qualifier_of(Str word)
{
    int64_t number;
    if (word.len == 0 || str_to_int(word, &number))
        return word;
    const char *told = told_as(QUALIFIERS, countof(QUALIFIERS), word);
    return told != NULL ? str_of(told) : STR_NONE;
}

static Str unit_of(Str word)
{
    const char *told = told_as(UNITS, countof(UNITS), word);
    return told != NULL ? str_of(told) : word;
}

static bool is_parameter(Str word)
{
    for (size_t i = 0; i < countof(PARAMETERS); i++)
        if (str_eq(word, str_of(PARAMETERS[i])))
            return true;
    return false;
}

static bool find_period(Str word, int64_t *ret_s)
{
    for (size_t i = 0; i < countof(PERIODS); i++) {
        if (!str_eq(word, str_of(PERIODS[i].in_id)))
            continue;
        *ret_s = PERIODS[i].period_s;
        return true;
    }
    return false;
}

/* ---- reading --------------------------------------------------------------------------------- */

/* `rest` is what follows {parameter}-: {qualifier}-{value type}-{period}-{unit}. */
static bool read_tail(Str rest, Measure *measure)
{
    Str qualifier, type, period, unit;
    if (!str_cut(rest, '-', &qualifier, &rest) || !str_cut(rest, '-', &type, &rest) ||
        !str_cut(rest, '-', &period, &unit))
        return false;
    const char *told = told_as(VALUE_TYPES, countof(VALUE_TYPES), type);
    if (told == NULL || !find_period(period, &measure->period_s))
        return false;
    measure->qualifier = qualifier_of(qualifier);
    measure->value_type = str_of(told);
    measure->unit = unit_of(unit);
    return true;
}

/* In how many ways it can be read; *measure has the last. */
static int read_whole(Str id, Measure *measure)
{
    int ways = 0;
    for (size_t i = 0; i < id.len; i++) {
        Str parameter, rest, behind = {id.ptr + i + 1, id.len - i - 1};
        Measure found = {.id = id, .station_id = {id.ptr, i}, .newest = NO_TIME};
        if (id.ptr[i] != '-' || !str_cut(behind, '-', &parameter, &rest) ||
            !is_parameter(parameter) || !read_tail(rest, &found))
            continue;
        found.parameter = parameter;
        *measure = found;
        ways++;
    }
    return ways;
}

bool measure_id_read(Str id, Measure *ret)
{
    Measure measure;
    bool is_read = read_whole(id, &measure) == 1;
    *ret = is_read ? measure : (Measure){.id = id, .station_id = id, .newest = NO_TIME};
    return is_read;
}

Str measure_id_station(Str id)
{
    Measure measure;
    (void) measure_id_read(id, &measure);
    return measure.station_id;
}
