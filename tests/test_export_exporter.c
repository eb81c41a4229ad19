/* What one export puts, in which order, and what a failure or a crash leaves of it. */
#include "export/compact.h"
#include "export/exporter.h"
#include "export/history_merge.h"
#include "export/keep.h"
#include "export/tables.h"
#include "tests/test_store_kit.h"

#include <stdio.h>

enum { DAY_S = 86400 };

/* A directory that notes what is put, and fails one put on request. */
typedef struct Place {
    char dir[400];
    BlobStore inner;
    Buf puts;       /* keys, a line each */
    int puts_to_go; /* before one fails; -1: none does */
} Place;

static ErrCode place_put(void *ctx, Str key, const char *content_type, const char *storage_class,
                         const BlobBody *body, Err *err)
{
    Place *place = ctx;
    if (place->puts_to_go == 0)
        return err_set(err, ERR_NETWORK, "the line is cut");
    place->puts_to_go--;
    buf_printf(&place->puts, STR_FMT "%s%s\n", STR_ARG(key), storage_class != NULL ? " as " : "",
               storage_class != NULL ? storage_class : "");
    return place->inner.put(place->inner.ctx, key, content_type, storage_class, body, err);
}

static void place_describe(UNUSED void *ctx, Buf *out)
{
    BUF_LITERAL(out, "a test");
}

static ErrCode place_get(void *ctx, Str key, Buf *out, Err *err)
{
    const Place *place = ctx;
    return place->inner.get(place->inner.ctx, key, out, err);
}

static ErrCode place_get_file(void *ctx, Str key, int fd, Err *err)
{
    const Place *place = ctx;
    return place->inner.get_file(place->inner.ctx, key, fd, err);
}

static ErrCode place_list(void *ctx, Str prefix, BlobFn *each, void *each_ctx, Err *err)
{
    const Place *place = ctx;
    return place->inner.list(place->inner.ctx, prefix, each, each_ctx, err);
}

static ErrCode place_remove(void *ctx, Str key, Err *err)
{
    const Place *place = ctx;
    return place->inner.remove(place->inner.ctx, key, err);
}

static void place_hurry(void *ctx, int64_t at_ms)
{
    const Place *place = ctx;
    place->inner.hurry(place->inner.ctx, at_ms);
}

static BlobStore place_blobs(Place *place)
{
    return (BlobStore){.ctx = place,
                       .put = place_put,
                       .get = place_get,
                       .get_file = place_get_file,
                       .list = place_list,
                       .remove = place_remove,
                       .describe = place_describe,
                       .hurry = place_hurry};
}

typedef struct Lake {
    Kit kit;
    Place place;
} Lake;

static void place_init(Place *place, const char *dir)
{
    Err err = {.code = OK};
    *place = (Place){.puts = buf_init(1 << 20), .puts_to_go = -1};
    (void) snprintf(place->dir, sizeof place->dir, "%s/exported", dir);
    REQUIRE_OK(blob_dir_open(place->dir, &place->inner, &err));
}

static void place_release(Place *place)
{
    blob_store_close(&place->inner);
    buf_release(&place->puts);
}

/* A store that spools, with two measures. */
static void lake_open(Lake *lake)
{
    Batch batch = batch_init();
    lake->kit = kit_open_spooling(test_dir(), 1 << 20);
    place_init(&lake->place, lake->kit.dir);
    kit_add_measures(&batch, "level@Mill rain@Mill");
    (void) kit_apply(&lake->kit, &batch);
}

static void lake_close(Lake *lake)
{
    place_release(&lake->place);
    kit_close(&lake->kit);
}

static ErrCode lake_export(Lake *lake)
{
    Err err = {.code = OK};
    const ExportOptions options = {
        .object = {.dir = lake->kit.dir, .shard = "1of1"},
        .interval_s = 900,
        .keep_s = 3650LL * DAY_S,
    };
    buf_clear(&lake->place.puts);
    return exporter_once(lake->kit.store, place_blobs(&lake->place), &options, &err);
}

typedef struct Files {
    Arena arena;
    StrList keys;
} Files;

