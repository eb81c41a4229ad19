/* Missing slots: where, why, when asked for. Times are minutes; a window of 24 h. */
#include "model/gaps.h"
#include "tests/test.h"

#include <stdio.h>

enum { MINUTE = 60, TIMES_MAX = 1500, ASKED_MAX = 4 };

typedef struct World {
    Measure measure;
    UnixSec times[TIMES_MAX];
    AskedRange asked[ASKED_MAX];
    GapSeries series;
} World;

/* A measure of 15 minutes with readings at the minutes told, the last of which is its newest; its
 * station keeps the 2 h up to there. */
static void open_world(World *world, const char *minutes)
{
    Str head, rest = str_of(minutes);
    size_t count = 0;
    bool more = true;
    *world = (World){.measure = {.value_type = STR("instantaneous"), .period_s = 15 * MINUTE}};
    while (more) {
        Str all = rest;
        int64_t minute = 0;
        more = str_cut(all, ' ', &head, &rest);
        REQUIRE(str_to_int(more ? head : all, &minute));
        world->times[count++] = minute * MINUTE;
    }
    UnixSec newest = world->times[count - 1];
    world->measure.newest = newest;
    world->measure.expectation.late_after = newest + 60 * MINUTE;
    world->series = (GapSeries){
        .measure = &world->measure,
        .window = window_ending_at(newest, 120 * MINUTE),
        .as_of = newest,
        .times = world->times,
        .time_count = count,
        .asked = world->asked,
    };
}

static void ask_for(World *world, int from, int to, int at)
{
    world->asked[world->series.asked_count++] =
        (AskedRange){.from = from * MINUTE, .to = to * MINUTE, .asked_at = at * MINUTE};
}

static bool put_gap(const Gap *gap, void *ctx)
{
    buf_printf(ctx, "%lld..%lld x%lld %s", (long long) gap->from / MINUTE,
               (long long) gap->to / MINUTE, (long long) gap->slots, gap_cause_name(gap->cause));
    if (gap->asked != NO_TIME)
        buf_printf(ctx, " %lld", (long long) gap->asked / MINUTE);
    BUF_LITERAL((Buf *) ctx, "; ");
    return true;
}

static void check_gaps(const World *world, int64_t received, int64_t expected, const char *want)
{
    CLEANUP(buf_release) Buf got = buf_init(1 << 16);
    GapCount count = gaps_count(&world->series);
    CHECK_INT(received, count.received);
    CHECK_INT(expected, count.expected);
    CHECK(gaps_each(&world->series, put_gap, &got));
    CHECK_TEXT(want, got.len > 0 ? buf_view(&got) : STR(""));
}

TEST(gaps_are_the_slots_without_a_reading)
{
    static const struct {
        const char *name, *minutes;
        int64_t received, expected;
        const char *want;
    } cases[] = {
        {"none", "1000 1015 1030 1045 1060 1075 1090 1105", 8, 8, ""},
        {"one", "1000 1015 1030 1060 1075 1090 1105", 7, 8, "1045..1060 x1 unasked; "},
        {"two runs", "1000 1045 1060 1075 1105", 5, 8,
         "1015..1045 x2 unasked; 1090..1105 x1 unasked; "},
        {"the window's start", "1075 1090 1105", 3, 8, "1000..1075 x5 unasked; "},
        {"off the quarters", "1007 1022 1037 1067 1082 1097 1112", 7, 8, "1052..1067 x1 unasked; "},
        {"a late one sits in its slot", "1000 1015 1032 1045 1060 1075 1090 1105", 8, 8, ""},
        {"two in a slot fill one", "1000 1005 1015 1045 1060 1075 1090 1105", 7, 8,
         "1030..1045 x1 unasked; "},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        World world;
        CASE(cases[i].name);
        open_world(&world, cases[i].minutes);
        check_gaps(&world, cases[i].received, cases[i].expected, cases[i].want);
    }
}

