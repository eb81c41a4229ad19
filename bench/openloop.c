/* openloop.c - an open-loop HTTP client: asks at a fixed rate, whatever the answers do.
 *
 *     openloop PORT TARGET RATE SECONDS [CONNECTIONS]
 *
 * SIGINT and SIGTERM end it sooner; what was asked until then is answered and counts.
 * The time of an answer counts from when its request was due, not from when it could be sent: a
 * server that stalls cannot hide it by making the client wait. Whatever else wants the client's core
 * must wait for it too (SCHED_FIFO, where that is allowed; it sleeps until the next is due), or the
 * client's own delays would be counted as the server's. Prints one line of milliseconds:
 * answers p50 p90 p99 p99.9 worst. Loopback, one thread, keep-alive, answers with Content-Length. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 1024, HEAD_MAX = 8192, LEAST_SLEEP_NS = 10000 };

typedef struct Connection {
    int fd;
    bool busy;
    int64_t due_ns;
    char head[HEAD_MAX];
    size_t head_len;
    int64_t body_left; /* -1: the head is not complete */
} Connection;

typedef struct Run {
    int port;
    char request[1024];
    size_t request_len;
    int64_t total, begun_ns, step_ns;
    int64_t sent, answered; /* requests; they are due in order */
    Connection *connections;
    size_t count, next; /* they take turns: one that is idle for long would be closed */
    int epoll;
    int64_t *took_ns;
} Run;

static volatile sig_atomic_t ends_now;

static void on_signal(int signal_number)
{
    (void) signal_number;
    ends_now = 1;
}

static void die(const char *what)
{
    fprintf(stderr, "openloop: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int64_t now_ns(void)
{
    struct timespec now;
    (void) clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t) now.tv_sec * 1000000000 + now.tv_nsec;
}

static void open_connection(Run *run, Connection *connection)
{
    int on = 1;
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t) run->port),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection->fd < 0 ||
        connect(connection->fd, (const struct sockaddr *) &to, sizeof to) != 0)
        die("connect");
    (void) setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = connection}};
    if (epoll_ctl(run->epoll, EPOLL_CTL_ADD, connection->fd, &event) != 0)
        die("epoll");
}

/* All that is due and finds a connection that is free. */
static void send_due(Run *run)
{
    int64_t now = now_ns();
    for (size_t i = 0; i < run->count && run->sent < run->total; i++) {
        Connection *connection = &run->connections[run->next];
        int64_t due_ns = run->begun_ns + run->sent * run->step_ns;
        if (due_ns > now)
            return;
        run->next = (run->next + 1) % run->count;
        if (connection->busy)
            continue;
        connection->busy = true;
        connection->due_ns = due_ns;
        connection->head_len = 0;
        connection->body_left = -1;
        if (write(connection->fd, run->request, run->request_len) != (ssize_t) run->request_len)
            die("write");
        run->sent++;
    }
}

static void end_answer(Run *run, Connection *connection)
{
    run->took_ns[run->answered++] = now_ns() - connection->due_ns;
    connection->busy = false;
}

/* The head is complete: what came behind it is body. */
static void read_head(Connection *connection, const char *end)
{
    if (strncmp(connection->head, "HTTP/1.1 200", 12) != 0) {
        fprintf(stderr, "openloop: %.60s\n", connection->head);
        exit(1);
    }
    const char *field = strcasestr(connection->head, "\r\nContent-Length:");
    if (field == NULL || field > end) {
        fprintf(stderr, "openloop: an answer without Content-Length\n");
        exit(1);
    }
    int64_t behind = (int64_t) connection->head_len - (end + 4 - connection->head);
    connection->body_left = strtoll(field + 17, NULL, 10) - behind;
}

