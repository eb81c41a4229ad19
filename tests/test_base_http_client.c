#include "base/http_client.h"

#include "base/clock.h"
#include "tests/test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

/* ---- a peer that plays scripts --------------------------------------------------------------- */

typedef enum Then {
    KEEP,    /* waits for the next request on the same connection */
    CLOSE,   /* right after the reply */
    HOLD,    /* not another byte until the client has gone */
    ENDLESS, /* the body goes on until the client has gone */
} Then;

typedef struct Script {
    const char *path, *reply;
    Then then;
} Script;

#define OK_HEAD "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
#define REDIRECT_TO(where)                                                                         \
    "HTTP/1.1 302 Found\r\nLocation: " where "\r\nContent-Length: 3\r\n\r\nbye"

static const Script SCRIPTS[] = {
    {"/ok",
     "HTTP/1.1 200 OK\r\nContent-Type:  Application/JSON; charset=utf-8\r\n"
     "Last-Modified: Fri, 05 Sep 2025 15:48:20 GMT\r\nETag: \"abc-1\"\r\nAge: 245\r\n"
     "date: Fri, 05 Sep 2025 15:55:31 GMT\r\nContent-Length: 13\r\n\r\n{\"items\": []}",
     KEEP},
    {"/bare", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", KEEP},
    {"/chunked", OK_HEAD "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
     KEEP},
    {"/until-close", "HTTP/1.0 200 OK\r\n\r\nall there is", CLOSE},
    {"/not-modified", "HTTP/1.1 304 Not Modified\r\nETag: \"abc-1\"\r\n\r\n", KEEP},
    {"/html",
     "HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/html; charset=utf-8\r\n"
     "Content-Length: 9\r\n\r\n<p>no</p>",
     KEEP},
    {"/busy-seconds", "HTTP/1.1 503 Busy\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n", KEEP},
    {"/busy-past",
     "HTTP/1.1 503 Busy\r\nRetry-After: Fri, 05 Sep 2025 15:55:31 GMT\r\nContent-Length: 0\r\n\r\n",
     KEEP},
    {"/busy-odd", "HTTP/1.1 503 Busy\r\nRetry-After: -5\r\nContent-Length: 0\r\n\r\n", KEEP},
    {"/moved",
     "HTTP/1.1 301 Moved\r\nLocation: /bare\r\nLast-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\n"
     "ETag: \"of-the-redirect\"\r\nContent-Type: text/html\r\nAge: 9\r\nContent-Length: "
     "3\r\n\r\nbye",
     KEEP},
    {"/loop", REDIRECT_TO("/loop"), KEEP},
    {"/to-file", REDIRECT_TO("file:///etc/hostname"), KEEP},
    {"/to-ftp", REDIRECT_TO("ftp://127.0.0.1/x"), KEEP},
    {"/cut-off", OK_HEAD "Content-Length: 100\r\n\r\n{\"items\": [", CLOSE},
    {"/cut-chunk", OK_HEAD "Transfer-Encoding: chunked\r\n\r\n64\r\n{\"items\": [", CLOSE},
    {"/closed", "", CLOSE},
    {"/garbage", "these are not the bytes of a server\r\n\r\n", CLOSE},
    {"/silent", "", HOLD},
    {"/stalled-early", OK_HEAD "Content-Length: 100\r\n\r\n", HOLD},
    {"/stalled", OK_HEAD "Content-Length: 100\r\n\r\n{\"items\": [", HOLD},
    {"/endless", OK_HEAD "\r\n", ENDLESS},
    {"/not-gzip", OK_HEAD "Content-Encoding: gzip\r\nContent-Length: 8\r\n\r\nnot gzip", KEEP},
    {"/other-coding", OK_HEAD "Content-Encoding: rot13\r\nContent-Length: 2\r\n\r\n{}", KEEP},
};

typedef struct Peer {
    int listener;
    pthread_t thread;
    char base[64];   /* http://127.0.0.1:port */
    Str gzip;        /* what /gzip answers */
    sem_t asked;     /* posted at each request */
    int connections; /* read when the peer has ended, like the next */
    char head[2048]; /* of the last request */
    size_t head_len;
} Peer;

static bool send_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        bytes += sent;
        len -= (size_t) sent;
    }
    return true;
}

