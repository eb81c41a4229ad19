/* Which columns of a list, in what order, how much of it, and where it goes on. */
#include "base/json.h"
#include "tests/site.h"

#include <stdio.h>
#include <string.h>

/* ---- fields ---------------------------------------------------------------------------------- */

TEST(fields_are_exactly_those_asked_for)
{
    static const BodyCase cases[] = {
        {"/v1/stations/1491TH?format=csv&fields=long,station,measures",
         "long,station,measures\n-1.28,1491TH,1491TH-flow;1491TH-level\n"},
        {"/v1/stations/1491TH/latest.csv?fields=value,label",
         "value,label\n-32.768,\"Abingdon, \"\"Lock\"\"\"\n0.413,\"Abingdon, \"\"Lock\"\"\"\n"},
        {"/v1/stations/1491TH/latest.ndjson?fields=measure,flags,revision",
         "{\"measure\":\"1491TH-flow\",\"flags\":[\"suspect\"],\"revision\":0}\n"
         "{\"measure\":\"1491TH-level\",\"flags\":null,\"revision\":0}\n"},
        {"/v1/measures/1491TH-level?format=ndjson&fields=latest_value,%20unit",
         "{\"latest_value\":0.413,\"unit\":\"mASD\"}\n"},
        {"/v1/measures/1491TH-level/readings.csv?fields=time,raw&from=2026-11-22T09:30:00Z",
         "time,raw\n2026-11-22T09:30:00Z,\n"},
    };
    Inside inside;
    inside_open(&inside, true);
    check_bodies(&inside, cases, countof(cases));
    CLEANUP(asked_release) Asked json = ask(&inside, "/v1/latest?measure=1491TH-level&fields=time");
    CHECK_TEXT("{\"time\":\"2026-11-22T09:30:00Z\"}", json_at(json.body, "items.0"));
    inside_close(&inside);
}

/* ---- order ----------------------------------------------------------------------------------- */

TEST(rows_are_sorted_nulls_last)
{
    static const struct {
        const char *target, *want; /* the CSV's lines, joined by blanks */
    } cases[] = {
        {"/v1/stations.csv?fields=station&sort=lat&bbox=-2,50,0,56", "station OCK1 1491TH FAR1"},
        {"/v1/stations.csv?fields=station&sort=-lat&bbox=-2,50,0,56", "station FAR1 1491TH OCK1"},
        {"/v1/stations.csv?fields=station&sort=river&station=FAR1,BARE,OCK1,1491TH",
         "station OCK1 1491TH BARE FAR1"}, /* without a river: last, by id */
        {"/v1/stations.csv?fields=station&sort=-river&station=FAR1,BARE,OCK1,1491TH",
         "station 1491TH OCK1 BARE FAR1"},
        {"/v1/latest.csv?fields=measure&sort=value&parameter=level",
         "measure 1491TH-level OCK1-level FAR1-tide"},
        {"/v1/latest.csv?fields=measure&sort=-time&parameter=level,temperature",
         "measure 1491TH-level OCK1-level FAR1-tide FAR1-temp"},
        {"/v1/measures.csv?fields=measure&sort=-latest&station=FAR1",
         "measure FAR1-tide FAR1-temp FAR1-wind"},
        {"/v1/readings.csv?fields=value&sort=time&measure=OCK1-level", "value 1.75 1.5 1.25 1.0"},
        {"/v1/readings.csv?fields=value&sort=-time&measure=OCK1-level", "value 1.0 1.25 1.5 1.75"},
        {"/v1/readings.csv?fields=value&sort=-measure&measure=OCK1-level,FAR1-tide",
         "value 1.75 1.5 1.25 1.0 2.5"},
        {"/v1/stations.csv?fields=station&sort=label&river=Nile", "station"},
        {"/v1/latest.csv?fields=measure&sort=parameter,-value&parameter=level,flow",
         "measure 1491TH-flow FAR1-tide OCK1-level 1491TH-level"},
        {"/v1/readings.csv?fields=value&sort=-measure,-time&measure=OCK1-level,FAR1-tide",
         "value 1.0 1.25 1.5 1.75 2.5"},
    };
    Inside inside;
    inside_open(&inside, true);
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].target);
        CLEANUP(asked_release) Asked asked = ask(&inside, cases[i].target);
        CHECK_INT(200, asked.status);
        CLEANUP(buf_release) Buf line = buf_init(1000);
        buf_put_str(&line, str_trim(asked.body));
        for (size_t k = 0; k < line.len; k++)
            if (line.ptr[k] == '\n')
                line.ptr[k] = ' ';
        CHECK_TEXT(cases[i].want, buf_view(&line));
    }
    CLEANUP(asked_release)
    Asked json = ask(&inside, "/v1/readings?sort=-time&measure=OCK1-level&limit=2");
    CHECK_TEXT("1.0", json_at(json.body, "items.0.value"));
    CHECK_TEXT("1.25", json_at(json.body, "items.1.value"));
    CHECK_TEXT("2", json_at(json.body, "count"));
    inside_close(&inside);
}

