/* /v1/quarantine: what ingest refused, why, and its raw text. It changes without a generation. */
#include "server/route.h"
#include "server/rows.h"

static bool add_refusal(const QuarantineItem *item, void *ctx)
{
    Rows *rows = ctx;
    const size_t limit = rows->req->selection.limit;
    const Row row = {.refusal = item};
    return rows_add(rows, &row) && (limit == 0 || rows->count < limit);
}

ErrCode get_quarantine(const Request *req, Reply *reply, Err *err)
{
    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    ErrCode rc = store_snapshot(req->site->store, &snap, err);
    if (rc != OK)
        return rc;
    Rows rows;
    rc = rows_begin(&rows, req, reply, err);
    if (rc != OK || req->head_alone)
        return rc;
    rc = snapshot_each_refusal(snap, &req->selection.filter.measure, &req->selection.reasons,
                               add_refusal, &rows, err);
    return rc != OK ? rc : rows_end(&rows, NULL, err);
}
