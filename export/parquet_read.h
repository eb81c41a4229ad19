/* export/parquet_read.h - reading back what export/parquet.h has written: for joining a day's files.
 *
 * Only of the form that our writer gives; what is not of it, or is damaged, is ERR_FORMAT. The pages of a
 * row group at a time are in memory, decompressed. One thread at a time. */
#pragma once
#include "export/parquet.h"

typedef struct ParquetReader ParquetReader;

/* `fd` and `columns`, which the file must have exactly, outlive the reader.
 * Owns: ends with parquet_read_close(). Errors: ERR_FORMAT, ERR_STORAGE, ERR_NO_MEMORY. */
MUST_USE ErrCode parquet_read_open(int fd, const ParquetColumn *columns, size_t column_count,
                                   ParquetReader **ret_reader, Err *err);
void parquet_read_close(ParquetReader *reader);         /* NULL is fine */
int64_t parquet_read_rows(const ParquetReader *reader); /* in all */
/* Bytes of memory that the largest of its row groups will take. */
int64_t parquet_read_memory(const ParquetReader *reader);

/* The next row; *ret_row false: there is none. */
MUST_USE ErrCode parquet_read_next(ParquetReader *reader, bool *ret_row, Err *err);
/* Of the row at hand; null is none, NO_TIME, NAN. Borrowed until the next row. */
Str parquet_read_str(const ParquetReader *reader, size_t column);
UnixSec parquet_read_time(const ParquetReader *reader, size_t column);
double parquet_read_double(const ParquetReader *reader, size_t column);
int64_t parquet_read_int(const ParquetReader *reader, size_t column);
