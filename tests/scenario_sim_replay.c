/* The stand-in for the upstream, telling what was recorded. */
#include "base/json.h"
#include "tests/sim_kit.h"

#include <stdlib.h>

TEST(sim_replays_a_folder)
{
    Simulator simulator = simulator_start((const char *[]){
        "--replay", "tests/fixtures/network", "--start", "2026-01-20T12:00:00Z", "--clock", NULL});
    CLEANUP(buf_release) Buf recorded = test_fixture("network/stations.json");
    CLEANUP(buf_release) Buf stations = sim_get(&simulator, "/id/stations");
    for (size_t i = 0; i < 3; i++)
        CHECK_STR(sim_nth(buf_view(&recorded), i), sim_nth(buf_view(&stations), i));

    CLEANUP(buf_release) Buf latest = sim_get(&simulator, "/data/readings?latest");
    CHECK_INT(3, sim_count(buf_view(&latest)));
    static const struct {
        const char *time, *value;
    } wanted[] = {
        {"2026-01-20T11:30:00Z",
         "[ -53.254, 0.746 ]"}, /* 10:15 is the newest: 30 minutes old at noon */
        {"2026-01-19T23:15:00Z", "1.0"},
        {"2026-01-20T11:24:41Z", "26.0"},
    };
    for (size_t i = 0; i < countof(wanted); i++) {
        CHECK_TEXT(wanted[i].time, sim_member(sim_nth(buf_view(&latest), i), "dateTime"));
        CHECK_TEXT(wanted[i].value, sim_member(sim_nth(buf_view(&latest), i), "value"));
    }
    CHECK_INT(1, sim_count_at(&simulator, "/id/stations?search=weir%20tl"));
    CHECK_INT(1, sim_count_at(&simulator, "/id/stations?status=Suspended"));
    CHECK_INT(1, sim_count_at(&simulator, "/id/stations?stationReference=R/1"));
    CHECK_INT(1, sim_count_at(&simulator, "/id/stations?type=SingleLevel"));
    CHECK_INT(4, sim_count_at(&simulator, "/id/measures"));
    CLEANUP(buf_release) Buf csv = sim_get(&simulator, "/data/readings.csv?latest");
    CHECK_HAS("mASD,-53.254|0.746\n", buf_view(&csv));
    CLEANUP(buf_release) Buf rain = sim_get(&simulator, "/id/stations/R_1");
    CHECK_INT('{', sim_member(sim_items(buf_view(&rain)), "measures").ptr[0]);
}

/* Every member but those that tell a time, which is shifted. */
static void check_measure(Str want, Str got)
{
    JsonWalk walk = json_walk(want);
    Str key, value, other;
    while (json_next(&walk, &key, &value)) {
        REQUIRE(json_member(got, key, &other));
        if (str_eq(key, STR("latestReading")))
            CHECK_STR(sim_member(value, "value"), sim_member(other, "value"));
        else
            CHECK_STR(value, other);
    }
}

TEST(sim_replays_the_whole_country)
{
    CLEANUP(buf_release) Buf stations = buf_init(0);
    CLEANUP(buf_release) Buf measures = buf_init(0);
    if (!test_recording("stations-all-2025-09-05T155532Z.json.gz", &stations) ||
        !test_recording("measures-all-2025-09-05T155534Z.json.gz", &measures))
        test_skip("the recordings are not here");
    const char *folder = getenv("FRESHET_RECORDINGS");
    Simulator simulator = simulator_start((const char *[]){
        "--replay", folder != NULL ? folder : "../shared/upstream", "--clock", NULL});
    CLEANUP(buf_release) Buf got_stations = sim_get(&simulator, "/id/stations");
    CLEANUP(buf_release) Buf got_measures = sim_get(&simulator, "/id/measures");

    Str key, want, got;
    JsonWalk wanted = json_walk(sim_items(buf_view(&stations))),
             given = json_walk(sim_items(buf_view(&got_stations)));
    while (json_next(&wanted, &key, &want) && json_next(&given, &key, &got))
        CHECK_STR(want, got);
    CHECK(wanted.done && !json_next(&given, &key, &got));

    int64_t shift_s = 0;
    size_t live = 0;
    wanted = json_walk(sim_items(buf_view(&measures)));
    given = json_walk(sim_items(buf_view(&got_measures)));
    while (json_next(&wanted, &key, &want) && json_next(&given, &key, &got)) {
        check_measure(want, got);
        Str latest = sim_member(want, "latestReading");
        if (str_is_none(latest))
            continue;
        int64_t own_shift_s = sim_time_of(sim_member(got, "latestReading")) - sim_time_of(latest);
        if (live++ == 0)
            shift_s = own_shift_s;
        CHECK_INT(shift_s, own_shift_s);
    }
    CHECK(wanted.done && !json_next(&given, &key, &got));
    CHECK_INT(0, shift_s % 900);
    CHECK_INT(live, sim_count_at(&simulator, "/data/readings?latest"));
    CHECK_INT(86, sim_count_at(&simulator, "/id/stations?type=TideGauge"));
    CHECK_INT(4, sim_count_at(&simulator, "/id/stations?search=Abingdon"));
}
