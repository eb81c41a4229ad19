#include "ingest/poll.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/worker.h"
#include "ingest/backfill.h"
#include "ingest/blame.h"
#include "ingest/committer.h"
#include "ingest/details.h"
#include "ingest/lists.h"
#include "ingest/lookup.h"
#include "ingest/parse.h"
#include "ingest/report.h"
#include "ingest/upstream.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    RELEASE_OFFSET_S = 300, /* hh:03:21 and four times an hour, then up to 100 s until all is out */
    LISTS_AGAIN_S = 3600, /* many measures that no list has do not make us ask for it each cycle */
    STORE_RETRY_S = 30,   /* a full disk does not get better by asking often */
    RETRY_AFTER_MAX_S = 3600,
};

struct Poller {
    Store *store;
    PollOptions options;
    Worker *worker;
    Recorder *recorder; /* NULL: nothing is kept */
    Upstream *upstream;
    Backfill *backfill;
    Details details;
    Budget budget;
    Writer *writer; /* the rest belongs to the worker's thread */
    Committer committer;
    Lookup lookup;
    UnixSec next_catalogue; /* when stations and measures are asked for again */
    UnixSec next_for_unknown;
    int failures;     /* in a row */
    bool has_polled;  /* this process has, once: who was down cannot tell who is late */
    bool is_faulty;   /* the last round had a fault of its own, or left wanted readings open */
    Err stuck;        /* OK, or why the feed is, until it moves */
    UnixSec moved_at; /* when it last did; 0: not in this process */
    uint64_t random;
};

/* One poll: what was fetched and is not yet in the store, and the report of it. */
typedef struct Round {
    Batch batch;
    Lists lists;                    /* what `batch` borrows */
    HttpResult answers[FEED_COUNT]; /* without bodies */
    bool fetched[FEED_COUNT];
    bool all_unmodified;
    int64_t retry_after_s;
    Err own_err; /* not OK: a fault (our clock, our budget, a stuck feed) that makes no failed poll */
    StrList unknown; /* measures of readings in `batch` that no list had; the batch's */
    Filled filled;
    PollReport report;
} Round;

UnixSec poll_next_slot(UnixSec now, int64_t interval_s)
{
    if (interval_s % RELEASE_PERIOD_S != 0)
        return now + interval_s;
    int64_t since_slot = (now - RELEASE_OFFSET_S) % interval_s;
    return now - since_slot + interval_s;
}

/* The slot whose interval `now` is in. */
static UnixSec current_slot(UnixSec now, int64_t interval_s)
{
    return poll_next_slot(now, interval_s) - interval_s;
}

/* xorshift64*: jitter needs no better, and a seed repeats it. */
static uint64_t draw(Poller *poller)
{
    uint64_t x = poller->random;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    poller->random = x;
    return x * UINT64_C(2685821657736338717);
}

static int64_t draw_up_to(Poller *poller, int64_t most)
{
    return most > 0 ? (int64_t) (draw(poller) % (uint64_t) (most + 1)) : 0;
}

/* ---- fetching ---------------------------------------------------------------------------------- */

/* A clock of ours that is behind must not refuse the feed as future. */
static UnixSec later_clock(const HttpResult *answer)
{
    UnixSec now = clock_now();
    return answer->date != NO_TIME && answer->date > now ? answer->date : now;
}

static ErrCode parse_answer(const Poller *poller, Feed feed, HttpResult *answer, Round *round,
                            Err *err)
{
    Batch *batch = &round->batch;
    Str body = http_body(answer);
    size_t max_readings = poller->options.max_batch_readings;
    switch (feed) {
    case FEED_READINGS:
        return (upstream_is_csv(answer) ? parse_readings_csv : parse_readings)(
            body, later_clock(answer), max_readings, batch, err);
    case FEED_STATIONS:
        return lists_take(&round->lists, LIST_STATIONS, answer, batch, err);
    case FEED_MEASURES:
        return lists_take(&round->lists, LIST_MEASURES, answer, batch, err);
    default:
        return parse_station_types(body, str_of(UPSTREAM_STATION_TYPES[feed - FEED_TYPES]), batch,
                                   err);
    }
}

static ErrCode fetch(Poller *poller, Feed feed, Round *round, Err *err)
{
    HttpResult *answer = &round->answers[feed];
    Cost began = clock_cost();
    ErrCode rc = upstream_fetch(poller->upstream, feed, answer, &round->retry_after_s, err);
    clock_add_cost(&round->report.fetch, began);
    if (rc != OK)
        return rc;
    if (answer->status != 304) {
        began = clock_cost();
        rc = parse_answer(poller, feed, answer, round, err);
        clock_add_cost(&round->report.parse, began);
        round->all_unmodified = false;
    }
    http_result_release(answer);
    if (rc != OK)
        return err_context(err, "answer of %" PRIu64 " bytes", answer->wire_bytes);
    if (feed == FEED_READINGS)
        round->batch.find_gaps = true;
    round->fetched[feed] = true;
    return OK;
}

