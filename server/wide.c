#include "server/wide.h"

#include "base/clock.h"
#include "model/render.h"

#include <math.h>
#include <string.h>

/* Some 100 MB of CSV; a matrix of the whole country at its own quarter hours has half a million. */
enum { CELLS_MAX = 10 * 1000 * 1000 };

Wide wide_begin(Arena *arena, int64_t step_s)
{
    return (Wide){.arena = arena, .step_s = step_s, .crowded = STR_NONE};
}

/* Room for one more; NULL: no memory. */
static void *grow(Wide *wide, void *items, size_t count, size_t *cap, size_t size)
{
    if (count < *cap)
        return items;
    size_t more = *cap * 2 + 64;
    void *grown = arena_alloc(wide->arena, more * size);
    wide->no_memory = grown == NULL;
    if (grown == NULL)
        return NULL;
    if (count > 0)
        memcpy(grown, items, count * size);
    *cap = more;
    return grown;
}

bool wide_add_column(Wide *wide, Str measure_id)
{
    WideColumn *columns =
        grow(wide, wide->columns, wide->column_count, &wide->column_cap, sizeof *wide->columns);
    WideColumn column = {.first = wide->cell_count};
    if (columns == NULL)
        return false;
    wide->columns = columns;
    wide->no_memory = !arena_copy(wide->arena, measure_id, &column.id);
    if (!wide->no_memory)
        wide->columns[wide->column_count++] = column;
    return !wide->no_memory;
}

bool wide_add_cell(Wide *wide, UnixSec time, double value)
{
    WideColumn *column = &wide->columns[wide->column_count - 1];
    time = bucket_floor(time, wide->step_s);
    if (column->count > 0 && wide->cells[wide->cell_count - 1].time == time) {
        wide->crowded = column->id;
        wide->crowded_at = time;
        return false;
    }
    WideCell *cells =
        grow(wide, wide->cells, wide->cell_count, &wide->cell_cap, sizeof *wide->cells);
    if (cells == NULL)
        return false;
    wide->cells = cells;
    wide->cells[wide->cell_count++] = (WideCell){.time = time, .value = value};
    column->count++;
    return true;
}

/* ---- writing --------------------------------------------------------------------------------- */

static void put_header(const Wide *wide, const Rows *rows, Buf *out)
{
    render_csv_bom(out, &rows->fields.style);
    BUF_LITERAL(out, "time");
    for (size_t i = 0; i < wide->column_count; i++) {
        buf_put_char(out, ',');
        render_csv_text(out, &rows->fields.style, wide->columns[i].id);
    }
    render_csv_line_end(out, &rows->fields.style);
}

/* NAN where the column has nothing at `time`. */
static double take_value(const Wide *wide, WideColumn *column, UnixSec time)
{
    const WideCell *cell = &wide->cells[column->first + column->at];
    if (column->at == column->count || cell->time != time)
        return NAN;
    column->at++;
    return cell->value;
}

static void put_csv_row(Wide *wide, const Rows *rows, UnixSec time, Buf *out)
{
    render_csv_time(out, &rows->fields.style, time);
    for (size_t i = 0; i < wide->column_count; i++) {
        double value = take_value(wide, &wide->columns[i], time);
        buf_put_char(out, ',');
        if (!isnan(value))
            buf_put_double(out, value);
    }
    render_csv_line_end(out, &rows->fields.style);
}

static void put_json_row(Wide *wide, const Rows *rows, UnixSec time, Buf *out)
{
    BUF_LITERAL(out, "{\"time\":");
    render_json_time(out, &rows->fields.style, time);
    for (size_t i = 0; i < wide->column_count; i++) {
        double value = take_value(wide, &wide->columns[i], time);
        buf_put_char(out, ',');
        json_put_string(out, wide->columns[i].id);
        buf_put_char(out, ':');
        if (isnan(value))
            BUF_LITERAL(out, "null");
        else
            buf_put_double(out, value);
    }
    buf_put_char(out, '}');
}

static void put_row(Wide *wide, Rows *rows, UnixSec time)
{
    Buf *out = &rows->reply->body;
    Format format = rows->req->format;
    if (format == FORMAT_JSON && rows->count > 0)
        BUF_LITERAL(out, ",\n");
    if (format == FORMAT_CSV)
        put_csv_row(wide, rows, time, out);
    else
        put_json_row(wide, rows, time, out);
    if (format == FORMAT_NDJSON)
        buf_put_char(out, '\n');
    rows->count++;
    rows->seen++;
}

/* ---- the end --------------------------------------------------------------------------------- */

static ErrCode refuse_crowded(const Wide *wide, Reply *reply, Err *err)
{
    char time[CLOCK_TEXT_SIZE];
    clock_format(wide->crowded_at, time);
    problem_add(&reply->problem, PROBLEM_BAD_PARAMETER,
                (ProblemFault){.parameter = STR("agg"),
                               .reason = "missing",
                               .detail = arena_format(
                                   wide->arena,
                                   "'agg' is missing: '" STR_FMT
                                   "' has several readings in the cell of %s; say which to take, "
                                   "or take a shorter step",
                                   STR_ARG(wide->crowded), time)});
    return err_set(err, ERR_INVALID, "several readings in one cell");
}

static ErrCode refuse_size(const Wide *wide, Reply *reply, Err *err)
{
    problem_set(&reply->problem, PROBLEM_TOO_LARGE,
                arena_format(wide->arena,
                             "The matrix would have more than %d cells. Take a longer step, fewer "
                             "measures or a shorter window.",
                             CELLS_MAX));
    return err_set(err, ERR_TOO_LARGE, "the matrix is too large");
}

ErrCode wide_end(Wide *wide, Window window, Rows *rows, Err *err)
{
    if (!str_is_none(wide->crowded))
        return refuse_crowded(wide, rows->reply, err);
    if (wide->no_memory)
        return err_set(err, ERR_NO_MEMORY, "no memory for a matrix");
    UnixSec first = bucket_floor(window.from, wide->step_s);
    for (size_t i = 0; i < wide->cell_count; i++) /* a total may belong to the step before */
        if (wide->cells[i].time < first)
            first = wide->cells[i].time;
    int64_t row_count = window.to > first ? (window.to - 1 - first) / wide->step_s + 1 : 0;
    if (row_count > CELLS_MAX / ((int64_t) wide->column_count + 1))
        return refuse_size(wide, rows->reply, err);
    if (rows->req->format == FORMAT_CSV)
        put_header(wide, rows, &rows->reply->body);
    for (int64_t i = 0; i < row_count && rows->reply->body.error == OK; i++)
        put_row(wide, rows, first + i * wide->step_s);
    return OK;
}
