#include "base/array.h"
#include "store/asked.h"
#include "store/lookup.h"
#include "store/meant.h"
#include "store/measures.h"
#include "store/rows.h"

#include <stdlib.h>

/* ---- counts ---------------------------------------------------------------------------------- */

static ErrCode first_time(Snapshot *snap, int64_t measure, UnixSec from, UnixSec *ret_time,
                          Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(&snap->db, READ_FIRST_TIME);
    bool row = false;
    sql_bind_int(st, 1, measure);
    sql_bind_int(st, 2, from);
    ErrCode rc = sql_step(&snap->db, st, &row, err);
    if (rc == OK)
        *ret_time = row ? sql_time(st, 0) : NO_TIME;
    return rc;
}

/* The earliest reading inside its station's window, and the latest of all: one look into each
 * measure. */
static ErrCode read_span(Snapshot *snap, UnixSec *ret_earliest, UnixSec *ret_latest, Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(&snap->db, READ_WINDOWS);
    UnixSec earliest = NO_TIME, latest = NO_TIME;
    for (;;) {
        bool row = false;
        ErrCode rc = sql_step(&snap->db, st, &row, err);
        if (rc != OK)
            return rc;
        if (!row)
            break;
        UnixSec first = NO_TIME, newest = sql_int(st, 1);
        Window kept = window_ending_at(newest, snap->store->options.window_s);
        rc = first_time(snap, sql_int(st, 0), kept.from, &first, err);
        if (rc != OK)
            return rc;
        if (first != NO_TIME && (earliest == NO_TIME || first < earliest))
            earliest = first;
        if (newest > latest)
            latest = newest;
    }
    *ret_earliest = earliest;
    *ret_latest = latest;
    return OK;
}

/* Read once for each generation, for all who ask. */
static ErrCode find_span(Snapshot *snap, UnixSec *ret_earliest, UnixSec *ret_latest, Err *err)
{
    Store *store = snap->store;
    uint64_t generation = snap->meta.generation;
    lock_take(&store->lock);
    bool known = generation != 0 && store->span_generation == generation;
    UnixSec earliest = store->earliest, latest = store->latest;
    lock_give(&store->lock);
    if (!known) {
        ErrCode rc = read_span(snap, &earliest, &latest, err);
        if (rc != OK)
            return rc;
        lock_take(&store->lock);
        store->span_generation = generation;
        store->earliest = earliest;
        store->latest = latest;
        lock_give(&store->lock);
    }
    *ret_earliest = earliest;
    *ret_latest = latest;
    return OK;
}

ErrCode snapshot_counts(Snapshot *snap, StoreCounts *ret_counts, Err *err)
{
    const Files *files = &snap->store->files;
    StoreCounts counts = {
        .stations = snap->meta.stations,
        .measures = snap->meta.measures,
        .readings = snap->meta.readings,
        .store_bytes = files_bytes(files->store_path, ""),
        .wal_bytes = files_bytes(files->store_path, "-wal"),
    };
    ErrCode rc = find_span(snap, &counts.earliest, &counts.latest, err);
    if (rc == OK)
        *ret_counts = counts;
    return rc;
}

/* Measures that never delivered stand in no row. */
ErrCode snapshot_freshness_counts(Snapshot *snap, int64_t ret_counts[static FRESHNESS_COUNT],
                                  Err *err)
{
    int64_t counts[FRESHNESS_COUNT] = {0}, silent = snap->meta.measures;
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(&snap->db, READ_FRESHNESS);
    for (;;) {
        bool row = false;
        ErrCode rc = sql_step(&snap->db, st, &row, err);
        if (rc != OK)
            return rc;
        if (!row)
            break;
        int64_t freshness = sql_int(st, 0), count = sql_int(st, 1);
        if (freshness < 0 || freshness >= FRESHNESS_COUNT)
            return db_corrupt(&snap->db, err, "a freshness that there is not");
        if (freshness == FRESHNESS_SILENT)
            continue;
        counts[freshness] = count;
        silent -= count;
    }
    counts[FRESHNESS_SILENT] = silent;
    for (int i = 0; i < FRESHNESS_COUNT; i++)
        ret_counts[i] = counts[i];
    return OK;
}

/* ---- walking: each station that passes, and what is asked of it ------------------------------ */

typedef struct Walk Walk;
typedef ErrCode VisitFn(Walk *walk, const Station *station, int64_t key, Err *err);

