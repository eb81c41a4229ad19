/* /v1/gaps: from the store to the answer. */
#include "tests/site.h"

enum { MINUTE = 60 };

static void add_series(Batch *batch, const char *id, const char *parameter, int skipped)
{
    Measure measure = a_measure(id, "S", parameter, "Stage");
    measure.period_s = 15 * MINUTE;
    REQUIRE(batch_add_measure(batch, &measure));
    for (int slot = 0; slot < 96; slot++)
        if (slot != skipped)
            add_reading(batch, id, FIXTURE_NOW - slot * 15 * MINUTE, 1.5);
}

static void open_with_gaps(Inside *inside)
{
    inside_open(inside, false);
    Batch batch = batch_init();
    batch.slot = FIXTURE_NOW;
    batch.poll_s = 15 * MINUTE;
    add_series(&batch, "a", "level", 4);
    add_series(&batch, "b", "rainfall", 8);
    add_series(&batch, "c", "flow", -1);
    (void) fixture_apply(&inside->fixture, &batch, FAULT_NONE);
    batch_release(&batch);
}

static void record_asked(Inside *inside, const char *station, const char *measure, UnixSec from,
                         UnixSec at)
{
    Err err = {.code = OK};
    const AskedRange range = {.station_id = str_of(station),
                              .measure_id = str_of(measure),
                              .from = from,
                              .to = at,
                              .asked_at = at};
    REQUIRE_OK(writer_record_asked(inside->fixture.writer, &range, 1, &err));
}

TEST(gaps_are_served_with_cause_and_completeness)
{
    Inside inside;
    open_with_gaps(&inside);
    record_asked(&inside, NULL, "b", FIXTURE_NOW - 3 * 3600, FIXTURE_NOW + 1);
    CLEANUP(asked_release) Asked json = ask(&inside, "/v1/gaps");
    CHECK_INT(200, json.status);
    CHECK_TEXT("no-store", asked_header(&json, "Cache-Control"));
    static const struct {
        const char *path, *want;
    } members[] = {
        {"count", "2"},
        {"coverage.earliest", "2026-11-21T10:15:00Z"},
        {"coverage.latest", "2026-11-22T10:00:00Z"},
        {"coverage.expected", "288"},
        {"coverage.received", "286"},
        {"items.0.measure", "a"},
        {"items.0.station", "S"},
        {"items.0.period_s", "900"},
        {"items.0.from", "2026-11-22T09:00:00Z"},
        {"items.0.to", "2026-11-22T09:15:00Z"},
        {"items.0.slots", "1"},
        {"items.0.cause", "unasked"},
        {"items.0.asked", "null"},
        {"items.0.expected", "96"},
        {"items.0.received", "95"},
        {"items.1.measure", "b"},
        {"items.1.cause", "upstream"},
        {"items.1.asked", "2026-11-22T10:00:01Z"},
        {"window.from", "2026-11-22T08:00:00Z"},
        {"window.to", "2026-11-22T09:15:00Z"},
        {"complete", "true"},
    };
    for (size_t i = 0; i < countof(members); i++) {
        CASE(members[i].path);
        CHECK_TEXT(members[i].want, json_text_at(json.body, members[i].path));
    }
    CASE("asked for all");
    record_asked(&inside, NULL, NULL, FIXTURE_NOW - 24 * 3600, FIXTURE_NOW + 2);
    CLEANUP(asked_release) Asked csv = ask(&inside, "/v1/gaps.csv?parameter=level");
    CHECK_TEXT("station,measure,parameter,qualifier,period_s,from,to,slots,cause,asked,expected,"
               "received,completeness\n"
               "S,a,level,Stage,900,2026-11-22T09:00:00Z,2026-11-22T09:15:00Z,1,upstream,"
               "2026-11-22T10:00:02Z,96,95,0.9895833333333334\n",
               csv.body);
    CASE("NDJSON, and a filter");
    CLEANUP(asked_release) Asked ndjson = ask(&inside, "/v1/gaps.ndjson?measure=b");
    CHECK_TEXT("1", asked_header(&ndjson, "Row-Count"));
    CHECK_TEXT("2026-11-22T10:00:02Z", json_text_at(ndjson.body, "asked")); /* the later */
    CLEANUP(asked_release) Asked whole = ask(&inside, "/v1/gaps?measure=c");
    CHECK_TEXT("0", json_at(whole.body, "count"));
    CLEANUP(asked_release) Asked sought = ask(&inside, "/v1/gaps?q=nowhere&q=s");
    CHECK_TEXT("2", json_at(sought.body, "count"));
    CHECK_TEXT("1.0", json_at(whole.body, "coverage.completeness"));
    CLEANUP(asked_release) Asked readings = ask(&inside, "/v1/readings?measure=a,b");
    CLEANUP(asked_release) Asked some = ask(&inside, "/v1/gaps?measure=a,b&limit=1");
    CHECK_STR(json_text_at(readings.body, "coverage.earliest"),
              json_text_at(some.body, "coverage.earliest"));
    CHECK_STR(json_text_at(readings.body, "coverage.latest"),
              json_text_at(some.body, "coverage.latest"));
    CLEANUP(asked_release) Asked none = ask(&inside, "/v1/gaps?measure=nowhere");
    CHECK_TEXT("null", json_at(none.body, "coverage.earliest"));
    CHECK_TEXT("null", json_at(none.body, "coverage.latest"));
    CASE("asked for its station, and for another");
    record_asked(&inside, "S", NULL, FIXTURE_NOW - 24 * 3600, FIXTURE_NOW + 3);
    record_asked(&inside, "T", NULL, FIXTURE_NOW - 24 * 3600, FIXTURE_NOW + 4);
    CLEANUP(asked_release) Asked later = ask(&inside, "/v1/gaps");
    CHECK_TEXT("2026-11-22T10:00:03Z", json_text_at(later.body, "items.0.asked"));
    CHECK_TEXT("2026-11-22T10:00:03Z", json_text_at(later.body, "items.1.asked"));
    inside_close(&inside);
}
