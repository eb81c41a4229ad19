/* The hot bodies of a generation are finished before it is announced. */
#include "base/metrics.h"
#include "server/ahead.h"
#include "store/inside.h"
#include "tests/site.h"

#include <string.h>

static Asked ask_in(Inside *inside, const char *target, const char *accept, const char *encoding)
{
    const Head head = {.method = STR("GET"),
                       .target = str_of(target),
                       .is_http_1_1 = true,
                       .host_count = 1,
                       .accept = str_of(accept),
                       .accept_encoding = str_of(encoding)};
    return ask_head(inside, &head);
}

TEST(hot_bodies_are_ready_when_their_generation_is_announced)
{
    static const struct {
        const char *target, *accept, *encoding;
    } hot[] = {
        {"/v1/latest", NULL, NULL},
        {"/v1/latest", NULL, "gzip"},
        {"/v1/latest", "text/csv", NULL},
        {"/v1/stations/OCK1/readings", NULL, NULL},
        {"/v1/stations/A%20B?format=csv", "text/csv", NULL},
    };
    Inside inside;
    inside_open(&inside, true);
    Ahead ahead = {.site = &inside.site, .cache = inside.cache};
    store_prepare(inside.fixture.store, render_ahead, &ahead);
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < countof(hot); i++) {
            Asked asked = ask_in(&inside, hot[i].target, hot[i].accept, hot[i].encoding);
            CHECK_INT(200, asked.status);
            asked_release(&asked);
        }
    Asked once = ask(&inside, "/v1/measures"); /* not hot */
    asked_release(&once);
    Batch batch = batch_init();
    add_reading(&batch, "OCK1-level", FIXTURE_NOW - 900, 77);
    CHECK(fixture_apply(&inside.fixture, &batch, FAULT_NONE).changed);
    batch_release(&batch);
    CHECK_INT(2, inside.fixture.store->span_generation); /* what /v1/status tells of it is known */
    int64_t misses = metric_get(METRIC_HTTP_CACHE_MISSES);
    for (size_t i = 0; i < countof(hot); i++) {
        CASE(hot[i].target);
        CLEANUP(asked_release)
        Asked asked = ask_in(&inside, hot[i].target, hot[i].accept, hot[i].encoding);
        CHECK_INT(200, asked.status);
        CHECK_INT(0, asked.answer.render_us);
        CHECK_HAS("-2-", asked_header(&asked, "ETag"));
        if (strstr(hot[i].target, "OCK1") != NULL)
            CHECK_HAS("77.0", asked.body);
    }
    CHECK_INT(misses, metric_get(METRIC_HTTP_CACHE_MISSES));
    CLEANUP(asked_release) Asked cold = ask(&inside, "/v1/measures");
    CHECK(cold.answer.render_us > 0);
    store_prepare(inside.fixture.store, NULL, NULL);
    inside_close(&inside);
}
