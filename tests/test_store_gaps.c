/* What a poll of the newest leaves open behind it, as the writer tells it. */
#include "tests/test_store_kit.h"

#include <stdio.h>
#include <string.h>

enum { QUARTER_MIN = 15, DAY_MIN = 1440 };

/* The gaps of a batch of newest readings: "measure@station after..until", minutes, joined by blanks. */
static const char *gaps_of(Kit *kit, const char *text)
{
    static char told[512];
    Batch batch = batch_init();
    size_t used = 0;
    told[0] = '\0';
    batch.find_gaps = true;
    kit_add_readings(&batch, text);
    Applied applied = kit_apply(kit, &batch);
    for (size_t i = 0; i < applied.gap_count; i++) {
        const SeriesGap *gap = &applied.gaps[i];
        used += (size_t) snprintf(told + used, sizeof told - used, "%s" STR_FMT "@" STR_FMT " %d..%d",
                                  i > 0 ? " " : "", STR_ARG(gap->measure_id),
                                  STR_ARG(gap->station_id), (int) ((gap->after - KIT_ZERO) / 60),
                                  (int) ((gap->until - KIT_ZERO) / 60));
    }
    return told;
}

static Kit kit_with_periods(void)
{
    Kit kit = kit_open();
    Batch batch = batch_init();
    Measure level = kit_measure("level", "S"), events = kit_measure("events", "S");
    level.period_s = QUARTER_MIN * 60;
    kit_add_measure(&batch, level);
    kit_add_measure(&batch, events);
    (void) kit_apply(&kit, &batch);
    return kit;
}

TEST(gaps_of_a_first_reading_reach_back_to_the_window)
{
    CLEANUP(kit_close) Kit kit = kit_with_periods();
    CHECK_TEXT("level@S -1440..0", str_of(gaps_of(&kit, "level/0=1")));
}

TEST(gaps_are_none_where_the_next_period_came)
{
    CLEANUP(kit_close) Kit kit = kit_with_periods();
    (void) gaps_of(&kit, "level/0=1");
    CHECK_TEXT("", str_of(gaps_of(&kit, "level/15=1")));
    CHECK_TEXT("", str_of(gaps_of(&kit, "level/15=1"))); /* nor by the same again */
    CHECK_TEXT("", str_of(gaps_of(&kit, "level/0=2")));  /* nor by what lies behind */
}

TEST(gaps_open_where_the_newest_jumped)
{
    CLEANUP(kit_close) Kit kit = kit_with_periods();
    (void) gaps_of(&kit, "level/0=1");
    CHECK_TEXT("level@S 0..45", str_of(gaps_of(&kit, "level/45=1")));
    /* beyond a day only what the window keeps can be wanted */
    CHECK_TEXT("level@S 5560..7000", str_of(gaps_of(&kit, "level/7000=1")));
}

TEST(gaps_may_always_be_where_no_period_is_known)
{
    CLEANUP(kit_close) Kit kit = kit_with_periods();
    (void) gaps_of(&kit, "events/0=1");
    CHECK_TEXT("events@S 0..1", str_of(gaps_of(&kit, "events/1=1")));
}

TEST(gaps_of_a_last_known_reading_are_none)
{
    CLEANUP(kit_close) Kit kit = kit_with_periods();
    (void) gaps_of(&kit, "events/5000=1");
    CHECK_TEXT("", str_of(gaps_of(&kit, "level/0=1"))); /* its station's window has left it behind */
}

TEST(gaps_are_told_only_of_what_is_newest)
{
    CLEANUP(kit_close) Kit kit = kit_with_periods();
    Batch batch = batch_init();
    kit_add_readings(&batch, "level/0=1 level/600=2");
    CHECK_INT(0, kit_apply(&kit, &batch).gap_count);
}
