#include "server/rows.h"

#include "base/log.h"
#include "server/paged.h"
#include "server/route.h"

/* A JSON body is a page unless it says otherwise: a careless question for everything must not
 * make a client parse half a million objects. */
enum { JSON_PAGE_ITEMS = 10000 };

/* A list that is of no generation has no pages: there is nothing that a cursor could pin. */
static bool has_pages(const Request *req)
{
    return req->snap != NULL;
}

static size_t limit_of(const Request *req)
{
    size_t most = req->site->options->max_json_items;
    if (req->selection.limit > 0)
        return req->selection.limit;
    /* One who follows in CSV what was begun in JSON goes on page by page. */
    bool is_whole = !format_has_envelope(req->format) && str_is_none(req->selection.cursor);
    if (is_whole || !has_pages(req))
        return SIZE_MAX;
    return JSON_PAGE_ITEMS < most ? JSON_PAGE_ITEMS : most;
}

static ErrCode refuse_form(Reply *reply, const char *parameter, const char *sentence, Err *err)
{
    problem_add(&reply->problem, PROBLEM_BAD_PARAMETER,
                (ProblemFault){.parameter = str_of(parameter),
                               .reason = "conflict",
                               .detail = str_of(sentence)});
    return err_set(err, ERR_INVALID, "%s", sentence);
}

/* What makes sense in one form only is not passed over in silence in another. */
static ErrCode check_form(const Request *req, Reply *reply, Err *err)
{
    const Selection *selection = &req->selection;
    if (selection->style.excel && req->format != FORMAT_CSV)
        return refuse_form(reply, "profile", "'profile': it is one of CSV; ask for format=csv",
                           err);
    bool is_of_json = selection->shape == SHAPE_ARRAY || selection->shape == SHAPE_COLUMNS;
    if (is_of_json && req->format != FORMAT_JSON)
        return refuse_form(reply, "shape", "'shape': it is one of JSON; ask for format=json", err);
    return OK;
}

/* freshet-latest-7f3a1b2c-184467.csv: which list, of which generation where it is of one. */
static void name_download(const Request *req, Reply *reply)
{
    Str path = str_of(req->route->pattern), word = str_after_last(path, '/');
    if (str_starts(word, STR("{")))
        word = (Str){word.ptr + 1, word.len - 2};
    bool is_pinned = req->snap != NULL;
    reply_header(reply, "Content-Disposition",
                 arena_format(req->arena, "attachment; filename=\"freshet-" STR_FMT "%s%s.%s\"",
                              STR_ARG(word), is_pinned ? "-" : "",
                              is_pinned ? snapshot_info(req->snap)->tag : "",
                              FORMATS[req->format].name));
}

ErrCode rows_begin(Rows *rows, const Request *req, Reply *reply, Err *err)
{
    const Selection *selection = &req->selection;
    *rows = (Rows){.req = req,
                   .reply = reply,
                   .fields = envelope_fields(req),
                   .sort = {.order = selection->order},
                   .limit = limit_of(req),
                   .earliest = NO_TIME,
                   .latest = NO_TIME};
    reply->content_type = FORMATS[req->format].content_type;
    ErrCode rc = check_form(req, reply, err);
    if (rc != OK)
        return rc;
    if (req->format == FORMAT_CSV && selection->shape != SHAPE_WIDE)
        render_csv_header(&reply->body, &rows->fields);
    rows->head_bytes = reply->body.len;
    if (selection->download)
        name_download(req, reply);
    if (rows->limit < SIZE_MAX)
        reply->spools = NULL; /* a page fits into memory, and the rest has a spool of its own */
    return OK;
}

static void note_time(Rows *rows, const Row *row)
{
    UnixSec time = NO_TIME;
    if (row->reading != NULL)
        time = row->reading->time;
    else if (row->measure == NULL && row->station != NULL)
        time = row->station->newest;
    if (time == NO_TIME)
        return;
    if (rows->earliest == NO_TIME || time < rows->earliest)
        rows->earliest = time;
    if (time > rows->latest)
        rows->latest = time;
}

static void put_row(Rows *rows, const Row *row)
{
    Buf *out = &rows->reply->body;
    switch (rows->req->format) {
    case FORMAT_CSV:
        render_csv_on(out, &rows->stem, &rows->fields, row);
        break;
    case FORMAT_NDJSON:
        render_json_on(out, &rows->stem, &rows->fields, row);
        buf_put_char(out, '\n');
        break;
    case FORMAT_GEOJSON:
        render_geojson(out, &rows->fields, row);
        break;
    default:
        if (rows->req->selection.shape == SHAPE_COLUMNS)
            render_json_array(out, &rows->fields, row);
        else
            render_json_on(out, &rows->stem, &rows->fields, row);
        break;
    }
}

/* ---- pages ----------------------------------------------------------------------------------- */

