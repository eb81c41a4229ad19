/* Restoring, from a directory of exports made by hand: the store, its manifest, nothing else. */
#include "export/restore.h"

#include "base/compress.h"
#include "export/blob_s3.h"
#include "export/manifest.h"
#include "store/backup.h"
#include "tests/export_kit.h"
#include "tests/s3_server.h"
#include "tests/test_store_kit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct Rig {
    char base[300], path[400];
    Kit kit;
    BlobStore blobs;
    char tags[4][GENERATION_TAG_SIZE]; /* of what was exported, in order */
    size_t count;
} Rig;

static void rig_fill(Rig *rig)
{
    (void) snprintf(rig->base, sizeof rig->base, "%s", test_dir());
    (void) snprintf(rig->path, sizeof rig->path, "%s/restored", rig->base);
    rig->kit = kit_open_in(rig->base);
    Batch batch = batch_init();
    kit_add_measures(&batch, "level@up rain@down");
    (void) kit_apply(&rig->kit, &batch);
    for (int i = 0; i < 3; i++) {
        char text[64];
        (void) snprintf(text, sizeof text, "level/%d=%d", i * 15, i + 1);
        (void) kit_readings(&rig->kit, text);
        kit_export(&rig->blobs, rig->kit.store, rig->base, rig->tags[rig->count++]);
    }
}

static void rig_open(Rig *rig)
{
    char dir[400];
    Err err = {.code = OK};
    *rig = (Rig){.count = 0};
    (void) snprintf(dir, sizeof dir, "%s/export", test_dir());
    REQUIRE_OK(blob_dir_open(dir, &rig->blobs, &err));
    rig_fill(rig);
}

static void rig_close(Rig *rig)
{
    kit_close(&rig->kit);
    blob_store_close(&rig->blobs);
}

static void check_restores(Rig *rig, Str generation, const char *want)
{
    const RestoreOptions options = {.shard = STR("1of1"), .generation = generation};
    StoreOrigin origin;
    SnapshotInfo info;
    Err err = {.code = OK};
    if (!CHECK_OK(restore_store(&rig->blobs, &options, rig->path, &origin, &err)))
        return;
    CHECK_TEXT(want, str_of(origin.generation));
    REQUIRE_OK(backup_check(rig->path, 0, &info, &err));
    CHECK_TEXT(want, str_of(info.tag));
}

static void damage(Rig *rig, size_t nth, const char *file, const char *how)
{
    CLEANUP(buf_release) Buf key = buf_init(1000);
    CLEANUP(buf_release) Buf bytes = buf_init(64 << 20);
    Err err = {.code = OK};
    key_of_generation(&key, STR("1of1"), str_of(rig->tags[nth]), file);
    REQUIRE_OK(rig->blobs.get(rig->blobs.ctx, buf_view(&key), &bytes, &err));
    if (strcmp(how, "gone") == 0) {
        REQUIRE_OK(rig->blobs.remove(rig->blobs.ctx, buf_view(&key), &err));
        return;
    }
    if (strcmp(how, "cut") == 0)
        bytes.len /= 2;
    else
        bytes.ptr[bytes.len / 2] ^= 4;
    kit_put(&rig->blobs, key.ptr, buf_view(&bytes));
}

TEST(restore_takes_the_newest_or_the_one_that_is_named)
{
    Rig rig;
    rig_open(&rig);
    check_restores(&rig, STR_NONE, rig.tags[2]);
    check_restores(&rig, str_of(rig.tags[0]), rig.tags[0]);
    StoreOrigin origin;
    Err err = {.code = OK};
    CHECK_INT(ERR_NOT_FOUND, restore_store(&rig.blobs,
                                           &(RestoreOptions){.shard = STR("1of1"),
                                                             .generation = STR("00000000-7")},
                                           rig.path, &origin, &err));
    CASE("another shard's are none of ours");
    CHECK_INT(ERR_NOT_FOUND, restore_store(&rig.blobs, &(RestoreOptions){.shard = STR("1of2")},
                                           rig.path, &origin, &err));
    CHECK_HAS("directory ", str_of(err.text));
    rig_close(&rig);
}

