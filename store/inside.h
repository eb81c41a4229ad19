/* store/inside.h - what a Store, a Snapshot and a Writer are made of. Private to the folder. */
#pragma once
#include "base/lock.h"
#include "store/files.h"
#include "store/meta.h"
#include "store/snapshot.h"
#include "store/statements.h"
#include "store/writer.h"

struct Store {
    /* settled by store_open(), then only read */
    StoreOptions options; /* data_dir: not kept, NULL */
    /* guarded by watching, which is held while they are told */
    Lock watching;
    struct {
        WatchFn *fn;
        void *ctx;
    } watchers[STORE_WATCHERS_MAX];
    size_t watcher_count;
    /* guarded by preparing, which is held while it runs */
    Lock preparing;
    struct {
        WatchFn *fn;
        void *ctx;
    } prepare;
    /* any thread */
    _Atomic uint64_t generation, epoch_before_last;
    _Atomic uint32_t epoch, epoch_before;
    _Atomic uint64_t
        copied; /* the generation that was copied, of a store opened from a copy; else 0 */
    _Atomic int64_t as_of, next_expected, failing_since, copy_fault_since;
    _Atomic uint64_t exported;     /* history has all that came up to this generation */
    _Atomic uint64_t export_count; /* of generations, since it was opened */
    _Atomic int copy_fault;        /* a Fault */
    atomic_bool damaged;           /* corruption was met: the next open shall look for it */
    /* guarded by lock */
    Lock lock;
    Cond came_back;
    Snapshot *idle; /* the most recently used first: its cache is warm */
    size_t idle_count;
    bool has_writer;
    uint64_t span_generation; /* of which earliest and latest are; 0: not known */
    UnixSec earliest, latest;
    /* main, then the writer's thread, then main */
    Files files;
    /* the pool, in one piece; each is touched by who holds it */
    Snapshot *snapshots;
};

/* A connection of the pool; pinned while it is lent. */
struct Snapshot {
    Store *store;
    Snapshot *next_idle;
    Db db; /* opened when first lent */
    /* connections of their own, opened when first asked: their trouble costs no reading */
    Db ledger, spool;
    Meta meta;
    SnapshotInfo info;
    /* what newest values mean, as far as it was asked (store/meant.h); owned, by key of the measure */
    uint8_t *meant;
    size_t meant_count;
};

/* What is open behind the newest readings of the last batch. */
typedef struct GapList {
    Arena strings;
    SeriesGap *items; /* owned */
    size_t count, cap;
} GapList;

/* The ingest side of spool.db (store/spool.h). */
typedef struct Spool {
    Db *db;
    int64_t max_bytes; /* 0: nothing is spooled */
    const _Atomic uint64_t *exported;
    /* of the batch under way */
    const Meta *meta;
    UnixSec now;
    bool open;       /* a transaction is */
    int64_t measure; /* key, whose series `series` is; 0: none */
    int64_t series;
    int64_t lost; /* readings that could not be kept */
    Err err;      /* the last trouble; OK: none */
} Spool;

struct Writer {
    Store *store;
    atomic_bool stop; /* any thread; the rest is the ingest thread's */
    Db *db, *ledger;
    Spool spool;
    GapList gaps; /* of the last batch */
    Str *unknown; /* owned: ids of measures of the last batch, which are its own */
    Meta meta;    /* as committed */
    UnixSec slot; /* of the last batch that had one; NO_TIME: none yet */
    int64_t poll_s;
};

/* After a commit: has it prepared, makes the generation known and tells the watchers. */
void store_announce(Store *store, const Meta *meta);
void store_tell_watchers(Store *store);

/* store/ledger.c: what the parser refused, and the readings of unknown measures, go into quarantine;
 * what waited there for a measure that is known by now is released. Nobody's round ends when it
 * fails: applied->quarantine_error says so, OK otherwise. */
void ledger_note_batch(Writer *writer, const Batch *batch, const size_t *unknown,
                       size_t unknown_count, UnixSec now, Applied *applied);
/* Opens the snapshot's connection to the ledger, when it is not open yet. */
MUST_USE ErrCode ledger_connect(Snapshot *snap, Err *err);

/* store/exports.c: how far history has come, when the store opens. */
MUST_USE ErrCode exports_read_mark(Store *store, Err *err);
