#include "model/window.h"

Window window_ending_at(UnixSec newest, int64_t length_s)
{
    assert(length_s > 0 && length_s <= WINDOW_MAX_S);
    return (Window){.from = newest - length_s + 1, .to = newest + 1};
}

bool window_holds(Window window, UnixSec time)
{
    return window.from <= time && time < window.to;
}

Window window_everything(void)
{
    return (Window){.from = INT64_MIN, .to = INT64_MAX};
}

Window window_both(Window a, Window b)
{
    Window both = {.from = a.from > b.from ? a.from : b.from, .to = a.to < b.to ? a.to : b.to};
    if (both.to < both.from)
        both.to = both.from;
    return both;
}
