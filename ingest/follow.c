#include "ingest/follow.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/record_file.h"
#include "base/worker.h"
#include "model/event.h"
#include "store/copy.h"
#include "store/writer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INGESTERS_MAX = 256, NAME_SIZE = 64, WAIT_MS = 200 };

/* What a record says of where it belongs. */
typedef struct Place {
    EventKind kind;
    char ingester[NAME_SIZE];
    uint32_t epoch, log;
    uint64_t number;
} Place;

/* One ingester, and the generation of it that is under way. */
typedef struct Ingester {
    char name[NAME_SIZE];
    bool missing;     /* something was passed over: only a whole generation helps */
    RecordFile *file; /* NULL: none under way, or one that is passed over */
    uint32_t epoch;
    uint64_t number;
    bool whole;
    int64_t begin; /* its offset */
    int64_t rows, readings;
} Ingester;

struct Follower {
    Store *store;
    FollowOptions options;
    Writer *writer;
    Worker *worker;
    KafkaConsumer *consumer; /* NULL: not connected */
    Ingester ingesters[INGESTERS_MAX];
    size_t ingester_count;
    int64_t next;      /* offset of the record to be read */
    int64_t caught_up; /* a store that began empty is announced from here on */
    bool lost;         /* the log no longer holds what comes next: all must be told whole */
};

/* ---- ingesters --------------------------------------------------------------------------------- */

static void drop_file(Ingester *ingester)
{
    record_file_close(TAKE(ingester->file));
    ingester->rows = ingester->readings = 0;
}

static Ingester *find_ingester(Follower *follower, const char *name)
{
    for (size_t i = 0; i < follower->ingester_count; i++)
        if (strcmp(follower->ingesters[i].name, name) == 0)
            return &follower->ingesters[i];
    if (follower->ingester_count == INGESTERS_MAX)
        return NULL;
    Ingester *ingester = &follower->ingesters[follower->ingester_count++];
    *ingester = (Ingester){.missing = follower->lost};
    (void) snprintf(ingester->name, sizeof ingester->name, "%s", name);
    return ingester;
}

/* Where to read on after `offset`, so that nothing of what is under way is missed. */
static int64_t resume_after(const Follower *follower, int64_t offset)
{
    int64_t resume = offset + 1;
    for (size_t i = 0; i < follower->ingester_count; i++) {
        const Ingester *ingester = &follower->ingesters[i];
        if (ingester->file != NULL && ingester->begin < resume)
            resume = ingester->begin;
    }
    return resume;
}

static bool is_complete(const Follower *follower, int64_t offset)
{
    for (size_t i = 0; i < follower->ingester_count; i++)
        if (follower->ingesters[i].missing)
            return false;
    return offset + 1 >= follower->caught_up;
}

/* ---- the records of a generation --------------------------------------------------------------- */

/* Known already: told again after a restart. Of one that is not whole the one before must be known. */
static ErrCode judge(Follower *follower, Ingester *ingester, const Place *place, uint64_t after,
                     bool *ret_take, Err *err)
{
    uint32_t epoch = 0;
    uint64_t number = 0;
    ErrCode rc = writer_followed(follower->writer, str_of(place->ingester), &epoch, &number, err);
    bool known = rc == OK && epoch == place->epoch;
    if (rc != OK && rc != ERR_NOT_FOUND)
        return rc;
    *ret_take = false;
    if (known && place->number <= number && !ingester->missing)
        return OK;
    *ret_take = after == 0 || (known && number >= after && !ingester->missing);
    ingester->missing = ingester->missing || !*ret_take;
    return OK;
}

static ErrCode take_begin(Follower *follower, Ingester *ingester, const Place *place,
                          const KafkaRecord *record, Err *err)
{
    uint64_t after = 0;
    bool take = false;
    drop_file(ingester); /* one without an end: its ingester began anew */
    ErrCode rc = event_read_begin(record->value, &after, err);
    if (rc == OK)
        rc = judge(follower, ingester, place, after, &take, err);
    if (rc != OK || !take)
        return rc;
    ingester->epoch = place->epoch;
    ingester->number = place->number;
    ingester->whole = after == 0;
    ingester->begin = record->offset;
    return record_file_open(follower->options.dir, &ingester->file, err);
}

