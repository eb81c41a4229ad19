/* Heavy answers are rendered beside the HTTP threads, once for all who ask meanwhile. */
#include "base/lock.h"
#include "base/metrics.h"
#include "server/renderer.h"
#include "tests/site.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static Head head_for(const char *target)
{
    return (Head){
        .method = STR("GET"), .target = str_of(target), .is_http_1_1 = true, .host_count = 1};
}

TEST(lists_of_the_whole_country_are_deferred)
{
    static const struct {
        const char *target;
        bool deferred;
    } cases[] = {
        {"/v1/latest", true},
        {"/v1/readings.csv", true},
        {"/v1/stations?river=River+Thames", true}, /* every station is looked at */
        {"/v1/measures?parameter=level", true},
        {"/v1/latest?station=1491TH", false},
        {"/v1/readings?measure=1491TH-level", false},
        {"/v1/stations/1491TH/readings", false},
        {"/v1/measures/1491TH-level", false},
        {"/v1", false},
        {"/v1/status", false},
        {"/v1/latest?limit=never&from=x", false}, /* wrong: that is known at once */
    };
    Inside inside;
    inside_open(&inside, true);
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].target);
        CLEANUP(arena_release) Arena arena = arena_init();
        const Head head = head_for(cases[i].target);
        Answer first = answer_at_once(&inside.site, inside.cache, &head, &arena);
        CHECK_INT(cases[i].deferred, first.is_deferred);
        CHECK_INT(cases[i].deferred, first.finished == NULL);
        finished_drop(first.finished);
        Asked rendered = ask(&inside, cases[i].target);
        asked_release(&rendered);
        Answer second = answer_at_once(&inside.site, inside.cache, &head, &arena);
        CHECK(!second.is_deferred); /* it is in the cache */
        finished_drop(second.finished);
    }
    inside_close(&inside);
}

/* They are kept by nobody, as what they tell is of the moment. */
TEST(lists_of_the_moment_are_deferred_each_time)
{
    static const struct {
        const char *target;
        bool deferred;
    } cases[] = {
        {"/v1/gaps", true},
        {"/v1/gaps.csv?parameter=level", true},
        {"/v1/quarantine", true},
        {"/v1/gaps?station=1491TH", false},
        {"/v1/gaps?statoin=1491TH", false}, /* wrong: that is known at once */
        {"/v1/snapshots", false},
    };
    Inside inside;
    inside_open(&inside, true);
    for (size_t i = 0; i < 2 * countof(cases); i++) {
        const char *target = cases[i / 2].target;
        CASE(target);
        CLEANUP(arena_release) Arena arena = arena_init();
        const Head head = head_for(target);
        Answer answer = answer_at_once(&inside.site, inside.cache, &head, &arena);
        CHECK_INT(cases[i / 2].deferred, answer.is_deferred);
        finished_drop(answer.finished);
        CLEANUP(asked_release) Asked rendered = ask(&inside, target);
        const Rendered given = {.finished = finished_keep(rendered.answer.finished),
                                .render_us = 7};
        answer = answer_rendered(&inside.site, inside.cache, &head, &arena, &given);
        CHECK(answer.finished == rendered.answer.finished || !cases[i / 2].deferred);
        finished_drop(answer.finished);
    }
    CASE("its head is made at once");
    CLEANUP(arena_release) Arena arena = arena_init();
    Head head = head_for("/v1/gaps");
    head.method = STR("HEAD");
    Answer answer = answer_at_once(&inside.site, inside.cache, &head, &arena);
    CHECK(!answer.is_deferred);
    finished_drop(answer.finished);
    inside_close(&inside);
}

/* ---- with waiters that are no connections ---------------------------------------------------- */

enum { WAITERS = 20 };

typedef struct Desk {
    Inside inside;
    Renderer *renderer;
    Lock lock;
    Cond change;
    int held, answered;
    bool holds_first; /* whoever hands over to the first waiter is kept */
    Rendered got[WAITERS];
    bool has_none[WAITERS];
} Desk;

