/* From a request's head to a finished answer: validators, methods, problems, the cache. */
#include "base/json.h"
#include "base/metrics.h"
#include "server/route.h"
#include "store/snapshot.h"
#include "tests/site.h"

#include <stdio.h>
#include <string.h>

static Head head_of(const char *method, const char *target)
{
    return (Head){
        .method = str_of(method), .target = str_of(target), .is_http_1_1 = true, .host_count = 1};
}

/* ---- stations and measures by their keys ----------------------------------------------------- */

TEST(odd_ids_round_trip)
{
    static const struct {
        const char *target, *id;
    } cases[] = {
        {"/v1/stations/", ""},
        {"/v1/stations/A%20B", "A B"},
        {"/v1/stations/A+B", "A+B"},
        {"/v1/stations/A%2BB", "A+B"},
        {"/v1/stations/SU37%2F63", "SU37/63"},
        {"/v1/stations/H_obs.upstream", "H_obs.upstream"},
        {"/v1/stations/caf%C3%A9", "caf\xc3\xa9"},
        {"/v1/stations/caf\xc3\xa9", "caf\xc3\xa9"},
        {"/v1/stations/50%25", "50%"},
        {"http://environment.data.gov.uk/v1/stations/50%25", "50%"},
    };
    Inside inside;
    inside_open(&inside, true);
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].target);
        CLEANUP(asked_release) Asked asked = ask(&inside, cases[i].target);
        CHECK_INT(200, asked.status);
        CHECK_TEXT("1", json_at(asked.body, "count"));
        CHECK_TEXT(cases[i].id, json_text_at(asked.body, "items.0.station"));
    }
    CASE("below the empty id");
    CLEANUP(asked_release) Asked latest = ask(&inside, "/v1/stations//latest");
    CHECK_TEXT("-rainfall", json_text_at(latest.body, "items.0.measure"));
    CLEANUP(asked_release) Asked readings = ask(&inside, "/v1/stations//readings.csv");
    CHECK_HAS("\n\"\",-rainfall,rainfall,", readings.body);
    inside_close(&inside);
}

TEST(other_keys_find_the_station)
{
    static const struct {
        const char *target, *location;
    } cases[] = {
        {"/v1/stations/1491TH", NULL},
        {"/v1/stations/7075", "/v1/stations/1491TH"},
        {"/v1/stations/W1491/latest.csv", "/v1/stations/1491TH/latest.csv"},
        {"/v1/stations/7075/readings?period=PT6H&parameter=level",
         "/v1/stations/1491TH/readings?parameter=level&period=PT6H"},
    };
    Inside inside;
    inside_open(&inside, true);
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].target);
        CLEANUP(asked_release) Asked asked = ask(&inside, cases[i].target);
        CHECK_INT(200, asked.status);
        CHECK_HAS("1491TH", asked.body);
        CHECK_STR(str_of(cases[i].location), asked_header(&asked, "Content-Location"));
    }
    inside_close(&inside);
}

TEST(what_is_not_there_is_told_with_what_is_near)
{
    static const struct {
        const char *target, *candidate; /* NULL: none */
    } cases[] = {
        {"/v1/stations/1491TX", "1491TH"},
        {"/v1/stations/1491th/latest", "1491TH"},
        {"/v1/stations/TWIN", "FAR1"}, /* a reference of two */
        {"/v1/measures/1491TH-levl", "1491TH-level"},
        {"/v1/measures/1491TH-levl/readings", "1491TH-level"},
        {"/v1/nothing", NULL},
        {"/problems/nothing", NULL},
    };
    Inside inside;
    inside_open(&inside, true);
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].target);
        CLEANUP(asked_release) Asked asked = ask(&inside, cases[i].target);
        CHECK_INT(404, asked.status);
        CHECK_TEXT("not-found", problem_type(asked.body));
        CHECK_STR(str_of(cases[i].candidate), json_text_at(asked.body, "candidates.0"));
    }
    CASE("near path");
    CLEANUP(asked_release) Asked asked = ask(&inside, "/v1/sations");
    CHECK_HAS("'/v1/stations'", json_text_at(asked.body, "detail"));
    inside_close(&inside);
}

