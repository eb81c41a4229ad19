/* What http_send() puts on the wire, and above all what it signs: AWS's published examples of
 * signature version 4, held against the header that is sent. */
#include "base/clock.h"
#include "base/http_client.h"
#include "base/sha256.h"
#include "tests/loopback.h"
#include "tests/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- a peer that keeps what it was sent, and answers as its path says ---- */

typedef struct Kept {
    Buf target, head, body;
    char method[16];
} Kept;

static void keep(const LoopbackRequest *request, LoopbackReply *reply, void *ctx)
{
    Kept *kept = ctx;
    buf_clear(&kept->target);
    buf_clear(&kept->head);
    buf_clear(&kept->body);
    buf_put_str(&kept->target, request->target);
    buf_put_str(&kept->head, request->head);
    buf_put_str(&kept->body, request->body);
    (void) snprintf(kept->method, sizeof kept->method, STR_FMT, STR_ARG(request->method));
    BUF_LITERAL(&reply->fields, "X-Told: once\r\nETag: \"e-1\"\r\n");
    BUF_LITERAL(&reply->body, "answered");
    if (str_eq(request->path, STR("/moved"))) {
        reply->status = 307;
        BUF_LITERAL(&reply->fields, "Location: /elsewhere\r\n");
    }
    if (str_eq(request->path, STR("/cut")))
        reply->cut_at = 3;
}

typedef struct Rig {
    Kept kept;
    Loopback *peer;
    HttpClient *client;
    Err err;
    HttpResult result;
} Rig;

static const HttpClientOptions OPTIONS = {
    .user_agent = "freshet-test/1",
    .deadline_ms = 60000,
    .connect_ms = 60000,
    .stall_ms = 60000,
    .max_body_bytes = 100000,
};

/* `vectors`: addresses of AWS's examples lead to the peer, as to a proxy. */
static void rig_open(Rig *rig, bool vectors)
{
    *rig = (Rig){.kept = {buf_init(100000), buf_init(100000), buf_init(64 << 20), ""}};
    rig->peer = loopback_start(keep, &rig->kept);
    (void) setenv("no_proxy", vectors ? "" : "127.0.0.1", 1);
    (void) setenv("http_proxy", vectors ? loopback_origin(rig->peer) : "", 1);
    REQUIRE(http_client_open(&OPTIONS, &rig->client, &rig->err) == OK);
}

static void rig_close(Rig *rig)
{
    http_client_close(rig->client);
    (void) unsetenv("http_proxy");
    buf_release(&rig->kept.target);
    buf_release(&rig->kept.head);
    buf_release(&rig->kept.body);
}

static Str sent_field(const Rig *rig, const char *name)
{
    const LoopbackRequest request = {.head = buf_view(&rig->kept.head)};
    return loopback_field(&request, name);
}

static ErrCode send_to(Rig *rig, HttpRequest *request)
{
    if (request->origin == NULL)
        request->origin = loopback_origin(rig->peer);
    rig->result = (HttpResult){.status = -1};
    rig->err = (Err){.code = OK};
    return http_send(rig->client, request, &rig->result, &rig->err);
}

/* ---- signatures ---------------------------------------------------------------------------------- */

typedef struct Vector {
    const char *name, *method, *origin, *path, *body;
    HttpPair query[4], headers[4];
    const char *signed_headers, *signature;
} Vector;

