/* Rows in other shapes, and gathered into buckets. */
#include "base/json.h"
#include "tests/site.h"

#include <stdio.h>

/* ---- shapes ---------------------------------------------------------------------------------- */

TEST(shapes_hold_the_same_rows)
{
    Inside inside;
    inside_open(&inside, true);
    CLEANUP(asked_release) Asked items = ask(&inside, "/v1/latest?sort=-value");
    CLEANUP(asked_release) Asked array = ask(&inside, "/v1/latest?sort=-value&shape=array");
    CLEANUP(asked_release) Asked columns = ask(&inside, "/v1/latest?sort=-value&shape=columns");
    CHECK_INT(200, columns.status);
    CHECK_STR(json_at(items.body, "items"), str_trim(array.body));
    CHECK_TEXT("12", json_at(columns.body, "count"));
    CHECK_TEXT("true", json_at(columns.body, "complete"));
    Str key, item, cell, column;
    JsonWalk rows = json_walk(json_at(items.body, "items"));
    for (int i = 0; json_next(&rows, &key, &item); i++) {
        JsonWalk members = json_walk(json_at(columns.body, "items"));
        while (json_next(&members, &key, &column)) {
            char path[20];
            (void) snprintf(path, sizeof path, "%d", i);
            if (!json_member(item, key, &cell)) /* flags: absent there, null here */
                cell = STR("null");
            CHECK_STR(cell, json_at(column, path));
        }
    }
    inside_close(&inside);
}

TEST(shape_of_nothing_and_of_a_page)
{
    static const struct {
        const char *target, *path, *want;
    } cases[] = {
        {"/v1/stations?river=Nile&shape=columns&fields=station,lat", "items",
         "{\n\"station\":[],\n\"lat\":[]}"},
        {"/v1/stations?shape=columns&fields=station&sort=-station&limit=2", "items.station",
         "[\"caf\xc3\xa9\",\"SU37/63\"]"},
        {"/v1/stations?shape=items&fields=station&limit=1", "items", "[\n{\"station\":\"\"}\n]"},
    };
    Inside inside;
    inside_open(&inside, true);
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].target);
        CLEANUP(asked_release) Asked asked = ask(&inside, cases[i].target);
        CHECK_INT(200, asked.status);
        CHECK_TEXT(cases[i].want, json_at(asked.body, cases[i].path));
    }
    CLEANUP(asked_release) Asked none = ask(&inside, "/v1/stations?river=Nile&shape=array");
    CHECK_INT(0, json_count(none.body));
    CLEANUP(asked_release) Asked page = ask(&inside, "/v1/stations?shape=array&limit=2");
    CHECK_INT(2, json_count(page.body));
    CHECK_HAS("rel=\"next\"", asked_header(&page, "Link")); /* the list has no other place for it */
    inside_close(&inside);
}

/* ---- buckets --------------------------------------------------------------------------------- */

TEST(buckets_are_rows)
{
    static const BodyCase cases[] = {
        {"/v1/measures/OCK1-level/readings.csv?step=PT1H&agg=mean,min",
         "station,measure,parameter,qualifier,unit,time,min,mean,n,expected_n\n"
         "OCK1,OCK1-level,level,Stage,mASD,2026-11-22T08:00:00Z,1.75,1.75,1,4\n"
         "OCK1,OCK1-level,level,Stage,mASD,2026-11-22T09:00:00Z,1.0,1.25,3,3\n"},
        {"/v1/"
         "readings.csv?station=OCK1&step=PT30M&agg=last,max,count&fields=time,last,n&sort=-time",
         "time,last,n\n2026-11-22T09:30:00Z,1.0,1\n2026-11-22T09:00:00Z,1.25,2\n"
         "2026-11-22T08:30:00Z,1.75,1\n"},
        {"/v1/stations/OCK1/readings.ndjson?step=PT1H&agg=count&fields=count,expected_n&limit=1",
         "{\"count\":1,\"expected_n\":4}\n"},
        {"/v1/measures/OCK1-level/readings.csv?step=PT30M&agg=max&fields=time,max,n&fill=previous"
         "&from=2026-11-22T08:00:00Z&to=2026-11-22T09:30:00Z",
         "time,max,n\n2026-11-22T08:00:00Z,,0\n2026-11-22T08:30:00Z,1.75,1\n"
         "2026-11-22T09:00:00Z,1.5,2\n"},
        {"/v1/readings.csv?measure=OCK1-level,FAR1-tide&step=P1D&agg=min&fields=measure,min",
         "measure,min\nFAR1-tide,2.5\nOCK1-level,1.0\n"},
    };
    Inside inside;
    inside_open(&inside, true);
    check_bodies(&inside, cases, countof(cases));
    CLEANUP(asked_release)
    Asked json =
        ask(&inside, "/v1/measures/1491TH-level/readings?step=PT1H&agg=max&tz=Europe/London");
    CHECK_TEXT("95", json_at(json.body, "coverage.received"));
    CHECK_TEXT("25", json_at(json.body, "count"));
    CHECK_TEXT("2026-11-21T09:00:00+00:00", json_text_at(json.body, "items.0.time_local"));
    inside_close(&inside);
}

