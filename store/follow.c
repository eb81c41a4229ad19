/* store/follow.c - a store that follows generations made elsewhere. */
#include "base/json.h"
#include "store/apply.h"
#include "store/asked.h"
#include "store/copy.h"
#include "store/rows.h"
#include "store/spool.h"

#include <inttypes.h>
#include <string.h>

typedef struct Follow {
    Apply apply;
    const Followed *end;
    Arena strings;   /* of the row at hand */
    KeySet touched;  /* stations: their windows may have moved */
    KeyList windows; /* the same, in the order of their coming */
    Str measure_id;  /* of the reading before: they come measure by measure */
    char measure_id_bytes[256];
    int64_t measure, station;
} Follow;

static void follow_release(Follow *follow)
{
    arena_release(&follow->strings);
    key_set_release(&follow->touched);
    key_list_release(&follow->windows);
}

/* ---- rows -------------------------------------------------------------------------------------- */

/* Binds a member of the row to the parameter of its name; what has none is of a later version. */
static bool bind_member(sqlite3_stmt *st, Str key, Str value, Arena *arena)
{
    char name[64] = ":";
    int64_t integer = 0;
    double real = 0;
    Str text;
    if (key.len == 0 || key.len > sizeof name - 2)
        return false;
    (void) memcpy(name + 1, key.ptr, key.len);
    int at = sqlite3_bind_parameter_index(st, name);
    if (at == 0)
        return true;
    if (str_to_int(value, &integer))
        sql_bind_int(st, at, integer);
    else if (str_to_double(value, &real))
        sql_bind_real(st, at, real);
    else if (json_to_str(value, arena, &text))
        sql_bind_str(st, at, text);
    else
        return false;
    return true;
}

static ErrCode bind_row(Follow *follow, sqlite3_stmt *st, Str row, Err *err)
{
    JsonWalk walk = json_walk(row);
    Str key, value;
    arena_release(&follow->strings);
    (void) sqlite3_clear_bindings(st);
    while (json_next(&walk, &key, &value))
        if (!bind_member(st, key, value, &follow->strings))
            return err_set(err, ERR_FORMAT, "a row with a member that is no column: " STR_FMT,
                           STR_ARG(key));
    if (walk.broken)
        return err_set(err, ERR_FORMAT, "a row that is no JSON object");
    int at = sqlite3_bind_parameter_index(st, ":generation");
    if (sqlite3_bind_parameter_index(st, ":place") > 0) /* behind it */
        (void) apply_number(&follow->apply, st, at);
    else if (at > 0)
        sql_bind_int(st, at, (int64_t) follow->apply.generation);
    return OK;
}

static ErrCode find_key(Follow *follow, WriteSql statement, Str id, int64_t *ret_key,
                        int64_t *ret_second, Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(follow->apply.db, (int) statement);
    bool row = false;
    sql_bind_str(st, 1, id);
    ErrCode rc = sql_step(follow->apply.db, st, &row, err);
    *ret_key = rc == OK && row ? sql_int(st, 0) : 0;
    if (ret_second != NULL)
        *ret_second = rc == OK && row ? sql_int(st, 1) : 0;
    return rc;
}

static ErrCode touch(Follow *follow, int64_t station, Err *err)
{
    bool first = false;
    ErrCode rc = key_set_add(&follow->touched, station, &first, err);
    return rc == OK && first ? key_list_add(&follow->windows, station, err) : rc;
}

static ErrCode take_row(Follow *follow, CopyTable table, Str row, Err *err)
{
    static const WriteSql statements[COPY_TABLE_COUNT] = {
        [COPY_STATION] = WRITE_COPY_STATION, /* what is gone is no row */
        [COPY_MEASURE] = WRITE_COPY_MEASURE,
        [COPY_DELIVERY] = WRITE_COPY_DELIVERY,
    };
    sqlite3_stmt *st = sql_begin(follow->apply.db, (int) statements[table]);
    ErrCode rc = bind_row(follow, st, row, err);
    return rc == OK ? sql_run(follow->apply.db, st, err) : rc;
}

