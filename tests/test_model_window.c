#include "model/window.h"

#include "tests/test.h"

enum { NEWEST = 1795342500, QUARTER_S = 900 }; /* 2026-11-22T10:15:00Z */

TEST(window_of_a_day_holds_96_slots_of_15_minutes)
{
    Window window = window_ending_at(NEWEST, WINDOW_MAX_S);
    int held = 0;
    for (int i = -10; i <= 110; i++)
        held += window_holds(window, NEWEST - i * QUARTER_S);
    CHECK_INT(96, held); /* not 97 */
}

TEST(window_begins_behind_its_length_and_ends_with_the_newest)
{
    Window window = window_ending_at(NEWEST, 3600);
    CHECK(window_holds(window, NEWEST));
    CHECK(!window_holds(window, NEWEST + 1));
    CHECK(window_holds(window, NEWEST - 3599));
    CHECK(!window_holds(window, NEWEST - 3600));
    CHECK_INT(3600, window.to - window.from);
}

TEST(window_of_everything_holds_all_but_no_time_at_all)
{
    Window window = window_everything();
    CHECK(window_holds(window, 0));
    CHECK(window_holds(window, INT64_MIN + 1));
    CHECK(window_holds(window, INT64_MAX - 1));
}

TEST(window_both_is_the_overlap)
{
    static const struct {
        const char *name;
        Window a, b, want;
    } cases[] = {
        {"inside", {0, 100}, {20, 30}, {20, 30}},
        {"partly", {0, 100}, {50, 150}, {50, 100}},
        {"equal", {0, 100}, {0, 100}, {0, 100}},
        {"everything", {INT64_MIN, INT64_MAX}, {5, 6}, {5, 6}},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].name);
        Window ab = window_both(cases[i].a, cases[i].b);
        Window ba = window_both(cases[i].b, cases[i].a);
        CHECK_INT(cases[i].want.from, ab.from);
        CHECK_INT(cases[i].want.to, ab.to);
        CHECK_INT(ab.from, ba.from);
        CHECK_INT(ab.to, ba.to);
    }
}

TEST(window_both_of_windows_apart_is_empty)
{
    static const struct {
        const char *name;
        Window a, b;
    } cases[] = {
        {"apart", {0, 10}, {20, 30}},
        {"touching", {0, 10}, {10, 20}},
        {"one empty", {15, 15}, {10, 20}},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].name);
        Window both = window_both(cases[i].a, cases[i].b);
        CHECK_INT(both.from, both.to);
        both = window_both(cases[i].b, cases[i].a);
        CHECK_INT(both.from, both.to);
        CHECK(!window_holds(both, both.from));
    }
}
