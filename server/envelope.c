#include "server/envelope.h"

#include "base/clock.h"
#include "server/route.h"

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

/* ---- form ------------------------------------------------------------------------------------ */

bool format_has_envelope(Format format)
{
    return format == FORMAT_JSON || format == FORMAT_GEOJSON;
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

FieldSet envelope_fields(const Request *req)
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

/* ---- around the rows ------------------------------------------------------------------------- */

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

/* An interval of ISO 8601. */
void envelope_say_window(Reply *reply, const Request *req, const Extent *extent)
{
    char from[CLOCK_TEXT_SIZE], to[CLOCK_TEXT_SIZE];
    format_end(extent->from, from);
    format_end(extent->to, to);
    reply_header(reply, "Freshet-Window", arena_format(req->arena, "%s/%s", from, to));
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

void envelope_put_head(Buf *out, const Request *req, const Extent *extent)
{
    JsonWriter json = json_writer(out);
    bool is_map = req->format == FORMAT_GEOJSON;
    json_open(&json, '{');
    if (is_map) {
        json_key(&json, "type");
        json_text(&json, "FeatureCollection");
    }
    if (req->snap != NULL) { /* else the answer is not of a generation */
        put_generation(&json, snapshot_info(req->snap));
        put_window(&json, extent->from, extent->to);
    }
    if (extent->coverage != NULL)
        put_coverage(&json, extent->coverage, extent->reason);
    put_licence(&json);
    json_key(&json, is_map ? "features" : "items");
}

/* Rows that are arrays become one array a column, each under its name. */
static void put_columns(const FieldSet *fields, Buf *body, Buf *out)
{
    size_t count = fields->count;
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
        buf_printf(out, "%c\n\"%s\":%s", i == 0 ? '{' : ',', fields->fields[i]->name,
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
static void wrap(Buf *body, const Request *req, Str head, size_t count, Str next)
{
    CLEANUP(buf_release) Buf before = buf_init(body->max);
    if (body->error != OK)
        return;
    if (req->selection.shape == SHAPE_ARRAY) {
        buf_prepend(body, STR("[\n"));
        BUF_LITERAL(body, "\n]\n");
        return;
    }
    buf_put_str(&before, head);
    if (req->selection.shape == SHAPE_COLUMNS) {
        const FieldSet fields = envelope_fields(req);
        put_columns(&fields, body, &before);
        buf_clear(body);
    } else {
        BUF_LITERAL(&before, "[\n");
        BUF_LITERAL(body, "\n]");
    }
    buf_prepend(body, buf_view(&before));
    buf_printf(body, ",\"count\":%zu,\"next\":", count);
    JsonWriter tail = json_writer(body);
    json_str(&tail, next);
    BUF_LITERAL(body, ",\"complete\":true}\n");
    if (before.error != OK)
        body->error = before.error;
}

void envelope_finish(Reply *reply, const Request *req, Str head, size_t count, Str next)
{
    if (format_has_envelope(req->format))
        wrap(&reply->body, req, head, count, next);
    else
        reply_header(reply, "Row-Count", arena_format(req->arena, "%zu", count));
    if (!str_is_none(next))
        reply_header(reply, "Link",
                     arena_format(req->arena, "<" STR_FMT ">; rel=\"next\"", STR_ARG(next)));
    reply->content_type = FORMATS[req->format].content_type;
}
