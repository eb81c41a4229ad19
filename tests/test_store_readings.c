/* What becomes of a reading: new, late, unchanged, corrected, expired, quarantined; what is kept.
 */
#include "tests/test_store_kit.h"

#include <stdio.h>

/* Station S measures level and rain; station T measures flow. A day is 1440 minutes. */
static Kit open_with_measures(const char *dir)
{
    Kit kit = kit_open_in(dir);
    Batch batch = batch_init();
    kit_add_measures(&batch, "level@S rain@S flow@T");
    (void) kit_apply(&kit, &batch);
    return kit;
}

/* Applies batches parted by semicolons; returns the last. */
static Applied apply_script(Kit *kit, const char *script)
{
    Applied applied = {.generation = 0};
    Str rest = str_of(script), part;
    CLEANUP(buf_release) Buf text = buf_init(4096);
    for (bool more = true; more;) {
        more = str_cut(rest, ';', &part, &rest);
        buf_clear(&text);
        buf_put_str(&text, more ? part : rest);
        buf_put_char(&text, '\0');
        applied = kit_readings(kit, buf_view(&text).ptr);
    }
    return applied;
}

TEST(readings_are_counted_and_kept_by_one_rule)
{
    static const struct {
        const char *name, *script, *counts, *held, *latest;
    } cases[] = {
        {"first reading", "level/0=1.5", "1 new", "level/0=1.5", "level/0=1.5"},
        {"the next", "level/0=1; level/15=2", "1 new", "level/0=1 level/15=2", "level/15=2"},
        {"a whole batch is new", "level/0=1 level/15=2 level/30=3", "3 new",
         "level/0=1 level/15=2 level/30=3", "level/30=3"},
        {"whatever its order", "level/30=3 level/0=1 level/15=2", "3 new",
         "level/0=1 level/15=2 level/30=3", "level/30=3"},
        {"again", "level/0=1; level/0=1", "1 unchanged", "level/0=1", "level/0=1"},
        {"late", "level/30=3; level/15=2", "1 late", "level/15=2 level/30=3", "level/30=3"},
        {"late beside new", "level/30=3; level/45=4 level/15=2", "1 new, 1 late",
         "level/15=2 level/30=3 level/45=4", "level/45=4"},
        {"late is behind its own measure, not its station", "level/30=3; rain/15=2", "1 new",
         "level/30=3 rain/15=2", "level/30=3 rain/15=2"},
        {"corrected", "level/0=1; level/0=2", "1 corrected", "level/0=2!1", "level/0=2!1"},
        {"corrected twice", "level/0=1; level/0=2; level/0=1", "1 corrected", "level/0=1!2",
         "level/0=1!2"},
        {"a correction again", "level/0=1; level/0=2; level/0=2", "1 unchanged", "level/0=2!1",
         "level/0=2!1"},
        {"minus zero is zero", "level/0=0.0; level/0=-0.0", "1 unchanged", "level/0=0",
         "level/0=0"},
        {"twice in a batch", "level/0=1 level/0=1", "1 new, 1 unchanged", "level/0=1", "level/0=1"},
        {"two values in a batch: the last", "level/0=1 level/0=2", "1 new, 1 unchanged",
         "level/0=2", "level/0=2"},
        {"and the same batch again", "level/0=1 level/0=2; level/0=1 level/0=2", "2 unchanged",
         "level/0=2", "level/0=2"},

        {"96 slots of 15 minutes: the 97th leaves", "level/0=1; level/1425=2; level/1440=3",
         "1 new", "level/1425=2 level/1440=3", "level/1440=3"},
        {"24 h less a minute stays", "level/1=1; level/1440=3", "1 new", "level/1=1 level/1440=3",
         "level/1440=3"},
        {"the window is the station's", "rain/0=1 rain/60=1; level/1470=3", "1 new",
         "level/1470=3 rain/60=1", "level/1470=3 rain/60=1"},
        {"not another station's", "flow/0=1; level/3000=3", "1 new", "level/3000=3 flow/0=1",
         "level/3000=3 flow/0=1"},
        {"expired", "level/3000=3; level/0=1", "1 expired", "level/3000=3", "level/3000=3"},
        {"expired by its own batch", "level/0=1 level/3000=3", "1 new, 1 expired", "level/3000=3",
         "level/3000=3"},
        {"expired by a sister measure", "rain/3000=3; level/2990=1; level/0=1", "1 expired",
         "level/2990=1 rain/3000=3", "level/2990=1 rain/3000=3"},
        {"an expired batch again", "level/0=1 level/3000=3; level/0=1 level/3000=3",
         "1 unchanged, 1 expired", "level/3000=3", "level/3000=3"},

        {"last known stays out of readings", "rain/0=1; level/3000=3", "1 new", "level/3000=3",
         "level/3000=3 rain/0=1"},
        {"last known met for the first time", "level/30000=3; rain/0=1", "1 new", "level/30000=3",
         "level/30000=3 rain/0=1"},
        {"in one batch", "level/30000=3 rain/0=1", "2 new", "level/30000=3",
         "level/30000=3 rain/0=1"},
        {"last known again", "level/30000=3 rain/0=1; rain/0=1", "1 unchanged", "level/30000=3",
         "level/30000=3 rain/0=1"},
        {"last known corrected", "level/30000=3 rain/0=1; rain/0=2", "1 corrected", "level/30000=3",
         "level/30000=3 rain/0=2!1"},
        {"older than the last known", "level/30000=3 rain/60=1; rain/0=2", "1 expired",
         "level/30000=3", "level/30000=3 rain/60=1"},
        {"newer than the last known, still outside", "level/30000=3 rain/0=1; rain/60=2", "1 new",
         "level/30000=3", "level/30000=3 rain/60=2"},
        {"several outside: the newest", "level/30000=3; rain/0=1 rain/60=2 rain/30=9",
         "1 new, 2 expired", "level/30000=3", "level/30000=3 rain/60=2"},
        {"a dead sensor wakes up", "level/30000=3 rain/0=1; rain/30000=2", "1 new",
         "level/30000=3 rain/30000=2", "level/30000=3 rain/30000=2"},
        {"one reading of a long silent station", "level/0=1; level/90000=2", "1 new",
         "level/90000=2", "level/90000=2"},

        {"unknown measure", "level/0=1; nothing/0=1 nothing/15=1 nobody/0=1", "3 quarantined",
         "level/0=1", "level/0=1"},
        {"unknown beside known", "nothing/0=1 level/0=1", "1 new, 1 quarantined", "level/0=1",
         "level/0=1"},
        {"an unknown one moves no window", "level/0=1; nothing/9000=1", "1 quarantined",
         "level/0=1", "level/0=1"},

        {"several values: the first, without a reading before", "level/0=0.17|11.6", "1 new",
         "level/0=0.17?", "level/0=0.17?"},
        {"several values: the nearer to the one before", "level/0=11; level/15=0.17|11.6", "1 new",
         "level/0=11 level/15=11.6?", "level/15=11.6?"},
        {"the one before may come with it", "level/15=0.17|11.6 level/0=11", "2 new",
         "level/0=11 level/15=11.6?", "level/15=11.6?"},
        {"not the one after", "level/30=11; level/15=0.17|11.6", "1 late",
         "level/15=0.17? level/30=11", "level/30=11"},
        {"as near: the first of them", "level/0=2; level/15=3|1", "1 new", "level/0=2 level/15=3?",
         "level/15=3?"},
        {"all equal is no doubt", "level/0=20.37|20.37", "1 new", "level/0=20.37", "level/0=20.37"},
        {"the same values again", "level/0=0.17|11.6; level/0=0.17|11.6", "1 unchanged",
         "level/0=0.17?", "level/0=0.17?"},
        {"the same, though another would be chosen now",
         "level/15=0.17|11.6; level/0=11; level/15=0.17|11.6", "1 unchanged",
         "level/0=11 level/15=0.17?", "level/15=0.17?"},
        {"other values", "level/0=0.17|11.6; level/0=0.18|11.6", "1 corrected", "level/0=0.18?!1",
         "level/0=0.18?!1"},
        {"one value at last", "level/0=0.17|11.6; level/0=11.6", "1 corrected", "level/0=11.6!1",
         "level/0=11.6!1"},
        {"one value, the chosen one", "level/0=0.17|11.6; level/0=0.17", "1 unchanged",
         "level/0=0.17?", "level/0=0.17?"},
        {"several where there was one", "level/0=0.17; level/0=0.17|11.6", "1 corrected",
         "level/0=0.17?!1", "level/0=0.17?!1"},
        {"nothing at all", "level/0=1; ", "nothing", "level/0=1", "level/0=1"},
    };
    const char *base = test_dir();
    for (size_t i = 0; i < countof(cases); i++) {
        char dir[300];
        (void) snprintf(dir, sizeof dir, "%s/%zu", base, i);
        CASE(cases[i].name);
        Kit kit = open_with_measures(dir);
        Applied applied = apply_script(&kit, cases[i].script);
        CHECK_TEXT(cases[i].counts, str_of(kit_counts(&applied.readings)));
        CLEANUP(buf_release) Buf held = kit_held(kit.store);
        CLEANUP(buf_release) Buf latest = kit_latest(kit.store);
        CHECK_TEXT(cases[i].held, buf_view(&held));
        CHECK_TEXT(cases[i].latest, buf_view(&latest));

        CHECK_INT(0, kit_strays(&kit));
        CHECK_INT(kit_sql(&kit, "freshet.db", "SELECT count(*) FROM reading"),
                  kit_sql(&kit, "freshet.db", "SELECT readings FROM meta"));
        uint64_t generation = store_generation(kit.store);
        bool changes =
            applied.readings.fresh + applied.readings.late + applied.readings.corrected > 0;
        CHECK_INT(changes, applied.changed);
        CHECK_INT(generation, applied.generation);
        kit_close(&kit);
    }
}

