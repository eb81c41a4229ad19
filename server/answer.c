#include "server/answer.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "server/kept.h"
#include "server/route.h"
#include "server/url.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char ALLOW[] = "GET, HEAD, OPTIONS";
static const char EXPOSED[] = "ETag, Last-Modified, Link, Content-Location, Content-Range, "
                              "Repr-Digest, Row-Count, Retry-After, RateLimit, "
                              "RateLimit-Policy, X-Request-Id, Server-Timing";

/* A link header beyond this is left out: long queries are not repeated to their sender. */
enum { LINK_MAX_BYTES = 1024, ETAG_SIZE = GENERATION_TAG_SIZE + 32 };

/* One request on its way. */
typedef struct Exchange {
    Site *site;
    Cache *cache;
    const Head *head;
    Arena *arena;
    Request req;
    Reply reply;
    Str key;              /* the question, canonical; its first byte is the coding */
    Str wanted;           /* the generation of a download that goes on; none: the newest */
    Coding coding;        /* that the client would rather have */
    char etag[ETAG_SIZE]; /* "" where the answer has none */
    int64_t render_us;    /* 0: nothing had to be rendered */
    bool may_defer, is_deferred;
    uint64_t ahead_of; /* the generation to render before it is announced; 0: as usual */
    Deferred deferred;
    Finished *rendered; /* elsewhere, for this request; NULL: it is sought or made */
} Exchange;

static bool failed(const Exchange *x)
{
    return x->reply.problem.type != PROBLEM_NONE;
}

/* ---- what the head says ---------------------------------------------------------------------- */

static void check_head(Exchange *x)
{
    const Head *head = x->head;
    Problem *problem = &x->reply.problem;
    if (head->is_http_1_1 && head->host_count != 1)
        problem_set(problem, PROBLEM_BAD_REQUEST,
                    arena_format(x->arena, "The request has %u Host fields; HTTP/1.1 asks for one.",
                                 head->host_count));
    else if (head->has_transfer_encoding && head->content_length_count > 0)
        problem_set(problem, PROBLEM_BAD_REQUEST,
                    STR("The request has both Content-Length and Transfer-Encoding."));
    else if (head->content_length_count > 1)
        problem_set(problem, PROBLEM_BAD_REQUEST,
                    arena_format(x->arena, "The request has %u Content-Length fields.",
                                 head->content_length_count));
    else if (head->bytes > HEAD_MAX_BYTES)
        problem_set(problem, PROBLEM_HEAD_TOO_LARGE,
                    arena_format(x->arena, "The header fields are %zu bytes; at most %d are read.",
                                 head->bytes, HEAD_MAX_BYTES));
}

static bool is_read_method(Str method)
{
    return str_eq(method, STR("GET")) || str_eq(method, STR("HEAD"));
}

static void find_route(Exchange *x)
{
    if (route_find(&x->req))
        return;
    Str near = route_nearest(&x->req);
    Str hint = str_is_none(near)
                   ? STR("")
                   : arena_format(x->arena, " Did you mean '" STR_FMT "'?", STR_ARG(near));
    problem_set(&x->reply.problem, PROBLEM_NOT_FOUND,
                arena_format(x->arena, "'" STR_FMT "' is no path here." STR_FMT,
                             STR_ARG(x->req.target.path), STR_ARG(hint)));
}

static void check_method(Exchange *x)
{
    if (is_read_method(x->head->method))
        return;
    problem_set(
        &x->reply.problem, PROBLEM_METHOD_NOT_ALLOWED,
        arena_format(x->arena, "'" STR_FMT "' takes %s.", STR_ARG(x->req.target.path), ALLOW));
    reply_header(&x->reply, "Allow", str_of(ALLOW));
}

/* Suffix, then `format`, then Accept. */
static void choose_format(Exchange *x)
{
    Request *req = &x->req;
    unsigned offered = req->route->formats;
    if (offered == 0 || req->has_suffix)
        return;
    bool chosen = req->selection.has_format
                      ? format_find(req->selection.format, offered, &req->format)
                      : format_negotiate(x->head->accept, offered, &req->format);
    if (chosen)
        return;
    Problem *problem = &x->reply.problem;
    problem_set(problem, PROBLEM_NOT_ACCEPTABLE,
                arena_format(x->arena, "'" STR_FMT "' has no form that the request would accept.",
                             STR_ARG(req->target.path)));
    problem->list_name = "available";
    for (unsigned i = 0; i < FORMAT_COUNT; i++)
        if ((offered & FORMAT_BIT(i)) != 0 &&
            !str_list_add(x->arena, &problem->list, str_of(FORMATS[i].media_type)))
            break;
}

