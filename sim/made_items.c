/* sim/made_items.c - what a made network tells of itself: items, scales, types. All names are
 * invented. */
#include "sim/item.h"
#include "sim/made.h"

#include <math.h>
#include <string.h>

/* ---- names ----------------------------------------------------------------------------------- */

static const char *const PLACE_HEADS[] = {
    "Alder", "Ames",  "Barrow", "Birch", "Brack", "Cald",  "Cold",  "Dun",  "East",   "Elm",
    "Fen",   "Glass", "Hart",   "Hazel", "Kings", "Lang",  "Maple", "Marl", "Nether", "Oak",
    "Otter", "Pen",   "Rook",   "Sand",  "Stan",  "Thorn", "Wick",  "Wood",
};
static const char *const PLACE_TAILS[] = {
    "bourne", "bridge", "bury", "by",   "combe", "dale",  "den",   "field",  "ford", "ham",
    "hurst",  "ington", "ley",  "mere", "mouth", "stead", "stoke", "thorpe", "ton",  "worth",
};
static const char *const SITES[] = {"",      "",        "",        " Weir", " Mill",
                                    " Lock", " Bridge", " Sluice", " Road", " GS"};
static const char *const RIVERS[] = {
    "River Alder",  "River Brant",  "River Culver", "River Dorn",  "River Esker",  "River Fane",
    "River Garrow", "River Hollin", "River Isel",   "River Kenn",  "River Lorrin", "River Mardle",
    "River Norrow", "River Oaken",  "River Perrow", "River Quill", "River Rushey", "River Sallow",
    "River Tarn",   "River Umber",  "River Vesper", "River Withy", "Black Beck",   "Clay Brook",
    "Long Drain",   "Mill Stream",  "Old Cut",
};
static const char *const CATCHMENTS[] = {
    "Alder and Brant",
    "Culver",
    "Dorn, Esker and Fane",
    "Garrow",
    "Hollin and Isel",
    "Kenn Levels",
    "Lorrin, Mardle and East Coast Streams",
    "Norrow",
    "Oaken and Perrow",
    "Rushey",
    "Tarn Uplands",
    "Withy",
};

static void put_place(const Made *made, uint64_t index, uint64_t what, Buf *out)
{
    buf_put_str(out, str_of(PICK(PLACE_HEADS, made, index, what)));
    buf_put_str(out, str_of(PICK(PLACE_TAILS, made, index, what + 100)));
}

static void put_label(const Made *made, uint32_t station, Buf *out)
{
    if (made->kinds[station] == RAIN_STATION) { /* so all of them are called */
        BUF_LITERAL(out, "Rainfall station");
        return;
    }
    put_place(made, station, DRAW_NAME, out);
    buf_put_str(out, str_of(PICK(SITES, made, station, DRAW_NAME + 200)));
    if (made_chance(made, station, DRAW_NAME + 300,
                    20)) /* blanks at the end are the upstream's habit */
        buf_put_char(out, ' ');
}

/* Every style holds the station's index, so that ids differ. */
void made_put_station_id(const Made *made, uint32_t station, char odd_sign, Buf *out)
{
    uint64_t style = made_draw(made, station, DRAW_ID_STYLE) % 1000;
    if (style < 280)
        buf_printf(out, "E%04u", station);
    else if (style < 480)
        buf_printf(out, "%05u", 40000 + station);
    else if (style < 640)
        buf_printf(out, "%06u", 600000 + station);
    else if (style < 780)
        buf_printf(out, "%04uTH", station);
    else if (style < 860)
        buf_printf(out, "F%05u", station);
    else if (style < 985)
        buf_printf(out, "L%04u_%02u", station, station % 97);
    else if (style < 992)
        buf_printf(out, "%06u_TG%c%u", station, odd_sign == '/' ? ' ' : odd_sign,
                   station % 900 + 100);
    else
        buf_printf(out, "SU%u%c%02u", station, odd_sign, station % 97);
}

/* ---- where ----------------------------------------------------------------------------------- */

/* Rectangles that lie in England altogether. */
static const struct {
    double south, north, west, east;
} BOXES[] = {
    {51.10, 52.60, -2.40, 0.20},  {52.60, 53.60, -2.20, -0.30}, {53.60, 54.80, -2.50, -1.20},
    {50.55, 51.00, -4.30, -3.20}, {51.90, 52.70, 0.40, 1.30},
};

