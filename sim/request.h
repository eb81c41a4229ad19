/* sim/request.h - one request under way: shared by sim/answer.c (routes, the envelope) and the
 * files that answer: sim/answer_stations.c, sim/answer_readings.c. One thread. */
#pragma once
#include "sim/answer.h"
#include "sim/params.h"

typedef struct Request {
    const View *view;
    const Params *params;
    Str path;    /* as in meta.hasFormat: without suffix and last slash, still encoded */
    Str args[2]; /* the {} of the route, decoded */
    bool csv;
    Buf *out;
    Buf scratch; /* for one item */
    unsigned status;
} Request;

/* The value of _limit or _offset: `otherwise` when it is not there or no number; never negative. */
int64_t request_number(const Request *req, const char *name, int64_t otherwise);

/* ---- the envelope ---------------------------------------------------------------------------- */

enum { NO_LIMIT = -1 };

typedef struct List {
    Request *req;
    bool has_items;
} List;

/* Up to "items" : [ and from there. In CSV `header` is the first line and items are the caller's.
 */
List list_open(Request *req, int64_t limit, const char *csv_header);
void list_next(List *list);  /* before each item; nothing in CSV */
void list_close(List *list); /* adds the items that were laid over this list */

/* The envelope of a single thing: the caller writes the object in between. */
void single_open(Request *req);
void single_close(Request *req);

/* ---- pieces ---------------------------------------------------------------------------------- */

/* As it is shown by itself: with its classes, its latestReading an object, or a URI where
 * `latest_by_uri`. */
void put_whole_measure(Request *req, uint32_t measure, bool latest_by_uri);
/* As in lists. */
void put_listed_measure(const View *view, uint32_t measure, Buf *out);

/* A raw JSON value as a CSV cell: several values joined by a bar. */
void put_cell(Buf *out, Str raw);

/* ---- handlers in sim/answer_stations.c ------------------------------------------------------- */

void answer_stations(Request *req);
void answer_station(Request *req);
void answer_measures_of_station(Request *req);
void answer_stage_scale(Request *req);
void answer_downstage_scale(Request *req);
void answer_measures(Request *req);
void answer_measure(Request *req);

/* ---- handlers in sim/answer_readings.c ------------------------------------------------------- */

void answer_all_readings(Request *req);
void answer_station_readings(Request *req);
void answer_measure_readings(Request *req);
void answer_one_reading(Request *req);
