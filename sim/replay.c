/* sim/replay.c - reads a folder of recorded answers: which files, by their names, and when they
 * were. */
#include "base/array.h"
#include "base/json.h"
#include "sim/load.h"
#include "sim/simtime.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { FILE_MAX_BYTES = 1 << 30 };

/* ---- files ----------------------------------------------------------------------------------- */

/* zlib tells plain from gzipped. */
ErrCode recorded_read_file(const char *path, Buf *file, Err *err)
{
    enum { BLOCK = 256 * 1024 };
    gzFile from = gzopen(path, "rb");
    if (from == NULL)
        return err_set(err, ERR_NOT_FOUND, "cannot read %s: %s", path, strerror(errno));
    int got;
    do {
        char *to = buf_reserve(file, BLOCK);
        got = to != NULL ? gzread(from, to, BLOCK) : -1;
        if (got > 0)
            buf_grew(file, (size_t) got);
    } while (got > 0);
    if (gzclose(from) != Z_OK || got < 0)
        return err_set(err, ERR_FORMAT, "%s is damaged", path);
    return OK;
}

ErrCode recorded_add_file(Recorded *recorded, Buf **ret_file, Err *err)
{
    if (!array_room(&recorded->files, recorded->file_count, &recorded->file_cap,
                    sizeof *recorded->files))
        return err_set(err, ERR_NO_MEMORY, "no memory for recorded answers");
    recorded->files[recorded->file_count] = buf_init(FILE_MAX_BYTES);
    *ret_file = &recorded->files[recorded->file_count++];
    return OK;
}

/* The whole text: a value that ends early would be found out by nobody later. */
static bool is_whole(Str json)
{
    JsonWalk walk = json_walk(json);
    Str key, value;
    while (json_next(&walk, &key, &value))
        continue;
    return !walk.broken;
}

static ErrCode load_file(World *world, const char *folder, const char *name, LoadFn *load, Err *err)
{
    Recorded *recorded = world->own;
    char path[1024];
    (void) snprintf(path, sizeof path, "%s/%s", folder, name);
    Buf *file = NULL;
    ErrCode rc = recorded_add_file(recorded, &file, err);
    if (rc == OK)
        rc = recorded_read_file(path, file, err);
    if (rc != OK)
        return rc;
    Str text = buf_view(file);
    Loading loading = {.world = world, .recorded = recorded, .name = name};
    if (!is_whole(text) || !json_member(text, STR("items"), &loading.items))
        return err_set(err, ERR_FORMAT, "%s is no answer with items", path);
    return load(&loading, err);
}

/* From where a name tells its date: two recordings of one question differ there only. */
static const char *date_in(const char *name)
{
    const char *date = strstr(name, "-20");
    return date != NULL ? date : name + strlen(name);
}

/* Oldest first, so that what is loaded later is newer. */
static int compare_dates(const struct dirent **a, const struct dirent **b)
{
    int order = strcmp(date_in((*a)->d_name), date_in((*b)->d_name));
    return order != 0 ? order : strcmp((*a)->d_name, (*b)->d_name);
}

/* Of several recordings of one question the newest is taken. */
static bool is_superseded(struct dirent *const *names, int count, int i)
{
    size_t len = (size_t) (date_in(names[i]->d_name) - names[i]->d_name);
    for (int k = i + 1; k < count; k++)
        if ((size_t) (date_in(names[k]->d_name) - names[k]->d_name) == len &&
            strncmp(names[i]->d_name, names[k]->d_name, len) == 0)
            return true;
    return false;
}

/* What must be there, in this order. */
static const struct {
    const char *begin, *or_begin; /* of the name; the second where no file begins with the first */
    LoadFn *load;
} LISTS[] = {
    {"stations-all", "stations", load_stations},
    {"measures-all", "measures", load_measures},
};

static const struct {
    const char *begin, *part; /* of the name; part NULL: any */
    LoadFn *load;
} EXTRAS[] = {
    {"stations-coastal", "full-view", load_coastal},
    {"stations-level-stage", "full-view", load_scales},
    {"stations-type-", NULL, load_types},
    {"station-single-", NULL, load_single_station},
    {"measure-single-", NULL, load_single_measure},
    {"reading-single-", NULL, load_readings},
    {"readings-", NULL, load_readings},
    {"station-readings-", NULL, load_readings},
};

static bool is_meant(const char *name, const char *begin, const char *part)
{
    bool is_json = str_ends(str_of(name), STR(".json")) || str_ends(str_of(name), STR(".json.gz"));
    return is_json && str_starts(str_of(name), str_of(begin)) &&
           (part == NULL || strstr(name, part) != NULL);
}

