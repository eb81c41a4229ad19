/* store/exports.h - what the export keeps: how far history has come, the increment under way, and
 * what was exported.
 *
 * In spool.db, so that none of it makes a generation. An Exports belongs to the export thread, which
 * has a connection of its own for it; the ingest thread writes the spool beside it (store/spool.h).
 * Errors of all: ERR_STORAGE, ERR_CORRUPT. */
#pragma once
#include "base/arena.h"
#include "store/snapshot.h"

typedef struct Exports Exports;

/* Owns: ends with exports_close(), before the store. */
MUST_USE ErrCode exports_open(Store *store, Exports **ret_exports, Err *err);
void exports_close(Exports *exports); /* NULL is fine */

/* ---- history ----------------------------------------------------------------------------------- */

/* History holds all readings that came up to `generation`, of the store's epoch, and all of the spool up
 * to `spool_id`. */
typedef struct HistoryMark {
    uint64_t generation;
    int64_t spool_id;
} HistoryMark;

/* Of a store that was opened from a copy, history has what the copy had; of another epoch it has
 * nothing yet: 0. */
MUST_USE ErrCode exports_mark(Exports *exports, HistoryMark *ret_mark, Err *err);

/* A reading of the spool: `epoch` and `generation` brought it. `held`: the store held it, so that a
 * snapshot that was pinned before it left still has it. */
typedef struct Spooled {
    Str measure_id, station_id;
    Reading reading;
    uint32_t epoch;
    uint64_t generation;
    bool held;
} Spooled;
typedef bool SpooledFn(const Spooled *spooled, void *ctx);

/* The end of what is spooled behind `after`, but at most `most` rows behind it. Asked after a snapshot was
 * pinned it misses nothing: what leaves the store later is still in that snapshot. */
MUST_USE ErrCode exports_spool_end(Exports *exports, int64_t after, int64_t most, int64_t *ret_id,
                                   Err *err);
/* Those with after < id <= until. */
MUST_USE ErrCode exports_each_spooled(Exports *exports, int64_t after, int64_t until,
                                      SpooledFn *each, void *ctx, Err *err);

/* An increment is planned, then its objects are put, then it is finished: the mark moves. What a crash
 * leaves planned is found again, and its keys removed, before another is planned. */
MUST_USE ErrCode exports_plan(Exports *exports, HistoryMark until, const StrList *keys, Err *err);
/* The keys of the plan that is not finished, copied to `arena`; none: there is no plan. */
MUST_USE ErrCode exports_planned(Exports *exports, Arena *arena, StrList *ret_keys, Err *err);
MUST_USE ErrCode exports_drop_plan(Exports *exports, Err *err);
/* The mark becomes what was planned; what is behind it leaves the spool. */
MUST_USE ErrCode exports_finish_plan(Exports *exports, Err *err);

/* ---- exported generations, and objects that others have replaced ------------------------------------ */

MUST_USE ErrCode exports_add(Exports *exports, Str generation, UnixSec as_of, UnixSec exported,
                             Str manifest, Err *err);
typedef bool ExportFn(Str generation, UnixSec as_of, void *ctx);
MUST_USE ErrCode exports_each(Exports *exports, ExportFn *each, void *ctx,
                              Err *err); /* newest first */
MUST_USE ErrCode exports_drop(Exports *exports, Str generation, Err *err);

MUST_USE ErrCode exports_condemn(Exports *exports, Str key, UnixSec since, Err *err);
MUST_USE ErrCode exports_is_condemned(Exports *exports, Str key, bool *ret, Err *err);
/* Those condemned no later than `since`, copied to `arena`. */
MUST_USE ErrCode exports_condemned(Exports *exports, UnixSec since, Arena *arena, StrList *ret_keys,
                                   Err *err);
MUST_USE ErrCode exports_spare(Exports *exports, Str key, Err *err); /* it is gone */

/* The number in front of a generation's tag, of the snapshot's or one before it. */
uint32_t snapshot_epoch(const Snapshot *snap, uint64_t generation);
/* The generations that changed the lists of stations and of measures last. */
MUST_USE ErrCode snapshot_lists_changed(Snapshot *snap, uint64_t *ret_stations,
                                        uint64_t *ret_measures, Err *err);

/* ---- for who serves them ----------------------------------------------------------------------- */

typedef struct HistoryState {
    bool exists;                   /* something was ever exported */
    char tag[GENERATION_TAG_SIZE]; /* of the generation up to which history has all */
    int64_t waiting, lost;         /* readings */
} HistoryState;
MUST_USE ErrCode snapshot_history(Snapshot *snap, HistoryState *ret_state, Err *err);

/* Newest first. `manifest` is JSON (export/manifest.h). */
typedef bool ManifestFn(Str manifest, UnixSec exported, void *ctx);
MUST_USE ErrCode snapshot_each_export(Snapshot *snap, ManifestFn *each, void *ctx, Err *err);
/* How many were added since the store was opened: where it has grown there is a new one, and watchers
 * were told (store_watch()). Any thread. */
uint64_t store_export_count(const Store *store);