static bool add_file(Str key, UNUSED int64_t bytes, UNUSED UnixSec modified, void *ctx)
{
    Files *files = ctx;
    Str copy;
    return arena_copy(&files->arena, key, &copy) && str_list_add(&files->arena, &files->keys, copy);
}

static int64_t count_rows(const Lake *lake, Str key)
{
    Err err = {.code = OK};
    OutFile file;
    ParquetReader *reader = NULL;
    const BlobStore *blobs = &lake->place.inner;
    REQUIRE_OK(outfile_open(lake->kit.dir, NULL, &file, &err));
    REQUIRE_OK(blobs->get_file(blobs->ctx, key, file.fd, &err));
    REQUIRE_OK(parquet_read_open(file.fd, READINGS_TABLE.columns, READINGS_TABLE.column_count,
                                 &reader, &err));
    int64_t rows = parquet_read_rows(reader);
    parquet_read_close(reader);
    outfile_close(&file);
    return rows;
}

/* All of history, as its files have it together: "level/0=1.0 ", the revision behind the point. */
static void check_history(const Lake *lake, const char *want)
{
    Err err = {.code = OK};
    Files files = {.arena = arena_init()};
    CLEANUP(buf_release) Buf got = buf_init(1 << 20);
    OutFile all;
    ParquetReader *reader = NULL;
    TableReading reading;
    int64_t count = 0;
    bool row = true;
    const BlobStore *blobs = &lake->place.inner;
    REQUIRE_OK(blobs->list(blobs->ctx, STR("history/readings/"), add_file, &files, &err));
    for (size_t i = 0; i < files.keys.count; i++)
        count += count_rows(lake, files.keys.items[i]);
    const HistoryMerge merge = {.blobs = blobs, .dir = lake->kit.dir, .keys = files.keys};
    REQUIRE_OK(outfile_open(lake->kit.dir, NULL, &all, &err));
    REQUIRE_OK(history_merge(&merge, &all, &err));
    REQUIRE_OK(parquet_read_open(all.fd, READINGS_TABLE.columns, READINGS_TABLE.column_count,
                                 &reader, &err));
    CHECK_INT(count, parquet_read_rows(reader)); /* none was there twice */
    while (parquet_read_next(reader, &row, &err) == OK && row) {
        REQUIRE(table_read_reading(reader, &reading));
        buf_printf(&got, STR_FMT "/%lld=%g.%lld ", STR_ARG(reading.measure_id),
                   (long long) (reading.time - KIT_ZERO) / 60, reading.value,
                   (long long) reading.revision);
    }
    CHECK_TEXT(want, got.len > 0 ? buf_view(&got) : STR(""));
    parquet_read_close(reader);
    outfile_close(&all);
    arena_release(&files.arena);
}

TEST(export_puts_history_then_objects_then_manifest_then_pointer)
{
    static const char *const order[] = {
        "history/stations/1of1-",
        "history/measures/1of1-",
        "history/readings/dt=2023-11-14/1of1-",
        "gen/1of1/",
        "/store.db.zst\n",
        "/readings.parquet\n",
        "/readings.csv.gz\n",
        "/stations.geojson\n",
        "/manifest.json\n",
        "latest/readings/1of1.parquet\n",
        "gen/1of1/latest.json\n",
    };
    Lake lake;
    lake_open(&lake);
    (void) kit_readings(&lake.kit, "level/0=1 rain/0=0.5");
    CHECK_INT(OK, lake_export(&lake));
    Str rest = buf_view(&lake.place.puts);
    for (size_t i = 0; i < countof(order); i++) {
        size_t at = 0;
        CASE(order[i]);
        REQUIRE(str_find(rest, str_of(order[i]), &at));
        rest = (Str){rest.ptr + at, rest.len - at};
    }
    check_history(&lake, "level/0=1.0 rain/0=0.5.0 ");
    CHECK_INT(OK, lake_export(&lake));
    CHECK_INT(0, lake.place.puts.len); /* nothing is new */
    lake_close(&lake);
}