TEST(restore_passes_over_what_is_damaged_or_half_written)
{
    static const struct {
        const char *file, *how;
    } cases[] = {
        {"manifest.json", "gone"}, {"manifest.json", "cut"},    {"store.db.zst", "gone"},
        {"store.db.zst", "cut"},   {"store.db.zst", "flipped"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        char name[100];
        Rig rig;
        rig_open(&rig);
        (void) snprintf(name, sizeof name, "%s %s", cases[i].file, cases[i].how);
        CASE(name);
        damage(&rig, 2, cases[i].file, cases[i].how);
        check_restores(&rig, STR_NONE, rig.tags[1]);
        damage(&rig, 1, cases[i].file, cases[i].how);
        check_restores(&rig, STR_NONE, rig.tags[0]);
        rig_close(&rig);
    }
}

/* What a manifest vouches for may still be no store of its generation. */
TEST(restore_looks_into_the_store_itself)
{
    CLEANUP(buf_release) Buf key = buf_init(1000);
    CLEANUP(buf_release) Buf object = buf_init(64 << 20);
    Rig rig;
    Err err = {.code = OK};
    rig_open(&rig);
    SnapshotInfo info = {.readings = 1, .as_of = KIT_ZERO};
    key_of_generation(&key, STR("1of1"), str_of(rig.tags[0]), "store.db.zst");
    REQUIRE_OK(rig.blobs.get(rig.blobs.ctx, buf_view(&key), &object, &err));
    CASE("an older store under a newer manifest");
    (void) snprintf(info.tag, sizeof info.tag, "%s", rig.tags[2]);
    kit_put_manifest(&rig.blobs, &info, key.ptr, buf_view(&object));
    check_restores(&rig, STR_NONE, rig.tags[1]);
    CASE("no store at all");
    buf_clear(&object);
    REQUIRE_OK(compress_zstd(STR("no database"), &object, &err));
    kit_put(&rig.blobs, "gen/1of1/x", buf_view(&object));
    kit_put_manifest(&rig.blobs, &info, "gen/1of1/x", buf_view(&object));
    check_restores(&rig, STR_NONE, rig.tags[1]);
    rig_close(&rig);
}

/* ---- as a store is opened ---------------------------------------------------------------------- */

static bool fill(const char *path, StoreOrigin *ret_origin, void *ctx)
{
    Rig *rig = ctx;
    Err err = {.code = OK};
    return restore_store(&rig->blobs, &(RestoreOptions){.shard = STR("1of1")}, path, ret_origin,
                         &err) == OK;
}

static void check_opens(Rig *rig, const char *dir, const char *want, bool restored)
{
    char note[STORE_NOTE_SIZE], tag[GENERATION_TAG_SIZE];
    StoreOptions options = kit_options(dir);
    Store *store = NULL;
    Err err = {.code = OK};
    options.fill = fill;
    options.fill_ctx = rig;
    REQUIRE_OK(store_open(&options, &store, note, &err));
    store_generation_tag(store, store_generation(store), tag);
    CHECK_TEXT(want, str_of(tag));
    {
        CLEANUP(arena_release) Arena arena = arena_init();
        CLEANUP(snapshot_closep) Snapshot *snap = NULL;
        Restoration restoration = {.at = 0};
        REQUIRE_OK(store_snapshot(store, &snap, &err));
        CHECK_INT(restored ? OK : ERR_NOT_FOUND,
                  snapshot_restoration(snap, &arena, &restoration, &err));
        CHECK(!restored || str_eq(restoration.generation, str_of(want)));
        CHECK(!restored || str_starts(restoration.source, STR("directory ")));
    }
    store_close(store);
}

TEST(restore_fills_a_store_that_is_not_there_or_damaged)
{
    char dir[400], file[500];
    Rig rig;
    rig_open(&rig);
    (void) snprintf(dir, sizeof dir, "%s/fresh", rig.base);
    (void) snprintf(file, sizeof file, "%s/freshet.db", dir);
    CASE("not there");
    check_opens(&rig, dir, rig.tags[2], true);
    CASE("there: nothing is fetched");
    (void) kit_readings(&rig.kit, "level/45=9");
    kit_export(&rig.blobs, rig.kit.store, rig.base, rig.tags[rig.count++]);
    check_opens(&rig, dir, rig.tags[2], true);
    CASE("damaged: set aside, and fetched");
    int fd = open(file, O_WRONLY | O_CLOEXEC);
    CHECK_INT(16, pwrite(fd, "no database here", 16, 0));
    (void) close(fd);
    check_opens(&rig, dir, rig.tags[3], true);
    CASE("nothing to be had: an empty one is begun");
    (void) snprintf(dir, sizeof dir, "%s/other", rig.base);
    for (size_t i = 0; i < rig.count; i++)
        damage(&rig, i, "manifest.json", "gone");
    StoreOptions options = kit_options(dir);
    Store *store = NULL;
    char note[STORE_NOTE_SIZE];
    Err err = {.code = OK};
    options.fill = fill;
    options.fill_ctx = &rig;
    REQUIRE_OK(store_open(&options, &store, note, &err));
    CHECK_INT(0, store_generation(store));
    store_close(store);
    rig_close(&rig);
}

TEST(restore_by_hand_overwrites_nothing)
{
    char dir[400];
    Rig rig;
    Err err = {.code = OK};
    rig_open(&rig);
    (void) snprintf(dir, sizeof dir, "%s/fresh", rig.base);
    REQUIRE_OK(store_restore(dir, fill, &rig, &err));
    CHECK_INT(ERR_INVALID, store_restore(dir, fill, &rig, &err));
    CHECK_INT(ERR_BUSY, store_restore(rig.base, fill, &rig, &err)); /* it is open */
    check_opens(&rig, dir, rig.tags[2], true);
    rig_close(&rig);
}

TEST(restore_reads_a_bucket_through_its_faults)
{
    Rig rig = {.count = 0};
    Err err = {.code = OK};
    S3Server *server = s3_server_start();
    (void) setenv("no_proxy", "*", 1);
    s3_env_of(server);
    S3Options options = s3_options_default(s3_env, 7);
    options.retry_min_ms = 1;
    options.retry_max_ms = 2;
    options.list_page = 2;
    REQUIRE_OK(blob_s3_open("s3://lake/a/b", &options, &rig.blobs, &err));
    rig_fill(&rig);
    server->slow_downs = 3;
    server->cut_bodies = 2;
    server->damaged_bodies = 2;
    check_restores(&rig, STR_NONE, rig.tags[2]);
    CASE("damaged where it lies");
    server->damaged_bodies = 0;
    char key[200];
    (void) snprintf(key, sizeof key, "a/b/gen/1of1/%s/store.db.zst", rig.tags[2]);
    const S3Object *object = s3_server_find(server, key);
    REQUIRE(object != NULL);
    object->bytes.ptr[object->bytes.len / 2] ^= 1;
    check_restores(&rig, STR_NONE, rig.tags[1]);
    rig_close(&rig);
}
