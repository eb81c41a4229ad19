/* Many sorted files become one that holds what they hold, each reading once, whatever memory there is. */
#include "export/history_merge.h"
#include "export/history_rows.h"
#include "export/tables.h"
#include "tests/test.h"

#include <inttypes.h>
#include <stdio.h>

enum { DAY_FIRST = 1768867200, SLOT_S = 900, MEASURES = 40, FILES = 30, ROWS = 200 };

typedef struct Fixture {
    const char *dir;
    BlobStore blobs;
    HistoryRows all; /* of all files */
    Arena arena;
    StrList keys;
    uint64_t random;
} Fixture;

static void fixture_open(Fixture *fixture)
{
    Err err = {.code = OK};
    *fixture = (Fixture){.dir = test_dir(),
                         .all = history_rows_init(),
                         .arena = arena_init(),
                         .random = 88172645463325252};
    REQUIRE_OK(blob_dir_open(fixture->dir, &fixture->blobs, &err));
}

static void fixture_close(Fixture *fixture)
{
    history_rows_release(&fixture->all);
    arena_release(&fixture->arena);
    blob_store_close(&fixture->blobs);
}

static uint64_t draw(Fixture *fixture, uint64_t below)
{
    fixture->random ^= fixture->random << 13;
    fixture->random ^= fixture->random >> 7;
    fixture->random ^= fixture->random << 17;
    return fixture->random % below;
}

/* So that some come twice, and some in several revisions. */
static void add_random(Fixture *fixture, HistoryRows *rows)
{
    char measure[64], station[32];
    uint64_t which = draw(fixture, MEASURES), revision = draw(fixture, 3);
    const Reading reading = {
        .time = DAY_FIRST + (int64_t) draw(fixture, 96) * SLOT_S,
        .value = (double) which / 8,
        .received = DAY_FIRST + (int64_t) revision * 60,
        .revision = (int64_t) revision,
        .flags = which % 5 == 0 ? READING_SUSPECT | READING_CORRECTED : 0,
    };
    (void) snprintf(station, sizeof station, "S%" PRIu64, which / 3);
    (void) snprintf(measure, sizeof measure, "%s-m%" PRIu64, station, which);
    HistoryRows *const both[] = {rows, &fixture->all};
    for (size_t i = 0; i < countof(both); i++)
        REQUIRE(history_rows_add(both[i], str_of(measure), str_of(station), &reading, 0x7f3a1b2c,
                                 9 + revision));
}

static void put_rows(Fixture *fixture, const HistoryRows *rows)
{
    char name[32];
    OutFile file;
    Str key;
    Err err = {.code = OK};
    (void) snprintf(name, sizeof name, "%04zu.parquet", fixture->keys.count);
    REQUIRE(arena_copy(&fixture->arena, str_of(name), &key));
    REQUIRE(str_list_add(&fixture->arena, &fixture->keys, key));
    REQUIRE_OK(outfile_open(fixture->dir, NULL, &file, &err));
    REQUIRE_OK(history_rows_write(rows, 0, rows->count, &file, &err));
    const BlobBody body = outfile_body(&file);
    REQUIRE_OK(fixture->blobs.put(fixture->blobs.ctx, key, "x/y", NULL, &body, &err));
    outfile_close(&file);
}

static void add_file(Fixture *fixture, size_t count)
{
    Err err = {.code = OK};
    CLEANUP(history_rows_release) HistoryRows rows = history_rows_init();
    for (size_t i = 0; i < count; i++)
        add_random(fixture, &rows);
    REQUIRE_OK(history_rows_sort(&rows, &err));
    put_rows(fixture, &rows);
}

static void check_row(const HistoryRows *rows, const HistoryRow *want, const TableReading *got)
{
    char tag[32];
    (void) snprintf(tag, sizeof tag, "%08" PRIx32 "-%" PRIu64, want->epoch, want->generation);
    CHECK_STR(rows->series[want->series].measure_id, got->measure_id);
    CHECK_STR(rows->series[want->series].station_id, got->station_id);
    CHECK_INT(want->time, got->time);
    CHECK_INT(want->received, got->received);
    CHECK_INT(want->revision, got->revision);
    CHECK_INT(want->flags, got->flags);
    CHECK_DOUBLE(want->value, got->value);
    CHECK_TEXT(tag, got->generation);
}

