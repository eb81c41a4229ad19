/* main.c - opens the parts in order, waits for a signal, closes them in reverse. */
#include "base/clock.h"
#include "base/http_client.h"
#include "base/log.h"
#include "config.h"
#include "export/blob_s3.h"
#include "export/restore.h"

#include <inttypes.h>
#include <malloc.h>
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

/* ---- exports ----------------------------------------------------------------------------------- */

/* `patient`: an export waits for its address; a start does not wait long. */
static ErrCode open_blobs(const Config *config, const char *url, bool patient, BlobStore *ret_blobs,
                          Err *err)
{
    static const char *const STYLES[] = {
        [S3_STYLE_AUTO] = "auto", [S3_STYLE_PATH] = "path", [S3_STYLE_HOST] = "host"};
    S3Options options = s3_options_default(environment, random_seed());
    for (size_t i = 0; i < countof(STYLES); i++)
        if (strcmp(config->export_s3_style, STYLES[i]) == 0)
            options.style = (S3Style) i;
    if (!patient) {
        options.attempts = 3;
        options.connect_ms = 3000;
    }
    return blob_s3_is_url(url) ? blob_s3_open(url, &options, ret_blobs, err)
                               : blob_dir_open(url, ret_blobs, err);
}

typedef struct Filling {
    BlobStore blobs;
    RestoreOptions options;
    Err err; /* why there was nothing */
} Filling;

static RestoreOptions restore_options(const Config *config)
{
    return (RestoreOptions){.shard = str_of(config->export_shard),
                            .generation = config->generation[0] != '\0' ? str_of(config->generation)
                                                                        : STR_NONE,
                            .check_max_bytes = config->check_max_bytes};
}

/* A StoreFillFn. */
static bool fill_store(const char *path, StoreOrigin *ret_origin, void *ctx)
{
    Filling *filling = ctx;
    int64_t begun_ms = clock_elapsed_ms();
    if (restore_store(&filling->blobs, &filling->options, path, ret_origin, &filling->err) != OK)
        return false;
    log_info("main restored generation=%s from=" LOG_TEXT " took_ms=%" PRId64,
             ret_origin->generation, ret_origin->source, clock_elapsed_ms() - begun_ms);
    return true;
}

static void tell_filling(const Filling *filling)
{
    if (filling->err.code == ERR_NOT_FOUND)
        log_info("main nothing to restore, beginning anew: " LOG_TEXT, filling->err.text);
    else if (filling->err.code != OK)
        log_error("main cannot restore, beginning anew error=" LOG_TEXT, filling->err.text);
}

/* A store that is not there comes from the exports, where they hold one. */
static ErrCode open_store(const Config *config, Store **ret_store, Err *err)
{
    StoreOptions options = config_store_options(config);
    Filling filling = {.options = restore_options(config)};
    char set_aside[STORE_NOTE_SIZE];
    if (config_exports(config)) {
        ErrCode rc = open_blobs(config, config->export_url, false, &filling.blobs, err);
        if (rc != OK)
            return rc;
        options.fill = fill_store;
        options.fill_ctx = &filling;
    }
    ErrCode rc = store_open(&options, ret_store, set_aside, err);
    blob_store_close(&filling.blobs);
    if (rc != OK)
        return err_context(err, "store in %s", config->data_dir);
    if (set_aside[0] != '\0')
        log_error("main damaged store set aside: " LOG_TEXT, set_aside);
    tell_filling(&filling);
    return OK;
}

