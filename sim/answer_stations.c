/* sim/answer_stations.c - stations and measures: lists, pruned to what was asked for, and one at a
 * time. */
#include "base/json.h"
#include "sim/filter.h"
#include "sim/item.h"
#include "sim/request.h"

static void put_row(Buf *out, Str item, const char *const *members, size_t member_count)
{
    for (size_t i = 0; i < member_count; i++) {
        Str raw;
        if (i > 0)
            buf_put_char(out, ',');
        if (json_member(item, str_of(members[i]), &raw))
            put_cell(out, raw);
    }
    buf_put_char(out, '\n');
}

/* ---- stations -------------------------------------------------------------------------------- */

typedef struct StationQuery {
    Filter stations, measures;
    Circle circle;
    bool in_circle, full_view;
    Str type; /* none: not asked for */
} StationQuery;

static StationQuery station_query(const Params *params)
{
    StationQuery query = {.stations = filter_stations(params),
                          .measures = filter_nested_measures(params)};
    Str text;
    query.in_circle = circle_of(params, &query.circle);
    query.full_view = params_get(params, "_view", &text) && str_eq(text, STR("full"));
    query.type = params_get(params, "type", &text) ? str_after_last(text, '/') : STR_NONE;
    return query;
}

/* Whether a measure nested in a station is asked for, and listed. */
static bool nested_passes(const Request *req, const Filter *filter, Str nested)
{
    Str uri;
    uint32_t measure =
        json_member(nested, STR("@id"), &uri)
            ? world_find_measure(req->view->world, str_after_last(unquoted(uri), '/'))
            : WORLD_NONE;
    return filter_passes(filter, nested) &&
           (measure == WORLD_NONE || view_lists_measure(req->view, measure));
}

static size_t nested_count(const Request *req, const Filter *filter, Str measures)
{
    JsonWalk walk = json_walk(measures);
    Str key, measure;
    size_t count = 0;
    while (json_next(&walk, &key, &measure))
        if (nested_passes(req, filter, measure))
            count++;
    return count;
}

static bool station_passes(const Request *req, const StationQuery *query, uint32_t station,
                           Str item)
{
    Str measures;
    if (!filter_passes(&query->stations, item) ||
        (query->in_circle && !circle_holds(&query->circle, item)))
        return false;
    if (!str_is_none(query->type) &&
        !req->view->world->kind->is_of_type(req->view->world, station, query->type))
        return false;
    return query->measures.count == 0 || (json_member(item, STR("measures"), &measures) &&
                                          nested_count(req, &query->measures, measures) > 0);
}

static void put_pruned_measures(const Request *req, const Filter *filter, Str measures, Buf *out)
{
    JsonWalk walk = json_walk(measures);
    Str key, measure;
    bool first = true;
    BUF_LITERAL(out, "[ ");
    while (json_next(&walk, &key, &measure)) {
        if (!nested_passes(req, filter, measure))
            continue;
        if (!first)
            BUF_LITERAL(out, "\n    , ");
        first = false;
        buf_put_str(out, measure);
    }
    BUF_LITERAL(out, "\n     ]");
}

/* False: `key` is no scale, or the world knows nothing about it; then the URI stays. */
static bool put_scale_object(const Request *req, uint32_t station, Str key, Item *item)
{
    static const struct {
        Str key;
        const char *name;
        ScaleKind kind;
    } SCALES[] = {
        {{"stageScale", 10}, "stageScale", SCALE_STAGE},
        {{"downstageScale", 14}, "downstageScale", SCALE_DOWNSTAGE},
    };
    for (size_t i = 0; i < countof(SCALES); i++) {
        CLEANUP(buf_release) Buf scale = buf_init(ANSWER_MAX_BYTES);
        if (!str_eq(key, SCALES[i].key) ||
            !req->view->world->kind->put_scale(req->view->world, station, SCALES[i].kind, &scale))
            continue;
        item_raw(item, SCALES[i].name, buf_view(&scale));
        return true;
    }
    return false;
}

static bool lists_all_measures(const Request *req, uint32_t station)
{
    const World *world = req->view->world;
    for (uint32_t i = 0; i < world->stations[station].count; i++)
        if (!view_lists_measure(req->view, world->measures_of[world->stations[station].first + i]))
            return false;
    return true;
}

