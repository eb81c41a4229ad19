/* The truth that the simulator tells, and what the service makes of the same feed. */
#include "tests/freshet.h"
#include "tests/sim_kit.h"

#include <stdio.h>
#include <stdlib.h>

/* Counts the lines of `csv` as measure,time,value; every one of them stands in `truth`. */
static size_t check_lines(Str csv, Str truth)
{
    Str line, rest = csv;
    size_t count = 0, at;
    REQUIRE(str_cut(rest, '\n', &line, &rest)); /* the header */
    for (; str_cut(rest, '\n', &line, &rest); count++) {
        CLEANUP(buf_release) Buf want = buf_init(1000);
        buf_printf(&want, "\n" STR_FMT "," STR_FMT "," STR_FMT "\n", STR_ARG(csv_cell(line, 1)),
                   STR_ARG(csv_cell(line, 5)), STR_ARG(csv_cell(line, 6)));
        if (!CHECK(str_find(truth, buf_view(&want), &at)))
            CHECK_TEXT("a line of the truth", buf_view(&want));
    }
    return count;
}

TEST(scenario_nothing_untrue_is_held_of_an_ill_behaved_feed)
{
    const Simulator sim = simulator_start((const char *const[]){"--clock", "--stations",
                                                                "60",      "--batching",
                                                                "0",       "--arrays",
                                                                "4",       "--sentinels",
                                                                "4",       "--missing-values",
                                                                "4",       "--empty-times",
                                                                "4",       "--duplicates",
                                                                "4",       "--vanishing",
                                                                "30",      "--unlisted",
                                                                "5",       "--listed-later",
                                                                "5",       NULL});
    SimClock *clock = simclock_connect(sim.clock);
    UnixSec began = simclock_now(clock);
    Freshet service = freshet_start(test_dir(), sim.url, sim.clock, NULL);
    for (int hour = 1; hour <= 4; hour++) {
        simclock_sleep_until(clock, began + hour * 3600 + 600); /* after the poll at five past */
        CLEANUP(buf_release) Buf truth = sim_truth(&sim, "");
        CLEANUP(buf_release) Buf readings = freshet_get(&service, "/v1/readings.csv");
        CLEANUP(buf_release) Buf latest = freshet_get(&service, "/v1/latest.csv");
        CHECK(check_lines(buf_view(&readings), buf_view(&truth)) > 150 * (size_t) hour);
        CHECK(check_lines(buf_view(&latest), buf_view(&truth)) > 30);
    }
    CHECK_TEXT("none", freshet_tell(&service, "fault"));
    CHECK_INT(0, freshet_stop(&service));
}

TEST(scenario_nothing_untrue_is_held_of_real_arrivals)
{
    static const char NAME[] = "taw-catchment-readings-with-arrival-2026-01-13-to-02-21.csv.gz";
    CLEANUP(buf_release) Buf table = buf_init(0);
    if (!test_recording(NAME, &table))
        test_skip("the recordings are not here");
    const char *folder = getenv("FRESHET_RECORDINGS");
    char path[512];
    (void) snprintf(path, sizeof path, "%s/%s", folder != NULL ? folder : "../shared/upstream",
                    NAME);
    const Simulator sim = simulator_start((const char *const[]){
        "--clock", "--replay-arrivals", path, "--start", "2026-02-12T06:00:00Z", NULL});
    SimClock *clock = simclock_connect(sim.clock);
    Freshet service = freshet_start(test_dir(), sim.url, sim.clock, NULL);
    simclock_sleep_until(clock, sim_moment("2026-02-12T18:10:00Z"));
    CLEANUP(buf_release) Buf truth = sim_truth(&sim, "");
    CLEANUP(buf_release) Buf readings = freshet_get(&service, "/v1/readings.csv");
    CLEANUP(buf_release) Buf latest = freshet_get(&service, "/v1/latest.csv");
    CHECK(check_lines(buf_view(&readings), buf_view(&truth)) > 19);
    CHECK_INT(19, check_lines(buf_view(&latest), buf_view(&truth)));
    CHECK_INT(0, freshet_stop(&service));
}