/* The rows of `out` fill their page, and there is one more. */
static void begin_page(Rows *rows, Buf *out)
{
    Reply *reply = rows->reply;
    if (reply->paged == NULL)
        reply->paged = paged_begin(rows->req->site->spools, rows->limit, rows->head_bytes);
    if (reply->paged == NULL)
        out->error = ERR_NO_MEMORY;
    else
        paged_mark(reply->paged, out->len);
}

/* What was rendered goes where the pages are. */
static void move_on(const Rows *rows, Buf *out)
{
    Err err = {.code = OK};
    if (out->error != OK)
        return;
    ErrCode rc = paged_append(rows->reply->paged, buf_view(out), &err);
    if (rc == ERR_STORAGE)
        log_warn("http spool failed error=" LOG_TEXT, err.text);
    buf_clear(out);
    out->error = rc;
}

/* Between rows of one page; a page begins with a row. */
static void begin_row(Rows *rows, Buf *out)
{
    if (rows->count % rows->limit != 0 && format_has_envelope(rows->req->format))
        BUF_LITERAL(out, ",\n");
    else if (rows->count > 0 && rows->count % rows->limit == 0)
        begin_page(rows, out);
    rows->count++;
}

/* Between rows. False: no more can be taken. */
static bool has_room(const Rows *rows, Buf *out)
{
    enum { PIECE_BYTES = 256 * 1024 };
    if (rows->reply->paged == NULL)
        return reply_more(rows->reply);
    if (out->len >= PIECE_BYTES)
        move_on(rows, out);
    return out->error == OK;
}

/* ---- rows ------------------------------------------------------------------------------------ */

static void put_for_sorting(Rows *rows, const Row *row)
{
    const Buf *out = &rows->reply->body;
    size_t at = out->len;
    put_row(rows, row);
    if (out->error == OK)
        rows->no_memory = !sort_add(&rows->sort, rows->req->arena, row, at, out->len - at);
}

bool rows_add(Rows *rows, const Row *row)
{
    Buf *out = &rows->reply->body;
    rows->seen++;
    note_time(rows, row);
    if (rows->sort.order.count > 0) { /* all of it must stay until it is there */
        put_for_sorting(rows, row);
        return out->error == OK && !rows->no_memory;
    }
    if (!has_pages(rows->req) && rows->count == rows->limit)
        return true;
    begin_row(rows, out);
    put_row(rows, row);
    return has_room(rows, out);
}

/* The rows in their order. */
static void put_sorted(Rows *rows)
{
    Buf *body = &rows->reply->body;
    const Sort *sort = &rows->sort;
    if (sort->count == 0 || body->error != OK)
        return;
    CLEANUP(buf_release) Buf sorted = buf_init(body->max);
    buf_put(&sorted, body->ptr, rows->head_bytes);
    sort_finish(&rows->sort);
    for (size_t i = 0; i < sort->count && sorted.error == OK; i++) {
        begin_row(rows, &sorted);
        buf_put(&sorted, body->ptr + sort->entries[i].at, sort->entries[i].len);
        if (rows->reply->paged != NULL)
            (void) has_room(rows, &sorted);
    }
    const Buf unsorted = *body;
    *body = sorted;
    sorted = unsorted;
}

/* All rows lie in the spool; the reply becomes the first page of them. */
static ErrCode end_pages(const Rows *rows, Str head, Err *err)
{
    Reply *reply = rows->reply;
    move_on(rows, &reply->body);
    ErrCode rc = buf_check(&reply->body, err);
    if (rc == OK)
        rc = paged_end(reply->paged,
                       &(PagedInfo){.info = snapshot_info(rows->req->snap),
                                    .head = head,
                                    .headers = reply->headers,
                                    .header_count = reply->header_count,
                                    .row_count = rows->count},
                       err);
    return rc != OK ? rc : paged_give(reply->paged, rows->req, 0, reply, err);
}

ErrCode rows_end(Rows *rows, const Extent *extent, Err *err)
{
    const Extent of_rows = {.from = rows->earliest, .to = rows->latest};
    const Request *req = rows->req;
    Reply *reply = rows->reply;
    CLEANUP(buf_release) Buf head = buf_init(reply->body.max);
    if (rows->no_memory)
        return err_set(err, ERR_NO_MEMORY, "no memory to sort %zu rows", rows->seen);
    put_sorted(rows);
    if (extent == NULL)
        extent = &of_rows;
    if (req->snap != NULL)
        envelope_say_window(reply, req, extent);
    if (format_has_envelope(req->format))
        envelope_put_head(&head, req, extent);
    ErrCode rc = buf_check(&head, err);
    if (rc == OK && reply->paged != NULL)
        rc = end_pages(rows, buf_view(&head), err);
    else if (rc == OK)
        envelope_finish(reply, req, buf_view(&head), rows->count, STR_NONE);
    return rc;
}