/* ---- validators ------------------------------------------------------------------------------ */

TEST(an_etag_known_is_answered_without_the_store)
{
    Inside inside;
    Err err = {.code = OK};
    inside_open(&inside, true);
    CLEANUP(asked_release)
    Asked first = ask(&inside, "/v1/latest?river=River+Thames&parameter=level");
    Str etag = asked_header(&first, "ETag");
    REQUIRE(etag.len > 2);

    Snapshot *held[4]; /* the whole pool: who asks the store now must wait */
    for (size_t i = 0; i < countof(held); i++)
        REQUIRE_OK(store_snapshot(inside.fixture.store, &held[i], &err));
    int64_t busy = metric_get(METRIC_SNAPSHOT_BUSY);
    static const struct {
        const char *fmt;
        unsigned status;
    } cases[] = {
        {"%.*s", 304},
        {"W/%.*s", 304},
        {"\"x\", W/\"y,z\" ,%.*s", 304},
        {"%.*s, \"x\"", 304},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        char list[200];
        CASE(cases[i].fmt);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        (void) snprintf(list, sizeof list, cases[i].fmt, STR_ARG(etag));
#pragma GCC diagnostic pop
        Head head = head_of("GET", "/v1/latest?parameter=level&river=River%20Thames");
        head.if_none_match = str_of(list);
        CLEANUP(asked_release) Asked asked = ask_head(&inside, &head);
        CHECK_INT(304, asked.status);
        CHECK_INT(0, asked.body.len);
        CHECK_STR(etag, asked_header(&asked, "ETag"));
        CHECK_TEXT("Accept, Accept-Encoding", asked_header(&asked, "Vary"));
        CHECK_TEXT("*", asked_header(&asked, "Access-Control-Allow-Origin"));
    }
    CHECK_INT(busy, metric_get(METRIC_SNAPSHOT_BUSY));
    for (size_t i = 0; i < countof(held); i++)
        snapshot_close(held[i]);
    inside_close(&inside);
}

TEST(an_etag_is_of_generation_question_form_and_build)
{
    Inside inside;
    inside_open(&inside, true);
    CLEANUP(asked_release) Asked first = ask(&inside, "/v1/latest");
    CLEANUP(asked_release) Asked again = ask(&inside, "/v1/latest");
    CLEANUP(asked_release) Asked csv = ask_accept(&inside, "/v1/latest", "text/csv");
    CLEANUP(asked_release) Asked other = ask(&inside, "/v1/latest?parameter=level");
    Str etag = asked_header(&first, "ETag");
    CHECK_STR(etag, asked_header(&again, "ETag"));
    CHECK(!str_eq(etag, asked_header(&csv, "ETag")));
    CHECK(!str_eq(etag, asked_header(&other, "ETag")));
    inside.options.build = "another";
    Head head = head_of("GET", "/v1/latest");
    head.if_none_match = etag;
    CLEANUP(asked_release) Asked rebuilt = ask_head(&inside, &head);
    CHECK_INT(200, rebuilt.status);
    inside.options.build = "test";
    Batch batch = batch_init();
    add_reading(&batch, "OCK1-level", FIXTURE_NOW - 900, 3);
    CHECK(fixture_apply(&inside.fixture, &batch, FAULT_NONE).changed);
    batch_release(&batch);
    CLEANUP(asked_release) Asked newer = ask_head(&inside, &head);
    CHECK_INT(200, newer.status);
    CHECK(!str_eq(etag, asked_header(&newer, "ETag")));
    CHECK_HAS("\"value\":3.0", newer.body);
    inside_close(&inside);
}