typedef struct Waiter {
    Desk *desk;
    size_t number;
} Waiter;

static void hold(void *ctx)
{
    const Waiter *waiter = ctx;
    lock_take(&waiter->desk->lock);
    waiter->desk->held++;
    lock_give(&waiter->desk->lock);
}

static void hand_over(void *ctx, const Rendered *rendered)
{
    const Waiter *waiter = ctx;
    Desk *desk = waiter->desk;
    lock_take(&desk->lock);
    while (desk->holds_first && waiter->number == 0)
        (void) cond_wait(&desk->change, &desk->lock, INT64_MAX);
    if (rendered != NULL) {
        finished_drop(desk->got[waiter->number].finished); /* where one waits for several */
        desk->got[waiter->number] = *rendered;
    } else {
        desk->has_none[waiter->number] = true;
    }
    desk->answered++;
    cond_signal_all(&desk->change);
    lock_give(&desk->lock);
}

static void desk_open(Desk *desk)
{
    Err err = {.code = OK};
    memset(desk, 0, sizeof *desk);
    inside_open(&desk->inside, true);
    lock_init(&desk->lock);
    cond_init(&desk->change);
    REQUIRE_OK(renderer_start(&desk->inside.site, desk->inside.cache,
                              &(RenderHooks){.hold = hold, .hand_over = hand_over}, 1,
                              &desk->renderer, &err));
}

static void desk_close(Desk *desk)
{
    renderer_close(desk->renderer);
    for (size_t i = 0; i < WAITERS; i++)
        finished_drop(desk->got[i].finished);
    cond_release(&desk->change);
    lock_release(&desk->lock);
    inside_close(&desk->inside);
}

static void await(Desk *desk, int answered)
{
    lock_take(&desk->lock);
    while (desk->answered < answered)
        (void) cond_wait(&desk->change, &desk->lock, INT64_MAX);
    lock_give(&desk->lock);
}

TEST(concurrent_askers_share_one_rendering)
{
    Desk desk;
    Waiter waiters[WAITERS];
    desk_open(&desk);
    CLEANUP(arena_release) Arena arena = arena_init();
    const Head head = head_for("/v1/latest");
    Answer answer = answer_at_once(&desk.inside.site, desk.inside.cache, &head, &arena);
    REQUIRE(answer.is_deferred);
    /* The renderer cannot end before all have asked: it needs a snapshot, and there is none. */
    Snapshot *snapshots[4];
    Err err = {.code = OK};
    desk.inside.options.max_response_bytes = 1 << 20;
    for (size_t i = 0; i < countof(snapshots); i++)
        REQUIRE_OK(store_snapshot(desk.inside.fixture.store, &snapshots[i], &err));
    for (size_t i = 0; i < WAITERS; i++) {
        waiters[i] = (Waiter){&desk, i};
        CHECK(renderer_ask(desk.renderer, &answer.deferred, &head, &waiters[i]));
    }
    for (size_t i = 0; i < countof(snapshots); i++)
        snapshot_close(snapshots[i]);
    await(&desk, WAITERS);
    CHECK_INT(WAITERS, desk.held);
    for (size_t i = 0; i < WAITERS; i++) {
        REQUIRE(desk.got[i].finished != NULL);
        CHECK(desk.got[i].finished == desk.got[0].finished); /* one for all */
    }
    CASE("what each gets of it is its own");
    Head asks = head;
    asks.request_id = STR("mine");
    asks.if_modified_since = finished_header(desk.got[0].finished, "Last-Modified");
    bool rendered = finished_status(desk.got[0].finished) == 200;
    const Rendered given = {.finished = finished_keep(desk.got[0].finished), .render_us = 1500};
    answer = answer_rendered(&desk.inside.site, desk.inside.cache, &asks, &arena, &given);
    CHECK_INT(rendered ? 304 : 503, finished_status(answer.finished));
    CHECK_TEXT("mine", answer.extra[0].value);
    finished_drop(answer.finished);
    desk_close(&desk);
}

