/* parquet FILE [ROWS] - how long our writer takes for a table of readings, and how large it becomes:
 *
 *     rows 1000000 seconds 0.81 bytes_a_row 1.92 peak_kb 41234
 *
 * Made readings: 96 of each measure, levels that wander by millimetres, one received time a poll. */
#include "base/clock.h"
#include "export/tables.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum { SLOTS = 96, SLOT_S = 900 };
#define BEGIN ((UnixSec) 1768867200)

static uint64_t draw(uint64_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return *random;
}

static ErrCode add_rows(ParquetWriter *writer, int64_t rows, Err *err)
{
    uint64_t random = 88172645463325252;
    int64_t level_mm = 0;
    ErrCode rc = OK;
    for (int64_t i = 0; i < rows && rc == OK; i++) {
        char measure[64], station[32], generation[32];
        int64_t slot = i % SLOTS;
        if (slot == 0)
            level_mm = (int64_t) (draw(&random) % 4000);
        level_mm += (int64_t) (draw(&random) % 7) - 3;
        (void) snprintf(station, sizeof station, "E%05lld", (long long) (i / SLOTS));
        (void) snprintf(measure, sizeof measure, "%s-level-stage-i-15_min-mASD", station);
        (void) snprintf(generation, sizeof generation, "7f3a1b2c-%lld", (long long) slot + 1);
        const TableReading reading = {
            .measure_id = str_of(measure),
            .station_id = str_of(station),
            .time = BEGIN + slot * SLOT_S,
            .received = BEGIN + slot * SLOT_S + 1204,
            .value = (double) level_mm / 1000,
            .generation = str_of(generation),
        };
        rc = table_add_reading(writer, &reading, err);
    }
    return rc;
}

static ErrCode write_table(OutFile *file, int64_t rows, Err *err)
{
    ParquetWriter *writer = NULL;
    ErrCode rc = parquet_begin(READINGS_TABLE.columns, READINGS_TABLE.column_count,
                               PARQUET_GROUP_ROWS, file, &writer, err);
    if (rc == OK)
        rc = add_rows(writer, rows, err);
    if (rc == OK)
        rc = parquet_end(writer, err);
    parquet_close(writer);
    return rc;
}

int main(int argc, char **argv)
{
    Err err = {.code = OK};
    OutFile file = {.sha = sha256_new()};
    int64_t rows = 1000000;
    if (argc < 2 || (argc > 2 && !str_to_int(str_of(argv[2]), &rows))) {
        fprintf(stderr, "usage: parquet FILE [ROWS]\n");
        return 2;
    }
    file.fd = open(argv[1], O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0644);
    int64_t began_us = clock_elapsed_us();
    if (file.fd < 0 || file.sha == NULL || write_table(&file, rows, &err) != OK) {
        fprintf(stderr, "parquet: %s: %s\n", argv[1], err.text);
        return 1;
    }
    double seconds = (double) (clock_elapsed_us() - began_us) / 1e6;
    struct rusage usage;
    (void) getrusage(RUSAGE_SELF, &usage);
    printf("rows %lld seconds %.2f bytes_a_row %.2f peak_kb %ld\n", (long long) rows, seconds,
           (double) file.bytes / (double) rows, usage.ru_maxrss);
    outfile_close(&file);
    return 0;
}
