/* The stand-in for the upstream: its time, its failures, and what a test can do to it. */
#include "base/clock.h"
#include "base/json.h"
#include "tests/sim_kit.h"
#include "tests/truth.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- time ------------------------------------------------------------------------------------ */

TEST(sim_time_stands_still_while_somebody_is_awake)
{
    Simulator simulator = sim_start();
    SimClock *one = simclock_connect(simulator.clock);
    UnixSec start = simclock_now(one);
    CHECK_INT(sim_moment("2026-01-20T12:00:00Z"), start);
    SimClock *other = simclock_connect(simulator.clock);
    simclock_close(other); /* or it, being awake, would hold time */
    simclock_sleep_until(one, start + 3600);
    CHECK_INT(start + 3600, simclock_now(one));
    simclock_sleep_until(one, start); /* what is past comes at once */
    CHECK_INT(start + 3600, simclock_now(one));
}

TEST(sim_publishes_at_its_releases)
{
    Simulator simulator = sim_start();
    SimClock *clock = simclock_connect(simulator.clock);
    static const struct {
        const char *now, *modified, *newest, *age;
    } cases[] = {
        {"2026-01-20T12:03:20Z", "Tue, 20 Jan 2026 11:48:21 GMT", "2026-01-20T11:30:00Z", "299"},
        {"2026-01-20T12:03:21Z", "Tue, 20 Jan 2026 12:03:21 GMT", "2026-01-20T11:45:00Z", "0"},
        {"2026-01-20T12:18:00Z", "Tue, 20 Jan 2026 12:03:21 GMT", "2026-01-20T11:45:00Z", "279"},
        {"2026-01-20T12:18:22Z", "Tue, 20 Jan 2026 12:18:21 GMT", "2026-01-20T12:00:00Z", "1"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].now);
        simclock_sleep_until(clock, sim_moment(cases[i].now));
        CLEANUP(exchanged_release) Exchanged got = sim_ask(&simulator, "/data/readings?latest");
        CHECK_TEXT(cases[i].modified, exchanged_field(&got, "Last-Modified"));
        CHECK_TEXT(cases[i].age, exchanged_field(&got, "Age"));
        UnixSec newest = NO_TIME;
        JsonWalk walk = json_walk(sim_items(buf_view(&got.body)));
        Str key, item;
        while (json_next(&walk, &key, &item))
            if (sim_time_of(item) > newest && sim_time_of(item) % 900 == 0)
                newest = sim_time_of(item);
        CHECK_INT(sim_moment(cases[i].newest), newest);
    }
}

TEST(sim_answers_304_to_who_has_it_all)
{
    Simulator simulator = sim_start();
    char url[256], fields[128];
    (void) snprintf(url, sizeof url, "%s/data/readings?latest", simulator.url);
    CLEANUP(exchanged_release) Exchanged first = exchange("GET", url, "", STR_NONE);
    (void) snprintf(fields, sizeof fields, "If-Modified-Since: " STR_FMT "\r\n",
                    STR_ARG(exchanged_field(&first, "Last-Modified")));
    CLEANUP(exchanged_release) Exchanged second = exchange("GET", url, fields, STR_NONE);
    CHECK_INT(304, second.status);
    CHECK_INT(0, second.body.len);
    simulator_do(&simulator, "POST", "/sim/item",
                 STR("{\"extra\":1}")); /* what is laid over is published */
    CLEANUP(exchanged_release) Exchanged third = exchange("GET", url, fields, STR_NONE);
    CHECK_INT(200, third.status);
}

