/* The program as a process: its commands, how it starts, stops, and comes back. */
#include "tests/freshet.h"
#include "tests/s3_server.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

TEST(scenario_commands_end_as_they_should)
{
    static const struct {
        const char *arg;
        int want;
        const char *line;
    } cases[] = {
        {"--version", 0, "freshet "},
        {"--help", 0, "--poll-interval"},
        {"--check", 0, "the settings are good"},
        {"--print-config", 0, "listen = 127.0.0.1:8080"},
        {"--window=25h", 2, "--window: 25h is outside 15m to 1d"},
        {"--lissen=:1", 2, "did you mean 'listen'"},
        {"--listen=nowhere:x", 1, "listen on nowhere:x"},
        {"--data-dir=/proc/no", 1, "/proc/no"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].arg);
        Process *process = process_start(ARGS("freshet", cases[i].arg), NULL);
        (void) process_wait_line(process, cases[i].line);
        CHECK_INT(cases[i].want, process_wait(process));
    }
}

TEST(scenario_upstream_that_is_not_there_is_said_at_once_and_waited_for)
{
    Freshet service = freshet_start(test_dir(), "http://127.0.0.1:9/flood-monitoring", NULL,
                                    ARGS("--retry-min", "1s", "--retry-max", "1s"));
    (void) process_wait_line(service.process, "make demo");
    CHECK_INT(503, freshet_status(&service, "/ready")); /* nothing was ever stored */
    CHECK_INT(200, freshet_status(&service, "/live"));
    freshet_wait(&service, "fault", "network");
    CHECK(!process_has_line(service.process, "component=http"));
    CHECK_INT(0, freshet_stop(&service));
}

TEST(scenario_healthcheck_tells_who_lives)
{
    Freshet service = freshet_start(test_dir(), "http://127.0.0.1:9/flood-monitoring", NULL, NULL);
    const char *listen = service.url + strlen("http://");
    Process *alive = process_start(ARGS("freshet", "healthcheck", "--listen", listen), NULL);
    CHECK_INT(0, process_wait(alive));
    CHECK_INT(0, freshet_stop(&service));
    Process *dead = process_start(ARGS("freshet", "healthcheck", "--listen", listen), NULL);
    CHECK_INT(1, process_wait(dead));
}

TEST(scenario_sigterm_ends_a_request_under_way)
{
    const Simulator sim =
        simulator_start(ARGS("--stations", "20", "--fault", "kind=slow&ms=60000"));
    Freshet service = freshet_start(test_dir(), sim.url, NULL, NULL);
    (void) usleep(200000); /* the first poll is asking, or about to: either must end */
    CHECK_INT(0, freshet_stop(&service));
    CHECK(!process_has_line(service.process, "drain timeout"));
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    REQUIRE(file != NULL);
    (void) fputs(text, file);
    (void) fclose(file);
}

static int status_with(const Freshet *service, const char *token)
{
    char url[128], fields[128];
    (void) snprintf(url, sizeof url, "%s/v1/measures", service->url);
    (void) snprintf(fields, sizeof fields, "Authorization: Bearer %s\r\n", token);
    Exchanged got = exchange("HEAD", url, fields, STR_NONE);
    int status = got.status;
    exchanged_release(&got);
    return status;
}

TEST(scenario_sighup_reads_the_tokens_anew)
{
    char path[512];
    (void) snprintf(path, sizeof path, "%s/tokens", test_dir());
    write_file(path, "old\n");
    Freshet service = freshet_start(test_dir(), "http://127.0.0.1:9/flood-monitoring", NULL,
                                    ARGS("--tokens-file", path, "--rate-limit", "600/1m"));
    CHECK(status_with(&service, "old") != 401); /* let in, to whatever there is by now */
    CHECK_INT(401, status_with(&service, "new"));
    write_file(path, "new\n");
    process_signal(service.process, SIGHUP);
    (void) process_wait_line(service.process, "read the tokens anew");
    CHECK_INT(401, status_with(&service, "old"));
    CHECK(status_with(&service, "new") != 401);
    write_file(path, "");
    process_signal(service.process, SIGHUP);
    (void) process_wait_line(service.process, "keeps the tokens it had");
    CHECK(status_with(&service, "new") != 401);
    CHECK_INT(0, freshet_stop(&service));
    Str output = process_output(service.process);
    size_t at;
    CHECK(!str_find(output, STR("Bearer"), &at));
}

