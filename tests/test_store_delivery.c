/* Deliveries as the store keeps them, and how fresh measures are by them. */
#include "tests/test_store_kit.h"

#include <stdio.h>

enum { POLL_S = 900 };

/* A poll at `minute`, with readings as in kit_add_readings(). */
static Applied poll_at(Kit *kit, int minute, const char *readings, bool evaluates)
{
    Batch batch = batch_init();
    kit->now = KIT_ZERO + minute * 60 + 7; /* the commit comes behind the slot */
    batch.slot = KIT_ZERO + minute * 60;
    batch.poll_s = POLL_S;
    batch.evaluates = evaluates;
    kit_add_readings(&batch, readings);
    return kit_apply(kit, &batch);
}

static void record_good_poll(Kit *kit, int minute)
{
    Err err = {.code = OK};
    const PollReport report = {.started = KIT_ZERO + minute * 60 + 5};
    REQUIRE_OK(writer_record_poll(kit->writer, &report, &err));
}

static Kit open_with(const char *measures)
{
    Kit kit = kit_open();
    Batch batch = batch_init();
    kit_add_measures(&batch, measures);
    (void) kit_apply(&kit, &batch);
    return kit;
}

static int64_t minute_of(UnixSec time)
{
    return time == NO_TIME ? -1 : (time - KIT_ZERO) / 60;
}

/* "level fresh late 60 stale 105 next -1; " */
static bool add_freshness(const Station *station, const Measure *measure, const Reading *newest,
                          void *ctx)
{
    const Expectation *e = &measure->expectation;
    (void) station, (void) newest;
    buf_printf(ctx, STR_FMT " %s late %lld stale %lld next %lld; ", STR_ARG(measure->id),
               freshness_name(measure->freshness), (long long) minute_of(e->late_after),
               (long long) minute_of(e->stale_after), (long long) minute_of(e->expected_next));
    return true;
}

static void check_freshness(const Kit *kit, const char *want)
{
    Err err = {.code = OK};
    CLEANUP(buf_release) Buf got = buf_init(1 << 20);
    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    REQUIRE_OK(store_snapshot(kit->store, &snap, &err));
    CHECK_OK(snapshot_each_measure(snap, &(Filter){0}, add_freshness, &got, &err));
    CHECK_TEXT(want, buf_view(&got));
}

static void check_counts(const Kit *kit, int fresh, int late, int stale, int silent)
{
    Err err = {.code = OK};
    int64_t counts[FRESHNESS_COUNT];
    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    REQUIRE_OK(store_snapshot(kit->store, &snap, &err));
    REQUIRE_OK(snapshot_freshness_counts(snap, counts, &err));
    CHECK_INT(fresh, counts[FRESHNESS_FRESH]);
    CHECK_INT(late, counts[FRESHNESS_LATE]);
    CHECK_INT(stale, counts[FRESHNESS_STALE]);
    CHECK_INT(silent, counts[FRESHNESS_SILENT]);
}

TEST(delivery_crossings_come_at_slots_and_are_changes)
{
    Kit kit = open_with("level@S nobody@S");
    check_freshness(&kit, "level silent late -1 stale -1 next -1;"
                          " nobody silent late -1 stale -1 next -1; ");
    (void) poll_at(&kit, 15, "level/0=1", true);
    /* prior 45 min: late after 15 + 45 + 15, stale after 15 + 90 + 15 */
    check_freshness(&kit, "level fresh late 75 stale 120 next -1;"
                          " nobody silent late -1 stale -1 next -1; ");
    static const struct {
        const char *name;
        int minute;
        bool evaluates;
        int64_t crossings;
        int counts[FRESHNESS_COUNT];
    } cases[] = {
        {"at late_after itself it is fresh", 75, true, 0, {1, 0, 0, 1}},
        {"who was down himself does not judge", 90, false, 0, {1, 0, 0, 1}},
        {"late", 90, true, 1, {0, 1, 0, 1}},
        {"once", 105, true, 0, {0, 1, 0, 1}},
        {"stale", 135, true, 1, {0, 0, 1, 1}},
        {"newest is 24 h old", 1440, true, 0, {0, 0, 1, 1}},
        {"silent", 1455, true, 1, {0, 0, 0, 2}},
        {"for ever", 9000, true, 0, {0, 0, 0, 2}},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].name);
        uint64_t generation = store_generation(kit.store);
        Applied applied = poll_at(&kit, cases[i].minute, "", cases[i].evaluates);
        CHECK_INT(cases[i].crossings, applied.crossings);
        CHECK_INT(cases[i].crossings > 0, applied.changed);
        CHECK_INT(generation + (cases[i].crossings > 0), store_generation(kit.store));
        const int *want = cases[i].counts;
        check_counts(&kit, want[0], want[1], want[2], want[3]);
    }
    CASE("it delivers again");
    (void) poll_at(&kit, 9015, "level/9000=1", true);
    check_counts(&kit, 1, 0, 0, 1);
    kit_close(&kit);
}