TEST(sim_sends_what_the_upstream_sends)
{
    Simulator simulator = sim_start();
    CLEANUP(exchanged_release) Exchanged got = sim_ask(&simulator, "/id/stations");
    static const struct {
        const char *name, *value;
    } fields[] = {
        {"Content-Type", "application/json"},
        {"Transfer-Encoding", "chunked"},
        {"Cache-Control", "no-transform, max-age=300"},
        {"Vary", "accept"},
        {"Access-Control-Allow-Origin", "*"},
        {"Date", "Tue, 20 Jan 2026 12:00:00 GMT"},
        {"ETag", ""},
    };
    for (size_t i = 0; i < countof(fields); i++) {
        CASE(fields[i].name);
        CHECK_TEXT(fields[i].value, exchanged_field(&got, fields[i].name));
    }
    char url[256];
    (void) snprintf(url, sizeof url, "%s/id/stations", simulator.url);
    CLEANUP(exchanged_release)
    Exchanged zipped = exchange("GET", url, "Accept-Encoding: gzip\r\n", STR_NONE);
    CHECK_TEXT("gzip", exchanged_field(&zipped, "Content-Encoding"));
    CHECK(zipped.is_whole && zipped.body.len * 4 < got.body.len);
    CHECK_HAS("\x1f\x8b", buf_view(&zipped.body));
}

TEST(sim_catches_up_with_the_clock_it_lends)
{
    Simulator simulator = simulator_start((const char *[]){"--stations", "5", "--clock", "--behind",
                                                           "86400", "--speed", "8640", NULL});
    SimClock *clock = simclock_connect(simulator.clock);
    UnixSec began = sim_moment("2026-01-20T12:00:00Z");
    static const struct {
        int64_t after_s;
        const char *now;
    } cases[] = {
        {0, "2026-01-19T12:00:00Z"}, {5, "2026-01-20T00:00:00Z"}, {20, "2026-01-20T12:00:20Z"}};
    CHECK_INT(began, simclock_now(clock));
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].now);
        simclock_sleep_until(clock, began + cases[i].after_s);
        char url[256];
        (void) snprintf(url, sizeof url, "%s/sim/now", simulator.origin);
        CLEANUP(buf_release) Buf body = must_get(url);
        CHECK_TEXT(cases[i].now, sim_member(buf_view(&body), "now"));
    }
}

TEST(sim_runs_faster_but_never_ahead_of_the_real_clock)
{
    Simulator simulator = simulator_start(
        (const char *[]){"--stations", "5", "--start", "-1d", "--speed", "100000", NULL});
    char url[256];
    (void) snprintf(url, sizeof url, "%s/sim/now", simulator.origin);
    UnixSec started = clock_now(), now = 0;
    while (now < started - 60) { /* a day in a second */
        CLEANUP(buf_release) Buf body = must_get(url);
        REQUIRE(clock_parse(sim_member(buf_view(&body), "now"), &now));
        CHECK(now <= clock_now());
        CHECK(clock_now() < started + 60);
    }
}

/* ---- what a test can do to it ---------------------------------------------------------------- */

TEST(sim_puts_items_into_lists_and_takes_them_out)
{
    Simulator simulator = sim_start();
    size_t before = sim_count_at(&simulator, "/data/readings?latest"),
           stations = sim_count_at(&simulator, "/id/stations");
    simulator_do(&simulator, "POST", "/sim/item", STR("{ \"value\" : [0.1, 0.2] }"));
    simulator_do(&simulator, "POST", "/sim/item?path=/id/stations", STR("{ \"label\" : 7 }"));
    CLEANUP(buf_release) Buf body = sim_get(&simulator, "/data/readings?latest");
    CHECK_INT(before + 1, sim_count(buf_view(&body)));
    CHECK_TEXT("[0.1, 0.2]", sim_member(sim_nth(buf_view(&body), before), "value"));
    CHECK_INT(stations + 1, sim_count_at(&simulator, "/id/stations"));
    simulator_do(&simulator, "DELETE", "/sim/item", STR_NONE);
    CHECK_INT(before, sim_count_at(&simulator, "/data/readings?latest"));
}

