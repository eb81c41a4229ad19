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
    bool is_taken; /* a thread renders it */
} Job;

typedef struct RenderThread {
    Renderer *renderer;
    size_t nth; /* it takes a question when so many others are busy */
    pthread_t id;
} RenderThread;

struct Renderer {
    Site *site;
    Cache *cache;
    RenderHooks hooks;
    /* Not workers: what they wait for is a request, never a simulation's time. */
    RenderThread threads[RENDER_THREADS_MAX];
    size_t thread_count;
    Lock lock; /* guards what follows */
    Cond change;
    bool stopped;
    Job *first;               /* in the order of asking; those under way too, until they are done */
    size_t count, busy_count; /* jobs; threads that render one, or hand it over */
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

static void end_job(Renderer *renderer, Job *job, const Rendered *rendered)
{
    lock_take(&renderer->lock);
    Job **place = &renderer->first;
    while (*place != job)
        place = &(*place)->next;
    *place = job->next; /* from here on nobody joins it */
    renderer->count--;
    cond_signal_all(&renderer->change); /* another may have waited for it */
    lock_give(&renderer->lock);
    hand_over(renderer, job, rendered);
    job_free(job);
}

/* The same in another coding, which is the first byte of a key: rendered once, it is found then. */
static bool is_alike(const Deferred *a, const Deferred *b)
{
    return a->generation == b->generation && a->key.len == b->key.len && a->key.len > 0 &&
           memcmp(a->key.ptr + 1, b->key.ptr + 1, a->key.len - 1) == 0;
}

static bool waits_for_another(const Renderer *renderer, const Job *job)
{
    const Job *other = renderer->first;
    while (other != NULL && !(other->is_taken && is_alike(&other->deferred, &job->deferred)))
        other = other->next;
    return other != NULL;
}

/* The first that thread `nth` can render; NULL: there is none. The first thread comes first, another is for when it is
 * busy: taking turns made others wait longer (p99, bench/RESULTS.md). */
static Job *find_job(const Renderer *renderer, size_t nth)
{
    Job *job = renderer->busy_count >= nth ? renderer->first : NULL;
    while (job != NULL && (job->is_taken || waits_for_another(renderer, job)))
        job = job->next;
    return job;
}

/* Waits for one. NULL: stop now. */
static Job *next_job(Renderer *renderer, size_t nth)
{
    Job *job = NULL;
    lock_take(&renderer->lock);
    while (!renderer->stopped && (job = find_job(renderer, nth)) == NULL)
        (void) cond_wait(&renderer->change, &renderer->lock, INT64_MAX);
    if (renderer->stopped)
        job = NULL;
    if (job != NULL) {
        job->is_taken = true;
        renderer->busy_count++;
    }
    lock_give(&renderer->lock);
    return job;
}

static void render(Renderer *renderer, Job *job)
{
    CLEANUP(arena_release) Arena arena = arena_init();
    Answer answer = answer_request(renderer->site, renderer->cache, &job->head, &arena);
    const Rendered rendered = {.finished = answer.finished, .render_us = answer.render_us};
    end_job(renderer, job, answer.finished != NULL ? &rendered : NULL);
}

static void *run(void *ctx)
{
    const RenderThread *thread = ctx;
    Renderer *renderer = thread->renderer;
    Job *job;
    worker_give_way();
    while ((job = next_job(renderer, thread->nth)) != NULL) {
        render(renderer, job);
        lock_take(&renderer->lock);
        renderer->busy_count--;
        lock_give(&renderer->lock);
    }
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

static ErrCode start_threads(Renderer *renderer, size_t count, Err *err)
{
    while (renderer->thread_count < count) {
        RenderThread *thread = &renderer->threads[renderer->thread_count];
        *thread = (RenderThread){.renderer = renderer, .nth = renderer->thread_count};
        int failure = pthread_create(&thread->id, NULL, run, thread);
        if (failure != 0)
            return err_set(err, ERR_NO_MEMORY, "start of a render thread: %s", strerror(failure));
        (void) pthread_setname_np(thread->id, "render");
        renderer->thread_count++;
    }
    return OK;
}

ErrCode renderer_start(Site *site, Cache *cache, const RenderHooks *hooks, size_t threads,
                       Renderer **ret_renderer, Err *err)
{
    if (threads < RENDER_THREADS_MIN)
        threads = RENDER_THREADS_MIN;
    if (threads > RENDER_THREADS_MAX)
        threads = RENDER_THREADS_MAX;
    Renderer *renderer = calloc(1, sizeof *renderer);
    if (renderer == NULL)
        return err_set(err, ERR_NO_MEMORY, "no memory for the renderer");
    *renderer = (Renderer){.site = site, .cache = cache, .hooks = *hooks};
    lock_init(&renderer->lock);
    cond_init(&renderer->change);
    ErrCode rc = start_threads(renderer, threads, err);
    if (rc != OK)
        renderer_close(renderer);
    else
        *ret_renderer = renderer;
    return rc;
}

void renderer_stop(Renderer *renderer)
{
    lock_take(&renderer->lock);
    renderer->stopped = true;
    cond_signal_all(&renderer->change);
    lock_give(&renderer->lock);
    while (renderer->thread_count > 0)
        (void) pthread_join(renderer->threads[--renderer->thread_count].id, NULL);
    while (renderer->first != NULL) /* nobody else is left to change it */
        end_job(renderer, renderer->first, NULL);
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
