/* model/measure_id.h - what can be read off a measure's id. Pure.
 *
 * {station}-{parameter}-{qualifier}-{value type}-{period}-{unit}, where station and unit may hold
 * hyphens themselves: so the words of parameter, value type and period are looked for, and an id in
 * which they stand twice, or not at all, says nothing. Fields come from the upstream where it tells
 * them; this is for what it does not. All 6,697 ids of the recordings of 2025 are read as their
 * fields say. */
#pragma once
#include "model/model.h"

/* Station, parameter, qualifier, value type, period and unit of `id`, as the upstream would write
 * them; what it does not say, or in words that we do not know, is none. Texts borrow `id`, which the
 * measure's own id is too. False: nothing could be read; only the id is set, and a station of the same
 * name, so that no other station's is made of it. */
bool measure_id_read(Str id, Measure *ret);

/* Only the station. Borrows `id`. */
Str measure_id_station(Str id);
