/* /v1/stream and waiting /v1/changes, over sockets: who is told what, and when it ends. */
#include "base/clock.h"
#include "base/json.h"
#include "base/metrics.h"
#include "store/exports.h"
#include "tests/events.h"
#include "tests/site.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct Live {
    Fixture fixture;
    ServerOptions options;
    Server *server;
    unsigned port;
} Live;

static Live live_open(const ServerOptions *options)
{
    Err err = {.code = OK};
    Live live = {.fixture = fixture_open(), .options = *options};
    fixture_fill(&live.fixture);
    REQUIRE_OK(server_start(live.fixture.store, &live.options, &live.server, &err));
    live.port = server_port(live.server);
    return live;
}

static void live_close(Live *live)
{
    server_stop(live->server);
    fixture_close(&live->fixture);
}

static void commit(Live *live, const char *measure, UnixSec time, double value)
{
    Batch batch = batch_init();
    add_reading(&batch, measure, time, value);
    (void) fixture_apply(&live->fixture, &batch, FAULT_NONE);
}

static void newest_tag(const Live *live, char tag[static GENERATION_TAG_SIZE])
{
    store_generation_tag(live->fixture.store, store_generation(live->fixture.store), tag);
}

TEST(stream_opens_with_where_it_stands)
{
    const ServerOptions options = test_server_options();
    Live live = live_open(&options);
    Events events = events_open(live.port, "/v1/stream", "");
    Event event;
    char tag[GENERATION_TAG_SIZE];
    newest_tag(&live, tag);
    CHECK_INT(200, events.status);
    REQUIRE(events_next(&events, &event));
    CHECK_TEXT("5000", event.retry);
    CHECK_TEXT(tag, event.id);
    CHECK(str_is_none(event.name));
    event_release(&event);
    events_close(&events);
    live_close(&live);
}

TEST(stream_tells_a_generation_as_it_comes)
{
    const ServerOptions options = test_server_options();
    Live live = live_open(&options);
    Events events = events_open(live.port, "/v1/stream", "");
    Event event;
    char tag[GENERATION_TAG_SIZE];
    for (int i = 0; i < 3; i++) {
        commit(&live, "1491TH-level", FIXTURE_NOW + 900 * i, 0.5 + i);
        newest_tag(&live, tag);
        REQUIRE(events_next_named(&events, &event));
        CHECK_TEXT("readings", event.name);
        CHECK_TEXT(tag, event.id);
        CHECK_TEXT(tag, json_text_at(event.data, "generation"));
        CHECK_TEXT("1491TH-level", json_text_at(event.data, "items.0.measure"));
        CHECK_INT(1, json_count(json_at(event.data, "items")));
        event_release(&event);
    }
    commit(&live, "1491TH-level", FIXTURE_NOW, 9.5);
    REQUIRE(events_next_named(&events, &event));
    CHECK_TEXT("corrections", event.name);
    CHECK_TEXT("9.5", json_at(event.data, "items.0.value"));
    event_release(&event);
    events_close(&events);
    live_close(&live);
}

/* What came while one was away is told first, in order, and nothing twice. */
TEST(stream_goes_on_from_a_cursor)
{
    const ServerOptions options = test_server_options();
    Live live = live_open(&options);
    char tag[GENERATION_TAG_SIZE], target[100], field[100];
    newest_tag(&live, tag);
    for (int i = 0; i < 5; i++)
        commit(&live, "1491TH-level", FIXTURE_NOW + 900 * i, 0.5 + i);
    (void) snprintf(target, sizeof target, "/v1/stream?since=%s", tag);
    (void) snprintf(field, sizeof field, "Last-Event-ID: %s\r\n", tag);
    const struct {
        const char *target, *field;
    } cases[] = {{target, ""}, {"/v1/stream", field}, {"/v1/stream?since=00000001-7", field}};
    for (size_t k = 0; k < countof(cases); k++) {
        Events events = events_open(live.port, cases[k].target, cases[k].field);
        for (int i = 0; i < 5; i++) {
            Event event;
            char value[20];
            REQUIRE(events_next_named(&events, &event));
            (void) snprintf(value, sizeof value, "%d.5", i);
            CHECK_TEXT(value, json_at(event.data, "items.0.value"));
            event_release(&event);
        }
        events_close(&events);
    }
    live_close(&live);
}