TEST(matrix_has_a_column_a_measure)
{
    static const BodyCase cases[] = {
        {"/v1/readings.csv?shape=wide&step=PT15M&measure=OCK1-level,1491TH-level"
         "&from=2026-11-22T08:50:00Z&to=2026-11-22T09:30:00Z",
         "time,1491TH-level,OCK1-level\n2026-11-22T08:45:00Z,,\n"
         "2026-11-22T09:00:00Z,0.415,1.5\n2026-11-22T09:15:00Z,0.414,1.25\n"},
        {"/v1/readings.ndjson?shape=wide&step=PT1H&agg=max&station=OCK1&timeformat=unix",
         "{\"time\":1795334400,\"OCK1-level\":1.75}\n{\"time\":1795338000,\"OCK1-level\":1.5}\n"},
        {"/v1/stations/FAR1/readings.csv?shape=wide&step=PT1H&parameter=wind&profile=excel",
         "\xef\xbb\xbftime,FAR1-wind\r\n"},
        {"/v1/readings.csv?shape=wide&step=PT1H&river=Nile", "time\n"},
        {"/v1/readings.csv?shape=wide&step=PT30M&agg=last&fill=previous&station=OCK1"
         "&from=2026-11-22T08:00:00Z&to=2026-11-22T09:00:00Z",
         "time,OCK1-level\n2026-11-22T08:00:00Z,\n2026-11-22T08:30:00Z,1.75\n"},
    };
    Inside inside;
    inside_open(&inside, true);
    check_bodies(&inside, cases, countof(cases));
    CLEANUP(asked_release)
    Asked json = ask(&inside, "/v1/measures/OCK1-level/readings?shape=wide&step=PT15M");
    CHECK_TEXT("4", json_at(json.body, "count"));
    CHECK_TEXT("{\"time\":\"2026-11-22T09:30:00Z\",\"OCK1-level\":1.0}",
               json_at(json.body, "items.3"));
    CHECK_TEXT("null", json_at(json.body, "next"));
    CLEANUP(asked_release)
    Asked large =
        ask(&inside, "/v1/measures/OCK1-level/readings?shape=wide&step=PT1M&from=1990-01-01");
    CHECK_INT(413, large.status);
    inside_close(&inside);
}

TEST(bad_shapes_and_buckets_are_told)
{
    static const RefusalCase cases[] = {
        {"/v1/latest?shape=cube", "shape", "'items' or 'array' or 'columns' or 'wide'"},
        {"/v1/latest?shape=wide", "shape", "of readings"},
        {"/v1/readings?shape=wide", "step", "is missing"},
        {"/v1/readings?shape=wide&step=PT1H&agg=min,max", "agg", "ask for one"},
        {"/v1/readings?shape=wide&step=PT1H&fill=null", "agg", "is missing"},
        {"/v1/readings?shape=wide&step=PT1H&limit=5", "limit", "not with"},
        {"/v1/readings?shape=wide&step=PT1H&station=OCK1", "agg", "'OCK1-level' has several"},
        {"/v1/latest.csv?shape=columns", "shape", "format=json"},
        {"/v1/latest.geojson?shape=array", "shape", "format=json"},
        {"/v1/readings?step=PT1H", "agg", "is missing"},
        {"/v1/readings?agg=mean", "step", "is missing"},
        {"/v1/readings?fill=null", "agg", "is missing"},
        {"/v1/readings?step=PT1S&agg=mean", "step", "from PT1M to P1D"},
        {"/v1/readings?step=P2D&agg=mean", "step", "from PT1M to P1D"},
        {"/v1/readings?step=PT1H&agg=median", "agg", "'mean' or 'min'"},
        {"/v1/readings?step=PT1H&agg=mean&fill=zero", "fill", "'null' or 'previous'"},
        {"/v1/readings?step=PT1H&agg=mean&fields=value", "fields", "is not a field"},
        {"/v1/readings?parameter=level&step=PT1H&agg=mean,sum", "agg", "a sum of levels"},
    };
    Inside inside;
    inside_open(&inside, true);
    check_refusals(&inside, cases, countof(cases));
    inside_close(&inside);
}
