/* model/bucket.h - readings gathered into buckets of equal length.
 *
 * Buckets are the multiples of `step_s` since the epoch, UTC, each told by its beginning t. What is
 * instantaneous at t counts in [t, t + step): what is stamped at the end of its period (value types
 * total and mean) in (t, t + step]. One pass over a measure's readings, oldest first:
 *
 *     Buckets buckets = buckets_begin(measure, window, step_s, fill, each, ctx);
 *     for each reading: buckets_add(&buckets, reading);
 *     buckets_end(&buckets);
 *
 * `each` gets the buckets in order. Without a fill those that hold nothing are left out; with one,
 * every bucket of the window is told, n of those that hold nothing being 0:
 * FILL_NULL values are null; FILL_PREVIOUS those of the bucket before; FILL_LINEAR on the straight
 * line between the buckets around it; null where there is none before, or none behind.
 *
 * A suspect reading counts nowhere: one sentinel would drown a mean. n against expected_n shows it.
 * sum and mean are rounded to 6 decimals: what is beyond is noise of binary arithmetic. */
#pragma once
#include "model/model.h"
#include "model/window.h"

typedef enum Aggregate {
    AGGREGATE_MEAN,
    AGGREGATE_MIN,
    AGGREGATE_MAX,
    AGGREGATE_SUM,
    AGGREGATE_LAST,
    AGGREGATE_COUNT,
    AGGREGATE_KIND_COUNT
} Aggregate;

typedef enum Fill { FILL_NONE, FILL_NULL, FILL_PREVIOUS, FILL_LINEAR } Fill;

enum { BUCKET_NOT_KNOWN = -1 };

typedef struct Bucket {
    UnixSec time;                        /* its beginning */
    double values[AGGREGATE_KIND_COUNT]; /* NAN: null; AGGREGATE_COUNT is n */
    int64_t n;                           /* readings in it */
    int64_t expected_n; /* slots of it inside the window, up to the measure's newest reading;
                           BUCKET_NOT_KNOWN where the measure has no period */
} Bucket;

/* False: enough. */
typedef bool BucketFn(const Bucket *bucket, void *ctx);

typedef struct Buckets {
    const Measure *measure;
    const Scale *scale;
    Window window;
    int64_t step_s;
    int64_t lead_s; /* 1 where stamps end their period: that moment is the bucket's before */
    Fill fill;
    BucketFn *each;
    void *ctx;
    Bucket open; /* being filled, when `is_open` */
    bool is_open, is_stopped;
    Bucket last; /* told, with readings, when `has_last` */
    bool has_last;
    UnixSec next; /* of a fill: what is to be told next */
} Buckets;

/* `window` is what was asked for inside what is kept; `scale` as for reading_meaning_flags().
 * Borrowed until buckets_end(): `measure`, `scale`. */
Buckets buckets_begin(const Measure *measure, const Scale *scale, Window window, int64_t step_s,
                      Fill fill, BucketFn *each, void *ctx);
/* False: `each` has had enough. */
bool buckets_add(Buckets *buckets, const Reading *reading);
bool buckets_end(Buckets *buckets);

/* The largest multiple of `step_s` that is not behind `time`. */
UnixSec bucket_floor(UnixSec time, int64_t step_s);
/* Why an aggregate of this measure has no meaning: a sum of levels, a mean of directions; NULL: it has. */
const char *bucket_refuses(const Measure *measure, Aggregate aggregate);
const char *aggregate_name(Aggregate aggregate);
