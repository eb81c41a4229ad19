#include "export/tables.h"

#include "model/render.h"

/* X(column, type, optional, value) in the order of the columns; `station` is in scope. */
#define STATION_COLUMNS(X)                                                                         \
    X(station, STRING, false, str, station->id)                                                    \
    X(reference, STRING, true, str, station->reference)                                            \
    X(label, STRING, true, str, station->label)                                                    \
    X(river, STRING, true, str, station->river)                                                    \
    X(catchment, STRING, true, str, station->catchment)                                            \
    X(town, STRING, true, str, station->town)                                                      \
    X(lat, DOUBLE, true, double, station->lat_deg)                                                 \
    X(long, DOUBLE, true, double, station->long_deg)                                               \
    X(easting, DOUBLE, true, double, station->easting_m)                                           \
    X(northing, DOUBLE, true, double, station->northing_m)                                         \
    X(grid_reference, STRING, true, str, station->grid_reference)                                  \
    X(type, STRING, true, str, station->type)                                                      \
    X(status, STRING, true, str, station->status)                                                  \
    X(opened, STRING, true, str, station->opened)                                                  \
    X(rloi_id, STRING, true, str, station->rloi_id)                                                \
    X(wiski_id, STRING, true, str, station->wiski_id)                                              \
    X(datum_offset, DOUBLE, true, double, station->datum_offset_m)                                 \
    X(typical_low, DOUBLE, true, double, station->stage.typical_low)                               \
    X(typical_high, DOUBLE, true, double, station->stage.typical_high)                             \
    X(record_high, DOUBLE, true, double, station->stage.record_high)                               \
    X(record_low, DOUBLE, true, double, station->stage.record_low)                                 \
    X(listed, BOOL, false, bool, station->listed)                                                  \
    X(received, TIMESTAMP, false, time, as_of)                                                     \
    X(generation, STRING, false, str, generation)

#define MEASURE_COLUMNS(X)                                                                         \
    X(measure, STRING, false, str, measure->id)                                                    \
    X(station, STRING, false, str, measure->station_id)                                            \
    X(label, STRING, true, str, measure->label)                                                    \
    X(parameter, STRING, true, str, measure->parameter)                                            \
    X(parameter_name, STRING, true, str, measure->parameter_name)                                  \
    X(qualifier, STRING, true, str, measure->qualifier)                                            \
    X(value_type, STRING, true, str, measure->value_type)                                          \
    X(period_s, INT, false, int, measure->period_s)                                                \
    X(unit, STRING, true, str, measure->unit)                                                      \
    X(datum, STRING, true, str, measure->datum)                                                    \
    X(listed, BOOL, false, bool, measure->listed)                                                  \
    X(received, TIMESTAMP, false, time, as_of)                                                     \
    X(generation, STRING, false, str, generation)

#define READING_COLUMNS(X)                                                                         \
    X(measure, STRING, false, str, reading->measure_id)                                            \
    X(station, STRING, false, str, reading->station_id)                                            \
    X(time, TIMESTAMP, false, time, reading->time)                                                 \
    X(value, DOUBLE, false, double, reading->value)                                                \
    X(revision, INT, false, int, reading->revision)                                                \
    X(received, TIMESTAMP, false, time, reading->received)                                         \
    X(generation, STRING, false, str, reading->generation)                                         \
    X(flags, STRING, true, str, flags.len > 0 ? buf_view(&flags) : STR_NONE)

#define AS_COLUMN(column, type, optional, kind, value) {#column, PARQUET_##type, optional},
#define AS_VALUE(column, type, optional, kind, value)  parquet_##kind(writer, value);

static const ParquetColumn READINGS[] = {READING_COLUMNS(AS_COLUMN)};
static const ParquetColumn STATIONS[] = {STATION_COLUMNS(AS_COLUMN)};
static const ParquetColumn MEASURES[] = {MEASURE_COLUMNS(AS_COLUMN)};

const Table READINGS_TABLE = {"readings", READINGS, countof(READINGS)};
const Table STATIONS_TABLE = {"stations", STATIONS, countof(STATIONS)};
const Table MEASURES_TABLE = {"measures", MEASURES, countof(MEASURES)};

ErrCode table_add_reading(ParquetWriter *writer, const TableReading *reading, Err *err)
{
    CLEANUP(buf_release) Buf flags = buf_init(256);
    render_flags(&flags, reading->flags);
    READING_COLUMNS(AS_VALUE)
    return parquet_end_row(writer, err);
}

bool table_read_reading(const ParquetReader *reader, TableReading *ret_reading)
{
    enum { MEASURE, STATION, TIME, VALUE, REVISION, RECEIVED, GENERATION, FLAGS };
    Str flags = parquet_read_str(reader, FLAGS);
    *ret_reading = (TableReading){
        .measure_id = parquet_read_str(reader, MEASURE),
        .station_id = parquet_read_str(reader, STATION),
        .time = parquet_read_time(reader, TIME),
        .value = parquet_read_double(reader, VALUE),
        .revision = parquet_read_int(reader, REVISION),
        .received = parquet_read_time(reader, RECEIVED),
        .generation = parquet_read_str(reader, GENERATION),
    };
    return str_is_none(flags) || flags_parse(flags, &ret_reading->flags);
}

ErrCode table_add_station(ParquetWriter *writer, const Station *station, UnixSec as_of,
                          Str generation, Err *err)
{
    STATION_COLUMNS(AS_VALUE)
    return parquet_end_row(writer, err);
}

ErrCode table_add_measure(ParquetWriter *writer, const Measure *measure, UnixSec as_of,
                          Str generation, Err *err)
{
    MEASURE_COLUMNS(AS_VALUE)
    return parquet_end_row(writer, err);
}
