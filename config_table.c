#include "config_inside.h"
#include "model/window.h"

#include <string.h>

#define KB         INT64_C(1024)
#define MB         (1024 * KB)
#define DAY_S      INT64_C(86400)
#define AT(member) offsetof(Config, member)

const Setting SETTINGS[] = {
    {"config", AT(config_file), TEXT, "", 0, 0, NULL,
     "file of `key = value` lines, `#` begins a comment"},
    {"listen", AT(listen), TEXT, "127.0.0.1:8080", 0, 0, NULL,
     "address and port to serve on; port 0: any"},
    {"data-dir", AT(data_dir), TEXT, "./data", 0, 0, NULL, "where the store is kept"},
    {"upstream", AT(upstream), TEXT, "https://environment.data.gov.uk/flood-monitoring", 0, 0, NULL,
     "base address of the flood-monitoring API"},
    {"shard", AT(shard), TEXT, "1/1", 0, 0, NULL,
     "K/N: of N services that share the network's stations this is the K-th"},
    {"poll-interval", AT(poll_interval_s), SECONDS, "15m", 1, DAY_S, NULL,
     "how often the upstream is asked; multiples of 15m keep to its releases"},
    {"poll-jitter", AT(jitter_s), SECONDS, "10s", 0, 600, NULL,
     "at most so much is added to a poll's time"},
    {"catalogue-interval", AT(catalogue_interval_s), SECONDS, "24h", 1, 30 * DAY_S, NULL,
     "how often the lists of stations and measures are asked for"},
    {"sweep-interval", AT(sweep_interval_s), SECONDS, "1h", 1, DAY_S, NULL,
     "how often the whole window is asked for, to find what came late"},
    {"details-per-poll", AT(details_per_poll), COUNT, "60", 0, 1000, NULL,
     "stations asked for by themselves in one poll, for what lists leave out, at most"},
    {"upstream-budget", AT(budget_requests), COUNT, "300", 3, 1000000, NULL,
     "requests to the upstream in one poll interval, at most"},
    {"upstream-budget-bytes", AT(budget_bytes), BYTES, "64MB", MB, 65536 * MB, NULL,
     "bytes from the upstream in one poll interval, at most"},
    {"upstream-timeout", AT(upstream_timeout_s), SECONDS, "120s", 1, 3600, NULL,
     "for one request, all of it"},
    {"connect-timeout", AT(connect_timeout_s), SECONDS, "10s", 1, 600, NULL,
     "for a connection to the upstream"},
    {"stall-timeout", AT(stall_timeout_s), SECONDS, "30s", 1, 3600, NULL,
     "without a byte from the upstream"},
    {"retry-min", AT(retry_min_s), SECONDS, "5s", 1, 3600, NULL,
     "after the first failed poll; doubles"},
    {"retry-max", AT(retry_max_s), SECONDS, "5m", 1, DAY_S, NULL, "after many failed polls"},
    {"max-body-bytes", AT(max_body_bytes), BYTES, "256MB", 64 * KB, 4096 * MB, NULL,
     "of one upstream answer, decoded"},
    {"max-batch-readings", AT(max_batch_readings), COUNT, "2000000", 1, 100000000, NULL,
     "readings taken from one upstream answer"},
    {"record", AT(record), TEXT, "", 0, 0, NULL,
     "a folder for every exchange with the upstream, which freshet-sim plays back; empty: none"},
    {"record-bytes", AT(record_bytes), BYTES, "1GB", MB, 1024 * 1024 * MB, NULL,
     "of disk for that, gzipped; then it ends"},
    {"window", AT(window_s), SECONDS, "24h", 900, WINDOW_MAX_S, NULL,
     "kept of each station, back from its newest reading"},
    {"snapshot-wait", AT(snapshot_wait_ms), MILLISECONDS, "1s", 1, 60000, NULL,
     "for a read connection to come free, then 503"},
    {"wal-max-bytes", AT(wal_max_bytes), BYTES, "64MB", MB, 16384 * MB, NULL,
     "of SQLite's log before it is truncated"},
    {"check-max-bytes", AT(check_max_bytes), BYTES, "512MB", 0, 1024 * 1024 * MB, NULL,
     "of a store that is checked whole after a crash or when restored; of a larger one all but "
     "the readings; 0: any"},
    {"threads", AT(threads), COUNT, "0", 0, 256, NULL, "of HTTP; 0: one for each processor"},
    {"max-connections", AT(max_connections), COUNT, "1000", 1, 100000, NULL,
     "in all; beyond it 503"},
    {"max-connections-per-address", AT(max_connections_per_address), COUNT, "0", 0, 100000, NULL,
     "0: no limit but that in all"},
    {"idle-timeout", AT(idle_timeout_s), SECONDS, "60s", 1, 3600, NULL, "of a connection"},
    {"max-subscribers", AT(max_subscribers), COUNT, "10000", 0, 100000, NULL,
     "of the stream; beyond it 503; 0: no limit but that of connections"},
    {"max-subscribers-per-address", AT(max_subscribers_per_address), COUNT, "0", 0, 100000, NULL,
     "0: no limit but that in all"},
    {"heartbeat", AT(heartbeat_s), SECONDS, "15s", 1, 600, NULL,
     "between two signs of life on a stream where nothing happens"},
    {"slow-subscriber", AT(slow_subscriber_s), SECONDS, "20s", 1, 600, NULL,
     "for one event of a stream; after that the subscriber is sent off"},
    {"rate-limit", AT(rate_limit), TEXT, "", 0, 0, NULL,
     "requests of one address in a time, like 600/1m; beyond it 429; empty: no limit"},
    {"tokens-file", AT(tokens_file), TEXT, "", 0, 0, NULL,
     "of bearer tokens, one a line, one of which a request must bring; SIGHUP reads it anew; "
     "empty: "
     "none is asked for"},
    {"max-target-bytes", AT(max_target_bytes), BYTES, "8KB", 256, 12 * KB, NULL,
     "of a request's path and query; beyond it 414"},
    {"max-parameters", AT(max_parameters), COUNT, "200", 1, 10000, NULL, "of one query"},
    {"max-response-bytes", AT(max_response_bytes), BYTES, "256MB", 64 * KB, 4096 * MB, NULL,
     "of one answer; beyond it `too-large`"},
    {"max-json-items", AT(max_json_items), COUNT, "100000", 1, 10000000, NULL,
     "of one JSON answer; beyond it `too-large`"},
    {"cache-bytes", AT(cache_bytes), BYTES, "56MB", 0, 16384 * MB, NULL, "for finished answers"},
    {"spool-bytes", AT(spool_bytes), BYTES, "512MB", 4 * MB, 1024 * 1024 * MB, NULL,
     "of disk, for answers larger than memory and lists in pages; one may take half"},
    {"facade", AT(facade), CHOICE, "repaired", 0, 0, "repaired|strict",
     "the Agency's own paths: one value a field, or the shapes of its quirks"},
    {"facade-ids", AT(facade_ids), CHOICE, "upstream", 0, 0, "upstream|local",
     "addresses in the Agency's paths: the Agency's, or those by which we were asked"},
    {"facade-history", AT(facade_history), CHOICE, "upstream", 0, 0, "upstream|local",
     "what begins before what is held: sent to the Agency, or answered with what is held"},
    {"export-url", AT(export_url), TEXT, "", 0, 0, NULL,
     "s3://bucket/prefix, or a directory, to export to and restore from; off: none; not given: "
     "`export` under "
     "data-dir"},
    {"export-s3-style", AT(export_s3_style), CHOICE, "auto", 0, 0, "auto|path|host",
     "where a request to S3 names the bucket"},
    {"from", AT(from), TEXT, "", 0, 0, NULL,
     "of `restore`: the exports' address, where it is not export-url"},
    {"generation", AT(generation), TEXT, "", 0, 0, NULL,
     "of `restore`: which, as <epoch>-<number>, where it is not the newest"},
    {"export-history-class", AT(export_history_class), TEXT, "", 0, 0, NULL,
     "S3 storage class of history/, like STANDARD_IA or GLACIER_IR; empty: the bucket's own"},
    {"export-gen-class", AT(export_gen_class), TEXT, "", 0, 0, NULL,
     "the same of gen/, the generations to restore from"},
    {"export-interval", AT(export_interval_s), SECONDS, "15m", 1, 7 * DAY_S, NULL,
     "how often history and the newest generation are exported"},
    {"export-keep", AT(export_keep_s), SECONDS, "24h", 0, 3650 * DAY_S, NULL,
     "every exported generation is kept so long; history is kept for ever"},
    {"export-keep-days", AT(export_keep_days), COUNT, "7", 0, 36500, NULL,
     "after that one generation a day"},
    {"spool-max", AT(spool_max_bytes), BYTES, "1GB", 64 * KB, 1024 * 1024 * MB, NULL,
     "of disk, for readings that leave the store before they could be exported"},
    {"drain-timeout", AT(drain_timeout_s), SECONDS, "5s", 1, 600, NULL,
     "from SIGTERM to the end at the latest"},
    {"source", AT(source), CHOICE, "upstream", 0, 0, "upstream|kafka",
     "what fills the store: the upstream, or as a replica the Kafka topic"},
    {"kafka-brokers", AT(kafka_brokers), TEXT, "", 0, 0, NULL,
     "host:port,... to publish every generation to, or to follow"},
    {"kafka-topic", AT(kafka_topic), TEXT, "freshet", 0, 0, NULL, "of one partition"},
    {"kafka-whole-interval", AT(kafka_whole_interval_s), SECONDS, "6h", 60, 30 * DAY_S, NULL,
     "how often a generation is published whole, for new replicas; the topic must retain longer"},
    {"kafka-timeout", AT(kafka_timeout_s), SECONDS, "30s", 1, 600, NULL,
     "for the brokers to answer, and to acknowledge a generation"},
    {"log-level", AT(log_level), CHOICE, "info", 0, 0, "debug|info|warn|error",
     "least level that is logged"},
    {"log-form", AT(log_form), CHOICE, "logfmt", 0, 0, "logfmt|json", "of log lines, on stderr"},
    {0},
};

