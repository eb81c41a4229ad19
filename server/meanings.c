#include "server/meanings.h"

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
