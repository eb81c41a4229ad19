/* How rows are written: times, the profile for Excel, files, maps. */
#include "base/json.h"
#include "tests/site.h"

/* ---- times ----------------------------------------------------------------------------------- */

TEST(times_are_written_as_asked_for)
{
    static const BodyCase cases[] = {
        {"/v1/measures/OCK1-level/readings.csv?fields=time&timeformat=unix&limit=1",
         "time\n1795337100\n"},
        {"/v1/measures/OCK1-level/readings.csv?fields=time&timeformat=unixms&limit=1",
         "time\n1795337100000\n"},
        {"/v1/measures/OCK1-level/readings.csv?fields=time&timeformat=rfc3339&limit=1",
         "time\n2026-11-22T08:45:00Z\n"},
        {"/v1/latest.ndjson?measure=OCK1-level&fields=time,value&timeformat=unix",
         "{\"time\":1795339800,\"value\":1.0}\n"},
        {"/v1/stations.ndjson?station=OCK1,BARE&fields=latest&timeformat=unixms",
         "{\"latest\":null}\n{\"latest\":1795339800000}\n"},
        {"/v1/latest.csv?measure=OCK1-level&fields=value&tz=Europe/London",
         "value,time_local\n1.0,2026-11-22T09:30:00+00:00\n"},
        {"/v1/latest.csv?measure=OCK1-level&fields=time_local,time",
         "time_local,time\n2026-11-22T09:30:00+00:00,2026-11-22T09:30:00Z\n"},
        {"/v1/latest.csv?measure=OCK1-level&fields=time&tz=UTC", "time\n2026-11-22T09:30:00Z\n"},
    };
    Inside inside;
    inside_open(&inside, true);
    check_bodies(&inside, cases, countof(cases));
    CLEANUP(asked_release)
    Asked json = ask(&inside, "/v1/latest?measure=OCK1-level&timeformat=unix&tz=Europe/London");
    CHECK_TEXT("1795339800", json_at(json.body, "items.0.time"));
    CHECK_TEXT("2026-11-22T09:30:00+00:00", json_text_at(json.body, "items.0.time_local"));
    CHECK_TEXT("2026-11-22T10:00:01Z", json_text_at(json.body, "as_of")); /* rows alone */
    inside_close(&inside);
}

TEST(summer_time_is_local)
{
    Inside inside;
    inside_open(&inside, true);
    Batch batch = batch_init();
    add_reading(&batch, "FAR1-wind", 1782907200, 4.5); /* 2026-07-01T12:00:00Z */
    (void) fixture_apply(&inside.fixture, &batch, FAULT_NONE);
    batch_release(&batch);
    CLEANUP(asked_release)
    Asked asked = ask(&inside, "/v1/latest.csv?measure=FAR1-wind&fields=time&tz=Europe/London");
    CLEANUP(asked_release)
    Asked excel =
        ask(&inside, "/v1/latest.csv?measure=FAR1-wind&fields=time&tz=Europe/London&profile=excel");
    CHECK_TEXT("time,time_local\n2026-07-01T12:00:00Z,2026-07-01T13:00:00+01:00\n", asked.body);
    CHECK_TEXT("\xef\xbb\xbftime,time_local\r\n2026-07-01 12:00:00,2026-07-01 13:00:00\r\n",
               excel.body);
    inside_close(&inside);
}

/* ---- files ----------------------------------------------------------------------------------- */

TEST(excel_gets_no_formula)
{
    static const char *const ids[] = {"=1+1", "+2", "-3", "@a", "a=b", "-4,5"};
    Inside inside;
    inside_open(&inside, false);
    Batch batch = batch_init();
    for (size_t i = 0; i < countof(ids); i++) {
        Station station = a_station(ids[i]);
        station.lat_deg = -1.5; /* a number is no text */
        REQUIRE(batch_add_station(&batch, &station));
    }
    (void) fixture_apply(&inside.fixture, &batch, FAULT_NONE);
    batch_release(&batch);
    CLEANUP(asked_release)
    Asked asked = ask(&inside, "/v1/stations.csv?profile=excel&fields=station,lat");
    CHECK_TEXT("\xef\xbb\xbfstation,lat\r\n'+2,-1.5\r\n'-3,-1.5\r\n\"'-4,5\",-1.5\r\n'=1+1,-1.5\r\n"
               "'@a,-1.5\r\na=b,-1.5\r\n",
               asked.body);
    inside_close(&inside);
}

TEST(download_is_named)
{
    Inside inside;
    inside_open(&inside, true);
    CLEANUP(asked_release) Asked list = ask(&inside, "/v1/latest.csv?download=1");
    CLEANUP(asked_release) Asked one = ask(&inside, "/v1/stations/1491TH?download=1");
    CLEANUP(asked_release) Asked none = ask(&inside, "/v1/latest.csv?download=0");
    Str name = asked_header(&list, "Content-Disposition");
    CHECK(str_starts(name, STR("attachment; filename=\"freshet-latest-")));
    CHECK(str_ends(name, STR("-1.csv\"")));
    CHECK_HAS("freshet-station-", asked_header(&one, "Content-Disposition"));
    CHECK_HAS("-1.json\"", asked_header(&one, "Content-Disposition"));
    CHECK(str_is_none(asked_header(&none, "Content-Disposition")));
    CLEANUP(asked_release)
    Asked bad = ask(&inside, "/v1/readings?download=1&agg=sum&step=PT1H&parameter=level");
    CHECK_INT(400, bad.status);
    CHECK(str_is_none(asked_header(&bad, "Content-Disposition"))); /* a problem is no download */
    CLEANUP(asked_release) Asked now = ask(&inside, "/v1/quarantine.csv?download=1");
    CHECK_TEXT("attachment; filename=\"freshet-quarantine.csv\"",
               asked_header(&now, "Content-Disposition")); /* of no generation */
    inside_close(&inside);
}