typedef struct Place {
    double lat, lon;
    int64_t easting, northing;
} Place;

static Place place_of(const Made *made, uint32_t station)
{
    size_t box = made_draw(made, station, DRAW_BOX) % countof(BOXES);
    double lat = BOXES[box].south +
                 (BOXES[box].north - BOXES[box].south) * made_unit_draw(made, station, DRAW_LAT);
    double lon = BOXES[box].west +
                 (BOXES[box].east - BOXES[box].west) * made_unit_draw(made, station, DRAW_LONG);
    /* The national grid to within a kilometre or two: its true origin is 49 N 2 W. */
    double east_m = 400000 + (lon + 2) * 111320 * cos(lat * M_PI / 180);
    double north_m = -100000 + (lat - 49) * 111250;
    return (Place){lat, lon, (int64_t) east_m, (int64_t) north_m};
}

/* ---- what it tells --------------------------------------------------------------------------- */

static void put_nested_measures(const World *world, uint32_t station, Buf *out)
{
    const Made *made = world->own;
    const WorldStation *s = &world->stations[station];
    BUF_LITERAL(out, "[ ");
    for (uint32_t i = 0; i < s->count; i++) {
        uint32_t index = world->measures_of[s->first + i];
        const MadeMeasure *measure = &made->measures[index];
        if (i > 0)
            BUF_LITERAL(out, "\n    , ");
        Item item = item_open(out);
        item_uri(&item, "@id", "/id/measures/", world->measures[index].id);
        item_text(&item, "parameter", str_of(measure->series->parameter));
        item_text(&item, "parameterName", str_of(measure->series->parameter_name));
        if (measure->period->period_s > 0)
            item_int(&item, "period", measure->period->period_s);
        item_text(&item, "qualifier", str_of(measure->series->qualifier));
        item_text(&item, "unitName", str_of(measure->unit->name));
        item_close(&item);
    }
    BUF_LITERAL(out, "\n     ]");
}

/* A member whose text is put together: begin, put, end. */
static void open_text(Item *item, const char *key)
{
    item_key(item, key);
    buf_put_char(item->out, '"');
}

static void close_text(Item *item)
{
    buf_put_char(item->out, '"');
}

static void put_known_members(const World *world, uint32_t station, Item *item)
{
    const Made *made = world->own;
    open_text(item, "RLOIid");
    buf_put_int(item->out, 1000 + (int64_t) station);
    close_text(item);
    item_text(item, "catchmentName", str_of(PICK(CATCHMENTS, made, station, DRAW_CATCHMENT)));
    open_text(item, "dateOpened");
    buf_printf(item->out, "%u-%02u-01",
               (unsigned) (1950 + made_draw(made, station, DRAW_YEAR) % 70),
               (unsigned) (1 + made_draw(made, station, DRAW_YEAR + 100) % 12));
    close_text(item);
    if (made_chance(made, station, DRAW_DATUM, 60))
        item_int(item, "datumOffset", (int64_t) (made_draw(made, station, DRAW_DATUM + 100) % 100));
    else if (made_chance(made, station, DRAW_DATUM + 200, 60))
        item_decimal(item, "datumOffset", 100 * made_unit_draw(made, station, DRAW_DATUM + 100), 2);
}

static const char *status_of(const Made *made, uint32_t station)
{
    uint64_t draw = made_draw(made, station, DRAW_STATUS) % 1000;
    return draw < 982   ? "statusActive"
           : draw < 991 ? "statusSuspended"
           : draw < 997 ? "statusClosed"
                        : "statusukcmf";
}

/* The measure of a station that a scale belongs to. */
static uint32_t scaled_measure(const World *world, uint32_t station, ScaleKind which)
{
    const Made *made = world->own;
    const WorldStation *s = &world->stations[station];
    const char *qualifier = which == SCALE_DOWNSTAGE ? "Downstream Stage" : "Stage";
    for (uint32_t i = 0; i < s->count; i++) {
        uint32_t index = world->measures_of[s->first + i];
        const MadeSeries *series = made->measures[index].series;
        if (strcmp(series->parameter, "level") == 0 && strcmp(series->qualifier, qualifier) == 0)
            return index;
    }
    return WORLD_NONE;
}