static void wait_until_gone(int fd)
{
    char byte;
    while (recv(fd, &byte, 1, 0) > 0)
        continue;
}

static bool play(int fd, const Script *script)
{
    if (!send_all(fd, script->reply, strlen(script->reply)))
        return false;
    if (script->then == HOLD)
        wait_until_gone(fd);
    static const char MORE[4096] = {[0 ... 4095] = ' '};
    while (script->then == ENDLESS && send_all(fd, MORE, sizeof MORE))
        continue;
    return script->then == KEEP;
}

static bool play_gzip(int fd, Str body)
{
    char head[200];
    (void) snprintf(head, sizeof head,
                    OK_HEAD "Content-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n", body.len);
    return send_all(fd, head, strlen(head)) && send_all(fd, body.ptr, body.len);
}

/* One request and its reply; false: the connection has ended. */
static bool serve_one(Peer *peer, int fd)
{
    size_t len = 0, end = 0;
    do {
        ssize_t got = recv(fd, peer->head + len, sizeof peer->head - len, 0);
        if (got <= 0)
            return false;
        len += (size_t) got;
    } while (!str_find((Str){peer->head, len}, STR("\r\n\r\n"), &end));
    peer->head_len = len;

    Str method, path, rest = {peer->head, end};
    if (!str_cut(rest, ' ', &method, &rest) || !str_cut(rest, ' ', &path, &rest))
        return false;
    (void) sem_post(&peer->asked);
    if (str_eq(path, STR("/gzip")))
        return play_gzip(fd, peer->gzip);
    if (str_eq(path, STR("/busy-date"))) {
        char reply[200], date[CLOCK_HTTP_SIZE];
        clock_format_http(clock_now() + 1000, date);
        (void) snprintf(reply, sizeof reply,
                        "HTTP/1.1 429 Slow\r\nRetry-After: %s\r\nContent-Length: 0\r\n\r\n", date);
        return send_all(fd, reply, strlen(reply));
    }
    for (size_t i = 0; i < countof(SCRIPTS); i++)
        if (str_eq(path, str_of(SCRIPTS[i].path)))
            return play(fd, &SCRIPTS[i]);
    return false;
}

static void *peer_main(void *ctx)
{
    Peer *peer = ctx;
    for (int fd; (fd = accept(peer->listener, NULL, NULL)) >= 0;) {
        peer->connections++;
        while (serve_one(peer, fd))
            continue;
        (void) close(fd);
    }
    return NULL;
}

static void peer_open(Peer *peer)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t address_len = sizeof address;
    *peer = (Peer){.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    REQUIRE(peer->listener >= 0);
    REQUIRE(bind(peer->listener, (struct sockaddr *) &address, sizeof address) == 0);
    REQUIRE(listen(peer->listener, 8) == 0);
    REQUIRE(getsockname(peer->listener, (struct sockaddr *) &address, &address_len) == 0);
    (void) snprintf(peer->base, sizeof peer->base, "http://127.0.0.1:%d", ntohs(address.sin_port));
    REQUIRE(sem_init(&peer->asked, 0, 0) == 0);
    REQUIRE(pthread_create(&peer->thread, NULL, peer_main, peer) == 0);
}

/* After the clients: it waits for their connections to end. */
static void peer_close(Peer *peer)
{
    (void) shutdown(peer->listener, SHUT_RDWR);
    (void) pthread_join(peer->thread, NULL);
    (void) close(peer->listener);
    (void) sem_destroy(&peer->asked);
}

/* ---- a client of it -------------------------------------------------------------------------- */

/* No test waits as long as this: one that does hangs. */
enum { LONG_MS = 120000, BODY_MAX = 100000 };

static const HttpClientOptions PATIENT = {
    .user_agent = "freshet-test/1 (+https://example.org)",
    .deadline_ms = LONG_MS,
    .connect_ms = LONG_MS,
    .stall_ms = LONG_MS,
    .max_body_bytes = BODY_MAX,
    .max_redirects = 3,
};

typedef struct Pair {
    Peer peer;
    HttpClient *client;
    Err err;
    HttpResult result;
} Pair;

static void pair_open(Pair *pair, const HttpClientOptions *options)
{
    (void) setenv("no_proxy", "127.0.0.1", 1); /* whatever the surroundings set */
    *pair = (Pair){.client = NULL};
    peer_open(&pair->peer);
    REQUIRE(http_client_open(options, &pair->client, &pair->err) == OK);
}