/* What walks all stations. */
static bool is_country_list(const Route *route)
{
    return route->formats != 0 && strchr(route->pattern, '{') == NULL;
}

/* What may be larger than memory, and is then spooled. */
static bool may_be_spooled(const Route *route)
{
    return is_country_list(route) && (route->params & PARAMS_STATION) != 0;
}

/* `generation` says which answer, not what is asked: it is no part of the question. */
static void take_wanted(Exchange *x)
{
    Target *target = &x->req.target;
    size_t kept = 0;
    for (size_t i = 0; i < target->param_count; i++) {
        if (str_is_none(x->wanted) && str_eq(target->params[i].name, STR("generation")))
            x->wanted = target->params[i].value;
        else
            target->params[kept++] = target->params[i];
    }
    target->param_count = kept;
    if (x->ahead_of != 0)
        x->wanted = STR_NONE;
}

static void read_request(Exchange *x)
{
    const ServerOptions *options = x->site->options;
    Problem *problem = &x->reply.problem;
    if (!target_read(x->head->target, options->max_target_bytes, options->max_parameters, x->arena,
                     &x->req.target, problem))
        return;
    find_route(x);
    if (!failed(x))
        check_method(x);
    if (!failed(x) && may_be_spooled(x->req.route))
        take_wanted(x);
    if (!failed(x) && selection_read(&x->req, x->req.route->params, &x->req.selection, problem))
        choose_format(x);
}

/* ---- the question, and its entity tag -------------------------------------------------------- */

/* Coding, format, number of segments, then every segment, name and value with a NUL behind it: none
 * of them holds one, so that two questions never look alike. */
static bool make_key(Exchange *x)
{
    const Target *target = &x->req.target;
    size_t len = 3;
    for (size_t i = 0; i < target->segment_count; i++)
        len += target->segments[i].len + 1;
    for (size_t i = 0; i < target->param_count; i++)
        len += target->params[i].name.len + target->params[i].value.len + 2;
    char *at = arena_alloc(x->arena, len);
    if (at == NULL)
        return false;
    x->key = (Str){at, len};
    *at++ = (char) ('0' + x->coding);
    *at++ = (char) ('0' + x->req.format);
    *at++ = (char) ('0' + target->segment_count);
    for (size_t i = 0; i < target->segment_count; i++)
        at = (char *) mempcpy(at, target->segments[i].ptr, target->segments[i].len) + 1;
    for (size_t i = 0; i < target->param_count; i++) {
        at = (char *) mempcpy(at, target->params[i].name.ptr, target->params[i].name.len) + 1;
        at = (char *) mempcpy(at, target->params[i].value.ptr, target->params[i].value.len) + 1;
    }
    return true;
}

static uint64_t hash_on(uint64_t hash, Str text) /* FNV-1a */
{
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (unsigned char) text.ptr[i]) * 1099511628211U;
    return hash;
}

/* The question as it is asked for another coding: the one key, changed in place. */
static Str key_in(const Exchange *x, Coding coding)
{
    *(char *) (uintptr_t) x->key.ptr = (char) ('0' + coding); /* the arena's */
    return x->key;
}

/* The question (which holds the format), the build that renders it, and the coding. */
static void make_etag(Exchange *x, const char *tag, Coding coding)
{
    uint64_t hash = hash_on(14695981039346656037U, key_in(x, CODING_NONE));
    hash = hash_on(hash, str_of(x->site->options->build));
    (void) snprintf(x->etag, sizeof x->etag, "\"%s-%016" PRIx64 "%s\"", tag, hash,
                    CODINGS[coding].suffix);
}

/* Whether the client holds it, in a coding that it could still read: a cache that has it gzipped
 * must not hand that to one who takes none. On true x->etag is what it holds. */
static bool client_holds(Exchange *x, const char *tag)
{
    if (str_is_none(x->head->if_none_match))
        return false;
    for (unsigned i = 0; i < CODING_COUNT; i++) {
        make_etag(x, tag, (Coding) i);
        if (etag_in_list(str_of(x->etag), x->head->if_none_match) &&
            coding_is_acceptable(x->head->accept_encoding, (Coding) i))
            return true;
    }
    return false;
}

