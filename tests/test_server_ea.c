/* The Agency's own paths: how their clients ask, what is repaired, and what leads elsewhere. */
#include "base/clock.h"
#include "base/json.h"
#include "ingest/parse.h"
#include "tests/parse_kit.h"
#include "tests/site.h"

#include <stdio.h>
#include <string.h>

#define AGENCY "http://environment.data.gov.uk/flood-monitoring/"
#define SECURE "https://environment.data.gov.uk/flood-monitoring/"
#define PATH   "/flood-monitoring/"

/* ---- a little country as the Agency tells it: tests/fixtures/agency ---------------------------- */

/* A1 has a stage for 24 h and a flow with two values at once; B-north and B-south share a reference,
 * and B-north has most things twice and is silent for six days; one station has no name, and one
 * measure is at a station that is in no list. It is noon. */
static void fill(Inside *inside)
{
    Err err = {.code = OK};
    Buf stations = test_fixture("agency/stations.json"), more = test_fixture("agency/single.json");
    Buf measures = test_fixture("agency/measures.json");
    Buf readings = test_fixture("agency/readings.json");
    UnixSec now = clock_from_civil(2026, 2, 2, 12, 0, 0);
    Batch batch = batch_init();
    REQUIRE_OK(parse_all_stations(buf_view(&stations), &batch, &err));
    REQUIRE_OK(parse_all_measures(buf_view(&measures), &batch, &err));
    REQUIRE_OK(parse_station_more(buf_view(&more), &batch, &err));
    REQUIRE_OK(parse_readings(buf_view(&readings), now, 1000, &batch, &err));
    REQUIRE(batch_add_type(&batch, STR("B-north"), STR("TideGauge")));
    inside->fixture.now = now - 1;
    (void) fixture_apply(&inside->fixture, &batch, FAULT_NONE);
    batch_release(&batch);
    buf_release(&stations);
    buf_release(&measures);
    buf_release(&readings);
    buf_release(&more);
}

static void open_country(Inside *inside)
{
    inside_open(inside, false);
    fill(inside);
}

static int64_t item_count(const Asked *asked)
{
    return (int64_t) json_count(json_at(asked->body, "items"));
}

/* ---- how clients ask ------------------------------------------------------------------------- */

