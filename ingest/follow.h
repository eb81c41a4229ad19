/* ingest/follow.h - a replica's source: generations from a Kafka topic instead of the upstream.
 *
 * One worker thread, which owns the store's Writer. It gathers what lies between the two markers of a
 * generation, of each ingester apart, and applies it in one transaction with the place to read on
 * from. The number of a generation is the offset of its end marker and its epoch is the log's, so that
 * all who follow the same log hold the same under the same name; no clock of ours is asked.
 * A generation that is not whole needs the one before: what cannot be joined to it is passed over,
 * and nothing is announced until that ingester has told a whole one, which it does now and then. */
#pragma once
#include "base/kafka.h"
#include "store/store.h"

typedef struct FollowOptions {
    KafkaOptions kafka; /* what it points to outlives the follower */
    const char *dir;    /* where a generation is gathered */
    int64_t retry_min_s, retry_max_s;
} FollowOptions;

typedef struct Follower Follower;

/* Owns: *ret_follower ends with follower_stop().
 * Errors: ERR_INVALID (a setting), ERR_BUSY (the store has a writer), ERR_STORAGE, ERR_NO_MEMORY. */
MUST_USE ErrCode follower_start(Store *store, const FollowOptions *options, Follower **ret_follower,
                                Err *err);
void follower_stop(Follower *follower); /* NULL is fine */
