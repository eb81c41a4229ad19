/* model/event.h - what travels through the log: a generation as records, between two markers.
 *
 * Each record is a CloudEvent in JSON (CloudEvents 1.0, structured mode) with headers beside it, so
 * that a reader need not open what it passes over. A generation is:
 *     begin      of which ingester, and after which of its generations it begins (0: it is whole)
 *     rows       of stations, measures, what is expected of them, what was asked for (store/copy.h)
 *     reading    one each, keyed by its station, as /v1/readings gives it, with received, revision, raw
 *     end        its commit time, the state of the service, how many rows and readings there were
 * A record of kind `log` is the first of a log that was empty and names it.
 * Pure. Texts that are read borrow the record or the arena. */
#pragma once
#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "model/field.h"

typedef enum EventKind {
    EVENT_LOG,
    EVENT_BEGIN,
    EVENT_ROWS,
    EVENT_READING,
    EVENT_END,
    EVENT_KIND_COUNT
} EventKind;
const char *event_name(EventKind kind); /* "freshet.reading" */
/* False: no such kind; a reader passes over it. */
bool event_find(Str name, EventKind *ret);

/* Of which generation a record is. */
typedef struct EventSource {
    Str ingester;    /* "1/1": its shard */
    uint32_t epoch;  /* of its store */
    uint64_t number; /* of its generation */
    uint32_t log;    /* the epoch of those who follow the log */
} EventSource;

typedef struct EventEnd {
    UnixSec as_of, next_expected; /* NO_TIME: not known */
    Service service;
    int64_t rows, readings; /* how many came since the begin */
} EventEnd;

void event_put_log(Buf *out, const EventSource *source, UnixSec time);
void event_put_begin(Buf *out, const EventSource *source, UnixSec time, uint64_t after);
/* `rows`: JSON objects, separated by commas. */
void event_put_rows(Buf *out, const EventSource *source, UnixSec time, const char *table, Str rows);
void event_put_reading(Buf *out, const EventSource *source, UnixSec time, uint64_t nth,
                       const Row *row);
void event_put_end(Buf *out, const EventSource *source, const EventEnd *end);

/* The other way. Errors: ERR_FORMAT, which names what is missing or wrong. */
MUST_USE ErrCode event_read_begin(Str value, uint64_t *ret_after, Err *err);
/* *ret_rows: a JSON array of objects, to be walked. */
MUST_USE ErrCode event_read_rows(Str value, Arena *arena, Str *ret_table, Str *ret_rows, Err *err);
MUST_USE ErrCode event_read_reading(Str value, Arena *arena, Reading *ret_reading, Err *err);
MUST_USE ErrCode event_read_end(Str value, EventEnd *ret_end, Err *err);
