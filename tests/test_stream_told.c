/* How far a store was told: kept over a restart, and at the beginning where that is not known. */
#include "stream/told.h"
#include "tests/test.h"

#include <stdio.h>

static const char *path_in(const char *dir)
{
    static char path[512];
    (void) snprintf(path, sizeof path, "%s/published", dir);
    return path;
}

TEST(told_comes_back_as_it_was_written)
{
    const char *path = path_in(test_dir());
    const Told given = {
        .epoch = 0xdeadbeef, .number = 1234567890123, .log = 0x0000cafe, .whole = 1700000000};
    Told got;
    Err err = {.code = OK};
    REQUIRE_OK(told_write(path, &given, &err));
    REQUIRE_OK(told_write(path, &given, &err)); /* over the one before */
    REQUIRE_OK(told_read(path, &got, &err));
    CHECK_INT(given.epoch, got.epoch);
    CHECK_INT((int64_t) given.number, (int64_t) got.number);
    CHECK_INT(given.log, got.log);
    CHECK_INT(given.whole, got.whole);
}

TEST(told_is_at_the_beginning_where_no_file_or_none_of_ours_is)
{
    const char *path = path_in(test_dir());
    Told got = {.number = 1};
    Err err = {.code = OK};
    REQUIRE_OK(told_read(path, &got, &err));
    CHECK_INT(0, (int64_t) got.number);
    CHECK(got.whole == NO_TIME);
    FILE *file = fopen(path, "we");
    REQUIRE(file != NULL);
    fputs("deadbeef-17 log", file);
    (void) fclose(file);
    got.number = 1;
    REQUIRE_OK(told_read(path, &got, &err));
    CHECK_INT(0, (int64_t) got.number);
    CHECK(told_write("/no/such/place/published", &got, &err) == ERR_STORAGE);
}