static bool has_scale(const World *world, uint32_t station, ScaleKind which)
{
    return made_is_known(world->own, station) &&
           scaled_measure(world, station, which) != WORLD_NONE;
}

static void put_scale_uri(const World *world, uint32_t station, ScaleKind which, Item *item)
{
    const char *name = which == SCALE_STAGE ? "stageScale" : "downstageScale";
    item_key(item, name);
    buf_printf(item->out, "\"" SIM_ROOT "/id/stations/" STR_FMT "/%s\"",
               STR_ARG(world->stations[station].id), name);
}

/* Members stand in the order of their names, as in real answers. */
void made_put_station(const World *world, uint32_t station, Buf *out)
{
    const Made *made = world->own;
    Str id = world->stations[station].id;
    bool known = made_is_known(made, station);
    bool placed = !made_chance(made, station, DRAW_PLACED, 118);
    Place place = place_of(made, station);
    Item item = item_open(out);
    item_uri(&item, "@id", "/id/stations/", id);
    if (known)
        put_known_members(world, station, &item);
    if (has_scale(world, station, SCALE_DOWNSTAGE))
        put_scale_uri(world, station, SCALE_DOWNSTAGE, &item);
    if (placed)
        item_int(&item, "easting", place.easting);
    if (made_chance(made, station, DRAW_GRID_REFERENCE, 740)) {
        open_text(&item, "gridReference");
        buf_printf(out, "SP%06u",
                   (unsigned) (made_draw(made, station, DRAW_GRID_REFERENCE + 100) % 1000000));
        close_text(&item);
    }
    open_text(&item, "label");
    put_label(made, station, out);
    close_text(&item);
    if (placed) {
        item_decimal(&item, "lat", place.lat, 6);
        item_decimal(&item, "long", place.lon, 6);
    }
    if (world->stations[station].count > 0) {
        item_key(&item, "measures");
        put_nested_measures(world, station, out);
    }
    if (placed)
        item_int(&item, "northing", place.northing);
    item_text(&item, "notation", id);
    if (known)
        item_text(&item, "riverName",
                  made->kinds[station] == TIDE_STATION
                      ? STR("Tide")
                      : str_of(PICK(RIVERS, made, station, DRAW_RIVER)));
    if (has_scale(world, station, SCALE_STAGE))
        put_scale_uri(world, station, SCALE_STAGE, &item);
    open_text(&item, "stationReference");
    made_put_station_id(made, station, '/', out);
    close_text(&item);
    if (known)
        item_uri(&item, "status", "/def/core/", str_of(status_of(made, station)));
    if (known && made_chance(made, station, DRAW_TOWN, 930)) {
        open_text(&item, "town");
        put_place(made, station / 3, DRAW_TOWN + 100, out);
        close_text(&item);
    }
    if (known)
        item_text(&item, "wiskiID", id);
    item_close(&item);
}

void made_put_measure(const World *world, uint32_t index, Str latest, Buf *out)
{
    const Made *made = world->own;
    const MadeMeasure *measure = &made->measures[index];
    const WorldMeasure *m = &world->measures[index];
    Str station_id = world->stations[m->station].id;
    Item item = item_open(out);
    item_uri(&item, "@id", "/id/measures/", m->id);
    if (measure->unit->datum != NULL)
        item_uri(&item, "datumType", "/def/core/", str_of(measure->unit->datum));
    open_text(&item, "label");
    if (made->kinds[m->station] != RAIN_STATION) {
        put_place(made, m->station, DRAW_NAME, out);
        BUF_LITERAL(out, " - ");
    }
    buf_printf(out, "%s-%s-%s-%s", measure->series->id_text, measure->series->id_value_type,
               measure->period->id_text, measure->unit->id_text);
    close_text(&item);
    if (!str_is_none(latest))
        item_raw(&item, "latestReading", latest);
    item_text(&item, "notation", m->id);
    item_text(&item, "parameter", str_of(measure->series->parameter));
    item_text(&item, "parameterName", str_of(measure->series->parameter_name));
    if (measure->period->period_s > 0)
        item_int(&item, "period", measure->period->period_s);
    item_text(&item, "qualifier", str_of(measure->series->qualifier));
    item_uri(&item, "station", "/id/stations/", station_id);
    open_text(&item, "stationReference");
    made_put_station_id(made, m->station, '/', out);
    close_text(&item);
    if (measure->unit->uri != NULL)
        item_text(&item, "unit", str_of(measure->unit->uri));
    item_text(&item, "unitName", str_of(measure->unit->name));
    item_text(&item, "valueType", str_of(measure->series->value_type));
    item_close(&item);
}

