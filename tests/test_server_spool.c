/* Answers larger than memory: spooled, kept, cut, gone. */
#include "server/kept.h"
#include "server/spool.h"
#include "tests/site.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zstd.h>

static size_t files_in(const char *dir)
{
    size_t count = 0;
    DIR *open = opendir(dir);
    REQUIRE(open != NULL);
    for (const struct dirent *entry; (entry = readdir(open)) != NULL;)
        count += entry->d_name[0] != '.';
    (void) closedir(open);
    return count;
}

TEST(a_spool_has_no_name_and_gives_its_room_back)
{
    Err err = {.code = OK};
    const char *dir = test_dir();
    Spools *spools = spools_open(dir, 100);
    Spool *first = NULL, *second = NULL, *third = NULL;
    char digest[SHA256_BASE64_SIZE], read[8] = "";
    REQUIRE(spools != NULL);
    REQUIRE_OK(spool_begin(spools, SPOOL_SENT, &first, &err));
    CHECK_INT(0, files_in(dir));
    CHECK_OK(spool_append(first, STR("ab"), &err));
    CHECK_OK(spool_append(first, STR("c"), &err));
    spool_end(first, digest);
    CHECK_TEXT("ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=", str_of(digest));
    CHECK_INT(3, spool_bytes(first));
    int fd = spool_dup(first);
    CHECK_INT(2, pread(fd, read, 7, 1));
    CHECK_TEXT("bc", str_of(read));
    (void) close(fd);
    CASE("half of the budget for one");
    const Str forty = STR("0123456789012345678901234567890123456789");
    REQUIRE_OK(spool_begin(spools, SPOOL_SENT, &second, &err));
    CHECK_OK(spool_append(second, forty, &err));
    CHECK_INT(ERR_TOO_LARGE, spool_append(second, STR("01234567890"), &err));
    CHECK_OK(spool_append(second, STR("0123456789"), &err));
    CASE("all of it for all");
    REQUIRE_OK(spool_begin(spools, SPOOL_SENT, &third, &err));
    CHECK_OK(spool_append(third, forty, &err));
    CHECK_INT(ERR_BUSY, spool_append(third, STR("01234567"), &err));
    spool_drop(spool_keep(first));
    CHECK_INT(ERR_BUSY, spool_append(third, STR("01234567"), &err));
    spool_drop(first);
    CHECK_OK(spool_append(third, STR("01234567"), &err));
    spool_drop(second);
    spool_drop(third);
    spools_close(spools);
    CASE("no such directory");
    spools = spools_open("/nonexistent", 100);
    CHECK_INT(ERR_STORAGE, spool_begin(spools, SPOOL_SENT, &first, &err));
    spools_close(spools);
}

/* ---- over sockets, with some 3 MB of readings ------------------------------------------------ */

enum { MEASURES = 400, BUDGET = 16 << 20 };

typedef struct Country {
    Fixture fixture;
    Server *server;
    unsigned port;
} Country;

static void add_many(Batch *batch, UnixSec newest, int readings)
{
    for (int m = 0; m < MEASURES; m++) {
        char text[40];
        Str id, station;
        (void) snprintf(text, sizeof text, "S%03d", m);
        REQUIRE(arena_copy(&batch->strings, str_of(text), &station));
        (void) snprintf(text, sizeof text, "S%03d-level-stage-i-15_min-mASD", m);
        REQUIRE(arena_copy(&batch->strings, str_of(text), &id));
        if (readings > 1) {
            const Measure measure = a_measure(id.ptr, station.ptr, "level", "Stage");
            REQUIRE(batch_add_measure(batch, &measure));
        }
        for (int i = 0; i < readings; i++)
            add_reading(batch, id.ptr, newest - i * 900, m + i * 0.001);
    }
}

static void country_open_within(Country *country, size_t spool_bytes)
{
    Err err = {.code = OK};
    ServerOptions options = test_server_options();
    options.spool_bytes = spool_bytes;
    country->fixture = fixture_open();
    Batch batch = batch_init();
    add_many(&batch, FIXTURE_NOW - 1800, 96);
    CHECK(fixture_apply(&country->fixture, &batch, FAULT_NONE).changed);
    batch_release(&batch);
    REQUIRE_OK(server_start(country->fixture.store, &options, &country->server, &err));
    country->port = server_port(country->server);
}

static void country_open(Country *country)
{
    country_open_within(country, BUDGET);
}

static void country_close(Country *country)
{
    server_stop(country->server);
    fixture_close(&country->fixture);
}

