#include "ingest/backfill.h"

#include "base/clock.h"
#include "base/log.h"
#include "ingest/parse.h"
#include "ingest/plan.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    APPLY_EVERY_MS = 1000,   /* readers and subscribers need no more generations than that */
    APPLY_READINGS = 200000, /* what may wait in memory for it */
    FAILURES_MAX = 3,        /* in a row: the upstream is in trouble, it is not the one request */
    PAGES_MAX = 100000,      /* a feed that never ends a list must not hold us for ever */
    DAILY_S = 26 * 3600,     /* so old is the newest of a gauge that is read out once a day */
};

struct Backfill {
    BackfillOptions options;
    Arena strings; /* of `wanted` */
    SeriesGap *wanted;
    size_t wanted_count, wanted_cap;
    UnixSec next_sweep; /* NO_TIME: one interval after the first run */
};

/* One run. */
typedef struct Run {
    Backfill *backfill;
    Upstream *upstream;
    Committer *committer;
    Fault fault;
    Batch batch;           /* fetched, not yet applied */
    int64_t applied_at_ms; /* or when the run began: a quick one is applied once, at its end */
    int failures;          /* in a row */
    PollReport *report;
    Filled filled;
} Run;

ErrCode backfill_open(const BackfillOptions *options, Backfill **ret, Err *err)
{
    Backfill *backfill = calloc(1, sizeof *backfill);
    if (backfill == NULL)
        return err_set(err, ERR_NO_MEMORY, "no memory for backfill");
    backfill->options = *options;
    backfill->next_sweep = NO_TIME;
    *ret = backfill;
    return OK;
}

void backfill_close(Backfill *backfill)
{
    if (backfill == NULL)
        return;
    arena_release(&backfill->strings);
    free(backfill->wanted);
    free(backfill);
}

void backfill_sweep_soon(Backfill *backfill)
{
    backfill->next_sweep = clock_now();
}

/* ---- what is wanted ---------------------------------------------------------------------------- */

static bool grow_wanted(Backfill *backfill, size_t more)
{
    if (backfill->wanted_cap - backfill->wanted_count >= more)
        return true;
    size_t cap = (backfill->wanted_count + more) * 2;
    SeriesGap *wanted = reallocarray(backfill->wanted, cap, sizeof *wanted);
    if (wanted == NULL)
        return false;
    backfill->wanted = wanted;
    backfill->wanted_cap = cap;
    return true;
}

ErrCode backfill_want(Backfill *backfill, const SeriesGap *gaps, size_t count, Err *err)
{
    if (!grow_wanted(backfill, count))
        return err_set(err, ERR_NO_MEMORY, "no memory for %zu gaps", count);
    for (size_t i = 0; i < count; i++) {
        SeriesGap gap = gaps[i];
        if (!arena_copy(&backfill->strings, gaps[i].measure_id, &gap.measure_id) ||
            !arena_copy(&backfill->strings, gaps[i].station_id, &gap.station_id))
            return err_set(err, ERR_NO_MEMORY, "no memory for %zu gaps", count);
        backfill->wanted[backfill->wanted_count++] = gap;
    }
    return OK;
}

/* Forgets the gaps that `ask` closed; their strings stay until the list is empty. */
static void forget_covered(Backfill *backfill, const Ask *ask)
{
    size_t kept = 0;
    for (size_t i = 0; i < backfill->wanted_count; i++)
        if (!ask_covers(ask, &backfill->wanted[i]))
            backfill->wanted[kept++] = backfill->wanted[i];
    backfill->wanted_count = kept;
    if (kept == 0)
        arena_release(&backfill->strings);
}

/* ---- applying ---------------------------------------------------------------------------------- */

static ErrCode apply_batch(Run *run, Err *err)
{
    Applied applied;
    ErrCode rc = commit_batch(run->committer, &run->batch, run->fault, run->report, &applied, err);
    batch_release(&run->batch);
    run->applied_at_ms = clock_elapsed_ms();
    return rc;
}

