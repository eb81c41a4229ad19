#include "ingest/committer.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"

enum { GENERATION_EVERY_MS = 1000 };

/* By the wall clock, as generations are dated by it. One that was set back makes nobody wait. */
static ErrCode wait_turn(const Committer *committer, Err *err)
{
    int64_t began_ms = clock_now_ms();
    int64_t due_ms = committer->made_at_ms + GENERATION_EVERY_MS;
    if (committer->made_at_ms > began_ms)
        return OK;
    while (clock_now_ms() < due_ms)
        if (!worker_sleep(committer->worker, due_ms))
            return err_set(err, ERR_STOPPED, "stopped before a batch was applied");
    return OK;
}

static void count_readings(const ReadingCounts *counts)
{
    const MetricChange changes[] = {
        {METRIC_READINGS_RECEIVED, counts->received},
        {METRIC_READINGS_NEW, counts->fresh},
        {METRIC_READINGS_LATE, counts->late},
        {METRIC_READINGS_UNCHANGED, counts->unchanged},
        {METRIC_READINGS_CORRECTED, counts->corrected},
        {METRIC_READINGS_EXPIRED, counts->expired},
        {METRIC_READINGS_QUARANTINED, counts->quarantined},
    };
    metric_add_all(changes, countof(changes));
}

ErrCode commit_batch(Committer *committer, const Batch *batch, Fault fault, PollReport *report,
                     Applied *ret_applied, Err *err)
{
    Applied applied;
    ErrCode rc = wait_turn(committer, err);
    if (rc != OK)
        return rc;
    Cost began = clock_cost(), apply = {.wall_us = 0};
    rc = writer_apply(committer->writer, batch, fault, clock_now(), &applied, err);
    clock_add_cost(&apply, began);
    if (rc != OK)
        return rc;
    if (applied.changed)
        committer->made_at_ms = clock_now_ms();
    committer->readings_held = applied.readings_held;
    cost_add(&report->apply, apply);
    cost_add(&report->trim, applied.trim);
    cost_add(&report->commit, applied.commit);
    cost_add(&report->announce, applied.announce);
    report->generation = applied.generation;
    metric_set(METRIC_APPLY_MS, apply.wall_us / 1000);
    reading_counts_add(&report->readings, &applied.readings);
    count_readings(&applied.readings);
    metric_add(METRIC_READINGS_RELEASED, applied.released);
    if (applied.quarantine_error.code != OK)
        log_warn("ingest quarantine not kept error=" LOG_TEXT, applied.quarantine_error.text);
    *ret_applied = applied;
    return OK;
}
