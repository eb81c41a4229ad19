#include "model/field.h"

#include "model/batch.h"
#include "model/gaps.h"

#include <math.h>
#include <string.h>

static Value null_value(void)
{
    return (Value){.kind = VALUE_NULL};
}

static Value str_value(Str s)
{
    return str_is_none(s) ? null_value() : (Value){.kind = VALUE_STR, .as.str = s};
}

static Value real_value(double real)
{
    return isnan(real) ? null_value() : (Value){.kind = VALUE_REAL, .as.real = real};
}

static Value time_value(UnixSec time)
{
    return time == NO_TIME ? null_value() : (Value){.kind = VALUE_TIME, .as.integer = time};
}

static Value int_value(int64_t integer)
{
    return (Value){.kind = VALUE_INT, .as.integer = integer};
}

static Value bool_value(bool boolean)
{
    return (Value){.kind = VALUE_BOOL, .as.boolean = boolean};
}

/* ---- of a station ------------------------------------------------------------------------------ */

#define STATION_VALUE(name, kind, member)                                                          \
    static Value name(const Row *row)                                                              \
    {                                                                                              \
        return kind##_value(row->station->member);                                                 \
    }

STATION_VALUE(station_id, str, id)
STATION_VALUE(station_reference, str, reference)
STATION_VALUE(station_label, str, label)
STATION_VALUE(station_river, str, river)
STATION_VALUE(station_catchment, str, catchment)
STATION_VALUE(station_town, str, town)
STATION_VALUE(station_lat, real, lat_deg)
STATION_VALUE(station_long, real, long_deg)
STATION_VALUE(station_easting, real, easting_m)
STATION_VALUE(station_northing, real, northing_m)
STATION_VALUE(station_grid_reference, str, grid_reference)
STATION_VALUE(station_type, str, type)
STATION_VALUE(station_status, str, status)
STATION_VALUE(station_opened, str, opened)
STATION_VALUE(station_rloi_id, str, rloi_id)
STATION_VALUE(station_wiski_id, str, wiski_id)
STATION_VALUE(station_datum_offset, real, datum_offset_m)
STATION_VALUE(station_typical_low, real, stage.typical_low)
STATION_VALUE(station_typical_high, real, stage.typical_high)
STATION_VALUE(station_record_high, real, stage.record_high)
STATION_VALUE(station_record_high_time, str, stage.record_high_time)
STATION_VALUE(station_record_low, real, stage.record_low)
STATION_VALUE(station_record_low_time, str, stage.record_low_time)
STATION_VALUE(station_listed, bool, listed)
STATION_VALUE(station_latest, time, newest)

static Value station_measures(const Row *row)
{
    return (Value){.kind = VALUE_STRS,
                   .as.strs = {.items = row->measure_ids, .count = row->measure_id_count}};
}

#define BOTH (FIELD_JSON | FIELD_CSV)

const Field STATION_FIELDS[] = {
    {"station", station_id, BOTH},
    {"reference", station_reference, BOTH},
    {"label", station_label, BOTH},
    {"river", station_river, BOTH},
    {"catchment", station_catchment, BOTH},
    {"town", station_town, BOTH},
    {"lat", station_lat, BOTH},
    {"long", station_long, BOTH},
    {"easting", station_easting, BOTH},
    {"northing", station_northing, BOTH},
    {"grid_reference", station_grid_reference, BOTH},
    {"type", station_type, BOTH},
    {"status", station_status, BOTH},
    {"opened", station_opened, BOTH},
    {"rloi_id", station_rloi_id, BOTH},
    {"wiski_id", station_wiski_id, BOTH},
    {"datum_offset", station_datum_offset, BOTH},
    {"typical_low", station_typical_low, BOTH},
    {"typical_high", station_typical_high, BOTH},
    {"record_high", station_record_high, BOTH},
    {"record_high_time", station_record_high_time, BOTH},
    {"record_low", station_record_low, BOTH},
    {"record_low_time", station_record_low_time, BOTH},
    {"listed", station_listed, BOTH},
    {"measures", station_measures, BOTH | FIELD_LIST},
    {"latest", station_latest, BOTH},
    {0},
};

/* ---- of a measure ------------------------------------------------------------------------------ */

#define MEASURE_VALUE(name, kind, member)                                                          \
    static Value name(const Row *row)                                                              \
    {                                                                                              \
        return kind##_value(row->measure->member);                                                 \
    }

