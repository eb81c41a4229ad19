/* base/kafka.h - the only user of librdkafka: records to and from one topic of one partition.
 *
 * A topic of one partition is a log: its offsets are an order that all readers agree on. Blocking;
 * a handle belongs to one thread at a time. Errors of all: ERR_NETWORK (no broker, time-out; worth a
 * retry), ERR_UPSTREAM (a broker refused), ERR_INVALID (a setting, a topic of several partitions). */
#pragma once
#include "base/err.h"
#include "base/str.h"

typedef struct KafkaSetting {
    const char *name, *value; /* librdkafka's own: "security.protocol" */
} KafkaSetting;

typedef struct KafkaOptions {
    const char *brokers, *topic;
    const KafkaSetting *settings;
    size_t setting_count;
    int64_t deadline_ms; /* of whatever is waited for */
} KafkaOptions;

enum { KAFKA_HEADERS_MAX = 8 };
typedef struct KafkaHeader {
    const char *name;
    Str value;
} KafkaHeader;

typedef struct KafkaRecord {
    int64_t offset; /* of a record that was read */
    Str key, value;
    KafkaHeader headers[KAFKA_HEADERS_MAX];
    size_t header_count;
} KafkaRecord;
Str kafka_header(const KafkaRecord *record, const char *name); /* none: not there */

/* Whether librdkafka knows and takes each setting. ERR_INVALID names the first that it does not. */
MUST_USE ErrCode kafka_check(const KafkaOptions *options, Err *err);

/* ---- writing: idempotent, acknowledged by all replicas, in order ---------------------------------- */

typedef struct KafkaProducer KafkaProducer;
/* `options` outlive it. Owns: *ret_producer ends with kafka_producer_close(), which drops what was
 * not flushed. */
MUST_USE ErrCode kafka_producer_open(const KafkaOptions *options, KafkaProducer **ret_producer,
                                     Err *err);
void kafka_producer_close(KafkaProducer *producer); /* NULL is fine */
/* Copies the record and hands it over; waits while librdkafka's queue is full. */
MUST_USE ErrCode kafka_send(KafkaProducer *producer, const KafkaRecord *record, Err *err);
/* Waits at most `wait_ms` until everything sent is acknowledged: then *ret_done. An error: some may
 * be and some may not; the producer is to be closed. */
MUST_USE ErrCode kafka_flush(KafkaProducer *producer, int64_t wait_ms, bool *ret_done, Err *err);

/* ---- reading -------------------------------------------------------------------------------------- */

typedef struct KafkaConsumer KafkaConsumer;
/* Owns: *ret_consumer ends with kafka_consumer_close(). It stands nowhere until kafka_seek(). */
MUST_USE ErrCode kafka_consumer_open(const KafkaOptions *options, KafkaConsumer **ret_consumer,
                                     Err *err);
void kafka_consumer_close(KafkaConsumer *consumer); /* NULL is fine */
/* The first offset that is kept, and the one that the next record will have. */
MUST_USE ErrCode kafka_bounds(KafkaConsumer *consumer, int64_t *ret_first, int64_t *ret_end,
                              Err *err);
MUST_USE ErrCode kafka_seek(KafkaConsumer *consumer, int64_t offset, Err *err);
/* The next record, waiting at most `wait_ms` for it. *ret_more false: none came. It borrows memory
 * that lives until the next call. ERR_NOT_FOUND: the offset is no longer, or not yet, there. */
MUST_USE ErrCode kafka_next(KafkaConsumer *consumer, int64_t wait_ms, KafkaRecord *ret_record,
                            bool *ret_more, Err *err);
