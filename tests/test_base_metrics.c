#include "base/metrics.h"

#include "tests/test.h"

#include <pthread.h>
#include <string.h>

/* The whole text of /metrics, one line after the other. */
static bool next_line(Str *rest, Str *ret)
{
    if (rest->len == 0)
        return false;
    *ret = *rest;
    if (!str_cut(*rest, '\n', ret, rest))
        *rest = STR("");
    return true;
}

static size_t count_lines(Str text, Str prefix)
{
    size_t count = 0;
    Str line;
    while (next_line(&text, &line))
        count += str_starts(line, prefix);
    return count;
}

TEST(metrics_are_set_added_and_read)
{
    metric_set(METRIC_STATIONS, 5430);
    CHECK_INT(5430, metric_get(METRIC_STATIONS));
    metric_add(METRIC_STATIONS, -30);
    CHECK_INT(5400, metric_get(METRIC_STATIONS));
    int64_t before = metric_get(METRIC_UPSTREAM_REQUESTS);
    metric_add(METRIC_UPSTREAM_REQUESTS, 2);
    CHECK_INT(before + 2, metric_get(METRIC_UPSTREAM_REQUESTS));
    metric_set(METRIC_UPSTREAM_REQUESTS, before);
}

TEST(metrics_render_as_prometheus_reads_them)
{
    static const struct {
        Metric metric;
        int64_t value;
        const char *line, *type;
    } cases[] = {
        {METRIC_READINGS_RECEIVED, 21, "freshet_readings_received_total 21", "counter"},
        {METRIC_READINGS_NEW, 1, "freshet_readings_total{kind=\"new\"} 1", "counter"},
        {METRIC_READINGS_QUARANTINED, 6, "freshet_readings_total{kind=\"quarantined\"} 6",
         "counter"},
        {METRIC_POLLS_UNMODIFIED, 7, "freshet_polls_total{outcome=\"unmodified\"} 7", "counter"},
        {METRIC_UPSTREAM_BYTES, 543000, "freshet_upstream_received_bytes_total 543000", "counter"},
        {METRIC_AS_OF, 1795342567, "freshet_as_of_timestamp_seconds 1795342567", "gauge"},
        {METRIC_APPLY_MS, 187, "freshet_apply_duration_seconds 0.187", "gauge"},
        {METRIC_CPU_TRIM, 1500, "freshet_ingest_cpu_seconds_total{phase=\"trim\"} 0.0015",
         "counter"},
        {METRIC_WAL_BYTES, 4096, "freshet_wal_bytes 4096", "gauge"},
        {METRIC_HTTP_REQUESTS_5XX, 3, "freshet_http_requests_total{class=\"5xx\"} 3", "counter"},
        {METRIC_SNAPSHOT_BUSY, 2, "freshet_snapshot_busy_total 2", "counter"},
    };
    int64_t kept[countof(cases)];
    for (size_t i = 0; i < countof(cases); i++) {
        kept[i] = metric_get(cases[i].metric);
        metric_set(cases[i].metric, cases[i].value);
    }
    CLEANUP(buf_release) Buf out = buf_init(100000);
    metrics_render(&out);
    for (size_t i = 0; i < countof(cases); i++) {
        CLEANUP(buf_release) Buf want = buf_init(1000);
        CASE(cases[i].line);
        buf_printf(&want, "\n%s\n", cases[i].line);
        size_t at;
        CHECK(str_find(buf_view(&out), buf_view(&want), &at));

        buf_clear(&want);
        int name_len = (int) strcspn(cases[i].line, " {");
        buf_printf(&want, "# TYPE %.*s %s", name_len, cases[i].line, cases[i].type);
        CHECK_INT(1, count_lines(buf_view(&out), buf_view(&want)));
        metric_set(cases[i].metric, kept[i]);
    }
    CHECK_HAS("\nfreshet_build_info{version=\"" FRESHET_VERSION "\"} 1\n", buf_view(&out));
}

TEST(metrics_tell_each_name_once_and_in_base_units)
{
    CLEANUP(buf_release) Buf out = buf_init(100000);
    metrics_render(&out);
    CHECK(str_ends(buf_view(&out), STR("\n")));
    CHECK_INT(METRIC_COUNT + 1, count_lines(buf_view(&out), STR("freshet_")));
    Str rest = buf_view(&out), line, name = STR_NONE, type;
    while (next_line(&rest, &line)) {
        if (str_starts(line, STR("# HELP "))) {
            Str help;
            REQUIRE(str_cut((Str){line.ptr + 7, line.len - 7}, ' ', &name, &help));
            CHECK(help.len > 10);
            CLEANUP(buf_release) Buf head = buf_init(1000);
            buf_printf(&head, "# HELP " STR_FMT " ", STR_ARG(name));
            CHECK_INT(1, count_lines(buf_view(&out), buf_view(&head)));
            REQUIRE(next_line(&rest, &line)); /* TYPE stands right behind */
            REQUIRE(str_starts(line, STR("# TYPE ")));
            type = str_after_last(line, ' ');
            CHECK_INT(str_eq(type, STR("counter")), str_ends(name, STR("_total")));
            CHECK(!str_ends(name, STR("_ms")));
        } else {
            CHECK(str_starts(line, name)); /* samples stand behind their own head */
        }
    }
}

static void *add_often(void *ctx)
{
    (void) ctx;
    for (int i = 0; i < 10000; i++)
        metric_add(METRIC_HTTP_CACHE_HITS, 1);
    return NULL;
}

TEST(metrics_lose_nothing_between_threads)
{
    pthread_t threads[4];
    int64_t before = metric_get(METRIC_HTTP_CACHE_HITS);
    for (size_t i = 0; i < countof(threads); i++)
        REQUIRE(pthread_create(&threads[i], NULL, add_often, NULL) == 0);
    for (size_t i = 0; i < countof(threads); i++)
        (void) pthread_join(threads[i], NULL);
    CHECK_INT(before + 40000, metric_get(METRIC_HTTP_CACHE_HITS));
    metric_set(METRIC_HTTP_CACHE_HITS, before);
}

/* ---- together -------------------------------------------------------------------------------- */

static void *add_together(void *ctx)
{
    const MetricChange changes[] = {{METRIC_READINGS_RECEIVED, 2}, {METRIC_READINGS_NEW, 2}};
    _Atomic bool *stop = ctx;
    while (!*stop)
        metric_add_all(changes, countof(changes));
    return NULL;
}

static int64_t value_of(Str text, const char *name)
{
    Str line, value = STR_NONE, head;
    int64_t number = -1;
    while (next_line(&text, &line))
        if (str_starts(line, str_of(name)) && str_cut(line, ' ', &head, &value))
            REQUIRE(str_to_int(value, &number));
    return number;
}

TEST(concurrent_metrics_that_add_up_are_seen_together)
{
    _Atomic bool stop = false;
    pthread_t thread;
    metric_set(METRIC_READINGS_RECEIVED, 0);
    metric_set(METRIC_READINGS_NEW, 0);
    REQUIRE(pthread_create(&thread, NULL, add_together, &stop) == 0);
    size_t apart = 0;
    for (int i = 0; i < 2000; i++) {
        CLEANUP(buf_release) Buf text = buf_init(64 * 1024);
        metrics_render(&text);
        apart += value_of(buf_view(&text), "freshet_readings_received_total ") !=
                 value_of(buf_view(&text), "freshet_readings_total{kind=\"new\"} ");
    }
    stop = true;
    (void) pthread_join(thread, NULL);
    CHECK_INT(0, apart);
}
