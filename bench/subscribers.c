/* subscribers.c - many who follow /v1/stream: how soon the last is told, and what each costs.
 *
 *     subscribers [SUBSCRIBERS] [READINGS] [GENERATIONS]
 *
 * Two processes on loopback: the server, with a store of its own in a temporary directory, and the
 * client, one epoll thread, with all subscribers. Commits are made when the client asks for them;
 * both read the same monotonic clock. Prints a line a figure. */
#include "model/window.h"
#include "server/server.h"
#include "store/writer.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { READINGS_MAX = 500, IDLE_S = 10, START = 1700000000 };

static void die(const char *what)
{
    fprintf(stderr, "subscribers: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void check(ErrCode rc, const Err *err)
{
    if (rc != OK) {
        fprintf(stderr, "subscribers: %s\n", err->text);
        exit(1);
    }
}

static int64_t now_ns(void)
{
    struct timespec now;
    (void) clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t) now.tv_sec * 1000000000 + now.tv_nsec;
}

static void allow_descriptors(size_t count)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        die("getrlimit");
    limit.rlim_cur = count + 500;
    if (limit.rlim_max < limit.rlim_cur || setrlimit(RLIMIT_NOFILE, &limit) != 0)
        die("more descriptors than this process may have");
}

/* ---- the server's process ---------------------------------------------------------------------- */

typedef enum Command { COMMIT = 'c', TELL = 't', QUIT = 'q' } Command;

typedef struct Told {
    unsigned port;
    int64_t begun_ns, done_ns; /* of the last commit */
    int64_t resident_kb, cpu_us;
} Told;

static int64_t resident_kb(void)
{
    char line[200];
    int64_t kb = 0;
    FILE *file = fopen("/proc/self/status", "r");
    if (file == NULL)
        die("/proc/self/status");
    while (fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, "VmRSS:", 6) == 0)
            kb = strtoll(line + 6, NULL, 10);
    (void) fclose(file);
    return kb;
}