static const struct {
    const char *word;
    Command command;
    const char *help;
} COMMANDS[] = {
    {"--help", COMMAND_HELP, "this text"},
    {"--version", COMMAND_VERSION, "the version"},
    {"--check", COMMAND_CHECK, "judge the settings and end: 0 good, 2 not"},
    {"--print-config", COMMAND_PRINT_CONFIG, "all settings as they are, as a file for --config"},
    {"healthcheck", COMMAND_HEALTHCHECK,
     "ask the service at --listen whether it lives: 0 yes, 1 no"},
    {"restore", COMMAND_RESTORE, "fill an empty data directory from an export"},
    {"export", COMMAND_EXPORT, "export what --data-dir holds, while no service runs there"},
    {"--once", COMMAND_EXPORT, "of export: one, and end"},
};

/* ---- values ------------------------------------------------------------------------------------ */

typedef struct Unit {
    const char *suffix;
    int64_t factor;
} Unit;

static const Unit NO_UNITS[] = {{"", 1}, {NULL, 0}};
static const Unit BYTE_UNITS[] = {{"", 1},    {"B", 1},          {"KB", KB},
                                  {"MB", MB}, {"GB", 1024 * MB}, {NULL, 0}};
static const Unit SECOND_UNITS[] = {{"", 1},     {"s", 1},     {"m", 60},
                                    {"h", 3600}, {"d", DAY_S}, {NULL, 0}};
