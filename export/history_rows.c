#include "export/history_rows.h"

#include "base/array.h"
#include "export/tables.h"
#include "model/render.h"
#include "store/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DAY_S = 86400 };

HistoryRows history_rows_init(void)
{
    return (HistoryRows){.strings = arena_init()};
}

void history_rows_release(HistoryRows *rows)
{
    free(rows->series);
    free(rows->slots);
    free(rows->rows);
    arena_release(&rows->strings);
}

/* ---- series ------------------------------------------------------------------------------------ */

static uint64_t hash_str(uint64_t hash, Str text)
{
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (unsigned char) text.ptr[i]) * UINT64_C(1099511628211);
    return hash;
}

static bool is_series(const RowSeries *series, Str measure_id, Str station_id)
{
    return str_eq(series->measure_id, measure_id) && str_eq(series->station_id, station_id);
}

static uint32_t *find_slot(const HistoryRows *rows, Str measure_id, Str station_id)
{
    uint64_t hash = hash_str(hash_str(UINT64_C(14695981039346656037), measure_id), station_id);
    size_t at = (hash ^ hash >> 32) & (rows->slot_count - 1);
    while (rows->slots[at] != 0 &&
           !is_series(&rows->series[rows->slots[at] - 1], measure_id, station_id))
        at = (at + 1) & (rows->slot_count - 1);
    return &rows->slots[at];
}

static bool grow_series(HistoryRows *rows)
{
    if (rows->series_count < rows->series_cap)
        return true;
    size_t cap = rows->series_cap == 0 ? 1024 : rows->series_cap * 2;
    RowSeries *series = reallocarray(rows->series, cap, sizeof *series);
    if (series == NULL)
        return false;
    rows->series = series;
    uint32_t *slots = calloc(cap * 2, sizeof *slots);
    if (slots == NULL)
        return false;
    free(rows->slots);
    rows->slots = slots;
    rows->slot_count = cap * 2;
    rows->series_cap = cap;
    for (size_t i = 0; i < rows->series_count; i++)
        *find_slot(rows, series[i].measure_id, series[i].station_id) = (uint32_t) i + 1;
    return true;
}

/* Readings come series by series: the one of the row before is looked at first. */
static bool place_of(HistoryRows *rows, Str measure_id, Str station_id, uint32_t *ret_place)
{
    if (rows->count > 0) {
        uint32_t last = rows->rows[rows->count - 1].series;
        if (is_series(&rows->series[last], measure_id, station_id)) {
            *ret_place = last;
            return true;
        }
    }
    if (!grow_series(rows))
        return false;
    uint32_t *slot = find_slot(rows, measure_id, station_id);
    if (*slot == 0) {
        RowSeries series;
        if (!arena_copy(&rows->strings, measure_id, &series.measure_id) ||
            !arena_copy(&rows->strings, station_id, &series.station_id))
            return false;
        rows->series[rows->series_count++] = series;
        *slot = (uint32_t) rows->series_count;
    }
    *ret_place = *slot - 1;
    return true;
}

/* ---- rows -------------------------------------------------------------------------------------- */

bool history_rows_add(HistoryRows *rows, Str measure_id, Str station_id, const Reading *reading,
                      uint32_t epoch, uint64_t generation)
{
    HistoryRow row = {
        .flags = reading->flags,
        .epoch = epoch,
        .revision = (uint32_t) reading->revision,
        .time = reading->time,
        .received = reading->received,
        .value = reading->value,
        .generation = generation,
    };
    if (!place_of(rows, measure_id, station_id, &row.series) ||
        !array_room(&rows->rows, rows->count, &rows->cap, sizeof row))
        return false;
    rows->rows[rows->count++] = row;
    return true;
}

/* ---- sorting ----------------------------------------------------------------------------------- */

