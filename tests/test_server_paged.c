/* Lists in pages: slices of one answer, whatever comes in between. */
#include "base/json.h"
#include "tests/site.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { STATIONS = 60, READINGS = 96 };

typedef struct Country {
    Fixture fixture;
    Server *server;
    unsigned port;
    int commits;
} Country;

static void add_series(Batch *batch, int number)
{
    char text[64];
    Str station, id;
    (void) snprintf(text, sizeof text, "S%03d", number);
    REQUIRE(arena_copy(&batch->strings, str_of(text), &station));
    (void) snprintf(text, sizeof text, "S%03d-level-stage-i-15_min-mASD", number);
    REQUIRE(arena_copy(&batch->strings, str_of(text), &id));
    const Measure measure = a_measure(id.ptr, station.ptr, "level", "Stage");
    REQUIRE(batch_add_measure(batch, &measure));
    for (int i = 0; i < READINGS; i++)
        add_reading(batch, id.ptr, FIXTURE_NOW - 1800 - i * 900, number + i * 0.001);
}

static void country_open(Country *country, size_t spool_bytes)
{
    Err err = {.code = OK};
    ServerOptions options = test_server_options();
    options.spool_bytes = spool_bytes;
    *country = (Country){.fixture = fixture_open()};
    fixture_fill(&country->fixture);
    Batch batch = batch_init();
    for (int i = 0; i < STATIONS; i++)
        add_series(&batch, i);
    CHECK(fixture_apply(&country->fixture, &batch, FAULT_NONE).changed);
    batch_release(&batch);
    REQUIRE_OK(server_start(country->fixture.store, &options, &country->server, &err));
    country->port = server_port(country->server);
}

static void country_close(Country *country)
{
    server_stop(country->server); /* which finds all room of spools given back */
    fixture_close(&country->fixture);
}

/* Every series moves on by a reading, and loses its oldest. */
static void commit(Country *country)
{
    Batch batch = batch_init();
    country->commits++;
    for (int i = 0; i < STATIONS; i++) {
        char text[64];
        Str id;
        (void) snprintf(text, sizeof text, "S%03d-level-stage-i-15_min-mASD", i);
        REQUIRE(arena_copy(&batch.strings, str_of(text), &id));
        add_reading(&batch, id.ptr, FIXTURE_NOW - 1800 + country->commits * 900, -i);
    }
    CHECK(fixture_apply(&country->fixture, &batch, FAULT_NONE).changed);
    batch_release(&batch);
}

/* ---- following ------------------------------------------------------------------------------- */

enum { TARGET_SIZE = 1024 };

/* The address of the next page, copied to `target`. False: this is the last. */
static bool next_page(const Response *page, char target[static TARGET_SIZE])
{
    Str link = response_field(page, "Link"), address, rest;
    if (!str_ends(link, STR(">; rel=\"next\"")) || !str_cut(link, '>', &address, &rest))
        return false;
    (void) snprintf(target, TARGET_SIZE, "%.*s", (int) address.len - 1, address.ptr + 1);
    return true;
}

static Response fetch_ok(const Country *country, const char *target)
{
    Response got = http_fetch(country->port, target);
    if (got.status != 200)
        printf("%s: " STR_FMT "\n", target, STR_ARG(response_body(&got)));
    REQUIRE(got.status == 200);
    return got;
}

static int status_of(const Country *country, const char *target)
{
    CLEANUP(response_release) Response got = http_fetch(country->port, target);
    return got.status;
}

typedef enum Form { LINES, CSV, DOCUMENT, BARE, COLUMNS, FORM_COUNT } Form;
enum { COLUMN_MAX = 4 };

static void add_between(Buf *out, Str body, Str before, Str behind, Str glue)
{
    size_t from = 0, to = 0;
    REQUIRE(str_find(body, before, &from));
    Str rest = {body.ptr + from + before.len, body.len - from - before.len};
    REQUIRE(str_find(rest, behind, &to));
    if (out->len > 0)
        buf_put_str(out, glue);
    buf_put(out, rest.ptr, to);
}

