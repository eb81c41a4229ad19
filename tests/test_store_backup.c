#include "store/backup.h"
#include "tests/export_kit.h"
#include "tests/test_store_kit.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static Kit open_with_readings(const char *dir)
{
    Kit kit = kit_open_in(dir);
    Batch batch = batch_init();
    kit_add_measures(&batch, "level@up flow@up rain@down");
    (void) kit_apply(&kit, &batch);
    (void) kit_readings(&kit, "level/0=1 level/15=2 rain/0=0.2");
    return kit;
}

static void path_in(char path[static 400], const char *dir, const char *name)
{
    (void) snprintf(path, 400, "%s/%s", dir, name);
}

static void must_backup(Store *store, const char *path)
{
    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    Err err = {.code = OK};
    REQUIRE_OK(store_snapshot(store, &snap, &err));
    REQUIRE_OK(snapshot_backup(snap, path, NULL, &err));
}

static void check_same(const char *one, const char *other)
{
    CLEANUP(buf_release) Buf a = kit_read_file(one);
    CLEANUP(buf_release) Buf b = kit_read_file(other);
    CHECK(str_eq(buf_view(&a), buf_view(&b)));
}

/* Puts a copy where a store is opened from. */
static Kit open_copy(const char *copy, const char *dir)
{
    char path[400];
    CHECK_INT(0, mkdir(dir, 0750));
    path_in(path, dir, "freshet.db");
    CLEANUP(buf_release) Buf bytes = kit_read_file(copy);
    FILE *file = fopen(path, "we");
    REQUIRE(file != NULL);
    CHECK_INT(bytes.len, fwrite(bytes.ptr, 1, bytes.len, file));
    (void) fclose(file);
    return kit_open_in(dir);
}

static const char *tag_of(Store *store, char tag[static GENERATION_TAG_SIZE])
{
    store_generation_tag(store, store_generation(store), tag);
    return tag;
}

TEST(backup_is_the_pinned_generation_and_the_same_bytes_each_time)
{
    char first[400], second[400], third[400], tag[GENERATION_TAG_SIZE];
    const char *base = test_dir();
    Kit kit = open_with_readings(base);
    path_in(first, base, "first");
    path_in(second, base, "second");
    path_in(third, base, "third");
    {
        CLEANUP(snapshot_closep) Snapshot *snap = NULL;
        Err err = {.code = OK};
        REQUIRE_OK(store_snapshot(kit.store, &snap, &err));
        (void) snprintf(tag, sizeof tag, "%s", snapshot_info(snap)->tag);
        REQUIRE_OK(snapshot_backup(snap, first, NULL, &err));
        (void) kit_readings(&kit, "level/30=3"); /* committed beside the snapshot */
        REQUIRE_OK(snapshot_backup(snap, second, NULL, &err));
        REQUIRE_OK(snapshot_backup(snap, second, NULL, &err)); /* over what is there */
        CHECK_INT(ERR_STORAGE, snapshot_backup(snap, "/nowhere/second", NULL, &err));
    }
    check_same(first, second);
    must_backup(kit.store, third);

    SnapshotInfo info = {.generation = 0};
    Err err = {.code = OK};
    REQUIRE_OK(backup_check(first, 0, &info, &err));
    CHECK_TEXT(tag, str_of(info.tag));
    CHECK_INT(2, info.generation);
    CHECK_INT(3, info.readings);
    CHECK_INT(KIT_ZERO + 1, info.as_of);
    REQUIRE_OK(backup_check(third, 0, &info, &err));
    CHECK_INT(3, info.generation);
    CHECK_INT(4, info.readings);
    kit_close(&kit);
}

TEST(backup_opened_as_a_store_is_the_same_generation_and_copies_the_same)
{
    char dir[400], copy[400], again[400], tags[2][GENERATION_TAG_SIZE];
    const char *base = test_dir();
    Kit kit = open_with_readings(base);
    path_in(copy, base, "copy");
    path_in(again, base, "again");
    path_in(dir, base, "other");
    must_backup(kit.store, copy);
    CLEANUP(buf_release) Buf held = kit_held(kit.store);
    (void) tag_of(kit.store, tags[0]);
    kit_close(&kit);

    kit = open_copy(copy, dir);
    CLEANUP(buf_release) Buf held_again = kit_held(kit.store);
    CHECK_STR(buf_view(&held), buf_view(&held_again));
    CHECK_TEXT(tags[0], str_of(tag_of(kit.store, tags[1])));
    kit_reopen(&kit); /* nothing new came: nothing changes */
    CHECK_TEXT(tags[0], str_of(tag_of(kit.store, tags[1])));
    must_backup(kit.store, again);
    check_same(copy, again);
    kit_close(&kit);
}

