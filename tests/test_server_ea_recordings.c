/* What the Agency really answered, and what we answer out of a store filled by the same: the same
 * items with the same members, in strict style. */
#include "base/clock.h"
#include "ingest/parse.h"
#include "tests/freshet.h"
#include "tests/parse_kit.h"
#include "tests/same_json.h"
#include "tests/site.h"

#include <stdlib.h>
#include <string.h>

/* What may differ, and why:
 * - The order of a list that nobody asked to be sorted: the upstream has none (Q25).
 * - White space and the order of members: JSON has neither.
 * - `meta.version` of recordings of 2017, which is 0.7; `meta.hasFormat` tells parameters in the order
 *   of their names, because one answer serves all who ask the same.
 * - A value given twice and alike (`[20.37, 20.37]`) is one value: that is no ambiguity.
 * - Readings are compared over their last 24 h, which is what is held.
 * - CSV: JSON does not tell the zeros at the end of a decimal (`41.030` is 41.03).
 * - `_limit` on stations, of which there is no recording: the upstream counts rows. */

#define AGENCY "http://environment.data.gov.uk/flood-monitoring/"

/* ---- filling --------------------------------------------------------------------------------- */

typedef struct Replica {
    Inside inside;
    Buf json;    /* the recording */
    cJSON *tree; /* the same */
    UnixSec now;
} Replica;

static void close_replica(void *ctx)
{
    Replica *replica = ctx;
    cJSON_Delete(replica->tree);
    buf_release(&replica->json);
    inside_close(&replica->inside);
}

/* A store that knows nothing yet, at the time of the recording. Skips the test where there is none. */
static void open_replica(Replica *replica, const char *recording, const char *now)
{
    *replica = (Replica){.now = 0};
    if (!test_recording(recording, &replica->json))
        test_skip("no recordings here");
    replica->tree = cJSON_ParseWithLength(replica->json.ptr, replica->json.len);
    REQUIRE(replica->tree != NULL);
    REQUIRE(clock_parse(str_of(now), &replica->now));
    inside_open(&replica->inside, false);
    replica->inside.options.facade_strict = true;
    replica->inside.options.cache_bytes = 64 << 20;
    replica->inside.fixture.now = replica->now - 3;
}

static void apply(Replica *replica, Batch *batch)
{
    (void) fixture_apply(&replica->inside.fixture, batch, FAULT_NONE);
    batch_release(batch);
}

static void fill_stations(Replica *replica, Str json)
{
    Err err = {.code = OK};
    Batch batch = batch_init();
    REQUIRE_OK(parse_all_stations(json, &batch, &err));
    apply(replica, &batch);
}

/* The stations of `json` are of all `types`; NULL ends them. */
static void fill_types(Replica *replica, Str json, const char *const *types)
{
    Err err = {.code = OK};
    Batch batch = batch_init();
    for (; *types != NULL; types++)
        REQUIRE_OK(parse_station_types(json, str_of(*types), &batch, &err));
    apply(replica, &batch);
}

static void fill_measures(Replica *replica, Str json)
{
    Err err = {.code = OK};
    Batch batch = batch_init();
    REQUIRE_OK(parse_all_measures(json, &batch, &err));
    apply(replica, &batch);
}

static void fill_readings(Replica *replica, Str json)
{
    Err err = {.code = OK};
    Batch batch = batch_init();
    REQUIRE_OK(parse_readings(json, replica->now, 1000000, &batch, &err));
    CHECK_INT(0, batch.refusal_count);
    apply(replica, &batch);
}

/* The newest readings of a list of measures: what /data/readings?latest says at that moment. */
static void fill_latest(Replica *replica, const cJSON *items)
{
    cJSON *document = cJSON_CreateObject(), *readings = cJSON_AddArrayToObject(document, "items");
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, items)
    {
        cJSON *latest = cJSON_GetObjectItemCaseSensitive(item, "latestReading");
        if (cJSON_IsObject(latest))
            cJSON_AddItemReferenceToArray(readings, latest);
    }
    char *text = cJSON_PrintUnformatted(document);
    fill_readings(replica, str_of(text));
    cJSON_free(text);
    cJSON_Delete(document);
}

/* ---- comparing ------------------------------------------------------------------------------- */

