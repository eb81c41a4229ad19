/* A generation as records: what is written can be read, and what is broken is said to be. */
#include "model/event.h"
#include "tests/test.h"

#include <string.h>

static const EventSource SOURCE = {
    .ingester = {"2/5", 3}, .epoch = 0xbeef, .number = 42, .log = 0xcafe};

TEST(event_kinds_have_names_that_are_found)
{
    for (int kind = 0; kind < EVENT_KIND_COUNT; kind++) {
        EventKind found = EVENT_KIND_COUNT;
        CHECK(event_find(str_of(event_name((EventKind) kind)), &found));
        CHECK_INT(kind, found);
    }
    EventKind found;
    CHECK(!event_find(STR("freshet.other"), &found));
    CHECK(!event_find(STR_NONE, &found));
}

TEST(event_reading_is_a_cloud_event_of_what_readings_say)
{
    const Station station = {.id = STR("1491TH")};
    const Measure measure = {.id = STR("1491TH-level"),
                             .station_id = STR("1491TH"),
                             .parameter = STR("level"),
                             .unit = STR("m")};
    const Reading reading = {
        .measure_id = measure.id, .time = 1700000000, .value = 1.0, .received = 1700000300};
    const Row row = {.station = &station, .measure = &measure, .reading = &reading};
    CLEANUP(buf_release) Buf out = buf_init(4096);
    event_put_reading(&out, &SOURCE, 1700000301, 7, &row);
    CHECK_STR(
        STR("{\"specversion\":\"1.0\",\"type\":\"freshet.reading\",\"source\":\"/freshet/2/5\","
            "\"id\":\"0000beef-42.7\",\"time\":\"2023-11-14T22:18:21Z\",\"data\":"
            "{\"station\":\"1491TH\",\"measure\":\"1491TH-level\",\"parameter\":\"level\","
            "\"qualifier\":null,\"unit\":\"m\",\"time\":\"2023-11-14T22:13:20Z\",\"value\":1.0,"
            "\"received\":\"2023-11-14T22:18:20Z\",\"revision\":0,\"raw\":null}}"),
        buf_view(&out));
}

TEST(event_reading_comes_back_as_it_was)
{
    static const struct {
        const char *name;
        Reading reading;
    } cases[] = {
        {"plain",
         {.measure_id = {"m\"1", 3},
          .time = 1700000000,
          .value = -0.0123456789012345,
          .received = 1700000300}},
        {"corrected",
         {.measure_id = {"m", 1},
          .time = 1,
          .value = 2.5,
          .received = 3,
          .flags = READING_CORRECTED,
          .revision = 2}},
        {"ambiguous",
         {.measure_id = {"m", 1},
          .time = 1,
          .value = 0.1,
          .received = 3,
          .flags = READING_AMBIGUOUS,
          .raw = {"[0.1,9.9]", 9}}},
    };
    const Station station = {.id = STR("s")};
    for (size_t i = 0; i < countof(cases); i++) {
        const Reading *given = &cases[i].reading;
        const Measure measure = {.id = given->measure_id, .station_id = station.id};
        const Row row = {.station = &station, .measure = &measure, .reading = given};
        CLEANUP(buf_release) Buf out = buf_init(4096);
        CLEANUP(arena_release) Arena arena = arena_init();
        Reading got;
        Err err = {.code = OK};
        CASE(cases[i].name);
        event_put_reading(&out, &SOURCE, 5, 0, &row);
        REQUIRE_OK(event_read_reading(buf_view(&out), &arena, &got, &err));
        CHECK_STR(given->measure_id, got.measure_id);
        CHECK_INT(given->time, got.time);
        CHECK(given->value == got.value);
        CHECK_INT(given->received, got.received);
        CHECK_INT(given->revision, got.revision);
        CHECK_INT(given->flags, got.flags);
        CHECK_STR(given->raw, got.raw);
    }
}

TEST(event_markers_come_back_as_they_were)
{
    static const EventEnd ends[] = {
        {.as_of = 1700000000,
         .next_expected = 1700000900,
         .rows = 3,
         .readings = 4,
         .service = {.fault = FAULT_UPSTREAM, .since = 1699999999}},
        {.as_of = 1, .next_expected = NO_TIME, .service = {.fault = FAULT_NONE, .since = NO_TIME}},
    };
    for (size_t i = 0; i < countof(ends); i++) {
        CLEANUP(buf_release) Buf out = buf_init(4096);
        EventEnd got;
        Err err = {.code = OK};
        event_put_end(&out, &SOURCE, &ends[i]);
        REQUIRE_OK(event_read_end(buf_view(&out), &got, &err));
        CHECK_INT(ends[i].as_of, got.as_of);
        CHECK_INT(ends[i].next_expected, got.next_expected);
        CHECK_INT(ends[i].service.fault, got.service.fault);
        CHECK_INT(ends[i].service.since, got.service.since);
        CHECK_INT(ends[i].rows, got.rows);
        CHECK_INT(ends[i].readings, got.readings);
    }
    CLEANUP(buf_release) Buf out = buf_init(4096);
    uint64_t after = 0;
    Err err = {.code = OK};
    event_put_begin(&out, &SOURCE, 9, 41);
    REQUIRE_OK(event_read_begin(buf_view(&out), &after, &err));
    CHECK_INT(41, (int64_t) after);
}

TEST(event_rows_come_back_as_they_were)
{
    CLEANUP(buf_release) Buf out = buf_init(4096);
    CLEANUP(arena_release) Arena arena = arena_init();
    Str table, rows;
    Err err = {.code = OK};
    event_put_rows(&out, &SOURCE, 9, "station", STR("{\"id\":\"a\"},{\"id\":\"b\"}"));
    REQUIRE_OK(event_read_rows(buf_view(&out), &arena, &table, &rows, &err));
    CHECK_STR(STR("station"), table);
    CHECK_STR(STR("[{\"id\":\"a\"},{\"id\":\"b\"}]"), rows);
}

TEST(event_that_is_broken_says_what_is_wrong)
{
    static const struct {
        const char *value, *said;
    } cases[] = {
        {"", "without data"},
        {"{}", "without data"},
        {"{\"data\":{}}", "measure"},
        {"{\"data\":{\"measure\":\"m\"}}", "value"},
        {"{\"data\":{\"measure\":\"m\",\"value\":\"1\"}}", "value"},
        {"{\"data\":{\"measure\":\"m\",\"value\":1.0,\"time\":\"noon\"}}", "time"},
        {"{\"data\":{\"measure\":\"m\",\"value\":1.0,\"time\":null}}", "time"},
        {"{\"data\":{\"measure\":\"m\",\"value\":1.0,\"time\":\"2026-01-01T00:00:00Z\"}}",
         "received"},
        {"{\"data\":{\"measure\":\"m\",\"value\":1.0,\"time\":\"2026-01-01T00:00:00Z\","
         "\"received\":\"2026-01-01T00:00:00Z\",\"revision\":-1}}",
         "revision"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CLEANUP(arena_release) Arena arena = arena_init();
        Reading got;
        Err err = {.code = OK};
        CASE(cases[i].value);
        CHECK(event_read_reading(str_of(cases[i].value), &arena, &got, &err) == ERR_FORMAT);
        CHECK(strstr(err.text, cases[i].said) != NULL);
    }
}