static ErrCode member_id(Follow *follow, Str row, Str name, Str *ret_id, Err *err)
{
    return json_member_str(row, name, &follow->strings, ret_id) && !str_is_none(*ret_id)
               ? OK
               : err_set(err, ERR_FORMAT, "a row without " STR_FMT, STR_ARG(name));
}

static ErrCode take_station(Follow *follow, Str row, Err *err)
{
    Apply *apply = &follow->apply;
    int64_t key = 0;
    Str id;
    ErrCode rc = member_id(follow, row, STR("id"), &id, err);
    if (rc == OK)
        rc = find_key(follow, WRITE_FIND_STATION, id, &key, NULL, err);
    if (rc != OK)
        return rc;
    apply->meta->stations += key == 0;
    apply->applied.stations_changed++;
    rc = take_row(follow, COPY_STATION, row, err);
    if (rc == OK)
        rc = member_id(follow, row, STR("id"), &id, err);
    if (rc == OK)
        rc = find_key(follow, WRITE_FIND_STATION, id, &key, NULL, err);
    return rc == OK ? apply_aliases(apply, key, err) : rc;
}

static ErrCode take_measure(Follow *follow, Str row, Err *err)
{
    Apply *apply = &follow->apply;
    int64_t key = 0, station = 0, station_before = 0;
    Str id;
    ErrCode rc = member_id(follow, row, STR("id"), &id, err);
    if (rc == OK)
        rc = find_key(follow, WRITE_FIND_MEASURE, id, &key, &station_before, err);
    if (rc != OK)
        return rc;
    apply->meta->measures += key == 0;
    apply->applied.measures_changed++;
    rc = take_row(follow, COPY_MEASURE, row, err);
    if (rc == OK && key == 0)
        return OK;
    if (rc == OK)
        rc = member_id(follow, row, STR("id"), &id, err);
    if (rc == OK)
        rc = find_key(follow, WRITE_FIND_MEASURE, id, &key, &station, err);
    if (rc != OK || station == station_before)
        return rc;
    rc = touch(follow, station_before, err); /* it moved, and took its readings along */
    return rc == OK ? touch(follow, station, err) : rc;
}

/* No change of what we say of it ourselves: neither generation nor place of the row moves. */
static ErrCode take_more(Follow *follow, Str row, Err *err)
{
    Apply *apply = &follow->apply;
    Str id = STR_NONE;
    bool is_measure = json_member_str(row, STR("measure"), &follow->strings, &id);
    sqlite3_stmt *st =
        sql_begin(apply->db, is_measure ? WRITE_COPY_MEASURE_MORE : WRITE_COPY_STATION_MORE);
    ErrCode rc = bind_row(follow, st, row, err);
    if (rc == OK)
        rc = sql_run(apply->db, st, err);
    if (rc == OK && sqlite3_changes64(apply->db->handle) == 0)
        rc = err_set(err, ERR_FORMAT, "more of what was not told before");
    return rc;
}

/* A measure whose freshness is another now is a change. */
static ErrCode take_delivery(Follow *follow, Str row, Err *err)
{
    Apply *apply = &follow->apply;
    int64_t measure = 0, before = -1, freshness = -1;
    Str id;
    ErrCode rc = member_id(follow, row, STR("measure"), &id, err);
    if (rc == OK)
        rc = find_key(follow, WRITE_FIND_MEASURE, id, &measure, NULL, err);
    if (rc == OK)
        rc = apply_freshness(apply, measure, &before, err);
    if (rc == OK)
        rc = take_row(follow, COPY_DELIVERY, row, err);
    if (rc != OK || !json_member_int(row, STR("freshness"), &freshness) || before < 0 ||
        before == freshness)
        return rc;
    return apply_freshness_change(apply, measure, err);
}