static bool is_double(const cJSON *value)
{
    return cJSON_IsArray(value) && cJSON_GetArraySize(value) == 2 &&
           cJSON_Compare(cJSON_GetArrayItem(value, 0), cJSON_GetArrayItem(value, 1), true);
}

/* The allowed difference in values: one that is given twice is one. */
static void join_doubles(cJSON *item)
{
    cJSON *latest = cJSON_GetObjectItemCaseSensitive(item, "latestReading");
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(latest, "value");
    if (is_double(value))
        cJSON_ReplaceItemInObjectCaseSensitive(
            latest, "value", cJSON_CreateNumber(cJSON_GetArrayItem(value, 0)->valuedouble));
}

static cJSON *repaired(const cJSON *value);

/* A list that the upstream writes bare when it holds one thing. */
static cJSON *repaired_list(const cJSON *value)
{
    cJSON *list = cJSON_CreateArray();
    const cJSON *element = NULL;
    if (!cJSON_IsArray(value)) {
        cJSON_AddItemToArray(list, repaired(value));
        return list;
    }
    cJSON_ArrayForEach(element, value)
    {
        cJSON_AddItemToArray(list, repaired(element));
    }
    return list;
}

/* What the default style makes of an item: `type` and `measures` are lists, everything else has one
 * value, which is the first. */
static cJSON *repaired(const cJSON *value)
{
    if (cJSON_IsArray(value))
        return repaired(cJSON_GetArrayItem(value, 0));
    if (!cJSON_IsObject(value))
        return cJSON_Duplicate(value, true);
    cJSON *object = cJSON_CreateObject();
    const cJSON *member = NULL;
    cJSON_ArrayForEach(member, value)
    {
        bool is_list =
            strcmp(member->string, "type") == 0 || strcmp(member->string, "measures") == 0;
        cJSON_AddItemToObject(object, member->string,
                              is_list ? repaired_list(member) : repaired(member));
    }
    return object;
}

static cJSON *ask_tree(Replica *replica, const char *target)
{
    CLEANUP(asked_release) Asked asked = ask(&replica->inside, target);
    CHECK_INT(200, asked.status);
    CHECK_TEXT("application/json", asked_header(&asked, "Content-Type"));
    cJSON *tree = cJSON_ParseWithLength(asked.body.ptr, asked.body.len);
    REQUIRE(tree != NULL);
    return tree;
}

/* What stands around the items. */
static void check_same_envelope(const cJSON *want, const cJSON *got)
{
    static const char *const NAMES[] = {"publisher", "licence", "documentation", "comment",
                                        "limit"};
    const cJSON *want_meta = cJSON_GetObjectItemCaseSensitive(want, "meta");
    const cJSON *got_meta = cJSON_GetObjectItemCaseSensitive(got, "meta");
    check_same_item(cJSON_GetObjectItemCaseSensitive(want, "@context"),
                    cJSON_GetObjectItemCaseSensitive(got, "@context"));
    for (size_t i = 0; i < countof(NAMES); i++) {
        const cJSON *member = cJSON_GetObjectItemCaseSensitive(want_meta, NAMES[i]);
        CASE(NAMES[i]);
        CHECK((member != NULL) == cJSON_HasObjectItem(got_meta, NAMES[i]));
        if (member != NULL)
            check_same_item(member, cJSON_GetObjectItemCaseSensitive(got_meta, NAMES[i]));
    }
    CHECK_INT(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(want_meta, "hasFormat")),
              cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(got_meta, "hasFormat")));
}

static void ask_as_default(Replica *replica)
{
    replica->inside.options.facade_strict = false;
    cache_close(replica->inside.cache); /* a running service never changes its style */
    replica->inside.cache = cache_open(64 << 20);
    REQUIRE(replica->inside.cache != NULL);
}

/* The default style differs by the repairs alone. */
static void check_default_list(Replica *replica, const char *target)
{
    ask_as_default(replica);
    cJSON *got = ask_tree(replica, target), *want = repaired_list(json_items_of(replica->tree));
    check_same_items(want, json_items_of(got));
    check_same_envelope(replica->tree, got);
    cJSON_Delete(want);
    cJSON_Delete(got);
}

static void check_default_single(Replica *replica, const char *target)
{
    ask_as_default(replica);
    cJSON *got = ask_tree(replica, target), *want = repaired(json_items_of(replica->tree));
    check_same_item(want, json_items_of(got));
    check_same_envelope(replica->tree, got);
    cJSON_Delete(want);
    cJSON_Delete(got);
}