/* A record of a scale: {"@id", "dateTime", "value"}; its time has no zone. */
static void put_record(const World *world, uint32_t station, const char *scale, const char *name,
                       double value, Item *item)
{
    const Made *made = world->own;
    item_key(item, name);
    Item record = item_open(item->out);
    item_key(&record, "@id");
    buf_printf(item->out, "\"" SIM_ROOT "/id/stations/" STR_FMT "/%s/%s\"",
               STR_ARG(world->stations[station].id), scale, name);
    item_key(&record, "dateTime");
    buf_printf(item->out, "\"%u-01-15T06:45:00\"",
               (unsigned) (1990 + made_draw(made, station, DRAW_YEAR + 200) % 30));
    item_decimal(&record, "value", value, 3);
    item_close(&record);
}

bool made_put_scale(const World *world, uint32_t station, ScaleKind which, Buf *out)
{
    if (!has_scale(world, station, which))
        return false;
    const char *name = which == SCALE_STAGE ? "stageScale" : "downstageScale";
    const Made *made = world->own;
    MadeRange range = made_range(world, scaled_measure(world, station, which));
    Item item = item_open(out);
    item_key(&item, "@id");
    buf_printf(out, "\"" SIM_ROOT "/id/stations/" STR_FMT "/%s\"",
               STR_ARG(world->stations[station].id), name);
    item_decimal(&item, "datum", 100 * made_unit_draw(made, station, DRAW_DATUM + 100), 2);
    if (made_chance(made, station, DRAW_YEAR + 300, 740))
        put_record(world, station, name, "highestRecent", range.high + 0.7, &item);
    put_record(world, station, name, "maxOnRecord", range.high + 1.1, &item);
    put_record(world, station, name, "minOnRecord", range.low - 0.05, &item);
    if (made_chance(made, station, DRAW_YEAR + 400, 750))
        item_int(&item, "scaleMax", 1 + (int64_t) (range.high + 1));
    if (made_chance(made, station, DRAW_YEAR + 500, 985)) {
        item_decimal(&item, "typicalRangeHigh", range.high, 3);
        item_decimal(&item, "typicalRangeLow", range.low, 3);
    }
    item_close(&item);
    return true;
}

Str made_single_measure_members(UNUSED const World *world, UNUSED uint32_t measure)
{
    return STR_NONE;
}

bool made_is_of_type(const World *world, uint32_t station, Str type)
{
    const Made *made = world->own;
    const char *own = made_type(made, station);
    if (made->kinds[station] == RIVER_STATION)
        own = scaled_measure(world, station, SCALE_DOWNSTAGE) != WORLD_NONE ? "MultiTraceLevel"
                                                                            : "SingleLevel";
    if (made->kinds[station] == TIDE_STATION && str_eq(type, STR("TideGauge")))
        return made_chance(made, station, DRAW_KIND + 100, 500);
    return own != NULL && str_eq(str_of(own), type);
}

void made_put_single_members(const World *world, uint32_t station, Buf *out)
{
    static const char *const TYPES[] = {"Coastal",         "Groundwater", "Meteorological",
                                        "MultiTraceLevel", "SingleLevel", "TideGauge"};
    Item item = item_open(out);
    if (made_is_known(world->own, station))
        item_text(&item, "eaAreaName", STR("Middle - Alder and Withy"));
    item_text(&item, "eaRegionName", STR("Middle"));
    if (made_is_known(world->own, station))
        item_text(&item, "statusDate", STR("2017-10-25T07:03:00"));
    Buf types = buf_init(1000);
    size_t count = 1;
    for (size_t i = 0; i < countof(TYPES); i++) {
        if (made_is_of_type(world, station, str_of(TYPES[i]))) {
            buf_printf(&types, "\"" SIM_ROOT "/def/core/%s\", ", TYPES[i]);
            count++;
        }
    }
    buf_put_str(&types, STR("\"" SIM_ROOT "/def/core/Station\""));
    item_key(&item, "type");
    buf_printf(out, count > 1 ? "[ " STR_FMT " ]" : STR_FMT, STR_ARG(buf_view(&types)));
    buf_release(&types);
    item_close(&item);
}