TEST(conditions_look_first_whether_it_is_there)
{
    static const struct {
        const char *name, *target, *none_match, *since;
        unsigned status;
    } cases[] = {
        {"any", "/v1/latest", "*", NULL, 304},
        {"any of what is not there", "/v1/stations/nowhere", "*", NULL, 404},
        {"other tags", "/v1/latest", "\"a\", \"b\"", NULL, 200},
        {"broken tag", "/v1/latest", "\"a", NULL, 200},
        {"since its commit", "/v1/latest", NULL, "Sun, 22 Nov 2026 10:00:01 GMT", 304},
        {"since before", "/v1/latest", NULL, "Sun, 22 Nov 2026 10:00:00 GMT", 200},
        {"since of what is not there", "/v1/stations/nowhere", NULL,
         "Sun, 22 Nov 2026 10:00:01 GMT", 404},
        {"no time", "/v1/latest", NULL, "yesterday", 200},
        {"a tag goes before a time", "/v1/latest", "\"a\"", "Sun, 22 Nov 2026 10:00:01 GMT", 200},
    };
    Inside inside;
    inside_open(&inside, true);
    for (int round = 0; round < 2; round++) { /* rendered, then from the cache */
        for (size_t i = 0; i < countof(cases); i++) {
            CASE(cases[i].name);
            Head head = head_of("GET", cases[i].target);
            head.if_none_match = str_of(cases[i].none_match);
            head.if_modified_since = str_of(cases[i].since);
            CLEANUP(asked_release) Asked asked = ask_head(&inside, &head);
            CHECK_INT(cases[i].status, asked.status);
            if (cases[i].status == 304)
                CHECK(asked_header(&asked, "ETag").len > 2);
        }
    }
    inside_close(&inside);
}

TEST(freshness_is_said_in_absolute_time)
{
    Inside inside;
    inside_open(&inside, true);
    CASE("not known when the next comes");
    CLEANUP(asked_release) Asked unknown = ask(&inside, "/v1/latest");
    CHECK_TEXT("Sun, 22 Nov 2026 10:00:01 GMT", asked_header(&unknown, "Expires"));
    CHECK_TEXT("Sun, 22 Nov 2026 10:00:01 GMT", asked_header(&unknown, "Last-Modified"));
    CHECK_TEXT("public, stale-while-revalidate=60, stale-if-error=3600",
               asked_header(&unknown, "Cache-Control"));
    CASE("known");
    store_expect_next(inside.fixture.store, FIXTURE_NOW + 900);
    CLEANUP(asked_release) Asked known = ask(&inside, "/v1/latest");
    CHECK_TEXT("Sun, 22 Nov 2026 10:15:00 GMT", asked_header(&known, "Expires"));
    CHECK_STR(unknown.body, known.body);
    CHECK_STR(asked_header(&unknown, "ETag"), asked_header(&known, "ETag"));
    CASE("a poll that changed nothing");
    store_expect_next(inside.fixture.store, FIXTURE_NOW + 1800);
    CLEANUP(asked_release) Asked later = ask(&inside, "/v1/latest");
    CHECK_TEXT("Sun, 22 Nov 2026 10:30:00 GMT", asked_header(&later, "Expires"));
    CHECK(later.body.ptr == known.body.ptr); /* the same bytes */
    CASE("of the moment");
    CLEANUP(asked_release) Asked status = ask(&inside, "/v1/status");
    CHECK_TEXT("no-store", asked_header(&status, "Cache-Control"));
    CHECK(str_is_none(asked_header(&status, "ETag")));
    CHECK(str_is_none(asked_header(&status, "Expires")));
    CASE("of the build");
    CLEANUP(asked_release) Asked paper = ask(&inside, "/openapi.yaml");
    CHECK_TEXT("public, max-age=3600", asked_header(&paper, "Cache-Control"));
    Head head = head_of("GET", "/openapi.yaml");
    head.if_none_match = asked_header(&paper, "ETag");
    CLEANUP(asked_release) Asked same = ask_head(&inside, &head);
    CHECK_INT(304, same.status);
    inside_close(&inside);
}