TEST(readings_of_unknown_measures_tell_how_many_measures)
{
    Kit kit = open_with_measures(test_dir());
    Applied applied = kit_readings(&kit, "x/0=1 y/0=1 x/15=1 level/0=1");
    CHECK_INT(2, applied.unknown_measures);
    CHECK_INT(3, applied.readings.quarantined);
    kit_close(&kit);
}

TEST(readings_carry_the_time_they_were_received)
{
    Err err = {.code = OK};
    Kit kit = open_with_measures(test_dir());
    kit.now = KIT_ZERO + 1000;
    (void) kit_readings(&kit, "level/0=1 rain/0=5");
    kit.now = KIT_ZERO + 2000;
    (void) kit_readings(&kit, "level/0=1 rain/0=6");
    CHECK_INT(KIT_ZERO + 1000,
              kit_sql(&kit, "freshet.db", "SELECT received FROM reading WHERE value = 1"));
    CHECK_INT(KIT_ZERO + 2000,
              kit_sql(&kit, "freshet.db", "SELECT received FROM reading WHERE value = 6"));
    CHECK_INT(KIT_ZERO + 2000, store_as_of(kit.store));

    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    REQUIRE_OK(store_snapshot(kit.store, &snap, &err));
    CHECK_INT(KIT_ZERO + 2000, snapshot_info(snap)->as_of);
    snapshot_close(TAKE(snap));
    kit_close(&kit);
}

