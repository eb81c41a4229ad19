#include "server/paged.h"

#include "model/render.h"
#include "server/cursor.h"
#include "server/envelope.h"
#include "server/url.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Of the places while they are gathered: 8 million pages, where a country has half a million rows. */
enum { STARTS_MAX_BYTES = 64 << 20 };

struct Paged {
    _Atomic unsigned count;
    Spool *spool;
    size_t limit, row_count;
    Buf starts;       /* uint64_t each; empty once they lie behind the rows */
    size_t starts_at; /* where the rows end */
    SnapshotInfo info;
    Arena texts; /* of what follows */
    Str head;
    Header headers[REPLY_HEADERS_MAX];
    size_t header_count;
};

ErrCode paged_begin(Spools *spools, size_t limit, size_t first, Paged **ret_paged, Err *err)
{
    Paged *paged = calloc(1, sizeof *paged);
    if (paged == NULL)
        return err_set(err, ERR_NO_MEMORY, "no memory for pages");
    paged->count = 1;
    paged->limit = limit;
    paged->starts = buf_init(STARTS_MAX_BYTES);
    paged->texts = arena_init();
    ErrCode rc = spool_begin(spools, SPOOL_READ, &paged->spool, err);
    if (rc != OK) {
        paged_drop(paged);
        return rc;
    }
    paged_mark(paged, first);
    *ret_paged = paged;
    return OK;
}

void paged_mark(Paged *paged, size_t ahead)
{
    uint64_t start = spool_bytes(paged->spool) + ahead;
    buf_put(&paged->starts, &start, sizeof start);
}

ErrCode paged_append(Paged *paged, Str bytes, Err *err)
{
    return spool_append(paged->spool, bytes, err);
}

static bool copy_texts(Paged *paged, const PagedInfo *of)
{
    bool copied = arena_copy(&paged->texts, of->head, &paged->head);
    for (size_t i = 0; i < of->header_count && copied; i++) {
        Header *header = &paged->headers[paged->header_count++];
        header->name = of->headers[i].name;
        copied = arena_copy(&paged->texts, of->headers[i].value, &header->value);
    }
    return copied;
}

ErrCode paged_end(Paged *paged, const PagedInfo *of, Err *err)
{
    paged->info = *of->info;
    paged->row_count = of->row_count;
    paged->starts_at = spool_bytes(paged->spool);
    paged_mark(paged, 0); /* the end of the last page */
    if (!copy_texts(paged, of))
        return err_set(err, ERR_NO_MEMORY, "no memory for what surrounds pages");
    ErrCode rc = buf_check(&paged->starts, err);
    if (rc == OK)
        rc = spool_append(paged->spool, buf_view(&paged->starts), err);
    buf_release(&paged->starts);
    return rc;
}

Paged *paged_keep(Paged *paged)
{
    (void) atomic_fetch_add_explicit(&paged->count, 1, memory_order_relaxed);
    return paged;
}

void paged_drop(Paged *paged)
{
    if (paged == NULL || atomic_fetch_sub_explicit(&paged->count, 1, memory_order_acq_rel) > 1)
        return;
    spool_drop(paged->spool);
    buf_release(&paged->starts);
    arena_release(&paged->texts);
    free(paged);
}

const char *paged_tag(const Paged *paged)
{
    return paged->info.tag;
}

uint64_t paged_generation(const Paged *paged)
{
    return paged->info.generation;
}

UnixSec paged_as_of(const Paged *paged)
{
    return paged->info.as_of;
}

size_t paged_bytes(const Paged *paged)
{
    return spool_bytes(paged->spool);
}

size_t paged_page_bytes(const Paged *paged)
{
    return paged->starts_at / paged->row_count * paged->limit;
}

bool paged_has(const Paged *paged, size_t taken)
{
    return taken % paged->limit == 0 && taken < paged->row_count;
}

/* ---- a page ---------------------------------------------------------------------------------- */

static ErrCode put_rows(const Paged *paged, size_t page, Buf *out, Err *err)
{
    uint64_t ends[2] = {0, 0};
    ErrCode rc = spool_read(paged->spool, paged->starts_at + page * sizeof *ends, (char *) ends,
                            sizeof ends, err);
    if (rc != OK)
        return rc;
    size_t len = ends[1] - ends[0];
    char *room = buf_reserve(out, len);
    if (room == NULL)
        return buf_check(out, err);
    rc = spool_read(paged->spool, ends[0], room, len, err);
    if (rc == OK)
        buf_grew(out, len);
    return rc;
}

/* What the handler said of the list. Where else a page is to be found is at its own cursor. */
static void put_headers(const Paged *paged, const Request *req, size_t taken, Reply *reply)
{
    for (size_t i = 0; i < paged->header_count; i++) {
        Header header = paged->headers[i];
        bool is_address = strcmp(header.name, "Content-Location") == 0;
        if (is_address && taken > 0)
            header.value =
                url_add_cursor(req, header.value, cursor_make(req, paged->info.tag, taken));
        reply_header(reply, header.name, header.value);
    }
}

ErrCode paged_give(const Paged *paged, const Request *req, size_t taken, Reply *reply, Err *err)
{
    size_t left = paged->row_count - taken;
    size_t count = left < paged->limit ? left : paged->limit;
    Str next = STR_NONE;
    assert(paged_has(paged, taken));
    if (left > count)
        next = url_at_cursor(req, cursor_make(req, paged->info.tag, taken + count));
    reply->header_count = 0;
    put_headers(paged, req, taken, reply);
    buf_clear(&reply->body);
    if (req->format == FORMAT_CSV) {
        const FieldSet fields = envelope_fields(req);
        render_csv_header(&reply->body, &fields);
    }
    ErrCode rc = put_rows(paged, taken / paged->limit, &reply->body, err);
    if (rc != OK)
        return rc;
    envelope_finish(reply, req, paged->head, count, next);
    return buf_check(&reply->body, err);
}
