/* What our Parquet writer writes is read by hyparquet, which knows nothing of it. */
#include "export/parquet.h"
#include "tests/lake_kit.h"
#include "tests/test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const ParquetColumn COLUMNS[] = {
    {"name", PARQUET_STRING, false},    {"note", PARQUET_STRING, true},
    {"time", PARQUET_TIMESTAMP, false}, {"until", PARQUET_TIMESTAMP, true},
    {"value", PARQUET_DOUBLE, false},   {"perhaps", PARQUET_DOUBLE, true},
    {"revision", PARQUET_INT, false},   {"listed", PARQUET_BOOL, false},
};

typedef struct Line {
    const char *name, *note;
    UnixSec time, until;
    double value, perhaps;
    int32_t revision;
    bool listed;
} Line;

/* A table on its way to a file, and what must be read back from it. */
typedef struct Table {
    OutFile file;
    ParquetWriter *writer;
    Sha256 *want;
    size_t rows;
} Table;

/* The writer keeps the file's address: the table stays where it is. */
static void table_begin(Table *table)
{
    Err err = {.code = OK};
    *table = (Table){.want = sha256_new()};
    REQUIRE_OK(outfile_open(test_dir(), NULL, &table->file, &err));
    REQUIRE_OK(parquet_begin(COLUMNS, countof(COLUMNS), PARQUET_GROUP_ROWS, &table->file,
                             &table->writer, &err));
}

static void put_double(Buf *out, double value)
{
    uint64_t number;
    memcpy(&number, &value, sizeof number);
    if (isnan(value))
        BUF_LITERAL(out, "|\\N");
    else
        buf_printf(out, "|%016llx", (unsigned long long) number);
}

static void table_add(Table *table, const Line *line)
{
    Err err = {.code = OK};
    CLEANUP(buf_release) Buf want = buf_init(100000);
    parquet_str(table->writer, str_of(line->name));
    parquet_str(table->writer, str_of(line->note));
    parquet_time(table->writer, line->time);
    parquet_time(table->writer, line->until);
    parquet_double(table->writer, line->value);
    parquet_double(table->writer, line->perhaps);
    parquet_int(table->writer, line->revision);
    parquet_bool(table->writer, line->listed);
    REQUIRE_OK(parquet_end_row(table->writer, &err));

    buf_printf(&want, "%s|%s|%lld|", line->name, line->note != NULL ? line->note : "\\N",
               (long long) line->time * 1000);
    if (line->until == NO_TIME)
        BUF_LITERAL(&want, "\\N");
    else
        buf_printf(&want, "%lld", (long long) line->until * 1000);
    put_double(&want, line->value);
    put_double(&want, line->perhaps);
    put_double(&want, line->revision);
    buf_printf(&want, "|%s\n", line->listed ? "true" : "false");
    sha256_add(table->want, buf_view(&want));
    table->rows++;
}

/* Ends the table and has it read: every row must come back. What hyparquet says besides is the
 * caller's to release. */
static Buf table_end(Table *table)
{
    Err err = {.code = OK};
    char path[64], line[200], hex[SHA256_HEX_SIZE];
    unsigned char digest[SHA256_BYTES];
    REQUIRE_OK(parquet_end(table->writer, &err));
    parquet_close(table->writer);
    sha256_end(table->want, digest);
    sha256_hex(digest, hex);
    sha256_free(table->want);
    (void) snprintf(path, sizeof path, "/proc/%d/fd/%d", (int) getpid(), table->file.fd);
    (void) snprintf(line, sizeof line, "rows %zu %zu %s\n", table->rows, table->rows, hex);
    Buf said = lake_run("read.mjs", (const char *const[]){path, NULL});
    CHECK(str_ends(buf_view(&said), str_of(line)));
    outfile_close(&table->file);
    return said;
}

