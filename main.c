/* main.c - opens the parts in order, waits for a signal, closes them in reverse. */
#include "base/clock.h"
#include "base/http_client.h"
#include "base/log.h"
#include "config.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum { EXIT_USAGE = 2 };

static const char *environment(const char *name)
{
    return getenv(name);
}

static uint64_t random_seed(void)
{
    uint64_t seed = 1; /* under a simulated clock every run is the same */
    if (!clock_is_simulated() && getrandom(&seed, sizeof seed, 0) != sizeof seed)
        seed = (uint64_t) clock_elapsed_us();
    return seed;
}

/* The parts that run, in the order of their opening. */
typedef struct Parts {
    Store *store;
    Server *server;
    Publisher *publisher; /* NULL: nobody is told */
    Poller *poller;       /* the one or */
    Follower *follower;   /* the other fills the store */
} Parts;

static ErrCode open_source(const Config *config, Parts *parts, Err *err)
{
    if (config_is_replica(config)) {
        const FollowOptions follow = config_follow_options(config);
        return follower_start(parts->store, &follow, &parts->follower, err);
    }
    const PollOptions poll = config_poll_options(config, random_seed());
    return poller_start(parts->store, &poll, &parts->poller, err);
}

static ErrCode open_publisher(const Config *config, Parts *parts, Err *err)
{
    if (!config_publishes(config))
        return OK;
    const PublisherOptions options = config_publisher_options(config);
    ErrCode rc = publisher_start(parts->store, &options, &parts->publisher, err);
    return rc != OK ? err_context(err, "stream") : OK;
}

static ErrCode open_parts(const Config *config, Parts *parts, Err *err)
{
    const StoreOptions store = config_store_options(config);
    const ServerOptions server = config_server_options(config);
    char set_aside[STORE_NOTE_SIZE];
    ErrCode rc = store_open(&store, &parts->store, set_aside, err);
    if (rc != OK)
        return err_context(err, "store in %s", config->data_dir);
    if (set_aside[0] != '\0')
        log_error("main damaged store set aside, filling anew: " LOG_TEXT, set_aside);
    rc = server_start(parts->store, &server, &parts->server, err);
    if (rc != OK)
        return err_context(err, "listen on %s", config->listen);
    log_info("main serving listen=%s port=%u generation=%" PRIu64, config->listen,
             server_port(parts->server), store_generation(parts->store));
    rc = open_publisher(config, parts, err);
    if (rc != OK)
        return rc;
    rc = open_source(config, parts, err);
    return rc != OK ? err_context(err, "ingest") : OK;
}

static void close_parts(Parts *parts)
{
    poller_stop(TAKE(parts->poller));
    follower_stop(TAKE(parts->follower));
    publisher_stop(TAKE(parts->publisher));
    server_stop(TAKE(parts->server));
    store_close(TAKE(parts->store));
}

/* A part that does not end in time must not keep the container: what is committed is safe. */
static void on_drain_timeout(UNUSED int signal_number)
{
    static const char TEXT[] = "level=error component=main event=\"drain timeout, ending now\"\n";
    (void) !write(STDERR_FILENO, TEXT, sizeof TEXT - 1);
    _exit(1);
}

static void block_signals(sigset_t *ret_waited)
{
    (void) sigemptyset(ret_waited);
    (void) sigaddset(ret_waited, SIGTERM);
    (void) sigaddset(ret_waited, SIGINT);
    (void) pthread_sigmask(SIG_BLOCK, ret_waited, NULL); /* inherited by every thread */
    (void) signal(SIGPIPE, SIG_IGN);
    (void) signal(SIGALRM, on_drain_timeout);
}

static int serve(const Config *config)
{
    Parts parts = {.store = NULL};
    Err err = {.code = OK};
    sigset_t waited;
    int got = 0;
    log_configure(config_log_level(config), config_log_form(config));
    block_signals(&waited);
    ErrCode rc = clock_open(&err);
    if (rc == OK)
        rc = open_parts(config, &parts, &err);
    if (rc == OK) {
        (void) sigwait(&waited, &got);
        log_info("main draining signal=%s", got == SIGINT ? "SIGINT" : "SIGTERM");
    } else {
        log_error("main cannot start error=" LOG_TEXT, err.text);
    }
    (void) alarm((unsigned) config->drain_timeout_s);
    close_parts(&parts);
    clock_close();
    if (rc == OK)
        log_info("main stopped");
    return rc == OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- healthcheck ------------------------------------------------------------------------------- */

/* 0.0.0.0:8080 is asked at 127.0.0.1:8080. */
static void put_live_address(const char *listen, Buf *out)
{
    Str text = str_of(listen), port = str_after_last(text, ':');
    Str host = {text.ptr, text.len > port.len ? text.len - port.len - 1 : 0};
    if (host.len == 0 || str_eq(host, STR("0.0.0.0")))
        host = STR("127.0.0.1");
    else if (str_eq(host, STR("[::]")))
        host = STR("[::1]");
    buf_printf(out, "http://" STR_FMT ":" STR_FMT "/live", STR_ARG(host), STR_ARG(port));
    buf_put_char(out, '\0');
}

static int healthcheck(const Config *config)
{
    const HttpClientOptions options = {
        .user_agent = "freshet-healthcheck/" FRESHET_VERSION,
        .deadline_ms = 3000,
        .connect_ms = 1000,
        .stall_ms = 3000,
        .max_body_bytes = 64 * 1024,
    };
    CLEANUP(buf_release) Buf url = buf_init(1024);
    HttpClient *client = NULL;
    HttpResult result;
    Err err = {.code = OK};
    put_live_address(config->listen, &url);
    ErrCode rc = http_client_open(&options, &client, &err);
    if (rc == OK)
        rc = http_get(client, url.ptr, NULL, NULL, &result, &err);
    if (rc == OK && result.status != 200)
        rc = err_set(&err, ERR_UPSTREAM, "%s answered %ld", url.ptr, result.status);
    if (rc == OK)
        http_result_release(&result);
    http_client_close(client);
    if (rc == OK)
        printf("healthy\n");
    else
        fprintf(stderr, "unhealthy: %s\n", err.text);
    return rc == OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    CLEANUP(buf_release) Buf text = buf_init(1024 * 1024);
    Config config;
    ErrCode rc = config_read(argc, (const char *const *) argv, environment, &config, &text);
    if (rc == OK)
        rc = config_read_kafka(&config, (const char *const *) environ, &text);
    int status = EXIT_SUCCESS;
    if (config.command == COMMAND_HELP || config.command == COMMAND_VERSION)
        buf_clear(&text);
    else if (rc != OK) {
        fprintf(stderr, "freshet: the settings cannot be used:\n" STR_FMT,
                STR_ARG(buf_view(&text)));
        config_release(&config);
        return EXIT_USAGE;
    }
    switch (config.command) {
    case COMMAND_HELP:
        config_help(&text);
        break;
    case COMMAND_VERSION:
        buf_printf(&text, "freshet %s\n", FRESHET_VERSION);
        break;
    case COMMAND_PRINT_CONFIG:
        config_print(&config, &text);
        break;
    case COMMAND_CHECK:
        buf_printf(&text, "the settings are good\n");
        break;
    case COMMAND_HEALTHCHECK:
        status = healthcheck(&config);
        break;
    case COMMAND_SERVE:
        status = serve(&config);
        break;
    }
    if (fwrite(text.ptr != NULL ? text.ptr : "", 1, text.len, stdout) != text.len ||
        fflush(stdout) != 0)
        status = EXIT_FAILURE;
    config_release(&config);
    return status;
}
