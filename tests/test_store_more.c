/* What the upstream says of one station or measure alone: kept beside what lists say. */
#include "tests/test_store_kit.h"

static bool tell_station(const Station *station, const Str *measure_ids, size_t measure_id_count,
                         void *ctx)
{
    (void) measure_ids;
    (void) measure_id_count;
    Buf *out = ctx;
    buf_printf(out, STR_FMT "=" STR_FMT " ", STR_ARG(station->id), STR_ARG(station->more));
    return true;
}

static bool tell_measure(const Station *station, const Measure *measure, const Reading *newest,
                         void *ctx)
{
    (void) station;
    (void) newest;
    Buf *out = ctx;
    buf_printf(out, STR_FMT "=" STR_FMT " ", STR_ARG(measure->id), STR_ARG(measure->more));
    return true;
}

static void check_held(Store *store, const char *want)
{
    Err err = {.code = OK};
    const Filter all = {.has_circle = false};
    CLEANUP(buf_release) Buf got = buf_init(4096);
    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    REQUIRE_OK(store_snapshot(store, &snap, &err));
    CHECK_OK(snapshot_each_station(snap, &all, tell_station, &got, &err));
    CHECK_OK(snapshot_each_measure(snap, &all, tell_measure, &got, &err));
    CHECK_TEXT(want, buf_view(&got));
}

static bool apply_more(Kit *kit, bool is_measure, const char *id, const char *json)
{
    Batch batch = batch_init();
    const More more = {.is_measure = is_measure, .id = str_of(id), .json = str_of(json)};
    REQUIRE(batch_add_more(&batch, &more));
    return kit_apply(kit, &batch).changed;
}

static void fill(Kit *kit)
{
    Batch batch = batch_init();
    kit_add_station(&batch, kit_station("A"));
    kit_add_station(&batch, kit_station("B"));
    kit_add_station(&batch, kit_station("C"));
    kit_add_measures(&batch, "m@A");
    (void) kit_apply(kit, &batch);
}

TEST(store_keeps_what_is_said_of_one_alone)
{
    Kit kit = kit_open();
    fill(&kit);
    CHECK(apply_more(&kit, false, "A", "{\"x\":1}"));
    CHECK(apply_more(&kit, true, "m", "{\"y\":2}"));
    CHECK(!apply_more(&kit, false, "A", "{\"x\":1}")); /* the same again makes no generation */
    CHECK(!apply_more(&kit, false, "NONE", "{}"));
    check_held(kit.store, "A={\"x\":1} B= C= m={\"y\":2} ");
    CASE("a list that says otherwise leaves it");
    Batch batch = batch_init();
    Station other = kit_station("A");
    other.raw = STR("another");
    kit_add_station(&batch, other);
    CHECK(kit_apply(&kit, &batch).changed);
    check_held(kit.store, "A={\"x\":1} B= C= m={\"y\":2} ");
    CASE("and a restart");
    kit_reopen(&kit);
    check_held(kit.store, "A={\"x\":1} B= C= m={\"y\":2} ");
    kit_close(&kit);
}

TEST(store_tells_which_stations_to_ask_for)
{
    static const struct {
        const char *after, *want;
        size_t max;
        bool known;
    } cases[] = {
        {"", "B C ", 10, false}, {"", "B ", 1, false},  {"B", "C ", 10, false},
        {"C", "", 10, false},    {"", "A B ", 2, true}, {"B", "C ", 2, true},
    };
    Err err = {.code = OK};
    Kit kit = kit_open();
    fill(&kit);
    CHECK(apply_more(&kit, false, "A", "{}"));
    for (size_t i = 0; i < countof(cases); i++) {
        CLEANUP(arena_release) Arena arena = arena_init();
        CLEANUP(buf_release) Buf got = buf_init(100);
        StrList ids = {.count = 0};
        CASE(cases[i].want);
        CHECK_OK(writer_stations_to_ask(kit.writer, str_of(cases[i].after), cases[i].known,
                                        cases[i].max, &arena, &ids, &err));
        for (size_t k = 0; k < ids.count; k++)
            buf_printf(&got, STR_FMT " ", STR_ARG(ids.items[k]));
        CHECK_STR(str_of(cases[i].want), got.len > 0 ? buf_view(&got) : STR(""));
    }
    kit_close(&kit);
}
