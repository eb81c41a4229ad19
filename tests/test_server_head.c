/* HEAD: GET without the body, and of a list of all without the work. */
#include "base/metrics.h"
#include "server/kept.h"
#include "tests/served.h"
#include "tests/site.h"

#include <string.h>

static Head head_of(const char *method, const char *target, const char *coding)
{
    return (Head){.method = str_of(method),
                  .target = str_of(target),
                  .is_http_1_1 = true,
                  .host_count = 1,
                  .accept_encoding = str_of(coding)};
}

/* As an HTTP thread asks: what it would hand to the renderer comes back without an answer. */
static Answer ask_at_once(Inside *inside, const Head *head, Arena *arena)
{
    return answer_at_once(&inside->site, inside->cache, head, arena);
}

static bool is_told_by_rows(const char *name)
{
    static const char *const NAMES[] = {"Row-Count", "Freshet-Window"};
    for (size_t i = 0; i < countof(NAMES); i++)
        if (strcmp(name, NAMES[i]) == 0)
            return true;
    return false;
}

/* Each header of `a` is one of `b`, but for those that only rows tell. */
static void check_headers_in(const Finished *a, const Finished *b)
{
    CLEANUP(buf_release) Buf headers = buf_init(64 * 1024);
    finished_put_headers(a, &headers);
    for (const char *at = headers.ptr; at < headers.ptr + headers.len;) {
        const char *value = at + strlen(at) + 1;
        if (!is_told_by_rows(at))
            CHECK_STR(str_of(value), finished_header(b, at));
        at = value + strlen(value) + 1;
    }
}

TEST(head_of_a_list_of_all_is_made_without_its_rows)
{
    static const char *const targets[] = {
        "/v1/stations",
        "/v1/stations.geojson?river=River+Thames",
        "/v1/measures.csv",
        "/v1/latest",
        "/v1/latest.ndjson?river=nowhere", /* of no rows: too small to be worth a coding */
        "/v1/latest?state=above&fields=station,trend",
        "/v1/readings.csv?download=1",
        "/v1/readings?step=PT1H&agg=max&shape=columns",
        "/v1/readings.csv?shape=wide&step=PT15M",
        "/v1/rivers",
        "/v1/parameters.csv",
        "/v1/changes",
        "/flood-monitoring/id/stations",
        "/flood-monitoring/id/measures?parameter=level",
        "/flood-monitoring/data/readings.csv?latest",
    };
    static const char *const codings[] = {NULL, "gzip", "zstd"};
    for (size_t k = 0; k < countof(codings); k++) {
        Inside inside; /* anew, so that no coding is there in another already */
        inside_open(&inside, true);
        for (size_t i = 0; i < countof(targets); i++) {
            CLEANUP(arena_release) Arena arena = arena_init();
            const Head head = head_of("HEAD", targets[i], codings[k]);
            const Head get = head_of("GET", targets[i], codings[k]);
            int64_t kept = metric_get(METRIC_HTTP_CACHE_BYTES);
            int64_t rendered = metric_get(METRIC_HTTP_CACHE_MISSES);
            CASE(targets[i]);
            CLEANUP(finished_dropp)
            Finished *alone = ask_at_once(&inside, &head, &arena).finished;
            REQUIRE(alone != NULL); /* the renderer was not asked for it */
            CHECK_INT(200, finished_status(alone));
            CHECK(str_is_none(finished_header(alone, "Row-Count")));
            CHECK_INT(kept, metric_get(METRIC_HTTP_CACHE_BYTES)); /* nothing was made */
            CHECK_INT(rendered, metric_get(METRIC_HTTP_CACHE_MISSES));
            CLEANUP(asked_release) Asked whole = ask_head(&inside, &get);
            CHECK_INT(200, whole.status);
            CHECK_INT(rendered + 1, metric_get(METRIC_HTTP_CACHE_MISSES));
            check_headers_in(alone, whole.answer.finished);
            check_headers_in(whole.answer.finished, alone);
        }
        inside_close(&inside);
    }
}

TEST(head_of_what_is_kept_is_that_of_the_answer)
{
    static const char *const targets[] = {"/v1/latest", "/v1/readings.csv", "/v1/stations/1491TH"};
    Inside inside;
    inside_open(&inside, true);
    for (size_t i = 0; i < countof(targets); i++) {
        CLEANUP(arena_release) Arena arena = arena_init();
        const Head head = head_of("HEAD", targets[i], "gzip");
        const Head get = head_of("GET", targets[i], "gzip");
        CASE(targets[i]);
        CLEANUP(asked_release) Asked whole = ask_head(&inside, &get);
        CLEANUP(finished_dropp) Finished *kept = ask_at_once(&inside, &head, &arena).finished;
        CHECK(kept == whole.answer.finished);
    }
    inside_close(&inside);
}

