/* server/request.h - what was asked: the target, decoded once and within limits.
 *
 * Everything in a Request is borrowed from the arena of its exchange or from the text it came in.
 */
#pragma once
#include "server/format.h"
#include "server/problem.h"
#include "server/select.h"
#include "server/server.h"
#include "store/snapshot.h"

#include <stdatomic.h>

/* What all requests share. */
typedef struct Site {
    Store *store;
    const ServerOptions *options;
    struct Spools *spools; /* for answers larger than memory, and for lists in pages */
    struct Hub *hub;       /* of who follows; NULL: nobody can */
    struct Kept *kept;     /* those of the last generations */
    struct Words *words;   /* NULL: each request is read anew */
    unsigned port;         /* that it listens on; 0: none */
    _Atomic bool draining;
} Site;

typedef struct Param {
    Str name, value; /* decoded; a name without `=` has the value "" */
} Param;

enum { TARGET_SEGMENTS_MAX = 8 };

/* /v1/stations/A%2FB/latest?parameter=level: the path is cut at its slashes before it is decoded,
 * so that an id may hold one. */
typedef struct Target {
    Str authority;                     /* host and port of one in absolute form; none else */
    Str path, query;                   /* as they came */
    Str segments[TARGET_SEGMENTS_MAX]; /* decoded; "/v1/stations/" has an empty third one */
    size_t segment_count; /* more than TARGET_SEGMENTS_MAX: deeper than any path here */
    Param *params;        /* sorted by name; those of one name in their order */
    size_t param_count;
} Target;

/* Reads an origin-form or absolute-form target. False: *problem says what is wrong with it. */
bool target_read(Str raw, size_t max_bytes, size_t max_params, Arena *arena, Target *ret,
                 Problem *problem);

/* Percent-encodes all but unreserved characters and `keep`. */
void put_encoded(Buf *out, Str text, const char *keep);

enum { ROUTE_ARGS_MAX = 2 };
typedef struct Route Route;

typedef struct Request {
    const Site *site;
    Target target;
    const Route *route;
    Str args[ROUTE_ARGS_MAX]; /* what stands for {station} and {measure}, decoded */
    Str origin;               /* of the addresses of things of the Agency's; none: its own */
    bool has_suffix;          /* the format was said by the path */
    Format format;            /* FORMAT_COUNT: none that the path has */
    Selection selection;
    bool head_alone;   /* what stands in front of the rows is enough: none is looked at */
    Str last_event_id; /* where one who comes back to a stream was */
    Snapshot *snap;    /* NULL for a route that is not of a generation */
    Arena *arena;
} Request;