/* ---- lists of measures and stations ---------------------------------------------------------- */

#define FULL_LEVELS                                                                                \
    "/flood-monitoring/id/stations?status=Active&parameter=level&qualifier=Stage&_view=full"
#define LEVELS "/flood-monitoring/id/measures?parameter=level&qualifier=Stage&qualifier=level"

TEST(agency_lists_of_measures_are_the_recorded_ones)
{
    static const struct {
        const char *recording, *now, *target;
    } cases[] = {
        {"measures-all-2025-09-05T155534Z.json.gz", "2025-09-05T15:55:34Z",
         "/flood-monitoring/id/measures"},
        {"measures-level-stage-2026-01-23.json.gz", "2026-01-23T17:30:00Z", LEVELS},
        {"measures-level-stage-2022-02-16.json.gz", "2022-02-16T18:30:00Z", LEVELS},
        {"measures-level-stage-2020-02-22.json.gz", "2020-02-22T16:30:00Z", LEVELS},
        {"measures-level-stage-2017-02-21-a.json.gz", "2017-02-21T14:10:00Z", LEVELS},
        {"measures-level-stage-2017-02-21-b.json.gz", "2017-02-21T15:40:00Z", LEVELS},
        {"measures-level-stage-2017-02-21-c.json.gz", "2017-02-21T16:10:00Z", LEVELS},
        {"measures-rainfall-2022-04-30.json.gz", "2022-04-30T12:30:00Z",
         "/flood-monitoring/id/measures?parameter=rainfall"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        Replica replica;
        CASE(cases[i].recording);
        open_replica(&replica, cases[i].recording, cases[i].now);
        fill_measures(&replica, buf_view(&replica.json));
        fill_latest(&replica, json_items_of(replica.tree));
        cJSON *got = ask_tree(&replica, cases[i].target), *item = NULL;
        cJSON_ArrayForEach(item, json_items_of(replica.tree))
        {
            join_doubles(item);
        }
        check_same_items(json_items_of(replica.tree), json_items_of(got));
        check_same_envelope(replica.tree, got);
        cJSON_Delete(got);
        check_default_list(&replica, cases[i].target);
        close_replica(&replica);
    }
}

TEST(agency_lists_of_stations_are_the_recorded_ones)
{
    static const struct {
        const char *recording, *now, *target, *types[2];
    } cases[] = {
        {"stations-all-2025-09-05T155532Z.json.gz",
         "2025-09-05T15:55:32Z",
         "/flood-monitoring/id/stations",
         {NULL}},
        {"stations-level-stage-full-view-2026-01-23.json.gz",
         "2026-01-23T17:30:00Z",
         FULL_LEVELS,
         {NULL}},
        {"stations-level-stage-full-view-2017-02-21.json.gz",
         "2017-02-21T16:10:00Z",
         FULL_LEVELS,
         {NULL}},
        {"stations-type-TideGauge-2025-09-05T164844Z.json",
         "2025-09-05T16:48:44Z",
         "/flood-monitoring/id/stations?type=TideGauge",
         {"TideGauge"}},
        {"stations-coastal-full-view-2022-04-30.json",
         "2022-04-30T12:30:00Z",
         "/flood-monitoring/id/stations?status=Active&parameter=level&_view=full&type=Coastal",
         {"Coastal"}},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        Replica replica;
        CASE(cases[i].recording);
        open_replica(&replica, cases[i].recording, cases[i].now);
        fill_stations(&replica, buf_view(&replica.json));
        fill_types(&replica, buf_view(&replica.json), cases[i].types);
        cJSON *got = ask_tree(&replica, cases[i].target);
        check_same_items(json_items_of(replica.tree), json_items_of(got));
        check_same_envelope(replica.tree, got);
        cJSON_Delete(got);
        check_default_list(&replica, cases[i].target);
        close_replica(&replica);
    }
}

/* Of the whole country, as it was an hour before. */
TEST(agency_list_of_a_type_is_cut_out_of_the_whole)
{
    Replica replica;
    CLEANUP(buf_release) Buf whole = buf_init(1);
    open_replica(&replica, "stations-type-TideGauge-2025-09-05T164844Z.json",
                 "2025-09-05T16:48:44Z");
    REQUIRE(test_recording("stations-all-2025-09-05T155532Z.json.gz", &whole));
    fill_stations(&replica, buf_view(&whole));
    fill_types(&replica, buf_view(&replica.json), (const char *const[]){"TideGauge", NULL});
    cJSON *got = ask_tree(&replica, "/flood-monitoring/id/stations/?type=TideGauge");
    check_same_items(json_items_of(replica.tree), json_items_of(got));
    cJSON_Delete(got);
    close_replica(&replica);
}

/* ---- readings -------------------------------------------------------------------------------- */

static UnixSec time_of(const cJSON *reading)
{
    UnixSec time = NO_TIME;
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(reading, "dateTime"));
    REQUIRE(clock_parse(str_of(text), &time));
    return time;
}

