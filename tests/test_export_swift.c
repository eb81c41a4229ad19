/* The bucket and restoring, against OpenStack Swift, whose S3 interface checks signatures, digests, the
 * clock and the region. One test, because it takes seconds to start. */
#include "export/blob_s3.h"
#include "export/restore.h"
#include "store/backup.h"
#include "tests/export_kit.h"
#include "tests/process.h"
#include "tests/s3_server.h"
#include "tests/test_store_kit.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct Swift {
    char dir[400], endpoint[64];
    Process *process;
    S3Options options;
    BlobStore blobs;
    Err err;
} Swift;

static void close_blobs(void *ctx)
{
    blob_store_close(ctx);
}

static void reopen(Swift *swift, const char *url)
{
    blob_store_close(&swift->blobs);
    REQUIRE(blob_s3_open(url, &swift->options, &swift->blobs, &swift->err) == OK);
}

static void set_keys(const Swift *swift)
{
    s3_env_clear();
    s3_env_set("AWS_ACCESS_KEY_ID", "test:tester");
    s3_env_set("AWS_SECRET_ACCESS_KEY", "testing");
    s3_env_set("AWS_REGION", "eu-west-2");
    s3_env_set("AWS_ENDPOINT_URL_S3", swift->endpoint);
}

static void swift_start(Swift *swift)
{
    *swift = (Swift){.process = NULL};
    if (access("/usr/bin/swift-proxy-server", X_OK) != 0)
        test_skip("Swift is not installed (tools/deps.sh test)");
    (void) setenv("no_proxy", "*", 1); /* whatever the surroundings set */
    (void) snprintf(swift->dir, sizeof swift->dir, "%s/swift", test_dir());
    const char *const argv[] = {"tools/swift.sh", swift->dir, NULL};
    swift->process = process_start(argv, NULL);
    Str port = str_after_last(process_wait_line(swift->process, "swift ready"), '=');
    (void) snprintf(swift->endpoint, sizeof swift->endpoint, "http://127.0.0.1:" STR_FMT,
                    STR_ARG(port));
    set_keys(swift);
    swift->options = s3_options_default(s3_env, 3);
    swift->options.attempts = 40; /* a front takes a second to come back, on a busy machine more */
    swift->options.retry_max_ms = 500;
    swift->options.part_bytes = 5 << 20; /* the least that it takes */
    test_defer(close_blobs, &swift->blobs);
}

static void make_bucket(Swift *swift, const char *name)
{
    const S3Call call = {.method = "PUT", .key = STR_NONE, .body = STR("")};
    S3 *s3 = NULL;
    HttpResult result;
    Err err = {.code = OK};
    REQUIRE_OK(s3_open(&swift->options, str_of(name), &s3, &err));
    ErrCode rc = s3_call(s3, &call, &result, &err);
    s3_close(s3);
    REQUIRE_OK(rc);
    http_result_release(&result);
}

static ErrCode put(Swift *swift, const char *key, Str bytes)
{
    BlobBody body = blob_memory(bytes);
    swift->err = (Err){.code = OK};
    return swift->blobs.put(swift->blobs.ctx, str_of(key), "text/plain", NULL, &body, &swift->err);
}

static void check_object(Swift *swift, const char *key, Str want)
{
    CLEANUP(buf_release) Buf out = buf_init(64 << 20);
    Err err = {.code = OK};
    CHECK_OK(swift->blobs.get(swift->blobs.ctx, str_of(key), &out, &err));
    CHECK(str_eq(want, out.len > 0 ? buf_view(&out) : STR("")));
}

static bool gather_key(Str key, UNUSED int64_t bytes, UNUSED UnixSec modified, void *ctx)
{
    buf_printf(ctx, STR_FMT "\n", STR_ARG(key));
    return true;
}

/* ---- what it checks ------------------------------------------------------------------------------ */

static void check_refusals(Swift *swift)
{
    Err err = swift->err;
    CASE("bucket missing");
    reopen(swift, "s3://nobucket");
    CHECK_INT(ERR_INVALID, put(swift, "a", STR("x")));
    CHECK_HAS("NoSuchBucket", str_of(swift->err.text));
    CASE("wrong secret");
    s3_env_set("AWS_SECRET_ACCESS_KEY", "wrong");
    reopen(swift, "s3://lake/pre");
    CHECK_INT(ERR_INVALID, put(swift, "a", STR("x")));
    CHECK_HAS("SignatureDoesNotMatch", str_of(swift->err.text));
    CASE("another region: learnt");
    set_keys(swift);
    s3_env_set("AWS_REGION", "us-east-1");
    reopen(swift, "s3://lake/pre");
    CHECK_OK(put(swift, "a", STR("x")));
    CHECK_OK(swift->blobs.remove(swift->blobs.ctx, STR("a"), &err));
    set_keys(swift);
    reopen(swift, "s3://lake/pre");
}

/* Bytewise order. */
static const char *const KEYS[] = {
    "!plain*'().txt",
    "a b/c+d",
    "caf\xc3\xa9/\xe2\x82\xac",
    "history/readings/dt=2026-11-22/a",
    "q?a=b&c#d",
    "x:y@z,u;v",
    "~tilde",
};

