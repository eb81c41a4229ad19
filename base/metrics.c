#include "base/metrics.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

typedef enum Kind {
    COUNTER,
    GAUGE,
    GAUGE_MS,   /* kept in ms, printed in seconds */
    COUNTER_US, /* the same of microseconds */
} Kind;

static bool is_counter(Kind kind)
{
    return kind == COUNTER || kind == COUNTER_US;
}

/* Rows that share a name stand together: Prometheus wants HELP and TYPE once a name. */
static const struct {
    const char *name, *labels;
    Kind kind;
    const char *help;
} TABLE[METRIC_COUNT] = {
#define READINGS(kind)                                                                             \
    "freshet_readings_total", "kind=\"" kind "\"", COUNTER,                                        \
        "Readings received, by what became of them"
#define POLLS(outcome)                                                                             \
    "freshet_polls_total", "outcome=\"" outcome "\"", COUNTER, "Polls of the upstream, by outcome"
#define CPU(phase)                                                                                 \
    "freshet_ingest_cpu_seconds_total", "phase=\"" phase "\"", COUNTER_US,                         \
        "Processor time of polls, by what it was spent on"
#define EXPORTS(outcome)                                                                           \
    "freshet_exports_total", "outcome=\"" outcome "\"", COUNTER, "Exports, by outcome"
#define REQUESTS(class)                                                                            \
    "freshet_http_requests_total", "class=\"" class "\"", COUNTER,                                 \
        "HTTP requests, by class of status"

    [METRIC_READINGS_RECEIVED] = {"freshet_readings_received_total", NULL, COUNTER,
                                  "Readings in parsed answers of the upstream"},
    [METRIC_READINGS_NEW] = {READINGS("new")},
    [METRIC_READINGS_LATE] = {READINGS("late")},
    [METRIC_READINGS_UNCHANGED] = {READINGS("unchanged")},
    [METRIC_READINGS_CORRECTED] = {READINGS("corrected")},
    [METRIC_READINGS_EXPIRED] = {READINGS("expired")},
    [METRIC_READINGS_QUARANTINED] = {READINGS("quarantined")},
    [METRIC_READINGS_RELEASED] = {"freshet_readings_released_total", NULL, COUNTER,
                                  "Readings that left quarantine, their measure being known"},
    [METRIC_POLLS_OK] = {POLLS("ok")},
    [METRIC_POLLS_UNMODIFIED] = {POLLS("unmodified")},
    [METRIC_POLLS_FAILED] = {POLLS("failed")},
    [METRIC_UPSTREAM_REQUESTS] = {"freshet_upstream_requests_total", NULL, COUNTER,
                                  "Requests made to the upstream"},
    [METRIC_UPSTREAM_BYTES] = {"freshet_upstream_received_bytes_total", NULL, COUNTER,
                               "Bytes of bodies received from the upstream, as transferred"},
    [METRIC_GENERATION] = {"freshet_generation", NULL, GAUGE, "Number of the newest generation"},
    [METRIC_AS_OF] = {"freshet_as_of_timestamp_seconds", NULL, GAUGE,
                      "Commit time of the newest generation, Unix time"},
    [METRIC_LAST_POLL] = {"freshet_last_poll_timestamp_seconds", NULL, GAUGE,
                          "Time of the last good poll, Unix time"},
    [METRIC_APPLY_MS] = {"freshet_apply_duration_seconds", NULL, GAUGE_MS,
                         "What applying the last batch took"},
    [METRIC_CPU_FETCH] = {CPU("fetch")},
    [METRIC_CPU_PARSE] = {CPU("parse")},
    [METRIC_CPU_APPLY] = {CPU("apply")},
    [METRIC_CPU_TRIM] = {CPU("trim")},
    [METRIC_CPU_COMMIT] = {CPU("commit")},
    [METRIC_CPU_ANNOUNCE] = {CPU("announce")},
    [METRIC_CPU_CHECKPOINT] = {CPU("checkpoint")},
    [METRIC_STATIONS] = {"freshet_stations", NULL, GAUGE, "Stations held"},
    [METRIC_MEASURES] = {"freshet_measures", NULL, GAUGE, "Measures held"},
    [METRIC_READINGS_HELD] = {"freshet_readings_held", NULL, GAUGE, "Readings held"},
    [METRIC_WAL_BYTES] = {"freshet_wal_bytes", NULL, GAUGE, "Size of the store's write-ahead log"},
    [METRIC_HTTP_REQUESTS_2XX] = {REQUESTS("2xx")},
    [METRIC_HTTP_REQUESTS_3XX] = {REQUESTS("3xx")},
    [METRIC_HTTP_REQUESTS_4XX] = {REQUESTS("4xx")},
    [METRIC_HTTP_REQUESTS_5XX] = {REQUESTS("5xx")},
    [METRIC_HTTP_NOT_MODIFIED] = {"freshet_http_not_modified_total", NULL, COUNTER,
                                  "Requests answered 304"},
    [METRIC_HTTP_CACHE_HITS] = {"freshet_http_cache_hits_total", NULL, COUNTER,
                                "Requests answered with a finished response"},
    [METRIC_HTTP_CACHE_MISSES] = {"freshet_http_cache_misses_total", NULL, COUNTER,
                                  "Requests whose response had to be rendered"},
    [METRIC_HTTP_CACHE_BYTES] = {"freshet_http_cache_bytes", NULL, GAUGE,
                                 "Memory of the finished responses"},
    [METRIC_HTTP_RATE_LIMITED] = {"freshet_http_rate_limited_total", NULL, COUNTER,
                                  "Requests refused because their address asked too often"},
    [METRIC_HTTP_UNAUTHORIZED] = {"freshet_http_unauthorized_total", NULL, COUNTER,
                                  "Requests refused for want of a token"},
    [METRIC_HTTP_CONNECTIONS] = {"freshet_http_connections", NULL, GAUGE, "Open HTTP connections"},
    [METRIC_HTTP_SUBSCRIBERS] = {"freshet_http_subscribers", NULL, GAUGE,
                                 "Those of them that follow the stream"},
    [METRIC_HTTP_SUBSCRIBERS_SLOW] = {"freshet_http_subscribers_slow_total", NULL, COUNTER,
                                      "Subscribers sent off because they read too slowly"},
    [METRIC_SNAPSHOT_BUSY] = {"freshet_snapshot_busy_total", NULL, COUNTER,
                              "Requests for which no snapshot came free in time"},
    [METRIC_KAFKA_GENERATION] = {"freshet_kafka_generation", NULL, GAUGE,
                                 "Number of the last generation that the brokers acknowledged"},
    [METRIC_KAFKA_READINGS] = {"freshet_kafka_readings_total", NULL, COUNTER,
                               "Readings that the brokers acknowledged"},
    [METRIC_KAFKA_FAILURES] = {"freshet_kafka_failures_total", NULL, COUNTER,
                               "Rounds of publishing that failed and were begun anew"},
    [METRIC_HISTORY_LOST] = {"freshet_history_lost_total", NULL, COUNTER,
                             "Readings that left the store unexported, for want of room"},
    [METRIC_EXPORTS_OK] = {EXPORTS("ok")},
    [METRIC_EXPORTS_FAILED] = {EXPORTS("failed")},
    [METRIC_LAST_EXPORT] = {"freshet_last_export_timestamp_seconds", NULL, GAUGE,
                            "Time of the last good export, Unix time"},
};

