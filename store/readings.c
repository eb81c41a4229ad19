/* store/readings.c - the readings of a batch: each is one of new, late, unchanged, corrected,
 * expired, quarantined.
 *
 * What is held is one rule: a reading is held when it lies in its station's window or is its
 * measure's newest (the last known). Both are judged by what the store and the batch say together,
 * and late by what the store said before the batch, so the order of readings inside a batch changes
 * nothing. */
#include "base/array.h"
#include "store/apply.h"
#include "store/spool.h"

#include <math.h>
#include <stdlib.h>

/* The readings of one known measure: a run of `order`, oldest first. */
typedef struct Series {
    int64_t station, measure; /* keys */
    int64_t period_s;
    Delivered delivered; /* as stored */
    UnixSec station_newest;
    const size_t *order; /* places in the batch */
    size_t count;
} Series;

/* A stored reading of the measure under way. */
typedef struct Known {
    UnixSec time;
    double value;
    bool has_raw;
} Known;

typedef struct Readings {
    Apply *apply;
    size_t *order; /* all readings, by measure, time, place in the batch */
    Series *series;
    size_t series_count;
    Known *known; /* of the measure under way, from the batch's first time on */
    size_t known_count, known_cap;
    KeyList measures; /* of the station under way */
} Readings;

static void readings_release(Readings *all)
{
    free(all->order);
    free(all->series);
    free(all->known);
    key_list_release(&all->measures);
}

static const BatchReading *reading_at(const Readings *all, const Series *series, size_t i)
{
    return &all->apply->batch->readings[series->order[i]];
}

static UnixSec last_time(const Readings *all, const Series *series)
{
    return reading_at(all, series, series->count - 1)->reading.time;
}

/* ---- sorting into series --------------------------------------------------------------------- */

static int by_measure_time_place(const void *a, const void *b, void *ctx)
{
    const Batch *batch = ctx;
    size_t i = *(const size_t *) a, k = *(const size_t *) b;
    const Reading *one = &batch->readings[i].reading, *two = &batch->readings[k].reading;
    int order = str_cmp(one->measure_id, two->measure_id);
    if (order == 0)
        order = (one->time > two->time) - (one->time < two->time);
    return order != 0 ? order : (i > k) - (i < k);
}

static int by_station_measure(const void *a, const void *b)
{
    const Series *one = a, *two = b;
    int order = (one->station > two->station) - (one->station < two->station);
    return order != 0 ? order : (one->measure > two->measure) - (one->measure < two->measure);
}

static ErrCode find_measure(Apply *apply, Str id, Series *series, Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(apply->db, WRITE_FIND_SERIES);
    bool row = false;
    sql_bind_str(st, 1, id);
    ErrCode rc = sql_step(apply->db, st, &row, err);
    series->measure = rc == OK && row ? sql_int(st, 0) : 0;
    series->station = rc == OK && row ? sql_int(st, 1) : 0;
    series->period_s = rc == OK && row ? sql_int(st, 2) : 0;
    series->station_newest = rc == OK && row ? sql_time(st, 3) : NO_TIME;
    if (rc == OK && row)
        series->delivered = row_delivered(st, 4);
    return rc;
}

static void quarantine(Apply *apply, Str id, const Series *series)
{
    for (size_t i = 0; i < series->count; i++)
        apply->unknown[apply->unknown_count++] = series->order[i];
    apply->applied.readings.quarantined += (int64_t) series->count;
    apply->unknown_ids[apply->applied.unknown_measures++] = id;
}

static ErrCode sort_series(Readings *all, Err *err)
{
    Apply *apply = all->apply;
    const Batch *batch = apply->batch;
    size_t count = batch->reading_count;
    all->order = calloc(count, sizeof *all->order);
    all->series = calloc(count, sizeof *all->series);
    apply->unknown = calloc(count, sizeof *apply->unknown);
    apply->unknown_ids = calloc(count, sizeof *apply->unknown_ids);
    if (all->order == NULL || all->series == NULL || apply->unknown == NULL ||
        apply->unknown_ids == NULL)
        return err_set(err, ERR_NO_MEMORY, "no memory for %zu readings", count);
    for (size_t i = 0; i < count; i++)
        all->order[i] = i;
    qsort_r(all->order, count, sizeof *all->order, by_measure_time_place,
            (void *) (uintptr_t) batch);

    for (size_t first = 0, end; first < count; first = end) {
        Str id = batch->readings[all->order[first]].reading.measure_id;
        for (end = first + 1; end < count; end++)
            if (!str_eq(batch->readings[all->order[end]].reading.measure_id, id))
                break;
        Series series = {.order = all->order + first, .count = end - first};
        ErrCode rc = find_measure(apply, id, &series, err);
        if (rc != OK)
            return rc;
        if (series.measure == 0)
            quarantine(apply, id, &series);
        else
            all->series[all->series_count++] = series;
    }
    /* Keys in the order of the table: its pages are visited one after the other. */
    qsort(all->series, all->series_count, sizeof *all->series, by_station_measure);
    return OK;
}

