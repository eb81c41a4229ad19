/* The stand-in for the upstream, asked over the wire: what it tells, and how it is asked. */
#include "base/clock.h"
#include "base/json.h"
#include "tests/sim_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the program ----------------------------------------------------------------------------- */

TEST(sim_refuses_what_it_does_not_know)
{
    static const struct {
        const char *option, *value, *said;
    } cases[] = {
        {"--staions", "5", "'--staions' is no option"},
        {"--stations", "many", "--stations is 'many', expected 0 to 1000000"},
        {"--listen", "nowhere", "--listen is 'nowhere'"},
        {"--start", "yesterday", "--start is 'yesterday'"},
        {"--fault", "kind=spite", "'spite' is no kind of fault"},
        {"--fault", "kind=status&sttus=5", "'sttus' is no parameter of a fault"},
        {"--fail", "some", "--fail: 'some' is no percentage"},
        {"--late", "101", "--late: late is '101', expected 0 to 100 percent"},
        {"--hourly", NULL, "--hourly: hourly is '', expected 0 to 100 percent"},
        {"--clock=1", NULL, "--clock takes no value"},
        {"--replay", "tests/fixtures/nothing", "cannot read folder tests/fixtures/nothing"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].said);
        Process *process = process_start(
            (const char *[]){"freshet-sim", cases[i].option, cases[i].value, NULL}, NULL);
        (void) process_wait_line(process, cases[i].said);
        CHECK(process_wait(process) != 0);
    }
}

TEST(sim_ends_when_it_is_told_to)
{
    Simulator simulator = sim_start();
    process_signal(simulator.process, SIGTERM);
    CHECK_INT(0, process_wait(simulator.process));
}

/* ---- the made network ------------------------------------------------------------------------ */

TEST(sim_makes_the_same_network_from_the_same_seed)
{
    static const char *const PATHS[] = {"/id/stations", "/id/measures", "/data/readings?latest",
                                        "/id/stations?_view=full"};
    Simulator one =
        simulator_start((const char *[]){"--stations", "80", "--seed", "7", "--clock", NULL});
    Simulator same =
        simulator_start((const char *[]){"--stations", "80", "--seed", "7", "--clock", NULL});
    Simulator other =
        simulator_start((const char *[]){"--stations", "80", "--seed", "8", "--clock", NULL});
    for (size_t i = 0; i < countof(PATHS); i++) {
        CASE(PATHS[i]);
        CLEANUP(buf_release) Buf a = sim_get(&one, PATHS[i]);
        CLEANUP(buf_release) Buf b = sim_get(&same, PATHS[i]);
        CLEANUP(buf_release) Buf c = sim_get(&other, PATHS[i]);
        CHECK_STR(buf_view(&a), buf_view(&b));
        CHECK(!str_eq(buf_view(&a), buf_view(&c)));
    }
}

TEST(sim_makes_the_real_mix)
{
    Simulator simulator = simulator_start((const char *[]){"--stations", "4000", "--clock", NULL});
    CLEANUP(buf_release) Buf stations = sim_get(&simulator, "/id/stations");
    CLEANUP(buf_release) Buf measures = sim_get(&simulator, "/id/measures");
    size_t placed = 0, known = 0, measure_count = 0, live = 0, quarter_hourly = 0, hourly = 0;
    JsonWalk walk = json_walk(sim_items(buf_view(&stations)));
    Str key, item;
    while (json_next(&walk, &key, &item)) {
        placed += str_is_none(sim_member(item, "lat")) ? 0 : 1;
        known += str_is_none(sim_member(item, "RLOIid")) ? 0 : 1;
    }
    walk = json_walk(sim_items(buf_view(&measures)));
    while (json_next(&walk, &key, &item)) {
        measure_count++;
        live += str_is_none(sim_member(item, "latestReading")) ? 0 : 1;
        quarter_hourly += str_eq(sim_member(item, "period"), STR("900")) ? 1 : 0;
        hourly += str_eq(sim_member(item, "period"), STR("3600")) ? 1 : 0;
    }
    CHECK_INT(4000, sim_count(buf_view(&stations)));
    CHECK(measure_count > 4800 && measure_count < 5200); /* 1.25 a station */
    CHECK(placed > 3450 && placed < 3600);               /* 12 % have no place */
    CHECK(known > 1800 && known < 2000);                 /* 47 % stand on the river-level site */
    CHECK(live * 100 > measure_count * 76 &&
          live * 100 < measure_count * 82); /* 21 % have no reading */
    CHECK(quarter_hourly * 100 > measure_count * 87 && quarter_hourly * 100 < measure_count * 95);
    CHECK(hourly * 100 > measure_count * 5 && hourly * 100 < measure_count * 11);
}

