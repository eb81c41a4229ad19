/* Random questions of buckets and of matrices, answered by the service and by the plain loops below:
 * which buckets there are, what is expected in each, what a fill says, what sits in which cell. */
#include "base/json.h"
#include "tests/random_world.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { QUESTIONS = 1500, KINDS = 5, CELLS_MAX = 4000 };

static const char *const KIND_NAMES[KINDS] = {"min", "mean", "max", "last", "sum"};
typedef enum Filling { NO_FILL, NULLS, PREVIOUS, LINEAR, FILLINGS } Filling;
typedef enum Form { ITEMS, COLUMNS, NDJSON, CSV, FORM_COUNT } Form;

typedef struct GridQuery {
    Form form;
    bool is_wide, is_plain; /* plain: cells are readings as they are */
    bool only_rain, by_time;
    size_t place;     /* the only one; STATIONS: all */
    int64_t from, to; /* where by_time */
    int64_t step_s;
    unsigned kind; /* that a matrix shows */
    Filling fill;
} GridQuery;

static GridQuery draw(void)
{
    static const int64_t STEPS[] = {900, 1800, 3000, 3600, 7200, 86400};
    GridQuery q = {.form = (Form) roll(FORM_COUNT), .is_wide = roll(2) == 0};
    q.only_rain = roll(2) == 0;
    q.place = roll(2) == 0 ? STATIONS : roll(STATIONS);
    q.by_time = roll(3) > 0;
    q.from = slot_time((int) roll(SLOTS)) + (roll(2) == 0 ? (int) roll(SLOT_S) : 0);
    q.to = q.from + 1 + (int) roll(40000);
    q.step_s = STEPS[roll(sizeof STEPS / sizeof *STEPS)];
    q.is_plain = q.is_wide && roll(3) == 0;
    if (q.is_plain)
        q.step_s = SLOT_S;                          /* one reading a cell */
    q.kind = roll(q.only_rain ? KINDS : KINDS - 1); /* a sum of flows is refused */
    q.fill = q.is_plain || (q.is_wide && !q.by_time) ? NO_FILL : (Filling) roll(FILLINGS);
    if (q.is_wide && q.form == COLUMNS)
        q.form = ITEMS;
    return q;
}

static void put_question(const GridQuery *q, Buf *out)
{
    static const char *const FORMS[] = {".json?", ".json?shape=columns&", ".ndjson?", ".csv?"};
    static const char *const FILLS[] = {"", "&fill=null", "&fill=previous", "&fill=linear"};
    buf_printf(out, "/v1/readings%sstep=PT%" PRId64 "S", FORMS[q->form], q->step_s);
    if (q->is_wide)
        BUF_LITERAL(out, "&shape=wide");
    else
        BUF_LITERAL(out, "&fields=measure,time,min,mean,max,last,count,n,expected_n");
    if (!q->is_plain)
        buf_printf(out, "&agg=%s%s", q->is_wide ? KIND_NAMES[q->kind] : "min,mean,max,last,count",
                   FILLS[q->fill]);
    if (q->only_rain)
        BUF_LITERAL(out, "&parameter=rainfall");
    if (q->place < STATIONS) {
        BUF_LITERAL(out, "&station=");
        put_encoded(out, str_of(places[q->place].id), "");
    }
    if (q->by_time)
        buf_printf(out, "&from=%" PRId64 "&to=%" PRId64, q->from, q->to);
    buf_put_char(out, '\0');
}

/* ---- the plain answer ------------------------------------------------------------------------ */

typedef struct Cell { /* a bucket, or a reading of a matrix */
    const Series *series;
    int64_t time;
    double values[KINDS];
    int n, expected_n;
} Cell;

static Cell cells[CELLS_MAX];
static size_t cell_count;

static int64_t floor_to(int64_t time, int64_t step_s)
{
    return time - (time % step_s + step_s) % step_s;
}

static bool is_inside(const GridQuery *q, int64_t time)
{
    return !q->by_time || (time >= q->from && time < q->to);
}

static double rounded(double value)
{
    return round(value * 1e6) / 1e6;
}

/* What the readings in (t, t + step] of a total, in [t, t + step) of another, come to. */
static Cell gathered(const GridQuery *q, const Series *series, int64_t time)
{
    int64_t first = time + (is_total(series) ? 1 : 0);
    Cell cell = {.series = series, .time = time, .values = {NAN, NAN, NAN, NAN, NAN}};
    double sum = 0;
    for (int slot = 0; slot <= newest_slot(series); slot++) {
        double value = series->values[slot];
        if (slot_time(slot) < first || slot_time(slot) >= first + q->step_s ||
            !is_inside(q, slot_time(slot)) || !series->has[slot])
            continue;
        cell.n++;
        sum += value;
        cell.values[0] = cell.n == 1 ? value : fmin(cell.values[0], value);
        cell.values[1] = rounded(sum / cell.n);
        cell.values[2] = cell.n == 1 ? value : fmax(cell.values[2], value);
        cell.values[3] = value;
        cell.values[4] = rounded(sum);
    }
    return cell;
}

