#include "model/batch.h"

#include "base/array.h"

#include <stdlib.h>
#include <string.h>

const char *refusal_name(RefusalReason reason)
{
    static const char *const NAMES[REFUSAL_REASON_COUNT] = {
        [REFUSED_NO_VALUE] = "no_value",
        [REFUSED_BAD_VALUE] = "bad_value",
        [REFUSED_NO_TIME] = "no_time",
        [REFUSED_BAD_TIME] = "bad_time",
        [REFUSED_FUTURE] = "future",
        [REFUSED_NO_MEASURE] = "no_measure",
        [REFUSED_UNKNOWN_MEASURE] = "unknown_measure",
        [REFUSED_BAD_ITEM] = "bad_item",
        [REFUSED_TOO_MANY] = "too_many",
    };
    return NAMES[reason];
}

bool refusal_find(Str name, RefusalReason *ret)
{
    for (int i = 0; i < REFUSAL_REASON_COUNT; i++) {
        if (!str_eq(name, str_of(refusal_name((RefusalReason) i))))
            continue;
        *ret = (RefusalReason) i;
        return true;
    }
    return false;
}

Batch batch_init(void)
{
    return (Batch){.strings = arena_init(), .slot = NO_TIME};
}

void batch_release(Batch *batch)
{
    free(batch->stations);
    free(batch->measures);
    free(batch->readings);
    free(batch->refusals);
    free(batch->types);
    free(batch->mores);
    arena_release(&batch->strings);
    Shard shard = batch->shard;
    *batch = batch_init();
    batch->shard = shard;
}

/* Room for one element more at the end of *array, or NULL. */
static void *append(void *array, size_t *count, size_t *cap, size_t element_bytes)
{
    char *items;
    if (!array_room(array, *count, cap, element_bytes))
        return NULL;
    memcpy(&items, array, sizeof items);
    return items + (*count)++ * element_bytes;
}

bool batch_add_station(Batch *batch, const Station *station)
{
    Station *to = append(&batch->stations, &batch->station_count, &batch->station_cap, sizeof *to);
    if (to != NULL)
        *to = *station;
    return to != NULL;
}

bool batch_add_measure(Batch *batch, const Measure *measure)
{
    Measure *to = append(&batch->measures, &batch->measure_count, &batch->measure_cap, sizeof *to);
    if (to != NULL)
        *to = *measure;
    return to != NULL;
}

bool batch_add_reading(Batch *batch, const BatchReading *reading)
{
    BatchReading *to =
        append(&batch->readings, &batch->reading_count, &batch->reading_cap, sizeof *to);
    if (to != NULL)
        *to = *reading;
    return to != NULL;
}

bool batch_add_refusal(Batch *batch, RefusalReason reason, Str measure_id, Str raw)
{
    Refusal refusal = {.reason = reason};
    Str cut = {raw.ptr, raw.len < REFUSAL_RAW_MAX ? raw.len : REFUSAL_RAW_MAX};
    if (!arena_copy(&batch->strings, measure_id, &refusal.measure_id) ||
        !arena_copy(&batch->strings, cut, &refusal.raw))
        return false;
    Refusal *to = append(&batch->refusals, &batch->refusal_count, &batch->refusal_cap, sizeof *to);
    if (to != NULL)
        *to = refusal;
    return to != NULL;
}

bool batch_add_type(Batch *batch, Str station_id, Str type)
{
    StationType *to = append(&batch->types, &batch->type_count, &batch->type_cap, sizeof *to);
    if (to != NULL)
        *to = (StationType){.station_id = station_id, .type = type};
    return to != NULL;
}

bool batch_add_more(Batch *batch, const More *more)
{
    More *to = append(&batch->mores, &batch->more_count, &batch->more_cap, sizeof *to);
    if (to != NULL)
        *to = *more;
    return to != NULL;
}
