/* base/clock_source.c - where wall time comes from: the system, or in builds for tests a simulator. */
#include "base/clock.h"

#include <stdlib.h>
#include <time.h>

#ifndef FRESHET_TEST_CLOCK

int64_t clock_now_ms(void)
{
    struct timespec now;
    (void) clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

ErrCode clock_open(Err *err)
{
    if (getenv("FRESHET_CLOCK") == NULL)
        return OK;
    return err_set(err, ERR_INVALID, "FRESHET_CLOCK is for test builds only; unset it");
}

void clock_close(void)
{
}

bool clock_is_simulated(void)
{
    return false;
}

void clock_set_jump_handler(UNUSED void (*on_jump)(int64_t now_ms))
{
}

void clock_report_asleep(UNUSED int64_t until_ms)
{
}

void clock_report_awake(void)
{
}

#else

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Text lines over TCP. We say `sleep MS`, `sleep never` or `awake`; the simulator says `now MS` at
 * connect and at each jump, answered by `ack`, and then `go`, which is for clients that drive. */
static struct {
    _Atomic bool simulated;
    _Atomic int64_t now_ms;
    _Atomic(void (*)(int64_t)) on_jump;
    FILE *in;
    int fd;
    pthread_t reader;
} sim = {.fd = -1};

int64_t clock_now_ms(void)
{
    if (sim.simulated)
        return sim.now_ms;
    struct timespec now;
    (void) clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool clock_is_simulated(void)
{
    return sim.simulated;
}

void clock_set_jump_handler(void (*on_jump)(int64_t now_ms))
{
    sim.on_jump = on_jump;
}

/* One short line is one segment; a simulator that is gone leaves time standing still. */
static void say(const char *line)
{
    (void) !send(sim.fd, line, strlen(line), MSG_NOSIGNAL);
}

void clock_report_asleep(int64_t until_ms)
{
    char line[48] = "sleep never\n";
    if (!sim.simulated)
        return;
    if (until_ms != INT64_MAX)
        (void) snprintf(line, sizeof line, "sleep %lld\n", (long long) until_ms);
    say(line);
}

void clock_report_awake(void)
{
    if (sim.simulated)
        say("awake\n");
}

static bool read_now(void)
{
    char line[64];
    long long now_ms = 0;
    while (fgets(line, sizeof line, sim.in) != NULL) {
        if (strncmp(line, "now ", 4) == 0) {
            now_ms = strtoll(line + 4, NULL, 10);
            sim.now_ms = now_ms;
            return true;
        }
    }
    return false;
}

static void *read_jumps(UNUSED void *arg)
{
    while (read_now()) {
        void (*on_jump)(int64_t) = sim.on_jump;
        if (on_jump != NULL)
            on_jump(sim.now_ms);
        say("ack\n");
    }
    return NULL;
}

static int connect_to(const char *host, const char *port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    if (getaddrinfo(host, port, &hints, &list) != 0)
        return -1;
    int fd = -1;
    for (struct addrinfo *at = list; at != NULL && fd < 0; at = at->ai_next) {
        fd = socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol);
        if (fd >= 0 && connect(fd, at->ai_addr, at->ai_addrlen) != 0) {
            (void) close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(list);
    return fd;
}

ErrCode clock_open(Err *err)
{
    const char *address = getenv("FRESHET_CLOCK");
    char host[128];
    if (address == NULL)
        return OK;
    const char *colon = strrchr(address, ':');
    if (colon == NULL || colon[1] == '\0' || (size_t) (colon - address) >= sizeof host)
        return err_set(err, ERR_INVALID, "FRESHET_CLOCK is '%s', expected host:port", address);
    memcpy(host, address, (size_t) (colon - address));
    host[colon - address] = '\0';

    sim.fd = connect_to(host, colon + 1);
    if (sim.fd < 0)
        return err_set(err, ERR_NETWORK, "no simulated clock at %s: %s", address, strerror(errno));
    sim.in = fdopen(dup(sim.fd), "r");
    if (sim.in == NULL || !read_now())
        return err_set(err, ERR_NETWORK, "the simulated clock at %s says nothing", address);
    sim.simulated = true;
    say("ack\n");
    if (pthread_create(&sim.reader, NULL, read_jumps, NULL) != 0)
        return err_set(err, ERR_NO_MEMORY, "no thread for the simulated clock");
    return OK;
}

void clock_close(void)
{
    if (!sim.simulated)
        return;
    (void) shutdown(sim.fd, SHUT_RDWR);
    (void) pthread_join(sim.reader, NULL);
    (void) fclose(sim.in);
    (void) close(sim.fd);
    sim.simulated = false;
}

#endif
