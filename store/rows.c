#include "store/rows.h"

#define STATION_OFFSET(column, member) offsetof(Station, member),
#define MEASURE_OFFSET(column, member) offsetof(Measure, member),
static const size_t STATION_TEXT_AT[] = {STATION_TEXTS(STATION_OFFSET)};
static const size_t STATION_REAL_AT[] = {STATION_REALS(STATION_OFFSET)};
static const size_t MEASURE_TEXT_AT[] = {MEASURE_TEXTS(MEASURE_OFFSET)};

static int read_texts(sqlite3_stmt *st, int column, void *row, const size_t *at, size_t count)
{
    for (size_t i = 0; i < count; i++)
        *(Str *) (void *) ((char *) row + at[i]) = sql_str(st, column++);
    return column;
}

static int read_reals(sqlite3_stmt *st, int column, void *row, const size_t *at, size_t count)
{
    for (size_t i = 0; i < count; i++)
        *(double *) (void *) ((char *) row + at[i]) = sql_real(st, column++);
    return column;
}

static int bind_texts(sqlite3_stmt *st, int mark, const void *row, const size_t *at, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sql_bind_str(st, mark++, *(const Str *) (const void *) ((const char *) row + at[i]));
    return mark;
}

static int bind_reals(sqlite3_stmt *st, int mark, const void *row, const size_t *at, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sql_bind_real(st, mark++, *(const double *) (const void *) ((const char *) row + at[i]));
    return mark;
}

Station row_station(sqlite3_stmt *st, int64_t *ret_key)
{
    Station station = {.listed = false};
    int column = read_texts(st, 0, &station, STATION_TEXT_AT, countof(STATION_TEXT_AT));
    column = read_reals(st, column, &station, STATION_REAL_AT, countof(STATION_REAL_AT));
    *ret_key = sql_int(st, column++);
    station.id = sql_str(st, column++);
    station.type = sql_str(st, column++);
    station.type_all = sql_str(st, column++);
    station.more = sql_str(st, column++);
    station.listed = sql_int(st, column++) != 0;
    station.newest = sql_time(st, column);
    return station;
}

Expectation row_expectation(sqlite3_stmt *st, int column)
{
    return (Expectation){
        .expected_next = sql_time(st, column),
        .late_after = sql_time(st, column + 1),
        .stale_after = sql_time(st, column + 2),
        .silent_after = sql_time(st, column + 3),
    };
}

Measure row_measure(sqlite3_stmt *st, int64_t *ret_key)
{
    Measure measure = {.newest = NO_TIME};
    int column = read_texts(st, 0, &measure, MEASURE_TEXT_AT, countof(MEASURE_TEXT_AT));
    *ret_key = sql_int(st, column++);
    measure.id = sql_str(st, column++);
    measure.period_s = sql_int(st, column++);
    measure.more = sql_str(st, column++);
    measure.listed = sql_int(st, column++) != 0;
    bool delivered = sqlite3_column_type(st, column) != SQLITE_NULL;
    measure.freshness = delivered ? (Freshness) sql_int(st, column) : FRESHNESS_SILENT;
    measure.expectation = row_expectation(st, column + 1);
    return measure;
}

Reading row_reading(sqlite3_stmt *st)
{
    return (Reading){
        .time = sql_int(st, 0),
        .value = sql_real(st, 1),
        .flags = (unsigned) sql_int(st, 2),
        .received = sql_int(st, 3),
        .revision = sql_int(st, 4),
        .raw = sql_str(st, 5),
    };
}

int bind_station(sqlite3_stmt *st, const Station *station)
{
    int mark = bind_texts(st, 1, station, STATION_TEXT_AT, countof(STATION_TEXT_AT));
    return bind_reals(st, mark, station, STATION_REAL_AT, countof(STATION_REAL_AT));
}

int bind_measure(sqlite3_stmt *st, const Measure *measure)
{
    return bind_texts(st, 1, measure, MEASURE_TEXT_AT, countof(MEASURE_TEXT_AT));
}
