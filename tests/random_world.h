/* tests/random_world.h - a little world that is stored and known by heart, for random questions.
 *
 * What the service should say of it is worked out by plain loops over `places`, which share no line
 * with model/ and store/. */
#pragma once
#include "tests/site.h"

enum { STATIONS = 9, MEASURES = 2, SLOTS = 60, SLOT_S = 900 };

typedef struct Series {
    char id[24];
    const char *parameter, *value_type; /* flow, instantaneous; or rainfall, total */
    bool has[SLOTS];
    double values[SLOTS];
} Series;

typedef struct Place {
    const char *id, *river; /* in the order of ids; river NULL: not known */
    double lat, longitude;  /* NAN: not known */
    Series series[MEASURES];
} Place;

extern Place places[STATIONS];

/* The same ones after the same seed. */
void roll_begin(uint64_t seed);
unsigned roll(unsigned sides);

/* The clocks of England go back in its middle. */
int64_t slot_time(int slot);
int newest_slot(const Series *series);
int64_t place_newest(const Place *place);
bool is_total(const Series *series);

/* Draws it and stores it. */
void make_world(Inside *inside);

/* ---- cells: texts with a bar behind each, in which all forms are compared --------------------- */

/* The shortest of up to 6 decimals, with a point; nothing where it is NAN. */
void put_number(Buf *out, double number);
/* 2026-10-25T00:15:00Z */
void put_moment(Buf *out, int64_t time);
/* A JSON value; null is nothing. */
void put_json_cell(Buf *out, Str value);
