/* Over real sockets: what libmicrohttpd makes of it, and what it does not guard against. */
#include "base/clock.h"
#include "base/metrics.h"
#include "tests/served.h"
#include "tests/site.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

TEST(get_and_head_have_the_same_headers)
{
    static const char *const targets[] = {
        "/",
        "/v1",
        "/v1/stations",
        "/v1/stations/1491TH",
        "/v1/stations/7075/latest",
        "/v1/latest.csv",
        "/v1/readings",
        "/v1/readings.csv",
        "/v1/status",
        "/live",
        "/ready",
        "/openapi.yaml",
        "/problems/not-found",
        "/nothing",
        "/v1/readings?from=2000&to=never",
    };
    Served served;
    const ServerOptions options = test_server_options();
    serve(&served, &options);
    CLEANUP(client_close) Client client = client_open(served.port); /* one connection for all */
    for (size_t i = 0; i < countof(targets); i++) {
        CASE(targets[i]);
        const char *fields_sent = i % 2 == 0 ? "" : "Accept-Encoding: gzip\r\n";
        CLEANUP(response_release)
        Response get = client_ask(&client, "GET", targets[i], fields_sent);
        CLEANUP(response_release)
        Response head = client_ask(&client, "HEAD", targets[i], fields_sent);
        CHECK(get.status >= 200);
        CHECK_INT(get.status, head.status);
        CHECK_TEXT("*", response_field(&get, "Access-Control-Allow-Origin"));
        static const char *const fields[] = {
            "Content-Type",  "ETag",           "Last-Modified",  "Expires",
            "Cache-Control", "Vary",           "Link",           "Content-Location",
            "Row-Count",     "Freshet-Window", "Content-Length", "Content-Encoding"};
        for (size_t k = 0; k < countof(fields); k++)
            CHECK_STR(response_field(&get, fields[k]), response_field(&head, fields[k]));
        int64_t length = -1;
        CHECK(str_to_int(response_field(&get, "Content-Length"), &length));
        CHECK_INT(length, get.body.len);
    }
    serve_no_more(&served);
}

TEST(not_modified_leaves_the_connection_in_order)
{
    Served served;
    const ServerOptions options = test_server_options();
    serve(&served, &options);
    CLEANUP(client_close) Client client = client_open(served.port);
    CLEANUP(response_release) Response first = client_ask(&client, "GET", "/v1/latest", "");
    char fields[200];
    (void) snprintf(fields, sizeof fields, "If-None-Match: " STR_FMT "\r\n",
                    STR_ARG(response_field(&first, "ETag")));
    for (int i = 0; i < 3; i++) {
        CLEANUP(response_release)
        Response again = client_ask(&client, i == 1 ? "HEAD" : "GET", "/v1/latest", fields);
        CHECK_INT(304, again.status);
        CHECK_STR(response_field(&first, "ETag"), response_field(&again, "ETag"));
    }
    CLEANUP(response_release) Response last = client_ask(&client, "GET", "/v1/latest", "");
    CHECK_INT(200, last.status);
    CHECK_STR(response_body(&first), response_body(&last));
    serve_no_more(&served);
}

TEST(targets_arrive_whole)
{
    static const struct {
        const char *target;
        int status;
        const char *has;
    } cases[] = {
        {"/v1/stations/SU37%2F63", 200, "\"station\":\"SU37/63\""},
        {"/v1/stations/A%20B", 200, "\"station\":\"A B\""},
        {"/v1/stations/A+B", 200, "\"station\":\"A+B\""},
        {"/v1/stations/", 200, "\"station\":\"\""},
        {"/v1/stations//latest", 200, "\"station\":\"\""},
        {"/v1/stations/50%25", 200, "\"station\":\"50%\""},
        {"/v1/stations/caf%C3%A9", 200, "\"station\":\"caf\xc3\xa9\""},
        {"/v1/stations?river=River+Thames", 200, "\"count\":1,"},
        {"/v1/stations?q=ock1&station", 200, "\"count\":0,"}, /* a name alone is the empty value */
        {"/v1/stations/a%00b", 400, "bad-request"},
        {"/v1/stations/%zz", 400, "bad-request"},
        {"http://elsewhere/v1/stations/1491TH", 421, "misdirected"},
        {"http://environment.data.gov.uk/v1/stations/1491TH", 200, "\"station\":\"1491TH\""},
        {"http://environment.data.gov.uk", 200, "\"title\":"},
        {"/v1/readings?from=2026-11-22T10:00:00+01:00&station=OCK1", 200,
         "\"from\":\"2026-11-22T09:00:00Z\""},
        {"/v1/../live", 404, "not-found"},
    };
    Served served;
    const ServerOptions options = test_server_options();
    serve(&served, &options);
    CLEANUP(client_close) Client client = client_open(served.port);
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].target);
        CLEANUP(response_release) Response got = client_ask(&client, "GET", cases[i].target, "");
        CHECK_INT(cases[i].status, got.status);
        CHECK_HAS(cases[i].has, response_body(&got));
    }
    serve_no_more(&served);
}

