/* server/ea.h - the Environment Agency's own paths, under /flood-monitoring, for clients that speak
 * its API: the same envelope, items, addresses and parameters, out of our snapshots.
 *
 * What the upstream sent of a station or measure is kept by the store as it came, and is what is
 * said again here. ea_query.c reads what is asked, ea_item.c writes items and ea_list.c what stands
 * around them; ea_stations.c, ea_measures.c and ea_readings.c answer. */
#pragma once
#include "base/json.h"
#include "server/reply.h"
#include "server/route.h"

/* ---- what is asked --------------------------------------------------------------------------- */

/* Groups of parameters, beside PARAMS_* in a route's `params`. */
enum {
    EA_STATION = 1 << 16, /* of stations */
    EA_MEASURE = 1 << 17, /* of measures */
    EA_SERIES = 1 << 18,  /* which station a measure or reading is of */
    EA_TIME = 1 << 19,    /* of readings */
    EA_LIST = 1 << 20,
};

/* Names that are not here are ignored, as the upstream ignores them. Of a repeated one the first
 * counts; an empty value asks nothing. */
typedef struct EaParam {
    const char *name; /* NULL ends the table */
    unsigned group;
    int kind;  /* how it is read: ea_query.c's */
    size_t at; /* in EaQuery */
} EaParam;
extern const EaParam EA_PARAMS[];

enum { EA_NO_LIMIT = -1 };

/* Texts are compared exactly, with each of the values that a field has; none asks nothing. */
typedef struct EaQuery {
    Str label, town, catchment, river, reference, rloi_id, status, type; /* of the station */
    Str search;                                                          /* part of its label */
    Str parameter, parameter_name, qualifier;                            /* of the measure */
    Str station;        /* its id, without the address in front */
    Str lat, lon, dist; /* as they came */
    bool has_circle;
    double lat_deg, long_deg, dist_km;
    bool latest, today, sorted, full;
    Str date, start_date, end_date, since; /* as they came */
    bool has_range;                        /* a time was asked for */
    Window range;                          /* everything where none was */
    int64_t limit;                         /* EA_NO_LIMIT: all */
    int64_t offset;
} EaQuery;

/* Whether the request names one station among all, so that little must be walked. */
bool ea_names_station(const Request *req);
bool ea_takes_station(const EaQuery *query, const Station *station);
bool ea_takes_measure(const EaQuery *query, const Measure *measure);
bool ea_narrows_measures(const EaQuery *query);

/* Narrows *filter to the station that the path names by its id or its reference. Errors: ERR_NOT_FOUND,
 * with the problem in `reply`; those of the store. */
MUST_USE ErrCode ea_resolve_station(const Request *req, Reply *reply, Filter *filter, Err *err);
/* What the request asks: its query, for which `as_of` says which day is today, and a filter of what the
 * store can narrow the walk by: what it lets pass must still be looked at. `resolve` narrows it to what
 * the path names; NULL: it names nothing. Errors: ERR_INVALID, with the problem in `reply`; those of
 * `resolve` and of the store. */
typedef ErrCode EaResolveFn(const Request *req, Reply *reply, Filter *filter, Err *err);
MUST_USE ErrCode ea_ask(const Request *req, Reply *reply, EaResolveFn *resolve, EaQuery *ret_query,
                        Filter *ret_filter, Err *err);
/* What the path names is not there: ERR_NOT_FOUND, with the problem in `reply`. */
MUST_USE ErrCode ea_not_found(const Request *req, Reply *reply, Err *err);

/* ---- items ----------------------------------------------------------------------------------- */

/* How things are written: `strict` keeps the upstream's shapes; else every field that is no list has
 * one value, and what is a list is always one. */
typedef struct EaStyle {
    bool strict;
    Str origin; /* of the addresses of items: scheme and host */
} EaStyle;

EaStyle ea_style(const Request *req);

/* A JSON value of the upstream's, repaired or not, its addresses of items rewritten. */
void ea_put_value(Buf *out, Str value, const EaStyle *style);

typedef enum EaForm {
    EA_LISTED, /* scales are addresses */
    EA_FULL,   /* scales are objects */
} EaForm;

/* A station of a list. Only those of its nested measures that the query takes. */
void ea_put_station(Buf *out, const Station *station, EaForm form, const EaQuery *query,
                    const EaStyle *style);
/* Whether it has a nested measure that the query takes. */
bool ea_nests_measure(const Station *station, const EaQuery *query);
/* A station by itself. Its nested measures are replaced by those of `texts`, JSON objects, by their
 * ids; one that is not there stays as it is nested. */
void ea_put_single_station(Buf *out, const Station *station, const StrList *ids,
                           const StrList *texts, const EaStyle *style);

typedef enum EaLatest { EA_LATEST_OBJECT, EA_LATEST_ADDRESS } EaLatest;

/* `newest` may be NULL. `single`: with what lists leave out. */
void ea_put_measure(Buf *out, const Measure *measure, const Reading *newest, bool single,
                    EaLatest latest, const EaStyle *style);

/* `measure`: a JSON object to stand for its address; none: the address. */
void ea_put_reading(Buf *out, const Reading *reading, bool with_date, Str measure,
                    const EaStyle *style);

/* ---- documents ------------------------------------------------------------------------------- */

/* Of the country's stations or measures some 4 MB are asked for all day long: they stay in the cache. */
enum { EA_LIST_IN_MEMORY = 16 << 20 };

typedef struct EaList {
    const Request *req;
    Reply *reply;
    EaStyle style;
    const char *const *columns; /* of CSV; NULL ends them */
    int64_t limit, offset;
    int64_t seen, count;
} EaList;

/* Begins a list in the request's format. */
EaList ea_list_begin(const Request *req, Reply *reply, const EaQuery *query,
                     const char *const *columns);
typedef enum EaNext { EA_SKIP, EA_TAKE, EA_ENOUGH } EaNext;
/* What becomes of the next item: passed over, to be put now, or the list is full. */
EaNext ea_list_next(EaList *list);
/* An item as JSON, as the request's format has it. False: no more can be taken. */
bool ea_list_put(EaList *list, Str item);
void ea_list_end(EaList *list);

/* A document of one thing, around what the caller puts into the body between the two. */
void ea_single_begin(const Request *req, Reply *reply);
void ea_single_end(Reply *reply);

/* ---- elsewhere ------------------------------------------------------------------------------- */

/* Sends the client to the Agency for what was asked: always https, because a client that came
 * through a proxy setting for http would come straight back. */
MUST_USE ErrCode ea_redirect(const Request *req, Reply *reply, Err *err);