/* Pages are given from a list that is kept; one that is not would have to be rendered whole. */
TEST(head_of_a_page_is_made_without_its_list)
{
    Inside inside;
    inside_open(&inside, true);
    CLEANUP(arena_release) Arena arena = arena_init();
    CLEANUP(asked_release) Asked first = ask(&inside, "/v1/readings?limit=20");
    Str next = json_text_at(first.body, "next");
    const char *target = arena_format(&arena, STR_FMT, STR_ARG(next)).ptr;
    const Head head = head_of("HEAD", target, "gzip"), get = head_of("GET", target, "gzip");
    for (int round = 0; round < 2; round++) {
        CASE(round == 0 ? "kept" : "not kept");
        int64_t rendered = metric_get(METRIC_HTTP_CACHE_MISSES);
        CLEANUP(finished_dropp)
        Finished *alone = ask_at_once(&inside, &head, &arena).finished;
        REQUIRE(alone != NULL);
        CHECK_INT(200, finished_status(alone));
        CHECK_INT(rendered, metric_get(METRIC_HTTP_CACHE_MISSES));
        CLEANUP(asked_release) Asked page = ask_head(&inside, &get);
        CHECK_INT(200, page.status);
        CHECK_STR(finished_header(page.answer.finished, "ETag"), finished_header(alone, "ETag"));
        CHECK_TEXT("gzip", finished_header(alone, "Content-Encoding"));
        CHECK_INT(round == 0, !str_is_none(finished_header(alone, "Freshet-Window")));
        kept_close(inside.site.kept);
        inside.site.kept = kept_open(inside.fixture.store, inside.options.spool_bytes / 2);
        REQUIRE(inside.site.kept != NULL);
    }
    inside_close(&inside);
}

TEST(head_is_refused_like_get)
{
    static const struct {
        const char *target;
        unsigned status;
    } cases[] = {
        {"/v1/latest?statoin=1", 400},
        {"/v1/latest?profile=excel", 400},
        {"/v1/latest?cursor=abc", 400},
        {"/v1/latest?cursor=MDAwMDAwMDEtMSA2OGQ1MWY1ZGMyYTRiNGM4IDI", 400},
        {"/v1/readings?from=never", 400},
        {"/v1/latest?format=sse", 406},
        {"/v1/stations/nowhere/latest", 404},
        {"/v1/readings?generation=00000001-1", 410},
        {"/v1/measures/1491TH-level/readings?from=2026-11-01&to=2026-11-10", 410},
        {"/v1/changes?since=yesterday", 400},
        {"/flood-monitoring/id/stations?lat=north&long=0&dist=1", 400},
        {"/v1/gaps?profile=excel", 400},
    };
    Inside inside;
    inside_open(&inside, true);
    for (size_t i = 0; i < countof(cases); i++) {
        const Head head = head_of("HEAD", cases[i].target, NULL);
        const Head get = head_of("GET", cases[i].target, NULL);
        CASE(cases[i].target);
        CLEANUP(asked_release) Asked refused = ask_head(&inside, &head);
        CLEANUP(asked_release) Asked whole = ask_head(&inside, &get);
        CHECK_INT(cases[i].status, refused.status);
        CHECK_STR(whole.body, refused.body);
        check_headers_in(whole.answer.finished, refused.answer.finished);
    }
    inside_close(&inside);
}

TEST(head_with_a_tag_is_not_modified)
{
    Inside inside;
    inside_open(&inside, true);
    Head head = head_of("HEAD", "/v1/latest", "gzip");
    CLEANUP(asked_release) Asked first = ask_head(&inside, &head);
    CHECK_INT(200, first.status);
    head.if_none_match = asked_header(&first, "ETag");
    CLEANUP(asked_release) Asked second = ask_head(&inside, &head);
    CHECK_INT(304, second.status);
    inside_close(&inside);
}

/* What has no length must say none: neither zero, nor chunks, of which libmicrohttpd would send one. */
TEST(head_without_a_length_ends_with_its_connection)
{
    static const char *const targets[] = {"/v1/readings.csv", "/v1/gaps", "/v1/quarantine.csv",
                                          "/v1/stream"};
    Served served;
    const ServerOptions options = test_server_options();
    serve(&served, &options);
    for (size_t i = 0; i < countof(targets); i++) {
        CASE(targets[i]);
        CLEANUP(client_close) Client client = client_open(served.port);
        CLEANUP(response_release)
        Response head = client_ask(&client, "HEAD", targets[i], "X-Request-Id: mine\r\n");
        CHECK_INT(200, head.status);
        CHECK(str_is_none(response_field(&head, "Content-Length")));
        CHECK(str_is_none(response_field(&head, "Transfer-Encoding")));
        CHECK_TEXT("close", response_field(&head, "Connection"));
        CHECK_TEXT("mine", response_field(&head, "X-Request-Id"));
        CHECK(client_is_closed(&client));
        CHECK_INT(0, client.in.len);
    }
    CASE("and one that has");
    CLEANUP(client_close) Client client = client_open(served.port);
    for (int i = 0; i < 2; i++) {
        CLEANUP(response_release) Response head = client_ask(&client, "HEAD", "/v1/status", "");
        CHECK_INT(200, head.status);
        CHECK(response_field(&head, "Content-Length").len > 0);
    }
    serve_no_more(&served);
}