static void put_repeated(Buf *out, char c, size_t count)
{
    for (size_t i = 0; i < count; i++)
        buf_put_char(out, c);
}

TEST(long_targets_and_heads_get_a_problem)
{
    Served served;
    const ServerOptions options = test_server_options();
    serve(&served, &options);
    static const struct {
        const char *name;
        size_t target_bytes, field_bytes;
        int status;
        const char *type;
    } cases[] = {
        {"both at their limit", 8192, 4000, 404, "not-found"},
        {"target beyond", 8193, 0, 414, "target-too-long"},
        {"target far beyond", 11000, 0, 414, "target-too-long"},
        {"fields beyond", 100, 7000, 431, "head-too-large"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].name);
        CLEANUP(buf_release) Buf target = buf_init(1 << 20);
        CLEANUP(buf_release) Buf field = buf_init(1 << 20);
        buf_put_char(&target, '/');
        put_repeated(&target, 'a', cases[i].target_bytes - 1);
        buf_put_char(&target, '\0');
        BUF_LITERAL(&field, "Cookie: ");
        put_repeated(&field, 'c', cases[i].field_bytes);
        BUF_LITERAL(&field, "\r\n");
        buf_put_char(&field, '\0');
        CLEANUP(response_release)
        Response got = http_ask(served.port, "GET", target.ptr, field.ptr);
        CHECK_INT(cases[i].status, got.status);
        CHECK_TEXT(cases[i].type, problem_type(response_body(&got)));
        CHECK_TEXT("*", response_field(&got, "Access-Control-Allow-Origin"));
    }
    CASE("a hundred small fields, and the longest links");
    CLEANUP(buf_release) Buf fields = buf_init(1 << 20);
    for (int i = 0; i < 100; i++)
        buf_printf(&fields, "X-%d: y\r\n", i);
    buf_put_char(&fields, '\0');
    CLEANUP(buf_release) Buf target = buf_init(1 << 20);
    BUF_LITERAL(&target, "/v1/stations?river=x");
    put_repeated(&target, 'r', 8000);
    buf_put_char(&target, '\0');
    CLEANUP(response_release) Response got = http_ask(served.port, "GET", target.ptr, fields.ptr);
    CHECK_INT(200, got.status);
    serve_no_more(&served);
}

