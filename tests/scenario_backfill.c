/* What polling the newest cannot see: after days of batches, outages and a kill, what freshet serves
 * is what the upstream has, reading for reading. The simulator tells the truth. */
#include "tests/truth.h"

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

TEST(scenario_backfill_fills_the_window_behind_the_first_poll)
{
    const Simulator sim = simulator_start(ARGS("--clock", "--stations", "120", "--batching", "40"));
    SimClock *clock = simclock_connect(sim.clock);
    Freshet service = freshet_start(test_dir(), sim.url, sim.clock, NULL);
    simclock_sleep_until(clock, simclock_now(clock) + 5);
    CHECK_TEXT("none", freshet_tell(&service, "fault"));
    check_truth(&service, &sim, simclock_now(clock));
    CHECK_INT(0, freshet_stop(&service));
}

TEST(scenario_backfill_keeps_up_through_batches_outages_and_a_kill)
{
    const Simulator sim = simulator_start(ARGS("--clock", "--stations", "120", "--batching", "40"));
    SimClock *clock = simclock_connect(sim.clock);
    UnixSec began = simclock_now(clock);
    const char *dir = test_dir();
    Freshet service = freshet_start(dir, sim.url, sim.clock, NULL);
    simclock_sleep_until(clock, began + 5 * 3600);
    simulator_do(&sim, "POST", "/sim/fault?kind=status&status=503&for=PT40M", STR_NONE);
    simclock_sleep_until(clock, began + 11 * 3600);
    process_signal(service.process, SIGKILL);
    CHECK_INT(-SIGKILL, process_wait(service.process));
    simulator_do(&sim, "POST", "/sim/fault?kind=down&for=PT40M", STR_NONE);
    service = freshet_start(dir, sim.url, sim.clock, NULL);
    simclock_sleep_until(clock,
                         began + 26 * 3600 + 1500); /* behind a poll, before the next release */
    CHECK_TEXT("none", freshet_tell(&service, "fault"));
    check_truth(&service, &sim, simclock_now(clock));
    CHECK_INT(0, freshet_stop(&service));
}

/* What was open is forgotten with the process: the next one sweeps at once, not in an hour. */
TEST(scenario_backfill_finds_at_once_what_a_killed_one_left_open)
{
    const Simulator sim = simulator_start(ARGS("--clock", "--stations", "120", "--batching", "40"));
    SimClock *clock = simclock_connect(sim.clock);
    UnixSec began = simclock_now(clock);
    const char *dir = test_dir();
    Freshet service = freshet_start(dir, sim.url, sim.clock, NULL);
    simclock_sleep_until(clock, began + 600);
    simulator_do(&sim, "POST", "/sim/fault?kind=down&path=/data/readings.csv", STR_NONE);
    simulator_do(&sim, "POST", "/sim/fault?kind=down&path=/id/", STR_NONE);
    simclock_sleep_until(clock, began + 1500); /* the newest came, and nothing behind it */
    CHECK_TEXT("network", freshet_tell(&service, "fault"));
    process_signal(service.process, SIGKILL);
    CHECK_INT(-SIGKILL, process_wait(service.process));
    simulator_do(&sim, "DELETE", "/sim/fault", STR_NONE);
    service = freshet_start(dir, sim.url, sim.clock, NULL);
    simclock_sleep_until(clock, simclock_now(clock) + 10);
    CHECK_TEXT("none", freshet_tell(&service, "fault"));
    check_truth(&service, &sim, simclock_now(clock));
    CHECK_INT(0, freshet_stop(&service));
}

TEST(scenario_backfill_stays_within_its_budget_and_says_so)
{
    const Simulator sim = simulator_start(ARGS("--clock", "--stations", "60", "--batching", "60"));
    SimClock *clock = simclock_connect(sim.clock);
    UnixSec began = simclock_now(clock);
    Freshet service = freshet_start(test_dir(), sim.url, sim.clock, ARGS("--upstream-budget", "9"));
    simclock_sleep_until(clock, began + 5); /* lists and types take all of it */
    CHECK_TEXT("9", freshet_tell(&service, "last_poll.requests"));
    CHECK_TEXT("ingest", freshet_tell(&service, "fault"));
    CHECK_HAS("budget", freshet_tell(&service, "last_poll.detail"));
    CLEANUP(buf_release) Buf latest = freshet_get(&service, "/v1/latest.csv");
    CHECK(latest.len > 1000);
    simclock_sleep_until(clock, began + 3600); /* the rest follows, interval by interval */
    CHECK_TEXT("none", freshet_tell(&service, "fault"));
    check_truth(&service, &sim, simclock_now(clock));
    CHECK_INT(0, freshet_stop(&service));
}
