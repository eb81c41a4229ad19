#include "base/worker.h"

#include "base/clock.h"
#include "tests/test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What a worker's function saw, told to the test by the semaphores. */
typedef struct Seen {
    sem_t slept, go;
    bool slept_well[8];
    int64_t now_ms[8];
    int count;
    int64_t until_ms;
    char name[16];
    int niceness;
    uint64_t turn_ns; /* 0: a kernel that does not tell */
    bool stopping;
} Seen;

static void seen_init(Seen *seen)
{
    *seen = (Seen){.count = 0};
    REQUIRE(sem_init(&seen->slept, 0, 0) == 0);
    REQUIRE(sem_init(&seen->go, 0, 0) == 0);
}

static void seen_release(Seen *seen)
{
    (void) sem_destroy(&seen->slept);
    (void) sem_destroy(&seen->go);
}

static void await(sem_t *sem)
{
    while (sem_wait(sem) != 0)
        continue;
}

/* Sleeps again and again, each time told where it ended. */
static void sleep_until_stopped(Worker *self, void *ctx)
{
    Seen *seen = ctx;
    (void) pthread_getname_np(pthread_self(), seen->name, sizeof seen->name);
    seen->niceness = getpriority(PRIO_PROCESS, (id_t) gettid());
    uint64_t attr[6] = {0}; /* the kernel's struct sched_attr, first form: runtime is the fourth */
    if (syscall(SYS_sched_getattr, 0, attr, sizeof attr, 0) == 0)
        seen->turn_ns = attr[3];
    bool go_on = true;
    while (go_on) {
        go_on = worker_sleep(self, seen->until_ms);
        if (seen->count < (int) countof(seen->slept_well)) {
            seen->now_ms[seen->count] = clock_now_ms();
            seen->slept_well[seen->count++] = go_on;
        }
        seen->stopping = worker_stopping(self);
        (void) sem_post(&seen->slept);
        if (go_on)
            seen->until_ms = INT64_MAX;
    }
}

TEST(worker_sleeps_until_it_is_stopped)
{
    Err err = {.code = OK};
    Worker *worker = NULL;
    Seen seen;
    seen_init(&seen);
    seen.until_ms = INT64_MAX;
    REQUIRE_OK(
        worker_start("fifteen-bytes-x", WORKER_NORMAL, sleep_until_stopped, &seen, &worker, &err));
    worker_stop(worker);
    CHECK_INT(1, seen.count);
    CHECK(!seen.slept_well[0]);
    CHECK(seen.stopping);
    CHECK_TEXT("fifteen-bytes-x", str_of(seen.name));
    CHECK(seen.niceness < 19);
    seen_release(&seen);
    worker_stop(NULL);
}

TEST(worker_of_the_background_class_gives_way)
{
    Err err = {.code = OK};
    Worker *worker = NULL;
    Seen seen;
    seen_init(&seen);
    seen.until_ms = INT64_MAX;
    REQUIRE_OK(worker_start("idle", WORKER_BACKGROUND, sleep_until_stopped, &seen, &worker, &err));
    worker_stop(worker);
    CHECK_INT(19, seen.niceness);
    CHECK(seen.turn_ns == 0 || seen.turn_ns == 100000000);
    seen_release(&seen);
}

TEST(worker_is_woken)
{
    Err err = {.code = OK};
    Worker *worker = NULL;
    Seen seen;
    seen_init(&seen);
    seen.until_ms = INT64_MAX;
    REQUIRE_OK(worker_start("woken", WORKER_NORMAL, sleep_until_stopped, &seen, &worker, &err));
    for (int i = 0; i < 3; i++) {
        worker_wake(worker); /* whether it sleeps already or will only */
        await(&seen.slept);
    }
    worker_stop(worker);
    CHECK_INT(4, seen.count);
    for (int i = 0; i < 3; i++)
        CHECK(seen.slept_well[i]);
    CHECK(!seen.slept_well[3]);
    seen_release(&seen);
}