TEST(bad_choices_are_told)
{
    static const RefusalCase cases[] = {
        {"/v1/stations?fields=station,rivr", "fields", "Did you mean 'river'?"},
        {"/v1/stations?fields=station,station", "fields", "named twice"},
        {"/v1/stations?fields=station,", "fields", "is not a field"},
        {"/v1/stations?fields=", "fields", "no value"},
        {"/v1/readings?fields=typical_low", "fields", "is not a field"},
        {"/v1/stations?sort=latt", "sort", "Did you mean 'lat'?"},
        {"/v1/stations?sort=measures", "sort", "a list"},
        {"/v1/stations?sort=river,-river", "sort", "named twice"},
        {"/v1/stations?sort=river,", "sort", "is not a field"},
        {"/v1/stations?sort=station,reference,label,river,catchment,town,lat,long,easting", "sort",
         "too many fields"},
        {"/v1/stations?sort=lat&sort=long", "sort", "more than once"},
        {"/v1/readings?sort=value", "sort", "`time` or `measure`"},
        {"/v1/stations?limit=0", "limit", "from 1 to 100000"},
        {"/v1/stations?limit=-1", "limit", "from 1 to 100000"},
        {"/v1/stations?limit=100001", "limit", "from 1 to 100000"},
        {"/v1/stations?limit=ten", "limit", "from 1 to 100000"},
        {"/v1/stations?cursor=AAAA", "cursor", "expected the one of `next`"},
        {"/v1/stations?cursor=n%C3%B6", "cursor", "expected the one of `next`"},
        {"/v1/stations?limit=5&cursor="
         "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
         "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
         "cursor", "expected the one of `next`"},
    };
    Inside inside;
    inside_open(&inside, true);
    check_refusals(&inside, cases, countof(cases));
    inside_close(&inside);
}

/* ---- pages ----------------------------------------------------------------------------------- */

/* What stands between < and > of the header field. */
static Str linked(const Asked *asked)
{
    Str link = asked_header(asked, "Link"), head, rest, url;
    if (!str_find(link, STR("rel=\"next\""), &(size_t){0}) || !str_cut(link, '<', &head, &rest) ||
        !str_cut(rest, '>', &url, &rest))
        return STR_NONE;
    return url;
}

static Buf target_of(Str url)
{
    Buf target = buf_init(4096);
    buf_put_str(&target, url);
    buf_put_char(&target, '\0');
    return target;
}

/* Follows a CSV's pages and joins them under one header. */
static Buf all_pages(Inside *inside, const char *first, int *ret_pages)
{
    Buf all = buf_init(1 << 20);
    CLEANUP(buf_release) Buf target = target_of(str_of(first));
    for (*ret_pages = 0; target.len > 1; ++*ret_pages) {
        CLEANUP(asked_release) Asked asked = ask(inside, target.ptr);
        Str header, rows;
        REQUIRE(asked.status == 200 && str_cut(asked.body, '\n', &header, &rows));
        if (*ret_pages == 0)
            buf_printf(&all, STR_FMT "\n", STR_ARG(header));
        buf_put_str(&all, rows);
        Str next = linked(&asked);
        buf_release(&target);
        target = target_of(str_is_none(next) ? STR("") : next);
    }
    return all;
}

