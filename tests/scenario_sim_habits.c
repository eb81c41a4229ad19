/* The simulator's bad habits, each by itself: how readings are delivered, what befalls them, what
 * comes and goes in the lists. */
#include "base/clock.h"
#include "base/json.h"
#include "tests/sim_kit.h"

#include <stdio.h>
#include <string.h>

#define NOON "2026-01-20T12:00:00Z"

static Simulator start_with(const char *habit, const char *percent)
{
    return simulator_start(
        (const char *[]){"--stations", "40", "--clock", "--batching", "0", habit, percent, NULL});
}

/* ---- lines of the truth ---------------------------------------------------------------------- */

typedef struct Line {
    Str measure, time_text, value;
    UnixSec time;
} Line;

/* The next line; false at the end. The header is skipped. */
static bool next_line(Str *rest, Line *ret)
{
    Str line = *rest, tail = STR(""), fields;
    if (rest->len == 0)
        return false;
    (void) str_cut(*rest, '\n', &line, &tail);
    *rest = tail;
    if (str_starts(line, STR("measure,")))
        return next_line(rest, ret);
    REQUIRE(str_cut(line, ',', &ret->measure, &fields) &&
            str_cut(fields, ',', &ret->time_text, &ret->value));
    REQUIRE(clock_parse(ret->time_text, &ret->time));
    return true;
}

static Buf truth_at(const Simulator *simulator, UnixSec time)
{
    char text[CLOCK_TEXT_SIZE], query[64];
    clock_format(time, text);
    (void) snprintf(query, sizeof query, "?as_of=%s", text);
    return sim_truth(simulator, query);
}

static UnixSec newest_in(Str truth, Str measure)
{
    Line line;
    UnixSec newest = NO_TIME;
    while (next_line(&truth, &line))
        if (str_eq(line.measure, measure))
            newest = line.time;
    return newest;
}

/* A live quarter-hourly measure. Copies its id. */
static void some_measure(const Simulator *simulator, char id[static 256])
{
    CLEANUP(buf_release) Buf truth = sim_truth(simulator, "");
    Str rest = buf_view(&truth);
    Line line;
    size_t ignored;
    do
        REQUIRE(next_line(&rest, &line));
    while (!str_find(line.measure, STR("-15_min-"), &ignored));
    (void) snprintf(id, 256, STR_FMT, STR_ARG(line.measure));
}

/* ---- delivery -------------------------------------------------------------------------------- */

TEST(sim_delivers_hourly_twice_a_day_or_daily)
{
    static const struct {
        const char *habit;
        int hours, deliveries;
    } cases[] = {
        {"--late", 3, 12}, /* of nothing: promptly */
        {"--hourly", 5, 5},
        {"--twice-daily", 36, 3},
        {"--daily", 48, 2},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].habit);
        char id[256];
        Simulator simulator = start_with(cases[i].habit, i == 0 ? "0" : "100");
        some_measure(&simulator, id);
        UnixSec last = NO_TIME;
        int moves = -1; /* the first look is none */
        for (int quarter = 0; quarter <= cases[i].hours * 4; quarter++) {
            CLEANUP(buf_release)
            Buf truth = truth_at(&simulator, sim_moment(NOON) + quarter * 900);
            UnixSec newest = newest_in(buf_view(&truth), str_of(id));
            moves += newest != last ? 1 : 0;
            last = newest;
        }
        CHECK_INT(cases[i].deliveries, moves);
        process_signal(simulator.process, SIGTERM);
    }
}

TEST(sim_corrects_values_hours_later)
{
    Simulator simulator = start_with("--corrections", "100");
    UnixSec noon = sim_moment(NOON);
    CLEANUP(buf_release) Buf before = truth_at(&simulator, noon);
    CLEANUP(buf_release) Buf after = truth_at(&simulator, noon + 9 * 3600);
    CLEANUP(buf_release) Buf again = truth_at(&simulator, noon + 18 * 3600);
    Str rest = buf_view(&before);
    Line line;
    size_t fresh = 0, settled = 0;
    while (next_line(&rest, &line)) {
        char want[512];
        double value = 0;
        size_t ignored;
        bool is_fresh = line.time > noon - 3600, is_settled = line.time < noon - 9 * 3600;
        if (!is_fresh && !is_settled)
            continue;
        fresh += is_fresh ? 1 : 0;
        settled += is_settled ? 1 : 0;
        CHECK(str_to_double(line.value, &value));
        (void) snprintf(want, sizeof want, STR_FMT "," STR_FMT ",%.10g", STR_ARG(line.measure),
                        STR_ARG(line.time_text), is_fresh ? value + 0.05 : value);
        if (newest_in(buf_view(&after), line.measure) - 86400 >= line.time)
            continue; /* has left the window */
        REQUIRE(str_find(buf_view(&after), str_of(want), &ignored));
        if (is_fresh) /* and only once */
            REQUIRE(str_find(buf_view(&again), str_of(want), &ignored));
    }
    CHECK(fresh > 20 && settled > 20);
}

