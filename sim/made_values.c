#include "sim/draw.h"
#include "sim/item.h"
#include "sim/made.h"
#include "sim/simtime.h"

#include <math.h>

enum { DAY_S = 86400 };

/* What is drawn for a measure; sim/made.c draws other things with lower numbers. */
enum {
    DRAW_LOW = 1000,
    DRAW_SPAN,
    DRAW_ELEVATION,
    DRAW_PHASE_A,
    DRAW_PHASE_B,
    DRAW_PERIOD,
};

/* What is drawn for a measure at a time, which is added. */
#define DRAW_OFFSET (1ull << 40)
#define DRAW_GAP    (2ull << 40)
#define DRAW_NOISE  (3ull << 40)
#define DRAW_STORM  (4ull << 40)
#define DRAW_TIPS   (5ull << 40)

uint64_t made_draw(const Made *made, uint64_t index, uint64_t what)
{
    return draw(made->seed, index, what);
}

double made_unit_draw(const Made *made, uint64_t index, uint64_t what)
{
    return (double) (made_draw(made, index, what) >> 11) * 0x1p-53;
}

bool made_chance(const Made *made, uint64_t index, uint64_t what, unsigned permille)
{
    return made_draw(made, index, what) % 1000 < permille;
}

/* ---- times ----------------------------------------------------------------------------------- */

/* An irregular series has one reading an hour, at any second of it. */
enum { IRREGULAR_STEP_S = 3600 };

static int64_t step_of(const MadeMeasure *measure)
{
    return measure->period->period_s > 0 ? measure->period->period_s : IRREGULAR_STEP_S;
}

static UnixSec time_in_slot(const Made *made, uint32_t index, UnixSec slot)
{
    const MadeMeasure *measure = &made->measures[index];
    if (measure->period->period_s > 0)
        return slot + measure->phase_s;
    return slot +
           (int64_t) (made_draw(made, index, DRAW_OFFSET + (uint64_t) slot) % IRREGULAR_STEP_S);
}

static bool is_gap(const Made *made, uint32_t index, UnixSec slot)
{
    return made_chance(made, index, DRAW_GAP + (uint64_t) slot, 1);
}

bool made_next_time(const World *world, uint32_t index, UnixSec after, UnixSec *ret)
{
    const Made *made = world->own;
    const MadeMeasure *measure = &made->measures[index];
    int64_t step = step_of(measure);
    if (measure->is_silent)
        return false;
    UnixSec slot = floor_to(after - measure->phase_s, step);
    while (time_in_slot(made, index, slot) <= after || is_gap(made, index, slot))
        slot += step;
    *ret = time_in_slot(made, index, slot);
    return true;
}

bool made_last_time(const World *world, uint32_t index, UnixSec upto, UnixSec *ret)
{
    const Made *made = world->own;
    const MadeMeasure *measure = &made->measures[index];
    int64_t step = step_of(measure);
    if (measure->is_silent)
        return false;
    UnixSec slot = floor_to(upto - measure->phase_s, step);
    while (time_in_slot(made, index, slot) > upto || is_gap(made, index, slot))
        slot -= step;
    *ret = time_in_slot(made, index, slot);
    return true;
}

/* ---- values ---------------------------------------------------------------------------------- */

static double wave(const Made *made, uint32_t index, uint64_t what, double period_s, UnixSec time)
{
    double phase = made_unit_draw(made, index, what);
    return sin(2 * M_PI * ((double) time / period_s + phase));
}

static double noise(const Made *made, uint32_t index, UnixSec time)
{
    return made_unit_draw(made, index, DRAW_NOISE + (uint64_t) time) - 0.5;
}

MadeRange made_range(const World *world, uint32_t index)
{
    const Made *made = world->own;
    const MadeMeasure *measure = &made->measures[index];
    /* Heights above ordnance datum are those of the land; others begin near the river's bed. */
    double elevation =
        measure->unit->datum != NULL && str_ends(str_of(measure->unit->datum), STR("AOD"))
            ? 120 * made_unit_draw(made, index, DRAW_ELEVATION)
            : 0;
    double low = elevation + 0.05 + 0.6 * made_unit_draw(made, index, DRAW_LOW);
    return (MadeRange){low, low + 0.3 + 1.9 * made_unit_draw(made, index, DRAW_SPAN)};
}

/* How full the river is: 0 at its typical low, 1 at its typical high. A slow swing, and now and
 * then a flood wave that goes beyond. */
static double fullness(const Made *made, uint32_t index, UnixSec time)
{
    double period_s = (5 + 6 * made_unit_draw(made, index, DRAW_PERIOD)) * DAY_S;
    double swing = 0.35 + 0.25 * wave(made, index, DRAW_PHASE_A, 9.0 * DAY_S, time);
    double crest = wave(made, index, DRAW_PHASE_B, period_s, time);
    return swing + (crest > 0 ? 0.9 * pow(crest, 8) : 0);
}

/* One storm field an area and three hours; an area has 64 neighbours in the list. */
static double rain_mm(const Made *made, uint32_t index, UnixSec time)
{
    enum { STORM_S = 10800, AREA = 64 };
    uint64_t storm = DRAW_STORM + (uint64_t) floor_to(time - 1, STORM_S);
    if (!made_chance(made, index / AREA, storm, 120))
        return 0;
    return 0.2 * (double) (made_draw(made, index, DRAW_TIPS + (uint64_t) time) % 7);
}

static double value_at(const World *world, uint32_t index, UnixSec time)
{
    const Made *made = world->own;
    MadeRange range = made_range(world, index);
    double span = range.high - range.low;
    switch (made->measures[index].series->motion) {
    case MOTION_RIVER:
        return range.low + span * fullness(made, index, time) + 0.004 * noise(made, index, time);
    case MOTION_FLOW:
        return 0.2 + 12 * span * pow(fullness(made, index, time), 2) +
               0.01 * noise(made, index, time);
    case MOTION_GROUNDWATER:
        return 20 + range.low + 1.5 * wave(made, index, DRAW_PHASE_A, 180.0 * DAY_S, time) +
               0.003 * noise(made, index, time);
    case MOTION_TIDE: /* principal lunar and solar semi-diurnal */
        return 2.6 * wave(made, index, DRAW_PHASE_A, 44714.16, time) +
               0.8 * wave(made, index, DRAW_PHASE_B, 43200, time) + 0.02 * noise(made, index, time);
    case MOTION_RAIN:
        return rain_mm(made, index, time);
    case MOTION_TEMPERATURE:
        return 9 + 5 * wave(made, index / 1000, DRAW_PHASE_A, DAY_S, time) +
               0.4 * noise(made, index, time);
    case MOTION_WIND_SPEED:
        return 8 + 6 * wave(made, index, DRAW_PHASE_A, 1.7 * DAY_S, time) +
               3 * noise(made, index, time);
    case MOTION_WIND_DIRECTION:
        return 180 + 150 * wave(made, index, DRAW_PHASE_A, 2.3 * DAY_S, time) +
               20 * noise(made, index, time);
    }
    return 0;
}

void made_put_value(const World *world, uint32_t index, UnixSec time, Buf *out)
{
    put_decimal(out, value_at(world, index, time), 3);
}