static bool is_under_way(const Ingester *ingester, const Place *place)
{
    return ingester->file != NULL && ingester->epoch == place->epoch &&
           ingester->number == place->number;
}

static ErrCode take_part(Ingester *ingester, const Place *place, const KafkaRecord *record,
                         Err *err)
{
    const Record part = {.kind = (int) place->kind, .value = record->value};
    return record_file_add(ingester->file, &part, err);
}

/* ---- from the gathered records to the store ---------------------------------------------------- */

typedef struct Unpacking {
    RecordFile *file;
    Arena strings; /* of the record at hand */
    CopyTable table;
    JsonWalk rows; /* of a record of rows */
    bool in_rows;
    int64_t row_count, reading_count;
} Unpacking;

static bool find_table(Str name, CopyTable *ret)
{
    for (int table = 0; table < COPY_TABLE_COUNT; table++) {
        if (str_eq(name, str_of(copy_table_name((CopyTable) table)))) {
            *ret = (CopyTable) table;
            return true;
        }
    }
    return false;
}

static bool next_row(Unpacking *unpacking, FollowItem *ret_item)
{
    Str key;
    *ret_item = (FollowItem){.table = unpacking->table};
    unpacking->in_rows = unpacking->in_rows && json_next(&unpacking->rows, &key, &ret_item->row);
    unpacking->row_count += unpacking->in_rows;
    return unpacking->in_rows;
}

static ErrCode open_record(Unpacking *unpacking, const Record *record, FollowItem *ret_item,
                           Err *err)
{
    Str table, rows;
    arena_release(&unpacking->strings);
    if (record->kind == EVENT_READING) {
        *ret_item = (FollowItem){.is_reading = true};
        unpacking->reading_count++;
        return event_read_reading(record->value, &unpacking->strings, &ret_item->reading, err);
    }
    ErrCode rc = event_read_rows(record->value, &unpacking->strings, &table, &rows, err);
    if (rc != OK)
        return rc;
    if (!find_table(table, &unpacking->table))
        return err_set(err, ERR_FORMAT, "rows of a table that there is not: " STR_FMT,
                       STR_ARG(table));
    unpacking->rows = json_walk(rows);
    unpacking->in_rows = true;
    return OK;
}

static ErrCode next_item(void *ctx, FollowItem *ret_item, bool *ret_more, Err *err)
{
    Unpacking *unpacking = ctx;
    for (;;) {
        Record record;
        *ret_more = true;
        if (next_row(unpacking, ret_item))
            return OK;
        ErrCode rc = record_file_next(unpacking->file, &record, ret_more, err);
        if (rc == OK && *ret_more)
            rc = open_record(unpacking, &record, ret_item, err);
        if (rc != OK || !*ret_more || ret_item->is_reading)
            return rc;
    }
}

static void report(Follower *follower, const Applied *applied, UnixSec started, Fault fault,
                   Str detail)
{
    const PollReport report = {
        .started = started,
        .finished = clock_now(),
        .fault = fault,
        .detail = detail,
        .generation = store_generation(follower->store),
        .readings = applied->readings,
    };
    Err err;
    if (writer_record_poll(follower->writer, &report, &err) != OK)
        log_warn("ingest follow cannot be noted error=" LOG_TEXT, err.text);
}

