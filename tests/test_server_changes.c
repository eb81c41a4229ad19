/* /v1/changes: what changed since a cursor. */
#include "base/json.h"
#include "tests/site.h"

#include <stdio.h>
#include <stdlib.h>

static void commit(Inside *inside, const char *measure, UnixSec time, double value)
{
    Batch batch = batch_init();
    add_reading(&batch, measure, time, value);
    (void) fixture_apply(&inside->fixture, &batch, FAULT_NONE);
}

/* "7f3a1b2c-" and `rest`. */
static void put_cursor(const Inside *inside, const char *rest, char *text, size_t size)
{
    (void) snprintf(text, size, "/v1/changes?since=%08x-%s", store_epoch(inside->fixture.store),
                    rest);
}

static Asked ask_since(Inside *inside, const char *rest)
{
    char target[200];
    put_cursor(inside, rest, target, sizeof target);
    return ask(inside, target);
}

static Str after_dash(Str cursor)
{
    return str_after_last(cursor, '-');
}

TEST(changes_are_told_once_and_next_goes_on)
{
    Inside inside;
    inside_open(&inside, true);
    uint64_t generation = store_generation(inside.fixture.store);
    commit(&inside, "1491TH-level", FIXTURE_NOW, 0.5);
    commit(&inside, "1491TH-level", FIXTURE_NOW, 0.75); /* a correction */
    char rest[100];
    (void) snprintf(rest, sizeof rest, "%llu", (unsigned long long) generation);
    Asked asked = ask_since(&inside, rest);
    CHECK_INT(200, asked.status);
    CHECK_TEXT("no-store", asked_header(&asked, "Cache-Control"));
    CHECK_INT(0, json_count(json_at(asked.body, "items")));
    CHECK_INT(1, json_count(json_at(asked.body, "corrections")));
    CHECK_TEXT("0.75", json_at(asked.body, "corrections.0.value"));
    CHECK_TEXT("corrected", json_text_at(asked.body, "corrections.0.flags.0"));
    CHECK_TEXT("false", json_at(asked.body, "reset"));
    CHECK_TEXT("false", json_at(asked.body, "more"));
    CHECK_TEXT("true", json_at(asked.body, "complete"));
    CHECK_STR(json_text_at(asked.body, "generation"), json_text_at(asked.body, "next"));

    (void) snprintf(rest, sizeof rest, STR_FMT,
                    STR_ARG(after_dash(json_text_at(asked.body, "next"))));
    Asked again = ask_since(&inside, rest);
    CHECK_TEXT("0", json_at(again.body, "count"));
    CHECK_STR(json_text_at(asked.body, "next"), json_text_at(again.body, "next"));
    asked_release(&asked);
    asked_release(&again);
    inside_close(&inside);
}

/* Everything, one item a page: the same as all in one, and each once. */
TEST(changes_come_in_pages)
{
    Inside inside;
    inside_open(&inside, true);
    Asked all = ask(&inside, "/v1/changes");
    int64_t count = 0, seen = 0;
    REQUIRE(str_to_int(asked_header(&all, "Row-Count"), &count));
    CHECK(count > 20);
    char target[200] = "/v1/changes?limit=1";
    for (bool more = true; more && seen <= count;) {
        Asked page = ask(&inside, target);
        CHECK_INT(200, page.status);
        more = str_eq(json_at(page.body, "more"), STR("true"));
        CHECK_TEXT("1", asked_header(&page, "Row-Count"));
        seen++;
        (void) snprintf(target, sizeof target, "/v1/changes?limit=1&since=" STR_FMT,
                        STR_ARG(json_text_at(page.body, "next")));
        asked_release(&page);
    }
    CHECK_INT(count, seen);
    asked_release(&all);
    inside_close(&inside);
}

TEST(changes_since_a_cursor_of_another_store_begin_anew)
{
    static const char *const cases[] = {"/v1/changes?since=00000001-1",
                                        "/v1/changes?since=00000001-1.5"};
    Inside inside;
    inside_open(&inside, true);
    for (size_t i = 0; i < countof(cases); i++) {
        Asked asked = ask(&inside, cases[i]);
        CHECK_INT(200, asked.status);
        CHECK_TEXT("true", json_at(asked.body, "reset"));
        CHECK_TEXT("0", json_at(asked.body, "count"));
        CHECK_STR(json_text_at(asked.body, "generation"), json_text_at(asked.body, "next"));
        CHECK_TEXT("/v1/readings.ndjson", json_text_at(asked.body, "start.readings"));
        asked_release(&asked);
    }
    Asked ahead = ask_since(&inside, "999"); /* of a generation that this store has not made */
    CHECK_TEXT("true", json_at(ahead.body, "reset"));
    asked_release(&ahead);
    inside_close(&inside);
}

TEST(changes_since_a_moment_or_a_duration)
{
    Inside inside;
    inside_open(&inside, true);
    UnixSec filled = inside.fixture.now;
    inside.fixture.now += 1000;
    commit(&inside, "1491TH-level", FIXTURE_NOW, 0.5);
    const struct {
        UnixSec since;
        const char *count;
    } cases[] = {{filled, "1"}, {filled + 1000, "1"}, {filled + 1001, "0"}};
    for (size_t i = 0; i < countof(cases); i++) {
        char target[100];
        (void) snprintf(target, sizeof target, "/v1/changes?since=%lld",
                        (long long) cases[i].since);
        Asked asked = ask(&inside, target);
        CHECK_TEXT(cases[i].count, json_at(asked.body, "count"));
        asked_release(&asked);
    }
    Asked lately = ask(&inside, "/v1/changes?since=PT10M");
    CHECK_TEXT("1", json_at(lately.body, "count"));
    asked_release(&lately);
    inside_close(&inside);
}