TEST(stream_tells_everything_in_events_of_at_most_500)
{
    enum { READINGS = 1200 };
    ServerOptions options = test_server_options();
    Live live = live_open(&options);
    char tag[GENERATION_TAG_SIZE];
    newest_tag(&live, tag);
    Events events = events_open(live.port, "/v1/stream?measure=1491TH-level", "");
    Batch batch = batch_init();
    for (int i = 0; i < READINGS; i++)
        add_reading(&batch, "1491TH-level", FIXTURE_NOW + i, i);
    (void) fixture_apply(&live.fixture, &batch, FAULT_NONE);
    newest_tag(&live, tag);
    size_t count = 0;
    for (bool whole = false; !whole;) {
        Event event;
        REQUIRE(events_next_named(&events, &event));
        size_t items = json_count(json_at(event.data, "items"));
        CHECK(items <= 500);
        count += items;
        whole = !str_is_none(event.id);
        CHECK(!whole || str_eq(event.id, str_of(tag)));
        event_release(&event);
    }
    CHECK_INT(READINGS, count);
    events_close(&events);
    live_close(&live);
}

TEST(stream_of_a_river_is_that_of_its_rows)
{
    const ServerOptions options = test_server_options();
    Live live = live_open(&options);
    Events events = events_open(live.port, "/v1/stream?river=River+Thames", "");
    Event event;
    for (int i = 0; i < 10; i++) {
        commit(&live, "A B-rainfall", FIXTURE_NOW + i, i);
        commit(&live, "1491TH-level", FIXTURE_NOW + i, i);
        REQUIRE(events_next_named(&events, &event));
        CHECK_TEXT("1491TH-level", json_text_at(event.data, "items.0.measure"));
        CHECK_INT(1, json_count(json_at(event.data, "items")));
        event_release(&event);
    }
    events_close(&events);
    live_close(&live);
}

TEST(stream_as_ndjson_is_a_line_an_event)
{
    const ServerOptions options = test_server_options();
    static const struct {
        const char *target, *fields;
    } cases[] = {{"/v1/stream.ndjson", ""},
                 {"/v1/stream?format=ndjson", ""},
                 {"/v1/stream", "Accept: application/x-ndjson\r\n"}};
    Live live = live_open(&options);
    for (size_t i = 0; i < countof(cases); i++) {
        Events events = events_open(live.port, cases[i].target, cases[i].fields);
        size_t at;
        commit(&live, "1491TH-level", FIXTURE_NOW + (UnixSec) i, 0.5);
        while (!str_find(buf_view(&events.text), STR("\"items\":["), &at))
            REQUIRE(client_receive_chunk(&events.client, &events.text));
        CHECK(str_starts(buf_view(&events.text), STR("{\"event\":\"open\",\"id\":\"")));
        CHECK_HAS("\n{\"event\":\"readings\",\"id\":\"", buf_view(&events.text));
        events_close(&events);
    }
    live_close(&live);
}

TEST(stream_of_another_store_is_reset)
{
    const ServerOptions options = test_server_options();
    static const char *const cases[] = {"00000001-7", "no cursor at all"};
    Live live = live_open(&options);
    char tag[GENERATION_TAG_SIZE];
    newest_tag(&live, tag);
    for (size_t i = 0; i < countof(cases); i++) {
        char field[100];
        (void) snprintf(field, sizeof field, "Last-Event-ID: %s\r\n", cases[i]);
        Events events = events_open(live.port, "/v1/stream", field);
        Event event;
        REQUIRE(events_next_named(&events, &event));
        CHECK_TEXT("reset", event.name);
        CHECK_TEXT(tag, event.id);
        CHECK_TEXT("/v1/readings.ndjson", json_text_at(event.data, "start.readings"));
        event_release(&event);
        events_close(&events);
    }
    live_close(&live);
}

