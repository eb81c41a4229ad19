/* store/removal.c - what has been in no list and without a reading for so long that it is gone; and what
 * is another shard's by now. */
#include "store/apply.h"
#include "store/spool.h"

enum { GONE_AFTER_S = 30 * 24 * 3600 };

static ErrCode read_keys(Apply *apply, WriteSql list, KeyList *keys, Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(apply->db, (int) list);
    sql_bind_int(st, 1, apply->now - GONE_AFTER_S);
    return key_list_read(keys, apply->db, st, err);
}

/* *ret_found: there is a row, and its first column, if it is a number, is *ret. */
static ErrCode read_number(Apply *apply, WriteSql statement, int64_t key, int64_t *ret,
                           bool *ret_found, Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(apply->db, (int) statement);
    sql_bind_int(st, 1, key);
    ErrCode rc = sql_step(apply->db, st, ret_found, err);
    if (rc == OK && *ret_found)
        *ret = sql_time(st, 0); /* NULL, of no reading at all, is NO_TIME */
    return rc;
}

static ErrCode drop(Apply *apply, WriteSql statement, int64_t key, Err *err)
{
    sqlite3_stmt *st = sql_begin(apply->db, (int) statement);
    sql_bind_int(st, 1, key);
    return sql_run(apply->db, st, err);
}

static ErrCode note_gone(Apply *apply, WriteSql statement, int64_t key, Err *err)
{
    sqlite3_stmt *st = sql_begin(apply->db, (int) statement);
    sql_bind_int(st, 1, key);
    (void) apply_number(apply, st, 2);
    return sql_run(apply->db, st, err);
}

/* ---- measures -------------------------------------------------------------------------------- */

ErrCode apply_measure_removal(Apply *apply, int64_t key, Err *err)
{
    int64_t station = 0;
    bool found = false;
    ErrCode rc = read_number(apply, WRITE_MEASURE_STATION, key, &station, &found, err);
    if (rc == OK)
        spool_removed(apply->spool, apply->db, key);
    if (rc == OK)
        rc = drop(apply, WRITE_DROP_READINGS, key, err);
    if (rc == OK)
        apply->meta->readings -= sqlite3_changes64(apply->db->handle);
    if (rc == OK)
        rc = drop(apply, WRITE_DROP_DELIVERY, key, err);
    if (rc == OK)
        rc = drop(apply, WRITE_DROP_FRESHNESS_CHANGE, key, err);
    if (rc == OK)
        rc = note_gone(apply, WRITE_ADD_GONE_MEASURE, key, err);
    if (rc == OK)
        rc = drop(apply, WRITE_DROP_MEASURE, key, err);
    if (rc != OK)
        return rc;
    apply->meta->measures--;
    apply->applied.measures_changed++;
    apply->changed = true;
    return apply_station_window(apply, station, err);
}

static ErrCode drop_measure_if_gone(Apply *apply, int64_t key, Err *err)
{
    UnixSec newest = NO_TIME;
    bool found = false;
    ErrCode rc = read_number(apply, WRITE_MEASURE_NEWEST, key, &newest, &found, err);
    if (rc != OK || newest > apply->now - GONE_AFTER_S)
        return rc;
    return apply_measure_removal(apply, key, err);
}

/* ---- stations -------------------------------------------------------------------------------- */

ErrCode apply_station_removal(Apply *apply, int64_t key, Err *err)
{
    static const WriteSql parts[] = {WRITE_DROP_ALIASES, WRITE_DROP_NEWEST, WRITE_DROP_STATION};
    int64_t measure = 0;
    bool has_measure = false;
    ErrCode rc = read_number(apply, WRITE_MEASURE_KEYS, key, &measure, &has_measure, err);
    if (rc != OK || has_measure)
        return rc;
    rc = note_gone(apply, WRITE_ADD_GONE_STATION, key, err);
    for (size_t i = 0; i < countof(parts) && rc == OK; i++)
        rc = drop(apply, parts[i], key, err);
    if (rc != OK)
        return rc;
    apply->meta->stations--;
    apply->applied.stations_changed++;
    apply->changed = true;
    return OK;
}

/* ---- both ------------------------------------------------------------------------------------ */

typedef bool OursFn(Shard shard, Str id);

/* Of what is in no list: it was ours when there were fewer shards, or none. */
static ErrCode read_foreign_keys(Apply *apply, WriteSql list, OursFn *is_ours, KeyList *keys,
                                 Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(apply->db, (int) list);
    keys->count = 0;
    for (;;) {
        bool row = false;
        ErrCode rc = sql_step(apply->db, st, &row, err);
        if (rc == OK && row && !is_ours(apply->batch->shard, sql_str(st, 1)))
            rc = key_list_add(keys, sql_int(st, 0), err);
        if (rc != OK || !row)
            return rc;
    }
}

typedef ErrCode DropFn(Apply *apply, int64_t key, Err *err);

static ErrCode drop_each(Apply *apply, const KeyList *keys, DropFn *drop_it, Err *err)
{
    ErrCode rc = OK;
    for (size_t i = 0; i < keys->count && rc == OK; i++)
        rc = drop_it(apply, keys->keys[i], err);
    return rc;
}

/* With a whole list, which comes daily; after the readings, which may have brought one back.
 * Measures go first: a station goes with its last one. */
ErrCode apply_removals(Apply *apply, Err *err)
{
    static const struct {
        WriteSql old, unlisted;
        OursFn *is_ours;
        DropFn *drop_if_gone, *drop;
    } kinds[] = {
        {WRITE_OLD_MEASURES, WRITE_UNLISTED_MEASURES, shard_has_measure, drop_measure_if_gone,
         apply_measure_removal},
        {WRITE_OLD_STATIONS, WRITE_UNLISTED_STATIONS, shard_has_station, apply_station_removal,
         apply_station_removal},
    };
    CLEANUP(key_list_release) KeyList keys = {.keys = NULL};
    ErrCode rc = OK;
    if (!apply->batch->has_all_stations && !apply->batch->has_all_measures)
        return OK;
    for (size_t k = 0; k < countof(kinds) && rc == OK; k++) {
        rc = read_keys(apply, kinds[k].old, &keys, err);
        if (rc == OK)
            rc = drop_each(apply, &keys, kinds[k].drop_if_gone, err);
        if (rc == OK && apply->batch->shard.count > 1)
            rc = read_foreign_keys(apply, kinds[k].unlisted, kinds[k].is_ours, &keys, err);
        if (rc == OK && apply->batch->shard.count > 1)
            rc = drop_each(apply, &keys, kinds[k].drop, err);
    }
    return rc;
}