TEST(agency_paths_are_asked_in_every_way_there_is)
{
    static const struct {
        const char *target;
        int64_t items, limit; /* limit 0: none is told */
    } cases[] = {
        /* whole lists, in one answer */
        {"id/stations", 4, 0},
        {"id/stations/", 4, 0},
        {"id/stations.json", 4, 0},
        {"id/measures", 5, 0},
        {"data/readings?latest", 5, 0},
        {"data/readings?latest=", 5, 0},
        {"data/readings?latest=true", 5, 0},
        {"data/readings/?latest&_limit=10000", 5, 10000},
        {"data/readings", 101, 500},
        {"data/readings?_limit=100000", 101, 10000},
        {"data/readings?_limit=7&_offset=99", 2, 7},
        {"data/readings?today", 51, 0},
        {"data/readings?today&_limit=0", 0, 0},
        /* stations */
        {"id/stations?parameter=flow", 2, 0},
        {"id/stations?parameterName=Water%20Level", 1, 0},
        {"id/stations?parameterName=Water+Level", 1, 0},
        {"id/stations?parameter=level&qualifier=Stage&qualifier=level", 1, 0},
        {"id/stations?parameter=Level", 0, 0},
        {"id/stations?label=Abingdon+Lock", 1, 0},
        {"id/stations?label=Bell+TL", 1, 0},
        {"id/stations?search=bell", 2, 0},
        {"id/stations?town=Abingdon&riverName=River%20Thames", 1, 0},
        {"id/stations?riverName=Thames", 0, 0},
        {"id/stations?RLOIid=7001", 1, 0},
        {"id/stations?stationReference=A+1", 1, 0},
        {"id/stations/?stationReference=B", 2, 0},
        {"id/stations?stationReference=A1", 1, 0},
        {"id/stations?status=Active", 2, 0},
        {"id/stations?status=Suspended", 1, 0},
        {"id/stations?status=" AGENCY "def/core/statusActive", 2, 0},
        {"id/stations?type=TideGauge", 1, 0},
        {"id/stations?type=" AGENCY "def/core/TideGauge", 1, 0},
        {"id/stations?lat=51.6&long=-1.3&dist=10", 1, 0},
        {"id/stations?lat=51.6&long=-1.3&dist=500", 2, 0},
        {"id/stations?nonsense=1&town=", 4, 0},
        {"id/stations?_limit=3", 3, 3},
        {"id/stations?_limit=3&_offset=3", 1, 3},
        {"id/stations?_view=full", 4, 0},
        /* measures */
        {"id/measures?parameter=level", 2, 0},
        {"id/measures?stationReference=A%201", 2, 0},
        {"id/measures?station=" AGENCY "id/stations/A1", 2, 0},
        {"id/measures?station=A1&qualifier=Stage", 1, 0},
        {"id/measures?stationType=TideGauge", 1, 0},
        {"id/stations/A1/measures", 2, 0},
        {"id/stations/A%201/measures?parameter=flow", 1, 0},
        {"id/stations/B-south/measures", 0, 0},
        /* readings */
        {"id/stations/A1/readings?latest", 2, 0},
        {"id/stations//readings", 1, 500},
        {"id/stations/GHOST/readings", 1, 500},
        {"id/stations/B-south/readings", 0, 500},
        {"id/stations/B-north/readings?latest", 1, 0},
        {"id/stations/A1/readings?since=2026-02-02T11:15:00Z", 1, 500},
        {"id/stations/A1/readings?since=2026-02-02T11:14:59.999999Z", 3, 500},
        {"id/measures/A1-stage/readings", 96, 500},
        {"id/measures/A1-stage/readings/?_sorted&since=2026-02-02T10:11:12.123456Z", 6, 500},
        {"id/measures/A1-stage/readings?_sorted=true&_limit=2", 2, 2},
        {"id/measures/A1-stage/readings?since=2026-02-02", 46, 500},
        {"id/measures/A1-stage/readings?date=2026-02-02", 47, 500},
        {"id/measures/A1-stage/readings?startdate=2026-02-02&enddate=2026-02-02", 47, 500},
        {"id/measures/A1-stage/readings?date=2026-02-03", 0, 500},
        {"id/measures/A1-stage/readings?since=2026-02-02T11:00:00+00:00", 2, 500},
        {"data/readings?parameter=rainfall&latest", 1, 0},
        {"data/readings?stationReference=B&latest", 1, 0},
        {"data/readings?latest&since=2026-02-02T00:00:00Z", 4, 0},
    };
    Inside inside;
    open_country(&inside);
    for (size_t i = 0; i < countof(cases); i++) {
        CLEANUP(buf_release) Buf target = buf_init(400);
        CASE(cases[i].target);
        buf_printf(&target, PATH "%s%c", cases[i].target, '\0');
        CLEANUP(asked_release) Asked asked = ask(&inside, target.ptr);
        CHECK_INT(200, asked.status);
        CHECK_TEXT("application/json", asked_header(&asked, "Content-Type"));
        CHECK_INT(cases[i].items, item_count(&asked));
        int64_t limit = 0;
        (void) str_to_int(json_at(asked.body, "meta.limit"), &limit);
        CHECK_INT(cases[i].limit, limit);
    }
    inside_close(&inside);
}

TEST(agency_paths_take_an_absolute_target)
{
    Inside inside;
    open_country(&inside);
    CLEANUP(asked_release) Asked asked = ask(&inside, AGENCY "id/stations/A1/readings?latest");
    CHECK_INT(200, asked.status);
    CHECK_INT(2, item_count(&asked));
    inside_close(&inside);
}

