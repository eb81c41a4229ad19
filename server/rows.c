#include "server/rows.h"

#include "model/render.h"
#include "server/route.h"

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

void rows_begin(Rows *rows, const Request *req, Reply *reply, const Field *table)
{
    unsigned where = req->format == FORMAT_CSV ? FIELD_CSV : FIELD_JSON;
    *rows = (Rows){.req = req,
                   .reply = reply,
                   .fields = field_set_default(table, where),
                   .earliest = NO_TIME,
                   .latest = NO_TIME};
    if (req->format == FORMAT_CSV)
        render_csv_header(&reply->body, &rows->fields);
}

static void note_time(Rows *rows, UnixSec time)
{
    if (time == NO_TIME)
        return;
    if (rows->earliest == NO_TIME || time < rows->earliest)
        rows->earliest = time;
    if (time > rows->latest)
        rows->latest = time;
}

bool rows_add(Rows *rows, const Row *row)
{
    Buf *out = &rows->reply->body;
    if (rows->req->format == FORMAT_JSON &&
        rows->count == rows->req->site->options->max_json_items) {
        rows->too_many = true;
        return false;
    }
    switch (rows->req->format) {
    case FORMAT_CSV:
        render_csv(out, &rows->fields, row);
        break;
    case FORMAT_NDJSON:
        render_json(out, &rows->fields, row);
        buf_put_char(out, '\n');
        break;
    default:
        buf_put(out, ",\n", rows->count > 0 ? 2 : 0);
        render_json(out, &rows->fields, row);
        break;
    }
    rows->count++;
    if (row->reading != NULL)
        note_time(rows, row->reading->time);
    else if (row->measure == NULL)
        note_time(rows, row->station->newest);
    return reply_more(rows->reply);
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

/* Up to the bracket of items, which the rows follow. */
static void put_head(Rows *rows, const Extent *extent, Buf *out)
{
    JsonWriter json = json_writer(out);
    json_open(&json, '{');
    put_generation(&json, snapshot_info(rows->req->snap));
    put_window(&json, extent->from, extent->to);
    if (extent->coverage != NULL)
        put_coverage(&json, extent->coverage, extent->reason);
    put_licence(&json);
    json_key(&json, "items");
    BUF_LITERAL(out, "[\n");
}

/* `complete` comes last, so that a body that was cut never reads as complete. */
static void wrap(Rows *rows, const Extent *extent)
{
    Buf *body = &rows->reply->body;
    CLEANUP(buf_release) Buf head = buf_init(64 * 1024);
    put_head(rows, extent, &head);
    buf_prepend(body, buf_view(&head));
    buf_printf(body, "\n],\"count\":%zu,\"next\":null,\"complete\":true}\n", rows->count);
    if (head.error != OK)
        body->error = head.error;
}

static ErrCode too_large(Rows *rows, Err *err)
{
    const Request *req = rows->req;
    const ServerOptions *options = req->site->options;
    if (rows->too_many)
        problem_set(
            &rows->reply->problem, PROBLEM_TOO_LARGE,
            arena_format(
                req->arena,
                "'" STR_FMT "' would be more than %zu items in JSON. Ask for CSV or NDJSON "
                "(format=csv, format=ndjson), or narrow it by station, measure, parameter or time.",
                STR_ARG(req->target.path), options->max_json_items));
    else
        problem_set(&rows->reply->problem, PROBLEM_TOO_LARGE,
                    arena_format(req->arena,
                                 "'" STR_FMT
                                 "' would be more than %zu bytes. Narrow it by station, measure, "
                                 "parameter or time, and ask several times.",
                                 STR_ARG(req->target.path), options->max_response_bytes));
    return err_set(err, ERR_TOO_LARGE, "the answer is too large");
}

ErrCode rows_end(Rows *rows, const Extent *extent, Err *err)
{
    const Extent of_rows = {.from = rows->earliest, .to = rows->latest};
    Reply *reply = rows->reply;
    Format format = rows->req->format;
    if (format == FORMAT_JSON && !rows->too_many)
        wrap(rows, extent != NULL ? extent : &of_rows);
    if (rows->too_many || reply->body.error == ERR_TOO_LARGE)
        return too_large(rows, err);
    if (format != FORMAT_JSON)
        reply_header(reply, "Row-Count", arena_format(rows->req->arena, "%zu", rows->count));
    reply->content_type = FORMATS[format].content_type;
    return buf_check(&reply->body, err);
}
