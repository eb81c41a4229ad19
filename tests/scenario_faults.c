/* An upstream that fails in every way: freshet answers from its store, says whose fault it is, stays
 * ready, and the next good poll mends everything. */
#include "tests/freshet.h"

#include <stdio.h>
#include <string.h>

/* Few retries: time-outs take real seconds, whatever the simulated clock says. */
static const char *const OPTIONS[] = {"--upstream-timeout",
                                      "1s",
                                      "--stall-timeout",
                                      "1s",
                                      "--retry-min",
                                      "10m",
                                      "--retry-max",
                                      "10m",
                                      NULL};

TEST(scenario_faults_are_told_and_mended)
{
    static const struct {
        const char *fault, *want;
    } cases[] = {
        {"kind=down", "network"},
        {"kind=slow&ms=10000", "network"},
        {"kind=trickle&ms=400", "network"},
        {"kind=cut&bytes=300", "network"},
        {"kind=cut", "network"},
        {"kind=redirect", "network"},
        {"kind=html", "upstream"},
        {"kind=status&status=404", "upstream"},
        {"kind=status&status=500", "upstream"},
        {"kind=status&status=503&retry_after=1", "upstream"},
        {"kind=status&status=429", "upstream"},
        {"kind=broken", "upstream"},
        {"kind=garbage", "upstream"},
        {"kind=empty", "upstream"},
        {"kind=skew&seconds=7200", "ingest"},
        {"kind=skew&seconds=-7200", "ingest"},
    };
    const Simulator sim =
        simulator_start((const char *const[]){"--clock", "--stations", "40", NULL});
    SimClock *clock = simclock_connect(sim.clock);
    Freshet service = freshet_start(test_dir(), sim.url, sim.clock, OPTIONS);
    simclock_sleep_until(clock, simclock_now(clock) + 30); /* never within a poll, jitter and all */
    CHECK_TEXT("none", freshet_tell(&service, "fault"));

    for (size_t i = 0; i < countof(cases); i++) {
        char target[128];
        CASE(cases[i].fault);
        CLEANUP(buf_release) Buf before = freshet_get(&service, "/v1/latest.csv");
        (void) snprintf(target, sizeof target, "/sim/fault?%s", cases[i].fault);
        simulator_do(&sim, "POST", target, STR_NONE);
        /* A release comes out every 15 minutes: this goes over the next, so that answers are no 304s. */
        simclock_sleep_until(clock, simclock_now(clock) + 16 * 60);
        CHECK_TEXT(cases[i].want, freshet_tell(&service, "fault"));
        CHECK_TEXT("degraded", freshet_tell(&service, "state"));
        CHECK_INT(200, freshet_status(&service, "/ready"));
        CHECK_INT(200, freshet_status(&service, "/v1/stations"));
        CLEANUP(buf_release) Buf during = freshet_get(&service, "/v1/latest.csv");
        if (strncmp(cases[i].fault, "kind=skew", 9) != 0)
            CHECK_STR(buf_view(&before), buf_view(&during));
        simulator_do(&sim, "DELETE", "/sim/fault", STR_NONE);
        simclock_sleep_until(clock, simclock_now(clock) + 16 * 60);
        CHECK_TEXT("none", freshet_tell(&service, "fault"));
        CHECK_TEXT("ok", freshet_tell(&service, "state"));
        CLEANUP(buf_release) Buf after = freshet_get(&service, "/v1/latest.csv");
        CHECK(!str_eq(buf_view(&before), buf_view(&after)));
    }
    CHECK_INT(0, freshet_stop(&service));
}

TEST(scenario_endless_body_ends_at_our_limit)
{
    static const char *const options[] = {"--max-body-bytes", "4MB", "--retry-min", "1m",
                                          "--retry-max",      "1m",  NULL};
    const Simulator sim =
        simulator_start((const char *const[]){"--clock", "--stations", "20", NULL});
    SimClock *clock = simclock_connect(sim.clock);
    Freshet service = freshet_start(test_dir(), sim.url, sim.clock, options);
    simclock_sleep_until(clock, simclock_now(clock) + 5);
    simulator_do(&sim, "POST", "/sim/fault?kind=endless&count=1&path=/data", STR_NONE);
    simclock_sleep_until(clock, simclock_now(clock) + 16 * 60);
    CHECK_TEXT("none", freshet_tell(&service, "fault")); /* mended by the poll after it */
    (void) process_wait_line(service.process, "fault=ingest");
    (void) process_wait_line(service.process, "more than 4194304 bytes");
    CHECK_INT(0, freshet_stop(&service));
}