MEASURE_VALUE(measure_id, str, id)
MEASURE_VALUE(measure_station, str, station_id)
MEASURE_VALUE(measure_label, str, label)
MEASURE_VALUE(measure_parameter, str, parameter)
MEASURE_VALUE(measure_parameter_name, str, parameter_name)
MEASURE_VALUE(measure_qualifier, str, qualifier)
MEASURE_VALUE(measure_value_type, str, value_type)
MEASURE_VALUE(measure_unit, str, unit)
MEASURE_VALUE(measure_datum, str, datum)
MEASURE_VALUE(measure_listed, bool, listed)

static Value measure_freshness(const Row *row)
{
    return str_value(str_of(freshness_name(row->measure->freshness)));
}

MEASURE_VALUE(measure_expected_next, time, expectation.expected_next)
MEASURE_VALUE(measure_late_after, time, expectation.late_after)
MEASURE_VALUE(measure_stale_after, time, expectation.stale_after)

static Value measure_period(const Row *row)
{
    if (row->measure->period_s == 0)
        return null_value();
    return (Value){.kind = VALUE_INT, .as.integer = row->measure->period_s};
}

static const Scale *row_scale(const Row *row)
{
    return row->station != NULL ? measure_scale(row->measure, row->station) : NULL;
}

#define SCALE_VALUE(name, kind, member)                                                            \
    static Value name(const Row *row)                                                              \
    {                                                                                              \
        const Scale *scale = row_scale(row);                                                       \
        return scale != NULL ? kind##_value(scale->member) : null_value();                         \
    }

SCALE_VALUE(scale_typical_low, real, typical_low)
SCALE_VALUE(scale_typical_high, real, typical_high)
SCALE_VALUE(scale_record_high, real, record_high)
SCALE_VALUE(scale_record_high_time, str, record_high_time)
SCALE_VALUE(scale_record_low, real, record_low)
SCALE_VALUE(scale_record_low_time, str, record_low_time)

/* ---- of a reading ------------------------------------------------------------------------------ */

static Value reading_time(const Row *row)
{
    return row->reading != NULL ? time_value(row->reading->time) : null_value();
}

static Value reading_time_local(const Row *row)
{
    Value value = reading_time(row);
    if (value.kind == VALUE_TIME)
        value.kind = VALUE_LOCAL_TIME;
    return value;
}

static Value reading_value(const Row *row)
{
    return row->reading != NULL ? real_value(row->reading->value) : null_value();
}

static Value reading_flags(const Row *row)
{
    if (row->reading == NULL)
        return null_value();
    unsigned flags =
        row->reading->flags | reading_meaning_flags(row->reading, row->measure, row_scale(row));
    return flags == 0 ? null_value() : (Value){.kind = VALUE_FLAGS, .as.integer = flags};
}

static Value reading_received(const Row *row)
{
    return row->reading != NULL ? time_value(row->reading->received) : null_value();
}

static Value reading_revision(const Row *row)
{
    if (row->reading == NULL)
        return null_value();
    return (Value){.kind = VALUE_INT, .as.integer = row->reading->revision};
}

static Value reading_raw(const Row *row)
{
    return row->reading != NULL ? str_value(row->reading->raw) : null_value();
}

const Field MEASURE_FIELDS[] = {
    {"measure", measure_id, BOTH},
    {"station", measure_station, BOTH},
    {"label", measure_label, BOTH},
    {"parameter", measure_parameter, BOTH},
    {"parameter_name", measure_parameter_name, BOTH},
    {"qualifier", measure_qualifier, BOTH},
    {"value_type", measure_value_type, BOTH},
    {"period_s", measure_period, BOTH},
    {"unit", measure_unit, BOTH},
    {"datum", measure_datum, BOTH},
    {"typical_low", scale_typical_low, BOTH},
    {"typical_high", scale_typical_high, BOTH},
    {"record_high", scale_record_high, BOTH},
    {"record_high_time", scale_record_high_time, BOTH},
    {"record_low", scale_record_low, BOTH},
    {"record_low_time", scale_record_low_time, BOTH},
    {"listed", measure_listed, BOTH},
    {"latest", reading_time, BOTH},
    {"latest_value", reading_value, BOTH},
    {"freshness", measure_freshness, BOTH},
    {0},
};

