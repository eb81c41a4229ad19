/* sim/made.h - the inside of a made network: what sim/made.c decides, and what the others
 * tell of it.
 *
 * Everything is a pure function of the seed and of indexes, so that nothing need be stored but the
 * list, and any window of any series can be asked for at any time. */
#pragma once
#include "sim/world.h"

/* How the values of a series move. */
typedef enum Motion {
    MOTION_RIVER,
    MOTION_FLOW,
    MOTION_GROUNDWATER,
    MOTION_TIDE,
    MOTION_RAIN,
    MOTION_TEMPERATURE,
    MOTION_WIND_SPEED,
    MOTION_WIND_DIRECTION,
} Motion;

typedef struct MadeSeries {
    const char *parameter, *parameter_name, *qualifier, *value_type;
    const char *id_text; /* {parameter}-{qualifier}, as in identifiers */
    const char *id_value_type;
    Motion motion;
} MadeSeries;

typedef struct MadeUnit {
    const char *name, *id_text, *uri, *datum; /* uri, datum: NULL where the upstream gives none */
} MadeUnit;

typedef struct MadePeriod {
    int32_t period_s; /* 0: irregular */
    const char *id_text;
} MadePeriod;

typedef enum StationKind {
    RIVER_STATION,
    RAIN_STATION,
    BOREHOLE,
    TIDE_STATION,
    WEATHER_STATION,
    BARE_STATION
} StationKind;

typedef struct MadeMeasure {
    const MadeSeries *series;
    const MadeUnit *unit;
    const MadePeriod *period;
    int32_t phase_s; /* readings lie so far behind the multiples of the period */
    bool is_silent;  /* has had no reading for a month */
} MadeMeasure;

typedef struct Made {
    uint64_t seed;
    uint32_t off_grid_ppm; /* so many measures in a million lie off the grid */
    MadeMeasure *measures; /* parallel to World.measures */
    uint8_t *kinds;        /* StationKind, of the stations */
} Made;

/* What is drawn for a station or a measure. Hundreds are added where one thing needs several. */
enum {
    DRAW_KIND,
    DRAW_KNOWN, /* to the public river-level site */
    DRAW_PLACED,
    DRAW_GRID_REFERENCE,
    DRAW_TOWN,
    DRAW_DATUM,
    DRAW_STATUS,
    DRAW_ID_STYLE,
    DRAW_NAME,
    DRAW_RIVER,
    DRAW_CATCHMENT,
    DRAW_YEAR,
    DRAW_BOX,
    DRAW_LAT,
    DRAW_LONG,
    DRAW_UNIT,
    DRAW_PERIOD_CHOICE,
    DRAW_SILENT,
    DRAW_PHASE,
    DRAW_MORE, /* one more measure; its index is added */
};

/* A number drawn for `what` of thing `index`: the same for ever. */
uint64_t made_draw(const Made *made, uint64_t index, uint64_t what);
double made_unit_draw(const Made *made, uint64_t index, uint64_t what); /* 0 <= it < 1 */
bool made_chance(const Made *made, uint64_t index, uint64_t what, unsigned permille);
/* One element of an array, drawn. */
#define PICK(list, made, index, what) (list)[made_draw((made), (index), (what)) % countof(list)]

/* ---- sim/made.c ---- */

/* Whether it stands on the public river-level site: only then it has a river, a town, scales. */
bool made_is_known(const Made *made, uint32_t station);
const char *made_type(const Made *made, uint32_t station); /* NULL: told by its series */

/* ---- sim/made_items.c: the texts ---- */

/* References differ from ids where these have a sign that ids cannot hold: `odd_sign` is '_' or
 * '/'. */
void made_put_station_id(const Made *made, uint32_t station, char odd_sign, Buf *out);
void made_put_station(const World *world, uint32_t station, Buf *out);
void made_put_measure(const World *world, uint32_t index, Str latest, Buf *out);
bool made_put_scale(const World *world, uint32_t station, ScaleKind which, Buf *out);
void made_put_single_members(const World *world, uint32_t station, Buf *out);
Str made_single_measure_members(const World *world, uint32_t measure);
bool made_is_of_type(const World *world, uint32_t station, Str type);

/* ---- sim/made_values.c: the readings ---- */

bool made_next_time(const World *world, uint32_t index, UnixSec after, UnixSec *ret);
bool made_last_time(const World *world, uint32_t index, UnixSec upto, UnixSec *ret);
void made_put_value(const World *world, uint32_t index, UnixSec time, Buf *out);

/* The typical range that the values of a measure keep to most of the time. */
typedef struct MadeRange {
    double low, high;
} MadeRange;
MadeRange made_range(const World *world, uint32_t index);
