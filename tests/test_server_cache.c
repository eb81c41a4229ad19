/* Finished answers are kept for one generation, within a ceiling. */
#include "base/metrics.h"
#include "server/cache.h"
#include "tests/test.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* An answer of `bytes` bytes: the first is `fill`, and the others look so much like chance that they
 * cannot be packed. */
static Finished *make_answer(char fill, size_t bytes, UnixSec expires)
{
    Reply reply = reply_init(1 << 20);
    reply.content_type = "text/plain";
    uint64_t chance = 1;
    for (size_t i = 0; i < bytes; i++) {
        buf_put_char(&reply.body, i == 0 ? fill : (char) (chance >> 56));
        chance = chance * 6364136223846793005U + 1442695040888963407U;
    }
    reply_header(&reply, "ETag", STR("\"tag\""));
    Finished *finished = reply_finish(&reply, expires);
    reply_release(&reply);
    REQUIRE(finished != NULL);
    return finished;
}

static void put(Cache *cache, uint64_t generation, const char *key, char fill, size_t bytes)
{
    Finished *finished = make_answer(fill, bytes, 1000);
    const Question question = {.key = str_of(key), .target = str_of(key)};
    cache_put(cache, generation, &question, finished);
    finished_drop(finished);
}

/* The first byte of what is found; 0: nothing. */
static char find(Cache *cache, uint64_t generation, const char *key)
{
    CLEANUP(finished_dropp) Finished *found = cache_find(cache, generation, str_of(key), 1000);
    return found != NULL ? finished_body(found).ptr[0] : '\0';
}

TEST(a_generation_is_dropped_as_a_whole)
{
    Cache *cache = cache_open(1 << 20);
    put(cache, 1, "a", 'a', 10);
    put(cache, 1, "b", 'b', 10);
    put(cache, 1, "a", 'x', 10); /* the first stays: it is the same answer */
    CHECK_INT('a', find(cache, 1, "a"));
    CHECK_INT('b', find(cache, 1, "b"));
    CHECK_INT(0, find(cache, 1, "c"));
    put(cache, 2, "a", 'A', 10);
    CHECK_INT('A', find(cache, 2, "a"));
    CHECK_INT(0, find(cache, 2, "b"));
    CASE("an answer that was rendered too long");
    put(cache, 1, "b", 'b', 10);
    CHECK_INT(0, find(cache, 2, "b"));
    CASE("who has not heard of the newest yet may have it");
    CHECK_INT('A', find(cache, 1, "a"));
    CASE("one newer is announced");
    CHECK_INT(0, find(cache, 3, "a"));
    CHECK_INT(0, find(cache, 2, "a"));
    cache_close(cache);
}

TEST(the_least_lately_used_leaves)
{
    enum { EACH = 10000, CEILING = 80000 }; /* three quarters of it for those that stay whole */
    Cache *cache = cache_open(CEILING);
    put(cache, 1, "a", 'a', EACH);
    put(cache, 1, "b", 'b', EACH);
    put(cache, 1, "c", 'c', EACH);
    CHECK_INT('a', find(cache, 1, "a"));
    put(cache, 1, "d", 'd', EACH);
    put(cache, 1, "e", 'e', EACH);
    CHECK_INT(0, find(cache, 1, "b"));
    CHECK_INT('a', find(cache, 1, "a"));
    CHECK_INT('e', find(cache, 1, "e"));
    CASE("more than a quarter of the ceiling");
    put(cache, 1, "f", 'f', CEILING / 4 + 1);
    CHECK_INT(0, find(cache, 1, "f"));
    CHECK_INT('a', find(cache, 1, "a"));
    cache_close(cache);
    CASE("no room at all");
    cache = cache_open(0);
    put(cache, 1, "a", 'a', 1);
    CHECK_INT(0, find(cache, 1, "a"));
    cache_close(cache);
}

/* As a station's day: much the same, row by row. */
static void put_rows(Cache *cache, uint64_t generation, const char *key, char first)
{
    Reply reply = reply_init(1 << 20);
    reply.content_type = "application/json";
    buf_put_char(&reply.body, first);
    for (int i = 0; i < 100; i++)
        buf_printf(&reply.body, "{\"station\":\"%s\",\"parameter\":\"level\",\"time\":%d}\n", key,
                   i * 900);
    reply_header(&reply, "ETag", STR("\"rows\""));
    const Question question = {.key = str_of(key), .target = str_of(key)};
    CLEANUP(finished_dropp) Finished *finished = reply_finish(&reply, 1000);
    reply_release(&reply);
    REQUIRE(finished != NULL);
    cache_put(cache, generation, &question, finished);
}