#define READING_COLUMNS                                                                            \
    {"station", measure_station, BOTH | FIELD_OF_MEASURE},                                         \
        {"measure", measure_id, BOTH | FIELD_OF_MEASURE},                                          \
        {"parameter", measure_parameter, BOTH | FIELD_OF_MEASURE},                                 \
        {"qualifier", measure_qualifier, BOTH | FIELD_OF_MEASURE},                                 \
        {"unit", measure_unit, BOTH | FIELD_OF_MEASURE}, {"time", reading_time, BOTH},             \
        {"value", reading_value, BOTH},                                                            \
    {                                                                                              \
        "flags", reading_flags, BOTH | FIELD_OMIT_NULL | FIELD_LIST                                \
    }

#define CHOSEN_COLUMNS                                                                             \
    {"label", station_label, 0}, {"river", station_river, 0}, {"catchment", station_catchment, 0}, \
        {"town", station_town, 0}, {"lat", station_lat, 0}, {"long", station_long, 0},             \
        {"parameter_name", measure_parameter_name, 0}, {"value_type", measure_value_type, 0},      \
        {"period_s", measure_period, 0}, {"datum", measure_datum, 0},                              \
        {"received", reading_received, 0}, {"revision", reading_revision, 0},                      \
        {"raw", reading_raw, 0},                                                                   \
    {                                                                                              \
        "time_local", reading_time_local, 0                                                        \
    }

const Field READING_FIELDS[] = {READING_COLUMNS, CHOSEN_COLUMNS, {0}};

/* ---- of changes that have no list of their own ------------------------------------------------- */

const Field FRESHNESS_FIELDS[] = {
    {"station", measure_station, BOTH},
    {"measure", measure_id, BOTH},
    {"parameter", measure_parameter, BOTH},
    {"qualifier", measure_qualifier, BOTH},
    {"freshness", measure_freshness, BOTH},
    {"expected_next", measure_expected_next, BOTH},
    {"late_after", measure_late_after, BOTH},
    {"stale_after", measure_stale_after, BOTH},
    {0},
};

const Field REMOVAL_FIELDS[] = {
    {"station", station_id, BOTH},
    {"measure", measure_id, BOTH},
    {0},
};

/* ---- of what was refused ----------------------------------------------------------------------- */

#define REFUSAL_VALUE(name, kind, member)                                                          \
    static Value name(const Row *row)                                                              \
    {                                                                                              \
        return kind##_value(row->refusal->member);                                                 \
    }

REFUSAL_VALUE(refusal_received, time, received)
REFUSAL_VALUE(refusal_reason, str, reason)
REFUSAL_VALUE(refusal_measure, str, measure_id)
REFUSAL_VALUE(refusal_raw, str, raw)
REFUSAL_VALUE(refusal_count, int, count)
REFUSAL_VALUE(refusal_first_received, time, first_received)

const Field QUARANTINE_FIELDS[] = {
    {"received", refusal_received, BOTH},
    {"reason", refusal_reason, BOTH},
    {"measure", refusal_measure, BOTH},
    {"raw", refusal_raw, BOTH},
    {"count", refusal_count, BOTH},
    {"first_received", refusal_first_received, BOTH},
    {0},
};

/* ---- of missing slots -------------------------------------------------------------------------- */

#define GAP_VALUE(name, kind, member)                                                              \
    static Value name(const Row *row)                                                              \
    {                                                                                              \
        return kind##_value(row->member);                                                          \
    }

GAP_VALUE(gap_period, int, gap_count->period_s)
GAP_VALUE(gap_from, time, gap->from)
GAP_VALUE(gap_to, time, gap->to)
GAP_VALUE(gap_slots, int, gap->slots)
GAP_VALUE(gap_asked, time, gap->asked)
GAP_VALUE(gap_expected, int, gap_count->expected)
GAP_VALUE(gap_received, int, gap_count->received)

static Value gap_cause(const Row *row)
{
    return str_value(str_of(gap_cause_name(row->gap->cause)));
}

static Value gap_completeness(const Row *row)
{
    const GapCount *count = row->gap_count;
    return count->expected > 0 ? real_value((double) count->received / (double) count->expected)
                               : null_value();
}

