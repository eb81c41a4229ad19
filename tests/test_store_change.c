/* What came after a generation: new and corrected readings, by generation, once each. */
#include "store/change.h"
#include "tests/test_store_kit.h"

#include <inttypes.h>

static Kit open_with_two(void)
{
    Kit kit = kit_open();
    Batch batch = batch_init();
    kit_add_measures(&batch, "level@up flow@up rain@down");
    (void) kit_apply(&kit, &batch); /* generation 1 */
    return kit;
}

static bool put_change(uint64_t generation, uint64_t nth, const Station *station,
                       const Measure *measure, const Reading *reading, void *ctx)
{
    Buf *out = ctx;
    buf_printf(out, "%s%" PRIu64 ".%" PRIu64 " " STR_FMT ":" STR_FMT "/%" PRId64 "=%g",
               out->len > 0 ? " " : "", generation, nth, STR_ARG(station->id), STR_ARG(measure->id),
               (reading->time - KIT_ZERO) / 60, reading->value);
    if (reading->revision > 0)
        buf_printf(out, "!%" PRId64, reading->revision);
    return true;
}

static void check_changes(const Kit *kit, const Filter *filter, uint64_t after, uint64_t taken,
                          const char *expected)
{
    CLEANUP(buf_release) Buf out = buf_init(4096);
    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    Err err = {.code = OK};
    REQUIRE_OK(store_snapshot(kit->store, &snap, &err));
    REQUIRE_OK(snapshot_each_change(snap, filter, after, taken, put_change, &out, &err));
    CHECK_STR(str_of(expected), out.len > 0 ? buf_view(&out) : STR(""));
}

TEST(change_tells_what_came_after_a_generation)
{
    const Filter all = {.words = {.count = 0}};
    Kit kit = open_with_two();
    check_changes(&kit, &all, 0, 0, "");
    (void) kit_readings(&kit, "level/0=1 rain/0=0.2 flow/0=9");
    (void) kit_readings(&kit, "level/15=2 level/0=1.5");
    check_changes(&kit, &all, 3, 0, "");
    check_changes(&kit, &all, 2, 0, "3.0 up:level/0=1.5!1 3.1 up:level/15=2");
    /* a corrected reading is told once, where its value came */
    check_changes(&kit, &all, 0, 0,
                  "2.0 up:flow/0=9 2.1 down:rain/0=0.2 3.0 up:level/0=1.5!1 3.1 up:level/15=2");
    kit_close(&kit);
}

TEST(change_goes_on_within_a_generation)
{
    const Filter all = {.words = {.count = 0}};
    Kit kit = open_with_two();
    (void) kit_readings(&kit, "level/0=1 rain/0=0.2 flow/0=9");
    (void) kit_readings(&kit, "level/15=2");
    check_changes(&kit, &all, 1, 2, "2.2 down:rain/0=0.2 3.0 up:level/15=2");
    check_changes(&kit, &all, 1, 3, "3.0 up:level/15=2"); /* all of it taken */
    kit_close(&kit);
}

TEST(change_filters_and_counts_what_it_leaves_out)
{
    Str level = STR("level");
    const Filter filter = {.measure = {.items = &level, .count = 1}};
    Kit kit = open_with_two();
    (void) kit_readings(&kit, "flow/0=9 level/0=1 level/15=2 rain/0=0.2");
    check_changes(&kit, &filter, 0, 0, "2.0 up:level/0=1 2.1 up:level/15=2");
    check_changes(&kit, &filter, 1, 1, "2.1 up:level/15=2");
    kit_close(&kit);
}

TEST(change_does_not_tell_what_has_left_its_window)
{
    const Filter all = {.words = {.count = 0}};
    Kit kit = open_with_two();
    (void) kit_readings(&kit, "level/0=1 rain/0=0.2");
    (void) kit_readings(&kit, "level/1455=2"); /* more than a day later */
    check_changes(&kit, &all, 0, 0, "2.0 down:rain/0=0.2 3.0 up:level/1455=2");
    kit_close(&kit);
}