/* ---- methods and heads ----------------------------------------------------------------------- */

TEST(methods_are_three)
{
    static const struct {
        const char *method, *target;
        unsigned status;
        const char *allow;
    } cases[] = {
        {"GET", "/v1/latest", 200, NULL},
        {"HEAD", "/v1/latest", 200, NULL},
        {"OPTIONS", "/v1/latest", 204, "GET, HEAD, OPTIONS"},
        {"OPTIONS", "*", 204, "GET, HEAD, OPTIONS"},
        {"OPTIONS", "/v1/latest?unknown=1", 204, "GET, HEAD, OPTIONS"},
        {"OPTIONS", "/nothing", 404, NULL},
        {"POST", "/v1/latest", 405, "GET, HEAD, OPTIONS"},
        {"DELETE", "/v1/stations/1491TH", 405, "GET, HEAD, OPTIONS"},
        {"BREW", "/live", 405, "GET, HEAD, OPTIONS"},
        {"POST", "/nothing", 404, NULL},
        {"CONNECT", "host:443", 501, NULL},
        {"GET", "*", 400, NULL},
    };
    Inside inside;
    inside_open(&inside, true);
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].method);
        const Head head = head_of(cases[i].method, cases[i].target);
        CLEANUP(asked_release) Asked asked = ask_head(&inside, &head);
        CHECK_INT(cases[i].status, asked.status);
        CHECK_STR(str_of(cases[i].allow), asked_header(&asked, "Allow"));
        CHECK_TEXT("*", asked_header(&asked, "Access-Control-Allow-Origin"));
        if (cases[i].status == 405)
            CHECK_TEXT("method-not-allowed", problem_type(asked.body));
        if (cases[i].status == 204)
            CHECK_HAS("If-None-Match", asked_header(&asked, "Access-Control-Allow-Headers"));
    }
    inside_close(&inside);
}

TEST(heads_that_are_none_are_refused)
{
    Inside inside;
    inside_open(&inside, true);
    Head cases[5];
    for (size_t i = 0; i < countof(cases); i++)
        cases[i] = head_of("GET", "/live");
    cases[0].host_count = 0;
    cases[1].host_count = 2;
    cases[2].content_length_count = 2;
    cases[3].content_length_count = 1;
    cases[3].has_transfer_encoding = true;
    cases[4].bytes = HEAD_MAX_BYTES + 1;
    for (size_t i = 0; i < countof(cases); i++) {
        CLEANUP(asked_release) Asked asked = ask_head(&inside, &cases[i]);
        CHECK_INT(i == 4 ? 431 : 400, asked.status);
        CHECK_TEXT(i == 4 ? "head-too-large" : "bad-request", problem_type(asked.body));
    }
    Head old = head_of("GET", "/live");
    old.is_http_1_1 = false;
    old.host_count = 0;
    CLEANUP(asked_release) Asked asked = ask_head(&inside, &old);
    CHECK_INT(200, asked.status);
    inside_close(&inside);
}

TEST(requests_are_traced)
{
    static const char TRACE[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    static const struct {
        const char *name, *target, *id, *trace, *want_id, *want_trace; /* "": one is made */
    } cases[] = {
        {"nothing sent", "/v1/latest", NULL, NULL, NULL, NULL},
        {"echoed", "/v1/latest", "abc-1", TRACE, "abc-1", TRACE},
        {"echoed on an error", "/nothing", "abc-1", TRACE, "abc-1", TRACE},
        {"made on an error", "/nothing", NULL, NULL, "", ""},
        {"not worth echoing", "/v1/latest", "a\tb", "00-xyz", NULL, NULL},
        {"not worth echoing on an error", "/nothing", "a b", "00-xyz", "", ""},
    };
    Inside inside;
    inside_open(&inside, true);
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].name);
        Head head = head_of("GET", cases[i].target);
        head.request_id = str_of(cases[i].id);
        head.traceparent = str_of(cases[i].trace);
        CLEANUP(asked_release) Asked asked = ask_head(&inside, &head);
        const Str want[] = {str_of(cases[i].want_id), str_of(cases[i].want_trace)};
        const Str got[] = {asked_header(&asked, "X-Request-Id"),
                           asked_header(&asked, "traceparent")};
        for (int k = 0; k < 2; k++) {
            if (want[k].ptr != NULL && want[k].len == 0)
                CHECK_INT(k == 0 ? 16 : 55, got[k].len);
            else
                CHECK_STR(want[k], got[k]);
        }
    }
    inside_close(&inside);
}

