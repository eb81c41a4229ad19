/* A day and more, simulated: no station holds more than 24 h, and nothing that was newest vanishes. */
#include "base/clock.h"
#include "tests/freshet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef bool LineFn(Str line, void *ctx);

static void each_line(Str csv, LineFn *each, void *ctx)
{
    Str line, rest = csv;
    (void) str_cut(rest, '\n', &line, &rest); /* the header */
    while (str_cut(rest, '\n', &line, &rest) && each(line, ctx))
        ;
}

typedef struct Kept {
    char station[128];
    UnixSec oldest, newest;
    size_t too_long, stations, readings;
} Kept;

static void end_station(Kept *kept)
{
    if (kept->stations > 0 && kept->newest - kept->oldest >= 86400)
        kept->too_long++;
}

/* Lines come by station, then by measure, then by time. */
static bool add_line(Str line, void *ctx)
{
    Kept *kept = ctx;
    Str station = csv_cell(line, 0);
    UnixSec time = 0;
    REQUIRE(clock_parse(csv_cell(line, 5), &time));
    if (kept->stations == 0 || !str_eq(station, str_of(kept->station))) {
        end_station(kept);
        (void) snprintf(kept->station, sizeof kept->station, STR_FMT, STR_ARG(station));
        kept->oldest = kept->newest = time;
        kept->stations++;
    }
    if (time < kept->oldest)
        kept->oldest = time;
    if (time > kept->newest)
        kept->newest = time;
    kept->readings++;
    return true;
}

typedef struct Lookup {
    Str among;
    size_t missing, count;
} Lookup;

static bool look_for_measure(Str line, void *ctx)
{
    Lookup *lookup = ctx;
    char part[256];
    size_t at = 0;
    (void) snprintf(part, sizeof part, "," STR_FMT ",", STR_ARG(csv_cell(line, 1)));
    lookup->count++;
    if (!str_find(lookup->among, str_of(part), &at))
        lookup->missing++;
    return true;
}

TEST(scenario_thirty_hours_keep_a_day_of_each_station)
{
    const Simulator sim =
        simulator_start((const char *const[]){"--clock", "--stations", "150", "--seed", "7", NULL});
    SimClock *clock = simclock_connect(sim.clock);
    UnixSec began = simclock_now(clock);
    Freshet service = freshet_start(test_dir(), sim.url, sim.clock, NULL);
    simclock_sleep_until(clock, began + 5);
    CLEANUP(buf_release) Buf first = freshet_get(&service, "/v1/latest.csv");
    for (int hour = 1; hour <= 30; hour++) {
        simclock_sleep_until(clock, began + hour * 3600);
        if (hour % 6 != 0)
            continue;
        CLEANUP(buf_release) Buf readings = freshet_get(&service, "/v1/readings.csv");
        CLEANUP(buf_release) Buf latest = freshet_get(&service, "/v1/latest.csv");
        Kept kept = {.stations = 0};
        Lookup lookup = {.among = buf_view(&latest)};
        each_line(buf_view(&readings), add_line, &kept);
        end_station(&kept);
        CHECK_INT(0, kept.too_long);
        CHECK(kept.readings > 100 * (size_t) hour / 6);
        each_line(buf_view(&first), look_for_measure, &lookup);
        CHECK(lookup.count > 100);
        CHECK_INT(0, lookup.missing);
    }
    CHECK_TEXT("none", freshet_tell(&service, "fault"));
    CHECK_INT(0, freshet_stop(&service));
}
