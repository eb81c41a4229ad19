/* server/meanings.h - what newest values mean, told by a walk over the readings of their windows.
 *
 * It costs some 40 microseconds a measure: only for who asks. */
#pragma once
#include "server/request.h"

/* `measure` is borrowed: it dies when the call returns. False stops early. */
typedef bool MeaningFn(const Measure *measure, const Meaning *meaning, void *ctx);

/* Visits the measures that pass `filter` and have a reading, in the order of every other walk.
 * Errors: those of the store. */
MUST_USE ErrCode meanings_each(Snapshot *snap, const Filter *filter, MeaningFn *each, void *ctx,
                               Err *err);
