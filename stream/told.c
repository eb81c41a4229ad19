#include "stream/told.h"

#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_SIZE = 128, PATH_SIZE = 4096 };

static ErrCode fail(const char *path, const char *what, Err *err)
{
    return err_set(err, ERR_STORAGE, "%s of %s: %s", what, path, strerror(errno));
}

/* EPOCH-NUMBER LOG WHOLE */
static bool parse(Str text, Told *ret)
{
    Str epoch, number, log, rest;
    int64_t signed_number = 0;
    if (!str_cut(str_trim(text), '-', &epoch, &rest) || !str_cut(rest, ' ', &number, &rest) ||
        !str_cut(rest, ' ', &log, &rest) || !str_to_int(number, &signed_number))
        return false;
    ret->number = (uint64_t) signed_number;
    return str_to_hex(epoch, &ret->epoch) && str_to_hex(log, &ret->log) &&
           str_to_int(rest, &ret->whole);
}

ErrCode told_read(const char *path, Told *ret_told, Err *err)
{
    char text[TEXT_SIZE];
    Told told = {.whole = NO_TIME};
    FILE *file = fopen(path, "re");
    if (file == NULL && errno != ENOENT)
        return fail(path, "open", err);
    size_t len = file != NULL ? fread(text, 1, sizeof text - 1, file) : 0;
    if (file != NULL)
        (void) fclose(file);
    text[len] = '\0';
    if (!parse((Str){text, len}, &told))
        told = (Told){.whole = NO_TIME};
    *ret_told = told;
    return OK;
}

/* On disk before it has its name, and its name before anybody relies on it. */
static ErrCode write_and_sync(const char *path, const char *text, size_t len, Err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (fd < 0)
        return fail(path, "make", err);
    bool good = write(fd, text, len) == (ssize_t) len && fdatasync(fd) == 0;
    ErrCode rc = good ? OK : fail(path, "write", err);
    (void) close(fd);
    return rc;
}

ErrCode told_write(const char *path, const Told *told, Err *err)
{
    char text[TEXT_SIZE], fresh[PATH_SIZE];
    int len = snprintf(text, sizeof text, "%08" PRIx32 "-%" PRIu64 " %08" PRIx32 " %" PRId64 "\n",
                       told->epoch, told->number, told->log, told->whole);
    if (snprintf(fresh, sizeof fresh, "%s.new", path) >= (int) sizeof fresh)
        return err_set(err, ERR_STORAGE, "%s: too long a path", path);
    ErrCode rc = write_and_sync(fresh, text, (size_t) len, err);
    if (rc == OK && rename(fresh, path) != 0)
        rc = fail(path, "rename", err);
    return rc;
}