static int64_t cpu_us(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        die("getrusage");
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * INT64_C(1000000) +
           usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

typedef struct Served {
    Store *store;
    Writer *writer;
    Server *server;
    char ids[READINGS_MAX][32];
    size_t readings;
    UnixSec now;
} Served;

static void apply(Served *served, Batch *batch)
{
    Applied applied;
    Err err = {.code = OK};
    check(writer_apply(served->writer, batch, FAULT_NONE, served->now, &applied, &err), &err);
    batch_release(batch);
    check(writer_checkpoint(served->writer, &err), &err);
}

static void commit(Served *served)
{
    Batch batch = batch_init();
    served->now += 900;
    for (size_t i = 0; i < served->readings; i++) {
        const BatchReading reading = {.reading = {.measure_id = str_of(served->ids[i]),
                                                  .time = served->now,
                                                  .value = (double) i / 8}};
        if (!batch_add_reading(&batch, &reading))
            die("no memory");
    }
    apply(served, &batch);
}

static void add_measures(Served *served)
{
    Batch batch = batch_init();
    for (size_t i = 0; i < served->readings; i++) {
        (void) snprintf(served->ids[i], sizeof served->ids[i], "%zu-level", i);
        const Measure measure = {.id = str_of(served->ids[i]),
                                 .station_id = str_of(served->ids[i]),
                                 .parameter = STR("level"),
                                 .qualifier = STR("Stage"),
                                 .unit = STR("mASD"),
                                 .period_s = 900,
                                 .listed = true,
                                 .newest = NO_TIME,
                                 .raw = STR("{}")};
        if (!batch_add_measure(&batch, &measure))
            die("no memory");
    }
    apply(served, &batch);
    commit(served); /* the first readings change the freshness as well */
}

static void open_served(Served *served, const char *dir, size_t subscribers)
{
    Err err = {.code = OK};
    char note[STORE_NOTE_SIZE];
    const StoreOptions store = {.data_dir = dir,
                                .window_s = WINDOW_MAX_S,
                                .reader_count = 6,
                                .snapshot_wait_ms = 1000,
                                .wal_max_bytes = 64 << 20};
    const ServerOptions server = {.listen = "127.0.0.1:0",
                                  .thread_count = 2,
                                  .max_connections = (unsigned) subscribers + 100,
                                  .idle_timeout_s = 60,
                                  .max_target_bytes = 8192,
                                  .max_parameters = 200,
                                  .max_response_bytes = 64 << 20,
                                  .max_json_items = 100000,
                                  .spool_dir = dir,
                                  .spool_bytes = 64 << 20,
                                  .cache_bytes = 8 << 20,
                                  .build = "bench",
                                  .upstream = "",
                                  .poll_interval_s = 900,
                                  .window_s = WINDOW_MAX_S,
                                  .heartbeat_ms = 15000,
                                  .slow_subscriber_ms = 20000};
    check(store_open(&store, &served->store, note, &err), &err);
    check(store_writer(served->store, &served->writer, &err), &err);
    add_measures(served);
    check(server_start(served->store, &server, &served->server, &err), &err);
}

static void serve(int commands, int answers, const char *dir, size_t subscribers, size_t readings)
{
    Served served = {.readings = readings, .now = START};
    char command = TELL;
    open_served(&served, dir, subscribers);
    while (command != QUIT) {
        Told told = {.port = server_port(served.server)};
        told.begun_ns = now_ns();
        if (command == COMMIT)
            commit(&served);
        told.done_ns = now_ns();
        told.resident_kb = resident_kb();
        told.cpu_us = cpu_us();
        if (write(answers, &told, sizeof told) != sizeof told || read(commands, &command, 1) != 1)
            break;
    }
    server_stop(served.server);
    writer_close(served.writer);
    store_close(served.store);
}

/* ---- the client's process ---------------------------------------------------------------------- */

static const char EVENT_END[] = "]}\n\n"; /* of a list's event, and of nothing else */

typedef struct Follower {
    int fd;
    size_t matched; /* bytes of EVENT_END */
    size_t events;
} Follower;

typedef struct Client {
    int commands, answers, epoll;
    Follower *followers;
    size_t count, behind; /* those that have not got the generation */
    size_t events;        /* each is to have */
    int64_t first_ns, last_ns;
} Client;

static Told ask(const Client *client, Command command)
{
    Told told;
    char byte = (char) command;
    if (write(client->commands, &byte, 1) != 1)
        die("command");
    if (read(client->answers, &told, sizeof told) != sizeof told)
        die("the server's process ended");
    return told;
}

static void open_follower(Client *client, Follower *follower, unsigned port)
{
    static const char REQUEST[] = "GET /v1/stream HTTP/1.1\r\nHost: bench\r\n\r\n";
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t) port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    follower->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (follower->fd < 0 || connect(follower->fd, (struct sockaddr *) &to, sizeof to) != 0 ||
        send(follower->fd, REQUEST, sizeof REQUEST - 1, 0) != sizeof REQUEST - 1 ||
        fcntl(follower->fd, F_SETFL, O_NONBLOCK) != 0)
        die("connect");
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = follower};
    if (epoll_ctl(client->epoll, EPOLL_CTL_ADD, follower->fd, &event) != 0)
        die("epoll_ctl");
}

static void read_follower(Client *client, Follower *follower)
{
    static char bytes[1 << 16];
    ssize_t got = recv(follower->fd, bytes, sizeof bytes, 0);
    if (got == 0 || (got < 0 && errno != EAGAIN))
        die("a stream ended");
    for (ssize_t i = 0; i < got; i++) {
        bool goes_on = bytes[i] == EVENT_END[follower->matched];
        follower->matched = goes_on ? follower->matched + 1 : bytes[i] == EVENT_END[0];
        if (follower->matched < sizeof EVENT_END - 1)
            continue;
        follower->matched = 0;
        if (++follower->events != client->events)
            continue;
        client->last_ns = now_ns();
        if (client->behind-- == client->count)
            client->first_ns = client->last_ns;
    }
}

/* Until nobody is behind, or, with nobody behind already, for so long. */
static void run(Client *client, int64_t for_ms)
{
    enum { EVENTS = 512 };
    struct epoll_event events[EVENTS];
    int64_t until_ns = now_ns() + for_ms * 1000000;
    bool waits = client->behind > 0;
    while (now_ns() < until_ns && !(waits && client->behind == 0)) {
        int count = epoll_wait(client->epoll, events, EVENTS, 50);
        for (int i = 0; i < count; i++)
            read_follower(client, events[i].data.ptr);
    }
    if (client->behind > 0)
        die("a generation did not reach all in time");
}

static int by_time(const void *a, const void *b)
{
    const double *one = a, *two = b;
    return (*one > *two) - (*one < *two);
}

