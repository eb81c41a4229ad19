/* What history has not got and leaves the store waits in the spool; the plan, the mark, the lists. */
#include "store/exports.h"

#include "store/change.h"
#include "tests/test_store_kit.h"

#include <stdio.h>

typedef struct Lake {
    Kit kit;
    Exports *exports;
} Lake;

/* A station with two measures, exported or not. */
static Lake lake_open(int64_t spool_max_bytes)
{
    Err err = {.code = OK};
    Lake lake;
    Batch batch = batch_init();
    lake.kit = kit_open_spooling(test_dir(), spool_max_bytes);
    REQUIRE_OK(exports_open(lake.kit.store, &lake.exports, &err));
    kit_add_measures(&batch, "level@Mill rain@Mill");
    (void) kit_apply(&lake.kit, &batch);
    return lake;
}

static void lake_close(Lake *lake)
{
    exports_close(lake->exports);
    kit_close(&lake->kit);
}

static bool add_spooled(const Spooled *spooled, void *ctx)
{
    const Reading *reading = &spooled->reading;
    CHECK_TEXT("Mill", spooled->station_id);
    buf_printf(ctx, "%s" STR_FMT "/%lld=%.10g.%lld@%llu", spooled->held ? "" : "expired ",
               STR_ARG(spooled->measure_id), (long long) (reading->time - KIT_ZERO) / 60,
               reading->value, (long long) reading->revision,
               (unsigned long long) spooled->generation);
    BUF_LITERAL(ctx, " ");
    return true;
}

/* Checks what waits behind `after`, and gives its end. */
static int64_t check_spool(Lake *lake, int64_t after, const char *want)
{
    Err err = {.code = OK};
    CLEANUP(buf_release) Buf got = buf_init(1 << 20);
    int64_t end = 0;
    CHECK_OK(exports_spool_end(lake->exports, after, 1000000, &end, &err));
    CHECK_OK(exports_each_spooled(lake->exports, after, end, add_spooled, &got, &err));
    CHECK_TEXT(want, got.len > 0 ? buf_view(&got) : STR(""));
    return end;
}

static void finish(Lake *lake, HistoryMark until)
{
    Err err = {.code = OK};
    REQUIRE_OK(exports_plan(lake->exports, until, &(StrList){.count = 0}, &err));
    REQUIRE_OK(exports_finish_plan(lake->exports, &err));
}

TEST(spool_gets_what_is_trimmed_before_it_was_exported)
{
    Lake lake = lake_open(1 << 20);
    (void) kit_readings(&lake.kit, "level/0=1 level/15=2 rain/15=0.5"); /* generation 2 */
    (void) kit_readings(&lake.kit, "level/1440=3");                     /* a day later: 0 leaves */
    int64_t end = check_spool(&lake, 0, "level/0=1.0@2 ");
    finish(&lake, (HistoryMark){.generation = 3, .spool_id = end});
    check_spool(&lake, 0, "");
    (void) kit_readings(&lake.kit, "level/1455=4"); /* 15 leaves, exported; rain/15 is last known */
    check_spool(&lake, 0, "");
    (void) kit_readings(&lake.kit, "rain/1455=0"); /* the last known leaves, exported too */
    check_spool(&lake, 0, "");
    (void) kit_readings(&lake.kit, "level/2895=5"); /* 1440 was exported, 1455 was not */
    check_spool(&lake, 0, "level/1455=4.0@4 ");
    lake_close(&lake);
}

TEST(spool_gets_what_a_correction_replaces)
{
    Lake lake = lake_open(1 << 20);
    (void) kit_readings(&lake.kit, "level/0=1");
    (void) kit_readings(&lake.kit, "level/0=2");
    int64_t end = check_spool(&lake, 0, "level/0=1.0@2 ");
    finish(&lake, (HistoryMark){.generation = 3, .spool_id = end});
    (void) kit_readings(&lake.kit, "level/0=3"); /* 2 was exported */
    (void) kit_readings(&lake.kit, "level/0=4"); /* 3 was not */
    check_spool(&lake, 0, "level/0=3.2@4 ");
    lake_close(&lake);
}

