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
    uint64_t hash, uses;
    size_t bytes;
    Question question; /* its texts stand behind it */
    char texts[];
} Entry;

/* The answers of one generation. */
typedef struct Shelf {
    uint64_t generation;
    Entry *newest, *oldest;
    Entry *buckets[BUCKETS];
} Shelf;

struct Cache {
    size_t max_bytes;
    Lock lock; /* guards what follows */
    size_t bytes;
    Shelf *now;  /* of the newest generation that was asked for */
    Shelf *next; /* of a newer one, or empty */
    Shelf shelves[2];
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
    cache->now = &cache->shelves[0];
    cache->next = &cache->shelves[1];
    lock_init(&cache->lock);
    return cache;
}

/* ---- under the lock -------------------------------------------------------------------------- */

static void unlink_use(Shelf *shelf, Entry *entry)
{
    *(entry->newer != NULL ? &entry->newer->older : &shelf->newest) = entry->older;
    *(entry->older != NULL ? &entry->older->newer : &shelf->oldest) = entry->newer;
    entry->newer = entry->older = NULL;
}

static void link_newest(Shelf *shelf, Entry *entry)
{
    entry->older = shelf->newest;
    *(shelf->newest != NULL ? &shelf->newest->newer : &shelf->oldest) = entry;
    shelf->newest = entry;
}

static Entry **find_slot(Shelf *shelf, uint64_t hash, Str key)
{
    Entry **slot = &shelf->buckets[hash % BUCKETS];
    while (*slot != NULL && ((*slot)->hash != hash || !str_eq((*slot)->question.key, key)))
        slot = &(*slot)->chain;
    return slot;
}

static void remove_oldest(Cache *cache, Shelf *shelf)
{
    Entry *entry = shelf->oldest;
    *find_slot(shelf, entry->hash, entry->question.key) = entry->chain;
    unlink_use(shelf, entry);
    cache->bytes -= entry->bytes;
    finished_drop(entry->finished);
    free(entry);
}

static void clear(Cache *cache, Shelf *shelf, uint64_t generation)
{
    while (shelf->oldest != NULL)
        remove_oldest(cache, shelf);
    shelf->generation = generation;
}

/* What is asked for decides which generation is the newest. */
static void move_to(Cache *cache, uint64_t generation)
{
    if (generation <= cache->now->generation)
        return;
    clear(cache, cache->now, 0);
    Shelf *emptied = cache->now;
    cache->now = cache->next;
    cache->next = emptied;
    if (cache->now->generation < generation)
        clear(cache, cache->now, generation);
}

/* Where answers of `generation` belong; NULL: it is gone by. */
static Shelf *shelf_of(Cache *cache, uint64_t generation)
{
    if (generation == cache->now->generation)
        return cache->now;
    if (generation < cache->now->generation || generation < cache->next->generation)
        return NULL;
    if (generation > cache->next->generation)
        clear(cache, cache->next, generation);
    return cache->next;
}

static void make_room(Cache *cache, size_t bytes)
{
    while (cache->bytes > 0 && cache->bytes + bytes > cache->max_bytes)
        remove_oldest(cache, cache->now->oldest != NULL ? cache->now : cache->next);
}

static Finished *use(Shelf *shelf, uint64_t hash, Str key, UnixSec expires)
{
    Entry *entry = *find_slot(shelf, hash, key);
    if (entry == NULL)
        return NULL;
    if (finished_expires(entry->finished) != expires) {
        Finished *again = finished_again(entry->finished, expires);
        if (again != NULL) {
            finished_drop(entry->finished);
            entry->finished = again;
        }
    }
    if (shelf->newest != entry) {
        unlink_use(shelf, entry);
        link_newest(shelf, entry);
    }
    entry->uses++;
    return finished_keep(entry->finished);
}

/* ---- any thread ------------------------------------------------------------------------------ */

void cache_close(Cache *cache)
{
    if (cache == NULL)
        return;
    clear(cache, cache->now, 0);
    clear(cache, cache->next, 0);
    lock_release(&cache->lock);
    free(cache);
}

