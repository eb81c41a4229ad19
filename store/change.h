/* store/change.h - what changed after a generation.
 *
 * Whatever changed carries the generation that brought it, and its place in that, both for good. So
 * what came after is a range of a few indexes, and no second record of it is kept: any cursor of
 * ours is good for as long as the store lives. Readings that have left their window since are not
 * told: whoever follows applies the window. As all of store/snapshot.h: the thread that holds the
 * snapshot; strings die when the callback returns. */
#pragma once
#include "model/change.h"
#include "store/snapshot.h"

/* Whether what changed behind `generation` of `epoch` can be told: it is of the snapshot's epoch, or of
 * the one before a copy and not beyond what was copied. */
bool snapshot_knows(const Snapshot *snap, uint32_t epoch, uint64_t generation);

typedef struct ChangeQuery {
    const Filter *filter; /* as of all other lists; what is gone has but its ids to filter by */
    unsigned kinds;       /* CHANGE_BIT, or-ed */
    ChangeCursor after;
    bool one_generation; /* stops behind the first generation that had something to tell */
    size_t seen_max;     /* stops when it has looked at so many, taken or not; 0: goes to the end */
} ChangeQuery;

typedef bool ChangeFn(const Change *change, void *ctx); /* false stops early */

/* By generation and place. *ret_reached is the cursor from which to go on: behind the last that was
 * looked at, and behind its whole generation where it was the last of it. */
MUST_USE ErrCode snapshot_each_change(Snapshot *snap, const ChangeQuery *query, ChangeFn *each,
                                      void *ctx, ChangeCursor *ret_reached, Err *err);
/* The newest generation that was committed at `time` or before; 0: none that is still told of.
 * Rather too early than too late: what it leaves open may come twice. */
MUST_USE ErrCode snapshot_generation_at(Snapshot *snap, UnixSec time, uint64_t *ret_generation,
                                        Err *err);
