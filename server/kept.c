#include "server/kept.h"

#include "base/clock.h"
#include "base/lock.h"

#include <stdlib.h>
#include <string.h>

enum { KEPT_GENERATIONS = 2, KEPT_IDLE_MS = 10 * 60 * 1000 };

typedef struct KeptAnswer {
    struct KeptAnswer *next; /* while it leaves */
    uint64_t generation;
    uint64_t hash;
    size_t bytes;
    Finished *finished; /* one of the two */
    Paged *paged;
    int64_t used_ms;
    size_t key_len;
    char key[];
} KeptAnswer;

struct Kept {
    const Store *store;
    size_t max_bytes;
    Lock lock; /* guards what follows */
    uint64_t newest;
    size_t bytes, count;
    KeptAnswer *answers[KEPT_MAX]; /* those longest not used first */
    KeptAnswer *leaving;
};

Kept *kept_open(const Store *store, size_t max_bytes)
{
    Kept *kept = calloc(1, sizeof *kept);
    if (kept == NULL)
        return NULL;
    kept->store = store;
    kept->max_bytes = max_bytes;
    lock_init(&kept->lock);
    return kept;
}

static void remove_at(Kept *kept, size_t at)
{
    KeptAnswer *answer = kept->answers[at];
    kept->bytes -= answer->bytes;
    memmove(&kept->answers[at], &kept->answers[at + 1],
            (--kept->count - at) * sizeof *kept->answers);
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
    if (kept == NULL)
        return;
    for (size_t i = 0; i < kept->count; i++)
        answer_free(kept->answers[i]);
    lock_release(&kept->lock);
    free(kept);
}

static bool is_over(const Kept *kept, const KeptAnswer *answer, int64_t now_ms)
{
    return answer->generation + KEPT_GENERATIONS < kept->newest &&
           now_ms - answer->used_ms > KEPT_IDLE_MS;
}

/* What was of the newest may have been used until now without coming by here: the cache has first
 * pages, and whole answers. */
static void see_newest(Kept *kept, int64_t now_ms)
{
    uint64_t newest = store_generation(kept->store);
    for (size_t i = 0; i < kept->count && newest > kept->newest; i++)
        if (kept->answers[i]->generation >= kept->newest)
            kept->answers[i]->used_ms = now_ms;
    kept->newest = newest;
    for (size_t i = kept->count; i > 0; i--)
        if (is_over(kept, kept->answers[i - 1], now_ms))
            remove_at(kept, i - 1);
}

/* What is used becomes the last to leave. NULL: there is none. */
static const KeptAnswer *use(Kept *kept, uint64_t generation, Str key)
{
    uint64_t hash = str_hash(key);
    int64_t now_ms = clock_now_ms();
    see_newest(kept, now_ms);
    for (size_t i = 0; i < kept->count; i++) {
        KeptAnswer *answer = kept->answers[i];
        if (answer->hash != hash || answer->generation != generation ||
            !str_eq((Str){answer->key, answer->key_len}, key))
            continue;
        answer->used_ms = now_ms;
        memmove(&kept->answers[i], &kept->answers[i + 1],
                (kept->count - 1 - i) * sizeof *kept->answers);
        kept->answers[kept->count - 1] = answer;
        return answer;
    }
    return NULL;
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

static void make_room(Kept *kept, size_t bytes)
{
    while (kept->count > 0 && (kept->count == KEPT_MAX || kept->bytes + bytes > kept->max_bytes))
        remove_at(kept, 0);
}

static KeptAnswer *answer_new(const KeptAnswer *like, Str key)
{
    KeptAnswer *answer = malloc(sizeof *answer + key.len);
    if (answer == NULL)
        return NULL;
    *answer = *like;
    answer->hash = str_hash(key);
    answer->key_len = key.len;
    memcpy(answer->key, key.ptr, key.len);
    return answer;
}

/* False: it is there already, or never can be. */
static bool put(Kept *kept, Str key, const KeptAnswer *like)
{
    KeptAnswer *answer = like->bytes <= kept->max_bytes ? answer_new(like, key) : NULL;
    if (answer == NULL)
        return false;
    lock_take(&kept->lock);
    bool is_new = use(kept, answer->generation, key) == NULL;
    if (is_new) {
        make_room(kept, answer->bytes);
        answer->used_ms = clock_now_ms();
        kept->answers[kept->count++] = answer;
        kept->bytes += answer->bytes;
    }
    unlock(kept);
    if (!is_new)
        free(answer);
    return is_new;
}

void kept_put(Kept *kept, uint64_t generation, Str key, Finished *finished)
{
    const KeptAnswer like = {.generation = generation,
                             .bytes = finished_body_bytes(finished),
                             .finished = finished_keep(finished)};
    if (!put(kept, key, &like))
        finished_drop(finished);
}

void kept_put_paged(Kept *kept, Str key, Paged *paged)
{
    const KeptAnswer like = {.generation = paged_generation(paged),
                             .bytes = paged_bytes(paged),
                             .paged = paged_keep(paged)};
    if (!put(kept, key, &like))
        paged_drop(paged);
}