/* Of a recording only what is held: the 24 h before its newest. */
static void keep_last_day(cJSON *items)
{
    UnixSec newest = NO_TIME;
    cJSON *item = NULL, *next;
    cJSON_ArrayForEach(item, items)
    {
        if (time_of(item) > newest)
            newest = time_of(item);
    }
    for (item = items->child; item != NULL; item = next) {
        next = item->next;
        if (time_of(item) <= newest - 86400)
            cJSON_Delete(cJSON_DetachItemViaPointer(items, item));
    }
}

/* The measures that the readings name, as a list of measures would have them. */
static void fill_measures_of_readings(Replica *replica, const cJSON *items, const char *station,
                                      const char *parameter)
{
    CLEANUP(buf_release) Buf json = buf_init(1 << 20);
    const char *measure = cJSON_GetStringValue(
        cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(items, 0), "measure"));
    buf_printf(&json,
               "{\"items\":[{\"@id\":\"%s\",\"parameter\":\"%s\",\"period\":900,"
               "\"station\":\"" AGENCY "id/stations/%s\"}]}",
               measure, parameter, station);
    fill_measures(replica, buf_view(&json));
}

TEST(agency_lists_of_readings_are_the_recorded_ones)
{
    static const struct {
        const char *recording, *now, *target, *station, *parameter;
        bool sorted;
    } cases[] = {
        {"readings-default-2025-09-05T155535Z.json", "2025-09-05T15:55:35Z",
         "/flood-monitoring/data/readings", "1029TH", "level", false},
        {"readings-parameter-rainfall-2025-09-05T161959Z.json", "2025-09-05T16:19:59Z",
         "/flood-monitoring/data/readings?parameter=rainfall", "E7050", "rainfall", false},
        {"readings-parameter-rainfall-limit1-2025-09-05T162119Z.json", "2025-09-05T16:21:19Z",
         "/flood-monitoring/data/readings?parameter=rainfall&_limit=1", "E7050", "rainfall", false},
        {"station-readings-2077-today-2020-02-25.json", "2020-02-25T12:40:00Z",
         "/flood-monitoring/id/stations/2077/readings?today", "2077", "level", false},
        {"station-readings-2077-since-2020-02-26.json", "2020-02-26T14:20:00Z",
         "/flood-monitoring/id/stations/2077/readings?since=2020-02-26T10:30:00Z&_sorted", "2077",
         "level", true},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        Replica replica;
        CASE(cases[i].recording);
        open_replica(&replica, cases[i].recording, cases[i].now);
        cJSON *items = cJSON_GetObjectItemCaseSensitive(replica.tree, "items");
        fill_measures_of_readings(&replica, items, cases[i].station, cases[i].parameter);
        fill_readings(&replica, buf_view(&replica.json));
        keep_last_day(items);
        cJSON *got = ask_tree(&replica, cases[i].target);
        check_same_items(items, json_items_of(got));
        if (cases[i].sorted)
            check_same_item(items, json_items_of(got));
        check_same_envelope(replica.tree, got);
        cJSON_Delete(got);
        close_replica(&replica);
    }
}

/* ---- one thing at a time --------------------------------------------------------------------- */

static void fill_more(Replica *replica, Str json)
{
    Err err = {.code = OK};
    Batch batch = batch_init();
    REQUIRE_OK(parse_station_more(json, &batch, &err));
    apply(replica, &batch);
}

