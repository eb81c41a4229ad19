/* ingest/parse.h - upstream JSON into a Batch. Pure; no I/O, no store.
 *
 * The upstream is RDF underneath: any field can be missing, a scalar, an array or an object. The
 * first usable value is taken, the rest kept where a search wants it; an item that is no use is
 * counted and never costs the others. The document is walked item by item: memory is that of the
 * batch and of one item; of what is not of the batch's shard nothing is kept at all. */
#pragma once
#include "base/json.h"
#include "base/text_file.h"
#include "model/batch.h"

/* A whole list of stations or measures, whose items are taken some at a time. Borrows its text. */
typedef struct ParseList {
    JsonWalk rest;
    Str single;     /* the only item, given bare (Q4) and not taken yet; else none */
    TextFile *file; /* that the text is in, which is passed as the items are; NULL: in memory */
} ParseList;

/* Errors: ERR_FORMAT (no document with `items`, or it ended early). */
MUST_USE ErrCode parse_list(Str json, TextFile *file, ParseList *ret_list, Err *err);
/* Adds the next items, at most `most`, to *batch. *ret_more false: there was none left. Errors:
 * ERR_NO_MEMORY. */
MUST_USE ErrCode parse_stations(ParseList *list, size_t most, Batch *batch, bool *ret_more,
                                Err *err);
MUST_USE ErrCode parse_measures(ParseList *list, size_t most, Batch *batch, bool *ret_more,
                                Err *err);

/* Each takes the body of one answer, whose `items` may be an array or a single object (Q4), and adds
 * to *batch. Errors: ERR_FORMAT (no document of the expected kind, or it ended early: nothing of it is
 * in the batch that counts, discard the batch), ERR_NO_MEMORY.
 *
 * One station or measure, asked for alone: no list said that it is listed, nor what is not. */
MUST_USE ErrCode parse_station(Str json, Batch *batch, Err *err);
MUST_USE ErrCode parse_measure(Str json, Batch *batch, Err *err);
/* `now`: readings more than FUTURE_MAX_S ahead of it are refused. `max_readings`: what lies beyond
 * is refused as REFUSED_TOO_MANY. */
MUST_USE ErrCode parse_readings(Str json, UnixSec now, size_t max_readings, Batch *batch, Err *err);
/* An answer to /id/stations?type=X: every station in it is of `type`. */
MUST_USE ErrCode parse_station_types(Str json, Str type, Batch *batch, Err *err);

/* An answer to /id/stations/{id}: what lists leave out of the station and of its measures. */
MUST_USE ErrCode parse_station_more(Str json, Batch *batch, Err *err);

/* CSV of readings or of the archive: header dateTime,measure,value; several values joined by a bar. */
MUST_USE ErrCode parse_readings_csv(Str csv, UnixSec now, size_t max_readings, Batch *batch,
                                    Err *err);