TEST(agency_clients_may_demand_a_form)
{
    static const struct {
        const char *target, *accept, *type;
        unsigned status;
    } cases[] = {
        {PATH "id/stations", NULL, "application/json", 200},
        {PATH "id/stations", "*/*", "application/json", 200},
        {PATH "id/stations", "application/json", "application/json", 200},
        {PATH "id/stations", "text/csv", "text/csv; charset=utf-8; header=present", 200},
        {PATH "id/stations.csv", "application/json", "text/csv; charset=utf-8; header=present",
         200},
        {PATH "id/stations/A1", "text/csv", "application/json", 200}, /* one thing has one form */
        {PATH "id/stations", "image/png", "application/problem+json", 406},
    };
    Inside inside;
    open_country(&inside);
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].target);
        CLEANUP(asked_release) Asked asked = ask_accept(&inside, cases[i].target, cases[i].accept);
        CHECK_INT(cases[i].status, asked.status);
        CHECK_TEXT(cases[i].type, asked_header(&asked, "Content-Type"));
    }
    inside_close(&inside);
}

/* The path of an address, and what it answers. */
static Asked follow(Inside *inside, Str address, const char *more)
{
    const Str root = STR("http://environment.data.gov.uk");
    CLEANUP(buf_release) Buf target = buf_init(400);
    REQUIRE(str_starts(address, root));
    buf_put_str(&target, (Str){address.ptr + root.len, address.len - root.len});
    buf_printf(&target, "%s%c", more, '\0');
    Asked asked = {.arena = arena_init()};
    Str kept;
    REQUIRE(arena_copy(&asked.arena, buf_view(&target), &kept)); /* the answer may borrow it */
    Asked made = ask(inside, kept.ptr);
    arena_release(&asked.arena);
    return made;
}

TEST(agency_links_lead_from_item_to_item)
{
    Inside inside;
    open_country(&inside);
    CLEANUP(asked_release) Asked stations = ask(&inside, PATH "id/stations");
    /* by id: the nameless one first, then A1 */
    CLEANUP(asked_release)
    Asked station = follow(&inside, json_text_at(stations.body, "items.1.@id"), "");
    CHECK_TEXT("A1", json_text_at(station.body, "items.notation"));
    CLEANUP(asked_release)
    Asked measure = follow(&inside, json_text_at(station.body, "items.measures.1.@id"), "");
    CHECK_TEXT("A1-stage", json_text_at(measure.body, "items.notation"));
    CLEANUP(asked_release)
    Asked again = follow(&inside, json_text_at(measure.body, "items.station"), "");
    CHECK_TEXT("A1", json_text_at(again.body, "items.notation"));
    CLEANUP(asked_release)
    Asked readings =
        follow(&inside, json_text_at(measure.body, "items.@id"), "/readings?_sorted&_limit=1");
    CHECK_TEXT("2026-02-02T11:30:00Z", json_text_at(readings.body, "items.0.dateTime"));
    CLEANUP(asked_release)
    Asked reading = follow(&inside, json_text_at(readings.body, "items.0.@id"), "");
    CHECK_TEXT("1.0", json_at(reading.body, "items.value"));
    CHECK_TEXT("2026-02-02", json_text_at(reading.body, "items.date"));
    CLEANUP(asked_release)
    Asked scale = follow(&inside, json_text_at(stations.body, "items.1.stageScale"), "");
    CHECK_TEXT("5", json_at(scale.body, "items.scaleMax"));
    inside_close(&inside);
}

/* ---- what is said ---------------------------------------------------------------------------- */

