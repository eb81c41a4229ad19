/* export/parquet.h - tables as Parquet files: a small writer for flat columns.
 *
 * Written from front to back: row groups of a number of rows, one page a column in each, values by
 * dictionary (plain beyond PARQUET_DICTIONARY_MAX bytes of it), zstd, with least and greatest value.
 * The same rows give the same bytes. One thread at a time. */
#pragma once
#include "export/outfile.h"

typedef enum ParquetType {
    PARQUET_STRING,
    PARQUET_TIMESTAMP, /* milliseconds, UTC: what Athena takes */
    PARQUET_DOUBLE,
    PARQUET_INT,  /* 32 bits */
    PARQUET_BOOL, /* always there: never null */
} ParquetType;

typedef struct ParquetColumn {
    const char *name;
    ParquetType type;
    bool optional; /* null where a value is missing; else it must not be missing */
} ParquetColumn;

enum {
    PARQUET_COLUMNS_MAX = 40,
    PARQUET_GROUP_ROWS = 262144, /* the most that a row group has; what queries like */
    PARQUET_DICTIONARY_MAX = 1 << 20,
};

typedef struct ParquetWriter ParquetWriter;

/* Of `columns` and row groups of `group_rows`, which are in memory until they are written. `columns` and
 * `file` outlive the writer. Owns: ends with parquet_close(). Errors: as outfile_put(). */
MUST_USE ErrCode parquet_begin(const ParquetColumn *columns, size_t column_count, size_t group_rows,
                               OutFile *file, ParquetWriter **ret_writer, Err *err);
void parquet_close(
    ParquetWriter *writer); /* NULL is fine; the file is whole only after parquet_end() */

/* A row: its values in the order of the columns, none left out, then parquet_end_row(). None, NO_TIME
 * and NAN are null. Strings are copied. */
void parquet_str(ParquetWriter *writer, Str value);
void parquet_time(ParquetWriter *writer, UnixSec value);
void parquet_double(ParquetWriter *writer, double value);
void parquet_int(ParquetWriter *writer, int64_t value); /* that 32 bits hold */
void parquet_bool(ParquetWriter *writer, bool value);
MUST_USE ErrCode parquet_end_row(ParquetWriter *writer, Err *err);

/* Writes what is left, and the footer. */
MUST_USE ErrCode parquet_end(ParquetWriter *writer, Err *err);
