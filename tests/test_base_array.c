#include "base/array.h"

#include "tests/test.h"

#include <stdlib.h>

TEST(array_makes_room_for_one_more_and_keeps_what_is_there)
{
    enum { COUNT = 100000 };
    int64_t *items = NULL;
    size_t count = 0, cap = 0;
    int moves = 0;
    while (count < COUNT) {
        size_t before = cap;
        REQUIRE(array_room(&items, count, &cap, sizeof *items));
        REQUIRE(count < cap);
        moves += cap != before;
        items[count] = (int64_t) count;
        count++;
    }
    CHECK(moves < 20); /* it doubles */
    for (size_t i = 0; i < COUNT; i++)
        REQUIRE(items[i] == (int64_t) i);
    free(items);
}

TEST(array_with_room_stays_where_it_is)
{
    enum { CAP = 2 };
    char *items = calloc(CAP, 1), *before = items;
    size_t cap = CAP;
    REQUIRE(items != NULL);
    CHECK(array_room(&items, CAP - 1, &cap, 1));
    CHECK(items == before);
    CHECK_INT(CAP, cap);
    free(items);
}
