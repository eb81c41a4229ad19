#include "server/paged.h"

#include "base/compress.h"
#include "model/render.h"
#include "server/cursor.h"
#include "server/envelope.h"
#include "server/url.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    HEADERS_MAX = 4,
    PIECE_BYTES = 64 * 1024,     /* some 0.05 ms to pack, half of that to unpack */
    IN_MEMORY_MAX = 16 * 1024,   /* packed; most lists of one station need a tenth of it */
    STARTS_MAX_BYTES = 64 << 20, /* while they are gathered: of 8 million pages */
};

struct Paged {
    _Atomic unsigned count;
    size_t limit, row_count;
    size_t bytes;    /* of all, not packed */
    size_t rows_end; /* where the places of pages begin */
    Buf starts;      /* these, uint64_t each, while they are gathered */
    Buf rest;        /* what does not fill a piece yet */
    Buf pieces; /* where each begins among all that is packed, and where the last ends; uint64_t */
    size_t packed_bytes;
    Spools *spools;
    Spool *spool; /* what is packed; NULL while it is less than IN_MEMORY_MAX, and in `packed` */
    Buf packed;
    SnapshotInfo info;
    char *texts; /* of what follows */
    size_t texts_bytes;
    Str head;
    Header headers[HEADERS_MAX];
    size_t header_count;
};

Paged *paged_begin(Spools *spools, size_t limit, size_t first)
{
    Paged *paged = calloc(1, sizeof *paged);
    if (paged == NULL)
        return NULL;
    paged->count = 1;
    paged->limit = limit;
    paged->spools = spools;
    paged->starts = buf_init(STARTS_MAX_BYTES);
    paged->rest = buf_init(PIECE_BYTES);
    paged->pieces = buf_init(STARTS_MAX_BYTES);
    paged->packed = buf_init(SIZE_MAX / 2);
    paged_mark(paged, first);
    return paged;
}

void paged_mark(Paged *paged, size_t ahead)
{
    uint64_t start = paged->bytes + ahead;
    buf_put(&paged->starts, &start, sizeof start);
}

/* ---- packing --------------------------------------------------------------------------------- */

static ErrCode move_to_spool(Paged *paged, Err *err)
{
    ErrCode rc = OK;
    if (paged->spool == NULL)
        rc = spool_begin(paged->spools, SPOOL_READ, &paged->spool, err);
    if (rc == OK)
        rc = spool_append(paged->spool, buf_view(&paged->packed), err);
    buf_clear(&paged->packed);
    return rc;
}

static ErrCode pack_piece(Paged *paged, Str piece, Err *err)
{
    uint64_t at = paged->packed_bytes;
    size_t before = paged->packed.len;
    buf_put(&paged->pieces, &at, sizeof at);
    ErrCode rc = compress_pack(piece, &paged->packed, err);
    if (rc != OK)
        return rc;
    paged->packed_bytes += paged->packed.len - before;
    return paged->packed.len > IN_MEMORY_MAX ? move_to_spool(paged, err) : OK;
}

static Str take_piece(Str *bytes, size_t len)
{
    const Str piece = {bytes->ptr, len < bytes->len ? len : bytes->len};
    *bytes = (Str){bytes->ptr + piece.len, bytes->len - piece.len};
    return piece;
}

ErrCode paged_append(Paged *paged, Str bytes, Err *err)
{
    ErrCode rc = OK;
    paged->bytes += bytes.len;
    while (bytes.len > 0 && rc == OK) {
        if (paged->rest.len == 0 && bytes.len >= PIECE_BYTES) {
            rc = pack_piece(paged, take_piece(&bytes, PIECE_BYTES), err);
            continue;
        }
        buf_put_str(&paged->rest, take_piece(&bytes, PIECE_BYTES - paged->rest.len));
        if (paged->rest.len < PIECE_BYTES)
            return buf_check(&paged->rest, err);
        rc = pack_piece(paged, buf_view(&paged->rest), err);
        buf_clear(&paged->rest);
    }
    return rc;
}

/* The last piece, and where it ends. What stays in memory gives its slack back. */
static ErrCode end_packing(Paged *paged, Err *err)
{
    ErrCode rc = paged->rest.len > 0 ? pack_piece(paged, buf_view(&paged->rest), err) : OK;
    uint64_t end = paged->packed_bytes;
    buf_put(&paged->pieces, &end, sizeof end);
    buf_release(&paged->rest);
    if (rc == OK && paged->spool != NULL)
        rc = move_to_spool(paged, err);
    if (paged->spool != NULL)
        buf_release(&paged->packed);
    buf_shrink(&paged->packed);
    buf_shrink(&paged->pieces);
    return rc != OK ? rc : buf_check(&paged->pieces, err);
}

static Str copy_text(Str text, char **at)
{
    const Str copy = {*at, text.len};
    *at = (char *) mempcpy(*at, text.ptr, text.len);
    return copy;
}

