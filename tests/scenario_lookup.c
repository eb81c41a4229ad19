/* Measures met for the first time in a reading: asked for alone, made bare where the upstream knows
 * nothing of them, and waited for while it cannot be asked. */
#include "tests/freshet.h"
#include "tests/sim_kit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

static size_t count_lines(Str text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += text.ptr[i] == '\n';
    return count;
}

/* Every reading that there is, and no other. Only for what delivers promptly: all is in the window. */
static void check_all_is_held(const Freshet *service, const Simulator *sim)
{
    CLEANUP(buf_release) Buf truth = sim_truth(sim, "");
    CLEANUP(buf_release) Buf readings = freshet_get(service, "/v1/readings.csv");
    Str line, rest = buf_view(&readings);
    size_t at, untrue = 0;
    REQUIRE(str_cut(rest, '\n', &line, &rest));
    while (str_cut(rest, '\n', &line, &rest)) {
        CLEANUP(buf_release) Buf want = buf_init(1000);
        buf_printf(&want, "\n" STR_FMT "," STR_FMT "," STR_FMT "\n", STR_ARG(csv_cell(line, 1)),
                   STR_ARG(csv_cell(line, 5)), STR_ARG(csv_cell(line, 6)));
        untrue += !str_find(buf_view(&truth), buf_view(&want), &at);
    }
    CHECK_INT(0, untrue);
    CHECK_INT(count_lines(buf_view(&truth)), count_lines(buf_view(&readings)));
}

/* How many measures are in no list of the upstream. */
static size_t count_unlisted(const Freshet *service)
{
    CLEANUP(buf_release) Buf csv = freshet_get(service, "/v1/measures.csv?fields=measure,listed");
    Str line, rest = buf_view(&csv);
    size_t count = 0;
    while (str_cut(rest, '\n', &line, &rest))
        count += str_ends(line, STR(",false"));
    return count;
}

static int64_t tell_number(const Freshet *service, const char *path)
{
    int64_t number = -1;
    (void) str_to_int(freshet_tell(service, path), &number);
    return number;
}

TEST(scenario_lookup_finds_what_no_list_has_and_makes_bare_what_nobody_knows)
{
    const Simulator sim = simulator_start(ARGS("--clock", "--stations", "14", "--batching", "0",
                                               "--unlisted", "20", "--listed-later", "20"));
    SimClock *clock = simclock_connect(sim.clock);
    UnixSec began = simclock_now(clock);
    Freshet service = freshet_start(test_dir(), sim.url, sim.clock, NULL);
    simclock_sleep_until(clock, began + 30);
    CHECK_TEXT("none", freshet_tell(&service, "fault"));
    CHECK(!process_has_line(service.process, " found=0 "));
    CHECK(!process_has_line(service.process, " bare=0"));
    CHECK_INT(0, tell_number(&service, "quarantine.unknown_measure"));
    int64_t quarantined = tell_number(&service, "last_poll.quarantined");
    CHECK(quarantined > 0); /* as they came: counted once */
    char released[64];
    (void) snprintf(released, sizeof released, "\nfreshet_readings_released_total %" PRId64 "\n",
                    quarantined);
    CLEANUP(buf_release) Buf metrics = freshet_get(&service, "/metrics");
    CHECK_HAS(released, buf_view(&metrics));
    check_all_is_held(&service, &sim);
    size_t unlisted = count_unlisted(&service);
    CHECK(unlisted >= 4);

    simclock_sleep_until(clock, began + 4 * 3600 + 1800); /* known: not asked for again, ... */
    CHECK_INT(0, tell_number(&service, "last_poll.quarantined"));
    check_all_is_held(&service, &sim);
    CHECK_INT(unlisted, count_unlisted(&service));
    simclock_sleep_until(clock, began + 24 * 3600 + 1800); /* ... until the list of the day */
    CHECK(count_unlisted(&service) < unlisted);
    CHECK(count_unlisted(&service) > 0);
    check_all_is_held(&service, &sim);
    CHECK_INT(0, freshet_stop(&service));
}

TEST(scenario_lookup_reads_the_fields_of_a_bare_measure_off_its_id)
{
    const Simulator sim = simulator_start(ARGS("--clock", "--stations", "10", "--batching", "0"));
    SimClock *clock = simclock_connect(sim.clock);
    UnixSec began = simclock_now(clock);
    simulator_do(&sim, "POST", "/sim/item?path=/data/readings",
                 STR("{ \"measure\": \"http://x/id/measures/NEW-1-flow--i-1_h-m3_s\","
                     " \"dateTime\": \"2026-01-20T11:30:00Z\", \"value\": 7.5 }"));
    simulator_do(&sim, "POST", "/sim/item?path=/data/readings",
                 STR("{ \"measure\": \"http://x/id/measures/illegible\","
                     " \"dateTime\": \"2026-01-20T11:45:00Z\", \"value\": [8.5, 9] }"));
    Freshet service = freshet_start(test_dir(), sim.url, sim.clock, NULL);
    simclock_sleep_until(clock, began + 30);
    CHECK_TEXT("none", freshet_tell(&service, "fault"));
    CLEANUP(buf_release)
    Buf measures =
        freshet_get(&service, "/v1/measures.csv?station=NEW-1,illegible"
                              "&fields=station,measure,parameter,value_type,period_s,unit,listed");
    CHECK_HAS("\nNEW-1,NEW-1-flow--i-1_h-m3_s,flow,instantaneous,3600,m3/s,false\n",
              buf_view(&measures));
    CHECK_HAS("\nillegible,illegible,,,,,false\n", buf_view(&measures));
    CLEANUP(buf_release) Buf latest = freshet_get(&service, "/v1/latest.csv?station=NEW-1");
    CHECK_HAS("2026-01-20T11:30:00Z,7.5,", buf_view(&latest));
    CLEANUP(buf_release) Buf odd = freshet_get(&service, "/v1/latest.csv?station=illegible");
    CHECK_HAS("2026-01-20T11:45:00Z,8.5,", buf_view(&odd));
    CHECK_HAS("ambiguous", buf_view(&odd));
    CHECK_INT(0, freshet_stop(&service));
}

