/* The bookkeeping: polls and quarantine, beside the generations. */
#include "tests/test_store_kit.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static Snapshot *snapshot_of(Store *store)
{
    Err err = {.code = OK};
    Snapshot *snap = NULL;
    REQUIRE_OK(store_snapshot(store, &snap, &err));
    return snap;
}

TEST(ledger_gives_back_the_last_poll_and_the_last_good_one)
{
    Err err = {.code = OK};
    Kit kit = kit_open();
    CLEANUP(arena_release) Arena arena = arena_init();
    PollReport good = {
        .started = KIT_ZERO,
        .finished = KIT_ZERO + 2,
        .fault = FAULT_NONE,
        .unmodified = true,
        .requests = 3,
        .wire_bytes = 4,
        .fetch = {.wall_us = 5000},
        .parse = {.wall_us = 6000},
        .apply = {.wall_us = 7000},
        .generation = 8,
        .readings.received = 21,
        .readings.fresh = 1,
        .readings.late = 2,
        .readings.unchanged = 3,
        .readings.corrected = 4,
        .readings.expired = 5,
        .readings.quarantined = 6,
    };
    PollReport bad = {.started = KIT_ZERO + 900,
                      .finished = KIT_ZERO + 960,
                      .fault = FAULT_NETWORK,
                      .detail = STR("no connection")};
    CLEANUP(snapshot_closep) Snapshot *snap = snapshot_of(kit.store);
    PollReport got = {.requests = 99};
    CHECK_INT(ERR_NOT_FOUND, snapshot_last_poll(snap, false, &arena, &got, &err));
    CHECK_INT(99, got.requests);
    uint64_t generation = store_generation(kit.store);

    REQUIRE_OK(writer_record_poll(kit.writer, &bad, &err));
    CHECK_INT(ERR_NOT_FOUND, snapshot_last_poll(snap, true, &arena, &got, &err));
    REQUIRE_OK(writer_record_poll(kit.writer, &good, &err));
    REQUIRE_OK(writer_record_poll(kit.writer, &bad, &err));

    REQUIRE_OK(snapshot_last_poll(snap, false, &arena, &got, &err));
    CHECK_INT(FAULT_NETWORK, got.fault);
    CHECK_INT(bad.started, got.started);
    CHECK_STR(bad.detail, got.detail);
    CHECK(!got.unmodified);
    REQUIRE_OK(snapshot_last_poll(snap, true, &arena, &got, &err));
    CHECK(str_is_none(got.detail));
    good.detail = got.detail;
    CHECK(got.unmodified);
    CHECK_INT(good.started, got.started);
    CHECK_INT(good.finished, got.finished);
    CHECK_INT(good.requests, got.requests);
    CHECK_INT(good.wire_bytes, got.wire_bytes);
    CHECK_INT(good.fetch.wall_us, got.fetch.wall_us);
    CHECK_INT(good.parse.wall_us, got.parse.wall_us);
    CHECK_INT(good.apply.wall_us, got.apply.wall_us);
    CHECK_INT(good.generation, got.generation);
    CHECK_INT(good.readings.received, got.readings.received);
    CHECK_INT(good.readings.fresh, got.readings.fresh);
    CHECK_INT(good.readings.late, got.readings.late);
    CHECK_INT(good.readings.unchanged, got.readings.unchanged);
    CHECK_INT(good.readings.corrected, got.readings.corrected);
    CHECK_INT(good.readings.expired, got.readings.expired);
    CHECK_INT(good.readings.quarantined, got.readings.quarantined);
    CHECK_INT(generation, store_generation(kit.store));
    snapshot_close(TAKE(snap));
    kit_close(&kit);
}

TEST(ledger_keeps_the_last_thousand_polls)
{
    Err err = {.code = OK};
    Kit kit = kit_open();
    for (int i = 0; i < 1010; i++) {
        PollReport report = {.started = i, .requests = i};
        REQUIRE_OK(writer_record_poll(kit.writer, &report, &err));
    }
    CHECK_INT(1000, kit_sql(&kit, "ledger.db", "SELECT count(*) FROM poll"));
    CHECK_INT(10, kit_sql(&kit, "ledger.db", "SELECT min(requests) FROM poll"));
    kit_close(&kit);
}

