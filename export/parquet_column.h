/* export/parquet_column.h - the values of one column of one row group, until they are written.
 * Private to the folder.
 *
 * Texts are interned as they come: equal neighbours, which sorted rows have, cost one comparison.
 * Numbers are kept as their bits, and become a dictionary when the group is written, if they do. */
#pragma once
#include "base/buf.h"
#include "export/parquet_form.h"

typedef struct Column {
    ParquetColumn spec;
    size_t count;       /* rows */
    size_t value_count; /* of them not null */
    uint64_t *numbers;  /* [value_count] the bits of each; of texts the place in the dictionary */
    uint8_t *defined;   /* [count] 0: null; NULL in a column that has none */
    size_t cap;         /* rows, of both */
    /* the distinct texts of the group */
    Buf bytes;
    uint32_t *ends; /* [text_count] of each in `bytes` */
    size_t text_count, text_cap;
    uint32_t *slots; /* [slot_count] open addressing: place + 1; 0: free */
    size_t slot_count;
    uint64_t least, greatest; /* bits, or places of texts; of value_count > 0 */
} Column;

void column_init(Column *column, ParquetColumn spec);
void column_release(Column *column);
void column_clear(Column *column); /* for the next row group; keeps memory */

/* False: no memory. */
MUST_USE bool column_add_null(Column *column);
MUST_USE bool column_add_number(Column *column, uint64_t bits);
MUST_USE bool column_add_text(Column *column, Str text);
Str column_text(const Column *column, uint64_t place);

/* What the pages of a column are made of. */
typedef struct Encoded {
    Buf dictionary; /* plain; empty: there is none */
    size_t dictionary_count;
    Buf data;            /* levels and values of the one data page */
    Buf least, greatest; /* plain, without a length; empty where there is no value */
} Encoded;
Encoded encoded_init(void);
void encoded_release(Encoded *encoded);
/* The Bufs are cleared before; their sticky errors are the caller's to check.
 * Errors: ERR_NO_MEMORY. */
MUST_USE ErrCode column_encode(const Column *column, Encoded *encoded, Err *err);