TEST(framing_that_smuggles_is_refused_and_the_connection_closed)
{
    static const char *const requests[] = {
        "GET /live HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
        "0\r\n\r\nGET /metrics HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /live HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 0\r\n\r\n"
        "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n",
    };
    Served served;
    const ServerOptions options = test_server_options();
    serve(&served, &options);
    for (size_t i = 0; i < countof(requests); i++) {
        CLEANUP(client_close) Client client = client_open(served.port);
        client_send(&client, str_of(requests[i]));
        CLEANUP(response_release) Response got = client_receive(&client, true);
        CHECK_INT(400, got.status);
        CHECK_TEXT("bad-request", problem_type(response_body(&got)));
        CHECK_TEXT("close", response_field(&got, "Connection"));
        CLEANUP(response_release) Response second = client_receive(&client, true);
        CHECK_INT(0, second.status);
    }
    static const struct {
        const char *request;
        int status;
    } hosts[] = {
        {"GET /live HTTP/1.1\r\n\r\n", 400},
        {"GET /live HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
        {"GET /live HTTP/1.0\r\n\r\n", 200},
    };
    for (size_t i = 0; i < countof(hosts); i++) {
        CASE(hosts[i].request);
        CLEANUP(client_close) Client client = client_open(served.port);
        client_send(&client, str_of(hosts[i].request));
        CLEANUP(response_release) Response got = client_receive(&client, true);
        CHECK_INT(hosts[i].status, got.status);
    }
    serve_no_more(&served);
}

TEST(bodies_are_not_wanted)
{
    static const struct {
        const char *name, *request;
        int status;
        bool stays_open;
    } cases[] = {
        {"drained", "GET /live HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", 200, true},
        {"drained and refused", "POST /live HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
         405, true},
        {"not waited for", "POST /live HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999\r\n\r\nhel",
         405, false},
        {"chunked",
         "POST /live HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
         "chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
         405, false},
    };
    Served served;
    const ServerOptions options = test_server_options();
    serve(&served, &options);
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].name);
        CLEANUP(client_close) Client client = client_open(served.port);
        client_send(&client, str_of(cases[i].request));
        CLEANUP(response_release) Response got = client_receive(&client, true);
        CHECK_INT(cases[i].status, got.status);
        CLEANUP(response_release) Response next = client_ask(&client, "GET", "/live", "");
        CHECK_INT(cases[i].stays_open ? 200 : 0, next.status);
    }
    serve_no_more(&served);
}

TEST(pipelined_requests_are_answered_in_order)
{
    static const char *const targets[] = {"/live", "/v1/stations/1491TH", "/nothing",
                                          "/v1/latest.csv"};
    static const int want[] = {200, 200, 404, 200};
    Served served;
    const ServerOptions options = test_server_options();
    serve(&served, &options);
    CLEANUP(client_close) Client client = client_open(served.port);
    CLEANUP(buf_release) Buf requests = buf_init(10000);
    for (int i = 0; i < 40; i++)
        buf_printf(&requests, "GET %s HTTP/1.1\r\nHost: a\r\nX-Request-Id: r%d\r\n\r\n",
                   targets[i % 4], i);
    client_send(&client, buf_view(&requests));
    for (int i = 0; i < 40; i++) {
        char id[16];
        (void) snprintf(id, sizeof id, "r%d", i);
        CLEANUP(response_release) Response got = client_receive(&client, true);
        CHECK_INT(want[i % 4], got.status);
        CHECK_TEXT(id, response_field(&got, "X-Request-Id"));
    }
    serve_no_more(&served);
}

TEST(garbage_costs_nobody_else)
{
    static const char *const garbage[] = {
        "\r\n\r\n\r\n",
        "GET\r\n\r\n",
        "\x16\x03\x01\x02garbage\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "GET /live HTTP/1.1\r\nHost a\r\n\r\n",
        "GET  /live  HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /live HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
        "",
    };
    Served served;
    const ServerOptions options = test_server_options();
    serve(&served, &options);
    CLEANUP(client_close) Client steady = client_open(served.port);
    for (size_t i = 0; i < countof(garbage); i++) {
        CASE(garbage[i]);
        Client client = client_open(served.port);
        client_send(&client, str_of(garbage[i]));
        client_close(&client);
        CLEANUP(response_release) Response got = client_ask(&steady, "GET", "/v1/latest", "");
        CHECK_INT(200, got.status);
    }
    serve_no_more(&served);
}

/* Each byte would start libmicrohttpd's time-out anew. The deadline here is of the whole head, so
 * it is passed by a client that never stops sending. */
TEST(a_trickled_head_is_cut_off)
{
    ServerOptions options = test_server_options();
    options.idle_timeout_s = 1;
    Served served;
    serve(&served, &options);
    CLEANUP(client_close) Client client = client_open(served.port);
    client_send(&client, STR("GET /live HTTP/1.1\r\nHost: a\r\nX: "));
    int64_t begun_ms = clock_elapsed_ms();
    bool closed = false;
    while (!closed && clock_elapsed_ms() - begun_ms < 20000) {
        client_send(&client, STR("y"));
        closed = client_is_closed_now(&client);
    }
    CHECK(closed);
    CHECK(clock_elapsed_ms() - begun_ms >= 1000);
    CLEANUP(response_release) Response got = http_fetch(served.port, "/live");
    CHECK_INT(200, got.status);
    serve_no_more(&served);
}

