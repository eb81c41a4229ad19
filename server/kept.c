#include "server/kept.h"

#include "base/clock.h"
#include "base/lock.h"

#include <stdlib.h>
#include <string.h>

/* Descriptors are few: each answer has two. */
enum { KEPT_MAX = 64, KEPT_GENERATIONS = 2, KEPT_IDLE_MS = 10 * 60 * 1000 };

typedef struct KeptAnswer {
    uint64_t generation;
    Str key; /* owned */
    Finished *finished;
    int64_t used_ms;
} KeptAnswer;

struct Kept {
    size_t max_bytes;
    Lock lock; /* guards what follows */
    uint64_t newest;
    size_t bytes, count;
    KeptAnswer answers[KEPT_MAX]; /* oldest first */
};

Kept *kept_open(size_t max_bytes)
{
    Kept *kept = calloc(1, sizeof *kept);
    if (kept == NULL)
        return NULL;
    kept->max_bytes = max_bytes;
    lock_init(&kept->lock);
    return kept;
}

static void remove_at(Kept *kept, size_t at)
{
    KeptAnswer *answer = &kept->answers[at];
    kept->bytes -= finished_body_bytes(answer->finished);
    finished_drop(answer->finished);
    free((void *) (uintptr_t) answer->key.ptr);
    memmove(answer, answer + 1, (--kept->count - at) * sizeof *answer);
}

void kept_close(Kept *kept)
{
    if (kept == NULL)
        return;
    while (kept->count > 0)
        remove_at(kept, 0);
    lock_release(&kept->lock);
    free(kept);
}

static KeptAnswer *find(Kept *kept, uint64_t generation, Str key)
{
    for (size_t i = 0; i < kept->count; i++)
        if (kept->answers[i].generation == generation && str_eq(kept->answers[i].key, key))
            return &kept->answers[i];
    return NULL;
}

Finished *kept_find(Kept *kept, uint64_t generation, Str key)
{
    Finished *found = NULL;
    lock_take(&kept->lock);
    KeptAnswer *answer = find(kept, generation, key);
    if (answer != NULL) {
        answer->used_ms = clock_elapsed_ms();
        found = finished_keep(answer->finished);
    }
    lock_give(&kept->lock);
    return found;
}

static bool is_over(const Kept *kept, const KeptAnswer *answer)
{
    return answer->generation + KEPT_GENERATIONS < kept->newest &&
           clock_elapsed_ms() - answer->used_ms > KEPT_IDLE_MS;
}

static void make_room(Kept *kept, size_t bytes)
{
    for (size_t i = kept->count; i > 0; i--)
        if (is_over(kept, &kept->answers[i - 1]))
            remove_at(kept, i - 1);
    while (kept->count > 0 && (kept->count == KEPT_MAX || kept->bytes + bytes > kept->max_bytes))
        remove_at(kept, 0);
}

void kept_put(Kept *kept, uint64_t generation, Str key, Finished *finished)
{
    size_t bytes = finished_body_bytes(finished);
    char *text = bytes <= kept->max_bytes ? malloc(key.len + 1) : NULL;
    if (text == NULL)
        return;
    memcpy(text, key.ptr, key.len);
    lock_take(&kept->lock);
    if (generation > kept->newest)
        kept->newest = generation;
    if (find(kept, generation, key) == NULL) {
        make_room(kept, bytes);
        kept->answers[kept->count++] = (KeptAnswer){.generation = generation,
                                                    .key = {TAKE(text), key.len},
                                                    .finished = finished_keep(finished),
                                                    .used_ms = clock_elapsed_ms()};
        kept->bytes += bytes;
    }
    lock_give(&kept->lock);
    free(text);
}
