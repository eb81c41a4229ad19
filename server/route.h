/* server/route.h - the whole HTTP surface as one table. openapi.yaml lists the same paths; a test
 * holds the two together. */
#pragma once
#include "model/field.h"
#include "server/reply.h"

/* How long an answer stays true. */
typedef enum Life {
    LIFE_GENERATION, /* as long as its generation: read from one snapshot, has an ETag, is cached */
    LIFE_FEED,       /* the same, but what comes next is another answer: no-store */
    LIFE_BUILD,      /* as long as the program: has an ETag */
    LIFE_NOW,        /* no longer than the moment: no-store */
} Life;

struct Route {
    const char *method; /* GET brings HEAD, and every path has OPTIONS */
    const char *pattern;
    Handler *handler;
    Life life;
    unsigned formats;    /* bits; 0: it has one form, whatever Accept says */
    unsigned params;     /* PARAMS_* */
    const Field *fields; /* of its rows; NULL: it has none */
};

extern const Route ROUTES[]; /* a NULL pattern ends it */

/* Whether it is one of the Agency's own paths. */
bool route_is_agency(const Route *route);

/* Finds the path's route and sets its arguments and, where the last part of a pattern is a word and
 * the path has a format's suffix there, its format. False: no such path. */
bool route_find(Request *req);
/* The path that was perhaps meant; none when nothing is near. */
Str route_nearest(const Request *req);

/* The handlers, one file per resource: get_<resource>.c */
Handler get_service, get_stations, get_station, get_station_latest, get_station_readings,
    get_measures, get_measure, get_measure_readings, get_latest, get_readings, get_rivers,
    get_catchments, get_towns, get_parameters, get_status, get_live, get_ready, get_metrics,
    get_root, get_asset, get_web_file, get_problem, get_quarantine, get_gaps, get_changes,
    get_stream, get_snapshots, get_latest_snapshot;
/* The Agency's own paths: ea_*.c */
Handler get_ea_stations, get_ea_station, get_ea_station_measures, get_ea_station_readings,
    get_ea_stage_scale, get_ea_downstage_scale, get_ea_measures, get_ea_measure,
    get_ea_measure_readings, get_ea_readings, get_ea_reading, get_ea_elsewhere;