TEST(agency_answers_keep_the_shapes_or_repair_them)
{
    static const struct {
        const char *target, *at, *strict, *repaired;
    } cases[] = {
        {PATH "id/stations/B-north", "items.label", "[\"Bell\",\"Bell TL\"]", "\"Bell\""},
        {PATH "id/stations/B-north", "items.lat", "[54.1,54.2]", "54.1"},
        {PATH "id/stations?search=Bell", "items.0.label", "[\"Bell\",\"Bell TL\"]", "\"Bell\""},
        {PATH "id/stations/B-north", "items.measures.notation", "\"B-rain\"", NULL},
        {PATH "id/stations/B-north", "items.measures.0.notation", NULL, "\"B-rain\""},
        {PATH "id/stations/B-south", "items.type", "\"" AGENCY "def/core/Station\"",
         "[\"" AGENCY "def/core/Station\"]"},
        {PATH "id/stations/B-south", "items.measures", NULL, NULL},
        {PATH "id/stations/A1", "items.stageScale.typicalRangeHigh", "[0.9,1.2]", "0.9"},
        {PATH "id/stations/A1/stageScale", "items.maxOnRecord.value", "[4.1,4.2]", "4.1"},
        {PATH "id/stations/A1", "items.eaAreaName", "\"Thames - West Thames\"",
         "\"Thames - West Thames\""},
        {PATH "id/measures/A1-stage", "items.localDatumMeasure", "\"" AGENCY "id/measures/X\"",
         "\"" AGENCY "id/measures/X\""},
        {PATH "id/stations?_view=full", "items.1.stageScale.scaleMax", "5", "5"},
        {PATH "id/stations", "items.1.stageScale", "\"" AGENCY "id/stations/A1/stageScale\"",
         "\"" AGENCY "id/stations/A1/stageScale\""},
        {PATH "id/stations?qualifier=Stage", "items.0.measures.0.qualifier", "\"Stage\"",
         "\"Stage\""},
        {PATH "id/stations?qualifier=Stage", "items.0.measures.1", NULL, NULL},
        {PATH "id/measures/A1-flow", "items.latestReading.value", "[0.17,11.627]", "11.627"},
        {PATH "id/measures/A1-flow", "items.latestReading.date", "\"2026-02-02\"",
         "\"2026-02-02\""},
        {PATH "id/measures/A1-flow/readings?latest", "items.0.value", "[0.17,11.627]", "11.627"},
        {PATH "id/measures/A1-flow/readings", "items.0.value", "12.5", "12.5"},
        {PATH "id/measures/-flow/readings?_view=full", "items.0.measure.latestReading",
         "\"" AGENCY "data/readings/-flow/2026-02-02T10-00-00Z\"",
         "\"" AGENCY "data/readings/-flow/2026-02-02T10-00-00Z\""},
        {PATH "id/measures/-flow/readings", "items.0.value", "3.0", "3.0"},
    };
    for (int strict = 0; strict <= 1; strict++) {
        Inside inside;
        open_country(&inside);
        inside.options.facade_strict = strict == 1;
        for (size_t i = 0; i < countof(cases); i++) {
            CASE(cases[i].at);
            CLEANUP(asked_release) Asked asked = ask(&inside, cases[i].target);
            CHECK_INT(200, asked.status);
            CHECK_STR(str_of(strict == 1 ? cases[i].strict : cases[i].repaired),
                      json_at(asked.body, cases[i].at));
        }
        inside_close(&inside);
    }
}

TEST(agency_meta_names_the_other_forms)
{
    static const struct {
        const char *target, *first;
        int64_t count;
    } cases[] = {
        {PATH "id/stations?_view=full&riverName=River+Thames",
         AGENCY "id/stations.csv?_view=full&riverName=River%20Thames", 4},
        {PATH "data/readings?latest=", AGENCY "data/readings.csv?latest", 4},
        {PATH "id/measures/A1-stage/readings/?_limit=1",
         AGENCY "id/measures/A1-stage/readings.csv?_limit=1", 4},
        {PATH "id/stations/A1", AGENCY "id/stations/A1.rdf", 3},
    };
    Inside inside;
    open_country(&inside);
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].target);
        CLEANUP(asked_release) Asked asked = ask(&inside, cases[i].target);
        CHECK_TEXT(cases[i].first, json_text_at(asked.body, "meta.hasFormat.0"));
        CHECK_INT(cases[i].count, json_count(json_at(asked.body, "meta.hasFormat")));
    }
    inside_close(&inside);
}

