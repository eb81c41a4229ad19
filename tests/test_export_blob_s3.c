/* The bucket as BlobStore, against a server of our own that checks what S3 checks. */
#include "export/blob_s3.h"

#include "base/clock.h"
#include "tests/s3_server.h"
#include "tests/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct Rig {
    S3Server *server;
    S3Options options;
    BlobStore blobs;
    Err err;
} Rig;

static void close_blobs(void *ctx)
{
    blob_store_close(ctx);
}

/* Pauses of a millisecond: what is tested is that they come to an end. */
static void reopen(Rig *rig, const char *url)
{
    blob_store_close(&rig->blobs);
    REQUIRE(blob_s3_open(url, &rig->options, &rig->blobs, &rig->err) == OK);
}

static void rig_open(Rig *rig)
{
    (void) setenv("no_proxy", "*", 1); /* whatever the surroundings set */
    *rig = (Rig){.server = s3_server_start()};
    s3_env_of(rig->server);
    rig->options = s3_options_default(s3_env, 1);
    rig->options.retry_min_ms = 1;
    rig->options.retry_max_ms = 2;
    test_defer(close_blobs, &rig->blobs);
    reopen(rig, "s3://lake/pre/fix/");
}

static ErrCode put(Rig *rig, const char *key, const char *class, Str bytes)
{
    BlobBody body = blob_memory(bytes);
    rig->err = (Err){.code = OK};
    return rig->blobs.put(rig->blobs.ctx, str_of(key), "text/plain", class, &body, &rig->err);
}

static ErrCode get(Rig *rig, const char *key, Buf *out)
{
    rig->err = (Err){.code = OK};
    return rig->blobs.get(rig->blobs.ctx, str_of(key), out, &rig->err);
}

static void check_object(Rig *rig, const char *key, const char *want)
{
    CLEANUP(buf_release) Buf out = buf_init(1 << 20);
    Err err = rig->err;
    if (!CHECK_OK(get(rig, key, &out)))
        (void) fprintf(stderr, "%s\n", rig->err.text);
    CHECK_TEXT(want, out.len > 0 ? buf_view(&out) : STR(""));
}

TEST(blob_s3_puts_and_gets_under_its_prefix)
{
    static Rig rig; /* what is deferred outlives the test's frame */
    rig_open(&rig);
    Err err = rig.err;
    CHECK_OK(put(&rig, "gen/a.txt", NULL, STR("hello")));
    const S3Object *object = s3_server_find(rig.server, "pre/fix/gen/a.txt");
    REQUIRE(object != NULL);
    CHECK_TEXT("hello", buf_view(&object->bytes));
    CHECK_TEXT("text/plain", str_of(object->content_type));
    CHECK_TEXT("STANDARD", str_of(object->storage_class));
    CHECK_TEXT("2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
               str_of(object->sha256));
    check_object(&rig, "gen/a.txt", "hello");

    CASE("overwrites; may be empty");
    CHECK_OK(put(&rig, "gen/a.txt", "GLACIER_IR", STR("")));
    check_object(&rig, "gen/a.txt", "");
    CHECK_TEXT("GLACIER_IR", str_of(object->storage_class));
    CASE("a class that there is not");
    CHECK_INT(ERR_INVALID, put(&rig, "gen/a.txt", "COLD", STR("x")));
    CHECK_HAS("InvalidStorageClass", str_of(rig.err.text));

    CASE("not there");
    CLEANUP(buf_release) Buf out = buf_init(1000);
    CHECK_INT(ERR_NOT_FOUND, get(&rig, "gen/b.txt", &out));
    CASE("removed, and removed again");
    CHECK_OK(rig.blobs.remove(rig.blobs.ctx, STR("gen/a.txt"), &err));
    CHECK_OK(rig.blobs.remove(rig.blobs.ctx, STR("gen/a.txt"), &err));
    CHECK_INT(0, rig.server->object_count);
    CASE("more than there is room for");
    CHECK_OK(put(&rig, "big", NULL, STR("0123456789")));
    CLEANUP(buf_release) Buf small = buf_init(5);
    CHECK_INT(ERR_TOO_LARGE, get(&rig, "big", &small));

    CASE("said without secrets");
    rig.blobs.describe(rig.blobs.ctx, &out);
    CHECK_TEXT("s3://lake/pre/fix", buf_view(&out));
    CHECK_INT(0, rig.server->refused_signatures);
}

static const char *const ODD_KEYS[] = {
    "history/readings/dt=2026-11-22/a.parquet",
    "a b/c+d",
    "caf\xc3\xa9/\xe2\x82\xac",
    "100%/x&y<z>'\"",
    "q?a=b#c",
    "~-._!*()",
    "a:b@c,d;e",
};

