#include "server/cache.h"

#include "base/lock.h"
#include "base/metrics.h"
#include "server/packed.h"

#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 8192 }; /* chains stay short: a ceiling of 64 MB holds some 20,000 small answers */

typedef struct Entry {
    struct Entry *chain;         /* of its bucket */
    struct Entry *newer, *older; /* by use, in its list */
    Finished *finished;          /* NULL: it is packed */
    Packed *packed;              /* NULL: it never had to be; stays when it becomes whole again */
    uint64_t hash, uses;
    size_t body_bytes;
    bool is_body;      /* of a 200 */
    Question question; /* its texts stand behind it */
    char texts[];
} Entry;

typedef struct List {
    Entry *newest, *oldest;
} List;

/* The answers of one generation. */
typedef struct Shelf {
    uint64_t generation;
    List whole, packed;
    Entry *buckets[BUCKETS];
} Shelf;

struct Cache {
    size_t max_bytes;
    Lock lock; /* guards what follows */
    size_t bytes, whole_bytes;
    Shelf *now;  /* of the newest generation that was asked for */
    Shelf *next; /* of a newer one, or empty */
    Shelf shelves[2];
};

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

static List *list_of(Shelf *shelf, const Entry *entry)
{
    return entry->finished != NULL ? &shelf->whole : &shelf->packed;
}

static void unlink_use(List *list, Entry *entry)
{
    *(entry->newer != NULL ? &entry->newer->older : &list->newest) = entry->older;
    *(entry->older != NULL ? &entry->older->newer : &list->oldest) = entry->newer;
    entry->newer = entry->older = NULL;
}

static void link_newest(List *list, Entry *entry)
{
    entry->older = list->newest;
    *(list->newest != NULL ? &list->newest->newer : &list->oldest) = entry;
    list->newest = entry;
}

static Entry **find_slot(Shelf *shelf, uint64_t hash, Str key)
{
    Entry **slot = &shelf->buckets[hash % BUCKETS];
    while (*slot != NULL && ((*slot)->hash != hash || !str_eq((*slot)->question.key, key)))
        slot = &(*slot)->chain;
    return slot;
}

/* Beside what it is packed to, or whole. */
static size_t bare_bytes(const Entry *entry)
{
    return sizeof *entry + entry->question.key.len + entry->question.target.len;
}

static void drop_whole(Cache *cache, Entry *entry)
{
    size_t bytes = finished_memory_bytes(entry->finished);
    cache->bytes -= bytes;
    cache->whole_bytes -= bytes;
    finished_drop(TAKE(entry->finished));
}

static void remove_entry(Cache *cache, Shelf *shelf, Entry *entry)
{
    *find_slot(shelf, entry->hash, entry->question.key) = entry->chain;
    unlink_use(list_of(shelf, entry), entry);
    if (entry->finished != NULL)
        drop_whole(cache, entry);
    if (entry->packed != NULL)
        cache->bytes -= packed_bytes(entry->packed);
    cache->bytes -= bare_bytes(entry);
    packed_drop(entry->packed);
    free(entry);
}

/* What cannot be packed leaves. */
static void pack_oldest(Cache *cache, Shelf *shelf)
{
    Entry *entry = shelf->whole.oldest;
    if (entry->packed == NULL) {
        entry->packed = packed_of(entry->finished);
        cache->bytes += entry->packed != NULL ? packed_bytes(entry->packed) : 0;
    }
    if (entry->packed == NULL) {
        remove_entry(cache, shelf, entry);
        return;
    }
    unlink_use(&shelf->whole, entry);
    drop_whole(cache, entry);
    link_newest(&shelf->packed, entry);
}

static void make_room(Cache *cache, size_t bytes)
{
    while (cache->whole_bytes > 0 && cache->whole_bytes + bytes > cache->max_bytes / 4 * 3)
        pack_oldest(cache, cache->now->whole.oldest != NULL ? cache->now : cache->next);
    while (cache->bytes > 0 && cache->bytes + bytes > cache->max_bytes) {
        Shelf *shelf = cache->now->whole.oldest != NULL || cache->now->packed.oldest != NULL
                           ? cache->now
                           : cache->next;
        Entry *packed = shelf->packed.oldest;
        remove_entry(cache, shelf, packed != NULL ? packed : shelf->whole.oldest);
    }
}

