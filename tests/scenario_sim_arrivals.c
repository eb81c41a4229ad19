/* The simulator, replaying when real readings really arrived. */
#include "base/clock.h"
#include "base/json.h"
#include "tests/sim_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STAGE "A1-level-stage-i-15_min-m"
#define RAIN  "B2-rainfall-tipping_bucket_raingauge-t-15_min-mm"
#define TIDE  "A1-level-tidal_level-i-15_min-mAOD"

static void write_file(char path[static 300], const char *text)
{
    (void) snprintf(path, 300, "%s/arrivals.csv", test_dir());
    FILE *file = fopen(path, "w");
    REQUIRE(file != NULL);
    REQUIRE(fputs(text, file) >= 0);
    (void) fclose(file);
}

static Simulator start_at(const char *path, const char *start)
{
    return simulator_start(
        (const char *[]){"--replay-arrivals", path, "--start", start, "--clock", NULL});
}

typedef struct Moment {
    const char *as_of, *lines;
} Moment;

static void check_moments(const Simulator *simulator, const Moment *moments, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char query[64];
        CASE(moments[i].as_of);
        (void) snprintf(query, sizeof query, "?as_of=%s", moments[i].as_of);
        CLEANUP(buf_release) Buf truth = sim_truth(simulator, query);
        Str header, lines = STR("");
        REQUIRE(str_cut(buf_view(&truth), '\n', &header, &lines));
        CHECK_TEXT(moments[i].lines, lines);
    }
}

TEST(sim_replays_arrivals_late_and_out_of_order)
{
    char path[300];
    write_file(path, "measure,dateTime,value,first_seen\n" /* */
               STAGE ",2026-02-11T10:00:00Z,0.5,\n" TIDE
                     ",2026-02-11T10:00:00Z,-1.25,2026-02-11T13:00:00Z\n" RAIN
                     ",2026-02-11T10:15:00Z,0.0,2026-02-11T11:00:00Z\n" STAGE
                     ",2026-02-11T10:15:00Z,0.51,2026-02-11T12:10:00Z\n" STAGE
                     ",2026-02-11T10:30:00Z,0.520,2026-02-11T11:00:00Z\n");
    static const Moment MOMENTS[] = {
        {"2026-02-11T10:18:00Z", ""},
        {"2026-02-11T10:18:21Z", STAGE ",2026-02-11T10:00:00Z,0.5\n"}, /* as promptly as any */
        {"2026-02-11T11:03:20Z", STAGE ",2026-02-11T10:00:00Z,0.5\n"},
        {"2026-02-11T11:03:21Z", STAGE ",2026-02-11T10:00:00Z,0.5\n" /* a release, once seen */
         STAGE ",2026-02-11T10:30:00Z,0.52\n" RAIN ",2026-02-11T10:15:00Z,0.0\n"},
        {"2026-02-11T12:18:21Z",
         STAGE ",2026-02-11T10:00:00Z,0.5\n" STAGE ",2026-02-11T10:15:00Z,0.51\n" STAGE
               ",2026-02-11T10:30:00Z,0.52\n" RAIN ",2026-02-11T10:15:00Z,0.0\n"},
        {"2026-02-12T13:05:00Z",
         STAGE ",2026-02-11T10:00:00Z,0.5\n" STAGE ",2026-02-11T10:15:00Z,0.51\n" STAGE
               ",2026-02-11T10:30:00Z,0.52\n" TIDE ",2026-02-11T10:00:00Z,-1.25\n" RAIN
               ",2026-02-11T10:15:00Z,0.0\n"},
    };
    Simulator simulator = start_at(path, "2026-02-11T11:05:00Z");
    check_moments(&simulator, MOMENTS, countof(MOMENTS));

    CHECK_INT(2, sim_count_at(&simulator, "/id/stations"));
    CHECK_INT(3, sim_count_at(&simulator, "/id/measures"));
    CHECK_INT(1, sim_count_at(&simulator, "/id/stations?parameter=rainfall"));
    CHECK_INT(2, sim_count_at(&simulator, "/data/readings?latest"));
    CHECK_INT(3, sim_count_at(&simulator, "/data/readings?since=2026-02-11T00:00:00Z"));
    CLEANUP(buf_release) Buf measure = sim_get(&simulator, "/id/measures/" STAGE);
    Str item = sim_items(buf_view(&measure));
    CHECK_TEXT(ROOT "/id/stations/A1", sim_member(item, "station"));
    CHECK_TEXT("2026-02-11T10:30:00Z", sim_member(sim_member(item, "latestReading"), "dateTime"));
}