TEST(sim_publishes_some_readings_late_behind_newer_ones)
{
    Simulator simulator = start_with("--late", "20");
    UnixSec noon = sim_moment(NOON);
    CLEANUP(buf_release) Buf before = truth_at(&simulator, noon);
    CLEANUP(buf_release) Buf after = truth_at(&simulator, noon + 8 * 3600);
    Str rest = buf_view(&after);
    Line line;
    size_t late = 0;
    while (next_line(&rest, &line)) {
        char key[512];
        size_t ignored;
        (void) snprintf(key, sizeof key, STR_FMT "," STR_FMT ",", STR_ARG(line.measure),
                        STR_ARG(line.time_text));
        if (line.time < newest_in(buf_view(&before), line.measure) &&
            !str_find(buf_view(&before), str_of(key), &ignored))
            late++;
        if (late > 20)
            break;
    }
    CHECK(late > 20);
}

/* ---- what befalls readings ------------------------------------------------------------------- */

static bool is_array(Str item)
{
    return sim_member(item, "value").ptr[0] == '[';
}

static bool has_no_value(Str item)
{
    return str_is_none(sim_member(item, "value"));
}

static bool has_no_time(Str item)
{
    return sim_member(item, "dateTime").len == 0;
}

static bool is_sentinel(Str item)
{
    return str_eq(sim_member(item, "value"), STR("-32.768"));
}

TEST(sim_spoils_as_many_readings_as_it_is_told)
{
    static const struct {
        const char *habit;
        bool (*is_spoilt)(Str item);
    } cases[] = {
        {"--arrays", is_array},
        {"--missing-values", has_no_value},
        {"--empty-times", has_no_time},
        {"--sentinels", is_sentinel},
    };
    static const char *const PATHS[] = {"/data/readings?latest", "/data/readings?today"};
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].habit);
        Simulator all = start_with(cases[i].habit, "100");
        Simulator some = start_with(cases[i].habit, "10");
        for (size_t k = 0; k < countof(PATHS); k++) {
            CLEANUP(buf_release) Buf body = sim_get(&all, PATHS[k]);
            JsonWalk walk = json_walk(sim_items(buf_view(&body)));
            Str key, item;
            while (json_next(&walk, &key, &item))
                REQUIRE(cases[i].is_spoilt(item));
        }
        CLEANUP(buf_release) Buf body = sim_get(&some, "/data/readings?today");
        JsonWalk walk = json_walk(sim_items(buf_view(&body)));
        Str key, item;
        size_t spoilt = 0, count = 0;
        for (; json_next(&walk, &key, &item); count++)
            spoilt += cases[i].is_spoilt(item) ? 1 : 0;
        CHECK(spoilt * 100 > count * 8 && spoilt * 100 < count * 12);
    }
}

TEST(sim_tells_duplicates_within_limits)
{
    Simulator simulator = start_with("--duplicates", "100");
    CLEANUP(buf_release) Buf body = sim_get(&simulator, "/data/readings?latest&_limit=9&_offset=1");
    CHECK_INT(9, sim_count(buf_view(&body)));
    for (size_t i = 1; i + 1 < 9; i += 2)
        CHECK_STR(sim_nth(buf_view(&body), i), sim_nth(buf_view(&body), i + 1));
}

/* ---- lists ----------------------------------------------------------------------------------- */