static const Unit MILLI_UNITS[] = {{"", 1}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {NULL, 0}};

static const struct {
    const Unit *units;
    const char *what;
} KINDS[] = {
    [COUNT] = {NO_UNITS, "a whole number"},
    [BYTES] = {BYTE_UNITS, "bytes, or with KB, MB, GB"},
    [SECONDS] = {SECOND_UNITS, "seconds, or with s, m, h, d"},
    [MILLISECONDS] = {MILLI_UNITS, "milliseconds, or with ms, s, m"},
};

bool amount_read(Str text, Kind kind, int64_t *ret)
{
    size_t digits = 0;
    int64_t number = 0;
    while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9')
        digits++;
    if (!str_to_int((Str){text.ptr, digits}, &number))
        return false;
    Str suffix = str_trim((Str){text.ptr + digits, text.len - digits});
    for (const Unit *unit = KINDS[kind].units; unit->suffix != NULL; unit++)
        if (str_eq_nocase(suffix, str_of(unit->suffix)))
            return !__builtin_mul_overflow(number, unit->factor, ret);
    return false;
}

/* The largest unit that divides it: what is printed reads back as the same. */
static void put_amount(Buf *out, int64_t amount, Kind kind)
{
    const Unit *best = KINDS[kind].units;
    for (const Unit *unit = best; unit->suffix != NULL; unit++)
        if (amount != 0 && amount % unit->factor == 0)
            best = unit;
    buf_put_int(out, amount / best->factor);
    buf_put_str(out, str_of(best->suffix));
}

static bool is_number(const Setting *setting)
{
    return setting->kind != TEXT && setting->kind != CHOICE;
}

static const char **text_at(Config *config, const Setting *setting)
{
    return (const char **) (void *) ((char *) config + setting->at);
}

static int64_t *number_at(Config *config, const Setting *setting)
{
    return (int64_t *) (void *) ((char *) config + setting->at);
}

static bool is_choice(const Setting *setting, Str text)
{
    Str rest = str_of(setting->choices), head, tail;
    while (str_cut(rest, '|', &head, &tail)) {
        if (str_eq(head, text))
            return true;
        rest = tail;
    }
    return str_eq(rest, text);
}

