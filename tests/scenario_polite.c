/* What freshet costs its upstream, whatever goes wrong and whoever asks us: the simulator counts. */
#include "base/json.h"
#include "tests/truth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

enum { CYCLE_S = 900, SLOT_S = 300 /* past the quarter hour */ };

static void add_fault(const Simulator *sim, const char *spec)
{
    char target[512];
    (void) snprintf(target, sizeof target, "/sim/fault?%s", spec);
    simulator_do(sim, "POST", target, STR_NONE);
}

/* The last moment of the interval of polls that `now` is in. */
static UnixSec end_of_interval(UnixSec now)
{
    return (now - SLOT_S) / CYCLE_S * CYCLE_S + CYCLE_S + SLOT_S - 1;
}

/* ---- the budget ------------------------------------------------------------------------------ */

TEST(scenario_polite_budget_of_requests_is_never_passed)
{
    enum { BUDGET = 12 };
    static const char *const OPTIONS[] = {
        "--poll-jitter",      "0s", "--upstream-budget", "12",  "--retry-min", "1s",
        "--upstream-timeout", "1s", "--retry-max",       "30s", NULL};
    static const char *const FAULTS[] = {"kind=status&status=503",
                                         "kind=status&status=503&percent=50",
                                         "kind=down",
                                         "kind=down&percent=50",
                                         "kind=redirect",
                                         "kind=redirect&percent=50",
                                         "kind=html",
                                         "kind=cut",
                                         "kind=cut&percent=50",
                                         "kind=garbage",
                                         "kind=empty&path=/id",
                                         "kind=status&status=404&path=/data/readings.csv",
                                         "kind=status&status=404",
                                         "kind=broken&path=/data/readings?latest",
                                         "kind=slow&ms=60000&percent=20",
                                         "kind=stuck",
                                         "kind=skew&seconds=7200"};
    const Simulator sim = simulator_start(ARGS("--clock", "--stations", "60", "--batching", "60",
                                               "--late", "2", "--listed-later", "20"));
    SimClock *clock = simclock_connect(sim.clock);
    Freshet service = freshet_start(test_dir_in_memory(), sim.url, sim.clock, OPTIONS);
    uint64_t before = 0;
    for (size_t i = 0; i < 3 * countof(FAULTS); i++) {
        CASE(FAULTS[i / 3]);
        if (i % 3 == 0) { /* two intervals with it, one without */
            simulator_do(&sim, "DELETE", "/sim/fault", STR_NONE);
            add_fault(&sim, FAULTS[i / 3]);
        } else if (i % 3 == 2) {
            simulator_do(&sim, "DELETE", "/sim/fault", STR_NONE);
        }
        simclock_sleep_until(clock, end_of_interval(simclock_now(clock) + 1));
        uint64_t requests = traffic_count(&sim, "requests");
        CHECK(requests - before <= BUDGET);
        before = requests;
    }
    CHECK(traffic_count(&sim, "most_open") <= 3);
    CHECK_INT(0, freshet_stop(&service));
}

/* An answer longer than what is left is cut off where that is spent. */
TEST(scenario_polite_budget_of_bytes_is_never_passed)
{
    enum { BUDGET = 1 << 20, READ_AT_ONCE = 64 << 10 };
    const Simulator sim = simulator_start(ARGS("--clock", "--stations", "5400"));
    SimClock *clock = simclock_connect(sim.clock);
    Freshet service = freshet_start(test_dir_in_memory(), sim.url, sim.clock,
                                    ARGS("--poll-jitter", "0s", "--upstream-budget-bytes", "1MB"));
    for (int i = 1; i <= 8; i++) {
        simclock_sleep_until(clock, end_of_interval(simclock_now(clock) + 1));
        CLEANUP(buf_release) Buf metrics = freshet_get(&service, "/metrics");
        const char NAME[] = "\nfreshet_upstream_received_bytes_total ";
        size_t at = 0;
        REQUIRE(str_find(buf_view(&metrics), str_of(NAME), &at));
        CHECK(strtoll(metrics.ptr + at + strlen(NAME), NULL, 10) <= i * (BUDGET + READ_AT_ONCE));
    }
    CHECK_TEXT("ingest", freshet_tell(&service, "fault"));
    CHECK_HAS("budget", freshet_tell(&service, "last_poll.detail"));
    CHECK_INT(0, freshet_stop(&service));
}

TEST(scenario_polite_retry_after_is_honoured)
{
    static const struct {
        const char *fault;
        int64_t quiet_s;
    } cases[] = {
        {"kind=status&status=429&retry_after=1500", 1500},
        {"kind=status&status=503&retry_after=600", 600},
        {"kind=status&status=503&retry_after=1000&path=/data/readings.csv",
         1000}, /* behind the newest */
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].fault);
        const Simulator sim = simulator_start(ARGS("--clock", "--stations", "60", "--hourly", "80",
                                                   "--daily", "0", "--twice-daily", "0"));
        SimClock *clock = simclock_connect(sim.clock);
        Freshet service =
            freshet_start(test_dir_in_memory(), sim.url, sim.clock,
                          ARGS("--poll-jitter", "0s", "--retry-min", "1s", "--retry-max", "1s"));
        UnixSec slot = simclock_now(clock) + 3600 + SLOT_S;
        simclock_sleep_until(clock, slot - 60);
        add_fault(&sim, cases[i].fault);
        simclock_sleep_until(clock, slot + 60); /* it has been told */
        uint64_t requests = traffic_count(&sim, "requests");
        simclock_sleep_until(clock, slot + cases[i].quiet_s - 1);
        CHECK_INT(requests, traffic_count(&sim, "requests"));
        simulator_do(&sim, "DELETE", "/sim/fault", STR_NONE);
        simclock_sleep_until(clock, slot + cases[i].quiet_s + CYCLE_S + 60);
        CHECK(traffic_count(&sim, "requests") > requests);
        CHECK_TEXT("none", freshet_tell(&service, "fault"));
        CHECK_INT(0, freshet_stop(&service));
    }
}