static _Atomic int64_t values[METRIC_COUNT];
static pthread_mutex_t together = PTHREAD_MUTEX_INITIALIZER; /* held while several change */

void metric_add(Metric metric, int64_t by)
{
    (void) atomic_fetch_add_explicit(&values[metric], by, memory_order_relaxed);
}

void metric_add_all(const MetricChange *changes, size_t count)
{
    (void) pthread_mutex_lock(&together);
    for (size_t i = 0; i < count; i++)
        metric_add(changes[i].metric, changes[i].by);
    (void) pthread_mutex_unlock(&together);
}

void metric_set(Metric metric, int64_t value)
{
    atomic_store_explicit(&values[metric], value, memory_order_relaxed);
}

int64_t metric_get(Metric metric)
{
    return atomic_load_explicit(&values[metric], memory_order_relaxed);
}

static void put_head(Buf *out, const char *name, const char *help, Kind kind)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name,
               is_counter(kind) ? "counter" : "gauge");
}

void metrics_render(Buf *out)
{
    (void) pthread_mutex_lock(&together);
    for (size_t i = 0; i < METRIC_COUNT; i++) {
        const char *name = TABLE[i].name;
        if (i == 0 || strcmp(name, TABLE[i - 1].name) != 0)
            put_head(out, name, TABLE[i].help, TABLE[i].kind);
        buf_put_str(out, str_of(name));
        if (TABLE[i].labels != NULL)
            buf_printf(out, "{%s}", TABLE[i].labels);
        buf_put_char(out, ' ');
        int64_t value = metric_get((Metric) i);
        if (TABLE[i].kind == GAUGE_MS)
            buf_put_double(out, (double) value / 1000);
        else if (TABLE[i].kind == COUNTER_US)
            buf_put_double(out, (double) value / 1000000);
        else
            buf_put_int(out, value);
        buf_put_char(out, '\n');
    }
    (void) pthread_mutex_unlock(&together);
    put_head(out, "freshet_build_info", "The version that runs; always 1", GAUGE);
    BUF_LITERAL(out, "freshet_build_info{version=\"" FRESHET_VERSION "\"} 1\n");
}
