/* Settings: flags over environment over file over default; what cannot be is refused by name. */
#include "config.h"
#include "tests/test.h"

#include <stdio.h>
#include <string.h>

typedef struct Variable {
    const char *name, *value;
} Variable;

static const Variable *table; /* the environment of the test under way; a NULL name ends it */

static const char *from_table(const char *name)
{
    for (size_t i = 0; table != NULL && table[i].name != NULL; i++)
        if (strcmp(table[i].name, name) == 0)
            return table[i].value;
    return NULL;
}

typedef struct Read {
    ErrCode rc;
    Config config;
    Buf faults;
} Read;

static Read read_args(const char *const *args)
{
    Read got = {.faults = buf_init(65536)};
    int argc = 1;
    const char *argv[16] = {"freshet"};
    for (; args != NULL && args[argc - 1] != NULL; argc++)
        argv[argc] = args[argc - 1];
    got.rc = config_read(argc, argv, from_table, &got.config, &got.faults);
    return got;
}

static void release(Read *got)
{
    config_release(&got->config);
    buf_release(&got->faults);
}

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

TEST(config_defaults_are_those_of_the_readme)
{
    table = NULL;
    CLEANUP(release) Read got = read_args(NULL);
    CHECK_INT(OK, got.rc);
    CHECK_TEXT("127.0.0.1:8080", str_of(got.config.listen));
    CHECK_TEXT("./data", str_of(got.config.data_dir));
    CHECK_TEXT("https://environment.data.gov.uk/flood-monitoring", str_of(got.config.upstream));
    CHECK_INT(900, got.config.poll_interval_s);
    CHECK_INT(86400, got.config.window_s);
    CHECK_INT(COMMAND_SERVE, got.config.command);
}

TEST(config_flags_go_over_environment_over_file)
{
    char path[512];
    (void) snprintf(path, sizeof path, "%s/freshet.conf", test_dir());
    FILE *file = fopen(path, "w");
    REQUIRE(file != NULL);
    (void) fputs("# a comment\n\nthreads = 3   # behind a value\npoll-interval=30m\nlisten = :1\n",
                 file);
    (void) fclose(file);
    table = (const Variable[]){
        {"FRESHET_POLL_INTERVAL", "2s"}, {"FRESHET_LISTEN", ":2"}, {"FRESHET_WINDOW", ""}, {0}};
    CLEANUP(release) Read got = read_args(ARGS("--listen=:3", "--config", path));
    table = NULL;
    CHECK_INT(OK, got.rc);
    CHECK_TEXT("", buf_view(&got.faults));
    CHECK_INT(3, got.config.threads);
    CHECK_INT(2, got.config.poll_interval_s);
    CHECK_TEXT(":3", str_of(got.config.listen));
    CHECK_INT(86400, got.config.window_s);
}

TEST(config_refuses_by_name_with_the_allowed_range)
{
    static const struct {
        const char *name, *arg, *want;
    } cases[] = {
        {"unknown", "--lisen=:1", "'lisen' is no setting; did you mean 'listen'?"},
        {"far from any", "--frobnicate=1",
         "'frobnicate' is no setting (freshet --help lists them)"},
        {"no flag", "serve", "'serve' is no setting"},
        {"too long", "--window=25h", "--window: 25h is outside 15m to 1d"},
        {"too short", "--poll-interval=0", "--poll-interval: 0 is outside 1s to 1d"},
        {"no amount", "--threads=many", "--threads: 'many' is not a whole number"},
        {"wrong unit", "--threads=3s", "--threads: '3s' is not a whole number"},
        {"overflow", "--cache-bytes=99999999999GB", "--cache-bytes: '99999999999GB' is not bytes"},
        {"negative", "--cache-bytes=-1", "--cache-bytes: '-1' is not bytes"},
        {"no choice", "--log-level=loud", "--log-level: 'loud' is none of debug|info|warn|error"},
        {"no address", "--upstream=ftp://x",
         "upstream: 'ftp://x' is no http:// or https:// address"},
        {"no shard", "--shard=6/5", "shard: '6/5' is no K/N with K from 1 to N, N up to 1000"},
        {"no value", "--listen", "--listen: a value is missing"},
        {"no rate", "--rate-limit=600", "rate-limit: '600' is no number of requests in a time"},
        {"no requests", "--rate-limit=0/1m", "rate-limit: '0/1m' is no"},
        {"no time", "--rate-limit=1/0s", "rate-limit: '1/0s' is no"},
        {"too many", "--rate-limit=1000001/1m", "1 to 1000000 in 1s to 1d"},
        {"too long", "--rate-limit=1/2d", "1 to 1000000 in 1s to 1d"},
        {"no file", "--config=/no/such/file", "/no/such/file: cannot be read"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].name);
        CLEANUP(release) Read got = read_args(ARGS(cases[i].arg));
        CHECK_INT(ERR_INVALID, got.rc);
        CHECK_HAS(cases[i].want, buf_view(&got.faults));
    }
}

