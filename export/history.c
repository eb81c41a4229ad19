#include "export/history.h"

#include "base/clock.h"
#include "export/tables.h"
#include "store/change.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DAY_S = 86400 };

typedef struct Series {
    Str measure_id, station_id;
} Series;

typedef struct HistoryRow {
    uint32_t series; /* its place; after the sorting of series its rank */
    uint32_t flags, epoch, revision;
    int64_t time, received;
    double value;
    uint64_t generation;
} HistoryRow;

struct History {
    Arena arena;
    Series *series; /* owned */
    size_t series_count, series_cap;
    uint32_t *slots; /* owned; by hash, place + 1; 0: free */
    size_t slot_count;
    HistoryRow *rows; /* owned */
    size_t row_count, row_cap;
    HistoryMark from, until;
    const Snapshot *snap;          /* while it is gathered from it */
    char tag[GENERATION_TAG_SIZE]; /* of `until` */
    OutFile stations, measures;    /* whole lists, where they changed; sha NULL: they did not */
    bool too_many, no_memory;
};

/* ---- clearing ---------------------------------------------------------------------------------- */

ErrCode history_clear_plan(Exports *exports, const BlobStore *blobs, Err *err)
{
    CLEANUP(arena_release) Arena arena = arena_init();
    StrList keys = {.count = 0};
    ErrCode rc = exports_planned(exports, &arena, &keys, err);
    for (size_t i = 0; i < keys.count && rc == OK; i++)
        rc = blobs->remove(blobs->ctx, keys.items[i], err);
    return rc == OK ? exports_drop_plan(exports, err) : rc;
}

/* ---- series ------------------------------------------------------------------------------------ */

static uint64_t hash_str(uint64_t hash, Str text)
{
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (unsigned char) text.ptr[i]) * UINT64_C(1099511628211);
    return hash;
}

static bool is_series(const Series *series, Str measure_id, Str station_id)
{
    return str_eq(series->measure_id, measure_id) && str_eq(series->station_id, station_id);
}

static uint32_t *find_slot(const History *history, Str measure_id, Str station_id)
{
    uint64_t hash = hash_str(hash_str(UINT64_C(14695981039346656037), measure_id), station_id);
    size_t at = (hash ^ hash >> 32) & (history->slot_count - 1);
    while (history->slots[at] != 0 &&
           !is_series(&history->series[history->slots[at] - 1], measure_id, station_id))
        at = (at + 1) & (history->slot_count - 1);
    return &history->slots[at];
}

static bool grow_series(History *history)
{
    if (history->series_count < history->series_cap)
        return true;
    size_t cap = history->series_cap == 0 ? 1024 : history->series_cap * 2;
    Series *series = reallocarray(history->series, cap, sizeof *series);
    if (series == NULL)
        return false;
    history->series = series;
    history->series_cap = cap;
    uint32_t *slots = calloc(cap * 2, sizeof *slots);
    if (slots == NULL)
        return false;
    free(history->slots);
    history->slots = slots;
    history->slot_count = cap * 2;
    for (size_t i = 0; i < history->series_count; i++)
        *find_slot(history, series[i].measure_id, series[i].station_id) = (uint32_t) i + 1;
    return true;
}

/* Readings come series by series: the one of the row before is looked at first. */
static bool place_of(History *history, Str measure_id, Str station_id, uint32_t *ret_place)
{
    if (history->row_count > 0) {
        uint32_t last = history->rows[history->row_count - 1].series;
        if (is_series(&history->series[last], measure_id, station_id)) {
            *ret_place = last;
            return true;
        }
    }
    if (!grow_series(history))
        return false;
    uint32_t *slot = find_slot(history, measure_id, station_id);
    if (*slot == 0) {
        Series series;
        if (!arena_copy(&history->arena, measure_id, &series.measure_id) ||
            !arena_copy(&history->arena, station_id, &series.station_id))
            return false;
        history->series[history->series_count++] = series;
        *slot = (uint32_t) history->series_count;
    }
    *ret_place = *slot - 1;
    return true;
}

/* ---- gathering --------------------------------------------------------------------------------- */

static bool add_row(History *history, Str station_id, const Reading *reading, uint32_t epoch,
                    uint64_t generation)
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
    if (!place_of(history, reading->measure_id, station_id, &row.series))
        return false;
    if (history->row_count == history->row_cap) {
        size_t cap = history->row_cap == 0 ? 4096 : history->row_cap * 2;
        HistoryRow *rows = reallocarray(history->rows, cap, sizeof *rows);
        if (rows == NULL)
            return false;
        history->rows = rows;
        history->row_cap = cap;
    }
    history->rows[history->row_count++] = row;
    return true;
}