TEST(sim_changes_a_value_and_nothing_else)
{
    Simulator simulator = sim_start();
    CLEANUP(buf_release) Buf before = sim_get(&simulator, "/data/readings?latest&_limit=2");
    Str reading = sim_nth(buf_view(&before), 0);
    Str measure = sim_member(reading, "measure");
    char target[512];
    size_t id_at = strlen(ROOT "/id/measures/");
    (void) snprintf(target, sizeof target, "/sim/value?measure=%.*s&time=" STR_FMT "&value=99.5",
                    (int) (measure.len - id_at), measure.ptr + id_at,
                    STR_ARG(sim_member(reading, "dateTime")));
    simulator_do(&simulator, "POST", target, STR_NONE);
    CLEANUP(buf_release) Buf after = sim_get(&simulator, "/data/readings?latest&_limit=2");
    CHECK_TEXT("99.5", sim_member(sim_nth(buf_view(&after), 0), "value"));
    CHECK_STR(sim_member(reading, "dateTime"),
              sim_member(sim_nth(buf_view(&after), 0), "dateTime"));
    CHECK_STR(sim_nth(buf_view(&before), 1), sim_nth(buf_view(&after), 1));
}

TEST(sim_fails_in_every_way)
{
    Simulator simulator = sim_start();
    static const struct {
        const char *spec;
        int status;
        bool is_whole, is_json;
        const char *field, *value;
    } cases[] = {
        {"kind=status&status=500", 500, true, false, "Content-Type", "text/html; charset=utf-8"},
        {"kind=status&status=429&retry_after=17", 429, true, false, "Retry-After", "17"},
        {"kind=html", 200, true, false, "Content-Type", "text/html; charset=utf-8"},
        {"kind=broken", 200, true, false, "Content-Type", "application/json"},
        {"kind=garbage", 200, true, false, "Content-Type", "application/json"},
        {"kind=empty", 200, true, false, "Content-Type", "application/json"},
        {"kind=cut", 200, false, false, "Content-Type", "application/json"},
        {"kind=cut&bytes=0", 200, false, false, "Content-Type", "application/json"},
        {"kind=redirect", 302, true, false, "Location", "/flood-monitoring/id/stations?_limit=3"},
        {"kind=redirect&to=/elsewhere", 302, true, false, "Location", "/elsewhere"},
        {"kind=down", 0, false, false, "Content-Type", ""},
        {"kind=slow&ms=1", 200, true, true, "Content-Type", "application/json"},
        {"kind=trickle&ms=0", 200, true, true, "Content-Type", "application/json"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        char target[256];
        CASE(cases[i].spec);
        (void) snprintf(target, sizeof target, "/sim/fault?%s&count=1&path=/id/stations",
                        cases[i].spec);
        simulator_do(&simulator, "POST", target, STR_NONE);
        CHECK(sim_count_at(&simulator, "/id/measures") > 0); /* another path is not touched */
        CLEANUP(exchanged_release) Exchanged got = sim_ask(&simulator, "/id/stations?_limit=3");
        CHECK_INT(cases[i].status, got.status);
        CHECK_INT(cases[i].is_whole, got.is_whole);
        CHECK_TEXT(cases[i].value, exchanged_field(&got, cases[i].field));
        JsonWalk walk = json_walk(buf_view(&got.body));
        Str key, value;
        while (json_next(&walk, &key, &value))
            continue;
        CHECK_INT(cases[i].is_json, !walk.broken);
        CHECK(sim_count_at(&simulator, "/id/stations?_limit=3") > 0); /* and it is over */
    }
}

/* Part of an answer: what came until `bytes` were there. */
static void read_some(const Simulator *simulator, const char *path, size_t bytes)
{
    char command[512];
    (void) snprintf(command, sizeof command, "GET /flood-monitoring%s HTTP/1.1\r\nHost: x\r\n\r\n",
                    path);
    int fd = exchange_connect(simulator->url);
    REQUIRE(fd >= 0 && send(fd, command, strlen(command), MSG_NOSIGNAL) > 0);
    char block[4096];
    ssize_t got = 1;
    for (size_t all = 0; all < bytes && got > 0; all += (size_t) got)
        got = recv(fd, block, sizeof block, 0);
    CHECK(got > 0);
    (void) close(fd);
}

TEST(sim_sends_without_end_until_nobody_listens)
{
    Simulator simulator = sim_start();
    CLEANUP(buf_release) Buf whole = sim_get(&simulator, "/id/measures");
    simulator_do(&simulator, "POST", "/sim/fault?kind=endless&path=/id/measures", STR_NONE);
    read_some(&simulator, "/id/measures", whole.len * 20);
    simulator_do(&simulator, "DELETE", "/sim/fault", STR_NONE);
    simulator_do(&simulator, "POST", "/sim/fault?kind=trickle&ms=10&path=/id/measures", STR_NONE);
    read_some(&simulator, "/id/measures", 300);
    process_signal(simulator.process, SIGTERM); /* neither keeps it from ending */
    CHECK_INT(0, process_wait(simulator.process));
}

TEST(sim_gets_stuck_and_tells_a_wrong_time)
{
    Simulator simulator = sim_start();
    SimClock *clock = simclock_connect(simulator.clock);
    simulator_do(&simulator, "POST", "/sim/fault?kind=stuck", STR_NONE);
    simulator_do(&simulator, "POST", "/sim/fault?kind=skew&seconds=-7200", STR_NONE);
    simclock_sleep_until(clock, sim_moment("2026-01-20T14:00:00Z"));
    CLEANUP(exchanged_release) Exchanged stuck = sim_ask(&simulator, "/data/readings?latest");
    CHECK_TEXT("Tue, 20 Jan 2026 11:48:21 GMT", exchanged_field(&stuck, "Last-Modified"));
    CHECK_TEXT("Tue, 20 Jan 2026 12:00:00 GMT", exchanged_field(&stuck, "Date"));
    simulator_do(&simulator, "DELETE", "/sim/fault", STR_NONE);
    CLEANUP(exchanged_release) Exchanged loose = sim_ask(&simulator, "/data/readings?latest");
    CHECK_TEXT("Tue, 20 Jan 2026 13:48:21 GMT", exchanged_field(&loose, "Last-Modified"));
    CHECK_TEXT("Tue, 20 Jan 2026 14:00:00 GMT", exchanged_field(&loose, "Date"));
}

TEST(sim_follows_a_script)
{
    char path[300];
    (void) snprintf(path, sizeof path, "%s/script", test_dir());
    FILE *file = fopen(path, "w");
    REQUIRE(file != NULL);
    fprintf(file, "# an outage\n\n+PT10M kind=status&status=502&for=PT5M\n2026-01-20T12:30:00Z "
                  "kind=html&count=1\n");
    (void) fclose(file);
    Simulator simulator = simulator_start((const char *[]){
        "--stations", "5", "--clock", "--faults", path, "--fault", "kind=down&count=1", NULL});
    SimClock *clock = simclock_connect(simulator.clock);
    static const struct {
        const char *now;
        int status;
        const char *type;
    } cases[] = {
        {"2026-01-20T12:00:00Z", 0, ""},
        {"2026-01-20T12:09:59Z", 200, "application/json"},
        {"2026-01-20T12:10:00Z", 502, "text/html; charset=utf-8"},
        {"2026-01-20T12:14:59Z", 502, "text/html; charset=utf-8"},
        {"2026-01-20T12:15:00Z", 200, "application/json"},
        {"2026-01-20T12:31:00Z", 200, "text/html; charset=utf-8"},
        {"2026-01-20T12:31:01Z", 200, "application/json"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].now);
        simclock_sleep_until(clock, sim_moment(cases[i].now));
        CLEANUP(exchanged_release) Exchanged got = sim_ask(&simulator, "/id/stations");
        CHECK_INT(cases[i].status, got.status);
        CHECK_TEXT(cases[i].type, exchanged_field(&got, "Content-Type"));
    }
}

