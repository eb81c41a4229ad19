/* model/shard.h - which stations are ours, where several services share the network. Pure.
 *
 * Rendezvous hashing of the station's id: of n shards the one whose weight for it is the highest has
 * it, with all its measures. One more shard takes an n+1th of each and moves nothing else. A measure
 * goes by the station that its id names (model/measure_id.h): so a reading can be judged by itself. */
#pragma once
#include "base/str.h"

enum { SHARD_COUNT_MAX = 1000 };

typedef struct Shard {
    uint32_t index; /* from 0 on */
    uint32_t count; /* 0 or 1: all stations are ours */
} Shard;

/* "2/5": the second of five; "" or "1/1": all. False: no shard. */
bool shard_parse(Str text, Shard *ret);

bool shard_has_station(Shard shard, Str station_id);
bool shard_has_measure(Shard shard, Str measure_id);
