/* server/wide.h - readings as a matrix: a row a moment of an exact grid, a column a measure.
 *
 * Rows are the multiples of the step in the window; a reading sits in the one that is not behind it,
 * a bucket at its beginning; a cell that nothing sits in is null. The last thing done with Rows. */
#pragma once
#include "server/rows.h"

typedef struct WideCell {
    UnixSec time; /* a multiple of the step */
    double value; /* NAN: null */
} WideCell;

typedef struct WideColumn {
    Str id;
    size_t first, count; /* of its cells, which are in the order of time */
    size_t at;           /* while rows are written: the next of them */
} WideColumn;

typedef struct Wide {
    Arena *arena;
    int64_t step_s;
    WideColumn *columns;
    size_t column_count, column_cap;
    WideCell *cells;
    size_t cell_count, cell_cap;
    bool no_memory;
    Str crowded; /* a measure with several readings in one cell; none: there is none */
    UnixSec crowded_at;
} Wide;

Wide wide_begin(Arena *arena, int64_t step_s);
/* False: no memory, or two in one cell. */
bool wide_add_column(Wide *wide, Str measure_id);
bool wide_add_cell(Wide *wide, UnixSec time, double value);
/* Writes the rows of `window` into rows->reply and counts them. Errors: ERR_NO_MEMORY; ERR_INVALID,
 * ERR_TOO_LARGE with the problem in the reply. */
MUST_USE ErrCode wide_end(Wide *wide, Window window, Rows *rows, Err *err);
