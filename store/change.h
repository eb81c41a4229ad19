/* store/change.h - what came after a generation.
 *
 * A reading carries the generation that brought its value: new, or corrected (revision > 0). So what
 * came after generation G is a range of an index, and no second record of it is kept. What has left
 * its window since is not told: whoever follows applies the window. As all of store/snapshot.h: the
 * thread that holds the snapshot; strings die when the callback returns. */
#pragma once
#include "store/snapshot.h"

/* `nth`: how many readings of this generation, whether or not the filter takes them, came before
 * this one. False stops early. */
typedef bool ChangeFn(uint64_t generation, uint64_t nth, const Station *station,
                      const Measure *measure, const Reading *reading, void *ctx);

/* Readings with `after` < generation, without the first `taken` of the generation next to `after`:
 * by generation and, within one, in an order that is always the same, a measure's readings
 * together and by time. `filter` may name station ids and measure ids, not other keys. */
MUST_USE ErrCode snapshot_each_change(Snapshot *snap, const Filter *filter, uint64_t after,
                                      uint64_t taken, ChangeFn *each, void *ctx, Err *err);
