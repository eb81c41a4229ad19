/* store/meant.h - which measures a filter takes, what their newest values mean included. Private to
 * the folder.
 *
 * That is read off the readings of a measure's window, some 40 microseconds of them: only where the
 * filter asks for it, and once for as long as the snapshot is held. */
#pragma once
#include "store/inside.h"

/* All of the filter's part that is the measure's. `station` is its own, as the store hands it out. */
MUST_USE ErrCode measure_is_taken(Snapshot *snap, const Filter *filter, const Station *station,
                                  const Measure *measure, int64_t key, bool *ret_taken, Err *err);
/* The time of its newest reading, be it a last known one; NO_TIME: there is none. */
MUST_USE ErrCode measure_newest_time(Snapshot *snap, int64_t key, UnixSec *ret_time, Err *err);
/* The snapshot ends: what was found out about its generation is forgotten. */
void meant_forget(Snapshot *snap);
