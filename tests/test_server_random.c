/* Thousands of random questions, each answered twice: by the service, and by the plain loops below,
 * which share no line with it. Every form is decoded to one text of cells and compared. */
#include "base/json.h"
#include "tests/random_world.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { QUESTIONS = 3000 };

/* ---- a question ------------------------------------------------------------------------------ */

typedef enum Kind { STATION_ROWS, LATEST_ROWS, READING_ROWS, BUCKET_ROWS, KINDS } Kind;
typedef enum Form { ITEMS, ARRAY, COLUMNS, NDJSON, CSV, EXCEL, GEOJSON, FORM_COUNT } Form;

enum { NAMES_MAX = 6, COLUMNS_MAX = NAMES_MAX + 1, BOXES = 3 };

/* Each takes a river, or a station by what its id holds. */
static const struct {
    const char *q, *river, *id;
} SEARCHED[] = {{"riv+oC", "River Ock", NULL},
                {"CAM", "River Cam", NULL},
                {"b", NULL, "B b"},
                {"c/c+C", NULL, "C/c"},
                {"cam+ock", NULL, NULL}};
enum { SEARCHES = countof(SEARCHED) };
static const double BOX_DEG = 1.5;

typedef struct RandomQuery {
    Kind kind;
    Form form;
    bool of_station[STATIONS]; /* filter, when any */
    bool by_station, by_river, by_parameter, by_time, by_search, by_box;
    bool is_sought[SEARCHES]; /* those that are asked for; at least one */
    double west[BOXES], south[BOXES];
    int box_count;
    int from, to; /* slots */
    bool is_unix;
    int field_count; /* of the columns: those that are asked for by name */
    int column_count;
    const char *columns[COLUMNS_MAX];
    const char *sort[2]; /* NULL: as it is */
    bool is_down[2];
    unsigned limit; /* 0: none */
    bool all_pages; /* one after the other, of so many rows */
} RandomQuery;

static const char *const NAMES[KINDS][NAMES_MAX] = {
    [STATION_ROWS] = {"station", "river", "lat", "long", "latest", "label"},
    [LATEST_ROWS] = {"station", "measure", "parameter", "time", "value", "river"},
    [READING_ROWS] = {"station", "measure", "parameter", "time", "value", "river"},
    [BUCKET_ROWS] = {"measure", "time", "min", "mean", "sum", "n"},
};

static RandomQuery draw(void)
{
    RandomQuery q = {.kind = (Kind) roll(KINDS), .form = (Form) roll(FORM_COUNT)};
    if (q.form == GEOJSON && q.kind >= READING_ROWS)
        q.form = CSV;
    q.by_station = roll(3) == 0;
    for (size_t i = 0; i < STATIONS; i++)
        q.of_station[i] = roll(3) == 0;
    q.of_station[roll(STATIONS)] = true;
    q.by_river = roll(4) == 0;
    q.by_parameter = roll(3) == 0;
    q.by_search = roll(5) == 0;
    for (size_t i = 0; i < SEARCHES; i++)
        q.is_sought[i] = roll(3) == 0;
    q.is_sought[roll(SEARCHES)] = true;
    q.by_box = roll(5) == 0;
    q.box_count = 1 + (int) roll(BOXES);
    for (int i = 0; i < q.box_count; i++) {
        q.west[i] = -3.5 + roll(22) * 0.25;
        q.south[i] = 49.5 + roll(22) * 0.25;
    }
    q.by_time = q.kind >= READING_ROWS && roll(2) == 0;
    q.from = (int) roll(SLOTS);
    q.to = q.from + 1 + (int) roll(SLOTS);
    q.is_unix = roll(4) == 0;
    unsigned first = roll(NAMES_MAX);
    q.field_count = q.column_count = 1 + (int) roll(NAMES_MAX);
    for (int i = 0; i < q.field_count; i++)
        q.columns[i] = NAMES[q.kind][(first + (unsigned) i * 5) % NAMES_MAX];
    if (q.kind != STATION_ROWS && roll(4) == 0)
        q.columns[q.column_count++] = "time_local";
    for (size_t i = 0; i < countof(q.sort) && roll(2) == 0; i++) {
        q.sort[i] = q.kind >= READING_ROWS ? (roll(2) == 0 ? "time" : "measure")
                                           : NAMES[q.kind][roll(NAMES_MAX)];
        q.is_down[i] = roll(2) == 0;
    }
    if (q.sort[1] != NULL && strcmp(q.sort[0], q.sort[1]) == 0)
        q.sort[1] = NULL;
    q.limit = roll(3) == 0 ? 1 + roll(30) : 0;
    q.all_pages = roll(5) == 0;
    if (q.all_pages)
        q.limit = q.kind >= READING_ROWS ? 60 + roll(200) : 1 + roll(9);
    return q;
}

