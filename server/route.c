#include "server/route.h"

#include "server/ea.h"

#include <string.h>

#define ROWS       FORMATS_ROWS
#define PLACES     FORMATS_PLACES
#define FILTERS    (PARAMS_STATION | PARAMS_MEASURE | PARAMS_MEANING | PARAMS_FORMAT)
#define LISTS      (FILTERS | PARAMS_LIST)
#define FOLLOWS    (PARAMS_STATION | PARAMS_MEASURE | PARAMS_MEANING | PARAMS_READING | PARAMS_FOLLOW)
#define EA_ROWS    (FORMAT_BIT(FORMAT_JSON) | FORMAT_BIT(FORMAT_CSV))
#define OF_STATION (PARAMS_MEASURE | PARAMS_MEANING | PARAMS_FORMAT | PARAMS_LIST)

const Route ROUTES[] = {
    {"GET", "/", get_root, LIFE_GENERATION, FORMATS_PAGE, 0, NULL},
    {"GET", "/v1", get_service, LIFE_GENERATION, 0, 0, NULL},
    {"GET", "/v1/stations", get_stations, LIFE_GENERATION, PLACES, LISTS, STATION_FIELDS},
    {"GET", "/v1/stations/{station}", get_station, LIFE_GENERATION, PLACES, PARAMS_FORMAT,
     STATION_FIELDS},
    {"GET", "/v1/stations/{station}/latest", get_station_latest, LIFE_GENERATION, PLACES,
     OF_STATION | PARAMS_READING, LATEST_FIELDS},
    {"GET", "/v1/stations/{station}/readings", get_station_readings, LIFE_GENERATION, ROWS,
     OF_STATION | PARAMS_TIME | PARAMS_READING | PARAMS_BUCKET, READING_FIELDS},
    {"GET", "/v1/measures", get_measures, LIFE_GENERATION, ROWS, LISTS, MEASURE_FIELDS},
    {"GET", "/v1/measures/{measure}", get_measure, LIFE_GENERATION, ROWS, PARAMS_FORMAT,
     MEASURE_FIELDS},
    {"GET", "/v1/measures/{measure}/readings", get_measure_readings, LIFE_GENERATION, ROWS,
     PARAMS_FORMAT | PARAMS_LIST | PARAMS_TIME | PARAMS_READING | PARAMS_BUCKET, READING_FIELDS},
    {"GET", "/v1/latest", get_latest, LIFE_GENERATION, PLACES, LISTS | PARAMS_READING,
     LATEST_FIELDS},
    {"GET", "/v1/readings", get_readings, LIFE_GENERATION, ROWS,
     LISTS | PARAMS_TIME | PARAMS_READING | PARAMS_BUCKET, READING_FIELDS},
    {"GET", "/v1/gaps", get_gaps, LIFE_NOW, ROWS, LISTS, GAP_FIELDS},
    {"GET", "/v1/changes", get_changes, LIFE_FEED, 0, FOLLOWS | PARAMS_WAIT, READING_FIELDS},
    {"GET", "/v1/stream", get_stream, LIFE_NOW, FORMATS_PUSHED, FOLLOWS | PARAMS_STREAM,
     READING_FIELDS},
    {"GET", "/v1/quarantine", get_quarantine, LIFE_NOW, ROWS, PARAMS_QUARANTINE | PARAMS_FORMAT,
     QUARANTINE_FIELDS},
    {"GET", "/v1/rivers", get_rivers, LIFE_GENERATION, ROWS, LISTS, RIVER_FIELDS},
    {"GET", "/v1/catchments", get_catchments, LIFE_GENERATION, ROWS, LISTS, CATCHMENT_FIELDS},
    {"GET", "/v1/towns", get_towns, LIFE_GENERATION, ROWS, LISTS, TOWN_FIELDS},
    {"GET", "/v1/parameters", get_parameters, LIFE_GENERATION, ROWS, LISTS, PARAMETER_FIELDS},
    {"GET", "/v1/snapshots", get_snapshots, LIFE_NOW, 0, 0, NULL},
    {"GET", "/v1/snapshots/latest", get_latest_snapshot, LIFE_NOW, 0, 0, NULL},
    {"GET", "/v1/status", get_status, LIFE_NOW, 0, 0, NULL},
#define EA(path, handler, formats, params)                                                         \
    {                                                                                              \
        "GET", "/flood-monitoring" path, handler, LIFE_GENERATION, formats,                        \
            PARAMS_IGNORED | (params), NULL                                                        \
    }
#define ELSEWHERE(path)                                                                            \
    {                                                                                              \
        "GET", "/flood-monitoring" path, get_ea_elsewhere, LIFE_NOW, 0, PARAMS_IGNORED, NULL       \
    }
    EA("/id/stations", get_ea_stations, EA_ROWS, EA_STATION | EA_MEASURE | EA_LIST),
    EA("/id/stations/{station}", get_ea_station, 0, 0),
    EA("/id/stations/{station}/measures", get_ea_station_measures, EA_ROWS, EA_MEASURE | EA_LIST),
    EA("/id/stations/{station}/readings", get_ea_station_readings, EA_ROWS,
       EA_MEASURE | EA_TIME | EA_LIST),
    EA("/id/stations/{station}/stageScale", get_ea_stage_scale, 0, 0),
    EA("/id/stations/{station}/downstageScale", get_ea_downstage_scale, 0, 0),
    EA("/id/measures", get_ea_measures, EA_ROWS, EA_MEASURE | EA_SERIES | EA_LIST),
    EA("/id/measures/{measure}", get_ea_measure, 0, 0),
    EA("/id/measures/{measure}/readings", get_ea_measure_readings, EA_ROWS, EA_TIME | EA_LIST),
    EA("/data/readings", get_ea_readings, EA_ROWS, EA_MEASURE | EA_SERIES | EA_TIME | EA_LIST),
    EA("/data/readings/{measure}/{time}", get_ea_reading, 0, 0),
    ELSEWHERE("/id/floods"),
    ELSEWHERE("/id/floods/{area}"),
    ELSEWHERE("/id/floodAreas"),
    ELSEWHERE("/id/floodAreas/{area}"),
    ELSEWHERE("/id/floodAreas/{area}/polygon"),
    ELSEWHERE("/archive/{file}"),
    ELSEWHERE("/meta/{file}"), /* the context that every document names */
    ELSEWHERE("/def/core/{name}"),
    {"GET", "/live", get_live, LIFE_NOW, 0, PARAMS_IGNORED, NULL},
    {"GET", "/ready", get_ready, LIFE_NOW, 0, PARAMS_IGNORED, NULL},
    {"GET", "/metrics", get_metrics, LIFE_NOW, 0, PARAMS_IGNORED, NULL},
    {"GET", "/openapi.yaml", get_asset, LIFE_BUILD, 0, PARAMS_IGNORED, NULL},
    {"GET", "/openapi.json", get_asset, LIFE_BUILD, 0, PARAMS_IGNORED, NULL},
    {"GET", "/docs", get_asset, LIFE_BUILD, 0, PARAMS_IGNORED, NULL},
    {"GET", "/web/{file}", get_web_file, LIFE_BUILD, 0, PARAMS_IGNORED, NULL},
    {"GET", "/problems/{type}", get_problem, LIFE_BUILD, 0, PARAMS_IGNORED, NULL},
    {0},
};