static void check_vector(Rig *rig, const Vector *vector, const HttpSigning *with)
{
    unsigned char digest[SHA256_BYTES];
    char sha256[SHA256_HEX_SIZE];
    sha256_of(str_of(vector->body != NULL ? vector->body : ""), digest);
    sha256_hex(digest, sha256);
    HttpSigning signed_as = *with, *signing = &signed_as;
    signing->with.body_sha256 = sha256;
    HttpRequest request = {.method = vector->method,
                           .origin = vector->origin,
                           .path = str_of(vector->path),
                           .query = vector->query,
                           .headers = vector->headers,
                           .body = str_of(vector->body),
                           .signing = signing};
    char want[400], date[CLOCK_TEXT_SIZE];
    while (request.query_count < 4 && vector->query[request.query_count].name != NULL)
        request.query_count++;
    while (request.header_count < 4 && vector->headers[request.header_count].name != NULL)
        request.header_count++;
    CASE(vector->name);
    if (!check_ok(send_to(rig, &request), &rig->err, "send", __FILE__, __LINE__))
        return;
    http_result_release(&rig->result);
    clock_format(signing->with.at, date);
    (void) snprintf(want, sizeof want,
                    "AWS4-HMAC-SHA256 Credential=%s/%.4s%.2s%.2s/%s/%s/aws4_request, "
                    "SignedHeaders=%s, Signature=%s",
                    signing->with.access_key, date, date + 5, date + 8, signing->with.region,
                    signing->with.service, vector->signed_headers, vector->signature);
    CHECK_TEXT(want, sent_field(rig, "Authorization"));
}

