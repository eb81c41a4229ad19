/* Nothing is lost: a day and two hours of a feed that delivers in batches, late, corrected and not at
 * all, with outages and a kill, and the real arrivals of recorded series. What is served is what is
 * true, and beside it stands what a poller of the newest would have kept. */
#include "tests/sim_kit.h"
#include "tests/truth.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

enum {
    CYCLE_S = 900,
    SWEEP_S = 3600,
    SETTLE_S = 60 /* for what follows a poll */,
    SLOT_S = 300 /* past the quarter hour */,
    DAY_S = 86400
};

static double percent(size_t part, size_t whole)
{
    return whole > 0 ? 100.0 * (double) part / (double) whole : 0;
}

/* ---- a day and two hours --------------------------------------------------------------------- */

/* Five percent of what is asked fails, in as many ways. */
static const char *const FAILURES[] = {"kind=status&status=503&percent=2", "kind=cut&percent=1",
                                       "kind=html&percent=1", "kind=down&percent=1"};

static void add_fault(const Simulator *sim, const char *spec)
{
    char target[256];
    (void) snprintf(target, sizeof target, "/sim/fault?%s", spec);
    simulator_do(sim, "POST", target, STR_NONE);
}

typedef struct Day {
    const Simulator *sim;
    SimClock *clock;
    UnixSec began;
    Freshet service;
    LatestOnly poller;
} Day;

/* Up to so many minutes after the start. */
static void pass(Day *day, int64_t until_min)
{
    UnixSec until = day->began + until_min * 60, slot = day->began + SLOT_S + SETTLE_S;
    while (slot < simclock_now(day->clock))
        slot += CYCLE_S;
    for (; slot < until; slot += CYCLE_S) {
        simclock_sleep_until(day->clock, slot);
        latest_only_poll(&day->poller, day->sim);
    }
    simclock_sleep_until(day->clock, until);
}

/* In the midst of a poll: the slot comes for both, and what the kill meets is chance. */
static void kill_at_slot(Day *day, const char *dir, const char *const options[])
{
    process_signal(day->service.process, SIGKILL);
    CHECK_INT(-SIGKILL, process_wait(day->service.process));
    day->service = freshet_start(dir, day->sim->url, day->sim->clock, options);
}

static void check_day(Day *day, const char *when)
{
    CLEANUP(lines_release) Lines held = served_lines(&day->service);
    CASE(when);
    Difference ours =
        overdue_difference(day->sim, simclock_now(day->clock), CYCLE_S, SWEEP_S, &held);
    check_nothing(&ours);
}

static void tell_day(Day *day)
{
    CLEANUP(lines_release) Lines truth = true_lines(day->sim, simclock_now(day->clock));
    CLEANUP(lines_release) Lines held = served_lines(&day->service);
    Difference ours = difference_of(&truth, &held);
    Difference theirs = difference_of(&truth, &day->poller.kept);
    uint64_t requests = traffic_count(day->sim, "requests") - day->poller.requests;
    uint64_t bytes = traffic_count(day->sim, "sent_bytes") - day->poller.bytes;
    check_nothing(&ours);
    CHECK(percent(theirs.lost, truth.count) >
          20); /* else the feed was too easy to prove anything */
    printf("26 h, window of %zu readings    lost          stale  requests  bytes\n"
           "  freshet                    %7zu (%2.0f %%) %6zu %9llu %12llu\n"
           "  a poller of the newest     %7zu (%2.0f %%) %6zu %9llu %12llu\n",
           truth.count, ours.lost, percent(ours.lost, truth.count), ours.stale,
           (unsigned long long) requests, (unsigned long long) bytes, theirs.lost,
           percent(theirs.lost, truth.count), theirs.stale,
           (unsigned long long) day->poller.requests, (unsigned long long) day->poller.bytes);
}

