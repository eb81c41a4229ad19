/* store/catalogue.c - what a batch says of stations, measures and types. */
#include "store/apply.h"

#include "base/buf.h"
#include "store/rows.h"

#include <stdlib.h>

/* What is held of an item of a list. An item is taken when its raw text or being listed differs:
 * the raw text says everything else. One without raw text, known from a reading only, has nothing
 * to say of a known one. Of doubles in a batch the first counts: else two that differ would change
 * each other with every poll. */
typedef struct Held {
    int64_t key;     /* 0: not in the store */
    int64_t station; /* of a measure */
    bool same;
} Held;

static bool is_same(Str held_raw, bool held_listed, Str raw, bool listed)
{
    return str_is_none(raw) ? true : str_eq(held_raw, raw) && held_listed == listed;
}

/* ---- stations -------------------------------------------------------------------------------- */

static ErrCode find_station(Apply *apply, Str id, int64_t *ret_key, Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(apply->db, WRITE_FIND_STATION);
    bool row = false;
    sql_bind_str(st, 1, id);
    ErrCode rc = sql_step(apply->db, st, &row, err);
    if (rc == OK)
        *ret_key = row ? sql_int(st, 0) : 0;
    return rc;
}

static ErrCode compare_station(Apply *apply, const Station *station, Held *ret_held, Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(apply->db, WRITE_FIND_STATION);
    bool row = false;
    sql_bind_str(st, 1, station->id);
    ErrCode rc = sql_step(apply->db, st, &row, err);
    *ret_held = (Held){.key = 0};
    if (rc != OK || !row)
        return rc;
    ret_held->key = sql_int(st, 0);
    ret_held->same = is_same(sql_str(st, 4), sql_int(st, 3) != 0, station->raw, station->listed);
    return OK;
}

static ErrCode add_alias(Apply *apply, int64_t key, AliasKind kind, Str value, Err *err)
{
    sqlite3_stmt *st = sql_begin(apply->db, WRITE_ADD_ALIAS);
    sql_bind_int(st, 1, kind);
    sql_bind_str(st, 2, value);
    sql_bind_int(st, 3, key);
    return sql_run(apply->db, st, err);
}

/* All values of a field: `all`, one a line, or the only one. */
static ErrCode add_aliases(Apply *apply, int64_t key, AliasKind kind, Str first, Str all, Err *err)
{
    Str rest = str_is_none(all) ? first : all, line;
    ErrCode rc = OK;
    if (str_is_none(rest))
        return OK;
    while (rc == OK && str_cut(rest, '\n', &line, &rest))
        rc = add_alias(apply, key, kind, line, err);
    return rc == OK ? add_alias(apply, key, kind, rest, err) : rc;
}

static ErrCode store_aliases(Apply *apply, int64_t key, const Station *station, Err *err)
{
    sqlite3_stmt *st = sql_begin(apply->db, WRITE_DROP_ALIASES);
    sql_bind_int(st, 1, key);
    ErrCode rc = sql_run(apply->db, st, err);
    if (rc == OK)
        rc = add_aliases(apply, key, ALIAS_REFERENCE, station->reference, STR_NONE, err);
    if (rc == OK)
        rc = add_aliases(apply, key, ALIAS_WISKI, station->wiski_id, station->wiski_id_all, err);
    if (rc == OK)
        rc = add_aliases(apply, key, ALIAS_RLOI, station->rloi_id, station->rloi_id_all, err);
    return rc;
}

ErrCode apply_aliases(Apply *apply, int64_t station, Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(apply->db, WRITE_READ_STATION);
    bool row = false;
    int64_t key = 0;
    sql_bind_int(st, 1, station);
    ErrCode rc = sql_step(apply->db, st, &row, err);
    if (rc != OK || !row)
        return rc;
    Station held = row_station(st, &key);
    return store_aliases(apply, key, &held, err);
}

static void note_station(Apply *apply)
{
    apply->applied.stations_changed++;
    apply->changed = true;
}

