/* sim/filter.h - which items a query means, judged on their raw JSON, as the upstream judges its
 * data: a member with several values passes when one of them does. */
#pragma once
#include "sim/params.h"
#include "sim/world.h"

enum { CONDITIONS_MAX = 16 };

typedef enum Match {
    MATCH_WHOLE,
    MATCH_PART,   /* ASCII case ignored */
    MATCH_STATUS, /* Active, statusActive or the URI */
} Match;

typedef struct Condition {
    const char *member;
    Match how;
    Str want; /* borrowed from the Params */
} Condition;

typedef struct Filter {
    Condition conditions[CONDITIONS_MAX];
    size_t count;
} Filter;

/* What the parameters ask of a station, of a measure as it is nested in one. */
Filter filter_stations(const Params *params);
Filter filter_nested_measures(const Params *params);
bool filter_passes(const Filter *filter, Str item);

/* lat, long, dist. */
typedef struct Circle {
    double lat, lon, dist_km;
} Circle;
bool circle_of(const Params *params, Circle *ret); /* false: not asked for, or no numbers */
bool circle_holds(const Circle *circle, Str item); /* false also where the item has no place */

/* What the parameters ask of measures as series: of their own members and of their station's type.
 */
typedef struct MeasureQuery {
    Filter filter;
    Str station_type; /* none: not asked for */
} MeasureQuery;
MeasureQuery measure_query(const Params *params);
bool measure_passes(const MeasureQuery *query, const World *world, uint32_t measure, Buf *scratch);

/* The text of a raw JSON string, or the raw value of anything else. */
Str unquoted(Str raw);
/* The first of several values, or the only one. STR_NONE: an empty array. */
Str first_value(Str raw);
