/* store/delivery.c - what came when, and who is late by now. */
#include "store/apply.h"

#include "store/rows.h"

/* ---- gaps as bytes: 4 each, the low one first, whatever the machine --------------------------- */

static size_t pack_gaps(const Deliveries *deliveries, unsigned char bytes[static 4 * DELIVERY_GAPS])
{
    for (size_t i = 0; i < deliveries->gap_count; i++)
        for (size_t b = 0; b < 4; b++)
            bytes[4 * i + b] = (unsigned char) (deliveries->gaps_s[i] >> (8 * b));
    return 4 * (size_t) deliveries->gap_count;
}

static void unpack_gaps(Str bytes, Deliveries *deliveries)
{
    size_t count = bytes.len / 4 < DELIVERY_GAPS ? bytes.len / 4 : DELIVERY_GAPS;
    for (size_t i = 0; i < count; i++)
        for (size_t b = 0; b < 4; b++)
            deliveries->gaps_s[i] |= (uint32_t) (unsigned char) bytes.ptr[4 * i + b] << (8 * b);
    deliveries->gap_count = (uint32_t) count;
}

/* ---- a delivery ------------------------------------------------------------------------------ */

/* What has never delivered is silent. */
Delivered row_delivered(sqlite3_stmt *st, int column)
{
    Delivered row = {.newest = sql_time(st, column),
                     .deliveries = deliveries_none(),
                     .freshness = FRESHNESS_SILENT};
    if (row.newest == NO_TIME)
        return row;
    unpack_gaps(sql_blob(st, column + 1), &row.deliveries);
    row.deliveries.prior_s = (uint32_t) sql_int(st, column + 2);
    row.deliveries.last_arrival = sql_time(st, column + 3);
    row.freshness = (Freshness) sql_int(st, column + 4);
    return row;
}

ErrCode apply_freshness_change(Apply *apply, int64_t measure, Err *err)
{
    sqlite3_stmt *st = sql_begin(apply->db, WRITE_FRESHNESS_CHANGE);
    sql_bind_int(st, 1, measure);
    (void) apply_number(apply, st, 2);
    return sql_run(apply->db, st, err);
}

static void bind_crossing(sqlite3_stmt *st, int at, const Expectation *expectation, UnixSec slot)
{
    UnixSec crosses = freshness_changes_at(expectation, slot);
    sql_bind_time(st, at, crosses == FRESHNESS_FOR_EVER ? NO_TIME : crosses);
}

static ErrCode write_delivery(Apply *apply, int64_t measure, const Deliveries *deliveries,
                              UnixSec newest, const Expectation *expectation, Err *err)
{
    static const WriteSql steps[] = {WRITE_RENEW_DELIVERY, WRITE_DELIVERY};
    unsigned char gaps[4 * DELIVERY_GAPS];
    size_t gap_bytes = pack_gaps(deliveries, gaps);
    for (size_t i = 0; i < countof(steps); i++) {
        sqlite3_stmt *st = sql_begin(apply->db, (int) steps[i]);
        sql_bind_int(st, 1, measure);
        sql_bind_blob(st, 2, gaps, gap_bytes);
        sql_bind_int(st, 3, deliveries->prior_s);
        sql_bind_time(st, 4, deliveries->last_arrival);
        sql_bind_int(st, 5, newest);
        sql_bind_time(st, 6, expectation->expected_next);
        sql_bind_time(st, 7, expectation->late_after);
        sql_bind_time(st, 8, expectation->stale_after);
        sql_bind_time(st, 9, expectation->silent_after);
        sql_bind_int(st, 10, freshness_at(expectation, apply->slot));
        bind_crossing(st, 11, expectation, apply->slot);
        sql_bind_int(st, 12, (int64_t) apply->generation);
        ErrCode rc = sql_run(apply->db, st, err);
        if (rc != OK || sqlite3_changes64(apply->db->handle) > 0)
            return rc;
    }
    return OK;
}

