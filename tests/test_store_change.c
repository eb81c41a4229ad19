/* What changed after a generation: whatever it is, in its order, and never twice. */
#include "store/change.h"

#include "model/meaning.h"
#include "store/inside.h"
#include "tests/test_store_kit.h"

#include <inttypes.h>
#include <stdio.h>

static const Filter EVERYTHING = {.has_circle = false};

static Kit open_with_three(void)
{
    Kit kit = kit_open();
    Batch batch = batch_init();
    kit_add_measures(&batch, "level@up flow@up rain@down");
    (void) kit_apply(&kit, &batch); /* generation 1 */
    return kit;
}

static void put_what(Buf *out, const Change *change)
{
    switch (change->kind) {
    case CHANGE_STATION:
        buf_printf(out, "station:" STR_FMT "[%zu]", STR_ARG(change->station->id),
                   change->measure_id_count);
        break;
    case CHANGE_MEASURE:
        buf_printf(out, "measure:" STR_FMT, STR_ARG(change->measure->id));
        break;
    case CHANGE_FRESHNESS:
        buf_printf(out, STR_FMT "~%s", STR_ARG(change->measure->id),
                   freshness_name(change->measure->freshness));
        break;
    case CHANGE_STATION_GONE:
        buf_printf(out, "-" STR_FMT, STR_ARG(change->gone_station));
        break;
    case CHANGE_MEASURE_GONE:
        buf_printf(out, "-" STR_FMT ":" STR_FMT, STR_ARG(change->gone_station),
                   STR_ARG(change->gone_measure));
        break;
    default:
        buf_printf(out, STR_FMT ":" STR_FMT "/%" PRId64 "=%g%s", STR_ARG(change->station->id),
                   STR_ARG(change->measure->id), (change->reading->time - KIT_ZERO) / 60,
                   change->reading->value, change->kind == CHANGE_CORRECTION ? "!" : "");
        break;
    }
}

typedef struct Told {
    Buf text;
    size_t count, max;
    ChangeCursor reached;
} Told;

static bool put_change(const Change *change, void *ctx)
{
    Told *told = ctx;
    buf_printf(&told->text, "%s%" PRIu64 ".%" PRIu64 " ", told->text.len > 0 ? " " : "",
               change->generation, change->place);
    put_what(&told->text, change);
    return ++told->count != told->max;
}

static Told ask(const Kit *kit, const ChangeQuery *query, size_t max)
{
    Told told = {.text = buf_init(1 << 20), .max = max};
    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    Err err = {.code = OK};
    REQUIRE_OK(store_snapshot(kit->store, &snap, &err));
    REQUIRE_OK(snapshot_each_change(snap, query, put_change, &told, &told.reached, &err));
    CHECK_INT(snapshot_info(snap)->epoch, told.reached.epoch);
    return told;
}

static void check(const Kit *kit, const ChangeQuery *query, const char *expected)
{
    Told told = ask(kit, query, 0);
    CHECK_TEXT(expected, told.text.len > 0 ? buf_view(&told.text) : STR(""));
    CHECK_INT(store_generation(kit->store), told.reached.generation);
    CHECK_INT(0, told.reached.taken);
    buf_release(&told.text);
}

static ChangeQuery readings_after(const Filter *filter, uint64_t generation, uint64_t taken)
{
    return (ChangeQuery){.filter = filter,
                         .kinds = CHANGES_READINGS,
                         .after = {.generation = generation, .taken = taken}};
}

static void check_readings(const Kit *kit, const Filter *filter, uint64_t generation,
                           uint64_t taken, const char *expected)
{
    const ChangeQuery query = readings_after(filter, generation, taken);
    check(kit, &query, expected);
}

static void check_all(const Kit *kit, uint64_t generation, const char *expected)
{
    const ChangeQuery query = {
        .filter = &EVERYTHING, .kinds = CHANGES_ALL, .after = {.generation = generation}};
    check(kit, &query, expected);
}

TEST(change_tells_what_came_after_a_generation)
{
    Kit kit = open_with_three();
    check_readings(&kit, &EVERYTHING, 0, 0, "");
    (void) kit_readings(&kit, "level/0=1 rain/0=0.2 flow/0=9");
    (void) kit_readings(&kit, "level/15=2 level/0=1.5");
    check_readings(&kit, &EVERYTHING, 3, 0, "");
    check_readings(&kit, &EVERYTHING, 2, 0, "3.0 up:level/0=1.5! 3.1 up:level/15=2");
    /* a corrected reading is told once, where its value came */
    check_readings(&kit, &EVERYTHING, 0, 0,
                   "2.2 up:flow/0=9 2.4 down:rain/0=0.2 3.0 up:level/0=1.5! 3.1 up:level/15=2");
    kit_close(&kit);
}

