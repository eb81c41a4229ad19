#include "store/inside.h"

#include "base/clock.h"
#include "base/metrics.h"
#include "store/meant.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- open, close ----------------------------------------------------------------------------- */

/* The epoch last: see store_generation_tag(). */
static void publish(Store *store, const Meta *meta)
{
    atomic_store(&store->copied, meta->is_copy ? meta->generation : meta->epoch_before_last);
    atomic_store(&store->epoch_before, meta->epoch_before);
    atomic_store(&store->epoch_before_last, meta->epoch_before_last);
    atomic_store(&store->epoch, meta->epoch);
    atomic_store(&store->as_of, meta->as_of);
    atomic_store(&store->generation, meta->generation);
    metric_set(METRIC_GENERATION, (int64_t) meta->generation);
    metric_set(METRIC_AS_OF, meta->as_of == NO_TIME ? 0 : meta->as_of);
    metric_set(METRIC_STATIONS, meta->stations);
    metric_set(METRIC_MEASURES, meta->measures);
    metric_set(METRIC_READINGS_HELD, meta->readings);
}

static Store *make(const StoreOptions *options)
{
    Store *store = calloc(1, sizeof *store);
    Snapshot *snapshots = calloc(options->reader_count, sizeof *snapshots);
    if (store == NULL || snapshots == NULL) {
        free(store);
        free(snapshots);
        return NULL;
    }
    store->options = *options;
    store->options.data_dir = NULL;
    store->options.fill_ctx = NULL;
    store->next_expected = NO_TIME;
    store->failing_since = NO_TIME;
    store->snapshots = snapshots;
    lock_init(&store->lock);
    lock_init(&store->preparing);
    lock_init(&store->watching);
    cond_init(&store->came_back);
    for (size_t i = 0; i < options->reader_count; i++) {
        snapshots[i] = (Snapshot){.store = store, .next_idle = store->idle};
        store->idle = &snapshots[i];
    }
    store->idle_count = options->reader_count;
    return store;
}

static void destroy(Store *store)
{
    cond_release(&store->came_back);
    lock_release(&store->watching);
    lock_release(&store->preparing);
    lock_release(&store->lock);
    free(store->snapshots);
    free(store);
}

ErrCode store_open(const StoreOptions *options, Store **ret_store,
                   char ret_set_aside[static STORE_NOTE_SIZE], Err *err)
{
    assert(options->reader_count >= 1);
    db_setup();
    ret_set_aside[0] = '\0';
    Store *store = make(options);
    if (store == NULL)
        return err_set(err, ERR_NO_MEMORY, "store: no memory for %zu readers",
                       options->reader_count);

    Meta meta = {.generation = 0};
    const Filler filler = {.fn = options->fill, .ctx = options->fill_ctx};
    ErrCode rc = files_open(&store->files, options->data_dir, options->check_max_bytes, &filler,
                            &store->damaged, ret_set_aside, STORE_NOTE_SIZE, err);
    if (rc != OK) {
        destroy(store);
        return rc;
    }
    rc = meta_read(&store->files.store, WRITE_READ_META, &meta, err);
    if (rc != OK) {
        files_close(&store->files, true);
        destroy(store);
        return rc;
    }
    publish(store, &meta);
    rc = exports_read_mark(store, err);
    if (rc != OK) {
        files_close(&store->files, true);
        destroy(store);
        return rc;
    }
    *ret_store = store;
    return OK;
}

void store_close(Store *store)
{
    if (store == NULL)
        return;
    assert(!store->has_writer && store->idle_count == store->options.reader_count);
    for (size_t i = 0; i < store->options.reader_count; i++) {
        db_close(&store->snapshots[i].db);
        db_close(&store->snapshots[i].ledger);
        db_close(&store->snapshots[i].spool);
    }
    bool damaged = atomic_load(&store->damaged);
    if (damaged)
        files_note_damage(&store->files);
    files_close(&store->files, damaged);
    destroy(store);
}

/* ---- what is newest -------------------------------------------------------------------------- */

uint64_t store_generation(const Store *store)
{
    return atomic_load(&store->generation);
}

UnixSec store_as_of(const Store *store)
{
    return atomic_load(&store->as_of);
}

uint32_t store_epoch(const Store *store)
{
    return atomic_load(&store->epoch);
}

void store_generation_tag(const Store *store, uint64_t generation,
                          char tag[static GENERATION_TAG_SIZE])
{
    /* The epoch is read first and written last: whoever sees a new one sees where the one before
     * ended, and an announced generation never gets an epoch that is not its own. */
    uint32_t epoch = atomic_load(&store->epoch);
    if (generation <= atomic_load(&store->epoch_before_last))
        epoch = atomic_load(&store->epoch_before);
    (void) snprintf(tag, GENERATION_TAG_SIZE, "%08" PRIx32 "-%" PRIu64, epoch, generation);
}

UnixSec store_failing_since(const Store *store)
{
    return atomic_load(&store->failing_since);
}

Service store_copy_service(const Store *store)
{
    return (Service){.fault = (Fault) atomic_load(&store->copy_fault),
                     .since = atomic_load(&store->copy_fault_since)};
}

void store_expect_next(Store *store, UnixSec when)
{
    atomic_store(&store->next_expected, when);
}

