#include "stream/publisher.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/record_file.h"
#include "base/worker.h"
#include "model/event.h"
#include "store/change.h"
#include "store/copy.h"
#include "stream/told.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

enum {
    RECORD_MAX_BYTES = 900 * 1024, /* brokers take 1 MB by default */
    ROWS_BYTES = 256 * 1024,       /* a record of rows is sent beyond this */
    PATH_SIZE = 4096,
};

struct Publisher {
    Store *store;
    PublisherOptions options;
    Worker *worker; /* main's and the watcher's */
    Worker *self;   /* the worker's own */
    char told_path[PATH_SIZE];
    Told told;
    KafkaProducer *producer; /* NULL: not connected */
    uint32_t log;            /* the log's epoch, while connected */
};

/* ---- a generation as records ------------------------------------------------------------------- */

typedef struct Telling {
    RecordFile *file;
    EventSource source;
    UnixSec as_of;
    Buf rows, value;
    CopyTable table;
    EventEnd end;
    ErrCode rc; /* of a callback */
    Err *err;
} Telling;

static void telling_release(Telling *telling)
{
    buf_release(&telling->rows);
    buf_release(&telling->value);
}

/* What is in `value`, keyed. */
static ErrCode put(Telling *telling, EventKind kind, Str key)
{
    ErrCode rc = buf_check(&telling->value, telling->err);
    if (rc != OK)
        return rc;
    const Record record = {.kind = (int) kind, .key = key, .value = buf_view(&telling->value)};
    rc = record_file_add(telling->file, &record, telling->err);
    buf_clear(&telling->value);
    return rc;
}

static ErrCode put_rows(Telling *telling)
{
    if (telling->rows.len == 0)
        return buf_check(&telling->rows, telling->err);
    event_put_rows(&telling->value, &telling->source, telling->as_of,
                   copy_table_name(telling->table), buf_view(&telling->rows));
    buf_clear(&telling->rows);
    return put(telling, EVENT_ROWS, telling->source.ingester);
}

static bool tell_row(UNUSED CopyTable table, Str row, void *ctx)
{
    Telling *telling = ctx;
    if (telling->rows.len > 0)
        buf_put_char(&telling->rows, ',');
    buf_put_str(&telling->rows, row);
    telling->end.rows++;
    telling->rc = telling->rows.len > ROWS_BYTES ? put_rows(telling) : OK;
    return telling->rc == OK;
}

static ErrCode tell_tables(Telling *telling, Snapshot *snap, uint64_t after)
{
    for (int table = 0; table < COPY_TABLE_COUNT; table++) {
        telling->table = (CopyTable) table;
        ErrCode rc =
            snapshot_each_row(snap, telling->table, after, tell_row, telling, telling->err);
        if (rc == OK)
            rc = telling->rc;
        if (rc == OK)
            rc = put_rows(telling);
        if (rc != OK)
            return rc;
    }
    return OK;
}

static bool tell_reading(const Change *change, void *ctx)
{
    Telling *telling = ctx;
    const Row row = {
        .station = change->station, .measure = change->measure, .reading = change->reading};
    event_put_reading(&telling->value, &telling->source, telling->as_of,
                      (uint64_t) telling->end.readings, &row);
    telling->end.readings++;
    telling->rc = put(telling, EVENT_READING, change->station->id);
    return telling->rc == OK;
}

static ErrCode tell_all(Telling *telling, Snapshot *snap, uint64_t after)
{
    const Filter all = {.has_circle = false};
    const ChangeQuery query = {
        .filter = &all,
        .kinds = CHANGES_READINGS,
        .after = {.epoch = telling->source.epoch, .generation = after},
    };
    ChangeCursor reached;
    event_put_begin(&telling->value, &telling->source, telling->as_of, after);
    ErrCode rc = put(telling, EVENT_BEGIN, telling->source.ingester);
    if (rc == OK)
        rc = tell_tables(telling, snap, after);
    if (rc == OK)
        rc = snapshot_each_change(snap, &query, tell_reading, telling, &reached, telling->err);
    if (rc == OK)
        rc = telling->rc;
    if (rc != OK)
        return rc;
    event_put_end(&telling->value, &telling->source, &telling->end);
    return put(telling, EVENT_END, telling->source.ingester);
}

