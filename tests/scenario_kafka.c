/* Generations over the Kafka protocol: ingesters publish, replicas follow, and hold the same under
 * the same name. */
#include "base/sha256.h"
#include "tests/freshet.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

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

/* Its time is the simulator's; that of the brokers, and of those who follow, is the real one. */
static Freshet ingester_start(const char *dir, const Simulator *upstream, const Brokers *brokers,
                              const char *name)
{
    const char *const *more =
        ARGS("--kafka-brokers", brokers->list, "--kafka-topic", "levels", "--ingester", name,
             "--kafka-timeout", "1s", "--retry-min", "1m", "--retry-max", "10m");
    return freshet_start(dir, upstream->url, upstream->clock, more);
}

static Freshet replica_start(const char *dir, const Brokers *brokers)
{
    const char *const *more =
        ARGS("--source", "kafka", "--kafka-brokers", brokers->list, "--kafka-topic", "levels",
             "--kafka-timeout", "1s", "--retry-min", "1s", "--retry-max", "1s");
    return freshet_start(dir, "http://127.0.0.1:9", NULL, more);
}

static Exchanged exchange_on(const Freshet *service, const char *target)
{
    char url[1024];
    (void) snprintf(url, sizeof url, "%s%s", service->url, target);
    return exchange("GET", url, "", STR_NONE);
}

/* Its entity tag, which names its generation, and a digest of its body. */
static void tell_answer(const Freshet *service, const char *target, Buf *out)
{
    char digest[SHA256_BASE64_SIZE];
    CLEANUP(exchanged_release) Exchanged answer = exchange_on(service, target);
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

/* What a replica serves once it is the same as what its ingester serves. Whatever came in between,
 * it is there within a minute. */
static Buf wait_same(const Freshet *replica, const Freshet *ingester)
{
    CLEANUP(buf_release) Buf want = freshet_get(ingester, "/v1/readings.csv");
    for (int i = 0; i < 600; i++) {
        CLEANUP(exchanged_release) Exchanged got = exchange_on(replica, "/v1/readings.csv");
        if (got.status == 200 && str_eq(buf_view(&want), buf_view(&got.body)))
            return tell_all(replica);
        (void) usleep(100000);
    }
    CHECK(!"the replica holds the same as its ingester within a minute");
    test_abort();
}

static void check_same(const Buf *one, const Buf *two)
{
    CHECK_STR(buf_view(one), buf_view(two));
}

TEST(scenario_kafka_replicas_agree_whatever_happens)
{
    const Simulator sim = simulator_start(
        ARGS("--clock", "--stations", "25", "--batching", "30", "--corrections", "2"));
    SimClock *clock = simclock_connect(sim.clock);
    UnixSec began = simclock_now(clock);
    Brokers brokers = brokers_start();
    const char *dir = test_dir(), *copied = test_dir();
    Freshet ingester = ingester_start(dir, &sim, &brokers, "1/1");
    simclock_sleep_until(clock, began + 1800);
    Freshet early = replica_start(test_dir(), &brokers);

    simclock_sleep_until(clock, began + 3 * 3600);
    Freshet other = replica_start(copied, &brokers);
    CLEANUP(buf_release) Buf of_other = wait_same(&other, &ingester);
    CHECK_INT(0, freshet_stop(&other)); /* its files are the store that a late one begins with */

    process_signal(brokers.process, SIGUSR1); /* away for a while, */
    simclock_sleep_until(clock, began + 3 * 3600 + 2400);
    process_signal(ingester.process, SIGKILL); /* and the ingester with what it could not tell */
    CHECK_INT(-SIGKILL, process_wait(ingester.process));
    process_signal(brokers.process, SIGUSR2);
    ingester = ingester_start(dir, &sim, &brokers, "1/1");
    simclock_sleep_until(clock, began + 5 * 3600);

    other = replica_start(copied, &brokers);
    Freshet late = replica_start(test_dir(), &brokers);
    simclock_sleep_until(clock, began + 6 * 3600 + 1500);
    CLEANUP(buf_release) Buf one = wait_same(&early, &ingester);
    CLEANUP(buf_release) Buf two = wait_same(&other, &ingester);
    CLEANUP(buf_release) Buf three = wait_same(&late, &ingester);
    check_same(&one, &two);
    check_same(&one, &three);
    CHECK(one.len > 100);
    CHECK_INT(0, freshet_stop(&early));
    CHECK_INT(0, freshet_stop(&other));
    CHECK_INT(0, freshet_stop(&late));
    CHECK_INT(0, freshet_stop(&ingester));
}