static ErrCode apply_if_due(Run *run, Err *err)
{
    bool is_due = clock_elapsed_ms() - run->applied_at_ms >= APPLY_EVERY_MS;
    return is_due || run->batch.reading_count >= APPLY_READINGS ? apply_batch(run, err) : OK;
}

/* ---- asking ------------------------------------------------------------------------------------ */

static void put_page_path(const Ask *ask, int64_t offset, Buf *out)
{
    char since[CLOCK_TEXT_SIZE];
    clock_format(ask->since, since);
    switch (ask->kind) {
    case ASK_EVERYTHING:
        BUF_LITERAL(out, "/data/readings.csv");
        break;
    case ASK_STATION:
        BUF_LITERAL(out, "/id/stations/");
        http_put_encoded(out, ask->id);
        BUF_LITERAL(out, "/readings.csv");
        break;
    case ASK_MEASURE:
        BUF_LITERAL(out, "/id/measures/");
        http_put_encoded(out, ask->id);
        BUF_LITERAL(out, "/readings.csv");
        break;
    }
    /* Newest first: what is published between two pages moves readings to later ones, so that some come
     * twice and none is passed over. */
    buf_printf(out, "?since=%s&_sorted&_limit=%d", since, PLAN_PAGE_ROWS);
    if (offset > 0)
        buf_printf(out, "&_offset=%" PRId64, offset);
    buf_put_char(out, '\0');
}

static size_t rows_of(const Batch *batch)
{
    return batch->reading_count + batch->refusal_count + batch->foreign_count;
}

static ErrCode parse_page(Run *run, const HttpResult *answer, int64_t *ret_rows, Err *err)
{
    Batch *batch = &run->batch;
    size_t before = rows_of(batch);
    size_t max = batch->reading_count + run->backfill->options.max_batch_readings;
    Cost began = clock_cost();
    ErrCode rc = (upstream_is_csv(answer) ? parse_readings_csv : parse_readings)(
        http_body(answer), clock_now(), max, batch, err);
    clock_add_cost(&run->report->parse, began);
    *ret_rows = (int64_t) (rows_of(batch) - before);
    return rc;
}

static ErrCode fetch_page(Run *run, const Ask *ask, int64_t offset, int64_t *ret_rows, Err *err)
{
    CLEANUP(buf_release) Buf path = buf_init(4096);
    HttpResult answer;
    put_page_path(ask, offset, &path);
    if (buf_check(&path, err) != OK)
        return err_context(err, "address of readings");
    Cost began = clock_cost();
    ErrCode rc =
        upstream_fetch_path(run->upstream, path.ptr, &answer, &run->filled.retry_after_s, err);
    clock_add_cost(&run->report->fetch, began);
    if (rc != OK)
        return rc;
    rc = parse_page(run, &answer, ret_rows, err);
    http_result_release(&answer);
    return rc;
}

static bool is_worth_repeating(ErrCode rc)
{
    return rc != OK && rc != ERR_STOPPED && rc != ERR_NOT_FOUND && rc != ERR_BUSY;
}

/* All pages of an ask. A page that fails is asked for once more: the pages before it need not be. */
static ErrCode carry_out(Run *run, const Ask *ask, Err *err)
{
    int64_t rows = PLAN_PAGE_ROWS;
    for (int64_t page = 0; rows >= PLAN_PAGE_ROWS && page < PAGES_MAX; page++) {
        ErrCode rc = ERR_NETWORK;
        for (int attempt = 0; attempt < 2 && is_worth_repeating(rc); attempt++) {
            rc = fetch_page(run, ask, page * PLAN_PAGE_ROWS, &rows, err);
            if (run->filled.retry_after_s > 0)
                break;
        }
        if (rc == ERR_NOT_FOUND && ask->kind != ASK_EVERYTHING)
            return OK;
        if (rc == OK)
            rc = apply_if_due(run, err);
        if (rc != OK)
            return rc;
    }
    return OK;
}