/* ---- to the log -------------------------------------------------------------------------------- */

static ErrCode send(Publisher *publisher, const EventSource *source, EventKind kind, Str key,
                    Str value, Err *err)
{
    char epoch[16], number[24], log[16];
    (void) snprintf(epoch, sizeof epoch, "%08" PRIx32, source->epoch);
    (void) snprintf(number, sizeof number, "%" PRIu64, source->number);
    (void) snprintf(log, sizeof log, "%08" PRIx32, source->log);
    const KafkaRecord record = {
        .key = key,
        .value = value,
        .headers = {{"ce_type", str_of(event_name(kind))},
                    {"content-type", STR("application/cloudevents+json")},
                    {"ingester", source->ingester},
                    {"epoch", str_of(epoch)},
                    {"generation", str_of(number)},
                    {"log", str_of(log)}},
        .header_count = 6,
    };
    return kafka_send(publisher->producer, &record, err);
}

/* In short steps, so that a stop need not wait for brokers that are away. */
static ErrCode flush(Publisher *publisher, Err *err)
{
    enum { STEP_MS = 100 };
    int64_t until_ms = clock_elapsed_ms() + publisher->options.kafka.deadline_ms;
    bool done = false;
    while (!done) {
        if (worker_stopping(publisher->self))
            return err_set(err, ERR_STOPPED, "stopping");
        ErrCode rc = kafka_flush(publisher->producer, STEP_MS, &done, err);
        if (rc != OK)
            return rc;
        if (!done && clock_elapsed_ms() > until_ms)
            return err_set(err, ERR_NETWORK, "kafka: not acknowledged in %" PRId64 " ms",
                           publisher->options.kafka.deadline_ms);
    }
    return OK;
}

static ErrCode send_all(Publisher *publisher, Telling *telling, Err *err)
{
    ErrCode rc = record_file_rewind(telling->file, err);
    for (bool more = rc == OK; more && rc == OK;) {
        Record record;
        if (worker_stopping(publisher->self))
            return err_set(err, ERR_STOPPED, "stopping");
        rc = record_file_next(telling->file, &record, &more, err);
        if (rc == OK && more)
            rc = send(publisher, &telling->source, (EventKind) record.kind, record.key,
                      record.value, err);
    }
    return rc == OK ? flush(publisher, err) : rc;
}

/* ---- which log it is --------------------------------------------------------------------------- */

static ErrCode read_at(KafkaConsumer *consumer, const KafkaOptions *options, int64_t offset,
                       EventKind *ret_kind, uint32_t *ret_log, Err *err)
{
    KafkaRecord record;
    bool more = false;
    int64_t until_ms = clock_elapsed_ms() + options->deadline_ms;
    ErrCode rc = kafka_seek(consumer, offset, err);
    while (rc == OK && !more && clock_elapsed_ms() < until_ms)
        rc = kafka_next(consumer, 100, &record, &more, err);
    if (rc == OK && !more)
        rc = err_set(err, ERR_NETWORK, "kafka topic %s: no record at %" PRId64, options->topic,
                     offset);
    if (rc != OK)
        return rc;
    if (!str_to_hex(kafka_header(&record, "log"), ret_log) ||
        !event_find(kafka_header(&record, "ce_type"), ret_kind))
        return err_set(err, ERR_FORMAT, "kafka topic %s holds what is none of ours",
                       options->topic);
    return OK;
}

/* An empty topic is named by its first record. Two that find it empty at once both write one, and
 * both take the first. */