/* Two that are the same but for their clients cost the same. */
TEST(scenario_polite_clients_cost_the_upstream_nothing)
{
    uint64_t requests[2], bytes[2];
    for (size_t busy = 0; busy < 2; busy++) {
        const Simulator sim = simulator_start(ARGS("--clock", "--stations", "60"));
        SimClock *clock = simclock_connect(sim.clock);
        UnixSec began = simclock_now(clock);
        Freshet service =
            freshet_start(test_dir_in_memory(), sim.url, sim.clock, ARGS("--poll-jitter", "0s"));
        for (int i = 1; i <= 36; i++) {
            simclock_sleep_until(clock, began + i * 300 + 60);
            for (size_t k = 0; k < busy * 30; k++)
                (void) freshet_status(&service, k % 3 == 0   ? "/v1/latest"
                                                : k % 3 == 1 ? "/v1/stations/no-such-station"
                                                             : "/v1/readings.csv");
        }
        requests[busy] = traffic_count(&sim, "requests");
        bytes[busy] = traffic_count(&sim, "sent_bytes");
        CHECK_INT(0, freshet_stop(&service));
    }
    CHECK_INT(requests[0], requests[1]);
    CHECK_INT(bytes[0], bytes[1]);
}

/* ---- the six kinds --------------------------------------------------------------------------- */

typedef struct Kinds {
    int64_t received, fresh, late, unchanged, corrected, expired, quarantined;
} Kinds;

static int64_t counter(Str metrics, const char *name)
{
    char line[128];
    size_t at = 0;
    (void) snprintf(line, sizeof line, "\n%s ", name);
    REQUIRE(str_find(metrics, str_of(line), &at));
    return strtoll(metrics.ptr + at + strlen(line), NULL, 10);
}

static Kinds scrape(const Freshet *service)
{
#define KIND(name) counter(metrics, "freshet_readings_total{kind=\"" name "\"}")
    CLEANUP(buf_release) Buf body = freshet_get(service, "/metrics");
    Str metrics = buf_view(&body);
    return (Kinds){counter(metrics, "freshet_readings_received_total"),
                   KIND("new"),
                   KIND("late"),
                   KIND("unchanged"),
                   KIND("corrected"),
                   KIND("expired"),
                   KIND("quarantined")};
#undef KIND
}

static void check_sum(const Kinds *kinds)
{
    CHECK_INT(kinds->received, kinds->fresh + kinds->late + kinds->unchanged + kinds->corrected +
                                   kinds->expired + kinds->quarantined);
}

/* Habits and failures as they fall, the same for the same seed. */
static void draw_trouble(const Simulator *sim, unsigned *seed)
{
    static const char *const HABITS[] = {"late",   "corrections",    "duplicates",
                                         "arrays", "missing-values", "empty-times"};
    static const char *const KINDS[] = {"status",  "html",  "cut", "broken",
                                        "garbage", "empty", "down"};
    char target[256];
    size_t len =
        (size_t) snprintf(target, sizeof target, "/sim/rates?vanishing=%d", rand_r(seed) % 20);
    for (size_t i = 0; i < countof(HABITS); i++)
        len += (size_t) snprintf(target + len, sizeof target - len, "&%s=%d", HABITS[i],
                                 rand_r(seed) % 8);
    simulator_do(sim, "POST", target, STR_NONE);
    simulator_do(sim, "DELETE", "/sim/fault", STR_NONE);
    for (int i = 0; i < 3; i++) {
        (void) snprintf(target, sizeof target, "kind=%s&percent=%d",
                        KINDS[(size_t) rand_r(seed) % countof(KINDS)], rand_r(seed) % 40);
        add_fault(sim, target);
    }
}

TEST(scenario_six_kinds_add_up_under_random_faults)
{
    Kinds all = {.received = 0};
    for (unsigned run = 1; run <= 3; run++) {
        char seed_text[16];
        unsigned seed = run;
        (void) snprintf(seed_text, sizeof seed_text, "%u", run);
        const Simulator sim = simulator_start(
            ARGS("--clock", "--stations", "40", "--batching", "50", "--seed", seed_text));
        SimClock *clock = simclock_connect(sim.clock);
        Freshet service = freshet_start(test_dir_in_memory(), sim.url, sim.clock,
                                        ARGS("--sweep-interval", "30m", "--retry-max", "1m"));
        for (int i = 0; i < 8 * 12; i++) { /* 8 h */
            if (i % 6 == 0)
                draw_trouble(&sim, &seed);
            simclock_sleep_until(clock, simclock_now(clock) + 300);
            Kinds kinds = scrape(&service);
            check_sum(&kinds);
        }
        Kinds kinds = scrape(&service);
        all.fresh += kinds.fresh;
        all.late += kinds.late;
        all.unchanged += kinds.unchanged;
        all.corrected += kinds.corrected;
        all.expired += kinds.expired;
        all.quarantined += kinds.quarantined;
        CHECK_INT(0, freshet_stop(&service));
    }
    CHECK(all.fresh > 0 && all.late > 0 && all.unchanged > 0); /* else it proves little */
    CHECK(all.corrected > 0 && all.expired > 0 && all.quarantined > 0);
}
