/* config.h - one table of settings, made into one options struct for each part.
 *
 * A setting comes from a flag, else the environment, else a `key = value` file, else its default.
 * Included by main.c and its test alone: the parts know only their own options. */
#pragma once
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "export/exporter.h"
#include "ingest/follow.h"
#include "ingest/poll.h"
#include "server/server.h"
#include "store/store.h"
#include "stream/publisher.h"

typedef enum Command {
    COMMAND_SERVE,
    COMMAND_HELP,
    COMMAND_VERSION,
    COMMAND_CHECK,        /* settings are read and judged, nothing starts */
    COMMAND_PRINT_CONFIG, /* a file that sets everything as it is now */
    COMMAND_HEALTHCHECK,  /* asks the service that the settings describe */
    COMMAND_RESTORE,      /* fills an empty data directory from an export */
    COMMAND_EXPORT,       /* one export of what the data directory holds */
} Command;

enum { KAFKA_SETTINGS_MAX = 64, EXPORT_SHARD_SIZE = 32 };

typedef struct Config {
    Arena strings; /* owns the texts below */
    Command command;
    const char *config_file, *listen, *data_dir, *upstream, *shard, *record, *log_level, *log_form;
    const char *export_url, *export_s3_style, *export_history_class, *export_gen_class;
    const char *from, *generation; /* of COMMAND_RESTORE */
    const char *facade, *facade_ids, *facade_history;
    const char *rate_limit, *tokens_file;
    Rate rate; /* that rate_limit says */
    int64_t poll_interval_s, jitter_s, catalogue_interval_s, sweep_interval_s;
    int64_t details_per_poll, budget_requests, budget_bytes;
    int64_t upstream_timeout_s, connect_timeout_s, stall_timeout_s, retry_min_s, retry_max_s;
    int64_t max_body_bytes, max_batch_readings;
    int64_t record_bytes;
    int64_t window_s, snapshot_wait_ms, wal_max_bytes, check_max_bytes;
    int64_t threads, max_connections, max_connections_per_address, idle_timeout_s;
    int64_t max_subscribers, max_subscribers_per_address, heartbeat_s, slow_subscriber_s;
    int64_t max_target_bytes, max_parameters, max_response_bytes, max_json_items, cache_bytes,
        spool_bytes;
    int64_t export_interval_s, export_keep_s, export_keep_days, spool_max_bytes;
    int64_t drain_timeout_s;
    const char *source, *kafka_brokers, *kafka_topic;
    char export_shard[EXPORT_SHARD_SIZE]; /* in the keys of what is exported */
    int64_t kafka_whole_interval_s, kafka_timeout_s;
    KafkaSetting kafka_settings[KAFKA_SETTINGS_MAX]; /* librdkafka's own */
    size_t kafka_setting_count;
} Config;

/* `env` is what getenv() is in main, and a table in the tests. Every fault is appended to *faults, a
 * line each, naming the setting, what it was and what is allowed. Ends with config_release().
 * Errors: ERR_INVALID (see *faults). */
MUST_USE ErrCode config_read(int argc, const char *const *argv,
                             const char *(*env)(const char *name), Config *ret_config, Buf *faults);
/* Each FRESHET_KAFKA_<NAME> that is no setting of ours is librdkafka's: FRESHET_KAFKA_SECURITY_PROTOCOL
 * is security.protocol. `environment` is what environ is in main. Errors: ERR_INVALID, as above. */
MUST_USE ErrCode config_read_kafka(Config *config, const char *const *environment, Buf *faults);
void config_release(Config *config);

void config_help(Buf *out);
void config_print(const Config *config, Buf *out);

LogLevel config_log_level(const Config *config);
LogForm config_log_form(const Config *config);
PollOptions config_poll_options(const Config *config, uint64_t jitter_seed);
StoreOptions config_store_options(const Config *config);
ServerOptions config_server_options(const Config *config);
bool config_is_replica(const Config *config);
bool config_publishes(const Config *config);
PublisherOptions config_publisher_options(const Config *config);
FollowOptions config_follow_options(const Config *config);
bool config_exports(const Config *config);
ExportOptions config_export_options(const Config *config);
