#include "store/apply.h"

#include "base/metrics.h"
#include "store/spool.h"

#include <inttypes.h>
#include <stdlib.h>

enum { TRUNCATE_WAIT_MS = 200, BUSY_MS = 5000 };

static ErrCode make_writer(Store *store, Writer **ret_writer, Err *err)
{
    Meta meta = {.generation = 0};
    ErrCode rc = meta_read(&store->files.store, WRITE_READ_META, &meta, err);
    if (rc != OK)
        return rc;
    Writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL)
        return err_set(err, ERR_NO_MEMORY, "store: no memory for a writer");
    *writer = (Writer){
        .store = store,
        .db = &store->files.store,
        .ledger = &store->files.ledger,
        .meta = meta,
        .slot = NO_TIME,
        .spool = {.db = &store->files.spool,
                  .max_bytes = store->options.spool_max_bytes,
                  .exported = &store->exported},
    };
    *ret_writer = writer;
    return OK;
}

static bool set_has_writer(Store *store, bool has)
{
    lock_take(&store->lock);
    bool had = store->has_writer;
    store->has_writer = has;
    lock_give(&store->lock);
    return had;
}

ErrCode store_writer(Store *store, Writer **ret_writer, Err *err)
{
    if (set_has_writer(store, true))
        return err_set(err, ERR_BUSY, "store: there is a writer already");
    ErrCode rc = make_writer(store, ret_writer, err);
    if (rc != OK)
        (void) set_has_writer(store, false);
    return rc;
}

void writer_close(Writer *writer)
{
    if (writer == NULL)
        return;
    (void) set_has_writer(writer->store, false);
    arena_release(&writer->gaps.strings);
    free(writer->gaps.items);
    free(writer->unknown);
    free(writer);
}

void writer_stop(Writer *writer)
{
    atomic_store(&writer->stop, true);
}

Service writer_service(const Writer *writer)
{
    return writer->meta.service;
}

ErrCode writer_oldest_newest(Writer *writer, UnixSec since, UnixSec *ret_time, Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(writer->db, WRITE_OLDEST_NEWEST);
    bool row = false;
    sql_bind_int(st, 1, since);
    ErrCode rc = sql_step(writer->db, st, &row, err);
    if (rc == OK)
        *ret_time = row ? sql_time(st, 0) : NO_TIME;
    return rc;
}

ErrCode writer_has_station(Writer *writer, Str id, bool *ret_has, Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(writer->db, WRITE_FIND_STATION);
    sql_bind_str(st, 1, id);
    return sql_step(writer->db, st, ret_has, err);
}

ErrCode writer_is_settled(Writer *writer, bool *ret_settled, Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(writer->ledger, LEDGER_LAST_OUTCOME);
    bool row = false;
    ErrCode rc = sql_step(writer->ledger, st, &row, err);
    if (rc != OK)
        return rc;
    uint64_t recorded = row ? (uint64_t) sql_int(st, 0) : 0;
    bool went_well = !row || sql_int(st, 1) == FAULT_NONE;
    *ret_settled = went_well && recorded == writer->meta.generation;
    return OK;
}

ErrCode writer_count_expected(Writer *writer, UnixSec slot, int64_t most, int64_t *ret_expected,
                              int64_t *ret_measures, Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(writer->db, WRITE_COUNT_EXPECTED);
    bool row = false;
    sql_bind_int(st, 1, slot);
    sql_bind_int(st, 2, most);
    ErrCode rc = sql_step(writer->db, st, &row, err);
    if (rc != OK)
        return rc;
    *ret_expected = row ? sql_int(st, 0) : 0;
    *ret_measures = row ? sql_int(st, 1) : 0;
    return OK;
}

/* ---- applying -------------------------------------------------------------------------------- */

int apply_number(Apply *apply, sqlite3_stmt *st, int at)
{
    sql_bind_int(st, at, (int64_t) apply->generation);
    sql_bind_int(st, at + 1, (int64_t) apply->place++);
    return at + 2;
}

