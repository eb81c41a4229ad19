/* /v1/latest and /v1/stations/{station}/latest: the newest reading of each measure that has one, and
 * what it means. */
#include "server/resolve.h"
#include "server/route.h"
#include "server/rows.h"

/* Only for who looks at it. */
static bool needs_meaning(const Rows *rows, const Selection *selection)
{
    bool needs = false;
    for (size_t i = 0; i < selection->order.count; i++)
        needs |= (selection->order.keys[i].field->in & FIELD_MEANING) != 0;
    for (size_t i = 0; i < rows->fields.count; i++)
        needs |= (rows->fields.fields[i]->in & FIELD_MEANING) != 0;
    return needs;
}

static bool add_latest(const Station *station, const Measure *measure, const Reading *newest,
                       void *ctx)
{
    const Row row = {.station = station, .measure = measure, .reading = newest};
    return rows_add(ctx, &row);
}

static bool add_meant(const Station *station, const Measure *measure, const Reading *newest,
                      const Meaning *meaning, void *ctx)
{
    const Row row = {.station = station, .measure = measure, .reading = newest, .meaning = meaning};
    return rows_add(ctx, &row);
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
    Rows rows;
    ErrCode rc = rows_begin(&rows, req, reply, err);
    if (rc != OK || req->head_alone)
        return rc;
    rc = needs_meaning(&rows, &req->selection)
             ? snapshot_each_meant(req->snap, &filter, add_meant, &rows, err)
             : snapshot_each_latest(req->snap, &filter, add_latest, &rows, err);
    if (rc == OK && rows.seen == 0)
        return end_empty(&rows, req, &filter, err);
    return rc != OK ? rc : rows_end(&rows, NULL, err);
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
