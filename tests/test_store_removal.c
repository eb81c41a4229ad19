/* What leaves the store when it has been in no list, and without a reading, for 30 days. */
#include "tests/test_store_kit.h"

#include <stdio.h>

enum { DAY = 24 * 3600, DAY_MIN = 24 * 60 };

/* A whole list of these, read on this day. */
static Applied list_on_day(Kit *kit, int day, const char *measures, const char *readings)
{
    Batch batch = batch_init();
    kit->now = KIT_ZERO + day * DAY;
    batch.has_all_stations = batch.has_all_measures = true;
    kit_add_station(&batch, kit_station("Kept"));
    kit_add_measures(&batch, measures);
    kit_add_readings(&batch, readings);
    return kit_apply(kit, &batch);
}

static void check_ids(const Kit *kit, const char *stations, const char *measures)
{
    CLEANUP(buf_release) Buf got_stations = kit_station_ids(kit->store, &(Filter){0});
    CLEANUP(buf_release) Buf got_measures = kit_measure_ids(kit->store, &(Filter){0});
    CHECK_TEXT(stations, buf_view(&got_stations));
    CHECK_TEXT(measures, buf_view(&got_measures));
}

static void check_counts_are_true(const Kit *kit)
{
    CHECK_INT(1, kit_sql(kit, "freshet.db",
                         "SELECT stations = (SELECT count(*) FROM station)"
                         " AND measures = (SELECT count(*) FROM measure)"
                         " AND readings = (SELECT count(*) FROM reading) FROM meta"));
    CHECK_INT(0, kit_sql(kit, "freshet.db",
                         "SELECT count(*) FROM delivery WHERE measure NOT IN"
                         " (SELECT key FROM measure)"));
    CHECK_INT(0, kit_sql(kit, "freshet.db",
                         "SELECT count(*) FROM station_newest WHERE station NOT IN"
                         " (SELECT key FROM station)"));
    CHECK_INT(0, kit_sql(kit, "freshet.db",
                         "SELECT count(*) FROM station_alias WHERE station NOT IN"
                         " (SELECT key FROM station)"));
}

TEST(removal_waits_30_days_without_list_and_reading)
{
    Kit kit = kit_open();
    (void) list_on_day(&kit, 0, "a@A b@Kept", "a/0=1 b/0=1");
    (void) list_on_day(&kit, 1, "b@Kept", "");
    check_ids(&kit, "A Kept", "a b");
    CASE("the day before");
    CHECK(!list_on_day(&kit, 30, "b@Kept", "").changed);
    check_ids(&kit, "A Kept", "a b");
    CASE("only with a whole list");
    kit.now = KIT_ZERO + 31 * DAY;
    CHECK(!kit_readings(&kit, "").changed);
    check_ids(&kit, "A Kept", "a b");
    CASE("gone, its station with it, which is a change");
    Applied applied = list_on_day(&kit, 31, "b@Kept", "");
    CHECK(applied.changed);
    CHECK_INT(1, applied.measures_changed);
    CHECK_INT(1, applied.stations_changed);
    CHECK_INT(1, applied.readings_held);
    check_ids(&kit, "Kept", "b");
    check_counts_are_true(&kit);
    CASE("once");
    CHECK(!list_on_day(&kit, 32, "b@Kept", "").changed);
    kit_close(&kit);
}

TEST(removal_spares_what_delivers_or_is_listed_again)
{
    Kit kit = kit_open();
    (void) list_on_day(&kit, 0, "a@A b@B c@C", "a/0=1 b/0=1 c/0=1");
    (void) list_on_day(&kit, 1, "c@C", "");
    char reading[40];
    (void) snprintf(reading, sizeof reading, "a/%d=1", 20 * DAY_MIN);
    (void) list_on_day(&kit, 20, "b@B c@C", reading); /* a delivers, b is back */
    (void) list_on_day(&kit, 25, "c@C", "");          /* and is not */
    (void) list_on_day(&kit, 40, "c@C", "");
    check_ids(&kit, "A B C Kept", "a b c"); /* c is listed, however old its reading */
    (void) list_on_day(&kit, 50, "c@C", "");
    check_ids(&kit, "B C Kept", "b c");
    (void) list_on_day(&kit, 55, "c@C", "");
    check_ids(&kit, "C Kept", "c");
    check_counts_are_true(&kit);
    kit_close(&kit);
}

/* Beside a live one the station stays, and its window follows what is left. */
TEST(removal_of_one_measure_leaves_its_station)
{
    Kit kit = kit_open();
    (void) list_on_day(&kit, 0, "a@Kept b@Kept", "a/0=1 b/0=1 b/15=1");
    (void) list_on_day(&kit, 1, "a@Kept", "");
    (void) list_on_day(&kit, 31, "a@Kept", "");
    check_ids(&kit, "Kept", "a");
    CHECK_INT(KIT_ZERO, kit_sql(&kit, "freshet.db", "SELECT time FROM station_newest"));
    check_counts_are_true(&kit);
    kit_close(&kit);
}

/* The network is shared by more than before: what another has now goes at once. */
TEST(removal_of_what_became_another_shards)
{
    static const char *const stations[] = {"1491TH", "E7050", "EdgeH1"}; /* the third is 2/2's */
    Kit kit = kit_open();
    for (int of = 1; of <= 2; of++) {
        Batch batch = batch_init();
        batch.shard = (Shard){.index = 0, .count = (uint32_t) of};
        batch.has_all_stations = batch.has_all_measures = true;
        for (size_t i = 0; i < countof(stations); i++) {
            char measure[80];
            (void) snprintf(measure, sizeof measure, "%s-level-stage-i-15_min-m@%s", stations[i],
                            stations[i]);
            if (shard_has_station(batch.shard, str_of(stations[i])))
                kit_add_measures(&batch, measure);
        }
        kit_add_readings(&batch, of == 1 ? "EdgeH1-level-stage-i-15_min-m/0=1"
                                           " E7050-level-stage-i-15_min-m/0=1"
                                         : "");
        (void) kit_apply(&kit, &batch);
        check_ids(&kit, of == 1 ? "1491TH E7050 EdgeH1" : "1491TH E7050",
                  of == 1 ? "1491TH-level-stage-i-15_min-m E7050-level-stage-i-15_min-m"
                            " EdgeH1-level-stage-i-15_min-m"
                          : "1491TH-level-stage-i-15_min-m E7050-level-stage-i-15_min-m");
        check_counts_are_true(&kit);
    }
    kit_close(&kit);
}