/* Adds it where `*key` is 0, and tells its new key. */
static ErrCode store_station(Apply *apply, const Station *station, int64_t *key, Err *err)
{
    bool add = *key == 0;
    sqlite3_stmt *st = sql_begin(apply->db, add ? WRITE_ADD_STATION : WRITE_SET_STATION);
    int mark = bind_station(st, station);
    sql_bind_int(st, mark++, station->listed);
    sql_bind_time(st, mark++, station->listed ? NO_TIME : apply->now);
    mark = apply_number(apply, st, mark);
    if (add)
        sql_bind_str(st, mark, station->id);
    else
        sql_bind_int(st, mark, *key);
    ErrCode rc = sql_run(apply->db, st, err);
    if (rc != OK)
        return rc;
    if (add) {
        *key = sqlite3_last_insert_rowid(apply->db->handle);
        apply->meta->stations++;
    }
    note_station(apply);
    return store_aliases(apply, *key, station, err);
}

static ErrCode apply_station(Apply *apply, const Station *station, KeySet *seen, Err *err)
{
    Held held;
    bool first = true;
    ErrCode rc = compare_station(apply, station, &held, err);
    if (rc == OK && held.key != 0)
        rc = key_set_add(seen, held.key, &first, err);
    if (rc != OK || !first || (held.key != 0 && held.same))
        return rc;
    bool added = held.key == 0;
    rc = store_station(apply, station, &held.key, err);
    return rc == OK && added ? key_set_add(seen, held.key, &first, err) : rc;
}

/* ---- what a whole list does not name --------------------------------------------------------- */

static ErrCode unlist(Apply *apply, WriteSql list, WriteSql change, const KeySet *seen,
                      int64_t *changed, Err *err)
{
    CLEANUP(key_list_release) KeyList listed = {.keys = NULL};
    {
        CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(apply->db, (int) list);
        ErrCode rc = key_list_read(&listed, apply->db, st, err);
        if (rc != OK)
            return rc;
    }
    for (size_t i = 0; i < listed.count; i++) {
        if (key_set_has(seen, listed.keys[i]))
            continue;
        sqlite3_stmt *st = sql_begin(apply->db, (int) change);
        sql_bind_int(st, 1, listed.keys[i]);
        sql_bind_int(st, 2, apply->now);
        (void) apply_number(apply, st, 3);
        ErrCode rc = sql_run(apply->db, st, err);
        if (rc != OK)
            return rc;
        (*changed)++;
        apply->changed = true;
    }
    return OK;
}

/* ---- measures -------------------------------------------------------------------------------- */

static ErrCode compare_measure(Apply *apply, const Measure *measure, Held *ret_held, Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(apply->db, WRITE_FIND_MEASURE);
    bool row = false;
    sql_bind_str(st, 1, measure->id);
    ErrCode rc = sql_step(apply->db, st, &row, err);
    *ret_held = (Held){.key = 0};
    if (rc != OK || !row)
        return rc;
    ret_held->key = sql_int(st, 0);
    ret_held->station = sql_int(st, 1);
    ret_held->same = is_same(sql_str(st, 3), sql_int(st, 2) != 0, measure->raw, measure->listed);
    return OK;
}

/* Some 80 stations are in no list: their measures bring them. */
static ErrCode find_or_add_station(Apply *apply, Str id, int64_t *ret_key, Err *err)
{
    ErrCode rc = find_station(apply, id, ret_key, err);
    if (rc != OK || *ret_key != 0)
        return rc;
    sqlite3_stmt *st = sql_begin(apply->db, WRITE_ADD_BARE_STATION);
    sql_bind_str(st, 1, id);
    sql_bind_int(st, 2, apply->now);
    (void) apply_number(apply, st, 3);
    rc = sql_run(apply->db, st, err);
    if (rc != OK)
        return rc;
    *ret_key = sqlite3_last_insert_rowid(apply->db->handle);
    apply->meta->stations++;
    note_station(apply);
    return OK;
}