TEST(sim_answers_one_thing_as_the_upstream_does)
{
    Simulator simulator = simulator_start((const char *[]){"--stations", "300", "--clock", NULL});
    CLEANUP(buf_release) Buf list = sim_get(&simulator, "/id/stations");
    JsonWalk walk = json_walk(sim_items(buf_view(&list)));
    Str key, item, ignored;
    size_t seen[3] = {0};
    while (json_next(&walk, &key, &item)) {
        char path[512];
        (void) snprintf(path, sizeof path, "/id/stations/" STR_FMT,
                        STR_ARG(sim_member(item, "notation")));
        CASE(path);
        CLEANUP(buf_release) Buf one = sim_get(&simulator, path);
        Str single = sim_items(buf_view(&one)), measures = sim_member(single, "measures");
        CHECK_INT('{', single.ptr[0]);
        CHECK_STR(sim_member(item, "label"), sim_member(single, "label"));
        CHECK(!str_is_none(sim_member(single, "type")));
        CHECK(!json_member(sim_member(buf_view(&one), "meta"), STR("limit"), &ignored));
        Str nested = sim_member(item, "measures");
        size_t nested_count = 0;
        if (!str_is_none(nested)) {
            JsonWalk inner = json_walk(nested);
            Str measure;
            while (json_next(&inner, &key, &measure))
                nested_count++;
        }
        seen[nested_count < 2 ? nested_count : 2]++;
        CHECK_INT(nested_count == 0   ? 0
                  : nested_count == 1 ? '{'
                                      : '[',
                  str_is_none(measures) ? 0 : measures.ptr[0]);
    }
    CHECK(seen[1] > 0 && seen[2] > 0);
}

/* ---- queries --------------------------------------------------------------------------------- */

TEST(sim_limits_readings_as_the_upstream_does)
{
    Simulator simulator =
        simulator_start((const char *[]){"--stations", "900", "--clock", "--batching", "0", NULL});
    static const struct {
        const char *path;
        int64_t limit, count;
    } cases[] = {
        {"/data/readings", 500, 500},
        {"/data/readings?_limit=3", 3, 3},
        {"/data/readings?since=2026-01-19T00:00:00Z&_limit=100000", 10000, 10000},
        {"/data/readings?latest", -1, -1},
        {"/data/readings?today", -1, -1},
        {"/data/readings?latest&_limit=7", 7, 7},
        {"/data/readings?latest&_limit=nonsense", -1, -1},
        {"/id/stations", -1, 900},
        {"/id/measures?_limit=5&_offset=2", 5, 5},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].path);
        CLEANUP(buf_release) Buf body = sim_get(&simulator, cases[i].path);
        CHECK_INT(cases[i].limit, sim_limit(buf_view(&body)));
        if (cases[i].count >= 0)
            CHECK_INT(cases[i].count, sim_count(buf_view(&body)));
    }
    size_t few = sim_count_at(&simulator, "/id/stations?_limit=200");
    CHECK(few > 100 && few < 200); /* rows are counted, not stations */
}

TEST(sim_takes_parameters_as_the_upstream_does)
{
    Simulator simulator = simulator_start((const char *[]){"--stations", "300", "--clock", NULL});
    static const struct {
        const char *one, *same;
    } cases[] = {
        {"/data/readings?latest", "/data/readings?latest="},
        {"/data/readings?latest", "/data/readings?latest=true"},
        {"/data/readings?latest", "/data/readings/?latest"},
        {"/data/readings?latest", "/data/readings.json?latest"},
        {"/data/readings?latest", "/data/readings?latest&misspelt=1"},
        {"/id/measures?qualifier=Stage", "/id/measures?qualifier=Stage&qualifier=level"},
        {"/id/measures?qualifier=Downstream%20Stage", "/id/measures?qualifier=Downstream+Stage"},
        {"/id/stations?status=Active", "/id/stations/?status=statusActive"},
        {"/data/readings?since=2026-01-20", "/data/readings?since=2026-01-20T00:00:00.123456Z"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].same);
        CLEANUP(buf_release) Buf a = sim_get(&simulator, cases[i].one);
        CLEANUP(buf_release) Buf b = sim_get(&simulator, cases[i].same);
        CHECK_STR(sim_items(buf_view(&a)), sim_items(buf_view(&b)));
        CHECK(sim_count(buf_view(&a)) > 0);
    }
}

