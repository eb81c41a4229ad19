#include "config_inside.h"

#include <string.h>
#include <unistd.h>

static int64_t thread_count(const Config *config)
{
    if (config->threads > 0)
        return config->threads;
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    return processors < 1 ? 1 : processors > 64 ? 64 : processors;
}

LogLevel config_log_level(const Config *config)
{
    switch (config->log_level[0]) {
    case 'd':
        return LOG_DEBUG;
    case 'w':
        return LOG_WARN;
    case 'e':
        return LOG_ERROR;
    default:
        return LOG_INFO;
    }
}

LogForm config_log_form(const Config *config)
{
    return config->log_form[0] == 'j' ? LOG_JSON : LOG_LOGFMT;
}

PollOptions config_poll_options(const Config *config, uint64_t jitter_seed)
{
    Shard shard = {.count = 1};
    (void) shard_parse(str_of(config->shard), &shard); /* config_read() has */
    return (PollOptions){
        .upstream = config->upstream,
        .user_agent = "freshet/" FRESHET_VERSION " (flood-monitoring ingest)",
        .interval_s = config->poll_interval_s,
        .jitter_max_s = config->poll_interval_s < 900 ? 0 : config->jitter_s,
        .jitter_seed = jitter_seed,
        .catalogue_interval_s = config->catalogue_interval_s,
        .sweep_interval_s = config->sweep_interval_s,
        .details_per_poll = (size_t) config->details_per_poll,
        .window_s = config->window_s,
        .shard = shard,
        .budget_requests = config->budget_requests,
        .budget_bytes = config->budget_bytes,
        .deadline_ms = config->upstream_timeout_s * 1000,
        .connect_ms = config->connect_timeout_s * 1000,
        .stall_ms = config->stall_timeout_s * 1000,
        .max_body_bytes = (size_t) config->max_body_bytes,
        .spool_dir = config->data_dir,
        .max_batch_readings = (size_t) config->max_batch_readings,
        .record_dir = config->record[0] != '\0' ? config->record : NULL,
        .record_max_bytes = config->record_bytes,
        .retry_min_s = config->retry_min_s,
        .retry_max_s = config->retry_max_s,
    };
}

StoreOptions config_store_options(const Config *config)
{
    return (StoreOptions){
        .data_dir = config->data_dir,
        .window_s = config->window_s,
        .reader_count =
            (size_t) thread_count(config) + 8, /* rendering, export and stream beside HTTP */
        .snapshot_wait_ms = config->snapshot_wait_ms,
        .wal_max_bytes = config->wal_max_bytes,
        .check_max_bytes = config->check_max_bytes,
        .spool_max_bytes = config_exports(config) ? config->spool_max_bytes : 0,
    };
}

bool config_exports(const Config *config)
{
    return strcmp(config->export_url, "off") != 0;
}

static const char *text_or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

ExportOptions config_export_options(const Config *config)
{
    return (ExportOptions){
        .object = {.dir = config->data_dir,
                   .shard = config->export_shard,
                   .history_class = text_or_null(config->export_history_class),
                   .storage_class = text_or_null(config->export_gen_class),
                   .merge_bytes = 32 << 20}, /* with what is written, some 64 MB */
        .interval_s = config->export_interval_s,
        .keep_s = config->export_keep_s,
        .keep_days = config->export_keep_days,
    };
}

ServerOptions config_server_options(const Config *config)
{
    return (ServerOptions){
        .listen = config->listen,
        .thread_count = (unsigned) thread_count(config),
        .max_connections = (unsigned) config->max_connections,
        .max_connections_per_address = (unsigned) config->max_connections_per_address,
        .max_subscribers = (unsigned) config->max_subscribers,
        .max_subscribers_per_address = (unsigned) config->max_subscribers_per_address,
        .heartbeat_ms = config->heartbeat_s * 1000,
        .slow_subscriber_ms = config->slow_subscriber_s * 1000,
        .rate = config->rate,
        .tokens_file = text_or_null(config->tokens_file),
        .idle_timeout_s = config->idle_timeout_s,
        .max_target_bytes = (size_t) config->max_target_bytes,
        .max_parameters = (size_t) config->max_parameters,
        .max_response_bytes = (size_t) config->max_response_bytes,
        .max_json_items = (size_t) config->max_json_items,
        .cache_bytes = (size_t) config->cache_bytes,
        .spool_dir = config->data_dir,
        .spool_bytes = (size_t) config->spool_bytes,
        .facade_strict = strcmp(config->facade, "strict") == 0,
        .facade_local_ids = strcmp(config->facade_ids, "local") == 0,
        .facade_keeps_history = strcmp(config->facade_history, "local") == 0,
        .build = FRESHET_VERSION,
        .upstream = config->upstream,
        .shard = config->shard,
        .poll_interval_s = config->poll_interval_s,
        .window_s = config->window_s,
    };
}

bool config_is_replica(const Config *config)
{
    return strcmp(config->source, "kafka") == 0;
}

bool config_publishes(const Config *config)
{
    return !config_is_replica(config) && config->kafka_brokers[0] != '\0';
}

KafkaOptions config_kafka_options(const Config *config)
{
    return (KafkaOptions){
        .brokers = config->kafka_brokers,
        .topic = config->kafka_topic,
        .settings = config->kafka_settings,
        .setting_count = config->kafka_setting_count,
        .deadline_ms = config->kafka_timeout_s * 1000,
    };
}

PublisherOptions config_publisher_options(const Config *config)
{
    return (PublisherOptions){
        .kafka = config_kafka_options(config),
        .ingester = config->shard,
        .dir = config->data_dir,
        .whole_interval_s = config->kafka_whole_interval_s,
        .retry_min_s = config->retry_min_s,
        .retry_max_s = config->retry_max_s,
    };
}

FollowOptions config_follow_options(const Config *config)
{
    return (FollowOptions){
        .kafka = config_kafka_options(config),
        .dir = config->data_dir,
        .retry_min_s = config->retry_min_s,
        .retry_max_s = config->retry_max_s,
    };
}