static ErrCode name_log(Publisher *publisher, Err *err)
{
    EventSource source = {.ingester = str_of(publisher->options.ingester)};
    CLEANUP(buf_release) Buf value = buf_init(RECORD_MAX_BYTES);
    if (getrandom(&source.log, sizeof source.log, 0) != sizeof source.log)
        source.log = (uint32_t) clock_elapsed_us();
    event_put_log(&value, &source, clock_now());
    ErrCode rc = buf_check(&value, err);
    if (rc == OK)
        rc = send(publisher, &source, EVENT_LOG, source.ingester, buf_view(&value), err);
    return rc == OK ? flush(publisher, err) : rc;
}

static ErrCode find_log(Publisher *publisher, KafkaConsumer *consumer, Err *err)
{
    const KafkaOptions *options = &publisher->options.kafka;
    int64_t first = 0, end = 0;
    EventKind kind = EVENT_LOG;
    ErrCode rc = kafka_bounds(consumer, &first, &end, err);
    if (rc == OK && first == end) {
        rc = name_log(publisher, err);
        if (rc == OK)
            rc = kafka_bounds(consumer, &first, &end, err);
    }
    if (rc == OK)
        rc = read_at(consumer, options, end - 1, &kind, &publisher->log, err);
    if (rc == OK && kind == EVENT_LOG) /* not all who wrote one were first */
        rc = read_at(consumer, options, first, &kind, &publisher->log, err);
    return rc;
}

static void disconnect(Publisher *publisher)
{
    kafka_producer_close(TAKE(publisher->producer));
}

static ErrCode connect_log(Publisher *publisher, Err *err)
{
    KafkaConsumer *consumer = NULL;
    ErrCode rc = kafka_producer_open(&publisher->options.kafka, &publisher->producer, err);
    if (rc == OK)
        rc = kafka_consumer_open(&publisher->options.kafka, &consumer, err);
    if (rc == OK)
        rc = find_log(publisher, consumer, err);
    kafka_consumer_close(consumer);
    if (rc != OK)
        disconnect(publisher);
    return rc;
}

/* ---- one round --------------------------------------------------------------------------------- */

/* Whether what was told so far, of this store and to this log, is a beginning to go on from. */
static bool can_go_on(const Publisher *publisher, uint32_t epoch, UnixSec as_of)
{
    const Told *told = &publisher->told;
    return told->number > 0 && told->epoch == epoch && told->log == publisher->log &&
           told->whole != NO_TIME && as_of - told->whole < publisher->options.whole_interval_s;
}

static ErrCode publish_snapshot(Publisher *publisher, Telling *telling, uint64_t *ret_after,
                                Err *err)
{
    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    ErrCode rc = store_snapshot(publisher->store, &snap, err);
    if (rc != OK)
        return rc;
    const SnapshotInfo *info = snapshot_info(snap);
    telling->source = (EventSource){.ingester = str_of(publisher->options.ingester),
                                    .epoch = info->epoch,
                                    .number = info->generation,
                                    .log = publisher->log};
    telling->as_of = info->as_of;
    telling->end = (EventEnd){.as_of = info->as_of,
                              .next_expected = store_next_expected(publisher->store),
                              .service = info->service};
    *ret_after = can_go_on(publisher, info->epoch, info->as_of) ? publisher->told.number : 0;
    if (info->generation == 0 || *ret_after == info->generation)
        return ERR_NOT_FOUND; /* nothing new, which is nobody's fault */
    return tell_all(telling, snap, *ret_after);
}