TEST(agency_csv_is_read_line_by_line)
{
    static const struct {
        const char *target, *text;
        bool strict;
    } cases[] = {
        {PATH "id/measures/A1-flow/readings.csv",
         "dateTime,measure,value\n"
         "2026-02-02T11:00:00Z," AGENCY "id/measures/A1-flow,12.5\n"
         "2026-02-02T11:15:00Z," AGENCY "id/measures/A1-flow,11.627\n",
         false},
        {PATH "id/measures/A1-flow/readings.csv?latest",
         "dateTime,measure,value\n"
         "2026-02-02T11:15:00Z," AGENCY "id/measures/A1-flow,0.17|11.627\n",
         true},
        {PATH "data/readings.csv?latest&_sorted&_limit=1",
         "dateTime,measure,value\n"
         "2026-02-02T11:30:00Z," AGENCY "id/measures/A1-stage,1.0\n",
         false},
        {PATH "id/stations.csv?stationReference=B",
         "@id,RLOIid,catchmentName,dateOpened,datumOffset,downstageScale,easting,gridReference,"
         "label,lat,long,measures,northing,notation,riverName,stageScale,stationReference,status,"
         "town,wiskiID\n" AGENCY
         "id/stations/B-north,,,,,,,,Bell|Bell TL,54.1|54.2,-1.0|-1.1," AGENCY
         "id/measures/B-rain,,B-north,," AGENCY "id/stations/B-north/stageScale,B," AGENCY
         "def/core/statusActive|" AGENCY "def/core/statusSuspended,,\n" AGENCY
         "id/stations/B-south,,,,,,,,\"Bell, \"\"Lower\"\" caf\xc3\xa9 "
         "\xf0\x9f\x98\x80\",,,,,B-south,,,B,,,\n",
         true},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        Inside inside;
        open_country(&inside);
        inside.options.facade_strict = cases[i].strict;
        CASE(cases[i].target);
        CLEANUP(asked_release) Asked asked = ask(&inside, cases[i].target);
        CHECK_INT(200, asked.status);
        CHECK_TEXT(cases[i].text, asked.body);
        inside_close(&inside);
    }
}

/* ---- what is not here ------------------------------------------------------------------------ */

TEST(agency_paths_that_are_not_here_lead_to_the_agency)
{
    static const char *const targets[] = {
        "id/floods",
        "id/floods?min-severity=3&county=Oxford",
        "id/floods/061FWF23",
        "id/floodAreas?_limit=10",
        "id/floodAreas/061FWF23",
        "id/floodAreas/061FWF23/polygon",
        "archive/readings-2025-09-01.csv",
        "meta/context.jsonld",
        "def/core/statusActive",
        "id/stations.rdf?parameter=level",
        "id/stations/A1.html",
        "id/measures/A1-stage.ttl",
        "data/readings/A1-stage/2026-02-02T11-30-00Z.rdf",
        "id/measures/A1-stage/readings?since=2026-01-30",
        "id/stations/A1/readings?startdate=2026-02-01&enddate=2026-02-02&_sorted&_limit=100000",
        "data/readings.csv?date=2025-01-01",
        "data/readings/A1-stage/2026-01-01T00-00-00Z",
    };
    Inside inside;
    open_country(&inside);
    for (size_t i = 0; i < countof(targets); i++) {
        CLEANUP(buf_release) Buf target = buf_init(400), location = buf_init(400);
        CASE(targets[i]);
        buf_printf(&target, AGENCY "%s%c", targets[i], '\0'); /* as by a proxy setting */
        buf_printf(&location, SECURE "%s", targets[i]);
        CLEANUP(asked_release) Asked asked = ask(&inside, target.ptr);
        CHECK_INT(307, asked.status);
        CHECK_STR(buf_view(&location), asked_header(&asked, "Location"));
        CHECK_INT(0, asked.body.len);
        CHECK_TEXT("*", asked_header(&asked, "Access-Control-Allow-Origin"));
    }
    inside_close(&inside);
}

TEST(agency_history_can_be_what_is_held)
{
    Inside inside;
    open_country(&inside);
    inside.options.facade_keeps_history = true;
    CLEANUP(asked_release)
    Asked past = ask(&inside, PATH
                     "id/stations/A1/readings?startdate=2026-02-01&enddate=2026-02-02&_sorted");
    CHECK_INT(200, past.status);
    CHECK_INT(98, item_count(&past));
    CHECK_TEXT("2026-02-01T11:30:01Z", asked_header(&past, "Held-From"));
    CLEANUP(asked_release)
    Asked whole = ask(&inside, PATH "id/stations/A1/readings?since=2026-02-01T11:30:00Z");
    CHECK_INT(98, item_count(&whole));
    CHECK(str_is_none(asked_header(&whole, "Held-From")));
    CLEANUP(asked_release)
    Asked reading = ask(&inside, PATH "data/readings/A1-stage/2026-01-01T00-00-00Z");
    CHECK_INT(404, reading.status);
    inside_close(&inside);
}

