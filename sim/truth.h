/* sim/truth.h - what an ideal ingest, one that was there all the time and missed nothing, would hold
 * now. Told without a line of the code under test, so that the two can be compared. */
#pragma once
#include "sim/view.h"

/* CSV: a header, then measure,time,value a line, by measure (bytewise) and time. For each measure
 * what is out and lies in the window of its station, (newest - 24 h, newest] with the newest over
 * all the station's measures; where that holds nothing of it, its newest alone. A reading without a
 * value is none. Of several values the one nearer to the reading before counts, without such the
 * first. Values are the shortest decimals that read back the same, with a point. What a test laid over the
 * world as raw items is not in it. Errors: what sticks to `out`, ERR_NO_MEMORY among them. */
void truth_put(const View *view, Buf *out);
