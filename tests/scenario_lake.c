/* Three simulated days of export: history, read by DuckDB through the views of deploy/athena, is what an
 * ideal ingest would have held in them. */
#include "base/clock.h"
#include "tests/freshet.h"
#include "tests/lake_kit.h"
#include "tests/sim_kit.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct Lake {
    Simulator sim;
    SimClock *clock;
    Freshet service;
    UnixSec began;
    const char *data, *exported, *truths; /* folders */
    int truth_count;
} Lake;

static void lake_serve(Lake *lake)
{
    const char *const more[] = {"--export-url", lake->exported, "--export-interval", "1h", NULL};
    lake->service = freshet_start(lake->data, lake->sim.url, lake->sim.clock, more);
}

static Lake lake_begin(const char *const options[])
{
    Lake lake = {.data = test_dir(), .exported = test_dir(), .truths = test_dir()};
    lake.sim = simulator_start(options);
    lake.clock = simclock_connect(lake.sim.clock);
    lake.began = simclock_now(lake.clock);
    lake_serve(&lake);
    return lake;
}

/* What an ideal ingest holds now goes to a file; a later one counts where they differ. */
static void lake_note_truth(Lake *lake)
{
    char path[300];
    CLEANUP(buf_release) Buf truth = sim_truth(&lake->sim, "");
    (void) snprintf(path, sizeof path, "%s/%04d.csv", lake->truths, lake->truth_count++);
    FILE *file = fopen(path, "we");
    REQUIRE(file != NULL);
    CHECK_INT(truth.len, fwrite(truth.ptr, 1, truth.len, file));
    CHECK_INT(0, fclose(file));
}

/* Runs until `hour`, with a look at the truth every hour. */
static void lake_run_until(Lake *lake, int hour)
{
    UnixSec until = lake->began + hour * 3600;
    while (simclock_now(lake->clock) < until) {
        simclock_sleep_until(lake->clock, simclock_now(lake->clock) + 3600);
        lake_note_truth(lake);
    }
}

/* "truth 1234, missing 0, different 0, more 0, twice 0" */
static void lake_check(const Lake *lake, const char *want)
{
    CLEANUP(buf_release)
    Buf got = lake_run("truth.mjs", (const char *const[]){lake->exported, lake->truths, NULL});
    Str all = buf_view(&got), count, rest;
    REQUIRE(str_cut(all, ',', &count, &rest));
    CHECK_TEXT(want, str_trim(rest));
    printf("    " STR_FMT, STR_ARG(all));
}

static void lake_end(Lake *lake)
{
    CHECK_INT(0, freshet_stop(&lake->service));
    simclock_close(lake->clock);
}

TEST(scenario_lake_holds_three_days_of_truth)
{
    Lake lake = lake_begin((const char *const[]){"--clock", "--stations", "40", "--seed", "11",
                                                 "--corrections", "1", "--late", "1", "--batching",
                                                 "30", NULL});
    lake_run_until(&lake, 72);
    lake_end(&lake);
    lake_check(&lake, "missing 0, different 0, twice 0");
}
