/* /v1/gaps: the slots of each measure without a reading, why, and when they were last asked for. It
 * belongs to a generation but for that last, which changes without one: so it is no-store. */
#include "server/route.h"
#include "server/rows.h"

typedef struct Answer {
    Rows rows;
    Row row; /* of the measure under way */
    GapCount count;
    Coverage coverage; /* of all measures */
    UnixSec from, to;  /* of all gaps */
} Answer;

static void widen(UnixSec *earliest, UnixSec *latest, UnixSec from, UnixSec to)
{
    if (*earliest == NO_TIME || from < *earliest)
        *earliest = from;
    if (to > *latest)
        *latest = to;
}

static bool begin_measure(const Station *station, const Measure *measure, const GapCount *count,
                          void *ctx)
{
    Answer *answer = ctx;
    answer->count = *count;
    answer->row = (Row){.station = station, .measure = measure, .gap_count = &answer->count};
    answer->coverage.expected += count->expected;
    answer->coverage.received += count->received;
    answer->coverage.counted |= count->period_s > 0;
    if (count->earliest != NO_TIME)
        widen(&answer->coverage.earliest, &answer->coverage.latest, count->earliest, count->latest);
    return true;
}

static bool add_gap(const Gap *gap, void *ctx)
{
    Answer *answer = ctx;
    widen(&answer->from, &answer->to, gap->from, gap->to);
    answer->row.gap = gap;
    return rows_add(&answer->rows, &answer->row);
}

ErrCode get_gaps(const Request *req, Reply *reply, Err *err)
{
    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    ErrCode rc = store_snapshot(req->site->store, &snap, err);
    if (rc != OK)
        return rc;
    Request pinned = *req;
    pinned.snap = snap;
    Answer answer = {.coverage = coverage_init(), .from = NO_TIME, .to = NO_TIME};
    const GapVisitor visitor = {begin_measure, add_gap, &answer};
    rc = rows_begin(&answer.rows, &pinned, reply, err);
    if (rc != OK || req->head_alone)
        return rc;
    rc = snapshot_each_gap(snap, &req->selection.filter, &visitor, err);
    const Extent extent = {.from = answer.from, .to = answer.to, .coverage = &answer.coverage};
    return rc != OK ? rc : rows_end(&answer.rows, &extent, err);
}