ErrCode apply_go_on(const Apply *apply, Err *err)
{
    return atomic_load(apply->stop) ? err_set(err, ERR_STOPPED, "asked to stop") : OK;
}

/* The first generation says since when the service is what it is. A copy stays as it is until there is
 * more to say than whose fault it is. */
static void note_service(Apply *apply, Fault fault)
{
    Service *service = &apply->meta->service;
    if (service->fault != fault) {
        *service = (Service){.fault = fault, .since = apply->now};
        apply->changed = apply->changed || !apply->of_copy;
    } else if (service->since == NO_TIME) {
        service->since = apply->now;
    }
}

static ErrCode apply_all(Apply *apply, Fault fault, Err *err)
{
    ErrCode rc = apply_go_on(apply, err);
    if (rc == OK)
        rc = apply_catalogue(apply, err);
    if (rc == OK)
        rc = apply_types(apply, err);
    if (rc == OK)
        rc = apply_more(apply, err);
    if (rc == OK)
        rc = apply_readings(apply, err);
    if (rc == OK)
        rc = apply_removals(apply, err);
    if (rc == OK)
        rc = apply_crossings(apply, err);
    if (rc == OK)
        note_service(apply, fault);
    return rc;
}

/* What is spooled first: see there. */
static ErrCode commit(Apply *apply, Err *err)
{
    Cost began = clock_cost();
    spool_commit(apply->spool);
    ErrCode rc = sql_run(apply->db, sql_begin(apply->db, WRITE_COMMIT), err);
    clock_add_cost(&apply->applied.commit, began);
    return rc;
}

/* In a transaction that ends with a commit where something changed, and leaves no trace otherwise. */
static ErrCode apply_in_transaction(Writer *writer, Apply *apply, Fault fault, Err *err)
{
    ErrCode rc = sql_run(writer->db, sql_begin(writer->db, WRITE_BEGIN), err);
    if (rc != OK)
        return rc;
    rc = apply_all(apply, fault, err);
    if (rc == OK && apply->changed) {
        apply->meta->generation = apply->generation;
        apply->meta->as_of = apply->now;
        rc = meta_write(writer->db, apply->meta, err);
        if (rc == OK)
            rc = commit(apply, err);
    } else if (rc == OK) {
        spool_commit(apply->spool); /* what expired changes no generation */
    }
    if (rc != OK || !apply->changed)
        db_rollback(writer->db);
    spool_rollback(apply->spool); /* what is not kept by now */
    return rc;
}

/* How long before this slot no poll of ours went well, beyond the interval of polls. */
static ErrCode find_away(Writer *writer, Apply *apply, Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(writer->ledger, LEDGER_LAST_GOOD_SLOT);
    bool row = false;
    ErrCode rc = sql_step(writer->ledger, st, &row, err);
    if (rc != OK || !row)
        return rc;
    int64_t since_s = apply->slot - sql_int(st, 0), poll_s = apply->poll_s;
    apply->away_s = poll_s > 0 && since_s > poll_s ? since_s - poll_s : 0;
    return OK;
}

/* The first failure of a row counts. Only a commit ends it: a batch that changes nothing writes
 * nothing, and proves nothing. */
static void note_failure(Store *store, ErrCode rc, UnixSec now)
{
    int64_t none = NO_TIME;
    if (rc == ERR_STORAGE || rc == ERR_CORRUPT)
        (void) atomic_compare_exchange_strong(&store->failing_since, &none, now);
}

/* What a copy's generation does not say. The moment first, for who reads the fault. */
static void note_copy_fault(Store *store, Fault fault, UnixSec now)
{
    if (atomic_load(&store->copy_fault) == (int) fault)
        return;
    atomic_store(&store->copy_fault_since, now);
    atomic_store(&store->copy_fault, (int) fault);
}

