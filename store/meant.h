/* store/meant.h - what the newest values of measures mean, and which of them a filter takes for it. Private to
 * the folder.
 *
 * That is read off the readings in front of a newest one: only where somebody asks for it, and by filters once for as
 * long as the snapshot is held. */
#pragma once
#include "model/meaning.h"
#include "store/inside.h"

/* `measure` with its newest time. Readings outside of its station's window mean nothing. */
MUST_USE ErrCode measure_meaning(Snapshot *snap, const Station *station, const Measure *measure,
                                 int64_t key, Meaning *ret_meaning, Err *err);

/* All of the filter's part that is the measure's. `station` is its own, as the store hands it out. */
MUST_USE ErrCode measure_is_taken(Snapshot *snap, const Filter *filter, const Station *station,
                                  const Measure *measure, int64_t key, bool *ret_taken, Err *err);
/* The time of its newest reading, be it a last known one; NO_TIME: there is none. */
MUST_USE ErrCode measure_newest_time(Snapshot *snap, int64_t key, UnixSec *ret_time, Err *err);
/* The snapshot ends: what was found out about its generation is forgotten. */
void meant_forget(Snapshot *snap);
