/* sim/habits.h - the upstream's bad habits, each at a rate: how measures are delivered, what befalls
 * readings, what comes and goes in the lists.
 *
 * All of it is a function of seed, index and time. A rate that is changed while the simulator runs
 * counts for what was published before, too: who must not see a reading taken back sets the rates
 * before the service under test starts. Guarded by their owner's lock. */
#pragma once
#include "base/buf.h"
#include "base/err.h"

typedef enum Rate {
    RATE_HOURLY, /* of measures: delivered in batches; the three exclude each other */
    RATE_TWICE_DAILY,
    RATE_DAILY,
    RATE_LATE, /* of readings: a reading has one of these at most */
    RATE_CORRECTIONS,
    RATE_DUPLICATES,
    RATE_ARRAYS,
    RATE_MISSING_VALUES,
    RATE_EMPTY_TIMES,
    RATE_SENTINELS,
    RATE_UNLISTED, /* of measures; the two exclude each other */
    RATE_LISTED_LATER,
    RATE_VANISHING, /* of stations */
    RATE_OFF_GRID,  /* of the measures of a made network; cannot change later */
    RATE_COUNT
} Rate;

typedef struct RateName {
    const char *name, *help;
    int group; /* the rates of one group are at most 100 % together */
} RateName;
extern const RateName RATES[RATE_COUNT];

typedef struct Habits {
    uint64_t seed;
    UnixSec start;            /* of the simulator */
    uint32_t ppm[RATE_COUNT]; /* a million is all */
} Habits;

/* 15 % of measures in batches (a fifth of them hourly, a fifth daily), 0.2 % off the grid, nothing
 * else. */
Habits habits_init(uint64_t seed, UnixSec start);
/* `name` is one of RATES, or `batching`: that share in batches, as above.
 * Errors: ERR_INVALID (unknown name, no percentage, more than 100 in a group). */
MUST_USE ErrCode habits_set(Habits *habits, Str name, Str percent, Err *err);

/* How a measure is delivered: its readings up to a multiple of `every_s`, plus `phase_s`, come at
 * once. every_s 0: promptly. */
typedef struct Delivery {
    int64_t every_s, phase_s;
} Delivery;
Delivery habits_delivery(const Habits *habits, uint32_t measure);

/* RATE_LATE to RATE_SENTINELS; RATE_COUNT: nothing befalls it. */
Rate habits_oddity(const Habits *habits, uint32_t measure, UnixSec time);
/* How much later than others of its time a late reading is published: 1 to 7 hours. And how long
 * after it was published a value is corrected. */
int64_t habits_delay_s(const Habits *habits, uint32_t measure, UnixSec time);
/* 0 or 1: a coin for what needs one more choice. */
unsigned habits_coin(const Habits *habits, uint32_t measure, UnixSec time);

/* An unlisted measure is in no list and cannot be looked up, though its readings are told. One that
 * is listed later can be looked up at once, and stands in the lists 1 to 12 h after the start. */
bool habits_lists_measure(const Habits *habits, uint32_t measure, UnixSec now);
bool habits_knows_measure(const Habits *habits, uint32_t measure);
/* A vanishing station is away, with its measures, for 6 h of each day. Its readings go on. */
bool habits_lists_station(const Habits *habits, uint32_t station, UnixSec now);