/* The only list of a folder may have any name, unless that says it is a part. */
static bool is_whole_list(const char *name)
{
    return strstr(name, "-type-") == NULL && strstr(name, "full-view") == NULL;
}

static ErrCode load_list(World *world, const char *folder, size_t row, struct dirent *const *names,
                         int count, Err *err)
{
    const char *const begins[] = {LISTS[row].begin, LISTS[row].or_begin};
    for (size_t k = 0; k < countof(begins); k++)
        for (int i = 0; i < count; i++)
            if (is_meant(names[i]->d_name, begins[k], NULL) && is_whole_list(names[i]->d_name) &&
                !is_superseded(names, count, i))
                return load_file(world, folder, names[i]->d_name, LISTS[row].load, err);
    return err_set(err, ERR_NOT_FOUND, "no %s*.json or .json.gz in %s", LISTS[row].or_begin,
                   folder);
}

static ErrCode load_extra(World *world, const char *folder, const char *name, Err *err)
{
    for (size_t row = 0; row < countof(EXTRAS); row++)
        if (is_meant(name, EXTRAS[row].begin, EXTRAS[row].part))
            return load_file(world, folder, name, EXTRAS[row].load, err);
    return OK;
}

static ErrCode load_folder(World *world, const char *folder, Err *err)
{
    struct dirent **names;
    int count = scandir(folder, &names, NULL, compare_dates);
    if (count < 0)
        return err_set(err, ERR_NOT_FOUND, "cannot read folder %s: %s", folder, strerror(errno));
    ErrCode rc = OK;
    for (size_t row = 0; rc == OK && row < countof(LISTS); row++)
        rc = load_list(world, folder, row, names, count, err);
    for (int i = 0; rc == OK && i < count; i++)
        if (!is_superseded(names, count, i))
            rc = load_extra(world, folder, names[i]->d_name, err);
    for (int i = 0; i < count; i++)
        free(names[i]);
    free(names);
    return rc;
}

/* ---- ordering and shifting ------------------------------------------------------------------- */

static int compare_readings(const void *a, const void *b)
{
    const RecordedReading *x = a, *y = b;
    if (x->measure != y->measure)
        return x->measure < y->measure ? -1 : 1;
    if (x->time != y->time)
        return x->time < y->time ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

void recorded_order_readings(World *world)
{
    Recorded *recorded = world->own;
    size_t kept = 0;
    if (recorded->reading_count > 0)
        qsort(recorded->readings, recorded->reading_count, sizeof *recorded->readings,
              compare_readings);
    for (size_t i = 0; i < recorded->reading_count; i++) {
        RecordedReading reading = recorded->readings[i];
        const RecordedReading *last = kept > 0 ? &recorded->readings[kept - 1] : NULL;
        reading.time += recorded->shift_s;
        if (last != NULL && last->measure == reading.measure && last->time == reading.time)
            continue;
        recorded->readings[kept++] = reading;
    }
    recorded->reading_count = kept;
    for (size_t i = kept; i > 0; i--) {
        RecordedMeasure *measure = &recorded->measures[recorded->readings[i - 1].measure];
        measure->first = i - 1;
        measure->count++;
    }
    world->seen_from_start =
        recorded->newest == NO_TIME ? NO_TIME : recorded->newest + recorded->shift_s;
}

ErrCode recorded_open(World **ret_world, Err *err)
{
    World *world = calloc(1, sizeof *world);
    Recorded *recorded = calloc(1, sizeof *recorded);
    if (world == NULL || recorded == NULL) {
        free(world);
        free(recorded);
        return err_set(err, ERR_NO_MEMORY, "no memory for recorded answers");
    }
    *world =
        (World){.kind = &RECORDED, .own = recorded, .strings = arena_init(), .is_recorded = true};
    recorded->newest = NO_TIME;
    *ret_world = world;
    return OK;
}

ErrCode world_replay(const char *folder, UnixSec start, World **ret_world, Err *err)
{
    enum { NEWEST_AGE_MIN_S = 18 * 60, QUARTER_S = 900 };
    World *world = NULL;
    ErrCode rc = recorded_open(&world, err);
    if (rc != OK)
        return rc;
    rc = load_folder(world, folder, err);
    if (rc != OK) {
        world_close(world);
        return rc;
    }
    assert(world != NULL); /* it was opened */
    Recorded *recorded = world->own;
    if (recorded->newest != NO_TIME)
        recorded->shift_s = floor_to(start - NEWEST_AGE_MIN_S - recorded->newest, QUARTER_S);
    recorded_order_readings(world);
    *ret_world = world;
    return OK;
}