/* ---- applying ---------------------------------------------------------------------------------- */

static Fault round_fault(const Round *round, ErrCode rc)
{
    return blame_of(rc != OK ? rc : round->own_err.code);
}

/* The fault while a round is under way: what the last one left open is not mended by its first
 * answer, else each round would bring two changes. */
static Fault fault_meanwhile(const Poller *poller, const Round *round, ErrCode rc)
{
    Fault fault = round_fault(round, rc);
    return fault == FAULT_NONE && poller->is_faulty ? writer_service(poller->writer).fault : fault;
}

/* What was fetched goes into the store; only then may the upstream be told that we have it. */
static ErrCode apply(Poller *poller, Round *round, Fault fault, Err *err)
{
    Applied applied;
    ErrCode rc =
        commit_batch(&poller->committer, &round->batch, fault, &round->report, &applied, err);
    if (rc != OK)
        return rc;
    size_t refused = round->batch.item_refused_count + round->lists.item_refused_count;
    if (refused > 0)
        log_warn("ingest list items without an id passed over count=%zu", refused);
    lists_release(&round->lists);
    round->batch.next_portion = NULL;
    for (int feed = 0; feed < FEED_COUNT; feed++) {
        if (round->fetched[feed])
            upstream_keep(poller->upstream, (Feed) feed, &round->answers[feed]);
        round->fetched[feed] = false;
    }
    rc = backfill_want(poller->backfill, applied.gaps, applied.gap_count, err);
    return rc == OK ? lookup_keep_waiting(&round->batch, &applied, &round->unknown, err) : rc;
}

static ErrCode fetch_catalogue(Poller *poller, Round *round, Err *err)
{
    ErrCode rc = fetch(poller, FEED_MEASURES, round, err);
    if (rc == OK)
        rc = fetch(poller, FEED_STATIONS, round, err);
    return rc;
}

/* A station's type is in no list: it is asked for, type by type, once everything else is served. */
static ErrCode fetch_types(Poller *poller, Round *round, Err *err)
{
    for (int feed = FEED_TYPES; feed < FEED_COUNT; feed++) {
        upstream_forget(poller->upstream, (Feed) feed); /* all of them make the whole, or none */
        ErrCode rc = fetch(poller, (Feed) feed, round, err);
        if (rc != OK)
            return rc;
    }
    round->batch.has_all_types = true;
    return OK;
}

/* Readings first: they are what is waited for. What could be fetched is applied whatever became of
 * the rest. */
static ErrCode poll_lists(Poller *poller, Round *round, bool with_catalogue, Err *err)
{
    Err apply_err = {.code = OK};
    ErrCode rc = fetch(poller, FEED_READINGS, round, err);
    if (rc == OK && with_catalogue)
        rc = fetch_catalogue(poller, round, err);
    if (rc == ERR_STOPPED)
        return rc;
    if (rc != OK && !round->fetched[FEED_READINGS])
        batch_release(&round->batch); /* half an answer is none */
    const HttpResult *answer = &round->answers[FEED_READINGS];
    if (rc == OK)
        (void) blame_clock(clock_now(), answer->date, answer->age_s, &round->own_err);
    round->batch.slot = poller->has_polled
                            ? current_slot(round->report.started, poller->options.interval_s)
                            : round->report.started;
    round->batch.poll_s = poller->options.interval_s;
    round->batch.evaluates = rc == OK && poller->has_polled;
    ErrCode applied_rc = apply(poller, round, fault_meanwhile(poller, round, rc), &apply_err);
    if (applied_rc != OK) {
        *err = apply_err;
        return applied_rc;
    }
    return rc;
}

static ErrCode poll_types(Poller *poller, Round *round, Err *err)
{
    batch_release(&round->batch);
    round->unknown.count = 0;
    ErrCode rc = fetch_types(poller, round, err);
    return rc == OK ? apply(poller, round, fault_meanwhile(poller, round, OK), err) : rc;
}

/* Many measures that are not known: the lists tell of all, but some measures are in none, so that they
 * are not asked for each cycle. */
static ErrCode ask_for_lists(Poller *poller, Round *round, Err *err)
{
    poller->next_for_unknown = clock_now() + LISTS_AGAIN_S;
    ErrCode rc = fetch_catalogue(poller, round, err);
    return rc == OK ? apply(poller, round, fault_meanwhile(poller, round, OK), err) : rc;
}

