#include "server/rows.h"

#include "base/clock.h"
#include "server/cursor.h"
#include "server/route.h"
#include "server/url.h"

#include <string.h>

static const char LICENCE[] = "OGL-UK-3.0";
static const char ATTRIBUTION[] =
    "this uses Environment Agency flood and river level data from the real-time data API (Beta)";

void put_generation(JsonWriter *json, const SnapshotInfo *info)
{
    json_key(json, "generation");
    json_text(json, info->tag);
    json_key(json, "as_of");
    json_time(json, info->as_of);
    json_key(json, "service");
    json_open(json, '{');
    json_key(json, "state");
    json_text(json, info->service.fault == FAULT_NONE ? "ok" : "degraded");
    json_key(json, "fault");
    json_text(json, fault_name(info->service.fault));
    json_key(json, "since");
    json_time(json, info->service.since);
    json_close(json, '}');
}

void put_licence(JsonWriter *json)
{
    json_key(json, "licence");
    json_text(json, LICENCE);
    json_key(json, "attribution");
    json_text(json, ATTRIBUTION);
}

/* ---- rows ------------------------------------------------------------------------------------ */

static bool has_envelope(Format format)
{
    return format == FORMAT_JSON || format == FORMAT_GEOJSON;
}

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
    if (!has_envelope(req->format) || !has_pages(req))
        return SIZE_MAX;
    return JSON_PAGE_ITEMS < most ? JSON_PAGE_ITEMS : most;
}

/* All but those that were asked for. */
static void drop_aggregates(FieldSet *set, unsigned asked)
{
    size_t kept = 0;
    for (size_t i = 0; i < set->count; i++) {
        const Field *field = set->fields[i];
        bool is_asked = (field->in & FIELD_AGGREGATE) == 0;
        for (unsigned k = 0; k < AGGREGATE_KIND_COUNT && !is_asked; k++)
            is_asked =
                (asked & 1U << k) != 0 && strcmp(field->name, aggregate_name((Aggregate) k)) == 0;
        if (is_asked)
            set->fields[kept++] = field;
    }
    set->count = kept;
}

static FieldSet fields_of(const Request *req)
{
    const Selection *selection = &req->selection;
    const Field *table = request_fields(req);
    FieldSet set = selection->fields;
    if (set.count == 0)
        set = field_set_default(table, (req->format == FORMAT_CSV ? FIELD_CSV : FIELD_JSON) |
                                           FIELD_AGGREGATE);
    if (selection->aggregates != 0 && selection->fields.count == 0)
        drop_aggregates(&set, selection->aggregates);
    if (selection->with_local_time)
        field_set_add(&set, field_find(table, STR("time_local")));
    set.style = selection->style;
    return set;
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
                   .fields = fields_of(req),
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
    if (selection->download)
        name_download(req, reply);
    return cursor_read(req, reply, &rows->skip, err);
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

static void put_separator(const Rows *rows, Buf *out)
{
    if (has_envelope(rows->req->format) && rows->count > 0)
        BUF_LITERAL(out, ",\n");
}

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
    bool is_wanted = rows->seen >= rows->skip && rows->count < rows->limit;
    rows->seen++;
    note_time(rows, row);
    if (rows->sort.order.count > 0) {
        put_for_sorting(rows, row);
    } else if (is_wanted) {
        put_separator(rows, out);
        put_row(rows, row);
        rows->count++;
    }
    /* All rows pass, also those behind the page: the window and the coverage are those of the list, so
     * that every page, in every form, says the same. What is to be sorted must stay until all of it
     * is there. */
    bool goes_on = rows->sort.order.count > 0 ? out->error == OK : reply_more(rows->reply);
    return goes_on && !rows->no_memory;
}

/* This body's part of the rows, in their order. */
static void put_sorted(Rows *rows)
{
    Buf *body = &rows->reply->body;
    const Sort *sort = &rows->sort;
    if (sort->count == 0 || body->error != OK)
        return;
    CLEANUP(buf_release) Buf sorted = buf_init(body->max);
    buf_put(&sorted, body->ptr, sort->entries[0].at); /* a CSV's header */
    sort_finish(&rows->sort);
    for (size_t i = rows->skip; i < sort->count && rows->count < rows->limit; i++) {
        put_separator(rows, &sorted);
        buf_put(&sorted, body->ptr + sort->entries[i].at, sort->entries[i].len);
        rows->count++;
    }
    const Buf unsorted = *body;
    *body = sorted;
    sorted = unsorted;
}

/* None: this body ends the list. */
static Str next_address(const Rows *rows)
{
    size_t taken = rows->skip + rows->count;
    if (taken >= rows->seen || !has_pages(rows->req))
        return STR_NONE;
    return url_at_cursor(rows->req, cursor_make(rows->req, taken));
}

/* ---- the envelope ---------------------------------------------------------------------------- */

static void put_window(JsonWriter *json, UnixSec from, UnixSec to)
{
    json_key(json, "window");
    json_open(json, '{');
    json_key(json, "from");
    json_time(json, from);
    json_key(json, "to");
    json_time(json, to);
    json_close(json, '}');
}

/* An end that there is no reading for is open. */
static void format_end(UnixSec time, char text[static CLOCK_TEXT_SIZE])
{
    static const char OPEN[] = "..";
    if (time == NO_TIME)
        memcpy(text, OPEN, sizeof OPEN);
    else
        clock_format(time, text);
}

/* For the forms that have no envelope, and for all, so that nobody need open a body for it: an
 * interval of ISO 8601. */
static void say_window(const Rows *rows, const Extent *extent)
{
    char from[CLOCK_TEXT_SIZE], to[CLOCK_TEXT_SIZE];
    format_end(extent->from, from);
    format_end(extent->to, to);
    reply_header(rows->reply, "Freshet-Window", arena_format(rows->req->arena, "%s/%s", from, to));
}

