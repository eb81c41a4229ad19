#include "store/meant.h"

#include "store/rows.h"

#include <stdlib.h>
#include <string.h>

/* A byte a measure, by key: 0 until it is known, then one more than both together. */
static_assert(TREND_COUNT * (int) LEVEL_STATE_COUNT <= UINT8_MAX, "both fit into a byte");

static uint8_t both(Trend trend, LevelState state)
{
    return (uint8_t) (1 + (unsigned) trend * LEVEL_STATE_COUNT + (unsigned) state);
}

enum { KEPT_MAX = 1 << 24 }; /* measures; of one beyond it is found out each time it is asked */

/* NULL: it is not kept. */
static uint8_t *place_of(Snapshot *snap, int64_t key)
{
    if (key < 0 || key >= KEPT_MAX)
        return NULL;
    size_t at = (size_t) key;
    if (at >= snap->meant_count) {
        size_t count = (at + 1) * 2;
        uint8_t *meant = realloc(snap->meant, count);
        if (meant == NULL)
            return NULL;
        memset(meant + snap->meant_count, 0, count - snap->meant_count);
        snap->meant = meant;
        snap->meant_count = count;
    }
    return &snap->meant[at];
}

void meant_forget(Snapshot *snap)
{
    free(TAKE(snap->meant));
    snap->meant_count = 0;
}

ErrCode measure_newest_time(Snapshot *snap, int64_t key, UnixSec *ret_time, Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(&snap->db, READ_NEWEST_TIME);
    bool row = false;
    sql_bind_int(st, 1, key);
    ErrCode rc = sql_step(&snap->db, st, &row, err);
    if (rc == OK)
        *ret_time = row ? sql_time(st, 0) : NO_TIME;
    return rc;
}

static ErrCode add_readings(Snapshot *snap, Window window, int64_t key, MeaningPass *pass, Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(&snap->db, READ_READINGS);
    sql_bind_int(st, 1, key);
    sql_bind_int(st, 2, window.from);
    sql_bind_int(st, 3, window.to);
    for (;;) {
        bool row = false;
        ErrCode rc = sql_step(&snap->db, st, &row, err);
        if (rc != OK || !row)
            return rc;
        const Reading reading = row_reading(st);
        meaning_add(pass, &reading);
    }
}

ErrCode measure_meaning(Snapshot *snap, const Station *station, const Measure *measure, int64_t key,
                        Meaning *ret_meaning, Err *err)
{
    MeaningPass pass = meaning_begin(measure, station, measure_scale(measure, station));
    ErrCode rc = OK;
    if (station->newest != NO_TIME) {
        const Window counts = {.from = meaning_from(&pass), .to = measure->newest + 1};
        const Window kept = window_ending_at(station->newest, snap->store->options.window_s);
        rc = add_readings(snap, window_both(kept, counts), key, &pass, err);
    }
    *ret_meaning = meaning_end(&pass);
    return rc;
}

/* Nothing is meant by a measure without a reading. */
static ErrCode find_out(Snapshot *snap, const Station *station, Measure measure, int64_t key,
                        uint8_t *ret_meant, Err *err)
{
    ErrCode rc = measure_newest_time(snap, key, &measure.newest, err);
    *ret_meant = both(TREND_NONE, LEVEL_NONE);
    if (rc != OK || measure.newest == NO_TIME)
        return rc;
    Meaning meaning;
    rc = measure_meaning(snap, station, &measure, key, &meaning, err);
    *ret_meant = both(meaning.trend, meaning.state);
    return rc;
}

static ErrCode read_meant(Snapshot *snap, const Station *station, const Measure *measure,
                          int64_t key, uint8_t *ret_meant, Err *err)
{
    uint8_t *place = place_of(snap, key);
    if (place != NULL && *place != 0) {
        *ret_meant = *place;
        return OK;
    }
    ErrCode rc = find_out(snap, station, *measure, key, ret_meant, err);
    if (rc == OK && place != NULL)
        *place = *ret_meant;
    return rc;
}

static bool has_bit(unsigned wanted, unsigned value)
{
    return wanted == 0 || (wanted >> value & 1) != 0;
}

ErrCode measure_is_taken(Snapshot *snap, const Filter *filter, const Station *station,
                         const Measure *measure, int64_t key, bool *ret_taken, Err *err)
{
    uint8_t meant = both(TREND_NONE, LEVEL_NONE);
    *ret_taken = filter_takes_measure(filter, measure);
    if (!*ret_taken || (filter->trends == 0 && filter->states == 0))
        return OK;
    ErrCode rc = read_meant(snap, station, measure, key, &meant, err);
    *ret_taken = rc == OK && has_bit(filter->trends, (meant - 1U) / LEVEL_STATE_COUNT) &&
                 has_bit(filter->states, (meant - 1U) % LEVEL_STATE_COUNT);
    return rc;
}