static void put_question(const RandomQuery *q, Buf *out)
{
    static const char *const PATHS[KINDS] = {"stations", "latest", "readings", "readings"};
    static const char *const FORMS[FORM_COUNT] = {".json?",
                                                  ".json?shape=array&",
                                                  ".json?shape=columns&",
                                                  ".ndjson?",
                                                  ".csv?",
                                                  ".csv?profile=excel&",
                                                  ".geojson?"};
    buf_printf(out, "/v1/%s%sfields=", PATHS[q->kind], FORMS[q->form]);
    for (int i = 0; i < q->field_count; i++)
        buf_printf(out, "%s%s", i > 0 ? "," : "", q->columns[i]);
    if (q->field_count < q->column_count)
        BUF_LITERAL(out, "&tz=Europe/London");
    for (size_t i = 0; i < STATIONS && q->by_station; i++) {
        if (!q->of_station[i])
            continue;
        BUF_LITERAL(out, "&station=");
        put_encoded(out, str_of(places[i].id), "");
    }
    if (q->by_river)
        BUF_LITERAL(out, "&river=river++OCK");
    for (size_t i = 0; i < SEARCHES && q->by_search; i++)
        if (q->is_sought[i])
            buf_printf(out, "&q=%s", SEARCHED[i].q);
    for (int i = 0; i < q->box_count && q->by_box; i++)
        buf_printf(out, "&bbox=%g,%g,%g,%g", q->west[i], q->south[i], q->west[i] + BOX_DEG,
                   q->south[i] + BOX_DEG);
    if (q->by_parameter)
        BUF_LITERAL(out, "&parameter=rainfall");
    if (q->by_time)
        buf_printf(out, "&from=%" PRId64 "&to=%" PRId64, slot_time(q->from), slot_time(q->to));
    if (q->is_unix)
        BUF_LITERAL(out, "&timeformat=unix");
    if (q->kind == BUCKET_ROWS)
        BUF_LITERAL(out, "&step=PT1H&agg=min,mean,sum");
    for (size_t i = 0; i < countof(q->sort) && q->sort[i] != NULL; i++)
        buf_printf(out, "%s%s%s", i == 0 ? "&sort=" : ",", q->is_down[i] ? "-" : "", q->sort[i]);
    if (q->limit > 0)
        buf_printf(out, "&limit=%u", q->limit);
    buf_put_char(out, '\0');
}

/* ---- the plain answer ------------------------------------------------------------------------ */

typedef struct Line {
    const Place *place;
    const Series *series;
    int64_t time;
    double value, min, sum;
    int n;
    size_t turn;
} Line;

enum { ROWS_MAX = STATIONS * MEASURES * SLOTS };
static Line rows[ROWS_MAX];
static size_t row_count;

static void add_row(Line line)
{
    line.turn = row_count;
    rows[row_count++] = line;
}

static void add_readings(const RandomQuery *q, const Place *place, const Series *series)
{
    for (int slot = 0; slot < SLOTS; slot++) {
        if (!series->has[slot] || (q->by_time && (slot < q->from || slot >= q->to)))
            continue;
        double value = series->values[slot];
        Line line = {.place = place,
                     .series = series,
                     .time = slot_time(slot),
                     .value = value,
                     .min = value,
                     .sum = value,
                     .n = 1};
        if (q->kind == BUCKET_ROWS)
            line.time = (line.time - (is_total(series) ? 1 : 0)) / 3600 * 3600;
        Line *last = row_count > 0 ? &rows[row_count - 1] : NULL;
        if (q->kind == BUCKET_ROWS && last != NULL && last->series == series &&
            last->time == line.time) {
            last->min = value < last->min ? value : last->min;
            last->sum += value;
            last->n++;
        } else {
            add_row(line);
        }
    }
}