UnixSec store_next_expected(const Store *store)
{
    return atomic_load(&store->next_expected);
}

ErrCode store_watch(Store *store, WatchFn *fn, void *ctx, Err *err)
{
    lock_take(&store->watching);
    bool has_room = store->watcher_count < STORE_WATCHERS_MAX;
    if (has_room) {
        store->watchers[store->watcher_count].fn = fn;
        store->watchers[store->watcher_count++].ctx = ctx;
    }
    lock_give(&store->watching);
    return has_room ? OK
                    : err_set(err, ERR_BUSY, "store: more than %d watchers", STORE_WATCHERS_MAX);
}

void store_unwatch(Store *store, WatchFn *fn, void *ctx)
{
    size_t kept = 0;
    lock_take(&store->watching);
    for (size_t i = 0; i < store->watcher_count; i++)
        if (store->watchers[i].fn != fn || store->watchers[i].ctx != ctx)
            store->watchers[kept++] = store->watchers[i];
    store->watcher_count = kept;
    lock_give(&store->watching);
}

void store_prepare(Store *store, WatchFn *fn, void *ctx)
{
    lock_take(&store->preparing);
    store->prepare.fn = fn;
    store->prepare.ctx = ctx;
    lock_give(&store->preparing);
}

void store_tell_watchers(Store *store)
{
    uint64_t generation = store_generation(store);
    lock_take(&store->watching);
    for (size_t i = 0; i < store->watcher_count; i++)
        store->watchers[i].fn(store->watchers[i].ctx, generation);
    lock_give(&store->watching);
}

void store_announce(Store *store, const Meta *meta)
{
    lock_take(&store->preparing);
    if (store->prepare.fn != NULL)
        store->prepare.fn(store->prepare.ctx, meta->generation);
    lock_give(&store->preparing);
    publish(store, meta);
    store_tell_watchers(store);
}

/* ---- the pool of readers --------------------------------------------------------------------- */

static Snapshot *take_idle(Store *store)
{
    int64_t deadline_ms = clock_elapsed_ms() + store->options.snapshot_wait_ms;
    lock_take(&store->lock);
    while (store->idle == NULL && cond_wait(&store->came_back, &store->lock, deadline_ms))
        ;
    Snapshot *snap = store->idle;
    if (snap != NULL) {
        store->idle = snap->next_idle;
        store->idle_count--;
    }
    lock_give(&store->lock);
    return snap;
}

static void put_idle(Snapshot *snap)
{
    Store *store = snap->store;
    lock_take(&store->lock);
    snap->next_idle = store->idle;
    store->idle = snap;
    store->idle_count++;
    cond_signal_all(&store->came_back);
    lock_give(&store->lock);
}

static ErrCode connect(Snapshot *snap, Err *err)
{
    if (snap->db.handle != NULL)
        return OK;
    const Files *files = &snap->store->files;
    ErrCode rc = db_open(&snap->db, files->store_path, files->store.name, DB_READ,
                         &snap->store->damaged, err);
    if (rc == OK)
        rc = db_prepare(&snap->db, READ_SQL, READ_SQL_COUNT, err);
    if (rc != OK)
        db_close(&snap->db);
    return rc;
}

/* The first read after BEGIN fixes the place in the log: the number and all that is read after it
 * belong together. */
static ErrCode pin(Snapshot *snap, Err *err)
{
    ErrCode rc = sql_run(&snap->db, sql_begin(&snap->db, READ_BEGIN), err);
    if (rc == OK)
        rc = meta_read(&snap->db, READ_META, &snap->meta, err);
    if (rc != OK)
        return rc;
    snap->info = (SnapshotInfo){
        .epoch = snap->meta.epoch,
        .generation = snap->meta.generation,
        .as_of = snap->meta.as_of,
        .readings = snap->meta.readings,
        .service = snap->meta.service,
    };
    /* Not by store_generation_tag(): the snapshot may be of an epoch that is not announced yet. */
    (void) snprintf(snap->info.tag, sizeof snap->info.tag, "%08" PRIx32 "-%" PRIu64,
                    snap->meta.epoch, snap->meta.generation);
    return OK;
}

ErrCode store_snapshot(Store *store, Snapshot **ret_snap, Err *err)
{
    Snapshot *snap = take_idle(store);
    if (snap == NULL) {
        metric_add(METRIC_SNAPSHOT_BUSY, 1);
        return err_set(err, ERR_BUSY, "store: no reader came free within %" PRId64 " ms",
                       store->options.snapshot_wait_ms);
    }
    ErrCode rc = connect(snap, err);
    if (rc == OK)
        rc = pin(snap, err);
    if (rc != OK) {
        db_close(&snap->db);
        put_idle(snap);
        return rc;
    }
    *ret_snap = snap;
    return OK;
}

void snapshot_close(Snapshot *snap)
{
    if (snap == NULL)
        return;
    Err err;
    if (sql_run(&snap->db, sql_begin(&snap->db, READ_END), &err) != OK)
        db_close(&snap->db); /* whatever it is in, the next one starts afresh */
    meant_forget(snap);
    put_idle(snap);
}

void snapshot_closep(Snapshot **snap)
{
    snapshot_close(*snap);
}

const SnapshotInfo *snapshot_info(const Snapshot *snap)
{
    return &snap->info;
}
