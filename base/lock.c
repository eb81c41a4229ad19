#include "base/lock.h"

#include <errno.h>
#include <time.h>

static void must(int rc)
{
    assert(rc == 0);
    (void) rc;
}

void lock_init(Lock *lock)
{
    *lock = (Lock){.held = false};
    must(pthread_mutex_init(&lock->mutex, NULL));
}

void lock_release(Lock *lock)
{
    must(pthread_mutex_destroy(&lock->mutex));
}

void lock_take(Lock *lock)
{
    must(pthread_mutex_lock(&lock->mutex));
    assert(!lock->held);
    lock->owner = pthread_self();
    lock->held = true;
}

void lock_give(Lock *lock)
{
    lock_assert_held(lock);
    lock->held = false;
    must(pthread_mutex_unlock(&lock->mutex));
}

void lock_assert_held(const Lock *lock)
{
    assert(lock->held && pthread_equal(lock->owner, pthread_self()));
    (void) lock;
}

void cond_init(Cond *cond)
{
    pthread_condattr_t attr;
    must(pthread_condattr_init(&attr));
    must(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC));
    must(pthread_cond_init(&cond->cond, &attr));
    must(pthread_condattr_destroy(&attr));
}

void cond_release(Cond *cond)
{
    must(pthread_cond_destroy(&cond->cond));
}

void cond_signal_all(Cond *cond)
{
    must(pthread_cond_broadcast(&cond->cond));
}

bool cond_wait(Cond *cond, Lock *lock, int64_t deadline_ms)
{
    lock_assert_held(lock);
    lock->held = false;
    int rc;
    if (deadline_ms == INT64_MAX) {
        rc = pthread_cond_wait(&cond->cond, &lock->mutex);
    } else {
        struct timespec until = {.tv_sec = deadline_ms / 1000,
                                 .tv_nsec = (deadline_ms % 1000) * 1000000};
        rc = pthread_cond_timedwait(&cond->cond, &lock->mutex, &until);
    }
    lock->owner = pthread_self();
    lock->held = true;
    if (rc != ETIMEDOUT)
        must(rc);
    return rc == 0;
}
