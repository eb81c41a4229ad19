#include "sim/view.h"

#include "sim/simtime.h"

UnixSec view_upto(const View *view, uint32_t measure)
{
    const WorldMeasure *m = &view->world->measures[measure];
    UnixSec upto = view->release - PUBLISH_DELAY_S;
    if (m->batch_s > 0)
        upto = floor_to(upto - m->batch_phase_s, m->batch_s) + m->batch_phase_s;
    return upto > view->world->seen_from_start ? upto : view->world->seen_from_start;
}

bool view_shows(const View *view, uint32_t measure, UnixSec time)
{
    return time <= view_upto(view, measure);
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

Str view_value(const View *view, uint32_t measure, UnixSec time, Buf *scratch)
{
    Str changed = overlay_value(view->overlay, measure, time);
    if (!str_is_none(changed))
        return changed;
    buf_clear(scratch);
    view->world->kind->put_value(view->world, measure, time, scratch);
    return scratch->len > 0 ? buf_view(scratch) : STR_NONE;
}