static void check_quarantine(Store *store, RefusalReason reason, int64_t want)
{
    Err err = {.code = OK};
    int64_t counts[REFUSAL_REASON_COUNT] = {0};
    CLEANUP(snapshot_closep) Snapshot *snap = snapshot_of(store);
    REQUIRE_OK(snapshot_quarantine_counts(snap, counts, &err));
    CHECK_INT(want, counts[reason]);
}

static bool is_settled(const Kit *kit)
{
    bool settled = false;
    Err err = {.code = OK};
    CHECK_OK(writer_is_settled(kit->writer, &settled, &err));
    return settled;
}

TEST(ledger_tells_whether_the_last_poll_came_to_its_end)
{
    Err err = {.code = OK};
    Kit kit = kit_open();
    CHECK(is_settled(&kit)); /* nothing was ever begun */
    Batch batch = batch_init();
    kit_add_measures(&batch, "level@S");
    PollReport report = {.started = KIT_ZERO, .generation = kit_apply(&kit, &batch).generation};
    CHECK(!is_settled(&kit));
    CHECK_OK(writer_record_poll(kit.writer, &report, &err));
    CHECK(is_settled(&kit));
    report.fault = FAULT_NETWORK;
    CHECK_OK(writer_record_poll(kit.writer, &report, &err));
    CHECK(!is_settled(&kit));
    report.fault = FAULT_NONE;
    CHECK_OK(writer_record_poll(kit.writer, &report, &err));
    kit_reopen(&kit);
    CHECK(is_settled(&kit));
    CHECK_INT(1, kit_readings(&kit, "level/0=1").readings.fresh);
    CHECK(!is_settled(&kit));
    kit_close(&kit);
}

TEST(ledger_holds_what_was_refused_with_its_text)
{
    Kit kit = kit_open();
    Batch batch = batch_init();
    kit_add_readings(&batch, "nobody/15=0.5 nobody/30=0.17|11.5");
    REQUIRE(batch_add_refusal(&batch, REFUSED_FUTURE, STR("level"), STR("{\"value\":1}")));
    REQUIRE(batch_add_refusal(&batch, REFUSED_NO_MEASURE, STR_NONE, STR("{}")));
    uint64_t generation = store_generation(kit.store);
    Applied applied = kit_apply(&kit, &batch);
    CHECK_INT(4, applied.readings.received);
    CHECK_INT(4, applied.readings.quarantined);
    CHECK_INT(1, applied.unknown_measures);
    CHECK_INT(generation, store_generation(kit.store)); /* bookkeeping is no change */

    check_quarantine(kit.store, REFUSED_FUTURE, 1);
    check_quarantine(kit.store, REFUSED_NO_MEASURE, 1);
    check_quarantine(kit.store, REFUSED_UNKNOWN_MEASURE, 2);
    check_quarantine(kit.store, REFUSED_NO_TIME, 0);
    static const char *const rows[] = {
        "reason = 'future' AND measure = 'level' AND raw = '{\"value\":1}'",
        "reason = 'no_measure' AND measure IS NULL AND raw = '{}'",
        "reason = 'unknown_measure' AND measure = 'nobody' AND"
        " raw = '{\"dateTime\":\"2023-11-14T22:15:00Z\",\"measure\":\"nobody\",\"value\":0.5}'",
        "reason = 'unknown_measure' AND"
        " raw = "
        "'{\"dateTime\":\"2023-11-14T22:30:00Z\",\"measure\":\"nobody\",\"value\":[0.17,11.5]}'",
    };
    for (size_t i = 0; i < countof(rows); i++) {
        char sql[300];
        CASE(rows[i]);
        (void) snprintf(sql, sizeof sql,
                        "SELECT count(*) FROM quarantine WHERE received = %d AND %s", KIT_ZERO,
                        rows[i]);
        CHECK_INT(1, kit_sql(&kit, "ledger.db", sql));
    }
    kit_close(&kit);
}

