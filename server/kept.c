#include "server/kept.h"

#include "base/clock.h"
#include "base/lock.h"

#include <stdlib.h>
#include <string.h>

/* In memory a list of one station takes 2 KB: there is room for some 7,000. */
enum { KEPT_GENERATIONS = 2, KEPT_IDLE_MS = 10 * 60 * 1000, MEMORY_MAX = 16 << 20, CHAINS = 4096 };

typedef enum Room { ROOM_DISK, ROOM_MEMORY, ROOM_DESCRIPTORS, ROOM_COUNT } Room;

typedef struct KeptAnswer {
    struct KeptAnswer *next;            /* of its chain; of those that leave */
    struct KeptAnswer *older, *younger; /* by their last use */
    uint64_t generation, hash;
    size_t takes[ROOM_COUNT];
    Finished *finished; /* one of the two */
    Paged *paged;
    int64_t used_ms;
    size_t key_len;
    char key[];
} KeptAnswer;

struct Kept {
    const Store *store;
    size_t most[ROOM_COUNT];
    Lock lock; /* guards what follows */
    uint64_t newest;
    size_t taken[ROOM_COUNT];
    KeptAnswer *oldest, *youngest;
    KeptAnswer *leaving;
    KeptAnswer *chains[CHAINS];
};

Kept *kept_open(const Store *store, size_t max_bytes)
{
    Kept *kept = calloc(1, sizeof *kept);
    if (kept == NULL)
        return NULL;
    kept->store = store;
    kept->most[ROOM_DISK] = max_bytes;
    kept->most[ROOM_MEMORY] = MEMORY_MAX;
    kept->most[ROOM_DESCRIPTORS] = KEPT_DESCRIPTORS_MAX;
    lock_init(&kept->lock);
    return kept;
}

/* ---- who was used when ----------------------------------------------------------------------- */

static void unlink_use(Kept *kept, KeptAnswer *answer)
{
    *(answer->older != NULL ? &answer->older->younger : &kept->oldest) = answer->younger;
    *(answer->younger != NULL ? &answer->younger->older : &kept->youngest) = answer->older;
}

static void link_youngest(Kept *kept, KeptAnswer *answer)
{
    answer->older = kept->youngest;
    answer->younger = NULL;
    *(kept->youngest != NULL ? &kept->youngest->younger : &kept->oldest) = answer;
    kept->youngest = answer;
}

/* ---- leaving --------------------------------------------------------------------------------- */

static KeptAnswer **find_slot(Kept *kept, uint64_t generation, uint64_t hash, Str key)
{
    KeptAnswer **slot = &kept->chains[(hash ^ generation) % CHAINS];
    while (*slot != NULL && ((*slot)->hash != hash || (*slot)->generation != generation ||
                             !str_eq((Str){(*slot)->key, (*slot)->key_len}, key)))
        slot = &(*slot)->next;
    return slot;
}

static void leave(Kept *kept, KeptAnswer *answer)
{
    KeptAnswer **slot =
        find_slot(kept, answer->generation, answer->hash, (Str){answer->key, answer->key_len});
    *slot = answer->next;
    unlink_use(kept, answer);
    for (size_t i = 0; i < ROOM_COUNT; i++)
        kept->taken[i] -= answer->takes[i];
    answer->next = kept->leaving;
    kept->leaving = answer;
}

static void answer_free(KeptAnswer *answer)
{
    finished_drop(answer->finished);
    paged_drop(answer->paged);
    free(answer);
}

/* The end of a large file takes milliseconds, for which others need not wait. */
static void unlock(Kept *kept)
{
    KeptAnswer *leaving = TAKE(kept->leaving), *next;
    lock_give(&kept->lock);
    for (; leaving != NULL; leaving = next) {
        next = leaving->next;
        answer_free(leaving);
    }
}

void kept_close(Kept *kept)
{
    KeptAnswer *next;
    if (kept == NULL)
        return;
    for (KeptAnswer *answer = kept->oldest; answer != NULL; answer = next) {
        next = answer->younger;
        answer_free(answer);
    }
    lock_release(&kept->lock);
    free(kept);
}

/* Those that were longest not used, of those that take of what is wanted. */
static void make_room(Kept *kept, const KeptAnswer *more)
{
    for (size_t i = 0; i < ROOM_COUNT; i++)
        for (KeptAnswer *answer = kept->oldest, *next;
             answer != NULL && kept->taken[i] + more->takes[i] > kept->most[i]; answer = next) {
            next = answer->younger;
            if (answer->takes[i] > 0)
                leave(kept, answer);
        }
}