static ErrCode store_measure(Apply *apply, const Measure *measure, int64_t station, int64_t *key,
                             Err *err)
{
    bool add = *key == 0;
    sqlite3_stmt *st = sql_begin(apply->db, add ? WRITE_ADD_MEASURE : WRITE_SET_MEASURE);
    int mark = bind_measure(st, measure);
    sql_bind_int(st, mark++, measure->period_s);
    sql_bind_int(st, mark++, station);
    sql_bind_int(st, mark++, measure->listed);
    sql_bind_time(st, mark++, measure->listed ? NO_TIME : apply->now);
    mark = apply_number(apply, st, mark);
    if (add)
        sql_bind_str(st, mark, measure->id);
    else
        sql_bind_int(st, mark, *key);
    ErrCode rc = sql_run(apply->db, st, err);
    if (rc != OK)
        return rc;
    if (add) {
        *key = sqlite3_last_insert_rowid(apply->db->handle);
        apply->meta->measures++;
    }
    apply->applied.measures_changed++;
    apply->changed = true;
    return OK;
}

/* A measure that moved takes its readings along: both stations' windows are others now. */
static ErrCode apply_move(Apply *apply, int64_t from, int64_t to, Err *err)
{
    if (from == 0 || from == to)
        return OK;
    ErrCode rc = apply_station_window(apply, from, err);
    return rc == OK ? apply_station_window(apply, to, err) : rc;
}

static ErrCode apply_measure(Apply *apply, const Measure *measure, KeySet *seen, Err *err)
{
    Held held;
    bool first = true;
    int64_t station = 0;
    ErrCode rc = compare_measure(apply, measure, &held, err);
    if (rc == OK && held.key != 0)
        rc = key_set_add(seen, held.key, &first, err);
    if (rc != OK || !first || (held.key != 0 && held.same))
        return rc;
    bool added = held.key == 0;
    rc = find_or_add_station(apply, measure->station_id, &station, err);
    if (rc == OK)
        rc = store_measure(apply, measure, station, &held.key, err);
    if (rc == OK && added)
        rc = key_set_add(seen, held.key, &first, err);
    return rc == OK ? apply_move(apply, held.station, station, err) : rc;
}

/* ---- both, portion by portion ----------------------------------------------------------------- */

/* Of the whole batch. */
typedef struct Seen {
    KeySet stations, measures;
} Seen;

static void seen_release(Seen *seen)
{
    key_set_release(&seen->stations);
    key_set_release(&seen->measures);
}

static ErrCode apply_rows(Apply *apply, const Batch *rows, Seen *seen, Err *err)
{
    ErrCode rc = OK;
    for (size_t i = 0; i < rows->station_count && rc == OK; i++) {
        rc = apply_go_on(apply, err);
        if (rc == OK)
            rc = apply_station(apply, &rows->stations[i], &seen->stations, err);
    }
    for (size_t i = 0; i < rows->measure_count && rc == OK; i++) {
        rc = apply_go_on(apply, err);
        if (rc == OK)
            rc = apply_measure(apply, &rows->measures[i], &seen->measures, err);
    }
    return rc;
}

static ErrCode apply_portions(Apply *apply, Seen *seen, Err *err)
{
    const Batch *batch = apply->batch;
    CLEANUP(batch_release) Batch portion = batch_init();
    portion.shard = batch->shard;
    for (bool more = batch->next_portion != NULL; more;) {
        ErrCode rc = batch->next_portion(batch->portion_ctx, &portion, &more, err);
        if (rc == OK)
            rc = apply_rows(apply, &portion, seen, err);
        if (rc != OK)
            return rc;
        batch_release(&portion);
    }
    return OK;
}

ErrCode apply_catalogue(Apply *apply, Err *err)
{
    const Batch *batch = apply->batch;
    CLEANUP(seen_release) Seen seen = {.stations = {.words = NULL}};
    ErrCode rc = apply_rows(apply, batch, &seen, err);
    if (rc == OK)
        rc = apply_portions(apply, &seen, err);
    if (rc == OK && batch->has_all_stations)
        rc = unlist(apply, WRITE_LISTED_STATIONS, WRITE_UNLIST_STATION, &seen.stations,
                    &apply->applied.stations_changed, err);
    if (rc == OK && batch->has_all_measures)
        rc = unlist(apply, WRITE_LISTED_MEASURES, WRITE_UNLIST_MEASURE, &seen.measures,
                    &apply->applied.measures_changed, err);
    return rc;
}

/* ---- types ----------------------------------------------------------------------------------- */

static int by_station_then_place(const void *a, const void *b)
{
    const StationType *one = *(const StationType *const *) a,
                      *two = *(const StationType *const *) b;
    int order = str_cmp(one->station_id, two->station_id);
    return order != 0 ? order : (one > two) - (one < two);
}