const Field GAP_FIELDS[] = {
    {"station", measure_station, BOTH},
    {"measure", measure_id, BOTH},
    {"parameter", measure_parameter, BOTH},
    {"qualifier", measure_qualifier, BOTH},
    {"period_s", gap_period, BOTH},
    {"from", gap_from, BOTH},
    {"to", gap_to, BOTH},
    {"slots", gap_slots, BOTH},
    {"cause", gap_cause, BOTH},
    {"asked", gap_asked, BOTH},
    {"expected", gap_expected, BOTH},
    {"received", gap_received, BOTH},
    {"completeness", gap_completeness, BOTH},
    {0},
};

/* ---- of what a newest value means -------------------------------------------------------------- */

static Value name_value(const char *name)
{
    return str_value(str_of(name));
}

static const Meaning *row_meaning(const Row *row)
{
    static const Meaning NONE = {.rate_per_h = NAN,
                                 .range_position = NAN,
                                 .rain = {{.sum = NAN}, {.sum = NAN}, {.sum = NAN}}};
    return row->meaning != NULL ? row->meaning : &NONE;
}

static Value meaning_trend(const Row *row)
{
    return name_value(trend_name(row_meaning(row)->trend));
}

static Value meaning_rate(const Row *row)
{
    return real_value(row_meaning(row)->rate_per_h);
}

static Value meaning_state(const Row *row)
{
    return name_value(level_state_name(row_meaning(row)->state));
}

static Value meaning_position(const Row *row)
{
    return real_value(row_meaning(row)->range_position);
}

/* Readings of a rain total, and those there should be; null for all that is none. */
static Value rain_count(const RainTotal *total, int64_t count)
{
    if (total->n == 0 && total->expected_n == 0)
        return null_value();
    return (Value){.kind = VALUE_INT, .as.integer = count};
}

/* Where there should be readings and are none the total is null, and said to be. */
static Value rain_sum(const RainTotal *total)
{
    Value value = real_value(total->sum);
    value.stays = total->expected_n > 0;
    return value;
}

#define RAIN_VALUES(name, window)                                                                  \
    static Value name(const Row *row)                                                              \
    {                                                                                              \
        return rain_sum(&row_meaning(row)->rain[window]);                                          \
    }                                                                                              \
    static Value name##_n(const Row *row)                                                          \
    {                                                                                              \
        const RainTotal *total = &row_meaning(row)->rain[window];                                  \
        return rain_count(total, total->n);                                                        \
    }                                                                                              \
    static Value name##_expected_n(const Row *row)                                                 \
    {                                                                                              \
        const RainTotal *total = &row_meaning(row)->rain[window];                                  \
        return rain_count(total, total->expected_n);                                               \
    }

RAIN_VALUES(rain_1h, RAIN_1H)
RAIN_VALUES(rain_6h, RAIN_6H)
RAIN_VALUES(rain_24h, RAIN_24H)

#define MEANING (BOTH | FIELD_MEANING)
#define OF_RAIN (BOTH | FIELD_MEANING | FIELD_OMIT_NULL)

const Field LATEST_FIELDS[] = {
    READING_COLUMNS,
    {"freshness", measure_freshness, BOTH},
    {"late_after", measure_late_after, BOTH},
    {"stale_after", measure_stale_after, BOTH},
    {"expected_next", measure_expected_next, BOTH},
    {"trend", meaning_trend, MEANING},
    {"rate_per_h", meaning_rate, MEANING},
    {"state", meaning_state, MEANING},
    {"range_position", meaning_position, MEANING},
    {"total_1h", rain_1h, OF_RAIN},
    {"total_1h_n", rain_1h_n, OF_RAIN},
    {"total_1h_expected_n", rain_1h_expected_n, OF_RAIN},
    {"total_6h", rain_6h, OF_RAIN},
    {"total_6h_n", rain_6h_n, OF_RAIN},
    {"total_6h_expected_n", rain_6h_expected_n, OF_RAIN},
    {"total_24h", rain_24h, OF_RAIN},
    {"total_24h_n", rain_24h_n, OF_RAIN},
    {"total_24h_expected_n", rain_24h_expected_n, OF_RAIN},
    CHOSEN_COLUMNS,
    {0},
};

/* ---- of a bucket of readings ------------------------------------------------------------------- */

static Value bucket_time(const Row *row)
{
    return time_value(row->bucket->time);
}

static Value bucket_time_local(const Row *row)
{
    return (Value){.kind = VALUE_LOCAL_TIME, .as.integer = row->bucket->time};
}