TEST(scenario_lookup_takes_no_failure_for_an_answer)
{
    static const char *const faults[] = {
        "/sim/fault?kind=down&path=/id/measures/&for=PT15M",
        "/sim/fault?kind=status&status=500&path=/id/stations/&for=PT15M",
    };
    for (size_t i = 0; i < countof(faults); i++) {
        CASE(faults[i]);
        const Simulator sim = simulator_start(ARGS("--clock", "--stations", "14", "--batching", "0",
                                                   "--unlisted", "20", "--vanishing", "40"));
        SimClock *clock = simclock_connect(sim.clock);
        UnixSec began = simclock_now(clock);
        simulator_do(&sim, "POST", faults[i], STR_NONE);
        Freshet service = freshet_start(test_dir(), sim.url, sim.clock, NULL);
        simclock_sleep_until(clock, began + 60);
        CHECK_TEXT("none", freshet_tell(&service, "fault")); /* nothing that was fetched is worse */
        (void) process_wait_line(service.process, "look-up failed");
        CHECK_INT(i == 0, process_has_line(service.process, "measures=3 error=")); /* no more */
        CHECK(tell_number(&service, "quarantine.unknown_measure") > 0);
        simclock_sleep_until(clock, began + 25 * 60);
        CHECK_INT(0, tell_number(&service, "quarantine.unknown_measure"));
        check_all_is_held(&service, &sim);
        CHECK_INT(0, freshet_stop(&service));
        simclock_close(clock);
    }
}

/* A poll that could not ask who they are asks for their readings again. */
TEST(scenario_lookup_of_readings_whose_lists_failed_is_made_up_for)
{
    const Simulator sim = simulator_start(ARGS("--clock", "--stations", "14", "--batching", "0"));
    SimClock *clock = simclock_connect(sim.clock);
    UnixSec began = simclock_now(clock);
    simulator_do(&sim, "POST", "/sim/fault?kind=status&status=404&path=/id/measures&count=1",
                 STR_NONE);
    Freshet service = freshet_start(test_dir(), sim.url, sim.clock,
                                    ARGS("--retry-min", "1m", "--retry-max", "1m"));
    simclock_sleep_until(clock, began + 150); /* before the next release */
    (void) process_wait_line(service.process, "fault=upstream");
    CHECK_TEXT("none", freshet_tell(&service, "fault"));
    check_all_is_held(&service, &sim);
    CHECK_INT(0, freshet_stop(&service));
}

/* Of a whole region that came anew the lists tell in two requests; what they do not have is asked for
 * a few a cycle. */
TEST(scenario_lookup_asks_for_the_lists_where_many_are_unknown)
{
    enum { MANY = 30 };
    const Simulator sim = simulator_start(ARGS("--clock", "--stations", "10", "--batching", "0"));
    SimClock *clock = simclock_connect(sim.clock);
    UnixSec began = simclock_now(clock);
    Freshet service = freshet_start(test_dir(), sim.url, sim.clock, NULL);
    simclock_sleep_until(clock, began + 60);
    for (int i = 0; i < MANY; i++) {
        char item[256];
        (void) snprintf(item, sizeof item,
                        "{ \"measure\": \"http://x/id/measures/NEW-level-%d-i-15_min-m\","
                        " \"dateTime\": \"2026-01-20T12:00:00Z\", \"value\": %d }",
                        i, i);
        simulator_do(&sim, "POST", "/sim/item?path=/data/readings", str_of(item));
    }
    simulator_do(&sim, "DELETE", "/sim/stats", STR_NONE);
    simclock_sleep_until(clock, began + 10 * 60);
    char url[160];
    (void) snprintf(url, sizeof url, "%s/sim/stats", sim.origin);
    CLEANUP(buf_release) Buf stats = must_get(url);
    CHECK_HAS("\"/id/measures\":{\"requests\":1,", buf_view(&stats));
    (void) process_wait_line(service.process, "unknown=30 found=0 bare=25");
    simclock_sleep_until(clock, began + 25 * 60);
    (void) process_wait_line(service.process, "unknown=5 found=0 bare=5");
    CLEANUP(buf_release) Buf latest = freshet_get(&service, "/v1/latest.csv?station=NEW");
    CHECK_INT(1 + MANY, count_lines(buf_view(&latest)));
    CHECK_INT(0, freshet_stop(&service));
}