TEST(too_many_connections_are_told_so)
{
    static const struct {
        const char *name;
        unsigned max, max_per_address;
    } cases[] = {{"in all", 3, 0}, {"of one address", 100, 3}};
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].name);
        ServerOptions options = test_server_options();
        options.max_connections = cases[i].max;
        options.max_connections_per_address = cases[i].max_per_address;
        Served served;
        serve(&served, &options);
        Client clients[3];
        for (size_t k = 0; k < countof(clients); k++) {
            clients[k] = client_open(served.port);
            CLEANUP(response_release) Response got = client_ask(&clients[k], "GET", "/live", "");
            CHECK_INT(200, got.status);
        }
        CLEANUP(response_release) Response more = http_fetch(served.port, "/live");
        CHECK_INT(503, more.status);
        CHECK_TEXT("overloaded", problem_type(response_body(&more)));
        CHECK_TEXT("1", response_field(&more, "Retry-After"));
        CHECK_TEXT("close", response_field(&more, "Connection"));
        CHECK_TEXT("*", response_field(&more, "Access-Control-Allow-Origin"));
        CLEANUP(client_close) Client silent = client_open(served.port);
        CHECK(client_is_closed(&silent)); /* it would only hold a place */
        CLEANUP(response_release) Response still = client_ask(&clients[0], "GET", "/live", "");
        CHECK_INT(200, still.status);
        for (size_t k = 0; k < countof(clients); k++)
            client_close(&clients[k]);
        int status = 503; /* their end is noticed soon, not at once */
        for (int tries = 0; tries < 2000 && status == 503; tries++) {
            CLEANUP(response_release) Response got = http_fetch(served.port, "/live");
            status = got.status;
        }
        CHECK_INT(200, status);
        serve_no_more(&served);
    }
}

TEST(answers_are_counted_by_class)
{
    Served served;
    const ServerOptions options = test_server_options();
    serve(&served, &options);
    int64_t good = metric_get(METRIC_HTTP_REQUESTS_2XX), bad = metric_get(METRIC_HTTP_REQUESTS_4XX);
    CLEANUP(response_release) Response found = http_fetch(served.port, "/live");
    CLEANUP(response_release) Response missing = http_fetch(served.port, "/nothing");
    CHECK_INT(200, found.status);
    CHECK_INT(404, missing.status);
    CHECK_INT(good + 1, metric_get(METRIC_HTTP_REQUESTS_2XX));
    CHECK_INT(bad + 1, metric_get(METRIC_HTTP_REQUESTS_4XX));
    serve_no_more(&served);
    CHECK_INT(0, metric_get(METRIC_HTTP_CONNECTIONS));
}

TEST(addresses_to_listen_on)
{
    static const struct {
        const char *listen;
        ErrCode want;
    } cases[] = {
        {"127.0.0.1:0", OK},
        {":0", OK},
        {"localhost:0", OK},
        {"127.0.0.1", ERR_INVALID},
        {"127.0.0.1:", ERR_INVALID},
        {"127.0.0.1:http", ERR_INVALID},
        {"127.0.0.1:70000", ERR_INVALID},
        {"127.0.0.1:-1", ERR_INVALID},
        {"", ERR_INVALID},
    };
    Fixture fixture = fixture_open();
    for (size_t i = 0; i < countof(cases); i++) {
        ServerOptions options = test_server_options();
        Server *server = NULL;
        Err err = {.code = OK};
        CASE(cases[i].listen);
        options.listen = cases[i].listen;
        CHECK_INT(cases[i].want, server_start(fixture.store, &options, &server, &err));
        if (server == NULL)
            continue;
        CLEANUP(response_release) Response got = http_fetch(server_port(server), "/live");
        CHECK_INT(200, got.status);
        server_stop(server);
    }
    CASE("taken");
    ServerOptions options = test_server_options();
    Server *first = NULL, *second = NULL;
    Err err = {.code = OK};
    REQUIRE_OK(server_start(fixture.store, &options, &first, &err));
    char taken[40];
    (void) snprintf(taken, sizeof taken, "127.0.0.1:%u", server_port(first));
    options.listen = taken;
    CHECK_INT(ERR_NETWORK, server_start(fixture.store, &options, &second, &err));
    CHECK_HAS("in use", str_of(err.text));
    server_stop(first);
    fixture_close(&fixture);
}

