#include "server/meanings.h"

#include <stdlib.h>
#include <string.h>

/* ---- the walk -------------------------------------------------------------------------------- */

typedef struct MeaningWalk {
    MeaningFn *each;
    void *ctx;
    const Measure *measure; /* under way; lives until its end */
    MeaningPass pass;
} MeaningWalk;

static bool begin_measure(const Station *station, const Measure *measure, Window kept, void *ctx)
{
    MeaningWalk *walk = ctx;
    (void) kept;
    walk->measure = measure;
    walk->pass = meaning_begin(measure, station, measure_scale(measure, station));
    return true;
}

static bool add_reading(const Reading *reading, void *ctx)
{
    MeaningWalk *walk = ctx;
    meaning_add(&walk->pass, reading);
    return true;
}

static bool end_measure(void *ctx)
{
    MeaningWalk *walk = ctx;
    if (walk->measure->newest == NO_TIME)
        return true;
    const Meaning meaning = meaning_end(&walk->pass);
    return walk->each(walk->measure, &meaning, walk->ctx);
}

ErrCode meanings_each(Snapshot *snap, const Filter *filter, MeaningFn *each, void *ctx, Err *err)
{
    MeaningWalk walk = {.each = each, .ctx = ctx};
    const ReadingVisitor visitor = {.each_measure = begin_measure,
                                    .each_reading = add_reading,
                                    .end_measure = end_measure,
                                    .ctx = &walk};
    return snapshot_each_reading(snap, filter, window_everything(), &visitor, err);
}

/* ---- the filter ------------------------------------------------------------------------------ */

typedef struct Narrowing {
    const Selection *selection;
    Arena *arena;
    StrList ids;
    bool no_memory;
} Narrowing;

static bool add_wanted(const Measure *measure, const Meaning *meaning, void *ctx)
{
    Narrowing *narrowing = ctx;
    const Selection *selection = narrowing->selection;
    Str id;
    if ((selection->trends != 0 && (selection->trends & 1U << meaning->trend) == 0) ||
        (selection->states != 0 && (selection->states & 1U << meaning->state) == 0))
        return true;
    narrowing->no_memory = !arena_copy(narrowing->arena, measure->id, &id) ||
                           !str_list_add(narrowing->arena, &narrowing->ids, id);
    return !narrowing->no_memory;
}

static int by_bytes(const void *left, const void *right)
{
    return str_cmp(*(const Str *) left, *(const Str *) right);
}

ErrCode meanings_narrow(const Request *req, Filter *filter, Err *err)
{
    Narrowing narrowing = {.selection = &req->selection, .arena = req->arena};
    if (req->selection.trends == 0 && req->selection.states == 0)
        return OK;
    StrList *among = arena_alloc(req->arena, sizeof *among);
    if (among == NULL)
        return err_set(err, ERR_NO_MEMORY, "no memory for a filter");
    ErrCode rc = meanings_each(req->snap, filter, add_wanted, &narrowing, err);
    if (rc == OK && narrowing.no_memory)
        rc = err_set(err, ERR_NO_MEMORY, "no memory for the measures that are meant");
    if (rc != OK)
        return rc;
    if (narrowing.ids.count > 1)
        qsort(narrowing.ids.items, narrowing.ids.count, sizeof *narrowing.ids.items, by_bytes);
    *among = narrowing.ids;
    filter->among = among;
    return OK;
}