TEST(change_tells_stations_measures_and_freshness_too)
{
    Kit kit = open_with_three();
    (void) kit_readings(&kit, "level/0=1");
    (void) kit_readings(&kit, "level/15=2"); /* as fresh as before */
    Batch batch = batch_init();
    Station up = kit_station("up");
    up.label = STR("Upper");
    kit_add_station(&batch, up);
    (void) kit_apply(&kit, &batch);
    check_all(&kit, 0,
              "1.1 measure:level 1.2 measure:flow 1.3 station:down[1] 1.4 measure:rain "
              "2.0 up:level/0=1 2.1 level~fresh 3.0 up:level/15=2 4.0 station:up[2]");
    check_all(&kit, 3, "4.0 station:up[2]");
    check_all(&kit, 4, "");
    kit_close(&kit);
}

TEST(change_tells_who_fell_silent)
{
    Kit kit = open_with_three();
    (void) kit_readings(&kit, "level/0=1 flow/0=1");
    (void) kit_readings(&kit, "flow/1500=2"); /* level's last is outside its station's window now */
    check_all(&kit, 2, "3.0 up:flow/1500=2 3.1 level~silent");
    kit_close(&kit);
}

TEST(change_tells_what_is_gone)
{
    enum { LONG_S = 31 * 24 * 3600 };
    Kit kit = open_with_three();
    Batch batch = batch_init();
    kit_add_measures(&batch, "rain@down");
    batch.has_all_measures = true;
    (void) kit_apply(&kit, &batch); /* 2: level and flow are in no list */
    kit.now += LONG_S;
    batch = batch_init();
    kit_add_measures(&batch, "rain@down");
    batch.has_all_measures = true;
    (void) kit_apply(&kit, &batch);
    /* its station, made for them and never listed, goes along */
    check_all(&kit, 2, "3.0 -up:level 3.1 -up:flow 3.2 -up");
    check_all(&kit, 0, "1.3 station:down[1] 1.4 measure:rain 3.0 -up:level 3.1 -up:flow 3.2 -up");
    Str flow = STR("flow"), other = STR("elsewhere");
    const Filter by_measure = {.measure = {.items = &flow, .count = 1}};
    const Filter by_station = {.station = {.items = &other, .count = 1}};
    check(&kit, &(ChangeQuery){.filter = &by_measure, .kinds = CHANGES_ALL},
          "3.1 -up:flow 3.2 -up");
    check(&kit, &(ChangeQuery){.filter = &by_station, .kinds = CHANGES_ALL}, "");
    kit_close(&kit);
}

TEST(change_filters)
{
    Str level = STR("level"), down = STR("down"), nowhere = STR("nowhere");
    const Filter by_measure = {.measure = {.items = &level, .count = 1}};
    const Filter by_station = {.station = {.items = &down, .count = 1}};
    const Filter by_none = {.station = {.items = &nowhere, .count = 1}};
    Kit kit = open_with_three();
    (void) kit_readings(&kit, "flow/0=9 level/0=1 level/15=2 rain/0=0.2");
    check_readings(&kit, &by_measure, 0, 0, "2.0 up:level/0=1 2.1 up:level/15=2");
    check_readings(&kit, &by_measure, 1, 1, "2.1 up:level/15=2");
    check_readings(&kit, &by_station, 0, 0, "2.5 down:rain/0=0.2");
    check_readings(&kit, &by_none, 0, 0, "");
    /* a filter on measures takes the stations that have one of them */
    check(&kit, &(ChangeQuery){.filter = &by_measure, .kinds = CHANGE_BIT(CHANGE_STATION)},
          "1.0 station:up[2]");
    kit_close(&kit);
}

/* Taken in pieces of any size, between which others are committed: nothing twice, nothing lost. */
/* What newest values mean is read off their windows: it costs as much as changed, not as is held. */
TEST(change_by_trend_looks_only_at_measures_that_changed)
{
    enum { MEASURES = 40 };
    Kit kit = kit_open();
    Batch batch = batch_init();
    CLEANUP(buf_release) Buf text = buf_init(1 << 16);
    static char ids[MEASURES][16];
    for (int i = 0; i < MEASURES; i++) {
        (void) snprintf(ids[i], sizeof ids[i], "m%02d", i);
        Measure measure = kit_measure(ids[i], "up");
        measure.period_s = 900;
        kit_add_measure(&batch, measure);
        buf_printf(&text, "%s/0=1 %s/15=1 ", ids[i], ids[i]);
    }
    buf_put_char(&text, '\0');
    kit_add_readings(&batch, text.ptr);
    (void) kit_apply(&kit, &batch);
    (void) kit_readings(&kit, "m03/30=2 m05/30=2 m03/7=1 m07/30=0"); /* 2 */
    (void) kit_readings(&kit, "m03/45=3 m09/30=1");                  /* 3 */

    const Filter rising = {.trends = 1U << TREND_RISING};
    const ChangeQuery query = readings_after(&rising, 1, 0);
    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    Told told = {.text = buf_init(4096)};
    Err err = {.code = OK};
    REQUIRE_OK(store_snapshot(kit.store, &snap, &err));
    REQUIRE_OK(snapshot_each_change(snap, &query, put_change, &told, &told.reached, &err));
    CHECK_HAS("up:m03/30=2", buf_view(&told.text));
    CHECK_HAS("up:m03/45=3", buf_view(&told.text));
    CHECK_INT(4, told.count); /* three of m03, one of m05 */
    size_t looked_at = 0;
    for (size_t i = 0; i < snap->meant_count; i++)
        looked_at += snap->meant[i] != 0;
    CHECK_INT(4, looked_at);
    buf_release(&told.text);
    snapshot_close(TAKE(snap));
    kit_close(&kit);
}