/* ---- problems -------------------------------------------------------------------------------- */

TEST(every_problem_has_its_page)
{
    Inside inside;
    inside_open(&inside, true);
    for (unsigned i = PROBLEM_NONE + 1; i < PROBLEM_TYPE_COUNT; i++) {
        char target[100];
        CASE(PROBLEMS[i].name);
        (void) snprintf(target, sizeof target, "/problems/%s", PROBLEMS[i].name);
        CLEANUP(asked_release) Asked asked = ask(&inside, target);
        CHECK_INT(200, asked.status);
        CHECK_TEXT("text/html; charset=utf-8", asked_header(&asked, "Content-Type"));
        CHECK_HAS(PROBLEMS[i].title, asked.body);
        CHECK_HAS(PROBLEMS[i].help, asked.body);
    }
    inside_close(&inside);
}

/* The types that no other test here provokes: not-acceptable, overloaded, unavailable. */
TEST(problems_of_the_service_itself)
{
    Inside inside;
    Err err = {.code = OK};
    inside_open(&inside, false);
    CASE("nothing stored");
    CLEANUP(asked_release) Asked empty = ask(&inside, "/v1/latest");
    CHECK_INT(503, empty.status);
    CHECK_TEXT("unavailable", problem_type(empty.body));
    CHECK_TEXT("5", asked_header(&empty, "Retry-After"));
    CHECK_TEXT("no-store", asked_header(&empty, "Cache-Control"));
    fixture_fill(&inside.fixture);
    CASE("not acceptable");
    CLEANUP(asked_release) Asked png = ask_accept(&inside, "/v1/latest", "image/png");
    CHECK_INT(406, png.status);
    CHECK_TEXT("not-acceptable", problem_type(png.body));
    CHECK_INT(4, json_count(json_at(png.body, "available")));
    CLEANUP(asked_release) Asked xml = ask(&inside, "/v1/latest?format=xml");
    CHECK_INT(406, xml.status);
    CASE("overloaded");
    Snapshot *held[4];
    for (size_t i = 0; i < countof(held); i++)
        REQUIRE_OK(store_snapshot(inside.fixture.store, &held[i], &err));
    CLEANUP(asked_release) Asked busy = ask(&inside, "/v1/latest");
    for (size_t i = 0; i < countof(held); i++)
        snapshot_close(held[i]);
    CHECK_INT(503, busy.status);
    CHECK_TEXT("overloaded", problem_type(busy.body));
    CHECK_TEXT("1", asked_header(&busy, "Retry-After"));
    CASE("too many connections");
    Arena arena = arena_init();
    const Head head = head_of("GET", "/live");
    Asked surplus = {.arena = arena};
    surplus.answer = answer_problem(&head, &surplus.arena, PROBLEM_OVERLOADED, "too many");
    CHECK_INT(503, finished_status(surplus.answer.finished));
    CHECK_TEXT("*", asked_header(&surplus, "Access-Control-Allow-Origin"));
    asked_release(&surplus);
    inside_close(&inside);
}

/* ---- the service itself ---------------------------------------------------------------------- */