/* The measures of a single station, as a list. */
static cJSON *measures_of(const cJSON *station)
{
    const cJSON *measures = cJSON_GetObjectItemCaseSensitive(station, "measures");
    cJSON *list = cJSON_IsArray(measures) ? cJSON_Duplicate(measures, true) : cJSON_CreateArray();
    if (!cJSON_IsArray(measures))
        cJSON_AddItemToArray(list, cJSON_Duplicate(measures, true));
    return list;
}

/* What the lists would say of a single station and its measures: less than it says itself. */
static void remove_more(cJSON *item)
{
    static const char *const NAMES[] = {"eaAreaName", "eaRegionName", "statusDate", "type",
                                        "localDatumMeasure"};
    for (size_t i = 0; i < countof(NAMES); i++)
        cJSON_DeleteItemFromObjectCaseSensitive(item, NAMES[i]);
}

static void fill_from_items(Replica *replica, const cJSON *items,
                            void (*fill)(Replica *replica, Str json))
{
    cJSON *document = cJSON_CreateObject();
    cJSON_AddItemReferenceToObject(document, "items", (cJSON *) (uintptr_t) items);
    char *text = cJSON_PrintUnformatted(document);
    fill(replica, str_of(text));
    cJSON_free(text);
    cJSON_Delete(document);
}

static void fill_as_lists(Replica *replica, const cJSON *station)
{
    cJSON *listed = cJSON_Duplicate(station, true), *measures = measures_of(station), *item = NULL;
    remove_more(listed);
    cJSON_ReplaceItemInObjectCaseSensitive(listed, "measures", cJSON_Duplicate(measures, true));
    fill_from_items(replica, listed, fill_stations);
    cJSON_ArrayForEach(item, measures)
    {
        remove_more(item);
    }
    fill_from_items(replica, measures, fill_measures);
    fill_latest(replica, measures);
    cJSON_Delete(listed);
    cJSON_Delete(measures);
}

