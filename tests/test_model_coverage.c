#include "model/coverage.h"

#include "tests/test.h"

#include <math.h>
#include <string.h>

enum {
    QUARTER_S = 900,
    NEWEST = 1795342500, /* 2026-11-22T10:15:00Z, a multiple of 900 */
};

static Window day(void)
{
    return window_ending_at(NEWEST, WINDOW_MAX_S);
}

/* `pattern`: a character a slot, oldest first, ending at the newest; x is a reading. */
static void add_pattern(Coverage *coverage, const char *pattern, UnixSec newest, int64_t period_s)
{
    int64_t slots = (int64_t) strlen(pattern);
    for (int64_t i = 0; i < slots; i++)
        if (pattern[i] == 'x')
            coverage_add(coverage, newest - (slots - 1 - i) * period_s);
}

TEST(coverage_of_a_whole_day_is_one)
{
    Coverage coverage = coverage_init();
    coverage_begin_measure(&coverage, QUARTER_S, day(), NEWEST);
    for (int i = 95; i >= 0; i--)
        coverage_add(&coverage, NEWEST - i * QUARTER_S);
    coverage_end_measure(&coverage);
    CHECK_INT(96, coverage.count);
    CHECK_INT(96, coverage.expected);
    CHECK_INT(96, coverage.received);
    CHECK(coverage.counted);
    CHECK_INT(NEWEST - 95 * QUARTER_S, coverage.earliest);
    CHECK_INT(NEWEST, coverage.latest);
    CHECK_DOUBLE(1, coverage_completeness(&coverage));
}

TEST(coverage_counts_slots_from_the_windows_start_to_the_newest)
{
    static const struct {
        const char *name, *pattern;
        int64_t from_slots, expected,
            received; /* the window begins so many slots before the newest */
    } cases[] = {
        {"all", "xxxx", 4, 4, 4},
        {"one is missing", "xx.x", 4, 4, 3},
        {"the first are missing", "..xx", 4, 4, 2},
        {"the window begins before", "xx", 4, 4, 2},
        {"one alone", "x", 4, 4, 1},
        {"one alone in a window of one", "x", 1, 1, 1},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        Coverage coverage = coverage_init();
        CASE(cases[i].name);
        coverage_begin_measure(&coverage, QUARTER_S,
                               window_ending_at(NEWEST, cases[i].from_slots * QUARTER_S), NEWEST);
        add_pattern(&coverage, cases[i].pattern, NEWEST, QUARTER_S);
        coverage_end_measure(&coverage);
        CHECK_INT(cases[i].expected, coverage.expected);
        CHECK_INT(cases[i].received, coverage.received);
        CHECK_DOUBLE((double) cases[i].received / (double) cases[i].expected,
                     coverage_completeness(&coverage));
    }
}

TEST(coverage_ends_at_the_measures_own_newest)
{
    Coverage coverage = coverage_init();
    coverage_begin_measure(&coverage, QUARTER_S, window_ending_at(NEWEST, 10 * QUARTER_S),
                           NEWEST - 4 * QUARTER_S);
    add_pattern(&coverage, "xxx", NEWEST - 4 * QUARTER_S, QUARTER_S); /* its station goes on */
    coverage_end_measure(&coverage);
    CHECK_INT(6, coverage.expected);
    CHECK_INT(3, coverage.received);
}

