#include "sim/recorded.h"

#include "sim/item.h"

#include <stdlib.h>

static void recorded_put_station(const World *world, uint32_t station, Buf *out)
{
    const Recorded *recorded = world->own;
    buf_put_str(out, recorded->stations[station].item);
}

static void recorded_put_measure(const World *world, uint32_t measure, Str latest, Buf *out)
{
    const Recorded *recorded = world->own;
    const RecordedMeasure *m = &recorded->measures[measure];
    buf_put_str(out, m->before);
    if (!str_is_none(latest)) {
        BUF_LITERAL(out, " ,\n    \"latestReading\" : ");
        buf_put_str(out, latest);
    }
    buf_put_str(out, m->after);
}

static bool recorded_put_scale(const World *world, uint32_t station, ScaleKind which, Buf *out)
{
    const Recorded *recorded = world->own;
    Str scale = recorded->stations[station].scales[which];
    if (str_is_none(scale))
        return false;
    buf_put_str(out, scale);
    return true;
}

/* Recorded lists of a type say all there is to say of it; a type that was never asked for is told
 * by what the station measures. */
static bool recorded_is_of_type(const World *world, uint32_t station, Str type)
{
    static const struct {
        const char *type;
        unsigned with, without;
    } RULES[] = {
        {"SingleLevel", MEASURES_STAGE, MEASURES_DOWNSTAGE},
        {"MultiTraceLevel", MEASURES_STAGE | MEASURES_DOWNSTAGE, 0},
        {"Groundwater", MEASURES_GROUNDWATER, 0},
        {"Meteorological", MEASURES_WEATHER, 0},
    };
    const Recorded *recorded = world->own;
    unsigned measures = recorded->stations[station].measures;
    bool was_listed = false;
    for (size_t i = 0; i < recorded->type_count; i++) {
        if (!str_eq(recorded->types[i].type, type))
            continue;
        was_listed = true;
        if (recorded->types[i].station == station)
            return true;
    }
    for (size_t i = 0; !was_listed && i < countof(RULES); i++)
        if (str_eq(type, str_of(RULES[i].type)))
            return (measures & RULES[i].with) == RULES[i].with &&
                   (measures & RULES[i].without) == 0;
    return false;
}

static void recorded_put_single_members(const World *world, uint32_t station, Buf *out)
{
    static const char *const TYPES[] = {"Coastal",         "Groundwater", "Meteorological",
                                        "MultiTraceLevel", "SingleLevel", "TideGauge"};
    const Recorded *recorded = world->own;
    if (!str_is_none(recorded->stations[station].more)) {
        buf_put_str(out, recorded->stations[station].more);
        return;
    }
    CLEANUP(buf_release) Buf types = buf_init(1000);
    size_t count = 1;
    for (size_t i = 0; i < countof(TYPES); i++) {
        if (recorded_is_of_type(world, station, str_of(TYPES[i]))) {
            buf_printf(&types, "\"" SIM_ROOT "/def/core/%s\", ", TYPES[i]);
            count++;
        }
    }
    BUF_LITERAL(&types, "\"" SIM_ROOT "/def/core/Station\"");
    buf_printf(out, count > 1 ? "{ \"type\" : [ " STR_FMT " ] }" : "{ \"type\" : " STR_FMT " }",
               STR_ARG(buf_view(&types)));
}

static Str recorded_single_measure_members(const World *world, uint32_t measure)
{
    const Recorded *recorded = world->own;
    return recorded->measures[measure].more;
}

/* ---- readings -------------------------------------------------------------------------------- */

/* The first of the measure's readings that is newer than `time`, as an index; its end when none is.
 */
static size_t first_after(const Recorded *recorded, const RecordedMeasure *m, UnixSec time)
{
    size_t from = m->first, to = m->first + m->count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (recorded->readings[middle].time <= time)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static bool recorded_next_time(const World *world, uint32_t measure, UnixSec after, UnixSec *ret)
{
    const Recorded *recorded = world->own;
    const RecordedMeasure *m = &recorded->measures[measure];
    size_t at = first_after(recorded, m, after);
    if (at == m->first + m->count)
        return false;
    *ret = recorded->readings[at].time;
    return true;
}

static bool recorded_last_time(const World *world, uint32_t measure, UnixSec upto, UnixSec *ret)
{
    const Recorded *recorded = world->own;
    const RecordedMeasure *m = &recorded->measures[measure];
    size_t after = first_after(recorded, m, upto);
    if (after == m->first)
        return false;
    *ret = recorded->readings[after - 1].time;
    return true;
}

static void recorded_put_value(const World *world, uint32_t measure, UnixSec time, Buf *out)
{
    const Recorded *recorded = world->own;
    const RecordedMeasure *m = &recorded->measures[measure];
    size_t after = first_after(recorded, m, time);
    if (after > m->first && recorded->readings[after - 1].time == time)
        buf_put_str(out, recorded->readings[after - 1].value);
}

static UnixSec recorded_arrived(const World *world, uint32_t measure, UnixSec time)
{
    const Recorded *recorded = world->own;
    size_t after = first_after(recorded, &recorded->measures[measure], time);
    return recorded->readings[after - 1].arrived;
}

static void recorded_close(World *world)
{
    Recorded *recorded = world->own;
    if (recorded == NULL)
        return;
    for (size_t i = 0; i < recorded->file_count; i++)
        buf_release(&recorded->files[i]);
    free(recorded->files);
    free(recorded->stations);
    free(recorded->measures);
    free(recorded->readings);
    free(recorded->types);
    free(recorded);
}

const WorldKind RECORDED = {
    .put_station = recorded_put_station,
    .put_measure = recorded_put_measure,
    .put_scale = recorded_put_scale,
    .put_single_members = recorded_put_single_members,
    .single_measure_members = recorded_single_measure_members,
    .is_of_type = recorded_is_of_type,
    .next_time = recorded_next_time,
    .last_time = recorded_last_time,
    .put_value = recorded_put_value,
    .arrived = recorded_arrived,
    .close = recorded_close,
};