/* What was silent long before it is asked for is held as far as it goes: the answer is whole. */
TEST(agency_history_of_the_silent_is_here)
{
    Inside inside;
    open_country(&inside);
    CLEANUP(asked_release)
    Asked asked = ask(&inside, PATH "id/stations/B-north/readings?since=2026-01-28");
    CHECK_INT(200, asked.status);
    CHECK_INT(0, item_count(&asked));
    CLEANUP(asked_release)
    Asked reading = ask(&inside, PATH "data/readings/B-rain/2026-01-27T12-00-00Z");
    CHECK_INT(200, reading.status);
    CHECK_TEXT("B-rain", json_text_at(reading.body, "items.measure.notation"));
    inside_close(&inside);
}

TEST(agency_unknown_things_are_problems)
{
    static const struct {
        const char *target, *type;
        unsigned status;
    } cases[] = {
        {"id/stations/NOWHERE", "not-found", 404},
        {"id/stations/NOWHERE/readings", "not-found", 404},
        {"id/stations/7001", "not-found", 404}, /* an RLOI id is no address there */
        {"id/stations/W1/measures", "not-found", 404},
        {"id/stations/B", "not-found", 404}, /* the reference of two */
        {"id/stations/GHOST", "not-found", 404},
        {"id/stations/B-south/stageScale", "not-found", 404},
        {"id/stations/B-north/stageScale", "not-found",
         404}, /* an address, and nothing behind it */
        {"id/stations/A1/downstageScale", "not-found", 404},
        {"id/stations/A1.csv", "not-found", 404},
        {"id/measures/a1-stage", "not-found", 404},
        {"id/measures/NONE/readings", "not-found", 404},
        {"data/readings/A1-stage/2026-02-02T11-31-00Z", "not-found", 404},
        {"data/readings/A1-stage/yesterday", "not-found", 404},
        {"data/readings/NONE/2026-02-02T11-30-00Z", "not-found", 404},
        {"id/nonsense", "not-found", 404},
        {"data/readings?since=yesterday", "bad-time", 400},
        {"data/readings?_limit=-1", "bad-parameter", 400},
        {"id/stations?lat=51", "bad-parameter", 400},
        {"id/stations?lat=51&long=x&dist=1", "bad-parameter", 400},
    };
    Inside inside;
    open_country(&inside);
    for (size_t i = 0; i < countof(cases); i++) {
        CLEANUP(buf_release) Buf target = buf_init(400);
        CASE(cases[i].target);
        buf_printf(&target, PATH "%s%c", cases[i].target, '\0');
        CLEANUP(asked_release) Asked asked = ask(&inside, target.ptr);
        CHECK_INT(cases[i].status, asked.status);
        CHECK_TEXT("application/problem+json", asked_header(&asked, "Content-Type"));
        CHECK_TEXT(cases[i].type, problem_type(asked.body));
    }
    inside_close(&inside);
}

/* ---- as all answers -------------------------------------------------------------------------- */

TEST(agency_answers_are_finished_once_a_generation)
{
    Inside inside;
    open_country(&inside);
    CLEANUP(asked_release) Asked first = ask(&inside, PATH "id/stations");
    CLEANUP(asked_release) Asked second = ask(&inside, PATH "id/stations");
    CHECK(first.answer.finished == second.answer.finished);
    const Head again = {.method = STR("GET"),
                        .target = STR(PATH "id/stations"),
                        .is_http_1_1 = true,
                        .host_count = 1,
                        .if_none_match = asked_header(&first, "ETag")};
    CLEANUP(asked_release) Asked unchanged = ask_head(&inside, &again);
    CHECK_INT(304, unchanged.status);
    const Head zipped = {.method = STR("GET"),
                         .target = STR(PATH "id/stations"),
                         .is_http_1_1 = true,
                         .host_count = 1,
                         .accept_encoding = STR("gzip")};
    CLEANUP(asked_release) Asked coded = ask_head(&inside, &zipped);
    CHECK_TEXT("gzip", asked_header(&coded, "Content-Encoding"));
    inside_close(&inside);
}