TEST(agency_single_stations_are_the_recorded_ones)
{
    static const struct {
        const char *recording, *now, *target;
    } cases[] = {
        {"station-single-1491TH-2020-02-17.json", "2020-02-17T20:30:00Z",
         "/flood-monitoring/id/stations/1491TH"},
        {"station-single-E70039-2025-09-05T164844Z.json", "2025-09-05T16:48:44Z",
         "/flood-monitoring/id/stations/E70039.json"},
        {"station-single-E7050-2025-09-05T161955Z.json", "2025-09-05T16:19:55Z",
         "/flood-monitoring/id/stations/E7050/"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        Replica replica;
        CASE(cases[i].recording);
        open_replica(&replica, cases[i].recording, cases[i].now);
        fill_as_lists(&replica, json_items_of(replica.tree));
        fill_more(&replica, buf_view(&replica.json));
        cJSON *got = ask_tree(&replica, cases[i].target);
        check_same_item(json_items_of(replica.tree), json_items_of(got));
        check_same_envelope(replica.tree, got);
        cJSON_Delete(got);
        check_default_single(&replica, cases[i].target);
        close_replica(&replica);
    }
}

/* Before it was asked for alone: its type is known from the lists by type. */
TEST(agency_single_station_knows_its_type_from_the_lists)
{
    Replica replica;
    open_replica(&replica, "station-single-E70039-2025-09-05T164844Z.json", "2025-09-05T16:48:44Z");
    cJSON *want = cJSON_GetObjectItemCaseSensitive(replica.tree, "items");
    fill_as_lists(&replica, want);
    fill_types(&replica, buf_view(&replica.json),
               (const char *const[]){"TideGauge", "Coastal", NULL});
    cJSON *got = ask_tree(&replica, "/flood-monitoring/id/stations/E70039");
    cJSON_DeleteItemFromObjectCaseSensitive(want, "eaAreaName");
    cJSON_DeleteItemFromObjectCaseSensitive(want, "eaRegionName");
    cJSON_DeleteItemFromObjectCaseSensitive(want, "statusDate");
    cJSON_DeleteItemFromObjectCaseSensitive(cJSON_GetObjectItemCaseSensitive(want, "measures"),
                                            "localDatumMeasure");
    check_same_item(want, json_items_of(got));
    cJSON_Delete(got);
    close_replica(&replica);
}

TEST(agency_single_measure_is_the_recorded_one)
{
    Replica replica;
    CLEANUP(buf_release) Buf station = buf_init(1);
    open_replica(&replica, "measure-single-E7050-rainfall-2025-09-05T161957Z.json",
                 "2025-09-05T16:21:20Z");
    REQUIRE(test_recording("station-single-E7050-2025-09-05T161955Z.json", &station));
    cJSON *station_tree = cJSON_ParseWithLength(station.ptr, station.len);
    fill_as_lists(&replica, json_items_of(station_tree));
    fill_more(&replica, buf_view(&station));
    cJSON *got = ask_tree(&replica, "/flood-monitoring/id/measures/"
                                    "E7050-rainfall-tipping_bucket_raingauge-t-15_min-mm");
    check_same_item(json_items_of(replica.tree), json_items_of(got));
    check_same_envelope(replica.tree, got);
    cJSON_Delete(got);
    cJSON_Delete(station_tree);
    close_replica(&replica);
}

/* It is older than what is held, and is loaded alone: so it is its measure's newest here. */
TEST(agency_single_reading_is_the_recorded_one)
{
    Replica replica;
    open_replica(&replica, "reading-single-E7050-2025-09-05T162120Z.json", "2025-09-05T16:21:20Z");
    const cJSON *want = json_items_of(replica.tree);
    cJSON *measure = cJSON_GetObjectItemCaseSensitive(want, "measure");
    fill_from_items(&replica, measure, fill_measures);
    fill_readings(&replica, buf_view(&replica.json));
    cJSON_ReplaceItemInObjectCaseSensitive(measure, "latestReading",
                                           cJSON_CreateString(json_id_of(want)));
    cJSON *got = ask_tree(
        &replica, "/flood-monitoring/data/readings/"
                  "E7050-rainfall-tipping_bucket_raingauge-t-15_min-mm/2025-08-07T05-15-00Z");
    check_same_item(want, json_items_of(got));
    check_same_envelope(replica.tree, got);
    cJSON_Delete(got);
    close_replica(&replica);
}

/* ---- CSV and tables -------------------------------------------------------------------------- */

enum { ROWS_MAX = 80000 };

typedef struct Line {
    UnixSec time;
    Str measure;
    double value;
} Line;

/* The columns of a table, by their place in its lines. */
typedef struct Columns {
    size_t time, measure, value;
} Columns;

static int by_measure_newest_first(const void *a, const void *b)
{
    const Line *one = a, *two = b;
    int order = str_cmp(one->measure, two->measure);
    return order != 0 ? order : (one->time < two->time) - (one->time > two->time);
}

static size_t read_rows(Str csv, Columns columns, Line rows[static ROWS_MAX])
{
    Str line, rest = csv;
    size_t count = 0;
    REQUIRE(str_cut(rest, '\n', &line, &rest)); /* the header */
    while (str_cut(rest, '\n', &line, &rest)) {
        if (str_trim(line).len == 0)
            continue;
        Line *row = &rows[count++];
        REQUIRE(count < ROWS_MAX);
        row->measure = str_after_last(csv_cell(line, columns.measure), '/');
        REQUIRE(clock_parse(csv_cell(line, columns.time), &row->time));
        REQUIRE(str_to_double(str_trim(csv_cell(line, columns.value)), &row->value));
    }
    qsort(rows, count, sizeof *rows, by_measure_newest_first);
    return count;
}

/* Of rows by measure, newest first: each measure's last 24 h; all are of different stations. */
static size_t keep_last_days(Line *rows, size_t count)
{
    size_t kept = 0;
    UnixSec newest = NO_TIME;
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || !str_eq(rows[i].measure, rows[i - 1].measure))
            newest = rows[i].time;
        if (rows[i].time > newest - 86400)
            rows[kept++] = rows[i];
    }
    return kept;
}

/* A store with the measures of the rows, each at a station of its own, and with their readings. */
static void fill_rows(Inside *inside, const Line *rows, size_t count, UnixSec now)
{
    Batch batch = batch_init();
    for (size_t i = 0; i < count; i++) {
        Str id;
        REQUIRE(arena_copy(&batch.strings, rows[i].measure, &id));
        if (i == 0 || !str_eq(rows[i].measure, rows[i - 1].measure)) {
            const Measure measure = a_measure(id.ptr, id.ptr, "level", "Stage");
            REQUIRE(batch_add_measure(&batch, &measure));
        }
        add_reading(&batch, id.ptr, rows[i].time, rows[i].value);
    }
    inside->fixture.now = now - 1;
    (void) fixture_apply(&inside->fixture, &batch, FAULT_NONE);
    batch_release(&batch);
}