/* Suffix, then format, then Accept: the first that says anything decides, and what is not there is 406. */
TEST(form_is_chosen_by_suffix_then_format_then_accept)
{
    static const struct {
        const char *target, *accept;
        unsigned status;
        const char *content_type;
    } cases[] = {
        {"/v1/latest.csv?format=json", "application/json", 200,
         "text/csv; charset=utf-8; header=present"},
        {"/v1/latest?format=ndjson", "text/csv", 200, "application/x-ndjson"},
        {"/v1/latest", "application/geo+json", 200, "application/geo+json"},
        {"/v1/latest", "", 200, "application/json"},
        {"/v1/latest.xml", "", 406, NULL},
        {"/v1/latest.xml?format=csv", "", 406, NULL},
        {"/v1/readings.geojson", "", 406, NULL},
        {"/v1/stations/1491TH/latest.pdf", "", 406, NULL},
        {"/v1/readings?format=geojson", "", 406, NULL},
        {"/v1/readings", "image/png", 406, NULL},
    };
    Inside inside;
    inside_open(&inside, true);
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].target);
        CLEANUP(asked_release) Asked asked = ask_accept(&inside, cases[i].target, cases[i].accept);
        CHECK_INT(cases[i].status, asked.status);
        if (asked.status == 200) {
            CHECK_TEXT(cases[i].content_type, asked_header(&asked, "Content-Type"));
        } else {
            CHECK_TEXT("not-acceptable", problem_type(asked.body));
            CHECK_TEXT("text/csv", json_text_at(asked.body, "available.1"));
        }
    }
    inside_close(&inside);
}

TEST(bad_forms_are_told)
{
    static const RefusalCase cases[] = {
        {"/v1/latest?timeformat=iso", "timeformat", "'rfc3339' or 'unix' or 'unixms'"},
        {"/v1/latest?tz=Europe/Paris", "tz", "'UTC' or 'Europe/London'"},
        {"/v1/latest.csv?profile=word", "profile", "'excel'"},
        {"/v1/latest?profile=excel", "profile", "format=csv"},
        {"/v1/latest.geojson?profile=excel", "profile", "format=csv"},
        {"/v1/latest?download=yes", "download", "'0' or '1'"},
    };
    Inside inside;
    inside_open(&inside, true);
    check_refusals(&inside, cases, countof(cases));
    inside_close(&inside);
}

/* ---- maps ------------------------------------------------------------------------------------ */

TEST(map_has_the_same_rows)
{
    static const struct {
        const char *list, *map;
    } cases[] = {{"/v1/stations", "/v1/stations.geojson"},
                 {"/v1/latest?sort=-value", "/v1/latest.geojson?sort=-value"},
                 {"/v1/stations/1491TH/latest", "/v1/stations/1491TH/latest?format=geojson"}};
    Inside inside;
    inside_open(&inside, true);
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].map);
        CLEANUP(asked_release) Asked list = ask(&inside, cases[i].list);
        CLEANUP(asked_release) Asked map = ask(&inside, cases[i].map);
        CHECK_INT(200, map.status);
        CHECK_TEXT("application/geo+json", asked_header(&map, "Content-Type"));
        CHECK_TEXT("FeatureCollection", json_text_at(map.body, "type"));
        CHECK_STR(json_at(list.body, "count"), json_at(map.body, "count"));
        CHECK_STR(json_at(list.body, "generation"), json_at(map.body, "generation"));
        Str key, item, feature, no_key;
        JsonWalk items = json_walk(json_at(list.body, "items"));
        JsonWalk features = json_walk(json_at(map.body, "features"));
        while (json_next(&items, &key, &item)) {
            REQUIRE(json_next(&features, &no_key, &feature));
            CHECK_STR(item, json_at(feature, "properties"));
            CHECK_TEXT("Feature", json_text_at(feature, "type"));
        }
        CHECK(!json_next(&features, &no_key, &feature));
    }
    inside_close(&inside);
}

TEST(place_is_longitude_first_or_null)
{
    Inside inside;
    inside_open(&inside, true);
    CLEANUP(asked_release)
    Asked map = ask_accept(&inside, "/v1/stations?station=1491TH,BARE", "application/geo+json");
    CHECK_TEXT("1491TH", json_text_at(map.body, "features.0.id"));
    CHECK_TEXT("{\"type\":\"Point\",\"coordinates\":[-1.28,51.67]}",
               json_at(map.body, "features.0.geometry"));
    CHECK_TEXT("null", json_at(map.body, "features.1.geometry"));
    CLEANUP(asked_release) Asked latest = ask(&inside, "/v1/latest.geojson?measure=1491TH-flow");
    CHECK_TEXT("1491TH-flow", json_text_at(latest.body, "features.0.id"));
    CLEANUP(asked_release) Asked readings = ask(&inside, "/v1/readings?format=geojson");
    CHECK_INT(406, readings.status); /* a series has no one place in time */
    inside_close(&inside);
}