/* ---- exported generations ---------------------------------------------------------------------- */

static void add_export(Live *live, Exports *exports)
{
    char tag[GENERATION_TAG_SIZE], manifest[200];
    Err err = {.code = OK};
    newest_tag(live, tag);
    (void) snprintf(manifest, sizeof manifest,
                    "{\"format\":1,\"generation\":\"%s\",\"objects\":[]}\n", tag);
    CHECK_OK(
        exports_add(exports, str_of(tag), FIXTURE_NOW, FIXTURE_NOW + 5, str_of(manifest), &err));
}

/* It is the object that /v1/snapshots/latest is, has no id, and goes to those who were there. */
TEST(stream_tells_of_an_exported_generation)
{
    const ServerOptions options = test_server_options();
    Live live = live_open(&options);
    Exports *exports = NULL;
    Err err = {.code = OK};
    Event event;
    char tag[GENERATION_TAG_SIZE];
    REQUIRE_OK(exports_open(live.fixture.store, &exports, &err));
    Events events[3] = {events_open(live.port, "/v1/stream", ""),
                        events_open(live.port, "/v1/stream?river=nowhere", "")};
    Events lines = events_open(live.port, "/v1/stream.ndjson", "");
    add_export(&live, exports);
    newest_tag(&live, tag);
    Response latest = http_fetch(live.port, "/v1/snapshots/latest");
    for (size_t i = 0; i < 2; i++) {
        REQUIRE(events_next_named(&events[i], &event));
        CHECK_TEXT("snapshot", event.name);
        CHECK(str_is_none(event.id));
        CHECK_STR(str_trim(response_body(&latest)), event.data);
        CHECK_TEXT(tag, json_text_at(event.data, "generation"));
        event_release(&event);
    }
    size_t at;
    while (!str_find(buf_view(&lines.text), STR("\"objects\":[]"), &at))
        REQUIRE(client_receive_chunk(&lines.client, &lines.text));
    CHECK_HAS("{\"event\":\"snapshot\",\"exported\":\"2026-11-22T10:00:05Z\",",
              buf_view(&lines.text));

    events[2] = events_open(live.port, "/v1/stream", ""); /* too late for that one */
    commit(&live, "1491TH-level", FIXTURE_NOW, 0.5);
    newest_tag(&live, tag);
    for (size_t i = 0; i < 3; i += 2) {
        REQUIRE(events_next_named(&events[i], &event));
        CHECK_TEXT("readings", event.name);
        CHECK_TEXT(tag, event.id);
        event_release(&event);
    }
    response_release(&latest);
    for (size_t i = 0; i < 3; i++)
        events_close(&events[i]);
    events_close(&lines);
    exports_close(exports);
    live_close(&live);
}

TEST(reset_names_the_newest_exported_generation)
{
    const ServerOptions options = test_server_options();
    Live live = live_open(&options);
    Exports *exports = NULL;
    Err err = {.code = OK};
    Event event;
    char tag[GENERATION_TAG_SIZE];
    newest_tag(&live, tag);
    REQUIRE_OK(exports_open(live.fixture.store, &exports, &err));
    Response changes = http_fetch(live.port, "/v1/changes?since=00000001-7");
    CHECK_TEXT("null", json_at(response_body(&changes), "start.snapshot"));
    response_release(&changes);
    add_export(&live, exports);
    bool is_named = false;
    for (int i = 0; i < 500 && !is_named; i++) { /* nobody follows, and yet it comes to be known */
        Events events = events_open(live.port, "/v1/stream?since=00000001-7", "");
        REQUIRE(events_next_named(&events, &event));
        CHECK_TEXT("reset", event.name);
        Str named = json_text_at(event.data, "start.snapshot.generation");
        is_named = str_eq(named, str_of(tag));
        event_release(&event);
        events_close(&events);
        (void) usleep(10 * 1000);
    }
    CHECK(is_named);
    changes = http_fetch(live.port, "/v1/changes?since=00000001-8");
    CHECK_TEXT(tag, json_text_at(response_body(&changes), "start.snapshot.generation"));
    response_release(&changes);
    exports_close(exports);
    live_close(&live);
}

