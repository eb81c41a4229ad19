/* What lies where exports go and was not listed: what is taken over, what goes, and what is left alone. */
#include "export/adopt.h"
#include "export/exporter.h"
#include "export/keep.h"
#include "tests/export_kit.h"
#include "tests/test_store_kit.h"

#include <stdio.h>
#include <time.h>

enum { DAY_S = 86400 };

typedef struct Rig {
    Kit kit;
    char exported[400];
    BlobStore blobs;
    Exports *exports;
    char tags[2][GENERATION_TAG_SIZE];
} Rig;

/* Two generations lie there, and the ledger knows of none. */
static void rig_open(Rig *rig)
{
    Batch batch = batch_init();
    Err err = {.code = OK};
    *rig = (Rig){.kit = kit_open_in(test_dir())};
    (void) snprintf(rig->exported, sizeof rig->exported, "%s/exported", rig->kit.dir);
    REQUIRE_OK(blob_dir_open(rig->exported, &rig->blobs, &err));
    REQUIRE_OK(exports_open(rig->kit.store, &rig->exports, &err));
    kit_add_measures(&batch, "level@Mill");
    (void) kit_apply(&rig->kit, &batch);
    for (size_t i = 0; i < countof(rig->tags); i++) {
        rig->kit.now += 900; /* generations are told apart by their commit's time */
        (void) kit_readings(&rig->kit, i == 0 ? "level/0=1" : "level/15=2");
        kit_export(&rig->blobs, rig->kit.store, rig->kit.dir, rig->tags[i]);
    }
}

static void rig_close(Rig *rig)
{
    exports_close(rig->exports);
    blob_store_close(&rig->blobs);
    kit_close(&rig->kit);
}

static int adopt(Rig *rig, UnixSec now)
{
    int count = 0;
    Err err = {.code = OK};
    CHECK_OK(adopt_generations(rig->exports, &rig->blobs, STR("1of1"), now, &count, &err));
    return count;
}

static bool put_tag(Str generation, UNUSED UnixSec as_of, void *ctx)
{
    buf_printf(ctx, STR_FMT " ", STR_ARG(generation));
    return true;
}

/* Newest first. */
static void check_listed(const Rig *rig, const char *want)
{
    CLEANUP(buf_release) Buf got = buf_init(10000);
    Err err = {.code = OK};
    CHECK_OK(exports_each(rig->exports, put_tag, &got, &err));
    CHECK_TEXT(want, got.len > 0 ? buf_view(&got) : STR(""));
}

static bool count_key(UNUSED Str key, UNUSED int64_t bytes, UNUSED UnixSec modified, void *ctx)
{
    ++*(int *) ctx;
    return true;
}

static int count_keys(const Rig *rig, const char *prefix)
{
    int count = 0;
    Err err = {.code = OK};
    CHECK_OK(rig->blobs.list(rig->blobs.ctx, str_of(prefix), count_key, &count, &err));
    return count;
}

TEST(adopt_lists_what_a_lost_ledger_listed)
{
    Rig rig;
    char both[100], newest[60];
    Err err = {.code = OK};
    rig_open(&rig);
    (void) snprintf(both, sizeof both, "%s %s ", rig.tags[1], rig.tags[0]);
    (void) snprintf(newest, sizeof newest, "%s ", rig.tags[1]);
    check_listed(&rig, "");
    CHECK_INT(2, adopt(&rig, KIT_ZERO));
    check_listed(&rig, both);
    CHECK_INT(0, adopt(&rig, KIT_ZERO)); /* they are known */
    CHECK_OK(exports_drop(rig.exports, str_of(rig.tags[0]), &err));
    CHECK_INT(1, adopt(&rig, KIT_ZERO));
    check_listed(&rig, both);

    CASE("and so they are removed when their time has come");
    const ExportOptions options = {.object = {.shard = "1of1"}, .keep_s = DAY_S};
    CHECK_OK(keep_apply(rig.exports, &rig.blobs, &options, KIT_ZERO + 2 * DAY_S, &err));
    check_listed(&rig, newest);
    CHECK_INT(2, count_keys(&rig, "gen/1of1/"));
    rig_close(&rig);
}