/* What the store held when history came to its mark, history has. */
static bool add_spooled(const Spooled *spooled, void *ctx)
{
    History *history = ctx;
    bool has = spooled->held &&
               spooled->epoch == snapshot_epoch(history->snap, spooled->generation) &&
               spooled->generation <= history->from.generation;
    if (!has)
        history->no_memory = !add_row(history, spooled->station_id, &spooled->reading,
                                      spooled->epoch, spooled->generation);
    return !history->no_memory;
}

/* An increment ends with a generation. */
static bool add_change(const Change *change, void *ctx)
{
    History *history = ctx;
    const uint64_t generation = change->generation;
    if (generation != history->until.generation && history->row_count >= HISTORY_ROWS_MAX) {
        history->too_many = true;
        return false;
    }
    history->until.generation = generation;
    history->no_memory = !add_row(history, change->station->id, change->reading,
                                  snapshot_epoch(history->snap, generation), generation);
    return !history->no_memory;
}

static ErrCode gather_readings(History *history, Exports *exports, Snapshot *snap, Err *err)
{
    const Filter everything = {.freshness = 0};
    const ChangeQuery query = {
        .filter = &everything,
        .kinds = CHANGES_READINGS,
        .after = {.epoch = snapshot_info(snap)->epoch, .generation = history->from.generation},
    };
    ChangeCursor reached;
    int64_t after = history->from.spool_id, end = after, rest = after;
    ErrCode rc = exports_spool_end(exports, after, HISTORY_ROWS_MAX, &end, err);
    if (rc == OK)
        rc = exports_spool_end(exports, end, 1, &rest, err);
    if (rc == OK)
        rc = exports_each_spooled(exports, after, end, add_spooled, history, err);
    if (rc == OK && !history->no_memory)
        rc = snapshot_each_change(snap, &query, add_change, history, &reached, err);
    if (rc == OK && history->no_memory)
        rc = err_set(err, ERR_NO_MEMORY, "export: no memory for %zu readings", history->row_count);
    history->until.spool_id = end;
    if (!history->too_many)
        history->until.generation = snapshot_info(snap)->generation;
    history->too_many = history->too_many || rest > end;
    return rc;
}

/* ---- the lists --------------------------------------------------------------------------------- */

typedef struct Lists {
    ParquetWriter *writer;
    const SnapshotInfo *info;
    ErrCode rc;
    Err *err;
} Lists;

static bool add_station(const Station *station, UNUSED const Str *measure_ids, UNUSED size_t count,
                        void *ctx)
{
    Lists *lists = ctx;
    lists->rc = table_add_station(lists->writer, station, lists->info->as_of,
                                  str_of(lists->info->tag), lists->err);
    return lists->rc == OK;
}

static bool add_measure(UNUSED const Station *station, const Measure *measure,
                        UNUSED const Reading *newest, void *ctx)
{
    Lists *lists = ctx;
    lists->rc = table_add_measure(lists->writer, measure, lists->info->as_of,
                                  str_of(lists->info->tag), lists->err);
    return lists->rc == OK;
}

static ErrCode make_list(const Table *table, Snapshot *snap, const char *dir, OutFile *file,
                         Err *err)
{
    const Filter everything = {.freshness = 0};
    Lists lists = {.info = snapshot_info(snap), .rc = OK, .err = err};
    ErrCode rc = outfile_open(dir, file, err);
    if (rc == OK)
        rc = parquet_begin(table->columns, table->column_count, file, &lists.writer, err);
    if (rc == OK)
        rc = table == &STATIONS_TABLE
                 ? snapshot_each_station(snap, &everything, add_station, &lists, err)
                 : snapshot_each_measure(snap, &everything, add_measure, &lists, err);
    if (rc == OK)
        rc = lists.rc;
    if (rc == OK)
        rc = parquet_end(lists.writer, err);
    parquet_close(lists.writer);
    return rc;
}

static ErrCode gather_lists(History *history, Snapshot *snap, const char *dir, Err *err)
{
    uint64_t stations = 0, measures = 0, from = history->from.generation;
    ErrCode rc = snapshot_lists_changed(snap, &stations, &measures, err);
    if (rc == OK && stations > from)
        rc = make_list(&STATIONS_TABLE, snap, dir, &history->stations, err);
    if (rc == OK && measures > from)
        rc = make_list(&MEASURES_TABLE, snap, dir, &history->measures, err);
    return rc;
}