TEST(stream_gives_a_sign_of_life)
{
    ServerOptions options = test_server_options();
    options.heartbeat_ms = 300;
    Live live = live_open(&options);
    Events events = events_open(live.port, "/v1/stream", "");
    Event event;
    for (int i = 0; i < 4; i++) {
        REQUIRE(events_next(&events, &event));
        CHECK(event.is_comment == (i > 0)); /* behind the opening nothing else */
        event_release(&event);
    }
    events_close(&events);
    live_close(&live);
}

TEST(stream_says_bye_when_it_drains)
{
    const ServerOptions options = test_server_options();
    Live live = live_open(&options);
    enum { COUNT = 20 };
    Events events[COUNT];
    Event event;
    for (int i = 0; i < COUNT; i++) {
        events[i] = events_open(live.port, i % 2 == 0 ? "/v1/stream" : "/v1/stream?q=nowhere", "");
        REQUIRE(events_next(&events[i], &event));
        event_release(&event);
    }
    int64_t begun_ms = clock_elapsed_ms();
    server_stop(live.server);
    CHECK(clock_elapsed_ms() - begun_ms < 2000);
    for (int i = 0; i < COUNT; i++) {
        int64_t retry_ms = 0;
        REQUIRE(events_next_named(&events[i], &event));
        CHECK_TEXT("bye", event.name);
        CHECK(str_to_int(event.retry, &retry_ms) && retry_ms >= 1000 && retry_ms < 10000);
        event_release(&event);
        CHECK(!events_next(&events[i], &event));
        event_release(&event);
        events_close(&events[i]);
    }
    fixture_close(&live.fixture);
}

TEST(stream_is_bounded_in_number)
{
    static const struct {
        unsigned max, of_address;
    } cases[] = {{3, 0}, {0, 3}};
    for (size_t k = 0; k < countof(cases); k++) {
        ServerOptions options = test_server_options();
        options.max_subscribers = cases[k].max;
        options.max_subscribers_per_address = cases[k].of_address;
        Live live = live_open(&options);
        Events events[4];
        for (int i = 0; i < 4; i++) {
            events[i] = events_open(live.port, "/v1/stream", "");
            CHECK_INT(i < 3 ? 200 : 503, events[i].status);
        }
        for (int i = 0; i < 4; i++)
            events_close(&events[i]);
        live_close(&live);
    }
}

/* It reads nothing of what would fill every buffer on its way; others are told as if it were not. */
TEST(stream_cuts_off_who_does_not_read)
{
    enum { READINGS = 20000 };
    ServerOptions options = test_server_options();
    options.slow_subscriber_ms = 500;
    Live live = live_open(&options);
    Batch batch = batch_init();
    for (int i = 0; i < READINGS; i++)
        add_reading(&batch, "1491TH-level", FIXTURE_NOW + i, i);
    (void) fixture_apply(&live.fixture, &batch, FAULT_NONE);
    char target[100], tag[GENERATION_TAG_SIZE];
    store_generation_tag(live.fixture.store, 0, tag);
    (void) snprintf(target, sizeof target, "/v1/stream?since=%s", tag);
    Events deaf = events_open(live.port, target, ""),
           other = events_open(live.port, "/v1/stream", "");
    for (int i = 0; i < 10; i++) {
        Event event;
        commit(&live, "1491TH-flow", FIXTURE_NOW + i, i);
        REQUIRE(events_next_named(&other, &event));
        CHECK_TEXT("1491TH-flow", json_text_at(event.data, "items.0.measure"));
        event_release(&event);
        (void) usleep(200 * 1000);
    }
    size_t got = deaf.text.len;
    while (client_receive_chunk(&deaf.client, &deaf.text))
        got = deaf.text.len;
    CHECK(got < (size_t) READINGS * 100); /* it did not get all of it */
    events_close(&deaf);
    events_close(&other);
    live_close(&live);
}

