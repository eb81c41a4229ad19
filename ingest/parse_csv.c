/* ingest/parse_csv.c - readings as CSV: the API's `.csv` and the daily archive. */
#include "ingest/parse.h"
#include "ingest/raw_reading.h"

#include <math.h>
#include <string.h>

enum { CELLS_MAX = 32 };

typedef struct CsvLine {
    Str cells[CELLS_MAX];
    size_t count;
} CsvLine;

/* A cell from *at on, which is left at the comma or line end behind it. Quoted cells may hold both; a
 * doubled quote stays doubled, as none of the columns we use ever holds one. */
static Str take_cell(const char **at, const char *end)
{
    const char *begin = *at;
    const char *close = NULL;
    if (begin < end && *begin == '"') {
        close = ++begin;
        while (close < end && (*close != '"' || (close + 1 < end && close[1] == '"')))
            close += *close == '"' ? 2 : 1;
        *at = close < end ? close + 1 : end;
    }
    while (*at < end && **at != ',' && **at != '\n')
        (*at)++;
    if (close == NULL || close > end)
        close = *at;
    return str_trim((Str){begin, (size_t) (close - begin)});
}

/* False: nothing is left. */
static bool next_line(Str *rest, CsvLine *line, Str *ret_text)
{
    const char *at = rest->ptr;
    const char *end = rest->ptr + rest->len;
    line->count = 0;
    if (rest->len == 0)
        return false;
    for (bool more = true; more;) {
        Str cell = take_cell(&at, end);
        if (line->count < CELLS_MAX)
            line->cells[line->count++] = cell;
        more = at < end && *at == ',';
        if (at < end)
            at++;
    }
    *ret_text = str_trim((Str){rest->ptr, (size_t) (at - rest->ptr)});
    *rest = (Str){at, (size_t) (end - at)};
    return true;
}

static size_t find_column(const CsvLine *header, Str name)
{
    size_t i = 0;
    while (i < header->count && !str_eq(header->cells[i], name))
        i++;
    return i;
}

/* Several values are joined by a bar (Q2); each must be a number. */
static void take_values(Str cell, RawReading *raw)
{
    Str head, tail;
    raw->has_value = cell.len > 0; /* an empty cell is no reading, never 0 (Q3) */
    raw->values_text = cell;
    for (bool more = raw->has_value; more; cell = tail) {
        double value = NAN;
        more = str_cut(cell, '|', &head, &tail);
        if (!more)
            head = cell;
        (void) str_to_double(str_trim(head), &value);
        raw_reading_add_value(raw, value);
    }
}

ErrCode parse_readings_csv(Str csv, UnixSec now, size_t max_readings, Batch *batch, Err *err)
{
    const ReadingLimits limits = {.now = now, .max_readings = max_readings};
    CsvLine line;
    Str text;
    if (!next_line(&csv, &line, &text))
        return err_set(err, ERR_FORMAT, "the body is empty");
    size_t time = find_column(&line, STR("dateTime"));
    size_t measure = find_column(&line, STR("measure"));
    size_t value = find_column(&line, STR("value"));
    if (time == line.count || measure == line.count || value == line.count)
        return err_set(err, ERR_FORMAT,
                       "CSV without the columns dateTime, measure and value: " STR_FMT,
                       STR_ARG(text));
    while (next_line(&csv, &line, &text)) {
        bool ok = true;
        if (text.len == 0)
            continue;
        if (time >= line.count || measure >= line.count || value >= line.count) {
            ok = batch_add_refusal(batch, REFUSED_BAD_ITEM, STR_NONE, text);
        } else {
            RawReading raw = {
                .measure_id = line.cells[measure].len > 0 ? str_after_last(line.cells[measure], '/')
                                                          : STR_NONE,
                .time = line.cells[time],
                .item = text,
            };
            take_values(line.cells[value], &raw);
            ok = raw_reading_add(&raw, limits, batch);
        }
        if (!ok)
            return err_set(err, ERR_NO_MEMORY, "no memory for a reading");
    }
    return OK;
}