TEST(scenario_same_answers_leave_one_generation)
{
    const Simulator sim =
        simulator_start((const char *const[]){"--clock", "--stations", "60", "--no-304", NULL});
    SimClock *clock = simclock_connect(sim.clock);
    Freshet service = freshet_start(test_dir(), sim.url, sim.clock,
                                    (const char *const[]){"--poll-interval", "1m", NULL});
    simclock_sleep_until(clock, simclock_now(clock) + 5);
    simulator_do(&sim, "POST", "/sim/fault?kind=stuck", STR_NONE);
    simclock_sleep_until(clock, simclock_now(clock) + 70); /* the next release is at 12:03:21 */
    char generation[64];
    (void) snprintf(generation, sizeof generation, STR_FMT,
                    STR_ARG(freshet_tell(&service, "generation")));
    simclock_sleep_until(clock, simclock_now(clock) + 120);
    CHECK_TEXT(generation, freshet_tell(&service, "generation"));
    CHECK(!str_eq(STR("0"), freshet_tell(&service, "last_poll.received")));
    CHECK_TEXT("false", freshet_tell(&service, "last_poll.unmodified"));
    CHECK_TEXT("0", freshet_tell(&service, "last_poll.new"));
    CHECK_INT(0, freshet_stop(&service));
}

TEST(scenario_unmodified_is_asked_for_and_costs_nothing)
{
    const Simulator sim =
        simulator_start((const char *const[]){"--clock", "--stations", "60", NULL});
    SimClock *clock = simclock_connect(sim.clock);
    Freshet service = freshet_start(test_dir(), sim.url, sim.clock,
                                    (const char *const[]){"--poll-interval", "1m", NULL});
    simclock_sleep_until(clock, simclock_now(clock) + 5);
    simulator_do(&sim, "POST", "/sim/fault?kind=stuck", STR_NONE);
    simclock_sleep_until(clock, simclock_now(clock) + 180);
    CHECK_TEXT("true", freshet_tell(&service, "last_poll.unmodified"));
    CHECK_TEXT("0", freshet_tell(&service, "last_poll.received"));
    CHECK_INT(0, freshet_stop(&service));
}

TEST(scenario_a_measure_that_no_list_had_is_asked_for_at_once)
{
    const Simulator sim =
        simulator_start((const char *const[]){"--clock", "--stations", "20", NULL});
    SimClock *clock = simclock_connect(sim.clock);
    simulator_do(&sim, "POST", "/sim/fault?kind=status&status=404&path=/id/measures&count=1",
                 STR_NONE);
    Freshet service = freshet_start(test_dir(), sim.url, sim.clock, OPTIONS);
    simclock_sleep_until(clock, simclock_now(clock) + 12 * 60);
    CHECK_TEXT("none", freshet_tell(&service, "fault"));
    (void) process_wait_line(service.process, "fault=upstream");
    CLEANUP(buf_release) Buf latest = freshet_get(&service, "/v1/latest");
    CHECK_HAS("\"value\":", buf_view(&latest));
    CHECK_INT(0, freshet_stop(&service));
}

TEST(scenario_stuck_upstream_is_seen_within_a_cycle)
{
    const Simulator sim =
        simulator_start((const char *const[]){"--clock", "--stations", "20", NULL});
    SimClock *clock = simclock_connect(sim.clock);
    Freshet service = freshet_start(test_dir(), sim.url, sim.clock, NULL);
    UnixSec began = simclock_now(clock);
    simclock_sleep_until(clock, began + 5);
    simulator_do(&sim, "POST", "/sim/fault?kind=stuck", STR_NONE);
    simclock_sleep_until(
        clock, began + 10 * 60); /* behind the release of 12:03:21 and the poll of 12:05 */
    CHECK_TEXT("upstream", freshet_tell(&service, "fault"));
    CHECK_HAS("stuck", freshet_tell(&service, "last_poll.detail"));
    char generation[64];
    (void) snprintf(generation, sizeof generation, STR_FMT,
                    STR_ARG(freshet_tell(&service, "generation")));
    simclock_sleep_until(clock, began + 55 * 60);
    CHECK_TEXT(generation, freshet_tell(&service, "generation")); /* said once, not each cycle */
    simulator_do(&sim, "DELETE", "/sim/fault", STR_NONE);
    simclock_sleep_until(clock, began + 70 * 60);
    CHECK_TEXT("none", freshet_tell(&service, "fault"));
    CHECK_INT(0, freshet_stop(&service));
}
