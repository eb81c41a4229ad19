#include "base/kafka.h"

#include "base/clock.h"
#include "base/log.h"

#include <librdkafka/rdkafka.h>
#include <stdlib.h>
#include <string.h>

enum { PARTITION = 0, TEXT_SIZE = 512 };

struct KafkaProducer {
    const KafkaOptions *options;
    rd_kafka_t *handle;
    rd_kafka_topic_t *topic;
    rd_kafka_resp_err_t failed; /* of the first record that was not acknowledged */
};

struct KafkaConsumer {
    const KafkaOptions *options;
    rd_kafka_t *handle;
    rd_kafka_message_t *message; /* the one at hand */
};

Str kafka_header(const KafkaRecord *record, const char *name)
{
    for (size_t i = 0; i < record->header_count; i++)
        if (strcmp(record->headers[i].name, name) == 0)
            return record->headers[i].value;
    return STR_NONE;
}

static ErrCode fail(Err *err, rd_kafka_resp_err_t why, const char *what)
{
    bool unreachable =
        why == RD_KAFKA_RESP_ERR__TRANSPORT || why == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN ||
        why == RD_KAFKA_RESP_ERR__TIMED_OUT || why == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT ||
        why == RD_KAFKA_RESP_ERR__RESOLVE || why == RD_KAFKA_RESP_ERR__PURGE_QUEUE ||
        why == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT;
    return err_set(err, unreachable ? ERR_NETWORK : ERR_UPSTREAM, "kafka: %s: %s", what,
                   rd_kafka_err2str(why));
}

/* ---- settings ---------------------------------------------------------------------------------- */

static ErrCode set(rd_kafka_conf_t *conf, const char *name, const char *value, Err *err)
{
    char text[TEXT_SIZE];
    if (rd_kafka_conf_set(conf, name, value, text, sizeof text) == RD_KAFKA_CONF_OK)
        return OK;
    return err_set(err, ERR_INVALID, "kafka setting %s: %s", name, text);
}

static void on_log(UNUSED const rd_kafka_t *handle, int level, UNUSED const char *facility,
                   const char *text)
{
    if (level <= 4)
        log_warn("kafka " LOG_TEXT, text);
}

/* What the caller set comes over our preference, and what must hold for our promises over both.
 * Records of one generation are alike: zstd makes a tenth of them. */
static ErrCode make_conf(const KafkaOptions *options, const KafkaSetting *ours, size_t count,
                         rd_kafka_conf_t **ret_conf, Err *err)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    ErrCode rc = set(conf, "bootstrap.servers", options->brokers, err);
    if (rc == OK)
        rc = set(conf, "compression.type", "zstd", err);
    for (size_t i = 0; i < options->setting_count && rc == OK; i++)
        rc = set(conf, options->settings[i].name, options->settings[i].value, err);
    for (size_t i = 0; i < count && rc == OK; i++)
        rc = set(conf, ours[i].name, ours[i].value, err);
    if (rc != OK) {
        rd_kafka_conf_destroy(conf);
        return rc;
    }
    rd_kafka_conf_set_log_cb(conf, on_log);
    *ret_conf = conf;
    return OK;
}

ErrCode kafka_check(const KafkaOptions *options, Err *err)
{
    rd_kafka_conf_t *conf = NULL;
    ErrCode rc = make_conf(options, NULL, 0, &conf, err);
    if (rc == OK)
        rd_kafka_conf_destroy(conf);
    return rc;
}

static ErrCode make_handle(const KafkaOptions *options, rd_kafka_type_t type, rd_kafka_conf_t *conf,
                           rd_kafka_t **ret_handle, Err *err)
{
    char text[TEXT_SIZE];
    rd_kafka_t *handle = rd_kafka_new(type, conf, text, sizeof text);
    if (handle == NULL) {
        rd_kafka_conf_destroy(conf);
        return err_set(err, ERR_INVALID, "kafka at %s: %s", options->brokers, text);
    }
    *ret_handle = handle;
    return OK;
}

/* ---- writing ----------------------------------------------------------------------------------- */

static void on_delivery(UNUSED rd_kafka_t *handle, const rd_kafka_message_t *message, void *ctx)
{
    KafkaProducer *producer = ctx;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR &&
        producer->failed == RD_KAFKA_RESP_ERR_NO_ERROR)
        producer->failed = message->err;
}

