/* ingest/backfill.h - finds what polling the newest cannot see, and asks for exactly that.
 *
 * Gaps come from the writer with each poll of what is newest (store/writer.h); the plan (ingest/plan.h)
 * says how to close them; now and then a sweep asks for the whole window, for what arrived behind a
 * measure's newest reading shows no gap. What could not be asked for stays wanted. Ingest thread. */
#pragma once
#include "ingest/committer.h"
#include "ingest/upstream.h"

typedef struct Backfill Backfill;

typedef struct BackfillOptions {
    int64_t sweep_interval_s, window_s;
    size_t max_batch_readings;
    Shard shard;
} BackfillOptions;

/* What a fill did, beside what it adds to the report of its round. */
typedef struct Filled {
    int64_t asks_done, asks_left;
    int64_t retry_after_s; /* what the upstream asked for */
} Filled;

/* Owns: *ret ends with backfill_close(). Errors: ERR_NO_MEMORY. */
MUST_USE ErrCode backfill_open(const BackfillOptions *options, Backfill **ret, Err *err);
void backfill_close(Backfill *backfill); /* NULL is fine */

/* The next run sweeps: what was open before this process is not known any more. */
void backfill_sweep_soon(Backfill *backfill);

/* Remembers what a poll of the newest left open. */
MUST_USE ErrCode backfill_want(Backfill *backfill, const SeriesGap *gaps, size_t count, Err *err);

/* Asks for what is wanted, and sweeps when that is due, as far as the budget goes; applies what comes,
 * at most once a second, as of `fault`, and adds what it cost and brought to *report. A request that
 * fails leaves its gaps wanted; after three in a row the rest waits too. What the upstream answers 404
 * for it does not have.
 * Errors: of the upstream, the last one (*ret_filled tells what was done all the same); of the store;
 * ERR_STOPPED. */
MUST_USE ErrCode backfill_run(Backfill *backfill, Upstream *upstream, Committer *committer,
                              Fault fault, PollReport *report, Filled *ret_filled, Err *err);
