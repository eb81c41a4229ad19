/* model/batch.h - one parsed poll: what the upstream said, not yet in the store.
 *
 * Owns everything in it: strings and arrays live in its arena or its own memory and end together
 * with batch_release(). Made on the ingest thread; read by the writer on the same thread. */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "model/model.h"
#include "model/shard.h"

typedef enum RefusalReason {
    REFUSED_NO_VALUE,        /* value missing, null or empty (Q3) */
    REFUSED_BAD_VALUE,       /* value is no finite number */
    REFUSED_NO_TIME,         /* dateTime missing or empty (Q29) */
    REFUSED_BAD_TIME,        /* dateTime is no moment that exists */
    REFUSED_FUTURE,          /* more than FUTURE_MAX_S ahead of our clock */
    REFUSED_NO_MEASURE,      /* the reading does not say of which measure it is */
    REFUSED_UNKNOWN_MEASURE, /* waits until the measure is known */
    REFUSED_BAD_ITEM,        /* the item is no JSON object of the expected kind */
    REFUSED_TOO_MANY,        /* beyond the ceiling of a batch */
    REFUSAL_REASON_COUNT
} RefusalReason;

const char *refusal_name(RefusalReason reason); /* "no_value" */
/* False: no such reason. */
bool refusal_find(Str name, RefusalReason *ret);

typedef struct Refusal {
    RefusalReason reason;
    Str measure_id; /* none where it could not be told */
    Str raw;        /* the item as the upstream wrote it, cut at REFUSAL_RAW_MAX bytes */
} Refusal;

enum { REFUSAL_RAW_MAX = 1000 };

/* A refusal as it is kept: the same one coming again at every poll is kept once. */
typedef struct QuarantineItem {
    Str reason;                       /* refusal_name() */
    Str measure_id, raw;              /* as in Refusal */
    int64_t count;                    /* how often it was refused */
    UnixSec first_received, received; /* the first and the last time */
} QuarantineItem;

/* The values of an ambiguous reading (Q1): the writer, who knows the reading before, chooses. */
typedef struct Candidates {
    const double *values;
    size_t count;
} Candidates;

typedef struct BatchReading {
    Reading reading;       /* value: the first candidate where there are several */
    Candidates candidates; /* count 0: the value is certain */
} BatchReading;

typedef struct StationType {
    Str station_id;
    Str type;
} StationType;

/* What the upstream says of a station or measure only when it is asked for that alone. */
typedef struct More {
    bool is_measure;
    Str id;
    Str json; /* an object without white space */
} More;

/* Puts the next stations, or measures, of lists that are too long to be held as rows into `portion`,
 * which is empty. *ret_more false: none was left. */
struct Batch;
typedef ErrCode PortionFn(void *ctx, struct Batch *portion, bool *ret_more, Err *err);

typedef struct Batch {
    Arena strings;
    Shard shard;          /* only what is of it is taken; kept by batch_release() */
    size_t foreign_count; /* readings that were not: neither received nor refused */
    UnixSec slot; /* of the poll that brought it, without jitter; NO_TIME: that of the batch before,
                       because of which this one was asked for */
    int64_t poll_s; /* between two polls */
    bool evaluates; /* all that this slot brings, and not the poll at start: who is late by now? */
    Station *stations;
    size_t station_count, station_cap;
    Measure *measures;
    size_t measure_count, measure_cap;
    PortionFn *next_portion; /* what comes behind `stations` and `measures`; NULL: nothing does */
    void *portion_ctx;       /* borrowed */
    BatchReading *readings;
    size_t reading_count, reading_cap;
    Refusal *refusals; /* of readings: each is one received and quarantined */
    size_t refusal_count, refusal_cap;
    StationType *types;
    size_t type_count, type_cap;
    More *mores;
    size_t more_count, more_cap;
    size_t
        item_refused_count; /* station and measure items that were no use; logged, not received */
    bool
        is_release; /* its readings were received and quarantined before: they are not counted anew */
    bool
        find_gaps; /* its readings are what is newest: the writer tells what lies open behind them */
    bool has_all_stations; /* a station that is not in it, and its portions, is listed no more */
    bool has_all_measures;
    bool has_all_types; /* a station that is not in `types` has no type */
} Batch;

Batch batch_init(void);
void batch_release(Batch *batch);

/* Append a copy of the struct; its strings must already live in batch->strings or
 * outlive the batch. False: no memory. */
MUST_USE bool batch_add_station(Batch *batch, const Station *station);
MUST_USE bool batch_add_measure(Batch *batch, const Measure *measure);
MUST_USE bool batch_add_reading(Batch *batch, const BatchReading *reading);
MUST_USE bool batch_add_refusal(Batch *batch, RefusalReason reason, Str measure_id, Str raw);
MUST_USE bool batch_add_type(Batch *batch, Str station_id, Str type);
MUST_USE bool batch_add_more(Batch *batch, const More *more);
