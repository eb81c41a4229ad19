#include "sim/control.h"

#include "base/clock.h"
#include "base/json.h"
#include "sim/params.h"
#include "sim/simtime.h"
#include "sim/truth.h"

#include <inttypes.h>

typedef struct Control {
    Upstream *upstream;
    const Params *params;
    Str query, body;
    Answer *answer;
} Control;

static ErrCode post_fault(const Control *control, Err *err)
{
    Fault fault;
    ErrCode rc = fault_parse(control->query, simtime_now(), &fault, err);
    return rc == OK ? faults_add(&control->upstream->faults, &fault, err) : rc;
}

static ErrCode delete_faults(const Control *control, UNUSED Err *err)
{
    control->upstream->faults.count = 0;
    return OK;
}

/* What changes the data is published anew, or a conditional request would not see it. */
static void publish(Upstream *upstream)
{
    UnixSec now = simtime_now();
    upstream->changed = upstream->changed < now ? now : upstream->changed + 1;
}

static ErrCode post_latency(const Control *control, Err *err)
{
    Str text = STR("");
    int64_t ms;
    (void) params_get(control->params, "ms", &text);
    if (!str_to_int(text, &ms) || ms < 0)
        return err_set(err, ERR_INVALID, "ms is '" STR_FMT "', expected a number", STR_ARG(text));
    control->upstream->latency_ms = ms;
    return OK;
}

static ErrCode post_item(const Control *control, Err *err)
{
    Str path = STR("/data/readings");
    (void) params_get(control->params, "path", &path);
    publish(control->upstream);
    return overlay_add_item(&control->upstream->overlay, path, control->body, err);
}

static ErrCode delete_items(const Control *control, UNUSED Err *err)
{
    publish(control->upstream);
    overlay_clear_items(&control->upstream->overlay);
    return OK;
}

static ErrCode post_value(const Control *control, Err *err)
{
    Str id, time_text, value;
    UnixSec time;
    if (!params_get(control->params, "measure", &id) ||
        !params_get(control->params, "time", &time_text) ||
        !params_get(control->params, "value", &value) || !clock_parse(time_text, &time))
        return err_set(err, ERR_INVALID, "a change needs measure, time and value");
    uint32_t measure = world_find_measure(control->upstream->world, id);
    if (measure == WORLD_NONE)
        return err_set(err, ERR_NOT_FOUND, "no measure '" STR_FMT "'", STR_ARG(id));
    publish(control->upstream);
    return overlay_set_value(&control->upstream->overlay, measure, time, value, err);
}

static void put_count(Buf *out, const RouteCount *count)
{
    buf_printf(out, "\"requests\":%" PRIu64 ",\"not_modified\":%" PRIu64 ",\"bytes\":%" PRIu64,
               count->requests, count->not_modified, count->bytes);
}

static void put_traffic(Buf *out, const Traffic *traffic)
{
    buf_printf(out,
               ",\"traffic\":{\"requests\":%" PRIu64 ",\"sent_bytes\":%" PRIu64
               ",\"connections\":%" PRIu64 ",\"most_open\":%" PRIu64 "}",
               traffic->requests, traffic->sent_bytes, traffic->connections, traffic->most_open);
}

static ErrCode get_stats(const Control *control, UNUSED Err *err)
{
    const Upstream *upstream = control->upstream;
    Buf *out = &control->answer->body;
    RouteCount sum = {.requests = 0};
    for (size_t i = 0; i < upstream->count_count; i++) {
        sum.requests += upstream->counts[i].requests;
        sum.not_modified += upstream->counts[i].not_modified;
        sum.bytes += upstream->counts[i].bytes;
    }
    BUF_LITERAL(out, "{");
    put_count(out, &sum);
    put_traffic(out, &upstream->traffic);
    BUF_LITERAL(out, ",\"paths\":{");
    for (size_t i = 0; i < upstream->count_count; i++) {
        buf_printf(out, "%s\"%s\":{", i > 0 ? "," : "", upstream->counts[i].route);
        put_count(out, &upstream->counts[i]);
        BUF_LITERAL(out, "}");
    }
    BUF_LITERAL(out, "}}\n");
    return OK;
}

static ErrCode delete_stats(const Control *control, UNUSED Err *err)
{
    Upstream *upstream = control->upstream;
    upstream->count_count = 0;
    upstream->traffic =
        (Traffic){.open = upstream->traffic.open, .most_open = upstream->traffic.open};
    return OK;
}

