/* export/tables.h - the tables of the lake: their columns, and rows of the model as their rows.
 *
 * deploy/athena/ says the same columns in SQL; a test holds the two together. A new column goes to the
 * end, and is optional. */
#pragma once
#include "export/parquet_read.h"
#include "model/model.h"

typedef struct Table {
    const char *name;
    const ParquetColumn *columns;
    size_t column_count;
} Table;

extern const Table READINGS_TABLE, STATIONS_TABLE, MEASURES_TABLE;

/* A reading with the generation that brought it; in a file of the whole window: that shows it. */
typedef struct TableReading {
    Str measure_id, station_id;
    UnixSec time, received;
    double value;
    unsigned flags;
    int64_t revision;
    Str generation; /* "<epoch>-<number>" */
} TableReading;

MUST_USE ErrCode table_add_reading(ParquetWriter *writer, const TableReading *reading, Err *err);
/* The row at hand of a table of readings; false: it is none that we wrote. Borrowed until the next row. */
MUST_USE bool table_read_reading(const ParquetReader *reader, TableReading *ret_reading);
/* `as_of`: commit time of `generation`, which holds them. */
MUST_USE ErrCode table_add_station(ParquetWriter *writer, const Station *station, UnixSec as_of,
                                   Str generation, Err *err);
MUST_USE ErrCode table_add_measure(ParquetWriter *writer, const Measure *measure, UnixSec as_of,
                                   Str generation, Err *err);
