/* join FOLDER [STATIONS] [PARTS] - what joining a day of history takes, which came in so many parts:
 *
 *     rows 51840000 part_kb 81234 day_kb 62345 seconds 71.2 user_seconds 66 peak_kb 61234
 *
 * Made readings: one of each station in each part. By default a hundred times the country, 96 parts. */
#include "base/clock.h"
#include "export/history_merge.h"
#include "export/history_rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SLOT_S = 900 };
#define BEGIN ((UnixSec) 1768867200)

static ErrCode fill_part(HistoryRows *rows, int64_t stations, int64_t part)
{
    for (int64_t i = 0; i < stations; i++) {
        char measure[64], station[32];
        const Reading reading = {
            .time = BEGIN + part * SLOT_S,
            .received = BEGIN + part * SLOT_S + 1204,
            .value = (double) ((i * 7919 + part * part) % 4000) / 1000,
        };
        (void) snprintf(station, sizeof station, "E%06" PRId64, i);
        (void) snprintf(measure, sizeof measure, "%s-level-stage-i-15_min-mASD", station);
        if (!history_rows_add(rows, str_of(measure), str_of(station), &reading, 0x7f3a1b2c,
                              (uint64_t) part + 1))
            return ERR_NO_MEMORY;
    }
    return OK;
}

static ErrCode put_part(const BlobStore *blobs, const char *dir, int64_t stations, int64_t part,
                        Str key, int64_t *ret_bytes, Err *err)
{
    CLEANUP(history_rows_release) HistoryRows rows = history_rows_init();
    OutFile file = {.fd = -1};
    ErrCode rc = fill_part(&rows, stations, part);
    if (rc != OK)
        return err_set(err, rc, "no memory for a part");
    rc = history_rows_sort(&rows, err);
    if (rc == OK)
        rc = outfile_open(dir, NULL, &file, err);
    if (rc == OK)
        rc = history_rows_write(&rows, 0, rows.count, &file, err);
    if (rc == OK) {
        const BlobBody body = outfile_body(&file);
        *ret_bytes += body.bytes;
        rc = blobs->put(blobs->ctx, key, "application/vnd.apache.parquet", NULL, &body, err);
    }
    outfile_close(&file);
    return rc;
}

static ErrCode put_parts(const BlobStore *blobs, const char *dir, int64_t stations, StrList keys,
                         Err *err)
{
    int64_t bytes = 0;
    ErrCode rc = OK;
    for (size_t i = 0; i < keys.count && rc == OK; i++)
        rc = put_part(blobs, dir, stations, (int64_t) i, keys.items[i], &bytes, err);
    if (rc == OK)
        printf("rows %" PRId64 " part_kb %" PRId64, stations * (int64_t) keys.count, bytes >> 10);
    (void) fflush(stdout);
    return rc;
}

static ErrCode join(const BlobStore *blobs, const char *dir, StrList keys, Err *err)
{
    const HistoryMerge merge = {.blobs = blobs, .dir = dir, .memory_bytes = 32 << 20, .keys = keys};
    OutFile file = {.fd = -1};
    struct rusage usage;
    int64_t began_us = clock_elapsed_us();
    ErrCode rc = outfile_open(dir, NULL, &file, err);
    if (rc == OK)
        rc = history_merge(&merge, &file, err);
    (void) getrusage(RUSAGE_SELF, &usage);
    if (rc == OK)
        printf(" day_kb %" PRId64 " seconds %.1f user_seconds %ld peak_kb %ld\n", file.bytes >> 10,
               (double) (clock_elapsed_us() - began_us) / 1e6, usage.ru_utime.tv_sec,
               usage.ru_maxrss);
    outfile_close(&file);
    return rc;
}

/* Parts are made in a process of their own, or its memory would count. */
static ErrCode run(const char *dir, int64_t stations, StrList keys, Err *err)
{
    BlobStore blobs;
    int status = -1;
    ErrCode rc = blob_dir_open(dir, &blobs, err);
    if (rc != OK)
        return rc;
    pid_t pid = fork();
    if (pid == 0) {
        rc = put_parts(&blobs, dir, stations, keys, err);
        if (rc != OK)
            fprintf(stderr, "join: %s\n", err->text);
        _exit(rc == OK ? 0 : 1);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
        rc = err_set(err, ERR_STORAGE, "the parts could not be made");
    if (rc == OK)
        rc = join(&blobs, dir, keys, err);
    for (size_t i = 0; i < keys.count; i++) {
        Err untold;
        (void) blobs.remove(blobs.ctx, keys.items[i], &untold);
    }
    blob_store_close(&blobs);
    return rc;
}

int main(int argc, char **argv)
{
    CLEANUP(arena_release) Arena arena = arena_init();
    Err err = {.code = OK};
    StrList keys = {.count = 0};
    int64_t stations = 540000, parts = 96;
    if (argc < 2 || (argc > 2 && !str_to_int(str_of(argv[2]), &stations)) ||
        (argc > 3 && !str_to_int(str_of(argv[3]), &parts))) {
        fprintf(stderr, "usage: join FOLDER [STATIONS] [PARTS]\n");
        return 2;
    }
    for (int64_t i = 0; i < parts; i++) {
        char name[32];
        Str key;
        (void) snprintf(name, sizeof name, "%06" PRId64 ".parquet", i);
        if (!arena_copy(&arena, str_of(name), &key) || !str_list_add(&arena, &keys, key))
            return 1;
    }
    if (run(argv[1], stations, keys, &err) == OK)
        return 0;
    fprintf(stderr, "join: %s\n", err.text);
    return 1;
}
