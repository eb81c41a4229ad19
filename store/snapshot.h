/* store/snapshot.h - what can be asked of a pinned generation.
 *
 * Rows are handed to a callback: the structs and their strings borrow the row and die when the call
 * returns. Returning false stops early, which is no error. Lists come in the order of station id,
 * measure id, time, bytewise. A callback asks the snapshot nothing: its statements are in use.
 * All functions: the thread that holds the snapshot.
 * Errors of all: ERR_STORAGE, ERR_CORRUPT; ERR_NOT_FOUND where said. */
#pragma once
#include "model/batch.h"
#include "model/filter.h"
#include "model/gaps.h"
#include "model/meaning.h"
#include "model/window.h"
#include "store/ledger.h"
#include "store/store.h"

typedef struct SnapshotInfo {
    uint32_t epoch;
    char tag[GENERATION_TAG_SIZE]; /* "<epoch>-<number>" */
    uint64_t generation;           /* 0: nothing was ever stored */
    UnixSec as_of;                 /* its commit time; NO_TIME when generation is 0 */
    int64_t readings;              /* held */
    Service service;
} SnapshotInfo;
const SnapshotInfo *snapshot_info(const Snapshot *snap); /* read once, when it was pinned */

typedef struct StoreCounts {
    int64_t stations, measures, readings;
    UnixSec earliest, latest; /* of readings inside their station's window; NO_TIME: none */
    int64_t store_bytes, wal_bytes;
} StoreCounts;
MUST_USE ErrCode snapshot_counts(Snapshot *snap, StoreCounts *ret_counts, Err *err);

/* How many measures are how fresh. */
MUST_USE ErrCode snapshot_freshness_counts(Snapshot *snap,
                                           int64_t ret_counts[static FRESHNESS_COUNT], Err *err);

/* Finds the station that `key` means: notation, then reference, then WISKI id, then RLOI id; the
 * first level with a hit decides. One hit: its id is copied to `arena`. Several: ERR_NOT_FOUND, and
 * *ret_candidates lists their ids. None: ERR_NOT_FOUND, and *ret_candidates lists up to five near ids. */
typedef struct StationKey {
    Str id;
    bool by_other_key; /* found by reference, WISKI id or RLOI id */
    bool ambiguous;    /* several hits: `candidates` are they */
    StrList candidates;
} StationKey;
MUST_USE ErrCode snapshot_resolve_station(Snapshot *snap, Str key, Arena *arena,
                                          StationKey *ret_key, Err *err);
/* ERR_NOT_FOUND, and *ret_near lists up to five near ids. `ret_near` may be NULL. */
MUST_USE ErrCode snapshot_find_measure(Snapshot *snap, Str id, Arena *arena, StrList *ret_near,
                                       Err *err);

/* `measure_ids` are those of all its measures, whatever the filter. A filter on measures takes the
 * stations that have such a measure. */
typedef bool StationFn(const Station *station, const Str *measure_ids, size_t measure_id_count,
                       void *ctx);
MUST_USE ErrCode snapshot_each_station(Snapshot *snap, const Filter *filter, StationFn *each,
                                       void *ctx, Err *err);

/* `newest` is NULL for a measure without any reading held. */
typedef bool MeasureFn(const Station *station, const Measure *measure, const Reading *newest,
                       void *ctx);
MUST_USE ErrCode snapshot_each_measure(Snapshot *snap, const Filter *filter, MeasureFn *each,
                                       void *ctx, Err *err);
/* The same, without the measures that hold no reading. */
MUST_USE ErrCode snapshot_each_latest(Snapshot *snap, const Filter *filter, MeasureFn *each,
                                      void *ctx, Err *err);
/* The same with what the newest values mean, which takes some ten microseconds more a measure. */
typedef bool MeantFn(const Station *station, const Measure *measure, const Reading *newest,
                     const Meaning *meaning, void *ctx);
MUST_USE ErrCode snapshot_each_meant(Snapshot *snap, const Filter *filter, MeantFn *each, void *ctx,
                                     Err *err);

/* Readings with window.from <= time < window.to that are inside their station's window, oldest first
 * within each measure. `measure` is told, by `each_measure`, before its readings, also when there are
 * none of it; `kept` is what its station keeps (from == to: nothing). The station and measure that it
 * is told live on until the next measure is told, so that each_reading may use them. */
typedef struct ReadingVisitor {
    bool (*each_measure)(const Station *station, const Measure *measure, Window kept, void *ctx);
    bool (*each_reading)(const Reading *reading, void *ctx);
    void *ctx;
    /* Behind the last reading of the measure, while it still lives; NULL: nobody asks. */
    bool (*end_measure)(void *ctx);
} ReadingVisitor;
MUST_USE ErrCode snapshot_each_reading(Snapshot *snap, const Filter *filter, Window window,
                                       const ReadingVisitor *visitor, Err *err);

/* The missing slots of each measure, and how many slots there are. `each_measure` is told before its
 * gaps, also when there are none; the station and measure that it is told live on until the next. */
typedef struct GapVisitor {
    bool (*each_measure)(const Station *station, const Measure *measure, const GapCount *count,
                         void *ctx);
    GapFn *each_gap;
    void *ctx;
} GapVisitor;
MUST_USE ErrCode snapshot_each_gap(Snapshot *snap, const Filter *filter, const GapVisitor *visitor,
                                   Err *err);

/* The newest entry of the ledger, its strings copied to `arena`; ERR_NOT_FOUND: none yet.
 * `only_good`: of those without a fault. */
MUST_USE ErrCode snapshot_last_poll(Snapshot *snap, bool only_good, Arena *arena,
                                    PollReport *ret_report, Err *err);
/* When the store was last filled from elsewhere; ERR_NOT_FOUND: never. */
MUST_USE ErrCode snapshot_restoration(Snapshot *snap, Arena *arena, Restoration *ret, Err *err);
/* How many different refusals the quarantine holds, by reason. */
MUST_USE ErrCode snapshot_quarantine_counts(Snapshot *snap,
                                            int64_t ret_counts[static REFUSAL_REASON_COUNT],
                                            Err *err);

/* What is in quarantine, newest first; of these measures and reasons, where any are named. */
typedef bool RefusalFn(const QuarantineItem *item, void *ctx);
MUST_USE ErrCode snapshot_each_refusal(Snapshot *snap, const StrList *measures,
                                       const StrList *reasons, RefusalFn *each, void *ctx,
                                       Err *err);
