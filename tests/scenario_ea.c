/* The Agency's own paths of the real program, beside the simulator's, which is an independent hand at
 * the same API: whoever changes the base address sees the same. */
#include "tests/freshet.h"
#include "tests/same_json.h"
#include "tests/sim_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* `path` follows /flood-monitoring. */
static cJSON *tree_of(const char *base, const char *path)
{
    char url[1024];
    (void) snprintf(url, sizeof url, "%s%s", base, path);
    CLEANUP(buf_release) Buf body = must_get(url);
    cJSON *tree = cJSON_ParseWithLength(body.ptr, body.len);
    REQUIRE(tree != NULL);
    return tree;
}

/* Sorted lists of one series also in their order; those of several have readings of one moment. */
static void check_same_answer(const char *theirs, const char *ours, const char *path)
{
    cJSON *want = tree_of(theirs, path), *got = tree_of(ours, path);
    bool is_ordered = strstr(path, "/id/measures/") != NULL && strstr(path, "_sorted") != NULL;
    CASE(path);
    if (cJSON_IsArray(json_items_of(want)) && !is_ordered)
        check_same_items(json_items_of(want), json_items_of(got));
    else
        check_same_item(json_items_of(want), json_items_of(got));
    cJSON_Delete(want);
    cJSON_Delete(got);
}

static int by_text(const void *a, const void *b)
{
    return str_cmp(*(const Str *) a, *(const Str *) b);
}

static size_t sorted_lines(Str text, Str **ret)
{
    size_t count = 0;
    Str line, rest = text;
    Str *lines = calloc(text.len / 40 + 2, sizeof *lines);
    REQUIRE(lines != NULL);
    while (str_cut(rest, '\n', &line, &rest))
        lines[count++] = line;
    qsort(lines, count, sizeof *lines, by_text);
    *ret = lines;
    return count;
}

static void check_same_lines(const char *theirs, const char *ours, const char *path)
{
    char url[2][1024];
    Str *want, *got;
    CASE(path);
    (void) snprintf(url[0], sizeof url[0], "%s%s", theirs, path);
    (void) snprintf(url[1], sizeof url[1], "%s%s", ours, path);
    CLEANUP(buf_release) Buf want_text = must_get(url[0]);
    CLEANUP(buf_release) Buf got_text = must_get(url[1]);
    size_t want_count = sorted_lines(buf_view(&want_text), &want);
    size_t got_count = sorted_lines(buf_view(&got_text), &got);
    CHECK_INT(want_count, got_count);
    for (size_t i = 0; i < want_count && i < got_count; i++)
        CHECK_STR(want[i], got[i]);
    free(want);
    free(got);
}

/* Each station by itself, with all that lists leave out: it was asked for a few at a time. */
static void check_each_station(const char *theirs, const char *ours)
{
    cJSON *stations = tree_of(theirs, "/id/stations"), *station = NULL;
    cJSON_ArrayForEach(station, json_items_of(stations))
    {
        char path[300];
        const char *id =
            cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(station, "notation"));
        if (id[0] == '\0')
            continue; /* its address is the list's */
        (void) snprintf(path, sizeof path, "/id/stations/%s", id);
        check_same_answer(theirs, ours, path);
        (void) snprintf(path, sizeof path, "/id/stations/%s/measures", id);
        check_same_answer(theirs, ours, path);
    }
    cJSON_Delete(stations);
}

TEST(scenario_agency_paths_are_the_upstream_s)
{
    static const char *const paths[] = {
        "/id/stations",
        "/id/stations?_view=full",
        "/id/stations/?parameter=level&qualifier=Stage&qualifier=level",
        "/id/stations?parameter=rainfall&_view=full",
        "/id/stations?type=Coastal",
        "/id/stations?status=Active",
        "/id/stations?search=a",
        "/id/measures",
        "/id/measures?parameter=level&qualifier=Stage",
        "/data/readings?latest",
        "/data/readings?latest&parameter=rainfall",
        "/data/readings?since=2026-01-20T13:00:00Z&_limit=10000",
        "/data/readings?since=2026-01-20T13:00:00Z&parameter=flow&_sorted=true&_limit=10000",
        "/data/readings?today&parameter=level",
    };
    const Simulator sim = simulator_start(
        (const char *const[]){"--clock", "--stations", "60", "--batching", "0", NULL});
    SimClock *clock = simclock_connect(sim.clock);
    const char *dir = test_dir();
    Freshet service =
        freshet_start(dir, sim.url, sim.clock, (const char *const[]){"--facade", "strict", NULL});
    char ours[128];
    (void) snprintf(ours, sizeof ours, "%s/flood-monitoring", service.url);
    simclock_sleep_until(clock,
                         simclock_now(clock) + 2 * 3600 + 600); /* after the poll at five past */
    for (size_t i = 0; i < countof(paths); i++)
        check_same_answer(sim.url, ours, paths[i]);
    check_same_lines(sim.url, ours, "/data/readings.csv?latest");
    check_each_station(sim.url, ours);

    CASE("what was asked for is kept, also without the upstream");
    cJSON *stations = tree_of(sim.url, "/id/stations");
    char path[300];
    (void) snprintf(path, sizeof path, "/id/stations/%s",
                    cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(
                        cJSON_GetArrayItem(json_items_of(stations), 3), "notation")));
    cJSON *before = tree_of(ours, path);
    CHECK_INT(0, freshet_stop(&service));
    service = freshet_start(dir, "http://127.0.0.1:9/flood-monitoring", sim.clock,
                            (const char *const[]){"--facade", "strict", NULL});
    (void) snprintf(ours, sizeof ours, "%s/flood-monitoring", service.url);
    cJSON *after = tree_of(ours, path);
    CHECK(cJSON_HasObjectItem(json_items_of(before), "eaRegionName"));
    check_same_item(json_items_of(before), json_items_of(after));
    CHECK_INT(0, freshet_stop(&service));
    cJSON_Delete(stations);
    cJSON_Delete(before);
    cJSON_Delete(after);
}
