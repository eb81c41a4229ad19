#include "server/exchange.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "server/ea.h"
#include "server/kept.h"
#include "server/route.h"

/* One line a second says enough: an overload brings thousands. Not being ready is no failure: whoever
 * started us asks until we are. */
static void log_failure(const Exchange *x, ErrCode code, const Err *err)
{
    static _Atomic int64_t told_s;
    int64_t now_s = clock_elapsed_ms() / 1000;
    if (PROBLEMS[x->reply.problem.type].status < 500 || code == ERR_STOPPED ||
        atomic_exchange(&told_s, now_s) == now_s)
        return;
    log_warn("http failed path=" LOG_TEXT " code=%s detail=" LOG_TEXT, x->req.route->pattern,
             err_name(code), err->text);
}

/* How large it may be, and what to do. */
static void say_too_large(Exchange *x)
{
    const ServerOptions *options = x->site->options;
    bool is_sorted = x->req.selection.order.count > 0, in_pages = x->reply.paged != NULL;
    bool is_spooled = !is_sorted && (in_pages || x->reply.spools != NULL);
    const char *of_what = "", *pages = "";
    if (is_sorted)
        of_what = ", all of which `sort` needs at once";
    else if (in_pages)
        of_what = ", packed";
    else
        pages = route_is_agency(x->req.route) ? ", ask for it in pages (`_limit`, `_offset`)"
                                              : ", ask for it in pages (`limit`)";
    problem_set(
        &x->reply.problem, PROBLEM_TOO_LARGE,
        arena_format(x->arena,
                     "'" STR_FMT "' would be more than %zu bytes%s. Narrow it by station, "
                     "measure, parameter or time%s, or take the objects that "
                     "/v1/snapshots/latest names.",
                     STR_ARG(x->req.target.path),
                     is_spooled ? spools_most_bytes(x->site->spools) : options->max_response_bytes,
                     of_what, pages));
}

void exchange_fail(Exchange *x, ErrCode code, const Err *err)
{
    x->reply.header_count = 0; /* what was said of the answer that there is not */
    if (code == ERR_TOO_LARGE)
        say_too_large(x);
    reply_fail(&x->reply, x->arena, code, err);
    log_failure(x, code, err);
}

/* Whoever is told of a next page must find it, also when this generation has gone by. */
static void keep_paged(Exchange *x)
{
    Str key = x->reply.paged != NULL ? exchange_paged_key(x) : STR_NONE;
    if (!str_is_none(key))
        kept_put_paged(x->site->kept, key, x->reply.paged);
}

ErrCode exchange_run_handler(Exchange *x)
{
    Err err = {.code = OK};
    int64_t begun_us = clock_elapsed_us();
    ErrCode rc = x->req.route->handler(&x->req, &x->reply, &err);
    if (rc == OK)
        rc = reply_seal(&x->reply, &err);
    if (rc == OK)
        keep_paged(x);
    else
        exchange_fail(x, rc, &err);
    if (!x->req.head_alone)
        x->render_us = clock_elapsed_us() - begun_us;
    return rc;
}

ErrCode exchange_open_snapshot(Exchange *x, Snapshot **ret_snap)
{
    Err err = {.code = OK};
    ErrCode rc = store_snapshot(x->site->store, ret_snap, &err);
    if (rc != OK)
        exchange_fail(x, rc, &err);
    return rc;
}

static Finished *find(Exchange *x, uint64_t generation, Coding coding)
{
    if (x->ahead_of != 0)
        return cache_find_at(x->cache, x->ahead_of, exchange_key_in(x, coding));
    Finished *found =
        cache_find(x->cache, generation, exchange_key_in(x, coding), exchange_expires(x));
    if (found == NULL)
        found = kept_find(x->site->kept, generation, exchange_key_in(x, coding));
    return found;
}

static void keep(Exchange *x, uint64_t generation, Coding coding, Finished *finished)
{
    const Question question = {.key = exchange_key_in(x, coding),
                               .target = exchange_target(x),
                               .format = x->req.format,
                               .coding = coding};
    if (finished_is_spooled(finished))
        kept_put(x->site->kept, generation, question.key, finished);
    else
        cache_put(x->cache, generation, &question, finished);
}

