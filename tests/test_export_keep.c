/* What puts that never came to their end have left: which of it goes. */
#include "base/clock.h"
#include "export/blob_s3.h"
#include "export/exporter.h"
#include "export/keep.h"
#include "tests/export_kit.h"
#include "tests/s3_server.h"
#include "tests/test_store_kit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HOUR_S = 3600, DAY_S = 86400 };

static const struct {
    const char *key;
    int age_s;
    bool stays;
} CASES[] = {
    {"gen/1of1/7f3a1b2c-9/store.db.zst", 25 * HOUR_S, false},
    {"gen/1of1/latest.json", 25 * HOUR_S, false},
    {"gen/1of1/7f3a1b2c-10/store.db.zst", 23 * HOUR_S, true}, /* may be under way */
    {"gen/1of10/7f3a1b2c-9/store.db.zst", 25 * HOUR_S, true}, /* another shard's */
    {"history/readings/dt=2023-11-14/1of1-7f3a1b2c-9-0-0.parquet", 30 * DAY_S, false},
    {"history/readings/dt=2023-11-14/1of10-7f3a1b2c-9-0-0.parquet", 30 * DAY_S, true},
    {"latest/readings/1of1.parquet", 25 * HOUR_S, false},
    {"notes/1of1.parquet", 25 * HOUR_S, true}, /* nothing of an export's */
};
enum { LEAVING = 4 };

/* ---- a directory ------------------------------------------------------------------------------- */

static void path_of_unfinished(const char *dir, const char *key, char path[static 600])
{
    (void) snprintf(path, 600, "%s/%s.unfinished", dir, key);
}

/* As a process that is killed leaves it. */
static void leave_unfinished(const BlobStore *blobs, const char *dir, const char *key, int age_s)
{
    char path[600];
    const struct timespec at = {.tv_sec = clock_now() - age_s}, times[2] = {at, at};
    kit_put(blobs, key, STR("whole")); /* makes the folders, and what lies beside it */
    path_of_unfinished(dir, key, path);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    REQUIRE(fd >= 0 && write(fd, "ha", 2) == 2 && futimens(fd, times) == 0);
    (void) close(fd);
}

static bool count_key(UNUSED Str key, UNUSED int64_t bytes, UNUSED UnixSec modified, void *ctx)
{
    ++*(int *) ctx;
    return true;
}

TEST(keep_sweeps_files_that_were_never_finished)
{
    char dir[300], path[600];
    BlobStore blobs;
    Err err = {.code = OK};
    int count = 0;
    (void) snprintf(dir, sizeof dir, "%s/exported", test_dir());
    REQUIRE_OK(blob_dir_open(dir, &blobs, &err));
    for (size_t i = 0; i < countof(CASES); i++)
        leave_unfinished(&blobs, dir, CASES[i].key, CASES[i].age_s);
    CHECK_OK(keep_sweep(&blobs, STR("1of1"), clock_now(), &count, &err));
    CHECK_INT(LEAVING, count);
    for (size_t i = 0; i < countof(CASES); i++) {
        CASE(CASES[i].key);
        path_of_unfinished(dir, CASES[i].key, path);
        CHECK_INT(CASES[i].stays, access(path, F_OK) == 0);
    }
    CASE("no object is touched");
    count = 0;
    CHECK_OK(blobs.list(blobs.ctx, STR(""), count_key, &count, &err));
    CHECK_INT(countof(CASES), count);
    blob_store_close(&blobs);
}

/* ---- a bucket ---------------------------------------------------------------------------------- */

static void begin_upload(S3Server *server, const S3Options *options, const char *prefix, size_t nth)
{
    static const HttpPair UPLOADS = {"uploads", ""};
    char key[200];
    S3 *s3 = NULL;
    Err err = {.code = OK};
    (void) snprintf(key, sizeof key, "%s%s", prefix, CASES[nth].key);
    const S3Call call = {
        .method = "POST", .key = str_of(key), .query = &UPLOADS, .query_count = 1, .body = STR("")};
    REQUIRE_OK(s3_open(options, STR("lake"), &s3, &err));
    REQUIRE_OK(s3_send(s3, &call, &err));
    s3_close(s3);
    server->uploads[nth].object.modified = clock_now() - CASES[nth].age_s;
}

static void check_sweeps_bucket(const char *url, const char *prefix, int want)
{
    S3Server *server = s3_server_start();
    BlobStore blobs;
    Err err = {.code = OK};
    int count = 0;
    s3_env_of(server);
    S3Options options = s3_options_default(s3_env, 1);
    options.list_page = 3; /* so that there are pages */
    for (size_t i = 0; i < countof(CASES); i++)
        begin_upload(server, &options, prefix, i);
    REQUIRE_OK(blob_s3_open(url, &options, &blobs, &err));
    CHECK_OK(keep_sweep(&blobs, STR("1of1"), clock_now(), &count, &err));
    CHECK_INT(want, count);
    for (size_t i = 0; i < countof(CASES) && want > 0; i++) {
        CASE(CASES[i].key);
        CHECK_INT(CASES[i].stays, server->uploads[i].open);
    }
    CHECK_INT((int) countof(CASES) - want, s3_server_open_uploads(server));
    blob_store_close(&blobs);
}

TEST(keep_sweeps_uploads_that_were_never_completed)
{
    _Static_assert((int) countof(CASES) <= S3_UPLOADS_MAX, "one each");
    (void) setenv("no_proxy", "*", 1); /* whatever the surroundings set */
    check_sweeps_bucket("s3://lake", "", LEAVING);
    check_sweeps_bucket("s3://lake/pre/fix", "pre/fix/", LEAVING);
    CASE("another prefix's");
    check_sweeps_bucket("s3://lake/pre", "prefix/", 0);
}

/* ---- when -------------------------------------------------------------------------------------- */

TEST(keep_sweeps_behind_the_first_export_of_a_service)
{
    char exported[400], path[600];
    Kit kit = kit_open_spooling(test_dir(), 1 << 20);
    Batch batch = batch_init();
    BlobStore blobs;
    Exporter *exporter = NULL;
    Err err = {.code = OK};
    kit_add_measures(&batch, "level@Mill");
    (void) kit_apply(&kit, &batch);
    (void) snprintf(exported, sizeof exported, "%s/exported", kit.dir);
    REQUIRE_OK(blob_dir_open(exported, &blobs, &err));
    leave_unfinished(&blobs, exported, CASES[0].key, CASES[0].age_s);
    path_of_unfinished(exported, CASES[0].key, path);
    const ExportOptions options = {
        .object = {.dir = kit.dir, .shard = "1of1"}, .interval_s = 1, .keep_s = 1 << 30};
    REQUIRE_OK(exporter_start(kit.store, blobs, &options, &exporter, &err));
    while (access(path, F_OK) == 0)
        (void) usleep(10000);
    exporter_stop(exporter, 0);
    kit_close(&kit);
}
