#include "ingest/poll.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/worker.h"
#include "ingest/backfill.h"
#include "ingest/details.h"
#include "ingest/parse.h"
#include "ingest/upstream.h"
#include "store/writer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    RELEASE_PERIOD_S = 900, /* the upstream publishes every 15 minutes */
    RELEASE_PHASE_S = 201,  /* hh:03:21 and four times an hour */
    RELEASE_OFFSET_S = 300, /* hh:03:21 and four times an hour, then up to 100 s until all is out */
    CLOCK_SKEW_MAX_S = 60,
    UNKNOWN_RETRY_S = 3600, /* a measure that the list does not have is not asked for each cycle */
    STORE_RETRY_S = 30,     /* a full disk does not get better by asking often */
    RETRY_AFTER_MAX_S = 3600,
};

struct Poller {
    Store *store;
    PollOptions options;
    Worker *worker;
    Upstream *upstream;
    Backfill *backfill;
    Details details;
    Budget budget;
    Writer *writer;         /* the rest belongs to the worker's thread */
    UnixSec next_catalogue; /* when stations and measures are asked for again */
    UnixSec next_for_unknown;
    int failures;          /* in a row */
    bool has_polled;       /* this process has, once: who was down cannot tell who is late */
    bool is_faulty;        /* the last round had a fault of its own, or left wanted readings open */
    int64_t readings_held; /* by the store */
    uint64_t random;
};