/* Entity tags are quoted and hold no quote, so that commas inside one part nothing. */
bool etag_in_list(Str etag, Str list)
{
    const char *at = list.ptr, *end = list.ptr + list.len;
    while (at < end) {
        const char *open = memchr(at, '"', (size_t) (end - at));
        const char *close = open != NULL ? memchr(open + 1, '"', (size_t) (end - open - 1)) : NULL;
        if (close == NULL)
            return false;
        if (str_eq((Str){open, (size_t) (close - open) + 1}, etag))
            return true;
        at = close + 1;
    }
    return false;
}

/* ---- headers --------------------------------------------------------------------------------- */

static bool is_negotiated(const Request *req)
{
    return req->route != NULL && req->route->formats != 0 && !req->has_suffix;
}

static void put_common_headers(Exchange *x)
{
    reply_header(&x->reply, "Access-Control-Allow-Origin", STR("*"));
    reply_header(&x->reply, "Access-Control-Expose-Headers", str_of(EXPOSED));
    reply_header(&x->reply, "X-Content-Type-Options", STR("nosniff"));
    if (x->req.route != NULL && x->req.route->life != LIFE_NOW)
        reply_header(&x->reply, "Vary",
                     is_negotiated(&x->req) ? STR("Accept, Accept-Encoding")
                                            : STR("Accept-Encoding"));
}

static void put_freshness(Exchange *x)
{
    static const char *const CACHE_CONTROL[] = {
        [LIFE_GENERATION] = "public, stale-while-revalidate=60, stale-if-error=3600",
        [LIFE_BUILD] = "public, max-age=3600",
        [LIFE_NOW] = "no-store",
    };
    Life life = failed(x) || x->req.route == NULL ? LIFE_NOW : x->req.route->life;
    reply_header(&x->reply, "Cache-Control", str_of(CACHE_CONTROL[life]));
    if (life != LIFE_NOW)
        reply_header(&x->reply, "ETag", str_of(x->etag));
}

/* When the next generation is expected. Where that is not known: a time gone by, so that nobody
 * guesses a freshness from Last-Modified. */
static UnixSec expires_of(Exchange *x)
{
    if (failed(x) || x->req.route == NULL || x->req.route->life != LIFE_GENERATION)
        return NO_TIME;
    UnixSec next = store_next_expected(x->site->store);
    return next != NO_TIME ? next : store_as_of(x->site->store);
}

static void put_alternates(Exchange *x)
{
    unsigned others = x->req.route->formats & ~FORMAT_BIT(x->req.format);
    Str links = STR("");
    for (unsigned i = 0; i < FORMAT_COUNT; i++) {
        if ((others & FORMAT_BIT(i)) == 0)
            continue;
        Str url = url_in_format(&x->req, (Format) i);
        links = arena_format(x->arena, STR_FMT "%s<" STR_FMT ">; rel=\"alternate\"; type=\"%s\"",
                             STR_ARG(links), links.len > 0 ? ", " : "", STR_ARG(url),
                             FORMATS[i].media_type);
    }
    if (links.len > 0 && links.len <= LINK_MAX_BYTES)
        reply_header(&x->reply, "Link", links);
}

/* From where a broken download goes on: this very answer, as long as it is kept. */
static void put_location(Exchange *x, const char *tag)
{
    Str url = url_in_format(&x->req, x->req.format);
    bool has_query = memchr(url.ptr, '?', url.len) != NULL;
    Str location =
        arena_format(x->arena, STR_FMT "%cgeneration=%s", STR_ARG(url), has_query ? '&' : '?', tag);
    if (url.len > 0 && location.len > 0 && location.len <= LINK_MAX_BYTES)
        reply_header(&x->reply, "Content-Location", location);
}

/* ---- the ends of an exchange ----------------------------------------------------------------- */

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

static Finished *end_with_problem(Exchange *x)
{
    reply_render_problem(&x->reply, x->arena);
    put_common_headers(x);
    put_freshness(x);
    return reply_finish(&x->reply, NO_TIME);
}