static bool is_of_store(ErrCode rc)
{
    return rc == ERR_STORAGE || rc == ERR_CORRUPT;
}

/* In the order of their worth. */
static ErrCode carry_out_all(Run *run, Plan *plan, Err *err)
{
    ErrCode last = OK;
    size_t i = 0;
    for (; i < plan->count && run->failures < FAILURES_MAX; i++) {
        ErrCode rc = carry_out(run, &plan->asks[i], err);
        if (rc == OK) {
            run->failures = 0;
            run->filled.asks_done++;
            plan->asks[i].is_done = true;
            plan->asks[i].asked_at = clock_now();
            continue;
        }
        last = rc;
        run->failures++;
        run->filled.asks_left++;
        if (rc == ERR_STOPPED || is_of_store(rc) || rc == ERR_BUSY ||
            run->filled.retry_after_s > 0) {
            i++;
            break;
        }
    }
    run->filled.asks_left += (int64_t) (plan->count - i);
    return last;
}

/* ---- a run ------------------------------------------------------------------------------------- */

/* How many readings the whole network makes in a second: of what is held, or where little is held
 * yet, of what is wanted; either by all shards alike. */
static double rows_per_s(const Backfill *backfill, int64_t readings_held)
{
    uint32_t shards = backfill->options.shard.count;
    double held = (double) readings_held / (double) backfill->options.window_s, wanted = 0;
    for (size_t i = 0; i < backfill->wanted_count; i++) {
        int64_t period_s = backfill->wanted[i].period_s;
        wanted += 1.0 / (double) (period_s > 0 ? period_s : 900);
    }
    return (held > wanted ? held : wanted) * (shards > 1 ? shards : 1);
}

static UnixSec newest_wanted(const Backfill *backfill)
{
    UnixSec newest = NO_TIME;
    for (size_t i = 0; i < backfill->wanted_count; i++)
        if (backfill->wanted[i].until > newest)
            newest = backfill->wanted[i].until;
    return newest;
}

/* A sweep asks for everything, so that all gaps within its reach are closed by it too. */
static void plan_sweep(UnixSec since, UnixSec now, Plan *plan)
{
    Ask sweep = {.kind = ASK_EVERYTHING, .since = since, .until = now};
    size_t kept = 0;
    for (size_t i = 0; i < plan->count; i++)
        if (plan->asks[i].since < sweep.since)
            plan->asks[kept++] = plan->asks[i];
    for (size_t i = kept; i > 0; i--)
        plan->asks[i] = plan->asks[i - 1];
    plan->asks[0] = sweep;
    plan->count = kept + 1;
}

/* The windows of stations that deliver seldom begin earlier: there is late and corrected what no other
 * request shows. Those of silent ones are left alone. */
static ErrCode find_sweep_since(const Run *run, UnixSec now, UnixSec *ret_since, Err *err)
{
    UnixSec oldest = NO_TIME;
    ErrCode rc = writer_oldest_newest(run->committer->writer, now - DAILY_S, &oldest, err);
    if (rc == OK)
        *ret_since =
            (oldest != NO_TIME && oldest < now ? oldest : now) - run->backfill->options.window_s;
    return rc;
}

/* Slots come with jitter: a sweep due a moment after its slot must not wait for the next one. */
static UnixSec sweep_after(const Backfill *backfill, UnixSec last)
{
    int64_t interval_s = backfill->options.sweep_interval_s;
    return last + interval_s - interval_s / 60;
}