TEST(adopt_removes_what_was_never_completed_and_nothing_else)
{
    static const struct {
        const char *key;
        bool stays;
    } cases[] = {
        {"gen/1of1/7f3a1b2c-9/store.db.zst", false},
        {"gen/1of1/7f3a1b2c-9/readings.parquet", false},
        {"gen/2of2/7f3a1b2c-9/store.db.zst", true}, /* another shard's */
        {"gen/1of1/notes/store.db.zst", true},      /* no generation's name */
        {"gen/1of1/7f3a1b2c-9.4/store.db.zst", true},
        {"gen/1of1/latest.json", true},
        {"history/readings/dt=2023-11-14/1of1-7f3a1b2c-9-0-0.parquet", true},
        {"latest/readings/1of1.parquet", true},
    };
    Rig rig;
    UnixSec now = time(NULL); /* as the directory has it */
    rig_open(&rig);
    for (size_t i = 0; i < countof(cases); i++)
        kit_put(&rig.blobs, cases[i].key, STR("x"));
    CASE("it may be under way");
    CHECK_INT(2, adopt(&rig, now + ADOPT_LEAVES_S - 600));
    CHECK_INT(2, count_keys(&rig, "gen/1of1/7f3a1b2c-9/"));
    CASE("a day later");
    CHECK_INT(0, adopt(&rig, now + ADOPT_LEAVES_S + 600));
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].key);
        CHECK_INT(cases[i].stays, count_keys(&rig, cases[i].key));
    }
    CHECK_INT(3 + 2 * 2, count_keys(&rig, "gen/1of1/")); /* the two generations are whole */
    rig_close(&rig);
}

TEST(adopt_leaves_alone_what_it_does_not_understand)
{
    static const struct {
        const char *name, *manifest;
    } cases[] = {
        {"no manifest", "{}"},
        {"cut", "{\"format\":1,\"shard\":\"1of1\",\"generation\":\"7f3a1b2c-9\""},
        {"a newer build's", "{\"format\":2}"},
    };
    Rig rig;
    rig_open(&rig);
    CHECK_INT(2, adopt(&rig, KIT_ZERO));
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].name);
        kit_put(&rig.blobs, "gen/1of1/7f3a1b2c-9/manifest.json", str_of(cases[i].manifest));
        CHECK_INT(0, adopt(&rig, time(NULL) + 10 * DAY_S));
        CHECK_INT(1, count_keys(&rig, "gen/1of1/7f3a1b2c-9/"));
    }
    CASE("another generation's");
    CLEANUP(buf_release) Buf json = buf_init(MANIFEST_MAX_BYTES);
    CLEANUP(buf_release) Buf key = buf_init(1000);
    Err err = {.code = OK};
    key_of_generation(&key, STR("1of1"), str_of(rig.tags[0]), "manifest.json");
    REQUIRE_OK(rig.blobs.get(rig.blobs.ctx, buf_view(&key), &json, &err));
    kit_put(&rig.blobs, "gen/1of1/7f3a1b2c-9/manifest.json", buf_view(&json));
    CHECK_INT(0, adopt(&rig, time(NULL) + 10 * DAY_S));
    CHECK_INT(1, count_keys(&rig, "gen/1of1/7f3a1b2c-9/"));
    rig_close(&rig);
}

static bool put_manifest_tag(Str manifest, UNUSED UnixSec exported, void *ctx)
{
    CLEANUP(arena_release) Arena arena = arena_init();
    Manifest parsed;
    Err err = {.code = OK};
    CHECK_OK(manifest_parse(manifest, &arena, &parsed, &err));
    buf_printf(ctx, STR_FMT " ", STR_ARG(parsed.generation));
    return true;
}

/* An exporter does so before its first export, so that /v1/snapshots lists them all. */
TEST(adopt_is_the_first_thing_an_exporter_does)
{
    Rig rig;
    Err err = {.code = OK};
    BlobStore blobs;
    CLEANUP(buf_release) Buf got = buf_init(10000);
    char want[160];
    rig_open(&rig);
    (void) kit_readings(&rig.kit, "level/30=3");
    const ExportOptions options = {
        .object = {.dir = rig.kit.dir, .shard = "1of1"}, .interval_s = 900, .keep_s = 1 << 30};
    REQUIRE_OK(blob_dir_open(rig.exported, &blobs, &err));
    CHECK_OK(exporter_once(rig.kit.store, blobs, &options, &err));
    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    REQUIRE_OK(store_snapshot(rig.kit.store, &snap, &err));
    CHECK_OK(snapshot_each_export(snap, put_manifest_tag, &got, &err));
    (void) snprintf(want, sizeof want, "%s %s %s ", snapshot_info(snap)->tag, rig.tags[1],
                    rig.tags[0]);
    CHECK_TEXT(want, buf_view(&got));
    snapshot_close(TAKE(snap));
    rig_close(&rig);
}