static void check_keys(Swift *swift)
{
    CLEANUP(buf_release) Buf want = buf_init(10000);
    CLEANUP(buf_release) Buf got = buf_init(10000);
    Err err = {.code = OK};
    for (size_t i = 0; i < countof(KEYS); i++) {
        CASE(KEYS[i]);
        CHECK_OK(put(swift, KEYS[i], str_of(KEYS[i])));
        check_object(swift, KEYS[i], str_of(KEYS[i]));
        buf_printf(&want, "%s\n", KEYS[i]);
    }
    swift->options.list_page = 3;
    reopen(swift, "s3://lake/pre");
    CHECK_OK(swift->blobs.list(swift->blobs.ctx, STR(""), gather_key, &got, &err));
    CHECK_STR(buf_view(&want), buf_view(&got));
    buf_clear(&got);
    CHECK_OK(
        swift->blobs.list(swift->blobs.ctx, STR("history/readings/dt="), gather_key, &got, &err));
    CHECK_TEXT("history/readings/dt=2026-11-22/a\n", buf_view(&got));
    for (size_t i = 0; i < countof(KEYS); i++)
        CHECK_OK(swift->blobs.remove(swift->blobs.ctx, str_of(KEYS[i]), &err));
    CHECK_INT(ERR_NOT_FOUND, swift->blobs.get(swift->blobs.ctx, str_of(KEYS[0]), &got, &err));
}

/* ---- its front is killed, again and again --------------------------------------------------------- */

typedef struct Killer {
    pid_t pid;
    _Atomic bool done;
} Killer;

static void *kill_fronts(void *ctx)
{
    Killer *killer = ctx;
    for (int i = 0; i < 3; i++) {
        (void) usleep(150000);
        (void) kill(killer->pid, SIGUSR1);
        (void) usleep(50000);
        (void) kill(killer->pid, SIGUSR2);
        (void) usleep(1500000);
    }
    killer->done = true;
    return NULL;
}

static Buf big_text(size_t len)
{
    Buf text = buf_init(len + 100);
    for (unsigned i = 0; text.len < len; i++)
        buf_printf(&text, "%u,", i * 2654435761u);
    text.len = len;
    return text;
}

/* In four parts. */
static ErrCode put_file(Swift *swift, int fd, Str bytes, const char *key)
{
    BlobBody body = {.memory = STR_NONE, .fd = fd, .bytes = (int64_t) bytes.len};
    sha256_of(bytes, body.sha256);
    swift->err = (Err){.code = OK};
    return swift->blobs.put(swift->blobs.ctx, str_of(key), "application/zstd", "STANDARD", &body,
                            &swift->err);
}

static void check_deaths(Swift *swift)
{
    CLEANUP(buf_release) Buf text = big_text((15 << 20) + 7);
    char path[500], key[32];
    pthread_t thread;
    Killer killer = {.pid = process_pid(swift->process)};
    Err err = {.code = OK};
    (void) snprintf(path, sizeof path, "%s/big", swift->dir);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600), count = 0;
    REQUIRE(fd >= 0 && write(fd, text.ptr, text.len) == (ssize_t) text.len);
    CASE("whole");
    REQUIRE_OK(put_file(swift, fd, buf_view(&text), "big-0"));
    CASE("while its front dies");
    REQUIRE(pthread_create(&thread, NULL, kill_fronts, &killer) == 0);
    while (!killer.done) {
        (void) snprintf(key, sizeof key, "big-%d", ++count % 3);
        CHECK_OK(put_file(swift, fd, buf_view(&text), key));
        CHECK_OK(put(swift, "small", str_of(key)));
        check_object(swift, "small", str_of(key));
    }
    (void) pthread_join(thread, NULL);
    for (int i = 0; i < 3 && i <= count; i++) {
        (void) snprintf(key, sizeof key, "big-%d", i);
        check_object(swift, key, buf_view(&text));
    }
    (void) close(fd);
}

/* ---- restoring ------------------------------------------------------------------------------------ */

static void check_restoring(Swift *swift)
{
    char tag[GENERATION_TAG_SIZE], path[500];
    StoreOrigin origin;
    SnapshotInfo info;
    Err err = {.code = OK};
    Kit kit = kit_open_in(swift->dir);
    Batch batch = batch_init();
    CASE("restore");
    kit_add_measures(&batch, "level@up rain@down");
    (void) kit_apply(&kit, &batch);
    for (int i = 0; i < 2; i++) {
        char text[64];
        (void) snprintf(text, sizeof text, "level/%d=%d", i * 15, i + 1);
        (void) kit_readings(&kit, text);
        kit_export(&swift->blobs, kit.store, swift->dir, tag);
    }
    kit_close(&kit);
    (void) snprintf(path, sizeof path, "%s/restored", swift->dir);
    CHECK_OK(
        restore_store(&swift->blobs, &(RestoreOptions){.shard = STR("1of1")}, path, &origin, &err));
    CHECK_OK(backup_check(path, 0, &info, &err));
    CHECK_TEXT(tag, str_of(info.tag));
    CHECK_TEXT("s3://lake/pre", str_of(origin.source));
}

/* ---- the clock ------------------------------------------------------------------------------------- */

static void check_clock(Swift *swift)
{
    char path[500];
    CASE("its clock is 20 minutes ahead of ours");
    (void) snprintf(path, sizeof path, "%s/front", swift->dir);
    FILE *file = fopen(path, "we");
    REQUIRE(file != NULL);
    (void) fprintf(file, "faketime -f +20m\n");
    (void) fclose(file);
    process_signal(swift->process, SIGUSR1);
    (void) usleep(50000); /* two signals: the second must not come before the first is taken */
    process_signal(swift->process, SIGUSR2);
    Err err = {.code = OK};
    CHECK_OK(put(swift, "late", STR("in the future")));
    check_object(swift, "late", STR("in the future"));
}

TEST(swift_takes_all_that_is_sent_and_gives_it_back)
{
    static Swift swift; /* what is deferred outlives the frame */
    swift_start(&swift);
    make_bucket(&swift, "lake");
    check_refusals(&swift);
    check_keys(&swift);
    check_deaths(&swift);
    check_restoring(&swift);
    check_clock(&swift);
    process_signal(swift.process, SIGTERM);
    CHECK_INT(0, process_wait(swift.process));
}
