/* What a service recorded of its upstream makes the same of another. */
#include "tests/freshet.h"

#include <stdio.h>
#include <string.h>

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

enum { RUN_S = 4 * 3600 + 600 };

static const char *const TARGETS[] = {
    "/v1/stations.csv", "/v1/measures.csv?fields=measure,station,parameter,unit,listed",
    "/v1/readings.csv", "/v1/latest.csv", "/v1/quarantine.csv"};

TEST(scenario_record_is_played_back_to_the_same_rows)
{
    char folder[400];
    Buf first[countof(TARGETS)];
    (void) snprintf(folder, sizeof folder, "%s/record", test_dir());
    const Simulator sim = simulator_start(
        ARGS("--clock", "--stations", "30", "--batching", "40", "--corrections", "1", "--unlisted",
             "5", "--missing-values", "1", "--fault", "kind=down&percent=5&path=/data/readings.csv",
             "--fault", "kind=status&status=503&from=PT1H&for=PT10M"));
    SimClock *clock = simclock_connect(sim.clock);
    UnixSec began = simclock_now(clock);
    Freshet service = freshet_start(test_dir(), sim.url, sim.clock, ARGS("--record", folder));
    simclock_sleep_until(clock, began + RUN_S);
    for (size_t i = 0; i < countof(TARGETS); i++)
        first[i] = freshet_get(&service, TARGETS[i]);
    CHECK_INT(0, freshet_stop(&service));
    simclock_close(clock);

    const Simulator replay = simulator_start(ARGS("--clock", "--replay-exchanges", folder));
    clock = simclock_connect(replay.clock);
    CHECK_INT(began, simclock_now(clock));
    service = freshet_start(test_dir(), replay.url, replay.clock, NULL);
    simclock_sleep_until(clock, began + RUN_S);
    for (size_t i = 0; i < countof(TARGETS); i++) {
        CASE(TARGETS[i]);
        CLEANUP(buf_release) Buf again = freshet_get(&service, TARGETS[i]);
        CHECK(again.len > 200);
        CHECK_STR(buf_view(&first[i]), buf_view(&again));
        buf_release(&first[i]);
    }
    CHECK_INT(0, freshet_stop(&service));
}
