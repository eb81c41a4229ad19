#include "export/exporter.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/worker.h"
#include "export/adopt.h"
#include "export/compact.h"
#include "export/history.h"
#include "export/keep.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FIRST_AFTER_S = 60, /* the start has brought most of what it can bring */
    RETRY_MIN_S = 30,   /* doubles, up to the interval */
    DAY_S = 86400,
};

struct Exporter {
    Store *store;
    BlobStore blobs;
    ExportOptions options;
    Exports *exports;
    Worker *worker;
    /* set by who stops it: by when an export must be done, and that nothing is joined any more */
    Until until, joining_until;
    /* the worker's thread, then who stops it */
    char exported[GENERATION_TAG_SIZE]; /* the newest that is; "": not known */
    int failures;                       /* in a row */
    UnixSec next_tidying;               /* the beginning of a day: then another day may be due */
    bool has_adopted;                   /* what lies there and was not listed */
};

/* ---- one round --------------------------------------------------------------------------------- */

typedef struct Round {
    int64_t rows; /* of history */
    bool made;    /* the objects of a generation */
    Objects objects;
} Round;

static bool is_exported(const Exporter *exporter, const SnapshotInfo *info)
{
    return info->generation == 0 || strcmp(exporter->exported, info->tag) == 0;
}

/* History and objects are of one snapshot: what the objects lack, history has. */
static ErrCode read_snapshot(Exporter *exporter, Round *round, History **ret_history,
                             bool *ret_more, Err *err)
{
    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    ErrCode rc = store_snapshot(exporter->store, &snap, err);
    if (rc == OK)
        rc = history_gather(exporter->exports, snap, &exporter->options.object, ret_history,
                            ret_more, err);
    if (rc != OK || *ret_more || is_exported(exporter, snapshot_info(snap)))
        return rc;
    rc = objects_make(&snap, &exporter->options.object, &round->objects, err);
    round->made = rc == OK;
    return rc;
}

static ErrCode export_history(Exporter *exporter, Round *round, Err *err)
{
    ErrCode rc = history_clear_plan(exporter->exports, &exporter->blobs, err);
    for (bool more = true; more && rc == OK;) {
        History *history = NULL;
        int64_t rows = 0;
        rc = read_snapshot(exporter, round, &history, &more, err);
        if (rc == OK)
            rc = history_put(history, exporter->exports, &exporter->blobs,
                             &exporter->options.object, clock_now(), &rows, err);
        round->rows += rows;
        history_free(history);
    }
    return rc;
}

static ErrCode export_objects(Exporter *exporter, const Objects *objects, Err *err)
{
    CLEANUP(buf_release) Buf manifest = buf_init(MANIFEST_MAX_BYTES);
    Str generation = objects->manifest.generation;
    ErrCode rc = objects_put(objects, &exporter->options.object, &exporter->blobs, &manifest, err);
    if (rc == OK)
        rc = exports_add(exporter->exports, generation, objects->manifest.as_of, clock_now(),
                         buf_view(&manifest), err);
    if (rc == OK)
        memcpy(exporter->exported, generation.ptr, generation.len + 1); /* an arena's: with a NUL */
    return rc;
}

static ErrCode export_round(Exporter *exporter, Round *round, Err *err)
{
    ErrCode rc = export_history(exporter, round, err);
    if (rc == OK && round->made)
        rc = export_objects(exporter, &round->objects, err);
    if (rc == OK)
        rc = compact_remove(exporter->exports, &exporter->blobs, clock_now(), err);
    if (rc == OK)
        rc = keep_apply(exporter->exports, &exporter->blobs, &exporter->options, clock_now(), err);
    return rc;
}

static ErrCode export_once(Exporter *exporter, Err *err)
{
    Round round = {.rows = 0};
    int64_t began_ms = clock_elapsed_ms();
    ErrCode rc = export_round(exporter, &round, err);
    metric_add(rc == OK ? METRIC_EXPORTS_OK : METRIC_EXPORTS_FAILED, 1);
    if (rc == OK) {
        exporter->failures = 0;
        metric_set(METRIC_LAST_EXPORT, clock_now());
        if (round.made || round.rows > 0)
            log_info("export done generation=%s history=%" PRId64 " took_ms=%" PRId64,
                     exporter->exported, round.rows, clock_elapsed_ms() - began_ms);
    } else {
        exporter->failures++;
        log_warn("export failed in_a_row=%d error=" LOG_TEXT, exporter->failures, err->text);
    }
    if (round.made)
        objects_release(&round.objects);
    return rc;
}

/* ---- beside the rounds ------------------------------------------------------------------------- */

/* Once, where the ledger may have been lost. What is wrong there must not hold up what is new: it is tried
 * again before the next round. */
static void adopt(Exporter *exporter)
{
    Err err;
    int count = 0;
    if (exporter->has_adopted)
        return;
    ErrCode rc =
        adopt_generations(exporter->exports, &exporter->blobs,
                          str_of(exporter->options.object.shard), clock_now(), &count, &err);
    if (count > 0)
        log_info("export found generations that were not listed count=%d", count);
    if (rc != OK)
        log_warn("export failed error=" LOG_TEXT, err.text);
    exporter->has_adopted = rc == OK;
}