static void pair_close(Pair *pair)
{
    http_client_close(pair->client);
    peer_close(&pair->peer);
}

static ErrCode get(Pair *pair, const char *path, const char *last_modified, const char *etag)
{
    char url[200];
    (void) snprintf(url, sizeof url, "%s%s", pair->peer.base, path);
    pair->err = (Err){.code = OK};
    pair->result = (HttpResult){.status = -1};
    return http_get(pair->client, url, last_modified, etag, &pair->result, &pair->err);
}

static void check_gets(Pair *pair, const char *path, long status, const char *body)
{
    CASE(path);
    if (!check_ok(get(pair, path, NULL, NULL), &pair->err, path, __FILE__, __LINE__))
        return;
    CHECK_INT(status, pair->result.status);
    CHECK_TEXT(body, buf_view(&pair->result.body));
    http_result_release(&pair->result);
}

static void check_fails(Pair *pair, const char *path, ErrCode want)
{
    CASE(path);
    CHECK_INT(want, get(pair, path, NULL, NULL));
    CHECK_INT(want, pair->err.code);
    CHECK(pair->err.text[0] != '\0');
    CHECK_INT(-1, pair->result.status); /* untouched */
}

TEST(http_get_returns_body_and_what_the_head_says)
{
    Pair pair;
    pair_open(&pair, &PATIENT);
    int64_t before_us = clock_elapsed_us();
    Err err = pair.err;
    REQUIRE_OK(get(&pair, "/ok", NULL, NULL));
    CHECK_INT(200, pair.result.status);
    CHECK_TEXT("{\"items\": []}", buf_view(&pair.result.body));
    CHECK_TEXT("application/json", str_of(pair.result.content_type));
    CHECK_TEXT("Fri, 05 Sep 2025 15:48:20 GMT", str_of(pair.result.last_modified));
    CHECK_TEXT("\"abc-1\"", str_of(pair.result.etag));
    CHECK_INT(1757087731, pair.result.date);
    CHECK_INT(245, pair.result.age_s);
    CHECK_INT(0, pair.result.retry_after_s);
    CHECK_INT(13, pair.result.wire_bytes);
    CHECK(pair.result.first_byte_us >= before_us &&
          pair.result.first_byte_us <= clock_elapsed_us());
    http_result_release(&pair.result);

    REQUIRE_OK(get(&pair, "/bare", NULL, NULL));
    CHECK_TEXT("", str_of(pair.result.content_type));
    CHECK_TEXT("", str_of(pair.result.last_modified));
    CHECK_TEXT("", str_of(pair.result.etag));
    CHECK_INT(NO_TIME, pair.result.date);
    CHECK_INT(0, pair.result.age_s);
    http_result_release(&pair.result);
    pair_close(&pair);
    CHECK_INT(1, pair.peer.connections); /* kept for the second request */
}

TEST(http_get_takes_any_status_and_any_framing)
{
    Pair pair;
    pair_open(&pair, &PATIENT);
    check_gets(&pair, "/chunked", 200, "abcde");
    check_gets(&pair, "/until-close", 200, "all there is");
    check_gets(&pair, "/not-modified", 304, "");
    check_gets(&pair, "/html", 500, "<p>no</p>");
    check_gets(&pair, "/busy-seconds", 503, "");
    pair_close(&pair);
}

TEST(http_get_says_who_asks_and_for_what)
{
    Pair pair;
    pair_open(&pair, &PATIENT);
    check_gets(&pair, "/bare", 200, "{}");
    pair_close(&pair);
    Str head = {pair.peer.head, pair.peer.head_len};
    CHECK_HAS("\r\nUser-Agent: freshet-test/1 (+https://example.org)\r\n", head);
    CHECK_HAS("\r\nAccept-Encoding: gzip\r\n", head);
    CHECK_HAS("\r\nAccept: application/json", head);
    size_t at;
    CHECK(!str_find(head, STR("If-"), &at));
}