static void check_digest(const Response *response, Str whole)
{
    char want[80], base64[SHA256_BASE64_SIZE];
    Sha256 *sha = sha256_new();
    REQUIRE(sha != NULL);
    sha256_add(sha, whole);
    sha256_base64(sha, base64);
    sha256_free(sha);
    (void) snprintf(want, sizeof want, "sha-256=:%s:", base64);
    CHECK_TEXT(want, response_field(response, "Repr-Digest"));
}

static void copy_field(const Response *response, const char *name, char *ret, size_t size)
{
    (void) snprintf(ret, size, STR_FMT, STR_ARG(response_field(response, name)));
}

TEST(a_large_answer_is_spooled_once_and_resumed_from_its_own_address)
{
    Country country;
    country_open(&country);
    CLEANUP(client_close) Client client = client_open(country.port);
    CLEANUP(response_release) Response whole = client_ask(&client, "GET", "/v1/readings.csv", "");
    CHECK_INT(200, whole.status);
    CHECK(whole.body.len > 2 << 20);
    CHECK_TEXT("38400", response_field(&whole, "Row-Count"));
    CHECK_TEXT("bytes", response_field(&whole, "Accept-Ranges"));
    check_digest(&whole, response_body(&whole));
    size_t lines = 0;
    for (size_t i = 0; i < whole.body.len; i++)
        lines += whole.body.ptr[i] == '\n';
    CHECK_INT(38401, lines);

    CASE("again, and its head: the same file");
    CLEANUP(response_release) Response again = client_ask(&client, "GET", "/v1/readings.csv", "");
    CHECK_STR(response_body(&whole), response_body(&again));
    CHECK(str_is_none(response_field(&again, "Server-Timing"))); /* nothing was rendered */
    CLEANUP(response_release) Response head = client_ask(&client, "HEAD", "/v1/readings.csv", "");
    CHECK_STR(response_field(&whole, "Content-Length"), response_field(&head, "Content-Length"));

    char location[200], etag[100], fields[200];
    copy_field(&whole, "Content-Location", location, sizeof location);
    copy_field(&whole, "ETag", etag, sizeof etag);
    CHECK_HAS("/v1/readings.csv?generation=", str_of(location));
    for (int generation = 0; generation < 2; generation++) {
        CASE(generation == 0 ? "resumed" : "resumed when another generation came");
        CLEANUP(buf_release) Buf joined = buf_init(BUDGET);
        buf_put(&joined, whole.body.ptr, 1000000);
        CLEANUP(response_release)
        Response rest = client_ask(&client, "GET", location, "Range: bytes=1000000-\r\n");
        CHECK_INT(206, rest.status);
        buf_put_str(&joined, response_body(&rest));
        CHECK_STR(response_body(&whole), buf_view(&joined));
        check_digest(&rest, buf_view(&joined));
        Batch batch = batch_init();
        add_many(&batch, FIXTURE_NOW - 900, 1);
        (void) fixture_apply(&country.fixture, &batch, FAULT_NONE);
        batch_release(&batch);
    }
    CASE("the plain address has moved on: If-Range begins anew");
    (void) snprintf(fields, sizeof fields, "Range: bytes=1000000-\r\nIf-Range: %s\r\n", etag);
    CLEANUP(response_release)
    Response moved = client_ask(&client, "GET", "/v1/readings.csv", fields);
    CHECK_INT(200, moved.status);
    check_digest(&moved, response_body(&moved));
    CHECK(!str_eq(response_field(&moved, "ETag"), str_of(etag)));
    country_close(&country);
}

/* What python, say, would unpack. */
static Buf unpacked(const Response *response)
{
    Buf plain = buf_init(BUDGET);
    char *to = buf_reserve(&plain, BUDGET - 1);
    REQUIRE(to != NULL);
    size_t len = ZSTD_decompress(to, BUDGET - 1, response->body.ptr, response->body.len);
    REQUIRE(!ZSTD_isError(len));
    buf_grew(&plain, len);
    return plain;
}