TEST(backup_opened_as_a_store_draws_an_epoch_with_its_first_new_generation)
{
    char dir[400], copy[400], old[GENERATION_TAG_SIZE], tag[GENERATION_TAG_SIZE];
    const char *base = test_dir();
    Kit kit = open_with_readings(base);
    path_in(copy, base, "copy");
    path_in(dir, base, "other");
    must_backup(kit.store, copy);
    (void) tag_of(kit.store, old);
    kit_close(&kit);

    kit = open_copy(copy, dir);
    (void) kit_readings(&kit, "level/15=2"); /* known: no new generation, no epoch */
    CHECK_TEXT(old, str_of(tag_of(kit.store, tag)));
    (void) kit_readings(&kit, "level/30=3");
    CHECK_INT(3, store_generation(kit.store));
    (void) tag_of(kit.store, tag);
    CHECK(strncmp(old, tag, 8) != 0);
    CHECK_TEXT("-3", str_of(tag + 8));
    char before[GENERATION_TAG_SIZE];
    store_generation_tag(kit.store, 2, before); /* what was before is called as it was */
    CHECK_TEXT(old, str_of(before));

    CASE("and keeps it");
    char again[GENERATION_TAG_SIZE];
    kit_reopen(&kit);
    CHECK_TEXT(tag, str_of(tag_of(kit.store, again)));
    store_generation_tag(kit.store, 2, before);
    CHECK_TEXT(old, str_of(before));
    (void) kit_readings(&kit, "level/45=4");
    CHECK(strncmp(tag, tag_of(kit.store, again), 8) == 0);
    kit_close(&kit);
}

static void damage(const char *path, off_t at)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    REQUIRE(fd >= 0);
    CHECK_INT(4, pwrite(fd, "\xff\xff\xff\xff", 4, at));
    (void) close(fd);
}

TEST(backup_check_refuses_what_is_none)
{
    char copy[400], path[400];
    const char *base = test_dir();
    SnapshotInfo info = {.generation = 99};
    Err err = {.code = OK};
    Kit kit = open_with_readings(base);
    path_in(copy, base, "copy");
    must_backup(kit.store, copy);
    kit_close(&kit);

    CASE("not there");
    path_in(path, base, "nowhere");
    CHECK_INT(ERR_STORAGE, backup_check(path, 0, &info, &err));
    CASE("a store, and no copy");
    path_in(path, base, "freshet.db");
    CHECK_INT(ERR_CORRUPT, backup_check(path, 0, &info, &err));
    CASE("no store");
    path_in(path, base, "ledger.db");
    CHECK_INT(ERR_CORRUPT, backup_check(path, 0, &info, &err));
    CASE("cut");
    CHECK_INT(0, truncate(copy, 8192));
    CHECK_INT(ERR_CORRUPT, backup_check(copy, 0, &info, &err));
    CASE("overwritten");
    CHECK_INT(0, unlink(copy));
    kit = kit_open_in(base);
    must_backup(kit.store, copy);
    off_t second_page = kit_sql(&kit, "freshet.db", "PRAGMA page_size");
    kit_close(&kit);
    damage(copy, second_page);
    CHECK_INT(ERR_CORRUPT, backup_check(copy, 0, &info, &err));
    CHECK_INT(99, info.generation);
}

/* Where the first page of the readings begins in the file. */
static off_t readings_at(const char *path)
{
    static const char SQL[] = "SELECT (rootpage - 1) * page_size FROM sqlite_schema,"
                              " pragma_page_size WHERE name = 'reading'";
    sqlite3 *db = NULL;
    sqlite3_stmt *st = NULL;
    REQUIRE(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK);
    REQUIRE(sqlite3_prepare_v2(db, SQL, -1, &st, NULL) == SQLITE_OK);
    REQUIRE(sqlite3_step(st) == SQLITE_ROW);
    off_t at = (off_t) sqlite3_column_int64(st, 0);
    (void) sqlite3_finalize(st);
    (void) sqlite3_close(db);
    return at;
}

TEST(backup_check_of_a_large_store_passes_over_its_readings_alone)
{
    char copy[400];
    const char *base = test_dir();
    SnapshotInfo info;
    Err err = {.code = OK};
    Kit kit = open_with_readings(base);
    path_in(copy, base, "copy");
    must_backup(kit.store, copy);
    off_t second_page = kit_sql(&kit, "freshet.db", "PRAGMA page_size");
    kit_close(&kit);
    damage(copy, readings_at(copy));
    CHECK_INT(ERR_CORRUPT, backup_check(copy, 0, &info, &err));
    CHECK_INT(ERR_CORRUPT, backup_check(copy, 1 << 30, &info, &err));
    CHECK_OK(backup_check(copy, 1, &info, &err));
    damage(copy, second_page);
    CHECK_INT(ERR_CORRUPT, backup_check(copy, 1, &info, &err));
}
