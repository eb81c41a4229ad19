/* sim/world.h - the network the simulator stands for: stations, measures, and their readings.
 *
 * A world is made (sim/made.c) or recorded (sim/replay.c). It does not change once it is opened, so
 * any thread may read it. Items are raw JSON text: a recorded array stays an array, 1.0 stays 1.0.
 */
#pragma once
#include "base/arena.h"
#include "base/buf.h"

#define WORLD_NONE UINT32_MAX /* no such station or measure */

typedef struct World World;

typedef struct WorldStation {
    Str id;                /* notation: the last part of its @id */
    uint32_t first, count; /* of its measures, in World.measures_of */
} WorldStation;

typedef struct WorldMeasure {
    Str id;
    uint32_t station; /* WORLD_NONE: a station in no list */
    Str station_id;
    int32_t batch_s; /* its readings come this often, all at once; 0: promptly */
    int32_t batch_phase_s;
} WorldMeasure;

typedef enum ScaleKind { SCALE_STAGE, SCALE_DOWNSTAGE } ScaleKind;

/* What a kind of world must know. Texts are complete JSON values. */
typedef struct WorldKind {
    /* An item of /id/stations, with its nested measures. */
    void (*put_station)(const World *world, uint32_t station, Buf *out);
    /* An item of /id/measures; `latest` becomes latestReading, none leaves it out. */
    void (*put_measure)(const World *world, uint32_t measure, Str latest, Buf *out);
    /* False: this station has no such scale. */
    bool (*put_scale)(const World *world, uint32_t station, ScaleKind which, Buf *out);
    /* What only a station asked for by itself shows: an object of eaAreaName, type, ... */
    void (*put_single_members)(const World *world, uint32_t station, Buf *out);
    /* The same of a measure: an object of type, localDatumMeasure, ... STR_NONE: type follows from
     * the parameter. */
    Str (*single_measure_members)(const World *world, uint32_t measure);
    bool (*is_of_type)(const World *world, uint32_t station,
                       Str type); /* Coastal, SingleLevel, ... */
    bool (*next_time)(const World *world, uint32_t measure, UnixSec after, UnixSec *ret);
    bool (*last_time)(const World *world, uint32_t measure, UnixSec upto, UnixSec *ret);
    void (*put_value)(const World *world, uint32_t measure, UnixSec time, Buf *out);
    void (*close)(World *world); /* frees `own` */
} WorldKind;

struct World {
    const WorldKind *kind;
    void *own; /* of the kind */
    Arena strings;
    WorldStation *stations;
    size_t station_count;
    WorldMeasure *measures;
    size_t measure_count;
    uint32_t *measures_of;    /* grouped by station; within one in the order of the list */
    uint32_t *stations_by_id; /* ordered, bytewise */
    uint32_t *measures_by_id;
    UnixSec seen_from_start; /* readings up to here are seen at once; NO_TIME: by release alone */
    bool is_recorded;        /* what is older than the upstream keeps is answered all the same */
};

/* A network of `station_count` stations, a pure function of `seed`; `batching_percent` of its
 * measures are read out hourly, twice a day or daily. Owns: both worlds end with world_close().
 * Errors: ERR_NO_MEMORY. */
MUST_USE ErrCode world_make(size_t station_count, uint64_t seed, int batching_percent,
                            World **ret_world, Err *err);
/* The recorded answers in `folder`, their times shifted by whole quarter hours so that the newest
 * reading is 18 to 33 minutes old at `start`. Errors: ERR_NOT_FOUND (no stations or measures
 * there), ERR_FORMAT, ERR_NO_MEMORY. */
MUST_USE ErrCode world_replay(const char *folder, UnixSec start, World **ret_world, Err *err);
void world_close(World *world); /* NULL is fine */

/* For the two above, once the array is filled; stations first, so that measures can look up theirs.
 */
MUST_USE ErrCode world_index_stations(World *world, Err *err);
MUST_USE ErrCode world_index_measures(World *world, Err *err);

uint32_t world_find_station(const World *world, Str id); /* WORLD_NONE: there is none */
uint32_t world_find_measure(const World *world, Str id);

/* The oldest time that the upstream still keeps: 28 days, from a midnight. */
UnixSec world_kept_from(const World *world, UnixSec now);
