#include "store/inside.h"

#include "base/clock.h"
#include "base/json.h"

enum {
    REFUSALS_MAX = 10000, /* as in LEDGER_TRIM_REFUSALS_BY_COUNT */
    REFUSALS_KEPT_S = 24 * 3600,
};

void reading_counts_add(ReadingCounts *to, const ReadingCounts *counts)
{
    to->received += counts->received;
    to->fresh += counts->fresh;
    to->late += counts->late;
    to->unchanged += counts->unchanged;
    to->corrected += counts->corrected;
    to->expired += counts->expired;
    to->quarantined += counts->quarantined;
}

/* ---- writing: the ingest thread -------------------------------------------------------------- */

ErrCode writer_record_poll(Writer *writer, const PollReport *report, Err *err)
{
    const int64_t numbers[] = {
        report->unmodified,           report->requests,
        report->wire_bytes,           report->fetch.wall_us / 1000,
        report->parse.wall_us / 1000, report->apply.wall_us / 1000,
        (int64_t) report->generation, report->readings.received,
        report->readings.fresh,       report->readings.late,
        report->readings.unchanged,   report->readings.corrected,
        report->readings.expired,     report->readings.quarantined,
    };
    Db *ledger = writer->ledger;
    sqlite3_stmt *st = sql_begin(ledger, LEDGER_ADD_POLL);
    sql_bind_int(st, 1, report->started);
    sql_bind_int(st, 2, report->finished);
    sql_bind_int(st, 3, report->fault);
    sql_bind_str(st, 4, report->detail);
    for (size_t i = 0; i < countof(numbers); i++)
        sql_bind_int(st, 5 + (int) i, numbers[i]);
    ErrCode rc = sql_run(ledger, st, err);
    if (rc == OK)
        rc = sql_run(ledger, sql_begin(ledger, LEDGER_TRIM_POLLS), err);
    return rc;
}

/* The same refusal again is counted; else it is added. */
static ErrCode add_refusal(Db *ledger, UnixSec now, RefusalReason reason, Str measure_id, Str raw,
                           Err *err)
{
    static const LedgerWriteSql steps[] = {LEDGER_REPEAT_REFUSAL, LEDGER_ADD_REFUSAL};
    ErrCode rc = OK;
    for (size_t i = 0; i < countof(steps); i++) {
        sqlite3_stmt *st = sql_begin(ledger, (int) steps[i]);
        sql_bind_int(st, 1, now);
        sql_bind_str(st, 2, str_of(refusal_name(reason)));
        sql_bind_str(st, 3, measure_id);
        sql_bind_str(st, 4, raw);
        rc = sql_run(ledger, st, err);
        if (rc != OK || sqlite3_changes64(ledger->handle) > 0)
            break;
    }
    return rc;
}

/* The reading as the upstream would write it: its own text is gone, it was no refusal of the
 * parser's. */
static void put_reading(Buf *out, const BatchReading *given)
{
    JsonWriter json = json_writer(out);
    json_open(&json, '{');
    json_key(&json, "dateTime");
    json_time(&json, given->reading.time);
    json_key(&json, "measure");
    json_str(&json, given->reading.measure_id);
    json_key(&json, "value");
    if (given->candidates.count == 0)
        json_double(&json, given->reading.value);
    else
        json_open(&json, '[');
    for (size_t i = 0; i < given->candidates.count; i++)
        json_double(&json, given->candidates.values[i]);
    if (given->candidates.count > 0)
        json_close(&json, ']');
    json_close(&json, '}');
}

static Str cut(Str s)
{
    return (Str){s.ptr, s.len < REFUSAL_RAW_MAX ? s.len : REFUSAL_RAW_MAX};
}

static ErrCode add_unknown(Db *ledger, const BatchReading *given, UnixSec now, Err *err)
{
    CLEANUP(buf_release) Buf raw = buf_init(8 * REFUSAL_RAW_MAX); /* what is beyond is cut anyway */
    put_reading(&raw, given);
    return add_refusal(ledger, now, REFUSED_UNKNOWN_MEASURE, cut(given->reading.measure_id),
                       cut(buf_view(&raw)), err);
}

/* What would be trimmed at once is not written. */
static size_t first_kept(size_t count)
{
    return count > REFUSALS_MAX ? count - REFUSALS_MAX : 0;
}

static ErrCode trim_refusals(Db *ledger, UnixSec now, Err *err)
{
    sqlite3_stmt *st = sql_begin(ledger, LEDGER_TRIM_REFUSALS_BY_AGE);
    sql_bind_int(st, 1, now - REFUSALS_KEPT_S);
    ErrCode rc = sql_run(ledger, st, err);
    if (rc == OK)
        rc = sql_run(ledger, sql_begin(ledger, LEDGER_TRIM_REFUSALS_BY_COUNT), err);
    return rc;
}