static void join_days(Exporter *exporter, UnixSec now)
{
    Err err;
    int days = 0;
    ObjectOptions options = exporter->options.object;
    options.until = &exporter->joining_until; /* it can wait: the next start does it */
    ErrCode rc = compact_days(exporter->exports, &exporter->blobs, &options, now, &days, &err);
    if (days > 0)
        log_info("export joined days=%d", days);
    if (rc != OK && rc != ERR_STOPPED)
        log_warn("export failed error=" LOG_TEXT, err.text);
}

static void sweep(Exporter *exporter, UnixSec now)
{
    Err err;
    int count = 0;
    ErrCode rc =
        keep_sweep(&exporter->blobs, str_of(exporter->options.object.shard), now, &count, &err);
    if (count > 0)
        log_info("export swept what was never completed count=%d", count);
    if (rc != OK && rc != ERR_STOPPED)
        log_warn("export sweep failed error=" LOG_TEXT, err.text);
}

/* Once a day and at the start. What is wrong with an old day must not hold up what is new. */
static void tidy(Exporter *exporter)
{
    UnixSec now = clock_now();
    if (now < exporter->next_tidying)
        return;
    join_days(exporter, now);
    sweep(exporter, now);
    exporter->next_tidying = now - now % DAY_S + DAY_S;
}

/* ---- the worker -------------------------------------------------------------------------------- */

static int64_t wait_s(const Exporter *exporter)
{
    int64_t interval_s = exporter->options.interval_s, retry_s = RETRY_MIN_S;
    if (exporter->failures == 0)
        return interval_s;
    for (int i = 1; i < exporter->failures && retry_s < interval_s; i++)
        retry_s *= 2;
    return retry_s < interval_s ? retry_s : interval_s;
}

static void run(Worker *self, void *ctx)
{
    Exporter *exporter = ctx;
    int64_t interval_s = exporter->options.interval_s;
    UnixSec next = clock_now() + (interval_s < FIRST_AFTER_S ? interval_s : FIRST_AFTER_S);
    while (worker_sleep(self, next * 1000)) {
        Err err;
        if (clock_now() < next)
            continue;
        adopt(exporter);
        if (export_once(exporter, &err) == OK)
            tidy(exporter);
        next = clock_now() + wait_s(exporter);
    }
}

static bool note_newest(Str generation, UNUSED UnixSec as_of, void *ctx)
{
    Exporter *exporter = ctx;
    (void) snprintf(exporter->exported, sizeof exporter->exported, STR_FMT, STR_ARG(generation));
    return false;
}

static void close_all(Exporter *exporter)
{
    exports_close(exporter->exports);
    blob_store_close(&exporter->blobs);
    free(exporter);
}

/* NULL: see err; `blobs` is closed then. */
static Exporter *open_all(Store *store, BlobStore blobs, const ExportOptions *options, Err *err)
{
    Exporter *exporter = calloc(1, sizeof *exporter);
    if (exporter == NULL) {
        blob_store_close(&blobs);
        (void) err_set(err, ERR_NO_MEMORY, "export: no memory");
        return NULL;
    }
    exporter->store = store;
    exporter->blobs = blobs;
    exporter->options = *options;
    exporter->options.object.until = &exporter->until;
    until_init(&exporter->until);
    until_init(&exporter->joining_until);
    if (exports_open(store, &exporter->exports, err) == OK &&
        exports_each(exporter->exports, note_newest, exporter, err) == OK)
        return exporter;
    close_all(exporter);
    return NULL;
}

ErrCode exporter_start(Store *store, BlobStore blobs, const ExportOptions *options,
                       Exporter **ret_exporter, Err *err)
{
    Exporter *exporter = open_all(store, blobs, options, err);
    if (exporter == NULL)
        return err->code;
    CLEANUP(buf_release) Buf where = buf_init(1024);
    exporter->blobs.describe(exporter->blobs.ctx, &where);
    log_info("export begins to=" STR_FMT " every_s=%" PRId64, STR_ARG(buf_view(&where)),
             options->interval_s);
    ErrCode rc = worker_start("export", WORKER_BACKGROUND, run, exporter, &exporter->worker, err);
    if (rc != OK)
        close_all(exporter);
    else
        *ret_exporter = exporter;
    return rc;
}

void exporter_stop(Exporter *exporter, int64_t until_ms)
{
    Err err;
    if (exporter == NULL)
        return;
    until_set(&exporter->joining_until, 0);
    until_set(&exporter->until, until_ms);
    exporter->blobs.hurry(exporter->blobs.ctx, until_ms);
    worker_stop(exporter->worker);
    if (until_check(&exporter->until, &err) == OK)
        (void) export_once(exporter, &err);
    close_all(exporter);
}

ErrCode exporter_once(Store *store, BlobStore blobs, const ExportOptions *options, Err *err)
{
    Exporter *exporter = open_all(store, blobs, options, err);
    if (exporter == NULL)
        return err->code;
    adopt(exporter);
    ErrCode rc = store_generation(store) > 0
                     ? export_once(exporter, err)
                     : err_set(err, ERR_NOT_FOUND, "there is nothing to export yet");
    close_all(exporter);
    return rc;
}
