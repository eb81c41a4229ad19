#include "base/file.h"
#include "config_inside.h"

#include <stdio.h>
#include <string.h>

/* ---- where they come from ---------------------------------------------------------------------- */

static void read_environment(Config *config, const char *(*env)(const char *name), Buf *faults)
{
    for (const Setting *setting = SETTINGS; setting->name != NULL; setting++) {
        char name[SETTING_ENV_SIZE];
        setting_env_name(setting, name);
        const char *value = env(name);
        if (value != NULL && value[0] != '\0') /* an empty variable is how a shell unsets one */
            setting_read(setting, config, str_of(value), name, faults);
    }
}

static void read_line(Config *config, Str line, const char *origin, Buf *faults)
{
    Str name, value, comment;
    line = str_trim(line);
    if (line.len == 0 || line.ptr[0] == '#')
        return;
    if (!str_cut(line, '=', &name, &value)) {
        buf_printf(faults, "%s: expected `key = value`, got '" STR_FMT "'\n", origin,
                   STR_ARG(line));
        return;
    }
    (void) str_cut(value, '#', &value, &comment);
    name = str_trim(name);
    const Setting *setting = setting_find(name);
    if (setting != NULL)
        setting_read(setting, config, str_trim(value), origin, faults);
    else
        setting_refuse_unknown(name, origin, faults);
}

static void read_file(Config *config, const char *path, Buf *faults)
{
    CLEANUP(buf_release) Buf text = buf_init(1024 * 1024);
    if (!file_read(path, &text)) {
        buf_printf(faults, "%s: cannot be read: %m\n", path);
        return;
    }
    Str rest = buf_view(&text), line, tail;
    for (int number = 1; rest.len > 0; number++, rest = tail) {
        char origin[256];
        if (!str_cut(rest, '\n', &line, &tail)) {
            line = rest;
            tail = STR("");
        }
        (void) snprintf(origin, sizeof origin, "%s:%d", path, number);
        read_line(config, line, origin, faults);
    }
}

/* --name value or --name=value. With `only` set every other setting is left for the second reading:
 * the file's name must be known before the file, and flags go over the file. */
static void read_flags(Config *config, int argc, const char *const *argv, const Setting *only,
                       Buf *faults)
{
    for (int i = 1; i < argc; i++) {
        Str word = str_of(argv[i]), name = word, value = STR_NONE;
        if (command_find(argv[i], &config->command))
            continue;
        bool is_flag = str_starts(word, STR("--"));
        if (is_flag)
            name = (Str){word.ptr + 2, word.len - 2};
        (void) str_cut(name, '=', &name, &value);
        const Setting *setting = is_flag ? setting_find(name) : NULL;
        if (setting == NULL) {
            if (only == NULL)
                setting_refuse_unknown(name, "command line", faults);
            continue;
        }
        if (str_is_none(value) && i + 1 < argc)
            value = str_of(argv[++i]);
        if (only != NULL && setting != only)
            continue;
        char origin[64];
        (void) snprintf(origin, sizeof origin, "--%s", setting->name);
        if (!str_is_none(value))
            setting_read(setting, config, value, origin, faults);
        else
            buf_printf(faults, "%s: a value is missing\n", origin);
    }
}

/* As part of a key: 2of5. */
static void name_exports(Config *config, Shard shard)
{
    if (config_is_replica(config))
        (void) snprintf(config->export_shard, sizeof config->export_shard, "replica");
    else
        (void) snprintf(config->export_shard, sizeof config->export_shard, "%uof%u",
                        shard.index + 1, shard.count);
}

/* 600/1m */
static bool parse_rate(Str text, Rate *ret)
{
    Str count, window;
    Rate rate;
    if (!str_cut(text, '/', &count, &window) || !str_to_int(count, &rate.count) ||
        !amount_read(window, SECONDS, &rate.window_s) || rate.count < 1 ||
        rate.count > RATE_COUNT_MAX || rate.window_s < 1 || rate.window_s > RATE_WINDOW_MAX_S)
        return false;
    *ret = rate;
    return true;
}

