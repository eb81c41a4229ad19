/* sim/view.h - what is out at one moment: which readings a release shows, what they say, and what
 * stands in the lists. */
#pragma once
#include "base/buf.h"
#include "sim/habits.h"
#include "sim/overlay.h"
#include "sim/world.h"

typedef struct View {
    const World *world;
    const Overlay *overlay;
    const Habits *habits;
    UnixSec now, release;
} View;

/* No reading of the measure that is newer is out. */
UnixSec view_upto(const View *view, uint32_t measure);
/* Whether the reading that the measure has at `time`, at most view_upto(), is out. */
bool view_shows(const View *view, uint32_t measure, UnixSec time);
/* The newest reading that is out and not older than `from`; NO_TIME: however old. */
bool view_newest(const View *view, uint32_t measure, UnixSec from, UnixSec *ret_time);
/* As the upstream tells it: nothing older than it keeps. */
bool view_latest(const View *view, uint32_t measure, UnixSec *ret_time);

/* The value of a reading as raw JSON, corrected and spoilt as it may be, with a test's changes laid
 * over. STR_NONE: it has none. Borrows `scratch`. */
Str view_value(const View *view, uint32_t measure, UnixSec time, Buf *scratch);
/* False: its dateTime is told as "". */
bool view_tells_time(const View *view, uint32_t measure, UnixSec time);

bool view_lists_station(const View *view, uint32_t station);
bool view_lists_measure(const View *view, uint32_t measure);
/* Whether it can be looked up by itself. */
bool view_knows_measure(const View *view, uint32_t measure);