/* What waits for its measure in the round's batch is applied again with what is known of that. */
static ErrCode look_up(Poller *poller, Round *round, Err *err)
{
    LookupCount count;
    Cost began = clock_cost();
    ErrCode rc = lookup_measures(&poller->lookup, poller->upstream, poller->writer, &round->unknown,
                                 &round->batch, &count, &round->retry_after_s, err);
    clock_add_cost(&round->report.fetch, began);
    if (rc == ERR_STOPPED || round->batch.measure_count == 0)
        return rc;
    log_info("ingest looked up unknown=%zu found=%" PRId64 " bare=%" PRId64, round->unknown.count,
             count.found, count.bare);
    Err apply_err = {.code = OK};
    ErrCode applied_rc = apply(poller, round, fault_meanwhile(poller, round, rc), &apply_err);
    if (applied_rc != OK)
        *err = apply_err;
    return applied_rc != OK ? applied_rc : rc;
}

static ErrCode poll_once(Poller *poller, Round *round, Err *err)
{
    bool with_catalogue = clock_now() >= poller->next_catalogue;
    ErrCode rc = poll_lists(poller, round, with_catalogue, err);
    if (rc == OK && round->unknown.count > LOOKUPS_MAX && !with_catalogue &&
        clock_now() >= poller->next_for_unknown) {
        with_catalogue = true;
        rc = ask_for_lists(poller, round, err);
    }
    if (rc == OK && round->unknown.count > 0)
        rc = look_up(poller, round, err);
    if (rc != OK || !with_catalogue)
        return rc;
    rc = poll_types(poller, round, err);
    if (rc == OK)
        poller->next_catalogue = clock_now() + poller->options.catalogue_interval_s;
    return rc;
}

/* ---- what polling the newest cannot see ------------------------------------------------------ */

/* Everything that is open is asked for, as far as the budget goes. A budget that is spent is said, but
 * it is no failed poll: what is newest is there, and the rest follows. */
static ErrCode fill(Poller *poller, Round *round, Err *err)
{
    Filled *filled = &round->filled;
    ErrCode rc = backfill_run(poller->backfill, poller->upstream, &poller->committer,
                              fault_meanwhile(poller, round, OK), &round->report, filled, err);
    if (filled->asks_done > 0)
        round->all_unmodified = false;
    if (rc != ERR_BUSY) {
        round->retry_after_s = filled->retry_after_s;
        return rc;
    }
    round->own_err = *err;
    return OK;
}

/* Once nothing is open: what only single answers tell. It changes little and is worth little, so that
 * an upstream that does not give it makes no failed poll. */
static ErrCode learn_details(Poller *poller, Round *round, Err *err)
{
    Applied applied;
    Batch batch = batch_init();
    ErrCode rc = details_run(&poller->details, poller->upstream, &poller->budget, poller->writer,
                             clock_now(), &batch, err);
    if (rc == OK && batch.more_count > 0)
        rc = commit_batch(&poller->committer, &batch, fault_meanwhile(poller, round, OK),
                          &round->report, &applied, err);
    batch_release(&batch);
    return rc;
}

/* A release that was missed shows by itself; and where nothing is newer, by what was due. */
static ErrCode check_feed(Poller *poller, Round *round, Err *err)
{
    const PollOptions *o = &poller->options;
    UnixSec now = clock_now();
    Movement movement = {.has_moved = round->report.readings.fresh > 0};
    if (movement.has_moved) {
        poller->stuck.code = OK;
        poller->moved_at = now;
    }
    /* One release moves a measure once: a retry that brought it leaves nothing to its next slot. */
    bool is_new_release = blame_last_release(now) > poller->moved_at;
    if (poller->has_polled && is_new_release && poller->stuck.code == OK) {
        /* Whoever polls beside the releases may come just before one. */
        int64_t slack_s = o->interval_s % RELEASE_PERIOD_S == 0 ? 0 : o->interval_s;
        ErrCode rc = writer_count_expected(
            poller->writer, current_slot(round->report.started, o->interval_s) - slack_s,
            BLAME_EXPECTED_ENOUGH, &movement.expected, &movement.measures, err);
        if (rc != OK)
            return rc;
        (void) blame_movement(movement, &poller->stuck);
    }
    if (round->own_err.code == OK)
        (void) blame_release(now, upstream_modified(poller->upstream, FEED_READINGS),
                             round->answers[FEED_READINGS].age_s, &round->own_err);
    if (round->own_err.code == OK)
        round->own_err = poller->stuck;
    return OK;
}

