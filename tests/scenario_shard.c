/* Several services that share one network: together they hold what one alone holds, each station once. */
#include "tests/freshet.h"
#include "tests/sim_kit.h"

#include <stdio.h>
#include <stdlib.h>

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

enum { SHARDS = 3 };

/* The lines of a CSV without its header, sorted. */
typedef struct Lines {
    Str *items;
    size_t count, cap;
} Lines;

static void lines_release(Lines *lines)
{
    free(lines->items);
}

static void add_lines(Lines *lines, Str csv)
{
    Str line, rest;
    REQUIRE(str_cut(csv, '\n', &line, &rest));
    while (str_cut(rest, '\n', &line, &rest)) {
        if (lines->count == lines->cap) {
            lines->cap = lines->cap * 2 + 1024;
            lines->items = reallocarray(lines->items, lines->cap, sizeof *lines->items);
            REQUIRE(lines->items != NULL);
        }
        lines->items[lines->count++] = line;
    }
}

static int by_line(const void *a, const void *b)
{
    return str_cmp(*(const Str *) a, *(const Str *) b);
}

/* What the shards answer, taken together, is what the whole answers: no line is missing or doubled. */
static void check_sum(const Freshet *whole, const Freshet shards[], const char *target)
{
    CLEANUP(lines_release) Lines want = {.count = 0};
    CLEANUP(lines_release) Lines got = {.count = 0};
    Buf answers[SHARDS];
    CASE(target);
    CLEANUP(buf_release) Buf all = freshet_get(whole, target);
    add_lines(&want, buf_view(&all));
    for (int i = 0; i < SHARDS; i++) {
        size_t before = got.count;
        answers[i] = freshet_get(&shards[i], target);
        add_lines(&got, buf_view(&answers[i]));
        CHECK(got.count > before && got.count - before < want.count);
    }
    qsort(want.items, want.count, sizeof *want.items, by_line);
    qsort(got.items, got.count, sizeof *got.items, by_line);
    CHECK_INT(want.count, got.count);
    for (size_t i = 0; i < want.count && i < got.count; i++)
        if (!CHECK_STR(want.items[i], got.items[i]))
            break;
    for (int i = 0; i < SHARDS; i++)
        buf_release(&answers[i]);
}

static int64_t metric(Str metrics, const char *name)
{
    char line[100];
    size_t at = 0;
    int64_t value = -1;
    Str rest, text;
    (void) snprintf(line, sizeof line, "\n%s ", name);
    REQUIRE(str_find(metrics, str_of(line), &at));
    rest = (Str){metrics.ptr + at + 1, metrics.len - at - 1};
    (void) str_cut(rest, '\n', &text, &rest);
    (void) str_to_int(str_after_last(text, ' '), &value);
    return value;
}

static void check_received_is_the_sum(const Freshet *service)
{
    static const char *const kinds[] = {"new",       "late",    "unchanged",
                                        "corrected", "expired", "quarantined"};
    CLEANUP(buf_release) Buf metrics = freshet_get(service, "/metrics");
    int64_t sum = 0;
    for (size_t i = 0; i < countof(kinds); i++) {
        char name[100];
        (void) snprintf(name, sizeof name, "freshet_readings_total{kind=\"%s\"}", kinds[i]);
        sum += metric(buf_view(&metrics), name);
    }
    CHECK(sum > 0);
    CHECK_INT(metric(buf_view(&metrics), "freshet_readings_received_total"), sum);
}

/* The window is two pages of 10,000, of which a third is a shard's own. */
TEST(scenario_shards_together_hold_every_station_once)
{
    static const char *const targets[] = {
        "/v1/stations.csv?fields=station,reference,type,listed",
        "/v1/measures.csv?fields=measure,station,listed",
        "/v1/readings.csv?fields=measure,time,value",
        "/v1/latest.csv?fields=measure,time,value",
    };
    const Simulator sim =
        simulator_start(ARGS("--clock", "--stations", "150", "--batching", "30", "--unlisted", "4",
                             "--empty-times", "1", "--missing-values", "1", "--corrections", "1"));
    SimClock *clock = simclock_connect(sim.clock);
    UnixSec began = simclock_now(clock);
    Freshet whole = freshet_start(test_dir(), sim.url, sim.clock, NULL), shards[SHARDS];
    for (int i = 0; i < SHARDS; i++) {
        char shard[16];
        (void) snprintf(shard, sizeof shard, "%d/%d", i + 1, SHARDS);
        shards[i] = freshet_start(test_dir(), sim.url, sim.clock, ARGS("--shard", shard));
        CHECK_TEXT(shard, freshet_tell(&shards[i], "shard"));
    }
    CHECK_TEXT("1/1", freshet_tell(&whole, "shard"));
    simclock_sleep_until(clock, began + 3 * 3600 + 1500);
    for (size_t i = 0; i < countof(targets); i++)
        check_sum(&whole, shards, targets[i]);
    for (int i = 0; i < SHARDS; i++) {
        CHECK_TEXT("none", freshet_tell(&shards[i], "fault"));
        check_received_is_the_sum(&shards[i]);
        CHECK_INT(0, freshet_stop(&shards[i]));
    }
    check_received_is_the_sum(&whole);
    CHECK_INT(0, freshet_stop(&whole));
}
