#include "store/lookup.h"

#include "base/array.h"

#include <stdlib.h>
#include <string.h>

/* ---- stations found -------------------------------------------------------------------------- */

void station_refs_release(StationRefs *refs)
{
    free(refs->items);
    *refs = (StationRefs){.items = NULL};
}

static bool add_ref(StationRefs *refs, int64_t key, Str id, Arena *arena)
{
    StationRef ref = {.key = key};
    if (!array_room(&refs->items, refs->count, &refs->cap, sizeof ref) ||
        !arena_copy(arena, id, &ref.id))
        return false;
    refs->items[refs->count++] = ref;
    return true;
}

static int by_id(const void *a, const void *b)
{
    return str_cmp(((const StationRef *) a)->id, ((const StationRef *) b)->id);
}

static void sort_refs(StationRefs *refs)
{
    if (refs->count < 2)
        return;
    qsort(refs->items, refs->count, sizeof *refs->items, by_id);
    size_t kept = 1;
    for (size_t i = 1; i < refs->count; i++)
        if (refs->items[i].key != refs->items[kept - 1].key)
            refs->items[kept++] = refs->items[i];
    refs->count = kept;
}

static ErrCode ids_of(const StationRefs *refs, Arena *arena, StrList *ret_ids, Err *err)
{
    StrList ids = {.items = arena_alloc(arena, (refs->count + 1) * sizeof(Str))};
    if (ids.items == NULL)
        return err_set(err, ERR_NO_MEMORY, "no memory for %zu station ids", refs->count);
    for (size_t i = 0; i < refs->count; i++)
        ids.items[ids.count++] = refs->items[i].id;
    *ret_ids = ids;
    return OK;
}

/* Adds what `st`, bound, gives: rows of key and id. */
static ErrCode add_rows(Snapshot *snap, sqlite3_stmt *st, Arena *arena, StationRefs *refs, Err *err)
{
    for (;;) {
        bool row = false;
        ErrCode rc = sql_step(&snap->db, st, &row, err);
        if (rc != OK || !row)
            return rc;
        if (!add_ref(refs, sql_int(st, 0), sql_str(st, 1), arena))
            return err_set(err, ERR_NO_MEMORY, "no memory for the stations found");
    }
}

/* ---- keys ------------------------------------------------------------------------------------ */

static ErrCode add_by_id(Snapshot *snap, int statement, Str id, Arena *arena, StationRefs *refs,
                         Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(&snap->db, statement);
    sql_bind_str(st, 1, id);
    return add_rows(snap, st, arena, refs, err);
}

static ErrCode add_by_alias(Snapshot *snap, AliasKind kind, Str value, Arena *arena,
                            StationRefs *refs, Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(&snap->db, READ_STATION_BY_ALIAS);
    sql_bind_int(st, 1, kind);
    sql_bind_str(st, 2, value);
    return add_rows(snap, st, arena, refs, err);
}

/* Id, reference, WISKI id, RLOI id: the first level with a hit decides. */
static ErrCode add_by_key(Snapshot *snap, Str key, Arena *arena, StationRefs *refs,
                          bool *ret_by_other_key, Err *err)
{
    size_t before = refs->count;
    ErrCode rc = add_by_id(snap, READ_STATION_BY_ID, key, arena, refs, err);
    *ret_by_other_key = rc == OK && refs->count == before;
    for (int kind = 0; kind < ALIAS_KIND_COUNT && rc == OK && refs->count == before; kind++)
        rc = add_by_alias(snap, (AliasKind) kind, key, arena, refs, err);
    return rc;
}

/* ---- near ids -------------------------------------------------------------------------------- */

enum { NEAR_MAX = 5 };

typedef struct Near {
    Str key;
    struct {
        Str id;
        size_t distance;
    } best[NEAR_MAX]; /* nearest first; of equals the first by id */
    size_t count;
} Near;

/* A quarter of the key may be wrong, or its end missing. */
static bool is_near(const Near *near, Str id, size_t *ret_distance)
{
    size_t most = 2 + near->key.len / 4;
    *ret_distance = str_distance(near->key, id);
    return *ret_distance <= most || (near->key.len > 0 && str_starts(id, near->key));
}

static bool consider(Near *near, Str id, Arena *arena)
{
    size_t distance = 0, at = near->count;
    if (!is_near(near, id, &distance))
        return true;
    for (size_t i = 0; i < near->count; i++)
        if (str_eq(near->best[i].id, id))
            return true;
    while (at > 0 &&
           (near->best[at - 1].distance > distance ||
            (near->best[at - 1].distance == distance && str_cmp(near->best[at - 1].id, id) > 0)))
        at--;
    if (at == NEAR_MAX)
        return true;
    if (near->count < NEAR_MAX)
        near->count++;
    memmove(&near->best[at + 1], &near->best[at], (near->count - 1 - at) * sizeof near->best[0]);
    near->best[at].distance = distance;
    return arena_copy(arena, id, &near->best[at].id);
}

static ErrCode consider_rows(Snapshot *snap, int statement, Str from, Near *near, Arena *arena,
                             Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(&snap->db, statement);
    sql_bind_str(st, 1, from);
    for (;;) {
        bool row = false;
        ErrCode rc = sql_step(&snap->db, st, &row, err);
        if (rc != OK || !row)
            return rc;
        if (!consider(near, sql_str(st, 0), arena))
            return err_set(err, ERR_NO_MEMORY, "no memory for near ids");
    }
}

/* The neighbours of the key in the order of ids, and of the key in capitals, which most ids are: so
 * the work of a miss does not grow with the store. */
