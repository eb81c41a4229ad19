/* The bucket and restoring, against OpenStack Swift, whose S3 interface checks signatures, digests, the
 * clock and the region. One test, because it takes seconds to start. */
#include "base/clock.h"
#include "export/blob_s3.h"
#include "export/exporter.h"
#include "export/keep.h"
#include "export/manifest.h"
#include "export/restore.h"
#include "store/backup.h"
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

/* ---- real exports while it dies, and restoring ------------------------------------------------------ */

/* A generation's manifest, and each object that it names, by its bytes and digest. */
static void check_generation(const BlobStore *blobs, Str generation)
{
    CLEANUP(buf_release) Buf json = buf_init(MANIFEST_MAX_BYTES);
    CLEANUP(buf_release) Buf object = buf_init(64 << 20);
    CLEANUP(arena_release) Arena arena = arena_init();
    Manifest manifest;
    Err err = {.code = OK};
    if (!CHECK_OK(manifest_get(blobs, STR("1of1"), generation, &json, &arena, &manifest, &err)))
        return;
    CHECK_INT(4, manifest.object_count);
    for (size_t i = 0; i < manifest.object_count; i++) {
        const ManifestObject *named = &manifest.objects[i];
        unsigned char digest[SHA256_BYTES];
        char hex[SHA256_HEX_SIZE];
        buf_clear(&object);
        CHECK_OK(blobs->get(blobs->ctx, named->key, &object, &err));
        sha256_of(buf_view(&object), digest);
        sha256_hex(digest, hex);
        CHECK_INT(named->bytes, object.len);
        CHECK_TEXT(named->sha256, str_of(hex));
    }
}

static void export_once(const Swift *swift, Store *store)
{
    const ExportOptions options = {.object = {.dir = swift->dir, .shard = "1of1"},
                                   .keep_s = 1 << 30};
    BlobStore blobs;
    Err err = {.code = OK};
    REQUIRE_OK(blob_s3_open("s3://lake/pre", &swift->options, &blobs, &err));
    CHECK_OK(exporter_once(store, blobs, &options, &err));
}

static void check_exports(Swift *swift)
{
    enum { TAGS_MAX = 100 };
    static char tags[TAGS_MAX][GENERATION_TAG_SIZE];
    char path[500];
    int count = 0;
    pthread_t thread;
    Killer killer = {.pid = process_pid(swift->process)};
    StoreOrigin origin;
    SnapshotInfo info;
    Err err = {.code = OK};
    Batch batch = batch_init();
    CASE("exports while its front dies");
    Kit kit = kit_open_spooling(swift->dir, 1 << 20);
    kit_add_measures(&batch, "level@up rain@down");
    (void) kit_apply(&kit, &batch);
    REQUIRE(pthread_create(&thread, NULL, kill_fronts, &killer) == 0);
    while (!killer.done && count < TAGS_MAX) {
        char text[64];
        (void) snprintf(text, sizeof text, "level/%d=%d", count, count + 1);
        const Applied applied = kit_readings(&kit, text);
        store_generation_tag(kit.store, applied.generation, tags[count++]);
        export_once(swift, kit.store);
    }
    (void) pthread_join(thread, NULL);
    kit_close(&kit);
    for (int i = 0; i < count; i++)
        check_generation(&swift->blobs, str_of(tags[i]));

    CASE("restore");
    (void) snprintf(path, sizeof path, "%s/restored", swift->dir);
    CHECK_OK(
        restore_store(&swift->blobs, &(RestoreOptions){.shard = STR("1of1")}, path, &origin, &err));
    CHECK_OK(backup_check(path, 0, &info, &err));
    CHECK_TEXT(tags[count - 1], str_of(info.tag));
    CHECK_INT(count, info.readings);
    CHECK_TEXT("s3://lake/pre", str_of(origin.source));
}

/* ---- what was never completed ---------------------------------------------------------------------- */

static void begin_upload(const Swift *swift, const char *key)
{
    static const HttpPair UPLOADS = {"uploads", ""};
    const S3Call call = {
        .method = "POST", .key = str_of(key), .query = &UPLOADS, .query_count = 1, .body = STR("")};
    S3 *s3 = NULL;
    Err err = {.code = OK};
    REQUIRE_OK(s3_open(&swift->options, STR("lake"), &s3, &err));
    CHECK_OK(s3_send(s3, &call, &err));
    s3_close(s3);
}

/* Five of ours, in pages of three. */
static void check_sweeping(const Swift *swift)
{
    enum { DAY_S = 86400, OURS = 5 };
    const UnixSec now = clock_now();
    int count = 0;
    Err err = {.code = OK};
    CASE("uploads that were never completed");
    CHECK_OK(keep_sweep(&swift->blobs, STR("1of1"), now + 2 * DAY_S, &count, &err));
    for (int i = 0; i < OURS; i++) {
        char key[100];
        (void) snprintf(key, sizeof key, "pre/gen/1of1/7f3a1b2c-%d/store.db.zst", i);
        begin_upload(swift, key);
    }
    begin_upload(swift, "pre/gen/1of2/7f3a1b2c-9/store.db.zst");
    CHECK_OK(keep_sweep(&swift->blobs, STR("1of1"), now, &count, &err));
    CHECK_INT(0, count); /* they may be under way */
    CHECK_OK(keep_sweep(&swift->blobs, STR("1of1"), now + 2 * DAY_S, &count, &err));
    CHECK_INT(OURS, count);
    CHECK_OK(keep_sweep(&swift->blobs, STR("1of2"), now + 2 * DAY_S, &count, &err));
    CHECK_INT(1, count);
    CHECK_OK(keep_sweep(&swift->blobs, STR("1of2"), now + 2 * DAY_S, &count, &err));
    CHECK_INT(0, count);
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
    check_exports(&swift);
    check_sweeping(&swift);
    check_clock(&swift);
    process_signal(swift.process, SIGTERM);
    CHECK_INT(0, process_wait(swift.process));
}
