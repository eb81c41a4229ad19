/* What is asked for: everything since a moment where many lack it, single series where few do. */
#include "ingest/plan.h"
#include "tests/test.h"

#include <stdio.h>
#include <string.h>

#define NOW      ((UnixSec) 1795341600)
#define HOURS(n) ((int64_t) (n) *3600)

static SeriesGap a_gap(const char *station, const char *measure, int64_t open_s)
{
    return (SeriesGap){.station_id = str_of(station),
                       .measure_id = str_of(measure),
                       .after = NOW - open_s,
                       .until = NOW,
                       .period_s = 900};
}

static Plan plan_within(int64_t most_requests, const SeriesGap *gaps, size_t count,
                        double rows_per_s, Arena *arena)
{
    Plan plan = {.count = 99};
    Err err = {.code = OK};
    const PlanLimits limits = {.rows_per_s = rows_per_s, .requests = most_requests};
    REQUIRE_OK(plan_asks(gaps, count, NOW, &limits, arena, &plan, &err));
    return plan;
}

static Plan plan_of(const SeriesGap *gaps, size_t count, double rows_per_s, Arena *arena)
{
    return plan_within(INT64_MAX, gaps, count, rows_per_s, arena);
}

TEST(plan_of_nothing_asks_for_nothing)
{
    CLEANUP(arena_release) Arena arena = arena_init();
    CHECK_INT(0, plan_of(NULL, 0, 6, &arena).count);
}

TEST(plan_asks_for_few_series_one_by_one)
{
    CLEANUP(arena_release) Arena arena = arena_init();
    const SeriesGap gaps[] = {a_gap("A", "A-1", HOURS(12)), a_gap("B", "B-1", HOURS(1))};
    Plan plan = plan_of(gaps, 2, 6, &arena);
    REQUIRE(plan.count == 2);
    CHECK_INT(ASK_MEASURE, plan.asks[0].kind);
    CHECK_TEXT("A-1", plan.asks[0].id);
    CHECK_INT(NOW - HOURS(12), plan.asks[0].since);
    CHECK_INT(NOW - HOURS(1), plan.asks[1].since);
}

TEST(plan_asks_for_a_station_where_several_of_its_measures_lack)
{
    CLEANUP(arena_release) Arena arena = arena_init();
    const SeriesGap gaps[] = {a_gap("A", "A-1", HOURS(2)), a_gap("A", "A-2", HOURS(3))};
    Plan plan = plan_of(gaps, 2, 600, &arena);
    REQUIRE(plan.count == 1);
    CHECK_INT(ASK_STATION, plan.asks[0].kind);
    CHECK_TEXT("A", plan.asks[0].id);
    CHECK_INT(NOW - HOURS(3), plan.asks[0].since);
}

TEST(plan_asks_for_the_measures_of_the_empty_id_one_by_one)
{
    CLEANUP(arena_release) Arena arena = arena_init();
    const SeriesGap gaps[] = {a_gap("", "-1", HOURS(2)), a_gap("", "-2", HOURS(2)),
                              a_gap("", "-2", HOURS(4))};
    Plan plan = plan_of(gaps, 3, 600, &arena);
    REQUIRE(plan.count == 2);
    CHECK_INT(ASK_MEASURE, plan.asks[0].kind);
    CHECK_INT(ASK_MEASURE, plan.asks[1].kind);
}

TEST(plan_of_a_whole_network_asks_for_everything_and_the_oldest_apart)
{
    CLEANUP(arena_release) Arena arena = arena_init();
    static char names[2001][16];
    SeriesGap gaps[2001];
    for (size_t i = 0; i < countof(gaps); i++) {
        (void) snprintf(names[i], sizeof names[i], "S%zu", i);
        gaps[i] = a_gap(names[i], names[i], HOURS(24));
    }
    gaps[2000] = a_gap("OLD", "OLD-1", HOURS(24 * 20)); /* silent for weeks */
    gaps[2000].until = NOW - HOURS(24 * 19);
    Plan plan = plan_of(gaps, countof(gaps), 2000 / 900.0, &arena);
    REQUIRE(plan.count == 2);
    CHECK_INT(ASK_EVERYTHING, plan.asks[0].kind);
    CHECK_INT(NOW - HOURS(24), plan.asks[0].since);
    CHECK_TEXT("OLD-1", plan.asks[1].id);
}

/* 400 series of a day are 2.0 MB one by one; everything of that day is 55 pages, and dearer. */
TEST(plan_keeps_to_the_requests_there_are)
{
    CLEANUP(arena_release) Arena arena = arena_init();
    static char names[400][16];
    SeriesGap gaps[400];
    for (size_t i = 0; i < countof(gaps); i++) {
        (void) snprintf(names[i], sizeof names[i], "S%zu", i);
        gaps[i] = a_gap(names[i], names[i], HOURS(24));
    }
    CHECK_INT(400, plan_within(400, gaps, countof(gaps), 6, &arena).count);
    Plan plan = plan_within(399, gaps, countof(gaps), 6, &arena);
    REQUIRE(plan.count == 1);
    CHECK_INT(ASK_EVERYTHING, plan.asks[0].kind);
    CHECK_INT(1, plan_within(20, gaps, countof(gaps), 6, &arena).count); /* none fits: the fewest */
    gaps[0].after = NOW - HOURS(24 * 300); /* for which everything would be 15,000 pages */
    CHECK_INT(2, plan_within(100, gaps, countof(gaps), 6, &arena).count);
}

TEST(plan_puts_what_is_newest_first)
{
    CLEANUP(arena_release) Arena arena = arena_init();
    SeriesGap gaps[] = {a_gap("A", "A", HOURS(30)), a_gap("B", "B", HOURS(3)),
                        a_gap("C", "C", HOURS(9))};
    gaps[0].until = NOW - HOURS(20);
    gaps[2].until = NOW - HOURS(2);
    Plan plan = plan_of(gaps, countof(gaps), 600, &arena);
    REQUIRE(plan.count == 3);
    CHECK_TEXT("B", plan.asks[0].id);
    CHECK_TEXT("C", plan.asks[1].id);
    CHECK_TEXT("A", plan.asks[2].id);
}

TEST(plan_covers_every_gap_whatever_they_are)
{
    uint64_t state = 11;
    for (int round = 0; round < 300; round++) {
        CLEANUP(arena_release) Arena arena = arena_init();
        static char names[64][2][16];
        SeriesGap gaps[64];
        state = state * 6364136223846793005u + 1442695040888963407u;
        size_t count = 1 + (state >> 40) % countof(gaps);
        for (size_t i = 0; i < count; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            (void) snprintf(names[i][0], sizeof names[i][0], "%.*s", (int) ((state >> 50) % 3),
                            (state >> 45) % 2 ? "ab" : "cd");
            (void) snprintf(names[i][1], sizeof names[i][1], "m%d", (int) ((state >> 33) % 90));
            gaps[i] = a_gap(names[i][0], names[i][1], 900 + (int64_t) (state >> 20) % HOURS(40));
        }
        Plan plan = plan_of(gaps, count, (double) (round % 7), &arena);
        CHECK(plan.count >= 1 && plan.count <= count + 1);
        for (size_t i = 0; i < count; i++) {
            bool covered = false;
            for (size_t k = 0; k < plan.count; k++)
                covered = covered || ask_covers(&plan.asks[k], &gaps[i]);
            CHECK(covered);
        }
    }
}
