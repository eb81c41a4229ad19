#include "model/london.h"

#include "base/clock.h"

enum { DAY_S = 86400, MARCH = 3, OCTOBER = 10 };

/* 01:00 UTC on the last Sunday of a month of 31 days. */
static UnixSec change_in(int64_t year, int month)
{
    UnixSec last = clock_from_civil(year, month, 31, 1, 0, 0);
    int64_t day = last / DAY_S - (last % DAY_S < 0); /* 1970-01-01 was a Thursday */
    int64_t weekday = ((day + 4) % 7 + 7) % 7;       /* 0: Sunday */
    return last - weekday * DAY_S;
}

int london_offset_s(UnixSec time)
{
    /* A year's mean length is near enough: its ends are far from both changes. */
    int64_t year = 1970 + time / 31556952 - (time % 31556952 < 0);
    return time >= change_in(year, MARCH) && time < change_in(year, OCTOBER) ? 3600 : 0;
}