TEST(http_get_gives_validators_back)
{
    static const struct {
        const char *last_modified, *etag, *want, *want_not;
    } cases[] = {
        {"Fri, 05 Sep 2025 15:48:20 GMT", "\"abc-1\"",
         "\r\nIf-Modified-Since: Fri, 05 Sep 2025 15:48:20 GMT\r\nIf-None-Match: \"abc-1\"\r\n",
         NULL},
        {"Fri, 05 Sep 2025 15:48:20 GMT", "", "\r\nIf-Modified-Since: Fri", "If-None-Match"},
        {"", "\"abc-1\"", "\r\nIf-None-Match: \"abc-1\"\r\n", "If-Modified-Since"},
        {"", "", "", "\r\nIf-"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        Pair pair;
        size_t at;
        pair_open(&pair, &PATIENT);
        Err err = pair.err;
        if (CHECK_OK(get(&pair, "/not-modified", cases[i].last_modified, cases[i].etag)))
            http_result_release(&pair.result);
        pair_close(&pair);
        Str head = {pair.peer.head, pair.peer.head_len};
        CHECK_HAS(cases[i].want, head);
        if (cases[i].want_not != NULL)
            CHECK(!str_find(head, str_of(cases[i].want_not), &at));
    }
}

TEST(http_get_reads_retry_after)
{
    Pair pair;
    pair_open(&pair, &PATIENT);
    Err err = pair.err;
    REQUIRE_OK(get(&pair, "/busy-seconds", NULL, NULL));
    CHECK_INT(120, pair.result.retry_after_s);
    REQUIRE_OK(get(&pair, "/busy-date", NULL, NULL));
    CHECK_INT(429, pair.result.status);
    CHECK(pair.result.retry_after_s > 0 && pair.result.retry_after_s <= 1000);
    REQUIRE_OK(get(&pair, "/busy-past", NULL, NULL));
    CHECK_INT(0, pair.result.retry_after_s);
    REQUIRE_OK(get(&pair, "/busy-odd", NULL, NULL));
    CHECK_INT(0, pair.result.retry_after_s);
    pair_close(&pair);
}

TEST(http_get_follows_redirects_and_forgets_what_they_say)
{
    Pair pair;
    pair_open(&pair, &PATIENT);
    Err err = pair.err;
    REQUIRE_OK(get(&pair, "/moved", NULL, NULL));
    CHECK_INT(200, pair.result.status);
    CHECK_TEXT("{}", buf_view(&pair.result.body));
    CHECK_TEXT("", str_of(pair.result.last_modified));
    CHECK_TEXT("", str_of(pair.result.etag));
    CHECK_TEXT("", str_of(pair.result.content_type));
    CHECK_INT(0, pair.result.age_s);
    http_result_release(&pair.result);
    check_fails(&pair, "/loop", ERR_NETWORK);
    check_fails(&pair, "/to-file", ERR_NETWORK);
    check_fails(&pair, "/to-ftp", ERR_NETWORK);
    pair_close(&pair);
}

TEST(http_get_keeps_to_what_is_allowed)
{
    Pair pair;
    pair_open(&pair, &PATIENT);
    http_client_allow(pair.client, 2, 1000);
    check_fails(&pair, "/loop", ERR_BUSY); /* a redirect is a request */
    CHECK_INT(2, http_client_totals(pair.client).requests);
    check_fails(&pair, "/ok", ERR_BUSY);
    CHECK_INT(2, http_client_totals(pair.client).requests);
    http_client_allow(pair.client, 5, 4);
    check_fails(&pair, "/ok", ERR_BUSY); /* its body has 13 bytes */
    CHECK_INT(13, http_client_totals(pair.client).wire_bytes);
    http_client_allow(pair.client, 5, 30);
    check_gets(&pair, "/ok", 200, "{\"items\": []}");
    check_fails(&pair, "/cut-off", ERR_NETWORK);
    CHECK_INT(5, http_client_totals(pair.client).requests);
    CHECK_INT(13 + 13 + 11, http_client_totals(pair.client).wire_bytes); /* what failed, too */
    pair_close(&pair);
}

TEST(http_get_tells_what_went_wrong_on_the_way)
{
    Pair pair;
    pair_open(&pair, &PATIENT);
    check_fails(&pair, "/cut-off", ERR_NETWORK);
    check_fails(&pair, "/cut-chunk", ERR_NETWORK);
    check_fails(&pair, "/closed", ERR_NETWORK);
    check_fails(&pair, "/garbage", ERR_NETWORK);
    check_gets(&pair, "/bare", 200, "{}"); /* and the next request is none the worse */
    pair_close(&pair);
}

TEST(http_get_finds_nobody_at_home)
{
    Err err = {.code = OK};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t address_len = sizeof address;
    int closed = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); /* bound, and does not listen */
    REQUIRE(bind(closed, (struct sockaddr *) &address, sizeof address) == 0);
    REQUIRE(getsockname(closed, (struct sockaddr *) &address, &address_len) == 0);
    char url[64];
    (void) snprintf(url, sizeof url, "http://127.0.0.1:%d/", ntohs(address.sin_port));
    HttpClient *client = NULL;
    HttpResult result;
    (void) setenv("no_proxy", "127.0.0.1", 1);
    REQUIRE_OK(http_client_open(&PATIENT, &client, &err));
    CHECK_INT(ERR_NETWORK, http_get(client, url, NULL, NULL, &result, &err));
    CHECK_INT(ERR_NETWORK, err.code);
    CHECK_INT(ERR_NETWORK, http_get(client, "ftp://127.0.0.1/", NULL, NULL, &result, &err));
    CHECK_INT(ERR_NETWORK, http_get(client, "file:///etc/hostname", NULL, NULL, &result, &err));
    http_client_close(client);
    (void) close(closed);
}

