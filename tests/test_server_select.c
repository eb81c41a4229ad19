/* What a query selects: times, filters, and every fault of it told. */
#include "server/problem.h"
#include "tests/site.h"

#include <stdio.h>
#include <string.h>

/* ---- times ----------------------------------------------------------------------------------- */

/* The fixture's generation is of 10:00:01; the readings of 1491TH-level end at 09:30. */
TEST(times_mean_what_they_say)
{
    static const struct {
        const char *query, *from, *to, *count;
    } cases[] = {
        {"from=2026-11-22T09:00:00Z", "2026-11-22T09:00:00Z", "2026-11-22T10:00:01Z", "3"},
        {"from=2026-11-22T09:00:00Z&to=2026-11-22T09:30:00Z", "2026-11-22T09:00:00Z",
         "2026-11-22T09:30:00Z", "2"}, /* from is inclusive, to exclusive */
        {"from=2026-11-22T09:00:00", "2026-11-22T09:00:00Z", "2026-11-22T10:00:01Z", "3"},
        {"from=2026-11-22T10:00:00%2B01:00", "2026-11-22T09:00:00Z", "2026-11-22T10:00:01Z", "3"},
        {"from=2026-11-22T10:00:00+01:00", "2026-11-22T09:00:00Z", "2026-11-22T10:00:01Z", "3"},
        {"from=2026-11-22+10:00:00+01:00", "2026-11-22T09:00:00Z", "2026-11-22T10:00:01Z", "3"},
        {"from=2026-11-22T05:00:00-04:00", "2026-11-22T09:00:00Z", "2026-11-22T10:00:01Z", "3"},
        {"from=2026-11-22%2009:00:00", "2026-11-22T09:00:00Z", "2026-11-22T10:00:01Z", "3"},
        {"from=2026-11-22", "2026-11-22T00:00:00Z", "2026-11-22T10:00:01Z", "39"},
        {"from=2026-11-21&to=2026-11-22", "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z", "56"},
        {"from=1795338000", "2026-11-22T09:00:00Z", "2026-11-22T10:00:01Z", "3"},
        {"from=1795338000000", "2026-11-22T09:00:00Z", "2026-11-22T10:00:01Z", "3"},
        {"from=2026-11-22T09:00:00.75Z", "2026-11-22T09:00:00Z", "2026-11-22T10:00:01Z", "3"},
        {"period=PT1H", "2026-11-22T09:00:01Z", "2026-11-22T10:00:01Z", "2"},
        {"period=PT60M&to=2026-11-22T09:30:00Z", "2026-11-22T08:30:00Z", "2026-11-22T09:30:00Z",
         "4"},
        {"period=P1D", "2026-11-21T10:00:01Z", "2026-11-22T10:00:01Z", "93"},
        {"period=P1W", "2026-11-15T10:00:01Z", "2026-11-22T10:00:01Z", "95"},
        {"since=2026-11-22T09:00:00Z", "2026-11-22T09:00:01Z", "2026-11-22T10:00:01Z", "2"},
        {"since=PT30M1S", "2026-11-22T09:30:01Z", "2026-11-22T10:00:01Z", "0"}, /* exclusive */
        {"since=PT30M2S", "2026-11-22T09:30:00Z", "2026-11-22T10:00:01Z", "1"},
        {"from=2026-11-22T11:00:00Z", "2026-11-22T11:00:00Z", "2026-11-22T11:00:00Z", "0"},
        {"from=2026-11-22T11:00:00Z&to=2026-11-22T12:00:00Z", "2026-11-22T11:00:00Z",
         "2026-11-22T12:00:00Z", "0"}, /* the future is empty, not gone */
        {"from=2026-11-22T09:00:00Z&to=2026-11-22T09:00:00Z", "2026-11-22T09:00:00Z",
         "2026-11-22T09:00:00Z", "0"},
        {"from=2026-11-01&to=2026-11-21T09:45:01Z", "2026-11-01T00:00:00Z", "2026-11-21T09:45:01Z",
         "1"}, /* it reaches the earliest */
    };
    Inside inside;
    inside_open(&inside, true);
    for (size_t i = 0; i < countof(cases); i++) {
        char target[200];
        CASE(cases[i].query);
        (void) snprintf(target, sizeof target, "/v1/measures/1491TH-level/readings?%s",
                        cases[i].query);
        CLEANUP(asked_release) Asked asked = ask(&inside, target);
        CHECK_INT(200, asked.status);
        CHECK_TEXT(cases[i].from, json_text_at(asked.body, "window.from"));
        CHECK_TEXT(cases[i].to, json_text_at(asked.body, "window.to"));
        CHECK_TEXT(cases[i].count, json_at(asked.body, "count"));
    }
    inside_close(&inside);
}

