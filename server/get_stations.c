/* /v1/stations and /v1/stations/{station}: the same object in both. */
#include "server/resolve.h"
#include "server/route.h"
#include "server/rows.h"

static bool add_station(const Station *station, const Str *measure_ids, size_t measure_id_count,
                        void *ctx)
{
    const Row row = {
        .station = station, .measure_ids = measure_ids, .measure_id_count = measure_id_count};
    return rows_add(ctx, &row);
}

static ErrCode list_stations(const Request *req, Filter filter, Reply *reply, Err *err)
{
    Rows rows;
    ErrCode rc = rows_begin(&rows, req, reply, err);
    if (rc != OK || req->head_alone)
        return rc;
    rc = snapshot_each_station(req->snap, &filter, add_station, &rows, err);
    return rc != OK ? rc : rows_end(&rows, NULL, err);
}

ErrCode get_stations(const Request *req, Reply *reply, Err *err)
{
    return list_stations(req, req->selection.filter, reply, err);
}

ErrCode get_station(const Request *req, Reply *reply, Err *err)
{
    Filter filter = req->selection.filter;
    ErrCode rc = resolve_station(req, reply, &filter, err);
    return rc != OK ? rc : list_stations(req, filter, reply, err);
}