/* It reads, but not before it was found to be slow: at the end of its event it is told to come back.
 */
TEST(stream_sends_off_who_reads_too_slowly)
{
    enum { READINGS = 20000 };
    ServerOptions options = test_server_options();
    options.slow_subscriber_ms = 2000;
    Live live = live_open(&options);
    Batch batch = batch_init();
    for (int i = 0; i < READINGS; i++)
        add_reading(&batch, "1491TH-level", FIXTURE_NOW + i, i);
    (void) fixture_apply(&live.fixture, &batch, FAULT_NONE);
    char target[100], tag[GENERATION_TAG_SIZE];
    store_generation_tag(live.fixture.store, 0, tag);
    (void) snprintf(target, sizeof target, "/v1/stream?since=%s", tag);
    int64_t slow = metric_get(METRIC_HTTP_SUBSCRIBERS_SLOW);
    Events events = events_open(live.port, target, "");
    for (int i = 0; i < 3000 && metric_get(METRIC_HTTP_SUBSCRIBERS_SLOW) == slow; i++)
        (void) usleep(10 * 1000);
    REQUIRE(metric_get(METRIC_HTTP_SUBSCRIBERS_SLOW) == slow + 1);
    bool said_bye = false;
    Event event;
    while (!said_bye && events_next(&events, &event)) {
        said_bye = str_eq(event.name, STR("bye"));
        CHECK(!said_bye || str_eq(json_text_at(event.data, "reason"), STR("slow")));
        event_release(&event);
    }
    CHECK(said_bye);
    CHECK(!events_next(&events, &event));
    event_release(&event);
    events_close(&events);
    live_close(&live);
}

TEST(stream_for_head_and_for_who_has_a_body)
{
    const ServerOptions options = test_server_options();
    Live live = live_open(&options);
    Response head = http_ask(live.port, "HEAD", "/v1/stream", "");
    CHECK_INT(200, head.status);
    CHECK_TEXT("text/event-stream", response_field(&head, "Content-Type"));
    CHECK_TEXT("no", response_field(&head, "X-Accel-Buffering"));
    CHECK_TEXT("no-store", response_field(&head, "Cache-Control"));
    response_release(&head);
    Response post = http_ask(live.port, "GET", "/v1/stream", "Transfer-Encoding: chunked\r\n");
    CHECK_INT(400, post.status);
    response_release(&post);
    live_close(&live);
}

/* ---- changes that are waited for ------------------------------------------------------------- */

static void send_wait(Live *live, Client *client, const char *query)
{
    char request[300], tag[GENERATION_TAG_SIZE];
    newest_tag(live, tag);
    (void) snprintf(request, sizeof request,
                    "GET /v1/changes?since=%s%s HTTP/1.1\r\nHost: localhost\r\n\r\n", tag, query);
    client_send(client, str_of(request));
}

TEST(wait_ends_with_a_change)
{
    const ServerOptions options = test_server_options();
    Live live = live_open(&options);
    Client clients[3];
    for (size_t i = 0; i < countof(clients); i++) {
        clients[i] = client_open(live.port);
        send_wait(&live, &clients[i], i < 2 ? "&wait=PT20S" : "&wait=PT20S&station=1491TH");
        CHECK(!client_is_closed_now(&clients[i])); /* and looks for an answer meanwhile */
        CHECK_INT(0, clients[i].in.len);
    }
    commit(&live, "1491TH-level", FIXTURE_NOW, 0.5);
    for (size_t i = 0; i < countof(clients); i++) {
        Response response = client_receive(&clients[i], true);
        CHECK_INT(200, response.status);
        CHECK_TEXT("1", json_at(response_body(&response), "count"));
        response_release(&response);
        client_close(&clients[i]);
    }
    live_close(&live);
}

