/* server/renderer.h - what takes more than a few milliseconds, rendered beside the HTTP threads.
 *
 * A few background threads, each with one answer at a time, in the order of asking: a short list need not wait for a
 * long one before it. Who asks for what is under way already waits for the same. It knows no connections: a waiter is
 * held when its question is taken and gets the finished answer handed over. */
#pragma once
#include "server/answer.h"

typedef struct Renderer Renderer;

typedef struct RenderHooks {
    /* The question is taken. On the asking thread, before anything can be handed over. */
    void (*hold)(void *waiter);
    /* The answer; the count of its Finished is the waiter's. NULL: there was no memory, or the
     * server stops. Mostly on a render thread; it must not block. */
    void (*hand_over)(void *waiter, const Rendered *rendered);
} RenderHooks;

enum {
    RENDER_QUEUE_MAX = 64, /* questions that wait; beyond that they are refused */
    RENDER_THREADS_MIN = 2,
    RENDER_THREADS_MAX = 4, /* each may need max_response_bytes of memory */
};

/* `threads`: as many as there are processors for; from MIN to MAX are started. Owns: *ret_renderer ends with
 * renderer_close(). Errors: ERR_NO_MEMORY. */
MUST_USE ErrCode renderer_start(Site *site, Cache *cache, const RenderHooks *hooks, size_t threads,
                                Renderer **ret_renderer, Err *err);
/* Any thread. `deferred` and `head` are copied. False: the queue is full, there is no memory, or
 * the renderer has stopped; nothing was held. */
MUST_USE bool renderer_ask(Renderer *renderer, const Deferred *deferred, const Head *head,
                           void *waiter);
/* Takes no more questions, ends those under way, and hands NULL to whoever still waits. */
void renderer_stop(Renderer *renderer);
void renderer_close(Renderer *renderer); /* when nobody can ask any more; NULL is fine */