ErrCode writer_apply(Writer *writer, const Batch *batch, Fault fault, UnixSec now,
                     Applied *ret_applied, Err *err)
{
    Meta meta = writer->meta;
    if (batch->slot != NO_TIME) {
        writer->slot = batch->slot;
        writer->poll_s = batch->poll_s;
    }
    Apply apply = {
        .db = writer->db,
        .batch = batch,
        .generation = writer->meta.generation + 1,
        .now = now,
        .slot = writer->slot != NO_TIME ? writer->slot : now,
        .poll_s = writer->poll_s,
        .window_s = writer->store->options.window_s,
        .of_copy = writer->meta.is_copy,
        .meta = &meta,
        .gaps = &writer->gaps,
        .spool = &writer->spool,
        .stop = &writer->stop,
    };
    if (meta.is_copy)
        meta_leave_copy(&meta); /* kept, if this makes a generation */
    spool_begin_batch(&writer->spool, &meta, now);
    arena_release(&writer->gaps.strings);
    writer->gaps.count = 0;
    Err ledger_err;
    (void) find_away(writer, &apply, &ledger_err); /* trouble of the ledger costs no reading */
    ErrCode rc = apply_in_transaction(writer, &apply, fault, err);
    if (rc != OK) {
        free(apply.unknown);
        free(apply.unknown_ids);
        note_failure(writer->store, rc, now);
        return err_context(err, "apply generation %" PRIu64, apply.generation);
    }
    /* The ledger comes after the commit: it may lack a refusal, it must not hold one of a batch
     * that was rolled back and comes again. */
    ledger_note_batch(writer, batch, apply.unknown, batch->is_release ? 0 : apply.unknown_count,
                      now, &apply.applied);
    free(apply.unknown);
    free(writer->unknown);
    writer->unknown = apply.unknown_ids;

    if (apply.changed) {
        writer->meta = meta;
        atomic_store(&writer->store->failing_since, NO_TIME);
        Cost began = clock_cost();
        store_announce(writer->store, &meta);
        clock_add_cost(&apply.applied.announce, began);
    }
    bool beside = writer->meta.is_copy && writer->meta.service.fault != fault;
    note_copy_fault(writer->store, beside ? fault : FAULT_NONE, now);
    apply.applied.history_lost = writer->spool.lost;
    apply.applied.spool_error = writer->spool.err;
    apply.applied.generation = writer->meta.generation;
    apply.applied.changed = apply.changed;
    apply.applied.readings_held = writer->meta.readings;
    apply.applied.unknown = writer->unknown;
    apply.applied.gaps = writer->gaps.items;
    apply.applied.gap_count = writer->gaps.count;
    *ret_applied = apply.applied;
    return OK;
}

/* ---- the log --------------------------------------------------------------------------------- */

/* A reader that stays in the log is no fault: the next checkpoint comes further. */
static ErrCode checkpoint(Writer *writer, int mode, Err *err)
{
    int rc = sqlite3_wal_checkpoint_v2(writer->db->handle, NULL, mode, NULL, NULL);
    return rc == SQLITE_OK || (rc & 0xff) == SQLITE_BUSY ? OK
                                                         : db_fail(writer->db, err, "checkpoint");
}

ErrCode writer_checkpoint(Writer *writer, Err *err)
{
    const Store *store = writer->store;
    ErrCode rc = checkpoint(writer, SQLITE_CHECKPOINT_PASSIVE, err);
    if (rc == OK && files_bytes(store->files.store_path, "-wal") > store->options.wal_max_bytes) {
        (void) sqlite3_busy_timeout(writer->db->handle, TRUNCATE_WAIT_MS);
        rc = checkpoint(writer, SQLITE_CHECKPOINT_TRUNCATE, err);
        (void) sqlite3_busy_timeout(writer->db->handle, BUSY_MS);
    }
    metric_set(METRIC_WAL_BYTES, files_bytes(store->files.store_path, "-wal"));
    return rc;
}
