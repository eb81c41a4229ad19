#include "model/batch.h"

#include "tests/test.h"

#include <stdio.h>
#include <string.h>

enum { MANY = 1000 }; /* more than one growth of every array */

TEST(batch_keeps_what_is_added)
{
    CLEANUP(batch_release) Batch batch = batch_init();
    CHECK_INT(0, batch.station_count + batch.measure_count + batch.reading_count +
                     batch.refusal_count + batch.type_count);
    for (int i = 0; i < MANY; i++) {
        char text[32];
        Str id;
        (void) snprintf(text, sizeof text, "%dTH", i);
        REQUIRE(arena_copy(&batch.strings, str_of(text), &id));
        REQUIRE(batch_add_station(&batch, &(Station){.id = id, .lat_deg = i}));
        REQUIRE(batch_add_measure(&batch, &(Measure){.id = id, .period_s = i}));
        REQUIRE(
            batch_add_reading(&batch, &(BatchReading){.reading = {.measure_id = id, .time = i}}));
        REQUIRE(batch_add_refusal(&batch, REFUSED_BAD_TIME, id, STR("{}")));
        REQUIRE(batch_add_type(&batch, id, STR("Coastal")));
    }
    CHECK_INT(MANY, batch.station_count);
    CHECK_INT(MANY, batch.measure_count);
    CHECK_INT(MANY, batch.reading_count);
    CHECK_INT(MANY, batch.refusal_count);
    CHECK_INT(MANY, batch.type_count);
    for (int i = 0; i < MANY; i += 333) {
        char text[32];
        (void) snprintf(text, sizeof text, "%dTH", i);
        CHECK_TEXT(text, batch.stations[i].id);
        CHECK_DOUBLE(i, batch.stations[i].lat_deg);
        CHECK_TEXT(text, batch.measures[i].id);
        CHECK_INT(i, batch.measures[i].period_s);
        CHECK_TEXT(text, batch.readings[i].reading.measure_id);
        CHECK_INT(i, batch.readings[i].reading.time);
        CHECK_TEXT(text, batch.refusals[i].measure_id);
        CHECK_TEXT(text, batch.types[i].station_id);
        CHECK_TEXT("Coastal", batch.types[i].type);
    }
}

TEST(batch_refusals_are_copied_and_cut)
{
    CLEANUP(batch_release) Batch batch = batch_init();
    char raw[REFUSAL_RAW_MAX + 500];
    memset(raw, 'x', sizeof raw);
    REQUIRE(batch_add_refusal(&batch, REFUSED_NO_VALUE, STR_NONE, (Str){raw, sizeof raw}));
    memset(raw, 'y', sizeof raw); /* the body they came from is gone by then */
    REQUIRE(batch_add_refusal(&batch, REFUSED_FUTURE, STR("m"), (Str){raw, REFUSAL_RAW_MAX}));
    CHECK_INT(REFUSED_NO_VALUE, batch.refusals[0].reason);
    CHECK(str_is_none(batch.refusals[0].measure_id));
    CHECK_INT(REFUSAL_RAW_MAX, batch.refusals[0].raw.len);
    CHECK_INT('x', batch.refusals[0].raw.ptr[REFUSAL_RAW_MAX - 1]);
    CHECK_STR(STR("m"), batch.refusals[1].measure_id);
    CHECK_STR(((Str){raw, REFUSAL_RAW_MAX}), batch.refusals[1].raw);
}

TEST(batch_is_usable_after_release)
{
    Batch batch = batch_init();
    REQUIRE(batch_add_station(&batch, &(Station){.id = STR("a")}));
    batch.has_all_stations = true;
    batch_release(&batch);
    CHECK_INT(0, batch.station_count);
    CHECK(!batch.has_all_stations);
    REQUIRE(batch_add_station(&batch, &(Station){.id = STR("b")}));
    CHECK_STR(STR("b"), batch.stations[0].id);
    batch_release(&batch);
    batch_release(&batch);
}

TEST(refusal_names_are_all_there_and_all_different)
{
    for (int i = 0; i < REFUSAL_REASON_COUNT; i++) {
        const char *name = refusal_name((RefusalReason) i);
        REQUIRE(name != NULL);
        for (int k = 0; k < i; k++)
            CHECK(strcmp(name, refusal_name((RefusalReason) k)) != 0);
    }
    CHECK_TEXT("no_value", str_of(refusal_name(REFUSED_NO_VALUE)));
    CHECK_TEXT("unknown_measure", str_of(refusal_name(REFUSED_UNKNOWN_MEASURE)));
}
