/* server/rows.h - a list of rows in the format that was asked for, with its envelope.
 *
 * The rows are rendered first, straight into the reply; what the envelope says in front of them
 * (the window, the coverage) is often known only afterwards. Of a list in pages all rows are rendered,
 * those behind the first page into a spool (paged.h). */
#pragma once
#include "model/render.h"
#include "server/envelope.h"
#include "server/sort.h"

typedef struct Rows {
    const Request *req;
    Reply *reply;
    FieldSet fields;
    Stem stem;
    Sort sort;
    size_t head_bytes; /* of the body, in front of the rows */
    size_t limit;      /* rows of a page; SIZE_MAX: there are no pages */
    size_t seen;       /* all that passed */
    size_t count;      /* those that were put, in their order */
    bool no_memory;
    UnixSec earliest, latest; /* of the readings in the rows that passed; NO_TIME: none */
} Rows;

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
