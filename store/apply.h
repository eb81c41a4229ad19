/* store/apply.h - a batch on its way into the store, inside one transaction. Private to the folder.
 *
 * writer.c begins and ends the transaction; catalogue.c applies what the batch says of stations and
 * measures, more.c what it says of one alone; readings.c its readings; delivery.c what their
 * coming lets expect. */
#pragma once
#include "store/inside.h"

/* Keys seen, one bit each: they are small and dense. */
typedef struct KeySet {
    uint64_t *words; /* owned */
    size_t count;
} KeySet;

typedef struct Apply {
    Db *db;
    const Batch *batch;
    uint64_t generation; /* that this batch makes, if it changes anything */
    uint64_t place;      /* in it, of the next change */
    UnixSec now;
    int64_t window_s;
    Meta *meta; /* its counts of rows are kept as they change */
    Applied applied;
    size_t
        *unknown; /* owned: readings of measures that are not known, by their place in the batch */
    size_t unknown_count;
    Str *unknown_ids; /* owned: their measures, each once, in order */
    GapList *gaps;    /* the Writer's; emptied before */
    Spool *spool;     /* the Writer's */
    UnixSec slot;     /* at which the batch came */
    int64_t poll_s;   /* between two slots */
    int64_t away_s;   /* of our own making before it, with no poll that went well */
    const atomic_bool *stop;
    bool of_copy; /* which stays as it is for a fault alone */
    bool changed;
} Apply;

/* Binds the generation, and the next place in it, from parameter `at` on; returns the one behind. */
int apply_number(Apply *apply, sqlite3_stmt *st, int at);

/* Asked between any two pieces of work: ERR_STOPPED, once writer_stop() was called. */
MUST_USE ErrCode apply_go_on(const Apply *apply, Err *err);

/* Stations and measures, then types: a measure may bring a station. */
MUST_USE ErrCode apply_catalogue(Apply *apply, Err *err);
MUST_USE ErrCode apply_types(Apply *apply, Err *err);
/* Makes the other keys of a stored station anew. */
MUST_USE ErrCode apply_aliases(Apply *apply, int64_t station, Err *err);
MUST_USE ErrCode apply_more(Apply *apply, Err *err);

/* False: no memory. */
MUST_USE bool gap_list_add(GapList *gaps, const SeriesGap *gap);

MUST_USE ErrCode apply_readings(Apply *apply, Err *err);
/* Finds a station's newest time anew and trims it: one of its measures has come or gone. */
MUST_USE ErrCode apply_station_window(Apply *apply, int64_t station, Err *err);

/* With a whole list: removes what has been in none, and without a reading, for 30 days. */
MUST_USE ErrCode apply_removals(Apply *apply, Err *err);

/* One, with its readings; or a station without measures, which stays where it has some. */
MUST_USE ErrCode apply_measure_removal(Apply *apply, int64_t measure, Err *err);
MUST_USE ErrCode apply_station_removal(Apply *apply, int64_t station, Err *err);

/* How a measure delivered so far, and how fresh it is kept as. */
typedef struct Delivered {
    UnixSec newest; /* NO_TIME: it never delivered */
    Deliveries deliveries;
    Freshness freshness;
} Delivered;
/* Five columns of `delivery` from `column` on, outer joined. */
Delivered row_delivered(sqlite3_stmt *st, int column);

/* How fresh a measure is kept as; -1: it never delivered. */
MUST_USE ErrCode apply_freshness(Apply *apply, int64_t measure, int64_t *ret_freshness, Err *err);
/* Its freshness is another in this generation. */
MUST_USE ErrCode apply_freshness_change(Apply *apply, int64_t measure, Err *err);
/* A reading newer than all of its measure before came: `before` is what it was until now. */
MUST_USE ErrCode apply_delivery(Apply *apply, int64_t measure, int64_t period_s,
                                const Delivered *before, UnixSec newest, Err *err);
/* Its station's window begins at `from`: a measure whose newest is older is silent. */
MUST_USE ErrCode apply_silence(Apply *apply, int64_t measure, UnixSec from, Err *err);
/* At a slot, after what it brought: who has become late, stale, silent. */
MUST_USE ErrCode apply_crossings(Apply *apply, Err *err);

void key_set_release(KeySet *set);
/* *ret_new: it was not yet in it. */
MUST_USE ErrCode key_set_add(KeySet *set, int64_t key, bool *ret_new, Err *err);
bool key_set_has(const KeySet *set, int64_t key);

/* The keys that a bound statement gives. */
typedef struct KeyList {
    int64_t *keys; /* owned */
    size_t count, cap;
} KeyList;
void key_list_release(KeyList *list);
MUST_USE ErrCode key_list_add(KeyList *list, int64_t key, Err *err);
MUST_USE ErrCode key_list_read(KeyList *list, Db *db, sqlite3_stmt *st, Err *err);
