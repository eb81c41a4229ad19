/* Who may ask, and how often: over real sockets. */
#include "base/metrics.h"
#include "tests/served.h"
#include "tests/site.h"

#include <stdio.h>

enum { HOUR_S = 3600 }; /* so long a window that no test outlives a share of it */

/* Those that tell how the service is. */
static const char *const ALWAYS_OPEN[] = {"/v1/status", "/v1/status?x=1", "/live", "/ready",
                                          "/metrics"};

static const char *write_tokens(const char *text)
{
    static char path[512];
    (void) snprintf(path, sizeof path, "%s/tokens", test_dir());
    FILE *file = fopen(path, "w");
    REQUIRE(file != NULL);
    (void) fputs(text, file);
    (void) fclose(file);
    return path;
}

static int status_of(const Served *served, const char *target, const char *fields)
{
    CLEANUP(response_release) Response got = http_ask(served->port, "GET", target, fields);
    return got.status;
}

TEST(requests_beyond_the_rate_are_refused_until_one_is_earned)
{
    static const char *const targets[] = {"/v1/stations/1491TH", "/v1/stations/1491TH", "/nothing",
                                          "/v1/stations/1491TH"};
    static const int statuses[] = {200, 200, 404, 429};
    static const char *const left[] = {
        "\"address\";r=2;t=", "\"address\";r=1;t=", "\"address\";r=0;t=", "\"address\";r=0;t="};
    Served served;
    ServerOptions options = test_server_options();
    options.rate = (Rate){.count = 3, .window_s = HOUR_S};
    int64_t refused = metric_get(METRIC_HTTP_RATE_LIMITED);
    serve(&served, &options);
    CLEANUP(client_close) Client client = client_open(served.port);
    for (size_t i = 0; i < countof(targets); i++) {
        CLEANUP(response_release) Response got = client_ask(&client, "GET", targets[i], "");
        CHECK_INT(statuses[i], got.status);
        CHECK_TEXT("\"address\";q=3;w=3600", response_field(&got, "RateLimit-Policy"));
        CHECK_HAS(left[i], response_field(&got, "RateLimit"));
        if (got.status != 429)
            continue;
        CHECK_TEXT("rate-limited", problem_type(response_body(&got)));
        int64_t wait_s = 0;
        CHECK(str_to_int(response_field(&got, "Retry-After"), &wait_s));
        CHECK(wait_s >= 1 && wait_s <= HOUR_S / 3);
        CHECK_TEXT("no-store", response_field(&got, "Cache-Control"));
        CHECK_TEXT("*", response_field(&got, "Access-Control-Allow-Origin"));
        CHECK_HAS("RateLimit, RateLimit-Policy",
                  response_field(&got, "Access-Control-Expose-Headers"));
        CHECK(response_field(&got, "X-Request-Id").len > 0);
    }
    CHECK_INT(refused + 1, metric_get(METRIC_HTTP_RATE_LIMITED));
    CASE("on another connection too");
    CHECK_INT(429, status_of(&served, "/v1/latest", ""));
    CASE("but not of how the service is");
    for (size_t i = 0; i < countof(ALWAYS_OPEN); i++) {
        CLEANUP(response_release) Response open = http_fetch(served.port, ALWAYS_OPEN[i]);
        CHECK(open.status != 429);
        CHECK(str_is_none(response_field(&open, "RateLimit")));
    }
    CASE("nor what a browser asks first");
    CLEANUP(response_release) Response options_of = http_ask(served.port, "OPTIONS", "/v1", "");
    CHECK_INT(204, options_of.status);
    serve_no_more(&served);
}

/* What is rendered elsewhere meanwhile comes twice to the handler, and a 304 costs as much as a 200. */
TEST(each_request_counts_once)
{
    Served served;
    ServerOptions options = test_server_options();
    options.rate = (Rate){.count = 100, .window_s = HOUR_S};
    serve(&served, &options);
    CLEANUP(response_release) Response heavy = http_fetch(served.port, "/v1/readings.csv");
    CHECK_INT(200, heavy.status);
    CHECK_HAS("\"address\";r=99;", response_field(&heavy, "RateLimit"));
    char fields[200];
    (void) snprintf(fields, sizeof fields, "If-None-Match: " STR_FMT "\r\n",
                    STR_ARG(response_field(&heavy, "ETag")));
    CLEANUP(response_release)
    Response same = http_ask(served.port, "GET", "/v1/readings.csv", fields);
    CHECK_INT(304, same.status);
    CHECK_HAS("\"address\";r=98;", response_field(&same, "RateLimit"));
    CLEANUP(response_release) Response head = http_ask(served.port, "HEAD", "/v1/latest", "");
    CHECK_HAS("\"address\";r=97;", response_field(&head, "RateLimit"));
    serve_no_more(&served);
}