static void receive(Run *run, Connection *connection)
{
    static char body[256 * 1024];
    bool in_head = connection->body_left < 0;
    char *to = in_head ? connection->head + connection->head_len : body;
    size_t room = in_head ? HEAD_MAX - 1 - connection->head_len : sizeof body;
    ssize_t got = read(connection->fd, to, room);
    if (got <= 0)
        die("read");
    if (in_head) {
        connection->head_len += (size_t) got;
        connection->head[connection->head_len] = '\0';
        const char *end = strstr(connection->head, "\r\n\r\n");
        if (end != NULL)
            read_head(connection, end);
    } else {
        connection->body_left -= got;
    }
    if (connection->body_left == 0)
        end_answer(run, connection);
}

static struct timespec time_to_next(const Run *run)
{
    int64_t left_ns = run->begun_ns + run->sent * run->step_ns - now_ns();
    if (run->sent == run->total)
        left_ns = 1000000000;
    if (left_ns < LEAST_SLEEP_NS) /* or it is due and no connection is free */
        left_ns = LEAST_SLEEP_NS;
    return (struct timespec){.tv_sec = left_ns / 1000000000, .tv_nsec = left_ns % 1000000000};
}

static void take_precedence(void)
{
    const struct sched_param first = {.sched_priority = 1};
    if (sched_setscheduler(0, SCHED_FIFO, &first) != 0)
        fprintf(stderr, "openloop: others on this core may delay it: %s\n", strerror(errno));
}

static int by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *) a, y = *(const int64_t *) b;
    return (x > y) - (x < y);
}

static double percentile_ms(const Run *run, double percent)
{
    if (run->total == 0)
        return 0;
    int64_t at = (int64_t) ((double) run->total * percent / 100);
    return (double) run->took_ns[at < run->total ? at : run->total - 1] / 1e6;
}

int main(int argc, char **argv)
{
    Run run = {.count = 32};
    if (argc < 5) {
        fprintf(stderr, "usage: openloop PORT TARGET RATE SECONDS [CONNECTIONS]\n");
        return 2;
    }
    int64_t rate = strtoll(argv[3], NULL, 10);
    run.port = (int) strtol(argv[1], NULL, 10);
    run.total = rate * strtoll(argv[4], NULL, 10);
    if (argc > 5)
        run.count = (size_t) strtoul(argv[5], NULL, 10);
    if (rate < 1 || run.total < 1 || run.count < 1 || run.count > CONNECTIONS_MAX)
        return 2;
    run.step_ns = 1000000000 / rate;
    int len =
        snprintf(run.request, sizeof run.request, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", argv[2]);
    if (len < 0 || (size_t) len >= sizeof run.request)
        return 2;
    run.request_len = (size_t) len;
    run.connections = calloc(run.count, sizeof *run.connections);
    run.took_ns = calloc((size_t) run.total, sizeof *run.took_ns);
    run.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (run.connections == NULL || run.took_ns == NULL || run.epoll < 0)
        die("start");
    for (size_t i = 0; i < run.count; i++)
        open_connection(&run, &run.connections[i]);
    const struct sigaction ends = {.sa_handler = on_signal};
    (void) sigaction(SIGINT, &ends, NULL);
    (void) sigaction(SIGTERM, &ends, NULL);
    take_precedence();
    run.begun_ns = now_ns();
    while (run.answered < run.total) {
        struct epoll_event events[64];
        if (ends_now != 0)
            run.total = run.sent;
        send_due(&run);
        struct timespec left = time_to_next(&run);
        int ready = epoll_pwait2(run.epoll, events, 64, &left, NULL);
        for (int i = 0; i < ready; i++)
            receive(&run, events[i].data.ptr);
    }
    qsort(run.took_ns, (size_t) run.total, sizeof *run.took_ns, by_time);
    printf("%lld %.3f %.3f %.3f %.3f %.3f\n", (long long) run.total, percentile_ms(&run, 50),
           percentile_ms(&run, 90), percentile_ms(&run, 99), percentile_ms(&run, 99.9),
           percentile_ms(&run, 100));
    return 0;
}
