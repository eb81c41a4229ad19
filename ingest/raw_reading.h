/* ingest/raw_reading.h - what makes a reading acceptable, whatever the format it came in.
 *
 * Private to the folder: JSON and CSV both end here, so that a reading is refused for the same
 * reasons in either. */
#pragma once
#include "model/batch.h"

enum { RAW_VALUES_MAX = 16 };

typedef struct RawReading {
    Str measure_id; /* none: it does not say */
    Str time;       /* as written; none or empty: it does not say */
    Str item;       /* all of it, for the quarantine */
    bool has_value; /* something stands where the value belongs */
    double values[RAW_VALUES_MAX];
    size_t value_count; /* usable ones */
    Str values_text;    /* where there are several: all of them, as written */
} RawReading;

typedef struct ReadingLimits {
    UnixSec now;         /* our clock */
    size_t max_readings; /* of one batch */
} ReadingLimits;

/* NAN and infinities are no values. */
void raw_reading_add_value(RawReading *raw, double value);
/* Adds it to the batch as a reading or as a refusal with its reason; passes over one of another shard
 * (one that names no measure is of the shard of the station ''). False: no memory. */
MUST_USE bool raw_reading_add(const RawReading *raw, ReadingLimits limits, Batch *batch);
