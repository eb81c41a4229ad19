#include "sim/filter.h"

#include "base/json.h"

#include <math.h>

typedef struct Rule {
    const char *param, *member;
    Match how;
} Rule;

static const Rule STATION_RULES[] = {
    {"label", "label", MATCH_WHOLE},
    {"town", "town", MATCH_WHOLE},
    {"catchmentName", "catchmentName", MATCH_WHOLE},
    {"riverName", "riverName", MATCH_WHOLE},
    {"stationReference", "stationReference", MATCH_WHOLE},
    {"RLOIid", "RLOIid", MATCH_WHOLE},
    {"search", "label", MATCH_PART},
    {"status", "status", MATCH_STATUS},
};
static const Rule NESTED_RULES[] = {
    {"parameter", "parameter", MATCH_WHOLE},
    {"parameterName", "parameterName", MATCH_WHOLE},
    {"qualifier", "qualifier", MATCH_WHOLE},
};
static const Rule MEASURE_RULES[] = {
    {"parameter", "parameter", MATCH_WHOLE}, {"parameterName", "parameterName", MATCH_WHOLE},
    {"qualifier", "qualifier", MATCH_WHOLE}, {"stationReference", "stationReference", MATCH_WHOLE},
    {"station", "station", MATCH_WHOLE},
};

static Filter filter_of(const Rule *rules, size_t rule_count, const Params *params)
{
    Filter filter = {.count = 0};
    for (size_t i = 0; i < rule_count; i++) {
        Str want;
        if (params_get(params, rules[i].param, &want))
            filter.conditions[filter.count++] = (Condition){rules[i].member, rules[i].how, want};
    }
    return filter;
}

Filter filter_stations(const Params *params)
{
    return filter_of(STATION_RULES, countof(STATION_RULES), params);
}

Filter filter_nested_measures(const Params *params)
{
    return filter_of(NESTED_RULES, countof(NESTED_RULES), params);
}

MeasureQuery measure_query(const Params *params)
{
    MeasureQuery query = {.filter = filter_of(MEASURE_RULES, countof(MEASURE_RULES), params),
                          .station_type = STR_NONE};
    Str type;
    if (params_get(params, "stationType", &type))
        query.station_type = str_after_last(type, '/');
    return query;
}

Str unquoted(Str raw)
{
    if (raw.len >= 2 && raw.ptr[0] == '"')
        return (Str){raw.ptr + 1, raw.len - 2};
    return raw;
}

static bool is_array(Str raw)
{
    return raw.len > 0 && raw.ptr[0] == '[';
}

Str first_value(Str raw)
{
    if (!is_array(raw))
        return raw;
    JsonWalk walk = json_walk(raw);
    Str key, value;
    return json_next(&walk, &key, &value) ? value : STR_NONE;
}

static bool holds_nocase(Str text, Str part)
{
    for (size_t i = 0; part.len <= text.len && i <= text.len - part.len; i++)
        if (str_eq_nocase((Str){text.ptr + i, part.len}, part))
            return true;
    return false;
}

static bool is_status(Str value, Str want)
{
    Str name = str_after_last(value, '/');
    if (str_eq(value, want) || str_eq(name, want))
        return true;
    return str_starts(name, STR("status")) && str_eq((Str){name.ptr + 6, name.len - 6}, want);
}

static bool scalar_passes(const Condition *condition, Str raw)
{
    Str value = unquoted(raw);
    switch (condition->how) {
    case MATCH_WHOLE:
        return str_eq(value, condition->want);
    case MATCH_PART:
        return holds_nocase(value, condition->want);
    case MATCH_STATUS:
        return is_status(value, condition->want);
    }
    return false;
}

static bool value_passes(const Condition *condition, Str raw)
{
    if (!is_array(raw))
        return scalar_passes(condition, raw);
    JsonWalk walk = json_walk(raw);
    Str key, value;
    while (json_next(&walk, &key, &value))
        if (scalar_passes(condition, value))
            return true;
    return false;
}

bool filter_passes(const Filter *filter, Str item)
{
    for (size_t i = 0; i < filter->count; i++) {
        Str value;
        if (!json_member(item, str_of(filter->conditions[i].member), &value) ||
            !value_passes(&filter->conditions[i], value))
            return false;
    }
    return true;
}

bool measure_passes(const MeasureQuery *query, const World *world, uint32_t measure, Buf *scratch)
{
    uint32_t station = world->measures[measure].station;
    if (!str_is_none(query->station_type) &&
        (station == WORLD_NONE || !world->kind->is_of_type(world, station, query->station_type)))
        return false;
    if (query->filter.count == 0)
        return true;
    buf_clear(scratch);
    world->kind->put_measure(world, measure, STR_NONE, scratch);
    return filter_passes(&query->filter, buf_view(scratch));
}

static bool number_param(const Params *params, const char *name, double *ret)
{
    Str text;
    return params_get(params, name, &text) && str_to_double(text, ret);
}

bool circle_of(const Params *params, Circle *ret)
{
    return number_param(params, "lat", &ret->lat) && number_param(params, "long", &ret->lon) &&
           number_param(params, "dist", &ret->dist_km);
}

static bool coordinate(Str item, const char *member, double *ret)
{
    Str raw;
    return json_member(item, str_of(member), &raw) && str_to_double(first_value(raw), ret);
}

bool circle_holds(const Circle *circle, Str item)
{
    const double radian = M_PI / 180, earth_km = 6371.0;
    double lat, lon;
    if (!coordinate(item, "lat", &lat) || !coordinate(item, "long", &lon))
        return false;
    double half_lat = sin((lat - circle->lat) * radian / 2),
           half_lon = sin((lon - circle->lon) * radian / 2);
    double chord =
        half_lat * half_lat + cos(lat * radian) * cos(circle->lat * radian) * half_lon * half_lon;
    return 2 * earth_km * asin(sqrt(chord)) <= circle->dist_km;
}
