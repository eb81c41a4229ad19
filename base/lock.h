/* base/lock.h - a mutex that knows its owner, and a condition with a deadline in real time. */
#pragma once
#include "base/base.h"

#include <pthread.h>

typedef struct Lock {
    pthread_mutex_t mutex;
    pthread_t owner;
    bool held;
} Lock;

typedef struct Cond {
    pthread_cond_t cond;
} Cond;

void lock_init(Lock *lock);
void lock_release(Lock *lock);
void lock_take(Lock *lock);
void lock_give(Lock *lock);
void lock_assert_held(const Lock *lock); /* by the calling thread */

void cond_init(Cond *cond);
void cond_release(Cond *cond);
void cond_signal_all(Cond *cond);
/* Gives the lock up while it waits. False: `deadline_ms` of clock_elapsed_ms() passed.
 * INT64_MAX waits for ever. */
bool cond_wait(Cond *cond, Lock *lock, int64_t deadline_ms);