/* FRESHET_PROOF_STATIONS makes it larger. */
TEST(scenario_proof_26_hours_of_trouble_lose_nothing)
{
    static const char *const OPTIONS[] = {"--poll-jitter", "0s", NULL};
    const char *stations = getenv("FRESHET_PROOF_STATIONS"), *dir = test_dir_in_memory();
    const Simulator sim = simulator_start(ARGS(
        "--clock", "--stations", stations != NULL ? stations : "200", "--hourly", "20", "--daily",
        "20", "--twice-daily", "0", "--corrections", "1", "--late", "1", "--duplicates", "0.5",
        "--arrays", "0.5", "--missing-values", "0.5", "--empty-times", "0.5", "--sentinels", "0.5",
        "--vanishing", "2", "--unlisted", "3", "--listed-later", "3"));
    Day day = {.sim = &sim, .clock = simclock_connect(sim.clock), .poller = latest_only_init()};
    day.began = simclock_now(day.clock);
    for (size_t i = 0; i < countof(FAILURES); i++)
        add_fault(&sim, FAILURES[i]);
    day.service = freshet_start(dir, sim.url, sim.clock, OPTIONS);

    pass(&day, 4 * 60 + 11); /* 11 minutes past: behind the poll, before the next release */
    check_day(&day, "before anything");
    simulator_do(&sim, "DELETE", "/sim/fault", STR_NONE);
    add_fault(&sim, "kind=status&status=503&for=PT40M");
    for (size_t i = 0; i < countof(FAILURES); i++)
        add_fault(&sim, FAILURES[i]);
    pass(&day, 6 * 60 + 11);
    check_day(&day, "after an outage of answers");
    pass(&day, 11 * 60 + 5);
    kill_at_slot(&day, dir, OPTIONS);
    pass(&day, 13 * 60 + 11);
    check_day(&day, "after a kill");
    simulator_do(&sim, "DELETE", "/sim/fault", STR_NONE);
    add_fault(&sim, "kind=down&for=PT40M");
    for (size_t i = 0; i < countof(FAILURES); i++)
        add_fault(&sim, FAILURES[i]);
    pass(&day, 15 * 60 + 11);
    check_day(&day, "after an outage of connections");
    pass(&day, 26 * 60 + 11);
    check_day(&day, "after 26 h");
    simulator_do(&sim, "DELETE", "/sim/fault", STR_NONE);
    add_fault(&sim, "kind=stuck"); /* one sweep with nothing in its way and nothing new */
    pass(&day, 27 * 60 + 26);
    check_truth(&day.service, &sim, simclock_now(day.clock));
    tell_day(&day);
    latest_only_release(&day.poller);
    CHECK_INT(0, freshet_stop(&day.service));
}

/* ---- real arrivals --------------------------------------------------------------------------- */

/* What arrived when is known to the poll that saw it: about an hour at the catchment, half an hour at
 * the three stations. Hence a poller of the newest loses more of the first. */

typedef struct Replay {
    Simulator sim;
    SimClock *clock;
    UnixSec began;
    Freshet service;
    LatestOnly poller;
    Lines ideal, ours; /* all that was held at any check */
} Replay;

static void start_replay(Replay *replay, const char *file, const char *start)
{
    static const char *const OPTIONS[] = {"--poll-jitter", "0s", NULL};
    const char *folder = getenv("FRESHET_RECORDINGS");
    char path[512];
    (void) snprintf(path, sizeof path, "%s/%s", folder != NULL ? folder : "../shared/upstream",
                    file);
    if (access(path, R_OK) != 0)
        test_skip("the recordings are not here");
    replay->sim = simulator_start(ARGS("--clock", "--replay-arrivals", path, "--start", start));
    replay->clock = simclock_connect(replay->sim.clock);
    replay->began = simclock_now(replay->clock);
    replay->service =
        freshet_start(test_dir_in_memory(), replay->sim.url, replay->sim.clock, OPTIONS);
    replay->poller = latest_only_init();
    replay->ideal = lines_init();
    replay->ours = lines_init();
}

static void end_replay(Replay *replay)
{
    latest_only_release(&replay->poller);
    lines_release(&replay->ideal);
    lines_release(&replay->ours);
    CHECK_INT(0, freshet_stop(&replay->service));
}

/* So many hours, to just behind a sweep: each hour, at the slot. */
static void replay_hours(Replay *replay, int hours)
{
    UnixSec now = simclock_now(replay->clock), until = now / 3600 * 3600 + hours * 3600 + SLOT_S;
    for (UnixSec slot = until - hours * 3600 + CYCLE_S; slot <= until; slot += CYCLE_S) {
        simclock_sleep_until(replay->clock, slot + SETTLE_S);
        latest_only_poll(&replay->poller, &replay->sim);
    }
    CLEANUP(lines_release) Lines truth = true_lines(&replay->sim, simclock_now(replay->clock));
    CLEANUP(lines_release) Lines held = served_lines(&replay->service);
    Difference difference = difference_of(&truth, &held);
    check_nothing(&difference);
    if (until < replay->began + DAY_S) /* it holds what was before the poller began */
        return;
    lines_join(&replay->ideal, &truth);
    lines_join(&replay->ours, &held);
}