Finished *cache_find(Cache *cache, uint64_t generation, Str key, UnixSec expires)
{
    uint64_t hash = hash_of(key);
    lock_take(&cache->lock);
    move_to(cache, generation);
    Finished *found = use(cache->now, hash, key, expires);
    if (found == NULL) /* newer than asked for is as good: it was committed */
        found = use(cache->next, hash, key, expires);
    lock_give(&cache->lock);
    metric_add(found != NULL ? METRIC_HTTP_CACHE_HITS : METRIC_HTTP_CACHE_MISSES, 1);
    return found;
}

Finished *cache_find_at(Cache *cache, uint64_t generation, Str key)
{
    uint64_t hash = hash_of(key);
    Finished *found = NULL;
    lock_take(&cache->lock);
    for (size_t i = 0; i < countof(cache->shelves) && found == NULL; i++) {
        Shelf *shelf = &cache->shelves[i];
        const Entry *entry = shelf->generation == generation ? *find_slot(shelf, hash, key) : NULL;
        if (entry != NULL)
            found = finished_keep(entry->finished);
    }
    lock_give(&cache->lock);
    return found;
}

static Entry *entry_new(const Question *question, Finished *finished)
{
    size_t texts = question->key.len + question->target.len;
    Entry *entry = malloc(sizeof *entry + texts);
    if (entry == NULL)
        return NULL;
    *entry = (Entry){.finished = finished,
                     .hash = hash_of(question->key),
                     .bytes = sizeof *entry + texts + finished_memory_bytes(finished),
                     .question = *question};
    char *at = entry->texts;
    entry->question.key.ptr = at;
    at = (char *) mempcpy(at, question->key.ptr, question->key.len);
    entry->question.target.ptr = at;
    memcpy(at, question->target.ptr, question->target.len);
    return entry;
}

void cache_put(Cache *cache, uint64_t generation, const Question *question, Finished *finished)
{
    Entry *entry = entry_new(question, finished);
    if (entry == NULL)
        return;
    lock_take(&cache->lock);
    Shelf *shelf = entry->bytes <= cache->max_bytes / 4 ? shelf_of(cache, generation) : NULL;
    if (shelf != NULL && *find_slot(shelf, entry->hash, question->key) == NULL) {
        make_room(cache, entry->bytes);
        (void) finished_keep(finished);
        /* sought again: making room moves chains */
        *find_slot(shelf, entry->hash, question->key) = entry;
        link_newest(shelf, entry);
        cache->bytes += entry->bytes;
        entry = NULL;
    }
    metric_set(METRIC_HTTP_CACHE_BYTES, (int64_t) cache->bytes);
    lock_give(&cache->lock);
    free(entry);
}

/* Keeps hot[] in order; what falls off its end is forgotten. */
static size_t insert_hot(Hot *hot, size_t count, size_t max, const Entry *entry)
{
    size_t at = count;
    while (at > 0 && hot[at - 1].uses < entry->uses)
        at--;
    if (at == max)
        return count;
    size_t kept = count < max ? count + 1 : max;
    memmove(&hot[at + 1], &hot[at], (kept - at - 1) * sizeof *hot);
    hot[at] = (Hot){.question = entry->question, .uses = entry->uses, .bytes = entry->bytes};
    return kept;
}

size_t cache_hottest(Cache *cache, Arena *arena, Hot *hot, size_t max)
{
    size_t count = 0, copied = 0;
    lock_take(&cache->lock);
    for (const Entry *entry = cache->now->newest; entry != NULL; entry = entry->older)
        if (entry->uses > 0 && finished_status(entry->finished) == 200)
            count = insert_hot(hot, count, max, entry);
    while (copied < count &&
           arena_copy(arena, hot[copied].question.key, &hot[copied].question.key) &&
           arena_copy(arena, hot[copied].question.target, &hot[copied].question.target))
        copied++;
    lock_give(&cache->lock);
    return copied;
}
