#include "sim/answer.h"

#include "base/json.h"
#include "sim/filter.h"
#include "sim/item.h"
#include "sim/request.h"

/* ---- the envelope ---------------------------------------------------------------------------- */

static void put_format(Request *req, const char *format, bool is_first)
{
    CLEANUP(buf_release) Buf uri = buf_init(ANSWER_MAX_BYTES);
    buf_printf(&uri, SIM_ROOT STR_FMT ".%s", STR_ARG(req->path), format);
    if (req->params->raw.len > 0)
        buf_printf(&uri, "?" STR_FMT, STR_ARG(req->params->raw));
    if (!is_first)
        BUF_LITERAL(req->out, ", ");
    json_put_string(req->out, buf_view(&uri));
}

/* A single thing has no CSV. */
static void put_envelope(Request *req, bool is_list, int64_t limit)
{
    static const char *const FORMATS[] = {"csv", "rdf", "ttl", "html"};
    BUF_LITERAL(req->out,
                "{ \n  \"@context\" : \"" SIM_ROOT "/meta/context.jsonld\" ,\n"
                "  \"meta\" : { \n"
                "    \"publisher\" : \"Environment Agency\" ,\n"
                "    \"licence\" : "
                "\"http://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/\" ,\n"
                "    \"documentation\" : \"" SIM_ROOT "/doc/reference\" ,\n"
                "    \"version\" : \"0.9\" ,\n"
                "    \"comment\" : \"Status: Beta service\" ,\n"
                "    \"hasFormat\" : [ ");
    size_t first = is_list ? 0 : 1;
    for (size_t i = first; i < countof(FORMATS); i++)
        put_format(req, FORMATS[i], i == first);
    BUF_LITERAL(req->out, " ]");
    if (limit != NO_LIMIT)
        buf_printf(req->out, " ,\n    \"limit\" : %lld", (long long) limit);
    BUF_LITERAL(req->out, "\n  }\n   ,\n  \"items\" : ");
}

List list_open(Request *req, int64_t limit, const char *csv_header)
{
    if (req->csv) {
        buf_put_str(req->out, str_of(csv_header));
    } else {
        put_envelope(req, true, limit);
        BUF_LITERAL(req->out, "[");
    }
    return (List){.req = req};
}

void list_next(List *list)
{
    if (list->req->csv)
        return;
    buf_put_str(list->req->out, list->has_items ? STR("\n  , ") : STR(" "));
    list->has_items = true;
}

void list_close(List *list)
{
    Request *req = list->req;
    if (req->csv)
        return;
    const Overlay *overlay = req->view->overlay;
    for (size_t i = 0; i < overlay->item_count; i++) {
        if (!str_eq(overlay->items[i].path, req->path))
            continue;
        list_next(list);
        buf_put_str(req->out, overlay->items[i].json);
    }
    BUF_LITERAL(req->out, "\n   ]\n}\n");
}

void single_open(Request *req)
{
    put_envelope(req, false, NO_LIMIT);
}

void single_close(Request *req)
{
    BUF_LITERAL(req->out, "\n}\n");
}

/* ---- pieces ---------------------------------------------------------------------------------- */

int64_t request_number(const Request *req, const char *name, int64_t otherwise)
{
    Str text;
    int64_t value;
    if (!params_get(req->params, name, &text) || !str_to_int(text, &value) || value < 0)
        return otherwise;
    return value;
}

void put_listed_measure(const View *view, uint32_t measure, Buf *out)
{
    UnixSec time;
    if (!view_latest(view, measure, &time)) {
        view->world->kind->put_measure(view->world, measure, STR_NONE, out);
        return;
    }
    CLEANUP(buf_release) Buf value = buf_init(4096);
    CLEANUP(buf_release) Buf latest = buf_init(8192);
    put_reading(&latest, view->world->measures[measure].id, time,
                view_value(view, measure, time, &value), true);
    view->world->kind->put_measure(view->world, measure, buf_view(&latest), out);
}

static void put_classes(Str parameter, Item *item)
{
    static const struct {
        const char *parameter, *name;
    } CLASSES[] = {
        {"level", "WaterLevel"},        {"rainfall", "Rainfall"}, {"flow", "Flow"},
        {"temperature", "Temperature"}, {"wind", "Wind"},
    };
    item_key(item, "type");
    for (size_t i = 0; i < countof(CLASSES); i++) {
        if (str_eq(parameter, str_of(CLASSES[i].parameter))) {
            buf_printf(item->out,
                       "[ \"" SIM_ROOT "/def/core/Measure\", \"" SIM_ROOT "/def/core/%s\" ]",
                       CLASSES[i].name);
            return;
        }
    }
    BUF_LITERAL(item->out, "\"" SIM_ROOT "/def/core/Measure\"");
}

static void put_measure_latest_by_uri(const View *view, uint32_t measure, Buf *out)
{
    CLEANUP(buf_release) Buf uri = buf_init(8192);
    UnixSec time = 0;
    bool has_latest = view_latest(view, measure, &time);
    buf_put_char(&uri, '"');
    put_reading_uri(&uri, view->world->measures[measure].id, time);
    buf_put_char(&uri, '"');
    view->world->kind->put_measure(view->world, measure, has_latest ? buf_view(&uri) : STR_NONE,
                                   out);
}

void put_whole_measure(Request *req, uint32_t measure, bool latest_by_uri)
{
    const World *world = req->view->world;
    CLEANUP(buf_release) Buf listed = buf_init(ANSWER_MAX_BYTES);
    if (latest_by_uri)
        put_measure_latest_by_uri(req->view, measure, &listed);
    else
        put_listed_measure(req->view, measure, &listed);
    Item item = item_open(req->out);
    item_copy_all(&item, buf_view(&listed));
    Str more = world->kind->single_measure_members(world, measure), parameter = STR("");
    (void) json_member(buf_view(&listed), STR("parameter"), &parameter);
    if (str_is_none(more))
        put_classes(unquoted(parameter), &item);
    else
        item_copy_all(&item, more);
    item_close(&item);
}

