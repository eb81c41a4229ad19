#include "server/renderer.h"

#include "base/lock.h"
#include "base/worker.h"

#include <stdlib.h>
#include <string.h>

/* One question and all who wait for it. */
typedef struct Job {
    struct Job *next;
    Arena arena; /* owns the texts */
    Deferred deferred;
    Head head;
    void **waiters;
    size_t waiter_count;
} Job;

struct Renderer {
    Site *site;
    Cache *cache;
    RenderHooks hooks;
    pthread_t thread; /* not a worker: what it waits for is a request, never a simulation's time */
    bool started;
    Lock lock; /* guards what follows */
    Cond change;
    bool stopped;
    Job *first; /* the one under way, until it is done */
    size_t count;
};

static void job_free(Job *job)
{
    arena_release(&job->arena);
    free(job->waiters);
    free(job);
}

static bool job_add(Job *job, void *waiter)
{
    void **waiters = reallocarray(job->waiters, job->waiter_count + 1, sizeof *waiters);
    if (waiters == NULL)
        return false;
    job->waiters = waiters;
    job->waiters[job->waiter_count++] = waiter;
    return true;
}

/* What makes the answer; conditions and what is echoed are each waiter's own. */
static bool copy_head(Arena *arena, const Head *head, Head *ret)
{
    *ret = (Head){.method = STR("GET"), .is_http_1_1 = head->is_http_1_1, .host_count = 1};
    return arena_copy(arena, head->target, &ret->target) &&
           arena_copy(arena, head->host, &ret->host) &&
           arena_copy(arena, head->accept, &ret->accept) &&
           arena_copy(arena, head->accept_encoding, &ret->accept_encoding);
}

static Job *job_new(const Deferred *deferred, const Head *head)
{
    Job *job = calloc(1, sizeof *job);
    if (job == NULL)
        return NULL;
    job->arena = arena_init();
    job->deferred.generation = deferred->generation;
    if (arena_copy(&job->arena, deferred->key, &job->deferred.key) &&
        copy_head(&job->arena, head, &job->head))
        return job;
    job_free(job);
    return NULL;
}

/* ---- rendering ------------------------------------------------------------------------------- */

/* The last waiter gets the count that the answer came with. */
static void hand_over(const Renderer *renderer, const Job *job, const Rendered *rendered)
{
    for (size_t i = 0; i < job->waiter_count; i++) {
        if (rendered != NULL && i + 1 < job->waiter_count)
            (void) finished_keep(rendered->finished);
        renderer->hooks.hand_over(job->waiters[i], rendered);
    }
}

static void end_job(Renderer *renderer, const Rendered *rendered)
{
    lock_take(&renderer->lock);
    Job *job = renderer->first; /* from here on nobody joins it */
    renderer->first = job->next;
    renderer->count--;
    lock_give(&renderer->lock);
    hand_over(renderer, job, rendered);
    job_free(job);
}

/* Waits for one. NULL: stop now. */
static const Job *next_job(Renderer *renderer)
{
    lock_take(&renderer->lock);
    while (!renderer->stopped && renderer->first == NULL)
        (void) cond_wait(&renderer->change, &renderer->lock, INT64_MAX);
    const Job *job = renderer->stopped ? NULL : renderer->first;
    lock_give(&renderer->lock);
    return job;
}

static void render(Renderer *renderer, const Job *job)
{
    CLEANUP(arena_release) Arena arena = arena_init();
    Answer answer = answer_request(renderer->site, renderer->cache, &job->head, &arena);
    const Rendered rendered = {.finished = answer.finished, .render_us = answer.render_us};
    end_job(renderer, answer.finished != NULL ? &rendered : NULL);
}

static void *run(void *ctx)
{
    Renderer *renderer = ctx;
    const Job *job;
    worker_give_way();
    while ((job = next_job(renderer)) != NULL)
        render(renderer, job);
    return NULL;
}

/* ---- asking ---------------------------------------------------------------------------------- */

static bool is_same(const Deferred *a, const Deferred *b)
{
    return a->generation == b->generation && str_eq(a->key, b->key);
}

/* The place of the same question, or the end. An answer of an older generation will not do for one
 * who may have seen a newer. */
static Job **find_place(Renderer *renderer, const Deferred *deferred)
{
    Job **place = &renderer->first;
    while (*place != NULL && !is_same(&(*place)->deferred, deferred))
        place = &(*place)->next;
    return place;
}

static bool take_in(Renderer *renderer, const Deferred *deferred, const Head *head, void *waiter)
{
    lock_assert_held(&renderer->lock);
    Job **place = find_place(renderer, deferred), *made = NULL;
    if (*place == NULL) {
        made = renderer->count < RENDER_QUEUE_MAX ? job_new(deferred, head) : NULL;
        if (made == NULL)
            return false;
    }
    if (!job_add(made != NULL ? made : *place, waiter)) {
        if (made != NULL)
            job_free(made);
        return false;
    }
    if (made != NULL) {
        *place = made;
        renderer->count++;
    }
    return true;
}

bool renderer_ask(Renderer *renderer, const Deferred *deferred, const Head *head, void *waiter)
{
    lock_take(&renderer->lock);
    bool taken = !renderer->stopped && take_in(renderer, deferred, head, waiter);
    if (taken) {
        renderer->hooks.hold(waiter); /* nothing is handed over while the lock is held */
        cond_signal_all(&renderer->change);
    }
    lock_give(&renderer->lock);
    return taken;
}

/* ---- start and stop -------------------------------------------------------------------------- */

ErrCode renderer_start(Site *site, Cache *cache, const RenderHooks *hooks, Renderer **ret_renderer,
                       Err *err)
{
    Renderer *renderer = calloc(1, sizeof *renderer);
    if (renderer == NULL)
        return err_set(err, ERR_NO_MEMORY, "no memory for the renderer");
    *renderer = (Renderer){.site = site, .cache = cache, .hooks = *hooks};
    lock_init(&renderer->lock);
    cond_init(&renderer->change);
    int failure = pthread_create(&renderer->thread, NULL, run, renderer);
    if (failure != 0) {
        renderer_close(renderer);
        return err_set(err, ERR_NO_MEMORY, "start of the render thread: %s", strerror(failure));
    }
    (void) pthread_setname_np(renderer->thread, "render");
    renderer->started = true;
    *ret_renderer = renderer;
    return OK;
}

void renderer_stop(Renderer *renderer)
{
    lock_take(&renderer->lock);
    renderer->stopped = true;
    cond_signal_all(&renderer->change);
    lock_give(&renderer->lock);
    if (renderer->started)
        (void) pthread_join(renderer->thread, NULL);
    renderer->started = false;
    while (renderer->first != NULL) /* nobody else is left to change it */
        end_job(renderer, NULL);
}

void renderer_close(Renderer *renderer)
{
    if (renderer == NULL)
        return;
    renderer_stop(renderer);
    cond_release(&renderer->change);
    lock_release(&renderer->lock);
    free(renderer);
}