TEST(sim_filters_by_every_parameter)
{
    Simulator simulator = simulator_start((const char *[]){"--stations", "600", "--clock", NULL});
    static const struct {
        const char *path;
        const char *name, *value;
    } cases[] = {
        {"/id/measures?parameter=rainfall", "parameter", "rainfall"},
        {"/id/measures?parameterName=Flow", "parameterName", "Flow"},
        {"/id/measures?qualifier=Groundwater", "qualifier", "Groundwater"},
        {"/id/stations?riverName=River%20Alder", "riverName", "River Alder"},
        {"/id/stations?catchmentName=Dorn,%20Esker%20and%20Fane", "catchmentName",
         "Dorn, Esker and Fane"},
        {"/id/stations?label=Rainfall%20station", "label", "Rainfall station"},
        {"/id/stations?RLOIid=1000", "RLOIid", "1000"},
        {"/id/stations?status=Closed", "status", ROOT "/def/core/statusClosed"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].path);
        CLEANUP(buf_release) Buf body = sim_get(&simulator, cases[i].path);
        JsonWalk walk = json_walk(sim_items(buf_view(&body)));
        Str key, item;
        size_t count = 0;
        for (; json_next(&walk, &key, &item); count++)
            CHECK_TEXT(cases[i].value, sim_member(item, cases[i].name));
        CHECK(count > 0 && count < 500);
    }
    size_t all = sim_count_at(&simulator, "/id/stations"), typed = 0;
    static const char *const TYPES[] = {"SingleLevel", "MultiTraceLevel", "Coastal", "Groundwater",
                                        "Meteorological"};
    for (size_t i = 0; i < countof(TYPES); i++) {
        char path[64];
        (void) snprintf(path, sizeof path, "/id/stations?type=%s", TYPES[i]);
        typed += sim_count_at(&simulator, path);
    }
    CHECK(typed > all / 2 && typed < all);
    size_t near = sim_count_at(&simulator, "/id/stations?lat=52&long=-1&dist=40");
    CHECK(near > 0 && near < all / 4);
    CHECK(sim_count_at(&simulator, "/id/stations?search=FORD") < all / 2);
    CHECK_INT(0, sim_count_at(&simulator, "/id/stations?riverName=Alder")); /* whole names only */
}

TEST(sim_prunes_nested_measures)
{
    Simulator simulator = simulator_start((const char *[]){"--stations", "400", "--clock", NULL});
    CLEANUP(buf_release)
    Buf body = sim_get(&simulator, "/id/stations?parameter=level&qualifier=Downstream%20Stage");
    JsonWalk walk = json_walk(sim_items(buf_view(&body)));
    Str key, item, measure;
    size_t stations = 0, measures = 0;
    for (; json_next(&walk, &key, &item); stations++) {
        JsonWalk inner = json_walk(sim_member(item, "measures"));
        for (; json_next(&inner, &key, &measure); measures++)
            CHECK_TEXT("Downstream Stage", sim_member(measure, "qualifier"));
    }
    CHECK(stations > 0 && stations < 100);
    CHECK_INT(stations, measures);
}