TEST(delivery_is_a_newer_newest_reading)
{
    Kit kit = open_with("level@S");
    (void) poll_at(&kit, 15, "level/0=1", true);
    static const struct {
        const char *name, *readings;
    } cases[] = {
        {"the same again", "level/0=1"},
        {"behind the newest", "level/-15=1"},
        {"a correction", "level/0=2"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].name);
        (void) poll_at(&kit, 30, cases[i].readings, true);
        check_freshness(&kit, "level fresh late 75 stale 120 next -1; ");
    }
    CASE("several of one poll are one");
    (void) poll_at(&kit, 30, "level/5=1", true);
    (void) poll_at(&kit, 30, "level/10=1 level/15=1", true);
    kit.now += 60;
    (void) kit_readings(&kit, "level/20=1"); /* asked for because of that poll */
    check_freshness(&kit, "level fresh late 90 stale 135 next -1; ");
    CHECK_INT(4, kit_sql(&kit, "freshet.db", "SELECT length(gaps) FROM delivery"));
    kit_close(&kit);
}

TEST(delivery_gaps_make_the_habit_and_survive_a_restart)
{
    Kit kit = open_with("level@S");
    for (int i = 0; i < 20; i++) { /* every 2 h: 16 gaps are kept */
        char reading[40];
        (void) snprintf(reading, sizeof reading, "level/%d=1", i * 120);
        (void) poll_at(&kit, 15 + i * 120, reading, true);
        if (i == 10)
            kit_reopen(&kit);
    }
    /* last at 2295: A = 120 */
    check_freshness(&kit, "level fresh late 2430 stale 2550 next 2415; ");
    CHECK_INT(64, kit_sql(&kit, "freshet.db", "SELECT length(gaps) FROM delivery"));
    CHECK_INT(1, kit_sql(&kit, "freshet.db",
                         "SELECT substr(hex(gaps), 1, 8) = '201C0000' FROM delivery")); /* 7200 */
    kit_close(&kit);
}

TEST(delivery_gap_leaves_out_the_time_that_we_were_away)
{
    Kit kit = open_with("level@S");
    int minute = 15;
    for (int i = 0; i < 5; i++, minute += 15) { /* a gap of 15 min each */
        char reading[40];
        (void) snprintf(reading, sizeof reading, "level/%d=1", minute - 15);
        (void) poll_at(&kit, minute, reading, true);
        record_good_poll(&kit, minute);
    }
    /* last at 75; we are back at 375, and the measure may have come at 90 */
    (void) poll_at(&kit, 375, "level/360=1", false);
    check_freshness(&kit, "level fresh late 405 stale 420 next 390; ");
    kit_close(&kit);
}

TEST(delivery_of_a_measure_that_left_its_station_s_window_is_silent)
{
    Kit kit = open_with("dead@S live@S");
    (void) poll_at(&kit, 15, "dead/0=1 live/0=1", true);
    check_counts(&kit, 2, 0, 0, 0);
    (void) poll_at(&kit, 1456, "live/1439=1", false);
    check_counts(&kit, 2, 0, 0, 0);
    Applied applied = poll_at(&kit, 1456, "live/1440=1", false);
    CHECK_INT(1, applied.crossings);
    check_counts(&kit, 1, 0, 0, 1);
    Filter filter = {.freshness = 1u << FRESHNESS_SILENT};
    CLEANUP(buf_release) Buf silent = kit_measure_ids(kit.store, &filter);
    CHECK_TEXT("dead", buf_view(&silent));
    CASE("once");
    CHECK_INT(0, poll_at(&kit, 1471, "live/1455=1", true).crossings);
    kit_close(&kit);
}
