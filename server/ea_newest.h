/* server/ea_newest.h - the Agency's `_sorted`: readings that come measure by measure, put newest first, and of one
 * moment in the order in which they came.
 *
 * Of a list with a limit no more is held than it shows; see EA_NEWEST_MAX for all others. One request's. */
#pragma once
#include "base/arena.h"
#include "model/model.h"

/* Readings at most, some 50 MB of them: of the whole country's window a half. */
enum { EA_NEWEST_MAX = 1 << 20 };

/* A measure in whose name readings come. */
typedef struct EaSeries {
    Str id;
    Str text; /* its description, in the full view; none else */
} EaSeries;

typedef struct EaNewest {
    size_t most;
    bool drops; /* what comes behind the first `most`; else there is too much then */
    bool too_many;
    Arena *arena;
    struct EaHeld *items;
    size_t count, cap;
    bool is_heap; /* the last in order on top */
    EaSeries *series;
    size_t series_count, series_cap;
    bool holds_series; /* the one whose readings are coming */
} EaNewest;

/* `most`: of a list with a limit what it passes over and shows; a negative one: all. Strings go to `arena`. */
EaNewest ea_newest_init(Arena *arena, int64_t most);
void ea_newest_release(EaNewest *newest);

/* From now on readings are of another measure. */
void ea_newest_begin_series(EaNewest *newest);
/* What it keeps of them it copies. False: no memory, or too_many. */
MUST_USE bool ea_newest_add(EaNewest *newest, const Reading *reading, const EaSeries *series);

typedef bool EaNewestFn(const Reading *reading, Str text, void *ctx);
/* In order; false stops early. Nothing is added any more. */
void ea_newest_each(EaNewest *newest, EaNewestFn *each, void *ctx);