typedef struct Match {
    Str args[ROUTE_ARGS_MAX];
    size_t arg_count;
    bool has_suffix;
    Format format;
} Match;

/* "stations.csv" for "stations": an id may hold dots, so only a word of ours can have a suffix. Of
 * our own lists any suffix is one; another that the Agency's have is the Agency's. */
static bool match_suffix(Str segment, Str word, const Route *route, Match *match)
{
    if (word.len == 0 || !str_starts(segment, word) || segment.len < word.len + 2 ||
        segment.ptr[word.len] != '.')
        return false;
    Str suffix = {segment.ptr + word.len + 1, segment.len - word.len - 1};
    bool is_offered = format_find(suffix, route->formats, &match->format) &&
                      str_eq(suffix, str_of(FORMATS[match->format].name));
    if (!is_offered)
        match->format = FORMAT_COUNT;
    match->has_suffix = is_offered || (route->formats != 0 && route->fields != NULL);
    return match->has_suffix;
}

static bool match_segment(Str segment, Str word, bool is_last, const Route *route, Match *match)
{
    if (str_starts(word, STR("{"))) {
        assert(match->arg_count < ROUTE_ARGS_MAX);
        match->args[match->arg_count++] = segment;
        return true;
    }
    return str_eq(segment, word) || (is_last && match_suffix(segment, word, route, match));
}

