#include "base/clock.h"
#include "server/cursor.h"
#include "server/exchange.h"
#include "server/kept.h"
#include "server/route.h"

/* The number at the end of a generation's tag; 0: it is none of ours. */
static uint64_t number_of(const Exchange *x, Str tag)
{
    char ours[GENERATION_TAG_SIZE];
    int64_t number;
    if (!str_to_int(str_after_last(tag, '-'), &number) || number < 1)
        return 0;
    store_generation_tag(x->site->store, (uint64_t) number, ours);
    return str_eq(tag, str_of(ours)) ? (uint64_t) number : 0;
}

/* What was not kept is rendered anew while its generation is the newest: the room was needed, it is
 * wanted in another form, or the process was started in between. NULL: see the reply's problem. */
static Paged *render_list(Exchange *x, const Cursor *cursor)
{
    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    Err err = {.code = OK};
    if (exchange_open_snapshot(x, &snap) != OK)
        return NULL;
    if (!str_eq(cursor->tag, str_of(snapshot_info(snap)->tag))) {
        (void) cursor_expired(&x->req, &x->reply, cursor->tag, &err);
        return NULL;
    }
    x->req.snap = snap;
    ErrCode rc = exchange_run_handler(x);
    x->req.snap = NULL;
    if (rc == OK && x->reply.paged == NULL)
        (void) cursor_refuse(&x->req, &x->reply, &err); /* all of it is in one page */
    return rc == OK ? TAKE(x->reply.paged) : NULL;
}

/* Columns are put together anew for each page, and compressing takes longer than reading. */
static bool is_heavy_page(const Exchange *x, const Paged *paged)
{
    return paged_page_bytes(paged) > ENCODE_AT_ONCE_MAX &&
           (x->coding != CODING_NONE || x->req.selection.shape == SHAPE_COLUMNS);
}

static Finished *end_page(Exchange *x, const Paged *paged, size_t taken)
{
    Err err = {.code = OK};
    char last_modified[CLOCK_HTTP_SIZE];
    if (!paged_has(paged, taken)) {
        (void) cursor_refuse(&x->req, &x->reply, &err);
        return end_with_problem(x);
    }
    ErrCode rc = paged_give(paged, &x->req, taken, &x->reply, &err);
    if (rc != OK) {
        exchange_fail(x, rc, &err);
        return end_with_problem(x);
    }
    exchange_make_etag(x, paged_tag(paged), CODING_NONE);
    clock_format_http(paged_as_of(paged), last_modified);
    if (x->req.route->life == LIFE_GENERATION)
        reply_header(&x->reply, "Last-Modified", str_of(last_modified));
    return exchange_encode(x, end_rendered(x));
}

/* In kept, or rendered. */
static Finished *find_page(Exchange *x, const Cursor *cursor)
{
    uint64_t newest = store_generation(x->site->store), number = number_of(x, cursor->tag);
    Str key = exchange_paged_key(x);
    Err err = {.code = OK};
    Paged *paged = kept_find_paged(x->site->kept, number, key);
    bool is_heavy = paged != NULL ? is_heavy_page(x, paged)
                                  : number >= newest && exchange_is_heavy(&x->req, NULL);
    if (exchange_is_head(x) && is_heavy && paged == NULL && number == newest &&
        x->req.route->life == LIFE_GENERATION)
        return exchange_render_head(x); /* in place of all of it */
    if (x->may_defer && is_heavy) {
        paged_drop(paged);
        return exchange_defer(x, newest);
    }
    if (paged == NULL && number < newest)
        (void) cursor_expired(&x->req, &x->reply, cursor->tag, &err);
    else if (paged == NULL)
        paged = render_list(x, cursor);
    Finished *finished = paged != NULL ? end_page(x, paged, cursor->taken) : end_with_problem(x);
    paged_drop(paged);
    return finished;
}

Finished *exchange_page(Exchange *x)
{
    Err err = {.code = OK};
    Cursor cursor;
    ErrCode rc = cursor_read(&x->req, &x->reply, &cursor, &err);
    if (rc != OK) {
        exchange_fail(x, rc, &err);
        return end_with_problem(x);
    }
    if (!str_is_none(x->wanted) && !str_eq(x->wanted, cursor.tag))
        return end_gone(x);
    const char *tag = arena_format(x->arena, STR_FMT, STR_ARG(cursor.tag)).ptr;
    if (x->req.route->life == LIFE_GENERATION && exchange_client_holds(x, tag))
        return end_not_modified(x);
    Finished *finished = TAKE(x->rendered);
    return exchange_if_modified(x, finished != NULL ? finished : find_page(x, &cursor));
}