TEST(sim_orders_readings_only_when_asked)
{
    Simulator simulator = sim_start();
    CLEANUP(buf_release)
    Buf sorted =
        sim_get(&simulator, "/data/readings?since=2026-01-20T06:00:00Z&_sorted&_limit=10000");
    CLEANUP(buf_release)
    Buf plain = sim_get(&simulator, "/data/readings?since=2026-01-20T06:00:00Z&_limit=10000");
    const Buf *bodies[] = {&sorted, &plain};
    size_t rises[2] = {0}, falls[2] = {0};
    for (size_t i = 0; i < 2; i++) {
        JsonWalk walk = json_walk(sim_items(buf_view(bodies[i])));
        Str key, item, last_measure = STR_NONE;
        UnixSec last = NO_TIME;
        while (json_next(&walk, &key, &item)) {
            UnixSec time = sim_time_of(item);
            Str measure = sim_member(item, "measure");
            CHECK(time > sim_moment("2026-01-20T06:00:00Z"));
            bool comparable = last != NO_TIME && (i == 0 || str_eq(measure, last_measure));
            rises[i] += comparable && time > last ? 1 : 0;
            falls[i] += comparable && time < last ? 1 : 0;
            last = time;
            last_measure = measure;
        }
    }
    CHECK_INT(0, rises[0]);
    CHECK(falls[0] > 0 && rises[1] > 0);
    CHECK(falls[1] > 0); /* now and then out of order */
    CHECK_INT(sim_count(buf_view(&sorted)), sim_count(buf_view(&plain)));
}

TEST(sim_takes_days_and_moments)
{
    Simulator simulator = sim_start(); /* 2026-01-20T12:00:00Z */
    CLEANUP(buf_release)
    Buf measures = sim_get(&simulator, "/id/measures?parameter=level&qualifier=Stage");
    char path[512], base[300] = "";
    JsonWalk walk = json_walk(sim_items(buf_view(&measures)));
    Str key, item;
    while (base[0] == '\0' && json_next(&walk, &key, &item))
        if (!str_is_none(sim_member(item, "latestReading")) &&
            str_eq(sim_member(item, "period"), STR("900")))
            (void) snprintf(base, sizeof base, "/id/measures/" STR_FMT "/readings",
                            STR_ARG(sim_member(item, "notation")));
    static const struct {
        const char *query;
        size_t least, most;
    } cases[] = {
        {"?date=2026-01-18", 94, 96}, /* slots go missing now and then */
        {"?startdate=2026-01-17&enddate=2026-01-18", 190, 192},
        {"?today", 45, 47},
        {"?latest", 1, 1},
        {"?since=2026-01-20T11:30:00Z", 0, 0}, /* later than, not equal: the newest is of 11:30 */
        {"?since=2026-01-20T11:29:59Z", 0, 1},
        {"?date=2025-12-01", 0, 0}, /* longer ago than is kept */
        {"?since=1970-01-01&_limit=10000", 2700, 2832},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        (void) snprintf(path, sizeof path, "%s%s", base, cases[i].query);
        CASE(path);
        size_t count = sim_count_at(&simulator, path);
        CHECK(count >= cases[i].least && count <= cases[i].most);
    }
    (void) snprintf(path, sizeof path, "%s?since=tomorrow", base);
    CLEANUP(exchanged_release) Exchanged bad = sim_ask(&simulator, path);
    CHECK_INT(400, bad.status);
}

TEST(sim_says_the_same_in_csv)
{
    Simulator simulator = sim_start();
    CLEANUP(buf_release) Buf json = sim_get(&simulator, "/data/readings?latest");
    CLEANUP(buf_release) Buf csv = sim_get(&simulator, "/data/readings.csv?latest");
    Str rest = buf_view(&csv), line, key, item;
    JsonWalk walk = json_walk(sim_items(buf_view(&json)));
    REQUIRE(str_cut(rest, '\n', &line, &rest));
    CHECK_TEXT("dateTime,measure,value", line);
    while (json_next(&walk, &key, &item)) {
        char want[512];
        (void) snprintf(want, sizeof want, STR_FMT "," STR_FMT "," STR_FMT,
                        STR_ARG(sim_member(item, "dateTime")), STR_ARG(sim_member(item, "measure")),
                        STR_ARG(sim_member(item, "value")));
        REQUIRE(str_cut(rest, '\n', &line, &rest));
        CHECK_TEXT(want, line);
        CHECK(memchr(sim_member(item, "value").ptr, '.', sim_member(item, "value").len) != NULL);
    }
    CHECK_INT(0, rest.len);
}