static Finished *end_not_modified(Exchange *x)
{
    metric_add(METRIC_HTTP_NOT_MODIFIED, 1);
    x->reply.status = 304;
    put_common_headers(x);
    put_freshness(x);
    return reply_finish(&x->reply, expires_of(x));
}

static Finished *end_options(Exchange *x)
{
    reply_header(&x->reply, "Allow", str_of(ALLOW));
    reply_header(&x->reply, "Access-Control-Allow-Methods", str_of(ALLOW));
    reply_header(&x->reply, "Access-Control-Allow-Headers",
                 STR("Accept, If-None-Match, If-Modified-Since, If-Range, Range, X-Request-Id, "
                     "traceparent"));
    reply_header(&x->reply, "Access-Control-Max-Age", STR("86400"));
    put_common_headers(x);
    x->reply.status = 204;
    return reply_finish(&x->reply, NO_TIME);
}

/* ---- rendering ------------------------------------------------------------------------------- */

static ErrCode run_handler(Exchange *x)
{
    Err err = {.code = OK};
    int64_t begun_us = clock_elapsed_us();
    ErrCode rc = x->req.route->handler(&x->req, &x->reply, &err);
    if (rc == OK)
        rc = reply_seal(&x->reply, &err);
    if (rc != OK) {
        reply_fail(&x->reply, x->arena, rc, &err);
        log_failure(x, rc, &err);
    }
    x->render_us = clock_elapsed_us() - begun_us;
    return rc;
}

static Finished *end_rendered(Exchange *x)
{
    if (failed(x))
        return end_with_problem(x);
    put_common_headers(x);
    put_freshness(x);
    put_alternates(x);
    return reply_finish(&x->reply, expires_of(x));
}

static ErrCode open_snapshot(Exchange *x, Snapshot **ret_snap)
{
    Err err = {.code = OK};
    ErrCode rc = store_snapshot(x->site->store, ret_snap, &err);
    if (rc != OK) {
        reply_fail(&x->reply, x->arena, rc, &err);
        log_failure(x, rc, &err);
    }
    return rc;
}

static Finished *find(Exchange *x, uint64_t generation, Coding coding)
{
    if (x->ahead_of != 0)
        return cache_find_at(x->cache, x->ahead_of, key_in(x, coding));
    Finished *found = cache_find(x->cache, generation, key_in(x, coding), expires_of(x));
    if (found == NULL && coding == CODING_NONE && x->site->kept != NULL)
        found = kept_find(x->site->kept, generation, key_in(x, coding));
    return found;
}

