/* store/store.h - stations, measures and readings of the last 24 h, kept in SQLite.
 *
 * The only folder that knows SQL. One Writer (the ingest thread's) commits generations; any number
 * of Snapshots read, each pinned to the generation that was newest when it opened.
 *
 * Three files in the data directory: freshet.db, whose content belongs to a generation; ledger.db, the
 * bookkeeping (polls, quarantine), and spool.db, what waits for export (store/exports.h), which
 * change without making one. */
#pragma once
#include "base/err.h"
#include "model/model.h"

typedef struct Store Store;       /* shared: its functions may be called on any thread   */
typedef struct Writer Writer;     /* owned by the ingest thread; a store has at most one */
typedef struct Snapshot Snapshot; /* a read transaction; used by one thread at a time    */

enum { GENERATION_TAG_SIZE = 32, STORE_NOTE_SIZE = 400 };

/* Where a store came from that was not grown here. */
typedef struct StoreOrigin {
    char generation[GENERATION_TAG_SIZE];
    char source[STORE_NOTE_SIZE];
} StoreOrigin;

/* Fetches a copy of a store (store/backup.h), checked, to `path`. False: none that is good is to be had;
 * what it leaves at `path` is dropped. */
typedef bool StoreFillFn(const char *path, StoreOrigin *ret_origin, void *ctx);

typedef struct StoreOptions {
    const char *data_dir;     /* made when it is not there */
    int64_t window_s;         /* at most WINDOW_MAX_S */
    size_t reader_count;      /* snapshots open at the same time; at least 1 */
    int64_t snapshot_wait_ms; /* for one to come free */
    int64_t wal_max_bytes;    /* the log is truncated beyond this */
    int64_t check_max_bytes;  /* a larger store is not checked whole after a crash; 0: any is */
    StoreFillFn
        *fill; /* asked by store_open() where there is no store; NULL: an empty one is begun */
    void *fill_ctx;
    int64_t spool_max_bytes; /* of readings that wait for export; 0: nobody exports, none wait */
} StoreOptions;

/* Opens or creates. A file that is damaged or no database of ours is renamed to
 * <name>.damaged-<time> and a new one begun; *ret_set_aside then says so (buffer of the caller's,
 * "" otherwise), for main to log. A store that was not closed in order is checked first: whole, or
 * beyond `check_max_bytes` all but its readings. What is not there, or was set aside, is what options->fill brings.
 * Thread: main. Owns: *ret_store ends with store_close().
 * Errors: ERR_STORAGE (directory, permission, disk), ERR_BUSY (another process has it open). */
MUST_USE ErrCode store_open(const StoreOptions *options, Store **ret_store,
                            char ret_set_aside[static STORE_NOTE_SIZE], Err *err);
/* Fills a data directory that holds no store, without opening it.
 * Errors: ERR_INVALID (there is a store), ERR_NOT_FOUND (`fill` had none), ERR_STORAGE, ERR_BUSY. */
MUST_USE ErrCode store_restore(const char *data_dir, StoreFillFn *fill, void *ctx, Err *err);
/* After every Snapshot and the Writer are closed. */
void store_close(Store *store);

/* ---- what is newest: any thread, lock-free ------------------------------------------------------ */

/* Newest announced generation; 0: nothing was ever stored. Never newer than what a snapshot sees. */
uint64_t store_generation(const Store *store);

/* Drawn at random when the file is made, and by the first new generation after a copy. */
uint32_t store_epoch(const Store *store);

/* "<epoch>-<number>", as it stands in ETags, envelopes and cursors: the epoch as 8 hex digits. */
void store_generation_tag(const Store *store, uint64_t generation,
                          char tag[static GENERATION_TAG_SIZE]);

/* Commit time of the newest generation; NO_TIME when it is 0. */
UnixSec store_as_of(const Store *store);

/* Since when batches cannot be stored (a full disk, a damaged file); NO_TIME: they can. It cannot
 * stand in a generation, as none can be made. */
UnixSec store_failing_since(const Store *store);

/* A copy is served as it is until something new comes, and a fault alone is nothing new: it is told
 * beside the generation. FAULT_NONE: there is none, or it stands in the generation. */
Service store_copy_service(const Store *store);

/* When the next generation is expected; told by ingest, read by HTTP for Expires. NO_TIME at first. */
void store_expect_next(Store *store, UnixSec when);
UnixSec store_next_expected(const Store *store);

/* ---- being told --------------------------------------------------------------------------------- */

/* Runs on the ingest thread after the commit of `generation`, the newest, was announced; and on the
 * export thread when one was exported. It may only wake somebody; it must not block or call the store. */
typedef void WatchFn(void *ctx, uint64_t generation);
enum { STORE_WATCHERS_MAX = 8 };
/* Any thread. Errors: ERR_BUSY (more than STORE_WATCHERS_MAX). */
MUST_USE ErrCode store_watch(Store *store, WatchFn *fn, void *ctx, Err *err);
/* When this returns it runs no more; nothing, where it was never watching. */
void store_unwatch(Store *store, WatchFn *fn, void *ctx);

/* Runs on the ingest thread between the commit of `generation` and its announcement, which waits for
 * it: it should be brief. It may take a Snapshot, which is of that generation already. There is one
 * such function; NULL: none. Any thread; when this returns, the one before runs no more. */
void store_prepare(Store *store, WatchFn *fn, void *ctx);

/* Pins the newest generation and lends a connection to read it with.
 * Hold it for one request, never while waiting for a peer: the log cannot shrink under it.
 * Owns:   the caller owns *ret_snap and ends it with snapshot_close().
 * Errors: ERR_BUSY (no connection came free in time), ERR_STORAGE, ERR_CORRUPT. */
MUST_USE ErrCode store_snapshot(Store *store, Snapshot **ret_snap, Err *err);
void snapshot_close(Snapshot *snap);   /* NULL is fine */
void snapshot_closep(Snapshot **snap); /* for CLEANUP */