TEST(wait_goes_on_for_what_it_asks_for)
{
    const ServerOptions options = test_server_options();
    Live live = live_open(&options);
    Client client = client_open(live.port);
    send_wait(&live, &client, "&wait=PT20S&river=River+Thames");
    for (int i = 0; i < 5; i++)
        commit(&live, "A B-rainfall", FIXTURE_NOW + i, i);
    commit(&live, "1491TH-level", FIXTURE_NOW, 0.5);
    Response response = client_receive(&client, true);
    CHECK_TEXT("1491TH-level", json_text_at(response_body(&response), "items.0.measure"));
    CHECK_TEXT("1", json_at(response_body(&response), "count"));
    response_release(&response);
    client_close(&client);
    live_close(&live);
}

TEST(wait_ends_in_time_or_when_it_drains)
{
    const ServerOptions options = test_server_options();
    Live live = live_open(&options);
    Client brief = client_open(live.port), draining = client_open(live.port);
    send_wait(&live, &draining, "&wait=PT60S");
    int64_t begun_ms = clock_elapsed_ms();
    send_wait(&live, &brief, "&wait=PT1S");
    Response response = client_receive(&brief, true);
    CHECK(clock_elapsed_ms() - begun_ms >= 1000);
    CHECK_TEXT("0", json_at(response_body(&response), "count"));
    response_release(&response);
    /* the connection serves on */
    response = client_ask(&brief, "GET", "/v1/status", "");
    CHECK_INT(200, response.status);
    response_release(&response);
    client_close(&brief);
    begun_ms = clock_elapsed_ms();
    server_stop(live.server);
    CHECK(clock_elapsed_ms() - begun_ms < 2000);
    response = client_receive(&draining, true);
    CHECK_INT(200, response.status);
    response_release(&response);
    client_close(&draining);
    fixture_close(&live.fixture);
}

/* ---- many together ----------------------------------------------------------------------------- */

typedef struct Comer {
    unsigned port, seed;
    _Atomic bool *over;
    size_t events;
} Comer;

/* Comes, stays for some events, goes in the middle of anything. */
static void *come_and_go(void *ctx)
{
    static const char *const targets[] = {"/v1/stream", "/v1/stream?river=River+Thames",
                                          "/v1/stream?since=PT1H", "/v1/stream?q=nowhere"};
    Comer *comer = ctx;
    for (unsigned round = 0; !atomic_load(comer->over); round++) {
        unsigned dice = comer->seed + round;
        Events events = events_open(comer->port, targets[dice % countof(targets)], "");
        CHECK_INT(200, events.status);
        for (unsigned i = 0; i < dice % 5; i++) {
            Event event;
            bool goes_on = dice % countof(targets) != 3 && events_next(&events, &event);
            comer->events += goes_on;
            if (!goes_on)
                break;
            event_release(&event);
        }
        events_close(&events);
    }
    return NULL;
}

TEST(concurrent_followers_come_and_go)
{
    enum { COMERS = 6, COMMITS = 60 };
    ServerOptions options = test_server_options();
    options.heartbeat_ms = 50;
    Live live = live_open(&options);
    _Atomic bool over = false;
    Comer comers[COMERS];
    pthread_t threads[COMERS];
    for (unsigned i = 0; i < COMERS; i++) {
        comers[i] = (Comer){.port = live.port, .seed = i, .over = &over};
        REQUIRE(pthread_create(&threads[i], NULL, come_and_go, &comers[i]) == 0);
    }
    for (int i = 0; i < COMMITS; i++) {
        commit(&live, i % 2 == 0 ? "1491TH-level" : "A B-rainfall", FIXTURE_NOW + i, i);
        (void) usleep(20 * 1000);
    }
    atomic_store(&over, true);
    size_t events = 0;
    for (unsigned i = 0; i < COMERS; i++) { /* who waits for an event gets a comment */
        (void) pthread_join(threads[i], NULL);
        events += comers[i].events;
    }
    CHECK(events > COMMITS);
    live_close(&live);
}