static void check_together(Config *config, Buf *faults)
{
    if (config->rate_limit[0] != '\0' && !parse_rate(str_of(config->rate_limit), &config->rate))
        buf_printf(
            faults,
            "rate-limit: '%s' is no number of requests in a time, like 600/1m; 1 to %d in 1s "
            "to 1d\n",
            config->rate_limit, RATE_COUNT_MAX);
    Str upstream = str_of(config->upstream);
    if (!str_starts(upstream, STR("http://")) && !str_starts(upstream, STR("https://")))
        buf_printf(faults, "upstream: '%s' is no http:// or https:// address\n", config->upstream);
    if (str_ends(upstream, STR("/"))) {
        Str cut = {upstream.ptr, upstream.len - 1}, copy;
        if (arena_copy(&config->strings, cut, &copy))
            config->upstream = copy.ptr;
    }
    if (config_is_replica(config) && config->kafka_brokers[0] == '\0')
        buf_printf(faults, "source: kafka wants kafka-brokers\n");
    Shard shard = {.count = 1};
    if (!shard_parse(str_of(config->shard), &shard))
        buf_printf(faults, "shard: '%s' is no K/N with K from 1 to N, N up to %d\n", config->shard,
                   SHARD_COUNT_MAX);
    name_exports(config, shard);
    if (config->export_url[0] == '\0' && config_is_replica(config)) {
        config->export_url = "off"; /* its ingesters export what it has */
    } else if (config->export_url[0] == '\0') {
        CLEANUP(buf_release) Buf path = buf_init(64 * 1024);
        Str copy;
        buf_printf(&path, "%s/export", config->data_dir);
        if (arena_copy(&config->strings, buf_view(&path), &copy))
            config->export_url = copy.ptr;
    }
    if (config->retry_min_s > config->retry_max_s)
        buf_printf(faults, "retry-min: longer than retry-max\n");
}

ErrCode config_read(int argc, const char *const *argv, const char *(*env)(const char *name),
                    Config *ret_config, Buf *faults)
{
    Config config = {.strings = arena_init(), .command = COMMAND_SERVE};
    const Setting *file = setting_find(STR("config"));
    assert(SETTINGS->name != NULL); /* so that no text is NULL below */
    for (const Setting *setting = SETTINGS; setting->name != NULL; setting++)
        setting_read(setting, &config, str_of(setting->preset), "default", faults);
    const char *from_env = env("FRESHET_CONFIG");
    if (from_env != NULL)
        setting_read(file, &config, str_of(from_env), "FRESHET_CONFIG", faults);
    read_flags(&config, argc, argv, file, faults);
    buf_clear(faults); /* said again, once, below */
    if (config.config_file[0] != '\0')
        read_file(&config, config.config_file, faults);
    read_environment(&config, env, faults);
    read_flags(&config, argc, argv, NULL, faults);
    check_together(&config, faults);
    *ret_config = config;
    return faults->len == 0 ? OK : ERR_INVALID;
}

/* security.protocol of FRESHET_KAFKA_SECURITY_PROTOCOL; false: another variable. */
static bool kafka_name(Str variable, char name[static 128])
{
    static const char prefix[] = "FRESHET_KAFKA_";
    size_t len = 0;
    if (!str_starts(variable, STR("FRESHET_KAFKA_")) || variable.len > 100)
        return false;
    for (size_t i = sizeof prefix - 1; i < variable.len; i++) {
        char c = variable.ptr[i];
        name[len++] = (char) (c == '_' ? '.' : c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    name[len] = '\0';
    return len > 0;
}

static bool is_setting(Str variable)
{
    for (const Setting *setting = SETTINGS; setting->name != NULL; setting++) {
        char name[SETTING_ENV_SIZE];
        setting_env_name(setting, name);
        if (str_eq(variable, str_of(name)))
            return true;
    }
    return false;
}

static bool add_kafka_setting(Config *config, const char *name, Str value)
{
    Str own_name, own_value;
    if (config->kafka_setting_count == KAFKA_SETTINGS_MAX ||
        !arena_copy(&config->strings, str_of(name), &own_name) ||
        !arena_copy(&config->strings, value, &own_value))
        return false;
    config->kafka_settings[config->kafka_setting_count++] =
        (KafkaSetting){.name = own_name.ptr, .value = own_value.ptr};
    return true;
}

ErrCode config_read_kafka(Config *config, const char *const *environment, Buf *faults)
{
    const size_t before = faults->len;
    for (const char *const *at = environment; *at != NULL; at++) {
        char name[128];
        Str variable, value;
        if (!str_cut(str_of(*at), '=', &variable, &value) || is_setting(variable) ||
            value.len == 0 || !kafka_name(variable, name))
            continue;
        if (!add_kafka_setting(config, name, value))
            buf_printf(faults, STR_FMT ": no room\n", STR_ARG(variable));
    }
    const KafkaOptions options = config_kafka_options(config);
    Err err = {.code = OK};
    if (config->kafka_brokers[0] != '\0' && kafka_check(&options, &err) != OK)
        buf_printf(faults, "%s\n", err.text);
    return faults->len == before ? OK : ERR_INVALID;
}

void config_release(Config *config)
{
    arena_release(&config->strings);
}
