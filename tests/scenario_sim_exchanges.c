/* The simulator, giving recorded answers again. */
#include "base/clock.h"
#include "tests/sim_kit.h"

#include <stdio.h>

static const char *folder_of(const char *const texts[], size_t count)
{
    const char *folder = test_dir();
    for (size_t i = 0; i < count; i++) {
        char path[300];
        (void) snprintf(path, sizeof path, "%s/%06zu.json", folder, i + 1);
        FILE *file = fopen(path, "w");
        REQUIRE(file != NULL);
        REQUIRE(fputs(texts[i], file) >= 0);
        (void) fclose(file);
    }
    return folder;
}

static const char *const DAY[] = {
    "2026-01-20T12:05:03Z /id/stations 200\n{ \"items\" : [ 1 ] }\n",
    "2026-01-20T12:05:04Z /data/readings?latest 200\n{ \"items\" : [ 2 ] }\n",
    "2026-01-20T12:05:05Z /data/readings?since=2026-01-20T11:00:00Z 200\n{ \"items\" : [ 3 ] }\n",
    "2026-01-20T12:05:06Z /id/measures.csv 200\n@id\n",
    "2026-01-20T12:20:03Z /data/readings?latest 500\n<html></html>\n",
    "2026-01-20T12:35:03Z /data/readings?latest 0\n",
    "2026-01-20T12:50:03Z /data/readings?latest 200\n{ \"items\" : [ 4 ] }\n",
    "2026-01-20T13:05:03Z /data/readings?latest 304\n",
};

TEST(sim_gives_recorded_answers_when_they_are_due)
{
    static const struct {
        const char *now, *path;
        int status;
        const char *type, *body;
    } cases[] = {
        {"2026-01-20T12:05:03Z", "/id/stations", 200, "application/json",
         "{ \"items\" : [ 1 ] }\n"},
        {"2026-01-20T12:05:03Z", "/data/readings?latest", 404, "text/html; charset=utf-8", NULL},
        {"2026-01-20T12:05:06Z", "/data/readings?latest", 200, "application/json",
         "{ \"items\" : [ 2 ] }\n"},
        {"2026-01-20T12:05:06Z", "/data/readings?since=2026-01-20T11:00:00Z", 200,
         "application/json", "{ \"items\" : [ 3 ] }\n"},
        {"2026-01-20T12:05:06Z", "/data/readings?since=2026-01-20T11:15:00Z", 200,
         "application/json", "{ \"items\" : [ 3 ] }\n"}, /* the newest of its path */
        {"2026-01-20T12:05:06Z", "/id/measures.csv", 200, "text/csv", "@id\n"},
        {"2026-01-20T12:05:06Z", "/id/measures", 404, "text/html; charset=utf-8", NULL},
        {"2026-01-20T12:20:03Z", "/data/readings?latest", 500, "text/html; charset=utf-8",
         "<html></html>\n"},
        {"2026-01-20T12:35:03Z", "/data/readings?latest", 0, "", NULL},
        {"2026-01-20T12:50:03Z", "/data/readings?latest", 200, "application/json",
         "{ \"items\" : [ 4 ] }\n"},
        {"2026-01-20T13:10:00Z", "/data/readings?latest", 200, "application/json",
         "{ \"items\" : [ 4 ] }\n"}, /* what a 304 confirmed */
    };
    Simulator simulator = simulator_start(
        (const char *[]){"--clock", "--replay-exchanges", folder_of(DAY, countof(DAY)), NULL});
    SimClock *clock = simclock_connect(simulator.clock);
    CHECK_INT(sim_moment("2026-01-20T12:05:03Z"), simclock_now(clock)); /* begins with the first */
    for (size_t i = 0; i < countof(cases); i++) {
        char label[200];
        (void) snprintf(label, sizeof label, "%s %s", cases[i].now, cases[i].path);
        CASE(label);
        simclock_sleep_until(clock, sim_moment(cases[i].now));
        CLEANUP(exchanged_release) Exchanged got = sim_ask(&simulator, cases[i].path);
        CHECK_INT(cases[i].status, got.status);
        CHECK_TEXT(cases[i].type, exchanged_field(&got, "Content-Type"));
        if (cases[i].body != NULL)
            CHECK_TEXT(cases[i].body, buf_view(&got.body));
    }
    char url[256];
    (void) snprintf(url, sizeof url, "%s/data/readings?latest", simulator.url);
    CLEANUP(exchanged_release)
    Exchanged same =
        exchange("GET", url, "If-Modified-Since: Tue, 20 Jan 2026 12:50:03 GMT\r\n", STR_NONE);
    CHECK_INT(304, same.status);
}

TEST(sim_gives_recorded_answers_at_a_thousand_times_the_speed)
{
    Simulator simulator = simulator_start((const char *[]){
        "--replay-exchanges", folder_of(DAY, countof(DAY)), "--speed", "1000", NULL});
    UnixSec end = sim_moment("2026-01-20T12:50:03Z"), now = 0; /* 2.7 s from the start */
    char url[256];
    (void) snprintf(url, sizeof url, "%s/sim/now", simulator.origin);
    while (now < end) {
        CLEANUP(buf_release) Buf body = must_get(url);
        REQUIRE(clock_parse(sim_member(buf_view(&body), "now"), &now));
        CHECK(now >= sim_moment("2026-01-20T12:05:03Z"));
        CHECK(now < clock_now());
    }
    CLEANUP(buf_release) Buf latest = sim_get(&simulator, "/data/readings?latest");
    CHECK_TEXT("{ \"items\" : [ 4 ] }\n", buf_view(&latest));
}

TEST(sim_refuses_recordings_it_cannot_read)
{
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"{ \"items\" : [] }\n", "000001.json does not begin with a time, a target and a status"},
        {"2026-01-20T12:05:03Z /id/stations\n", "does not begin with a time"},
        {"2026-01-20T12:05:03Z id/stations 200\n", "does not begin with a time"},
        {"2026-01-20T12:05:03Z /id/stations 1200\n", "does not begin with a time"},
        {NULL, "no numbered .json files in"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].said);
        const char *folder = folder_of(&cases[i].text, cases[i].text != NULL ? 1 : 0);
        Process *process = process_start(
            (const char *[]){"freshet-sim", "--replay-exchanges", folder, NULL}, NULL);
        (void) process_wait_line(process, cases[i].said);
        CHECK(process_wait(process) != 0);
    }
}
