#include "model/bucket.h"

#include <math.h>

const char *aggregate_name(Aggregate aggregate)
{
    static const char *const NAMES[AGGREGATE_KIND_COUNT] = {
        [AGGREGATE_MEAN] = "mean", [AGGREGATE_MIN] = "min",   [AGGREGATE_MAX] = "max",
        [AGGREGATE_SUM] = "sum",   [AGGREGATE_LAST] = "last", [AGGREGATE_COUNT] = "count",
    };
    return NAMES[aggregate];
}

const char *bucket_refuses(const Measure *measure, Aggregate aggregate)
{
    bool is_angle =
        str_eq(measure->parameter, STR("wind")) &&
        (str_eq_nocase(measure->qualifier, STR("Direction")) || str_eq(measure->unit, STR("deg")));
    if (aggregate == AGGREGATE_SUM && str_eq(measure->parameter, STR("level")))
        return "a sum of levels has no meaning";
    if (aggregate == AGGREGATE_MEAN && is_angle)
        return "a mean of directions has no meaning";
    return NULL;
}

UnixSec bucket_floor(UnixSec time, int64_t step_s)
{
    int64_t over = time % step_s;
    return time - (over < 0 ? over + step_s : over);
}

static double rounded(double value)
{
    return round(value * 1e6) / 1e6;
}

static bool ends_its_period(const Measure *measure)
{
    return str_eq_nocase(measure->value_type, STR("total")) ||
           str_eq_nocase(measure->value_type, STR("mean"));
}

Buckets buckets_begin(const Measure *measure, const Scale *scale, Window window, int64_t step_s,
                      Fill fill, BucketFn *each, void *ctx)
{
    Buckets buckets = {.measure = measure,
                       .scale = scale,
                       .window = window,
                       .step_s = step_s,
                       .lead_s = ends_its_period(measure) ? 1 : 0,
                       .fill = fill,
                       .each = each,
                       .ctx = ctx};
    buckets.next = bucket_floor(window.from - buckets.lead_s, step_s);
    return buckets;
}

/* ---- slots ----------------------------------------------------------------------------------- */

/* Moments of from <= m < to that stand at the measure's phase. */
static int64_t slots_between(UnixSec from, UnixSec to, int64_t period_s, UnixSec phase)
{
    UnixSec first = phase + bucket_floor(from - phase + period_s - 1, period_s);
    return first < to ? (to - 1 - first) / period_s + 1 : 0;
}

static int64_t expected_in(const Buckets *buckets, UnixSec time)
{
    const Measure *measure = buckets->measure;
    if (measure->period_s <= 0 || measure->newest == NO_TIME)
        return BUCKET_NOT_KNOWN;
    const Window bucket = {.from = time + buckets->lead_s,
                           .to = time + buckets->lead_s + buckets->step_s};
    const Window until_newest = {.from = INT64_MIN, .to = measure->newest + 1};
    Window slots = window_both(window_both(bucket, buckets->window), until_newest);
    return slots_between(slots.from, slots.to, measure->period_s, measure->newest);
}

/* ---- telling --------------------------------------------------------------------------------- */

static void tell(Buckets *buckets, const Bucket *bucket)
{
    if (!buckets->is_stopped)
        buckets->is_stopped = !buckets->each(bucket, buckets->ctx);
}

static Bucket empty_bucket(const Buckets *buckets, UnixSec time)
{
    Bucket bucket = {.time = time, .expected_n = expected_in(buckets, time)};
    for (size_t i = 0; i < AGGREGATE_KIND_COUNT; i++)
        bucket.values[i] = NAN;
    bucket.values[AGGREGATE_COUNT] = 0;
    return bucket;
}

/* `behind`: the next bucket with readings; NULL: there is none. */
static void fill_values(const Buckets *buckets, Bucket *bucket, const Bucket *behind)
{
    const Bucket *before = &buckets->last;
    if (!buckets->has_last || (buckets->fill == FILL_LINEAR && behind == NULL))
        return;
    for (size_t i = 0; i < AGGREGATE_COUNT; i++) {
        if (buckets->fill == FILL_PREVIOUS) {
            bucket->values[i] = before->values[i];
        } else if (buckets->fill == FILL_LINEAR) {
            double part =
                (double) (bucket->time - before->time) / (double) (behind->time - before->time);
            double rise = behind->values[i] - before->values[i];
            bucket->values[i] = rounded(before->values[i] + part * rise);
        }
    }
}

static void fill_until(Buckets *buckets, UnixSec end, const Bucket *behind)
{
    if (buckets->fill == FILL_NONE)
        return;
    for (; buckets->next < end && !buckets->is_stopped; buckets->next += buckets->step_s) {
        Bucket bucket = empty_bucket(buckets, buckets->next);
        fill_values(buckets, &bucket, behind);
        tell(buckets, &bucket);
    }
}

static void close_open(Buckets *buckets)
{
    if (!buckets->is_open)
        return;
    Bucket *bucket = &buckets->open;
    double n = (double) bucket->n;
    bucket->values[AGGREGATE_MEAN] = rounded(bucket->values[AGGREGATE_SUM] / n);
    bucket->values[AGGREGATE_SUM] = rounded(bucket->values[AGGREGATE_SUM]);
    bucket->values[AGGREGATE_COUNT] = n;
    fill_until(buckets, bucket->time, bucket);
    tell(buckets, bucket);
    buckets->next = bucket->time + buckets->step_s;
    buckets->last = *bucket;
    buckets->has_last = true;
    buckets->is_open = false;
}

bool buckets_add(Buckets *buckets, const Reading *reading)
{
    unsigned flags =
        reading->flags | reading_meaning_flags(reading, buckets->measure, buckets->scale);
    if ((flags & READING_SUSPECT) != 0)
        return !buckets->is_stopped;
    UnixSec time = bucket_floor(reading->time - buckets->lead_s, buckets->step_s);
    if (buckets->is_open && buckets->open.time != time)
        close_open(buckets);
    double value = reading->value, *values = buckets->open.values;
    if (!buckets->is_open) {
        buckets->open = empty_bucket(buckets, time);
        values[AGGREGATE_MIN] = values[AGGREGATE_MAX] = value;
        values[AGGREGATE_SUM] = 0;
        buckets->is_open = true;
    }
    values[AGGREGATE_MIN] = fmin(values[AGGREGATE_MIN], value);
    values[AGGREGATE_MAX] = fmax(values[AGGREGATE_MAX], value);
    values[AGGREGATE_SUM] += value;
    values[AGGREGATE_LAST] = value;
    buckets->open.n++;
    return !buckets->is_stopped;
}

bool buckets_end(Buckets *buckets)
{
    close_open(buckets);
    if (buckets->window.from < buckets->window.to)
        fill_until(buckets, buckets->window.to - buckets->lead_s, NULL);
    return !buckets->is_stopped;
}
