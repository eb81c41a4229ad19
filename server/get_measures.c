/* /v1/measures and /v1/measures/{measure}: the same object in both. */
#include "server/resolve.h"
#include "server/route.h"
#include "server/rows.h"

static bool add_measure(const Station *station, const Measure *measure, const Reading *newest,
                        void *ctx)
{
    const Row row = {.station = station, .measure = measure, .reading = newest};
    return rows_add(ctx, &row);
}

static ErrCode list_measures(const Request *req, Filter filter, Reply *reply, Err *err)
{
    Rows rows;
    ErrCode rc = rows_begin(&rows, req, reply, err);
    if (rc != OK || req->head_alone)
        return rc;
    rc = snapshot_each_measure(req->snap, &filter, add_measure, &rows, err);
    return rc != OK ? rc : rows_end(&rows, NULL, err);
}

ErrCode get_measures(const Request *req, Reply *reply, Err *err)
{
    return list_measures(req, req->selection.filter, reply, err);
}

ErrCode get_measure(const Request *req, Reply *reply, Err *err)
{
    Filter filter = req->selection.filter;
    ErrCode rc = resolve_measure(req, reply, &filter, err);
    return rc != OK ? rc : list_measures(req, filter, reply, err);
}
