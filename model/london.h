/* model/london.h - the time on the clocks of England. */
#pragma once
#include "base/base.h"

/* How far clocks in Europe/London are ahead of UTC at `time`: 3600 in British Summer Time, from the
 * last Sunday of March to the last Sunday of October, each at 01:00 UTC; else 0. Pure.
 * Source: Summer Time Act 1972, as amended by the Summer Time Order 2002 (SI 2002/262), which takes
 * over Directive 2000/84/EC; the dates are the same from 1998 on, which is before our first reading. */
int london_offset_s(UnixSec time);