TEST(times_that_cannot_be_meant_are_refused)
{
    static const struct {
        const char *query, *type, *parameter;
    } cases[] = {
        {"from=yesterday", "bad-time", "from"},
        {"from=", "bad-time", "from"},
        {"from=2026-02-30", "bad-time", "from"},
        {"from=2026-11-22T25:00:00Z", "bad-time", "from"},
        {"from=2026-11-22T09:00:00Z&to=tomorrow", "bad-time", "to"},
        {"from=99999999999999999999", "bad-time", "from"},
        {"from=-99999999999", "bad-time", "from"},
        {"since=P1Y", "bad-time", "since"},
        {"period=6h", "bad-time", "period"},
        {"period=P1Y", "bad-time", "period"},
        {"period=P1M", "bad-time", "period"},
        {"period=-PT1H", "bad-time", "period"},
        {"period=P99999D", "bad-time", "period"},
        {"from=2026-11-22&period=PT1H", "window-conflict", "from"},
        {"from=2026-11-22&since=PT1H", "window-conflict", "from"},
        {"period=PT1H&since=PT1H", "window-conflict", "period"},
        {"since=PT1H&to=2026-11-22", "window-conflict", "to"},
        {"since=2026-11-22&to=2026-11-23", "window-conflict", "to"},
        {"to=2026-11-22", "window-conflict", "to"},
        {"from=2026-11-22&to=2026-11-21", "window-conflict", "from"},
        {"from=2026-11-22&from=2026-11-23", "bad-parameter", "from"},
    };
    Inside inside;
    inside_open(&inside, true);
    for (size_t i = 0; i < countof(cases); i++) {
        char target[200];
        CASE(cases[i].query);
        (void) snprintf(target, sizeof target, "/v1/readings?%s", cases[i].query);
        CLEANUP(asked_release) Asked asked = ask(&inside, target);
        CHECK_INT(400, asked.status);
        CHECK_TEXT(cases[i].type, problem_type(asked.body));
        CHECK_TEXT(cases[i].parameter, json_text_at(asked.body, "errors.0.parameter"));
    }
    inside_close(&inside);
}

TEST(gone_is_what_ends_before_the_earliest_kept)
{
    static const struct {
        const char *target;
        unsigned status;
    } cases[] = {
        {"/v1/measures/1491TH-level/readings?from=2026-11-01&to=2026-11-21T09:45:00Z", 410},
        {"/v1/measures/1491TH-level/readings?from=2026-11-01&to=2026-11-21T09:45:01Z", 200},
        {"/v1/readings?from=2026-11-01&to=2026-11-10", 410},
        {"/v1/readings.csv?from=2026-11-01&to=2026-11-10", 410},
        {"/v1/readings?from=2026-11-01&to=2026-11-20", 200}, /* FAR1's last day is kept */
        {"/v1/readings?from=2026-11-01&to=2026-11-20&station=1491TH", 410},
        {"/v1/measures/FAR1-wind/readings?from=2026-11-01&to=2026-11-10", 200}, /* never had any */
        {"/v1/stations/BARE/readings?from=2026-11-01&to=2026-11-10", 200},
    };
    Inside inside;
    inside_open(&inside, true);
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].target);
        CLEANUP(asked_release) Asked asked = ask(&inside, cases[i].target);
        CHECK_INT(cases[i].status, asked.status);
        if (cases[i].status == 410)
            CHECK_TEXT("outside-retention", problem_type(asked.body));
    }
    CASE("archive");
    CLEANUP(asked_release)
    Asked asked = ask(&inside, "/v1/readings?from=2026-11-08T12:00:00Z&to=2026-11-10");
    CHECK_INT(2, json_count(json_at(asked.body, "archive")));
    CHECK_TEXT("http://upstream.test/archive/readings-2026-11-08.csv",
               json_text_at(asked.body, "archive.0"));
    CHECK_TEXT("http://upstream.test/archive/readings-2026-11-09.csv",
               json_text_at(asked.body, "archive.1"));
    CLEANUP(asked_release) Asked wide = ask(&inside, "/v1/readings?from=1900-01-01&to=2026-11-10");
    CHECK_INT(31, json_count(json_at(wide.body, "archive")));
    inside_close(&inside);
}

/* ---- filters --------------------------------------------------------------------------------- */