static ErrCode take_asked(Follow *follow, Str row, Err *err)
{
    static const WriteSql steps[] = {WRITE_DROP_FOLLOWED_ASKED, WRITE_COPY_ASKED};
    ErrCode rc = OK;
    for (size_t i = 0; i < countof(steps) && rc == OK; i++) {
        sqlite3_stmt *st = sql_begin(follow->apply.db, (int) steps[i]);
        rc = bind_row(follow, st, row, err);
        sql_bind_str(st, sqlite3_bind_parameter_index(st, ":ingester"), follow->end->ingester);
        if (rc == OK)
            rc = sql_run(follow->apply.db, st, err);
    }
    return rc;
}

/* One that tells all begins anew; and nothing is kept that no window can hold any more. */
static ErrCode trim_asked(Follow *follow, Err *err)
{
    Db *db = follow->apply.db;
    sqlite3_stmt *st = sql_begin(db, WRITE_TRIM_FOLLOWED_ASKED);
    sql_bind_int(st, 1, follow->end->as_of - ASKED_KEPT_S);
    ErrCode rc = sql_run(db, st, err);
    if (rc != OK || !follow->end->whole)
        return rc;
    st = sql_begin(db, WRITE_DROP_ASKED_OF_INGESTER);
    sql_bind_str(st, 1, follow->end->ingester);
    return sql_run(db, st, err);
}

/* A station, or a measure of it, that its ingester gave up; it may never have been here. */
static ErrCode take_gone(Follow *follow, Str row, Err *err)
{
    Apply *apply = &follow->apply;
    int64_t station = 0, measure = 0;
    Str id, measure_id = STR_NONE;
    ErrCode rc = member_id(follow, row, STR("station"), &id, err);
    if (rc == OK)
        rc = find_key(follow, WRITE_FIND_STATION, id, &station, NULL, err);
    if (rc != OK)
        return rc;
    if (!json_member_str(row, STR("measure"), &follow->strings, &measure_id) ||
        str_is_none(measure_id))
        return station == 0 ? OK : apply_station_removal(apply, station, err);
    rc = find_key(follow, WRITE_FIND_MEASURE, measure_id, &measure, NULL, err);
    return rc != OK || measure == 0 ? rc : apply_measure_removal(apply, measure, err);
}

/* ---- readings ---------------------------------------------------------------------------------- */

static ErrCode find_series(Follow *follow, Str id, Err *err)
{
    if (str_eq(follow->measure_id, id))
        return OK;
    follow->measure_id = STR_NONE;
    ErrCode rc = find_key(follow, WRITE_FIND_MEASURE, id, &follow->measure, &follow->station, err);
    if (rc == OK && follow->measure == 0)
        return err_set(err, ERR_FORMAT, "a reading of measure " STR_FMT " that was not told before",
                       STR_ARG(id));
    if (rc == OK && id.len <= sizeof follow->measure_id_bytes) {
        (void) memcpy(follow->measure_id_bytes, id.ptr, id.len);
        follow->measure_id = (Str){follow->measure_id_bytes, id.len};
    }
    return rc == OK ? touch(follow, follow->station, err) : rc;
}

static ErrCode put_reading(Follow *follow, WriteSql statement, const Reading *reading, Err *err)
{
    sqlite3_stmt *st = sql_begin(follow->apply.db, (int) statement);
    sql_bind_int(st, 1, follow->measure);
    sql_bind_int(st, 2, reading->time);
    sql_bind_real(st, 3, reading->value);
    sql_bind_int(st, 4, reading->flags & (READING_AMBIGUOUS | READING_CORRECTED));
    sql_bind_int(st, 5, reading->received);
    sql_bind_str(st, 6, reading->raw);
    sql_bind_int(st, 7, reading->revision);
    (void) apply_number(&follow->apply, st, 8);
    return sql_run(follow->apply.db, st, err);
}