static bool match_pattern(const Route *route, const Target *target, Match *match)
{
    Str word, rest = str_of(route->pattern + 1); /* behind the first slash */
    for (size_t i = 0; i < target->segment_count; i++) {
        Str all = rest;
        bool is_last = !str_cut(all, '/', &word, &rest);
        if (is_last)
            word = all;
        if (is_last != (i + 1 == target->segment_count) ||
            !match_segment(target->segments[i], word, is_last, route, match))
            return false;
    }
    return true;
}

static bool find_route(Request *req, const Target *target)
{
    for (const Route *route = ROUTES; route->pattern != NULL; route++) {
        Match match = {.arg_count = 0};
        if (!match_pattern(route, target, &match))
            continue;
        req->route = route;
        memcpy(req->args, match.args, sizeof req->args);
        req->has_suffix = match.has_suffix;
        req->format = match.format;
        return true;
    }
    return false;
}

bool route_is_agency(const Route *route)
{
    return str_starts(str_of(route->pattern), STR("/flood-monitoring"));
}

/* A form of the Agency's that is not here. */
static const Route OTHER_FORM = {
    "GET", "/flood-monitoring", get_ea_elsewhere, LIFE_NOW, 0, PARAMS_IGNORED, NULL};

/* Cuts ".json" off, from any path: the Agency's ids end in none of these. False: it has no such end. */
static bool cut_form(Str *segment, Str *ret_form)
{
    static const char *const FORMS[] = {"json", "csv", "rdf", "ttl", "html"};
    Str form = str_after_last(*segment, '.');
    for (size_t i = 0; i < countof(FORMS); i++) {
        if (form.len == segment->len || !str_eq(form, str_of(FORMS[i])))
            continue;
        *ret_form = form;
        segment->len -= form.len + 1;
        return true;
    }
    return false;
}

/* The Agency's paths take a slash at their end, and all of them a suffix. */
static bool find_agency_route(Request *req)
{
    Target target = req->target;
    Str form = STR_NONE;
    if (target.segments[target.segment_count - 1].len == 0)
        target.segment_count--;
    bool has_form = cut_form(&target.segments[target.segment_count - 1], &form);
    if (!find_route(req, &target))
        return false;
    if (!has_form || req->route->handler == get_ea_elsewhere)
        return true;
    req->has_suffix = format_find(form, EA_ROWS, &req->format);
    if (!req->has_suffix)
        req->route = &OTHER_FORM;
    if (req->format == FORMAT_CSV && req->route->formats == 0)
        req->route = NULL; /* one thing is no CSV */
    return req->route != NULL;
}

bool route_find(Request *req)
{
    const Target *target = &req->target;
    if (target->segment_count > TARGET_SEGMENTS_MAX)
        return false;
    return target->segment_count > 1 && str_eq(target->segments[0], STR("flood-monitoring"))
               ? find_agency_route(req)
               : find_route(req, target);
}

Str route_nearest(const Request *req)
{
    StrList patterns = {.count = 0};
    for (const Route *route = ROUTES; route->pattern != NULL; route++)
        if (!str_list_add(req->arena, &patterns, str_of(route->pattern)))
            break;
    return nearest_name(req->target.path, &patterns);
}