static ErrCode apply(Follower *follower, Ingester *ingester, const Place *place, int64_t offset,
                     const EventEnd *end, Err *err)
{
    Unpacking unpacking = {.file = ingester->file, .strings = arena_init()};
    Applied applied = {.generation = 0};
    UnixSec started = clock_now();
    const int64_t begin = ingester->begin;
    ingester->begin = INT64_MAX; /* it ends here */
    const Followed followed = {
        .epoch = place->log,
        .number = (uint64_t) offset,
        .as_of = end->as_of,
        .service = end->service,
        .resume = resume_after(follower, offset),
        .ingester = str_of(ingester->name),
        .its_epoch = place->epoch,
        .its_number = place->number,
        .whole = ingester->whole,
    };
    ingester->begin = begin;
    bool was_missing = ingester->missing;
    ingester->missing = ingester->missing && !ingester->whole;
    store_expect_next(follower->store, end->next_expected);
    ErrCode rc = record_file_rewind(ingester->file, err);
    if (rc == OK)
        rc = writer_follow(follower->writer, &followed, is_complete(follower, offset), next_item,
                           &unpacking, &applied, err);
    arena_release(&unpacking.strings);
    if (rc != OK) {
        ingester->missing = was_missing;
        return rc;
    }
    log_info("ingest followed generation=%08" PRIx32 "-%" PRId64 " ingester=%s readings=%" PRId64
             " rows=%" PRId64,
             place->log, offset, ingester->name, unpacking.reading_count, unpacking.row_count);
    report(follower, &applied, started, FAULT_NONE, STR_NONE);
    return writer_checkpoint(follower->writer, err);
}

static ErrCode take_end(Follower *follower, Ingester *ingester, const Place *place,
                        const KafkaRecord *record, Err *err)
{
    EventEnd end;
    ErrCode rc = event_read_end(record->value, &end, err);
    if (rc == OK && (end.readings != ingester->readings)) {
        log_warn("ingest follow passes over a generation with %" PRId64 " of %" PRId64
                 " readings ingester=%s",
                 ingester->readings, end.readings, ingester->name);
        ingester->missing = true;
    } else if (rc == OK) {
        rc = apply(follower, ingester, place, record->offset, &end, err);
    }
    drop_file(ingester);
    return rc;
}

static ErrCode take_record(Follower *follower, const Place *place, const KafkaRecord *record,
                           Err *err)
{
    Ingester *ingester = find_ingester(follower, place->ingester);
    if (ingester == NULL)
        return err_set(err, ERR_TOO_LARGE, "more than %d ingesters on one log", INGESTERS_MAX);
    if (place->kind == EVENT_BEGIN)
        return take_begin(follower, ingester, place, record, err);
    if (!is_under_way(ingester, place))
        return OK;
    ingester->readings += place->kind == EVENT_READING;
    return place->kind == EVENT_END ? take_end(follower, ingester, place, record, err)
                                    : take_part(ingester, place, record, err);
}

/* ---- the log ----------------------------------------------------------------------------------- */

/* False: none of ours, or of a later version. */
static bool find_place(const KafkaRecord *record, Place *ret)
{
    int64_t number = 0;
    Str ingester = kafka_header(record, "ingester");
    if (!event_find(kafka_header(record, "ce_type"), &ret->kind) || ret->kind == EVENT_LOG ||
        ingester.len == 0 || ingester.len >= NAME_SIZE)
        return false;
    (void) snprintf(ret->ingester, sizeof ret->ingester, STR_FMT, STR_ARG(ingester));
    if (!str_to_int(kafka_header(record, "generation"), &number) || number < 1)
        return false;
    ret->number = (uint64_t) number;
    return str_to_hex(kafka_header(record, "epoch"), &ret->epoch) &&
           str_to_hex(kafka_header(record, "log"), &ret->log);
}

static void disconnect(Follower *follower)
{
    kafka_consumer_close(TAKE(follower->consumer));
    for (size_t i = 0; i < follower->ingester_count; i++)
        drop_file(&follower->ingesters[i]);
}