/* ---- sorting ----------------------------------------------------------------------------------- */

static int compare_int(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int by_ids(const void *a, const void *b, void *ctx)
{
    const Series *series = ctx;
    const Series *one = &series[*(const uint32_t *) a], *two = &series[*(const uint32_t *) b];
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
    return order != 0 ? order : compare_int((int64_t) one->generation, (int64_t) two->generation);
}

/* The same reading, from the spool and from a snapshot that is older than its leaving. */
static bool is_same(const HistoryRow *a, const HistoryRow *b)
{
    return a->series == b->series && a->time == b->time && a->revision == b->revision &&
           a->epoch == b->epoch && a->generation == b->generation;
}

static void drop_doubles(History *history)
{
    size_t kept = 0;
    for (size_t i = 0; i < history->row_count; i++)
        if (kept == 0 || !is_same(&history->rows[kept - 1], &history->rows[i]))
            history->rows[kept++] = history->rows[i];
    history->row_count = kept;
}

/* Series take the order of their ids, so that rows are compared by numbers. */
static ErrCode sort_rows(History *history, Err *err)
{
    size_t count = history->series_count;
    uint32_t *order = calloc(count + 1, sizeof *order), *rank = calloc(count + 1, sizeof *rank);
    Series *sorted = calloc(count + 1, sizeof *sorted);
    ErrCode rc = order != NULL && rank != NULL && sorted != NULL
                     ? OK
                     : err_set(err, ERR_NO_MEMORY, "export: no memory for %zu series", count);
    if (rc == OK && count > 0) {
        for (size_t i = 0; i < count; i++)
            order[i] = (uint32_t) i;
        qsort_r(order, count, sizeof *order, by_ids, history->series);
        for (size_t i = 0; i < count; i++) {
            rank[order[i]] = (uint32_t) i;
            sorted[i] = history->series[order[i]];
        }
        memcpy(history->series, sorted, count * sizeof *sorted);
        for (size_t i = 0; i < history->row_count; i++)
            history->rows[i].series = rank[history->rows[i].series];
        qsort(history->rows, history->row_count, sizeof *history->rows, by_day_measure_time);
        drop_doubles(history);
    }
    free(order);
    free(rank);
    free(sorted);
    return rc;
}

/* ---- gather ------------------------------------------------------------------------------------ */

void history_free(History *history)
{
    if (history == NULL)
        return;
    outfile_close(&history->stations);
    outfile_close(&history->measures);
    free(history->series);
    free(history->slots);
    free(history->rows);
    arena_release(&history->arena);
    free(history);
}

static ErrCode gather(History *history, Exports *exports, Snapshot *snap, const char *dir, Err *err)
{
    ErrCode rc = exports_mark(exports, &history->from, err);
    history->until = history->from;
    if (rc == OK)
        rc = gather_readings(history, exports, snap, err);
    if (rc == OK && !history->too_many) /* the last increment brings the lists */
        rc = gather_lists(history, snap, dir, err);
    return rc == OK ? sort_rows(history, err) : rc;
}

ErrCode history_gather(Exports *exports, Snapshot *snap, const ObjectOptions *options,
                       History **ret_history, bool *ret_more, Err *err)
{
    History *history = calloc(1, sizeof *history);
    if (history == NULL)
        return err_set(err, ERR_NO_MEMORY, "export: no memory for history");
    history->arena = arena_init();
    history->snap = snap;
    ErrCode rc = gather(history, exports, snap, options->dir, err);
    if (rc != OK) {
        history_free(history);
        return err_context(err, "history");
    }
    (void) snprintf(history->tag, sizeof history->tag, "%08" PRIx32 "-%" PRIu64,
                    snapshot_epoch(snap, history->until.generation), history->until.generation);
    history->snap = NULL;
    *ret_history = history;
    *ret_more = history->too_many;
    return OK;
}

/* ---- putting ----------------------------------------------------------------------------------- */

/* Rows of one day from `first` on. */
static size_t day_end(const History *history, size_t first)
{
    int64_t day = day_of(history->rows[first].time);
    while (first < history->row_count && day_of(history->rows[first].time) == day)
        first++;
    return first;
}

typedef struct Put {
    History *history;
    const BlobStore *blobs;
    const ObjectOptions *options;
    UnixSec now;
    Arena arena;
    StrList keys;
} Put;

/* history/<folder><shard>-<epoch>-<number>-<spool id>-<now>.parquet: another increment up to the same
 * generation has another spool id; one after a restore, which begins anew with these, another time. */
static bool add_key(Put *put, const char *folder)
{
    CLEANUP(buf_release) Buf key = buf_init(1024);
    Str copy;
    buf_printf(&key, "history/%s%s-%s-%" PRId64 "-%" PRId64 ".parquet", folder, put->options->shard,
               put->history->tag, put->history->until.spool_id, put->now);
    return key.error == OK && arena_copy(&put->arena, buf_view(&key), &copy) &&
           str_list_add(&put->arena, &put->keys, copy);
}

/* In the order in which they are put: stations, measures, then days. */
static bool add_keys(Put *put)
{
    const History *history = put->history;
    bool ok = true;
    if (history->stations.sha != NULL)
        ok = add_key(put, "stations/");
    if (ok && history->measures.sha != NULL)
        ok = add_key(put, "measures/");
    for (size_t first = 0; first < history->row_count && ok; first = day_end(history, first)) {
        char folder[64], date[CLOCK_TEXT_SIZE];
        clock_format(history->rows[first].time, date);
        (void) snprintf(folder, sizeof folder, "readings/dt=%.10s/", date);
        ok = add_key(put, folder);
    }
    return ok;
}

static ErrCode put_file(const Put *put, Str key, OutFile *file, Err *err)
{
    const BlobBody body = outfile_body(file);
    return put->blobs->put(put->blobs->ctx, key, "application/vnd.apache.parquet",
                           put->options->storage_class, &body, err);
}

static ErrCode add_table_row(ParquetWriter *writer, const History *history, const HistoryRow *row,
                             Err *err)
{
    char tag[GENERATION_TAG_SIZE];
    (void) snprintf(tag, sizeof tag, "%08" PRIx32 "-%" PRIu64, row->epoch, row->generation);
    const TableReading reading = {
        .measure_id = history->series[row->series].measure_id,
        .station_id = history->series[row->series].station_id,
        .time = row->time,
        .received = row->received,
        .value = row->value,
        .flags = row->flags,
        .revision = row->revision,
        .generation = str_of(tag),
    };
    return table_add_reading(writer, &reading, err);
}

static ErrCode put_day(const Put *put, Str key, size_t first, size_t end, Err *err)
{
    OutFile file = {.fd = -1};
    ParquetWriter *writer = NULL;
    ErrCode rc = outfile_open(put->options->dir, &file, err);
    if (rc == OK)
        rc =
            parquet_begin(READINGS_TABLE.columns, READINGS_TABLE.column_count, &file, &writer, err);
    for (size_t i = first; i < end && rc == OK; i++)
        rc = add_table_row(writer, put->history, &put->history->rows[i], err);
    if (rc == OK)
        rc = parquet_end(writer, err);
    if (rc == OK)
        rc = put_file(put, key, &file, err);
    parquet_close(writer);
    outfile_close(&file);
    return rc;
}

static ErrCode put_all(Put *put, Err *err)
{
    History *history = put->history;
    size_t next = 0;
    ErrCode rc = OK;
    if (history->stations.sha != NULL)
        rc = put_file(put, put->keys.items[next++], &history->stations, err);
    if (rc == OK && history->measures.sha != NULL)
        rc = put_file(put, put->keys.items[next++], &history->measures, err);
    for (size_t first = 0, end; first < history->row_count && rc == OK; first = end) {
        end = day_end(history, first);
        rc = put_day(put, put->keys.items[next++], first, end, err);
    }
    return rc;
}

ErrCode history_put(History *history, Exports *exports, const BlobStore *blobs,
                    const ObjectOptions *options, UnixSec now, int64_t *ret_rows, Err *err)
{
    Put put = {
        .history = history, .blobs = blobs, .options = options, .now = now, .arena = arena_init()};
    ErrCode rc = add_keys(&put) ? exports_plan(exports, history->until, &put.keys, err)
                                : err_set(err, ERR_NO_MEMORY, "export: no memory for keys");
    if (rc == OK)
        rc = put_all(&put, err);
    if (rc == OK)
        rc = exports_finish_plan(exports, err);
    if (rc == OK)
        *ret_rows = (int64_t) history->row_count;
    else
        (void) err_context(err, "history up to %s", history->tag);
    arena_release(&put.arena);
    return rc;
}