static void put_coverage(JsonWriter *json, const Coverage *coverage, const char *reason)
{
    json_key(json, "coverage");
    json_open(json, '{');
    json_key(json, "earliest");
    json_time(json, coverage->earliest);
    json_key(json, "latest");
    json_time(json, coverage->latest);
    json_key(json, "expected");
    if (coverage->counted)
        json_int(json, coverage->expected);
    else
        json_null(json);
    json_key(json, "received");
    if (coverage->counted)
        json_int(json, coverage->received);
    else
        json_null(json);
    json_key(json, "completeness");
    json_double(json, coverage_completeness(coverage));
    if (reason != NULL) {
        json_key(json, "reason");
        json_text(json, reason);
    }
    json_close(json, '}');
}

/* Up to the member that holds the rows, which follow. */
static void put_head(Rows *rows, const Extent *extent, Buf *out)
{
    JsonWriter json = json_writer(out);
    bool is_map = rows->req->format == FORMAT_GEOJSON;
    json_open(&json, '{');
    if (is_map) {
        json_key(&json, "type");
        json_text(&json, "FeatureCollection");
    }
    if (rows->req->snap != NULL) { /* else the answer is not of a generation */
        put_generation(&json, snapshot_info(rows->req->snap));
        put_window(&json, extent->from, extent->to);
    }
    if (extent->coverage != NULL)
        put_coverage(&json, extent->coverage, extent->reason);
    put_licence(&json);
    json_key(&json, is_map ? "features" : "items");
}

/* Rows that are arrays become one array a column, each under its name. */
static void put_columns(const Rows *rows, Buf *body, Buf *out)
{
    size_t count = rows->fields.count;
    Buf columns[FIELD_SET_MAX];
    for (size_t i = 0; i < count; i++)
        columns[i] = buf_init(out->max);
    buf_prepend(body, STR("["));
    buf_put_char(body, ']');
    Str key, row, value = STR_NONE;
    JsonWalk walk = json_walk(buf_view(body));
    while (json_next(&walk, &key, &row)) {
        JsonWalk cells = json_walk(row);
        for (size_t i = 0; i < count && json_next(&cells, &key, &value); i++) {
            buf_put_char(&columns[i], columns[i].len == 0 ? '[' : ',');
            buf_put_str(&columns[i], value);
        }
    }
    for (size_t i = 0; i < count; i++) {
        buf_printf(out, "%c\n\"%s\":%s", i == 0 ? '{' : ',', rows->fields.fields[i]->name,
                   columns[i].len == 0 ? "[" : "");
        buf_put_str(out, buf_view(&columns[i]));
        buf_put_char(out, ']');
        if (columns[i].error != OK)
            out->error = columns[i].error;
        buf_release(&columns[i]);
    }
    buf_put_char(out, '}');
}

/* `complete` comes last, so that a body that was cut never reads as complete. */
static void wrap(Rows *rows, const Extent *extent, Str next)
{
    Buf *body = &rows->reply->body;
    CLEANUP(buf_release) Buf whole = buf_init(body->max);
    if (body->error != OK)
        return;
    if (rows->req->selection.shape == SHAPE_ARRAY) {
        buf_prepend(body, STR("[\n"));
        BUF_LITERAL(body, "\n]\n");
        return;
    }
    put_head(rows, extent, &whole);
    if (rows->req->selection.shape == SHAPE_COLUMNS) {
        put_columns(rows, body, &whole);
        buf_clear(body);
    } else {
        BUF_LITERAL(&whole, "[\n");
        BUF_LITERAL(body, "\n]");
    }
    buf_prepend(body, buf_view(&whole));
    buf_printf(body, ",\"count\":%zu,\"next\":", rows->count);
    JsonWriter tail = json_writer(body);
    json_str(&tail, next);
    BUF_LITERAL(body, ",\"complete\":true}\n");
    if (whole.error != OK)
        body->error = whole.error;
}

static ErrCode too_large(Rows *rows, Err *err)
{
    const Request *req = rows->req;
    bool is_spooled = rows->reply->spools != NULL && rows->sort.order.count == 0;
    problem_set(&rows->reply->problem, PROBLEM_TOO_LARGE,
                arena_format(req->arena,
                             "'" STR_FMT
                             "' would be more than %zu bytes. Narrow it by station, measure, "
                             "parameter or time, or ask for it in pages (`limit`).",
                             STR_ARG(req->target.path),
                             is_spooled ? spools_most_bytes(rows->reply->spools)
                                        : req->site->options->max_response_bytes));
    return err_set(err, ERR_TOO_LARGE, "the answer is too large");
}

ErrCode rows_end(Rows *rows, const Extent *extent, Err *err)
{
    const Extent of_rows = {.from = rows->earliest, .to = rows->latest};
    const Request *req = rows->req;
    Reply *reply = rows->reply;
    if (rows->no_memory)
        return err_set(err, ERR_NO_MEMORY, "no memory to sort %zu rows", rows->seen);
    put_sorted(rows);
    Str next = next_address(rows);
    if (extent == NULL)
        extent = &of_rows;
    if (req->snap != NULL)
        say_window(rows, extent);
    if (has_envelope(req->format))
        wrap(rows, extent, next);
    else
        reply_header(reply, "Row-Count", arena_format(req->arena, "%zu", rows->count));
    if (reply->body.error == ERR_TOO_LARGE)
        return too_large(rows, err);
    if (!str_is_none(next))
        reply_header(reply, "Link",
                     arena_format(req->arena, "<" STR_FMT ">; rel=\"next\"", STR_ARG(next)));
    return buf_check(&reply->body, err);
}