static int compare_int(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int by_ids(const void *a, const void *b, void *ctx)
{
    const RowSeries *series = ctx;
    const RowSeries *one = &series[*(const uint32_t *) a], *two = &series[*(const uint32_t *) b];
    int order = str_cmp(one->measure_id, two->measure_id);
    return order != 0 ? order : str_cmp(one->station_id, two->station_id);
}

static int64_t day_of(UnixSec time)
{
    return (time - (time % DAY_S + DAY_S) % DAY_S) / DAY_S;
}

static int by_day_measure_time(const void *a, const void *b)
{
    const HistoryRow *one = a, *two = b;
    int order = compare_int(day_of(one->time), day_of(two->time));
    if (order == 0)
        order = compare_int(one->series, two->series);
    if (order == 0)
        order = compare_int(one->time, two->time);
    if (order == 0)
        order = compare_int(one->received, two->received);
    if (order == 0)
        order = compare_int(one->revision, two->revision);
    if (order == 0)
        order = compare_int(one->epoch, two->epoch);
    return order != 0 ? order : compare_int((int64_t) one->generation, (int64_t) two->generation);
}

/* Series take the order of their ids, so that rows are compared by numbers. */
static ErrCode rank_series(HistoryRows *rows, Err *err)
{
    size_t count = rows->series_count;
    uint32_t *order = calloc(count + 1, sizeof *order), *rank = calloc(count + 1, sizeof *rank);
    RowSeries *sorted = calloc(count + 1, sizeof *sorted);
    ErrCode rc = OK;
    if (order != NULL && rank != NULL && sorted != NULL) {
        for (size_t i = 0; i < count; i++)
            order[i] = (uint32_t) i;
        qsort_r(order, count, sizeof *order, by_ids, rows->series);
        for (size_t i = 0; i < count; i++) {
            rank[order[i]] = (uint32_t) i;
            sorted[i] = rows->series[order[i]];
        }
        memcpy(rows->series, sorted, count * sizeof *sorted);
        for (size_t i = 0; i < rows->count; i++)
            rows->rows[i].series = rank[rows->rows[i].series];
    } else {
        rc = err_set(err, ERR_NO_MEMORY, "export: no memory for %zu series", count);
    }
    free(order);
    free(rank);
    free(sorted);
    return rc;
}

/* The same reading: from the spool and from a snapshot that is older than its leaving, or from two files
 * of one day, one of which holds the other. */
static bool is_same(const HistoryRow *a, const HistoryRow *b)
{
    return a->series == b->series && a->time == b->time && a->revision == b->revision &&
           a->epoch == b->epoch && a->generation == b->generation && a->received == b->received;
}

static void drop_doubles(HistoryRows *rows)
{
    size_t kept = 0;
    for (size_t i = 0; i < rows->count; i++)
        if (kept == 0 || !is_same(&rows->rows[kept - 1], &rows->rows[i]))
            rows->rows[kept++] = rows->rows[i];
    rows->count = kept;
}

ErrCode history_rows_sort(HistoryRows *rows, Err *err)
{
    if (rows->count == 0)
        return OK;
    ErrCode rc = rank_series(rows, err);
    if (rc != OK)
        return rc;
    qsort(rows->rows, rows->count, sizeof *rows->rows, by_day_measure_time);
    drop_doubles(rows);
    rows->slot_count = 0; /* places have moved: nothing can be added any more */
    return OK;
}

size_t history_rows_day_end(const HistoryRows *rows, size_t first)
{
    int64_t day = day_of(rows->rows[first].time);
    while (first < rows->count && day_of(rows->rows[first].time) == day)
        first++;
    return first;
}

/* ---- a file ------------------------------------------------------------------------------------ */

static ErrCode write_row(ParquetWriter *writer, const HistoryRows *rows, const HistoryRow *row,
                         Err *err)
{
    char tag[GENERATION_TAG_SIZE];
    (void) snprintf(tag, sizeof tag, "%08" PRIx32 "-%" PRIu64, row->epoch, row->generation);
    const TableReading reading = {
        .measure_id = rows->series[row->series].measure_id,
        .station_id = rows->series[row->series].station_id,
        .time = row->time,
        .received = row->received,
        .value = row->value,
        .flags = row->flags,
        .revision = row->revision,
        .generation = str_of(tag),
    };
    return table_add_reading(writer, &reading, err);
}

ErrCode history_rows_write(const HistoryRows *rows, size_t first, size_t end, OutFile *file,
                           Err *err)
{
    ParquetWriter *writer = NULL;
    ErrCode rc = parquet_begin(READINGS_TABLE.columns, READINGS_TABLE.column_count,
                               PARQUET_GROUP_ROWS, file, &writer, err);
    for (size_t i = first; i < end && rc == OK; i++)
        rc = write_row(writer, rows, &rows->rows[i], err);
    if (rc == OK)
        rc = parquet_end(writer, err);
    parquet_close(writer);
    return rc;
}