TEST(many_more_are_kept_packed)
{
    enum { MANY = 200, EACH = 5000, CEILING = 400000 };
    Cache *cache = cache_open(CEILING);
    for (int i = 0; i < MANY; i++) { /* a megabyte in all */
        char key[16];
        (void) snprintf(key, sizeof key, "%d", i);
        put_rows(cache, 1, key, (char) ('a' + i % 26));
    }
    CHECK(MANY * EACH > 2 * CEILING);
    CHECK(metric_get(METRIC_HTTP_CACHE_BYTES) <= CEILING);
    for (int round = 0; round < 5; round++) /* in time they are worth to be whole again */
        for (int i = 0; i < MANY; i += 1 + round * 40) {
            char key[16];
            (void) snprintf(key, sizeof key, "%d", i);
            CLEANUP(finished_dropp) Finished *found = cache_find(cache, 1, str_of(key), 2000);
            REQUIRE(found != NULL);
            CHECK_INT(200, finished_status(found));
            CHECK_INT('a' + i % 26, finished_body(found).ptr[0]);
            CHECK_HAS("\"time\":89100}\n", finished_body(found));
            CHECK_TEXT("\"rows\"", finished_header(found, "ETag"));
            CHECK_TEXT("application/json", finished_header(found, "Content-Type"));
            CHECK_TEXT("Thu, 01 Jan 1970 00:33:20 GMT", finished_header(found, "Expires"));
        }
    CASE("whole again, and the same memory each time");
    CLEANUP(finished_dropp) Finished *first = cache_find(cache, 1, STR("0"), 2000);
    CLEANUP(finished_dropp) Finished *again = cache_find(cache, 1, STR("0"), 2000);
    CHECK(finished_body(first).ptr == finished_body(again).ptr);
    CASE("packed or not, with a new generation they go");
    CHECK(cache_find(cache, 2, STR("0"), 2000) == NULL);
    CHECK(cache_find(cache, 2, STR("199"), 2000) == NULL);
    put(cache, 2, "x", 'x', 1);
    CHECK(metric_get(METRIC_HTTP_CACHE_BYTES) < 5000);
    cache_close(cache);
}

TEST(an_answer_outlives_the_cache)
{
    Cache *cache = cache_open(1 << 20);
    put(cache, 1, "a", 'a', 10);
    CLEANUP(finished_dropp) Finished *first = cache_find(cache, 1, STR("a"), 1000);
    CLEANUP(finished_dropp) Finished *again = cache_find(cache, 1, STR("a"), 2000);
    REQUIRE(first != NULL && again != NULL);
    cache_close(cache);
    CHECK(finished_body(first).ptr == finished_body(again).ptr);
    CHECK_STR(finished_body(again), finished_body(first));
    CHECK_TEXT("Thu, 01 Jan 1970 00:16:40 GMT", finished_header(first, "Expires"));
    CHECK_TEXT("Thu, 01 Jan 1970 00:33:20 GMT", finished_header(again, "Expires"));
    CHECK_TEXT("\"tag\"", finished_header(again, "ETag"));
    CHECK_TEXT("text/plain", finished_header(again, "Content-Type"));
}

TEST(the_next_generation_is_shelved_until_it_is_asked_for)
{
    Cache *cache = cache_open(1 << 20);
    put(cache, 1, "a", 'a', 10);
    CHECK_INT('a', find(cache, 1, "a"));
    put(cache, 2, "a", 'A', 10);
    put(cache, 2, "b", 'B', 10);
    CHECK_INT('a', find(cache, 1, "a")); /* it has not been announced */
    CHECK_INT('B', find(cache, 1, "b")); /* newer is as good, where there is none */
    CLEANUP(finished_dropp) Finished *ahead = cache_find_at(cache, 2, STR("a"));
    REQUIRE(ahead != NULL);
    CHECK_INT('A', finished_body(ahead).ptr[0]);
    CHECK_INT('A', find(cache, 2, "a"));
    CHECK_INT('B', find(cache, 2, "b"));
    CHECK(cache_find_at(cache, 1, STR("a")) == NULL);
    CASE("announced, and one more behind it");
    put(cache, 3, "a", '3', 10);
    put(cache, 4, "a", '4', 10);
    CHECK_INT('A', find(cache, 2, "a"));
    CHECK_INT(0, find(cache, 5, "a"));
    cache_close(cache);
}

TEST(the_hottest_come_first)
{
    Cache *cache = cache_open(1 << 20);
    Hot hot[3];
    for (const char *key = "abcde"; *key != '\0'; key++) {
        char text[2] = {*key, '\0'};
        put(cache, 1, text, *key, 10);
        for (char c = 'a'; c < *key; c++) /* a: never found; e: four times */
            CHECK_INT(*key, find(cache, 1, text));
    }
    CLEANUP(arena_release) Arena arena = arena_init();
    CHECK_INT(3, cache_hottest(cache, &arena, hot, 3));
    CHECK_TEXT("e", hot[0].question.target);
    CHECK_TEXT("d", hot[1].question.target);
    CHECK_TEXT("c", hot[2].question.target);
    CHECK_INT(4, hot[0].uses);
    CHECK_INT(0, cache_hottest(cache, &arena, hot, 0));
    cache_close(cache);
}

typedef struct Shared {
    Cache *cache;
    int64_t found;
} Shared;

static void *use(void *ctx)
{
    Shared *shared = ctx;
    for (int i = 0; i < 2000; i++) {
        char key[16];
        uint64_t generation = 1 + (uint64_t) i / 200;
        (void) snprintf(key, sizeof key, "key%d", i % 40);
        CLEANUP(finished_dropp)
        Finished *found = cache_find(shared->cache, generation, str_of(key), i % 3);
        if (found != NULL) {
            CHECK_INT('x', finished_body(found).ptr[0]);
            shared->found++;
        } else if (i % 2 == 0) {
            put(shared->cache, generation, key, 'x', 500);
        } else {
            put_rows(shared->cache, generation, key, 'x');
        }
    }
    return NULL;
}

TEST(concurrent_use_of_the_cache)
{
    enum { THREADS = 4 };
    Cache *cache = cache_open(100000); /* some leave, some stay */
    Shared shared[THREADS];
    pthread_t threads[THREADS];
    int64_t found = 0;
    for (size_t i = 0; i < THREADS; i++) {
        shared[i] = (Shared){.cache = cache};
        REQUIRE(pthread_create(&threads[i], NULL, use, &shared[i]) == 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        found += shared[i].found;
    }
    CHECK(found > 0);
    cache_close(cache);
}
