#include "ingest/blame.h"

#include "base/clock.h"
#include "tests/test.h"

enum { NOON = 1768910400 }; /* 2026-01-20T12:00:00Z */

TEST(blame_of_a_clock_that_is_apart)
{
    static const struct {
        const char *name;
        int64_t date, age_s;
        ErrCode want;
    } cases[] = {
        {"the same", NOON, 0, OK},
        {"a minute behind", NOON + 60, 0, OK},
        {"more than a minute behind", NOON + 61, 0, ERR_INVALID},
        {"more than a minute ahead", NOON - 61, 0, ERR_INVALID},
        {"as of when a cache stored it", NOON - 240, 240, OK},
        {"made anew by the cache", NOON, 240, OK},
        {"not said", NO_TIME, 0, OK},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        Err err = {.code = OK};
        CASE(cases[i].name);
        CHECK_INT(cases[i].want, blame_clock(NOON, cases[i].date, cases[i].age_s, &err));
        CHECK_INT(cases[i].want, err.code);
    }
}

/* Releases are at 11:48:21, 12:03:21, ... */
TEST(blame_of_a_release_that_was_missed)
{
    static const struct {
        const char *name;
        int64_t now, modified, age_s;
        ErrCode want;
    } cases[] = {
        {"of the last release", NOON + 300, NOON + 201, 0, OK},
        {"of the one before it", NOON + 300, NOON - 699, 0, ERR_UPSTREAM},
        {"a copy older than the release", NOON + 300, NOON - 699, 100, OK},
        {"just before the release", NOON + 200, NOON - 699, 0, OK},
        {"at it", NOON + 201, NOON - 699, 0, ERR_UPSTREAM},
        {"not said", NOON + 300, NO_TIME, 0, OK},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        Err err = {.code = OK};
        CASE(cases[i].name);
        CHECK_INT(cases[i].want,
                  blame_release(cases[i].now, cases[i].modified, cases[i].age_s, &err));
    }
}

TEST(blame_of_a_feed_that_does_not_move)
{
    static const struct {
        const char *name;
        Movement movement;
        ErrCode want;
    } cases[] = {
        {"moved", {true, 10, 5000}, OK},
        {"ten were due", {false, 10, 5000}, ERR_UPSTREAM},
        {"nine of many", {false, 9, 5000}, OK},
        {"nine of ninety", {false, 9, 90}, ERR_UPSTREAM},
        {"nine of ninety-one", {false, 9, 91}, OK},
        {"the only one", {false, 1, 1}, ERR_UPSTREAM},
        {"none was due", {false, 0, 1}, OK},
        {"nothing is held", {false, 0, 0}, OK},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        Err err = {.code = OK};
        CASE(cases[i].name);
        CHECK_INT(cases[i].want, blame_movement(cases[i].movement, &err));
        if (cases[i].want != OK)
            CHECK_HAS("stuck", str_of(err.text));
    }
}

TEST(blame_of_each_error_is_somebodys)
{
    for (int code = OK + 1; code < ERR_CODE_COUNT; code++) {
        CASE(err_name((ErrCode) code));
        CHECK_INT(code == ERR_STOPPED, blame_of((ErrCode) code) == FAULT_NONE);
    }
    CHECK_INT(FAULT_NONE, blame_of(OK));
    CHECK_INT(FAULT_NETWORK, blame_of(ERR_NETWORK));
    CHECK_INT(FAULT_UPSTREAM, blame_of(ERR_NOT_FOUND));
    CHECK_INT(FAULT_INGEST, blame_of(ERR_TOO_LARGE));
    CHECK_INT(FAULT_STORE, blame_of(ERR_CORRUPT));
}
