#include "server/route.h"

#include <string.h>

#define ROWS       FORMATS_ROWS
#define PLACES     FORMATS_PLACES
#define FILTERS    (PARAMS_STATION | PARAMS_MEASURE | PARAMS_FORMAT)
#define LISTS      (FILTERS | PARAMS_LIST)
#define OF_STATION (PARAMS_MEASURE | PARAMS_FORMAT | PARAMS_LIST)

const Route ROUTES[] = {
    {"GET", "/", get_service, LIFE_GENERATION, 0, 0, NULL},
    {"GET", "/v1", get_service, LIFE_GENERATION, 0, 0, NULL},
    {"GET", "/v1/stations", get_stations, LIFE_GENERATION, PLACES, LISTS, STATION_FIELDS},
    {"GET", "/v1/stations/{station}", get_station, LIFE_GENERATION, PLACES, PARAMS_FORMAT,
     STATION_FIELDS},
    {"GET", "/v1/stations/{station}/latest", get_station_latest, LIFE_GENERATION, PLACES,
     OF_STATION | PARAMS_READING | PARAMS_MEANING, LATEST_FIELDS},
    {"GET", "/v1/stations/{station}/readings", get_station_readings, LIFE_GENERATION, ROWS,
     OF_STATION | PARAMS_TIME | PARAMS_READING | PARAMS_BUCKET, READING_FIELDS},
    {"GET", "/v1/measures", get_measures, LIFE_GENERATION, ROWS, LISTS, MEASURE_FIELDS},
    {"GET", "/v1/measures/{measure}", get_measure, LIFE_GENERATION, ROWS, PARAMS_FORMAT,
     MEASURE_FIELDS},
    {"GET", "/v1/measures/{measure}/readings", get_measure_readings, LIFE_GENERATION, ROWS,
     PARAMS_FORMAT | PARAMS_LIST | PARAMS_TIME | PARAMS_READING | PARAMS_BUCKET, READING_FIELDS},
    {"GET", "/v1/latest", get_latest, LIFE_GENERATION, PLACES,
     LISTS | PARAMS_READING | PARAMS_MEANING, LATEST_FIELDS},
    {"GET", "/v1/readings", get_readings, LIFE_GENERATION, ROWS,
     LISTS | PARAMS_TIME | PARAMS_READING | PARAMS_BUCKET, READING_FIELDS},
    {"GET", "/v1/gaps", get_gaps, LIFE_NOW, ROWS, LISTS, GAP_FIELDS},
    {"GET", "/v1/quarantine", get_quarantine, LIFE_NOW, ROWS, PARAMS_QUARANTINE | PARAMS_FORMAT,
     QUARANTINE_FIELDS},
    {"GET", "/v1/rivers", get_rivers, LIFE_GENERATION, ROWS, LISTS, RIVER_FIELDS},
    {"GET", "/v1/catchments", get_catchments, LIFE_GENERATION, ROWS, LISTS, CATCHMENT_FIELDS},
    {"GET", "/v1/towns", get_towns, LIFE_GENERATION, ROWS, LISTS, TOWN_FIELDS},
    {"GET", "/v1/parameters", get_parameters, LIFE_GENERATION, ROWS, LISTS, PARAMETER_FIELDS},
    {"GET", "/v1/snapshots", get_snapshots, LIFE_NOW, 0, 0, NULL},
    {"GET", "/v1/snapshots/latest", get_latest_snapshot, LIFE_NOW, 0, 0, NULL},
    {"GET", "/v1/status", get_status, LIFE_NOW, 0, 0, NULL},
    {"GET", "/live", get_live, LIFE_NOW, 0, PARAMS_IGNORED, NULL},
    {"GET", "/ready", get_ready, LIFE_NOW, 0, PARAMS_IGNORED, NULL},
    {"GET", "/metrics", get_metrics, LIFE_NOW, 0, PARAMS_IGNORED, NULL},
    {"GET", "/openapi.yaml", get_asset, LIFE_BUILD, 0, PARAMS_IGNORED, NULL},
    {"GET", "/problems/{type}", get_problem, LIFE_BUILD, 0, PARAMS_IGNORED, NULL},
    {0},
};

typedef struct Match {
    Str args[ROUTE_ARGS_MAX];
    size_t arg_count;
    bool has_suffix;
    Format format;
} Match;

/* "stations.csv" for "stations": an id may hold dots, so only a word of ours can have a suffix. */
static bool match_suffix(Str segment, Str word, unsigned formats, Match *match)
{
    if (!str_starts(segment, word) || segment.len < word.len + 2 || segment.ptr[word.len] != '.')
        return false;
    Str suffix = {segment.ptr + word.len + 1, segment.len - word.len - 1};
    match->has_suffix = format_find(suffix, formats, &match->format) &&
                        str_eq(suffix, str_of(FORMATS[match->format].name));
    return match->has_suffix;
}

static bool match_segment(Str segment, Str word, bool is_last, unsigned formats, Match *match)
{
    if (str_starts(word, STR("{"))) {
        assert(match->arg_count < ROUTE_ARGS_MAX);
        match->args[match->arg_count++] = segment;
        return true;
    }
    return str_eq(segment, word) || (is_last && match_suffix(segment, word, formats, match));
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
            !match_segment(target->segments[i], word, is_last, route->formats, match))
            return false;
    }
    return true;
}

bool route_find(Request *req)
{
    if (req->target.segment_count > TARGET_SEGMENTS_MAX)
        return false;
    for (const Route *route = ROUTES; route->pattern != NULL; route++) {
        Match match = {.arg_count = 0};
        if (!match_pattern(route, &req->target, &match))
            continue;
        req->route = route;
        memcpy(req->args, match.args, sizeof req->args);
        req->has_suffix = match.has_suffix;
        req->format = match.format;
        return true;
    }
    return false;
}

Str route_nearest(const Request *req)
{
    StrList patterns = {.count = 0};
    for (const Route *route = ROUTES; route->pattern != NULL; route++)
        if (!str_list_add(req->arena, &patterns, str_of(route->pattern)))
            break;
    return nearest_name(req->target.path, &patterns);
}
