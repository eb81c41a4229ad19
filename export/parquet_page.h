/* export/parquet_page.h - one column of one row group, a value at a time from its pages. Private to the
 * folder.
 *
 * Its pages are in memory, decompressed, and nothing that grows with the rows beside them. */
#pragma once
#include "export/parquet_form.h"

/* A value of a row: a text, or the bits of a number. */
typedef struct Cell {
    Str text; /* borrows the pages */
    uint64_t bits;
    bool is_null;
} Cell;

/* Runs and packed groups of eight, as Parquet's RLE hybrid, from front to back. */
typedef struct Hybrid {
    Str rest; /* behind the run under way */
    unsigned width;
    const char *packed;   /* of the run under way; NULL: `value` over and over */
    uint64_t place, left; /* in it: values taken, values to come */
    uint32_t value;
} Hybrid;

typedef struct Pages {
    const ParquetColumn *column;
    Buf dictionary, data; /* decompressed; what texts borrow */
    uint32_t *texts;      /* owned; where each of the dictionary begins in it */
    size_t entry_count;
    Hybrid levels, places;
    bool by_dictionary;
    Str plain;  /* what is not by dictionary, and still to come */
    size_t bit; /* of `plain`: the next bool */
} Pages;

void pages_release(Pages *pages);
/* `bytes`: the pages as they lie in the file, `plain_bytes` in all when decompressed, of `rows` values.
 * What was open before is released. Errors: ERR_FORMAT, ERR_NO_MEMORY. */
MUST_USE ErrCode pages_open(Pages *pages, const ParquetColumn *column, Str bytes,
                            int64_t plain_bytes, size_t rows, Err *err);
/* Called once a row. False: the pages are broken. */
MUST_USE bool pages_next(Pages *pages, Cell *ret_cell);
