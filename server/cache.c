#include "server/cache.h"

#include "base/lock.h"
#include "base/metrics.h"

#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 4096 }; /* chains stay short: a ceiling of 64 MB holds some 20,000 small answers */

typedef struct Entry {
    struct Entry *chain;         /* of its bucket */
    struct Entry *newer, *older; /* by use */
    Finished *finished;
    uint64_t hash;
    size_t bytes;
    size_t key_len;
    char key[];
} Entry;

struct Cache {
    size_t max_bytes;
    Lock lock; /* guards what follows */
    uint64_t generation;
    size_t bytes;
    Entry *newest, *oldest;
    Entry *buckets[BUCKETS];
};

static uint64_t hash_of(Str key) /* FNV-1a */
{
    uint64_t hash = 14695981039346656037U;
    for (size_t i = 0; i < key.len; i++)
        hash = (hash ^ (unsigned char) key.ptr[i]) * 1099511628211U;
    return hash;
}

Cache *cache_open(size_t max_bytes)
{
    Cache *cache = calloc(1, sizeof *cache);
    if (cache == NULL)
        return NULL;
    cache->max_bytes = max_bytes;
    lock_init(&cache->lock);
    return cache;
}

/* ---- under the lock -------------------------------------------------------------------------- */

static void unlink_use(Cache *cache, Entry *entry)
{
    *(entry->newer != NULL ? &entry->newer->older : &cache->newest) = entry->older;
    *(entry->older != NULL ? &entry->older->newer : &cache->oldest) = entry->newer;
    entry->newer = entry->older = NULL;
}

static void link_newest(Cache *cache, Entry *entry)
{
    entry->older = cache->newest;
    *(cache->newest != NULL ? &cache->newest->newer : &cache->oldest) = entry;
    cache->newest = entry;
}

static Entry **find_slot(Cache *cache, uint64_t hash, Str key)
{
    Entry **slot = &cache->buckets[hash % BUCKETS];
    while (*slot != NULL && ((*slot)->hash != hash || (*slot)->key_len != key.len ||
                             memcmp((*slot)->key, key.ptr, key.len) != 0))
        slot = &(*slot)->chain;
    return slot;
}

static void remove_at(Cache *cache, Entry **slot)
{
    Entry *entry = *slot;
    assert(entry != NULL);
    *slot = entry->chain;
    unlink_use(cache, entry);
    cache->bytes -= entry->bytes;
    finished_drop(entry->finished);
    free(entry);
}

static void drop_all(Cache *cache)
{
    for (size_t i = 0; i < BUCKETS; i++)
        while (cache->buckets[i] != NULL)
            remove_at(cache, &cache->buckets[i]);
}

/* False: `generation` is older than what the cache holds. */
static bool move_to(Cache *cache, uint64_t generation)
{
    if (generation > cache->generation) {
        drop_all(cache);
        cache->generation = generation;
    }
    return generation == cache->generation;
}

static void make_room(Cache *cache, size_t bytes)
{
    while (cache->oldest != NULL && cache->bytes + bytes > cache->max_bytes) {
        Entry *oldest = cache->oldest;
        remove_at(cache, find_slot(cache, oldest->hash, (Str){oldest->key, oldest->key_len}));
    }
}

/* ---- any thread ------------------------------------------------------------------------------ */

void cache_close(Cache *cache)
{
    if (cache == NULL)
        return;
    drop_all(cache);
    lock_release(&cache->lock);
    free(cache);
}

Finished *cache_find(Cache *cache, uint64_t generation, Str key, UnixSec expires)
{
    uint64_t hash = hash_of(key);
    Finished *found = NULL;
    lock_take(&cache->lock);
    (void) move_to(cache, generation); /* newer than asked for is as good: it was committed */
    Entry *entry = *find_slot(cache, hash, key);
    if (entry != NULL) {
        if (finished_expires(entry->finished) != expires) {
            Finished *again = finished_again(entry->finished, expires);
            if (again != NULL) {
                finished_drop(entry->finished);
                entry->finished = again;
            }
        }
        if (cache->newest != entry) {
            unlink_use(cache, entry);
            link_newest(cache, entry);
        }
        found = finished_keep(entry->finished);
    }
    lock_give(&cache->lock);
    metric_add(found != NULL ? METRIC_HTTP_CACHE_HITS : METRIC_HTTP_CACHE_MISSES, 1);
    return found;
}

void cache_put(Cache *cache, uint64_t generation, Str key, Finished *finished)
{
    size_t bytes = sizeof(Entry) + key.len + finished_memory_bytes(finished);
    if (bytes > cache->max_bytes / 4)
        return;
    Entry *entry = malloc(sizeof *entry + key.len);
    if (entry == NULL)
        return;
    *entry = (Entry){.hash = hash_of(key), .bytes = bytes, .key_len = key.len};
    memcpy(entry->key, key.ptr, key.len);
    lock_take(&cache->lock);
    if (move_to(cache, generation) && *find_slot(cache, entry->hash, key) == NULL) {
        make_room(cache, bytes);
        entry->finished = finished_keep(finished);
        *find_slot(cache, entry->hash, key) = entry; /* sought again: making room moves chains */
        link_newest(cache, entry);
        cache->bytes += bytes;
        entry = NULL;
    }
    metric_set(METRIC_HTTP_CACHE_BYTES, (int64_t) cache->bytes);
    lock_give(&cache->lock);
    free(entry);
}