/* Offsets order all records only within one partition. */
static ErrCode check_partitions(KafkaProducer *producer, Err *err)
{
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t why = rd_kafka_metadata(producer->handle, 0, producer->topic, &metadata,
                                                (int) producer->options->deadline_ms);
    if (why != RD_KAFKA_RESP_ERR_NO_ERROR)
        return fail(err, why, producer->options->topic);
    int count = metadata->topic_cnt == 1 ? metadata->topics[0].partition_cnt : 0;
    rd_kafka_metadata_destroy(metadata);
    /* none yet: a broker that makes topics by itself will at the first record */
    return count <= 1 ? OK
                      : err_set(err, ERR_INVALID, "kafka topic %s has %d partitions, expected one",
                                producer->options->topic, count);
}

ErrCode kafka_producer_open(const KafkaOptions *options, KafkaProducer **ret_producer, Err *err)
{
    static const KafkaSetting ours[] = {{"enable.idempotence", "true"}, {"acks", "all"}};
    rd_kafka_conf_t *conf = NULL;
    KafkaProducer *producer = calloc(1, sizeof *producer);
    if (producer == NULL)
        return err_set(err, ERR_NO_MEMORY, "no memory for a kafka producer");
    producer->options = options;
    ErrCode rc = make_conf(options, ours, countof(ours), &conf, err);
    if (rc == OK) {
        rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
        rd_kafka_conf_set_opaque(conf, producer);
        rc = make_handle(options, RD_KAFKA_PRODUCER, conf, &producer->handle, err);
    }
    if (rc == OK) {
        producer->topic = rd_kafka_topic_new(producer->handle, options->topic, NULL);
        rc = producer->topic == NULL ? fail(err, rd_kafka_last_error(), options->topic)
                                     : check_partitions(producer, err);
    }
    if (rc != OK) {
        kafka_producer_close(producer);
        return rc;
    }
    *ret_producer = producer;
    return OK;
}

void kafka_producer_close(KafkaProducer *producer)
{
    if (producer == NULL)
        return;
    if (producer->topic != NULL)
        rd_kafka_topic_destroy(producer->topic);
    if (producer->handle != NULL) {
        (void) rd_kafka_purge(producer->handle, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        (void) rd_kafka_flush(producer->handle, 100); /* the callbacks of what was purged */
        rd_kafka_destroy(producer->handle);
    }
    free(producer);
}

static rd_kafka_resp_err_t produce(KafkaProducer *producer, const KafkaRecord *record)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(record->header_count);
    for (size_t i = 0; i < record->header_count; i++)
        (void) rd_kafka_header_add(headers, record->headers[i].name, -1,
                                   record->headers[i].value.ptr,
                                   (ssize_t) record->headers[i].value.len);
    void *key = (void *) (uintptr_t) record->key.ptr; /* neither is written to */
    void *value = (void *) (uintptr_t) record->value.ptr;
    rd_kafka_resp_err_t why = rd_kafka_producev(
        producer->handle, RD_KAFKA_V_RKT(producer->topic), RD_KAFKA_V_PARTITION(PARTITION),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(key, record->key.len),
        RD_KAFKA_V_VALUE(value, record->value.len), RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END);
    if (why != RD_KAFKA_RESP_ERR_NO_ERROR)
        rd_kafka_headers_destroy(headers);
    return why;
}

ErrCode kafka_send(KafkaProducer *producer, const KafkaRecord *record, Err *err)
{
    int64_t until_ms = clock_elapsed_ms() + producer->options->deadline_ms;
    rd_kafka_resp_err_t why = produce(producer, record);
    while (why == RD_KAFKA_RESP_ERR__QUEUE_FULL && clock_elapsed_ms() < until_ms) {
        (void) rd_kafka_poll(producer->handle, 50);
        why = produce(producer, record);
    }
    (void) rd_kafka_poll(producer->handle, 0);
    if (why == RD_KAFKA_RESP_ERR_NO_ERROR)
        why = producer->failed;
    return why == RD_KAFKA_RESP_ERR_NO_ERROR ? OK : fail(err, why, "send");
}