/* One poll: what was fetched and is not yet in the store, and the report of it. */
typedef struct Round {
    Batch batch;
    HttpResult answers[FEED_COUNT]; /* without bodies */
    bool fetched[FEED_COUNT];
    bool all_unmodified;
    int64_t retry_after_s;
    Err own_err; /* not OK: a fault of ours (clock, budget) that makes no failed poll */
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

/* More than a minute between our clock and theirs is ours to mend: readings are told apart from
 * nonsense by their distance to now. A cache in between may give the Date of when it stored. */
static void check_clock(const HttpResult *answer, Err *ret_own_err)
{
    *ret_own_err = (Err){.code = OK};
    if (answer->date == NO_TIME)
        return;
    int64_t skew_s = clock_now() - answer->date;
    if (llabs(skew_s) > CLOCK_SKEW_MAX_S && llabs(skew_s - answer->age_s) > CLOCK_SKEW_MAX_S)
        (void) err_set(ret_own_err, ERR_INVALID, "our clock is %lld s %s the upstream's",
                       llabs(skew_s), skew_s > 0 ? "ahead of" : "behind");
}

/* A clock of ours that is behind must not refuse the feed as future. */
static UnixSec later_clock(const HttpResult *answer)
{
    UnixSec now = clock_now();
    return answer->date != NO_TIME && answer->date > now ? answer->date : now;
}

static ErrCode parse_answer(const Poller *poller, Feed feed, const HttpResult *answer, Batch *batch,
                            Err *err)
{
    Str body = buf_view(&answer->body);
    size_t max_readings = poller->options.max_batch_readings;
    switch (feed) {
    case FEED_READINGS:
        return (upstream_is_csv(answer) ? parse_readings_csv : parse_readings)(
            body, later_clock(answer), max_readings, batch, err);
    case FEED_STATIONS:
        return parse_stations(body, batch, err);
    case FEED_MEASURES:
        return parse_measures(body, batch, err);
    default:
        return parse_station_types(body, str_of(UPSTREAM_STATION_TYPES[feed - FEED_TYPES]), batch,
                                   err);
    }
}

static ErrCode fetch(Poller *poller, Feed feed, Round *round, Err *err)
{
    HttpResult *answer = &round->answers[feed];
    if (!budget_allows(&poller->budget))
        return err_set(err, ERR_BUSY, "the budget of upstream requests is spent");
    UpstreamTotals before = upstream_totals(poller->upstream);
    int64_t began_ms = clock_elapsed_ms();
    ErrCode rc = upstream_fetch(poller->upstream, feed, answer, &round->retry_after_s, err);
    round->report.fetch_ms += clock_elapsed_ms() - began_ms;
    UpstreamTotals after = upstream_totals(poller->upstream);
    budget_spend(&poller->budget, after.requests - before.requests,
                 after.wire_bytes - before.wire_bytes);
    if (rc != OK)
        return rc;
    if (answer->status != 304) {
        began_ms = clock_elapsed_ms();
        rc = parse_answer(poller, feed, answer, &round->batch, err);
        round->report.parse_ms += clock_elapsed_ms() - began_ms;
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

static Fault fault_of(ErrCode code)
{
    static const Fault FAULTS[ERR_CODE_COUNT] = {
        [OK] = FAULT_NONE,
        [ERR_NETWORK] = FAULT_NETWORK,
        [ERR_FORMAT] = FAULT_UPSTREAM,
        [ERR_UPSTREAM] = FAULT_UPSTREAM,
        [ERR_STORAGE] = FAULT_STORE,
        [ERR_CORRUPT] = FAULT_STORE,
        [ERR_TOO_LARGE] = FAULT_INGEST,
        [ERR_INVALID] = FAULT_INGEST,
        [ERR_NO_MEMORY] = FAULT_INGEST,
        [ERR_BUSY] = FAULT_INGEST,
        [ERR_NOT_FOUND] = FAULT_INGEST,
        [ERR_STOPPED] = FAULT_NONE,
    };
    return FAULTS[code];
}

static Fault round_fault(const Round *round, ErrCode rc)
{
    return fault_of(rc != OK ? rc : round->own_err.code);
}

/* The fault while a round is under way: what the last one left open is not mended by its first
 * answer, else each round would bring two changes. */
static Fault fault_meanwhile(const Poller *poller, const Round *round, ErrCode rc)
{
    Fault fault = round_fault(round, rc);
    return fault == FAULT_NONE && poller->is_faulty ? writer_service(poller->writer).fault : fault;
}

static void add_counts(PollReport *report, const ReadingCounts *counts)
{
    report->received += counts->received;
    report->fresh += counts->fresh;
    report->late += counts->late;
    report->unchanged += counts->unchanged;
    report->corrected += counts->corrected;
    report->expired += counts->expired;
    report->quarantined += counts->quarantined;
    metric_add(METRIC_READINGS_RECEIVED, counts->received);
    metric_add(METRIC_READINGS_NEW, counts->fresh);
    metric_add(METRIC_READINGS_LATE, counts->late);
    metric_add(METRIC_READINGS_UNCHANGED, counts->unchanged);
    metric_add(METRIC_READINGS_CORRECTED, counts->corrected);
    metric_add(METRIC_READINGS_EXPIRED, counts->expired);
    metric_add(METRIC_READINGS_QUARANTINED, counts->quarantined);
}

/* What was fetched goes into the store; only then may the upstream be told that we have it. */
static ErrCode apply(Poller *poller, Round *round, Fault fault, Applied *ret_applied, Err *err)
{
    Applied applied = {.changed = false};
    int64_t began_ms = clock_elapsed_ms();
    ErrCode rc = writer_apply(poller->writer, &round->batch, fault, clock_now(), &applied, err);
    int64_t took_ms = clock_elapsed_ms() - began_ms;
    if (rc != OK)
        return rc;
    round->report.apply_ms += took_ms;
    round->report.generation = applied.generation;
    poller->readings_held = applied.readings_held;
    metric_set(METRIC_APPLY_MS, took_ms);
    add_counts(&round->report, &applied.readings);
    if (applied.quarantine_error.code != OK)
        log_warn("ingest quarantine not kept error=" LOG_TEXT, applied.quarantine_error.text);
    if (round->batch.item_refused_count > 0)
        log_warn("ingest list items without an id passed over count=%zu",
                 round->batch.item_refused_count);
    for (int feed = 0; feed < FEED_COUNT; feed++) {
        if (round->fetched[feed])
            upstream_keep(poller->upstream, (Feed) feed, &round->answers[feed]);
        round->fetched[feed] = false;
    }
    rc = backfill_want(poller->backfill, applied.gaps, applied.gap_count, err);
    batch_release(&round->batch);
    *ret_applied = applied;
    return rc;
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
static ErrCode poll_lists(Poller *poller, Round *round, bool with_catalogue, Applied *ret_applied,
                          Err *err)
{
    Err apply_err = {.code = OK};
    ErrCode rc = fetch(poller, FEED_READINGS, round, err);
    if (rc == OK && with_catalogue)
        rc = fetch_catalogue(poller, round, err);
    if (rc == ERR_STOPPED)
        return rc;
    if (rc != OK && !round->fetched[FEED_READINGS])
        batch_release(&round->batch); /* half an answer is none */
    if (rc == OK)
        check_clock(&round->answers[FEED_READINGS], &round->own_err);
    round->batch.slot = poller->has_polled
                            ? current_slot(round->report.started, poller->options.interval_s)
                            : round->report.started;
    round->batch.poll_s = poller->options.interval_s;
    round->batch.evaluates = rc == OK && poller->has_polled;
    ErrCode applied_rc =
        apply(poller, round, fault_meanwhile(poller, round, rc), ret_applied, &apply_err);
    if (applied_rc != OK) {
        *err = apply_err;
        return applied_rc;
    }
    return rc;
}

static ErrCode poll_types(Poller *poller, Round *round, Applied *ret_applied, Err *err)
{
    ErrCode rc = fetch_types(poller, round, err);
    return rc == OK ? apply(poller, round, fault_meanwhile(poller, round, OK), ret_applied, err)
                    : rc;
}

/* A reading of a measure that no list had: the lists are asked for again, at once, but not each
 * cycle - some measures are in none. The readings are then asked for as if for the first time. */
static bool should_ask_for_unknown(Poller *poller, const Applied *applied, bool had_catalogue)
{
    UnixSec now = clock_now();
    if (applied->unknown_measures == 0 || had_catalogue || now < poller->next_for_unknown)
        return false;
    poller->next_for_unknown = now + UNKNOWN_RETRY_S;
    upstream_forget(poller->upstream, FEED_READINGS);
    return true;
}

static ErrCode poll_once(Poller *poller, Round *round, Err *err)
{
    Applied applied = {.changed = false};
    bool with_catalogue = clock_now() >= poller->next_catalogue;
    ErrCode rc = poll_lists(poller, round, with_catalogue, &applied, err);
    if (rc == OK && should_ask_for_unknown(poller, &applied, with_catalogue)) {
        with_catalogue = true;
        rc = poll_lists(poller, round, true, &applied, err);
    }
    if (rc != OK || !with_catalogue)
        return rc;
    rc = poll_types(poller, round, &applied, err);
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
    ErrCode rc =
        backfill_run(poller->backfill, poller->upstream, &poller->budget, poller->writer,
                     fault_meanwhile(poller, round, OK), poller->readings_held, filled, err);
    PollReport *report = &round->report;
    add_counts(report, &filled->readings);
    report->fetch_ms += filled->fetch_ms;
    report->parse_ms += filled->parse_ms;
    report->apply_ms += filled->apply_ms;
    if (filled->generation > 0)
        report->generation = filled->generation;
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
        rc = writer_apply(poller->writer, &batch, fault_meanwhile(poller, round, OK), clock_now(),
                          &applied, err);
    if (rc == OK && batch.more_count > 0)
        round->report.generation = applied.generation;
    batch_release(&batch);
    return rc;
}

/* An upstream that goes on answering, but with what it said before its last release, is stuck. A copy
 * that a cache made before that release is not: Age tells. */
static void check_release(const Poller *poller, Round *round)
{
    UnixSec now = clock_now();
    UnixSec release = now - (now - RELEASE_PHASE_S) % RELEASE_PERIOD_S;
    UnixSec modified = upstream_modified(poller->upstream, FEED_READINGS);
    bool is_later_copy = now - round->answers[FEED_READINGS].age_s >= release;
    if (round->own_err.code != OK || modified == NO_TIME || modified >= release || !is_later_copy)
        return;
    char since[CLOCK_TEXT_SIZE];
    clock_format(modified, since);
    (void) err_set(&round->own_err, ERR_UPSTREAM,
                   "the upstream is stuck: it answers as of %s, and has missed a release", since);
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
        writer_apply(poller->writer, &nothing, fault, clock_now(), &applied, &apply_err);
    if (applied_rc == OK) {
        round->report.generation = applied.generation;
        return rc;
    }
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
    if (writer_checkpoint(poller->writer, &err) != OK)
        log_warn("ingest log not checkpointed error=" LOG_TEXT, err.text);
}

static void log_round(const Poller *poller, const Round *round, ErrCode rc, const Err *err,
                      int64_t next_in_s)
{
    const PollReport *report = &round->report;
    if (rc != OK) {
        log_warn("ingest poll failed fault=%s error=" LOG_TEXT " requests=%" PRId64
                 " next_in_s=%" PRId64,
                 fault_name(report->fault), err->text, report->requests, next_in_s);
        if (poller->readings_held == 0 && report->fault == FAULT_NETWORK && poller->failures == 1)
            log_warn(
                "ingest upstream not reached upstream=%s hint=" LOG_TEXT, poller->options.upstream,
                "nothing to serve yet, trying on; make demo shows everything without a network");
        return;
    }
    if (round->own_err.code != OK)
        log_warn("ingest polled with a fault fault=%s error=" LOG_TEXT, fault_name(report->fault),
                 round->own_err.text);
    log_info("ingest polled generation=%" PRIu64 " received=%" PRId64 " new=%" PRId64
             " late=%" PRId64 " unchanged=%" PRId64 " corrected=%" PRId64 " expired=%" PRId64
             " quarantined=%" PRId64 " asks=%" PRId64 " asks_left=%" PRId64 " requests=%" PRId64
             " bytes=%" PRId64 " fetch_ms=%" PRId64 " parse_ms=%" PRId64 " apply_ms=%" PRId64
             " next_in_s=%" PRId64,
             report->generation, report->received, report->fresh, report->late, report->unchanged,
             report->corrected, report->expired, report->quarantined, round->filled.asks_done,
             round->filled.asks_left, report->requests, report->wire_bytes, report->fetch_ms,
             report->parse_ms, report->apply_ms, next_in_s);
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
    Round round = {
        .batch = batch_init(), .all_unmodified = true, .report = {.started = clock_now()}};
    UpstreamTotals before = upstream_totals(poller->upstream);
    budget_renew(&poller->budget, current_slot(round.report.started, poller->options.interval_s));
    ErrCode rc = poll_once(poller, &round, &err);
    batch_release(&round.batch);
    if (rc == OK)
        rc = fill(poller, &round, &err);
    if (rc == OK && round.filled.asks_left == 0)
        rc = learn_details(poller, &round, &err);
    if (rc == OK)
        check_release(poller, &round);
    rc = settle_fault(poller, &round, rc, &err);
    poller->is_faulty = round.own_err.code != OK || round.filled.asks_left > 0;
    if (rc == ERR_STOPPED)
        return false;
    poller->has_polled = true;
    UpstreamTotals after = upstream_totals(poller->upstream);
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

static void poll_loop(Worker *self, void *ctx)
{
    Poller *poller = ctx;
    UnixSec next = 0;
    while (run_round(poller, &next) && worker_sleep(self, next * 1000))
        ;
}

/* ---- start and stop ---------------------------------------------------------------------------- */

static void poller_free(Poller *poller)
{
    writer_close(poller->writer);
    backfill_close(poller->backfill);
    upstream_close(poller->upstream);
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
        .max_redirects = 5,
    };
    Poller *poller = calloc(1, sizeof *poller);
    if (poller == NULL)
        return err_set(err, ERR_NO_MEMORY, "no memory for the poller");
    poller->store = store;
    poller->options = *options;
    poller->random = options->jitter_seed | 1; /* xorshift never leaves 0 */
    poller->details = details_init(options->details_per_poll);
    poller->budget =
        budget_init(options->budget_requests, options->budget_bytes, options->interval_s);
    const BackfillOptions backfill = {.sweep_interval_s = options->sweep_interval_s,
                                      .window_s = options->window_s,
                                      .max_batch_readings = options->max_batch_readings};
    ErrCode rc = upstream_open(options->upstream, &http, &poller->upstream, err);
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
    worker_stop(poller->worker);
    poller_free(poller);
}
