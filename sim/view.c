#include "sim/view.h"

#include "sim/item.h"
#include "sim/simtime.h"

/* ---- what is out ----------------------------------------------------------------------------- */

/* As view_upto(), of the release that was out `ago_s` earlier. */
static UnixSec upto_before(const View *view, uint32_t measure, int64_t ago_s)
{
    if (view->world->has_arrivals)
        return view->release - ago_s;
    Delivery delivery = habits_delivery(view->habits, measure);
    UnixSec upto = view->release - ago_s - PUBLISH_DELAY_S;
    if (delivery.every_s > 0)
        upto = floor_to(upto - delivery.phase_s, delivery.every_s) + delivery.phase_s;
    return upto > view->world->seen_from_start ? upto : view->world->seen_from_start;
}

UnixSec view_upto(const View *view, uint32_t measure)
{
    return upto_before(view, measure, 0);
}

/* Whether the reading was out `ago_s` earlier. */
static bool was_out(const View *view, uint32_t measure, UnixSec time, int64_t ago_s)
{
    const World *world = view->world;
    return time <= upto_before(view, measure, ago_s) &&
           (!world->has_arrivals ||
            world->kind->arrived(world, measure, time) <= view->release - ago_s);
}

bool view_shows(const View *view, uint32_t measure, UnixSec time)
{
    if (habits_oddity(view->habits, measure, time) == RATE_LATE)
        return was_out(view, measure, time, habits_delay_s(view->habits, measure, time));
    return !view->world->has_arrivals || was_out(view, measure, time, 0);
}

bool view_newest(const View *view, uint32_t measure, UnixSec from, UnixSec *ret_time)
{
    const World *world = view->world;
    UnixSec upto = view_upto(view, measure), time;
    while (world->kind->last_time(world, measure, upto, &time) && time >= from) {
        if (view_shows(view, measure, time)) {
            *ret_time = time;
            return true;
        }
        upto = time - 1;
    }
    return false;
}

bool view_latest(const View *view, uint32_t measure, UnixSec *ret_time)
{
    return view_newest(view, measure, world_kept_from(view->world, view->release), ret_time);
}

/* ---- what it says ---------------------------------------------------------------------------- */

static void correct(Buf *value)
{
    double number;
    if (!str_to_double(buf_view(value), &number)) /* several values */
        return;
    buf_clear(value);
    put_decimal(value, number + 0.05, 3);
}

/* The absurd one is so far off that the other is nearer to whatever came before. It stands second
 * where an ingest as old as the simulator might know of nothing before. */
static void double_up(const View *view, uint32_t measure, UnixSec time, Buf *value)
{
    bool absurd_first = time > view->habits->start && habits_coin(view->habits, measure, time) == 1;
    double number;
    if (!str_to_double(buf_view(value), &number))
        return;
    buf_clear(value);
    BUF_LITERAL(value, "[ ");
    put_decimal(value, number + (absurd_first ? 1000000 : 0), 3);
    BUF_LITERAL(value, ", ");
    put_decimal(value, number + (absurd_first ? 0 : 1000000), 3);
    BUF_LITERAL(value, " ]");
}

Str view_value(const View *view, uint32_t measure, UnixSec time, Buf *scratch)
{
    Str changed = overlay_value(view->overlay, measure, time);
    if (!str_is_none(changed))
        return changed;
    buf_clear(scratch);
    view->world->kind->put_value(view->world, measure, time, scratch);
    switch (habits_oddity(view->habits, measure, time)) {
    case RATE_MISSING_VALUES:
        return STR_NONE;
    case RATE_SENTINELS:
        return STR("-32.768");
    case RATE_CORRECTIONS:
        if (was_out(view, measure, time, habits_delay_s(view->habits, measure, time)))
            correct(scratch);
        break;
    case RATE_ARRAYS:
        double_up(view, measure, time, scratch);
        break;
    default:
        break;
    }
    return scratch->len > 0 ? buf_view(scratch) : STR_NONE;
}

bool view_tells_time(const View *view, uint32_t measure, UnixSec time)
{
    return habits_oddity(view->habits, measure, time) != RATE_EMPTY_TIMES;
}

/* ---- the lists ------------------------------------------------------------------------------- */

bool view_lists_station(const View *view, uint32_t station)
{
    return habits_lists_station(view->habits, station, view->release);
}

bool view_lists_measure(const View *view, uint32_t measure)
{
    uint32_t station = view->world->measures[measure].station;
    return habits_lists_measure(view->habits, measure, view->release) &&
           (station == WORLD_NONE || view_lists_station(view, station));
}

bool view_knows_measure(const View *view, uint32_t measure)
{
    return habits_knows_measure(view->habits, measure);
}