/* The service is as the whole round left it. */
static ErrCode settle_fault(Poller *poller, Round *round, ErrCode rc, Err *err)
{
    const Batch nothing = batch_init();
    Fault fault = round_fault(round, rc);
    Applied applied;
    Err apply_err = {.code = OK};
    if (rc == ERR_STOPPED || fault == FAULT_STORE || writer_service(poller->writer).fault == fault)
        return rc;
    ErrCode applied_rc =
        commit_batch(&poller->committer, &nothing, fault, &round->report, &applied, &apply_err);
    if (applied_rc == OK)
        return rc;
    *err = apply_err;
    return applied_rc;
}

/* ---- the loop ---------------------------------------------------------------------------------- */

static void record(Poller *poller, Round *round, ErrCode rc, const Err *poll_err)
{
    PollReport *report = &round->report;
    Err err = {.code = OK};
    report->finished = clock_now();
    report->fault = round_fault(round, rc);
    report->detail = rc != OK ? str_of(poll_err->text) : str_of(round->own_err.text);
    if (report->fault == FAULT_NONE)
        report->detail = STR_NONE;
    report->unmodified = rc == OK && round->all_unmodified;
    if (rc == OK) {
        metric_set(METRIC_LAST_POLL, report->finished);
        metric_add(report->unmodified ? METRIC_POLLS_UNMODIFIED : METRIC_POLLS_OK, 1);
    } else {
        metric_add(METRIC_POLLS_FAILED, 1);
    }
    if (writer_record_poll(poller->writer, report, &err) != OK)
        log_warn("ingest poll not recorded error=" LOG_TEXT, err.text);
    Cost began = clock_cost();
    if (writer_checkpoint(poller->writer, &err) != OK)
        log_warn("ingest log not checkpointed error=" LOG_TEXT, err.text);
    clock_add_cost(&report->checkpoint, began);
    report_count_cpu(report);
}

static void log_round(const Poller *poller, const Round *round, ErrCode rc, const Err *err,
                      int64_t next_in_s)
{
    const PollReport *report = &round->report;
    if (rc != OK) {
        log_warn("ingest poll failed fault=%s error=" LOG_TEXT " requests=%" PRId64
                 " next_in_s=%" PRId64,
                 fault_name(report->fault), err->text, report->requests, next_in_s);
        if (poller->committer.readings_held == 0 && report->fault == FAULT_NETWORK &&
            poller->failures == 1)
            log_warn(
                "ingest upstream not reached upstream=%s hint=" LOG_TEXT, poller->options.upstream,
                "nothing to serve yet, trying on; make demo shows everything without a network");
        return;
    }
    if (round->own_err.code != OK)
        log_warn("ingest polled with a fault fault=%s error=" LOG_TEXT, fault_name(report->fault),
                 round->own_err.text);
    report_log(report, &round->filled, next_in_s);
}

/* Doubling from retry_min_s, half of it drawn, so that many of us do not come back together. */
static int64_t backoff_s(Poller *poller, Fault fault, int64_t retry_after_s)
{
    const PollOptions *o = &poller->options;
    int64_t wait_s = fault == FAULT_STORE ? STORE_RETRY_S : o->retry_min_s;
    for (int i = 1; i < poller->failures && wait_s < o->retry_max_s; i++)
        wait_s *= 2;
    if (wait_s > o->retry_max_s)
        wait_s = o->retry_max_s;
    wait_s -= draw_up_to(poller, wait_s / 2);
    if (retry_after_s > RETRY_AFTER_MAX_S)
        retry_after_s = RETRY_AFTER_MAX_S;
    return wait_s > retry_after_s ? wait_s : retry_after_s;
}

/* When to poll next: at the slot, or after a failure sooner; never before what the upstream asked for. */
static UnixSec next_poll(Poller *poller, const Round *round, ErrCode rc)
{
    const PollOptions *o = &poller->options;
    UnixSec now = clock_now();
    UnixSec slot =
        poll_next_slot(round->report.started, o->interval_s) + draw_up_to(poller, o->jitter_max_s);
    if (rc == OK || rc == ERR_BUSY) /* a spent budget is whole again at the slot */
        return slot;
    UnixSec retry = now + backoff_s(poller, round->report.fault, round->retry_after_s);
    return round->retry_after_s > 0 || retry < slot ? retry : slot;
}