/* The rows of a page behind those of the pages before: all in out[0], or a column each. */
static void add_rows(Buf out[static COLUMN_MAX], Form form, Str body)
{
    Str line, rest = body, key, column;
    switch (form) {
    case CSV:
        REQUIRE(str_cut(body, '\n', &line, &rest));
        buf_put_str(&out[0], out[0].len == 0 ? body : rest);
        return;
    case DOCUMENT:
        add_between(&out[0], body, STR("s\":[\n"), STR("\n],\"count\""), STR(",\n"));
        return;
    case BARE:
        add_between(&out[0], body, STR("[\n"), STR("\n]\n"), STR(",\n"));
        return;
    case COLUMNS: {
        JsonWalk walk = json_walk(json_at(body, "items"));
        for (size_t i = 0; json_next(&walk, &key, &column); i++) {
            REQUIRE(i < COLUMN_MAX && column.len > 2);
            if (out[i].len > 0)
                buf_put_char(&out[i], ',');
            buf_put(&out[i], column.ptr + 1, column.len - 2);
        }
        return;
    }
    default:
        buf_put_str(&out[0], body);
        return;
    }
}

static void release_rows(Buf rows[static COLUMN_MAX])
{
    for (size_t i = 0; i < COLUMN_MAX; i++)
        buf_release(&rows[i]);
}

/* All pages of `first`, with a commit behind each of the first `commits`. */
static int follow(Country *country, const char *first, Form form, int commits,
                  Buf rows[static COLUMN_MAX])
{
    char target[TARGET_SIZE], etag[100] = "";
    int pages = 0;
    bool more = true;
    (void) snprintf(target, sizeof target, "%s", first);
    for (; more; pages++) {
        CLEANUP(response_release) Response page = fetch_ok(country, target);
        Str tag = response_field(&page, "ETag"), hash = str_after_last(tag, '-');
        if (pages == 0)
            (void) snprintf(etag, sizeof etag, "%.*s", (int) (tag.len - hash.len), tag.ptr);
        CHECK(str_starts(tag, str_of(etag))); /* one list, one generation */
        add_rows(rows, form, response_body(&page));
        more = next_page(&page, target);
        if (pages < commits)
            commit(country);
    }
    return pages;
}

/* ---- what pages hold ------------------------------------------------------------------------- */

TEST(pages_of_every_form_are_the_whole_of_their_generation)
{
    static const struct {
        const char *whole, *limit;
        Form form;
        int pages;
    } cases[] = {
        {"/v1/readings?limit=100000", "1000", DOCUMENT, 6},
        {"/v1/readings?shape=array&limit=100000", "1000", BARE, 6},
        {"/v1/readings?shape=columns&fields=measure,time,value&limit=100000", "1000", COLUMNS, 6},
        {"/v1/readings.csv?limit=100000", "1000", CSV, 6},
        {"/v1/readings.csv?profile=excel&limit=100000", "5000", CSV, 2},
        {"/v1/readings.ndjson?limit=100000", "10", LINES, 587},
        {"/v1/readings.csv?sort=-time&limit=100000", "1000", CSV, 6},
        {"/v1/readings?sort=-measure,time&fields=measure,time&limit=100000", "1000", DOCUMENT, 6},
        {"/v1/readings.csv?tz=Europe/London&timeformat=unixms&limit=100000", "1000", CSV, 6},
        {"/v1/readings?step=PT1H&agg=mean,max&parameter=level&limit=100000", "300", DOCUMENT, 6},
        {"/v1/stations.geojson?limit=100000", "4", DOCUMENT, 18},
        {"/v1/latest?limit=100000", "72", DOCUMENT, 1},
        {"/v1/latest.geojson?sort=-value&limit=100000", "71", DOCUMENT, 2},
        {"/v1/measures.csv?limit=100000", "10", CSV, 8},
        {"/v1/rivers?limit=100000", "1", DOCUMENT, 2},
        {"/v1/stations/1491TH/readings?limit=100000", "50", DOCUMENT, 2},
        {"/v1/gaps.ndjson?limit=100000", "5", LINES, 5},
    };
    Country country;
    country_open(&country, 256 << 20);
    for (size_t i = 0; i < countof(cases); i++) {
        char first[TARGET_SIZE];
        CASE(cases[i].whole);
        (void) snprintf(first, sizeof first, "%.*s%s",
                        (int) (strlen(cases[i].whole) - strlen("100000")), cases[i].whole,
                        cases[i].limit);
        Buf rows[COLUMN_MAX], whole[COLUMN_MAX];
        for (size_t k = 0; k < COLUMN_MAX; k++) {
            rows[k] = buf_init(8 << 20);
            whole[k] = buf_init(8 << 20);
        }
        CHECK_INT(1, follow(&country, cases[i].whole, cases[i].form, 0, whole));
        CHECK_INT(cases[i].pages, follow(&country, first, cases[i].form, 2, rows));
        for (size_t k = 0; k < COLUMN_MAX; k++)
            CHECK_STR(buf_view(&whole[k]), buf_view(&rows[k]));
        release_rows(rows);
        release_rows(whole);
    }
    country_close(&country);
}

