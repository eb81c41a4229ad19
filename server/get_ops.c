/* How the service itself is: /v1/status, /live, /ready, /metrics. */
#include "base/metrics.h"
#include "server/route.h"
#include "server/rows.h"
#include "store/exports.h"

static ErrCode finish(Reply *reply, const char *content_type, Err *err)
{
    reply->content_type = content_type;
    return buf_check(&reply->body, err);
}

/* ---- status ---------------------------------------------------------------------------------- */

static void put_int(JsonWriter *json, const char *key, int64_t value)
{
    json_key(json, key);
    json_int(json, value);
}

static void put_moment(JsonWriter *json, const char *key, UnixSec time)
{
    json_key(json, key);
    json_time(json, time);
}

static void put_poll(JsonWriter *json, const char *key, const PollReport *poll)
{
    json_key(json, key);
    if (poll == NULL) {
        json_null(json);
        return;
    }
    json_open(json, '{');
    put_moment(json, "started", poll->started);
    put_moment(json, "finished", poll->finished);
    json_key(json, "fault");
    json_text(json, fault_name(poll->fault));
    json_key(json, "detail");
    json_str(json, poll->detail);
    json_key(json, "unmodified");
    json_bool(json, poll->unmodified);
    put_int(json, "requests", poll->requests);
    put_int(json, "wire_bytes", poll->wire_bytes);
    put_int(json, "fetch_ms", poll->fetch.wall_us / 1000);
    put_int(json, "parse_ms", poll->parse.wall_us / 1000);
    put_int(json, "apply_ms", poll->apply.wall_us / 1000);
    put_int(json, "received", poll->readings.received);
    put_int(json, "new", poll->readings.fresh);
    put_int(json, "late", poll->readings.late);
    put_int(json, "unchanged", poll->readings.unchanged);
    put_int(json, "corrected", poll->readings.corrected);
    put_int(json, "expired", poll->readings.expired);
    put_int(json, "quarantined", poll->readings.quarantined);
    json_close(json, '}');
}

static ErrCode put_polls(JsonWriter *json, const Request *req, Snapshot *snap, Err *err)
{
    static const struct {
        const char *key;
        bool only_good;
    } polls[] = {{"last_poll", false}, {"last_good_poll", true}};
    for (size_t i = 0; i < countof(polls); i++) {
        PollReport poll;
        ErrCode rc = snapshot_last_poll(snap, polls[i].only_good, req->arena, &poll, err);
        if (rc != OK && rc != ERR_NOT_FOUND)
            return rc;
        put_poll(json, polls[i].key, rc == OK ? &poll : NULL);
    }
    put_moment(json, "next_poll", store_next_expected(req->site->store));
    return OK;
}

static ErrCode put_quarantine(JsonWriter *json, Snapshot *snap, Err *err)
{
    int64_t counts[REFUSAL_REASON_COUNT];
    ErrCode rc = snapshot_quarantine_counts(snap, counts, err);
    if (rc != OK)
        return rc;
    json_key(json, "quarantine");
    json_open(json, '{');
    for (unsigned i = 0; i < REFUSAL_REASON_COUNT; i++)
        put_int(json, refusal_name((RefusalReason) i), counts[i]);
    json_close(json, '}');
    return OK;
}

static ErrCode put_restoration(JsonWriter *json, const Request *req, Snapshot *snap, Err *err)
{
    Restoration restoration;
    ErrCode rc = snapshot_restoration(snap, req->arena, &restoration, err);
    if (rc != OK && rc != ERR_NOT_FOUND)
        return rc;
    json_key(json, "restored");
    if (rc == ERR_NOT_FOUND) {
        json_null(json);
        return OK;
    }
    json_open(json, '{');
    json_key(json, "generation");
    json_str(json, restoration.generation);
    json_key(json, "from");
    json_str(json, restoration.source);
    put_moment(json, "at", restoration.at);
    json_close(json, '}');
    return OK;
}

static ErrCode put_freshness(JsonWriter *json, Snapshot *snap, Err *err)
{
    int64_t counts[FRESHNESS_COUNT];
    ErrCode rc = snapshot_freshness_counts(snap, counts, err);
    if (rc != OK)
        return rc;
    json_key(json, "freshness");
    json_open(json, '{');
    for (unsigned i = 0; i < FRESHNESS_COUNT; i++)
        put_int(json, freshness_name((Freshness) i), counts[i]);
    json_close(json, '}');
    return OK;
}

static ErrCode put_history(JsonWriter *json, Snapshot *snap, Err *err)
{
    HistoryState state;
    ErrCode rc = snapshot_history(snap, &state, err);
    if (rc != OK)
        return rc;
    json_key(json, "history");
    json_open(json, '{');
    json_key(json, "generation");
    if (state.exists)
        json_text(json, state.tag);
    else
        json_null(json);
    put_int(json, "waiting", state.waiting);
    put_int(json, "history_lost", state.lost);
    json_close(json, '}');
    return OK;
}