/* What we say, in the order in which we say it. */
static void check_same_rows(const Line *want, size_t want_count, Str csv)
{
    Str line, rest = csv;
    size_t count = 0;
    REQUIRE(str_cut(rest, '\n', &line, &rest));
    CHECK_TEXT("dateTime,measure,value", line);
    while (str_cut(rest, '\n', &line, &rest) && count < want_count) {
        double value;
        UnixSec time = NO_TIME;
        CHECK(clock_parse(csv_cell(line, 0), &time));
        CHECK_INT(want[count].time, time);
        CHECK_STR(want[count].measure, str_after_last(csv_cell(line, 1), '/'));
        CHECK(str_starts(line, STR("20")) && str_starts(csv_cell(line, 1), STR(AGENCY)));
        CHECK(str_to_double(csv_cell(line, 2), &value));
        CHECK_DOUBLE(want[count].value, value); /* 41.030 is 41.03 */
        count++;
    }
    CHECK_INT(want_count, count);
    CHECK_INT(0, rest.len);
}

TEST(agency_csv_of_readings_is_the_recorded_one)
{
    static const struct {
        const char *recording, *now, *target;
    } cases[] = {
        {"readings-latest-excerpt-2020-05.csv", "2020-06-01T00:00:00Z",
         "/flood-monitoring/data/readings.csv?latest&_limit=10000"},
        {"measure-readings-305111-rainfall-2024-05.csv", "2024-06-01T00:00:00Z",
         "/flood-monitoring/id/measures/305111-rainfall-tipping_bucket_raingauge-t-15_min-mm/"
         "readings.csv?_sorted"},
    };
    Line *rows = calloc(ROWS_MAX, sizeof *rows);
    REQUIRE(rows != NULL);
    for (size_t i = 0; i < countof(cases); i++) {
        Inside inside;
        UnixSec now;
        CLEANUP(buf_release) Buf csv = buf_init(1);
        CASE(cases[i].recording);
        if (!test_recording(cases[i].recording, &csv))
            test_skip("no recordings here");
        buf_put_char(&csv, '\n'); /* the last line may lack its end */
        REQUIRE(clock_parse(str_of(cases[i].now), &now));
        size_t count = read_rows(buf_view(&csv), (Columns){0, 1, 2}, rows);
        inside_open(&inside, false);
        fill_rows(&inside, rows, count, now);
        CLEANUP(asked_release) Asked asked = ask(&inside, cases[i].target);
        check_same_rows(rows, keep_last_days(rows, count), asked.body);
        inside_close(&inside);
    }
    free(rows);
}

/* 19 series of one catchment as a poller of theirs had them after 40 days. */
TEST(agency_readings_of_a_catchment_are_the_recorded_ones)
{
    Inside inside;
    CLEANUP(buf_release) Buf csv = buf_init(1);
    if (!test_recording("taw-catchment-readings-with-arrival-2026-01-13-to-02-21.csv.gz", &csv))
        test_skip("no recordings here");
    Line *rows = calloc(ROWS_MAX, sizeof *rows);
    REQUIRE(rows != NULL);
    size_t count = read_rows(buf_view(&csv), (Columns){1, 0, 2}, rows);
    inside_open(&inside, false);
    fill_rows(&inside, rows, count, clock_from_civil(2026, 2, 22, 0, 0, 0));
    count = keep_last_days(rows, count);
    size_t measures = 0;
    for (size_t first = 0, end; first < count; first = end, measures++) {
        CLEANUP(buf_release) Buf target = buf_init(400);
        for (end = first; end < count && str_eq(rows[end].measure, rows[first].measure);)
            end++;
        buf_printf(&target, "/flood-monitoring/id/measures/" STR_FMT "/readings.csv?_sorted%c",
                   STR_ARG(rows[first].measure), '\0');
        CASE(target.ptr);
        CLEANUP(asked_release) Asked asked = ask(&inside, target.ptr);
        check_same_rows(rows + first, end - first, asked.body);
    }
    CHECK_INT(19, measures);
    inside_close(&inside);
    free(rows);
}
