#include "ingest/raw_reading.h"

#include "base/clock.h"
#include "model/window.h"

#include <math.h>
#include <string.h>

void raw_reading_add_value(RawReading *raw, double value)
{
    if (isfinite(value) && raw->value_count < RAW_VALUES_MAX)
        raw->values[raw->value_count++] = value;
}

/* A date alone is no moment, though clock_parse() would take its midnight. */
static bool parse_moment(Str text, UnixSec *ret)
{
    return text.len > 10 && clock_parse(text, ret);
}

static bool is_acceptable(const RawReading *raw, ReadingLimits limits, UnixSec *ret_time,
                          RefusalReason *ret_reason)
{
    if (str_is_none(raw->measure_id))
        *ret_reason = REFUSED_NO_MEASURE;
    else if (str_trim(raw->time).len == 0)
        *ret_reason = REFUSED_NO_TIME;
    else if (!parse_moment(str_trim(raw->time), ret_time))
        *ret_reason = REFUSED_BAD_TIME;
    else if (*ret_time > limits.now + FUTURE_MAX_S)
        *ret_reason = REFUSED_FUTURE;
    else if (!raw->has_value)
        *ret_reason = REFUSED_NO_VALUE;
    else if (raw->value_count == 0)
        *ret_reason = REFUSED_BAD_VALUE;
    else
        return true;
    return false;
}

bool raw_reading_add(const RawReading *raw, ReadingLimits limits, Batch *batch)
{
    RefusalReason reason = REFUSED_BAD_ITEM;
    BatchReading to = {.reading = {.received = limits.now}};
    if (!shard_has_measure(batch->shard, raw->measure_id)) {
        batch->foreign_count++;
        return true;
    }
    if (batch->reading_count >= limits.max_readings)
        return batch_add_refusal(batch, REFUSED_TOO_MANY, raw->measure_id, raw->item);
    if (!is_acceptable(raw, limits, &to.reading.time, &reason))
        return batch_add_refusal(batch, reason, raw->measure_id, raw->item);

    to.reading.value = raw->values[0];
    if (!arena_copy(&batch->strings, raw->measure_id, &to.reading.measure_id))
        return false;
    if (raw->value_count > 1) {
        double *values = arena_alloc(&batch->strings, raw->value_count * sizeof *values);
        if (values == NULL || !arena_copy(&batch->strings, raw->values_text, &to.reading.raw))
            return false;
        memcpy(values, raw->values, raw->value_count * sizeof *values);
        to.candidates = (Candidates){.values = values, .count = raw->value_count};
    }
    return batch_add_reading(batch, &to);
}