static ErrCode put_store(JsonWriter *json, const Request *req, Snapshot *snap, Err *err)
{
    StoreCounts counts;
    ErrCode rc = snapshot_counts(snap, &counts, err);
    if (rc != OK)
        return rc;
    json_key(json, "rows");
    json_open(json, '{');
    put_int(json, "stations", counts.stations);
    put_int(json, "measures", counts.measures);
    put_int(json, "readings", counts.readings);
    json_close(json, '}');
    json_key(json, "bytes");
    json_open(json, '{');
    put_int(json, "store", counts.store_bytes);
    put_int(json, "log", counts.wal_bytes);
    json_close(json, '}');
    json_key(json, "window");
    json_open(json, '{');
    put_int(json, "length_s", req->site->options->window_s);
    put_moment(json, "earliest", counts.earliest);
    put_moment(json, "latest", counts.latest);
    json_close(json, '}');
    return OK;
}

/* A store that cannot be written cannot hold that it is at fault, and a copy is served as it is. */
static Service service_now(const Store *store, const SnapshotInfo *info)
{
    UnixSec since = store_failing_since(store);
    Service beside = store_copy_service(store);
    if (since != NO_TIME)
        return (Service){.fault = FAULT_STORE, .since = since};
    return beside.fault != FAULT_NONE ? beside : info->service;
}

static void put_state(JsonWriter *json, const SnapshotInfo *info, Service service)
{
    json_key(json, "generation");
    if (info->generation > 0)
        json_text(json, info->tag);
    else
        json_null(json);
    put_moment(json, "as_of", info->as_of);
    json_key(json, "state");
    json_text(json, service.fault == FAULT_NONE ? "ok" : "degraded");
    json_key(json, "fault");
    json_text(json, fault_name(service.fault));
    put_moment(json, "since", service.since);
}

static ErrCode put_status(JsonWriter *json, const Request *req, Snapshot *snap, Err *err)
{
    json_open(json, '{');
    put_state(json, snapshot_info(snap), service_now(req->site->store, snapshot_info(snap)));
    ErrCode rc = put_polls(json, req, snap, err);
    if (rc == OK)
        rc = put_store(json, req, snap, err);
    if (rc == OK)
        rc = put_freshness(json, snap, err);
    if (rc == OK)
        rc = put_quarantine(json, snap, err);
    json_key(json, "shard");
    json_text(json, req->site->options->shard);
    if (rc == OK)
        rc = put_restoration(json, req, snap, err);
    if (rc == OK)
        rc = put_history(json, snap, err);
    json_key(json, "build");
    json_text(json, req->site->options->build);
    json_close(json, '}');
    return rc;
}

/* The store itself is at fault: that is the status, told as far as it is known. */
static void put_store_fault(JsonWriter *json, const Request *req)
{
    Store *store = req->site->store;
    SnapshotInfo info = {.generation = store_generation(store), .as_of = store_as_of(store)};
    Service service = {.fault = FAULT_STORE, .since = store_failing_since(store)};
    store_generation_tag(store, info.generation, info.tag);
    json_open(json, '{');
    put_state(json, &info, service);
    json_key(json, "build");
    json_text(json, req->site->options->build);
    json_close(json, '}');
}

ErrCode get_status(const Request *req, Reply *reply, Err *err)
{
    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    JsonWriter json = json_writer(&reply->body);
    ErrCode rc = store_snapshot(req->site->store, &snap, err);
    if (rc == OK)
        rc = put_status(&json, req, snap, err);
    if (rc != OK) {
        buf_clear(&reply->body);
        json = json_writer(&reply->body);
        put_store_fault(&json, req);
    }
    buf_put_char(&reply->body, '\n');
    return finish(reply, FORMATS[FORMAT_JSON].content_type, err);
}

/* ---- probes ---------------------------------------------------------------------------------- */

ErrCode get_live(const Request *req, Reply *reply, Err *err)
{
    (void) req;
    BUF_LITERAL(&reply->body, "{\"status\":\"live\"}\n");
    return finish(reply, FORMATS[FORMAT_JSON].content_type, err);
}

static ErrCode not_ready(Reply *reply, const char *why, Err *err)
{
    problem_set(&reply->problem, PROBLEM_UNAVAILABLE, str_of(why));
    return err_set(err, ERR_STOPPED, "%s", why);
}

/* Ready while the upstream is down: what is held can be served, and the body says degraded. */
ErrCode get_ready(const Request *req, Reply *reply, Err *err)
{
    if (req->site->draining)
        return not_ready(reply, "The service is about to stop.", err);
    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    ErrCode rc = store_snapshot(req->site->store, &snap, err);
    if (rc != OK)
        return rc;
    /* A failed first poll is a generation too; and a replica tells none before it is whole. */
    if (snapshot_info(snap)->readings == 0 || store_generation(req->site->store) == 0)
        return not_ready(reply, "No reading has been stored yet.", err);
    JsonWriter json = json_writer(&reply->body);
    json_open(&json, '{');
    json_key(&json, "status");
    json_text(&json, "ready");
    put_state(&json, snapshot_info(snap), service_now(req->site->store, snapshot_info(snap)));
    json_close(&json, '}');
    buf_put_char(&reply->body, '\n');
    return finish(reply, FORMATS[FORMAT_JSON].content_type, err);
}

ErrCode get_metrics(const Request *req, Reply *reply, Err *err)
{
    (void) req;
    metrics_render(&reply->body);
    return finish(reply, "text/plain; version=0.0.4; charset=utf-8", err);
}
