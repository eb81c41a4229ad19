/* What becomes of an export when the service is told to end. */
#include "base/clock.h"
#include "export/blob_s3.h"
#include "export/exporter.h"
#include "store/exports.h"
#include "tests/s3_server.h"
#include "tests/test_store_kit.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct Rig {
    S3Server *server;
    Kit kit;
    ExportOptions options;
} Rig;

static BlobStore open_blobs(void)
{
    Err err = {.code = OK};
    S3Options options = s3_options_default(s3_env, 1);
    BlobStore blobs;
    options.retry_min_ms = 1;
    options.retry_max_ms = 2;
    REQUIRE_OK(blob_s3_open("s3://lake", &options, &blobs, &err));
    return blobs;
}

static void close_kit(void *ctx)
{
    kit_close(ctx);
}

static void rig_open(Rig *rig)
{
    Batch batch = batch_init();
    (void) setenv("no_proxy", "*", 1); /* whatever the surroundings set */
    *rig = (Rig){.server = s3_server_start(), .kit = kit_open_spooling(test_dir(), 1 << 20)};
    s3_env_of(rig->server);
    test_defer(close_kit, &rig->kit);
    rig->options = (ExportOptions){
        .object = {.dir = rig->kit.dir, .shard = "1of1"}, .interval_s = 1, .keep_s = 1 << 30};
    kit_add_measures(&batch, "level@Mill");
    (void) kit_apply(&rig->kit, &batch);
    (void) kit_readings(&rig->kit, "level/0=1 level/15=2");
}

/* An exporter whose first put waits for its answer. */
static Exporter *begin_held(Rig *rig)
{
    Exporter *exporter = NULL;
    Err err = {.code = OK};
    rig->server->holds = true;
    REQUIRE_OK(exporter_start(rig->kit.store, open_blobs(), &rig->options, &exporter, &err));
    while (rig->server->held == 0)
        (void) usleep(1000);
    return exporter;
}

static int count_objects(Rig *rig, const char *prefix)
{
    int count = 0;
    loopback_lock(rig->server->loopback);
    for (size_t i = 0; i < rig->server->object_count; i++)
        count += str_starts(str_of(rig->server->objects[i].key), str_of(prefix));
    loopback_unlock(rig->server->loopback);
    return count;
}

static size_t count_planned(const Rig *rig)
{
    CLEANUP(arena_release) Arena arena = arena_init();
    Exports *exports = NULL;
    StrList keys = {.count = 0};
    Err err = {.code = OK};
    REQUIRE_OK(exports_open(rig->kit.store, &exports, &err));
    REQUIRE_OK(exports_planned(exports, &arena, &keys, &err));
    exports_close(exports);
    return keys.count;
}

static void *release_soon(void *ctx)
{
    Rig *rig = ctx;
    (void) usleep(200000);
    rig->server->holds = false;
    return NULL;
}

/* A put that is under way is not cut short, and what came since goes out behind it. */
TEST(drain_lets_an_export_come_to_its_end)
{
    static Rig rig; /* what is deferred outlives the test's frame */
    pthread_t thread;
    rig_open(&rig);
    Exporter *exporter = begin_held(&rig);
    (void) kit_readings(&rig.kit, "level/30=3");
    REQUIRE(pthread_create(&thread, NULL, release_soon, &rig) == 0);
    exporter_stop(exporter, clock_elapsed_ms() + 60000);
    CHECK_INT(0, pthread_join(thread, NULL));
    CHECK_INT(0, count_planned(&rig));
    CHECK_INT(2, count_objects(&rig, "history/readings/"));
    CHECK_INT(1 + 2 * 5, count_objects(&rig, "gen/1of1/")); /* the pointer, and two generations */
}

/* Whatever the bucket does, the time is kept; what was planned is removed and brought by the next one. */
TEST(drain_gives_an_export_up_when_its_time_is_over)
{
    static Rig rig;
    Err err = {.code = OK};
    rig_open(&rig);
    Exporter *exporter = begin_held(&rig);
    int64_t began_ms = clock_elapsed_ms();
    exporter_stop(exporter, began_ms + 300);
    CHECK(clock_elapsed_ms() - began_ms < 20000); /* the server holds it longer than that */
    CHECK_INT(3, count_planned(&rig));            /* stations, measures, the day */
    rig.server->holds = false;
    REQUIRE_OK(exporter_once(rig.kit.store, open_blobs(), &rig.options, &err));
    CHECK_INT(0, count_planned(&rig));
    CHECK_INT(1, count_objects(&rig, "history/readings/"));
    CHECK_INT(1 + 5, count_objects(&rig, "gen/1of1/"));
}

/* What is made on disk is given up as well as what is sent. */
TEST(drain_gives_up_what_is_being_made)
{
    static Rig rig;
    Err err = {.code = OK};
    Until until;
    rig_open(&rig);
    until_init(&until);
    until_set(&until, 0);
    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    ObjectOptions options = rig.options.object;
    Objects objects;
    REQUIRE_OK(store_snapshot(rig.kit.store, &snap, &err));
    options.until = &until;
    CHECK_INT(ERR_STOPPED, objects_make(&snap, &options, &objects, &err));
    CHECK(snap == NULL);
}
