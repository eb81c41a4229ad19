/* ingest/plan.h - what to ask the upstream for, so that open gaps close at the least cost. Pure.
 *
 * Three ways: everything newer than a moment, in pages; one station since a moment; one measure since
 * a moment. The cost is that of the upstream: a request as such, and its bytes. */
#pragma once
#include "base/arena.h"
#include "store/writer.h"

enum {
    PLAN_PAGE_ROWS = 10000,    /* the most that the upstream gives in one answer of readings */
    PLAN_REQUEST_BYTES = 4096, /* what a request costs beside its rows: as much as so many bytes */
    PLAN_ROW_BYTES = 10,       /* of a reading as CSV, compressed */
};

typedef enum AskKind { ASK_EVERYTHING, ASK_STATION, ASK_MEASURE } AskKind;

typedef struct Ask {
    AskKind kind;
    Str id;        /* of the station or measure; none for everything */
    UnixSec since; /* readings later than this */
    UnixSec until; /* the newest that is waited for: the newer, the more it is worth */
    bool is_done;  /* for who carries it out, and when that was */
    UnixSec asked_at;
} Ask;

typedef struct Plan {
    Ask *asks; /* the one of most worth first */
    size_t count;
} Plan;

typedef struct PlanLimits {
    double rows_per_s; /* of the whole network */
    int64_t requests;  /* the most to ask: what costs least of what keeps to it, and where nothing
                        * does, what asks least often */
} PlanLimits;

/* `gaps` in any order, several of one measure allowed; `now` is the newest moment of which readings are
 * published. Everything lives in `arena`, ids included. Errors: ERR_NO_MEMORY. */
MUST_USE ErrCode plan_asks(const SeriesGap *gaps, size_t count, UnixSec now,
                           const PlanLimits *limits, Arena *arena, Plan *ret_plan, Err *err);

/* Whether an answer to `ask` holds what `gap` lacks. */
bool ask_covers(const Ask *ask, const SeriesGap *gap);