/* "Signature Version 4 test suite": its host, keys, time and service. */
TEST(http_send_signs_as_the_published_test_suite)
{
    static const Vector vectors[] = {
        {"get-vanilla",
         "GET",
         "http://example.amazonaws.com",
         "/",
         NULL,
         {{NULL, NULL}},
         {{NULL, NULL}},
         "host;x-amz-date",
         "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
        {"get-vanilla-query-order-key-case",
         "GET",
         "http://example.amazonaws.com",
         "/",
         NULL,
         {{"Param2", "value2"}, {"Param1", "value1"}},
         {{NULL, NULL}},
         "host;x-amz-date",
         "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
        {"get-vanilla-query-unreserved",
         "GET",
         "http://example.amazonaws.com",
         "/",
         NULL,
         {{"-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
           "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"}},
         {{NULL, NULL}},
         "host;x-amz-date",
         "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"},
        {"get-vanilla-empty-query-key",
         "GET",
         "http://example.amazonaws.com",
         "/",
         NULL,
         {{"Param1", "value1"}},
         {{NULL, NULL}},
         "host;x-amz-date",
         "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
        {"get-vanilla-utf8-query",
         "GET",
         "http://example.amazonaws.com",
         "/",
         NULL,
         {{"\xe1\x88\xb4", "bar"}},
         {{NULL, NULL}},
         "host;x-amz-date",
         "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
        {"get-unreserved",
         "GET",
         "http://example.amazonaws.com",
         "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
         NULL,
         {{NULL, NULL}},
         {{NULL, NULL}},
         "host;x-amz-date",
         "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
        {"get-utf8",
         "GET",
         "http://example.amazonaws.com",
         "/\xe1\x88\xb4",
         NULL,
         {{NULL, NULL}},
         {{NULL, NULL}},
         "host;x-amz-date",
         "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
        {"get-space",
         "GET",
         "http://example.amazonaws.com",
         "/example space/",
         NULL,
         {{NULL, NULL}},
         {{NULL, NULL}},
         "host;x-amz-date",
         "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
        {"get-header-value-trim",
         "GET",
         "http://example.amazonaws.com",
         "/",
         NULL,
         {{NULL, NULL}},
         {{"my-header2", "\"a   b   c\""}, {"my-header1", " value1 "}},
         "host;my-header1;my-header2;x-amz-date",
         "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
        {"post-vanilla",
         "POST",
         "http://example.amazonaws.com",
         "/",
         "",
         {{NULL, NULL}},
         {{NULL, NULL}},
         "host;x-amz-date",
         "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
        {"post-x-www-form-urlencoded",
         "POST",
         "http://example.amazonaws.com",
         "/",
         "Param1=value1",
         {{NULL, NULL}},
         {{"content-type", "application/x-www-form-urlencoded"}},
         "content-type;host;x-amz-date",
         "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
    };
    const HttpSigning signing = {.with = {.access_key = "AKIDEXAMPLE",
                                          .secret_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                                          .region = "us-east-1",
                                          .service = "service",
                                          .at = 1440938160}}; /* 2015-08-30T12:36:00Z */
    Rig rig;
    rig_open(&rig, true);
    for (size_t i = 0; i < countof(vectors); i++)
        check_vector(&rig, &vectors[i], &signing);
    rig_close(&rig);
}

/* "Authenticating Requests (AWS Signature Version 4)", examples of the header, of Amazon S3. */
TEST(http_send_signs_as_the_published_examples_of_s3)
{
    static const Vector examples[] = {
        {"get object",
         "GET",
         "http://examplebucket.s3.amazonaws.com",
         "/test.txt",
         NULL,
         {{NULL, NULL}},
         {{"range", "bytes=0-9"}},
         "host;range;x-amz-content-sha256;x-amz-date",
         "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
        {"put object",
         "PUT",
         "http://examplebucket.s3.amazonaws.com",
         "/test$file.text",
         "Welcome to Amazon S3.",
         {{NULL, NULL}},
         {{"date", "Fri, 24 May 2013 00:00:00 GMT"}, {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
         "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
         "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
        {"get bucket lifecycle",
         "GET",
         "http://examplebucket.s3.amazonaws.com",
         "/",
         NULL,
         {{"lifecycle", ""}},
         {{NULL, NULL}},
         "host;x-amz-content-sha256;x-amz-date",
         "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
        {"list objects",
         "GET",
         "http://examplebucket.s3.amazonaws.com",
         "/",
         NULL,
         {{"prefix", "J"}, {"max-keys", "2"}},
         {{NULL, NULL}},
         "host;x-amz-content-sha256;x-amz-date",
         "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
    };
    Rig rig;
    rig_open(&rig, true);
    for (size_t i = 0; i < countof(examples); i++) {
        const HttpSigning signing = {
            .with = {.access_key = "AKIAIOSFODNN7EXAMPLE",
                     .secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                     .region = "us-east-1",
                     .service = "s3",
                     .at = 1369353600}, /* 2013-05-24T00:00:00Z */
            .says_digest = true};
        check_vector(&rig, &examples[i], &signing);
    }
    rig_close(&rig);
}

/* ---- requests ------------------------------------------------------------------------------------ */

TEST(http_send_encodes_path_and_query)
{
    static const struct {
        const char *path;
        HttpPair query[3];
        const char *target;
    } cases[] = {
        {"/plain/key.txt", {{NULL, NULL}}, "/plain/key.txt"},
        {"/b/dt=2026-11-22/a b+c:d", {{NULL, NULL}}, "/b/dt%3D2026-11-22/a%20b%2Bc%3Ad"},
        {"/caf\xc3\xa9/%", {{NULL, NULL}}, "/caf%C3%A9/%25"},
        {"/b",
         {{"prefix", "t/dt=1"}, {"list-type", "2"}, {"a", ""}},
         "/b?a=&list-type=2&prefix=t%2Fdt%3D1"},
    };
    Rig rig;
    rig_open(&rig, false);
    for (size_t i = 0; i < countof(cases); i++) {
        HttpRequest request = {
            .method = "GET", .path = str_of(cases[i].path), .query = cases[i].query};
        while (request.query_count < 3 && cases[i].query[request.query_count].name != NULL)
            request.query_count++;
        CASE(cases[i].path);
        Err err = rig.err;
        REQUIRE_OK(send_to(&rig, &request));
        http_result_release(&rig.result);
        CHECK_TEXT(cases[i].target, buf_view(&rig.kept.target));
    }
    rig_close(&rig);
}

TEST(http_send_sends_methods_bodies_and_fields)
{
    static const struct {
        const char *method, *body;
        bool answered;
    } cases[] = {
        {"GET", NULL, true},    {"HEAD", NULL, false},       {"PUT", "put this", true},
        {"PUT", "", true},      {"POST", "post this", true}, {"POST", "", true},
        {"DELETE", NULL, true},
    };
    static const HttpPair FIELDS[] = {{"content-type", "text/csv"}, {"x-amz-meta-a", "b  c"}};
    Rig rig;
    rig_open(&rig, false);
    for (size_t i = 0; i < countof(cases); i++) {
        HttpRequest request = {.method = cases[i].method,
                               .path = STR("/x"),
                               .headers = FIELDS,
                               .header_count = countof(FIELDS),
                               .body = str_of(cases[i].body)};
        CASE(cases[i].method);
        Err err = rig.err;
        REQUIRE_OK(send_to(&rig, &request));
        CHECK_TEXT(cases[i].method, str_of(rig.kept.method));
        CHECK_TEXT(cases[i].body != NULL ? cases[i].body : "",
                   rig.kept.body.len > 0 ? buf_view(&rig.kept.body) : STR(""));
        CHECK_TEXT("text/csv", sent_field(&rig, "Content-Type"));
        CHECK_TEXT("b  c", sent_field(&rig, "x-amz-meta-a"));
        CHECK(str_is_none(sent_field(&rig, "Accept-Encoding"))); /* bytes as they lie there */
        CHECK_INT(200, rig.result.status);
        CHECK_INT(cases[i].answered ? 8 : 0, rig.result.body.len);
        CHECK_TEXT("once", http_result_field(&rig.result, "x-told"));
        CHECK_TEXT("\"e-1\"", str_of(rig.result.etag));
        CHECK(str_is_none(http_result_field(&rig.result, "x-not-told")));
        http_result_release(&rig.result);
    }
    rig_close(&rig);
}

static int file_of(Str bytes)
{
    char path[400];
    (void) snprintf(path, sizeof path, "%s/body", test_dir());
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    REQUIRE(fd >= 0);
    REQUIRE(write(fd, bytes.ptr, bytes.len) == (ssize_t) bytes.len);
    return fd;
}

TEST(http_send_sends_a_piece_of_a_file)
{
    CLEANUP(buf_release) Buf bytes = buf_init(8 << 20);
    Rig rig;
    rig_open(&rig, false);
    Err err = rig.err;
    for (unsigned i = 0; bytes.len < 3 << 20; i++)
        buf_printf(&bytes, "%u ", i);
    int fd = file_of(buf_view(&bytes));

    HttpRequest request = {
        .method = "PUT", .path = STR("/x"), .body_fd = fd, .body_at = 100, .body_bytes = 2 << 20};
    REQUIRE_OK(send_to(&rig, &request));
    http_result_release(&rig.result);
    CHECK(str_eq((Str){bytes.ptr + 100, 2 << 20}, buf_view(&rig.kept.body)));

    CASE("shorter than was said");
    request.body_bytes = 4 << 20;
    CHECK_INT(ERR_STORAGE, send_to(&rig, &request));
    (void) close(fd);
    rig_close(&rig);
}

static bool gather(Str bytes, void *ctx)
{
    buf_put_str(ctx, bytes);
    return true;
}

static bool give_up(UNUSED Str bytes, UNUSED void *ctx)
{
    return false;
}

TEST(http_send_hands_a_good_body_to_the_sink_alone)
{
    CLEANUP(buf_release) Buf sink = buf_init(1000);
    Rig rig;
    rig_open(&rig, false);
    Err err = rig.err;
    HttpRequest request = {.method = "GET", .path = STR("/x"), .sink = gather, .sink_ctx = &sink};
    REQUIRE_OK(send_to(&rig, &request));
    CHECK_TEXT("answered", buf_view(&sink));
    CHECK_INT(0, rig.result.body.len);
    http_result_release(&rig.result);

    CASE("no redirect is followed, and its text is not what was asked for");
    buf_clear(&sink);
    request.path = STR("/moved");
    REQUIRE_OK(send_to(&rig, &request));
    CHECK_INT(307, rig.result.status);
    CHECK_INT(0, sink.len);
    CHECK_TEXT("answered", buf_view(&rig.result.body));
    CHECK_TEXT("/elsewhere", http_result_field(&rig.result, "Location"));
    http_result_release(&rig.result);

    CASE("a cut body is no body");
    request.path = STR("/cut");
    CHECK_INT(ERR_NETWORK, send_to(&rig, &request));
    CASE("the sink gives up");
    request.path = STR("/x");
    request.sink = give_up;
    CHECK_INT(ERR_STOPPED, send_to(&rig, &request));
    CHECK_INT(-1, rig.result.status);
    rig_close(&rig);
}