static void add_place(const RandomQuery *q, const Place *place)
{
    if (q->kind == STATION_ROWS) {
        add_row((Line){.place = place, .time = place_newest(place)});
        return;
    }
    for (size_t k = 0; k < MEASURES; k++) {
        const Series *series = &place->series[k];
        int newest = newest_slot(series);
        if (q->by_parameter && strcmp(series->parameter, "rainfall") != 0)
            continue;
        if (q->kind == LATEST_ROWS)
            add_row((Line){.place = place,
                           .series = series,
                           .time = slot_time(newest),
                           .value = series->values[newest]});
        else
            add_readings(q, place, series);
    }
}

static const char *text_of(const Line *line, const char *name)
{
    if (strcmp(name, "station") == 0 || strcmp(name, "label") == 0)
        return line->place->id;
    if (strcmp(name, "river") == 0)
        return line->place->river;
    if (strcmp(name, "measure") == 0)
        return line->series->id;
    return strcmp(name, "parameter") == 0 ? line->series->parameter : NULL;
}

static double number_of(const Line *line, const char *name)
{
    if (strcmp(name, "lat") == 0)
        return line->place->lat;
    if (strcmp(name, "long") == 0)
        return line->place->longitude;
    if (strcmp(name, "min") == 0)
        return line->min;
    if (strcmp(name, "sum") == 0)
        return line->sum;
    if (strcmp(name, "mean") == 0)
        return line->sum / line->n;
    return strcmp(name, "value") == 0 ? line->value : NAN;
}

static bool is_time(const char *name)
{
    return strcmp(name, "time") == 0 || strcmp(name, "latest") == 0;
}

static const RandomQuery *ordering;

static int by_name(const Line *a, const Line *b, const char *name, bool is_down)
{
    const char *text_a = text_of(a, name), *text_b = text_of(b, name);
    double number_a = is_time(name) ? (double) a->time : number_of(a, name);
    double number_b = is_time(name) ? (double) b->time : number_of(b, name);
    bool null_a = text_a == NULL && isnan(number_a), null_b = text_b == NULL && isnan(number_b);
    if (null_a || null_b)
        return null_a - null_b;
    if (text_a != NULL)
        return is_down ? strcmp(text_b, text_a) : strcmp(text_a, text_b);
    return ((number_a > number_b) - (number_a < number_b)) * (is_down ? -1 : 1);
}

static int by_sort(const void *left, const void *right)
{
    const Line *a = left, *b = right;
    int order = 0;
    for (size_t i = 0; i < countof(ordering->sort) && ordering->sort[i] != NULL && order == 0; i++)
        order = by_name(a, b, ordering->sort[i], ordering->is_down[i]);
    return order != 0 ? order : (a->turn > b->turn) - (a->turn < b->turn);
}

/* As clocks in England show it: an hour ahead until they go back at 01:00 UTC. */
static void put_local(const RandomQuery *q, Buf *out, int64_t time)
{
    bool is_summer = time < slot_time(SLOTS / 2);
    char text[40];
    struct tm tm;
    time_t shown = time + (is_summer ? 3600 : 0);
    (void) gmtime_r(&shown, &tm);
    (void) strftime(text, sizeof text, q->form == EXCEL ? "%Y-%m-%d %H:%M:%S" : "%Y-%m-%dT%H:%M:%S",
                    &tm);
    buf_put_str(out, str_of(text));
    if (q->form != EXCEL)
        buf_put_str(out, str_of(is_summer ? "+01:00" : "+00:00"));
}