TEST(parquet_holds_every_kind_of_value)
{
    static const Line lines[] = {
        {"1491TH", NULL, 0, NO_TIME, 0.0, NAN, 0, false},
        {"", "", -1, 1, -0.0, -0.0, INT32_MIN, true},
        {"\xC3\x84 \xF0\x9F\x8C\x8A", "a", 1700000000, NO_TIME, 1e-310, 1.5, INT32_MAX, true},
        {"1491TH", "a", 253402300799, 5, -1.7976931348623157e308, 2.5, 1, false},
    };
    Table table;
    table_begin(&table);
    for (size_t i = 0; i < countof(lines); i++)
        table_add(&table, &lines[i]);
    CLEANUP(buf_release) Buf said = table_end(&table);
    CHECK_HAS("column name BYTE_ARRAY REQUIRED STRING\n", buf_view(&said));
    CHECK_HAS("column note BYTE_ARRAY OPTIONAL STRING\n", buf_view(&said));
    CHECK_HAS("column time INT64 REQUIRED TIMESTAMP MILLIS UTC\n", buf_view(&said));
    CHECK_HAS("column value DOUBLE REQUIRED -\n", buf_view(&said));
    CHECK_HAS("column revision INT32 REQUIRED -\n", buf_view(&said));
    CHECK_HAS("column listed BOOLEAN REQUIRED -\n", buf_view(&said));
    CHECK_HAS("group 4 name:  \xC3\x84 \xF0\x9F\x8C\x8A 0 dictionary", buf_view(&said));
    CHECK_HAS("note:  a 1 dictionary", buf_view(&said));
    CHECK_HAS("time: -1000 253402300799000 0 dictionary", buf_view(&said));
    CHECK_HAS("until: 1000 5000 2 dictionary", buf_view(&said));
    CHECK_HAS("value: ffefffffffffffff 000012688b70e62b 0", buf_view(&said));
    CHECK_HAS("perhaps: 8000000000000000 4004000000000000 1", buf_view(&said)); /* -0.0 to 2.5 */
    CHECK_HAS("listed: false true 0 plain", buf_view(&said));
}

TEST(parquet_holds_no_row)
{
    Table table;
    table_begin(&table);
    CLEANUP(buf_release) Buf said = table_end(&table);
    CHECK(!str_find(buf_view(&said), STR("group"), &(size_t){0}));
}

/* Three row groups, runs of all lengths, nulls in runs and alone, dictionaries and columns that are
 * too diverse for one. */
TEST(parquet_holds_many_row_groups)
{
    enum { ROWS = 2 * PARQUET_GROUP_ROWS + 12345 };
    Table table;
    table_begin(&table);
    char name[64], note[64];
    uint64_t random = 88172645463325252;
    for (int64_t i = 0; i < ROWS; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (void) snprintf(name, sizeof name, "measure-%lld", (long long) i / 96);
        (void) snprintf(note, sizeof note, "a note that nobody else has, %lld", (long long) i);
        const Line line = {
            .name = name,
            .note = i < PARQUET_GROUP_ROWS ? note
                    : random % 5 == 0      ? "x"
                                           : NULL,
            .time = 1700000000 + i % 96 * 900,
            .until = i / 1000 % 2 == 0 ? NO_TIME : i,
            .value = i < PARQUET_GROUP_ROWS ? (double) i / 3 : (double) (random % 4000) / 1000,
            .perhaps = random % 3 == 0 ? NAN : (double) (random % 2),
            .revision = (int32_t) (i % 40 < 24),
            .listed = random % 7 == 0,
        };
        table_add(&table, &line);
    }
    CLEANUP(buf_release) Buf said = table_end(&table);
    CHECK_HAS("a note that nobody else has, 99999 0 plain", buf_view(&said));
    CHECK_HAS("note: x x ", buf_view(&said));
    CHECK_HAS("value: 8000000000000000 40f5555000000000", buf_view(&said)); /* 262143 / 3 */
    CHECK_HAS("name: measure-0 measure-999 0 dictionary", buf_view(&said));
    CHECK_HAS("group 12345 ", buf_view(&said));
}
