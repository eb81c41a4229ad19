/* sim/view.h - what is out at one moment: which readings a release shows, and what they say. */
#pragma once
#include "base/buf.h"
#include "sim/overlay.h"
#include "sim/world.h"

typedef struct View {
    const World *world;
    const Overlay *overlay;
    UnixSec now, release;
} View;

/* No reading of the measure that is newer is out. */
UnixSec view_upto(const View *view, uint32_t measure);
/* Whether the reading that the measure has at `time` is out. */
bool view_shows(const View *view, uint32_t measure, UnixSec time);
/* The newest reading that is out and not older than `from`; NO_TIME: however old. */
bool view_newest(const View *view, uint32_t measure, UnixSec from, UnixSec *ret_time);
/* As the upstream tells it: nothing older than it keeps. */
bool view_latest(const View *view, uint32_t measure, UnixSec *ret_time);
/* The value of a reading as raw JSON, with changes laid over. STR_NONE: it has none. Borrows
 * `scratch`. */
Str view_value(const View *view, uint32_t measure, UnixSec time, Buf *scratch);
