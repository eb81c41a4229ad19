#include "server/answer.h"

#include "base/clock.h"
#include "base/metrics.h"
#include "server/exchange.h"
#include "server/kept.h"
#include "server/route.h"
#include "server/words.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- of one generation ------------------------------------------------------------------------- */

/* One for all who hold the same. The tag is the key: it begins like no question, and names its
 * generation, so that an answer of a newer one is never taken for it. */
static Finished *find_not_modified(Exchange *x, uint64_t generation)
{
    const Question question = {.key = str_of(x->etag), .target = STR("")};
    Finished *finished = cache_find(x->cache, generation, question.key, exchange_expires(x));
    if (finished != NULL) {
        metric_add(METRIC_HTTP_NOT_MODIFIED, 1);
        return finished;
    }
    finished = end_not_modified(x);
    if (finished != NULL)
        cache_put(x->cache, generation, &question, finished);
    return finished;
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

/* A part is of the bytes that the client has the beginning of: in its coding, or not at all. */
static Finished *find_kept(Exchange *x, uint64_t generation)
{
    Kept *kept = x->site->kept;
    Finished *finished = kept_find(kept, generation, exchange_key_in(x, x->coding));
    if (finished == NULL && str_is_none(x->head->range))
        finished = kept_find(kept, generation, exchange_key_in(x, CODING_NONE));
    return finished;
}

/* The answer of one generation, whatever the client has of it already. */
static Finished *seek(Exchange *x, uint64_t generation, uint64_t newest)
{
    Finished *finished = TAKE(x->rendered);
    if (finished == NULL)
        finished =
            generation < newest ? find_kept(x, generation) : exchange_find_or_render(x, generation);
    if (finished != NULL && is_wanted(x, finished))
        return finished;
    if (finished == NULL && generation >= newest)
        return NULL; /* deferred, or without memory */
    finished_drop(finished);
    return end_gone(x);
}

static Finished *end_empty(Exchange *x)
{
    problem_set(&x->reply.problem, PROBLEM_UNAVAILABLE,
                STR("Nothing has been stored yet; the first poll is under way."));
    return end_with_problem(x);
}

/* What changed since a cursor is the same for all who ask, as long as its generation is the newest. */
static Finished *answer_feed(Exchange *x)
{
    uint64_t newest = store_generation(x->site->store);
    if (newest == 0)
        return end_empty(x);
    return x->rendered != NULL ? TAKE(x->rendered) : exchange_find_or_render(x, newest);
}

static Finished *answer_generation(Exchange *x)
{
    Store *store = x->site->store;
    uint64_t newest = x->ahead_of != 0 ? x->ahead_of : store_generation(store), generation = newest;
    char tag[GENERATION_TAG_SIZE];
    if (newest == 0)
        return end_empty(x);
    if (!str_is_none(x->wanted) && !read_wanted(x, newest, &generation))
        return end_gone(x);
    store_generation_tag(store, generation, tag);
    if (exchange_client_holds(x, tag))
        return find_not_modified(x, generation);
    return exchange_if_modified(x, seek(x, generation, newest));
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
    if (finished == NULL || finished_status(finished) != 200 || exchange_is_head(x) ||
        !continues(x, finished))
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

/* Gaps of the whole country are a walk over all readings. A stream is begun where its connection is. */
static bool is_for_elsewhere(const Exchange *x)
{
    const Route *route = x->req.route;
    return x->may_defer && !exchange_is_head(x) && (route->params & PARAMS_FOLLOW) == 0 &&
           exchange_is_heavy(&x->req, NULL);
}

static Finished *answer_now(Exchange *x)
{
    if (x->rendered != NULL)
        return TAKE(x->rendered);
    if (is_for_elsewhere(x))
        return exchange_defer(x, store_generation(x->site->store));
    if (x->req.route->life == LIFE_BUILD) {
        if (exchange_client_holds(x, x->site->options->build))
            return end_not_modified(x);
        exchange_make_etag(x, x->site->options->build, CODING_NONE);
    } else if (exchange_is_head(x) && x->req.route->formats != 0) {
        exchange_want_head(x); /* a list of the moment is never kept, and a stream has no end */
    }
    (void) exchange_run_handler(x);
    Finished *finished = end_rendered(x);
    return x->req.route->life == LIFE_BUILD ? exchange_encode(x, finished) : finished;
}

static Finished *answer_exchange(Exchange *x)
{
    bool is_options = str_eq(x->head->method, STR("OPTIONS"));
    exchange_check_head(x);
    if (!exchange_failed(x) && is_options && str_eq(x->head->target, STR("*")))
        return end_options(x);
    if (!exchange_failed(x))
        exchange_read_target(x);
    if (is_options && x->req.route != NULL)
        return end_options(x);
    if (exchange_failed(x))
        return end_with_problem(x);
    assert(x->req.route != NULL); /* else it would have failed */
    if (!exchange_make_key(x)) {
        problem_set(&x->reply.problem, PROBLEM_OVERLOADED, STR("There is no memory left."));
        return end_with_problem(x);
    }
    bool has_cursor = !str_is_none(x->req.selection.cursor);
    switch (x->req.route->life) {
    case LIFE_GENERATION:
        return cut(x, has_cursor ? exchange_page(x) : answer_generation(x));
    case LIFE_FEED:
        return answer_feed(x);
    default:
        return has_cursor ? exchange_page(x) : answer_now(x);
    }
}

/* ---- what goes to one client alone ----------------------------------------------------------- */

void answer_add(Answer *answer, const char *name, Str value)
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
        answer_add(answer, "X-Request-Id", head->request_id);
    else if (is_error)
        answer_add(answer, "X-Request-Id", arena_format(arena, "%016" PRIx64, random[0]));
    if (has_trace)
        answer_add(answer, "traceparent", head->traceparent);
    else if (is_error)
        answer_add(answer, "traceparent",
                   arena_format(arena, "00-%016" PRIx64 "%016" PRIx64 "-%016" PRIx64 "-00",
                                random[0], random[1], random[2]));
}

/* ---- words that were heard before ------------------------------------------------------------ */

/* What tells a request apart from others, where nothing in it asks for more than the answer that
 * all get. None: something does, or it is too long. */
static Str said_by(const Head *head, char room[static WORDS_MAX_BYTES])
{
    const Str parts[] = {head->target, head->host, head->accept, head->accept_encoding,
                         head->if_none_match};
    const Str more[] = {head->if_modified_since, head->range, head->request_id, head->traceparent};
    Buf said = {.ptr = room, .cap = WORDS_MAX_BYTES, .max = WORDS_MAX_BYTES};
    bool is_plain = (str_eq(head->method, STR("GET")) || str_eq(head->method, STR("HEAD"))) &&
                    head->is_http_1_1 && head->host_count == 1 && !head->has_transfer_encoding &&
                    head->content_length_count == 0 && head->bytes <= HEAD_MAX_BYTES;
    for (size_t i = 0; i < countof(more); i++)
        is_plain = is_plain && str_is_none(more[i]);
    for (size_t i = 0; is_plain && i < countof(parts); i++) {
        size_t len = str_is_none(parts[i]) ? SIZE_MAX : parts[i].len; /* "" is not missing */
        if (parts[i].len + sizeof len > said.max - said.len)
            return STR_NONE;
        buf_put(&said, &len, sizeof len);
        buf_put_str(&said, parts[i]);
    }
    return is_plain ? buf_view(&said) : STR_NONE;
}

/* Straight from the words to the finished answer. NULL: it must be gone through. */
static Finished *find_known(const Site *site, Cache *cache, const Head *head)
{
    char said_room[WORDS_MAX_BYTES], key_room[WORDS_MAX_BYTES];
    Str said = site->words != NULL ? said_by(head, said_room) : STR_NONE;
    Str key = str_is_none(said) ? STR_NONE : words_find(site->words, said, key_room);
    if (str_is_none(key))
        return NULL;
    Finished *finished = cache_find(cache, store_generation(site->store), key, site_expires(site));
    if (finished != NULL && finished_status(finished) == 304)
        metric_add(METRIC_HTTP_NOT_MODIFIED, 1);
    return finished;
}

/* The key under which the cache has what came of it. A 304 is kept by its entity tag, which names
 * the generation; any other condition must be looked at each time. */
static void learn(const Exchange *x, const Finished *finished)
{
    char room[WORDS_MAX_BYTES];
    bool is_same = finished_status(finished) == 304;
    bool is_plain = finished_status(finished) == 200 && str_is_none(x->head->if_none_match);
    if (x->site->words == NULL || x->req.route == NULL || x->req.route->life != LIFE_GENERATION ||
        x->ahead_of != 0 || !str_is_none(x->wanted) || !str_is_none(x->req.selection.cursor) ||
        !(is_same || is_plain))
        return;
    Str said = said_by(x->head, room);
    if (!str_is_none(said))
        words_learn(x->site->words, said,
                    is_same ? str_of(x->etag) : exchange_key_in(x, x->coding));
}

/* ---- ways in --------------------------------------------------------------------------------- */

static Exchange exchange_init(Site *site, Cache *cache, const Head *head, Arena *arena)
{
    return (Exchange){.site = site,
                      .cache = cache,
                      .head = head,
                      .arena = arena,
                      .req = {.site = site, .arena = arena, .last_event_id = head->last_event_id},
                      .coding = coding_negotiate(head->accept_encoding),
                      .reply = reply_init(site->options->max_response_bytes)};
}

static Answer answer(Exchange *x)
{
    Answer made = {.finished = answer_exchange(x)};
    made.subscriber = made.finished != NULL ? TAKE(x->reply.subscriber) : NULL;
    reply_release(&x->reply);
    finished_drop(TAKE(x->rendered)); /* 304 needed none */
    made.is_deferred = x->is_deferred;
    made.deferred = x->deferred;
    made.render_us = x->render_us;
    if (made.finished == NULL)
        return made;
    learn(x, made.finished);
    made.wait_s = x->req.selection.wait_s;
    made.is_idle = x->req.route != NULL && x->req.route->life == LIFE_FEED &&
                   str_eq(finished_header(made.finished, "Row-Count"), STR("0"));
    add_trace(&made, x->head, x->arena, finished_status(made.finished) >= 400);
    if (x->render_us > 0)
        answer_add(&made, "Server-Timing",
                   arena_format(x->arena, "render;dur=%" PRId64 ".%03" PRId64, x->render_us / 1000,
                                x->render_us % 1000));
    return made;
}

Answer answer_request(Site *site, Cache *cache, const Head *head, Arena *arena)
{
    Answer known = {.finished = find_known(site, cache, head)};
    if (known.finished != NULL)
        return known;
    Exchange x = exchange_init(site, cache, head, arena);
    return answer(&x);
}

Answer answer_at_once(Site *site, Cache *cache, const Head *head, Arena *arena)
{
    Answer known = {.finished = find_known(site, cache, head)};
    if (known.finished != NULL)
        return known;
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
