/* sim/recorded.h - the inside of a recorded network: what sim/replay.c reads from files, and
 * sim/recorded.c tells of it. Texts borrow the files, which are kept as long as the world. */
#pragma once
#include "sim/world.h"

/* What a station measures, as far as its type shows it. */
enum {
    MEASURES_STAGE = 1,
    MEASURES_DOWNSTAGE = 2,
    MEASURES_GROUNDWATER = 4,
    MEASURES_WEATHER = 8,
};

typedef struct RecordedStation {
    Str item;      /* as in the list */
    Str more;      /* an object of what only a single view showed; none: there was no single view */
    Str scales[2]; /* by ScaleKind; none: never seen as an object */
    unsigned measures;
} RecordedStation;

typedef struct RecordedMeasure {
    Str before, after;   /* its item around the place of latestReading */
    Str more;            /* as above */
    size_t first, count; /* of its readings */
} RecordedMeasure;

typedef struct RecordedReading {
    uint32_t measure;
    uint32_t order;  /* of reading in: the first of two at one time counts */
    UnixSec time;    /* shifted */
    UnixSec arrived; /* only where the world has arrivals */
    Str value;       /* raw; none: it had none */
} RecordedReading;

typedef struct RecordedType {
    Str type; /* TideGauge */
    uint32_t station;
} RecordedType;

typedef struct Recorded {
    RecordedStation *stations; /* parallel to World.stations */
    RecordedMeasure *measures; /* parallel to World.measures */
    RecordedReading *readings; /* ordered by measure and time, once all are read */
    size_t reading_count, reading_cap;
    RecordedType *types;
    size_t type_count, type_cap;
    Buf *files;
    size_t file_count, file_cap;
    UnixSec newest; /* of the measures' latest readings, as recorded */
    int64_t shift_s;
} Recorded;

extern const WorldKind RECORDED; /* sim/recorded.c */

/* ---- sim/replay.c: what every recorded world is built with ---- */

/* An empty one. Owns: ends with world_close(). */
MUST_USE ErrCode recorded_open(World **ret_world, Err *err);
/* One more text that lives as long as the world; it is empty, and stays where it is until the next. */
MUST_USE ErrCode recorded_add_file(Recorded *recorded, Buf **ret_file, Err *err);
/* Plain or gzipped, appended to `file`. Errors: ERR_NOT_FOUND, ERR_FORMAT. */
MUST_USE ErrCode recorded_read_file(const char *path, Buf *file, Err *err);
/* Once all readings are in: by measure and time, the first of two at one time counts. */
void recorded_order_readings(World *world);