TEST(readings_keep_the_flags_that_came_with_them)
{
    Kit kit = open_with_measures(test_dir());
    Batch batch = batch_init();
    BatchReading given = {
        .reading = {.measure_id = STR("level"),
                    .time = KIT_ZERO,
                    .value = 1,
                    .flags = READING_SUSPECT},
    };
    REQUIRE(batch_add_reading(&batch, &given));
    (void) kit_apply(&kit, &batch);
    CHECK_INT(READING_SUSPECT, kit_sql(&kit, "freshet.db", "SELECT flags FROM reading"));
    (void) kit_readings(&kit, "level/0=2");
    CHECK_INT(READING_CORRECTED, kit_sql(&kit, "freshet.db", "SELECT flags FROM reading"));
    kit_close(&kit);
}

TEST(readings_keep_every_value_of_an_ambiguous_one)
{
    Kit kit = open_with_measures(test_dir());
    (void) kit_readings(&kit, "level/0=0.17|11.6|3");
    CHECK_INT(1, kit_sql(&kit, "freshet.db", "SELECT raw = '0.17|11.6|3' FROM reading"));
    kit_close(&kit);
}

TEST(readings_equal_twice_leave_one_generation_and_an_untouched_log)
{
    Kit kit = open_with_measures(test_dir());
    Applied first = kit_readings(&kit, "level/0=1 rain/0=2 flow/0=3");
    uint64_t generation = store_generation(kit.store);
    UnixSec as_of = store_as_of(kit.store);
    Err err = {.code = OK};
    StoreCounts before = {0}, after = {0};
    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    REQUIRE_OK(store_snapshot(kit.store, &snap, &err));
    REQUIRE_OK(snapshot_counts(snap, &before, &err));
    Applied second = kit_readings(&kit, "level/0=1 rain/0=2 flow/0=3");
    REQUIRE_OK(snapshot_counts(snap, &after, &err));
    snapshot_close(TAKE(snap));

    CHECK(first.changed && !second.changed);
    CHECK_INT(generation, first.generation);
    CHECK_INT(generation, second.generation);
    CHECK_INT(generation, store_generation(kit.store));
    CHECK_INT(as_of, store_as_of(kit.store));
    CHECK_INT(before.wal_bytes, after.wal_bytes);
    CHECK_INT(before.store_bytes, after.store_bytes);
    kit_close(&kit);
}