TEST(spool_gets_what_expired_once)
{
    Lake lake = lake_open(1 << 20);
    (void) kit_readings(&lake.kit, "level/3000=1");
    Applied applied = kit_readings(&lake.kit, "level/0=1 rain/3000=0");
    CHECK_INT(1, applied.readings.expired);
    check_spool(&lake, 0, "expired level/0=1.0@2 ");
    applied = kit_readings(&lake.kit, "level/0=1"); /* the same again, and nothing else */
    CHECK_INT(1, applied.readings.expired);
    CHECK(!applied.changed);
    int64_t end = check_spool(&lake, 0, "expired level/0=1.0@2 ");
    (void) kit_readings(&lake.kit, "level/0=1.5"); /* corrected; it makes no generation */
    check_spool(&lake, end, "expired level/0=1.5.1@3 ");
    finish(&lake, (HistoryMark){.generation = 3, .spool_id = end});
    check_spool(&lake, 0, "expired level/0=1.5.1@3 "); /* behind the mark it waits on */
    lake.kit.now += 73 * 3600;
    (void) kit_readings(&lake.kit, "level/3015=1 level/15=1"); /* forgets what was given */
    (void) kit_readings(&lake.kit, "level/0=1.5");
    check_spool(&lake, end + 1, "expired level/15=1.0@3 expired level/0=1.5.0@4 ");
    lake_close(&lake);
}

TEST(spool_is_not_kept_where_nobody_exports)
{
    Lake lake = lake_open(0);
    (void) kit_readings(&lake.kit, "level/0=1 level/3000=2");
    (void) kit_readings(&lake.kit, "level/3000=3 level/15=1");
    check_spool(&lake, 0, "");
    lake_close(&lake);
}

TEST(spool_of_a_batch_that_fails_is_not_kept)
{
    Lake lake = lake_open(1 << 20);
    Err err = {.code = OK};
    Applied applied;
    Batch batch = batch_init();
    (void) kit_readings(&lake.kit, "level/0=1");
    (void) kit_sql(&lake.kit, "freshet.db",
                   "CREATE TRIGGER no BEFORE UPDATE ON meta BEGIN SELECT RAISE(ABORT, 'no'); END");
    kit_add_readings(&batch, "level/1440=1");
    CHECK_INT(ERR_STORAGE,
              writer_apply(lake.kit.writer, &batch, FAULT_NONE, lake.kit.now, &applied, &err));
    batch_release(&batch);
    check_spool(&lake, 0, "");
    lake_close(&lake);
}

/* It stays about as large as it may be; what is lost is the oldest, and counted. */
TEST(spool_that_is_full_loses_the_oldest_and_says_so)
{
    enum { MAX_BYTES = 400000, SLOTS = 6000, AT_ONCE = 20 };
    Err err = {.code = OK};
    Lake lake = lake_open(MAX_BYTES);
    int64_t lost = 0, end = 0;
    CLEANUP(buf_release) Buf text = buf_init(1 << 20);
    for (int slot = 0; slot < SLOTS; slot += AT_ONCE) {
        buf_clear(&text);
        for (int i = slot; i < slot + AT_ONCE; i++)
            buf_printf(&text, "%slevel/%d=1 rain/%d=2", i > slot ? " " : "", i * 15, i * 15);
        buf_put_char(&text, '\0');
        Applied applied = kit_readings(&lake.kit, text.ptr);
        CHECK_OK(applied.spool_error.code);
        lost += applied.history_lost;
    }
    CHECK_OK(exports_spool_end(lake.exports, 0, 1000000, &end, &err));
    int64_t bytes = kit_sql(&lake.kit, "spool.db",
                            "SELECT (page_count - freelist_count) * page_size"
                            " FROM pragma_page_count, pragma_freelist_count, pragma_page_size");
    CHECK(bytes <= MAX_BYTES && bytes > MAX_BYTES / 4);
    CHECK(lost >= 4096);

    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    HistoryState state;
    REQUIRE_OK(store_snapshot(lake.kit.store, &snap, &err));
    CHECK_OK(snapshot_history(snap, &state, &err));
    CHECK_INT(lost, state.lost);
    CHECK_INT(end, state.lost + state.waiting);
    CHECK(!state.exists);
    snapshot_close(TAKE(snap));
    lake_close(&lake);
}