static ErrCode get_now(const Control *control, UNUSED Err *err)
{
    char now[CLOCK_TEXT_SIZE], release[CLOCK_TEXT_SIZE];
    clock_format(simtime_now(), now);
    clock_format(release_at(simtime_now()), release);
    buf_printf(&control->answer->body, "{\"now\":\"%s\",\"release\":\"%s\"}\n", now, release);
    return OK;
}

static ErrCode post_rates(const Control *control, Err *err)
{
    Habits changed = control->upstream->habits;
    ErrCode rc = OK;
    for (size_t i = 0; rc == OK && i < control->params->count; i++) {
        Str name = control->params->list[i].name;
        if (str_eq(name, str_of(RATES[RATE_OFF_GRID].name)))
            return err_set(err, ERR_INVALID, STR_FMT " is fixed when the network is made",
                           STR_ARG(name));
        rc = habits_set(&changed, name, control->params->list[i].value, err);
    }
    if (rc != OK)
        return rc;
    control->upstream->habits = changed;
    publish(control->upstream);
    return OK;
}

static ErrCode get_rates(const Control *control, UNUSED Err *err)
{
    Buf *out = &control->answer->body;
    for (size_t i = 0; i < RATE_COUNT; i++) {
        buf_printf(out, "%s\"%s\":", i > 0 ? "," : "{", RATES[i].name);
        buf_put_double(out, control->upstream->habits.ppm[i] / 10000.0);
    }
    BUF_LITERAL(out, "}\n");
    return OK;
}

static ErrCode get_truth(const Control *control, Err *err)
{
    Str text;
    UnixSec as_of = simtime_now();
    if (params_get(control->params, "as_of", &text) && !clock_parse(text, &as_of))
        return err_set(err, ERR_INVALID, "as_of is '" STR_FMT "', expected a time", STR_ARG(text));
    View view = upstream_view_locked(control->upstream, as_of);
    control->answer->content_type = "text/csv";
    truth_put(&view, &control->answer->body);
    return buf_check(&control->answer->body, err);
}

static const struct {
    const char *method, *path;
    ErrCode (*answer)(const Control *control, Err *err);
} ROUTES[] = {
    {"POST", "/sim/fault", post_fault},     {"DELETE", "/sim/fault", delete_faults},
    {"POST", "/sim/latency", post_latency}, {"POST", "/sim/item", post_item},
    {"DELETE", "/sim/item", delete_items},  {"POST", "/sim/value", post_value},
    {"GET", "/sim/stats", get_stats},       {"DELETE", "/sim/stats", delete_stats},
    {"GET", "/sim/now", get_now},           {"POST", "/sim/rates", post_rates},
    {"GET", "/sim/rates", get_rates},       {"GET", "/truth", get_truth},
};

static ErrCode dispatch(const Control *control, Str method, Str path, Err *err)
{
    for (size_t i = 0; i < countof(ROUTES); i++) {
        if (!str_eq(method, str_of(ROUTES[i].method)) || !str_eq(path, str_of(ROUTES[i].path)))
            continue;
        pthread_rwlock_wrlock(&control->upstream->lock);
        ErrCode rc = ROUTES[i].answer(control, err);
        pthread_rwlock_unlock(&control->upstream->lock);
        return rc;
    }
    return err_set(err, ERR_NOT_FOUND, "no " STR_FMT " " STR_FMT " here", STR_ARG(method),
                   STR_ARG(path));
}

void control_answer(Upstream *upstream, Str method, Str path, Str query, Str body,
                    Answer *ret_answer)
{
    CLEANUP(params_release) Params params = {.count = 0};
    Answer answer = {.status = 200,
                     .content_type = "application/json",
                     .body = buf_init(ANSWER_MAX_BYTES),
                     .route = "/sim"};
    Control control = {upstream, &params, query, body, &answer};
    Err err;
    ErrCode rc = params_parse(query, &params, &err);
    if (rc == OK)
        rc = dispatch(&control, method, path, &err);
    if (rc == OK && answer.body.len == 0)
        BUF_LITERAL(&answer.body, "{}\n");
    if (rc != OK) {
        answer.status = rc == ERR_NOT_FOUND ? 404 : rc == ERR_INVALID ? 400 : 500;
        answer.content_type = "text/plain";
        buf_clear(&answer.body);
        buf_printf(&answer.body, "%s\n", err.text);
    }
    *ret_answer = answer;
}