static ErrCode publish(Publisher *publisher, Err *err)
{
    CLEANUP(record_file_closep) RecordFile *file = NULL;
    CLEANUP(telling_release)
    Telling telling = {
        .rows = buf_init(RECORD_MAX_BYTES), .value = buf_init(2 * RECORD_MAX_BYTES), .err = err};
    uint64_t after = 0;
    ErrCode rc = record_file_open(publisher->options.dir, &file, err);
    if (rc != OK)
        return rc;
    telling.file = file;
    rc = publish_snapshot(publisher, &telling, &after, err);
    if (rc == OK)
        rc = send_all(publisher, &telling, err);
    if (rc != OK)
        return rc;
    Told told = {.epoch = telling.source.epoch,
                 .number = telling.source.number,
                 .log = publisher->log,
                 .whole = after == 0 ? telling.as_of : publisher->told.whole};
    rc = told_write(publisher->told_path, &told, err);
    if (rc != OK)
        return rc;
    publisher->told = told;
    metric_set(METRIC_KAFKA_GENERATION, (int64_t) told.number);
    metric_add(METRIC_KAFKA_READINGS, telling.end.readings);
    log_info("stream published generation=%08" PRIx32 "-%" PRIu64 " after=%" PRIu64
             " readings=%" PRId64 " rows=%" PRId64,
             told.epoch, told.number, after, telling.end.readings, telling.end.rows);
    return OK;
}

static ErrCode publish_once(Publisher *publisher, Err *err)
{
    ErrCode rc = OK;
    if (store_generation(publisher->store) == 0)
        return OK;
    if (publisher->producer == NULL)
        rc = connect_log(publisher, err);
    while (rc == OK)
        rc = publish(publisher, err);
    return rc == ERR_NOT_FOUND ? OK : rc;
}

/* ---- the worker -------------------------------------------------------------------------------- */

static void run(Worker *self, void *ctx)
{
    Publisher *publisher = ctx;
    int64_t wait_s = 0;
    int64_t until_ms = INT64_MAX;
    publisher->self = self;
    do {
        Err err = {.code = OK};
        ErrCode rc = publish_once(publisher, &err);
        until_ms = INT64_MAX;
        if (rc == OK) {
            wait_s = 0;
            continue;
        }
        disconnect(publisher); /* what was sent of it is void: it begins anew */
        if (rc == ERR_STOPPED)
            return;
        metric_add(METRIC_KAFKA_FAILURES, 1);
        wait_s = wait_s == 0 ? publisher->options.retry_min_s : wait_s * 2;
        if (wait_s > publisher->options.retry_max_s)
            wait_s = publisher->options.retry_max_s;
        log_warn("stream cannot publish, again in=%" PRId64 "s error=" LOG_TEXT, wait_s, err.text);
        until_ms = clock_now_ms() + wait_s * 1000;
    } while (worker_sleep(self, until_ms));
}

static void on_generation(void *ctx, UNUSED uint64_t generation)
{
    Publisher *publisher = ctx;
    worker_wake(publisher->worker);
}

ErrCode publisher_start(Store *store, const PublisherOptions *options, Publisher **ret_publisher,
                        Err *err)
{
    Publisher *publisher = calloc(1, sizeof *publisher);
    if (publisher == NULL)
        return err_set(err, ERR_NO_MEMORY, "no memory for a publisher");
    *publisher = (Publisher){.store = store, .options = *options};
    (void) snprintf(publisher->told_path, sizeof publisher->told_path, "%s/published",
                    options->dir);
    ErrCode rc = kafka_check(&publisher->options.kafka, err);
    if (rc == OK)
        rc = told_read(publisher->told_path, &publisher->told, err);
    if (rc == OK)
        rc = worker_start("kafka", WORKER_BACKGROUND, run, publisher, &publisher->worker, err);
    if (rc == OK)
        rc = store_watch(store, on_generation, publisher, err);
    if (rc != OK) {
        publisher_stop(publisher);
        return rc;
    }
    *ret_publisher = publisher;
    return OK;
}

void publisher_stop(Publisher *publisher)
{
    if (publisher == NULL)
        return;
    store_unwatch(publisher->store, on_generation, publisher);
    worker_stop(publisher->worker);
    disconnect(publisher);
    free(publisher);
}