/* The parts that run, in the order of their opening. */
typedef struct Parts {
    Store *store;
    Server *server;
    Publisher *publisher; /* NULL: nobody is told */
    Poller *poller;       /* the one or */
    Follower *follower;   /* the other fills the store */
    Exporter *exporter;
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

static ErrCode start_export(const Config *config, Parts *parts, Err *err)
{
    const ExportOptions options = config_export_options(config);
    BlobStore blobs;
    if (!config_exports(config))
        return OK;
    ErrCode rc = open_blobs(config, config->export_url, true, &blobs, err);
    if (rc == OK)
        rc = exporter_start(parts->store, blobs, &options, &parts->exporter, err);
    return rc != OK ? err_context(err, "export to %s", config->export_url) : rc;
}

static ErrCode open_parts(const Config *config, Parts *parts, Err *err)
{
    const ServerOptions server = config_server_options(config);
    ErrCode rc = open_store(config, &parts->store, err);
    if (rc != OK)
        return rc;
    rc = server_start(parts->store, &server, &parts->server, err);
    if (rc != OK)
        return err_context(err, "listen on %s", config->listen);
    log_info("main serving listen=%s port=%u generation=%" PRIu64, config->listen,
             server_port(parts->server), store_generation(parts->store));
    rc = open_publisher(config, parts, err);
    if (rc != OK)
        return rc;
    rc = open_source(config, parts, err);
    return rc != OK ? err_context(err, "ingest") : start_export(config, parts, err);
}

/* The export may take three fifths of the time to drain: who is being served has the rest. */
static void close_parts(const Config *config, Parts *parts)
{
    int64_t export_until_ms = clock_elapsed_ms() + config->drain_timeout_s * 600;
    poller_stop(TAKE(parts->poller));
    follower_stop(TAKE(parts->follower));
    publisher_stop(TAKE(parts->publisher));
    exporter_stop(TAKE(parts->exporter), export_until_ms);
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

/* SIGHUP means something where there is a file to read anew; elsewhere it ends the process, as it
 * should when its terminal is closed. */
static void block_signals(bool has_tokens, sigset_t *ret_waited)
{
    (void) sigemptyset(ret_waited);
    (void) sigaddset(ret_waited, SIGTERM);
    (void) sigaddset(ret_waited, SIGINT);
    if (has_tokens)
        (void) sigaddset(ret_waited, SIGHUP);
    (void) pthread_sigmask(SIG_BLOCK, ret_waited, NULL); /* inherited by every thread */
    (void) signal(SIGPIPE, SIG_IGN);
    (void) signal(SIGXFSZ,
                  SIG_IGN); /* a limit on file sizes is a full disk: an error, not the end */
    (void) signal(SIGALRM, on_drain_timeout);
}

/* What is large is the memory of one poll or one answer: mapped by itself, however much was freed before,
 * it goes back when it is over. Else a day's lists would stay with the process for good. */
static void return_memory(void)
{
    (void) mallopt(M_MMAP_THRESHOLD, 4 << 20);
}

/* Until one that ends the process. */
static int wait_for_signal(const sigset_t *waited, const Parts *parts)
{
    int got = 0;
    while (sigwait(waited, &got) == 0 && got == SIGHUP) {
        Err err = {.code = OK};
        if (server_reload(parts->server, &err) == OK)
            log_info("main read the tokens anew");
        else
            log_error("main keeps the tokens it had error=" LOG_TEXT, err.text);
    }
    return got;
}

static int serve(const Config *config)
{
    Parts parts = {.store = NULL};
    Err err = {.code = OK};
    sigset_t waited;
    log_configure(config_log_level(config), config_log_form(config));
    block_signals(config->tokens_file[0] != '\0', &waited);
    return_memory();
    ErrCode rc = clock_open(&err);
    if (rc == OK)
        rc = open_parts(config, &parts, &err);
    if (rc == OK) {
        int got = wait_for_signal(&waited, &parts);
        log_info("main draining signal=%s", got == SIGINT ? "SIGINT" : "SIGTERM");
    } else {
        log_error("main cannot start error=" LOG_TEXT, err.text);
    }
    (void) alarm((unsigned) config->drain_timeout_s);
    close_parts(config, &parts);
    clock_close();
    if (rc == OK)
        log_info("main stopped");
    return rc == OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- export --once ----------------------------------------------------------------------------- */

static int export_once(const Config *config)
{
    const ExportOptions options = config_export_options(config);
    Store *store = NULL;
    BlobStore blobs;
    Err err = {.code = OK};
    log_configure(config_log_level(config), config_log_form(config));
    ErrCode rc =
        config_exports(config)
            ? open_store(config, &store, &err)
            : err_set(&err, ERR_INVALID, "export-url is off: there is nowhere to export to");
    if (rc == OK)
        rc = open_blobs(config, config->export_url, true, &blobs, &err);
    if (rc == OK)
        rc = exporter_once(store, blobs, &options, &err);
    store_close(store);
    if (rc != OK)
        fprintf(stderr, "freshet: export: %s\n", err.text);
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

/* ---- restore ----------------------------------------------------------------------------------- */

static int restore(const Config *config)
{
    const char *url = config->from[0] != '\0' ? config->from : config->export_url;
    Filling filling = {.options = restore_options(config)};
    Err err = {.code = OK};
    log_configure(config_log_level(config), config_log_form(config));
    ErrCode rc = config->from[0] != '\0' || config_exports(config)
                     ? open_blobs(config, url, true, &filling.blobs, &err)
                     : err_set(&err, ERR_INVALID, "--from is missing");
    if (rc == OK)
        rc = store_restore(config->data_dir, fill_store, &filling, &err);
    blob_store_close(&filling.blobs);
    if (rc == OK)
        return EXIT_SUCCESS;
    fprintf(stderr, "freshet: not restored: %s\n",
            filling.err.code != OK ? filling.err.text : err.text);
    return EXIT_FAILURE;
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
    case COMMAND_RESTORE:
        status = restore(&config);
        break;
    case COMMAND_EXPORT:
        status = export_once(&config);
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
