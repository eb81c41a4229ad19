#include "server/limit.h"

#include "tests/test.h"

#include <pthread.h>
#include <stdatomic.h>

enum { SECOND_US = 1000000 };

TEST(limit_lets_a_burst_pass_and_then_one_as_it_is_earned)
{
    static const struct {
        const char *name;
        double at_s;
        bool is_refused;
        int64_t remaining, reset_s, retry_after_s;
    } cases[] = {
        {"the first", 1000, false, 2, 20, 0},
        {"at once", 1000, false, 1, 40, 0},
        {"the last of all", 1000, false, 0, 60, 0},
        {"one too many", 1000, true, 0, 60, 20},
        {"which moves nothing", 1000, true, 0, 60, 20},
        {"a little later", 1000.5, true, 0, 60, 20},
        {"nearly earned", 1019.999, true, 0, 41, 1},
        {"earned", 1020, false, 0, 60, 0},
        {"and spent", 1020, true, 0, 60, 20},
        {"two were earned", 1061, false, 1, 39, 0},
        {"all of it is back, and no more", 5000, false, 2, 20, 0},
    };
    Limit *limit = limit_open((Rate){.count = 3, .window_s = 60});
    REQUIRE(limit != NULL);
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].name);
        Allowance got = limit_take(limit, 7, (int64_t) (cases[i].at_s * SECOND_US));
        CHECK_INT(cases[i].is_refused, got.is_refused);
        CHECK_INT(cases[i].remaining, got.remaining);
        CHECK_INT(cases[i].reset_s, got.reset_s);
        CHECK_INT(cases[i].retry_after_s, got.retry_after_s);
    }
    limit_close(limit);
}

TEST(limit_gives_exactly_what_its_rate_says)
{
    static const Rate rates[] = {{1, 1}, {7, 1}, {600, 60}, {999999, 1}, {3, 86400}};
    for (size_t i = 0; i < countof(rates); i++) {
        Limit *limit = limit_open(rates[i]);
        REQUIRE(limit != NULL);
        int64_t passed = 0;
        while (!limit_take(limit, 1, SECOND_US).is_refused)
            passed++;
        CHECK_INT(rates[i].count, passed);
        limit_close(limit);
    }
}

TEST(limit_knows_addresses_apart)
{
    Limit *limit = limit_open((Rate){.count = 1, .window_s = 60});
    REQUIRE(limit != NULL);
    for (uint64_t address = 0; address < 5000; address++)
        CHECK(!limit_take(limit, address * 0x9e3779b97f4a7c15U, SECOND_US).is_refused);
    int refused = 0;
    for (uint64_t address = 0; address < 5000; address++)
        refused += limit_take(limit, address * 0x9e3779b97f4a7c15U, SECOND_US).is_refused;
    CHECK(refused > 4800); /* where too many share a set some were forgotten */
    limit_close(limit);
}

/* Addresses that fall into one set: who has spent most is remembered longest. */
TEST(limit_forgets_whom_it_harms_least)
{
    enum { SET_STEP = 4096 };
    Limit *limit = limit_open((Rate){.count = 10, .window_s = 60});
    REQUIRE(limit != NULL);
    for (int i = 0; i < 10; i++)
        CHECK(!limit_take(limit, SET_STEP, SECOND_US).is_refused);
    for (uint64_t i = 2; i < 100; i++)
        CHECK(!limit_take(limit, i * SET_STEP, SECOND_US).is_refused);
    CHECK(limit_take(limit, SET_STEP, SECOND_US).is_refused);
    limit_close(limit);
}

static Limit *shared;
static _Atomic int64_t passed;

static void *take_many(void *ctx)
{
    (void) ctx;
    for (int i = 0; i < 2000; i++)
        passed += !limit_take(shared, 1, SECOND_US).is_refused;
    return NULL;
}

TEST(concurrent_requests_share_one_allowance)
{
    pthread_t threads[4];
    shared = limit_open((Rate){.count = 3000, .window_s = 3600});
    REQUIRE(shared != NULL);
    passed = 0;
    for (size_t i = 0; i < countof(threads); i++)
        REQUIRE(pthread_create(&threads[i], NULL, take_many, NULL) == 0);
    for (size_t i = 0; i < countof(threads); i++)
        (void) pthread_join(threads[i], NULL);
    CHECK_INT(3000, passed);
    limit_close(shared);
}
