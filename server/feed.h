/* server/feed.h - a portion of what changed, made once for /v1/changes and for the stream. */
#pragma once
#include "model/render.h"
#include "server/reply.h"
#include "store/change.h"

/* What a portion lists, in this order. */
typedef enum FeedList {
    FEED_STATIONS,
    FEED_MEASURES,
    FEED_READINGS,
    FEED_CORRECTIONS,
    FEED_FRESHNESS,
    FEED_REMOVALS,
    FEED_LIST_COUNT
} FeedList;

/* Which changes, and what is said of each. Borrows what its filter does. */
typedef struct Feed {
    Filter filter;
    ChangeFields fields;
} Feed;
Feed feed_of(const Request *req);

/* Each list holds finished JSON, its items parted by commas; "" where it has none. */
typedef struct Portion {
    Buf lists[FEED_LIST_COUNT];
    size_t counts[FEED_LIST_COUNT];
    size_t count;         /* of items, in all lists */
    uint64_t generation;  /* of the last item; 0: there is none */
    ChangeCursor reached; /* from here it goes on */
} Portion;

typedef struct PortionLimits {
    size_t items, seen; /* `seen` counts what the filter does not take as well; 0: no limit */
    bool one_generation;
    size_t bytes;
} PortionLimits;

/* Owns: *ret_portion ends with portion_release(), also when this fails.
 * Errors: those of a snapshot; ERR_TOO_LARGE. */
MUST_USE ErrCode portion_take(Snapshot *snap, const Feed *feed, const ChangeCursor *after,
                              const PortionLimits *limits, Portion *ret_portion, Err *err);
void portion_release(Portion *portion);

/* From where a request wants to follow: its cursor, or its time. *ret_known false: the cursor is not
 * of this store, and *ret is the newest generation. Without either: the beginning. */
MUST_USE ErrCode feed_begin(const Request *req, Snapshot *snap, ChangeCursor *ret, bool *ret_known,
                            Err *err);
/* Where one who knows nothing begins, as the member `start`: the lists themselves, and the newest
 * exported generation, whose JSON `exported` is. */
void put_start(JsonWriter *json, Str exported);
