#include "ingest/lookup.h"

#include "base/log.h"
#include "ingest/parse.h"
#include "model/measure_id.h"

#include <stdlib.h>
#include <string.h>

enum {
    ID_MAX_BYTES = 4096,
    FAILURES_MAX =
        3, /* in a row: each may take all of its time, and what is newest waits behind it */
};

Lookup lookup_init(void)
{
    return (Lookup){.last = buf_init(ID_MAX_BYTES)};
}

void lookup_release(Lookup *lookup)
{
    buf_release(&lookup->last);
}

/* ---- what waits ------------------------------------------------------------------------------ */

static int by_text(const void *a, const void *b)
{
    return str_cmp(*(const Str *) a, *(const Str *) b);
}

static bool copy_unknown(const Applied *applied, Arena *arena, StrList *ret)
{
    size_t count = (size_t) applied->unknown_measures;
    Str *ids = arena_alloc(arena, (count + 1) * sizeof *ids);
    for (size_t i = 0; i < count && ids != NULL; i++)
        if (!arena_copy(arena, applied->unknown[i], &ids[i]))
            ids = NULL;
    *ret = (StrList){.items = ids, .count = ids != NULL ? count : 0};
    return ids != NULL;
}

static bool copy_reading(Batch *to, const BatchReading *from)
{
    BatchReading copy = *from;
    size_t bytes = from->candidates.count * sizeof *from->candidates.values;
    double *values = arena_alloc(&to->strings, bytes + 1);
    if (values == NULL ||
        !arena_copy(&to->strings, from->reading.measure_id, &copy.reading.measure_id) ||
        !arena_copy(&to->strings, from->reading.raw, &copy.reading.raw))
        return false;
    if (bytes > 0)
        memcpy(values, from->candidates.values, bytes);
    copy.candidates.values = values;
    return batch_add_reading(to, &copy);
}

static bool is_listed(const StrList *ids, Str id)
{
    return bsearch(&id, ids->items, ids->count, sizeof *ids->items, by_text) != NULL;
}

ErrCode lookup_keep_waiting(Batch *batch, const Applied *applied, StrList *ret_unknown, Err *err)
{
    Batch waiting = batch_init();
    StrList unknown = {.count = 0};
    waiting.shard = batch->shard;
    waiting.is_release = waiting.find_gaps = true;
    bool ok = copy_unknown(applied, &waiting.strings, &unknown);
    for (size_t i = 0; i < batch->reading_count && unknown.count > 0 && ok; i++)
        if (is_listed(&unknown, batch->readings[i].reading.measure_id))
            ok = copy_reading(&waiting, &batch->readings[i]);
    batch_release(batch);
    *batch = waiting;
    *ret_unknown = unknown;
    return ok ? OK : err_set(err, ERR_NO_MEMORY, "no memory for readings of unknown measures");
}

/* ---- looking up ------------------------------------------------------------------------------ */

/* One cycle. */
typedef struct Cycle {
    Upstream *upstream;
    Writer *writer;
    Batch *batch;
    int64_t retry_after_s;
} Cycle;

typedef ErrCode ParseFn(Str json, Batch *batch, Err *err);

/* Errors: ERR_NOT_FOUND (the upstream has none), ERR_BUSY (the budget is spent), and those of a
 * request and of parsing its answer. */
static ErrCode ask(Cycle *cycle, const char *folder, Str id, ParseFn *parse, Err *err)
{
    CLEANUP(buf_release) Buf path = buf_init(3 * ID_MAX_BYTES);
    HttpResult answer;
    buf_printf(&path, "%s/", folder);
    http_put_encoded(&path, id);
    buf_put_char(&path, '\0');
    if (buf_check(&path, err) != OK)
        return err_context(err, "address of a look-up");
    ErrCode rc =
        upstream_fetch_path(cycle->upstream, path.ptr, &answer, &cycle->retry_after_s, err);
    if (rc != OK)
        return rc;
    rc = parse(http_body(&answer), cycle->batch, err);
    http_result_release(&answer);
    return rc;
}

static bool is_in_batch(const Batch *batch, Str station_id)
{
    for (size_t i = 0; i < batch->station_count; i++)
        if (str_eq(batch->stations[i].id, station_id))
            return true;
    return false;
}