TEST(gaps_behind_the_newest_are_pending_until_it_is_late)
{
    World world;
    open_world(&world, "1000 1015 1030 1045 1060 1075 1090 1105");
    static const struct {
        const char *name;
        int as_of;
        int64_t expected;
        const char *want;
    } cases[] = {
        {"its slot has not ended", 1134, 8, ""},
        {"it has", 1135, 8, "1120..1135 x1 pending; "},
        {"at late_after", 1165, 8, "1120..1165 x3 pending; "},
        {"late", 1180, 12, "1120..1180 x4 unasked; "},
        {"no further back than a window", 5000, 15, "4885..4990 x7 unasked; "},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].name);
        world.series.as_of = cases[i].as_of * MINUTE;
        check_gaps(&world, 8, cases[i].expected, cases[i].want);
    }
}

TEST(gaps_tell_when_they_were_last_asked_for)
{
    World world;
    open_world(&world, "1000 1105");
    ask_for(&world, 900, 1045, 1110);
    check_gaps(&world, 2, 8, "1015..1045 x2 upstream 1110; 1045..1105 x4 unasked; ");
    ask_for(&world, 1030, 1075, 1120);
    check_gaps(&world, 2, 8,
               "1015..1030 x1 upstream 1110; 1030..1075 x3 upstream 1120; 1075..1105 x2 unasked; ");
    CASE("pending although it was asked for");
    ask_for(&world, 1105, 1150, 1140);
    world.series.as_of = 1140 * MINUTE;
    CLEANUP(buf_release) Buf got = buf_init(1 << 16);
    CHECK(gaps_each(&world.series, put_gap, &got));
    CHECK_HAS("1120..1135 x1 pending 1140; ", buf_view(&got));
}

TEST(gaps_need_a_period)
{
    World world;
    static const char eight[] = "1000 1015 1030 1045 1060 1090 1105 1119";
    open_world(&world, eight);
    world.measure.value_type = STR("Event");
    check_gaps(&world, 0, 0, "");
    CHECK_INT(1000 * MINUTE, gaps_count(&world.series).earliest); /* its readings are there still */
    CHECK_INT(1119 * MINUTE, gaps_count(&world.series).latest);

    CASE("learned from eight");
    open_world(&world, eight);
    world.measure.period_s = 0;
    world.series.window = window_ending_at(1105 * MINUTE, 120 * MINUTE);
    world.measure.newest = world.series.as_of = 1105 * MINUTE;
    CHECK_INT(900, gaps_count(&world.series).period_s);
    check_gaps(&world, 7, 8, "1075..1090 x1 unasked; ");

    CASE("seven are too few");
    world.series.time_count = 7;
    check_gaps(&world, 0, 0, "");

    CASE("no step that most of them take");
    open_world(&world, "1000 1003 1010 1011 1020 1021 1040 1100 1105");
    world.measure.period_s = 0;
    check_gaps(&world, 0, 0, "");

    CASE("no reading at all");
    open_world(&world, "1000");
    world.measure.newest = NO_TIME;
    world.series.time_count = 0;
    check_gaps(&world, 0, 0, "");
    CHECK_INT(NO_TIME, gaps_count(&world.series).earliest);
    CHECK_INT(NO_TIME, gaps_count(&world.series).latest);
}

/* Beside a live one: its last known reading lies before the window. */
TEST(gaps_of_a_measure_that_left_its_station_s_window_are_all_of_it)
{
    World world;
    open_world(&world, "1000");
    world.series.window = window_ending_at(2000 * MINUTE, 120 * MINUTE);
    world.series.as_of = 2000 * MINUTE;
    world.series.time_count = 0;
    check_gaps(&world, 0, 7, "1885..1990 x7 unasked; ");
}

static bool stop(const Gap *gap, void *ctx)
{
    (void) gap;
    ++*(int *) ctx;
    return false;
}

TEST(gaps_stop_when_told)
{
    World world;
    int count = 0;
    open_world(&world, "1000 1030 1105");
    CHECK(!gaps_each(&world.series, stop, &count));
    CHECK_INT(1, count);
}
