/* The whole country as it was recorded, through the wire: what the simulator replays is what freshet
 * serves, item for item, or stands in a count. Where the recordings are not there, a folder of our own. */
#include "base/json.h"
#include "tests/freshet.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *replay_folder(void)
{
    static const char RECORDINGS[] = "../shared/upstream";
    return access(RECORDINGS, R_OK) == 0 ? RECORDINGS : "tests/fixtures/network";
}

static cJSON *fetch_items(const char *url)
{
    CLEANUP(buf_release) Buf body = must_get(url);
    cJSON *document = cJSON_ParseWithLength(body.ptr, body.len);
    cJSON *items = cJSON_DetachItemFromObjectCaseSensitive(document, "items");
    cJSON_Delete(document);
    REQUIRE(cJSON_IsArray(items));
    return items;
}

static void drop(cJSON **json)
{
    cJSON_Delete(*json);
}

static const char *text(const cJSON *item, const char *name)
{
    const char *value = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, name));
    return value != NULL ? value : "";
}

/* Our rows by id: an object whose members are the items, so that cJSON finds them. */
typedef struct Index {
    const char *id;
    const cJSON *item;
} Index;

static int by_id(const void *a, const void *b)
{
    return strcmp(((const Index *) a)->id, ((const Index *) b)->id);
}

static Index *index_by(const cJSON *items, const char *name, size_t *ret_count)
{
    size_t count = (size_t) cJSON_GetArraySize(items), i = 0;
    Index *index = calloc(count > 0 ? count : 1, sizeof *index);
    const cJSON *item = NULL;
    REQUIRE(index != NULL);
    cJSON_ArrayForEach(item, items)
    {
        index[i++] = (Index){.id = text(item, name), .item = item};
    }
    qsort(index, count, sizeof *index, by_id);
    *ret_count = count;
    return index;
}

static const cJSON *look_up(const Index *index, size_t count, const char *id)
{
    const Index key = {.id = id};
    const Index *found = bsearch(&key, index, count, sizeof *index, by_id);
    return found != NULL ? found->item : NULL;
}

static const char *last_segment(const char *uri)
{
    const char *slash = strrchr(uri, '/');
    return slash != NULL ? slash + 1 : uri;
}

/* Every item of `theirs` has its id among `ours`. */
static void check_ids(const cJSON *theirs, const cJSON *ours, const char *name)
{
    size_t count = 0;
    Index *index = index_by(ours, name, &count);
    const cJSON *item = NULL;
    size_t missing = 0;
    cJSON_ArrayForEach(item, theirs)
    {
        if (look_up(index, count, last_segment(text(item, "@id"))) == NULL)
            missing++;
    }
    CHECK_INT(0, missing);
    free(index);
}

static bool is_among(double value, const cJSON *values)
{
    const cJSON *element = NULL;
    if (cJSON_IsNumber(values))
        return values->valuedouble == value;
    cJSON_ArrayForEach(element, values)
    {
        if (cJSON_IsNumber(element) && element->valuedouble == value)
            return true;
    }
    return false;
}

/* Every newest reading of theirs is ours, with the same time and value. How many are not. */
static size_t check_readings(const cJSON *theirs, const cJSON *ours)
{
    size_t count = 0, missing = 0, wrong = 0;
    Index *index = index_by(ours, "measure", &count);
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, theirs)
    {
        const cJSON *mine = look_up(index, count, last_segment(text(item, "measure")));
        if (mine == NULL) {
            missing++;
            continue;
        }
        const cJSON *value = cJSON_GetObjectItemCaseSensitive(mine, "value");
        if (strcmp(text(mine, "time"), text(item, "dateTime")) != 0 || !cJSON_IsNumber(value) ||
            !is_among(value->valuedouble, cJSON_GetObjectItemCaseSensitive(item, "value")))
            wrong++;
    }
    CHECK_INT(0, wrong);
    free(index);
    return missing;
}

TEST(scenario_whole_country_is_served_as_it_was_recorded)
{
    const Simulator sim =
        simulator_start((const char *const[]){"--clock", "--replay", replay_folder(), NULL});
    SimClock *clock = simclock_connect(sim.clock);
    Freshet service = freshet_start(test_dir(), sim.url, sim.clock, NULL);
    simclock_sleep_until(clock, simclock_now(clock) + 5); /* the first poll is over */
    CHECK_TEXT("none", freshet_tell(&service, "fault"));

    char url[256];
    (void) snprintf(url, sizeof url, "%s/id/stations", sim.url);
    CLEANUP(drop) cJSON *their_stations = fetch_items(url);
    (void) snprintf(url, sizeof url, "%s/id/measures", sim.url);
    CLEANUP(drop) cJSON *their_measures = fetch_items(url);
    (void) snprintf(url, sizeof url, "%s/data/readings?latest", sim.url);
    CLEANUP(drop) cJSON *their_latest = fetch_items(url);
    (void) snprintf(url, sizeof url, "%s/v1/stations", service.url);
    CLEANUP(drop) cJSON *stations = fetch_items(url);
    (void) snprintf(url, sizeof url, "%s/v1/measures", service.url);
    CLEANUP(drop) cJSON *measures = fetch_items(url);
    (void) snprintf(url, sizeof url, "%s/v1/latest", service.url);
    CLEANUP(drop) cJSON *latest = fetch_items(url);

    check_ids(their_stations, stations, "station");
    check_ids(their_measures, measures, "measure");
    CHECK_INT(cJSON_GetArraySize(their_measures), cJSON_GetArraySize(measures));
    CHECK(cJSON_GetArraySize(their_latest) > 0);
    int64_t quarantined = atoll(freshet_tell(&service, "last_poll.quarantined").ptr);
    int64_t expired = atoll(freshet_tell(&service, "last_poll.expired").ptr);
    CHECK_INT(quarantined + expired, check_readings(their_latest, latest));
    CHECK_INT(0, expired); /* a measure's only reading is its last known, however old */
    CHECK(cJSON_GetArraySize(their_latest) <=
          atoll(freshet_tell(&service, "last_poll.received").ptr));

    int64_t sum = 0;
    static const char *const KINDS[] = {"new",       "late",    "unchanged",
                                        "corrected", "expired", "quarantined"};
    for (size_t i = 0; i < countof(KINDS); i++) {
        char path[64];
        (void) snprintf(path, sizeof path, "last_poll.%s", KINDS[i]);
        sum += atoll(freshet_tell(&service, path).ptr);
    }
    CHECK_INT(sum, atoll(freshet_tell(&service, "last_poll.received").ptr));
    CHECK_INT(0, freshet_stop(&service));
}

static int64_t count_of(Str document)
{
    Str text = STR_NONE;
    int64_t count = -1;
    CHECK(json_member(document, STR("count"), &text) && str_to_int(text, &count));
    return count;
}

TEST(scenario_quirk_26_the_feed_is_asked_for_what_is_newest)
{
    const Simulator sim =
        simulator_start((const char *const[]){"--clock", "--stations", "20", NULL});
    SimClock *clock = simclock_connect(sim.clock);
    Freshet service = freshet_start(test_dir(), sim.url, sim.clock, NULL);
    simclock_sleep_until(clock, simclock_now(clock) + 5);
    CLEANUP(buf_release) Buf latest = freshet_get(&service, "/v1/latest");
    CLEANUP(buf_release) Buf readings = freshet_get(&service, "/v1/readings");
    /* Without `latest` the upstream gives the 500 oldest readings of one series. */
    CHECK(count_of(buf_view(&latest)) > 10);
    CHECK(count_of(buf_view(&readings)) > 10);
    CHECK_INT(0, freshet_stop(&service));
}
