#include "ingest/recorder.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/compress.h"
#include "base/log.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NUMBER_MAX = 999999 }; /* six digits: names are in the order of numbers */

struct Recorder {
    int64_t max_bytes, bytes; /* of the files in the folder */
    int64_t number;           /* of the last */
    bool has_ended;           /* it is full, or failed: said in the log */
    char folder[];
};

static bool is_numbered(Str name, int64_t *ret_number)
{
    Str number, rest;
    return str_cut(name, '.', &number, &rest) && str_to_int(number, ret_number);
}

/* The files of earlier runs. */
static ErrCode count_files(Recorder *recorder, Err *err)
{
    DIR *folder = opendir(recorder->folder);
    if (folder == NULL)
        return err_set(err, ERR_STORAGE, "record folder %s: %s", recorder->folder, strerror(errno));
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        struct stat file;
        int64_t number = 0;
        if (!is_numbered(str_of(entry->d_name), &number) ||
            fstatat(dirfd(folder), entry->d_name, &file, 0) != 0)
            continue;
        recorder->bytes += file.st_size;
        if (number > recorder->number)
            recorder->number = number;
    }
    (void) closedir(folder);
    return OK;
}

ErrCode recorder_open(const char *folder, int64_t max_bytes, Recorder **ret, Err *err)
{
    size_t size = strlen(folder) + 1;
    Recorder *recorder = calloc(1, sizeof *recorder + size);
    if (recorder == NULL)
        return err_set(err, ERR_NO_MEMORY, "no memory for a recorder");
    recorder->max_bytes = max_bytes;
    memcpy(recorder->folder, folder, size);
    ErrCode rc = OK;
    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        rc = err_set(err, ERR_STORAGE, "record folder %s: %s", folder, strerror(errno));
    if (rc == OK)
        rc = count_files(recorder, err);
    if (rc != OK) {
        recorder_close(recorder);
        return rc;
    }
    *ret = recorder;
    return OK;
}

void recorder_close(Recorder *recorder)
{
    free(recorder);
}

/* Whole under its name, or not at all: a reader may look while we write. */
static ErrCode write_file(const Recorder *recorder, Str bytes, Err *err)
{
    char part[4096], path[4096];
    int len = snprintf(part, sizeof part, "%s/%06lld.json.gz.part", recorder->folder,
                       (long long) recorder->number + 1);
    if (len < 0 || (size_t) len >= sizeof part)
        return err_set(err, ERR_STORAGE, "the folder's name is too long");
    (void) snprintf(path, sizeof path, "%.*s", len - (int) strlen(".part"), part);
    FILE *file = fopen(part, "we");
    if (file == NULL)
        return err_set(err, ERR_STORAGE, "%s: %s", part, strerror(errno));
    bool ok = fwrite(bytes.ptr, 1, bytes.len, file) == bytes.len;
    ok = fclose(file) == 0 && ok && rename(part, path) == 0;
    if (ok)
        return OK;
    ErrCode rc = err_set(err, ERR_STORAGE, "%s: %s", part, strerror(errno));
    (void) unlink(part);
    return rc;
}

static ErrCode put(Recorder *recorder, Str exchange, Err *err)
{
    CLEANUP(buf_release) Buf packed = buf_init(exchange.len + 4096);
    ErrCode rc = compress_gzip(exchange, &packed, err);
    if (rc != OK)
        return rc;
    if (recorder->bytes + (int64_t) packed.len > recorder->max_bytes ||
        recorder->number >= NUMBER_MAX)
        return err_set(err, ERR_TOO_LARGE, "the record is full");
    rc = write_file(recorder, buf_view(&packed), err);
    if (rc != OK)
        return rc;
    recorder->number++;
    recorder->bytes += (int64_t) packed.len;
    return OK;
}

void recorder_put(Recorder *recorder, UnixSec asked, Str target, long status, Str body)
{
    char time[CLOCK_TEXT_SIZE];
    Err err = {.code = OK};
    if (recorder->has_ended)
        return;
    CLEANUP(buf_release) Buf exchange = buf_init(body.len + target.len + 4096);
    clock_format(asked, time);
    buf_printf(&exchange, "%s " STR_FMT " %ld\n", time, STR_ARG(target), status);
    buf_put_str(&exchange, body);
    ErrCode rc = buf_check(&exchange, &err);
    if (rc == OK)
        rc = put(recorder, buf_view(&exchange), &err);
    if (rc == OK)
        return;
    recorder->has_ended = true;
    log_warn("ingest recording ended folder=" LOG_TEXT " bytes=%lld error=" LOG_TEXT,
             recorder->folder, (long long) recorder->bytes, err.text);
}