/* Slots are every SLOT_S, up to the newest reading, within what is asked for and kept: 24 h of the
 * station, which begin before the world does. */
static int expected(const GridQuery *q, const Place *place, const Cell *cell)
{
    int64_t first = cell->time + (is_total(cell->series) ? 1 : 0);
    int64_t kept = place_newest(place) - 86400;
    int count = 0;
    for (int64_t time = slot_time(newest_slot(cell->series)); time > kept; time -= SLOT_S)
        count += time >= first && time < first + q->step_s && is_inside(q, time);
    return count;
}

static void fill(const GridQuery *q, size_t first)
{
    size_t last = cell_count; /* with readings; none yet */
    for (size_t i = first; i < cell_count; i++) {
        if (cells[i].n > 0) {
            last = i;
            continue;
        }
        size_t behind = i;
        while (behind < cell_count && cells[behind].n == 0)
            behind++;
        for (unsigned k = 0; k < KINDS && last < i; k++) {
            if (q->fill == PREVIOUS)
                cells[i].values[k] = cells[last].values[k];
            if (q->fill == LINEAR && behind < cell_count)
                cells[i].values[k] = rounded(cells[last].values[k] +
                                             (double) (cells[i].time - cells[last].time) /
                                                 (double) (cells[behind].time - cells[last].time) *
                                                 (cells[behind].values[k] - cells[last].values[k]));
        }
    }
}

/* Every bucket that has a moment of the window, or of those only the ones with readings. */
static void add_buckets(const GridQuery *q, const Place *place, const Series *series)
{
    size_t begun = cell_count;
    int64_t lead_s = is_total(series) ? 1 : 0, newest = place_newest(place);
    int64_t from = newest - 86400 + 1, to = newest + 1;
    if (q->by_time && q->from > from)
        from = q->from;
    if (q->by_time && q->to < to)
        to = q->to;
    for (int64_t time = floor_to(from - lead_s, q->step_s); time + lead_s < to && from < to;
         time += q->step_s) {
        Cell cell = gathered(q, series, time);
        cell.expected_n = expected(q, place, &cell);
        REQUIRE(cell_count < CELLS_MAX);
        if (cell.n > 0 || q->fill != NO_FILL)
            cells[cell_count++] = cell;
    }
    fill(q, begun);
}

static void add_readings(const GridQuery *q, const Series *series)
{
    for (int slot = 0; slot < SLOTS; slot++) {
        Cell cell = {.series = series, .time = slot_time(slot), .n = 1};
        for (unsigned k = 0; k < KINDS; k++)
            cell.values[k] = series->values[slot];
        REQUIRE(cell_count < CELLS_MAX);
        if (series->has[slot] && is_inside(q, cell.time))
            cells[cell_count++] = cell;
    }
}

typedef void SeriesFn(const GridQuery *q, const Place *place, const Series *series, Buf *out);

static void each_series(const GridQuery *q, SeriesFn *each, Buf *out)
{
    for (size_t i = 0; i < STATIONS; i++)
        for (size_t k = 0; k < MEASURES; k++)
            if ((q->place == STATIONS || q->place == i) && (!q->only_rain || k == 1))
                each(q, &places[i], &places[i].series[k], out);
}

static void add_cells(const GridQuery *q, const Place *place, const Series *series, Buf *out)
{
    (void) out;
    if (q->is_plain)
        add_readings(q, series);
    else
        add_buckets(q, place, series);
}

static void put_bucket(const Cell *cell, Buf *out)
{
    buf_printf(out, "%s|", cell->series->id);
    put_moment(out, cell->time);
    buf_put_char(out, '|');
    for (unsigned k = 0; k < 4; k++) {
        put_number(out, cell->values[k]);
        buf_put_char(out, '|');
    }
    buf_printf(out, "%d|%d|%d|\n", cell->n, cell->n, cell->expected_n);
}

/* Of the matrix. */
static int64_t row_time, begins, ends;

static void put_matrix_cell(const GridQuery *q, const Place *place, const Series *series, Buf *out)
{
    (void) place;
    for (size_t i = 0; i < cell_count; i++)
        if (cells[i].series == series && cells[i].time == row_time)
            put_number(out, cells[i].values[q->kind]);
    buf_put_char(out, '|');
}