/* The station of the empty id cannot be asked for, as its address is the list's. One that the upstream
 * does not know is made bare with its measure. */
static ErrCode look_up_station(Cycle *cycle, Str id, Err *err)
{
    bool is_known = id.len == 0 || is_in_batch(cycle->batch, id);
    ErrCode rc = is_known ? OK : writer_has_station(cycle->writer, id, &is_known, err);
    if (rc != OK || is_known)
        return rc;
    rc = ask(cycle, "/id/stations", id, parse_station, err);
    return rc == ERR_NOT_FOUND ? OK : rc;
}

static ErrCode add_bare_measure(Batch *batch, Str id, Err *err)
{
    Str copy;
    Measure measure;
    if (!arena_copy(&batch->strings, id, &copy))
        return err_set(err, ERR_NO_MEMORY, "no memory for a measure");
    (void) measure_id_read(copy, &measure);
    return batch_add_measure(batch, &measure)
               ? OK
               : err_set(err, ERR_NO_MEMORY, "no memory for a measure");
}

/* A measure is taken with its station or not at all: the station would not be asked for again. */
static ErrCode look_up_measure(Cycle *cycle, Str id, LookupCount *count, Err *err)
{
    Batch *batch = cycle->batch;
    size_t before = batch->measure_count;
    ErrCode rc = ask(cycle, "/id/measures", id, parse_measure, err);
    bool is_bare = rc == ERR_NOT_FOUND;
    if (is_bare)
        rc = add_bare_measure(batch, id, err);
    for (size_t i = before; i < batch->measure_count && rc == OK; i++)
        rc = look_up_station(cycle, batch->measures[i].station_id, err);
    if (rc != OK)
        batch->measure_count = before;
    else
        *(is_bare ? &count->bare : &count->found) += 1;
    return rc;
}

/* What one measure's failure does not end. */
static bool is_its_own(const Cycle *cycle, ErrCode rc)
{
    return cycle->retry_after_s == 0 &&
           (rc == ERR_NETWORK || rc == ERR_UPSTREAM || rc == ERR_FORMAT || rc == ERR_TOO_LARGE);
}

/* The place behind the one asked for last: so that those that always fail keep nobody out. */
static size_t first_place(const Lookup *lookup, const StrList *unknown)
{
    Str last = buf_view(&lookup->last);
    for (size_t i = 0; i < unknown->count; i++)
        if (str_cmp(unknown->items[i], last) > 0)
            return i;
    return 0;
}

static void remember_last(Lookup *lookup, Str id)
{
    buf_clear(&lookup->last);
    buf_put_str(&lookup->last, id);
}

ErrCode lookup_measures(Lookup *lookup, Upstream *upstream, Writer *writer, const StrList *unknown,
                        Batch *batch, LookupCount *ret_count, int64_t *ret_retry_after_s, Err *err)
{
    Cycle cycle = {.upstream = upstream, .writer = writer, .batch = batch};
    LookupCount counted = {.found = 0};
    size_t first = first_place(lookup, unknown);
    size_t most = unknown->count < LOOKUPS_MAX ? unknown->count : LOOKUPS_MAX;
    Err failure = {.code = OK};
    ErrCode rc = OK;
    int failures = 0;
    for (size_t i = 0; i < most && rc == OK && failures < FAILURES_MAX; i++) {
        Str id = unknown->items[(first + i) % unknown->count];
        Err own = {.code = OK};
        rc = look_up_measure(&cycle, id, &counted, &own);
        remember_last(lookup, id);
        failures = rc == OK ? 0 : failures + 1;
        if (rc == OK)
            continue;
        counted.failed++;
        failure = own;
        if (is_its_own(&cycle, rc))
            rc = OK;
    }
    if (counted.failed > 0)
        log_warn("ingest look-up failed measures=%zu error=" LOG_TEXT, (size_t) counted.failed,
                 failure.text);
    *ret_count = counted;
    *ret_retry_after_s = cycle.retry_after_s;
    if (rc == ERR_BUSY) /* the rest waits for the next interval */
        return OK;
    if (rc != OK)
        *err = failure;
    return rc;
}
