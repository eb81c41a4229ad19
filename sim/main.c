/* sim/main.c - freshet-sim: an upstream of the real shape, for demos, tests and benchmarks. */
#include "base/clock.h"
#include "base/log.h"
#include "sim/clock_server.h"
#include "sim/http.h"
#include "sim/simtime.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Options {
    const char *listen, *replay, *arrivals, *exchanges, *start, *faults, *fail, *too_many;
    int64_t stations, seed, speed, behind, latency;
    bool clock, no_304, help, version;
    const char *fault_specs[16];
    size_t fault_count;
    Habits habits;
} Options;

typedef enum OptionKind { OPTION_TEXT, OPTION_NUMBER, OPTION_FLAG, OPTION_FAULT } OptionKind;

static const struct {
    const char *name, *argument, *help;
    OptionKind kind;
    size_t offset; /* of its field in Options */
    int64_t min, max;
} OPTIONS[] = {
    {"listen", "HOST:PORT", "where to answer; port 0: the system's choice (127.0.0.1:0)",
     OPTION_TEXT, offsetof(Options, listen), 0, 0},
    {"replay", "FOLDER", "answer from recorded answers, their times shifted to now", OPTION_TEXT,
     offsetof(Options, replay), 0, 0},
    {"replay-arrivals", "FILE", "answer from a table of readings and when they arrived",
     OPTION_TEXT, offsetof(Options, arrivals), 0, 0},
    {"replay-exchanges", "FOLDER", "give numbered answers again, when they are due", OPTION_TEXT,
     offsetof(Options, exchanges), 0, 0},
    {"stations", "N", "make a network of so many stations (5400)", OPTION_NUMBER,
     offsetof(Options, stations), 0, 1000000},
    {"seed", "S", "of the made network (1)", OPTION_NUMBER, offsetof(Options, seed), 0, INT64_MAX},
    {"start", "TIME", "what time it is at the start: RFC 3339, or -24h, -90m (now)", OPTION_TEXT,
     offsetof(Options, start), 0, 0},
    {"speed", "X", "time runs X times as fast until it is now (1)", OPTION_NUMBER,
     offsetof(Options, speed), 1, 100000},
    {"behind", "SECONDS", "with --clock: the network begins so far behind it, and catches up (0)",
     OPTION_NUMBER, offsetof(Options, behind), 0, 86400 * 28},
    {"clock", NULL, "time stands still and jumps; lends the clock (start 2026-01-20T12:00:00Z)",
     OPTION_FLAG, offsetof(Options, clock), 0, 0},
    {"fault", "SPEC", "something goes wrong, as kind=status&status=500&path=/data/readings&count=2",
     OPTION_FAULT, 0, 0, 0},
    {"faults", "FILE", "a script of faults: lines of TIME SPEC, TIME as +PT2H or RFC 3339",
     OPTION_TEXT, offsetof(Options, faults), 0, 0},
    {"fail", "PERCENT", "of requests answer 503; --fault knows other ways", OPTION_TEXT,
     offsetof(Options, fail), 0, 0},
    {"too-many", "PERCENT", "of requests answer 429 with Retry-After: 30", OPTION_TEXT,
     offsetof(Options, too_many), 0, 0},
    {"latency", "MS", "before each answer, in real time (0)", OPTION_NUMBER,
     offsetof(Options, latency), 0, 3600000},
    {"no-304", NULL, "If-Modified-Since is ignored", OPTION_FLAG, offsetof(Options, no_304), 0, 0},
    {"help", NULL, "this", OPTION_FLAG, offsetof(Options, help), 0, 0},
    {"version", NULL, "which version this is", OPTION_FLAG, offsetof(Options, version), 0, 0},
};