/* ---- several clients while generations come ----------------------------------------------------
 */

enum { CLIENTS = 4, GENERATIONS = 60 };

/* The first body seen of each generation: every later one must be the same bytes. */
typedef struct Seen {
    pthread_mutex_t mutex;
    Buf bodies[GENERATIONS + 2];
    int64_t answers, generations;
    _Atomic bool done;
    unsigned port;
} Seen;

static void note_body(Seen *seen, Str body)
{
    int64_t number = -1;
    CHECK(str_to_int(str_after_last(json_text_at(body, "generation"), '-'), &number));
    if (number < 1 || number >= (int64_t) countof(seen->bodies))
        return;
    pthread_mutex_lock(&seen->mutex);
    Buf *first = &seen->bodies[number];
    seen->answers++;
    if (first->len == 0) {
        *first = buf_init(1 << 20);
        buf_put_str(first, body);
        seen->generations++;
    } else {
        CHECK_STR(buf_view(first), body);
    }
    pthread_mutex_unlock(&seen->mutex);
}

static void *ask_on(void *ctx)
{
    Seen *seen = ctx;
    Client client = client_open(seen->port);
    while (!seen->done) {
        CLEANUP(response_release)
        Response got = client_ask(&client, "GET", "/v1/stations/OCK1/readings", "");
        CHECK_INT(200, got.status);
        note_body(seen, response_body(&got));
        CLEANUP(response_release) Response status = client_ask(&client, "GET", "/v1/status", "");
        CHECK_INT(200, status.status);
    }
    client_close(&client);
    return NULL;
}

TEST(concurrent_clients_see_whole_generations)
{
    Served served;
    Seen seen = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    ServerOptions options = test_server_options();
    options.thread_count = 3;
    serve(&served, &options);
    seen.port = served.port;
    pthread_t threads[CLIENTS];
    for (size_t i = 0; i < CLIENTS; i++)
        REQUIRE(pthread_create(&threads[i], NULL, ask_on, &seen) == 0);
    for (int i = 0; i < GENERATIONS; i++) {
        Batch batch = batch_init();
        add_reading(&batch, "OCK1-level", FIXTURE_NOW + i * 60, i);
        CHECK(fixture_apply(&served.fixture, &batch, FAULT_NONE).changed);
        store_expect_next(served.fixture.store, FIXTURE_NOW + i * 60);
        batch_release(&batch);
    }
    CLEANUP(response_release) Response last = http_fetch(served.port, "/v1/stations/OCK1/readings");
    seen.done = true;
    for (size_t i = 0; i < CLIENTS; i++)
        pthread_join(threads[i], NULL);
    CHECK_TEXT("59.0", json_at(response_body(&last), "items.63.value"));
    CHECK(seen.answers > 0);
    for (size_t i = 0; i < countof(seen.bodies); i++)
        buf_release(&seen.bodies[i]);
    serve_no_more(&served);
}

TEST(stopping_closes_idle_connections)
{
    Served served;
    const ServerOptions options = test_server_options();
    serve(&served, &options);
    CLEANUP(client_close) Client idle = client_open(served.port);
    CLEANUP(response_release) Response first = client_ask(&idle, "GET", "/v1/latest", "");
    CHECK_INT(200, first.status);
    server_stop(TAKE(served.server));
    CHECK(client_is_closed(&idle));
    serve_no_more(&served);
}

/* ---- heavy answers --------------------------------------------------------------------------- */

typedef struct HeavyAsker {
    unsigned port;
    const char *accept_encoding;
} HeavyAsker;

