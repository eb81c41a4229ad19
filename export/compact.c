#include "export/compact.h"

#include "base/clock.h"
#include "export/history_merge.h"

#include <inttypes.h>

static const char FOLDER[] = "history/readings/dt=";
enum { DATE_LEN = 10, DAY_S = 86400 };

typedef struct Part {
    Str key, date; /* 2026-01-20 */
} Part;

typedef struct Compaction {
    Exports *exports;
    const BlobStore *blobs;
    const ObjectOptions *options;
    UnixSec now;
    Arena arena;
    Part *parts; /* the arena's; in order of their keys, so day by day */
    size_t count;
    bool no_memory;
} Compaction;

/* ---- what there is ----------------------------------------------------------------------------- */

/* Of our shard, and of a day that is long over. */
static bool is_due(const Compaction *compaction, Str key, Str *ret_date)
{
    Str rest = {key.ptr + sizeof FOLDER - 1, key.len - (sizeof FOLDER - 1)}, date, file, shard;
    UnixSec day = 0;
    if (!str_cut(rest, '/', &date, &file) || !str_cut(file, '-', &shard, &rest) ||
        !str_eq(shard, str_of(compaction->options->shard)) || date.len != DATE_LEN ||
        !clock_parse(date, &day))
        return false;
    *ret_date = date;
    return day + DAY_S + COMPACT_AFTER_S <= compaction->now;
}

static bool add_part(Str key, UNUSED int64_t bytes, UNUSED UnixSec modified, void *ctx)
{
    Compaction *compaction = ctx;
    Part part;
    Str date;
    if (!is_due(compaction, key, &date))
        return true;
    compaction->no_memory =
        !arena_room(&compaction->arena, &compaction->parts, compaction->count, sizeof part) ||
        !arena_copy(&compaction->arena, key, &part.key);
    if (compaction->no_memory)
        return false;
    part.date = (Str){part.key.ptr + (date.ptr - key.ptr), date.len};
    compaction->parts[compaction->count++] = part;
    return true;
}

/* What is condemned is in another file already. */
static ErrCode drop_condemned(Compaction *compaction, Err *err)
{
    size_t kept = 0;
    for (size_t i = 0; i < compaction->count; i++) {
        bool is_condemned = false;
        ErrCode rc =
            exports_is_condemned(compaction->exports, compaction->parts[i].key, &is_condemned, err);
        if (rc != OK)
            return rc;
        if (!is_condemned)
            compaction->parts[kept++] = compaction->parts[i];
    }
    compaction->count = kept;
    return OK;
}

static ErrCode list_parts(Compaction *compaction, Err *err)
{
    const BlobStore *blobs = compaction->blobs;
    ErrCode rc = blobs->list(blobs->ctx, str_of(FOLDER), add_part, compaction, err);
    if (rc == OK && compaction->no_memory)
        rc = err_set(err, ERR_NO_MEMORY, "export: no memory for keys");
    return rc == OK ? drop_condemned(compaction, err) : rc;
}

/* ---- one day ----------------------------------------------------------------------------------- */

static ErrCode put_joined(const Compaction *compaction, Str date, OutFile *file, Err *err)
{
    CLEANUP(buf_release) Buf key = buf_init(1024);
    const BlobStore *blobs = compaction->blobs;
    const BlobBody body = outfile_body(file);
    buf_printf(&key, "%s" STR_FMT "/%s-day-%" PRId64 ".parquet", FOLDER, STR_ARG(date),
               compaction->options->shard, compaction->now);
    ErrCode rc = buf_check(&key, err);
    return rc == OK ? blobs->put(blobs->ctx, buf_view(&key), "application/vnd.apache.parquet",
                                 compaction->options->history_class, &body, err)
                    : rc;
}

/* A crash before all are condemned: next time they are joined once more, with the joined file, and
 * what is in both is dropped. */
static ErrCode join(Compaction *compaction, const Part *parts, size_t count, Err *err)
{
    HistoryMerge merge = {.blobs = compaction->blobs,
                          .dir = compaction->options->dir,
                          .until = compaction->options->until,
                          .memory_bytes = compaction->options->merge_bytes};
    OutFile file = {.fd = -1};
    ErrCode rc = OK;
    for (size_t i = 0; i < count && rc == OK; i++)
        if (!str_list_add(&compaction->arena, &merge.keys, parts[i].key))
            rc = err_set(err, ERR_NO_MEMORY, "export: no memory for keys");
    if (rc == OK)
        rc = outfile_open(merge.dir, merge.until, &file, err);
    if (rc == OK)
        rc = history_merge(&merge, &file, err);
    if (rc == OK)
        rc = put_joined(compaction, parts[0].date, &file, err);
    outfile_close(&file);
    for (size_t i = 0; i < count && rc == OK; i++)
        rc = exports_condemn(compaction->exports, parts[i].key, compaction->now, err);
    return rc;
}

static ErrCode join_all(Compaction *compaction, int *ret_days, Err *err)
{
    ErrCode worst = OK;
    for (size_t first = 0, end; first < compaction->count; first = end) {
        const Part *parts = &compaction->parts[first];
        for (end = first + 1; end < compaction->count; end++)
            if (!str_eq(compaction->parts[end].date, parts[0].date))
                break;
        if (end - first == 1)
            continue;
        ErrCode rc = join(compaction, parts, end - first, err);
        if (rc == OK)
            ++*ret_days;
        else
            worst = rc;
        if (rc != OK && rc != ERR_FORMAT)
            break; /* the next day would fare no better */
    }
    return worst;
}

ErrCode compact_days(Exports *exports, const BlobStore *blobs, const ObjectOptions *options,
                     UnixSec now, int *ret_days, Err *err)
{
    Compaction compaction = {
        .exports = exports,
        .blobs = blobs,
        .options = options,
        .now = now,
        .arena = arena_init(),
    };
    *ret_days = 0;
    ErrCode rc = list_parts(&compaction, err);
    if (rc == OK)
        rc = join_all(&compaction, ret_days, err);
    arena_release(&compaction.arena);
    return rc == OK ? OK : err_context(err, "joining days of history");
}

ErrCode compact_remove(Exports *exports, const BlobStore *blobs, UnixSec now, Err *err)
{
    CLEANUP(arena_release) Arena arena = arena_init();
    StrList keys = {.count = 0};
    ErrCode rc = exports_condemned(exports, now - COMPACT_CONDEMNED_S, &arena, &keys, err);
    for (size_t i = 0; i < keys.count && rc == OK; i++) {
        rc = blobs->remove(blobs->ctx, keys.items[i], err);
        if (rc == OK)
            rc = exports_spare(exports, keys.items[i], err);
    }
    return rc;
}