static void tell_replay(const Replay *replay, const char *what)
{
    uint64_t requests = traffic_count(&replay->sim, "requests") - replay->poller.requests;
    uint64_t bytes = traffic_count(&replay->sim, "sent_bytes") - replay->poller.bytes;
    Difference ours = difference_of(&replay->ideal, &replay->ours);
    Difference theirs = difference_of(&replay->ideal, &replay->poller.kept);
    check_nothing(&ours);
    printf(
        "%s: an ideal ingest held %zu readings; freshet all but %zu of them (%llu requests,\n"
        "  %llu bytes), a poller of the newest all but %zu, %.0f %% (%llu requests, %llu bytes)\n",
        what, replay->ideal.count, ours.lost, (unsigned long long) requests,
        (unsigned long long) bytes, theirs.lost, percent(theirs.lost, replay->ideal.count),
        (unsigned long long) replay->poller.requests, (unsigned long long) replay->poller.bytes);
}

/* FRESHET_PROOF_DAYS: how many, from where the arrivals are known on. */
static int days_to_replay(void)
{
    const char *text = getenv("FRESHET_PROOF_DAYS");
    int64_t days = 10;
    return text != NULL && str_to_int(str_of(text), &days) ? (int) days : 10;
}

TEST(scenario_proof_real_arrivals_of_a_catchment_are_all_held)
{
    Replay replay;
    start_replay(&replay, "taw-catchment-readings-with-arrival-2026-01-13-to-02-21.csv.gz",
                 "2026-02-11T12:00:00Z");
    for (int i = 0; i < 4 * days_to_replay(); i++)
        replay_hours(&replay, 6);
    CHECK(replay.ideal.count > 1000 * (size_t) (days_to_replay() - 1));
    tell_replay(&replay, "19 real series");
    end_replay(&replay);
}

/* Ten days in which one of three stations was silent for 17 h and for 4 days. */
TEST(scenario_proof_real_arrivals_of_three_stations_are_all_held)
{
    Replay replay;
    start_replay(&replay, "polls-newest-reading-3-stations-2025-04-to-2025-12.csv.gz",
                 "2025-05-18T00:00:00Z");
    for (int i = 0; i < 2 * days_to_replay(); i++)
        replay_hours(&replay, 12);
    CHECK(replay.ideal.count > 100 * (size_t) (days_to_replay() - 1));
    tell_replay(&replay, "3 real stations");
    end_replay(&replay);
}

/* ---- a day in half a minute ------------------------------------------------------------------ */

/* Polled every 2 s, each poll brings an hour and a half. Half a minute later the network runs as the
 * clock does, and nothing new comes until all has been swept. */
TEST(scenario_proof_a_day_in_half_a_minute_loses_nothing)
{
    static const char *const OPTIONS[] = {
        "--poll-interval", "2s", "--poll-jitter", "0s", "--sweep-interval", "4s", NULL};
    static const char *const FAULTS[] = {
        "kind=status&status=503&from=PT6H&for=PT3H", "kind=down&from=PT15H&for=PT3H",
        "kind=status&status=503&percent=3&for=PT23H", "kind=cut&percent=2&for=PT23H"};
    const char *dir = test_dir_in_memory();
    const Simulator sim = simulator_start(
        ARGS("--clock", "--behind", "86400", "--speed", "2880", "--stations", "200", "--hourly",
             "20", "--daily", "20", "--twice-daily", "0", "--corrections", "1", "--late", "1"));
    SimClock *clock = simclock_connect(sim.clock);
    UnixSec began = simclock_now(clock);
    for (size_t i = 0; i < countof(FAULTS); i++)
        add_fault(&sim, FAULTS[i]);
    Freshet service = freshet_start(dir, sim.url, sim.clock, OPTIONS);
    simclock_sleep_until(clock, began + 14);
    process_signal(service.process, SIGKILL);
    CHECK_INT(-SIGKILL, process_wait(service.process));
    service = freshet_start(dir, sim.url, sim.clock, OPTIONS);
    simclock_sleep_until(clock, began + 45);
    check_truth(&service, &sim, simclock_now(clock));
    CHECK_INT(0, freshet_stop(&service));
}
