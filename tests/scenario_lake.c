/* Three simulated days of export: history, read by DuckDB through the views of deploy/athena, is what an
 * ideal ingest would have held in them. */
#include "base/clock.h"
#include "base/json.h"
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
    const char *window;
    int truth_count;
} Lake;

static void lake_serve(Lake *lake)
{
    const char *const more[] = {
        "--export-url", lake->exported, "--export-interval", "1h", "--window", lake->window, NULL};
    lake->service = freshet_start(lake->data, lake->sim.url, lake->sim.clock, more);
}

static Lake lake_begin(const char *window, const char *const options[])
{
    Lake lake = {
        .window = window, .data = test_dir(), .exported = test_dir(), .truths = test_dir()};
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

/* Of each truth the newest `hours` must be there, but for the last `late` truths. */
static void lake_check(const Lake *lake, const char *hours, const char *late)
{
    CLEANUP(buf_release)
    Buf got = lake_run("truth.mjs",
                       (const char *const[]){lake->exported, lake->truths, hours, late, NULL});
    Str all = buf_view(&got), count, rest;
    REQUIRE(str_cut(all, ',', &count, &rest));
    CHECK_TEXT("missing 0, different 0, twice 0", str_trim(rest));
    printf("    " STR_FMT, STR_ARG(all));
}

/* Files in a folder of the export whose name holds `part`. */
static int lake_count(const Lake *lake, const char *folder, const char *part)
{
    char path[400];
    int count = 0;
    (void) snprintf(path, sizeof path, "%s/%s", lake->exported, folder);
    DIR *dir = opendir(path);
    REQUIRE(dir != NULL);
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
        count += strstr(entry->d_name, part) != NULL;
    (void) closedir(dir);
    return count;
}

static int lake_joined_days(const Lake *lake)
{
    return lake_count(lake, "history/readings/dt=2026-01-19", "-day-") +
           lake_count(lake, "history/readings/dt=2026-01-20", "-day-");
}

/* A file stands where the folder was. */
static void lake_break_export(Lake *lake)
{
    char away[300];
    (void) snprintf(away, sizeof away, "%s.away", lake->exported);
    REQUIRE(rename(lake->exported, away) == 0);
    int fd = open(lake->exported, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    REQUIRE(fd >= 0);
    (void) close(fd);
}

static void lake_mend_export(Lake *lake)
{
    char away[300];
    (void) snprintf(away, sizeof away, "%s.away", lake->exported);
    REQUIRE(unlink(lake->exported) == 0);
    REQUIRE(rename(away, lake->exported) == 0);
}

/* The next export is 60 s after a start, so a kill and a start bring it about; then a kill when it has
 * worked for `after_us`, or is done: whatever that meets, nothing may come of it. */
static void lake_kill_in_export(Lake *lake, int after_us)
{
    process_signal(lake->service.process, SIGKILL);
    CHECK_INT(-SIGKILL, process_wait(lake->service.process));
    lake_serve(lake);
    simclock_sleep_until(lake->clock, simclock_now(lake->clock) + 60);
    (void) usleep((useconds_t) after_us);
    process_signal(lake->service.process, SIGKILL);
    CHECK_INT(-SIGKILL, process_wait(lake->service.process));
    lake_serve(lake);
}

/* Not even the raw table has a reading's revision twice, where no day's files are being joined. */
static void lake_check_no_doubles(const Lake *lake)
{
    static const char SQL[] = "SELECT count(*) FROM (SELECT 1 FROM readings_raw"
                              " WHERE dt >= '2026-01-21' GROUP BY measure,"
                              " \"time\", revision, received HAVING count(*) > 1)";
    CLEANUP(buf_release)
    Buf got = lake_run("duck.mjs", (const char *const[]){lake->exported, SQL, NULL});
    CHECK_TEXT("0", str_trim(buf_view(&got)));
}

/* The last poll, and the last sweep, may be older than the last truth. */
static void lake_end(Lake *lake)
{
    simclock_sleep_until(lake->clock, simclock_now(lake->clock) + 5400);
    lake_note_truth(lake);
    CHECK_INT(0, freshet_stop(&lake->service));
    simclock_close(lake->clock);
}

/* /v1/snapshots tells what was exported, the newest first. */
static void lake_check_snapshots(const Lake *lake)
{
    CLEANUP(buf_release) Buf all = freshet_get(&lake->service, "/v1/snapshots");
    CLEANUP(buf_release) Buf latest = freshet_get(&lake->service, "/v1/snapshots/latest");
    Str items, one, none;
    REQUIRE(json_member(buf_view(&all), STR("items"), &items));
    JsonWalk walk = json_walk(items);
    REQUIRE(json_next(&walk, &none, &one));
    CHECK_STR(one, str_trim(buf_view(&latest)));
    CHECK_HAS("\"name\":\"readings_parquet\"", one);
    CHECK_HAS("/store.db.zst\"", one);
    CHECK(json_next(&walk, &none, &one)); /* the one before it */
}

/* Before a day's files are joined, while both stand there, and after. */
TEST(scenario_lake_holds_days_of_truth_in_parts_and_joined)
{
    Lake lake = lake_begin("24h", (const char *const[]){"--clock", "--stations", "40", "--seed",
                                                        "11", "--corrections", "1", "--late", "1",
                                                        "--batching", "30", NULL});
    CHECK_INT(404, freshet_status(&lake.service, "/v1/snapshots/latest"));
    /* Days are joined 48 h after their end, at hours 36 and 60, and the parts go 24 h later. */
    lake_run_until(&lake, 35);
    CHECK_INT(0, lake_joined_days(&lake));
    lake_check_snapshots(&lake);
    lake_run_until(&lake, 38);
    CHECK_INT(1, lake_joined_days(&lake));
    lake_check(&lake, "22", "3");
    lake_run_until(&lake, 88);
    CHECK_INT(2, lake_joined_days(&lake));
    CHECK_INT(1, lake_count(&lake, "history/readings/dt=2026-01-19", ".parquet"));
    CHECK_INT(1, lake_count(&lake, "history/readings/dt=2026-01-20", ".parquet"));
    lake_end(&lake);
    lake_check(&lake, "22", "1");
}

/* The store keeps six hours, so that what leaves it during the outage, and between the kills, is in the
 * spool or nowhere. */
TEST(scenario_lake_holds_three_days_through_an_outage_and_kills)
{
    Lake lake = lake_begin("6h", (const char *const[]){"--clock", "--stations", "40", "--seed",
                                                       "12", "--corrections", "1", "--late", "1",
                                                       "--hourly", "20", NULL});
    lake_run_until(&lake, 20);
    lake_break_export(&lake);
    lake_run_until(&lake, 26);
    CHECK(atoi(freshet_tell(&lake.service, "history.waiting").ptr) > 100);
    lake_mend_export(&lake);
    for (int hour = 40; hour < 60; hour += 4) {
        lake_run_until(&lake, hour);
        lake_kill_in_export(&lake, (hour - 40) * 4000);
    }
    lake_run_until(&lake, 72);
    CHECK_TEXT("0", freshet_tell(&lake.service, "history.history_lost"));
    lake_end(&lake);
    lake_check(&lake, "4", "1");
    lake_check_no_doubles(&lake);
}
