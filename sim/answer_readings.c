/* sim/answer_readings.c - lists of readings: which times, in which order, how many. */
#include "base/array.h"
#include "base/clock.h"
#include "sim/filter.h"
#include "sim/item.h"
#include "sim/request.h"
#include "sim/simtime.h"

#include <stdlib.h>
#include <string.h>

enum {
    DAY_S = 86400,
    LIMIT_DEFAULT = 500,
    LIMIT_MAX = 10000,
};

typedef struct Row {
    UnixSec time;
    uint32_t measure;
} Row;

typedef struct ReadingQuery {
    bool latest, sorted, full_view;
    UnixSec after, upto; /* after < time <= upto */
    int64_t limit, offset;
    Row *rows;
    size_t row_count, row_cap;
    bool no_memory;
} ReadingQuery;

/* ---- what is asked for ----------------------------------------------------------------------- */

static bool time_param(const Params *params, const char *name, UnixSec *ret, bool *broken)
{
    Str text;
    if (!params_get(params, name, &text))
        return false;
    if (!clock_parse(text, ret))
        *broken = true;
    return !*broken;
}

/* False: a time that is none. */
static bool times_of(const Request *req, ReadingQuery *query)
{
    const Params *params = req->params;
    UnixSec from, to;
    bool broken = false;
    query->after = world_kept_from(req->view->world, req->view->now) - 1;
    query->upto = req->view->now;
    if (params_has(params, "today"))
        query->after = floor_to(req->view->now, DAY_S) - 1;
    if (time_param(params, "since", &from, &broken))
        query->after = from;
    if (time_param(params, "date", &from, &broken)) {
        query->after = floor_to(from, DAY_S) - 1;
        query->upto = query->after + DAY_S;
    }
    if (time_param(params, "startdate", &from, &broken) &&
        time_param(params, "enddate", &to, &broken)) {
        query->after = floor_to(from, DAY_S) - 1;
        query->upto = floor_to(to, DAY_S) + DAY_S - 1;
    }
    return !broken;
}

/* A made world could tell of any time; the upstream forgets. */
static void forget(const View *view, ReadingQuery *query)
{
    UnixSec kept_from = world_kept_from(view->world, view->now);
    if (!view->world->is_recorded && query->after < kept_from - 1)
        query->after = kept_from - 1;
}

static bool reading_query(const Request *req, ReadingQuery *ret_query)
{
    const Params *params = req->params;
    Str view;
    ReadingQuery query = {
        .latest = params_has(params, "latest"),
        .sorted = params_has(params, "_sorted"),
        .full_view = params_get(params, "_view", &view) && str_eq(view, STR("full")),
        .offset = request_number(req, "_offset", 0),
    };
    bool is_unlimited = query.latest || params_has(params, "today");
    query.limit = request_number(req, "_limit", is_unlimited ? NO_LIMIT : LIMIT_DEFAULT);
    if (query.limit > LIMIT_MAX)
        query.limit = LIMIT_MAX;
    if (!times_of(req, &query))
        return false;
    forget(req->view, &query);
    *ret_query = query;
    return true;
}

/* ---- finding --------------------------------------------------------------------------------- */

/* What is not sorted can stop as soon as it has enough. */
static bool is_enough(const ReadingQuery *query)
{
    return query->no_memory || (!query->sorted && query->limit != NO_LIMIT &&
                                query->row_count >= (size_t) (query->offset + query->limit));
}

static void append_row(ReadingQuery *query, uint32_t measure, UnixSec time)
{
    query->no_memory =
        !array_room(&query->rows, query->row_count, &query->row_cap, sizeof *query->rows);
    if (!query->no_memory)
        query->rows[query->row_count++] = (Row){time, measure};
}

static void add_row(const View *view, uint32_t measure, UnixSec time, ReadingQuery *query)
{
    append_row(query, measure, time);
    if (view->habits->ppm[RATE_DUPLICATES] > 0 &&
        habits_oddity(view->habits, measure, time) == RATE_DUPLICATES)
        append_row(query, measure, time);
}