void put_cell(Buf *out, Str raw)
{
    if (raw.len > 0 && raw.ptr[0] == '[') {
        JsonWalk walk = json_walk(raw);
        Str key, value;
        for (bool first = true; json_next(&walk, &key, &value); first = false) {
            if (!first)
                buf_put_char(out, '|');
            put_cell(out, value);
        }
        return;
    }
    Str text = unquoted(raw);
    size_t ignored;
    bool needs_quotes = str_find(text, STR(","), &ignored) || str_find(text, STR("\""), &ignored);
    if (needs_quotes)
        buf_put_char(out, '"');
    buf_put_str(out, text);
    if (needs_quotes)
        buf_put_char(out, '"');
}

/* ---- routes ---------------------------------------------------------------------------------- */

static const struct {
    const char *pattern;
    void (*answer)(Request *req);
} ROUTES[] = {
    {"/id/stations", answer_stations},
    {"/id/stations/{id}", answer_station},
    {"/id/stations/{id}/measures", answer_measures_of_station},
    {"/id/stations/{id}/readings", answer_station_readings},
    {"/id/stations/{id}/stageScale", answer_stage_scale},
    {"/id/stations/{id}/downstageScale", answer_downstage_scale},
    {"/id/measures", answer_measures},
    {"/id/measures/{id}", answer_measure},
    {"/id/measures/{id}/readings", answer_measure_readings},
    {"/data/readings", answer_all_readings},
    {"/data/readings/{id}/{time}", answer_one_reading},
};

static bool take_segment(Str *rest, Str *ret_segment)
{
    if (rest->len == 0 || rest->ptr[0] != '/')
        return false;
    Str after = {rest->ptr + 1, rest->len - 1}, tail = STR("");
    *ret_segment = after;
    if (str_cut(after, '/', ret_segment, &tail))
        *rest = (Str){tail.ptr - 1, tail.len + 1};
    else
        *rest = STR("");
    return true;
}

static bool path_fits(const char *pattern, Str path, Str args[static 2])
{
    Str wanted = str_of(pattern), want, got;
    size_t arg_count = 0;
    while (take_segment(&wanted, &want)) {
        if (!take_segment(&path, &got))
            return false;
        if (want.ptr[0] == '{')
            args[arg_count++] = got;
        else if (!str_eq(want, got))
            return false;
    }
    return path.len == 0;
}

/* Takes the suffix off; false: a form that is not made here. */
static bool take_suffix(Str *path, bool *csv)
{
    static const struct {
        Str suffix;
        bool known, csv;
    } SUFFIXES[] = {
        {{".json", 5}, true, false}, {{".csv", 4}, true, true},    {{".rdf", 4}, false, false},
        {{".ttl", 4}, false, false}, {{".html", 5}, false, false},
    };
    for (size_t i = 0; i < countof(SUFFIXES); i++) {
        if (str_ends(*path, SUFFIXES[i].suffix)) {
            path->len -= SUFFIXES[i].suffix.len;
            *csv = SUFFIXES[i].csv;
            return SUFFIXES[i].known;
        }
    }
    return true;
}

static void answer_route(const View *view, size_t route, Str path, Str args[static 2], bool csv,
                         Str query, Answer *answer)
{
    CLEANUP(params_release) Params params = {.count = 0};
    Err err;
    Request req = {.view = view, .path = path, .csv = csv, .out = &answer->body, .status = 200};
    if (params_parse(query, &params, &err) != OK ||
        !percent_decode(&params.strings, args[0], false, &req.args[0]) ||
        !percent_decode(&params.strings, args[1], false, &req.args[1])) {
        answer->status = 500;
        return;
    }
    req.params = &params;
    req.scratch = buf_init(ANSWER_MAX_BYTES);
    ROUTES[route].answer(&req);
    buf_release(&req.scratch);
    answer->status = answer->body.error == OK ? req.status : 500;
}

void answer_get(const View *view, Str path, Str query, bool wants_csv, Answer *ret_answer)
{
    bool csv = wants_csv;
    bool form_is_known = take_suffix(&path, &csv);
    if (str_ends(path, STR("/")))
        path.len--;
    for (size_t i = 0; form_is_known && i < countof(ROUTES); i++) {
        Str args[2] = {STR(""), STR("")};
        if (!path_fits(ROUTES[i].pattern, path, args))
            continue;
        Answer answer = {
            .body = buf_init(ANSWER_MAX_BYTES),
            .content_type = csv ? "text/csv" : "application/json",
        };
        answer_route(view, i, path, args, csv, query, &answer);
        if (answer.status != 200) {
            answer_release(&answer);
            answer = answer_error(answer.status);
        }
        answer.route = ROUTES[i].pattern;
        *ret_answer = answer;
        return;
    }
    *ret_answer = answer_error(404);
}

void answer_release(Answer *answer)
{
    buf_release(&answer->body);
}

Answer answer_error(unsigned status)
{
    Answer answer = {
        .status = status, .content_type = "text/html; charset=utf-8", .body = buf_init(4096)};
    answer.route = "other";
    buf_printf(&answer.body,
               "<!DOCTYPE html><html lang=\"en\"><head><title>%u</title></head>"
               "<body><h1>%u</h1><p>There is a problem with this page</p></body></html>\n",
               status, status);
    return answer;
}