TEST(filters_mean_the_same_everywhere)
{
    static const struct {
        const char *query, *stations, *measures, *latest, *readings;
    } cases[] = {
        {"", "11", "13", "12", "109"},
        {"station=1491TH", "1", "2", "2", "97"},
        {"station=1491TH,OCK1", "2", "3", "3", "101"},
        {"station=1491TH&station=OCK1", "2", "3", "3", "101"},
        {"station=", "1", "1", "1", "1"},
        {"station=nowhere", "0", "0", "0", "0"},
        {"station=1491th", "0", "0", "0", "0"},
        {"station=SU37/63", "1", "1", "1", "1"},
        {"station=A%2BB", "1", "1", "1", "1"},
        {"station=A+B", "1", "1", "1", "1"},
        {"station=TWIN", "2", "4", "3", "5"}, /* by reference: both */
        {"measure=OCK1-level,FAR1-wind", "2", "2", "1", "4"},
        {"parameter=level", "3", "3", "3", "100"},
        {"parameter=LEVEL,flow", "3", "4", "4", "102"},
        {"parameter=level&qualifier=Stage", "2", "2", "2", "99"},
        {"qualifier=tidal+level", "1", "1", "1", "1"},
        {"qualifier=", "2", "2", "1", "2"},
        {"river=river++thames", "1", "2", "2", "97"},
        {"river=River+Thames&river=River+Ock", "2", "3", "3", "101"},
        {"river=River+Thames&parameter=flow", "1", "1", "1", "2"},
        {"catchment=Thames,+Upper", "1", "2", "2", "97"},
        {"town=abingdon", "1", "2", "2", "97"},
        {"status=active", "1", "2", "2", "97"},
        {"type=Coastal,SingleLevel", "2", "5", "4", "98"},
        {"reference=TWIN", "2", "4", "3", "5"},
        {"rloi_id=7075", "1", "2", "2", "97"},
        {"wiski_id=W1491", "1", "2", "2", "97"},
        {"q=ab+lo", "1", "2", "2", "97"},
        {"q=1491", "1", "2", "2", "97"},
        {"q=1491&q=ock1", "2", "3", "3", "101"},
        {"q=1491+ock1", "0", "0", "0", "0"},
        {"bbox=-1.5,51.5,-1.2,51.7", "2", "3", "3", "101"},
        {"bbox=170,50,-1.3,52", "1", "1", "1", "4"}, /* across the date line */
        {"bbox=170,50,-1.3,52&bbox=-1.29,51.5,-1.2,51.7", "2", "3", "3", "101"},
        {"bbox=-1.5,51.5,-1.2,51.7&bbox=0,0,1,1&q=ock1&q=nowhere", "1", "1", "1", "4"},
        {"lat=51.67&long=-1.28&dist=1", "1", "2", "2", "97"},
        {"lat=51.67&long=-1.28&dist=20", "2", "3", "3", "101"},
        {"lat=51.67&long=-1.28&dist=20&q=ock1", "1", "1", "1", "4"},
    };
    static const char *const paths[] = {"stations", "measures", "latest", "readings"};
    Inside inside;
    inside_open(&inside, true);
    for (size_t i = 0; i < countof(cases); i++) {
        const char *want[] = {cases[i].stations, cases[i].measures, cases[i].latest,
                              cases[i].readings};
        for (size_t k = 0; k < countof(paths); k++) {
            char target[200];
            (void) snprintf(target, sizeof target, "/v1/%s?%s", paths[k], cases[i].query);
            CASE(target);
            CLEANUP(asked_release) Asked asked = ask(&inside, target);
            CHECK_INT(200, asked.status);
            CHECK_TEXT(want[k], json_at(asked.body, "count"));
        }
    }
    inside_close(&inside);
}

TEST(values_that_cannot_be_meant_are_refused)
{
    static const struct {
        const char *query, *parameter;
    } cases[] = {
        {"bbox=1,2,3", "bbox"},
        {"bbox=1,2,3,4,5", "bbox"},
        {"bbox=a,b,c,d", "bbox"},
        {"bbox=-181,0,0,1", "bbox"},
        {"bbox=0,52,1,51", "bbox"},
        {"bbox=0,0,1,1&bbox=0,0,2", "bbox"},
        {"bbox=0,0,1,nan", "bbox"},
        {"lat=51", "long"},
        {"lat=51&long=0", "dist"},
        {"lat=91&long=0&dist=1", "lat"},
        {"lat=51&long=0&dist=-1", "dist"},
        {"lat=51&long=0&dist=1e9", "dist"},
        {"lat=&long=0&dist=1", "lat"},
        {"river=", "river"},
        {"parameter", "parameter"},
        {"parameter=level,,flow", "parameter"},
        {"station=1491TH,", "station"},
        {"q=", "q"},
        {"q=+", "q"},
        {"q=a&q=-", "q"},
        {"lat=1&lat=2&long=0&dist=1", "lat"},
        {"format=", "format"},
        {"format=csv&format=json", "format"},
    };
    Inside inside;
    inside_open(&inside, true);
    for (size_t i = 0; i < countof(cases); i++) {
        char target[200];
        CASE(cases[i].query);
        (void) snprintf(target, sizeof target, "/v1/stations?%s", cases[i].query);
        CLEANUP(asked_release) Asked asked = ask(&inside, target);
        CHECK_INT(400, asked.status);
        CHECK_TEXT("bad-parameter", problem_type(asked.body));
        CHECK_TEXT(cases[i].parameter, json_text_at(asked.body, "errors.0.parameter"));
        CHECK(json_text_at(asked.body, "errors.0.detail").len > 0);
    }
    inside_close(&inside);
}