static void put_time(const RandomQuery *q, Buf *out, int64_t time)
{
    char text[40];
    struct tm tm;
    time_t moment = time;
    if (q->is_unix) {
        buf_put_int(out, time);
        return;
    }
    (void) gmtime_r(&moment, &tm);
    (void) strftime(text, sizeof text,
                    q->form == EXCEL ? "%Y-%m-%d %H:%M:%S" : "%Y-%m-%dT%H:%M:%SZ", &tm);
    buf_put_str(out, str_of(text));
}

static void put_plain_cell(const RandomQuery *q, Buf *out, const Line *line, const char *name)
{
    const char *text = text_of(line, name);
    if (text != NULL) {
        if (q->form == EXCEL && strchr("=+-@", text[0]) != NULL)
            buf_put_char(out, '\'');
        buf_put_str(out, str_of(text));
    } else if (strcmp(name, "time_local") == 0) {
        put_local(q, out, line->time);
    } else if (is_time(name)) {
        put_time(q, out, line->time);
    } else if (strcmp(name, "n") == 0) {
        buf_put_int(out, line->n);
    } else if (!isnan(number_of(line, name))) {
        put_number(out, number_of(line, name));
    }
    buf_put_char(out, '|');
}

static bool is_same(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

static bool is_found(const RandomQuery *q, const Place *place)
{
    bool found = !q->by_search;
    for (size_t i = 0; i < SEARCHES && !found; i++)
        found = q->is_sought[i] &&
                (is_same(place->river, SEARCHED[i].river) || is_same(place->id, SEARCHED[i].id));
    return found;
}

static bool is_boxed(const RandomQuery *q, const Place *place)
{
    bool inside = !q->by_box;
    for (int i = 0; i < q->box_count && !inside; i++)
        inside = place->longitude >= q->west[i] && place->longitude <= q->west[i] + BOX_DEG &&
                 place->lat >= q->south[i] && place->lat <= q->south[i] + BOX_DEG;
    return inside;
}

static bool is_wanted(const RandomQuery *q, size_t at)
{
    const Place *place = &places[at];
    return (!q->by_station || q->of_station[at]) &&
           (!q->by_river || is_same(place->river, "River Ock")) && is_found(q, place) &&
           is_boxed(q, place);
}

static Buf plain_answer(const RandomQuery *q)
{
    Buf out = buf_init(1 << 24);
    row_count = 0;
    for (size_t i = 0; i < STATIONS; i++)
        if (is_wanted(q, i))
            add_place(q, &places[i]);
    ordering = q;
    if (q->sort[0] != NULL)
        qsort(rows, row_count, sizeof *rows, by_sort);
    for (size_t i = 0; i < row_count && (q->limit == 0 || q->all_pages || i < q->limit); i++) {
        for (int k = 0; k < q->column_count; k++)
            put_plain_cell(q, &out, &rows[i], q->columns[k]);
        buf_put_char(&out, '\n');
    }
    return out;
}

/* ---- the answer that came -------------------------------------------------------------------- */

static void put_object(const RandomQuery *q, Buf *out, Str object)
{
    Str key, value;
    JsonWalk walk = json_walk(object);
    for (int i = 0; i < q->column_count; i++) {
        REQUIRE(json_next(&walk, &key, &value));
        CHECK_TEXT(q->columns[i], key); /* exactly these, in this order */
        put_json_cell(out, value);
    }
    CHECK(!json_next(&walk, &key, &value));
    buf_put_char(out, '\n');
}

static void put_list(const RandomQuery *q, Buf *out, Str list)
{
    Str key, value;
    JsonWalk walk = json_walk(list);
    while (json_next(&walk, &key, &value))
        put_object(q, out, q->form == GEOJSON ? json_at(value, "properties") : value);
    CHECK(!walk.broken);
}

static void put_columns(const RandomQuery *q, Buf *out, Str columns)
{
    Str key, cell;
    JsonWalk walks[COLUMNS_MAX];
    for (int i = 0; i < q->column_count; i++)
        walks[i] = json_walk(json_at(columns, q->columns[i]));
    while (json_next(&walks[0], &key, &cell)) {
        put_json_cell(out, cell);
        for (int i = 1; i < q->column_count; i++) {
            REQUIRE(json_next(&walks[i], &key, &cell));
            put_json_cell(out, cell);
        }
        buf_put_char(out, '\n');
    }
}

/* No cell of this world needs quotes. */
static void put_csv(const RandomQuery *q, Buf *out, Str body)
{
    Str line, cell, rest;
    bool is_header = true;
    if (q->form == EXCEL) {
        REQUIRE(str_starts(body, STR("\xef\xbb\xbf")));
        body = (Str){body.ptr + 3, body.len - 3};
    }
    while (str_cut(body, '\n', &line, &body)) {
        if (q->form == EXCEL) {
            REQUIRE(str_ends(line, STR("\r")));
            line.len--;
        }
        for (int i = 0; i < q->column_count; i++) {
            rest = line;
            if (!str_cut(rest, ',', &cell, &line))
                cell = rest;
            if (is_header)
                CHECK_TEXT(q->columns[i], cell);
            else
                buf_printf(out, STR_FMT "|", STR_ARG(cell));
        }
        if (!is_header)
            buf_put_char(out, '\n');
        is_header = false;
    }
    CHECK_INT(0, body.len);
}

static void decode(const RandomQuery *q, Str body, Buf *out)
{
    Str line;
    switch (q->form) {
    case ARRAY:
        put_list(q, out, body);
        break;
    case COLUMNS:
        put_columns(q, out, json_at(body, "items"));
        break;
    case NDJSON:
        while (str_cut(body, '\n', &line, &body))
            put_object(q, out, line);
        break;
    case CSV:
    case EXCEL:
        put_csv(q, out, body);
        break;
    default:
        CHECK_TEXT("true", json_at(body, "complete"));
        put_list(q, out, json_at(body, q->form == GEOJSON ? "features" : "items"));
        break;
    }
}

/* The address of the page behind this one into `target`. False: it is the last. */
static bool next_page(const RandomQuery *q, const Asked *asked, Buf *target)
{
    Str link = asked_header(asked, "Link"), address, rest;
    bool goes_on = str_ends(link, STR("; rel=\"next\"")) &&
                   str_cut((Str){link.ptr + 1, link.len - 1}, '>', &address, &rest);
    if (q->form == ITEMS || q->form == COLUMNS || q->form == GEOJSON)
        CHECK_STR(goes_on ? address : STR("null"), json_text_at(asked->body, "next"));
    if (!goes_on)
        return false;
    buf_clear(target);
    buf_put_str(target, address);
    buf_put_char(target, '\0');
    return true;
}

/* The status of the first page; all that was asked for of them, decoded. */
static unsigned answer_of(Inside *inside, const RandomQuery *q, Buf *target, Buf *out)
{
    unsigned status = 0;
    bool more = true;
    while (more) {
        CLEANUP(asked_release) Asked asked = ask(inside, target->ptr);
        if (status == 0)
            status = asked.status;
        if (asked.status != 200)
            return asked.status;
        decode(q, asked.body, out);
        more = q->all_pages && next_page(q, &asked, target);
    }
    return status;
}

TEST(random_questions_have_plain_answers)
{
    Inside inside;
    inside_open(&inside, false);
    roll_begin(20261122);
    make_world(&inside);
    size_t told = 0, gone = 0;
    for (int i = 0; i < QUESTIONS; i++) {
        const RandomQuery q = draw();
        CLEANUP(buf_release) Buf target = buf_init(8192);
        put_question(&q, &target);
        CASE(target.ptr);
        CLEANUP(buf_release) Buf want = plain_answer(&q);
        CLEANUP(buf_release) Buf got = buf_init(1 << 24);
        unsigned status = answer_of(&inside, &q, &target, &got);
        if (status == 410 && q.by_time && want.len == 0) { /* it ends before what is kept */
            gone++;
            continue;
        }
        CHECK_INT(200, status);
        CHECK_STR(buf_view(&want), buf_view(&got));
        told += want.len > 0;
    }
    CHECK(told > QUESTIONS / 2 && gone < QUESTIONS / 50); /* they were worth asking */
    inside_close(&inside);
}