static ErrCode find_near(Snapshot *snap, int from, int before, Str key, Arena *arena,
                         StrList *ret_near, Err *err)
{
    Near near = {.key = key};
    Str capitals = STR_NONE;
    if (!arena_copy(arena, key, &capitals))
        return err_set(err, ERR_NO_MEMORY, "no memory for near ids");
    for (char *c = (char *) (uintptr_t) capitals.ptr; c < capitals.ptr + capitals.len; c++)
        if (*c >= 'a' && *c <= 'z')
            *c = (char) (*c - 'a' + 'A');

    const Str probes[] = {key, capitals};
    ErrCode rc = OK;
    for (size_t i = 0; i < countof(probes) && rc == OK; i++) {
        rc = consider_rows(snap, from, probes[i], &near, arena, err);
        if (rc == OK)
            rc = consider_rows(snap, before, probes[i], &near, arena, err);
    }
    if (rc != OK)
        return rc;
    StrList list = {.items = arena_alloc(arena, NEAR_MAX * sizeof(Str))};
    if (list.items == NULL)
        return err_set(err, ERR_NO_MEMORY, "no memory for near ids");
    while (list.count < near.count) {
        list.items[list.count] = near.best[list.count].id;
        list.count++;
    }
    *ret_near = list;
    return OK;
}

/* ---- what is asked --------------------------------------------------------------------------- */

ErrCode snapshot_resolve_station(Snapshot *snap, Str key, Arena *arena, StationKey *ret_key,
                                 Err *err)
{
    CLEANUP(station_refs_release) StationRefs refs = {.items = NULL};
    StationKey found = {.id = STR_NONE};
    ErrCode rc = add_by_key(snap, key, arena, &refs, &found.by_other_key, err);
    if (rc != OK)
        return rc;
    sort_refs(&refs);
    if (refs.count == 1) {
        found.id = refs.items[0].id;
        *ret_key = found;
        return OK;
    }
    found.ambiguous = refs.count > 1;
    rc = found.ambiguous ? ids_of(&refs, arena, &found.candidates, err)
                         : find_near(snap, READ_STATION_IDS_FROM, READ_STATION_IDS_BEFORE, key,
                                     arena, &found.candidates, err);
    if (rc != OK)
        return rc;
    *ret_key = found;
    return found.ambiguous
               ? err_set(err, ERR_NOT_FOUND, "'" STR_FMT "' is a key of %zu stations", STR_ARG(key),
                         refs.count)
               : err_set(err, ERR_NOT_FOUND, "there is no station '" STR_FMT "'", STR_ARG(key));
}

ErrCode snapshot_find_measure(Snapshot *snap, Str id, Arena *arena, StrList *ret_near, Err *err)
{
    CLEANUP(station_refs_release) StationRefs refs = {.items = NULL};
    ErrCode rc = add_by_id(snap, READ_MEASURE_STATION, id, arena, &refs, err);
    if (rc != OK || refs.count > 0)
        return rc;
    StrList near = {.items = NULL};
    if (ret_near != NULL) {
        rc = find_near(snap, READ_MEASURE_IDS_FROM, READ_MEASURE_IDS_BEFORE, id, arena, &near, err);
        if (rc != OK)
            return rc;
        *ret_near = near;
    }
    return err_set(err, ERR_NOT_FOUND, "there is no measure '" STR_FMT "'", STR_ARG(id));
}

static ErrCode add_by_measures(Snapshot *snap, const StrList *ids, Arena *arena, StationRefs *refs,
                               Err *err)
{
    ErrCode rc = OK;
    for (size_t i = 0; i < ids->count && rc == OK; i++)
        rc = add_by_id(snap, READ_MEASURE_STATION, ids->items[i], arena, refs, err);
    return rc;
}

static ErrCode add_by_aliases(Snapshot *snap, AliasKind kind, const StrList *values, Arena *arena,
                              StationRefs *refs, Err *err)
{
    ErrCode rc = OK;
    for (size_t i = 0; i < values->count && rc == OK; i++)
        rc = add_by_alias(snap, kind, values->items[i], arena, refs, err);
    return rc;
}

/* A key of several stations means all of them here: a filter is no address. */
static ErrCode add_by_keys(Snapshot *snap, const StrList *keys, Arena *arena, StationRefs *refs,
                           Err *err)
{
    ErrCode rc = OK;
    bool by_other_key = false;
    for (size_t i = 0; i < keys->count && rc == OK; i++)
        rc = add_by_key(snap, keys->items[i], arena, refs, &by_other_key, err);
    return rc;
}

ErrCode lookup_candidates(Snapshot *snap, const Filter *filter, Arena *arena, Filter *ret_filter,
                          bool *ret_all, StationRefs *refs, Err *err)
{
    ErrCode rc = OK;
    *ret_filter = *filter;
    *ret_all = false;
    if (filter->station.count > 0) {
        rc = add_by_keys(snap, &filter->station, arena, refs, err);
        sort_refs(refs);
        if (rc == OK)
            rc = ids_of(refs, arena, &ret_filter->station, err);
        if (rc != OK || refs->count == 0) /* no such station: nothing passes */
            return rc;
    }
    if (filter->measure.count > 0) { /* fewer than any other list gives */
        refs->count = 0;
        rc = add_by_measures(snap, &filter->measure, arena, refs, err);
    } else if (filter->station.count > 0) {
        return OK;
    } else if (filter->reference.count > 0) {
        rc = add_by_aliases(snap, ALIAS_REFERENCE, &filter->reference, arena, refs, err);
    } else if (filter->wiski_id.count > 0) {
        rc = add_by_aliases(snap, ALIAS_WISKI, &filter->wiski_id, arena, refs, err);
    } else if (filter->rloi_id.count > 0) {
        rc = add_by_aliases(snap, ALIAS_RLOI, &filter->rloi_id, arena, refs, err);
    } else {
        *ret_all = true;
    }
    sort_refs(refs);
    return rc;
}