static void span_of_readings(const GridQuery *q, const Place *place, const Series *series, Buf *out)
{
    (void) q;
    (void) place;
    (void) out;
    for (int slot = 0; slot < SLOTS; slot++) {
        if (!series->has[slot])
            continue;
        begins = slot_time(slot) < begins ? slot_time(slot) : begins;
        ends = slot_time(slot) >= ends ? slot_time(slot) + 1 : ends;
    }
}

/* Rows are the multiples of the step from that of `from` (a total at it belongs to the one before)
 * to `to`; where no time is asked for, from the first reading to behind the last. */
static void put_matrix(const GridQuery *q, Buf *out)
{
    begins = q->by_time ? q->from : INT64_MAX;
    ends = q->by_time ? q->to : 0;
    if (!q->by_time)
        each_series(q, span_of_readings, out);
    int64_t first = floor_to(begins, q->step_s);
    for (size_t i = 0; i < cell_count; i++)
        first = cells[i].time < first ? cells[i].time : first;
    for (row_time = first; row_time < ends; row_time += q->step_s) {
        put_moment(out, row_time);
        buf_put_char(out, '|');
        each_series(q, put_matrix_cell, out);
        buf_put_char(out, '\n');
    }
}

static Buf plain_answer(const GridQuery *q)
{
    Buf out = buf_init(1 << 24);
    cell_count = 0;
    each_series(q, add_cells, &out);
    if (q->is_wide)
        put_matrix(q, &out);
    for (size_t i = 0; i < cell_count && !q->is_wide; i++)
        put_bucket(&cells[i], &out);
    return out;
}

/* ---- the answer that came -------------------------------------------------------------------- */

static void put_members(Buf *out, Str object)
{
    Str key, value;
    JsonWalk walk = json_walk(object);
    while (json_next(&walk, &key, &value))
        put_json_cell(out, value);
    buf_put_char(out, '\n');
}

static void put_columns(Buf *out, Str columns)
{
    enum { COLUMN_COUNT = 9 };
    Str key, column, cell;
    JsonWalk walks[COLUMN_COUNT], walk = json_walk(columns);
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        REQUIRE(json_next(&walk, &key, &column));
        walks[i] = json_walk(column);
    }
    while (json_next(&walks[0], &key, &cell)) {
        put_json_cell(out, cell);
        for (size_t i = 1; i < COLUMN_COUNT; i++) {
            REQUIRE(json_next(&walks[i], &key, &cell));
            put_json_cell(out, cell);
        }
        buf_put_char(out, '\n');
    }
}

static void decode(const GridQuery *q, Str body, Buf *out)
{
    Str key, value, line;
    JsonWalk walk = json_walk(json_at(body, "items"));
    switch (q->form) {
    case COLUMNS:
        put_columns(out, json_at(body, "items"));
        break;
    case NDJSON:
        while (str_cut(body, '\n', &line, &body))
            put_members(out, line);
        break;
    case CSV:
        REQUIRE(str_cut(body, '\n', &line, &body)); /* the header */
        while (str_cut(body, '\n', &line, &body)) {
            for (size_t i = 0; i < line.len; i++)
                buf_put_char(out, line.ptr[i] == ',' ? '|' : line.ptr[i]);
            BUF_LITERAL(out, "|\n");
        }
        break;
    default:
        while (json_next(&walk, &key, &value))
            put_members(out, value);
        break;
    }
}

TEST(random_buckets_and_matrices_have_plain_answers)
{
    Inside inside;
    inside_open(&inside, false);
    roll_begin(20261025);
    make_world(&inside);
    size_t told = 0, gone = 0;
    for (int i = 0; i < QUESTIONS; i++) {
        const GridQuery q = draw();
        CLEANUP(buf_release) Buf target = buf_init(8192);
        put_question(&q, &target);
        CASE(target.ptr);
        CLEANUP(asked_release) Asked asked = ask(&inside, target.ptr);
        CLEANUP(buf_release) Buf want = plain_answer(&q);
        if (asked.status == 410 && q.by_time) { /* it ends before what is kept */
            gone++;
            continue;
        }
        CHECK_INT(200, asked.status);
        CLEANUP(buf_release) Buf got = buf_init(1 << 24);
        decode(&q, asked.body, &got);
        CHECK_STR(buf_view(&want), buf_view(&got));
        told += want.len > 0;
    }
    CHECK(told > QUESTIONS / 2 && gone < QUESTIONS / 20); /* they were worth asking */
    inside_close(&inside);
}
