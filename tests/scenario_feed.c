/* A feed as it comes, and what is made of it: how often there is something new, and that it is not. */
#include "base/clock.h"
#include "tests/freshet.h"
#include "tests/sim_kit.h"

#include <stdio.h>
#include <stdlib.h>

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* A poll, the types behind it and the fill behind that: each a generation, none within a second. */
TEST(scenario_feed_makes_one_generation_a_second_at_most)
{
    const Simulator sim = simulator_start(ARGS("--clock", "--stations", "12", "--batching", "0"));
    SimClock *clock = simclock_connect(sim.clock);
    UnixSec began = simclock_now(clock), polled = NO_TIME;
    Freshet service = freshet_start(test_dir(), sim.url, sim.clock, NULL);
    simclock_sleep_until(clock, began + 30);
    CLEANUP(buf_release)
    Buf latest = freshet_get(&service, "/v1/latest.csv?limit=1&fields=received");
    Str line, rest = buf_view(&latest);
    REQUIRE(str_cut(rest, '\n', &line, &rest) && str_cut(rest, '\n', &line, &rest));
    REQUIRE(clock_parse(line, &polled));

    CLEANUP(buf_release)
    Buf readings = freshet_get(&service, "/v1/readings.csv?fields=received");
    int64_t filled = 0, between = 0;
    rest = buf_view(&readings);
    REQUIRE(str_cut(rest, '\n', &line, &rest));
    while (str_cut(rest, '\n', &line, &rest)) {
        UnixSec received = NO_TIME;
        REQUIRE(clock_parse(line, &received));
        filled += received > polled;
        between += received > polled && received < polled + 2; /* the types have that second */
    }
    CHECK(filled > 12 * 90);
    CHECK_INT(0, between);
    CHECK_INT(0, freshet_stop(&service));
}

TEST(scenario_feed_tells_what_its_polls_cost)
{
    static const char *const phases[] = {"fetch", "parse", "apply", "trim", "commit", "checkpoint"};
    const Simulator sim = simulator_start(ARGS("--clock", "--stations", "12", "--batching", "0"));
    SimClock *clock = simclock_connect(sim.clock);
    Freshet service = freshet_start(test_dir(), sim.url, sim.clock, NULL);
    simclock_sleep_until(clock,
                         simclock_now(clock) + 3600); /* the window is full, so that it moves */
    CLEANUP(buf_release) Buf metrics = freshet_get(&service, "/metrics");
    for (size_t i = 0; i < countof(phases); i++) {
        char name[100];
        size_t at;
        CASE(phases[i]);
        int len = snprintf(name, sizeof name, "\nfreshet_ingest_cpu_seconds_total{phase=\"%s\"} ",
                           phases[i]);
        if (CHECK(str_find(buf_view(&metrics), str_of(name), &at)))
            CHECK(strtod(metrics.ptr + at + len, NULL) > 0);
    }
    CHECK_INT(0, freshet_stop(&service));
}

/* ---- a feed that claims to be new -------------------------------------------------------------- */

static void write_answer(const char *folder, int number, const char *head, const char *body)
{
    char path[400];
    (void) snprintf(path, sizeof path, "%s/%06d.json", folder, number);
    FILE *file = fopen(path, "w");
    REQUIRE(file != NULL);
    REQUIRE(fprintf(file, "%s\n%s", head, body) > 0);
    (void) fclose(file);
}

/* A network of one measure, whose newest reading is told every quarter of an hour. At 13:19 the one of
 * 13:04 is told again, as if it were new. */
static const char *write_feed(void)
{
    static const char *const newest[][2] = {
        {"12:00:00", "11:30"}, {"12:04:00", "11:45"}, {"12:19:00", "12:00"}, {"12:34:00", "12:15"},
        {"12:49:00", "12:30"}, {"13:04:00", "12:45"}, {"13:19:00", "12:45"}, {"13:34:00", "13:15"},
    };
    const char *folder = test_dir();
    int number = 1;
    write_answer(
        folder, number++, "2026-01-20T12:00:00Z /id/stations 200",
        "{ \"items\" : [ { \"@id\" : \"http://x/id/stations/S\", \"notation\" : \"S\" } ] }");
    write_answer(folder, number++, "2026-01-20T12:00:00Z /id/measures 200",
                 "{ \"items\" : [ { \"@id\" : \"http://x/id/measures/M\", \"notation\" : \"M\","
                 " \"station\" : \"http://x/id/stations/S\", \"period\" : 900 } ] }");
    for (size_t i = 0; i < countof(newest); i++) {
        char head[100], body[300];
        (void) snprintf(head, sizeof head, "2026-01-20T%sZ /data/readings?latest 200",
                        newest[i][0]);
        (void) snprintf(body, sizeof body,
                        "{ \"items\" : [ { \"measure\" : \"http://x/id/measures/M\","
                        " \"dateTime\" : \"2026-01-20T%s:00Z\", \"value\" : 1.5 } ] }",
                        newest[i][1]);
        write_answer(folder, number++, head, body);
    }
    return folder;
}

TEST(scenario_feed_that_says_it_is_new_and_is_not_is_stuck)
{
    static const struct {
        int minute; /* after 12:00 */
        const char *want;
    } cases[] = {{51, "none"}, {66, "none"}, {81, "upstream"}, {96, "none"}};
    const Simulator sim = simulator_start(ARGS("--clock", "--replay-exchanges", write_feed()));
    SimClock *clock = simclock_connect(sim.clock);
    UnixSec began = simclock_now(clock);
    Freshet service = freshet_start(test_dir(), sim.url, sim.clock, ARGS("--sweep-interval", "1d"));
    for (size_t i = 0; i < countof(cases); i++) {
        simclock_sleep_until(clock, began + cases[i].minute * 60);
        CHECK_TEXT(cases[i].want, freshet_tell(&service, "fault"));
        if (cases[i].want[0] == 'u')
            CHECK_HAS("1 of 1 measures were due", freshet_tell(&service, "last_poll.detail"));
    }
    CHECK_INT(0, freshet_stop(&service));
}
