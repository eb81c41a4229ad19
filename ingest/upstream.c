#include "ingest/upstream.h"

#include "base/clock.h"
#include "base/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const UPSTREAM_STATION_TYPES[FEED_COUNT - FEED_TYPES] = {
    "SingleLevel", "MultiTraceLevel", "Coastal", "Groundwater", "Meteorological", "TideGauge",
};

typedef struct Validators {
    char last_modified[sizeof((HttpResult *) NULL)->last_modified];
    char etag[sizeof((HttpResult *) NULL)->etag];
} Validators;

struct Upstream {
    HttpClient *http;
    Recorder *recorder;
    Validators validators[FEED_COUNT];
    Budget *budget; /* borrowed */
    char base[];
};

ErrCode upstream_open(const char *base, const HttpClientOptions *http, Budget *budget,
                      Recorder *recorder, Upstream **ret, Err *err)
{
    size_t base_size = strlen(base) + 1;
    Upstream *upstream = calloc(1, sizeof *upstream + base_size);
    if (upstream == NULL)
        return err_set(err, ERR_NO_MEMORY, "no memory for the upstream's address");
    memcpy(upstream->base, base, base_size);
    upstream->budget = budget;
    upstream->recorder = recorder;
    ErrCode rc = http_client_open(http, &upstream->http, err);
    if (rc != OK) {
        free(upstream);
        return rc;
    }
    *ret = upstream;
    return OK;
}

void upstream_close(Upstream *upstream)
{
    if (upstream == NULL)
        return;
    http_client_close(upstream->http);
    free(upstream);
}

void upstream_stop(Upstream *upstream)
{
    http_client_stop(upstream->http);
}

HttpTotals upstream_totals(const Upstream *upstream)
{
    return http_client_totals(upstream->http);
}

bool upstream_is_csv(const HttpResult *answer)
{
    return strcmp(answer->content_type, "text/csv") == 0;
}

static void put_address(const Upstream *upstream, Feed feed, Buf *out)
{
    static const char *const PATHS[] = {
        [FEED_READINGS] = "/data/readings?latest",
        [FEED_STATIONS] =
            "/id/stations?_view=full", /* without it a scale is only its address (Q9) */
        [FEED_MEASURES] = "/id/measures",
    };
    if (feed < FEED_TYPES)
        buf_printf(out, "%s%s", upstream->base, PATHS[feed]);
    else
        buf_printf(out, "%s/id/stations?type=%s", upstream->base,
                   UPSTREAM_STATION_TYPES[feed - FEED_TYPES]);
}

/* An error's body is HTML from other software: never read. */
static ErrCode judge(const HttpResult *answer, Err *err)
{
    if (answer->status == 304)
        return OK;
    if (answer->status != 200)
        return err_set(err, answer->status == 404 ? ERR_NOT_FOUND : ERR_UPSTREAM,
                       "answered %ld (%s)", answer->status,
                       answer->content_type[0] != '\0' ? answer->content_type : "no content type");
    if (strcmp(answer->content_type, "application/json") != 0 &&
        strcmp(answer->content_type, "application/ld+json") != 0 && !upstream_is_csv(answer))
        return err_set(err, ERR_UPSTREAM, "answered 200 with '%s' where JSON was asked for",
                       answer->content_type);
    return OK;
}

/* An answer that was too long or could not be decoded is none that could be given again. */
static void record(const Upstream *upstream, UnixSec asked, const char *url, ErrCode rc,
                   const HttpResult *answer)
{
    Str target = str_of(url + strlen(upstream->base));
    if (upstream->recorder == NULL || (rc != OK && rc != ERR_NETWORK))
        return;
    if (rc == OK)
        recorder_put(upstream->recorder, asked, target, answer->status, http_body(answer));
    else
        recorder_put(upstream->recorder, asked, target, 0, STR(""));
}

int64_t upstream_requests_left(const Upstream *upstream)
{
    return budget_requests_left(upstream->budget);
}

/* Within the budget, which is charged with what failed, too. */
static ErrCode spend(Upstream *upstream, const char *url, const Validators *validators,
                     HttpResult *ret_answer, Err *err)
{
    Budget *budget = upstream->budget;
    HttpTotals before = http_client_totals(upstream->http);
    http_client_allow(upstream->http, budget_requests_left(budget), budget_bytes_left(budget));
    ErrCode rc =
        http_get(upstream->http, url, validators->last_modified, validators->etag, ret_answer, err);
    HttpTotals after = http_client_totals(upstream->http);
    int64_t requests = after.requests - before.requests,
            wire_bytes = after.wire_bytes - before.wire_bytes;
    budget_spend(budget, requests, wire_bytes);
    metric_add(METRIC_UPSTREAM_REQUESTS, requests);
    metric_add(METRIC_UPSTREAM_BYTES, wire_bytes);
    return rc;
}

static ErrCode fetch_url(Upstream *upstream, const char *url, const Validators *validators,
                         HttpResult *ret_answer, int64_t *ret_retry_after_s, Err *err)
{
    HttpResult answer;
    UnixSec asked = clock_now();
    *ret_retry_after_s = 0;
    ErrCode rc = spend(upstream, url, validators, &answer, err);
    record(upstream, asked, url, rc, &answer);
    if (rc != OK)
        return err_context(err, "%s", url);
    rc = judge(&answer, err);
    if (rc != OK) {
        *ret_retry_after_s = answer.retry_after_s;
        http_result_release(&answer);
        return err_context(err, "%s", url);
    }
    *ret_answer = answer;
    return OK;
}

ErrCode upstream_fetch(Upstream *upstream, Feed feed, HttpResult *ret_answer,
                       int64_t *ret_retry_after_s, Err *err)
{
    CLEANUP(buf_release) Buf url = buf_init(4096);
    put_address(upstream, feed, &url);
    buf_put_char(&url, '\0');
    if (buf_check(&url, err) != OK)
        return err_context(err, "upstream address");
    return fetch_url(upstream, url.ptr, &upstream->validators[feed], ret_answer, ret_retry_after_s,
                     err);
}

ErrCode upstream_fetch_path(Upstream *upstream, const char *path, HttpResult *ret_answer,
                            int64_t *ret_retry_after_s, Err *err)
{
    static const Validators unconditional = {.etag = ""};
    CLEANUP(buf_release) Buf url = buf_init(4096);
    buf_printf(&url, "%s%s", upstream->base, path);
    buf_put_char(&url, '\0');
    if (buf_check(&url, err) != OK)
        return err_context(err, "upstream address");
    return fetch_url(upstream, url.ptr, &unconditional, ret_answer, ret_retry_after_s, err);
}

void upstream_keep(Upstream *upstream, Feed feed, const HttpResult *answer)
{
    Validators *validators = &upstream->validators[feed];
    if (answer->status == 304) /* it may leave out what has not changed */
        return;
    memcpy(validators->last_modified, answer->last_modified, sizeof validators->last_modified);
    memcpy(validators->etag, answer->etag, sizeof validators->etag);
}

UnixSec upstream_modified(const Upstream *upstream, Feed feed)
{
    UnixSec modified = NO_TIME;
    (void) clock_parse_http(str_of(upstream->validators[feed].last_modified), &modified);
    return modified;
}

void upstream_forget(Upstream *upstream, Feed feed)
{
    upstream->validators[feed] = (Validators){.etag = ""};
}
