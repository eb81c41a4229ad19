/* export/parquet_page.h - one column of one row group, decoded from its pages. Private to the folder. */
#pragma once
#include "export/parquet_form.h"

/* A value of a row: a text, or the bits of a number. */
typedef struct Cell {
    Str text; /* borrows the pages */
    uint64_t bits;
    bool is_null;
} Cell;

typedef struct Pages {
    Buf dictionary, data; /* decompressed; what texts borrow */
    Cell *entries;        /* owned; of the dictionary */
    size_t entry_count;
    Cell *cells; /* owned; [rows] */
    size_t cap;
} Pages;

void pages_release(Pages *pages);
/* `bytes`: the pages as they lie in the file. Errors: ERR_FORMAT, ERR_NO_MEMORY. */
MUST_USE ErrCode pages_decode(Pages *pages, const ParquetColumn *column, Str bytes, size_t rows,
                              Err *err);
