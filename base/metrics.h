/* base/metrics.h - one table of counters and gauges, as Prometheus text.
 *
 * A metric is named here once, with its help text, in base/metrics.c's table. Any thread; atomics. */
#pragma once
#include "base/buf.h"

typedef enum Metric {
    METRIC_READINGS_RECEIVED, /* received = the six below, always */
    METRIC_READINGS_NEW,
    METRIC_READINGS_LATE,
    METRIC_READINGS_UNCHANGED,
    METRIC_READINGS_CORRECTED,
    METRIC_READINGS_EXPIRED,
    METRIC_READINGS_QUARANTINED,
    METRIC_READINGS_RELEASED, /* beside the six */
    METRIC_POLLS_OK,
    METRIC_POLLS_UNMODIFIED,
    METRIC_POLLS_FAILED,
    METRIC_UPSTREAM_REQUESTS,
    METRIC_UPSTREAM_BYTES, /* of bodies, as transferred */
    METRIC_GENERATION,
    METRIC_AS_OF,     /* unix seconds of the newest commit */
    METRIC_LAST_POLL, /* unix seconds of the last good poll */
    METRIC_APPLY_MS,  /* of the last applied batch */
    METRIC_CPU_FETCH, /* microseconds of polls; the seven add up to what a poll costs its thread */
    METRIC_CPU_PARSE,
    METRIC_CPU_APPLY,
    METRIC_CPU_TRIM,
    METRIC_CPU_COMMIT,
    METRIC_CPU_ANNOUNCE,
    METRIC_CPU_CHECKPOINT,
    METRIC_STATIONS,
    METRIC_MEASURES,
    METRIC_READINGS_HELD,
    METRIC_WAL_BYTES,
    METRIC_HTTP_REQUESTS_2XX,
    METRIC_HTTP_REQUESTS_3XX,
    METRIC_HTTP_REQUESTS_4XX,
    METRIC_HTTP_REQUESTS_5XX,
    METRIC_HTTP_NOT_MODIFIED,
    METRIC_HTTP_CACHE_HITS,
    METRIC_HTTP_CACHE_MISSES,
    METRIC_HTTP_CACHE_BYTES,
    METRIC_HTTP_RATE_LIMITED,
    METRIC_HTTP_UNAUTHORIZED,
    METRIC_HTTP_CONNECTIONS,
    METRIC_HTTP_SUBSCRIBERS,
    METRIC_HTTP_SUBSCRIBERS_SLOW,
    METRIC_SNAPSHOT_BUSY,
    METRIC_KAFKA_GENERATION, /* the last one that was acknowledged */
    METRIC_KAFKA_READINGS,
    METRIC_KAFKA_FAILURES,
    METRIC_HISTORY_LOST,
    METRIC_EXPORTS_OK,
    METRIC_EXPORTS_FAILED,
    METRIC_LAST_EXPORT, /* unix seconds of the last good export */
    METRIC_COUNT
} Metric;

void metric_add(Metric metric, int64_t by);
/* Several that add up: who renders sees all of them or none. */
typedef struct MetricChange {
    Metric metric;
    int64_t by;
} MetricChange;
void metric_add_all(const MetricChange *changes, size_t count);
void metric_set(Metric metric, int64_t value);
int64_t metric_get(Metric metric);
void metrics_render(Buf *out);