#define BUCKET_VALUE(name, aggregate)                                                              \
    static Value name(const Row *row)                                                              \
    {                                                                                              \
        return real_value(row->bucket->values[aggregate]);                                         \
    }

BUCKET_VALUE(bucket_min, AGGREGATE_MIN)
BUCKET_VALUE(bucket_mean, AGGREGATE_MEAN)
BUCKET_VALUE(bucket_max, AGGREGATE_MAX)
BUCKET_VALUE(bucket_sum, AGGREGATE_SUM)
BUCKET_VALUE(bucket_last, AGGREGATE_LAST)

static Value bucket_n(const Row *row)
{
    return (Value){.kind = VALUE_INT, .as.integer = row->bucket->n};
}

static Value bucket_expected_n(const Row *row)
{
    if (row->bucket->expected_n == BUCKET_NOT_KNOWN)
        return null_value();
    return (Value){.kind = VALUE_INT, .as.integer = row->bucket->expected_n};
}

const Field BUCKET_FIELDS[] = {
    {"station", measure_station, BOTH | FIELD_OF_MEASURE},
    {"measure", measure_id, BOTH | FIELD_OF_MEASURE},
    {"parameter", measure_parameter, BOTH | FIELD_OF_MEASURE},
    {"qualifier", measure_qualifier, BOTH | FIELD_OF_MEASURE},
    {"unit", measure_unit, BOTH | FIELD_OF_MEASURE},
    {"time", bucket_time, BOTH},
    {"min", bucket_min, FIELD_AGGREGATE},
    {"mean", bucket_mean, FIELD_AGGREGATE},
    {"max", bucket_max, FIELD_AGGREGATE},
    {"sum", bucket_sum, FIELD_AGGREGATE},
    {"last", bucket_last, FIELD_AGGREGATE},
    {"count", bucket_n, FIELD_AGGREGATE},
    {"n", bucket_n, BOTH},
    {"expected_n", bucket_expected_n, BOTH},
    {"label", station_label, 0},
    {"river", station_river, 0},
    {"catchment", station_catchment, 0},
    {"town", station_town, 0},
    {"lat", station_lat, 0},
    {"long", station_long, 0},
    {"parameter_name", measure_parameter_name, 0},
    {"value_type", measure_value_type, 0},
    {"period_s", measure_period, 0},
    {"datum", measure_datum, 0},
    {"time_local", bucket_time_local, 0},
    {0},
};

/* ---- of a name that many share ----------------------------------------------------------------- */

static Value counted_value(const Row *row)
{
    return str_value(row->counted->value);
}

static Value counted_stations(const Row *row)
{
    return (Value){.kind = VALUE_INT, .as.integer = row->counted->stations};
}

static Value counted_measures(const Row *row)
{
    return (Value){.kind = VALUE_INT, .as.integer = row->counted->measures};
}

#define COUNTED_FIELDS(name)                                                                       \
    {                                                                                              \
        {name, counted_value, BOTH}, {"stations", counted_stations, BOTH},                         \
            {"measures", counted_measures, BOTH}, {0},                                             \
    }

const Field RIVER_FIELDS[] = COUNTED_FIELDS("river");
const Field CATCHMENT_FIELDS[] = COUNTED_FIELDS("catchment");
const Field TOWN_FIELDS[] = COUNTED_FIELDS("town");
const Field PARAMETER_FIELDS[] = COUNTED_FIELDS("parameter");

FieldSet field_set_default(const Field *table, unsigned where)
{
    FieldSet set = {.count = 0};
    for (const Field *field = table; field->name != NULL; field++) {
        if ((field->in & where) == 0)
            continue;
        assert(set.count < FIELD_SET_MAX);
        set.fields[set.count++] = field;
    }
    return set;
}

bool field_set_has(const FieldSet *set, const Field *field)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->fields[i] == field)
            return true;
    return false;
}

void field_set_add(FieldSet *set, const Field *field)
{
    if (field_set_has(set, field))
        return;
    assert(set->count < FIELD_SET_MAX);
    set->fields[set->count++] = field;
}

const Field *field_find(const Field *table, Str name)
{
    for (const Field *field = table; field->name != NULL; field++)
        if (str_eq(str_of(field->name), name))
            return field;
    return NULL;
}