TEST(status_tells_polls_and_fault)
{
    Inside inside;
    Err err = {.code = OK};
    inside_open(&inside, true);
    const PollReport good = {.started = FIXTURE_NOW,
                             .finished = FIXTURE_NOW + 2,
                             .detail = STR_NONE,
                             .requests = 3,
                             .wire_bytes = 1000,
                             .fetch = {.wall_us = 1500000},
                             .parse = {.wall_us = 40000},
                             .apply = {.wall_us = 90000},
                             .generation = 1,
                             .readings.received = 21,
                             .readings.fresh = 6,
                             .readings.late = 5,
                             .readings.unchanged = 4,
                             .readings.corrected = 3,
                             .readings.expired = 2,
                             .readings.quarantined = 1};
    const PollReport bad = {.started = FIXTURE_NOW + 900,
                            .finished = FIXTURE_NOW + 901,
                            .fault = FAULT_UPSTREAM,
                            .detail = STR("it said \"503\""),
                            .generation = 1};
    REQUIRE_OK(writer_record_poll(inside.fixture.writer, &good, &err));
    REQUIRE_OK(writer_record_poll(inside.fixture.writer, &bad, &err));
    Batch batch = batch_init();
    (void) fixture_apply(&inside.fixture, &batch, FAULT_UPSTREAM);
    batch_release(&batch);
    store_expect_next(inside.fixture.store, FIXTURE_NOW + 1800);
    CLEANUP(asked_release) Asked status = ask(&inside, "/v1/status");
    static const struct {
        const char *path, *want;
    } members[] = {
        {"state", "degraded"},
        {"shard", "2/5"},
        {"fault", "upstream"},
        {"since", "2026-11-22T10:00:02Z"},
        {"last_poll.fault", "upstream"},
        {"last_poll.detail", "it said \\\"503\\\""},
        {"last_good_poll.fault", "none"},
        {"last_good_poll.detail", "null"},
        {"last_good_poll.received", "21"},
        {"last_good_poll.new", "6"},
        {"last_good_poll.late", "5"},
        {"last_good_poll.unchanged", "4"},
        {"last_good_poll.corrected", "3"},
        {"last_good_poll.expired", "2"},
        {"last_good_poll.quarantined", "1"},
        {"next_poll", "2026-11-22T10:30:00Z"},
        {"rows.stations", "11"},
        {"rows.measures", "13"},
        {"window.length_s", "86400"},
        {"build", "test"},
    };
    CHECK_INT(200, status.status);
    for (size_t i = 0; i < countof(members); i++) {
        CASE(members[i].path);
        CHECK_TEXT(members[i].want, json_text_at(status.body, members[i].path));
    }
    CASE("ready, and degraded");
    CLEANUP(asked_release) Asked ready = ask(&inside, "/ready");
    CHECK_INT(200, ready.status);
    CHECK_TEXT("degraded", json_text_at(ready.body, "state"));
    CLEANUP(asked_release) Asked latest = ask(&inside, "/v1/latest");
    CHECK_TEXT("upstream", json_text_at(latest.body, "service.fault"));
    inside_close(&inside);
}

TEST(probes_tell_live_from_ready)
{
    Inside inside;
    inside_open(&inside, false);
    CLEANUP(asked_release) Asked live = ask(&inside, "/live");
    CLEANUP(asked_release) Asked early = ask(&inside, "/ready");
    CLEANUP(asked_release) Asked status = ask(&inside, "/v1/status");
    CHECK_INT(200, live.status);
    CHECK_INT(503, early.status);
    CHECK_INT(200, status.status);
    CHECK_TEXT("null", json_at(status.body, "generation"));
    CHECK_TEXT("null", json_at(status.body, "last_poll"));
    fixture_fill(&inside.fixture);
    CLEANUP(asked_release) Asked ready = ask(&inside, "/ready");
    CHECK_INT(200, ready.status);
    CHECK_TEXT("ok", json_text_at(ready.body, "state"));
    inside.site.draining = true;
    CLEANUP(asked_release) Asked draining = ask(&inside, "/ready");
    CHECK_INT(503, draining.status);
    CHECK_TEXT("unavailable", problem_type(draining.body));
    inside_close(&inside);
}

