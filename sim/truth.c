#include "sim/truth.h"

#include "base/clock.h"
#include "base/json.h"

#include <math.h>
#include <stdlib.h>

enum { WINDOW_S = 86400 };

/* ---- one value ------------------------------------------------------------------------------- */

/* `previous` is NAN where there is none. */
static double nearest_of(Str array, double previous)
{
    JsonWalk walk = json_walk(array);
    Str key, raw;
    double best = NAN, value;
    while (json_next(&walk, &key, &raw))
        if (str_to_double(raw, &value) &&
            (isnan(best) || fabs(value - previous) < fabs(best - previous)))
            best = value;
    return best;
}

/* NAN: there is no reading, or it says nothing. */
static double number_of(Str raw, double previous)
{
    double value = NAN;
    if (raw.len > 0 && raw.ptr[0] == '[')
        return nearest_of(raw, previous);
    (void) str_to_double(raw, &value);
    return value;
}

/* ---- one measure ----------------------------------------------------------------------------- */

typedef struct Truth {
    const View *view;
    Buf *out;
    Buf scratch;
    UnixSec *newest;         /* parallel to World.measures; NO_TIME: it has none */
    UnixSec *station_newest; /* likewise: of its whole station */
} Truth;

static double number_at(Truth *truth, uint32_t measure, UnixSec time, double previous)
{
    return number_of(view_value(truth->view, measure, time, &truth->scratch), previous);
}

/* The newest reading with a number, before `before`. */
static UnixSec newest_before(Truth *truth, uint32_t measure, UnixSec before, double *ret_value)
{
    const World *world = truth->view->world;
    UnixSec time = before;
    *ret_value = NAN;
    while (world->kind->last_time(world, measure, time - 1, &time)) {
        if (view_shows(truth->view, measure, time))
            *ret_value = number_at(truth, measure, time, NAN);
        if (!isnan(*ret_value))
            return time;
    }
    return NO_TIME;
}

static void put_line(Truth *truth, uint32_t measure, UnixSec time, double value)
{
    char text[CLOCK_TEXT_SIZE];
    clock_format(time, text);
    buf_put_str(truth->out, truth->view->world->measures[measure].id);
    buf_put_char(truth->out, ',');
    buf_put(truth->out, text, CLOCK_TEXT_SIZE - 1);
    buf_put_char(truth->out, ',');
    buf_put_double(truth->out, value);
    buf_put_char(truth->out, '\n');
}

static void put_measure(Truth *truth, uint32_t measure)
{
    const World *world = truth->view->world;
    UnixSec newest = truth->newest[measure], time;
    if (newest == NO_TIME)
        return;
    UnixSec from = truth->station_newest[measure] - WINDOW_S;
    if (newest <= from) /* its last known */
        from = newest - 1;
    double previous;
    (void) newest_before(truth, measure, from + 1, &previous);
    while (world->kind->next_time(world, measure, from, &time) && time <= newest) {
        from = time;
        double value = view_shows(truth->view, measure, time)
                           ? number_at(truth, measure, time, previous)
                           : NAN;
        if (isnan(value))
            continue;
        put_line(truth, measure, time, value);
        previous = value;
    }
}

/* ---- all of them ----------------------------------------------------------------------------- */

static bool is_same_station(const WorldMeasure *a, const WorldMeasure *b)
{
    return a->station == b->station &&
           (a->station != WORLD_NONE || str_eq(a->station_id, b->station_id));
}

/* Measures of a listed station are grouped; those of others are few and look for each other. */
static UnixSec newest_of_station(const Truth *truth, uint32_t measure)
{
    const World *world = truth->view->world;
    const WorldMeasure *m = &world->measures[measure];
    bool is_listed = m->station != WORLD_NONE;
    uint32_t count =
        is_listed ? world->stations[m->station].count : (uint32_t) world->measure_count;
    UnixSec newest = NO_TIME;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t other = is_listed ? world->measures_of[world->stations[m->station].first + i] : i;
        if (is_same_station(m, &world->measures[other]) && truth->newest[other] > newest)
            newest = truth->newest[other];
    }
    return newest;
}

static void put_all(Truth *truth)
{
    size_t count = truth->view->world->measure_count;
    double ignored;
    for (uint32_t i = 0; i < count; i++)
        truth->newest[i] = newest_before(truth, i, view_upto(truth->view, i) + 1, &ignored);
    for (uint32_t i = 0; i < count; i++)
        truth->station_newest[i] = newest_of_station(truth, i);
    BUF_LITERAL(truth->out, "measure,time,value\n");
    for (size_t i = 0; i < count; i++)
        put_measure(truth, truth->view->world->measures_by_id[i]);
}

void truth_put(const View *view, Buf *out)
{
    size_t count = view->world->measure_count + 1;
    Truth truth = {.view = view, .out = out, .scratch = buf_init(1 << 20)};
    truth.newest = calloc(count, sizeof *truth.newest);
    truth.station_newest = calloc(count, sizeof *truth.station_newest);
    if (truth.newest != NULL && truth.station_newest != NULL)
        put_all(&truth);
    else
        out->error = ERR_NO_MEMORY;
    free(truth.newest);
    free(truth.station_newest);
    buf_release(&truth.scratch);
}
