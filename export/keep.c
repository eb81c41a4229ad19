#include "export/keep.h"

enum { DAY_S = 86400, UNFINISHED_S = DAY_S };

static int64_t day_of(UnixSec time)
{
    return time / DAY_S; /* of commits, which are not before 1970 */
}

bool keep_generation(UnixSec as_of, UnixSec next_newer, UnixSec now, const ExportOptions *options)
{
    if (next_newer == NO_TIME || as_of > now - options->keep_s)
        return true;
    bool is_last_of_day = day_of(next_newer) > day_of(as_of);
    return is_last_of_day && as_of > now - options->keep_s - options->keep_days * DAY_S;
}

typedef struct Choice {
    const ExportOptions *options;
    UnixSec now, next_newer;
    Arena arena;
    StrList dropped;
    bool no_memory;
} Choice;

/* Newest first. */
static bool choose(Str generation, UnixSec as_of, void *ctx)
{
    Choice *choice = ctx;
    Str copy;
    if (!keep_generation(as_of, choice->next_newer, choice->now, choice->options))
        choice->no_memory = !arena_copy(&choice->arena, generation, &copy) ||
                            !str_list_add(&choice->arena, &choice->dropped, copy);
    choice->next_newer = as_of;
    return !choice->no_memory;
}

typedef struct Keys {
    Arena arena;
    StrList list;
    bool no_memory;
} Keys;

static bool add_key(Str key, UNUSED int64_t bytes, UNUSED UnixSec modified, void *ctx)
{
    Keys *keys = ctx;
    Str copy;
    keys->no_memory =
        !arena_copy(&keys->arena, key, &copy) || !str_list_add(&keys->arena, &keys->list, copy);
    return !keys->no_memory;
}

ErrCode keep_remove(const BlobStore *blobs, Str shard, Str generation, Err *err)
{
    CLEANUP(buf_release) Buf key = buf_init(1024);
    Keys keys = {.arena = arena_init()};
    key_of_generation(&key, shard, generation, "manifest.json");
    ErrCode rc = blobs->remove(blobs->ctx, buf_view(&key), err);
    key_of_generation(&key, shard, generation, "");
    if (rc == OK)
        rc = blobs->list(blobs->ctx, buf_view(&key), add_key, &keys, err);
    if (rc == OK && keys.no_memory)
        rc = err_set(err, ERR_NO_MEMORY, "export: no memory for keys");
    for (size_t i = 0; i < keys.list.count && rc == OK; i++)
        rc = blobs->remove(blobs->ctx, keys.list.items[i], err);
    arena_release(&keys.arena);
    return rc;
}

/* gen/<shard>/..., and what <shard> begins the name of under history/ and latest/ (export/manifest.h). */
static bool is_ours(Str key, void *ctx)
{
    const Str *shard = ctx;
    Str folder, rest, name = str_after_last(key, '/');
    if (!str_cut(key, '/', &folder, &rest))
        return false;
    if (str_eq(folder, STR("gen")))
        return str_cut(rest, '/', &name, &rest) && str_eq(name, *shard);
    return (str_eq(folder, STR("history")) || str_eq(folder, STR("latest"))) &&
           str_starts(name, *shard) && name.len > shard->len &&
           (name.ptr[shard->len] == '-' || name.ptr[shard->len] == '.');
}

ErrCode keep_sweep(const BlobStore *blobs, Str shard, UnixSec now, int *ret_count, Err *err)
{
    return blobs->sweep(blobs->ctx, now - UNFINISHED_S, is_ours, &shard, ret_count, err);
}

ErrCode keep_apply(Exports *exports, const BlobStore *blobs, const ExportOptions *options,
                   UnixSec now, Err *err)
{
    Choice choice = {.options = options, .now = now, .next_newer = NO_TIME, .arena = arena_init()};
    ErrCode rc = exports_each(exports, choose, &choice, err);
    if (rc == OK && choice.no_memory)
        rc = err_set(err, ERR_NO_MEMORY, "export: no memory for what is kept no longer");
    for (size_t i = 0; i < choice.dropped.count && rc == OK; i++) {
        Str generation = choice.dropped.items[i];
        rc = keep_remove(blobs, str_of(options->object.shard), generation, err);
        if (rc == OK)
            rc = exports_drop(exports, generation, err);
    }
    arena_release(&choice.arena);
    return rc;
}