static ErrCode add_all(Db *ledger, const Batch *batch, const size_t *unknown, size_t unknown_count,
                       UnixSec now, Err *err)
{
    ErrCode rc = OK;
    for (size_t i = first_kept(batch->refusal_count); i < batch->refusal_count && rc == OK; i++) {
        const Refusal *refusal = &batch->refusals[i];
        rc = add_refusal(ledger, now, refusal->reason, refusal->measure_id, refusal->raw, err);
    }
    for (size_t i = first_kept(unknown_count); i < unknown_count && rc == OK; i++)
        rc = add_unknown(ledger, &batch->readings[unknown[i]], now, err);
    return rc == OK ? trim_refusals(ledger, now, err) : rc;
}

/* ---- release: the measure that a reading waited for is known ----------------------------------- */

/* *ret_found: `measure` is now the next refused measure behind the one it was. */
static ErrCode next_refused(Db *ledger, Buf *measure, bool *ret_found, Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(ledger, LEDGER_NEXT_REFUSED_MEASURE);
    sql_bind_str(st, 1, str_of(refusal_name(REFUSED_UNKNOWN_MEASURE)));
    sql_bind_str(st, 2, buf_view(measure));
    ErrCode rc = sql_step(ledger, st, ret_found, err);
    if (rc != OK || !*ret_found)
        return rc;
    Str next = sql_str(st, 0);
    CLEANUP(buf_release) Buf copy = buf_init(2 * REFUSAL_RAW_MAX);
    buf_put_str(&copy, next);
    rc = buf_check(&copy, err);
    if (rc == OK) {
        Buf old = *measure;
        *measure = copy;
        copy = old;
    }
    return rc;
}

static ErrCode is_known(Db *store, Str measure_id, bool *ret_known, Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(store, WRITE_FIND_MEASURE);
    sql_bind_str(st, 1, measure_id);
    return sql_step(store, st, ret_known, err);
}

static ErrCode release(Db *ledger, Str measure_id, int64_t *released, Err *err)
{
    sqlite3_stmt *st = sql_begin(ledger, LEDGER_RELEASE);
    sql_bind_str(st, 1, str_of(refusal_name(REFUSED_UNKNOWN_MEASURE)));
    sql_bind_str(st, 2, measure_id);
    ErrCode rc = sql_run(ledger, st, err);
    if (rc == OK)
        *released += sqlite3_changes64(ledger->handle);
    return rc;
}

/* Each measure that is waited for is looked up, not each that is listed: these are more. */
static ErrCode release_known(Db *ledger, Db *store, int64_t *released, Err *err)
{
    CLEANUP(buf_release) Buf measure = buf_init(2 * REFUSAL_RAW_MAX);
    buf_put_str(&measure, STR(""));
    for (;;) {
        bool found = false, known = false;
        ErrCode rc = next_refused(ledger, &measure, &found, err);
        if (rc != OK || !found)
            return rc;
        rc = is_known(store, buf_view(&measure), &known, err);
        if (rc == OK && known)
            rc = release(ledger, buf_view(&measure), released, err);
        if (rc != OK)
            return rc;
    }
}

void ledger_note_batch(Writer *writer, const Batch *batch, const size_t *unknown,
                       size_t unknown_count, UnixSec now, Applied *applied)
{
    Db *ledger = writer->ledger;
    Err *err = &applied->quarantine_error;
    *err = (Err){.code = OK};
    int64_t released = 0;
    if (batch->refusal_count == 0 && unknown_count == 0 && batch->measure_count == 0)
        return;
    ErrCode rc = sql_run(ledger, sql_begin(ledger, LEDGER_BEGIN), err);
    if (rc == OK)
        rc = add_all(ledger, batch, unknown, unknown_count, now, err);
    if (rc == OK && batch->measure_count > 0)
        rc = release_known(ledger, writer->db, &released, err);
    if (rc == OK)
        rc = sql_run(ledger, sql_begin(ledger, LEDGER_COMMIT), err);
    if (rc != OK)
        db_rollback(ledger);
    else
        applied->released = released;
}

/* ---- reading: through a snapshot ------------------------------------------------------------- */

ErrCode ledger_connect(Snapshot *snap, Err *err)
{
    if (snap->ledger.handle != NULL)
        return OK;
    const Files *files = &snap->store->files;
    ErrCode rc = db_open(&snap->ledger, files->ledger_path, files->ledger.name, DB_READ,
                         &snap->store->damaged, err);
    if (rc == OK)
        rc = db_prepare(&snap->ledger, LEDGER_READ_SQL, LEDGER_READ_SQL_COUNT, err);
    if (rc != OK)
        db_close(&snap->ledger);
    return rc;
}