TEST(export_brings_each_reading_once_for_each_revision)
{
    Lake lake;
    lake_open(&lake);
    (void) kit_readings(&lake.kit, "level/0=1 level/15=2");
    CHECK_INT(OK, lake_export(&lake));
    (void) kit_readings(&lake.kit, "level/0=3 level/30=4"); /* the first is corrected twice */
    (void) kit_readings(&lake.kit, "level/0=5");
    (void) kit_readings(&lake.kit, "level/2000=6"); /* and all of it leaves the store */
    (void) kit_readings(&lake.kit, "level/45=7");   /* what comes now is outside */
    CHECK_INT(OK, lake_export(&lake));
    check_history(&lake, "level/0=1.0 level/0=3.1 level/0=5.2 level/15=2.0 level/30=4.0"
                         " level/45=7.0 level/2000=6.0 ");
    lake_close(&lake);
}

/* Whichever put fails, the next export brings everything, and nothing twice. */
TEST(export_that_fails_anywhere_leaves_nothing_behind)
{
    enum { PUTS = 13 };
    for (int failing = 0; failing < PUTS; failing++) {
        char name[32];
        Lake lake;
        (void) snprintf(name, sizeof name, "put %d", failing);
        CASE(name);
        lake_open(&lake);
        (void) kit_readings(&lake.kit, "level/0=1 level/15=2 rain/1440=3");
        lake.place.puts_to_go = failing;
        CHECK_INT(ERR_NETWORK, lake_export(&lake));
        (void) kit_readings(&lake.kit, "level/15=2.5");
        lake.place.puts_to_go = -1;
        CHECK_INT(OK, lake_export(&lake));
        check_history(&lake, "level/0=1.0 level/15=2.0 level/15=2.5.1 rain/1440=3.0 ");
        lake_close(&lake);
    }
}

TEST(export_of_a_generation_has_the_same_bytes_each_time)
{
    Err err = {.code = OK};
    Lake lake;
    CLEANUP(buf_release) Buf one = buf_init(MANIFEST_MAX_BYTES);
    CLEANUP(buf_release) Buf two = buf_init(MANIFEST_MAX_BYTES);
    lake_open(&lake);
    (void) kit_readings(&lake.kit, "level/0=1 level/15=2 rain/0=0.5");
    Buf *const manifests[] = {&one, &two};
    for (size_t i = 0; i < countof(manifests); i++) {
        const ObjectOptions options = {.dir = lake.kit.dir, .shard = "1of1"};
        CLEANUP(snapshot_closep) Snapshot *snap = NULL;
        Objects objects;
        REQUIRE_OK(store_snapshot(lake.kit.store, &snap, &err));
        REQUIRE_OK(objects_make(&snap, &options, &objects, &err));
        CHECK(snap == NULL);
        manifest_render(&objects.manifest, manifests[i]);
        CHECK_INT(3, objects.manifest.readings);
        objects_release(&objects);
        REQUIRE_OK(writer_checkpoint(lake.kit.writer, &err));
    }
    CHECK_STR(buf_view(&one), buf_view(&two));
    lake_close(&lake);
}

TEST(export_keeps_all_of_a_day_then_one_a_day)
{
    const ExportOptions options = {.keep_s = DAY_S, .keep_days = 7};
    const UnixSec now = 1000 * (UnixSec) DAY_S + 12 * 3600;
    const struct {
        const char *name;
        UnixSec as_of, next_newer;
        bool want;
    } cases[] = {
        {"the newest, however old", now - 99LL * DAY_S, NO_TIME, true},
        {"of today", now - 3600, now, true},
        {"23 h old", now - 23 * 3600, now, true},
        {"25 h old, not its day's last", now - 25 * 3600, now - 24 * 3600, false},
        {"the last of its day", 997LL * DAY_S - 60, 997LL * DAY_S + 60, true},
        {"the one before it", 997LL * DAY_S - 120, 997LL * DAY_S - 60, false},
        {"the last of a day too long ago", 992LL * DAY_S - 60, 992LL * DAY_S + 60, false},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].name);
        CHECK_INT(cases[i].want,
                  keep_generation(cases[i].as_of, cases[i].next_newer, now, &options));
    }
}

