#include "base/worker.h"

#include "base/clock.h"
#include "base/lock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A wall clock that is set while we sleep is noticed within this time. */
enum { SLEEP_SLICE_MS = 60000 };

struct Worker {
    char name[16];
    WorkerFn *run;
    void *ctx;
    WorkerClass class;
    pthread_t thread;
    _Atomic bool stop;
    Cond roused;
    bool woken; /* asked to wake; guarded, like all below, by `all.lock` */
    bool asleep;
    int64_t until_ms;
    Worker *next;
};

/* All workers of the process. There are few and they sleep most of the time, so one lock serves; a
 * simulated clock must know when all of them sleep. */
static struct {
    pthread_once_t once;
    Lock lock;
    Worker *first;
} all = {.once = PTHREAD_ONCE_INIT};

static void rouse(Worker *worker)
{
    lock_assert_held(&all.lock);
    worker->asleep = false;
    cond_signal_all(&worker->roused);
}

static void on_clock_jump(int64_t now_ms)
{
    lock_take(&all.lock);
    for (Worker *worker = all.first; worker != NULL; worker = worker->next)
        if (worker->asleep && worker->until_ms <= now_ms)
            rouse(worker);
    lock_give(&all.lock);
}

static void init_all(void)
{
    lock_init(&all.lock);
    clock_set_jump_handler(on_clock_jump);
}

/* Tells a simulated clock to go on when nobody is awake any more. */
static void report_if_all_asleep(void)
{
    int64_t until_ms = INT64_MAX;
    lock_assert_held(&all.lock);
    for (const Worker *worker = all.first; worker != NULL; worker = worker->next) {
        if (!worker->asleep)
            return;
        if (worker->until_ms < until_ms)
            until_ms = worker->until_ms;
    }
    clock_report_asleep(until_ms);
}

/* The kernel's struct sched_attr in its first form: the header that has it clashes with libc's. */
typedef struct SchedAttr {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t turn_ns, deadline_ns, period_ns;
} SchedAttr;

void worker_give_way(void)
{
    enum { LONGEST_TURN_NS = 100000000 };
    const SchedAttr attr = {
        .size = sizeof attr, .policy = SCHED_OTHER, .nice = 19, .turn_ns = LONGEST_TURN_NS};
    if (syscall(SYS_sched_setattr, 0, &attr, 0) != 0)                 /* of this thread alone */
        (void) setpriority(PRIO_PROCESS, (id_t) gettid(), attr.nice); /* sandboxes know this */
}

static void *worker_main(void *arg)
{
    Worker *self = arg;
    (void) pthread_setname_np(pthread_self(), self->name);
    if (self->class == WORKER_BACKGROUND)
        worker_give_way();
    self->run(self, self->ctx);
    lock_take(&all.lock);
    self->asleep = true; /* for ever: nothing waits for it any more */
    self->until_ms = INT64_MAX;
    report_if_all_asleep();
    lock_give(&all.lock);
    return NULL;
}

static void unlink_worker(Worker *worker)
{
    lock_assert_held(&all.lock);
    Worker **at = &all.first;
    while (*at != worker)
        at = &(*at)->next;
    *at = worker->next;
}

ErrCode worker_start(const char *name, WorkerClass class, WorkerFn *run, void *ctx,
                     Worker **ret_worker, Err *err)
{
    assert(strlen(name) < sizeof((Worker *) NULL)->name);
    (void) pthread_once(&all.once, init_all);
    Worker *worker = calloc(1, sizeof *worker);
    if (worker == NULL)
        return err_set(err, ERR_NO_MEMORY, "no memory for worker %s", name);
    (void) snprintf(worker->name, sizeof worker->name, "%s", name);
    worker->run = run;
    worker->ctx = ctx;
    worker->class = class;
    cond_init(&worker->roused);

    lock_take(&all.lock);
    worker->next = all.first;
    all.first = worker;
    int rc = pthread_create(&worker->thread, NULL, worker_main, worker);
    if (rc != 0)
        unlink_worker(worker);
    lock_give(&all.lock);
    if (rc != 0) {
        cond_release(&worker->roused);
        free(worker);
        return err_set(err, ERR_NO_MEMORY, "cannot start thread %s: %s", name, strerror(rc));
    }
    *ret_worker = worker;
    return OK;
}

void worker_wake(Worker *worker)
{
    lock_take(&all.lock);
    worker->woken = true;
    if (worker->asleep) {
        rouse(worker);
        clock_report_awake();
    }
    lock_give(&all.lock);
}

void worker_stop(Worker *worker)
{
    if (worker == NULL)
        return;
    worker->stop = true;
    worker_wake(worker);
    (void) pthread_join(worker->thread, NULL);
    lock_take(&all.lock);
    unlink_worker(worker);
    lock_give(&all.lock);
    cond_release(&worker->roused);
    free(worker);
}

bool worker_stopping(const Worker *self)
{
    return self->stop;
}

/* Real time: the wait ends at the deadline. Simulated: the jump handler ends it. */
static void wait_roused(Worker *self)
{
    while (self->asleep) {
        int64_t deadline_ms = INT64_MAX;
        if (!clock_is_simulated() && self->until_ms != INT64_MAX) {
            int64_t left_ms = self->until_ms - clock_now_ms();
            if (left_ms <= 0) {
                self->asleep = false;
                break;
            }
            deadline_ms =
                clock_elapsed_ms() + (left_ms < SLEEP_SLICE_MS ? left_ms : SLEEP_SLICE_MS);
        }
        (void) cond_wait(&self->roused, &all.lock, deadline_ms);
    }
}

bool worker_sleep(Worker *self, int64_t until_ms)
{
    lock_take(&all.lock);
    if (!self->stop && !self->woken && clock_now_ms() < until_ms) {
        self->asleep = true;
        self->until_ms = until_ms;
        report_if_all_asleep();
        wait_roused(self);
    }
    self->woken = false;
    lock_give(&all.lock);
    return !self->stop;
}