static bool gather_key(Str key, int64_t bytes, UnixSec modified, void *ctx)
{
    CHECK(bytes > 0 && modified >= clock_now() - 100);
    buf_printf(ctx, STR_FMT "\n", STR_ARG(key));
    return true;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *) a, *(const char *const *) b);
}

TEST(blob_s3_keeps_odd_keys_and_lists_them_in_order)
{
    CLEANUP(buf_release) Buf want = buf_init(10000);
    CLEANUP(buf_release) Buf got = buf_init(10000);
    const char *sorted[countof(ODD_KEYS)];
    static Rig rig; /* what is deferred outlives the test's frame */
    rig_open(&rig);
    Err err = rig.err;
    for (size_t i = 0; i < countof(ODD_KEYS); i++) {
        CASE(ODD_KEYS[i]);
        CHECK_OK(put(&rig, ODD_KEYS[i], NULL, str_of(ODD_KEYS[i])));
        check_object(&rig, ODD_KEYS[i], ODD_KEYS[i]);
        sorted[i] = ODD_KEYS[i];
    }
    qsort(sorted, countof(sorted), sizeof sorted[0], by_text);
    for (size_t i = 0; i < countof(sorted); i++)
        buf_printf(&want, "%s\n", sorted[i]);
    for (int page = 1; page <= 8; page += 2) {
        buf_clear(&got);
        rig.options.list_page = page;
        reopen(&rig, "s3://lake/pre/fix");
        CHECK_OK(rig.blobs.list(rig.blobs.ctx, STR(""), gather_key, &got, &err));
        CHECK_STR(buf_view(&want), buf_view(&got));
    }
    buf_clear(&got);
    CHECK_OK(rig.blobs.list(rig.blobs.ctx, STR("history/readings/dt="), gather_key, &got, &err));
    CHECK_TEXT("history/readings/dt=2026-11-22/a.parquet\n", buf_view(&got));
    CHECK_INT(0, rig.server->refused_signatures);
}

/* ---- parts ----------------------------------------------------------------------------------- */

static int file_of(Str bytes, const char *name)
{
    char path[400];
    (void) snprintf(path, sizeof path, "%s/%s", test_dir(), name);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    REQUIRE(fd >= 0);
    REQUIRE(write(fd, bytes.ptr, bytes.len) == (ssize_t) bytes.len);
    return fd;
}

static ErrCode put_file(Rig *rig, const char *key, Str bytes)
{
    int fd = file_of(bytes, "up");
    BlobBody body = {.memory = STR_NONE, .fd = fd, .bytes = (int64_t) bytes.len};
    sha256_of(bytes, body.sha256);
    rig->err = (Err){.code = OK};
    ErrCode rc = rig->blobs.put(rig->blobs.ctx, str_of(key), "application/zstd", "STANDARD_IA",
                                &body, &rig->err);
    (void) close(fd);
    return rc;
}

static Buf big_text(size_t len)
{
    Buf text = buf_init(len + 100);
    for (unsigned i = 0; text.len < len; i++)
        buf_printf(&text, "%u,", i * 2654435761u);
    text.len = len;
    return text;
}

static void check_arrives(Rig *rig, const char *key, Str want)
{
    CLEANUP(buf_release) Buf got = buf_init(want.len + 100);
    int fd = file_of(STR("before"), "down");
    Err err = {.code = OK};
    CHECK_OK(rig->blobs.get_file(rig->blobs.ctx, str_of(key), fd, &err));
    char *to = buf_reserve(&got, want.len + 6);
    ssize_t len = pread(fd, to, want.len + 6, 0);
    CHECK_INT(want.len + 6, len); /* what was there stays */
    CHECK(len > 6 && str_eq(want, (Str){to + 6, (size_t) len - 6}));
    (void) close(fd);
}

