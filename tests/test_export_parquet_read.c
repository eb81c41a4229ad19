/* What our writer writes our reader reads, and nothing that is damaged. */
#include "export/parquet_read.h"
#include "tests/test.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

static const ParquetColumn COLUMNS[] = {
    {"name", PARQUET_STRING, false},    {"note", PARQUET_STRING, true},
    {"time", PARQUET_TIMESTAMP, false}, {"value", PARQUET_DOUBLE, true},
    {"revision", PARQUET_INT, false},
};

/* A row that follows from its number. */
static void name_of(int64_t i, char name[static 32])
{
    (void) snprintf(name, 32, "m%lld", (long long) (i % 100000 < 50000 ? i / 96 : i));
}

static double value_of(int64_t i)
{
    return i % 7 == 0 ? NAN : (double) (i * 37 % 200003) / 8;
}

static void write_rows(OutFile *file, size_t group_rows, int64_t rows)
{
    Err err = {.code = OK};
    ParquetWriter *writer = NULL;
    REQUIRE_OK(outfile_open(test_dir(), NULL, file, &err));
    REQUIRE_OK(parquet_begin(COLUMNS, countof(COLUMNS), group_rows, file, &writer, &err));
    for (int64_t i = 0; i < rows; i++) {
        char name[32];
        name_of(i, name);
        parquet_str(writer, str_of(name));
        parquet_str(writer, i % 1000 < 20 ? STR("\xC3\xA4") : STR_NONE);
        parquet_time(writer, 1700000000 + i % 96 * 900);
        parquet_double(writer, value_of(i));
        parquet_int(writer, i % 3 - 1);
        REQUIRE_OK(parquet_end_row(writer, &err));
    }
    REQUIRE_OK(parquet_end(writer, &err));
    parquet_close(writer);
}

static void check_row(const ParquetReader *reader, int64_t i)
{
    char name[32];
    name_of(i, name);
    CHECK_TEXT(name, parquet_read_str(reader, 0));
    CHECK_STR(i % 1000 < 20 ? STR("\xC3\xA4") : STR_NONE, parquet_read_str(reader, 1));
    CHECK_INT(1700000000 + i % 96 * 900, parquet_read_time(reader, 2));
    CHECK_DOUBLE(value_of(i), parquet_read_double(reader, 3));
    CHECK_INT(i % 3 - 1, parquet_read_int(reader, 4));
}

TEST(parquet_reads_back_what_it_wrote)
{
    static const struct {
        size_t group_rows;
        int64_t rows;
    } cases[] = {
        {PARQUET_GROUP_ROWS, 0},
        {PARQUET_GROUP_ROWS, 1},
        {PARQUET_GROUP_ROWS, 1000},
        {PARQUET_GROUP_ROWS, PARQUET_GROUP_ROWS},
        {PARQUET_GROUP_ROWS, PARQUET_GROUP_ROWS + 7},
        {1, 20},
        {100, 1000},
    };
    for (size_t c = 0; c < countof(cases); c++) {
        Err err = {.code = OK};
        OutFile file;
        ParquetReader *reader = NULL;
        bool row = true;
        write_rows(&file, cases[c].group_rows, cases[c].rows);
        REQUIRE_OK(parquet_read_open(file.fd, COLUMNS, countof(COLUMNS), &reader, &err));
        CHECK_INT(cases[c].rows, parquet_read_rows(reader));
        for (int64_t i = 0; i < cases[c].rows; i++) {
            REQUIRE_OK(parquet_read_next(reader, &row, &err));
            REQUIRE(row);
            check_row(reader, i);
        }
        CHECK_OK(parquet_read_next(reader, &row, &err));
        CHECK(!row);
        parquet_read_close(reader);
        outfile_close(&file);
    }
}

/* Known before any of it is read, so that who reads many files at once knows how many. */
TEST(parquet_tells_what_memory_its_reader_takes)
{
    int64_t memory[2] = {0};
    static const size_t group_rows[2] = {1000, 10000};
    for (size_t i = 0; i < countof(memory); i++) {
        Err err = {.code = OK};
        OutFile file;
        ParquetReader *reader = NULL;
        write_rows(&file, group_rows[i], 20000);
        REQUIRE_OK(parquet_read_open(file.fd, COLUMNS, countof(COLUMNS), &reader, &err));
        memory[i] = parquet_read_memory(reader);
        parquet_read_close(reader);
        outfile_close(&file);
    }
    CHECK(memory[0] > 2 * 1000 && memory[0] < 40 * 1000);
    CHECK(memory[1] > 5 * memory[0] && memory[1] < 40 * 10000);
}

TEST(parquet_reads_no_other_columns_than_it_should)
{
    static const ParquetColumn others[][2] = {
        {{"name", PARQUET_STRING, false}, {"note", PARQUET_STRING, true}},
        {{"nam", PARQUET_STRING, false}, {"note", PARQUET_STRING, true}},
        {{"name", PARQUET_DOUBLE, false}, {"note", PARQUET_STRING, true}},
        {{"name", PARQUET_STRING, true}, {"note", PARQUET_STRING, true}},
    };
    OutFile file;
    write_rows(&file, PARQUET_GROUP_ROWS, 10);
    for (size_t i = 0; i < countof(others); i++) {
        Err err = {.code = OK};
        ParquetReader *reader = NULL;
        CHECK_INT(ERR_FORMAT, parquet_read_open(file.fd, others[i], 2, &reader, &err));
    }
    outfile_close(&file);
}

/* Reads all there is; what comes of it is not looked at, but that it ends. */
static void read_all(int fd)
{
    Err err = {.code = OK};
    ParquetReader *reader = NULL;
    bool row = true;
    if (parquet_read_open(fd, COLUMNS, countof(COLUMNS), &reader, &err) != OK) {
        CHECK(err.code == ERR_FORMAT || err.code == ERR_STORAGE || err.code == ERR_TOO_LARGE);
        return;
    }
    while (row && parquet_read_next(reader, &row, &err) == OK)
        ;
    CHECK(!row || err.code == ERR_FORMAT || err.code == ERR_TOO_LARGE);
    parquet_read_close(reader);
}

TEST(parquet_reads_damaged_files_without_harm)
{
    enum { ROUNDS = 3000 };
    OutFile file;
    uint64_t random = 88172645463325252;
    write_rows(&file, 200, 500);
    for (int i = 0; i < ROUNDS; i++) {
        char was = 0, is = 0;
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        off_t at = (off_t) (random % (uint64_t) file.bytes);
        REQUIRE(pread(file.fd, &was, 1, at) == 1);
        is = (char) (was ^ (char) (1 << (random >> 32) % 8));
        REQUIRE(pwrite(file.fd, &is, 1, at) == 1);
        read_all(file.fd);
        REQUIRE(pwrite(file.fd, &was, 1, at) == 1);
    }
    for (int64_t bytes = file.bytes; bytes >= 0; bytes -= 13) {
        REQUIRE(ftruncate(file.fd, bytes) == 0);
        read_all(file.fd);
    }
    outfile_close(&file);
}