void setting_read(const Setting *setting, Config *config, Str text, const char *origin, Buf *faults)
{
    int64_t amount = 0;
    Str copy;
    if (is_number(setting)) {
        if (!amount_read(text, setting->kind, &amount)) {
            buf_printf(faults, "%s: '" STR_FMT "' is not %s\n", origin, STR_ARG(text),
                       KINDS[setting->kind].what);
        } else if (amount < setting->min || amount > setting->max) {
            buf_printf(faults, "%s: " STR_FMT " is outside ", origin, STR_ARG(text));
            put_amount(faults, setting->min, setting->kind);
            BUF_LITERAL(faults, " to ");
            put_amount(faults, setting->max, setting->kind);
            buf_put_char(faults, '\n');
        } else {
            *number_at(config, setting) = amount;
        }
        return;
    }
    if (setting->kind == CHOICE && !is_choice(setting, text)) {
        buf_printf(faults, "%s: '" STR_FMT "' is none of %s\n", origin, STR_ARG(text),
                   setting->choices);
        return;
    }
    if (arena_copy(&config->strings, text, &copy))
        *text_at(config, setting) = copy.ptr;
    else
        buf_printf(faults, "%s: no memory\n", origin);
}

/* ---- names -------------------------------------------------------------------------------------- */

const Setting *setting_find(Str name)
{
    for (const Setting *setting = SETTINGS; setting->name != NULL; setting++)
        if (str_eq(name, str_of(setting->name)))
            return setting;
    return NULL;
}

void setting_refuse_unknown(Str name, const char *origin, Buf *faults)
{
    const Setting *nearest = NULL;
    size_t least = 4; /* further than three letters off is another word */
    for (const Setting *setting = SETTINGS; setting->name != NULL; setting++) {
        size_t distance = str_distance(name, str_of(setting->name));
        if (distance < least) {
            least = distance;
            nearest = setting;
        }
    }
    buf_printf(faults, "%s: '" STR_FMT "' is no setting", origin, STR_ARG(name));
    if (nearest != NULL)
        buf_printf(faults, "; did you mean '%s'?", nearest->name);
    BUF_LITERAL(faults, " (freshet --help lists them)\n");
}

void setting_env_name(const Setting *setting, char name[static SETTING_ENV_SIZE])
{
    size_t len = 0;
    for (const char *c = "FRESHET_"; *c != '\0'; c++)
        name[len++] = *c;
    for (const char *c = setting->name; *c != '\0' && len < SETTING_ENV_SIZE - 1; c++)
        name[len++] = *c == '-' ? '_' : (char) (*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
    name[len] = '\0';
}

bool command_find(const char *word, Command *ret)
{
    for (size_t i = 0; i < countof(COMMANDS); i++) {
        if (strcmp(word, COMMANDS[i].word) == 0) {
            *ret = COMMANDS[i].command;
            return true;
        }
    }
    return false;
}

/* ---- telling ----------------------------------------------------------------------------------- */

void config_help(Buf *out)
{
    buf_printf(
        out,
        "freshet - England's river levels, flows, rainfall and tides of the last 24 h over HTTP\n\n"
        "usage: freshet [healthcheck|restore|export --once] [--setting value ...]\n\n");
    for (size_t i = 0; i < countof(COMMANDS); i++)
        buf_printf(out, "  %-32s %s\n", COMMANDS[i].word, COMMANDS[i].help);
    buf_printf(out, "\nEach setting is a flag --name, a variable FRESHET_NAME, or a line `name = "
                    "value` of the\n"
                    "file that --config names; the first of these that is given counts.\n\n");
    for (const Setting *setting = SETTINGS; setting->name != NULL; setting++) {
        buf_printf(out, "  --%-30s %s", setting->name, setting->help);
        if (is_number(setting)) {
            BUF_LITERAL(out, "; ");
            put_amount(out, setting->min, setting->kind);
            BUF_LITERAL(out, " to ");
            put_amount(out, setting->max, setting->kind);
        } else if (setting->kind == CHOICE) {
            buf_printf(out, "; %s", setting->choices);
        }
        if (setting->preset[0] != '\0')
            buf_printf(out, " [%s]", setting->preset);
        buf_put_char(out, '\n');
    }
}

void config_print(const Config *config, Buf *out)
{
    Config copy = *config; /* the accessors hand out what may be written */
    for (const Setting *setting = SETTINGS; setting->name != NULL; setting++) {
        if (setting->at == AT(config_file)) /* this is that file */
            continue;
        buf_printf(out, "%s = ", setting->name);
        if (is_number(setting))
            put_amount(out, *number_at(&copy, setting), setting->kind);
        else
            buf_put_str(out, str_of(*text_at(&copy, setting)));
        buf_put_char(out, '\n');
    }
}
