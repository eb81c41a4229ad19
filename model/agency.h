/* model/agency.h - the members that the Agency's lists of stations and measures say of each item, by the
 * upstream's names (its documentation, and every recording). Ends with NULL. What an item says beyond
 * them stands in the answer of the single thing alone. */
#pragma once

extern const char *const AGENCY_STATION_MEMBERS[];
extern const char *const AGENCY_MEASURE_MEMBERS[]; /* the newest reading comes last */
