/* model/filter.h - which stations and measures a request means: one meaning everywhere.
 *
 * Each filter may have several values (OR); different filters are ANDed. Pure functions. */
#pragma once
#include "base/arena.h"
#include "model/model.h"

typedef struct StrList {
    Str *items;
    size_t count;
} StrList;
/* Its memory is the arena's. False: no memory. */
MUST_USE bool str_list_add(Arena *arena, StrList *list, Str item);

/* Of longitudes and latitudes, its edges included; west > east crosses the date line. */
typedef struct Box {
    double west_deg, south_deg, east_deg, north_deg;
} Box;

typedef struct BoxList {
    Box *items;
    size_t count;
} BoxList;
/* As str_list_add(). */
MUST_USE bool box_list_add(Arena *arena, BoxList *list, const Box *item);

typedef struct Filter {
    StrList station; /* ids, exact case; as the user wrote them - the store resolves other keys */
    StrList measure; /* ids, exact case */
    StrList reference, rloi_id, wiski_id; /* exact */
    unsigned freshness;                   /* of measures: bits 1 << Freshness; 0: any */
    unsigned trends, states; /* of their newest values: bits 1 << Trend, 1 << LevelState; 0: any */
    StrList parameter, qualifier;                 /* ASCII case ignored */
    StrList river, catchment, town, status, type; /* ASCII case and runs of blanks ignored,
                                                                    over all values of a field */
    StrList q; /* every word of one is a prefix of a token of label, river, town, catchment or id */
    BoxList boxes;
    bool has_circle;
    double lat_deg, long_deg, dist_km; /* great circle, on a sphere of 6371.0088 km */
} Filter;

/* Whether `filter` asks anything of the measure itself. */
bool filter_narrows_measures(const Filter *filter);
/* All but the measure's part. `station` as the store hands it out. */
bool filter_takes_station(const Filter *filter, const Station *station);
/* With all that it borrows; the copy borrows the arena. False: no memory. */
MUST_USE bool filter_copy(Arena *arena, const Filter *filter, Filter *ret);
/* The measure's part alone: measure, parameter, qualifier, freshness. Trends and states, which only
 * readings tell, the store looks at (store/meant.h). */
bool filter_takes_measure(const Filter *filter, const Measure *measure);

/* Whether there is a word in `q`: blanks separate them, every other byte belongs to its word, except
 * punctuation in front of it. */
bool filter_has_word(Str q);
double distance_km(double lat1_deg, double long1_deg, double lat2_deg, double long2_deg);