TEST(http_get_ends_at_its_deadline)
{
    HttpClientOptions options = PATIENT;
    Pair pair;
    options.deadline_ms = 150;
    pair_open(&pair, &options);
    check_fails(&pair, "/silent", ERR_NETWORK);  /* the first byte does not come in time */
    check_fails(&pair, "/stalled", ERR_NETWORK); /* nor does the last */
    pair_close(&pair);
}

TEST(http_get_ends_when_no_byte_comes)
{
    HttpClientOptions options = PATIENT;
    Pair pair;
    options.stall_ms = 1000;
    pair_open(&pair, &options);
    int64_t before_ms = clock_elapsed_ms();
    check_fails(&pair, "/stalled-early", ERR_NETWORK);
    check_fails(&pair, "/stalled", ERR_NETWORK);     /* not averaged with the quick beginning */
    CHECK(clock_elapsed_ms() - before_ms < LONG_MS); /* it was not the deadline */
    pair_close(&pair);
}

TEST(http_get_bounds_the_body)
{
    Pair pair;
    pair_open(&pair, &PATIENT);
    check_fails(&pair, "/endless", ERR_TOO_LARGE);
    pair_close(&pair);
}

/* ---- gzip ------------------------------------------------------------------------------------ */

static void put_gzip(Buf *out, Str plain)
{
    z_stream z = {.next_in = (Bytef *) (uintptr_t) plain.ptr, .avail_in = (uInt) plain.len};
    REQUIRE(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    size_t bound = deflateBound(&z, plain.len);
    z.next_out = (Bytef *) buf_reserve(out, bound);
    z.avail_out = (uInt) bound;
    REQUIRE(deflate(&z, Z_FINISH) == Z_STREAM_END);
    buf_grew(out, z.total_out);
    (void) deflateEnd(&z);
}

static void put_stations(Buf *out, size_t bytes)
{
    for (size_t i = 0; out->len < bytes; i++)
        buf_printf(out, "{\"notation\" : \"%zuTH\"},\n", i);
}

TEST(http_get_decodes_gzip)
{
    Pair pair;
    CLEANUP(buf_release) Buf plain = buf_init(BODY_MAX);
    CLEANUP(buf_release) Buf coded = buf_init(BODY_MAX * 2);
    put_stations(&plain, BODY_MAX - 100);
    put_gzip(&coded, buf_view(&plain));
    pair_open(&pair, &PATIENT);
    pair.peer.gzip = buf_view(&coded);
    Err err = pair.err;
    if (CHECK_OK(get(&pair, "/gzip", NULL, NULL))) {
        CHECK_STR(buf_view(&plain), buf_view(&pair.result.body));
        CHECK_INT(coded.len, pair.result.wire_bytes); /* as transferred */
        http_result_release(&pair.result);
    }
    pair_close(&pair);
}

TEST(http_get_keeps_a_large_body_on_disk)
{
    enum { LARGE = 10 << 20 };
    Pair pair;
    HttpClientOptions options = PATIENT;
    CLEANUP(buf_release) Buf plain = buf_init(LARGE);
    CLEANUP(buf_release) Buf coded = buf_init(LARGE * 2);
    put_stations(&plain, LARGE - 100);
    put_gzip(&coded, buf_view(&plain));
    options.max_body_bytes = LARGE;
    options.spool_dir = test_dir();
    pair_open(&pair, &options);
    pair.peer.gzip = buf_view(&coded);
    Err err = pair.err;
    if (CHECK_OK(get(&pair, "/gzip", NULL, NULL))) {
        HttpResult taken = http_result_take(&pair.result);
        CHECK(taken.text.is_open);
        CHECK(str_eq(buf_view(&plain), http_body(&taken)));
        CHECK_INT(0, http_body(&pair.result).len);
        http_result_release(&taken);
        http_result_release(&pair.result);
    }
    check_gets(&pair, "/bare", 200, "{}"); /* what is short is not */
    pair_close(&pair);

    CASE("too large for that, too");
    options.max_body_bytes = LARGE / 2;
    pair_open(&pair, &options);
    pair.peer.gzip = buf_view(&coded);
    check_fails(&pair, "/gzip", ERR_TOO_LARGE);
    pair_close(&pair);

    CASE("no disk to go to");
    options.max_body_bytes = LARGE;
    options.spool_dir = "/nowhere";
    pair_open(&pair, &options);
    pair.peer.gzip = buf_view(&coded);
    check_fails(&pair, "/gzip", ERR_STORAGE);
    pair_close(&pair);
}

TEST(http_get_bounds_the_body_after_decoding)
{
    Pair pair;
    CLEANUP(buf_release) Buf plain = buf_init(BODY_MAX * 20);
    CLEANUP(buf_release) Buf coded = buf_init(BODY_MAX * 30); /* room for deflateBound() */
    char *zeros = buf_reserve(&plain, BODY_MAX * 20);
    memset(zeros, 0, BODY_MAX * 20);
    buf_grew(&plain, BODY_MAX * 20);
    put_gzip(&coded, buf_view(&plain)); /* 2 kB that would be 2 MB */
    pair_open(&pair, &PATIENT);
    pair.peer.gzip = buf_view(&coded);
    check_fails(&pair, "/gzip", ERR_TOO_LARGE);
    pair_close(&pair);
}

TEST(http_get_refuses_codings_that_do_not_decode)
{
    Pair pair;
    pair_open(&pair, &PATIENT);
    check_fails(&pair, "/not-gzip", ERR_FORMAT);
    check_fails(&pair, "/other-coding", ERR_FORMAT);
    pair_close(&pair);
}

/* ---- stopping -------------------------------------------------------------------------------- */

static void *stop_when_asked(void *ctx)
{
    Pair *pair = ctx;
    while (sem_wait(&pair->peer.asked) != 0)
        continue;
    http_client_stop(pair->client);
    return NULL;
}

TEST(http_client_stop_ends_a_request_under_way)
{
    Pair pair;
    pthread_t stopper;
    pair_open(&pair, &PATIENT);
    REQUIRE(pthread_create(&stopper, NULL, stop_when_asked, &pair) == 0);
    check_fails(&pair, "/silent", ERR_STOPPED);
    (void) pthread_join(stopper, NULL);
    check_fails(&pair, "/ok", ERR_STOPPED); /* and every later one */
    pair_close(&pair);
    CHECK_INT(1, pair.peer.connections);
}

TEST(http_put_encoded_leaves_only_the_unreserved)
{
    static const struct {
        Str text;
        const char *want;
    } cases[] = {
        {{"", 0}, ""},
        {{"AZaz09-._~", 10}, "AZaz09-._~"},
        {{"055816_TG 319", 13}, "055816_TG%20319"},
        {{"SU37/63", 7}, "SU37%2F63"},
        {{"a+b&c=d?e#f%", 12}, "a%2Bb%26c%3Dd%3Fe%23f%25"},
        {{"\xc3\xa9\0\xff", 4}, "%C3%A9%00%FF"},
        {{"2026-02-02T10:11:12Z", 20}, "2026-02-02T10%3A11%3A12Z"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CLEANUP(buf_release) Buf out = buf_init(1000);
        CASE(cases[i].want);
        http_put_encoded(&out, cases[i].text);
        CHECK_TEXT(cases[i].want, buf_view(&out));
    }
}
