#include "export/adopt.h"

#include "base/log.h"
#include "export/keep.h"
#include "model/change.h"

#include <string.h>

/* What lies under gen/<shard>/<tag>/. */
typedef struct Found {
    Str tag;
    UnixSec modified; /* of the newest of its objects; of one with a manifest, of that */
    bool complete, known;
} Found;

typedef struct Place {
    Str prefix; /* gen/<shard>/ */
    Arena arena;
    Found *items; /* the arena's; in the order of their keys */
    size_t count;
    bool no_memory;
} Place;

/* ---- what there is ----------------------------------------------------------------------------- */

static Found *add_found(Place *place, Str tag)
{
    Found found = {.modified = NO_TIME};
    if (!arena_room(&place->arena, &place->items, place->count, sizeof found) ||
        !arena_copy(&place->arena, tag, &found.tag))
        return NULL;
    place->items[place->count++] = found;
    return &place->items[place->count - 1];
}

static bool is_tag(Str text)
{
    ChangeCursor cursor;
    return change_cursor_parse(text, &cursor) && cursor.taken == 0;
}

/* Keys come in order, and so a generation's one behind the other. What is no generation's is left alone. */
static bool take_key(Str key, UNUSED int64_t bytes, UnixSec modified, void *ctx)
{
    Place *place = ctx;
    Str tag, file, rest = {key.ptr + place->prefix.len, key.len - place->prefix.len};
    if (!str_cut(rest, '/', &tag, &file) || !is_tag(tag))
        return true;
    Found *found = place->count > 0 ? &place->items[place->count - 1] : NULL;
    if (found == NULL || !str_eq(found->tag, tag))
        found = add_found(place, tag);
    place->no_memory = found == NULL;
    if (found == NULL)
        return false;
    bool is_manifest = str_eq(file, STR("manifest.json"));
    if (is_manifest ||
        (!found->complete && (found->modified == NO_TIME || modified > found->modified)))
        found->modified = modified;
    found->complete = found->complete || is_manifest;
    return true;
}

static bool note_known(Str generation, UNUSED UnixSec as_of, void *ctx)
{
    Place *place = ctx;
    for (size_t i = 0; i < place->count; i++)
        if (str_eq(place->items[i].tag, generation))
            place->items[i].known = true;
    return true;
}

static ErrCode look(Place *place, Exports *exports, const BlobStore *blobs, Err *err)
{
    ErrCode rc = blobs->list(blobs->ctx, place->prefix, take_key, place, err);
    if (rc == OK && place->no_memory)
        rc = err_set(err, ERR_NO_MEMORY, "export: no memory for keys");
    return rc == OK ? exports_each(exports, note_known, place, err) : rc;
}

/* ---- what becomes of it ------------------------------------------------------------------------ */

static ErrCode list_it(const Found *found, Exports *exports, const BlobStore *blobs, Str shard,
                       int *count, Err *err)
{
    CLEANUP(arena_release) Arena arena = arena_init();
    CLEANUP(buf_release) Buf json = buf_init(MANIFEST_MAX_BYTES);
    Manifest manifest;
    ErrCode rc = manifest_get(blobs, shard, found->tag, &json, &arena, &manifest, err);
    if (rc == ERR_FORMAT || rc == ERR_NOT_FOUND || rc == ERR_TOO_LARGE) {
        log_warn("export left alone generation=" STR_FMT " error=" LOG_TEXT, STR_ARG(found->tag),
                 err->text);
        return OK;
    }
    if (rc == OK)
        rc =
            exports_add(exports, found->tag, manifest.as_of, found->modified, buf_view(&json), err);
    *count += rc == OK;
    return rc;
}

static ErrCode judge(const Found *found, Exports *exports, const BlobStore *blobs, Str shard,
                     UnixSec now, int *count, Err *err)
{
    if (found->known)
        return OK;
    if (found->complete)
        return list_it(found, exports, blobs, shard, count, err);
    if (found->modified > now - ADOPT_LEAVES_S)
        return OK;
    log_info("export removes what was never completed generation=" STR_FMT, STR_ARG(found->tag));
    return keep_remove(blobs, shard, found->tag, err);
}

ErrCode adopt_generations(Exports *exports, const BlobStore *blobs, Str shard, UnixSec now,
                          int *ret_count, Err *err)
{
    CLEANUP(buf_release) Buf prefix = buf_init(1024);
    buf_printf(&prefix, "gen/" STR_FMT "/", STR_ARG(shard));
    Place place = {.prefix = buf_view(&prefix), .arena = arena_init()};
    *ret_count = 0;
    ErrCode rc = look(&place, exports, blobs, err);
    for (size_t i = 0; i < place.count && rc == OK; i++)
        rc = judge(&place.items[i], exports, blobs, shard, now, ret_count, err);
    arena_release(&place.arena);
    return rc == OK ? OK : err_context(err, "looking for generations");
}