/* What an envelope says of the whole stays, and so does the state of the service then. */
TEST(a_page_of_a_generation_gone_by_speaks_of_that)
{
    static const char *const members[] = {"generation", "as_of",    "service",
                                          "window",     "coverage", "licence"};
    Country country;
    char target[TARGET_SIZE], fields[200];
    country_open(&country, 64 << 20);
    CLEANUP(response_release)
    Response first = fetch_ok(&country, "/v1/readings?limit=4000&download=1");
    REQUIRE(next_page(&first, target));
    commit(&country);
    Batch none = batch_init();
    (void) fixture_apply(&country.fixture, &none, FAULT_NETWORK);
    batch_release(&none);
    CLEANUP(response_release) Response second = fetch_ok(&country, target);
    for (size_t i = 0; i < countof(members); i++)
        CHECK_STR(json_at(response_body(&first), members[i]),
                  json_at(response_body(&second), members[i]));
    CHECK_STR(response_field(&first, "Last-Modified"), response_field(&second, "Last-Modified"));
    CHECK_STR(response_field(&first, "Content-Disposition"),
              response_field(&second, "Content-Disposition"));
    CHECK_TEXT("null", json_at(response_body(&second), "next"));
    CASE("who holds it is told so");
    (void) snprintf(fields, sizeof fields, "If-None-Match: " STR_FMT "\r\n",
                    STR_ARG(response_field(&second, "ETag")));
    CLEANUP(response_release) Response same = http_ask(country.port, "GET", target, fields);
    CHECK_INT(304, same.status);
    CHECK_STR(response_field(&second, "ETag"), response_field(&same, "ETag"));
    CASE("compressed it is the same");
    CLEANUP(response_release)
    Response coded = http_ask(country.port, "GET", target, "Accept-Encoding: gzip\r\n");
    CHECK_INT(200, coded.status);
    CHECK_TEXT("gzip", response_field(&coded, "Content-Encoding"));
    CHECK(coded.body.len < second.body.len / 4);
    CASE("its head");
    CLEANUP(response_release) Response head = http_ask(country.port, "HEAD", target, "");
    CHECK_STR(response_field(&second, "Content-Length"), response_field(&head, "Content-Length"));
    CHECK_STR(response_field(&second, "ETag"), response_field(&head, "ETag"));
    CASE("a part of it");
    CLEANUP(response_release)
    Response part = http_ask(country.port, "GET", target, "Range: bytes=1000-\r\n");
    CHECK_INT(206, part.status);
    CHECK_STR(((Str){second.body.ptr + 1000, second.body.len - 1000}), response_body(&part));
    country_close(&country);
}