static ErrCode read_time(Apply *apply, WriteSql statement, int64_t key, UnixSec *ret_time, Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(apply->db, (int) statement);
    bool row = false;
    sql_bind_int(st, 1, key);
    ErrCode rc = sql_step(apply->db, st, &row, err);
    if (rc == OK)
        *ret_time = row ? sql_time(st, 0) : NO_TIME;
    return rc;
}

/* ---- one measure ----------------------------------------------------------------------------- */

static ErrCode read_known(Readings *all, const Series *series, Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(all->apply->db, WRITE_KNOWN_READINGS);
    sql_bind_int(st, 1, series->measure);
    sql_bind_int(st, 2, reading_at(all, series, 0)->reading.time);
    all->known_count = 0;
    for (;;) {
        bool row = false;
        ErrCode rc = sql_step(all->apply->db, st, &row, err);
        if (rc != OK || !row)
            return rc;
        if (!array_room(&all->known, all->known_count, &all->known_cap, sizeof *all->known))
            return err_set(err, ERR_NO_MEMORY, "no memory for more than %zu known readings",
                           all->known_count);
        all->known[all->known_count++] = (Known){
            .time = sql_int(st, 0), .value = sql_real(st, 1), .has_raw = sql_int(st, 2) != 0};
    }
}

static bool all_equal(Candidates candidates)
{
    for (size_t i = 1; i < candidates.count; i++)
        if (candidates.values[i] != candidates.values[0])
            return false;
    return true;
}

static double nearest(Candidates candidates, double to)
{
    double best = candidates.values[0];
    for (size_t i = 1; i < candidates.count; i++)
        if (fabs(candidates.values[i] - to) < fabs(best - to))
            best = candidates.values[i];
    return best;
}

/* The reading before, of the store or of this batch: older ones are stored by now. */
static ErrCode choose(Apply *apply, int64_t measure, Candidates candidates, Reading *reading,
                      Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(apply->db, WRITE_READING_BEFORE);
    bool row = false;
    sql_bind_int(st, 1, measure);
    sql_bind_int(st, 2, reading->time);
    ErrCode rc = sql_step(apply->db, st, &row, err);
    if (rc == OK)
        reading->value = row ? nearest(candidates, sql_real(st, 0)) : candidates.values[0];
    return rc;
}

/* What is to be stored for what was given: one value, and a flag where that had to be chosen. */
static ErrCode settle(Apply *apply, int64_t measure, const BatchReading *given,
                      Reading *ret_reading, Err *err)
{
    Reading reading = given->reading;
    reading.flags &= ~(unsigned) READING_AMBIGUOUS;
    if (given->candidates.count > 0)
        reading.value = given->candidates.values[0];
    if (all_equal(given->candidates)) {
        reading.raw = STR_NONE;
    } else {
        reading.flags |= READING_AMBIGUOUS;
        ErrCode rc = choose(apply, measure, given->candidates, &reading, err);
        if (rc != OK)
            return rc;
    }
    *ret_reading = reading;
    return OK;
}

static ErrCode write_reading(Apply *apply, WriteSql statement, int64_t measure,
                             const Reading *reading, Err *err)
{
    sqlite3_stmt *st = sql_begin(apply->db, (int) statement);
    sql_bind_int(st, 1, measure);
    sql_bind_int(st, 2, reading->time);
    sql_bind_real(st, 3, reading->value);
    sql_bind_int(st, 4, reading->flags);
    sql_bind_int(st, 5, apply->now);
    sql_bind_str(st, 6, reading->raw);
    (void) apply_number(apply, st, 7);
    apply->changed = true;
    return sql_run(apply->db, st, err);
}