static void check_merged(Fixture *fixture, int64_t memory_bytes)
{
    Err err = {.code = OK};
    OutFile file;
    ParquetReader *reader = NULL;
    TableReading reading;
    bool row = false;
    const HistoryMerge merge = {.blobs = &fixture->blobs,
                                .dir = fixture->dir,
                                .memory_bytes = memory_bytes,
                                .keys = fixture->keys};
    REQUIRE_OK(outfile_open(fixture->dir, NULL, &file, &err));
    REQUIRE_OK(history_merge(&merge, &file, &err));
    REQUIRE_OK(parquet_read_open(file.fd, READINGS_TABLE.columns, READINGS_TABLE.column_count,
                                 &reader, &err));
    REQUIRE(parquet_read_rows(reader) == (int64_t) fixture->all.count);
    for (size_t i = 0; i < fixture->all.count; i++) {
        REQUIRE_OK(parquet_read_next(reader, &row, &err));
        REQUIRE(row && table_read_reading(reader, &reading));
        check_row(&fixture->all, &fixture->all.rows[i], &reading);
    }
    parquet_read_close(reader);
    outfile_close(&file);
}

/* From two files at a time, which takes five passes, to all at once. */
TEST(merge_makes_one_sorted_file_in_whatever_memory)
{
    static const int64_t memories[] = {0, 20000, 200000, 32 << 20};
    Fixture fixture;
    Err err = {.code = OK};
    fixture_open(&fixture);
    for (int i = 0; i < FILES; i++)
        add_file(&fixture, i == 7 ? 0 : ROWS);
    size_t added = fixture.all.count;
    REQUIRE_OK(history_rows_sort(&fixture.all, &err));
    CHECK(fixture.all.count > ROWS && fixture.all.count < added); /* some came twice */
    for (size_t i = 0; i < countof(memories); i++) {
        char name[40];
        (void) snprintf(name, sizeof name, "%" PRId64 " bytes", memories[i]);
        CASE(name);
        check_merged(&fixture, memories[i]);
    }
    fixture_close(&fixture);
}

/* More than it keeps open. */
TEST(merge_takes_any_number_of_files)
{
    Fixture fixture;
    Err err = {.code = OK};
    fixture_open(&fixture);
    for (int i = 0; i < 150; i++)
        add_file(&fixture, 2);
    REQUIRE_OK(history_rows_sort(&fixture.all, &err));
    check_merged(&fixture, 32 << 20);
    fixture_close(&fixture);
}

/* What is wrong with one file is told by its name, and none of it is taken for a day. */
TEST(merge_refuses_what_is_damaged_or_not_sorted)
{
    Fixture fixture;
    fixture_open(&fixture);
    for (int i = 0; i < 3; i++)
        add_file(&fixture, ROWS);
    const HistoryMerge merge = {
        .blobs = &fixture.blobs, .dir = fixture.dir, .keys = fixture.keys, .memory_bytes = 1 << 20};

    CASE("not sorted");
    CLEANUP(history_rows_release) HistoryRows rows = history_rows_init();
    for (int i = 0; i < 10; i++)
        add_random(&fixture, &rows);
    fixture.keys.count = 1;
    put_rows(&fixture, &rows);
    fixture.keys.count = 3;
    OutFile file;
    Err err = {.code = OK};
    REQUIRE_OK(outfile_open(fixture.dir, NULL, &file, &err));
    CHECK_INT(ERR_FORMAT, history_merge(&merge, &file, &err));
    CHECK_HAS("not sorted", str_of(err.text));
    outfile_close(&file);

    CASE("damaged");
    const BlobBody body = blob_memory(STR("PAR1 and no more"));
    REQUIRE_OK(fixture.blobs.put(fixture.blobs.ctx, STR("0001.parquet"), "x/y", NULL, &body, &err));
    REQUIRE_OK(outfile_open(fixture.dir, NULL, &file, &err));
    CHECK_INT(ERR_FORMAT, history_merge(&merge, &file, &err));
    CHECK_HAS("0001.parquet", str_of(err.text));
    outfile_close(&file);
    fixture_close(&fixture);
}