struct Walk {
    Snapshot *snap;
    Filter filter; /* its stations are ids */
    VisitFn *visit;
    bool stopped; /* a callback has had enough */
    /* what the visit is for: one of these */
    struct {
        StationFn *each;
        MeasureIds ids;
    } stations;
    struct {
        MeasureFn *each;
        MeantFn *each_meant; /* the other is NULL then */
        bool with_reading_only;
    } measures;
    struct {
        const ReadingVisitor *visitor;
        Window window;
    } readings;
    struct {
        const GapVisitor *visitor;
        UnixSec *times; /* of one measure's readings */
        size_t count, cap;
        AskedList of_all; /* what every measure was asked for with, of whichever shard */
        AskedList asked;  /* of these what is the station's, its own, then the measure's */
        size_t asked_of_station;
    } gaps;
    void *ctx;
};

/* The rows of `st`, bound: stations. */
static ErrCode walk_rows(Walk *walk, sqlite3_stmt *st, Err *err)
{
    while (!walk->stopped) {
        bool row = false;
        int64_t key = 0;
        ErrCode rc = sql_step(&walk->snap->db, st, &row, err);
        if (rc != OK || !row)
            return rc;
        Station station = row_station(st, &key);
        if (filter_takes_station(&walk->filter, &station))
            rc = walk->visit(walk, &station, key, err);
        if (rc != OK)
            return rc;
    }
    return OK;
}

static ErrCode walk_all(Walk *walk, Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(&walk->snap->db, READ_STATIONS);
    return walk_rows(walk, st, err);
}

static ErrCode walk_one(Walk *walk, int64_t key, Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(&walk->snap->db, READ_STATION);
    sql_bind_int(st, 1, key);
    return walk_rows(walk, st, err);
}

static ErrCode walk_stations(Walk *walk, const Filter *filter, Err *err)
{
    CLEANUP(arena_release) Arena arena = arena_init();
    CLEANUP(station_refs_release) StationRefs refs = {.items = NULL};
    bool all = false;
    ErrCode rc = lookup_candidates(walk->snap, filter, &arena, &walk->filter, &all, &refs, err);
    if (rc != OK)
        return rc;
    if (all)
        return walk_all(walk, err);
    for (size_t i = 0; i < refs.count && rc == OK && !walk->stopped; i++)
        rc = walk_one(walk, refs.items[i].key, err);
    return rc;
}

/* ---- stations -------------------------------------------------------------------------------- */

static ErrCode visit_station(Walk *walk, const Station *station, int64_t key, Err *err)
{
    bool takes = true;
    ErrCode rc = OK;
    if (filter_narrows_measures(&walk->filter))
        rc = station_has_measure(walk->snap, &walk->filter, station, key, &takes, err);
    if (rc != OK || !takes)
        return rc;
    MeasureIds *list = &walk->stations.ids;
    rc = measure_ids_read(list, walk->snap, key, err);
    if (rc == OK)
        walk->stopped = !walk->stations.each(station, list->ids, list->count, walk->ctx);
    return rc;
}

ErrCode snapshot_each_station(Snapshot *snap, const Filter *filter, StationFn *each, void *ctx,
                              Err *err)
{
    Walk walk = {
        .snap = snap,
        .visit = visit_station,
        .stations = {.each = each, .ids = measure_ids_init()},
        .ctx = ctx,
    };
    ErrCode rc = walk_stations(&walk, filter, err);
    measure_ids_release(&walk.stations.ids);
    return rc;
}

/* ---- measures and their newest --------------------------------------------------------------- */

static ErrCode hand_out_meant(Walk *walk, const Station *station, const Measure *measure,
                              const Reading *newest, int64_t key, Err *err)
{
    Meaning meaning;
    ErrCode rc = measure_meaning(walk->snap, station, measure, key, &meaning, err);
    if (rc == OK)
        walk->stopped = !walk->measures.each_meant(station, measure, newest, &meaning, walk->ctx);
    return rc;
}