TEST(changes_are_filtered_and_shaped_like_every_list)
{
    Inside inside;
    inside_open(&inside, true);
    Asked asked = ask(&inside, "/v1/changes?river=river+thames&parameter=level"
                               "&fields=measure,time,value&timeformat=unix"
                               "&q=nowhere&q=1491&bbox=0,0,1,1&bbox=-2,51,-1,52");
    CHECK_INT(200, asked.status);
    size_t count = json_count(json_at(asked.body, "items"));
    CHECK(count > 0);
    Str key, item;
    JsonWalk walk = json_walk(json_at(asked.body, "items"));
    while (json_next(&walk, &key, &item)) {
        CHECK_HAS("{\"measure\":\"1491TH-level", item);
        CHECK_HAS("\"time\":17", item);
    }
    CHECK_TEXT("1491TH", json_text_at(asked.body, "stations.0.station"));
    CHECK_INT(1, json_count(json_at(asked.body, "stations")));
    asked_release(&asked);
    inside_close(&inside);
}

TEST(changes_refuse_what_they_do_not_understand)
{
    static const struct {
        const char *target, *problem;
    } cases[] = {
        {"/v1/changes?since=yesterday", "bad-time"},
        {"/v1/changes?since=7f3a1b2c-", "bad-time"},
        {"/v1/changes?since=7f3a-1", "bad-time"},
        {"/v1/changes?wait=PT1H", "bad-parameter"},
        {"/v1/changes?wait=30", "bad-parameter"},
        {"/v1/changes?limit=0", "bad-parameter"},
        {"/v1/changes?sort=time", "unknown-parameter"},
        {"/v1/changes?format=csv", "unknown-parameter"},
    };
    Inside inside;
    inside_open(&inside, true);
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].target);
        Asked asked = ask(&inside, cases[i].target);
        CHECK_INT(400, asked.status);
        CHECK_TEXT(cases[i].problem, problem_type(asked.body));
        asked_release(&asked);
    }
    inside_close(&inside);
}

static void put_ids(Buf *out, Str items, const char *member)
{
    Str key, item;
    JsonWalk walk = json_walk(items);
    while (json_next(&walk, &key, &item))
        buf_printf(out, STR_FMT "\n", STR_ARG(json_text_at(item, member)));
}

static size_t lines_of(Str text, Str *lines, size_t max)
{
    size_t count = 0;
    Str rest = text;
    while (count < max && str_cut(rest, '\n', &lines[count], &rest))
        count++;
    return count;
}

static int by_bytes(const void *a, const void *b)
{
    return str_cmp(*(const Str *) a, *(const Str *) b);
}

/* The same ids, in whatever order. */
static void check_same_ids(Str one, Str two)
{
    enum { IDS_MAX = 4000 };
    static Str a[IDS_MAX], b[IDS_MAX];
    size_t count = lines_of(one, a, IDS_MAX);
    REQUIRE(count == lines_of(two, b, IDS_MAX));
    if (count == 0)
        return;
    qsort(a, count, sizeof *a, by_bytes);
    qsort(b, count, sizeof *b, by_bytes);
    for (size_t i = 0; i < count; i++)
        CHECK_STR(a[i], b[i]);
}

/* Whoever begins at the beginning is told of the stations and measures that the lists hold, whatever
 * the filter. */
TEST(changes_mean_by_a_filter_what_lists_mean)
{
    static const char *const filters[] = {
        "parameter=level",        "qualifier=Stage",
        "freshness=fresh",        "freshness=late,stale",
        "freshness=silent",       "state=normal",
        "trend=falling",          "trend=steady,rising",
        "river=River+Thames",     "q=ock",
        "station=1491TH",         "measure=1491TH-level",
        "bbox=-2,51,0,52",        "status=Active",
        "type=SingleLevel",       "town=abingdon",
        "state=above,below",      "freshness=silent&parameter=rainfall",
        "trend=falling&q=thames",
    };
    static const struct {
        const char *list, *path, *member;
    } lists[] = {
        {"stations", "/v1/stations", "station"},
        {"measures", "/v1/measures", "measure"},
    };
    Inside inside;
    inside_open(&inside, true);
    size_t told = 0;
    for (size_t i = 0; i < countof(filters); i++) {
        char target[200];
        CASE(filters[i]);
        (void) snprintf(target, sizeof target, "/v1/changes?%s", filters[i]);
        CLEANUP(asked_release) Asked changes = ask(&inside, target);
        REQUIRE(changes.status == 200);
        for (size_t k = 0; k < countof(lists); k++) {
            (void) snprintf(target, sizeof target, "%s?%s", lists[k].path, filters[i]);
            CLEANUP(asked_release) Asked list = ask(&inside, target);
            CLEANUP(buf_release) Buf one = buf_init(1 << 20);
            CLEANUP(buf_release) Buf two = buf_init(1 << 20);
            put_ids(&one, json_at(list.body, "items"), lists[k].member);
            put_ids(&two, json_at(changes.body, lists[k].list), lists[k].member);
            check_same_ids(buf_view(&one), buf_view(&two));
            told += two.len > 0;
        }
    }
    CHECK(told > countof(filters));
    inside_close(&inside);
}