static void ask_renderer(Desk *desk, Waiter *waiter, const char *target, const char *encoding)
{
    CLEANUP(arena_release) Arena arena = arena_init();
    Head head = head_for(target);
    head.accept_encoding = str_of(encoding);
    Answer answer = answer_at_once(&desk->inside.site, desk->inside.cache, &head, &arena);
    REQUIRE(answer.is_deferred);
    REQUIRE(renderer_ask(desk->renderer, &answer.deferred, &head, waiter));
}

TEST(a_question_does_not_wait_for_the_one_before_it)
{
    Desk desk;
    desk_open(&desk);
    Waiter first = {&desk, 0}, second = {&desk, 1}, third = {&desk, 2};
    desk.holds_first = true;
    ask_renderer(&desk, &first, "/v1/latest", NULL);
    ask_renderer(&desk, &second, "/v1/stations", NULL);
    ask_renderer(&desk, &third, "/v1/measures", NULL);
    await(&desk, 2); /* the first is under way still */
    CHECK(desk.got[1].finished != NULL && desk.got[2].finished != NULL);
    lock_take(&desk.lock);
    desk.holds_first = false;
    cond_signal_all(&desk.change);
    lock_give(&desk.lock);
    await(&desk, 3);
    CHECK(desk.got[0].finished != NULL);
    desk_close(&desk);
}

/* Whichever comes first, the rows are walked once. */
TEST(codings_of_one_answer_are_rendered_one_behind_the_other)
{
    static const char *const encodings[] = {"gzip", NULL, "zstd"};
    Desk desk;
    Waiter waiters[countof(encodings)];
    desk_open(&desk);
    int64_t misses = metric_get(METRIC_HTTP_CACHE_MISSES);
    for (size_t i = 0; i < countof(encodings); i++) {
        waiters[i] = (Waiter){&desk, i};
        ask_renderer(&desk, &waiters[i], "/v1/latest", encodings[i]);
    }
    await(&desk, countof(encodings));
    CHECK_INT(misses + 1, metric_get(METRIC_HTTP_CACHE_MISSES));
    CHECK_TEXT("gzip", finished_header(desk.got[0].finished, "Content-Encoding"));
    CHECK_TEXT("zstd", finished_header(desk.got[2].finished, "Content-Encoding"));
    desk_close(&desk);
}

TEST(the_renderer_refuses_beyond_its_queue_and_leaves_nobody_waiting)
{
    enum { ASKED = RENDER_QUEUE_MAX + 8 };
    Desk desk;
    Waiter waiter;
    desk_open(&desk);
    waiter = (Waiter){&desk, 0};
    CLEANUP(arena_release) Arena arena = arena_init();
    Snapshot *snapshots[4]; /* so that the first cannot be done before the last is asked */
    Err err = {.code = OK};
    for (size_t i = 0; i < countof(snapshots); i++)
        REQUIRE_OK(store_snapshot(desk.inside.fixture.store, &snapshots[i], &err));
    int taken = 0;
    for (int i = 0; i < ASKED; i++) {
        char target[64];
        (void) snprintf(target, sizeof target, "/v1/latest?q=x%d", i);
        const Head head = head_for(target);
        Answer answer = answer_at_once(&desk.inside.site, desk.inside.cache, &head, &arena);
        REQUIRE(answer.is_deferred);
        taken += renderer_ask(desk.renderer, &answer.deferred, &head, &waiter);
    }
    CHECK(taken >= RENDER_QUEUE_MAX && taken < ASKED);
    renderer_stop(desk.renderer);
    for (size_t i = 0; i < countof(snapshots); i++)
        snapshot_close(snapshots[i]);
    CHECK_INT(taken, desk.held);
    CHECK_INT(taken, desk.answered);
    CHECK(desk.has_none[0]);
    CASE("stopped");
    const Head head = head_for("/v1/latest");
    Answer answer = answer_at_once(&desk.inside.site, desk.inside.cache, &head, &arena);
    CHECK(!renderer_ask(desk.renderer, &answer.deferred, &head, &waiter));
    finished_drop(TAKE(desk.got[0].finished));
    desk_close(&desk);
}