/* False: no memory. */
static bool copy_texts(Paged *paged, const PagedInfo *of)
{
    size_t bytes = of->head.len;
    assert(of->header_count <= HEADERS_MAX);
    for (size_t i = 0; i < of->header_count; i++)
        bytes += of->headers[i].value.len;
    char *at = paged->texts = malloc(bytes + 1);
    if (at == NULL)
        return false;
    paged->texts_bytes = bytes;
    if (of->head.len > 0)
        paged->head = copy_text(of->head, &at);
    for (size_t i = 0; i < of->header_count; i++)
        paged->headers[i] = (Header){of->headers[i].name, copy_text(of->headers[i].value, &at)};
    paged->header_count = of->header_count;
    return true;
}

ErrCode paged_end(Paged *paged, const PagedInfo *of, Err *err)
{
    paged->info = *of->info;
    paged->row_count = of->row_count;
    paged->rows_end = paged->bytes;
    paged_mark(paged, 0); /* the end of the last page */
    if (!copy_texts(paged, of))
        return err_set(err, ERR_NO_MEMORY, "no memory for what surrounds pages");
    ErrCode rc = buf_check(&paged->starts, err);
    if (rc == OK)
        rc = paged_append(paged, buf_view(&paged->starts), err);
    buf_release(&paged->starts);
    return rc != OK ? rc : end_packing(paged, err);
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
    buf_release(&paged->rest);
    buf_release(&paged->pieces);
    buf_release(&paged->packed);
    free(paged->texts);
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

size_t paged_disk_bytes(const Paged *paged)
{
    return paged->spool != NULL ? spool_bytes(paged->spool) : 0;
}

size_t paged_memory_bytes(const Paged *paged)
{
    return sizeof *paged + paged->packed.cap + paged->pieces.cap + paged->texts_bytes;
}

size_t paged_page_bytes(const Paged *paged)
{
    return paged->rows_end / paged->row_count * paged->limit;
}

bool paged_has(const Paged *paged, size_t taken)
{
    return taken % paged->limit == 0 && taken < paged->row_count;
}

/* ---- a page ---------------------------------------------------------------------------------- */

static ErrCode read_packed(const Paged *paged, size_t at, size_t len, Buf *to, Err *err)
{
    char *room = buf_reserve(to, len);
    if (room == NULL)
        return buf_check(to, err);
    ErrCode rc = OK;
    if (paged->spool != NULL)
        rc = spool_read(paged->spool, at, room, len, err);
    else
        memcpy(room, paged->packed.ptr + at, len);
    buf_grew(to, len);
    return rc;
}

static ErrCode unpack_piece(const Paged *paged, size_t number, Buf *plain, Err *err)
{
    CLEANUP(buf_release) Buf packed = buf_init(2 * PIECE_BYTES);
    uint64_t ends[2];
    memcpy(ends, paged->pieces.ptr + number * sizeof *ends, sizeof ends);
    size_t left = paged->bytes - number * PIECE_BYTES;
    size_t len = left < PIECE_BYTES ? left : PIECE_BYTES;
    ErrCode rc = read_packed(paged, ends[0], ends[1] - ends[0], &packed, err);
    if (rc != OK)
        return rc;
    char *room = buf_reserve(plain, len);
    if (room == NULL)
        return buf_check(plain, err);
    if (!compress_unpack(buf_view(&packed), room, len))
        return err_set(err, ERR_STORAGE, "what was packed of a list cannot be unpacked");
    buf_grew(plain, len);
    return OK;
}

/* The bytes from `at` to `end` of all, as they were before they were packed. */
static ErrCode put_plain(const Paged *paged, size_t at, size_t end, Buf *out, Err *err)
{
    CLEANUP(buf_release) Buf plain = buf_init(PIECE_BYTES);
    while (at < end) {
        size_t begin = at / PIECE_BYTES * PIECE_BYTES;
        buf_clear(&plain);
        ErrCode rc = unpack_piece(paged, at / PIECE_BYTES, &plain, err);
        if (rc != OK)
            return rc;
        size_t to = begin + plain.len < end ? begin + plain.len : end;
        buf_put(out, plain.ptr + (at - begin), to - at);
        at = to;
    }
    return buf_check(out, err);
}

static ErrCode put_rows(const Paged *paged, size_t page, Buf *out, Err *err)
{
    uint64_t ends[2];
    size_t at = paged->rows_end + page * sizeof *ends;
    CLEANUP(buf_release) Buf text = buf_init(sizeof ends);
    ErrCode rc = put_plain(paged, at, at + sizeof ends, &text, err);
    if (rc != OK)
        return rc;
    memcpy(ends, text.ptr, sizeof ends);
    return put_plain(paged, ends[0], ends[1], out, err);
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
    reply->content_type = FORMATS[req->format].content_type;
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
