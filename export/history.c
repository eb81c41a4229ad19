#include "export/history.h"

#include "base/clock.h"
#include "export/history_rows.h"
#include "export/tables.h"
#include "store/change.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct History {
    HistoryRows rows;
    HistoryMark from, until;
    const Snapshot *snap; /* while it is gathered from it */
    const Until *deadline;
    char tag[GENERATION_TAG_SIZE]; /* of `until` */
    OutFile stations, measures;    /* whole lists, where they changed; sha NULL: they did not */
    bool too_many, stopped, no_memory;
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

/* ---- gathering --------------------------------------------------------------------------------- */

/* What the store held when history came to its mark, history has. */
static bool add_spooled(const Spooled *spooled, void *ctx)
{
    History *history = ctx;
    bool has = spooled->held &&
               spooled->epoch == snapshot_epoch(history->snap, spooled->generation) &&
               spooled->generation <= history->from.generation;
    if (!has)
        history->no_memory =
            !history_rows_add(&history->rows, spooled->measure_id, spooled->station_id,
                              &spooled->reading, spooled->epoch, spooled->generation);
    return !history->no_memory;
}

/* An increment ends with a generation. */
static bool add_change(const Change *change, void *ctx)
{
    History *history = ctx;
    const uint64_t generation = change->generation;
    if (generation != history->until.generation && history->rows.count >= HISTORY_ROWS_MAX) {
        history->too_many = true;
        return false;
    }
    history->until.generation = generation;
    history->stopped = history->rows.count % 4096 == 0 && until_passed(history->deadline);
    if (history->stopped)
        return false;
    history->no_memory =
        !history_rows_add(&history->rows, change->measure->id, change->station->id, change->reading,
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
    if (rc == OK && history->stopped)
        rc = until_check(history->deadline, err);
    if (rc == OK && history->no_memory)
        rc = err_set(err, ERR_NO_MEMORY, "export: no memory for %zu readings", history->rows.count);
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

static ErrCode make_list(const Table *table, Snapshot *snap, const ObjectOptions *options,
                         OutFile *file, Err *err)
{
    const Filter everything = {.freshness = 0};
    Lists lists = {.info = snapshot_info(snap), .rc = OK, .err = err};
    ErrCode rc = outfile_open(options->dir, options->until, file, err);
    if (rc == OK)
        rc = parquet_begin(table->columns, table->column_count, PARQUET_GROUP_ROWS, file,
                           &lists.writer, err);
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

static ErrCode gather_lists(History *history, Snapshot *snap, const ObjectOptions *options,
                            Err *err)
{
    uint64_t stations = 0, measures = 0, from = history->from.generation;
    ErrCode rc = snapshot_lists_changed(snap, &stations, &measures, err);
    if (rc == OK && stations > from)
        rc = make_list(&STATIONS_TABLE, snap, options, &history->stations, err);
    if (rc == OK && measures > from)
        rc = make_list(&MEASURES_TABLE, snap, options, &history->measures, err);
    return rc;
}

/* ---- gather ------------------------------------------------------------------------------------ */

void history_free(History *history)
{
    if (history == NULL)
        return;
    outfile_close(&history->stations);
    outfile_close(&history->measures);
    history_rows_release(&history->rows);
    free(history);
}

static ErrCode gather(History *history, Exports *exports, Snapshot *snap,
                      const ObjectOptions *options, Err *err)
{
    ErrCode rc = exports_mark(exports, &history->from, err);
    history->until = history->from;
    if (rc == OK)
        rc = gather_readings(history, exports, snap, err);
    if (rc == OK && !history->too_many) /* the last increment brings the lists */
        rc = gather_lists(history, snap, options, err);
    return rc == OK ? history_rows_sort(&history->rows, err) : rc;
}

ErrCode history_gather(Exports *exports, Snapshot *snap, const ObjectOptions *options,
                       History **ret_history, bool *ret_more, Err *err)
{
    History *history = calloc(1, sizeof *history);
    if (history == NULL)
        return err_set(err, ERR_NO_MEMORY, "export: no memory for history");
    history->rows = history_rows_init();
    history->snap = snap;
    history->deadline = options->until;
    ErrCode rc = gather(history, exports, snap, options, err);
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

typedef struct Put {
    History *history;
    const BlobStore *blobs;
    const ObjectOptions *options;
    UnixSec now;
    Arena arena;
    StrList keys;
    size_t next; /* of the keys */
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
    const HistoryRows *rows = &history->rows;
    bool ok = true;
    if (history->stations.sha != NULL)
        ok = add_key(put, "stations/");
    if (ok && history->measures.sha != NULL)
        ok = add_key(put, "measures/");
    for (size_t first = 0; first < rows->count && ok; first = history_rows_day_end(rows, first)) {
        char folder[64], date[CLOCK_TEXT_SIZE];
        clock_format(rows->rows[first].time, date);
        (void) snprintf(folder, sizeof folder, "readings/dt=%.10s/", date);
        ok = add_key(put, folder);
    }
    return ok;
}

static ErrCode put_file(const Put *put, Str key, OutFile *file, Err *err)
{
    const BlobBody body = outfile_body(file);
    return put->blobs->put(put->blobs->ctx, key, "application/vnd.apache.parquet",
                           put->options->history_class, &body, err);
}

static ErrCode put_day(const Put *put, Str key, size_t first, size_t end, Err *err)
{
    OutFile file = {.fd = -1};
    ErrCode rc = outfile_open(put->options->dir, put->options->until, &file, err);
    if (rc == OK)
        rc = history_rows_write(&put->history->rows, first, end, &file, err);
    if (rc == OK)
        rc = put_file(put, key, &file, err);
    outfile_close(&file);
    return rc;
}

static Str next_key(Put *put)
{
    assert(put->next < put->keys.count && put->keys.items != NULL);
    return put->keys.items[put->next++];
}

static ErrCode put_all(Put *put, Err *err)
{
    History *history = put->history;
    ErrCode rc = OK;
    if (history->stations.sha != NULL)
        rc = put_file(put, next_key(put), &history->stations, err);
    if (rc == OK && history->measures.sha != NULL)
        rc = put_file(put, next_key(put), &history->measures, err);
    for (size_t first = 0, end; first < history->rows.count && rc == OK; first = end) {
        end = history_rows_day_end(&history->rows, first);
        rc = put_day(put, next_key(put), first, end, err);
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
        *ret_rows = (int64_t) history->rows.count;
    else
        (void) err_context(err, "history up to %s", history->tag);
    arena_release(&put.arena);
    return rc;
}