static void put_listed_station(Request *req, const StationQuery *query, uint32_t station, Str text)
{
    if (query->measures.count == 0 && !query->full_view && lists_all_measures(req, station)) {
        buf_put_str(req->out, text);
        return;
    }
    Item item = item_open(req->out);
    JsonWalk walk = json_walk(text);
    Str key, value;
    while (json_next(&walk, &key, &value)) {
        if (query->full_view && put_scale_object(req, station, key, &item))
            continue;
        if (str_eq(key, STR("measures"))) {
            if (nested_count(req, &query->measures, value) == 0)
                continue;
            item_key(&item, "measures");
            put_pruned_measures(req, &query->measures, value, req->out);
            continue;
        }
        item_copy(&item, key, value);
    }
    item_close(&item);
}

static const char *const STATION_COLUMNS[] = {
    "@id",         "RLOIid",           "catchmentName", "dateOpened",
    "datumOffset", "easting",          "label",         "lat",
    "long",        "northing",         "notation",      "riverName",
    "stageScale",  "stationReference", "status",        "town",
    "wiskiID",
};
#define STATION_HEADER                                                                             \
    "@id,RLOIid,catchmentName,dateOpened,datumOffset,easting,label,lat,long,northing,notation,"    \
    "riverName,"                                                                                   \
    "stageScale,stationReference,status,town,wiskiID\n"

/* _limit and _offset count rows of the join of stations with their measures, so that fewer stations
 * than asked for come back. */
void answer_stations(Request *req)
{
    const World *world = req->view->world;
    StationQuery query = station_query(req->params);
    int64_t limit = request_number(req, "_limit", NO_LIMIT),
            offset = request_number(req, "_offset", 0), row = 0;
    List list = list_open(req, limit, STATION_HEADER);
    for (uint32_t i = 0; i < world->station_count; i++) {
        if (!view_lists_station(req->view, i))
            continue;
        buf_clear(&req->scratch);
        world->kind->put_station(world, i, &req->scratch);
        Str item = buf_view(&req->scratch);
        if (!station_passes(req, &query, i, item))
            continue;
        int64_t first_row = row;
        row += world->stations[i].count > 0 ? world->stations[i].count : 1;
        if (first_row < offset)
            continue;
        if (limit != NO_LIMIT && row > offset + limit)
            break;
        list_next(&list);
        if (req->csv)
            put_row(req->out, item, STATION_COLUMNS, countof(STATION_COLUMNS));
        else
            put_listed_station(req, &query, i, item);
    }
    list_close(&list);
}

/* False: 404 was set. */
static bool find_station(Request *req, uint32_t *ret_station)
{
    uint32_t station = world_find_station(req->view->world, req->args[0]);
    bool is_there = station != WORLD_NONE && view_lists_station(req->view, station);
    if (!is_there)
        req->status = 404;
    *ret_station = station;
    return is_there;
}

/* The measures that the station lists, in full: an object when there is one, an array when there
 * are several. One that no list of measures knows stays as it is nested. */
static void put_expanded_measures(Request *req, Str nested, Item *item)
{
    static const Filter ALL = {.count = 0};
    size_t count = nested_count(req, &ALL, nested);
    if (count == 0)
        return;
    JsonWalk walk = json_walk(nested);
    Str key, value, uri;
    item_key(item, "measures");
    if (count > 1)
        BUF_LITERAL(req->out, "[ ");
    for (bool is_first = true; json_next(&walk, &key, &value);) {
        uint32_t measure = WORLD_NONE;
        if (!nested_passes(req, &ALL, value))
            continue;
        if (json_member(value, STR("@id"), &uri))
            measure = world_find_measure(req->view->world, str_after_last(unquoted(uri), '/'));
        if (!is_first)
            BUF_LITERAL(req->out, "\n    , ");
        is_first = false;
        if (measure != WORLD_NONE)
            put_whole_measure(req, measure, false);
        else
            buf_put_str(req->out, value);
    }
    if (count > 1)
        BUF_LITERAL(req->out, "\n     ]");
}