TEST(export_joins_the_files_of_a_day_and_removes_them_later)
{
    Err err = {.code = OK};
    Lake lake;
    Exports *exports = NULL;
    int days = 0;
    lake_open(&lake);
    const ObjectOptions options = {.dir = lake.kit.dir, .shard = "1of1"};
    const BlobStore blobs = place_blobs(&lake.place);
    (void) kit_readings(&lake.kit, "level/0=1");
    CHECK_INT(OK, lake_export(&lake));
    (void) kit_readings(&lake.kit, "level/0=2 level/15=3");
    CHECK_INT(OK, lake_export(&lake));
    const char *all = "level/0=1.0 level/0=2.1 level/15=3.0 ";
    check_history(&lake, all);

    UnixSec due = KIT_ZERO - KIT_ZERO % DAY_S + DAY_S + COMPACT_AFTER_S;
    REQUIRE_OK(exports_open(lake.kit.store, &exports, &err));
    CHECK_OK(compact_days(exports, &blobs, &options, due - 1, &days, &err));
    CHECK_INT(0, days);
    CHECK_OK(compact_days(exports, &blobs, &options, due, &days, &err));
    CHECK_INT(1, days);
    CHECK_OK(compact_days(exports, &blobs, &options, due + 60, &days, &err));
    CHECK_INT(0, days); /* one file, and its parts, which are condemned */
    CHECK_OK(compact_remove(exports, &blobs, due + COMPACT_CONDEMNED_S - 1, &err));
    Files files = {.arena = arena_init()};
    CHECK_OK(blobs.list(blobs.ctx, STR("history/readings/"), add_file, &files, &err));
    CHECK_INT(3, files.keys.count);
    CHECK_OK(compact_remove(exports, &blobs, due + COMPACT_CONDEMNED_S, &err));
    check_history(&lake, all);
    files.keys.count = 0;
    CHECK_OK(blobs.list(blobs.ctx, STR("history/readings/"), add_file, &files, &err));
    CHECK_INT(1, files.keys.count);
    arena_release(&files.arena);

    exports_close(exports);
    (void) kit_readings(&lake.kit, "level/30=4"); /* later, of the same day */
    CHECK_INT(OK, lake_export(&lake));
    REQUIRE_OK(exports_open(lake.kit.store, &exports, &err));
    CHECK_OK(compact_days(exports, &blobs, &options, due + DAY_S, &days, &err));
    CHECK_INT(1, days);
    CHECK_OK(compact_remove(exports, &blobs, due + 2 * DAY_S, &err));
    check_history(&lake, "level/0=1.0 level/0=2.1 level/15=3.0 level/30=4.0 ");
    exports_close(exports);
    lake_close(&lake);
}

/* The class that a line of what was put names; "" for none. */
static Str class_of(Str line)
{
    size_t at = 0;
    return str_find(line, STR(" as "), &at) ? (Str){line.ptr + at + 4, line.len - at - 4} : STR("");
}

TEST(exporter_gives_each_kind_its_storage_class)
{
    Lake lake;
    Err err = {.code = OK};
    lake_open(&lake);
    (void) kit_readings(&lake.kit, "level/0=1 rain/0=0.2");
    const ExportOptions options = {
        .object = {.dir = lake.kit.dir,
                   .shard = "1of1",
                   .history_class = "GLACIER_IR",
                   .storage_class = "STANDARD_IA"},
        .interval_s = 900,
        .keep_s = 3650LL * DAY_S,
    };
    REQUIRE_OK(exporter_once(lake.kit.store, place_blobs(&lake.place), &options, &err));
    Str line, rest = buf_view(&lake.place.puts);
    size_t history = 0, generations = 0;
    while (str_cut(rest, '\n', &line, &rest)) {
        bool is_history = str_starts(line, STR("history/"));
        bool is_pointer = str_find(line, STR("latest"), &(size_t){0});
        bool is_generation = str_starts(line, STR("gen/")) && !is_pointer;
        history += is_history;
        generations += is_generation;
        if (!str_find(line, STR("manifest"), &(size_t){0}))
            CHECK_STR(is_history      ? STR("GLACIER_IR")
                      : is_generation ? STR("STANDARD_IA")
                                      : STR(""),
                      class_of(line));
    }
    CHECK(history >= 3 && generations >= 4);
    lake_close(&lake);
}
