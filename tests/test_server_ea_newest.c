/* The Agency's `_sorted`, against sorting all of it. */
#include "server/ea_newest.h"
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>

enum { SERIES = 40, EACH = 100, ALL = SERIES * EACH };

typedef struct Plain {
    UnixSec time;
    int series;
} Plain;

typedef struct Seen {
    const Plain *want;
    size_t at;
} Seen;

static uint64_t state = 5;

static unsigned draw(unsigned below)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned) (state >> 33) % below;
}

static int newest_first(const void *a, const void *b)
{
    const Plain *one = a, *two = b;
    if (one->time != two->time)
        return one->time < two->time ? 1 : -1;
    return one->series - two->series;
}

/* Each series from old to new, many at the same moments. */
static Plain *add_all(EaNewest *newest)
{
    Plain *all = calloc(ALL, sizeof *all);
    REQUIRE(all != NULL);
    for (int i = 0, count = 0; i < SERIES; i++) {
        char id[16], text[16];
        (void) snprintf(id, sizeof id, "m%d", i);
        (void) snprintf(text, sizeof text, "t%d", i);
        const EaSeries series = {.id = str_of(id), .text = str_of(text)};
        ea_newest_begin_series(newest);
        UnixSec time = draw(50);
        for (int k = 0; k < EACH; k++, time += 1 + draw(3)) {
            const Reading reading = {.measure_id = series.id,
                                     .time = time,
                                     .value = i * 1000 + k,
                                     .raw = k % 7 == 0 ? STR("raw") : STR_NONE};
            REQUIRE(ea_newest_add(newest, &reading, &series));
            all[count++] = (Plain){.time = time, .series = i};
        }
    }
    qsort(all, ALL, sizeof *all, newest_first);
    return all;
}

static bool check_next(const Reading *reading, Str text, void *ctx)
{
    Seen *seen = ctx;
    const Plain *want = &seen->want[seen->at++];
    char id[16], described[16];
    (void) snprintf(id, sizeof id, "m%d", want->series);
    (void) snprintf(described, sizeof described, "t%d", want->series);
    CHECK_INT(want->time, reading->time);
    CHECK_TEXT(id, reading->measure_id);
    CHECK_TEXT(described, text);
    CHECK_INT(want->series, (int) reading->value / 1000);
    CHECK((int) reading->value % 1000 % 7 == 0 ? str_eq(reading->raw, STR("raw"))
                                               : str_is_none(reading->raw));
    return true;
}

TEST(ea_newest_is_the_beginning_of_all_sorted)
{
    static const int64_t mosts[] = {0, 1, 2, 7, 500, ALL - 1, ALL, ALL + 1, -1};
    for (size_t i = 0; i < countof(mosts); i++) {
        char name[32];
        (void) snprintf(name, sizeof name, "%d", (int) mosts[i]);
        CASE(name);
        CLEANUP(arena_release) Arena arena = arena_init();
        EaNewest newest = ea_newest_init(&arena, mosts[i]);
        Plain *all = add_all(&newest);
        Seen seen = {.want = all};
        ea_newest_each(&newest, check_next, &seen);
        CHECK_INT(mosts[i] < 0 || mosts[i] > ALL ? ALL : mosts[i], seen.at);
        ea_newest_release(&newest);
        free(all);
    }
}

static size_t add_many(EaNewest *newest, size_t count)
{
    const EaSeries series = {.id = STR("m"), .text = STR_NONE};
    size_t added = 0;
    ea_newest_begin_series(newest);
    for (; added < count; added++) {
        const Reading reading = {.measure_id = series.id, .time = (UnixSec) added};
        if (!ea_newest_add(newest, &reading, &series))
            break;
    }
    return added;
}

TEST(ea_newest_of_all_has_an_end_and_that_of_a_few_has_none)
{
    CLEANUP(arena_release) Arena arena = arena_init();
    EaNewest all = ea_newest_init(&arena, -1), beyond = ea_newest_init(&arena, EA_NEWEST_MAX + 1),
             few = ea_newest_init(&arena, 10);
    CHECK_INT(EA_NEWEST_MAX, add_many(&all, EA_NEWEST_MAX + 10));
    CHECK(all.too_many);
    CHECK_INT(EA_NEWEST_MAX, add_many(&beyond, EA_NEWEST_MAX + 10));
    CHECK(beyond.too_many);
    CHECK_INT(EA_NEWEST_MAX + 10, add_many(&few, EA_NEWEST_MAX + 10));
    CHECK(!few.too_many && few.cap < 1000);
    ea_newest_release(&all);
    ea_newest_release(&beyond);
    ea_newest_release(&few);
}