static void *ask_heavy(void *ctx)
{
    static const char *const targets[] = {"/v1/latest", "/v1/stations.csv", "/v1/readings",
                                          "/v1/stations/1491TH", "/v1/latest?q=thames"};
    HeavyAsker *asker = ctx;
    CLEANUP(client_close) Client client = client_open(asker->port);
    for (size_t i = 0; i < 3 * countof(targets); i++) {
        CLEANUP(response_release)
        Response got =
            client_ask(&client, "GET", targets[i % countof(targets)], asker->accept_encoding);
        CHECK_INT(200, got.status);
        CHECK(!str_is_none(response_field(&got, "ETag")));
    }
    return NULL;
}

TEST(concurrent_heavy_requests_are_answered_on_their_own_connections)
{
    enum { ASKERS = 8 };
    Served served;
    const ServerOptions options = test_server_options();
    serve(&served, &options);
    HeavyAsker askers[ASKERS];
    pthread_t threads[ASKERS];
    for (size_t i = 0; i < ASKERS; i++) {
        askers[i] = (HeavyAsker){.port = served.port,
                                 .accept_encoding = i % 2 == 0 ? "" : "Accept-Encoding: gzip\r\n"};
        REQUIRE(pthread_create(&threads[i], NULL, ask_heavy, &askers[i]) == 0);
    }
    for (uint64_t i = 0; i < 20; i++) { /* generations come meanwhile */
        Batch batch = batch_init();
        add_reading(&batch, "OCK1-level", FIXTURE_NOW - 900, 3 + (double) i);
        CHECK(fixture_apply(&served.fixture, &batch, FAULT_NONE).changed);
        batch_release(&batch);
    }
    for (size_t i = 0; i < ASKERS; i++)
        pthread_join(threads[i], NULL);
    serve_no_more(&served);
}

TEST(concurrent_stop_with_heavy_requests_waiting)
{
    enum { ASKERS = 6 };
    Served served;
    const ServerOptions options = test_server_options();
    serve(&served, &options);
    Err err = {.code = OK};
    Snapshot *snapshots[4]; /* the renderer waits for one */
    for (size_t i = 0; i < countof(snapshots); i++)
        REQUIRE_OK(store_snapshot(served.fixture.store, &snapshots[i], &err));
    Client clients[ASKERS];
    for (size_t i = 0; i < ASKERS; i++) {
        char request[100];
        (void) snprintf(request, sizeof request,
                        "GET /v1/latest?q=x%zu HTTP/1.1\r\nHost: a\r\n\r\n", i);
        clients[i] = client_open(served.port);
        client_send(&clients[i], str_of(request));
    }
    CLEANUP(response_release) Response light = http_fetch(served.port, "/live");
    CHECK_INT(200, light.status); /* does not wait for the heavy ones */
    server_stop(served.server);
    for (size_t i = 0; i < countof(snapshots); i++)
        snapshot_close(snapshots[i]);
    for (size_t i = 0; i < ASKERS; i++) {
        CLEANUP(response_release) Response got = client_receive(&clients[i], true);
        CHECK(got.status == 503 || got.status == 0); /* refused, or not read any more */
        client_close(&clients[i]);
    }
    fixture_close(&served.fixture);
}

TEST(parts_make_the_whole)
{
    static const char *const codings[] = {"", "Accept-Encoding: gzip\r\n"};
    Served served;
    const ServerOptions options = test_server_options();
    serve(&served, &options);
    CLEANUP(client_close) Client client = client_open(served.port);
    for (size_t i = 0; i < countof(codings); i++) {
        CLEANUP(response_release)
        Response whole = client_ask(&client, "GET", "/v1/readings.csv", codings[i]);
        CLEANUP(buf_release) Buf joined = buf_init(1 << 20);
        for (size_t from = 0; from < whole.body.len; from += 700) {
            char fields[200];
            (void) snprintf(fields, sizeof fields, "Range: bytes=%zu-%zu\r\n%s", from, from + 699,
                            codings[i]);
            CLEANUP(response_release)
            Response part = client_ask(&client, "GET", "/v1/readings.csv", fields);
            CHECK_INT(206, part.status);
            CHECK_STR(response_field(&whole, "ETag"), response_field(&part, "ETag"));
            buf_put_str(&joined, response_body(&part));
        }
        CHECK_STR(response_body(&whole), buf_view(&joined));
    }
    serve_no_more(&served);
}
