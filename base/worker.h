/* base/worker.h - a named thread that sleeps, can be woken, can be stopped.
 *
 * Its function runs once and returns when worker_sleep() says so. */
#pragma once
#include "base/err.h"

typedef struct Worker Worker;
typedef void WorkerFn(Worker *self, void *ctx);

typedef enum WorkerClass {
    WORKER_NORMAL,
    WORKER_BACKGROUND, /* gives way: see worker_give_way() */
} WorkerClass;

/* The calling thread gives way to every ordinary one: on one core a busy ordinary thread would slow
 * HTTP tenfold. Niceness 19, and turns so long that whoever takes shorter ones interrupts them at
 * once (Linux 6.12; older ones knew no other way). Not SCHED_IDLE, which gets nothing at all, for
 * minutes, where something else keeps the machine busy. */
void worker_give_way(void);

/* Starts the thread. `name` has at most 15 bytes. Owns: the caller ends it with worker_stop(). */
MUST_USE ErrCode worker_start(const char *name, WorkerClass class, WorkerFn *run, void *ctx,
                              Worker **ret_worker, Err *err);
void worker_wake(Worker *worker); /* any thread; a wake before the sleep makes it return at once */
void worker_stop(Worker *worker); /* asks, wakes, joins, frees; NULL is fine */

/* On the worker's own thread. Sleeps until clock_now_ms() reaches `until_ms` (INT64_MAX: for ever)
 * or somebody wakes it. False: stop now. */
MUST_USE bool worker_sleep(Worker *self, int64_t until_ms);
bool worker_stopping(const Worker *self); /* any thread */