static void find_rows(const View *view, uint32_t measure, ReadingQuery *query)
{
    const World *world = view->world;
    UnixSec out_upto = view_upto(view, measure), time;
    UnixSec upto = out_upto < query->upto ? out_upto : query->upto;
    if (query->latest) {
        if (view_latest(view, measure, &time) && time > query->after && time <= upto)
            add_row(view, measure, time, query);
        return;
    }
    UnixSec at = query->after;
    while (!is_enough(query) && world->kind->next_time(world, measure, at, &time) && time <= upto) {
        if (view_shows(view, measure, time))
            add_row(view, measure, time, query);
        at = time;
    }
}

/* ---- ordering -------------------------------------------------------------------------------- */

enum { DIGITS = 1 << 16 };

static size_t digit_of(UnixSec newest, const Row *row, unsigned shift)
{
    return (size_t) ((uint64_t) (newest - row->time) >> shift) % DIGITS;
}

/* `places`: how many rows have each digit, then where the next of them goes. */
static void sort_by_digit(const Row *from, Row *to, size_t count, UnixSec newest, unsigned shift,
                          size_t *places)
{
    size_t place = 0;
    memset(places, 0, DIGITS * sizeof *places);
    for (size_t i = 0; i < count; i++)
        places[digit_of(newest, &from[i], shift)]++;
    for (size_t i = 0; i < DIGITS; i++) {
        size_t here = places[i];
        places[i] = place;
        place += here;
    }
    for (size_t i = 0; i < count; i++)
        to[places[digit_of(newest, &from[i], shift)]++] = from[i];
}

/* Each page of a day orders half a million rows anew: twice by 16 bits of their age (136 years) takes
 * a tenth of what comparing them would. Rows come by measure, and those of one time stay so. */
static void sort_newest_first(ReadingQuery *query)
{
    Row *other = malloc((query->row_count + 1) * sizeof *other);
    size_t *places = malloc(DIGITS * sizeof *places);
    UnixSec newest = NO_TIME;
    for (size_t i = 0; i < query->row_count; i++)
        newest = query->rows[i].time > newest ? query->rows[i].time : newest;
    query->no_memory = other == NULL || places == NULL;
    if (!query->no_memory) {
        sort_by_digit(query->rows, other, query->row_count, newest, 0, places);
        sort_by_digit(other, query->rows, query->row_count, newest, 16, places);
    }
    free(other);
    free(places);
}

/* Without _sorted the upstream gives 00:45 before 00:30 now and then; so do we, the same way each
 * time, or a reader that counts on order would never notice. */
static void shuffle_a_little(ReadingQuery *query, size_t from, size_t to)
{
    for (size_t i = from; i + 1 < to; i += 3) {
        Row *a = &query->rows[i], *b = &query->rows[i + 1];
        if (a->measure == b->measure && (a->time / 900) % 2 == 0) {
            Row swapped = *a;
            *a = *b;
            *b = swapped;
        }
    }
}

/* ---- writing --------------------------------------------------------------------------------- */

static void put_full_reading(Request *req, uint32_t measure, UnixSec time, Str value,
                             bool with_date)
{
    char text[CLOCK_TEXT_SIZE];
    clock_format(time, text);
    Item item = item_open(req->out);
    item_key(&item, "@id");
    buf_put_char(req->out, '"');
    put_reading_uri(req->out, req->view->world->measures[measure].id, time);
    buf_put_char(req->out, '"');
    if (with_date)
        item_text(&item, "date", (Str){text, 10});
    bool tells_time = view_tells_time(req->view, measure, time);
    item_text(&item, "dateTime", (Str){text, tells_time ? CLOCK_TEXT_SIZE - 1 : 0});
    item_key(&item, "measure");
    put_whole_measure(req, measure, true);
    if (!str_is_none(value))
        item_raw(&item, "value", value);
    item_close(&item);
}

static void put_csv_reading(Request *req, uint32_t measure, UnixSec time, Str value)
{
    char text[CLOCK_TEXT_SIZE];
    clock_format(time, text);
    if (view_tells_time(req->view, measure, time))
        buf_put_str(req->out, str_of(text));
    BUF_LITERAL(req->out, "," SIM_ROOT "/id/measures/");
    buf_put_str(req->out, req->view->world->measures[measure].id);
    buf_put_char(req->out, ',');
    put_cell(req->out, value);
    buf_put_char(req->out, '\n');
}