TEST(ledger_quarantine_is_bounded_by_age_and_count)
{
    Kit kit = kit_open();
    Batch batch = batch_init();
    REQUIRE(batch_add_refusal(&batch, REFUSED_NO_TIME, STR_NONE, STR("old")));
    (void) kit_apply(&kit, &batch);

    kit.now = KIT_ZERO + 24 * 3600 - 1;
    batch = batch_init();
    REQUIRE(batch_add_refusal(&batch, REFUSED_NO_VALUE, STR_NONE, STR("new")));
    (void) kit_apply(&kit, &batch);
    check_quarantine(kit.store, REFUSED_NO_TIME, 1);
    batch = batch_init();
    REQUIRE(batch_add_refusal(&batch, REFUSED_NO_VALUE, STR_NONE, STR("newer")));
    (void) kit_apply(&kit, &batch); /* now the old one is 24 h old */
    check_quarantine(kit.store, REFUSED_NO_TIME, 0);
    check_quarantine(kit.store, REFUSED_NO_VALUE, 2);

    batch = batch_init();
    static char raws[10500][12];
    for (int i = 0; i < 10500; i++) {
        (void) snprintf(raws[i], sizeof raws[i], "%d", i);
        REQUIRE(batch_add_refusal(&batch, REFUSED_BAD_ITEM, STR_NONE, str_of(raws[i])));
    }
    CHECK_INT(10500, kit_apply(&kit, &batch).readings.quarantined);
    check_quarantine(kit.store, REFUSED_BAD_ITEM, 10000);
    check_quarantine(kit.store, REFUSED_NO_VALUE, 0);
    kit_close(&kit);
}

static bool add_item(const QuarantineItem *item, void *ctx)
{
    buf_printf(ctx, STR_FMT "/" STR_FMT " x%lld %lld..%lld; ", STR_ARG(item->reason),
               STR_ARG(item->raw), (long long) item->count,
               (long long) (item->first_received - KIT_ZERO),
               (long long) (item->received - KIT_ZERO));
    return true;
}

static void check_items(Store *store, const char *want)
{
    Err err = {.code = OK};
    CLEANUP(buf_release) Buf got = buf_init(1 << 20);
    CLEANUP(snapshot_closep) Snapshot *snap = snapshot_of(store);
    CHECK_OK(snapshot_each_refusal(snap, &(StrList){0}, &(StrList){0}, add_item, &got, &err));
    CHECK_TEXT(want, got.len > 0 ? buf_view(&got) : STR(""));
}

static void refuse(Kit *kit, const char *raw)
{
    Batch batch = batch_init();
    REQUIRE(batch_add_refusal(&batch, REFUSED_NO_VALUE, STR("level"), str_of(raw)));
    REQUIRE(batch_add_refusal(&batch, REFUSED_BAD_ITEM, STR_NONE, STR("7")));
    CHECK_INT(2, kit_apply(kit, &batch).readings.quarantined);
}

TEST(ledger_keeps_the_same_refusal_once_with_its_count)
{
    Kit kit = kit_open();
    refuse(&kit, "a");
    check_items(kit.store, "bad_item/7 x1 0..0; no_value/a x1 0..0; ");
    kit.now = KIT_ZERO + 900;
    refuse(&kit, "b");
    kit.now = KIT_ZERO + 1800;
    refuse(&kit, "a");
    check_items(kit.store,
                "bad_item/7 x3 0..1800; no_value/a x2 0..1800; no_value/b x1 900..900; ");
    CASE("it is old when it came for the last time 24 h ago");
    kit.now = KIT_ZERO + 900 + 24 * 3600;
    refuse(&kit, "c");
    check_items(kit.store,
                "no_value/c x1 87300..87300; bad_item/7 x4 0..87300; no_value/a x2 0..1800; ");
    kit_close(&kit);
}

TEST(ledger_of_the_first_version_keeps_its_quarantine)
{
    Kit kit = kit_open();
    kit_close(&kit);
    static const char *const old[] = {
        "DROP TABLE asked",
        "DROP TABLE restored",
        "DROP TABLE quarantine",
        "CREATE TABLE quarantine (id INTEGER PRIMARY KEY, received INTEGER NOT NULL,"
        " reason TEXT NOT NULL, measure TEXT, raw TEXT) STRICT",
        "CREATE INDEX quarantine_received ON quarantine (received)",
        "CREATE INDEX quarantine_reason ON quarantine (reason)",
        "INSERT INTO quarantine VALUES (1, 1699999200, 'no_value', 'level', 'a'),"
        " (2, 1699999500, 'no_value', 'level', 'a'), (3, 1699999600, 'bad_item', NULL, '7')",
        "PRAGMA user_version = 1",
    };
    for (size_t i = 0; i < countof(old); i++)
        (void) kit_sql(&kit, "ledger.db", old[i]);
    Kit again = kit_open_in(kit.dir);
    again.now = KIT_ZERO + 1800;
    check_items(again.store, "bad_item/7 x1 400..400; no_value/a x2 0..300; ");
    refuse(&again, "a");
    check_items(again.store, "bad_item/7 x2 400..1800; no_value/a x3 0..1800; ");
    kit_close(&again);
}