TEST(without_a_rate_nothing_is_said_of_one)
{
    Served served;
    const ServerOptions options = test_server_options();
    serve(&served, &options);
    CLEANUP(response_release) Response got = http_fetch(served.port, "/v1/stations/1491TH");
    CHECK_INT(200, got.status);
    CHECK(str_is_none(response_field(&got, "RateLimit")));
    CHECK(str_is_none(response_field(&got, "RateLimit-Policy")));
    CHECK_HAS("public, ", response_field(&got, "Cache-Control"));
    serve_no_more(&served);
}

TEST(who_brings_no_token_is_told_to)
{
    static const struct {
        const char *name, *fields, *challenge;
        int status;
    } cases[] = {
        {"none", "", "Bearer realm=\"freshet\"", 401},
        {"another scheme", "Authorization: Basic YTpi\r\n", "Bearer realm=\"freshet\"", 401},
        {"wrong", "Authorization: Bearer two\r\n",
         "Bearer realm=\"freshet\", error=\"invalid_token\"", 401},
        {"right", "Authorization: Bearer one\r\n", NULL, 200},
        {"none, of what is kept by now", "", "Bearer realm=\"freshet\"", 401},
    };
    static const char *const targets[] = {"/v1/stations/1491TH", "/v1/latest.csv", "/v1"};
    Served served;
    ServerOptions options = test_server_options();
    options.tokens_file = write_tokens("one\nthree\n");
    int64_t refused = metric_get(METRIC_HTTP_UNAUTHORIZED);
    serve(&served, &options);
    for (size_t i = 0; i < countof(cases) * countof(targets); i++) {
        const char *target = targets[i / countof(cases)];
        size_t k = i % countof(cases);
        CASE(cases[k].name);
        CLEANUP(response_release)
        Response got = http_ask(served.port, "GET", target, cases[k].fields);
        CHECK_INT(cases[k].status, got.status);
        CHECK_STR(str_of(cases[k].challenge), response_field(&got, "WWW-Authenticate"));
        CHECK_TEXT("*", response_field(&got, "Access-Control-Allow-Origin"));
        if (got.status == 401)
            CHECK_TEXT("unauthorized", problem_type(response_body(&got)));
        else /* else a cache in between would hand it to whoever comes */
            CHECK_HAS("private, ", response_field(&got, "Cache-Control"));
    }
    CHECK_INT(refused + 4 * (int64_t) countof(targets), metric_get(METRIC_HTTP_UNAUTHORIZED));
    CASE("how the service is");
    for (size_t i = 0; i < countof(ALWAYS_OPEN); i++)
        CHECK(status_of(&served, ALWAYS_OPEN[i], "") != 401);
    CASE("pages, in which it is typed");
    static const char *const pages[] = {"/", "/docs", "/openapi.json", "/openapi.yaml?x=1",
                                        "/web/docs.js"};
    for (size_t i = 0; i < countof(pages); i++)
        CHECK(status_of(&served, pages[i], "") != 401);
    CASE("what looks like it");
    CHECK_INT(401, status_of(&served, "/docs/", ""));
    CHECK_INT(401, status_of(&served, "/live/../v1/latest", ""));
    CHECK_INT(401, status_of(&served, "/liver", ""));
    CASE("what a browser asks first");
    CLEANUP(response_release) Response before = http_ask(served.port, "OPTIONS", "/v1/latest", "");
    CHECK_INT(204, before.status);
    CHECK_HAS("Authorization", response_field(&before, "Access-Control-Allow-Headers"));
    CASE("other methods");
    CLEANUP(response_release) Response post = http_ask(served.port, "POST", "/v1/latest", "");
    CHECK_INT(401, post.status);
    serve_no_more(&served);
}

/* Else it could be tried at will which tokens there are. */
TEST(wrong_tokens_count_against_the_rate)
{
    Served served;
    ServerOptions options = test_server_options();
    options.tokens_file = write_tokens("one\n");
    options.rate = (Rate){.count = 2, .window_s = HOUR_S};
    serve(&served, &options);
    CHECK_INT(401, status_of(&served, "/v1", "Authorization: Bearer a\r\n"));
    CHECK_INT(401, status_of(&served, "/v1", "Authorization: Bearer b\r\n"));
    CHECK_INT(429, status_of(&served, "/v1", "Authorization: Bearer one\r\n"));
    serve_no_more(&served);
}

TEST(a_server_without_its_tokens_does_not_start)
{
    Fixture fixture = fixture_open();
    ServerOptions options = test_server_options();
    Server *server = NULL;
    Err err = {.code = OK};
    options.tokens_file = "/no/such/tokens";
    CHECK_INT(ERR_STORAGE, server_start(fixture.store, &options, &server, &err));
    CHECK_HAS("/no/such/tokens", str_of(err.text));
    CHECK(server == NULL);
    fixture_close(&fixture);
}
