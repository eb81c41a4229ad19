#include "base/lock.h"

#include "base/clock.h"
#include "tests/test.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 4, ROUNDS = 5000 };

typedef struct Counter {
    Lock lock;
    Cond changed;
    int64_t count; /* no atomic: the lock is what keeps it whole */
    int running;
} Counter;

static void counter_init(Counter *counter)
{
    *counter = (Counter){.count = 0};
    lock_init(&counter->lock);
    cond_init(&counter->changed);
}

static void counter_release(Counter *counter)
{
    cond_release(&counter->changed);
    lock_release(&counter->lock);
}

static void *count_up(void *ctx)
{
    Counter *counter = ctx;
    for (int i = 0; i < ROUNDS; i++) {
        lock_take(&counter->lock);
        lock_assert_held(&counter->lock);
        counter->count++;
        lock_give(&counter->lock);
    }
    lock_take(&counter->lock);
    counter->running--;
    cond_signal_all(&counter->changed);
    lock_give(&counter->lock);
    return NULL;
}

TEST(lock_lets_one_in_at_a_time)
{
    Counter counter;
    pthread_t threads[THREADS];
    counter_init(&counter);
    counter.running = THREADS;
    for (int i = 0; i < THREADS; i++)
        REQUIRE(pthread_create(&threads[i], NULL, count_up, &counter) == 0);

    lock_take(&counter.lock);
    while (counter.running > 0)
        CHECK(cond_wait(&counter.changed, &counter.lock, INT64_MAX));
    lock_assert_held(&counter.lock); /* given up while it waited, taken again */
    CHECK_INT(THREADS * ROUNDS, counter.count);
    lock_give(&counter.lock);

    for (int i = 0; i < THREADS; i++)
        (void) pthread_join(threads[i], NULL);
    counter_release(&counter);
}

TEST(cond_wait_ends_at_its_deadline)
{
    Counter counter;
    counter_init(&counter);
    lock_take(&counter.lock);
    CHECK(!cond_wait(&counter.changed, &counter.lock, 0)); /* long past */
    CHECK(!cond_wait(&counter.changed, &counter.lock, clock_elapsed_ms()));
    int64_t deadline_ms = clock_elapsed_ms() + 20;
    while (cond_wait(&counter.changed, &counter.lock, deadline_ms))
        continue; /* woken for nothing, as may happen */
    CHECK(clock_elapsed_ms() >= deadline_ms);
    lock_assert_held(&counter.lock);
    lock_give(&counter.lock);
    counter_release(&counter);
}

static void *wait_for_change(void *ctx)
{
    Counter *counter = ctx;
    lock_take(&counter->lock);
    counter->running++;
    while (counter->count == 0)
        (void) cond_wait(&counter->changed, &counter->lock, INT64_MAX);
    lock_give(&counter->lock);
    return NULL;
}

TEST(cond_signal_all_wakes_everybody)
{
    Counter counter;
    pthread_t threads[THREADS];
    counter_init(&counter);
    for (int i = 0; i < THREADS; i++)
        REQUIRE(pthread_create(&threads[i], NULL, wait_for_change, &counter) == 0);
    bool all_wait = false;
    while (!all_wait) {
        lock_take(&counter.lock);
        all_wait = counter.running == THREADS;
        lock_give(&counter.lock);
        (void) usleep(1000);
    }
    lock_take(&counter.lock);
    counter.count = 1;
    cond_signal_all(&counter.changed);
    lock_give(&counter.lock);
    for (int i = 0; i < THREADS; i++)
        CHECK_INT(0, pthread_join(threads[i], NULL)); /* hangs when one was forgotten */
    counter_release(&counter);
}

/* Whether a child that runs `misuse` is ended by an assertion. */
static bool aborts(void (*misuse)(Lock *lock))
{
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        Lock lock;
        (void) close(STDERR_FILENO);
        (void) signal(SIGABRT, SIG_DFL);
        lock_init(&lock);
        misuse(&lock);
        _exit(0);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void assert_without_taking(Lock *lock)
{
    lock_assert_held(lock);
}

static void give_twice(Lock *lock)
{
    lock_take(lock);
    lock_give(lock);
    lock_give(lock);
}

static void take_and_give(Lock *lock)
{
    lock_take(lock);
    lock_assert_held(lock);
    lock_give(lock);
    lock_release(lock);
}

TEST(lock_knows_its_owner)
{
    CHECK(aborts(assert_without_taking));
    CHECK(aborts(give_twice));
    CHECK(!aborts(take_and_give));
}