/* From where the store says, or from the first record there is. */
static ErrCode connect_log(Follower *follower, Err *err)
{
    int64_t first = 0, end = 0, resume = -1;
    ErrCode rc = kafka_consumer_open(&follower->options.kafka, &follower->consumer, err);
    if (rc == OK)
        rc = kafka_bounds(follower->consumer, &first, &end, err);
    if (rc == OK)
        rc = writer_resume(follower->writer, &resume, err);
    if (rc != OK)
        return rc;
    if (resume > end)
        return err_set(err, ERR_INVALID,
                       "the store stands at %" PRId64 " of a log that ends at %" PRId64
                       ": another topic; begin with an empty data directory",
                       resume, end);
    follower->lost = resume >= 0 && resume < first;
    for (size_t i = 0; i < follower->ingester_count && follower->lost; i++)
        follower->ingesters[i].missing = true;
    if (follower->lost)
        log_warn("ingest follow: the log no longer holds %" PRId64
                 ", waiting for whole generations",
                 resume);
    follower->next = resume < first ? first : resume;
    if (resume < 0)
        follower->caught_up = end;
    return kafka_seek(follower->consumer, follower->next, err);
}

/* A store that was not announced while it filled is, once nothing was left to read. */
static void announce_caught_up(Follower *follower)
{
    if (store_generation(follower->store) == 0 && is_complete(follower, follower->next - 1))
        writer_announce(follower->writer);
}

static ErrCode follow_once(Follower *follower, Err *err)
{
    KafkaRecord record;
    Place place;
    bool more = false;
    ErrCode rc = follower->consumer == NULL ? connect_log(follower, err) : OK;
    if (rc == OK)
        rc = kafka_next(follower->consumer, WAIT_MS, &record, &more, err);
    if (rc != OK || !more)
        return rc;
    if (find_place(&record, &place))
        rc = take_record(follower, &place, &record, err);
    follower->next = record.offset + 1;
    if (rc == OK)
        announce_caught_up(follower);
    return rc;
}

/* ---- the worker -------------------------------------------------------------------------------- */

static void run(Worker *self, void *ctx)
{
    Follower *follower = ctx;
    const Applied nothing = {.generation = 0};
    int64_t wait_s = 0;
    while (!worker_stopping(self)) {
        Err err = {.code = OK};
        ErrCode rc = follow_once(follower, &err);
        if (rc == OK) {
            wait_s = 0;
            continue;
        }
        if (rc == ERR_STOPPED)
            break;
        disconnect(follower);
        wait_s = wait_s == 0 ? follower->options.retry_min_s : wait_s * 2;
        if (wait_s > follower->options.retry_max_s)
            wait_s = follower->options.retry_max_s;
        log_warn("ingest cannot follow, again in=%" PRId64 "s error=" LOG_TEXT, wait_s, err.text);
        report(follower, &nothing, clock_now(),
               rc == ERR_STORAGE || rc == ERR_CORRUPT ? FAULT_STORE
               : rc == ERR_NETWORK                    ? FAULT_NETWORK
                                                      : FAULT_INGEST,
               str_of(err.text));
        if (!worker_sleep(self, clock_now_ms() + wait_s * 1000))
            break;
    }
}

ErrCode follower_start(Store *store, const FollowOptions *options, Follower **ret_follower,
                       Err *err)
{
    Follower *follower = calloc(1, sizeof *follower);
    if (follower == NULL)
        return err_set(err, ERR_NO_MEMORY, "no memory for a follower");
    follower->store = store;
    follower->options = *options;
    ErrCode rc = kafka_check(&follower->options.kafka, err);
    if (rc == OK)
        rc = store_writer(store, &follower->writer, err);
    if (rc == OK)
        rc = worker_start("ingest", WORKER_BACKGROUND, run, follower, &follower->worker, err);
    if (rc != OK) {
        follower_stop(follower);
        return rc;
    }
    *ret_follower = follower;
    return OK;
}

void follower_stop(Follower *follower)
{
    if (follower == NULL)
        return;
    if (follower->writer != NULL)
        writer_stop(follower->writer);
    worker_stop(follower->worker);
    disconnect(follower);
    writer_close(follower->writer);
    free(follower);
}
