/* /v1/latest and /v1/stations/{station}/latest: the newest reading of each measure that has one. */
#include "server/resolve.h"
#include "server/route.h"
#include "server/rows.h"

static bool add_latest(const Station *station, const Measure *measure, const Reading *newest,
                       void *ctx)
{
    const Row row = {.station = station, .measure = measure, .reading = newest};
    return rows_add(ctx, &row);
}

static ErrCode list_latest(const Request *req, const Filter *filter, Reply *reply, Err *err)
{
    Rows rows;
    ErrCode rc = rows_begin(&rows, req, reply, err);
    if (rc == OK)
        rc = snapshot_each_latest(req->snap, filter, add_latest, &rows, err);
    return rc != OK ? rc : rows_end(&rows, NULL, err);
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