/* ---- hosts ----------------------------------------------------------------------------------- */

static Asked ask_host(Inside *inside, const char *method, const char *target, const char *host)
{
    const Head head = {.method = str_of(method),
                       .target = str_of(target),
                       .is_http_1_1 = true,
                       .host = str_of(host),
                       .host_count = 1};
    return ask_head(inside, &head);
}

TEST(agency_addresses_can_be_ours)
{
    static const struct {
        const char *target, *host, *at, *text;
    } cases[] = {
        {PATH "id/stations/A1", "ours:8080", "items.@id",
         "http://ours:8080/flood-monitoring/id/stations/A1"},
        {PATH "id/stations/A1", "other", "items.@id",
         "http://other/flood-monitoring/id/stations/A1"},
        {PATH "id/stations/A1", "ours:8080", "items.status", AGENCY "def/core/statusActive"},
        {PATH "id/stations/A1", "ours:8080", "items.stageScale.maxOnRecord.@id",
         "http://ours:8080/flood-monitoring/id/stations/A1/stageScale/maxOnRecord"},
        {PATH "id/stations/A1", "ours:8080", "items.measures.0.station",
         "http://ours:8080/flood-monitoring/id/stations/A1"},
        {PATH "id/stations", "ours:8080", "items.1.measures.0.@id",
         "http://ours:8080/flood-monitoring/id/measures/A1-flow"},
        {PATH "data/readings?latest", "ours:8080", "items.0.measure",
         "http://ours:8080/flood-monitoring/id/measures/-flow"},
        {PATH "data/readings?latest", "ours:8080", "items.0.@id",
         "http://ours:8080/flood-monitoring/data/readings/-flow/2026-02-02T10-00-00Z"},
        {PATH "data/readings?latest", "ours:8080", "meta.hasFormat.0",
         "http://ours:8080/flood-monitoring/data/readings.csv?latest"},
        {AGENCY "id/stations/A1", "environment.data.gov.uk", "items.@id", AGENCY "id/stations/A1"},
        {PATH "id/stations/A1", "bad\"host", "items.@id", AGENCY "id/stations/A1"},
    };
    Inside inside;
    open_country(&inside);
    inside.options.facade_local_ids = true;
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].text);
        CLEANUP(asked_release)
        Asked asked = ask_host(&inside, "GET", cases[i].target, cases[i].host);
        CHECK_INT(200, asked.status);
        CHECK_TEXT(cases[i].text, json_text_at(asked.body, cases[i].at));
    }
    inside_close(&inside);
}

TEST(agency_requests_for_others_are_misdirected)
{
    static const struct {
        const char *method, *target;
        unsigned status;
    } cases[] = {
        {"GET", "http://environment.data.gov.uk/flood-monitoring/id/stations", 200},
        {"GET", "HTTP://Environment.Data.Gov.UK:80/flood-monitoring/id/stations", 200},
        {"GET", "http://environment.data.gov.uk:8080/flood-monitoring/id/stations", 421},
        {"GET", "http://localhost:4711/flood-monitoring/id/stations", 200},
        {"GET", "http://[::1]:4711/v1/stations", 200},
        {"GET", "http://127.0.0.1:4712/v1/stations", 421},
        {"GET", "http://service.example/v1/stations", 200}, /* as it is configured */
        {"GET", "http://example.com/flood-monitoring/id/stations", 421},
        {"GET", "http://[::1]/v1/stations", 421},
        {"GET", "http://localhost:x/v1/stations", 421},
        {"CONNECT", "environment.data.gov.uk:443", 501},
    };
    Inside inside;
    open_country(&inside);
    inside.site.port = 4711;
    inside.options.listen = "service.example";
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].target);
        CLEANUP(asked_release)
        Asked asked = ask_host(&inside, cases[i].method, cases[i].target, "example.com");
        CHECK_INT(cases[i].status, asked.status);
        if (cases[i].status != 200)
            CHECK_TEXT(cases[i].status == 421 ? "misdirected" : "not-implemented",
                       problem_type(asked.body));
    }
    inside_close(&inside);
}