TEST(worker_sleeps_until_a_moment)
{
    Err err = {.code = OK};
    Worker *worker = NULL;
    Seen seen;
    seen_init(&seen);
    seen.until_ms = clock_now_ms() + 30;
    int64_t until_ms = seen.until_ms;
    REQUIRE_OK(worker_start("timed", WORKER_NORMAL, sleep_until_stopped, &seen, &worker, &err));
    await(&seen.slept);
    worker_stop(worker);
    CHECK_INT(2, seen.count);
    CHECK(seen.slept_well[0]);
    CHECK(seen.now_ms[0] >= until_ms);
    seen_release(&seen);
}

TEST(worker_does_not_sleep_until_what_is_past)
{
    Err err = {.code = OK};
    Worker *worker = NULL;
    Seen seen;
    seen_init(&seen);
    seen.until_ms = 0;
    REQUIRE_OK(worker_start("late", WORKER_NORMAL, sleep_until_stopped, &seen, &worker, &err));
    await(&seen.slept);
    worker_stop(worker);
    CHECK_INT(2, seen.count);
    CHECK(seen.slept_well[0]);
    seen_release(&seen);
}

static void work_then_sleep(Worker *self, void *ctx)
{
    Seen *seen = ctx;
    (void) sem_post(&seen->slept); /* it works */
    await(&seen->go);
    seen->slept_well[seen->count++] = worker_sleep(self, INT64_MAX);
    (void) sem_post(&seen->slept);
    await(&seen->go);
    seen->slept_well[seen->count++] = worker_sleep(self, INT64_MAX);
}

static void *stop_it(void *worker)
{
    worker_stop(worker);
    return NULL;
}

TEST(worker_keeps_a_wake_and_a_stop_that_come_while_it_works)
{
    Err err = {.code = OK};
    Worker *worker = NULL;
    Seen seen;
    pthread_t stopper;
    seen_init(&seen);
    REQUIRE_OK(worker_start("busy", WORKER_NORMAL, work_then_sleep, &seen, &worker, &err));
    await(&seen.slept);
    worker_wake(worker);
    worker_wake(worker); /* twice is once */
    (void) sem_post(&seen.go);
    await(&seen.slept);
    CHECK(seen.slept_well[0]);

    CHECK(!worker_stopping(worker));
    REQUIRE(pthread_create(&stopper, NULL, stop_it, worker) == 0);
    while (!worker_stopping(worker)) /* it works and cannot be freed yet */
        (void) usleep(1000);
    (void) sem_post(&seen.go);
    (void) pthread_join(stopper, NULL);
    CHECK_INT(2, seen.count);
    CHECK(!seen.slept_well[1]);
    seen_release(&seen);
}

TEST(worker_many_wake_at_the_same_time)
{
    enum { WORKERS = 6, WAKES = 200 };
    Err err = {.code = OK};
    Worker *workers[WORKERS];
    Seen seen[WORKERS];
    for (int i = 0; i < WORKERS; i++) {
        seen_init(&seen[i]);
        seen[i].until_ms = INT64_MAX;
        REQUIRE_OK(
            worker_start("many", WORKER_NORMAL, sleep_until_stopped, &seen[i], &workers[i], &err));
    }
    for (int round = 0; round < WAKES; round++) {
        for (int i = 0; i < WORKERS; i++)
            worker_wake(workers[i]);
        for (int i = 0; i < WORKERS; i++)
            await(&seen[i].slept);
    }
    for (int i = 0; i < WORKERS; i++) {
        worker_stop(workers[i]);
        seen_release(&seen[i]);
    }
}

/* ---- with a simulated clock ------------------------------------------------------------------ */

/* A simulator of one client: it says when it is, and notes what the client says. */
typedef struct Sim {
    int listener;
    FILE *client;
    int64_t start_ms;
    char address[32];
    pthread_t thread;
} Sim;