static bool is_over(const Kept *kept, const KeptAnswer *answer, int64_t now_ms)
{
    return answer->generation + KEPT_GENERATIONS < kept->newest &&
           now_ms - answer->used_ms > KEPT_IDLE_MS;
}

/* What was of the newest may have been used until now without coming by here: the cache has first
 * pages, and whole answers. */
static void see_newest(Kept *kept, uint64_t newest, int64_t now_ms)
{
    KeptAnswer *next;
    for (KeptAnswer *answer = kept->oldest; answer != NULL; answer = answer->younger)
        if (answer->generation >= kept->newest)
            answer->used_ms = now_ms;
    kept->newest = newest;
    for (KeptAnswer *answer = kept->oldest; answer != NULL; answer = next) {
        next = answer->younger;
        if (is_over(kept, answer, now_ms))
            leave(kept, answer);
    }
}

/* ---- keeping --------------------------------------------------------------------------------- */

/* What is used becomes the last to leave. NULL: there is none. */
static KeptAnswer *use(Kept *kept, uint64_t generation, Str key)
{
    int64_t now_ms = clock_now_ms();
    uint64_t newest = store_generation(kept->store);
    if (newest > kept->newest)
        see_newest(kept, newest, now_ms);
    KeptAnswer *answer = *find_slot(kept, generation, str_hash(key), key);
    if (answer == NULL)
        return NULL;
    if (is_over(kept, answer, now_ms)) {
        leave(kept, answer);
        return NULL;
    }
    answer->used_ms = now_ms;
    unlink_use(kept, answer);
    link_youngest(kept, answer);
    return answer;
}

Finished *kept_find(Kept *kept, uint64_t generation, Str key)
{
    lock_take(&kept->lock);
    const KeptAnswer *answer = use(kept, generation, key);
    Finished *found = answer != NULL ? finished_keep(answer->finished) : NULL;
    unlock(kept);
    return found;
}

Paged *kept_find_paged(Kept *kept, uint64_t generation, Str key)
{
    lock_take(&kept->lock);
    const KeptAnswer *answer = use(kept, generation, key);
    Paged *found = answer != NULL ? paged_keep(answer->paged) : NULL;
    unlock(kept);
    return found;
}

static KeptAnswer *answer_new(const KeptAnswer *like, Str key)
{
    KeptAnswer *answer = malloc(sizeof *answer + key.len);
    if (answer == NULL)
        return NULL;
    *answer = *like;
    answer->takes[ROOM_MEMORY] += sizeof *answer + key.len;
    answer->hash = str_hash(key);
    answer->used_ms = clock_now_ms();
    answer->key_len = key.len;
    memcpy(answer->key, key.ptr, key.len);
    return answer;
}

/* Takes `answer` over. */
static void put(Kept *kept, Str key, KeptAnswer *answer)
{
    lock_take(&kept->lock);
    if (use(kept, answer->generation, key) != NULL ||
        answer->takes[ROOM_DISK] > kept->most[ROOM_DISK]) {
        answer->next = kept->leaving;
        kept->leaving = answer;
    } else {
        make_room(kept, answer);
        for (size_t i = 0; i < ROOM_COUNT; i++)
            kept->taken[i] += answer->takes[i];
        answer->next = NULL;
        *find_slot(kept, answer->generation, answer->hash, key) = answer;
        link_youngest(kept, answer);
    }
    unlock(kept);
}

void kept_put(Kept *kept, uint64_t generation, Str key, Finished *finished)
{
    /* One descriptor of its own, one of the response that sends it. */
    KeptAnswer *answer =
        answer_new(&(KeptAnswer){.generation = generation,
                                 .takes = {[ROOM_DISK] = finished_body_bytes(finished),
                                           [ROOM_MEMORY] = finished_memory_bytes(finished),
                                           [ROOM_DESCRIPTORS] = 2},
                                 .finished = finished},
                   key);
    if (answer == NULL)
        return;
    (void) finished_keep(finished);
    put(kept, key, answer);
}

void kept_put_paged(Kept *kept, Str key, Paged *paged)
{
    KeptAnswer *answer =
        answer_new(&(KeptAnswer){.generation = paged_generation(paged),
                                 .takes = {[ROOM_DISK] = paged_disk_bytes(paged),
                                           [ROOM_MEMORY] = paged_memory_bytes(paged),
                                           [ROOM_DESCRIPTORS] = paged_disk_bytes(paged) > 0},
                                 .paged = paged},
                   key);
    if (answer == NULL)
        return;
    (void) paged_keep(paged);
    put(kept, key, answer);
}