static ErrCode add(Apply *apply, int64_t measure, const BatchReading *given, bool late, Err *err)
{
    Reading reading;
    ErrCode rc = settle(apply, measure, given, &reading, err);
    if (rc == OK)
        rc = write_reading(apply, WRITE_ADD_READING, measure, &reading, err);
    if (rc != OK)
        return rc;
    *(late ? &apply->applied.readings.late : &apply->applied.readings.fresh) += 1;
    apply->meta->readings++;
    return OK;
}

/* It is not held, but history gets it. */
static ErrCode expire(Apply *apply, int64_t measure, const BatchReading *given, Err *err)
{
    Reading reading;
    ErrCode rc = settle(apply, measure, given, &reading, err);
    if (rc == OK)
        spool_expired(apply->spool, apply->db, measure, &reading, apply->generation - 1);
    return rc;
}

static ErrCode has_same_raw(Apply *apply, int64_t measure, const Reading *reading, bool *ret_same,
                            Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(apply->db, WRITE_READING_RAW);
    bool row = false;
    sql_bind_int(st, 1, measure);
    sql_bind_int(st, 2, reading->time);
    ErrCode rc = sql_step(apply->db, st, &row, err);
    if (rc == OK)
        *ret_same = row && str_eq(sql_str(st, 0), reading->raw);
    return rc;
}

/* A known time. It is a correction when the value differs, or when the upstream now gives several
 * values where it gave one: that doubt must not be lost. The same several values are unchanged,
 * whatever would be chosen from them today. */
static ErrCode compare(Apply *apply, int64_t measure, const BatchReading *given, const Known *known,
                       Err *err)
{
    Reading reading;
    bool same = false;
    ErrCode rc = OK;
    if (known->has_raw && !str_is_none(given->reading.raw))
        rc = has_same_raw(apply, measure, &given->reading, &same, err);
    if (rc == OK && !same)
        rc = settle(apply, measure, given, &reading, err);
    if (rc != OK)
        return rc;
    if (!same)
        same = reading.value == known->value &&
               (known->has_raw || (reading.flags & READING_AMBIGUOUS) == 0);
    if (same) {
        apply->applied.readings.unchanged++;
        return OK;
    }
    reading.flags |= READING_CORRECTED;
    spool_held(apply->spool, apply->db, measure, reading.time);
    apply->applied.readings.corrected++;
    return write_reading(apply, WRITE_CORRECT_READING, measure, &reading, err);
}

/* ---- what lies open behind a newest reading -------------------------------------------------- */

bool gap_list_add(GapList *gaps, const SeriesGap *gap)
{
    SeriesGap copy = *gap;
    if (!arena_copy(&gaps->strings, gap->measure_id, &copy.measure_id) ||
        !arena_copy(&gaps->strings, gap->station_id, &copy.station_id) ||
        !array_room(&gaps->items, gaps->count, &gaps->cap, sizeof copy))
        return false;
    gaps->items[gaps->count++] = copy;
    return true;
}

static ErrCode add_gap(Apply *apply, const Series *series, SeriesGap *gap, Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(apply->db, WRITE_STATION_ID);
    bool row = false;
    sql_bind_int(st, 1, series->station);
    ErrCode rc = sql_step(apply->db, st, &row, err);
    if (rc != OK)
        return rc;
    gap->station_id = row ? sql_str(st, 0) : STR_NONE;
    return gap_list_add(apply->gaps, gap) ? OK : err_set(err, ERR_NO_MEMORY, "no memory for a gap");
}

/* Readings come in order of their period, so a newest reading just one period behind the last leaves
 * nothing open; where the period is not known it may always. */
static ErrCode find_gap(Readings *all, const Series *series, Window kept, UnixSec stored_newest,
                        Err *err)
{
    Apply *apply = all->apply;
    UnixSec newest = last_time(all, series);
    ErrCode rc = OK;
    if (stored_newest == NO_TIME)
        rc = read_time(apply, WRITE_MEASURE_NEWEST, series->measure, &stored_newest, err);
    UnixSec after = stored_newest >= kept.from ? stored_newest : kept.from - 1;
    if (rc != OK || !window_holds(kept, newest) || newest <= after ||
        (series->period_s > 0 && newest - after <= series->period_s))
        return rc;
    SeriesGap gap = {.measure_id = reading_at(all, series, 0)->reading.measure_id,
                     .after = after,
                     .until = newest,
                     .period_s = series->period_s};
    return add_gap(apply, series, &gap, err);
}

