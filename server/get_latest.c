/* /v1/latest and /v1/stations/{station}/latest: the newest reading of each measure that has one, and
 * what it means. */
#include "server/meanings.h"
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
    size_t count;
    size_t at; /* of the second walk */
    bool no_memory;
} Latest;

/* ---- what they mean -------------------------------------------------------------------------- */

static bool add_meaning(const Measure *measure, const Meaning *meaning, void *ctx)
{
    Latest *latest = ctx;
    (void) measure;
    latest->no_memory =
        !arena_room(latest->arena, &latest->meanings, latest->count, sizeof *meaning);
    if (latest->no_memory)
        return false;
    latest->meanings[latest->count++] = *meaning;
    return true;
}

/* Only for who looks at it. */
static bool needs_meaning(const Latest *latest, const Selection *selection)
{
    bool needs = false;
    for (size_t i = 0; i < selection->order.count; i++)
        needs |= (selection->order.keys[i].field->in & FIELD_MEANING) != 0;
    for (size_t i = 0; i < latest->rows.fields.count; i++)
        needs |= (latest->rows.fields.fields[i]->in & FIELD_MEANING) != 0;
    return needs;
}

static ErrCode read_meanings(Latest *latest, const Request *req, const Filter *filter, Err *err)
{
    if (!needs_meaning(latest, &req->selection))
        return OK;
    ErrCode rc = meanings_each(req->snap, filter, add_meaning, latest, err);
    return latest->no_memory ? err_set(err, ERR_NO_MEMORY, "no memory for meanings") : rc;
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
    }
    return rows_add(&latest->rows, &row);
}

static bool note_measure(const Station *station, const Measure *measure, const Reading *newest,
                         void *ctx)
{
    (void) station;
    (void) measure;
    (void) newest;
    *(bool *) ctx = true;
    return false;
}

/* An answer without rows says why. */
static ErrCode end_empty(Rows *rows, const Request *req, const Filter *filter, Err *err)
{
    bool has_measure = false;
    ErrCode rc = snapshot_each_measure(req->snap, filter, note_measure, &has_measure, err);
    const Coverage none = coverage_init();
    const Extent extent = {.from = NO_TIME,
                           .to = NO_TIME,
                           .coverage = &none,
                           .reason = has_measure ? REASON_NOTHING_KEPT : REASON_NO_MEASURE};
    return rc != OK ? rc : rows_end(rows, &extent, err);
}

static ErrCode list_latest(const Request *req, Filter filter, Reply *reply, Err *err)
{
    Latest latest = {.arena = req->arena};
    ErrCode rc = rows_begin(&latest.rows, req, reply, err);
    if (rc != OK || req->head_alone)
        return rc;
    rc = read_meanings(&latest, req, &filter, err);
    if (rc == OK)
        rc = snapshot_each_latest(req->snap, &filter, add_latest, &latest, err);
    if (rc == OK && latest.rows.seen == 0)
        return end_empty(&latest.rows, req, &filter, err);
    return rc != OK ? rc : rows_end(&latest.rows, NULL, err);
}

ErrCode get_latest(const Request *req, Reply *reply, Err *err)
{
    return list_latest(req, req->selection.filter, reply, err);
}

ErrCode get_station_latest(const Request *req, Reply *reply, Err *err)
{
    Filter filter = req->selection.filter;
    ErrCode rc = resolve_station(req, reply, &filter, err);
    return rc != OK ? rc : list_latest(req, filter, reply, err);
}
