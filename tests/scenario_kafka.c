/* Generations over the Kafka protocol: ingesters publish, replicas follow, and hold the same under
 * the same name. */
#include "base/sha256.h"
#include "tests/freshet.h"

#include <stdio.h>
#include <stdlib.h>
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
    fprintf(stderr, "the replica does not hold the same as its ingester within a minute\n");
    CHECK(false);
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
    Buf at_three = wait_same(&other, &ingester);
    buf_release(&at_three);
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

/* ---- a client of some 40 lines, in another language, over another library ---------------------- */

/* What it holds; none: it fell dead. */
static Str run_client(const Brokers *brokers, const char *state, int lifetime, int *ret_status)
{
    char records[16];
    (void) snprintf(records, sizeof records, "%d", lifetime);
    Process *client = process_start(
        ARGS("/usr/bin/python3", "tests/log_client.py", brokers->list, "levels", state, records),
        NULL);
    *ret_status = process_wait(client);
    return process_output(client);
}

static int by_line(const void *a, const void *b)
{
    return str_cmp(*(const Str *) a, *(const Str *) b);
}

/* measure,time,value of each row, sorted. */
static Buf rows_of(const Freshet *service)
{
    enum { ROWS_MAX = 20000 };
    static Str lines[ROWS_MAX];
    size_t count = 0;
    CLEANUP(buf_release) Buf csv = freshet_get(service, "/v1/readings.csv");
    Str line, rest = buf_view(&csv);
    Buf out = buf_init(8 << 20);
    (void) str_cut(rest, '\n', &line, &rest);
    while (str_cut(rest, '\n', &line, &rest) && count < ROWS_MAX)
        lines[count++] = line;
    REQUIRE(count < ROWS_MAX);
    CLEANUP(buf_release) Buf cells = buf_init(8 << 20);
    (void) buf_reserve(&cells, csv.len); /* it does not move */
    for (size_t i = 0; i < count; i++) {
        size_t at = cells.len;
        buf_printf(&cells, STR_FMT "," STR_FMT "," STR_FMT, STR_ARG(csv_cell(lines[i], 1)),
                   STR_ARG(csv_cell(lines[i], 5)), STR_ARG(csv_cell(lines[i], 6)));
        lines[i] = (Str){cells.ptr + at, cells.len - at};
    }
    qsort(lines, count, sizeof *lines, by_line);
    for (size_t i = 0; i < count; i++)
        buf_printf(&out, STR_FMT "\n", STR_ARG(lines[i]));
    return out;
}

TEST(scenario_kafka_client_that_falls_dead_holds_the_same_rows)
{
    const Simulator sim = simulator_start(ARGS("--clock", "--stations", "15", "--batching", "30",
                                               "--corrections", "3", "--late", "2"));
    SimClock *clock = simclock_connect(sim.clock);
    UnixSec began = simclock_now(clock);
    Brokers brokers = brokers_start();
    Freshet ingester = ingester_start(test_dir(), &sim, &brokers, "1/1");
    char state[300];
    unsigned random = 12345;
    int dead = 0, status = 0;
    (void) snprintf(state, sizeof state, "%s/state", test_dir());
    for (int hour = 3; hour <= 24; hour += 3) {
        simclock_sleep_until(clock, began + hour * 3600 + 1500);
        for (int i = 0; i < 2; i++) {
            random = random * 1103515245 + 12345;
            (void) run_client(&brokers, state, 1 + (int) (random >> 16) % 1500, &status);
            dead += status == 9;
        }
    }
    CHECK(dead > 3);
    CLEANUP(buf_release) Buf want = rows_of(&ingester);
    for (int i = 0; i < 20; i++) { /* what is committed may be still on its way */
        Str got = run_client(&brokers, state, 0, &status);
        CHECK_INT(0, status);
        if (str_eq(buf_view(&want), got))
            return;
        (void) usleep(200000);
    }
    CHECK_STR(buf_view(&want), run_client(&brokers, state, 0, &status));
}