static void clear(Cache *cache, Shelf *shelf, uint64_t generation)
{
    while (shelf->whole.oldest != NULL)
        remove_entry(cache, shelf, shelf->whole.oldest);
    while (shelf->packed.oldest != NULL)
        remove_entry(cache, shelf, shelf->packed.oldest);
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

/* Newer than asked for is as good: it was committed. */
static Entry *seek(Cache *cache, uint64_t hash, Str key, Shelf **ret_shelf)
{
    *ret_shelf = cache->now;
    Entry *entry = *find_slot(cache->now, hash, key);
    if (entry != NULL)
        return entry;
    *ret_shelf = cache->next;
    return *find_slot(cache->next, hash, key);
}

static Finished *use_whole(Shelf *shelf, Entry *entry, UnixSec expires)
{
    if (finished_expires(entry->finished) != expires) {
        Finished *again = finished_again(entry->finished, expires);
        if (again != NULL) {
            finished_drop(entry->finished);
            entry->finished = again;
        }
    }
    if (shelf->whole.newest != entry) {
        unlink_use(&shelf->whole, entry);
        link_newest(&shelf->whole, entry);
    }
    return finished_keep(entry->finished);
}

/* Only what is asked for far more often than the coldest whole answer takes its place: where many
 * are asked for alike, unpacking each anew costs less than all of them changing places. */
static bool is_worth_whole(const Shelf *shelf, const Entry *entry)
{
    const Entry *coldest = shelf->whole.oldest;
    return coldest == NULL || entry->uses > coldest->uses * 2 + 2;
}

/* Unless it has become whole, or has left, while it was unpacked. */
static void take_back(Cache *cache, uint64_t hash, Str key, const Packed *packed,
                      Finished *finished)
{
    Shelf *shelf;
    Entry *entry = seek(cache, hash, key, &shelf);
    if (entry == NULL || entry->packed != packed || entry->finished != NULL)
        return;
    unlink_use(&shelf->packed, entry);
    entry->finished = finished_keep(finished);
    link_newest(&shelf->whole, entry);
    size_t bytes = finished_memory_bytes(finished);
    cache->bytes += bytes;
    cache->whole_bytes += bytes;
    make_room(cache, 0);
}

/* One that is packed was asked for. */
static Packed *use_packed(Shelf *shelf, Entry *entry, bool *ret_is_worth_whole)
{
    *ret_is_worth_whole = is_worth_whole(shelf, entry);
    unlink_use(&shelf->packed, entry);
    link_newest(&shelf->packed, entry);
    return packed_keep(entry->packed);
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

/* Not under the lock: others need not wait for it. Takes the count of `packed` over. */
static Finished *unpack(Cache *cache, uint64_t hash, Str key, Packed *packed, UnixSec expires,
                        bool is_worth_whole)
{
    Finished *finished = packed_open(packed, expires);
    if (finished != NULL && is_worth_whole) {
        lock_take(&cache->lock);
        take_back(cache, hash, key, packed, finished);
        lock_give(&cache->lock);
    }
    packed_drop(packed);
    return finished;
}

Finished *cache_find(Cache *cache, uint64_t generation, Str key, UnixSec expires)
{
    uint64_t hash = str_hash(key);
    Finished *found = NULL;
    Packed *packed = NULL;
    bool worth_whole = false;
    Shelf *shelf;
    lock_take(&cache->lock);
    move_to(cache, generation);
    Entry *entry = seek(cache, hash, key, &shelf);
    if (entry != NULL) {
        entry->uses++;
        if (entry->finished != NULL)
            found = use_whole(shelf, entry, expires);
        else
            packed = use_packed(shelf, entry, &worth_whole);
    }
    lock_give(&cache->lock);
    if (packed != NULL)
        found = unpack(cache, hash, key, packed, expires, worth_whole);
    if (found != NULL)
        metric_add(METRIC_HTTP_CACHE_HITS, 1);
    return found;
}

Finished *cache_find_at(Cache *cache, uint64_t generation, Str key)
{
    uint64_t hash = str_hash(key);
    Finished *found = NULL;
    lock_take(&cache->lock);
    for (size_t i = 0; i < countof(cache->shelves) && found == NULL; i++) {
        Shelf *shelf = &cache->shelves[i];
        const Entry *entry = shelf->generation == generation ? *find_slot(shelf, hash, key) : NULL;
        if (entry != NULL)
            found = entry->finished != NULL ? finished_keep(entry->finished)
                                            : packed_open(entry->packed, NO_TIME);
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
                     .hash = str_hash(question->key),
                     .body_bytes = finished_body_bytes(finished),
                     .is_body = finished_status(finished) == 200,
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
    size_t whole = finished_memory_bytes(finished), bytes = bare_bytes(entry) + whole;
    lock_take(&cache->lock);
    Shelf *shelf = bytes <= cache->max_bytes / 4 ? shelf_of(cache, generation) : NULL;
    if (shelf != NULL && *find_slot(shelf, entry->hash, question->key) == NULL) {
        make_room(cache, bytes);
        (void) finished_keep(finished);
        /* sought again: making room moves chains */
        *find_slot(shelf, entry->hash, question->key) = entry;
        link_newest(&shelf->whole, entry);
        cache->bytes += bytes;
        cache->whole_bytes += whole;
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
    hot[at] = (Hot){.question = entry->question, .uses = entry->uses, .bytes = entry->body_bytes};
    return kept;
}

static size_t insert_all(Hot *hot, size_t count, size_t max, const List *list)
{
    for (const Entry *entry = list->newest; entry != NULL; entry = entry->older)
        if (entry->uses > 0 && entry->is_body)
            count = insert_hot(hot, count, max, entry);
    return count;
}

size_t cache_hottest(Cache *cache, Arena *arena, Hot *hot, size_t max)
{
    size_t copied = 0;
    lock_take(&cache->lock);
    size_t count = insert_all(hot, 0, max, &cache->now->whole);
    count = insert_all(hot, count, max, &cache->now->packed);
    while (copied < count &&
           arena_copy(arena, hot[copied].question.key, &hot[copied].question.key) &&
           arena_copy(arena, hot[copied].question.target, &hot[copied].question.target))
        copied++;
    lock_give(&cache->lock);
    return copied;
}