static void print_help(void)
{
    printf("freshet-sim - stands in for the Environment Agency's flood-monitoring API\n\n");
    for (size_t i = 0; i < countof(OPTIONS); i++) {
        char left[48];
        (void) snprintf(left, sizeof left, "--%s %s", OPTIONS[i].name,
                        OPTIONS[i].argument != NULL ? OPTIONS[i].argument : "");
        printf("  %-24s %s\n", left, OPTIONS[i].help);
    }
    printf("\nBad habits, each as --NAME PERCENT; --batching PERCENT sets the first three (15):\n");
    for (size_t i = 0; i < RATE_COUNT; i++)
        printf("  --%-22s %s\n", RATES[i].name, RATES[i].help);
    printf("\nWhile it runs, /sim/fault, /sim/rates, /sim/item, /sim/value and /sim/stats change "
           "and tell what "
           "it does;\n"
           "sim/control.h, sim/fault.h and sim/habits.h say how.\n");
}

/* ---- options --------------------------------------------------------------------------------- */

static ErrCode set_option(Options *options, size_t which, const char *value, Err *err)
{
    void *field = (char *) options + OPTIONS[which].offset;
    int64_t number;
    switch (OPTIONS[which].kind) {
    case OPTION_TEXT:
        *(const char **) field = value;
        return OK;
    case OPTION_FLAG:
        *(bool *) field = true;
        return OK;
    case OPTION_NUMBER:
        if (!str_to_int(str_of(value), &number) || number < OPTIONS[which].min ||
            number > OPTIONS[which].max)
            return err_set(err, ERR_INVALID, "--%s is '%s', expected %" PRId64 " to %" PRId64,
                           OPTIONS[which].name, value, OPTIONS[which].min, OPTIONS[which].max);
        *(int64_t *) field = number;
        return OK;
    case OPTION_FAULT:
        if (options->fault_count == countof(options->fault_specs))
            return err_set(err, ERR_INVALID, "more than %zu times --fault: use --faults",
                           countof(options->fault_specs));
        options->fault_specs[options->fault_count++] = value;
        return OK;
    }
    return OK;
}

static bool is_rate(Str name)
{
    for (size_t i = 0; i < RATE_COUNT; i++)
        if (str_eq(name, str_of(RATES[i].name)))
            return true;
    return str_eq(name, STR("batching"));
}

/* One option and its value, as --name value or --name=value. `at` moves past both. */
static ErrCode take_option(Options *options, int argc, char **argv, int *at, Err *err)
{
    Str text = str_of(argv[*at]), name = text, value = STR_NONE;
    bool has_value = str_cut(text, '=', &name, &value);
    Str bare = str_starts(name, STR("--")) ? (Str){name.ptr + 2, name.len - 2} : STR_NONE;
    if (is_rate(bare)) {
        if (!has_value)
            value = str_of(argv[++*at]); /* none at the end: no percentage */
        ErrCode rc = habits_set(&options->habits, bare, value, err);
        return rc == OK ? OK : err_context(err, "--" STR_FMT, STR_ARG(bare));
    }
    for (size_t i = 0; i < countof(OPTIONS); i++) {
        if (!str_eq(bare, str_of(OPTIONS[i].name)))
            continue;
        bool wants_value = OPTIONS[i].argument != NULL;
        if (has_value && !wants_value)
            return err_set(err, ERR_INVALID, "--%s takes no value", OPTIONS[i].name);
        if (wants_value && !has_value && *at + 1 == argc)
            return err_set(err, ERR_INVALID, "--%s needs its %s", OPTIONS[i].name,
                           OPTIONS[i].argument);
        const char *given = has_value ? value.ptr : wants_value ? argv[++*at] : NULL;
        return set_option(options, i, given, err);
    }
    return err_set(err, ERR_INVALID, "'" STR_FMT "' is no option; --help lists them",
                   STR_ARG(name));
}

static ErrCode take_options(Options *options, int argc, char **argv, Err *err)
{
    ErrCode rc = OK;
    for (int at = 1; rc == OK && at < argc; at++)
        rc = take_option(options, argc, argv, &at, err);
    return rc;
}

