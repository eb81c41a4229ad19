#include "tests/random_world.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

Place places[STATIONS];

/* ---- dice ------------------------------------------------------------------------------------ */

static uint64_t state;

void roll_begin(uint64_t seed)
{
    state = seed;
}

unsigned roll(unsigned sides)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned) (state >> 33) % sides;
}

/* ---- the world ------------------------------------------------------------------------------- */

/* 2026-10-25T01:00:00Z: summer ends */
#define CLOCKS_GO_BACK 1792890000

int64_t slot_time(int slot)
{
    return CLOCKS_GO_BACK + (int64_t) (slot - SLOTS / 2) * SLOT_S;
}

int newest_slot(const Series *series)
{
    int slot = SLOTS - 1;
    while (slot >= 0 && !series->has[slot])
        slot--;
    return slot;
}

int64_t place_newest(const Place *place)
{
    int newest = -1;
    for (size_t k = 0; k < MEASURES; k++)
        if (newest_slot(&place->series[k]) > newest)
            newest = newest_slot(&place->series[k]);
    return slot_time(newest);
}

bool is_total(const Series *series)
{
    return strcmp(series->value_type, "total") == 0;
}

static void make_series(Batch *batch, const Place *place, Series *series, bool is_rain)
{
    (void) snprintf(series->id, sizeof series->id, "%s-%d", place->id, is_rain);
    series->parameter = is_rain ? "rainfall" : "flow";
    series->value_type = is_rain ? "total" : "instantaneous";
    Measure measure = a_measure(series->id, place->id, series->parameter, "");
    measure.value_type = str_of(series->value_type);
    REQUIRE(batch_add_measure(batch, &measure));
    for (int slot = 0; slot < SLOTS; slot++) {
        series->has[slot] = roll(5) > 0;
        series->values[slot] = roll(9) * 0.25 - 0.5;
        if (series->has[slot])
            add_reading(batch, series->id, slot_time(slot), series->values[slot]);
    }
}

void make_world(Inside *inside)
{
    static const char *const IDS[STATIONS] = {"-1", "=2", "A", "B b", "C/c", "D", "E", "F", "a"};
    static const char *const RIVERS[] = {"River Ock", "River Cam", NULL};
    Batch batch = batch_init();
    for (size_t i = 0; i < STATIONS; i++) {
        Place *place = &places[i];
        bool is_placed = roll(4) > 0;
        *place = (Place){.id = IDS[i],
                         .river = RIVERS[roll(3)],
                         .lat = is_placed ? 50 + roll(20) * 0.25 : NAN,
                         .longitude = is_placed ? -3 + (double) roll(20) * 0.25 : NAN};
        Station station = a_station(place->id);
        station.river = str_of(place->river);
        station.lat_deg = place->lat;
        station.long_deg = place->longitude;
        REQUIRE(batch_add_station(&batch, &station));
        for (size_t k = 0; k < MEASURES; k++)
            make_series(&batch, place, &place->series[k], k == 1);
    }
    (void) fixture_apply(&inside->fixture, &batch, FAULT_NONE);
    batch_release(&batch);
}

/* ---- cells ----------------------------------------------------------------------------------- */

void put_number(Buf *out, double number)
{
    char text[40];
    if (isnan(number))
        return;
    int len = snprintf(text, sizeof text, "%.6f", number);
    while (text[len - 1] == '0' && text[len - 2] != '.')
        len--;
    buf_put(out, text, (size_t) len);
}

void put_moment(Buf *out, int64_t time)
{
    char text[40];
    struct tm tm;
    time_t moment = time;
    (void) gmtime_r(&moment, &tm);
    (void) strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    buf_put_str(out, str_of(text));
}

void put_json_cell(Buf *out, Str value)
{
    if (value.len >= 2 && value.ptr[0] == '"')
        value = (Str){value.ptr + 1, value.len - 2};
    if (!str_eq(value, STR("null")))
        buf_put_str(out, value);
    buf_put_char(out, '|');
}