TEST(coverage_learns_the_phase)
{
    static const struct {
        const char *name;
        int64_t
            offsets[8]; /* of the readings from the newest quarter hours, oldest first; 0 ends */
        int64_t expected, received;
    } cases[] = {
        {"all 40 s late", {40, 940, 1840, 2740}, 4, 4},
        {"one of them early",
         {40, 900, 1840, 2740, 3640},
         5,
         4},                                                 /* 40 s early is the slot before */
        {"the first another", {10, 940, 1840, 2740}, 4, 3},  /* 10 lies before the first slot, 40 */
        {"the newest another", {40, 940, 1840, 2720}, 3, 3}, /* shares the slot of 1840 */
        {"one more within a slot", {40, 400, 940, 1840}, 3, 3},
        {"the other phases first", {300, 840, 940, 1840, 2740}, 4, 4},
        {"a tie goes to the first", {40, 1000}, 2, 2},
        {"with a gap", {40, 940, 2740, 3640}, 5, 4},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        Coverage coverage = coverage_init();
        const UnixSec base = NEWEST;
        CASE(cases[i].name);
        /* the window begins at the first modal slot, or a little before */
        size_t count = 0;
        while (count < 8 && cases[i].offsets[count] != 0)
            count++;
        coverage_begin_measure(&coverage, QUARTER_S, (Window){.from = base + 1, .to = base + 7200},
                               base + cases[i].offsets[count - 1]);
        for (size_t k = 0; k < count; k++)
            coverage_add(&coverage, base + cases[i].offsets[k]);
        coverage_end_measure(&coverage);
        CHECK_INT(cases[i].expected, coverage.expected);
        CHECK_INT(cases[i].received, coverage.received);
    }
}

TEST(coverage_without_a_period_is_unknown)
{
    Coverage coverage = coverage_init();
    CHECK(isnan(coverage_completeness(&coverage)));
    coverage_begin_measure(&coverage, 0, day(), NEWEST);
    coverage_add(&coverage, NEWEST - 17);
    coverage_add(&coverage, NEWEST);
    coverage_end_measure(&coverage);
    CHECK_INT(2, coverage.count);
    CHECK_INT(0, coverage.expected);
    CHECK_INT(0, coverage.received);
    CHECK(!coverage.counted);
    CHECK_INT(NEWEST - 17, coverage.earliest);
    CHECK(isnan(coverage_completeness(&coverage)));
}

TEST(coverage_of_a_measure_without_readings_expects_nothing)
{
    Coverage coverage = coverage_init();
    coverage_begin_measure(&coverage, QUARTER_S, day(), NO_TIME);
    coverage_end_measure(&coverage);
    CHECK_INT(0, coverage.expected);
    CHECK_INT(NO_TIME, coverage.earliest);
    CHECK_INT(NO_TIME, coverage.latest);
    CHECK(isnan(coverage_completeness(&coverage)));

    coverage_begin_measure(&coverage, QUARTER_S, (Window){.from = NEWEST, .to = NEWEST}, NEWEST);
    coverage_end_measure(&coverage);
    CHECK_INT(0, coverage.expected);
}

TEST(coverage_of_a_part_expects_up_to_its_end)
{
    static const struct {
        const char *name, *pattern; /* of the four slots asked for */
        int64_t newest_slots_later, expected, received;
    } cases[] = {
        {"a gap just before the end", "xx..", 8, 4, 2},
        {"nothing at all", "....", 8, 4, 0},
        {"the measure ends inside", "xx..", -2, 2, 2},
        {"the measure ends before it", "....", -4, 0, 0},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        Coverage coverage = coverage_init();
        CASE(cases[i].name);
        coverage_begin_measure(&coverage, QUARTER_S, window_ending_at(NEWEST, 4 * QUARTER_S),
                               NEWEST + cases[i].newest_slots_later * QUARTER_S);
        add_pattern(&coverage, cases[i].pattern, NEWEST, QUARTER_S);
        coverage_end_measure(&coverage);
        CHECK_INT(cases[i].expected, coverage.expected);
        CHECK_INT(cases[i].received, coverage.received);
    }
}

TEST(coverage_sums_its_measures)
{
    Coverage coverage = coverage_init();
    coverage_begin_measure(&coverage, QUARTER_S, window_ending_at(NEWEST, 4 * QUARTER_S), NEWEST);
    add_pattern(&coverage, "x.xx", NEWEST, QUARTER_S);
    coverage_end_measure(&coverage);
    coverage_begin_measure(&coverage, 3600, window_ending_at(NEWEST + 7200, 7200), NEWEST + 7200);
    add_pattern(&coverage, "xx", NEWEST + 7200, 3600);
    coverage_end_measure(&coverage);
    coverage_begin_measure(&coverage, 0, day(), NEWEST);
    coverage_add(&coverage, NEWEST - 80000);
    coverage_end_measure(&coverage);
    CHECK_INT(6, coverage.count);
    CHECK_INT(6, coverage.expected);
    CHECK_INT(5, coverage.received);
    CHECK_INT(NEWEST - 80000, coverage.earliest);
    CHECK_INT(NEWEST + 7200, coverage.latest);
    CHECK_DOUBLE(5.0 / 6, coverage_completeness(&coverage));
}