TEST(a_page_of_one_found_by_another_key_names_its_own_address)
{
    Country country;
    char target[TARGET_SIZE], want[TARGET_SIZE + 100];
    country_open(&country, 64 << 20);
    CLEANUP(response_release)
    Response first = fetch_ok(&country, "/v1/stations/7075/readings?limit=50");
    CHECK_TEXT("/v1/stations/1491TH/readings?limit=50", response_field(&first, "Content-Location"));
    REQUIRE(next_page(&first, target));
    CLEANUP(response_release) Response second = fetch_ok(&country, target);
    (void) snprintf(want, sizeof want, "/v1/stations/1491TH/readings?limit=50&%s",
                    strstr(target, "cursor="));
    CHECK_TEXT(want, response_field(&second, "Content-Location"));
    country_close(&country);
}

/* ---- how long -------------------------------------------------------------------------------- */

/* Another form of the list is rendered while its generation is the newest, and no longer. */
TEST(a_cursor_goes_on_in_another_form_while_its_generation_is_the_newest)
{
    Country country;
    char target[TARGET_SIZE], other[TARGET_SIZE + 20];
    country_open(&country, 64 << 20);
    CLEANUP(response_release) Response first = fetch_ok(&country, "/v1/readings?parameter=level");
    CHECK(!next_page(&first, target));
    CLEANUP(response_release) Response page = fetch_ok(&country, "/v1/latest?limit=60");
    REQUIRE(next_page(&page, target));
    (void) snprintf(other, sizeof other, "%s&format=csv", target);
    CHECK_INT(200, status_of(&country, other));
    (void) snprintf(other, sizeof other, "%s&format=ndjson", target);
    commit(&country);
    CHECK_INT(410, status_of(&country, other));
    CHECK_INT(200, status_of(&country, target));
    country_close(&country);
}

/* Beyond the room for them those leave that were longest not used; while their generation is the
 * newest they are made anew. */
TEST(lists_leave_for_want_of_room_and_the_longest_unused_first)
{
    Country country;
    char kept[TARGET_SIZE], left[TARGET_SIZE], target[TARGET_SIZE];
    country_open(&country, 512 << 10); /* of some 60 KB each, four */
    CLEANUP(response_release) Response a = fetch_ok(&country, "/v1/readings?limit=1000");
    CLEANUP(response_release) Response b = fetch_ok(&country, "/v1/readings?limit=1001");
    REQUIRE(next_page(&a, kept) && next_page(&b, left));
    for (int i = 0; i < 8; i++) {
        CHECK_INT(200, status_of(&country, kept));
        (void) snprintf(target, sizeof target, "/v1/readings?limit=%d", 1002 + i);
        CHECK_INT(200, status_of(&country, target));
    }
    CHECK_INT(200, status_of(&country, left)); /* anew */
    for (int i = 0; i < 8; i++) {
        (void) snprintf(target, sizeof target, "/v1/readings?limit=%d", 1020 + i);
        CHECK_INT(200, status_of(&country, kept));
        CHECK_INT(200, status_of(&country, target));
    }
    commit(&country);
    CHECK_INT(200, status_of(&country, kept));
    CLEANUP(response_release) Response gone = http_fetch(country.port, left);
    CHECK_INT(410, gone.status);
    CHECK_TEXT("cursor-expired", problem_type(response_body(&gone)));
    CHECK_TEXT("/v1/readings?limit=1001", json_text_at(response_body(&gone), "restart.0"));
    CHECK_TEXT("no-store", response_field(&gone, "Cache-Control"));
    country_close(&country);
}

TEST(a_list_that_does_not_fit_is_told_with_its_first_page)
{
    Country country;
    country_open(&country, 64 << 10);
    CLEANUP(response_release) Response got = http_fetch(country.port, "/v1/readings?limit=10");
    CHECK_INT(413, got.status);
    CHECK_TEXT("too-large", problem_type(response_body(&got)));
    CHECK_HAS("more than 32768 bytes", response_body(&got));
    CHECK_HAS("/v1/snapshots/latest", response_body(&got));
    CHECK_INT(200, status_of(&country, "/v1/readings?limit=100000")); /* in one it is in memory */
    CHECK_INT(200, status_of(&country, "/v1/latest?limit=10"));
    country_close(&country);
}

