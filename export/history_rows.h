/* export/history_rows.h - readings in memory, on their way into files of history: gathered in any order, sorted
 * by day, measure and time, each revision once. One thread at a time. */
#pragma once
#include "base/arena.h"
#include "export/outfile.h"
#include "model/model.h"

/* Whose readings they are. */
typedef struct RowSeries {
    Str measure_id, station_id;
} RowSeries;

/* 48 bytes: there may be millions. */
typedef struct HistoryRow {
    uint32_t series; /* its place */
    uint32_t flags, epoch, revision;
    int64_t time, received;
    double value;
    uint64_t generation; /* with `epoch`: what brought it */
} HistoryRow;

typedef struct HistoryRows {
    Arena strings;
    RowSeries *series; /* owned */
    size_t series_count, series_cap;
    uint32_t *slots; /* owned; by hash, place + 1; 0: free */
    size_t slot_count;
    HistoryRow *rows; /* owned */
    size_t count, cap;
} HistoryRows;

HistoryRows history_rows_init(void);
void history_rows_release(HistoryRows *rows);
/* Copies the ids. False: no memory. */
MUST_USE bool history_rows_add(HistoryRows *rows, Str measure_id, Str station_id,
                               const Reading *reading, uint32_t epoch, uint64_t generation);
/* By day, measure's id, time, received, revision; of equals one is kept. The order within a day is that of
 * export/history_merge.h too. Errors: ERR_NO_MEMORY. */
MUST_USE ErrCode history_rows_sort(HistoryRows *rows, Err *err);
/* Behind the last row of the day that row `first` is of. */
size_t history_rows_day_end(const HistoryRows *rows, size_t first);
/* Rows first <= i < end as a table of readings. */
MUST_USE ErrCode history_rows_write(const HistoryRows *rows, size_t first, size_t end,
                                    OutFile *file, Err *err);
