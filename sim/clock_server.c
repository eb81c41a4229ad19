#include "sim/clock_server.h"

#include "base/str.h"
#include "sim/simtime.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CLIENTS_MAX = 16, LINE_MAX_BYTES = 64 };

typedef struct ClockClient {
    int fd;
    bool asleep;
    int64_t until_ms; /* INT64_MAX: until told otherwise */
    int unanswered;   /* `now` lines it has not acknowledged */
    char line[LINE_MAX_BYTES];
    size_t line_len;
} ClockClient;

struct ClockServer {
    int listen_fd, stop_fd;
    uint16_t port;
    pthread_t thread;
    ClockClient clients[CLIENTS_MAX]; /* its thread only, like all below */
    size_t client_count;
    bool jumped; /* and `go` is not yet said */
};

static void drop(ClockServer *server, size_t i)
{
    (void) close(server->clients[i].fd);
    server->clients[i] = server->clients[--server->client_count];
}

/* A client that is gone is noticed when it is read. */
static void say(const ClockClient *client, const char *line)
{
    (void) !send(client->fd, line, strlen(line), MSG_NOSIGNAL);
}

static void say_now(ClockClient *client)
{
    char line[LINE_MAX_BYTES];
    (void) snprintf(line, sizeof line, "now %lld\n", (long long) simtime_clock_ms());
    client->unanswered++;
    say(client, line);
}

static void accept_client(ClockServer *server)
{
    int fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return;
    if (server->client_count == CLIENTS_MAX) {
        (void) close(fd);
        return;
    }
    ClockClient *client = &server->clients[server->client_count++];
    *client = (ClockClient){.fd = fd};
    say_now(client);
}

/* False: not a line of the protocol. */
static bool take_line(ClockClient *client, Str line)
{
    Str word, rest;
    if (str_eq(line, STR("ack"))) {
        client->unanswered -= client->unanswered > 0 ? 1 : 0;
        return true;
    }
    if (str_eq(line, STR("awake"))) {
        client->asleep = false;
        return true;
    }
    if (!str_cut(line, ' ', &word, &rest) || !str_eq(word, STR("sleep")))
        return false;
    client->until_ms = INT64_MAX;
    client->asleep = str_eq(rest, STR("never")) || str_to_int(rest, &client->until_ms);
    return client->asleep;
}

/* False: it is gone, or talks nonsense. */
static bool read_client(ClockClient *client)
{
    char *room = client->line + client->line_len;
    ssize_t got = recv(client->fd, room, sizeof client->line - client->line_len, MSG_DONTWAIT);
    if (got < 0)
        return errno == EAGAIN || errno == EINTR;
    if (got == 0)
        return false;
    Str rest = {client->line, client->line_len + (size_t) got}, line;
    while (str_cut(rest, '\n', &line, &rest))
        if (!take_line(client, line))
            return false;
    memmove(client->line, rest.ptr, rest.len);
    client->line_len = rest.len;
    return rest.len < sizeof client->line;
}

/* ---- the rule -------------------------------------------------------------------------------- */

/* The least time that somebody sleeps until; INT64_MAX: somebody is awake, or has not answered, or
 * all sleep until told otherwise. */
static int64_t next_jump_ms(const ClockServer *server)
{
    int64_t least_ms = INT64_MAX;
    for (size_t i = 0; i < server->client_count; i++) {
        const ClockClient *client = &server->clients[i];
        if (!client->asleep || client->unanswered > 0)
            return INT64_MAX;
        if (client->until_ms < least_ms)
            least_ms = client->until_ms;
    }
    return least_ms;
}

static bool all_answered(const ClockServer *server)
{
    for (size_t i = 0; i < server->client_count; i++)
        if (server->clients[i].unanswered > 0)
            return false;
    return true;
}

static void jump(ClockServer *server, int64_t to_ms)
{
    if (to_ms > simtime_clock_ms())
        simtime_jump(to_ms);
    server->jumped = true;
    for (size_t i = 0; i < server->client_count; i++)
        say_now(&server->clients[i]);
}

/* Everybody knows the new time before anybody goes on. */
static void release_sleepers(ClockServer *server)
{
    server->jumped = false;
    for (size_t i = 0; i < server->client_count; i++) {
        ClockClient *client = &server->clients[i];
        if (client->asleep && client->until_ms <= simtime_clock_ms()) {
            client->asleep = false;
            say(client, "go\n");
        }
    }
}

static void move_time(ClockServer *server)
{
    if (server->jumped && all_answered(server))
        release_sleepers(server);
    int64_t to_ms = server->jumped ? INT64_MAX : next_jump_ms(server);
    if (to_ms != INT64_MAX)
        jump(server, to_ms);
}

/* ---- the thread ------------------------------------------------------------------------------ */

static void *run(void *arg)
{
    ClockServer *server = arg;
    for (;;) {
        struct pollfd fds[2 + CLIENTS_MAX] = {{server->stop_fd, POLLIN, 0},
                                              {server->listen_fd, POLLIN, 0}};
        size_t count = server->client_count;
        for (size_t i = 0; i < count; i++)
            fds[2 + i] = (struct pollfd){server->clients[i].fd, POLLIN, 0};
        if (poll(fds, (nfds_t) (2 + count), -1) < 0)
            continue;
        if (fds[0].revents != 0)
            return NULL;
        for (size_t i = count; i > 0; i--) /* from the end: drop() moves the last one */
            if (fds[1 + i].revents != 0 && !read_client(&server->clients[i - 1]))
                drop(server, i - 1);
        if (fds[1].revents != 0)
            accept_client(server);
        move_time(server);
    }
}

static ErrCode listen_on(ClockServer *server, const char *host, Err *err)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    server->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1 || server->listen_fd < 0 ||
        bind(server->listen_fd, (struct sockaddr *) &address, size) != 0 ||
        listen(server->listen_fd, CLIENTS_MAX) != 0 ||
        getsockname(server->listen_fd, (struct sockaddr *) &address, &size) != 0)
        return err_set(err, ERR_NETWORK, "no clock on %s: %s", host, strerror(errno));
    server->port = ntohs(address.sin_port);
    return OK;
}

static void end(ClockServer *server)
{
    while (server->client_count > 0)
        drop(server, server->client_count - 1);
    if (server->listen_fd >= 0)
        (void) close(server->listen_fd);
    if (server->stop_fd >= 0)
        (void) close(server->stop_fd);
    free(server);
}

ErrCode clock_server_start(const char *host, ClockServer **ret_server, Err *err)
{
    ClockServer *server = calloc(1, sizeof *server);
    if (server == NULL)
        return err_set(err, ERR_NO_MEMORY, "no memory for the clock");
    server->listen_fd = -1;
    server->stop_fd = eventfd(0, EFD_CLOEXEC);
    ErrCode rc = server->stop_fd < 0 ? err_set(err, ERR_NETWORK, "no eventfd: %s", strerror(errno))
                                     : listen_on(server, host, err);
    if (rc == OK && pthread_create(&server->thread, NULL, run, server) != 0)
        rc = err_set(err, ERR_NO_MEMORY, "no thread for the clock");
    if (rc != OK) {
        end(server);
        return rc;
    }
    *ret_server = server;
    return OK;
}

uint16_t clock_server_port(const ClockServer *server)
{
    return server->port;
}

void clock_server_stop(ClockServer *server)
{
    const uint64_t one = 1;
    if (server == NULL)
        return;
    (void) !write(server->stop_fd, &one, sizeof one);
    (void) pthread_join(server->thread, NULL);
    end(server);
}
