/* sim/load.h - from the items of one recorded answer into a recorded world. */
#pragma once
#include "sim/recorded.h"

typedef struct Loading {
    World *world;
    Recorded *recorded;
    const char *name; /* of the file */
    Str items;        /* an array of objects, or one object */
} Loading;

/* Errors of all: ERR_NO_MEMORY. Stations come first, then measures; the others in any order. */
typedef ErrCode LoadFn(Loading *loading, Err *err);
LoadFn load_stations; /* the whole list */
LoadFn load_measures; /* the whole list; their latestReadings are the first readings */
LoadFn load_scales;   /* stations in full view: their scales */
LoadFn load_coastal;  /* the same, of Coastal stations */
LoadFn load_types;    /* stations of the type that the file's name tells */
LoadFn load_single_station;
LoadFn load_single_measure;
LoadFn load_readings;