static bool is_named(const StationType *const *types, size_t count, Str type)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(types[i]->type, type))
            return true;
    return false;
}

/* The types of one station, one a line, each once; none when there is one only. */
static void join_types(Buf *out, const StationType *const *types, size_t count)
{
    buf_clear(out);
    size_t named = 0;
    for (size_t i = 0; i < count; i++) {
        if (is_named(types, i, types[i]->type))
            continue;
        if (named++ > 0)
            buf_put_char(out, '\n');
        buf_put_str(out, types[i]->type);
    }
    if (named == 1)
        buf_clear(out);
}

static ErrCode set_type(Apply *apply, int64_t key, Str type, Str type_all, Err *err)
{
    sqlite3_stmt *st = sql_begin(apply->db, WRITE_SET_TYPE);
    sql_bind_int(st, 1, key);
    sql_bind_str(st, 2, type);
    sql_bind_str(st, 3, type_all);
    (void) apply_number(apply, st, 4);
    note_station(apply);
    return sql_run(apply->db, st, err);
}

static ErrCode apply_type(Apply *apply, Str station_id, Str type, Str type_all, KeySet *seen,
                          Err *err)
{
    int64_t key = 0;
    bool is_new = false, same = false;
    {
        CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(apply->db, WRITE_FIND_STATION);
        bool row = false;
        sql_bind_str(st, 1, station_id);
        ErrCode rc = sql_step(apply->db, st, &row, err);
        if (rc != OK || !row) /* not in the store: its type comes again when it is */
            return rc;
        key = sql_int(st, 0);
        same = str_eq(sql_str(st, 1), type) && str_eq(sql_str(st, 2), type_all);
    }
    ErrCode rc = key_set_add(seen, key, &is_new, err);
    return rc != OK || same ? rc : set_type(apply, key, type, type_all, err);
}

static ErrCode clear_types(Apply *apply, const KeySet *seen, Err *err)
{
    CLEANUP(key_list_release) KeyList typed = {.keys = NULL};
    {
        CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(apply->db, WRITE_TYPED_STATIONS);
        ErrCode rc = key_list_read(&typed, apply->db, st, err);
        if (rc != OK)
            return rc;
    }
    ErrCode rc = OK;
    for (size_t i = 0; i < typed.count && rc == OK; i++)
        if (!key_set_has(seen, typed.keys[i]))
            rc = set_type(apply, typed.keys[i], STR_NONE, STR_NONE, err);
    return rc;
}

static ErrCode apply_sorted_types(Apply *apply, const StationType *const *types, size_t count,
                                  KeySet *seen, Err *err)
{
    CLEANUP(buf_release) Buf joined = buf_init(64 * 1024);
    for (size_t first = 0, end; first < count; first = end) {
        for (end = first + 1; end < count; end++)
            if (!str_eq(types[end]->station_id, types[first]->station_id))
                break;
        join_types(&joined, types + first, end - first);
        ErrCode rc = buf_check(&joined, err);
        Str all = buf_view(&joined).len > 0 ? buf_view(&joined) : STR_NONE;
        if (rc == OK)
            rc = apply_type(apply, types[first]->station_id, types[first]->type, all, seen, err);
        if (rc != OK)
            return rc;
    }
    return OK;
}

ErrCode apply_types(Apply *apply, Err *err)
{
    const Batch *batch = apply->batch;
    if (batch->type_count == 0 && !batch->has_all_types)
        return OK;
    CLEANUP(key_set_release) KeySet seen = {.words = NULL};
    const StationType **types = calloc(batch->type_count + 1, sizeof *types);
    if (types == NULL)
        return err_set(err, ERR_NO_MEMORY, "no memory for the types of %zu stations",
                       batch->type_count);
    for (size_t i = 0; i < batch->type_count; i++)
        types[i] = &batch->types[i];
    qsort(types, batch->type_count, sizeof *types, by_station_then_place);
    ErrCode rc = apply_sorted_types(apply, types, batch->type_count, &seen, err);
    if (rc == OK && batch->has_all_types)
        rc = clear_types(apply, &seen, err);
    free(types);
    return rc;
}
