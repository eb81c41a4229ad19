/* model/window.h - 24 h per station: the only place that knows the number. */
#pragma once
#include "base/base.h"

enum { WINDOW_MAX_S = 24 * 3600 };

/* What is refused as coming from the future: further than this ahead of our clock. A reading of
 * tomorrow would push its station's whole day out of the window. */
enum { FUTURE_MAX_S = 3600 };

typedef struct Window {
    UnixSec from, to; /* from <= time < to */
} Window;

/* What a station whose newest reading is of `newest` keeps: newest - length < time <= newest, which
 * is 96 slots of 15 minutes. `length_s` is at most WINDOW_MAX_S. */
Window window_ending_at(UnixSec newest, int64_t length_s);
bool window_holds(Window window, UnixSec time);
Window window_everything(void);
Window window_both(Window a, Window b); /* their overlap; from == to when there is none */