static void measure_generations(Client *client, size_t generations)
{
    double *ms = calloc(generations, sizeof *ms);
    double first_ms = 0, commit_ms = 0;
    if (ms == NULL)
        die("no memory");
    for (size_t i = 0; i < generations; i++) {
        client->events++;
        client->behind = client->count;
        Told told = ask(client, COMMIT);
        run(client, 60000);
        ms[i] = (double) (client->last_ns - told.begun_ns) / 1e6;
        first_ms += (double) (client->first_ns - told.begun_ns) / 1e6;
        commit_ms += (double) (told.done_ns - told.begun_ns) / 1e6;
        run(client, 300);
    }
    qsort(ms, generations, sizeof *ms, by_time);
    printf("generations %zu\n", generations);
    printf("commit_ms_mean %.1f\n", commit_ms / (double) generations);
    printf("commit_to_first_ms_mean %.1f\n", first_ms / (double) generations);
    printf("commit_to_last_ms_median %.1f\n", ms[generations / 2]);
    printf("commit_to_last_ms_worst %.1f\n", ms[generations - 1]);
    free(ms);
}

static void follow(Client *client, size_t generations)
{
    client->epoll = epoll_create1(EPOLL_CLOEXEC);
    client->followers = calloc(client->count, sizeof *client->followers);
    if (client->epoll < 0 || client->followers == NULL)
        die("epoll");
    Told before;
    if (read(client->answers, &before, sizeof before) != sizeof before)
        die("the server did not start");
    int64_t begun_ns = now_ns();
    for (size_t i = 0; i < client->count; i++)
        open_follower(client, &client->followers[i], before.port);
    run(client, 1000); /* and all are held */
    Told idle = ask(client, TELL);
    printf("subscribers %zu opened_s %.1f\n", client->count, (double) (now_ns() - begun_ns) / 1e9);
    printf("resident_mb_before %.1f after %.1f\n", (double) before.resident_kb / 1024,
           (double) idle.resident_kb / 1024);
    run(client, IDLE_S * 1000);
    Told later = ask(client, TELL);
    printf("idle_cpu_s_in_%d_s %.2f\n", IDLE_S, (double) (later.cpu_us - idle.cpu_us) / 1e6);
    measure_generations(client, generations);
    Told after = ask(client, TELL);
    printf("kb_per_subscriber_at_first %.1f after_generations %.1f\n",
           (double) (idle.resident_kb - before.resident_kb) / (double) client->count,
           (double) (after.resident_kb - before.resident_kb) / (double) client->count);
    char quit = QUIT;
    (void) !write(client->commands, &quit, 1);
}

/* With the files that are in it. */
static void remove_store(const char *path)
{
    DIR *dir = opendir(path);
    if (dir == NULL)
        return;
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
        (void) unlinkat(dirfd(dir), entry->d_name, 0);
    (void) closedir(dir);
    (void) rmdir(path);
}

static size_t argument(int argc, char **argv, int at, size_t preset)
{
    return argc > at ? strtoul(argv[at], NULL, 10) : preset;
}

int main(int argc, char **argv)
{
    size_t subscribers = argument(argc, argv, 1, 10000), readings = argument(argc, argv, 2, 10);
    size_t generations = argument(argc, argv, 3, 10);
    char dir[] = "/tmp/freshet-subscribers-XXXXXX";
    int commands[2], answers[2];
    if (readings < 1 || readings > READINGS_MAX || mkdtemp(dir) == NULL || pipe(commands) != 0 ||
        pipe(answers) != 0)
        die("subscribers [SUBSCRIBERS] [READINGS, at most 500] [GENERATIONS]");
    allow_descriptors(subscribers);
    (void) signal(SIGPIPE, SIG_IGN);
    pid_t server = fork();
    if (server < 0)
        die("fork");
    if (server == 0) {
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve(commands[0], answers[1], dir, subscribers, readings);
        _exit(0);
    }
    (void) close(answers[1]); /* the server's alone: when it ends, so does what it says */
    Client client = {.commands = commands[1], .answers = answers[0], .count = subscribers};
    follow(&client, generations);
    for (size_t i = 0; i < client.count; i++)
        (void) close(client.followers[i].fd);
    int status = 0;
    (void) waitpid(server, &status, 0);
    remove_store(dir);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 1;
}