TEST(ledger_releases_readings_whose_measure_has_become_known)
{
    Kit kit = kit_open();
    CHECK_INT(3, kit_readings(&kit, "late/0=1 late/15=2 never/0=3").readings.quarantined);
    CHECK_INT(0, kit_readings(&kit, "late/0=1 late/15=2 never/0=3").released);
    check_quarantine(kit.store, REFUSED_UNKNOWN_MEASURE, 3);

    Batch batch = batch_init();
    kit_add_measures(&batch, "other@S late@S");
    kit_add_readings(&batch, "late/0=1 late/15=2");
    Applied applied = kit_apply(&kit, &batch);
    CHECK_INT(2, applied.released);
    CHECK_TEXT("2 new", str_of(kit_counts(&applied.readings))); /* none of the six counts them */
    check_quarantine(kit.store, REFUSED_UNKNOWN_MEASURE, 1);
    kit_close(&kit);
}

TEST(ledger_trouble_costs_no_reading)
{
    Err err = {.code = OK};
    Kit kit = kit_open();
    Batch batch = batch_init();
    kit_add_measures(&batch, "level@S");
    (void) kit_apply(&kit, &batch);
    CHECK_INT(0, kit_sql(&kit, "ledger.db", "DROP TABLE quarantine"));

    batch = batch_init();
    Applied applied = {.generation = 0};
    kit_add_readings(&batch, "level/0=1 nobody/0=1");
    CHECK_OK(writer_apply(kit.writer, &batch, FAULT_NONE, kit.now, &applied, &err));
    batch_release(&batch);
    CHECK_INT(1, applied.readings.fresh);
    CHECK_INT(1, applied.readings.quarantined);
    CHECK_INT(ERR_STORAGE, applied.quarantine_error.code);
    CHECK_HAS("ledger.db", str_of(applied.quarantine_error.text));
    CLEANUP(buf_release) Buf held = kit_held(kit.store);
    CHECK_TEXT("level/0=1", buf_view(&held));
    kit_close(&kit);
}

TEST(ledger_keeps_what_was_asked_for_26_hours_and_once)
{
    enum { HOUR = 3600 };
    static const struct {
        const char *name, *station, *measure;
        int from_h, to_h, at_h;
        int64_t rows;
    } cases[] = {
        {"of one", NULL, "level", 2, 6, 10, 1},
        {"the same again", NULL, "level", 2, 6, 11, 1},
        {"inside it, later", NULL, "level", 3, 4, 12, 2},
        {"around both", NULL, "level", 1, 7, 13, 1},
        {"over its end", NULL, "level", 5, 9, 13, 2},
        {"of another", NULL, "flow", 0, 9, 13, 3},
        {"of all", NULL, NULL, 0, 9, 13, 4},
        {"of all again", NULL, NULL, 0, 9, 14, 4},
        {"of a station of that name", "level", NULL, 0, 9, 14, 5},
        {"26 h later only this", NULL, "level", 20, 21, 40, 1},
    };
    Err err = {.code = OK};
    Kit kit = kit_open();
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].name);
        const AskedRange range = {
            .station_id = str_of(cases[i].station),
            .measure_id = str_of(cases[i].measure),
            .from = KIT_ZERO + cases[i].from_h * HOUR,
            .to = KIT_ZERO + cases[i].to_h * HOUR,
            .asked_at = KIT_ZERO + cases[i].at_h * HOUR,
        };
        CHECK_OK(writer_record_asked(kit.writer, &range, 1, &err));
        CHECK_INT(cases[i].rows, kit_sql(&kit, "ledger.db", "SELECT count(*) FROM asked"));
    }
    CHECK_OK(writer_record_asked(kit.writer, NULL, 0, &err));
    kit_close(&kit);
}