static void *sim_accept(void *ctx)
{
    Sim *sim = ctx;
    int fd = accept(sim->listener, NULL, NULL);
    if (fd >= 0)
        sim->client = fdopen(fd, "r+");
    if (sim->client != NULL) {
        fprintf(sim->client, "now %lld\n", (long long) sim->start_ms);
        fflush(sim->client);
    }
    return NULL;
}

static void sim_open(Sim *sim, int64_t start_ms)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t address_len = sizeof address;
    *sim = (Sim){.start_ms = start_ms};
    sim->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(sim->listener >= 0);
    REQUIRE(bind(sim->listener, (struct sockaddr *) &address, sizeof address) == 0);
    REQUIRE(listen(sim->listener, 1) == 0);
    REQUIRE(getsockname(sim->listener, (struct sockaddr *) &address, &address_len) == 0);
    (void) snprintf(sim->address, sizeof sim->address, "127.0.0.1:%d", ntohs(address.sin_port));
    REQUIRE(pthread_create(&sim->thread, NULL, sim_accept, sim) == 0);
}

static void sim_close(Sim *sim)
{
    if (sim->client != NULL)
        (void) fclose(sim->client);
    (void) close(sim->listener);
}

/* Waits until the client has said all of `wants`, in whatever order: a worker that was woken and
 * the thread that reads the clock speak at the same time. Lines that are not wanted do not matter.
 */
static bool sim_hears(Sim *sim, const char *first, const char *second)
{
    const char *wants[] = {first, second};
    char line[64];
    while (wants[0] != NULL || wants[1] != NULL) {
        if (fgets(line, sizeof line, sim->client) == NULL)
            return false;
        line[strcspn(line, "\n")] = '\0';
        for (size_t i = 0; i < countof(wants); i++)
            if (wants[i] != NULL && strcmp(line, wants[i]) == 0)
                wants[i] = NULL;
    }
    return true;
}

static void sim_says(Sim *sim, int64_t now_ms)
{
    fprintf(sim->client, "now %lld\n", (long long) now_ms);
    fflush(sim->client);
}

TEST(worker_sleeps_by_a_simulated_clock)
{
    enum { DAY_MS = 86400000 };
    const int64_t start_ms = 1795342567000;
    Err err = {.code = OK};
    Worker *worker = NULL;
    Seen seen;
    Sim sim;
    seen_init(&seen);
    sim_open(&sim, start_ms);
    setenv("FRESHET_CLOCK", sim.address, 1);
    REQUIRE_OK(clock_open(&err));
    (void) pthread_join(sim.thread, NULL);
    unsetenv("FRESHET_CLOCK");
    CHECK(clock_is_simulated());
    CHECK_INT(start_ms, clock_now_ms());
    CHECK_INT(start_ms / 1000, clock_now());

    seen.until_ms = start_ms + DAY_MS; /* a day that takes no time */
    char asleep[48]; /* what is heard then; `seen` is the worker's from its start on */
    (void) snprintf(asleep, sizeof asleep, "sleep %lld", (long long) seen.until_ms);
    REQUIRE_OK(worker_start("simulated", WORKER_NORMAL, sleep_until_stopped, &seen, &worker, &err));
    CHECK(sim_hears(&sim, "ack", asleep));
    sim_says(&sim, start_ms + DAY_MS / 2); /* not yet */
    CHECK(sim_hears(&sim, "ack", NULL));
    sim_says(&sim, start_ms + DAY_MS);
    CHECK(sim_hears(&sim, "ack", "sleep never"));
    await(&seen.slept);
    worker_wake(worker);
    CHECK(sim_hears(&sim, "awake", "sleep never"));
    await(&seen.slept);
    worker_stop(worker);
    clock_close();
    CHECK(!clock_is_simulated());

    CHECK_INT(3, seen.count);
    CHECK(seen.slept_well[0] && seen.slept_well[1] && !seen.slept_well[2]);
    CHECK_INT(start_ms + DAY_MS, seen.now_ms[0]);
    seen_release(&seen);
    sim_close(&sim);
}
