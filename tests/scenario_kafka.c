/* Generations over the Kafka protocol: ingesters publish, replicas follow, and hold the same under
 * the same name. */
#include "base/sha256.h"
#include "tests/freshet.h"
#include "tests/site.h"

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
        ARGS("--kafka-brokers", brokers->list, "--kafka-topic", "levels", "--shard", name,
             "--kafka-timeout", "1s", "--retry-min", "1m", "--retry-max", "10m");
    return freshet_start(dir, upstream->url, upstream->clock, more);
}

/* `exports`: where it exports to, and begins from when its directory is empty. */
static Freshet replica_start_with(const char *dir, const Brokers *brokers, const char *exports)
{
    const char *const *more =
        ARGS("--source", "kafka", "--kafka-brokers", brokers->list, "--kafka-topic", "levels",
             "--kafka-timeout", "1s", "--retry-min", "1s", "--retry-max", "1s", "--export-url",
             exports, "--export-interval", "1s");
    return freshet_start(dir, "http://127.0.0.1:9", NULL, more);
}

static Freshet replica_start(const char *dir, const Brokers *brokers)
{
    return replica_start_with(dir, brokers, "off");
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
    static const char *const targets[] = {"/v1/readings.csv", "/v1/latest", "/v1/stations",
                                          "/v1/gaps"};
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

/* ---- what the Agency says of one station alone ------------------------------------------------- */

/* A body with one name in place of the service's own address. */
static void put_anonymous(const Freshet *service, const char *target, Buf *out)
{
    CLEANUP(buf_release) Buf body = freshet_get(service, target);
    Str rest = buf_view(&body), own = str_of(service->url);
    size_t at = 0;
    for (; str_find(rest, own, &at); rest = (Str){rest.ptr + at + own.len, rest.len - at - own.len})
        buf_printf(out, "%.*shttp://it", (int) at, rest.ptr);
    buf_put_str(out, rest);
}

/* The Agency's answers to each station alone, in the order of the list. */
static Buf agency_stations(const Freshet *service)
{
    Buf out = buf_init(8 << 20);
    CLEANUP(buf_release) Buf ids = freshet_get(service, "/v1/stations.csv?fields=station");
    Str line, rest = buf_view(&ids);
    (void) str_cut(rest, '\n', &line, &rest);
    while (str_cut(rest, '\n', &line, &rest)) {
        char target[200];
        (void) snprintf(target, sizeof target, "/flood-monitoring/id/stations/" STR_FMT,
                        STR_ARG(line));
        put_anonymous(service, target, &out);
    }
    return out;
}

/* It is asked for behind all else, and comes without any change of a row: with the next generation,
 * whoever began before and whoever begins now holds it. */
TEST(scenario_kafka_replicas_know_what_is_said_of_one_station_alone)
{
    const Simulator sim = simulator_start(ARGS("--clock", "--stations", "12"));
    SimClock *clock = simclock_connect(sim.clock);
    UnixSec began = simclock_now(clock);
    Brokers brokers = brokers_start();
    Freshet ingester = ingester_start(test_dir(), &sim, &brokers, "1/1");
    Freshet early = replica_start(test_dir(), &brokers);
    simclock_sleep_until(clock, began + 2 * 3600);
    Freshet late = replica_start(test_dir(), &brokers);
    Buf same[] = {wait_same(&early, &ingester), wait_same(&late, &ingester)};
    CLEANUP(buf_release) Buf want = agency_stations(&ingester);
    CHECK_HAS("eaRegionName", buf_view(&want));
    const Freshet *replicas[] = {&early, &late};
    for (size_t i = 0; i < countof(replicas); i++) {
        CLEANUP(buf_release) Buf got = agency_stations(replicas[i]);
        check_same(&want, &got);
        buf_release(&same[i]);
    }
    CHECK_INT(0, freshet_stop(&early));
    CHECK_INT(0, freshet_stop(&late));
    CHECK_INT(0, freshet_stop(&ingester));
}

/* ---- why there are gaps ------------------------------------------------------------------------ */

/* "2026-01-20T12:00:00Z" and the like are in order as texts. What was asked after the generation was
 * made comes with the next. */
static size_t check_gaps_told(const Freshet *ingester, const Freshet *replica, Str as_of)
{
    CLEANUP(buf_release) Buf want = freshet_get(ingester, "/v1/gaps.csv");
    CLEANUP(buf_release) Buf got = freshet_get(replica, "/v1/gaps.csv");
    Str line, rest = buf_view(&want);
    size_t told = 0, at;
    (void) str_cut(rest, '\n', &line, &rest);
    while (str_cut(rest, '\n', &line, &rest)) {
        Str asked = csv_cell(line, 9);
        if (asked.len > 0 && str_cmp(asked, as_of) > 0)
            continue;
        CHECK_STR(line, str_find(buf_view(&got), line, &at) ? line : STR("a gap not told"));
        told += str_eq(csv_cell(line, 8), STR("upstream"));
    }
    return told;
}

TEST(scenario_kafka_replicas_know_why_there_are_gaps)
{
    const Simulator sim = simulator_start(
        ARGS("--clock", "--stations", "12", "--late", "10", "--missing-values", "10"));
    SimClock *clock = simclock_connect(sim.clock);
    UnixSec began = simclock_now(clock);
    Brokers brokers = brokers_start();
    Freshet ingester = ingester_start(test_dir(), &sim, &brokers, "1/1");
    Freshet early = replica_start(test_dir(), &brokers);
    simclock_sleep_until(clock, began + 3 * 3600);
    Freshet late = replica_start(test_dir(), &brokers);
    CLEANUP(buf_release) Buf one = wait_same(&early, &ingester);
    CLEANUP(buf_release) Buf two = wait_same(&late, &ingester);
    check_same(&one, &two);
    CLEANUP(buf_release) Buf service = freshet_get(&ingester, "/v1");
    Str as_of = json_text_at(buf_view(&service), "as_of");
    char found[100];
    (void) snprintf(found, sizeof found, "%zu as of " STR_FMT,
                    check_gaps_told(&ingester, &early, as_of), STR_ARG(as_of));
    CASE(found); /* it hangs on when the last sweep was */
    CHECK(as_of.len > 0 && strtol(found, NULL, 10) > 5);
    CHECK_INT(0, freshet_stop(&early));
    CHECK_INT(0, freshet_stop(&late));
    CHECK_INT(0, freshet_stop(&ingester));
}

/* ---- shards ------------------------------------------------------------------------------------ */

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

/* The rows of both, sorted: what no replica may lack or have twice. */
static Buf rows_of_both(const Freshet *one, const Freshet *two)
{
    CLEANUP(buf_release) Buf a = rows_of(one);
    CLEANUP(buf_release) Buf b = rows_of(two);
    Buf both = buf_init(16 << 20);
    Str x = buf_view(&a), y = buf_view(&b), line_x = STR_NONE, line_y = STR_NONE;
    bool has_x = str_cut(x, '\n', &line_x, &x), has_y = str_cut(y, '\n', &line_y, &y);
    while (has_x || has_y) {
        bool from_x = has_x && (!has_y || str_cmp(line_x, line_y) < 0);
        buf_printf(&both, STR_FMT "\n", STR_ARG(from_x ? line_x : line_y));
        if (from_x)
            has_x = str_cut(x, '\n', &line_x, &x);
        else
            has_y = str_cut(y, '\n', &line_y, &y);
    }
    return both;
}

static Buf wait_rows(const Freshet *replica, const Buf *want)
{
    for (int i = 0; i < 600; i++) {
        if (freshet_status(replica, "/ready") == 200) {
            CLEANUP(buf_release) Buf got = rows_of(replica);
            if (str_eq(buf_view(want), buf_view(&got)))
                return tell_all(replica);
        }
        (void) usleep(100000);
    }
    CLEANUP(buf_release) Buf got = rows_of(replica);
    CHECK_STR(buf_view(want), buf_view(&got));
    test_abort();
}

TEST(scenario_kafka_shards_of_two_ingesters_make_one_country)
{
    const Simulator sim = simulator_start(ARGS("--clock", "--stations", "24", "--batching", "20"));
    SimClock *clock = simclock_connect(sim.clock);
    UnixSec began = simclock_now(clock);
    Brokers brokers = brokers_start();
    const char *dir = test_dir(), *exports = test_dir();
    Freshet first = ingester_start(dir, &sim, &brokers, "1/2");
    Freshet second = ingester_start(test_dir(), &sim, &brokers, "2/2");
    simclock_sleep_until(clock, began + 1800);
    Freshet early = replica_start_with(test_dir(), &brokers, exports);

    simclock_sleep_until(clock, began + 2 * 3600);
    CLEANUP(buf_release) Buf at_two = rows_of_both(&first, &second);
    Buf told = wait_rows(&early, &at_two);
    buf_release(&told);
    CHECK_INT(0, freshet_stop(&early)); /* and exports what it has */

    process_signal(first.process, SIGKILL);
    CHECK_INT(-SIGKILL, process_wait(first.process));
    first = ingester_start(dir, &sim, &brokers, "1/2");
    simclock_sleep_until(clock, began + 3 * 3600 + 1500);
    early = replica_start_with(test_dir(), &brokers, exports); /* from the exported store */
    (void) process_wait_line(early.process, "event=restored");
    Freshet late = replica_start(test_dir(), &brokers);
    Freshet later = replica_start(test_dir(), &brokers);

    CLEANUP(buf_release) Buf all = rows_of_both(&first, &second);
    CLEANUP(buf_release) Buf one = wait_rows(&early, &all);
    CLEANUP(buf_release) Buf two = wait_rows(&late, &all);
    CLEANUP(buf_release) Buf three = wait_rows(&later, &all);
    check_same(&one, &two);
    check_same(&one, &three);
    CHECK_INT(0, freshet_stop(&early));
    CHECK_INT(0, freshet_stop(&late));
    CHECK_INT(0, freshet_stop(&later));
    CHECK_INT(0, freshet_stop(&first));
    CHECK_INT(0, freshet_stop(&second));
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