/* Hands a measure out with the tail of its readings. */
static ErrCode visit_newest(Walk *walk, const Station *station, Measure *measure, int64_t key,
                            Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(&walk->snap->db, READ_NEWEST);
    bool row = false;
    sql_bind_int(st, 1, key);
    ErrCode rc = sql_step(&walk->snap->db, st, &row, err);
    if (rc != OK || (!row && walk->measures.with_reading_only))
        return rc;
    Reading newest = {.measure_id = measure->id};
    if (row) {
        newest = row_reading(st);
        newest.measure_id = measure->id;
        measure->newest = newest.time;
    }
    if (walk->measures.each_meant != NULL)
        return hand_out_meant(walk, station, measure, &newest, key, err);
    walk->stopped = !walk->measures.each(station, measure, row ? &newest : NULL, walk->ctx);
    return OK;
}

static ErrCode visit_measures(Walk *walk, const Station *station, int64_t station_key, Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(&walk->snap->db, READ_MEASURES);
    sql_bind_int(st, 1, station_key);
    while (!walk->stopped) {
        bool row = false;
        int64_t key = 0;
        ErrCode rc = sql_step(&walk->snap->db, st, &row, err);
        if (rc != OK || !row)
            return rc;
        Measure measure = row_measure(st, &key);
        measure.station_id = station->id;
        bool taken = false;
        rc = measure_is_taken(walk->snap, &walk->filter, station, &measure, key, &taken, err);
        if (taken)
            rc = visit_newest(walk, station, &measure, key, err);
        if (rc != OK)
            return rc;
    }
    return OK;
}

ErrCode snapshot_each_measure(Snapshot *snap, const Filter *filter, MeasureFn *each, void *ctx,
                              Err *err)
{
    Walk walk = {.snap = snap, .visit = visit_measures, .measures = {.each = each}, .ctx = ctx};
    return walk_stations(&walk, filter, err);
}

ErrCode snapshot_each_latest(Snapshot *snap, const Filter *filter, MeasureFn *each, void *ctx,
                             Err *err)
{
    Walk walk = {.snap = snap,
                 .visit = visit_measures,
                 .measures = {.each = each, .with_reading_only = true},
                 .ctx = ctx};
    return walk_stations(&walk, filter, err);
}

ErrCode snapshot_each_meant(Snapshot *snap, const Filter *filter, MeantFn *each, void *ctx,
                            Err *err)
{
    Walk walk = {.snap = snap,
                 .visit = visit_measures,
                 .measures = {.each_meant = each, .with_reading_only = true},
                 .ctx = ctx};
    return walk_stations(&walk, filter, err);
}

/* ---- readings -------------------------------------------------------------------------------- */

static ErrCode visit_range(Walk *walk, const Measure *measure, int64_t key, Window range, Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(&walk->snap->db, READ_READINGS);
    sql_bind_int(st, 1, key);
    sql_bind_int(st, 2, range.from);
    sql_bind_int(st, 3, range.to);
    while (!walk->stopped) {
        bool row = false;
        ErrCode rc = sql_step(&walk->snap->db, st, &row, err);
        if (rc != OK || !row)
            return rc;
        Reading reading = row_reading(st);
        reading.measure_id = measure->id;
        walk->stopped =
            !walk->readings.visitor->each_reading(&reading, walk->readings.visitor->ctx);
    }
    return OK;
}

static ErrCode visit_readings(Walk *walk, const Station *station, int64_t station_key, Err *err)
{
    const ReadingVisitor *visitor = walk->readings.visitor;
    /* A last known reading lies before the window of its station: the range leaves it out. */
    Window kept = {.from = 0, .to = 0};
    if (station->newest != NO_TIME)
        kept = window_ending_at(station->newest, walk->snap->store->options.window_s);
    Window range = window_both(kept, walk->readings.window);

    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(&walk->snap->db, READ_MEASURES);
    sql_bind_int(st, 1, station_key);
    while (!walk->stopped) {
        bool row = false;
        int64_t key = 0;
        ErrCode rc = sql_step(&walk->snap->db, st, &row, err);
        if (rc != OK || !row)
            return rc;
        Measure measure = row_measure(st, &key);
        measure.station_id = station->id;
        bool taken = false;
        rc = measure_is_taken(walk->snap, &walk->filter, station, &measure, key, &taken, err);
        if (taken)
            rc = measure_newest_time(walk->snap, key, &measure.newest, err);
        if (rc != OK)
            return rc;
        if (!taken)
            continue;
        walk->stopped = !visitor->each_measure(station, &measure, kept, visitor->ctx);
        rc = visit_range(walk, &measure, key, range, err);
        if (rc != OK)
            return rc;
        if (!walk->stopped && visitor->end_measure != NULL)
            walk->stopped = !visitor->end_measure(visitor->ctx);
    }
    return OK;
}