TEST(config_asks_for_nobody_s_token_unless_told)
{
    CLEANUP(release) Read open = read_args(ARGS("--rate-limit="));
    CHECK_INT(OK, open.rc);
    ServerOptions server = config_server_options(&open.config);
    CHECK_INT(0, server.rate.count);
    CHECK(server.tokens_file == NULL);
    CLEANUP(release) Read closed = read_args(ARGS("--rate-limit=600/1m", "--tokens-file=/t"));
    CHECK_INT(OK, closed.rc);
    server = config_server_options(&closed.config);
    CHECK_INT(600, server.rate.count);
    CHECK_INT(60, server.rate.window_s);
    CHECK_TEXT("/t", str_of(server.tokens_file));
}

TEST(config_tells_every_fault_not_the_first_alone)
{
    table = (const Variable[]){{"FRESHET_THREADS", "x"}, {0}};
    CLEANUP(release) Read got = read_args(ARGS("--window=2d", "--retry-min=10m"));
    table = NULL;
    CHECK_INT(ERR_INVALID, got.rc);
    CHECK_HAS("FRESHET_THREADS: 'x'", buf_view(&got.faults));
    CHECK_HAS("--window: 2d", buf_view(&got.faults));
    CHECK_HAS("retry-min: longer than retry-max", buf_view(&got.faults));
}

TEST(config_print_reads_back_as_the_same)
{
    char path[512];
    CLEANUP(release)
    Read first = read_args(
        ARGS("--threads=7", "--cache-bytes=96MB", "--poll-interval=90s", "--log-form=json"));
    CLEANUP(buf_release) Buf printed = buf_init(65536);
    CLEANUP(buf_release) Buf again = buf_init(65536);
    config_print(&first.config, &printed);
    CHECK_HAS("poll-interval = 90s\n", buf_view(&printed));
    CHECK_HAS("cache-bytes = 96MB\n", buf_view(&printed));
    (void) snprintf(path, sizeof path, "%s/printed.conf", test_dir());
    FILE *file = fopen(path, "w");
    REQUIRE(file != NULL);
    (void) fwrite(printed.ptr, 1, printed.len, file);
    (void) fclose(file);
    CLEANUP(release) Read second = read_args(ARGS("--config", path));
    CHECK_TEXT("", buf_view(&second.faults));
    config_print(&second.config, &again);
    CHECK_STR(buf_view(&printed), buf_view(&again));
}

TEST(config_help_names_every_setting)
{
    CLEANUP(buf_release) Buf help = buf_init(65536);
    CLEANUP(release) Read got = read_args(ARGS("--help"));
    CHECK_INT(COMMAND_HELP, got.config.command);
    config_help(&help);
    CHECK_HAS("--poll-interval", buf_view(&help));
    CHECK_HAS("1s to 1d [15m]", buf_view(&help));
    CHECK_HAS("debug|info|warn|error [info]", buf_view(&help));
}

TEST(config_slash_behind_the_upstream_is_dropped)
{
    CLEANUP(release) Read got = read_args(ARGS("--upstream=http://127.0.0.1:9/x/"));
    CHECK_TEXT("http://127.0.0.1:9/x", str_of(got.config.upstream));
}

TEST(config_hands_librdkafka_its_own_settings)
{
    static const char *const variables[] = {"FRESHET_KAFKA_BROKERS=a:9092", /* a setting of ours */
                                            "FRESHET_KAFKA_SECURITY_PROTOCOL=ssl",
                                            "FRESHET_KAFKA_SSL_CA_LOCATION=/etc/ca.pem",
                                            "FRESHET_KAFKA_SASL_PASSWORD=",
                                            "FRESHET_LISTEN=127.0.0.1:1",
                                            "KAFKA_DEBUG=all",
                                            NULL};
    table = NULL;
    CLEANUP(release) Read got = read_args(ARGS("--kafka-brokers", "a:9092"));
    REQUIRE(got.rc == OK);
    REQUIRE(config_read_kafka(&got.config, variables, &got.faults) == OK);
    PublisherOptions options = config_publisher_options(&got.config);
    REQUIRE(options.kafka.setting_count == 2);
    CHECK_TEXT("security.protocol", str_of(options.kafka.settings[0].name));
    CHECK_TEXT("ssl", str_of(options.kafka.settings[0].value));
    CHECK_TEXT("ssl.ca.location", str_of(options.kafka.settings[1].name));
    CHECK(config_publishes(&got.config) && !config_is_replica(&got.config));
    CLEANUP(buf_release) Buf printed = buf_init(65536); /* they may be secrets */
    config_print(&got.config, &printed);
    size_t at = 0;
    CHECK(!str_find(buf_view(&printed), STR("ca.pem"), &at));
}

TEST(config_refuses_what_librdkafka_does_not_know)
{
    static const char *const variables[] = {"FRESHET_KAFKA_NO_SUCH_THING=1", NULL};
    size_t at = 0;
    table = NULL;
    CLEANUP(release) Read got = read_args(ARGS("--kafka-brokers", "a:9092"));
    REQUIRE(got.rc == OK);
    CHECK(config_read_kafka(&got.config, variables, &got.faults) == ERR_INVALID);
    CHECK(str_find(buf_view(&got.faults), STR("no.such.thing"), &at));
}

TEST(config_replica_wants_brokers)
{
    size_t at = 0;
    table = NULL;
    CLEANUP(release) Read got = read_args(ARGS("--source", "kafka"));
    CHECK(got.rc == ERR_INVALID);
    CHECK(str_find(buf_view(&got.faults), STR("kafka-brokers"), &at));
}
