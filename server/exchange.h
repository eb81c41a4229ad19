/* server/exchange.h - one request on its way to an answer: what the files of answer share, and
 * nobody else.
 *
 * answer.c leads through it; exchange_read.c reads the request, exchange_tag.c makes the key and the
 * entity tags of its question, exchange_render.c has it rendered, exchange_page.c finds pages,
 * exchange_end.c gives what was made its headers and finishes it. */
#pragma once
#include "server/answer.h"

enum { ETAG_SIZE = GENERATION_TAG_SIZE + 32 };

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

static inline bool exchange_failed(const Exchange *x)
{
    return x->reply.problem.type != PROBLEM_NONE;
}

/* What OPTIONS and 405 say. */
#define ALLOWED_METHODS "GET, HEAD, OPTIONS"

/* ---- reading: what is wrong becomes the reply's problem ---------------------------------------- */

void exchange_check_head(Exchange *x);
/* Target, route, method, query and format. */
void exchange_read_target(Exchange *x);

bool route_is_country_list(const Route *route); /* it walks all stations */
/* What may be larger than memory, and is then spooled. */
bool route_may_be_spooled(const Route *route);

/* ---- the question ------------------------------------------------------------------------------ */

/* False: no memory. */
MUST_USE bool exchange_make_key(Exchange *x);
/* How to ask for it again: with its host where the answer depends on that. */
Str exchange_target(const Exchange *x);
/* The question as it is asked for another coding: the one key, changed in place. */
Str exchange_key_in(const Exchange *x, Coding coding);
/* The list of which it asks for a page: the same whatever its cursor, and unlike any answer's. None:
 * no memory. */
Str exchange_paged_key(const Exchange *x);
/* x->etag of the answer in `coding`; `tag` is that of the generation, or the build. */
void exchange_make_etag(Exchange *x, const char *tag, Coding coding);
/* Whether the client holds it, in a coding that it could still read: a cache that has it gzipped
 * must not hand that to one who takes none. On true x->etag is what it holds. */
bool exchange_client_holds(Exchange *x, const char *tag);
/* `finished`, or 304 where the conditions say that the client has it. NULL stays NULL. */
Finished *exchange_if_modified(Exchange *x, Finished *finished);

/* ---- rendering --------------------------------------------------------------------------------- */

/* What fails becomes the reply's problem, and is logged where it is ours. */
void exchange_fail(Exchange *x, ErrCode code, const Err *err);
ErrCode exchange_open_snapshot(Exchange *x, Snapshot **ret_snap);
ErrCode exchange_run_handler(Exchange *x); /* a list in pages is kept */
bool exchange_is_head(const Exchange *x);  /* the method, not yet what becomes of it */
/* From now on what stands in front of the rows is all that is made: see Request.head_alone. */
void exchange_want_head(Exchange *x);
/* What GET would say of its question in front of the rows, of which none is looked at. */
Finished *exchange_render_head(Exchange *x);
/* From the cache, or made: first plain, then in its coding, each once for a generation. NULL:
 * deferred, or no memory. */
Finished *exchange_find_or_render(Exchange *x, uint64_t generation);
/* The same answer as the client would rather have it; `plain` itself where it is too small to gain,
 * or there is no memory. A list of all is coded however small it is, so that its tag is known before
 * its size. Takes `plain` over. */
Finished *exchange_encode(const Exchange *x, Finished *plain);
enum { ENCODE_AT_ONCE_MAX = 64 * 1024 }; /* 1 ms of gzip, about */
/* Whether it takes more than a few milliseconds to answer, or, with `plain`, to encode it. */
bool exchange_is_heavy(const Request *req, const Finished *plain);
Finished *exchange_defer(Exchange *x, uint64_t generation); /* NULL */

/* A page of a list, as its cursor says. NULL: deferred, or no memory. */
Finished *exchange_page(Exchange *x);

/* ---- ends: each finishes the reply; NULL: no memory -------------------------------------------- */

Finished *end_with_problem(Exchange *x);
Finished *end_not_modified(Exchange *x);
Finished *end_options(Exchange *x);
Finished *end_rendered(Exchange *x); /* or with the problem that rendering ended in */
Finished *end_gone(Exchange *x);     /* the wanted generation is not kept */

/* From where a broken download goes on: this very answer, as long as it is kept. */
void exchange_put_location(Exchange *x, const char *tag);
/* When the next generation is expected. Where that is not known: a time gone by, so that nobody
 * guesses a freshness from Last-Modified. */
UnixSec site_expires(const Site *site);
UnixSec exchange_expires(const Exchange *x); /* NO_TIME for what is not of a generation */