TEST(every_fault_is_told)
{
    Inside inside;
    inside_open(&inside, true);
    CLEANUP(asked_release)
    Asked asked = ask(&inside, "/v1/readings?statoin=1&from=never&bbox=1&xyzzy=2&to=2026-11-22");
    CHECK_INT(400, asked.status);
    CHECK_INT(4, json_count(json_at(asked.body, "errors")));
    static const char *const parameters[] = {"bbox", "from", "statoin", "xyzzy"};
    static const char *const reasons[] = {"bad", "bad", "unknown", "unknown"};
    for (size_t i = 0; i < countof(parameters); i++) {
        char path[64];
        (void) snprintf(path, sizeof path, "errors.%zu.parameter", i);
        CHECK_TEXT(parameters[i], json_text_at(asked.body, path));
        (void) snprintf(path, sizeof path, "errors.%zu.reason", i);
        CHECK_TEXT(reasons[i], json_text_at(asked.body, path));
    }
    CHECK_TEXT("station", json_text_at(asked.body, "errors.2.suggestion"));
    CHECK(str_is_none(json_at(asked.body, "errors.3.suggestion")));
    inside_close(&inside);
}

/* A parameter that is there and wrong is not missing too. */
TEST(parameters_that_need_each_other_are_told_beside_other_faults)
{
    static const struct {
        const char *query, *parameters[3];
    } cases[] = {
        {"limit=0&agg=mean", {"limit", "step"}},
        {"limit=0&step=PT1H", {"limit", "agg"}},
        {"limit=0&fill=null&xyzzy=1", {"limit", "xyzzy", "agg"}},
        {"limit=0&shape=wide", {"limit", "step"}},
        {"agg=mean&step=soon", {"step"}},
        {"agg=average&step=PT1H", {"agg"}},
    };
    Inside inside;
    inside_open(&inside, true);
    for (size_t i = 0; i < countof(cases); i++) {
        char target[200], path[64];
        size_t count = 0;
        CASE(cases[i].query);
        (void) snprintf(target, sizeof target, "/v1/readings?%s", cases[i].query);
        CLEANUP(asked_release) Asked asked = ask(&inside, target);
        CHECK_INT(400, asked.status);
        for (; count < 3 && cases[i].parameters[count] != NULL; count++) {
            (void) snprintf(path, sizeof path, "errors.%zu.parameter", count);
            CHECK_TEXT(cases[i].parameters[count], json_text_at(asked.body, path));
        }
        CHECK_INT(count, json_count(json_at(asked.body, "errors")));
    }
    inside_close(&inside);
}

TEST(many_faults_are_bounded)
{
    Inside inside;
    inside_open(&inside, true);
    Buf target = buf_init(8000);
    BUF_LITERAL(&target, "/v1/latest?x=1");
    for (int i = 0; i < 100; i++)
        buf_printf(&target, "&wrong%d=%d", i, i);
    buf_put_char(&target, '\0');
    CLEANUP(asked_release) Asked asked = ask(&inside, target.ptr);
    buf_release(&target);
    CHECK_INT(400, asked.status);
    CHECK_INT(PROBLEM_FAULTS_MAX, json_count(json_at(asked.body, "errors")));
    inside_close(&inside);
}

TEST(a_parameter_belongs_to_its_paths)
{
    static const struct {
        const char *target;
        unsigned status;
    } cases[] = {
        {"/v1/stations?from=2026-11-22", 400},
        {"/v1/latest?period=PT1H", 400},
        {"/v1/stations/1491TH?river=x", 400},
        {"/v1/stations/1491TH/latest?river=x", 400},
        {"/v1/stations/1491TH/latest?parameter=level", 200},
        {"/v1/measures/OCK1-level/readings?parameter=level", 400},
        {"/v1?x=1", 400},
        {"/?x=1", 400},
        {"/v1/status?x=1", 400},
        {"/v1/stations/1491TH?limit=5", 400},
        {"/live?x=1", 200},
        {"/metrics?x=1", 200},
    };
    Inside inside;
    inside_open(&inside, true);
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].target);
        CLEANUP(asked_release) Asked asked = ask(&inside, cases[i].target);
        CHECK_INT(cases[i].status, asked.status);
        if (cases[i].status == 400)
            CHECK_TEXT("unknown-parameter", problem_type(asked.body));
    }
    inside_close(&inside);
}