ErrCode kafka_flush(KafkaProducer *producer, int64_t wait_ms, bool *ret_done, Err *err)
{
    rd_kafka_resp_err_t why = rd_kafka_flush(producer->handle, (int) wait_ms);
    *ret_done = why == RD_KAFKA_RESP_ERR_NO_ERROR;
    if (why == RD_KAFKA_RESP_ERR__TIMED_OUT || *ret_done)
        why = producer->failed;
    return why == RD_KAFKA_RESP_ERR_NO_ERROR ? OK : fail(err, why, "acknowledge");
}

/* ---- reading ----------------------------------------------------------------------------------- */

ErrCode kafka_consumer_open(const KafkaOptions *options, KafkaConsumer **ret_consumer, Err *err)
{
    static const KafkaSetting ours[] = {{"group.id", "freshet"}, /* wanted, though nothing is
                                                                    committed to it */
                                        {"enable.auto.commit", "false"},
                                        {"enable.auto.offset.store", "false"},
                                        {"auto.offset.reset", "error"},
                                        {"allow.auto.create.topics", "false"}};
    rd_kafka_conf_t *conf = NULL;
    KafkaConsumer *consumer = calloc(1, sizeof *consumer);
    if (consumer == NULL)
        return err_set(err, ERR_NO_MEMORY, "no memory for a kafka consumer");
    consumer->options = options;
    ErrCode rc = make_conf(options, ours, countof(ours), &conf, err);
    if (rc == OK)
        rc = make_handle(options, RD_KAFKA_CONSUMER, conf, &consumer->handle, err);
    if (rc != OK) {
        free(consumer);
        return rc;
    }
    (void) rd_kafka_poll_set_consumer(consumer->handle);
    *ret_consumer = consumer;
    return OK;
}

static void drop_message(KafkaConsumer *consumer)
{
    if (consumer->message != NULL)
        rd_kafka_message_destroy(consumer->message);
    consumer->message = NULL;
}

void kafka_consumer_close(KafkaConsumer *consumer)
{
    if (consumer == NULL)
        return;
    drop_message(consumer);
    (void) rd_kafka_consumer_close(consumer->handle);
    rd_kafka_destroy(consumer->handle);
    free(consumer);
}

ErrCode kafka_bounds(KafkaConsumer *consumer, int64_t *ret_first, int64_t *ret_end, Err *err)
{
    rd_kafka_resp_err_t why =
        rd_kafka_query_watermark_offsets(consumer->handle, consumer->options->topic, PARTITION,
                                         ret_first, ret_end, (int) consumer->options->deadline_ms);
    return why == RD_KAFKA_RESP_ERR_NO_ERROR ? OK : fail(err, why, consumer->options->topic);
}

ErrCode kafka_seek(KafkaConsumer *consumer, int64_t offset, Err *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, consumer->options->topic, PARTITION)->offset = offset;
    drop_message(consumer);
    rd_kafka_resp_err_t why = rd_kafka_assign(consumer->handle, list);
    rd_kafka_topic_partition_list_destroy(list);
    return why == RD_KAFKA_RESP_ERR_NO_ERROR ? OK : fail(err, why, "seek");
}

static void read_headers(const rd_kafka_message_t *message, KafkaRecord *record)
{
    rd_kafka_headers_t *headers = NULL;
    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    for (size_t i = 0; record->header_count < KAFKA_HEADERS_MAX; i++) {
        KafkaHeader *header = &record->headers[record->header_count];
        const void *value = NULL;
        if (rd_kafka_header_get_all(headers, i, &header->name, &value, &header->value.len) !=
            RD_KAFKA_RESP_ERR_NO_ERROR)
            break;
        header->value.ptr = value;
        record->header_count++;
    }
}

ErrCode kafka_next(KafkaConsumer *consumer, int64_t wait_ms, KafkaRecord *ret_record,
                   bool *ret_more, Err *err)
{
    drop_message(consumer);
    *ret_more = false;
    rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer->handle, (int) wait_ms);
    if (message == NULL)
        return OK;
    consumer->message = message;
    if (message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
        message->err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE)
        return err_set(err, ERR_NOT_FOUND, "kafka: %s", rd_kafka_message_errstr(message));
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
        return OK;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
        return fail(err, message->err, "read");
    *ret_record = (KafkaRecord){.offset = message->offset,
                                .key = {message->key, message->key_len},
                                .value = {message->payload, message->len}};
    read_headers(message, ret_record);
    *ret_more = true;
    return OK;
}
