#include "model/shard.h"

#include "model/measure_id.h"

bool shard_parse(Str text, Shard *ret)
{
    Str index_text, count_text;
    int64_t index, count;
    if (text.len == 0) {
        *ret = (Shard){.count = 1};
        return true;
    }
    if (!str_cut(text, '/', &index_text, &count_text) || !str_to_int(index_text, &index) ||
        !str_to_int(count_text, &count) || count < 1 || count > SHARD_COUNT_MAX || index < 1 ||
        index > count)
        return false;
    *ret = (Shard){.index = (uint32_t) (index - 1), .count = (uint32_t) count};
    return true;
}

/* FNV-1a. */
static uint64_t hash_of(Str id)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < id.len; i++)
        hash = (hash ^ (unsigned char) id.ptr[i]) * UINT64_C(0x100000001b3);
    return hash;
}

/* The end of splitmix64: each bit of the hash and of the shard's number turns half of all bits. */
static uint64_t weight_of(uint64_t hash, uint32_t index)
{
    uint64_t x = hash + (index + 1) * UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

bool shard_has_station(Shard shard, Str station_id)
{
    if (shard.count <= 1)
        return true;
    uint64_t hash = hash_of(station_id), ours = weight_of(hash, shard.index);
    for (uint32_t i = 0; i < shard.count; i++) {
        uint64_t weight = weight_of(hash, i);
        if (weight > ours || (weight == ours && i < shard.index))
            return false;
    }
    return true;
}

bool shard_has_measure(Shard shard, Str measure_id)
{
    return shard.count <= 1 || shard_has_station(shard, measure_id_station(measure_id));
}