void answer_station(Request *req)
{
    const World *world = req->view->world;
    uint32_t station;
    if (!find_station(req, &station))
        return;
    CLEANUP(buf_release) Buf listed = buf_init(ANSWER_MAX_BYTES);
    CLEANUP(buf_release) Buf more = buf_init(ANSWER_MAX_BYTES);
    world->kind->put_station(world, station, &listed);
    world->kind->put_single_members(world, station, &more);

    single_open(req);
    Item item = item_open(req->out);
    JsonWalk walk = json_walk(buf_view(&listed));
    Str key, value;
    while (json_next(&walk, &key, &value)) {
        if (put_scale_object(req, station, key, &item))
            continue;
        if (str_eq(key, STR("measures")))
            put_expanded_measures(req, value, &item);
        else
            item_copy(&item, key, value);
    }
    item_copy_all(&item, buf_view(&more));
    item_close(&item);
    single_close(req);
}

static void answer_scale(Request *req, ScaleKind which)
{
    const World *world = req->view->world;
    CLEANUP(buf_release) Buf scale = buf_init(ANSWER_MAX_BYTES);
    uint32_t station;
    if (!find_station(req, &station))
        return;
    if (!world->kind->put_scale(world, station, which, &scale)) {
        req->status = 404;
        return;
    }
    single_open(req);
    buf_put_str(req->out, buf_view(&scale));
    single_close(req);
}

void answer_stage_scale(Request *req)
{
    answer_scale(req, SCALE_STAGE);
}

void answer_downstage_scale(Request *req)
{
    answer_scale(req, SCALE_DOWNSTAGE);
}

/* ---- measures -------------------------------------------------------------------------------- */

static const char *const MEASURE_COLUMNS[] = {
    "@id",           "datumType", "label",     "notation", "parameter",
    "parameterName", "period",    "qualifier", "station",  "stationReference",
    "unit",          "unitName",  "valueType",
};
#define MEASURE_HEADER                                                                             \
    "@id,datumType,label,notation,parameter,parameterName,period,qualifier,station,"               \
    "stationReference,unit,"                                                                       \
    "unitName,valueType\n"

static void put_measure_in_list(List *list, uint32_t measure)
{
    Request *req = list->req;
    list_next(list);
    if (!req->csv) {
        put_listed_measure(req->view, measure, req->out);
        return;
    }
    buf_clear(&req->scratch);
    req->view->world->kind->put_measure(req->view->world, measure, STR_NONE, &req->scratch);
    put_row(req->out, buf_view(&req->scratch), MEASURE_COLUMNS, countof(MEASURE_COLUMNS));
}

void answer_measures(Request *req)
{
    const World *world = req->view->world;
    MeasureQuery query = measure_query(req->params);
    int64_t limit = request_number(req, "_limit", NO_LIMIT),
            offset = request_number(req, "_offset", 0), row = 0;
    List list = list_open(req, limit, MEASURE_HEADER);
    for (uint32_t i = 0; i < world->measure_count; i++) {
        if (!view_lists_measure(req->view, i) || !measure_passes(&query, world, i, &req->scratch))
            continue;
        if (limit != NO_LIMIT && row >= offset + limit)
            break;
        if (row++ >= offset)
            put_measure_in_list(&list, i);
    }
    list_close(&list);
}

void answer_measures_of_station(Request *req)
{
    const World *world = req->view->world;
    uint32_t station;
    if (!find_station(req, &station))
        return;
    List list = list_open(req, NO_LIMIT, MEASURE_HEADER);
    for (uint32_t i = 0; i < world->stations[station].count; i++) {
        uint32_t measure = world->measures_of[world->stations[station].first + i];
        if (view_lists_measure(req->view, measure))
            put_measure_in_list(&list, measure);
    }
    list_close(&list);
}

void answer_measure(Request *req)
{
    uint32_t measure = world_find_measure(req->view->world, req->args[0]);
    if (measure == WORLD_NONE || !view_knows_measure(req->view, measure)) {
        req->status = 404;
        return;
    }
    single_open(req);
    put_whole_measure(req, measure, false);
    single_close(req);
}
