/* Generations over the Kafka protocol: ingesters publish, replicas follow, and hold the same under
 * the same name. */
#include "base/sha256.h"
#include "tests/freshet.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct Brokers {
    Process *process;
    char list[256]; /* host:port,... */
} Brokers;

static Brokers brokers_start(void)
{
    const char *const argv[] = {"kafka-broker", "levels", NULL};
    Brokers brokers = {.process = process_start(argv, NULL)};
    Str line = process_wait_line(brokers.process, "brokers=");
    (void) snprintf(brokers.list, sizeof brokers.list, STR_FMT, STR_ARG(str_after_last(line, '=')));
    return brokers;
}

static Freshet ingester_start(const char *dir, const Simulator *upstream, const Brokers *brokers,
                              const char *name)
{
    const char *const more[] = {"--kafka-brokers", brokers->list, "--kafka-topic", "levels",
                                "--ingester",      name,          "--poll-interval", "1s",
                                "--retry-min",     "1",           "--retry-max",   "2",
                                NULL};
    return freshet_start(dir, upstream->url, NULL, more);
}

static Freshet replica_start(const char *dir, const Brokers *brokers)
{
    const char *const more[] = {"--source",    "kafka", "--kafka-brokers", brokers->list,
                                "--kafka-topic", "levels", "--retry-min",   "1",
                                "--retry-max", "2",     NULL};
    return freshet_start(dir, "http://127.0.0.1:9", NULL, more);
}

static void wait_ready(const Freshet *service)
{
    for (int i = 0; i < 600 && freshet_status(service, "/ready") != 200; i++)
        (void) usleep(100000);
    CHECK_INT(200, freshet_status(service, "/ready"));
}

/* Its entity tag, which names its generation, and a digest of its body. */
static void tell_answer(const Freshet *service, const char *target, Buf *out)
{
    char url[1024], digest[SHA256_BASE64_SIZE];
    (void) snprintf(url, sizeof url, "%s%s", service->url, target);
    CLEANUP(exchanged_release) Exchanged answer = exchange("GET", url, "", STR_NONE);
    Sha256 *sha = sha256_new();
    REQUIRE(sha != NULL);
    sha256_add(sha, buf_view(&answer.body));
    sha256_base64(sha, digest);
    sha256_free(sha);
    buf_printf(out, "%s %d " STR_FMT " %s\n", target, answer.status,
               STR_ARG(exchanged_field(&answer, "ETag")), digest);
}

static Buf tell_all(const Freshet *service)
{
    static const char *const targets[] = {"/v1/readings.csv", "/v1/latest", "/v1/stations"};
    Buf out = buf_init(4096);
    for (size_t i = 0; i < countof(targets); i++)
        tell_answer(service, targets[i], &out);
    return out;
}

TEST(scenario_kafka_replica_holds_what_its_ingester_told)
{
    static const char *const options[] = {"--stations", "20", NULL};
    Simulator upstream = simulator_start(options);
    Brokers brokers = brokers_start();
    Freshet ingester = ingester_start(test_dir(), &upstream, &brokers, "1/1");
    wait_ready(&ingester);
    Freshet one = replica_start(test_dir(), &brokers);
    wait_ready(&one);
    CLEANUP(buf_release) Buf told = tell_all(&one);
    printf(STR_FMT, STR_ARG(buf_view(&told)));
}