static void keep(Exchange *x, uint64_t generation, Coding coding, Finished *finished)
{
    const Question question = {.key = key_in(x, coding),
                               .target = x->head->target,
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
    if (open_snapshot(x, &snap) != OK)
        return end_with_problem(x);
    const SnapshotInfo *info = snapshot_info(snap);
    *generation = info->generation;
    char last_modified[CLOCK_HTTP_SIZE];
    clock_format_http(info->as_of, last_modified);
    make_etag(x, info->tag,
              CODING_NONE); /* the snapshot's: it may be newer than what was announced */
    x->req.snap = snap;
    if (may_be_spooled(x->req.route) &&
        (x->req.format == FORMAT_CSV || x->req.format == FORMAT_NDJSON))
        x->reply.spools = x->site->spools;
    if (run_handler(x) == OK)
        reply_header(&x->reply, "Last-Modified", str_of(last_modified));
    if (x->reply.spool != NULL)
        put_location(x, info->tag);
    Finished *finished = end_rendered(x);
    if (finished != NULL && !failed(x))
        keep(x, info->generation, CODING_NONE, finished);
    return finished;
}

/* The same answer as the client would rather have it; `plain` itself where it is too small to gain,
 * or there is no memory. Takes `plain` over. */
static Finished *encode(const Exchange *x, Finished *plain)
{
    if (plain == NULL || x->coding == CODING_NONE || finished_status(plain) != 200 ||
        finished_body(plain).len < CODING_MIN_BYTES)
        return plain;
    Finished *coded = finished_coded(plain, x->coding);
    if (coded == NULL)
        return plain;
    finished_drop(plain);
    return coded;
}

/* 1 ms of gzip, about */
enum { ENCODE_AT_ONCE_MAX = 64 * 1024 };

/* Estimated before it is tried: what walks all stations takes some 60 ms at 5,400 of them, what
 * names stations or measures well under one. */
static bool is_heavy(const Request *req, const Finished *plain)
{
    const Filter *filter = &req->selection.filter;
    if (plain != NULL)
        return finished_body(plain).len > ENCODE_AT_ONCE_MAX;
    return is_country_list(req->route) && filter->station.count == 0 && filter->measure.count == 0;
}

static Finished *defer(Exchange *x, uint64_t generation, Finished *plain)
{
    finished_drop(plain);
    x->is_deferred = true;
    x->deferred = (Deferred){.generation = generation, .key = key_in(x, x->coding)};
    return NULL;
}

/* From the cache, or made: first plain, then in its coding, each once for a generation. */
static Finished *find_or_render(Exchange *x, uint64_t generation)
{
    Finished *finished = find(x, generation, x->coding);
    if (finished != NULL)
        return finished;
    if (x->coding != CODING_NONE)
        finished = find(x, generation, CODING_NONE);
    if (x->may_defer && is_heavy(&x->req, finished))
        return defer(x, generation, finished);
    if (finished == NULL)
        finished = render_generation(x, &generation);
    finished = encode(x, finished);
    if (finished != NULL && finished_status(finished) == 200 && x->coding != CODING_NONE &&
        !finished_is_spooled(finished))
        keep(x, generation, x->coding, finished);
    return finished;
}

/* If-None-Match: * and If-Modified-Since speak of what is there, so that is looked at first. */
static bool is_modified(const Exchange *x, const Finished *finished)
{
    const Head *head = x->head;
    UnixSec since, modified;
    if (finished_status(finished) != 200)
        return true;
    if (!str_is_none(head->if_none_match))
        return !str_eq(str_trim(head->if_none_match), STR("*"));
    return str_is_none(head->if_modified_since) ||
           !clock_parse_http(head->if_modified_since, &since) ||
           !clock_parse_http(finished_header(finished, "Last-Modified"), &modified) ||
           modified > since;
}

/* One for all who hold the same. The tag is the key: it begins like no question, and names its
 * generation, so that an answer of a newer one is never taken for it. */
static Finished *find_not_modified(Exchange *x, uint64_t generation)
{
    const Question question = {.key = str_of(x->etag), .target = STR("")};
    Finished *finished = cache_find(x->cache, generation, question.key, expires_of(x));
    if (finished != NULL) {
        metric_add(METRIC_HTTP_NOT_MODIFIED, 1);
        return finished;
    }
    finished = end_not_modified(x);
    if (finished != NULL)
        cache_put(x->cache, generation, &question, finished);
    return finished;
}

static Finished *end_gone(Exchange *x)
{
    x->reply.header_count = 0;
    problem_set(&x->reply.problem, PROBLEM_OUTSIDE_RETENTION,
                arena_format(x->arena,
                             "The answer of generation '" STR_FMT
                             "' is not kept any longer. Without `generation` comes the newest.",
                             STR_ARG(x->wanted)));
    return end_with_problem(x);
}

/* The number of the generation that is wanted. False: it cannot be one of ours. */
static bool read_wanted(const Exchange *x, uint64_t newest, uint64_t *ret)
{
    char tag[GENERATION_TAG_SIZE];
    int64_t number;
    if (!str_to_int(str_after_last(x->wanted, '-'), &number) || number < 1 ||
        (uint64_t) number > newest)
        return false;
    *ret = (uint64_t) number;
    store_generation_tag(x->site->store, *ret, tag);
    return str_eq(x->wanted, str_of(tag));
}

/* A snapshot may be newer than what was announced. */
static bool is_wanted(const Exchange *x, const Finished *finished)
{
    Str etag = finished_header(finished, "ETag");
    return str_is_none(x->wanted) || finished_status(finished) != 200 ||
           (etag.len > x->wanted.len + 1 && str_eq(x->wanted, (Str){etag.ptr + 1, x->wanted.len}) &&
            etag.ptr[x->wanted.len + 1] == '-');
}

static Finished *find_kept(Exchange *x, uint64_t generation)
{
    return x->site->kept != NULL ? kept_find(x->site->kept, generation, key_in(x, CODING_NONE))
                                 : NULL;
}

/* The answer of one generation, whatever the client has of it already. */
static Finished *seek(Exchange *x, uint64_t generation, uint64_t newest)
{
    Finished *finished = TAKE(x->rendered);
    if (finished == NULL)
        finished = generation < newest ? find_kept(x, generation) : find_or_render(x, generation);
    if (finished != NULL && is_wanted(x, finished))
        return finished;
    if (finished == NULL && generation >= newest)
        return NULL; /* deferred, or without memory */
    finished_drop(finished);
    return end_gone(x);
}

static Finished *answer_generation(Exchange *x)
{
    Store *store = x->site->store;
    uint64_t newest = x->ahead_of != 0 ? x->ahead_of : store_generation(store), generation = newest;
    char tag[GENERATION_TAG_SIZE];
    if (newest == 0) {
        problem_set(&x->reply.problem, PROBLEM_UNAVAILABLE,
                    STR("Nothing has been stored yet; the first poll is under way."));
        return end_with_problem(x);
    }
    if (!str_is_none(x->wanted) && !read_wanted(x, newest, &generation))
        return end_gone(x);
    store_generation_tag(store, generation, tag);
    if (client_holds(x, tag))
        return find_not_modified(x, generation);
    Finished *finished = seek(x, generation, newest);
    if (finished == NULL || is_modified(x, finished))
        return finished;
    (void) snprintf(x->etag, sizeof x->etag, STR_FMT, STR_ARG(finished_header(finished, "ETag")));
    finished_drop(finished);
    x->reply.header_count = 0;
    return end_not_modified(x);
}

/* If-Range: a part is of use only when it is of what the client has the beginning of. Strong: a
 * weak tag is none, and a date must be the very one. */
static bool continues(const Exchange *x, const Finished *finished)
{
    Str condition = str_trim(x->head->if_range);
    return condition.len == 0 || str_eq(condition, finished_header(finished, "ETag")) ||
           str_eq(condition, finished_header(finished, "Last-Modified"));
}

/* The part that was asked for, or all. Takes `finished` over. */
static Finished *cut(Exchange *x, Finished *finished)
{
    Slice slice;
    if (finished == NULL || finished_status(finished) != 200 ||
        !str_eq(x->head->method, STR("GET")) || !continues(x, finished))
        return finished;
    size_t len = finished_body_bytes(finished);
    RangeKind kind = range_read(x->head->range, len, &slice);
    if (kind == RANGE_WHOLE)
        return finished;
    Finished *part = NULL;
    if (kind == RANGE_PART) {
        part = finished_part(finished, slice);
    } else {
        x->reply.header_count = 0;
        reply_header(&x->reply, "Content-Range", arena_format(x->arena, "bytes */%zu", len));
        problem_set(
            &x->reply.problem, PROBLEM_RANGE_NOT_SATISFIABLE,
            arena_format(x->arena, "The range begins behind the end of the %zu bytes.", len));
        part = end_with_problem(x);
    }
    finished_drop(finished);
    return part;
}

static Finished *answer_now(Exchange *x)
{
    if (x->req.route->life == LIFE_BUILD) {
        if (client_holds(x, x->site->options->build))
            return end_not_modified(x);
        make_etag(x, x->site->options->build, CODING_NONE);
    }
    (void) run_handler(x);
    Finished *finished = end_rendered(x);
    return x->req.route->life == LIFE_BUILD ? encode(x, finished) : finished;
}

static Finished *answer_exchange(Exchange *x)
{
    bool is_options = str_eq(x->head->method, STR("OPTIONS"));
    check_head(x);
    if (!failed(x) && is_options && str_eq(x->head->target, STR("*")))
        return end_options(x);
    if (!failed(x))
        read_request(x);
    if (is_options && x->req.route != NULL)
        return end_options(x);
    if (failed(x))
        return end_with_problem(x);
    assert(x->req.route != NULL); /* else it would have failed */
    if (!make_key(x)) {
        problem_set(&x->reply.problem, PROBLEM_OVERLOADED, STR("There is no memory left."));
        return end_with_problem(x);
    }
    return x->req.route->life == LIFE_GENERATION ? cut(x, answer_generation(x)) : answer_now(x);
}

/* ---- what goes to one client alone ----------------------------------------------------------- */

static void add_extra(Answer *answer, const char *name, Str value)
{
    assert(answer->extra_count < EXTRA_MAX);
    answer->extra[answer->extra_count++] = (Header){name, value};
}

static bool is_request_id(Str id)
{
    for (size_t i = 0; i < id.len; i++)
        if (id.ptr[i] <= ' ' || id.ptr[i] > '~')
            return false;
    return id.len > 0 && id.len <= 128;
}

/* 00-<trace>-<span>-<flags> [W3C trace context] */
static bool is_traceparent(Str text)
{
    static const char SHAPE[] = "xx-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-xxxxxxxxxxxxxxxx-xx";
    if (text.len != sizeof SHAPE - 1)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (SHAPE[i] == '-' ? text.ptr[i] != '-' : strchr("0123456789abcdef", text.ptr[i]) == NULL)
            return false;
    return true;
}

static void add_trace(Answer *answer, const Head *head, Arena *arena, bool is_error)
{
    uint64_t random[3] = {0};
    bool has_id = is_request_id(head->request_id), has_trace = is_traceparent(head->traceparent);
    if (is_error && !(has_id && has_trace))
        arc4random_buf(random, sizeof random);
    if (has_id)
        add_extra(answer, "X-Request-Id", head->request_id);
    else if (is_error)
        add_extra(answer, "X-Request-Id", arena_format(arena, "%016" PRIx64, random[0]));
    if (has_trace)
        add_extra(answer, "traceparent", head->traceparent);
    else if (is_error)
        add_extra(answer, "traceparent",
                  arena_format(arena, "00-%016" PRIx64 "%016" PRIx64 "-%016" PRIx64 "-00",
                               random[0], random[1], random[2]));
}

static Exchange exchange_init(Site *site, Cache *cache, const Head *head, Arena *arena)
{
    return (Exchange){.site = site,
                      .cache = cache,
                      .head = head,
                      .arena = arena,
                      .req = {.site = site, .arena = arena},
                      .coding = coding_negotiate(head->accept_encoding),
                      .reply = reply_init(site->options->max_response_bytes)};
}

static Answer answer(Exchange *x)
{
    Answer made = {.finished = answer_exchange(x)};
    reply_release(&x->reply);
    finished_drop(TAKE(x->rendered)); /* 304 needed none */
    made.is_deferred = x->is_deferred;
    made.deferred = x->deferred;
    made.render_us = x->render_us;
    if (made.finished == NULL)
        return made;
    add_trace(&made, x->head, x->arena, finished_status(made.finished) >= 400);
    if (x->render_us > 0)
        add_extra(&made, "Server-Timing",
                  arena_format(x->arena, "render;dur=%" PRId64 ".%03" PRId64, x->render_us / 1000,
                               x->render_us % 1000));
    return made;
}

Answer answer_request(Site *site, Cache *cache, const Head *head, Arena *arena)
{
    Exchange x = exchange_init(site, cache, head, arena);
    return answer(&x);
}

Answer answer_at_once(Site *site, Cache *cache, const Head *head, Arena *arena)
{
    Exchange x = exchange_init(site, cache, head, arena);
    x.may_defer = true;
    return answer(&x);
}

Answer answer_rendered(Site *site, Cache *cache, const Head *head, Arena *arena,
                       const Rendered *rendered)
{
    Exchange x = exchange_init(site, cache, head, arena);
    x.rendered = rendered->finished;
    x.render_us = rendered->render_us;
    return answer(&x);
}

void answer_ahead(Site *site, Cache *cache, uint64_t generation, const Question *question)
{
    CLEANUP(arena_release) Arena arena = arena_init();
    const Head head = {.method = STR("GET"),
                       .target = question->target,
                       .is_http_1_1 = true,
                       .host_count = 1,
                       .accept = str_of(FORMATS[question->format].media_type),
                       .accept_encoding = str_of(CODINGS[question->coding].name)};
    Exchange x = exchange_init(site, cache, &head, &arena);
    x.ahead_of = generation;
    finished_drop(answer(&x).finished);
}

Answer answer_problem(const Head *head, Arena *arena, ProblemType type, const char *detail)
{
    enum { BODY_MAX_BYTES = 64 * 1024 };
    Exchange x = {.head = head, .arena = arena, .reply = reply_init(BODY_MAX_BYTES)};
    problem_set(&x.reply.problem, type, str_of(detail));
    Answer answer = {.finished = end_with_problem(&x)};
    reply_release(&x.reply);
    if (answer.finished != NULL)
        add_trace(&answer, head, arena, true);
    return answer;
}