TEST(coverage_takes_times_before_1970_and_windows_without_end)
{
    Coverage coverage = coverage_init();
    coverage_begin_measure(&coverage, QUARTER_S, window_ending_at(-QUARTER_S, 3 * QUARTER_S),
                           -QUARTER_S);
    add_pattern(&coverage, "xxx", -QUARTER_S, QUARTER_S);
    coverage_end_measure(&coverage);
    CHECK_INT(3, coverage.expected);
    CHECK_INT(3, coverage.received);

    coverage_begin_measure(&coverage, QUARTER_S, window_ending_at(-5, 3 * QUARTER_S), -5);
    add_pattern(&coverage, "x.x", -5, QUARTER_S);
    coverage_end_measure(&coverage);
    CHECK_INT(6, coverage.expected);
    CHECK_INT(5, coverage.received);

    coverage_begin_measure(&coverage, QUARTER_S, window_everything(), NEWEST);
    add_pattern(&coverage, "xxx", NEWEST, QUARTER_S);
    coverage_end_measure(&coverage);
    CHECK_INT(8, coverage.received);
}

/* ---- against counting with all readings at hand ---------------------------------------------- */

static int64_t slots_filled(const UnixSec *times, size_t count, UnixSec first_slot, int64_t slots)
{
    int64_t filled = 0;
    for (int64_t slot = 0; slot < slots; slot++) {
        UnixSec begin = first_slot + slot * QUARTER_S;
        bool any = false;
        for (size_t i = 0; i < count; i++)
            any = any || (times[i] >= begin && times[i] < begin + QUARTER_S);
        filled += any;
    }
    return filled;
}

TEST(coverage_is_exact_with_strays_of_one_other_phase)
{
    uint64_t state = 7;
    for (int round = 0; round < 500; round++) {
        UnixSec times[300];
        size_t count = 0;
        int64_t phase = round * 37 % QUARTER_S, other = (phase + 1 + round * 11 % 898) % QUARTER_S;
        Window window = day();
        UnixSec first_slot = window.from - window.from % QUARTER_S + phase;
        if (first_slot < window.from)
            first_slot += QUARTER_S;
        UnixSec last = 0;
        for (UnixSec slot = first_slot - QUARTER_S; slot < window.to; slot += QUARTER_S) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            uint64_t die = state >> 60;
            UnixSec stray = slot + (other - phase + QUARTER_S) % QUARTER_S;
            if (die > 1 && window_holds(window, slot))
                times[count++] = last = slot;
            if (die == 1 && count > 0 && window_holds(window, stray)) /* none is the first */
                times[count++] = last = stray;
        }
        Coverage coverage = coverage_init();
        coverage_begin_measure(&coverage, QUARTER_S, window, last);
        for (size_t i = 0; i < count; i++)
            coverage_add(&coverage, times[i]);
        coverage_end_measure(&coverage);
        int64_t slots = (last - first_slot) / QUARTER_S + 1;
        CHECK_INT(slots, coverage.expected);
        CHECK_INT(slots_filled(times, count, first_slot, slots), coverage.received);
    }
}

TEST(coverage_never_receives_more_than_it_expects)
{
    uint64_t state = 3;
    for (int round = 0; round < 500; round++) {
        Coverage coverage = coverage_init();
        coverage_begin_measure(&coverage, QUARTER_S, day(), day().to - 1);
        for (UnixSec time = day().from; time < day().to;) {
            coverage_add(&coverage, time); /* any second, more phases than are learnt */
            state = state * 6364136223846793005u + 1442695040888963407u;
            time += 1 + (int64_t) (state >> 40) % (round * 10 + 2);
        }
        coverage_end_measure(&coverage);
        CHECK(coverage.expected > 0 && coverage.expected <= 97);
        CHECK(coverage.received > 0 && coverage.received <= coverage.expected);
    }
}