TEST(readings_of_a_measure_that_moves_move_its_windows)
{
    Kit kit = open_with_measures(test_dir());
    (void) kit_readings(&kit, "level/3000=1 rain/2990=1 flow/0=1 flow/60=1");
    Batch batch = batch_init();
    Measure moved = kit_measure("level", "T");
    moved.raw = STR("level, moved");
    kit_add_measure(&batch, moved);
    Applied applied = kit_apply(&kit, &batch);
    CHECK_INT(1, applied.trimmed); /* flow/0; flow/60 is the last known of its measure now */
    CLEANUP(buf_release) Buf held = kit_held(kit.store);
    CLEANUP(buf_release) Buf latest = kit_latest(kit.store);
    CHECK_TEXT("rain/2990=1 level/3000=1", buf_view(&held));
    CHECK_TEXT("rain/2990=1 flow/60=1 level/3000=1", buf_view(&latest));
    CHECK_INT(KIT_ZERO + 2990 * 60,
              kit_sql(&kit, "freshet.db",
                      "SELECT time FROM station_newest JOIN station ON key = station"
                      " WHERE id = 'S'"));
    kit_close(&kit);
}

TEST(readings_of_a_shorter_window_are_told_and_trimmed_by_it)
{
    Err err = {.code = OK};
    char note[STORE_NOTE_SIZE] = "";
    Kit kit = open_with_measures(test_dir());
    (void) kit_readings(&kit, "level/0=1 level/60=2 level/120=3");
    writer_close(kit.writer);
    store_close(kit.store);
    StoreOptions options = kit_options(kit.dir);
    options.window_s = 3600;
    REQUIRE_OK(store_open(&options, &kit.store, note, &err));
    REQUIRE_OK(store_writer(kit.store, &kit.writer, &err));
    CLEANUP(buf_release) Buf held = kit_held(kit.store);
    CHECK_TEXT("level/120=3", buf_view(&held));
    Applied applied = kit_readings(&kit, "level/135=4");
    CHECK_INT(2, applied.trimmed);
    kit_close(&kit);
}