/* Half of the requests there are: sweep, look-ups and whatever fails want some of them, too. */
static ErrCode make_plan(Run *run, Arena *arena, Plan *ret_plan, bool *ret_sweeps, Err *err)
{
    Backfill *backfill = run->backfill;
    UnixSec now = clock_now();
    const PlanLimits limits = {.rows_per_s = rows_per_s(backfill, run->committer->readings_held),
                               .requests = upstream_requests_left(run->upstream) / 2};
    ErrCode rc = plan_asks(backfill->wanted, backfill->wanted_count, newest_wanted(backfill),
                           &limits, arena, ret_plan, err);
    if (rc != OK)
        return rc;
    if (backfill->next_sweep == NO_TIME)
        backfill->next_sweep = sweep_after(backfill, now);
    *ret_sweeps = now >= backfill->next_sweep;
    if (!*ret_sweeps)
        return OK;
    if (ret_plan->asks == NULL)
        ret_plan->asks = arena_alloc(arena, sizeof *ret_plan->asks);
    if (ret_plan->asks == NULL)
        return err_set(err, ERR_NO_MEMORY, "no memory for a sweep");
    UnixSec since;
    rc = find_sweep_since(run, now, &since, err);
    if (rc == OK)
        plan_sweep(since, now, ret_plan);
    return rc;
}

static AskedRange asked_range(const Ask *ask)
{
    return (AskedRange){
        .station_id = ask->kind == ASK_STATION ? ask->id : STR_NONE,
        .measure_id = ask->kind == ASK_MEASURE ? ask->id : STR_NONE,
        .from = ask->since + 1,
        .to = ask->asked_at,
        .asked_at = ask->asked_at,
    };
}

/* What is missing in the ranges of the asks now, the upstream does not have: told once for all of them,
 * for each telling waits for the disk. */
static void record_asked(Run *run, const Plan *plan, Arena *arena)
{
    Err err = {.code = OK};
    size_t count = 0;
    AskedRange *ranges = arena_alloc(arena, (plan->count + 1) * sizeof *ranges);
    if (ranges == NULL) {
        log_warn("ingest what was asked not recorded error=" LOG_TEXT, "no memory");
        return;
    }
    for (size_t i = 0; i < plan->count; i++)
        if (plan->asks[i].is_done)
            ranges[count++] = asked_range(&plan->asks[i]);
    if (count > 0 && writer_record_asked(run->committer->writer, ranges, count, &err) != OK)
        log_warn("ingest what was asked not recorded error=" LOG_TEXT, err.text);
}

/* A sweep comes first in its plan. */
static void close_done(Backfill *backfill, const Plan *plan, bool sweeps)
{
    for (size_t i = 0; i < plan->count; i++)
        if (plan->asks[i].is_done)
            forget_covered(backfill, &plan->asks[i]);
    if (sweeps && plan->asks[0].is_done)
        backfill->next_sweep = sweep_after(backfill, plan->asks[0].until); /* when it began */
}

ErrCode backfill_run(Backfill *backfill, Upstream *upstream, Committer *committer, Fault fault,
                     PollReport *report, Filled *ret_filled, Err *err)
{
    CLEANUP(arena_release) Arena arena = arena_init();
    Run run = {.backfill = backfill,
               .upstream = upstream,
               .committer = committer,
               .fault = fault,
               .batch = batch_init(),
               .applied_at_ms = clock_elapsed_ms(),
               .report = report};
    run.batch.shard = backfill->options.shard;
    Plan plan = {.count = 0};
    bool sweeps = false;
    *ret_filled = run.filled;
    ErrCode rc = make_plan(&run, &arena, &plan, &sweeps, err);
    if (rc == OK && plan.count > 0)
        rc = carry_out_all(&run, &plan, err);
    if (run.batch.reading_count + run.batch.refusal_count > 0 && rc != ERR_STOPPED) {
        Err apply_err = {.code = OK};
        ErrCode applied = apply_batch(&run, &apply_err);
        if (applied != OK) {
            rc = applied;
            *err = apply_err;
        }
    }
    batch_release(&run.batch);
    if (rc != ERR_STOPPED && !is_of_store(rc)) { /* what was fetched is in the store */
        record_asked(&run, &plan, &arena);
        close_done(backfill, &plan, sweeps);
    }
    *ret_filled = run.filled;
    return rc;
}