TEST(status_speaks_also_when_the_store_does_not)
{
    Inside inside;
    Err err = {.code = OK};
    inside_open(&inside, true);
    Snapshot *held[4];
    for (size_t i = 0; i < countof(held); i++)
        REQUIRE_OK(store_snapshot(inside.fixture.store, &held[i], &err));
    CLEANUP(asked_release) Asked status = ask(&inside, "/v1/status");
    for (size_t i = 0; i < countof(held); i++)
        snapshot_close(held[i]);
    CHECK_INT(200, status.status);
    CHECK_TEXT("degraded", json_text_at(status.body, "state"));
    CHECK_TEXT("store", json_text_at(status.body, "fault"));
    CHECK_TEXT("2026-11-22T10:00:01Z", json_text_at(status.body, "as_of"));
    inside_close(&inside);
}

TEST(service_document_leads_to_every_path)
{
    static const char *const targets[] = {"/", "/v1"};
    Inside inside;
    inside_open(&inside, true);
    for (size_t i = 0; i < countof(targets); i++) {
        CASE(targets[i]);
        CLEANUP(asked_release) Asked asked = ask(&inside, targets[i]);
        CHECK_INT(200, asked.status);
        CHECK_TEXT("PT15M", json_text_at(asked.body, "cadence"));
        CHECK_TEXT("PT24H", json_text_at(asked.body, "window.length"));
        CHECK_TEXT("11", json_at(asked.body, "counts.stations"));
        CHECK_TEXT("2026-11-22T09:30:00Z", json_text_at(asked.body, "window.latest"));
        CHECK_TEXT("/v1/stations", json_text_at(asked.body, "links.2.href"));
        CHECK_INT(4, json_count(json_at(asked.body, "links.2.formats")));
    }
    CLEANUP(asked_release) Asked metrics = ask(&inside, "/metrics");
    CHECK_HAS("# TYPE freshet_http_requests_total counter\n", metrics.body);
    inside_close(&inside);
}

/* ---- the cache ------------------------------------------------------------------------------- */

TEST(a_question_is_rendered_once_a_generation)
{
    Inside inside;
    inside_open(&inside, true);
    CLEANUP(asked_release) Asked first = ask(&inside, "/v1/readings?q=ock1&parameter=level");
    CLEANUP(asked_release) Asked second = ask(&inside, "/v1/readings?parameter=level&q=ock1");
    CHECK(first.body.ptr == second.body.ptr);
    CHECK(asked_header(&first, "Server-Timing").len > 0);
    CHECK(str_is_none(asked_header(&second, "Server-Timing")));
    Batch batch = batch_init();
    add_reading(&batch, "OCK1-level", FIXTURE_NOW - 900, 3);
    (void) fixture_apply(&inside.fixture, &batch, FAULT_NONE);
    batch_release(&batch);
    CLEANUP(asked_release) Asked third = ask(&inside, "/v1/readings?q=ock1&parameter=level");
    CHECK_TEXT("4", json_at(second.body, "count"));
    CHECK_TEXT("5", json_at(third.body, "count"));
    inside_close(&inside);
}

TEST(problems_are_not_cached)
{
    Inside inside;
    inside_open(&inside, true);
    int64_t bytes = metric_get(METRIC_HTTP_CACHE_BYTES);
    CLEANUP(asked_release) Asked missing = ask(&inside, "/v1/stations/nowhere");
    CLEANUP(asked_release) Asked gone = ask(&inside, "/v1/readings?from=2000-01-01&to=2000-01-02");
    CHECK_INT(404, missing.status);
    CHECK_INT(410, gone.status);
    CHECK_INT(bytes, metric_get(METRIC_HTTP_CACHE_BYTES));
    inside_close(&inside);
}