ErrCode snapshot_each_reading(Snapshot *snap, const Filter *filter, Window window,
                              const ReadingVisitor *visitor, Err *err)
{
    Walk walk = {
        .snap = snap, .visit = visit_readings, .readings = {.visitor = visitor, .window = window}};
    return walk_stations(&walk, filter, err);
}

/* ---- gaps ------------------------------------------------------------------------------------ */

static ErrCode read_times(Walk *walk, int64_t key, Window range, Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(&walk->snap->db, READ_READINGS);
    sql_bind_int(st, 1, key);
    sql_bind_int(st, 2, range.from);
    sql_bind_int(st, 3, range.to);
    walk->gaps.count = 0;
    for (;;) {
        bool row = false;
        ErrCode rc = sql_step(&walk->snap->db, st, &row, err);
        if (rc != OK || !row)
            return rc;
        if (!array_room(&walk->gaps.times, walk->gaps.count, &walk->gaps.cap,
                        sizeof *walk->gaps.times))
            return err_set(err, ERR_NO_MEMORY, "no memory for more than %zu times",
                           walk->gaps.count);
        walk->gaps.times[walk->gaps.count++] = row_reading(st).time;
    }
}

static ErrCode visit_gaps_of(Walk *walk, const Station *station, Measure *measure, int64_t key,
                             Window kept, Err *err)
{
    const GapVisitor *visitor = walk->gaps.visitor;
    ErrCode rc = measure_newest_time(walk->snap, key, &measure->newest, err);
    if (rc == OK)
        rc = read_times(walk, key, kept, err);
    walk->gaps.asked.count = walk->gaps.asked_of_station;
    if (rc == OK)
        rc = asked_list_read(&walk->gaps.asked, walk->snap, STR_NONE, measure->id, err);
    if (rc != OK)
        return rc;
    const GapSeries series = {
        .measure = measure,
        .window = kept,
        .as_of = walk->snap->meta.as_of,
        .times = walk->gaps.times,
        .time_count = walk->gaps.count,
        .asked = walk->gaps.asked.items,
        .asked_count = walk->gaps.asked.count,
    };
    const GapCount count = gaps_count(&series);
    walk->stopped = !visitor->each_measure(station, measure, &count, visitor->ctx) ||
                    !gaps_each(&series, visitor->each_gap, visitor->ctx);
    return OK;
}

static ErrCode visit_gaps(Walk *walk, const Station *station, int64_t station_key, Err *err)
{
    if (station->newest == NO_TIME)
        return OK;
    Window kept = window_ending_at(station->newest, walk->snap->store->options.window_s);
    walk->gaps.asked.count = 0;
    ErrCode rc = asked_list_add(&walk->gaps.asked, &walk->gaps.of_all, station->id, err);
    if (rc == OK)
        rc = asked_list_read(&walk->gaps.asked, walk->snap, station->id, STR_NONE, err);
    if (rc != OK)
        return rc;
    walk->gaps.asked_of_station = walk->gaps.asked.count;
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(&walk->snap->db, READ_MEASURES);
    sql_bind_int(st, 1, station_key);
    while (!walk->stopped) {
        bool row = false;
        int64_t key = 0;
        rc = sql_step(&walk->snap->db, st, &row, err);
        if (rc != OK || !row)
            return rc;
        Measure measure = row_measure(st, &key);
        measure.station_id = station->id;
        bool taken = false;
        rc = measure_is_taken(walk->snap, &walk->filter, station, &measure, key, &taken, err);
        if (taken)
            rc = visit_gaps_of(walk, station, &measure, key, kept, err);
        if (rc != OK)
            return rc;
    }
    return OK;
}

ErrCode snapshot_each_gap(Snapshot *snap, const Filter *filter, const GapVisitor *visitor, Err *err)
{
    Walk walk = {.snap = snap, .visit = visit_gaps, .gaps = {.visitor = visitor}};
    ErrCode rc = asked_list_read(&walk.gaps.of_all, snap, STR_NONE, STR_NONE, err);
    if (rc == OK)
        rc = walk_stations(&walk, filter, err);
    asked_list_release(&walk.gaps.asked);
    asked_list_release(&walk.gaps.of_all);
    free(walk.gaps.times);
    return rc;
}