TEST(sim_finds_a_reading_by_its_id)
{
    Simulator simulator = sim_start();
    CLEANUP(buf_release) Buf latest = sim_get(&simulator, "/data/readings?latest&_limit=1");
    Str reading = sim_nth(buf_view(&latest), 0), id = sim_member(reading, "@id");
    char path[512];
    (void) snprintf(path, sizeof path, "%.*s", (int) (id.len - strlen(ROOT)),
                    id.ptr + strlen(ROOT));
    CLEANUP(buf_release) Buf body = sim_get(&simulator, path);
    Str single = sim_items(buf_view(&body));
    CHECK_STR(sim_member(reading, "value"), sim_member(single, "value"));
    CHECK_STR(sim_member(reading, "measure"), sim_member(sim_member(single, "measure"), "@id"));
    CHECK_STR(id,
              sim_member(sim_member(single, "measure"), "latestReading")); /* there it is a URI */
    path[strlen(path) - 2] = '7'; /* a second later there is none */
    CLEANUP(exchanged_release) Exchanged none = sim_ask(&simulator, path);
    CHECK_INT(404, none.status);
    CHECK_TEXT("text/html; charset=utf-8", exchanged_field(&none, "Content-Type"));
}

/* ---- pages ----------------------------------------------------------------------------------- */

static int compare_texts(const void *a, const void *b)
{
    return str_cmp(*(const Str *) a, *(const Str *) b);
}

/* The lines of a CSV without its first, ordered bytewise, as their count and that of different ones. */
static void count_lines(Str csv, size_t *ret_count, size_t *ret_different)
{
    enum { LINES_MAX = 20000 };
    Str *lines = calloc(LINES_MAX, sizeof *lines);
    Str rest = csv;
    size_t count = 0;
    REQUIRE(lines != NULL);
    while (str_cut(rest, '\n', &lines[count], &rest) && count + 1 < LINES_MAX)
        count++;
    qsort(lines, count, sizeof *lines, compare_texts);
    *ret_count = count;
    *ret_different = 0;
    for (size_t i = 0; i < count; i++)
        *ret_different += i == 0 || !str_eq(lines[i], lines[i - 1]) ? 1 : 0;
    free(lines);
}

/* All pages after each other, without their headers. */
static Buf pages_of(const Simulator *simulator, const char *query, int page_rows)
{
    Buf all = buf_init(64 << 20);
    for (int offset = 0;; offset += page_rows) {
        char path[300];
        (void) snprintf(path, sizeof path, "/data/readings.csv?%s&_limit=%d&_offset=%d", query,
                        page_rows, offset);
        CLEANUP(buf_release) Buf page = sim_get(simulator, path);
        Str header, rows = STR("");
        REQUIRE(str_cut(buf_view(&page), '\n', &header, &rows));
        if (rows.len == 0)
            return all;
        buf_put_str(&all, rows);
    }
}

TEST(sim_pages_neither_skip_nor_repeat)
{
    Simulator simulator = simulator_start(
        (const char *[]){"--stations", "60", "--clock", "--batching", "30", "--late", "3", NULL});
    static const char *const QUERIES[] = {"date=2026-01-19", "since=2026-01-19T12:00:00Z",
                                          "startdate=2026-01-19&enddate=2026-01-20", "today"};
    for (size_t i = 0; i < countof(QUERIES); i++) {
        char sorted[200];
        size_t count, different, count_sorted;
        CASE(QUERIES[i]);
        (void) snprintf(sorted, sizeof sorted, "%s&_sorted", QUERIES[i]);
        CLEANUP(buf_release) Buf whole = pages_of(&simulator, sorted, 10000);
        CLEANUP(buf_release) Buf in_order = pages_of(&simulator, sorted, 700);
        CLEANUP(buf_release) Buf as_they_come = pages_of(&simulator, QUERIES[i], 700);
        CHECK_STR(buf_view(&whole), buf_view(&in_order));
        count_lines(buf_view(&whole), &count_sorted, &different);
        CHECK(count_sorted > 1400 && different == count_sorted);
        count_lines(buf_view(&as_they_come), &count, &different);
        CHECK_INT(count_sorted, count);
        CHECK_INT(count_sorted, different);
    }
}

TEST(sim_gives_the_newest_first)
{
    Simulator simulator = sim_start();
    CLEANUP(buf_release)
    Buf body = sim_get(&simulator, "/data/readings?since=2026-01-19T12:00:00Z&_sorted&_limit=9000");
    JsonWalk walk = json_walk(sim_items(buf_view(&body)));
    Str key, item;
    UnixSec before = INT64_MAX;
    size_t count = 0;
    for (; json_next(&walk, &key, &item); count++) {
        CHECK(sim_time_of(item) <= before);
        before = sim_time_of(item);
    }
    CHECK(count > 3000);
}