TEST(exports_keep_a_plan_until_it_is_finished_or_dropped)
{
    Err err = {.code = OK};
    CLEANUP(arena_release) Arena arena = arena_init();
    Lake lake = lake_open(1 << 20);
    Str items[] = {STR("history/b"), STR("history/a")};
    StrList keys = {.items = items, .count = 2}, planned;
    HistoryMark mark;
    CHECK_OK(exports_planned(lake.exports, &arena, &planned, &err));
    CHECK_INT(0, planned.count);
    CHECK_OK(
        exports_plan(lake.exports, (HistoryMark){.generation = 7, .spool_id = 9}, &keys, &err));
    CHECK_INT(ERR_STORAGE, exports_plan(lake.exports, (HistoryMark){.generation = 8}, &keys, &err));
    exports_close(lake.exports); /* a crash */
    REQUIRE_OK(exports_open(lake.kit.store, &lake.exports, &err));
    CHECK_OK(exports_planned(lake.exports, &arena, &planned, &err));
    REQUIRE(planned.count == 2);
    CHECK_TEXT("history/a", planned.items[0]);
    CHECK_OK(exports_drop_plan(lake.exports, &err));
    CHECK_OK(exports_mark(lake.exports, &mark, &err));
    CHECK_INT(0, mark.generation);

    CHECK_OK(
        exports_plan(lake.exports, (HistoryMark){.generation = 7, .spool_id = 9}, &keys, &err));
    CHECK_OK(exports_finish_plan(lake.exports, &err));
    CHECK_OK(exports_mark(lake.exports, &mark, &err));
    CHECK_INT(7, mark.generation);
    CHECK_INT(9, mark.spool_id);
    CHECK_OK(exports_planned(lake.exports, &arena, &planned, &err));
    CHECK_INT(0, planned.count);
    lake_close(&lake);
}

static bool add_export(Str generation, UnixSec as_of, void *ctx)
{
    buf_printf(ctx, STR_FMT ":%lld ", STR_ARG(generation), (long long) as_of);
    return true;
}

static bool add_manifest(Str manifest, UnixSec exported, void *ctx)
{
    buf_printf(ctx, STR_FMT "@%lld ", STR_ARG(manifest), (long long) exported);
    return true;
}

TEST(exports_list_what_was_exported_newest_first)
{
    Err err = {.code = OK};
    Lake lake = lake_open(1 << 20);
    CLEANUP(buf_release) Buf got = buf_init(4096);
    CHECK_OK(exports_add(lake.exports, STR("a-1"), 100, 110, STR("{1}"), &err));
    CHECK_OK(exports_add(lake.exports, STR("a-3"), 300, 310, STR("{3}"), &err));
    CHECK_OK(exports_add(lake.exports, STR("a-2"), 200, 210, STR("{2}"), &err));
    CHECK_OK(exports_add(lake.exports, STR("a-3"), 300, 320, STR("{3}"), &err));
    CHECK_OK(exports_each(lake.exports, add_export, &got, &err));
    CHECK_TEXT("a-3:300 a-2:200 a-1:100 ", buf_view(&got));
    CHECK_OK(exports_drop(lake.exports, STR("a-2"), &err));
    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    REQUIRE_OK(store_snapshot(lake.kit.store, &snap, &err));
    buf_clear(&got);
    CHECK_OK(snapshot_each_export(snap, add_manifest, &got, &err));
    CHECK_TEXT("{3}@320 {1}@110 ", buf_view(&got));
    snapshot_close(TAKE(snap));
    lake_close(&lake);
}

TEST(exports_remember_what_is_condemned)
{
    Err err = {.code = OK};
    CLEANUP(arena_release) Arena arena = arena_init();
    Lake lake = lake_open(1 << 20);
    StrList keys;
    bool is = false;
    CHECK_OK(exports_condemn(lake.exports, STR("b"), 200, &err));
    CHECK_OK(exports_condemn(lake.exports, STR("a"), 100, &err));
    CHECK_OK(exports_condemn(lake.exports, STR("b"), 50, &err)); /* it is already */
    CHECK_OK(exports_condemned(lake.exports, 150, &arena, &keys, &err));
    REQUIRE(keys.count == 1);
    CHECK_TEXT("a", keys.items[0]);
    CHECK_OK(exports_spare(lake.exports, STR("a"), &err));
    CHECK_OK(exports_is_condemned(lake.exports, STR("a"), &is, &err));
    CHECK(!is);
    CHECK_OK(exports_is_condemned(lake.exports, STR("b"), &is, &err));
    CHECK(is);
    lake_close(&lake);
}
