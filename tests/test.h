/* tests/test.h - a test is a list of facts.
 *
 *     TEST(window_holds_96_slots) { CHECK_INT(96, count); }
 *
 * All tests link into one binary, which runs those whose name contains one of its arguments, or all.
 * A CHECK that fails is told and the test goes on; REQUIRE ends the test. Main thread only, unless
 * said: CHECK from other threads is fine, REQUIRE is not. */
#pragma once
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

typedef void TestFn(void);
void test_register(const char *name, const char *file, TestFn *fn);

#define TEST(name)                                                                                 \
    static void test_##name(void);                                                                 \
    __attribute__((constructor)) static void register_##name(void)                                 \
    {                                                                                              \
        test_register(#name, __FILE__, test_##name);                                               \
    }                                                                                              \
    static void test_##name(void)

void test_case(const char *name); /* names the row of a table in what is told */
#define CASE(name) test_case(name)

bool check_true(bool ok, const char *what, const char *file, int line);
bool check_int(int64_t want, int64_t got, const char *what, const char *file, int line);
bool check_double(double want, double got, const char *what, const char *file, int line);
bool check_str(Str want, Str got, const char *what, const char *file, int line);
bool check_ok(ErrCode got, const Err *err, const char *what, const char *file, int line);
void test_abort(void) __attribute__((noreturn));
void test_skip(const char *why) __attribute__((noreturn)); /* counted and told, never silent */

#define CHECK(cond)          check_true((cond), #cond, __FILE__, __LINE__)
#define CHECK_INT(want, got) check_int((int64_t) (want), (int64_t) (got), #got, __FILE__, __LINE__)
#define CHECK_DOUBLE(want, got)                                                                    \
    check_double((want), (got), #got, __FILE__, __LINE__) /* equal, or both NAN */
#define CHECK_STR(want, got)  check_str((want), (got), #got, __FILE__, __LINE__)
#define CHECK_TEXT(want, got) check_str(str_of(want), (got), #got, __FILE__, __LINE__)
#define CHECK_OK(call)                                                                             \
    check_ok((call), &err, #call, __FILE__, __LINE__) /* needs an `err` in scope */
#define CHECK_HAS(part, text) check_has(str_of(part), (text), #text, __FILE__, __LINE__)
bool check_has(Str part, Str text, const char *what, const char *file, int line);
#define REQUIRE(cond)                                                                              \
    do {                                                                                           \
        if (!CHECK(cond))                                                                          \
            test_abort();                                                                          \
    } while (0)
#define REQUIRE_OK(call)                                                                           \
    do {                                                                                           \
        if (!CHECK_OK(call))                                                                       \
            test_abort();                                                                          \
    } while (0)

/* Runs when this test ends, however it ends: the last one first. */
void test_defer(void (*fn)(void *ctx), void *ctx);

/* A fresh empty directory, removed with all in it when the test ends. */
const char *test_dir(void);
/* The same in memory, where the system has that: for days of commits that prove nothing of a disk. */
const char *test_dir_in_memory(void);
/* ../shared/upstream/<name>, un-gzipped when it ends in .gz; false where that folder is not there
 * (the caller then skips or uses its own fixture). Owned by the caller. */
bool test_recording(const char *name, Buf *ret);
/* tests/fixtures/<name>; aborts the test when it is not there. Owned by the caller. */
Buf test_fixture(const char *name);