TEST(sim_tells_readings_of_measures_that_no_list_holds)
{
    char id[256], path[512];
    Simulator simulator = start_with("--unlisted", "100");
    some_measure(&simulator, id);
    CHECK_INT(0, sim_count_at(&simulator, "/id/measures"));
    CLEANUP(buf_release) Buf stations = sim_get(&simulator, "/id/stations");
    CHECK(str_is_none(sim_member(sim_nth(buf_view(&stations), 0), "measures")));
    CHECK_INT(40, sim_count(buf_view(&stations)));
    (void) snprintf(path, sizeof path, "/id/stations/" STR_FMT,
                    STR_ARG(sim_member(sim_nth(buf_view(&stations), 0), "notation")));
    CLEANUP(buf_release) Buf station = sim_get(&simulator, path);
    JsonWalk walk = json_walk(buf_view(&station));
    Str key, value;
    while (json_next(&walk, &key, &value))
        continue;
    CHECK(!walk.broken && str_is_none(sim_member(sim_items(buf_view(&station)), "measures")));
    CHECK(sim_count_at(&simulator, "/data/readings?latest") > 30);
    (void) snprintf(path, sizeof path, "/id/measures/%s", id);
    CLEANUP(exchanged_release) Exchanged single = sim_ask(&simulator, path);
    CHECK_INT(404, single.status);
    (void) snprintf(path, sizeof path, "/id/measures/%s/readings", id);
    CHECK_INT(500, sim_count_at(&simulator, path));
}

TEST(sim_lists_some_measures_later)
{
    char id[256], path[512];
    Simulator simulator = start_with("--listed-later", "100");
    SimClock *clock = simclock_connect(simulator.clock);
    some_measure(&simulator, id);
    CHECK_INT(0, sim_count_at(&simulator, "/id/measures"));
    (void) snprintf(path, sizeof path, "/id/measures/%s", id);
    CLEANUP(buf_release) Buf single = sim_get(&simulator, path); /* can be looked up */
    CHECK_TEXT(id, sim_member(sim_items(buf_view(&single)), "notation"));
    simclock_sleep_until(clock, sim_moment("2026-01-20T18:00:00Z"));
    size_t half = sim_count_at(&simulator, "/id/measures");
    simclock_sleep_until(clock, sim_moment("2026-01-21T00:30:00Z"));
    CHECK(half > 0 && half < sim_count_at(&simulator, "/id/measures"));
    CHECK(sim_count_at(&simulator, "/data/readings?latest") <=
          sim_count_at(&simulator, "/id/measures"));
}

TEST(sim_lets_stations_vanish_and_come_back)
{
    Simulator simulator = start_with("--vanishing", "100");
    SimClock *clock = simclock_connect(simulator.clock);
    size_t least = 40, most = 0, latest = sim_count_at(&simulator, "/data/readings?latest");
    size_t away = 0, back = 0;
    CLEANUP(buf_release) Buf stations = sim_get(&simulator, "/id/stations?_limit=1");
    char path[512];
    (void) snprintf(path, sizeof path, "/id/stations/" STR_FMT,
                    STR_ARG(sim_member(sim_nth(buf_view(&stations), 0), "notation")));
    for (int i = 0; i < 8; i++) {
        size_t count = sim_count_at(&simulator, "/id/stations");
        least = count < least ? count : least;
        most = count > most ? count : most;
        CLEANUP(exchanged_release) Exchanged one = sim_ask(&simulator, path);
        away += one.status == 404 ? 1 : 0;
        back += one.status == 200 ? 1 : 0;
        simclock_sleep_until(clock, simclock_now(clock) + 3 * 3600);
    }
    CHECK(least > 15 && most < 40);
    CHECK(away > 0 && back > 0 && away + back == 8);
    CHECK_INT(latest, sim_count_at(&simulator, "/data/readings?latest"));
}

/* ---- at run time ----------------------------------------------------------------------------- */

TEST(sim_changes_its_habits_when_told)
{
    static const struct {
        const char *query;
        int status;
    } cases[] = {
        {"late=60&corrections=40.5", 400}, /* of one group, more than all */
        {"rudeness=1", 400},
        {"off-grid=1", 400},
        {"arrays=-1", 400},
        {"arrays=1.5&hourly=20", 200},
    };
    Simulator simulator = sim_start();
    char url[256];
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].query);
        (void) snprintf(url, sizeof url, "%s/sim/rates?%s", simulator.origin, cases[i].query);
        CLEANUP(exchanged_release) Exchanged got = exchange("POST", url, "", STR(""));
        CHECK_INT(cases[i].status, got.status);
    }
    (void) snprintf(url, sizeof url, "%s/sim/rates", simulator.origin);
    CLEANUP(buf_release) Buf rates = must_get(url);
    CHECK_TEXT("1.5", sim_member(buf_view(&rates), "arrays"));
    CHECK_TEXT("20.0", sim_member(buf_view(&rates), "hourly"));
    CHECK_TEXT("0.0", sim_member(buf_view(&rates), "late"));
    CHECK_TEXT("0.0", sim_member(buf_view(&rates), "daily"));
}
