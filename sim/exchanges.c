#include "sim/exchanges.h"

#include "base/array.h"
#include "base/clock.h"
#include "sim/load.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX_BYTES = 1 << 30, NOT_MODIFIED = 304 };

typedef struct Entry {
    GivenAnswer given;
    Buf file;
} Entry;

struct Exchanges {
    Entry *entries; /* in the order of their numbers */
    size_t count, cap;
};

void exchanges_close(Exchanges *exchanges)
{
    if (exchanges == NULL)
        return;
    for (size_t i = 0; i < exchanges->count; i++)
        buf_release(&exchanges->entries[i].file);
    free(exchanges->entries);
    free(exchanges);
}

/* ---- reading --------------------------------------------------------------------------------- */

static int is_numbered(const struct dirent *entry)
{
    Str name = str_of(entry->d_name), number = name, rest;
    int64_t ignored;
    if (!str_cut(name, '.', &number, &rest) || !str_to_int(number, &ignored))
        return 0;
    return str_eq(rest, STR("json")) || str_eq(rest, STR("json.gz")) ? 1 : 0;
}

/* TIME TARGET STATUS, then the body. */
static bool take_apart(Str text, GivenAnswer *ret)
{
    GivenAnswer given = {.body = STR("")};
    Str line = text, when, rest, status_text;
    int64_t status;
    (void) str_cut(text, '\n', &line, &given.body);
    if (!str_cut(line, ' ', &when, &rest) || !str_cut(rest, ' ', &given.target, &status_text) ||
        !clock_parse(when, &given.time) || !str_to_int(status_text, &status) || status < 0 ||
        status > 599 || !str_starts(given.target, STR("/")))
        return false;
    given.status = (unsigned) status;
    given.path = given.target;
    (void) str_cut(given.target, '?', &given.path, &rest);
    *ret = given;
    return true;
}

static ErrCode add_file(Exchanges *exchanges, const char *folder, const char *name, Err *err)
{
    char path[1024];
    (void) snprintf(path, sizeof path, "%s/%s", folder, name);
    if (!array_room(&exchanges->entries, exchanges->count, &exchanges->cap,
                    sizeof *exchanges->entries))
        return err_set(err, ERR_NO_MEMORY, "no memory for recorded answers");
    Entry *entry = &exchanges->entries[exchanges->count++];
    *entry = (Entry){.file = buf_init(FILE_MAX_BYTES)};
    ErrCode rc = recorded_read_file(path, &entry->file, err);
    if (rc != OK)
        return rc;
    if (!take_apart(buf_view(&entry->file), &entry->given))
        return err_set(err, ERR_FORMAT, "%s does not begin with a time, a target and a status",
                       path);
    return OK;
}

static ErrCode load_folder(Exchanges *exchanges, const char *folder, Err *err)
{
    struct dirent **names;
    int count = scandir(folder, &names, is_numbered, alphasort);
    if (count < 0)
        return err_set(err, ERR_NOT_FOUND, "cannot read folder %s: %s", folder, strerror(errno));
    ErrCode rc =
        count > 0 ? OK : err_set(err, ERR_NOT_FOUND, "no numbered .json files in %s", folder);
    for (int i = 0; rc == OK && i < count; i++)
        rc = add_file(exchanges, folder, names[i]->d_name, err);
    for (int i = 0; i < count; i++)
        free(names[i]);
    free(names);
    return rc;
}

ErrCode exchanges_open(const char *folder, Exchanges **ret_exchanges, Err *err)
{
    Exchanges *exchanges = calloc(1, sizeof *exchanges);
    if (exchanges == NULL)
        return err_set(err, ERR_NO_MEMORY, "no memory for recorded answers");
    ErrCode rc = load_folder(exchanges, folder, err);
    if (rc == OK)
        *ret_exchanges = exchanges;
    else
        exchanges_close(exchanges);
    return rc;
}

/* ---- asking ---------------------------------------------------------------------------------- */

UnixSec exchanges_start(const Exchanges *exchanges)
{
    return exchanges->entries[0].given.time;
}

const GivenAnswer *exchanges_find(const Exchanges *exchanges, Str target, UnixSec now)
{
    const GivenAnswer *of_path = NULL;
    Str path = target, ignored;
    (void) str_cut(target, '?', &path, &ignored);
    for (size_t i = exchanges->count; i > 0; i--) {
        const GivenAnswer *given = &exchanges->entries[i - 1].given;
        if (given->time > now || given->status == NOT_MODIFIED)
            continue;
        if (str_eq(given->target, target))
            return given;
        if (of_path == NULL && str_eq(given->path, path))
            of_path = given;
    }
    return of_path;
}