static ErrCode apply_series(Readings *all, const Series *series, Window kept, Err *err)
{
    Apply *apply = all->apply;
    UnixSec newest = last_time(all, series), stored_newest = series->delivered.newest;
    ErrCode rc = OK;
    all->known_count = 0;
    if (stored_newest == NO_TIME || reading_at(all, series, 0)->reading.time <= stored_newest)
        rc = read_known(all, series, err);
    if (rc != OK)
        return rc;
    if (stored_newest == NO_TIME && all->known_count > 0)
        stored_newest = all->known[all->known_count - 1].time; /* else none, or older than these */
    if (stored_newest > newest)
        newest = stored_newest;
    if (apply->batch->find_gaps)
        rc = find_gap(all, series, kept, stored_newest, err);

    for (size_t i = 0, k = 0; i < series->count && rc == OK; i++) {
        const BatchReading *given = reading_at(all, series, i);
        UnixSec time = given->reading.time;
        /* The same time twice in one batch: the last counts, else two values would change each
         * other with every poll. */
        if (i + 1 < series->count && reading_at(all, series, i + 1)->reading.time == time) {
            apply->applied.readings.unchanged++;
            continue;
        }
        if (!window_holds(kept, time) && time != newest) {
            apply->applied.readings.expired++;
            rc = expire(apply, series->measure, given, err);
            continue;
        }
        while (k < all->known_count && all->known[k].time < time)
            k++;
        if (k < all->known_count && all->known[k].time == time)
            rc = compare(apply, series->measure, given, &all->known[k], err);
        else
            rc = add(apply, series->measure, given, time < stored_newest, err);
    }
    if (rc == OK && newest > stored_newest)
        rc = apply_delivery(apply, series->measure, series->period_s, &series->delivered, newest,
                            err);
    return rc;
}

/* ---- one station ----------------------------------------------------------------------------- */

static ErrCode read_measures(Apply *apply, int64_t station, KeyList *measures, Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(apply->db, WRITE_MEASURE_KEYS);
    sql_bind_int(st, 1, station);
    return key_list_read(measures, apply->db, st, err);
}

static ErrCode set_newest(Apply *apply, int64_t station, UnixSec newest, Err *err)
{
    sqlite3_stmt *st =
        sql_begin(apply->db, newest != NO_TIME ? WRITE_SET_NEWEST : WRITE_DROP_NEWEST);
    sql_bind_int(st, 1, station);
    if (newest != NO_TIME)
        sql_bind_int(st, 2, newest);
    return sql_run(apply->db, st, err);
}

/* Whether its newest reading is known to be inside the window: it came just now. */
static bool is_live(const Readings *all, const Series *series, size_t count, int64_t measure,
                    UnixSec from)
{
    for (size_t i = 0; i < count; i++)
        if (series[i].measure == measure)
            return last_time(all, &series[i]) >= from;
    return false;
}

static ErrCode trim_measure(Apply *apply, int64_t measure, bool is_live_one, UnixSec from, Err *err)
{
    spool_trimmed(apply->spool, apply->db, measure, from);
    sqlite3_stmt *st = sql_begin(apply->db, is_live_one ? WRITE_TRIM_LIVE : WRITE_TRIM);
    sql_bind_int(st, 1, measure);
    sql_bind_int(st, 2, from);
    ErrCode rc = sql_run(apply->db, st, err);
    if (rc != OK)
        return rc;
    int64_t trimmed = sqlite3_changes64(apply->db->handle);
    apply->applied.trimmed += trimmed;
    apply->meta->readings -= trimmed;
    return is_live_one ? OK : apply_silence(apply, measure, from, err);
}