TEST(blob_s3_puts_large_files_in_parts)
{
    static Rig rig; /* what is deferred outlives the test's frame */
    rig_open(&rig);
    Err err = rig.err;
    CLEANUP(buf_release) Buf text = big_text(1234567);
    CASE("in one piece");
    REQUIRE_OK(put_file(&rig, "one", buf_view(&text)));
    CHECK_INT(1, rig.server->requests);
    check_arrives(&rig, "one", buf_view(&text));

    rig.options.part_bytes = 100000;
    reopen(&rig, "s3://lake/pre/fix");
    CASE("in 13");
    REQUIRE_OK(put_file(&rig, "many", buf_view(&text)));
    check_arrives(&rig, "many", buf_view(&text));
    const S3Object *object = s3_server_find(rig.server, "pre/fix/many");
    REQUIRE(object != NULL);
    CHECK_TEXT("STANDARD_IA", str_of(object->storage_class));
    CHECK_TEXT("application/zstd", str_of(object->content_type));
    CHECK_INT(64, strlen(object->sha256));

    CASE("the answer to the last request is lost");
    rig.server->lost_completions = 1;
    CHECK_OK(put_file(&rig, "lost", buf_view(&text)));
    check_arrives(&rig, "lost", buf_view(&text));
    CASE("a completion that fails after its 200");
    rig.server->late_errors = 2;
    CHECK_OK(put_file(&rig, "late", buf_view(&text)));
    check_arrives(&rig, "late", buf_view(&text));
    CASE("never: nothing stays behind");
    rig.server->late_errors = 1000;
    CHECK_INT(ERR_UPSTREAM, put_file(&rig, "never", buf_view(&text)));
    CHECK(s3_server_find(rig.server, "pre/fix/never") == NULL);
    CHECK_INT(0, s3_server_open_uploads(rig.server));
    CHECK_INT(0, rig.server->refused_signatures);
}

/* ---- what passes by itself, and what does not ------------------------------------------------ */

TEST(blob_s3_goes_on_through_storms_and_cuts)
{
    static Rig rig; /* what is deferred outlives the test's frame */
    rig_open(&rig);
    Err err = rig.err;
    rig.server->slow_downs = 3;
    rig.server->server_errors = 2;
    rig.server->no_answers = 2;
    CHECK_OK(put(&rig, "a", NULL, STR("0123456789abcdef")));
    CHECK_INT(8, rig.server->requests);
    CASE("cut on its way back");
    rig.server->cut_bodies = 3;
    check_object(&rig, "a", "0123456789abcdef");
    CASE("damaged on its way back");
    rig.server->damaged_bodies = 2;
    check_object(&rig, "a", "0123456789abcdef");
    CASE("for good");
    CLEANUP(buf_release) Buf out = buf_init(1000);
    rig.server->damaged_bodies = 100;
    CHECK_INT(ERR_UPSTREAM, get(&rig, "a", &out));
    rig.server->damaged_bodies = 0;
    rig.server->slow_downs = 100;
    int before = rig.server->requests;
    CHECK_INT(ERR_UPSTREAM, put(&rig, "b", NULL, STR("x")));
    CHECK_INT(rig.options.attempts, rig.server->requests - before);
    CHECK_HAS("SlowDown", str_of(rig.err.text));
    CASE("nobody listens");
    s3_env_set("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1");
    reopen(&rig, "s3://lake");
    CHECK_INT(ERR_NETWORK, put(&rig, "b", NULL, STR("x")));
}

TEST(blob_s3_in_a_hurry_tries_once)
{
    static Rig rig; /* what is deferred outlives the test's frame */
    rig_open(&rig);
    rig.options.retry_min_ms = rig.options.retry_max_ms = 3600000;
    reopen(&rig, "s3://lake");
    rig.server->slow_downs = 100;
    rig.blobs.hurry(rig.blobs.ctx, INT64_MAX);
    CHECK_INT(ERR_UPSTREAM, put(&rig, "a", NULL, STR("x"))); /* and waits for no hour */
    CHECK_INT(1, rig.server->requests);
}

TEST(blob_s3_is_refused_once)
{
    static const struct {
        const char *name, *value, *said;
    } cases[] = {
        {"AWS_SECRET_ACCESS_KEY", "wrong", "SignatureDoesNotMatch"},
        {"AWS_ACCESS_KEY_ID", "other", "SignatureDoesNotMatch"},
    };
    static Rig rig; /* what is deferred outlives the test's frame */
    rig_open(&rig);
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].name);
        s3_env_of(rig.server);
        s3_env_set(cases[i].name, cases[i].value);
        reopen(&rig, "s3://lake");
        int before = rig.server->requests;
        CHECK_INT(ERR_INVALID, put(&rig, "a", NULL, STR("x")));
        CHECK_INT(1, rig.server->requests - before);
        CHECK_HAS(cases[i].said, str_of(rig.err.text));
        CHECK(strstr(rig.err.text, "wrong") == NULL); /* no secret in any sentence */
    }
    CASE("no such bucket");
    s3_env_of(rig.server);
    reopen(&rig, "s3://other");
    CHECK_INT(ERR_INVALID, put(&rig, "a", NULL, STR("x")));
    CHECK_HAS("NoSuchBucket", str_of(rig.err.text));
    CASE("no bucket's name");
    BlobStore blobs;
    CHECK_INT(ERR_INVALID, blob_s3_open("s3://La_ke/x", &rig.options, &blobs, &rig.err));
}