static void put_row_reading(Request *req, const ReadingQuery *query, const Row *row)
{
    Str value = view_value(req->view, row->measure, row->time, &req->scratch);
    if (req->csv)
        put_csv_reading(req, row->measure, row->time, value);
    else if (query->full_view)
        put_full_reading(req, row->measure, row->time, value, false);
    else
        put_reading(req->out, req->view->world->measures[row->measure].id, row->time,
                    view_tells_time(req->view, row->measure, row->time), value, false);
}

static void put_rows(Request *req, ReadingQuery *query)
{
    size_t from =
        (size_t) query->offset < query->row_count ? (size_t) query->offset : query->row_count;
    size_t to = query->row_count;
    if (query->limit != NO_LIMIT && to - from > (size_t) query->limit)
        to = from + (size_t) query->limit;
    if (!query->sorted)
        shuffle_a_little(query, from, to);
    List list = list_open(req, query->limit, "dateTime,measure,value\n");
    for (size_t i = from; i < to; i++) {
        list_next(&list);
        put_row_reading(req, query, &query->rows[i]);
    }
    list_close(&list);
}

static void finish(Request *req, ReadingQuery *query)
{
    if (query->sorted && query->row_count > 0 && !query->no_memory)
        sort_newest_first(query);
    if (query->no_memory)
        req->status = 500;
    else
        put_rows(req, query);
    free(query->rows);
}

/* ---- handlers -------------------------------------------------------------------------------- */

void answer_all_readings(Request *req)
{
    const World *world = req->view->world;
    MeasureQuery measures = measure_query(req->params);
    ReadingQuery query;
    if (!reading_query(req, &query)) {
        req->status = 400;
        return;
    }
    for (uint32_t i = 0; i < world->measure_count && !is_enough(&query); i++)
        if (measure_passes(&measures, world, i, &req->scratch))
            find_rows(req->view, i, &query);
    finish(req, &query);
}

void answer_station_readings(Request *req)
{
    const World *world = req->view->world;
    MeasureQuery measures = measure_query(req->params);
    uint32_t station = world_find_station(world, req->args[0]);
    ReadingQuery query;
    if (station == WORLD_NONE || !reading_query(req, &query)) {
        req->status = station == WORLD_NONE ? 404 : 400;
        return;
    }
    for (uint32_t i = 0; i < world->stations[station].count; i++) {
        uint32_t measure = world->measures_of[world->stations[station].first + i];
        if (measure_passes(&measures, world, measure, &req->scratch))
            find_rows(req->view, measure, &query);
    }
    finish(req, &query);
}

void answer_measure_readings(Request *req)
{
    uint32_t measure = world_find_measure(req->view->world, req->args[0]);
    ReadingQuery query;
    if (measure == WORLD_NONE || !reading_query(req, &query)) {
        req->status = measure == WORLD_NONE ? 404 : 400;
        return;
    }
    find_rows(req->view, measure, &query);
    finish(req, &query);
}

/* 2025-09-05T05-15-00Z, as times stand in a reading's path. */
static bool parse_path_time(Str text, UnixSec *ret)
{
    char colons[CLOCK_TEXT_SIZE];
    if (text.len != CLOCK_TEXT_SIZE - 1 || text.ptr[13] != '-' || text.ptr[16] != '-')
        return false;
    for (size_t i = 0; i < text.len; i++)
        colons[i] = i == 13 || i == 16 ? ':' : text.ptr[i];
    return clock_parse((Str){colons, text.len}, ret);
}

void answer_one_reading(Request *req)
{
    const World *world = req->view->world;
    uint32_t measure = world_find_measure(world, req->args[0]);
    UnixSec time, found;
    bool is_there = measure != WORLD_NONE && parse_path_time(req->args[1], &time) &&
                    world->kind->last_time(world, measure, time, &found) && found == time &&
                    time <= view_upto(req->view, measure) && view_shows(req->view, measure, time);
    if (!is_there) {
        req->status = 404;
        return;
    }
    single_open(req);
    put_full_reading(req, measure, time, view_value(req->view, measure, time, &req->scratch), true);
    single_close(req);
}