TEST(a_large_answer_is_compressed_once_where_that_is_liked)
{
    static const char FIELDS[] = "Accept-Encoding: zstd\r\n";
    Country country;
    country_open(&country);
    CLEANUP(client_close) Client client = client_open(country.port);
    CLEANUP(response_release) Response whole = client_ask(&client, "GET", "/v1/readings.csv", "");
    CLEANUP(response_release)
    Response coded = client_ask(&client, "GET", "/v1/readings.csv", FIELDS);
    CHECK_INT(200, coded.status);
    CHECK_TEXT("zstd", response_field(&coded, "Content-Encoding"));
    CHECK_STR(response_field(&whole, "Row-Count"), response_field(&coded, "Row-Count"));
    CHECK(coded.body.len < whole.body.len / 4);
    CLEANUP(buf_release) Buf plain = unpacked(&coded);
    CHECK_STR(response_body(&whole), buf_view(&plain));
    CASE("its tag and its digest are those of these bytes");
    check_digest(&coded, response_body(&coded));
    CHECK(!str_eq(response_field(&whole, "ETag"), response_field(&coded, "ETag")));
    CASE("again: made of what there is, once");
    CLEANUP(response_release)
    Response again = client_ask(&client, "GET", "/v1/readings.csv", FIELDS);
    CHECK_STR(response_body(&coded), response_body(&again));
    CHECK(str_is_none(response_field(&again, "Server-Timing")));
    CASE("a part of these bytes, also when another generation came");
    char location[200], fields[200];
    copy_field(&coded, "Content-Location", location, sizeof location);
    Batch batch = batch_init();
    add_many(&batch, FIXTURE_NOW - 900, 1);
    (void) fixture_apply(&country.fixture, &batch, FAULT_NONE);
    batch_release(&batch);
    (void) snprintf(fields, sizeof fields, "Range: bytes=1000-\r\n%s", FIELDS);
    CLEANUP(response_release) Response rest = client_ask(&client, "GET", location, fields);
    CHECK_INT(206, rest.status);
    CHECK_STR(((Str){coded.body.ptr + 1000, coded.body.len - 1000}), response_body(&rest));
    CASE("in a coding in which it was never made there is nothing to go on with");
    CLEANUP(response_release)
    Response none =
        client_ask(&client, "GET", location, "Range: bytes=1000-\r\nAccept-Encoding: gzip\r\n");
    CHECK_INT(410, none.status);
    country_close(&country);
}

/* Of readings the Agency's paths give 10,000 at most, but all of today. */
TEST(agency_readings_of_today_are_spooled)
{
    Country country;
    country_open(&country);
    CLEANUP(response_release)
    Response whole = http_fetch(country.port, "/flood-monitoring/data/readings.csv?today");
    CHECK_INT(200, whole.status);
    check_digest(&whole, response_body(&whole));
    size_t lines = 0;
    for (size_t i = 0; i < whole.body.len; i++)
        lines += whole.body.ptr[i] == '\n';
    CHECK_INT(1 + 400 * 39, lines); /* from midnight to half past nine */
    CLEANUP(response_release)
    Response most =
        http_fetch(country.port, "/flood-monitoring/data/readings.csv?today&_limit=20000");
    CHECK_INT(200, most.status);
    CHECK(str_is_none(response_field(&most, "Repr-Digest")));
    country_close(&country);
}

TEST(a_generation_that_is_not_kept_is_gone)
{
    static const char *const targets[] = {
        "/v1/readings.csv?generation=00000000-1", "/v1/readings.csv?generation=nonsense",
        "/v1/readings.csv?generation=", "/v1/latest?generation=x-99999999999999999999"};
    Country country;
    country_open(&country);
    for (size_t i = 0; i < countof(targets); i++) {
        CASE(targets[i]);
        CLEANUP(response_release) Response got = http_fetch(country.port, targets[i]);
        CHECK_INT(410, got.status);
        CHECK_HAS("outside-retention", response_body(&got));
    }
    CASE("pushed out by others");
    CLEANUP(response_release) Response first = http_fetch(country.port, "/v1/readings.csv");
    char location[200];
    copy_field(&first, "Content-Location", location, sizeof location);
    for (int i = 0; i < 6; i++) {
        Batch batch = batch_init();
        add_many(&batch, FIXTURE_NOW - 900 + i, 1);
        CHECK(fixture_apply(&country.fixture, &batch, FAULT_NONE).changed);
        batch_release(&batch);
        CLEANUP(response_release) Response next = http_fetch(country.port, "/v1/readings.csv");
        CHECK_INT(200, next.status);
    }
    CLEANUP(response_release) Response gone = http_fetch(country.port, location);
    CHECK_INT(410, gone.status);
    CASE("said twice");
    CLEANUP(response_release)
    Response twice = http_fetch(country.port, "/v1/latest?generation=a&generation=b");
    CHECK_INT(400, twice.status);
    country_close(&country);
}

TEST(what_does_not_fit_names_the_limit_it_met)
{
    Country country;
    country_open_within(&country, 3 << 20);
    CLEANUP(response_release) Response got = http_fetch(country.port, "/v1/readings.csv");
    CHECK_INT(413, got.status);
    CHECK_TEXT("too-large", problem_type(response_body(&got)));
    CHECK_HAS("more than 1572864 bytes", response_body(&got)); /* half of the room of all spools */
    country_close(&country);
}