TEST(change_goes_on_where_it_stopped)
{
    for (size_t piece = 1; piece <= 4; piece++) {
        Kit kit = open_with_three();
        CLEANUP(buf_release) Buf all = buf_init(1 << 20);
        ChangeQuery query = {.filter = &EVERYTHING, .kinds = CHANGES_ALL};
        (void) kit_readings(&kit, "level/0=1 rain/0=0.2 flow/0=9");
        for (int round = 0;; round++) {
            Told told = ask(&kit, &query, piece);
            if (told.count > 0)
                buf_printf(&all, "%s" STR_FMT, all.len > 0 ? " " : "",
                           STR_ARG(buf_view(&told.text)));
            buf_release(&told.text);
            query.after = told.reached;
            if (round == 0) /* flow/0, of generation 2, leaves it before it was told */
                (void) kit_readings(&kit, "flow/0=8");
            if (told.count == 0)
                break;
        }
        CHECK_TEXT("1.0 station:up[2] 1.1 measure:level 1.2 measure:flow 1.3 station:down[1] "
                   "1.4 measure:rain 2.0 up:level/0=1 2.1 level~fresh 2.3 flow~fresh "
                   "2.4 down:rain/0=0.2 2.5 rain~fresh 3.0 up:flow/0=8!",
                   buf_view(&all));
        CHECK_INT(3, query.after.generation);
        kit_close(&kit);
    }
}

TEST(change_stops_after_so_many_were_looked_at)
{
    Str rain = STR("rain");
    const Filter filter = {.measure = {.items = &rain, .count = 1}};
    Kit kit = open_with_three();
    (void) kit_readings(&kit, "level/0=1 level/15=1 level/30=1 rain/0=0.2");
    ChangeQuery query = readings_after(&filter, 1, 0);
    query.seen_max = 2;
    Told told = ask(&kit, &query, 0);
    CHECK_INT(0, told.count);
    CHECK_INT(1, told.reached.generation);
    CHECK_INT(2, told.reached.taken);
    buf_release(&told.text);
    query.after = told.reached;
    told = ask(&kit, &query, 0);
    CHECK_INT(1, told.count);
    CHECK_INT(2, told.reached.generation); /* all of it */
    buf_release(&told.text);
    kit_close(&kit);
}

TEST(change_does_not_tell_what_has_left_its_window)
{
    Kit kit = open_with_three();
    (void) kit_readings(&kit, "level/0=1 rain/0=0.2");
    (void) kit_readings(&kit, "level/1455=2"); /* more than a day later */
    check_readings(&kit, &EVERYTHING, 0, 0, "2.2 down:rain/0=0.2 3.0 up:level/1455=2");
    kit_close(&kit);
}

TEST(change_knows_its_own_cursors)
{
    Kit kit = open_with_three();
    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    Err err = {.code = OK};
    REQUIRE_OK(store_snapshot(kit.store, &snap, &err));
    uint32_t epoch = snapshot_info(snap)->epoch;
    CHECK(snapshot_knows(snap, epoch, 0));
    CHECK(snapshot_knows(snap, epoch, 1));
    CHECK(!snapshot_knows(snap, epoch, 2)); /* of a store that was lost, or not ours */
    CHECK(!snapshot_knows(snap, epoch + 1, 1));
    snapshot_close(TAKE(snap));
    kit_close(&kit);
}

TEST(change_finds_the_generation_of_a_moment)
{
    Kit kit = open_with_three(); /* 1 at kit.now */
    UnixSec begun = kit.now;
    for (int i = 0; i < 20; i++) { /* 2 to 21, 100 s apart */
        char text[40];
        kit.now = begun + 100 * (i + 1);
        (void) snprintf(text, sizeof text, "level/%d=%d", 15 * i, i);
        (void) kit_readings(&kit, text);
    }
    const struct {
        UnixSec after;
        uint64_t generation;
    } cases[] = {{-1, 0}, {100, 2}, {150, 2}, {1099, 11}, {1100, 12}, {2000, 21}, {99999, 21}};
    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    Err err = {.code = OK};
    REQUIRE_OK(store_snapshot(kit.store, &snap, &err));
    for (size_t i = 0; i < countof(cases); i++) {
        uint64_t generation = 99;
        CHECK_OK(snapshot_generation_at(snap, begun + cases[i].after, &generation, &err));
        CHECK_INT(cases[i].generation, generation);
    }
    snapshot_close(TAKE(snap));
    kit_close(&kit);
}
