/* What the simulator says an ideal ingest would hold, against what it tells over the wire. */
#include "base/clock.h"
#include "base/json.h"
#include "tests/sim_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SERIES_MAX = 200, LINES_MAX = 40000, DAY_S = 86400, WINDOW_FROM_DAYS = 3 };

typedef struct Series {
    Str id, station;
    UnixSec newest;
    Buf readings; /* the whole answer, sorted newest first */
} Series;

typedef struct Expected {
    Series series[SERIES_MAX];
    size_t series_count;
    Buf measures;
    char *lines[LINES_MAX];
    size_t line_count;
} Expected;

static Str id_of(Str uri)
{
    return str_after_last(uri, '/');
}

/* Every series that is live, with what it told in the last days. */
static void ask_all(const Simulator *simulator, Expected *expected)
{
    expected->measures = sim_get(simulator, "/id/measures");
    JsonWalk walk = json_walk(sim_items(buf_view(&expected->measures)));
    Str key, item;
    while (json_next(&walk, &key, &item)) {
        char path[512];
        Series *series = &expected->series[expected->series_count];
        series->id = sim_member(item, "notation");
        series->station = id_of(sim_member(item, "station"));
        (void) snprintf(path, sizeof path,
                        "/id/measures/" STR_FMT
                        "/readings?since=2026-01-17T00:00:00Z&_sorted&_limit=10000",
                        STR_ARG(series->id));
        series->readings = sim_get(simulator, path);
        if (sim_count(buf_view(&series->readings)) == 0) {
            buf_release(&series->readings);
            continue;
        }
        series->newest = sim_time_of(sim_nth(buf_view(&series->readings), 0));
        expected->series_count++;
        REQUIRE(expected->series_count < SERIES_MAX);
    }
}

static UnixSec newest_of(const Expected *expected, Str station)
{
    UnixSec newest = NO_TIME;
    for (size_t i = 0; i < expected->series_count; i++)
        if (str_eq(expected->series[i].station, station) && expected->series[i].newest > newest)
            newest = expected->series[i].newest;
    return newest;
}

static void add_lines(Expected *expected, const Series *series)
{
    UnixSec after = newest_of(expected, series->station) - DAY_S;
    bool is_last_known = series->newest <= after;
    JsonWalk walk = json_walk(sim_items(buf_view(&series->readings)));
    Str key, item;
    while (json_next(&walk, &key, &item)) {
        UnixSec time = sim_time_of(item);
        if (is_last_known ? time < series->newest : time <= after)
            return;
        REQUIRE(expected->line_count < LINES_MAX);
        REQUIRE(asprintf(&expected->lines[expected->line_count++],
                         STR_FMT "," STR_FMT "," STR_FMT "\n", STR_ARG(series->id),
                         STR_ARG(sim_member(item, "dateTime")),
                         STR_ARG(sim_member(item, "value"))) > 0);
    }
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}

/* Measures of one id's beginning would be ordered by what follows; a comma is less than most. */
static Buf expected_csv(Expected *expected)
{
    Buf csv = buf_init(64 << 20);
    for (size_t i = 0; i < expected->series_count; i++)
        add_lines(expected, &expected->series[i]);
    qsort(expected->lines, expected->line_count, sizeof *expected->lines, compare_lines);
    BUF_LITERAL(&csv, "measure,time,value\n");
    for (size_t i = 0; i < expected->line_count; i++)
        buf_put_str(&csv, str_of(expected->lines[i]));
    return csv;
}

static void release(void *ctx)
{
    Expected *expected = ctx;
    for (size_t i = 0; i < expected->series_count; i++)
        buf_release(&expected->series[i].readings);
    for (size_t i = 0; i < expected->line_count; i++)
        free(expected->lines[i]);
    buf_release(&expected->measures);
    free(expected);
}

static Buf truth_of(const Simulator *simulator, const char *query)
{
    char url[256];
    (void) snprintf(url, sizeof url, "%s/truth%s", simulator->origin, query);
    return must_get(url);
}

static void check_truth(const Simulator *simulator)
{
    Expected *expected = calloc(1, sizeof *expected);
    REQUIRE(expected != NULL);
    test_defer(release, expected);
    ask_all(simulator, expected);
    CLEANUP(buf_release) Buf want = expected_csv(expected);
    CLEANUP(buf_release) Buf got = truth_of(simulator, "");
    CHECK(expected->line_count > 1000);
    CHECK_STR(buf_view(&want), buf_view(&got));
}

TEST(sim_truth_is_what_the_wire_tells)
{
    Simulator prompt = sim_start();
    check_truth(&prompt);
    Simulator batches =
        simulator_start((const char *[]){"--stations", "60", "--clock", "--batching", "100", NULL});
    check_truth(&batches);
}

TEST(sim_truth_moves_with_time_and_can_be_asked_of_any)
{
    Simulator simulator = sim_start();
    SimClock *clock = simclock_connect(simulator.clock);
    CLEANUP(buf_release) Buf noon = truth_of(&simulator, "");
    CLEANUP(buf_release) Buf later = truth_of(&simulator, "?as_of=2026-01-20T13:00:00Z");
    CHECK(!str_eq(buf_view(&noon), buf_view(&later)));
    simclock_sleep_until(clock, sim_moment("2026-01-20T13:00:00Z"));
    CLEANUP(buf_release) Buf one = truth_of(&simulator, "");
    CLEANUP(buf_release) Buf before = truth_of(&simulator, "?as_of=2026-01-20T12:00:00Z");
    CHECK_STR(buf_view(&later), buf_view(&one));
    CHECK_STR(buf_view(&noon), buf_view(&before));
    char url[256];
    (void) snprintf(url, sizeof url, "%s/truth?as_of=soon", simulator.origin);
    CLEANUP(exchanged_release) Exchanged refused = exchange("GET", url, "", STR_NONE);
    CHECK_INT(400, refused.status);
}

TEST(sim_truth_knows_what_a_test_changed)
{
    static const struct {
        const char *name, *value, *line; /* line: what follows the measure; NULL: no reading */
    } cases[] = {
        {"changed", "99.50", ",2026-01-20T11:30:00Z,99.5\n"},
        {"two equal", "%5B7.0,7.0%5D", ",2026-01-20T11:30:00Z,7.0\n"},
        {"two, and none before", "%5B900.0,8.5%5D", ",2026-01-20T11:30:00Z,900.0\n"},
        {"nothing that is a number", "%22none%22", NULL},
    };
    Simulator simulator = simulator_start((const char *[]){
        "--replay", "tests/fixtures/network", "--start", "2026-01-20T12:00:00Z", "--clock", NULL});
    CLEANUP(buf_release) Buf latest = sim_get(&simulator, "/data/readings?latest");
    Str measure = id_of(sim_member(sim_nth(buf_view(&latest), 0), "measure"));
    for (size_t i = 0; i < countof(cases); i++) {
        char target[512], line[512];
        CASE(cases[i].name);
        (void) snprintf(target, sizeof target,
                        "/sim/value?measure=" STR_FMT "&time=2026-01-20T11:30:00Z&value=%s",
                        STR_ARG(measure), cases[i].value);
        simulator_do(&simulator, "POST", target, STR_NONE);
        CLEANUP(buf_release) Buf truth = truth_of(&simulator, "");
        (void) snprintf(line, sizeof line, STR_FMT "%s", STR_ARG(measure),
                        cases[i].line != NULL ? cases[i].line : ",2026-01-20T11:30:00Z");
        size_t ignored;
        CHECK_INT(cases[i].line != NULL, str_find(buf_view(&truth), str_of(line), &ignored));
    }
}
