/* /v1/quarantine: what was refused, in every form. */
#include "tests/site.h"

static void refuse(Inside *inside)
{
    Batch batch = batch_init();
    REQUIRE(batch_add_refusal(&batch, REFUSED_NO_VALUE, STR("a-level"), STR("{\"value\":null}")));
    REQUIRE(batch_add_refusal(&batch, REFUSED_BAD_ITEM, STR_NONE, STR("7, \"x\"")));
    add_reading(&batch, "nobody", FIXTURE_NOW, 1.5);
    (void) fixture_apply(&inside->fixture, &batch, FAULT_NONE);
    REQUIRE(batch_add_refusal(&batch, REFUSED_NO_VALUE, STR("a-level"), STR("{\"value\":null}")));
    (void) fixture_apply(&inside->fixture, &batch, FAULT_NONE);
    batch_release(&batch);
}

TEST(quarantine_is_told_in_every_form)
{
    Inside inside;
    inside_open(&inside, true);
    refuse(&inside);
    CLEANUP(asked_release) Asked json = ask(&inside, "/v1/quarantine");
    CHECK_INT(200, json.status);
    CHECK_TEXT("no-store", asked_header(&json, "Cache-Control"));
    CHECK(str_is_none(asked_header(&json, "ETag")));
    CHECK(str_is_none(json_at(json.body, "generation")));
    CHECK_TEXT("3", json_at(json.body, "count"));
    CHECK_TEXT("true", json_at(json.body, "complete"));
    static const struct {
        const char *path, *want;
    } members[] = {
        {"items.0.reason", "no_value"},
        {"items.0.measure", "a-level"},
        {"items.0.count", "2"},
        {"items.0.first_received", "2026-11-22T10:00:02Z"},
        {"items.0.received", "2026-11-22T10:00:03Z"},
        {"items.0.raw", "{\\\"value\\\":null}"},
        {"items.1.reason", "unknown_measure"},
        {"items.1.measure", "nobody"},
        {"items.2.reason", "bad_item"},
        {"items.2.measure", "null"},
        {"items.2.count", "1"},
    };
    for (size_t i = 0; i < countof(members); i++) {
        CASE(members[i].path);
        CHECK_TEXT(members[i].want, json_text_at(json.body, members[i].path));
    }
    CASE("CSV");
    CLEANUP(asked_release) Asked csv = ask(&inside, "/v1/quarantine.csv?reason=bad_item");
    CHECK_TEXT("received,reason,measure,raw,count,first_received\n"
               "2026-11-22T10:00:02Z,bad_item,,\"7, \"\"x\"\"\",1,2026-11-22T10:00:02Z\n",
               csv.body);
    CHECK_TEXT("1", asked_header(&csv, "Row-Count"));
    CASE("NDJSON");
    CLEANUP(asked_release) Asked ndjson = ask(&inside, "/v1/quarantine.ndjson?measure=nobody");
    CHECK_TEXT("unknown_measure", json_text_at(ndjson.body, "reason"));
    CHECK_TEXT("1", asked_header(&ndjson, "Row-Count"));
    inside_close(&inside);
}

TEST(quarantine_filters_and_limits)
{
    static const struct {
        const char *target, *count;
    } cases[] = {
        {"/v1/quarantine?limit=2", "2"},
        {"/v1/quarantine?reason=bad_item&reason=no_value", "2"},
        {"/v1/quarantine?reason=future", "0"},
        {"/v1/quarantine?measure=nobody,a-level", "2"},
        {"/v1/quarantine?measure=nobody&reason=no_value", "0"},
    };
    Inside inside;
    inside_open(&inside, true);
    refuse(&inside);
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].target);
        CLEANUP(asked_release) Asked asked = ask(&inside, cases[i].target);
        CHECK_INT(200, asked.status);
        CHECK_TEXT(cases[i].count, json_at(asked.body, "count"));
    }
    static const struct {
        const char *target, *part;
    } faults[] = {
        {"/v1/quarantine?reason=because", "expected one of no_value, bad_value, no_time"},
        {"/v1/quarantine?reason=because", "bad_item, too_many"},
        {"/v1/quarantine?limit=0", "from 1 to 100000"},
        {"/v1/quarantine?limit=100001", "from 1 to 100000"},
    };
    for (size_t i = 0; i < countof(faults); i++) {
        CASE(faults[i].target);
        CLEANUP(asked_release) Asked asked = ask(&inside, faults[i].target);
        CHECK_INT(400, asked.status);
        CHECK_HAS(faults[i].part, asked.body);
    }
    inside_close(&inside);
}