ErrCode apply_station_window(Apply *apply, int64_t station, Err *err)
{
    CLEANUP(key_list_release) KeyList measures = {.keys = NULL};
    UnixSec newest = NO_TIME;
    ErrCode rc = read_measures(apply, station, &measures, err);
    for (size_t i = 0; i < measures.count && rc == OK; i++) {
        UnixSec time = NO_TIME;
        rc = read_time(apply, WRITE_MEASURE_NEWEST, measures.keys[i], &time, err);
        if (time > newest)
            newest = time;
    }
    if (rc == OK)
        rc = set_newest(apply, station, newest, err);
    UnixSec from = newest != NO_TIME ? window_ending_at(newest, apply->window_s).from : NO_TIME;
    for (size_t i = 0; i < measures.count && newest != NO_TIME && rc == OK; i++)
        rc = trim_measure(apply, measures.keys[i], false, from, err);
    return rc;
}

/* A station of the batch, all of it together: its measures share a window. */
typedef struct Visit {
    const Series *series;
    size_t count;
    UnixSec from; /* its window begins; NO_TIME: as it did */
} Visit;

static ErrCode apply_station(Readings *all, Visit *visit, Err *err)
{
    Apply *apply = all->apply;
    const Series *series = visit->series;
    int64_t fresh_before = apply->applied.readings.fresh;
    UnixSec stored = series->station_newest, newest = stored;
    ErrCode rc = OK;
    for (size_t i = 0; i < visit->count; i++)
        if (last_time(all, &series[i]) > newest)
            newest = last_time(all, &series[i]);
    Window kept = window_ending_at(newest, apply->window_s);

    for (size_t i = 0; i < visit->count && rc == OK; i++)
        rc = apply_series(all, &series[i], kept, err);
    if (rc == OK && newest != stored)
        rc = set_newest(apply, series->station, newest, err);
    /* Only what is new moves a window or takes the place of a last known. */
    visit->from = apply->applied.readings.fresh > fresh_before ? kept.from : NO_TIME;
    return rc;
}

static ErrCode trim_station(Readings *all, const Visit *visit, Err *err)
{
    Apply *apply = all->apply;
    UnixSec from = visit->from;
    if (from == NO_TIME)
        return OK;
    ErrCode rc = read_measures(apply, visit->series->station, &all->measures, err);
    for (size_t i = 0; i < all->measures.count && rc == OK; i++) {
        int64_t measure = all->measures.keys[i];
        rc = trim_measure(apply, measure, is_live(all, visit->series, visit->count, measure, from),
                          from, err);
    }
    return rc;
}

/* Few enough that the pages of their readings are still at hand when they are trimmed, and many enough
 * that telling the two apart costs nothing. */
enum { VISITS_AT_ONCE = 64 };

/* From series `*next` on, which goes behind what was taken. */
static size_t take_visits(const Readings *all, size_t *next, Visit visits[static VISITS_AT_ONCE])
{
    size_t count = 0, first = *next;
    for (size_t end; first < all->series_count && count < VISITS_AT_ONCE; first = end) {
        for (end = first + 1; end < all->series_count; end++)
            if (all->series[end].station != all->series[first].station)
                break;
        visits[count] = (Visit){.series = &all->series[first], .count = end - first};
        count++;
    }
    *next = first;
    return count;
}

static ErrCode apply_visits(Readings *all, Visit *visits, size_t count, Err *err)
{
    ErrCode rc = apply_go_on(all->apply, err);
    for (size_t i = 0; i < count && rc == OK; i++)
        rc = apply_station(all, &visits[i], err);
    Cost began = clock_cost();
    for (size_t i = 0; i < count && rc == OK; i++)
        rc = trim_station(all, &visits[i], err);
    clock_add_cost(&all->apply->applied.trim, began);
    return rc;
}

ErrCode apply_readings(Apply *apply, Err *err)
{
    const Batch *batch = apply->batch;
    ReadingCounts *counts = &apply->applied.readings;
    counts->received = (int64_t) (batch->reading_count + batch->refusal_count);
    counts->quarantined = (int64_t) batch->refusal_count;
    if (batch->reading_count == 0)
        return OK;
    CLEANUP(readings_release) Readings all = {.apply = apply};
    ErrCode rc = sort_series(&all, err);
    Visit visits[VISITS_AT_ONCE];
    for (size_t next = 0; next < all.series_count && rc == OK;)
        rc = apply_visits(&all, visits, take_visits(&all, &next, visits), err);
    if (batch->is_release)
        *counts = (ReadingCounts){.received = 0};
    return rc;
}