TEST(blob_s3_learns_the_clock_and_the_region)
{
    static const int64_t offsets_s[] = {1200, -1200, 86400 * 300};
    static Rig rig; /* what is deferred outlives the test's frame */
    rig_open(&rig);
    Err err = rig.err;
    for (size_t i = 0; i < countof(offsets_s); i++) {
        CASE(offsets_s[i] > 0 ? "our clock is slow" : "our clock is fast");
        rig.server->clock_offset_s = offsets_s[i];
        reopen(&rig, "s3://lake");
        rig.server->requests = 0;
        CHECK_OK(put(&rig, "a", NULL, STR("x")));
        CHECK_INT(2, rig.server->requests);
        CHECK_OK(put(&rig, "a", NULL, STR("y")));
        CHECK_INT(3, rig.server->requests); /* and it stays known */
    }
    rig.server->clock_offset_s = 0;
    for (int redirects = 0; redirects < 2; redirects++) {
        CASE(redirects ? "301" : "400");
        rig.server->redirects = redirects != 0;
        s3_env_set("AWS_REGION", "us-west-1");
        reopen(&rig, "s3://lake");
        rig.server->requests = 0;
        CHECK_OK(put(&rig, "a", NULL, STR("x")));
        CHECK_OK(put(&rig, "a", NULL, STR("x")));
        CHECK_INT(3, rig.server->requests);
    }
}

TEST(blob_s3_can_have_the_bucket_in_the_host)
{
    char endpoint[100];
    static Rig rig; /* what is deferred outlives the test's frame */
    rig_open(&rig);
    Err err = rig.err;
    rig.server->host_style = true;
    rig.options.style = S3_STYLE_HOST;
    (void) snprintf(endpoint, sizeof endpoint, "http://localhost:%u",
                    loopback_port(rig.server->loopback));
    s3_env_set("AWS_ENDPOINT_URL_S3", endpoint);
    reopen(&rig, "s3://lake");
    CHECK_OK(put(&rig, "a b", NULL, STR("x")));
    check_object(&rig, "a b", "x");
    CHECK(s3_server_find(rig.server, "a b") != NULL);
}

TEST(blob_s3_sends_a_token_and_takes_a_new_one_when_it_has_ended)
{
    static Rig rig; /* what is deferred outlives the test's frame */
    rig_open(&rig);
    Err err = rig.err;
    rig.server->token = "first/+==";
    CHECK_INT(ERR_INVALID, put(&rig, "a", NULL, STR("x")));
    s3_env_set("AWS_SESSION_TOKEN", "first/+==");
    reopen(&rig, "s3://lake");
    CHECK_OK(put(&rig, "a", NULL, STR("x")));
    rig.server->token = "second";
    rig.server->expired_tokens = 1;
    s3_env_set("AWS_SESSION_TOKEN", "second");
    CHECK_OK(put(&rig, "a", NULL, STR("y")));
    check_object(&rig, "a", "y");
}

/* A bucket that is new is for some time reached by another address. */
TEST(blob_s3_follows_a_temporary_redirect_signed_for_its_host)
{
    static Rig rig;
    rig_open(&rig);
    S3Server *other = s3_server_start();
    rig.server->redirects_to = loopback_origin(other->loopback);
    Err err = rig.err;
    CHECK_OK(put(&rig, "a b=\xc3\xa9", NULL, STR("hello")));
    CHECK(s3_server_find(other, "pre/fix/a b=\xc3\xa9") != NULL);
    CHECK_INT(0, other->refused_signatures);
    CHECK_INT(1, rig.server->requests);

    CASE("it is asked first again");
    rig.server->redirects_to = NULL;
    CHECK_OK(put(&rig, "c", NULL, STR("hello")));
    CHECK(s3_server_find(rig.server, "pre/fix/c") != NULL);

    CASE("in a circle");
    rig.server->redirects_to = loopback_origin(rig.server->loopback);
    CHECK_INT(ERR_INVALID, put(&rig, "c", NULL, STR("hello")));
    CASE("to what is no address of the same kind");
    rig.server->redirects_to = "https://127.0.0.1:1";
    CHECK_INT(ERR_INVALID, put(&rig, "c", NULL, STR("hello")));
    CHECK_HAS("TemporaryRedirect", str_of(rig.err.text));
    rig.server->redirects_to = "http://KEY@127.0.0.1:1";
    CHECK_INT(ERR_INVALID, put(&rig, "c", NULL, STR("hello")));
}
