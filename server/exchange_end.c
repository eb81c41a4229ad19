#include "server/exchange.h"

#include "base/metrics.h"
#include "server/route.h"
#include "server/url.h"

#include <string.h>

static const char EXPOSED[] =
    "ETag, Last-Modified, Link, Content-Location, Content-Range, "
    "Repr-Digest, Row-Count, Freshet-Window, Held-From, Retry-After, RateLimit, "
    "RateLimit-Policy, WWW-Authenticate, X-Request-Id, Server-Timing";

/* A link header beyond this is left out: long queries are not repeated to their sender. */
enum { LINK_MAX_BYTES = 1024 };

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
    /* What is given to holders of tokens alone must not be handed on by a cache to others. */
    static const struct {
        const char *open, *closed;
    } CACHE_CONTROL[] = {
        [LIFE_GENERATION] = {"public, stale-while-revalidate=60, stale-if-error=3600",
                             "private, stale-while-revalidate=60, stale-if-error=3600"},
        [LIFE_FEED] = {"no-store", "no-store"},
        [LIFE_BUILD] = {"public, max-age=3600", "private, max-age=3600"},
        [LIFE_NOW] = {"no-store", "no-store"},
    };
    Life life = exchange_failed(x) || x->req.route == NULL ? LIFE_NOW : x->req.route->life;
    bool is_closed = x->site != NULL && x->site->options->tokens_file != NULL;
    reply_header(&x->reply, "Cache-Control",
                 str_of(is_closed ? CACHE_CONTROL[life].closed : CACHE_CONTROL[life].open));
    if (life == LIFE_GENERATION || life == LIFE_BUILD)
        reply_header(&x->reply, "ETag", str_of(x->etag));
}

UnixSec site_expires(const Site *site)
{
    UnixSec next = store_next_expected(site->store);
    return next != NO_TIME ? next : store_as_of(site->store);
}

UnixSec exchange_expires(const Exchange *x)
{
    bool is_of_generation =
        !exchange_failed(x) && x->req.route != NULL && x->req.route->life == LIFE_GENERATION;
    return is_of_generation ? site_expires(x->site) : NO_TIME;
}

static void put_alternates(Exchange *x)
{
    const Route *route = x->req.route;
    /* A page and the document at its address have no addresses of their own. */
    unsigned others =
        route->formats != FORMATS_PAGE ? route->formats & ~FORMAT_BIT(x->req.format) : 0;
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

void exchange_put_location(Exchange *x, const char *tag)
{
    Str url = url_in_format(&x->req, x->req.format);
    bool has_query = memchr(url.ptr, '?', url.len) != NULL;
    Str location =
        arena_format(x->arena, STR_FMT "%cgeneration=%s", STR_ARG(url), has_query ? '&' : '?', tag);
    if (url.len > 0 && location.len > 0 && location.len <= LINK_MAX_BYTES)
        reply_header(&x->reply, "Content-Location", location);
}

/* ---- ends -------------------------------------------------------------------------------- */

Finished *end_with_problem(Exchange *x)
{
    reply_render_problem(&x->reply, x->arena);
    put_common_headers(x);
    put_freshness(x);
    return reply_finish(&x->reply, NO_TIME);
}

Finished *end_not_modified(Exchange *x)
{
    metric_add(METRIC_HTTP_NOT_MODIFIED, 1);
    x->reply.status = 304;
    put_common_headers(x);
    put_freshness(x);
    return reply_finish(&x->reply, exchange_expires(x));
}

Finished *end_options(Exchange *x)
{
    x->reply.header_count = 0; /* what was said against the method */
    reply_header(&x->reply, "Allow", STR(ALLOWED_METHODS));
    reply_header(&x->reply, "Access-Control-Allow-Methods", STR(ALLOWED_METHODS));
    reply_header(&x->reply, "Access-Control-Allow-Headers",
                 STR("Accept, Authorization, If-None-Match, If-Modified-Since, If-Range, Range, "
                     "X-Request-Id, traceparent"));
    reply_header(&x->reply, "Access-Control-Max-Age", STR("86400"));
    put_common_headers(x);
    x->reply.status = 204;
    return reply_finish(&x->reply, NO_TIME);
}

Finished *end_rendered(Exchange *x)
{
    if (exchange_failed(x))
        return end_with_problem(x);
    put_common_headers(x);
    put_freshness(x);
    put_alternates(x);
    return reply_finish(&x->reply, exchange_expires(x));
}

Finished *end_gone(Exchange *x)
{
    x->reply.header_count = 0;
    problem_set(&x->reply.problem, PROBLEM_OUTSIDE_RETENTION,
                arena_format(x->arena,
                             "The answer of generation '" STR_FMT
                             "' is not kept any longer. Without `generation` comes the newest.",
                             STR_ARG(x->wanted)));
    return end_with_problem(x);
}