static int count_status(const Simulator *simulator, const char *path, int requests, int status)
{
    int count = 0;
    for (int i = 0; i < requests; i++) {
        CLEANUP(exchanged_release) Exchanged got = sim_ask(simulator, path);
        count += got.status == status ? 1 : 0;
    }
    return count;
}

TEST(sim_fails_as_often_as_it_is_told_and_the_same_way_each_time)
{
    static const char *const OPTIONS[] = {"--stations", "5",          "--clock", "--fail",
                                          "20",         "--too-many", "20",      NULL};
    Simulator one = simulator_start(OPTIONS), same = simulator_start(OPTIONS);
    int failed = 0, refused = 0;
    for (int i = 0; i < 200; i++) {
        CLEANUP(exchanged_release) Exchanged a = sim_ask(&one, "/id/stations?_limit=1");
        CLEANUP(exchanged_release) Exchanged b = sim_ask(&same, "/id/stations?_limit=1");
        CHECK_INT(a.status, b.status);
        failed += a.status == 503 ? 1 : 0;
        refused += a.status == 429 ? 1 : 0;
        CHECK_TEXT(a.status == 429 ? "30" : "", exchanged_field(&a, "Retry-After"));
    }
    CHECK(failed > 25 && failed < 55);
    CHECK(refused > 20 && refused < 50); /* of those that did not fail */
    simulator_do(&one, "DELETE", "/sim/fault", STR_NONE);
    simulator_do(&one, "POST", "/sim/fault?kind=status&status=500&percent=50&path=/id/stations",
                 STR_NONE);
    CHECK_INT(20, count_status(&one, "/id/measures", 20, 200));
    int struck = count_status(&one, "/id/stations", 40, 500);
    CHECK(struck > 8 && struck < 32);
}