TEST(pages_joined_are_the_whole_list)
{
    static const struct {
        const char *whole, *first;
        int pages;
    } cases[] = {
        {"/v1/stations.csv", "/v1/stations.csv?limit=4", 3},
        {"/v1/stations.csv", "/v1/stations.csv?limit=11", 1}, /* just what there is */
        {"/v1/stations.csv?sort=-river", "/v1/stations.csv?sort=-river&limit=3", 4},
        {"/v1/stations?format=csv&q=a", "/v1/stations?format=csv&q=a&limit=1", 3},
        {"/v1/readings.csv?sort=-time", "/v1/readings.csv?sort=-time&limit=50", 3},
        {"/v1/stations/1491TH/readings.csv?period=P2D",
         "/v1/stations/1491TH/readings.csv?period=P2D&limit=90", 2},
        {"/v1/latest.csv?fields=station,value", "/v1/latest.csv?fields=station,value&limit=1", 12},
    };
    Inside inside;
    inside_open(&inside, true);
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].first);
        int pages;
        CLEANUP(asked_release) Asked whole = ask(&inside, cases[i].whole);
        CLEANUP(buf_release) Buf joined = all_pages(&inside, cases[i].first, &pages);
        CHECK_STR(whole.body, buf_view(&joined));
        CHECK_INT(cases[i].pages, pages);
        CHECK(str_is_none(linked(&whole)));
    }
    inside_close(&inside);
}

/* Every page says the same of the whole; its count and `complete` speak of itself. */
TEST(json_page_says_where_it_goes_on)
{
    Inside inside;
    inside_open(&inside, true);
    CLEANUP(asked_release) Asked first = ask(&inside, "/v1/stations/1491TH/readings?limit=60");
    CHECK_TEXT("60", json_at(first.body, "count"));
    CHECK_TEXT("97", json_at(first.body, "coverage.received"));
    CHECK_TEXT("true", json_at(first.body, "complete"));
    CHECK(str_ends(first.body, STR("\"complete\":true}\n")));
    Str next = json_text_at(first.body, "next");
    CHECK(str_starts(next, STR("/v1/stations/1491TH/readings?limit=60&cursor=")));
    CHECK_STR(next, linked(&first));
    CLEANUP(buf_release) Buf target = target_of(next);
    CLEANUP(asked_release) Asked second = ask(&inside, target.ptr);
    CHECK_TEXT("37", json_at(second.body, "count"));
    CHECK_TEXT("null", json_at(second.body, "next"));
    CHECK_STR(json_at(first.body, "coverage"), json_at(second.body, "coverage"));
    CHECK_STR(json_at(first.body, "window"), json_at(second.body, "window"));
    inside.options.max_json_items = 50; /* JSON is in pages also when nobody asks */
    CLEANUP(asked_release) Asked page = ask(&inside, "/v1/stations/1491TH/readings?period=P9D");
    CHECK_TEXT("50", json_at(page.body, "count"));
    CHECK(str_starts(json_text_at(page.body, "next"), STR("/v1/stations/1491TH/readings?period=")));
    inside_close(&inside);
}

TEST(cursor_holds_for_its_question_beyond_its_generation)
{
    static const struct {
        const char *add; /* to the address of the second page */
        unsigned status;
    } cases[] = {{"", 200},
                 {"&format=ndjson", 200},
                 {"&parameter=level", 400},
                 {"&sort=time", 400},
                 {"&fields=station", 400}};
    Inside inside;
    inside_open(&inside, true);
    CLEANUP(asked_release) Asked first = ask(&inside, "/v1/latest?limit=2");
    Str next = json_text_at(first.body, "next");
    for (size_t i = 0; i < countof(cases); i++) {
        char target[400];
        CASE(cases[i].add);
        (void) snprintf(target, sizeof target, STR_FMT "%s", STR_ARG(next), cases[i].add);
        CLEANUP(asked_release) Asked asked = ask(&inside, target);
        CHECK_INT(cases[i].status, asked.status);
    }
    Batch batch = batch_init();
    add_reading(&batch, "1491TH-level", FIXTURE_NOW - 900, 0.5);
    (void) fixture_apply(&inside.fixture, &batch, FAULT_NONE);
    batch_release(&batch);
    CLEANUP(buf_release) Buf target = target_of(next);
    CLEANUP(asked_release) Asked late = ask(&inside, target.ptr);
    CHECK_INT(200, late.status);
    CHECK_STR(json_at(first.body, "generation"), json_at(late.body, "generation"));
    CHECK_TEXT("2", json_at(late.body, "count"));
    inside_close(&inside);
}
