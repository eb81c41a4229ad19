/* stream/publisher.h - tells every generation of a store to a Kafka topic, whole or not at all.
 *
 * One worker. It is woken by a new generation and reads it from a snapshot: what came after the
 * generation that its file `told` names, which may be several that become one. That file moves after the
 * brokers have acknowledged all of it, so that nothing is lost by a restart, an outage, a kill; what
 * is told once more is recognised by who follows (ingester, epoch, number).
 * Now and then a generation is told whole, so that a follower that has nothing finds a beginning
 * within what the topic retains. */
#pragma once
#include "base/kafka.h"
#include "store/store.h"

typedef struct PublisherOptions {
    KafkaOptions kafka;               /* what it points to outlives the publisher */
    const char *ingester;             /* "1/1": which share of the stations this store holds */
    const char *dir;                  /* where the file is kept */
    int64_t whole_interval_s;         /* a generation is told whole this often */
    int64_t retry_min_s, retry_max_s; /* after a failure: doubling */
} PublisherOptions;

typedef struct Publisher Publisher;

/* Before the store's writer is opened. Owns: *ret_publisher ends with publisher_stop(), which leaves
 * what was not acknowledged for the next start.
 * Errors: ERR_INVALID (a setting), ERR_BUSY (too many watchers), ERR_NO_MEMORY. */
MUST_USE ErrCode publisher_start(Store *store, const PublisherOptions *options,
                                 Publisher **ret_publisher, Err *err);
void publisher_stop(Publisher *publisher); /* NULL is fine */