static bool run_round(Poller *poller, UnixSec *ret_next)
{
    Err err = {.code = OK};
    Round round = {.batch = batch_init(),
                   .lists = lists_init(),
                   .all_unmodified = true,
                   .report = {.started = clock_now()}};
    round.batch.shard = poller->options.shard;
    HttpTotals before = upstream_totals(poller->upstream);
    budget_renew(&poller->budget, current_slot(round.report.started, poller->options.interval_s));
    ErrCode rc = poll_once(poller, &round, &err);
    if (rc != OK && round.unknown.count > 0)
        upstream_forget(poller->upstream, FEED_READINGS); /* those that wait shall come again */
    batch_release(&round.batch);
    lists_release(&round.lists);
    if (rc == OK)
        rc = fill(poller, &round, &err);
    if (rc == OK && round.filled.asks_left == 0)
        rc = learn_details(poller, &round, &err);
    if (rc == OK)
        rc = check_feed(poller, &round, &err);
    rc = settle_fault(poller, &round, rc, &err);
    poller->is_faulty = round.own_err.code != OK || round.filled.asks_left > 0;
    if (rc == ERR_STOPPED)
        return false;
    poller->has_polled = true;
    HttpTotals after = upstream_totals(poller->upstream);
    round.report.requests = after.requests - before.requests;
    round.report.wire_bytes = after.wire_bytes - before.wire_bytes;
    poller->failures = rc == OK ? 0 : poller->failures + 1;
    record(poller, &round, rc, &err);
    UnixSec next = next_poll(poller, &round, rc);
    store_expect_next(poller->store, next);
    log_round(poller, &round, rc, &err, next - clock_now());
    *ret_next = next;
    return true;
}

/* What is open is kept in memory. Whoever was ended in the middle of a round, or had left something
 * open in its last, cannot tell what: the window is asked for anew, once. */
static void find_what_was_open(Poller *poller)
{
    bool is_settled = false;
    Err err = {.code = OK};
    if (writer_is_settled(poller->writer, &is_settled, &err) != OK)
        log_warn("ingest last poll not known error=" LOG_TEXT, err.text);
    if (!is_settled)
        backfill_sweep_soon(poller->backfill);
}

static void poll_loop(Worker *self, void *ctx)
{
    Poller *poller = ctx;
    UnixSec next = 0;
    find_what_was_open(poller);
    poller->committer = (Committer){.writer = poller->writer, .worker = self};
    while (run_round(poller, &next) && worker_sleep(self, next * 1000))
        ;
}

/* ---- start and stop ---------------------------------------------------------------------------- */

static void poller_free(Poller *poller)
{
    writer_close(poller->writer);
    lookup_release(&poller->lookup);
    backfill_close(poller->backfill);
    upstream_close(poller->upstream);
    recorder_close(poller->recorder);
    free(poller);
}

ErrCode poller_start(Store *store, const PollOptions *options, Poller **ret_poller, Err *err)
{
    const HttpClientOptions http = {
        .user_agent = options->user_agent,
        .deadline_ms = options->deadline_ms,
        .connect_ms = options->connect_ms,
        .stall_ms = options->stall_ms,
        .max_body_bytes = options->max_body_bytes,
        .spool_dir = options->spool_dir,
        .max_redirects = 5,
    };
    Poller *poller = calloc(1, sizeof *poller);
    if (poller == NULL)
        return err_set(err, ERR_NO_MEMORY, "no memory for the poller");
    poller->store = store;
    poller->options = *options;
    poller->lookup = lookup_init();
    poller->random = options->jitter_seed | 1; /* xorshift never leaves 0 */
    poller->details = details_init(options->details_per_poll);
    poller->budget =
        budget_init(options->budget_requests, options->budget_bytes, options->interval_s);
    const BackfillOptions backfill = {.sweep_interval_s = options->sweep_interval_s,
                                      .window_s = options->window_s,
                                      .max_batch_readings = options->max_batch_readings,
                                      .shard = options->shard};
    ErrCode rc = OK;
    if (options->record_dir != NULL)
        rc = recorder_open(options->record_dir, options->record_max_bytes, &poller->recorder, err);
    if (rc == OK)
        rc = upstream_open(options->upstream, &http, &poller->budget, poller->recorder,
                           &poller->upstream, err);
    if (rc == OK)
        rc = backfill_open(&backfill, &poller->backfill, err);
    if (rc == OK)
        rc = store_writer(store, &poller->writer, err);
    if (rc == OK)
        rc = worker_start("ingest", WORKER_BACKGROUND, poll_loop, poller, &poller->worker, err);
    if (rc != OK) {
        poller_free(poller);
        return rc;
    }
    *ret_poller = poller;
    return OK;
}

void poller_stop(Poller *poller)
{
    if (poller == NULL)
        return;
    upstream_stop(poller->upstream);
    writer_stop(poller->writer);
    worker_stop(poller->worker);
    poller_free(poller);
}