static ErrCode take_reading(Follow *follow, const Reading *reading, Err *err)
{
    Apply *apply = &follow->apply;
    ErrCode rc = find_series(follow, reading->measure_id, err);
    if (rc == OK)
        rc = put_reading(follow, WRITE_COPY_KNOWN_READING, reading, err);
    if (rc != OK)
        return rc;
    apply->applied.readings.received++;
    if (sqlite3_changes64(apply->db->handle) > 0) {
        apply->applied.readings.corrected++;
        return OK;
    }
    apply->applied.readings.fresh++;
    apply->meta->readings++;
    return put_reading(follow, WRITE_COPY_NEW_READING, reading, err);
}

/* ---- a generation ------------------------------------------------------------------------------ */

static ErrCode take_item(Follow *follow, const FollowItem *item, Err *err)
{
    if (item->is_reading)
        return take_reading(follow, &item->reading, err);
    switch (item->table) {
    case COPY_STATION:
        return take_station(follow, item->row, err);
    case COPY_MEASURE:
        return take_measure(follow, item->row, err);
    case COPY_MORE:
        return take_more(follow, item->row, err);
    case COPY_DELIVERY:
        return take_delivery(follow, item->row, err);
    case COPY_ASKED:
        return take_asked(follow, item->row, err);
    default:
        return take_gone(follow, item->row, err);
    }
}

static ErrCode take_items(Follow *follow, FollowNextFn *next, void *ctx, Err *err)
{
    for (;;) {
        FollowItem item;
        bool more = false;
        ErrCode rc = apply_go_on(&follow->apply, err);
        if (rc == OK)
            rc = next(ctx, &item, &more, err);
        if (rc == OK && more)
            rc = take_item(follow, &item, err);
        if (rc != OK || !more)
            return rc;
    }
}

static ErrCode set_windows(Follow *follow, Err *err)
{
    ErrCode rc = OK;
    for (size_t i = 0; i < follow->windows.count && rc == OK; i++) {
        rc = apply_go_on(&follow->apply, err);
        if (rc == OK)
            rc = apply_station_window(&follow->apply, follow->windows.keys[i], err);
    }
    return rc;
}

static ErrCode set_source(Follow *follow, Err *err)
{
    const Followed *end = follow->end;
    sqlite3_stmt *st = sql_begin(follow->apply.db, WRITE_SET_SOURCE);
    sql_bind_str(st, 1, end->ingester);
    sql_bind_int(st, 2, end->its_epoch);
    sql_bind_int(st, 3, (int64_t) end->its_number);
    sql_bind_int(st, 4, end->service.fault);
    sql_bind_time(st, 5, end->service.since);
    return sql_run(follow->apply.db, st, err);
}

/* The first one at fault; if none is, since the last one came right. */
static ErrCode find_service(Follow *follow, Service *ret_service, Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(follow->apply.db, WRITE_SOURCE_SERVICE);
    bool row = false;
    ErrCode rc = sql_step(follow->apply.db, st, &row, err);
    if (rc != OK)
        return rc;
    int64_t fault = row ? sql_int(st, 0) : FAULT_NONE;
    if (fault < 0 || fault >= FAULT_COUNT)
        return db_corrupt(follow->apply.db, err, "a source with a fault that there is not");
    *ret_service =
        (Service){.fault = (Fault) fault, .since = row ? sql_time(st, 1) : follow->end->as_of};
    return OK;
}

static ErrCode set_meta(Follow *follow, Err *err)
{
    Meta *meta = follow->apply.meta;
    ErrCode rc = find_service(follow, &meta->service, err);
    if (rc != OK)
        return rc;
    meta->epoch = follow->end->epoch;
    meta->is_copy = false; /* one of a replica goes on in the same log */
    meta->generation = follow->end->number;
    meta->as_of = follow->end->as_of;
    rc = meta_write(follow->apply.db, meta, err);
    if (rc != OK)
        return rc;
    sqlite3_stmt *st = sql_begin(follow->apply.db, WRITE_SET_RESUME);
    sql_bind_int(st, 1, follow->end->resume);
    return sql_run(follow->apply.db, st, err);
}