/* Who goes away amidst a page takes no room along. */
TEST(clients_that_are_killed_leave_no_room_taken)
{
    Country country;
    country_open(&country, 12 << 20);
    for (int i = 0; i < 20; i++) {
        char request[200];
        Client client = client_open(country.port);
        (void) snprintf(request, sizeof request,
                        "GET /v1/readings?limit=%d HTTP/1.1\r\nHost: x\r\n\r\n", 2000 + i);
        client_send(&client, str_of(request));
        if (i % 2 == 0) {
            CLEANUP(response_release) Response head = client_receive_head(&client);
            CHECK_INT(200, head.status);
        }
        client_close(&client);
    }
    CHECK_INT(200, status_of(&country, "/v1/readings?limit=10"));
    country_close(&country);
}

/* ---- several at once -------------------------------------------------------------------------- */

enum { PAGERS = 3, LISTS_EACH = 6 };

typedef struct Pager {
    const Country *country;
    const char *first;
    size_t rows; /* of each list */
    _Atomic int lists;
} Pager;

/* The rows of one list, all of one generation. */
static size_t count_list(const Pager *pager)
{
    char target[TARGET_SIZE], generation[100] = "";
    size_t rows = 0;
    bool more = true;
    (void) snprintf(target, sizeof target, "%s", pager->first);
    while (more) {
        int64_t count = 0;
        CLEANUP(response_release) Response page = http_fetch(pager->country->port, target);
        CHECK_INT(200, page.status);
        Str tag = response_field(&page, "ETag"), hash = str_after_last(tag, '-');
        if (generation[0] == '\0')
            (void) snprintf(generation, sizeof generation, "%.*s", (int) (tag.len - hash.len),
                            tag.ptr);
        CHECK(str_starts(tag, str_of(generation)));
        CHECK(str_to_int(response_field(&page, "Row-Count"), &count));
        rows += (size_t) count;
        more = next_page(&page, target);
    }
    return rows;
}

static void *follow_lists(void *ctx)
{
    Pager *pager = ctx;
    for (int i = 0; i < LISTS_EACH; i++) {
        CHECK_INT(pager->rows, count_list(pager));
        pager->lists++;
    }
    return NULL;
}

/* Two share a list where they meet; room is short, so that lists are made anew or leave. */
TEST(concurrent_pagers_have_whole_lists_while_generations_come)
{
    Country country;
    country_open(&country, 1 << 20);
    Pager pagers[PAGERS] = {{.first = "/v1/readings.csv?parameter=level&limit=900"},
                            {.first = "/v1/readings.csv?parameter=level&limit=900"},
                            {.first = "/v1/readings.ndjson?parameter=level&limit=1100"}};
    pthread_t threads[PAGERS];
    commit(&country); /* from here on each series loses one for each that comes */
    for (size_t i = 0; i < PAGERS; i++) {
        pagers[i].country = &country;
        pagers[i].rows = count_list(&pagers[i]);
        REQUIRE(pthread_create(&threads[i], NULL, follow_lists, &pagers[i]) == 0);
    }
    while (pagers[0].lists < LISTS_EACH / 2 && country.commits < 20)
        commit(&country);
    for (size_t i = 0; i < PAGERS; i++)
        pthread_join(threads[i], NULL);
    country_close(&country);
}

/* ---- what is no cursor ------------------------------------------------------------------------ */

TEST(a_cursor_stands_where_a_page_begins)
{
    Country country;
    char target[TARGET_SIZE], other[TARGET_SIZE + 20];
    country_open(&country, 64 << 20);
    CLEANUP(response_release) Response first = fetch_ok(&country, "/v1/latest?limit=60");
    REQUIRE(next_page(&first, target));
    CASE("of another question");
    (void) snprintf(other, sizeof other, "%s&parameter=level", target);
    CHECK_INT(400, status_of(&country, other));
    CASE("cut");
    (void) snprintf(other, sizeof other, "%.*s", (int) strlen(target) - 4, target);
    CHECK_INT(400, status_of(&country, other));
    country_close(&country);
}
