/* ingest/poll.h - the loop: when to ask, what to do when the answer is late, wrong or the same.
 *
 * One worker thread, which owns the store's Writer. It polls at once, then at every slot. */
#pragma once
#include "base/err.h"
#include "model/shard.h"
#include "store/store.h"

typedef struct PollOptions {
    const char *upstream; /* base address, without a trailing slash */
    const char *user_agent;
    int64_t interval_s;   /* multiples of 15 min keep to the upstream's releases */
    int64_t jitter_max_s; /* added to a slot, drawn anew for each */
    uint64_t jitter_seed; /* the same seed draws the same jitter */
    int64_t
        catalogue_interval_s; /* stations and measures are asked for this often, and on unknown ids */
    int64_t sweep_interval_s; /* the whole window is asked for this often: what came late */
    int64_t window_s;         /* as the store's */
    size_t details_per_poll;  /* stations asked for by themselves, at most; 0: none */
    Shard shard;              /* only its stations are taken */
    int64_t budget_requests, budget_bytes; /* of the upstream in one interval; never more */
    int64_t deadline_ms;                   /* of one request */
    int64_t connect_ms, stall_ms;
    size_t max_body_bytes;
    const char *spool_dir; /* where bodies too large for memory go; borrowed; NULL: nowhere */
    size_t max_batch_readings;
    const char *record_dir; /* every exchange with the upstream is kept there; NULL: nowhere */
    int64_t record_max_bytes;
    int64_t retry_min_s, retry_max_s; /* after a failed poll: doubling, with jitter */
} PollOptions;

typedef struct Poller Poller;

/* Owns: *ret_poller ends with poller_stop(), which ends a request under way.
 * Errors: ERR_BUSY (the store has a writer), ERR_STORAGE, ERR_NO_MEMORY. */
MUST_USE ErrCode poller_start(Store *store, const PollOptions *options, Poller **ret_poller,
                              Err *err);
void poller_stop(Poller *poller); /* NULL is fine */

/* The first slot after `now`. With an interval that is a multiple of 15 minutes slots lie 5 minutes
 * past the quarter hours, when the upstream's release of hh:03:21, :18:21, ... has passed its cache
 * of 300 s; with any other they are `now` + interval. */
UnixSec poll_next_slot(UnixSec now, int64_t interval_s);
