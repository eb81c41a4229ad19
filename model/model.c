#include "model/model.h"

#include <math.h>

const char *fault_name(Fault fault)
{
    static const char *const NAMES[FAULT_COUNT] = {
        [FAULT_NONE] = "none",     [FAULT_UPSTREAM] = "upstream", [FAULT_NETWORK] = "network",
        [FAULT_INGEST] = "ingest", [FAULT_STORE] = "store",
    };
    return NAMES[fault];
}

Scale scale_unknown(void)
{
    return (Scale){.typical_low = NAN, .typical_high = NAN, .record_high = NAN, .record_low = NAN};
}

static bool is_in_scale_unit(Str unit)
{
    return str_eq(unit, STR("mASD")) || str_eq(unit, STR("m")) || str_eq(unit, STR("mAOD"));
}

const Scale *measure_scale(const Measure *measure, const Station *station)
{
    if (!str_eq(measure->parameter, STR("level")) || !is_in_scale_unit(measure->unit))
        return NULL;
    if (str_eq(measure->qualifier, STR("Stage")))
        return &station->stage;
    if (str_eq(measure->qualifier, STR("Downstream Stage")))
        return &station->downstage;
    return NULL;
}

/* The most and least that a 16-bit logger can say, and the constants that single broken gauges have
 * sent for years (contract of the upstream, Q22). */
static bool is_sentinel(double value)
{
    static const double SENTINELS[] = {-32.768, -32.767, -101.833, -53.254,
                                       -27.657, -1156.0, -91.0};
    for (size_t i = 0; i < countof(SENTINELS); i++)
        if (value == SENTINELS[i])
            return true;
    return false;
}

/* (value - low) / (high - low) beyond +-10: nothing that a river does. */
static bool is_beyond_scale(double value, const Scale *scale)
{
    double range = scale->typical_high - scale->typical_low;
    if (!(range > 0)) /* also when a bound is missing */
        return false;
    return fabs((value - scale->typical_low) / range) > 10;
}

unsigned reading_meaning_flags(const Reading *reading, const Measure *measure, const Scale *scale)
{
    unsigned flags = 0;
    if (is_sentinel(reading->value) || (scale != NULL && is_beyond_scale(reading->value, scale)))
        flags |= READING_SUSPECT;
    if (measure->period_s > 0 && reading->time % measure->period_s != 0)
        flags |= READING_OFF_GRID;
    return flags;
}
