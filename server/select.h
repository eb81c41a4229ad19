/* server/select.h - what a request selects: which stations and measures, and of which time.
 *
 * One table names every query parameter and what it means, the same on every path that has it. */
#pragma once
#include "model/change.h"
#include "model/field.h"
#include "model/window.h"
#include "server/problem.h"
#include "server/sort.h"

typedef struct Request Request;

/* What a path may have; or-ed. */
enum {
    PARAMS_STATION = 1, /* filters on stations */
    PARAMS_MEASURE = 2, /* filters on measures */
    PARAMS_TIME = 4,
    PARAMS_FORMAT = 8,
    PARAMS_IGNORED = 16,  /* anything goes: probes and pages */
    PARAMS_LIST = 32,     /* order and size of a list */
    PARAMS_READING = 64,  /* rows with a time of measuring */
    PARAMS_BUCKET = 128,  /* readings gathered by time */
    PARAMS_MEANING = 256, /* what newest values mean */
    PARAMS_QUARANTINE = 512,
    PARAMS_FOLLOW = 1024, /* what changed, from where on */
    PARAMS_WAIT = 2048,   /* and, until there is something, how long to wait */
    PARAMS_STREAM = 4096, /* and in which form it is pushed */
};

typedef struct Selector Selector; /* a selection being read */
typedef struct ParamInfo {
    const char *name; /* NULL ends the table */
    unsigned group;
    const char *once; /* why it may not be repeated; NULL: it may, for any of its values */
    bool may_be_empty;
    void (*read)(Selector *to, const struct ParamInfo *info, Str value);
    size_t list_offset; /* of its StrList in Filter, for those that have one */
} ParamInfo;

extern const ParamInfo PARAMS[];

/* The time that was asked for; what counts back from the generation's as_of waits for it. */
typedef struct Span {
    bool has_from, has_to, has_back;
    UnixSec from, to;
    int64_t back_s;     /* period, or since as a duration */
    bool back_excludes; /* since: without the moment itself */
} Span;

/* How the rows of a JSON answer lie in it. */
typedef enum Shape {
    SHAPE_ITEMS,   /* an envelope with an object a row */
    SHAPE_ARRAY,   /* the bare list of these */
    SHAPE_COLUMNS, /* an envelope with an array a column */
    SHAPE_WIDE,    /* a row a moment, a column a measure; of readings, in CSV too */
} Shape;

typedef struct Selection {
    Filter filter;
    Span span;
    StrList reasons; /* of refusals */
    bool has_format;
    Str format;      /* as written */
    FieldSet fields; /* count 0: those that are usual */
    SortOrder order; /* count 0: by station, measure, time */
    size_t limit;    /* 0: as many as are usual */
    Str cursor;      /* as written; none: from the beginning */
    Style style;
    bool with_local_time;
    Shape shape;
    int64_t step_s;      /* of buckets; 0: readings as they are */
    unsigned aggregates; /* bits: 1 << Aggregate */
    Fill fill;
    bool download; /* to be kept as a file */
    bool has_after;
    ChangeCursor after; /* of changes; without: see span */
    int64_t wait_s;     /* 0: answered at once */
} Selection;

/* Reads the query of `req` into *ret. False: *problem tells every fault. */
bool selection_read(const Request *req, unsigned allowed, Selection *ret, Problem *problem);

/* What its rows can say: the fields of the route, or those of aggregates. */
const Field *request_fields(const Request *req);

/* A moment as requests write it: RFC 3339, a date, seconds or milliseconds; a blank is a + that was
 * not encoded. */
bool time_read(Arena *arena, Str text, UnixSec *ret);

/* Without an end, or without any time, `to` (and `from`) are those of window_everything(). */
Window span_resolve(const Span *span, UnixSec as_of);
bool span_is_given(const Span *span);
