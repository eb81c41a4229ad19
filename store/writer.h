/* store/writer.h - the ingest side: apply a batch, trim, checkpoint, keep the ledger.
 *
 * All of it on the ingest thread, but for writer_stop(). */
#pragma once
#include "model/batch.h"
#include "model/filter.h"
#include "model/gaps.h"
#include "store/ledger.h"
#include "store/store.h"

/* What a newest reading leaves open behind it: the readings of its measure in after < time < until
 * that were never seen, inside its station's window. */
typedef struct SeriesGap {
    Str measure_id, station_id;
    UnixSec after; /* the newest that was known, or just before the station's window */
    UnixSec until; /* the newest now */
    int64_t period_s;
} SeriesGap;

typedef struct Applied {
    uint64_t generation; /* the newest, whether or not this batch made it */
    bool changed;        /* this batch made it */
    ReadingCounts readings;
    int64_t stations_changed, measures_changed;
    int64_t crossings;        /* measures that became late, stale or silent */
    int64_t trimmed;          /* readings that left their station's window */
    int64_t readings_held;    /* by the store, after it */
    int64_t unknown_measures; /* distinct; their readings are part of quarantined */
    const Str
        *unknown; /* their ids, in order; the Writer's until the next apply, borrowing the batch */
    const SeriesGap *gaps; /* of a batch that find_gaps; the Writer's until the next apply */
    size_t gap_count;
    int64_t
        released; /* from quarantine: readings refused earlier, of measures that are known now */
    Cost trim, commit;    /* what these parts of it cost; the commit goes to the disk */
    Cost announce;        /* rendering ahead, waking who waits */
    int64_t history_lost; /* readings that history will never get: no room in the spool */
    Err spool_error;      /* OK, or the last trouble of the spool */
    Err quarantine_error; /* OK, or why refusals could not be kept in the ledger */
} Applied;

/* Owns: *ret_writer ends with writer_close(). Errors: ERR_BUSY (there is one), ERR_STORAGE. */
MUST_USE ErrCode store_writer(Store *store, Writer **ret_writer, Err *err);
void writer_close(Writer *writer); /* NULL is fine */
/* Any thread: an apply under way is given up soon, and every later one at once. */
void writer_stop(Writer *writer);

/* Applies all of `batch`, or nothing of it, in one transaction, as of `now` (the commit time that the
 * generation carries). Stations and measures are upserted where something differs; a station or
 * measure that a whole list does not name becomes listed = false, and is removed when it has been in
 * none, and without a reading, for 30 days; a measure's unknown station is
 * created bare. A reading outside its station's window is expired *before* the upsert, the batch's own
 * newest counting for the window. A known reading is written again only where its value differs.
 * Of several candidates the one nearer to the measure's previous reading is chosen, all equal is no
 * ambiguity; the same raw text again is unchanged. Windows of touched stations are trimmed, each
 * measure keeping its newest reading whatever its age. A reading newer than its measure's newest is a
 * delivery, which came at the batch's slot; what it lets expect is kept (model/freshness.h), and a
 * batch that evaluates finds who has become late since. A time in which no poll of ours went well is
 * no part of a gap between deliveries. If anything changed, or `service` differs from
 * the stored one in its fault, the generation rises by one and watchers are told after the commit.
 * Errors: ERR_STOPPED: nothing is changed; ERR_STORAGE, ERR_CORRUPT: the same, and
 * store_failing_since() says so until the next commit. A batch that is_release counts none of its readings, and refuses none: its readings were
 * received before, and those whose measure is still not known go on waiting. */
MUST_USE ErrCode writer_apply(Writer *writer, const Batch *batch, Fault fault, UnixSec now,
                              Applied *ret_applied, Err *err);

/* The next listed stations behind `after`, by id, of which it is not known what the upstream says of
 * them alone; with `known` of any. At most `max`, their ids in `arena`. */
MUST_USE ErrCode writer_stations_to_ask(Writer *writer, Str after, bool known, size_t max,
                                        Arena *arena, StrList *ret_ids, Err *err);

/* What the next writer_apply() would find stored. */
Service writer_service(const Writer *writer);
/* The oldest of the stations' newest times that is not older than `since`: no window of theirs begins
 * before it less a window. NO_TIME: there is none. Errors: ERR_STORAGE, ERR_CORRUPT. */
MUST_USE ErrCode writer_oldest_newest(Writer *writer, UnixSec since, UnixSec *ret_time, Err *err);
MUST_USE ErrCode writer_has_station(Writer *writer, Str id, bool *ret_has, Err *err);

/* Whether the last poll went well to its end: no generation came after what it recorded. Else some of
 * what it was to ask for may never have been asked for. True of an empty store. */
MUST_USE ErrCode writer_is_settled(Writer *writer, bool *ret_settled, Err *err);

/* Of how many measures a delivery was to be expected by `slot`, those left out that are late already:
 * counted up to `most`. *ret_measures: of how many measures anything is held. */
MUST_USE ErrCode writer_count_expected(Writer *writer, UnixSec slot, int64_t most,
                                       int64_t *ret_expected, int64_t *ret_measures, Err *err);

/* PASSIVE; TRUNCATE, waiting for readers at most 200 ms, when the log is beyond its limit. */
MUST_USE ErrCode writer_checkpoint(Writer *writer, Err *err);

/* One row of the ledger for each poll; the last 1,000 are kept. */
MUST_USE ErrCode writer_record_poll(Writer *writer, const PollReport *report, Err *err);

/* The upstream answered for these ranges: what is missing in them it does not have. Kept for 26 h;
 * what lies inside a range that is asked for anew is forgotten. */
MUST_USE ErrCode writer_record_asked(Writer *writer, const AskedRange *ranges, size_t count,
                                     Err *err);