static ErrCode follow_in_transaction(Follow *follow, FollowNextFn *next, void *ctx, Err *err)
{
    Db *db = follow->apply.db;
    ErrCode rc = sql_run(db, sql_begin(db, WRITE_BEGIN), err);
    if (rc != OK)
        return rc;
    rc = trim_asked(follow, err);
    if (rc == OK)
        rc = take_items(follow, next, ctx, err);
    if (rc == OK)
        rc = set_windows(follow, err);
    if (rc == OK)
        rc = set_source(follow, err);
    if (rc == OK)
        rc = set_meta(follow, err);
    if (rc == OK) {
        spool_commit(follow->apply.spool); /* first: see there */
        rc = sql_run(db, sql_begin(db, WRITE_COMMIT), err);
    }
    if (rc != OK)
        db_rollback(db);
    spool_rollback(follow->apply.spool);
    return rc;
}

ErrCode writer_follow(Writer *writer, const Followed *end, bool announce, FollowNextFn *next,
                      void *ctx, Applied *ret_applied, Err *err)
{
    Meta meta = writer->meta;
    if (meta.generation != 0 && meta.epoch != end->epoch)
        return err_set(err, ERR_INVALID,
                       "the store belongs to epoch %08" PRIx32
                       ", what it is to follow to %08" PRIx32
                       ": begin with an empty data directory",
                       meta.epoch, end->epoch);
    if (end->number <= meta.generation)
        return err_set(err, ERR_INVALID, "generation %" PRIu64 " is not behind %" PRIu64,
                       end->number, meta.generation);
    CLEANUP(follow_release)
    Follow follow = {
        .apply = {.db = writer->db,
                  .generation = end->number,
                  .now = end->as_of,
                  .window_s = writer->store->options.window_s,
                  .meta = &meta,
                  .spool = &writer->spool,
                  .stop = &writer->stop},
        .end = end,
        .strings = arena_init(),
        .measure_id = STR_NONE,
    };
    spool_begin_batch(&writer->spool, &meta, end->as_of);
    ErrCode rc = follow_in_transaction(&follow, next, ctx, err);
    if (rc != OK)
        return err_context(err, "follow generation %" PRIu64, end->number);
    writer->meta = meta;
    follow.apply.applied.generation = end->number;
    follow.apply.applied.changed = true;
    follow.apply.applied.readings_held = meta.readings;
    *ret_applied = follow.apply.applied;
    if (announce)
        writer_announce(writer);
    return OK;
}

void writer_announce(Writer *writer)
{
    store_announce(writer->store, &writer->meta);
}

ErrCode writer_followed(Writer *writer, Str ingester, uint32_t *ret_epoch, uint64_t *ret_number,
                        Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(writer->db, WRITE_FIND_SOURCE);
    bool row = false;
    sql_bind_str(st, 1, ingester);
    ErrCode rc = sql_step(writer->db, st, &row, err);
    if (rc != OK)
        return rc;
    if (!row)
        return err_set(err, ERR_NOT_FOUND, "no generation of " STR_FMT " was followed",
                       STR_ARG(ingester));
    *ret_epoch = (uint32_t) sql_int(st, 0);
    *ret_number = (uint64_t) sql_int(st, 1);
    return OK;
}

ErrCode writer_resume(Writer *writer, int64_t *ret_resume, Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(writer->db, WRITE_READ_RESUME);
    bool row = false;
    ErrCode rc = sql_step(writer->db, st, &row, err);
    if (rc == OK)
        *ret_resume = row && sqlite3_column_type(st, 0) != SQLITE_NULL ? sql_int(st, 0) : -1;
    return rc;
}
