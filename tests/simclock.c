#include "tests/simclock.h"

#include "tests/exchange.h"
#include "tests/test.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { OPTIONS_MAX = 30, PATIENCE_S = 120 };

/* ---- the simulator --------------------------------------------------------------------------- */

static bool wants_clock(const char *const options[])
{
    for (size_t i = 0; options[i] != NULL; i++)
        if (strcmp(options[i], "--clock") == 0)
            return true;
    return false;
}

static void after(Str line, const char *part, char *to, size_t size)
{
    size_t at;
    REQUIRE(str_find(line, str_of(part), &at));
    at += strlen(part);
    (void) snprintf(to, size, "%.*s", (int) (line.len - at), line.ptr + at);
}

Simulator simulator_start(const char *const options[])
{
    const char *argv[OPTIONS_MAX + 4] = {"freshet-sim", "--listen", "127.0.0.1:0"};
    size_t count = 3;
    for (size_t i = 0; i < OPTIONS_MAX && options[i] != NULL; i++)
        argv[count++] = options[i];
    Simulator simulator = {.process = process_start(argv, NULL)};
    after(process_wait_line(simulator.process, "listening on "), "listening on ", simulator.url,
          sizeof simulator.url);
    (void) snprintf(simulator.origin, sizeof simulator.origin, "%s", simulator.url);
    *strrchr(simulator.origin, '/') = '\0';
    if (wants_clock(options))
        after(process_wait_line(simulator.process, "clock on "), "clock on ", simulator.clock,
              sizeof simulator.clock);
    return simulator;
}

void simulator_do(const Simulator *simulator, const char *method, const char *target, Str body)
{
    char url[1024];
    (void) snprintf(url, sizeof url, "%s%s", simulator->origin, target);
    CLEANUP(exchanged_release)
    Exchanged got = exchange(method, url, "", str_is_none(body) ? STR("") : body);
    if (got.status != 200)
        printf("%s %s: %d " STR_FMT, method, target, got.status, STR_ARG(buf_view(&got.body)));
    REQUIRE(got.status == 200);
}

/* ---- its clock ------------------------------------------------------------------------------- */

struct SimClock {
    int fd;
    FILE *in;
    int64_t now_ms;
};

static void say(const SimClock *clock, const char *line)
{
    (void) !send(clock->fd, line, strlen(line), MSG_NOSIGNAL);
}

/* Takes one line; a new time is taken in. True: it was `go`. */
static bool hear(SimClock *clock)
{
    char line[64];
    REQUIRE(fgets(line, sizeof line, clock->in) != NULL);
    if (strncmp(line, "now ", 4) == 0) {
        clock->now_ms = strtoll(line + 4, NULL, 10);
        say(clock, "ack\n");
    }
    return strcmp(line, "go\n") == 0;
}

static void end(void *ctx)
{
    SimClock *clock = ctx;
    simclock_close(clock);
    free(clock);
}

SimClock *simclock_connect(const char *address)
{
    struct sockaddr_in to = {.sin_family = AF_INET};
    struct timeval patience = {.tv_sec = PATIENCE_S};
    char host_text[64];
    Str host, port_text;
    int64_t port = 0;
    REQUIRE(str_cut(str_of(address), ':', &host, &port_text) && str_to_int(port_text, &port));
    (void) snprintf(host_text, sizeof host_text, STR_FMT, STR_ARG(host));
    REQUIRE(inet_pton(AF_INET, host_text, &to.sin_addr) == 1);
    to.sin_port = htons((uint16_t) port);
    SimClock *clock = calloc(1, sizeof *clock);
    REQUIRE(clock != NULL);
    clock->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    test_defer(end, clock);
    (void) setsockopt(clock->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    REQUIRE(connect(clock->fd, (struct sockaddr *) &to, sizeof to) == 0);
    clock->in = fdopen(clock->fd, "r");
    (void) hear(clock);
    return clock;
}

UnixSec simclock_now(const SimClock *clock)
{
    return clock->now_ms / 1000;
}

void simclock_sleep_until(SimClock *clock, UnixSec until)
{
    char line[64];
    (void) snprintf(line, sizeof line, "sleep %lld\n", (long long) until * 1000);
    say(clock, line);
    while (!hear(clock))
        continue;
}

void simclock_close(SimClock *clock)
{
    if (clock->in != NULL)
        (void) fclose(clock->in);
    else if (clock->fd >= 0)
        (void) close(clock->fd);
    clock->in = NULL;
    clock->fd = -1;
}
