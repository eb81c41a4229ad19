/* server/rows.h - a list of rows in the format that was asked for, with its envelope.
 *
 * The rows are rendered first, straight into the reply; what the envelope says in front of them
 * (the window, the coverage) is often known only afterwards. */
#pragma once
#include "base/json.h"
#include "model/coverage.h"
#include "model/field.h"
#include "model/render.h"
#include "server/reply.h"
#include "server/sort.h"

typedef struct Rows {
    const Request *req;
    Reply *reply;
    FieldSet fields;
    Stem stem;
    Sort sort;
    size_t skip, limit; /* this body's part of all rows; limit SIZE_MAX: to their end */
    size_t seen;        /* all that passed */
    size_t count;       /* those in the body */
    bool no_memory;
    UnixSec earliest, latest; /* of the readings in the rows that passed; NO_TIME: none */
} Rows;

/* What an envelope says of time. */
typedef struct Extent {
    UnixSec from, to;         /* the window; NO_TIME is null */
    const Coverage *coverage; /* NULL: not an answer of readings */
    const char *reason;       /* of there being none; NULL: there are some */
} Extent;

/* Why an answer has no rows. */
#define REASON_NO_MEASURE   "no measure matches"
#define REASON_NOTHING_KEPT "no reading of it is kept"

/* The fields are those of the request's route. What is said of the list before its rows, which is all
 * there is to say where Request.head_alone, is said here. Errors: ERR_INVALID, with the problem in `reply`;
 * ERR_NO_MEMORY. */
MUST_USE ErrCode rows_begin(Rows *rows, const Request *req, Reply *reply, Err *err);
/* False: no more can be taken; rows_end() will say why. */
bool rows_add(Rows *rows, const Row *row);
/* `extent` NULL: the window is that of the readings in the rows. Errors: ERR_TOO_LARGE, with the
 * problem that says what to ask for instead; ERR_NO_MEMORY. */
MUST_USE ErrCode rows_end(Rows *rows, const Extent *extent, Err *err);

/* The members that every JSON document of a generation begins with. */
void put_generation(JsonWriter *json, const SnapshotInfo *info);
/* licence and attribution */
void put_licence(JsonWriter *json);