/* RFC 3339, or so many hours, minutes or days ago. */
static ErrCode parse_start(const char *text, UnixSec *ret_start, Err *err)
{
    static const struct {
        char letter;
        int64_t seconds;
    } UNITS[] = {{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};
    Str s = str_of(text);
    int64_t number;
    if (clock_parse(s, ret_start))
        return OK;
    for (size_t i = 0; s.len > 2 && s.ptr[0] == '-' && i < countof(UNITS); i++) {
        if (s.ptr[s.len - 1] == UNITS[i].letter &&
            str_to_int((Str){s.ptr + 1, s.len - 2}, &number) && number < 1000000) {
            *ret_start = clock_now() - number * UNITS[i].seconds;
            return OK;
        }
    }
    return err_set(err, ERR_INVALID, "--start is '%s', expected a time or -24h", text);
}

static ErrCode split_listen(const char *text, char host[static 64], uint16_t *ret_port, Err *err)
{
    Str name, port_text;
    int64_t port;
    if (!str_cut(str_of(text), ':', &name, &port_text) || name.len >= 64 ||
        !str_to_int(port_text, &port) || port < 0 || port > UINT16_MAX)
        return err_set(err, ERR_INVALID, "--listen is '%s', expected an IPv4 address and a port",
                       text);
    (void) snprintf(host, 64, STR_FMT, STR_ARG(name));
    *ret_port = (uint16_t) port;
    return OK;
}

/* ---- running --------------------------------------------------------------------------------- */

/* `otherwise`: when it starts where no time is given; NO_TIME: now. */
static ErrCode set_time(const Options *options, UnixSec otherwise, Err *err)
{
    UnixSec start;
    const char *text = options->start;
    if (text == NULL && options->clock && otherwise == NO_TIME)
        text = "2026-01-20T12:00:00Z"; /* the same run every time */
    int64_t start_ms = otherwise != NO_TIME ? otherwise * 1000 : clock_now_ms();
    if (text != NULL) {
        ErrCode rc = parse_start(text, &start, err);
        if (rc != OK)
            return rc;
        start_ms = start * 1000;
    }
    if (options->clock)
        simtime_stand(start_ms, options->behind * 1000, (double) options->speed);
    else
        simtime_follow(start_ms, (double) options->speed);
    return OK;
}

static ErrCode read_script(const char *path, Faults *faults, Err *err)
{
    CLEANUP(buf_release) Buf script = buf_init(1 << 20);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return err_set(err, ERR_NOT_FOUND, "cannot read %s", path);
    char line[1024];
    while (fgets(line, sizeof line, file) != NULL)
        buf_put_str(&script, str_of(line));
    (void) fclose(file);
    ErrCode rc = buf_check(&script, err);
    if (rc == OK)
        rc = faults_add_script(faults, buf_view(&script), simtime_now(), err);
    return rc == OK ? OK : err_context(err, "%s", path);
}

static ErrCode add_rate(Faults *faults, const char *spec, const char *percent, Err *err)
{
    char whole[128];
    Fault fault;
    if (percent == NULL)
        return OK;
    (void) snprintf(whole, sizeof whole, "%s&percent=%s", spec, percent);
    ErrCode rc = fault_parse(str_of(whole), simtime_now(), &fault, err);
    return rc == OK ? faults_add(faults, &fault, err) : rc;
}

static ErrCode add_faults(const Options *options, Faults *faults, Err *err)
{
    if (add_rate(faults, "kind=status&status=503", options->fail, err) != OK)
        return err_context(err, "--fail");
    if (add_rate(faults, "kind=status&status=429&retry_after=30", options->too_many, err) != OK)
        return err_context(err, "--too-many");
    for (size_t i = 0; i < options->fault_count; i++) {
        Fault fault;
        if (fault_parse(str_of(options->fault_specs[i]), simtime_now(), &fault, err) != OK ||
            faults_add(faults, &fault, err) != OK)
            return err_context(err, "--fault");
    }
    return options->faults != NULL ? read_script(options->faults, faults, err) : OK;
}

static ErrCode open_world(const Options *options, World **ret_world, Err *err)
{
    if (options->replay != NULL)
        return world_replay(options->replay, simtime_now(), ret_world, err);
    if (options->arrivals != NULL)
        return world_replay_arrivals(options->arrivals, ret_world, err);
    if (options->exchanges != NULL)
        return world_make(0, 0, 0, ret_world, err);
    return world_make((size_t) options->stations, (uint64_t) options->seed,
                      options->habits.ppm[RATE_OFF_GRID], ret_world, err);
}

static void wait_for_signal(const sigset_t *signals)
{
    int signal_number;
    while (sigwait(signals, &signal_number) != 0)
        continue;
}

static ErrCode serve(const Options *options, Upstream *upstream, const sigset_t *signals, Err *err)
{
    char host[64];
    uint16_t port = 0;
    HttpServer *server = NULL;
    ClockServer *clock_server = NULL;
    ErrCode rc = split_listen(options->listen, host, &port, err);
    if (rc == OK)
        rc = add_faults(options, &upstream->faults, err);
    if (rc == OK && options->clock)
        rc = clock_server_start(host, &clock_server, err);
    if (rc == OK)
        rc = http_server_start(upstream, host, port, &server, err);
    if (rc == OK) {
        printf("freshet-sim listening on http://%s:%u/flood-monitoring\n", host,
               http_server_port(server));
        if (clock_server != NULL)
            printf("clock on %s:%u\n", host, clock_server_port(clock_server));
        (void) fflush(stdout);
        wait_for_signal(signals);
    }
    http_server_stop(server);
    clock_server_stop(clock_server);
    return rc;
}

static ErrCode serve_world(const Options *options, const Exchanges *exchanges,
                           const sigset_t *signals, Err *err)
{
    World *world = NULL;
    ErrCode rc = open_world(options, &world, err);
    if (rc != OK)
        return rc;
    Upstream *upstream = malloc(sizeof *upstream);
    if (upstream == NULL) {
        rc = err_set(err, ERR_NO_MEMORY, "no memory to start");
    } else {
        Habits habits = options->habits;
        habits.seed = (uint64_t) options->seed;
        habits.start = simtime_now();
        upstream_init(upstream, world, &habits, !options->no_304);
        upstream->latency_ms = options->latency;
        upstream->exchanges = exchanges;
        rc = serve(options, upstream, signals, err);
        upstream_release(upstream);
        free(upstream);
    }
    world_close(world);
    return rc;
}

static ErrCode run(const Options *options, const sigset_t *signals, Err *err)
{
    Exchanges *exchanges = NULL;
    ErrCode rc = OK;
    if (options->exchanges != NULL)
        rc = exchanges_open(options->exchanges, &exchanges, err);
    if (rc == OK)
        rc = set_time(options, exchanges != NULL ? exchanges_start(exchanges) : NO_TIME, err);
    if (rc == OK)
        rc = serve_world(options, exchanges, signals, err);
    exchanges_close(exchanges);
    return rc;
}

int main(int argc, char **argv)
{
    Options options = {.listen = "127.0.0.1:0",
                       .stations = 5400,
                       .seed = 1,
                       .speed = 1,
                       .habits = habits_init(1, NO_TIME)};
    Err err = {.code = OK};
    ErrCode rc = take_options(&options, argc, argv, &err);
    if (rc == OK && options.help) {
        print_help();
        return 0;
    }
    if (rc == OK && options.version) {
        printf("freshet-sim %s\n", FRESHET_VERSION);
        return 0;
    }
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    (void) pthread_sigmask(SIG_BLOCK, &signals, NULL); /* before the first thread */
    (void) signal(SIGPIPE, SIG_IGN);
    if (rc == OK)
        rc = run(&options, &signals, &err);
    if (rc != OK) {
        fprintf(stderr, "freshet-sim: %s\n", err.text);
        return rc == ERR_INVALID ? 2 : 1;
    }
    return 0;
}