TEST(scenario_second_process_on_a_store_is_refused)
{
    const char *dir = test_dir();
    Freshet service = freshet_start(dir, "http://127.0.0.1:9/flood-monitoring", NULL, NULL);
    Process *second =
        process_start(ARGS("freshet", "--listen", "127.0.0.1:0", "--data-dir", dir), NULL);
    CHECK_INT(1, process_wait(second));
    (void) process_wait_line(second, "cannot start");
    CHECK_INT(0, freshet_stop(&service));
}

static uint64_t number_of(Str generation)
{
    return strtoull(str_after_last(generation, '-').ptr, NULL, 10);
}

TEST(scenario_kill_9_loses_no_generation)
{
    const Simulator sim =
        simulator_start(ARGS("--stations", "100", "--start", "-24h", "--speed", "3600"));
    const char *const options[] = {"--poll-interval", "1s", NULL};
    const char *dir = test_dir();
    uint64_t seen = 0;
    char epoch[64] = "";
    srand(7);
    for (int life = 0; life < 6; life++) {
        Freshet service = freshet_start(dir, sim.url, NULL, options);
        Str generation = freshet_tell(&service, "generation");
        CHECK(number_of(generation) >= seen); /* before its first poll could have made one */
        CHECK(life == 0 || strncmp(epoch, generation.ptr, 8) == 0);
        for (int i = 0; i < 3; i++) {
            (void) usleep((useconds_t) (rand() % 400000));
            generation = freshet_tell(&service, "generation");
            seen = number_of(generation);
            (void) snprintf(epoch, sizeof epoch, "%.8s", generation.ptr);
        }
        process_signal(service.process, SIGKILL);
        CHECK_INT(-SIGKILL, process_wait(service.process));
    }
    CHECK(seen > 0);
}

static void damage(const char *dir, const char *name, off_t at)
{
    char path[512];
    char rubbish[8192];
    (void) snprintf(path, sizeof path, "%s/%s", dir, name);
    memset(rubbish, 0x5a, sizeof rubbish);
    int fd = open(path, O_WRONLY);
    REQUIRE(fd >= 0);
    CHECK_INT(sizeof rubbish, pwrite(fd, rubbish, sizeof rubbish, at));
    (void) close(fd);
}

TEST(scenario_damaged_store_is_set_aside_and_filled_anew)
{
    static const off_t places[] = {0, 65536};
    for (size_t i = 0; i < countof(places); i++) {
        const char *dir = test_dir();
        const Simulator sim = simulator_start(ARGS("--stations", "300"));
        Freshet service = freshet_start(dir, sim.url, NULL, NULL);
        freshet_wait(&service, "rows.stations", "300");
        CHECK_INT(0, freshet_stop(&service));
        damage(dir, "freshet.db", places[i]);
        service = freshet_start(dir, sim.url, NULL, NULL);
        (void) process_wait_line(service.process, "set aside");
        freshet_wait(&service, "rows.stations", "300");
        CHECK_TEXT("none", freshet_tell(&service, "fault"));
        CHECK_INT(0, freshet_stop(&service));
    }
}

/* A bucket that does not answer costs the export its time and the service nothing. */
TEST(scenario_sigterm_is_obeyed_while_an_export_waits)
{
    static const char *const names[] = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION",
                                        "AWS_ENDPOINT_URL_S3"};
    const Simulator sim = simulator_start(ARGS("--stations", "20"));
    S3Server *bucket = s3_server_start();
    s3_env_of(bucket);
    for (size_t i = 0; i < countof(names); i++)
        (void) setenv(names[i], s3_env(names[i]), 1);
    (void) setenv("no_proxy", "*", 1); /* whatever the surroundings set */
    bucket->holds = true;
    Freshet service = freshet_start(test_dir(), sim.url, NULL,
                                    ARGS("--export-url", "s3://lake", "--export-interval", "1s",
                                         "--drain-timeout", "10s"));
    while (bucket->held == 0)
        (void) usleep(10000);
    CHECK_INT(0, freshet_stop(&service));
    CHECK(!process_has_line(service.process, "drain timeout"));
    for (size_t i = 0; i < countof(names); i++)
        (void) unsetenv(names[i]);
}