/* *generation becomes that of the snapshot it was rendered from. */
static Finished *render_generation(Exchange *x, uint64_t *generation)
{
    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    if (exchange_open_snapshot(x, &snap) != OK)
        return end_with_problem(x);
    const SnapshotInfo *info = snapshot_info(snap);
    *generation = info->generation;
    char last_modified[CLOCK_HTTP_SIZE];
    clock_format_http(info->as_of, last_modified);
    /* The snapshot's: it may be newer than what was announced. */
    exchange_make_etag(x, info->tag, x->req.head_alone ? x->coding : CODING_NONE);
    x->req.snap = snap;
    if (route_may_be_spooled(x->req.route) &&
        (x->req.format == FORMAT_CSV || x->req.format == FORMAT_NDJSON ||
         route_is_agency(x->req.route)))
        x->reply.spools = x->site->spools;
    if (x->ahead_of == 0 && !x->req.head_alone)
        metric_add(METRIC_HTTP_CACHE_MISSES, 1);
    if (exchange_run_handler(x) == OK)
        reply_header(&x->reply, "Last-Modified", str_of(last_modified));
    if (x->reply.spool != NULL)
        exchange_put_location(x, info->tag);
    if (x->req.head_alone && x->coding != CODING_NONE && !exchange_failed(x))
        reply_header(&x->reply, "Content-Encoding", str_of(CODINGS[x->coding].name));
    Finished *finished = end_rendered(x);
    if (finished != NULL && !exchange_failed(x) && !x->req.head_alone)
        keep(x, info->generation, CODING_NONE, finished);
    return finished;
}

/* ---- heads ------------------------------------------------------------------------------------- */

bool exchange_is_head(const Exchange *x)
{
    return str_eq(x->head->method, STR("HEAD"));
}

void exchange_want_head(Exchange *x)
{
    x->req.head_alone = x->reply.is_bare = true;
}

Finished *exchange_render_head(Exchange *x)
{
    uint64_t generation;
    exchange_want_head(x);
    return render_generation(x, &generation);
}

/* ---- from the cache, or made ------------------------------------------------------------------- */

Finished *exchange_encode(const Exchange *x, Finished *plain)
{
    if (plain == NULL || x->coding == CODING_NONE || finished_status(plain) != 200 ||
        (finished_body_bytes(plain) < CODING_MIN_BYTES && !exchange_is_heavy(&x->req, NULL)))
        return plain;
    Finished *coded = finished_coded(plain, x->coding, x->site->spools);
    if (coded == NULL)
        return plain;
    finished_drop(plain);
    return coded;
}

/* Estimated before it is tried: what walks all stations takes some 60 ms at 5,400 of them, what
 * names stations or measures well under one. */
bool exchange_is_heavy(const Request *req, const Finished *plain)
{
    const Filter *filter = &req->selection.filter;
    if (plain != NULL)
        return finished_body_bytes(plain) > ENCODE_AT_ONCE_MAX;
    return (route_is_country_list(req->route) || req->route->life == LIFE_FEED) &&
           filter->station.count == 0 && filter->measure.count == 0 && !ea_names_station(req);
}

Finished *exchange_defer(Exchange *x, uint64_t generation)
{
    x->is_deferred = true;
    x->deferred = (Deferred){.generation = generation, .key = exchange_key_in(x, x->coding)};
    return NULL;
}

Finished *exchange_find_or_render(Exchange *x, uint64_t generation)
{
    Finished *finished = find(x, generation, x->coding);
    if (finished != NULL)
        return finished;
    if (x->coding != CODING_NONE)
        finished = find(x, generation, CODING_NONE);
    bool heavy = exchange_is_heavy(&x->req, finished);
    if (heavy && (x->may_defer || exchange_is_head(x))) {
        finished_drop(finished);
        return exchange_is_head(x) ? exchange_render_head(x) : exchange_defer(x, generation);
    }
    if (finished == NULL)
        finished = render_generation(x, &generation);
    finished = exchange_encode(x, finished);
    if (finished != NULL && finished_status(finished) == 200 && x->coding != CODING_NONE)
        keep(x, generation, x->coding, finished);
    return finished;
}