static PollReport row_poll(sqlite3_stmt *st)
{
    return (PollReport){
        .started = sql_int(st, 0),
        .finished = sql_int(st, 1),
        .fault = (Fault) sql_int(st, 2),
        .detail = sql_str(st, 3),
        .unmodified = sql_int(st, 4) != 0,
        .requests = sql_int(st, 5),
        .wire_bytes = sql_int(st, 6),
        .fetch = {.wall_us = sql_int(st, 7) * 1000},
        .parse = {.wall_us = sql_int(st, 8) * 1000},
        .apply = {.wall_us = sql_int(st, 9) * 1000},
        .generation = (uint64_t) sql_int(st, 10),
        .readings.received = sql_int(st, 11),
        .readings.fresh = sql_int(st, 12),
        .readings.late = sql_int(st, 13),
        .readings.unchanged = sql_int(st, 14),
        .readings.corrected = sql_int(st, 15),
        .readings.expired = sql_int(st, 16),
        .readings.quarantined = sql_int(st, 17),
    };
}

ErrCode snapshot_last_poll(Snapshot *snap, bool only_good, Arena *arena, PollReport *ret_report,
                           Err *err)
{
    ErrCode rc = ledger_connect(snap, err);
    if (rc != OK)
        return rc;
    CLEANUP(sql_endp)
    sqlite3_stmt *st =
        sql_begin(&snap->ledger, only_good ? LEDGER_LAST_GOOD_POLL : LEDGER_LAST_POLL);
    bool row = false;
    rc = sql_step(&snap->ledger, st, &row, err);
    if (rc != OK)
        return rc;
    if (!row)
        return err_set(err, ERR_NOT_FOUND, "no %spoll was recorded yet", only_good ? "good " : "");
    PollReport report = row_poll(st);
    if ((unsigned) report.fault >= FAULT_COUNT)
        return db_corrupt(&snap->ledger, err, "a poll names a fault that there is not");
    if (!arena_copy(arena, report.detail, &report.detail))
        return err_set(err, ERR_NO_MEMORY, "no memory for a poll report");
    *ret_report = report;
    return OK;
}

static void add_count(int64_t counts[static REFUSAL_REASON_COUNT], Str name, int64_t count)
{
    RefusalReason reason;
    if (refusal_find(name, &reason)) /* else one that an older build knew */
        counts[reason] += count;
}

ErrCode snapshot_quarantine_counts(Snapshot *snap, int64_t ret_counts[static REFUSAL_REASON_COUNT],
                                   Err *err)
{
    ErrCode rc = ledger_connect(snap, err);
    if (rc != OK)
        return rc;
    int64_t counts[REFUSAL_REASON_COUNT] = {0};
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(&snap->ledger, LEDGER_COUNT_REFUSALS);
    for (;;) {
        bool row = false;
        rc = sql_step(&snap->ledger, st, &row, err);
        if (rc != OK)
            return rc;
        if (!row)
            break;
        add_count(counts, sql_str(st, 0), sql_int(st, 1));
    }
    for (int i = 0; i < REFUSAL_REASON_COUNT; i++)
        ret_counts[i] = counts[i];
    return OK;
}

static bool is_wanted(const StrList *wanted, Str value)
{
    for (size_t i = 0; i < wanted->count; i++)
        if (!str_is_none(value) && str_eq(wanted->items[i], value))
            return true;
    return wanted->count == 0;
}

ErrCode snapshot_each_refusal(Snapshot *snap, const StrList *measures, const StrList *reasons,
                              RefusalFn *each, void *ctx, Err *err)
{
    ErrCode rc = ledger_connect(snap, err);
    if (rc != OK)
        return rc;
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(&snap->ledger, LEDGER_REFUSALS);
    for (;;) {
        bool row = false;
        rc = sql_step(&snap->ledger, st, &row, err);
        if (rc != OK || !row)
            return rc;
        const QuarantineItem item = {
            .reason = sql_str(st, 0),
            .measure_id = sql_str(st, 1),
            .raw = sql_str(st, 2),
            .count = sql_int(st, 3),
            .first_received = sql_int(st, 4),
            .received = sql_int(st, 5),
        };
        if (is_wanted(measures, item.measure_id) && is_wanted(reasons, item.reason) &&
            !each(&item, ctx))
            return OK;
    }
}

ErrCode snapshot_restoration(Snapshot *snap, Arena *arena, Restoration *ret, Err *err)
{
    ErrCode rc = ledger_connect(snap, err);
    if (rc != OK)
        return rc;
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(&snap->ledger, LEDGER_RESTORED);
    bool row = false;
    rc = sql_step(&snap->ledger, st, &row, err);
    if (rc != OK)
        return rc;
    if (!row)
        return err_set(err, ERR_NOT_FOUND, "the store was never restored");
    Restoration restoration = {.at = sql_time(st, 0)};
    if (!arena_copy(arena, sql_str(st, 1), &restoration.generation) ||
        !arena_copy(arena, sql_str(st, 2), &restoration.source))
        return err_set(err, ERR_NO_MEMORY, "no memory for where the store came from");
    *ret = restoration;
    return OK;
}
