/* store/rows.h - the structs of the model as rows: one list of columns for reading, inserting and
 * updating. Private to the folder.
 *
 * What an X-list names stands in this order in SELECT lists and in parameters. store/schema.c
 * spells the tables out once more: those texts are history and stay as they were. */
#pragma once
#include "model/model.h"
#include "store/sql.h"

/* X(column, member) */
#define STATION_TEXTS(X)                                                                           \
    X(reference, reference)                                                                        \
    X(label, label)                                                                                \
    X(river, river)                                                                                \
    X(catchment, catchment)                                                                        \
    X(town, town)                                                                                  \
    X(label_all, label_all)                                                                        \
    X(river_all, river_all)                                                                        \
    X(catchment_all, catchment_all)                                                                \
    X(town_all, town_all)                                                                          \
    X(status, status)                                                                              \
    X(grid_reference, grid_reference)                                                              \
    X(opened, opened)                                                                              \
    X(rloi_id, rloi_id)                                                                            \
    X(wiski_id, wiski_id)                                                                          \
    X(rloi_id_all, rloi_id_all)                                                                    \
    X(wiski_id_all, wiski_id_all)                                                                  \
    X(stage_record_high_time, stage.record_high_time)                                              \
    X(stage_record_low_time, stage.record_low_time)                                                \
    X(downstage_record_high_time, downstage.record_high_time)                                      \
    X(downstage_record_low_time, downstage.record_low_time)                                        \
    X(raw, raw)

#define STATION_REALS(X)                                                                           \
    X(lat_deg, lat_deg)                                                                            \
    X(long_deg, long_deg)                                                                          \
    X(easting_m, easting_m)                                                                        \
    X(northing_m, northing_m)                                                                      \
    X(datum_offset_m, datum_offset_m)                                                              \
    X(stage_typical_low, stage.typical_low)                                                        \
    X(stage_typical_high, stage.typical_high)                                                      \
    X(stage_record_high, stage.record_high)                                                        \
    X(stage_record_low, stage.record_low)                                                          \
    X(downstage_typical_low, downstage.typical_low)                                                \
    X(downstage_typical_high, downstage.typical_high)                                              \
    X(downstage_record_high, downstage.record_high)                                                \
    X(downstage_record_low, downstage.record_low)

#define MEASURE_TEXTS(X)                                                                           \
    X(label, label)                                                                                \
    X(parameter, parameter)                                                                        \
    X(parameter_name, parameter_name)                                                              \
    X(qualifier, qualifier)                                                                        \
    X(value_type, value_type)                                                                      \
    X(unit, unit)                                                                                  \
    X(datum, datum)                                                                                \
    X(raw, raw)

/* Of the lists: "label, river, ", "?, ?, ", "label = ?, river = ?, ". */
#define AS_NAME(column, member) #column ", "
#define AS_MARK(column, member) "?, "
#define AS_SET(column, member)  #column " = ?, "

/* What store_row_station() reads; `station` and its `station_newest` must be in FROM. */
#define STATION_ROW                                                                                \
    STATION_TEXTS(AS_NAME)                                                                         \
    STATION_REALS(AS_NAME)                                                                         \
    "station.key, station.id, type, type_all, more, listed, station_newest.time"
/* Its `delivery` too, outer joined: what never delivered is silent. */
#define MEASURE_ROW                                                                                \
    MEASURE_TEXTS(AS_NAME)                                                                         \
    "measure.key, measure.id, period_s, more, listed,"                                             \
    " freshness, expected_next, late_after, stale_after, silent_after"
#define READING_ROW "time, value, flags, received, revision, raw"

/* The values borrow the row. `newest` of a measure and `station_id` are the caller's to fill. */
Station row_station(sqlite3_stmt *st, int64_t *ret_key);
Measure row_measure(sqlite3_stmt *st, int64_t *ret_key);
Reading row_reading(sqlite3_stmt *st);
/* Of four columns from `column` on. */
Expectation row_expectation(sqlite3_stmt *st, int column);

/* Bind the X-lists from parameter 1 on; return the number of the parameter after them. */
int bind_station(sqlite3_stmt *st, const Station *station);
int bind_measure(sqlite3_stmt *st, const Measure *measure);
