#include "base/arena.h"

#include "tests/test.h"

#include <stdio.h>
#include <string.h>

TEST(arena_gives_zeroed_aligned_memory)
{
    CLEANUP(arena_release) Arena arena = arena_init();
    for (size_t bytes = 1; bytes < 200000; bytes = bytes * 3 + 1) {
        unsigned char *ptr = arena_alloc(&arena, bytes);
        REQUIRE(ptr != NULL);
        CHECK_INT(0, (uintptr_t) ptr % _Alignof(max_align_t));
        CHECK(ptr[0] == 0 && memcmp(ptr, ptr + 1, bytes - 1) == 0);
        memset(ptr, 0xff, bytes); /* a sanitizer tells when this is not ours */
    }
}

TEST(arena_keeps_what_it_gave)
{
    enum { COUNT = 20000 };
    CLEANUP(arena_release) Arena arena = arena_init();
    Str *copies = arena_alloc(&arena, COUNT * sizeof *copies);
    REQUIRE(copies != NULL);
    for (int i = 0; i < COUNT; i++) {
        char text[32];
        (void) snprintf(text, sizeof text, "station %d", i);
        REQUIRE(arena_copy(&arena, str_of(text), &copies[i]));
    }
    CHECK_STR(STR("station 0"), copies[0]);
    CHECK_STR(STR("station 10007"), copies[10007]);
    CHECK_STR(STR("station 19999"), copies[COUNT - 1]);
    CHECK(arena.bytes >= COUNT * (sizeof *copies + 9));
}

TEST(arena_copies_have_a_nul_behind_them)
{
    CLEANUP(arena_release) Arena arena = arena_init();
    Str copy = STR("?");
    REQUIRE(arena_copy(&arena, (Str){"E6120-southern", 5}, &copy));
    CHECK_STR(STR("E6120"), copy);
    CHECK_INT('\0', copy.ptr[5]);
    REQUIRE(arena_copy(&arena, STR(""), &copy));
    CHECK_STR(STR(""), copy); /* empty is not none */
    CHECK_INT('\0', copy.ptr[0]);
    REQUIRE(arena_copy(&arena, STR_NONE, &copy));
    CHECK(str_is_none(copy));
}

TEST(arena_refuses_what_no_memory_holds)
{
    CLEANUP(arena_release) Arena arena = arena_init();
    CHECK(arena_alloc(&arena, SIZE_MAX) == NULL);
    CHECK(arena_alloc(&arena, 10) != NULL); /* and goes on */
}

TEST(arena_is_usable_after_release)
{
    Arena arena = arena_init();
    CHECK(arena_alloc(&arena, 100) != NULL);
    arena_release(&arena);
    CHECK_INT(0, arena.bytes);
    CHECK(arena_alloc(&arena, 100) != NULL);
    arena_release(&arena);
    arena_release(&arena);
}

TEST(arena_makes_room_for_one_more_and_keeps_what_is_there)
{
    enum { COUNT = 10000 };
    CLEANUP(arena_release) Arena arena = arena_init();
    int64_t *items = NULL;
    for (size_t i = 0; i < COUNT; i++) {
        REQUIRE(arena_room(&arena, &items, i, sizeof *items));
        items[i] = (int64_t) i; /* a sanitizer tells when this is not ours */
    }
    for (size_t i = 0; i < COUNT; i++)
        REQUIRE(items[i] == (int64_t) i);
    CHECK(arena.bytes < 4 * COUNT * sizeof *items); /* it doubles */
}
