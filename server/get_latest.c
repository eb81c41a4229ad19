/* /v1/latest and /v1/stations/{station}/latest: the newest reading of each measure that has one, and
 * what it means. */
#include "server/resolve.h"
#include "server/route.h"
#include "server/rows.h"

#include <string.h>

/* Two walks over the same measures in the same order: the first reads each measure's window for what
 * its newest value means, the second tells the newest, which may be a last known outside of it. */
typedef struct Latest {
    Rows rows;
    Arena *arena;
    Meaning *meanings; /* of the measures that have a reading, in their order */
    size_t count, cap;
    size_t at; /* of the second walk */
    MeaningPass pass;
    bool has_reading, no_memory;
} Latest;

/* ---- what they mean -------------------------------------------------------------------------- */

static bool begin_meaning(const Station *station, const Measure *measure, Window kept, void *ctx)
{
    Latest *latest = ctx;
    (void) kept;
    latest->has_reading = measure->newest != NO_TIME;
    if (latest->has_reading)
        latest->pass = meaning_begin(measure, station, measure_scale(measure, station));
    return true;
}

static bool add_reading(const Reading *reading, void *ctx)
{
    Latest *latest = ctx;
    meaning_add(&latest->pass, reading);
    return true;
}

static bool end_meaning(void *ctx)
{
    Latest *latest = ctx;
    if (!latest->has_reading)
        return true;
    if (latest->count == latest->cap) {
        size_t cap = latest->cap * 2 + 16;
        Meaning *meanings = arena_alloc(latest->arena, cap * sizeof *meanings);
        latest->no_memory = meanings == NULL;
        if (latest->no_memory)
            return false;
        if (latest->count > 0)
            memcpy(meanings, latest->meanings, latest->count * sizeof *meanings);
        latest->meanings = meanings;
        latest->cap = cap;
    }
    latest->meanings[latest->count++] = meaning_end(&latest->pass);
    return true;
}

static ErrCode read_meanings(Latest *latest, const Request *req, const Filter *filter, Err *err)
{
    const ReadingVisitor visitor = {.each_measure = begin_meaning,
                                    .each_reading = add_reading,
                                    .end_measure = end_meaning,
                                    .ctx = latest};
    ErrCode rc = snapshot_each_reading(req->snap, filter, window_everything(), &visitor, err);
    return latest->no_memory ? err_set(err, ERR_NO_MEMORY, "no memory for meanings") : rc;
}

/* It costs a walk over all readings: only for who looks at it. */
static bool needs_meaning(const Latest *latest, const Selection *selection)
{
    bool needs = selection->trends != 0 || selection->states != 0 ||
                 (selection->sort != NULL && (selection->sort->in & FIELD_MEANING) != 0);
    for (size_t i = 0; i < latest->rows.fields.count; i++)
        needs |= (latest->rows.fields.fields[i]->in & FIELD_MEANING) != 0;
    return needs;
}

static bool is_wanted(const Selection *selection, const Meaning *meaning)
{
    return (selection->trends == 0 || (selection->trends & 1U << meaning->trend) != 0) &&
           (selection->states == 0 || (selection->states & 1U << meaning->state) != 0);
}

/* ---- the list -------------------------------------------------------------------------------- */

static bool add_latest(const Station *station, const Measure *measure, const Reading *newest,
                       void *ctx)
{
    Latest *latest = ctx;
    Row row = {.station = station, .measure = measure, .reading = newest};
    if (latest->count > 0) {
        assert(latest->at < latest->count); /* both walks read one snapshot */
        row.meaning = &latest->meanings[latest->at++];
        if (!is_wanted(&latest->rows.req->selection, row.meaning))
            return true;
    }
    return rows_add(&latest->rows, &row);
}

static ErrCode list_latest(const Request *req, const Filter *filter, Reply *reply, Err *err)
{
    Latest latest = {.arena = req->arena};
    ErrCode rc = rows_begin(&latest.rows, req, reply, err);
    if (rc == OK && needs_meaning(&latest, &req->selection))
        rc = read_meanings(&latest, req, filter, err);
    if (rc == OK)
        rc = snapshot_each_latest(req->snap, filter, add_latest, &latest, err);
    return rc != OK ? rc : rows_end(&latest.rows, NULL, err);
}

ErrCode get_latest(const Request *req, Reply *reply, Err *err)
{
    return list_latest(req, &req->selection.filter, reply, err);
}

ErrCode get_station_latest(const Request *req, Reply *reply, Err *err)
{
    Filter filter = req->selection.filter;
    ErrCode rc = resolve_station(req, reply, &filter, err);
    return rc != OK ? rc : list_latest(req, &filter, reply, err);
}