TEST(sim_takes_its_time_over_every_answer)
{
    Simulator simulator =
        simulator_start((const char *[]){"--stations", "5", "--clock", "--latency", "50", NULL});
    int64_t before_ms = clock_elapsed_ms();
    (void) sim_count_at(&simulator, "/id/stations");
    CHECK(clock_elapsed_ms() - before_ms >= 50);
    simulator_do(&simulator, "POST", "/sim/latency?ms=600000", STR_NONE);
    simulator_do(&simulator, "POST", "/sim/latency?ms=0", STR_NONE);
    (void) sim_count_at(&simulator, "/id/stations");
}

TEST(sim_counts_what_it_was_asked)
{
    Simulator simulator = sim_start();
    char url[256];
    (void) sim_count_at(&simulator, "/id/stations");
    (void) sim_count_at(&simulator, "/data/readings?latest");
    (void) sim_count_at(&simulator, "/data/readings?today");
    (void) snprintf(url, sizeof url, "%s/sim/stats", simulator.origin);
    CLEANUP(buf_release) Buf stats = must_get(url);
    Str paths = sim_member(buf_view(&stats), "paths");
    CHECK_TEXT("3", sim_member(buf_view(&stats), "requests"));
    CHECK_TEXT("2", sim_member(sim_member(paths, "/data/readings"), "requests"));
    CHECK_TEXT("1", sim_member(sim_member(paths, "/id/stations"), "requests"));
}

TEST(sim_counts_what_it_cost)
{
    Simulator simulator = sim_start();
    simulator_do(&simulator, "POST", "/sim/fault?kind=status&status=503&path=/id&count=1",
                 STR_NONE);
    CLEANUP(exchanged_release) Exchanged failed = sim_ask(&simulator, "/id/stations");
    CHECK_INT(503, failed.status);
    CLEANUP(buf_release) Buf body = sim_get(&simulator, "/id/stations");
    CHECK_INT(2, traffic_count(&simulator, "requests"));
    CHECK_INT(failed.body.len + body.len, traffic_count(&simulator, "sent_bytes"));
    CHECK_INT(2, traffic_count(&simulator, "connections")); /* asking for the count is none */
    CHECK(traffic_count(&simulator, "most_open") <= 2); /* that one is closed may be seen late */
    simulator_do(&simulator, "DELETE", "/sim/stats", STR_NONE);
    CHECK_INT(0, traffic_count(&simulator, "requests"));
}

TEST(sim_batches_where_it_is_told_to)
{
    Simulator simulator = simulator_start(
        (const char *[]){"--stations", "300", "--clock", "--batching", "100", NULL});
    UnixSec now = sim_moment("2026-01-20T12:00:00Z");
    CLEANUP(buf_release) Buf body = sim_get(&simulator, "/data/readings?latest");
    JsonWalk walk = json_walk(sim_items(buf_view(&body)));
    Str key, item;
    size_t count = 0, old = 0;
    for (; json_next(&walk, &key, &item); count++)
        old += sim_time_of(item) < now - 3 * 3600 ? 1 : 0;
    CHECK(old * 2 > count); /* most come twice a day or daily */
    CHECK(old < count);
}