/* While we were away it may have come at any moment. The time that we were is cut out of the gap:
 * one outage of ours would otherwise make every measure of the country look slow for 16
 * deliveries, and its real lateness would not be seen. */
ErrCode apply_delivery(Apply *apply, int64_t measure, int64_t period_s, const Delivered *before,
                       UnixSec newest, Err *err)
{
    Deliveries deliveries = before->deliveries;
    if (deliveries.last_arrival != NO_TIME)
        deliveries.last_arrival += apply->away_s;
    deliveries_add(&deliveries, apply->slot, newest, period_s);
    Expectation expectation = deliveries_expect(&deliveries, newest, period_s, apply->poll_s);
    ErrCode rc = write_delivery(apply, measure, &deliveries, newest, &expectation, err);
    return rc == OK && freshness_at(&expectation, apply->slot) != before->freshness
               ? apply_freshness_change(apply, measure, err)
               : rc;
}

/* ---- crossings ------------------------------------------------------------------------------- */

static void note_crossing(Apply *apply)
{
    apply->applied.crossings++;
    apply->changed = true;
}

ErrCode apply_silence(Apply *apply, int64_t measure, UnixSec from, Err *err)
{
    sqlite3_stmt *st = sql_begin(apply->db, WRITE_SILENCE);
    sql_bind_int(st, 1, measure);
    sql_bind_int(st, 2, from);
    sql_bind_int(st, 3, (int64_t) apply->generation);
    ErrCode rc = sql_run(apply->db, st, err);
    if (rc != OK || sqlite3_changes64(apply->db->handle) == 0)
        return rc;
    note_crossing(apply);
    return apply_freshness_change(apply, measure, err);
}

static ErrCode read_expectation(Apply *apply, int64_t measure, Expectation *ret, Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(apply->db, WRITE_READ_EXPECTATION);
    bool row = false;
    sql_bind_int(st, 1, measure);
    ErrCode rc = sql_step(apply->db, st, &row, err);
    if (rc == OK)
        *ret = row_expectation(st, 1);
    return rc;
}

static ErrCode cross(Apply *apply, int64_t measure, Err *err)
{
    Expectation expectation;
    ErrCode rc = read_expectation(apply, measure, &expectation, err);
    if (rc != OK)
        return rc;
    sqlite3_stmt *st = sql_begin(apply->db, WRITE_CROSS);
    sql_bind_int(st, 1, measure);
    sql_bind_int(st, 2, freshness_at(&expectation, apply->slot));
    bind_crossing(st, 3, &expectation, apply->slot);
    sql_bind_int(st, 4, (int64_t) apply->generation);
    note_crossing(apply);
    rc = sql_run(apply->db, st, err);
    return rc == OK ? apply_freshness_change(apply, measure, err) : rc;
}

/* Only measures whose moment has come are judged. */
ErrCode apply_crossings(Apply *apply, Err *err)
{
    CLEANUP(key_list_release) KeyList due = {.keys = NULL};
    if (!apply->batch->evaluates)
        return OK;
    {
        CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(apply->db, WRITE_CROSSINGS);
        sql_bind_int(st, 1, apply->slot);
        ErrCode rc = key_list_read(&due, apply->db, st, err);
        if (rc != OK)
            return rc;
    }
    ErrCode rc = OK;
    for (size_t i = 0; i < due.count && rc == OK; i++)
        rc = cross(apply, due.keys[i], err);
    return rc;
}

ErrCode apply_freshness(Apply *apply, int64_t measure, int64_t *ret_freshness, Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(apply->db, WRITE_READ_EXPECTATION);
    bool row = false;
    sql_bind_int(st, 1, measure);
    ErrCode rc = sql_step(apply->db, st, &row, err);
    if (rc == OK)
        *ret_freshness = row ? sql_int(st, 0) : -1;
    return rc;
}