TEST(sim_replays_polls_by_the_first_that_had_a_reading)
{
    char path[300];
    write_file(path, "poll_time,station,dateTime,value\n"
                     "2025-04-23T03:13:04Z,L1602,2025-04-23T02:45:00Z,-0.03\n"
                     "2025-04-23T03:54:12Z,L1602,2025-04-23T02:45:00Z,-0.03\n"
                     "2025-04-23T04:44:58Z,L1602,2025-04-23T04:15:00Z,-0.027\n");
    static const Moment MOMENTS[] = {
        {"2025-04-23T03:18:20Z", ""},
        {"2025-04-23T03:18:21Z", "L1602-level-stage-i-15_min-m,2025-04-23T02:45:00Z,-0.03\n"},
        {"2025-04-23T04:48:21Z", "L1602-level-stage-i-15_min-m,2025-04-23T02:45:00Z,-0.03\n"
                                 "L1602-level-stage-i-15_min-m,2025-04-23T04:15:00Z,-0.027\n"},
    };
    Simulator simulator = start_at(path, "2025-04-23T03:00:00Z");
    check_moments(&simulator, MOMENTS, countof(MOMENTS));
}

TEST(sim_refuses_a_table_of_something_else)
{
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"time,value\n1,2\n", "'time,value' begins no table of arrivals"},
        {"measure,dateTime,value,first_seen\nX-wind,2025-04-23T02:45:00Z,1,\n",
         "'X-wind' is no series of a known kind"},
        {"measure,dateTime,value,first_seen\n" STAGE ",noon,1,\n", "'noon' is no time in row 1"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        char path[300];
        CASE(cases[i].said);
        write_file(path, cases[i].text);
        Process *process =
            process_start((const char *[]){"freshet-sim", "--replay-arrivals", path, NULL}, NULL);
        (void) process_wait_line(process, cases[i].said);
        CHECK(process_wait(process) != 0);
    }
}

/* The newest first_seen of each series up to a moment, by another way: a walk over the whole table. */
TEST(sim_replays_the_recorded_arrivals)
{
    CLEANUP(buf_release) Buf table = buf_init(0);
    if (!test_recording("taw-catchment-readings-with-arrival-2026-01-13-to-02-21.csv.gz", &table))
        test_skip("the recordings are not here");
    const char *folder = getenv("FRESHET_RECORDINGS");
    char path[512];
    (void) snprintf(path, sizeof path,
                    "%s/taw-catchment-readings-with-arrival-2026-01-13-to-02-21.csv.gz",
                    folder != NULL ? folder : "../shared/upstream");
    Simulator simulator = start_at(path, "2026-02-15T09:10:00Z");
    UnixSec release = sim_moment("2026-02-15T09:03:21Z");
    CLEANUP(buf_release)
    Buf told = sim_get(&simulator, "/data/readings.csv?since=2026-02-14T00:00:00Z&_limit=10000");
    Str rest = buf_view(&table), line, lines = buf_view(&told);
    size_t want = 0, got = 0;
    while (str_cut(rest, '\n', &line, &rest)) {
        Str measure, time_text, value, seen_text, tail;
        UnixSec time, seen;
        if (!str_cut(line, ',', &measure, &tail) || !str_cut(tail, ',', &time_text, &tail) ||
            !str_cut(tail, ',', &value, &seen_text) || !clock_parse(time_text, &time) ||
            !clock_parse(str_trim(seen_text), &seen))
            continue;
        want += time > sim_moment("2026-02-14T00:00:00Z") && seen <= release ? 1 : 0;
    }
    while (str_cut(lines, '\n', &line, &lines))
        got++;
    CHECK(want > 1000);
    CHECK_INT(want + 1, got); /* and the header */
}
