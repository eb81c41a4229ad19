/* What polling the newest cannot see: after days of batches, outages and a kill, what freshet serves
 * is what the upstream has, reading for reading. The simulator tells the truth. */
#include "tests/freshet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Lines `measure,time,value` of our whole window, in the order of the truth. */
typedef struct Lines {
    Str *items;
    size_t count, cap;
    Buf text;
} Lines;

static void lines_release(Lines *lines)
{
    free(lines->items);
    buf_release(&lines->text);
}

static int by_line(const void *a, const void *b)
{
    return str_cmp(*(const Str *) a, *(const Str *) b);
}

static void split_lines(Lines *lines)
{
    Str line, rest = buf_view(&lines->text);
    while (str_cut(rest, '\n', &line, &rest)) {
        if (lines->count == lines->cap) {
            lines->cap = lines->cap * 2 + 1024;
            lines->items = reallocarray(lines->items, lines->cap, sizeof *lines->items);
            REQUIRE(lines->items != NULL);
        }
        lines->items[lines->count++] = line;
    }
    qsort(lines->items, lines->count, sizeof *lines->items, by_line);
}

/* Readings and, for what has left its station's window, the last known of latest. */
static Lines what_is_served(const Freshet *service)
{
    static const char *const TARGETS[] = {"/v1/readings.csv", "/v1/latest.csv"};
    Lines lines = {.text = buf_init(256 << 20)};
    for (size_t i = 0; i < countof(TARGETS); i++) {
        CLEANUP(buf_release) Buf csv = freshet_get(service, TARGETS[i]);
        Str line, rest = buf_view(&csv);
        (void) str_cut(rest, '\n', &line, &rest);
        while (str_cut(rest, '\n', &line, &rest))
            buf_printf(&lines.text, STR_FMT "," STR_FMT "," STR_FMT "\n",
                       STR_ARG(csv_cell(line, 1)), STR_ARG(csv_cell(line, 5)),
                       STR_ARG(csv_cell(line, 6)));
    }
    split_lines(&lines);
    size_t kept = 0; /* what is newest stands in both */
    for (size_t i = 0; i < lines.count; i++)
        if (kept == 0 || !str_eq(lines.items[kept - 1], lines.items[i]))
            lines.items[kept++] = lines.items[i];
    lines.count = kept;
    return lines;
}

static Lines what_is_true(const Simulator *sim)
{
    char url[256];
    Lines lines = {.count = 0};
    (void) snprintf(url, sizeof url, "%s/truth", sim->origin);
    lines.text = must_get(url);
    Str header, rest = buf_view(&lines.text);
    REQUIRE(str_cut(rest, '\n', &header, &rest));
    size_t cut = header.len + 1;
    memmove(lines.text.ptr, lines.text.ptr + cut, lines.text.len - cut);
    lines.text.len -= cut;
    split_lines(&lines);
    return lines;
}

/* How many lines of `a` are not in `b`; the first is told. */
static size_t count_missing(const Lines *a, const Lines *b, const char *what)
{
    size_t missing = 0, k = 0;
    for (size_t i = 0; i < a->count; i++) {
        while (k < b->count && str_cmp(b->items[k], a->items[i]) < 0)
            k++;
        if (k < b->count && str_eq(b->items[k], a->items[i]))
            continue;
        if (missing++ == 0)
            fprintf(stderr, "first %s: " STR_FMT "\n", what, STR_ARG(a->items[i]));
    }
    return missing;
}

static void check_truth(const Freshet *service, const Simulator *sim)
{
    CLEANUP(lines_release) Lines served = what_is_served(service);
    CLEANUP(lines_release) Lines truth = what_is_true(sim);
    CHECK(truth.count > 100);
    CHECK_INT(0, count_missing(&truth, &served, "reading lost"));
    CHECK_INT(0, count_missing(&served, &truth, "reading that is not true"));
}

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

TEST(scenario_backfill_fills_the_window_behind_the_first_poll)
{
    const Simulator sim = simulator_start(ARGS("--clock", "--stations", "120", "--batching", "40"));
    SimClock *clock = simclock_connect(sim.clock);
    Freshet service = freshet_start(test_dir(), sim.url, sim.clock, NULL);
    simclock_sleep_until(clock, simclock_now(clock) + 5);
    CHECK_TEXT("none", freshet_tell(&service, "fault"));
    check_truth(&service, &sim);
    CHECK_INT(0, freshet_stop(&service));
}

TEST(scenario_backfill_keeps_up_through_batches_outages_and_a_kill)
{
    const Simulator sim = simulator_start(ARGS("--clock", "--stations", "120", "--batching", "40"));
    SimClock *clock = simclock_connect(sim.clock);
    UnixSec began = simclock_now(clock);
    const char *dir = test_dir();
    Freshet service = freshet_start(dir, sim.url, sim.clock, NULL);
    simclock_sleep_until(clock, began + 5 * 3600);
    simulator_do(&sim, "POST", "/sim/fault?kind=status&status=503&for=PT40M", STR_NONE);
    simclock_sleep_until(clock, began + 11 * 3600);
    process_signal(service.process, SIGKILL);
    CHECK_INT(-SIGKILL, process_wait(service.process));
    simulator_do(&sim, "POST", "/sim/fault?kind=down&for=PT40M", STR_NONE);
    service = freshet_start(dir, sim.url, sim.clock, NULL);
    simclock_sleep_until(clock,
                         began + 26 * 3600 + 1500); /* behind a poll, before the next release */
    CHECK_TEXT("none", freshet_tell(&service, "fault"));
    check_truth(&service, &sim);
    CHECK_INT(0, freshet_stop(&service));
}

/* What was open is forgotten with the process: the next one sweeps at once, not in an hour. */
TEST(scenario_backfill_finds_at_once_what_a_killed_one_left_open)
{
    const Simulator sim = simulator_start(ARGS("--clock", "--stations", "120", "--batching", "40"));
    SimClock *clock = simclock_connect(sim.clock);
    UnixSec began = simclock_now(clock);
    const char *dir = test_dir();
    Freshet service = freshet_start(dir, sim.url, sim.clock, NULL);
    simclock_sleep_until(clock, began + 600);
    simulator_do(&sim, "POST", "/sim/fault?kind=down&path=/data/readings.csv", STR_NONE);
    simulator_do(&sim, "POST", "/sim/fault?kind=down&path=/id/", STR_NONE);
    simclock_sleep_until(clock, began + 1500); /* the newest came, and nothing behind it */
    CHECK_TEXT("network", freshet_tell(&service, "fault"));
    process_signal(service.process, SIGKILL);
    CHECK_INT(-SIGKILL, process_wait(service.process));
    simulator_do(&sim, "DELETE", "/sim/fault", STR_NONE);
    service = freshet_start(dir, sim.url, sim.clock, NULL);
    simclock_sleep_until(clock, simclock_now(clock) + 10);
    CHECK_TEXT("none", freshet_tell(&service, "fault"));
    check_truth(&service, &sim);
    CHECK_INT(0, freshet_stop(&service));
}

TEST(scenario_backfill_stays_within_its_budget_and_says_so)
{
    const Simulator sim = simulator_start(ARGS("--clock", "--stations", "60", "--batching", "60"));
    SimClock *clock = simclock_connect(sim.clock);
    UnixSec began = simclock_now(clock);
    Freshet service = freshet_start(test_dir(), sim.url, sim.clock, ARGS("--upstream-budget", "9"));
    simclock_sleep_until(clock, began + 5); /* lists and types take all of it */
    CHECK_TEXT("9", freshet_tell(&service, "last_poll.requests"));
    CHECK_TEXT("ingest", freshet_tell(&service, "fault"));
    CHECK_HAS("budget", freshet_tell(&service, "last_poll.detail"));
    CLEANUP(buf_release) Buf latest = freshet_get(&service, "/v1/latest.csv");
    CHECK(latest.len > 1000);
    simclock_sleep_until(clock, began + 3600); /* the rest follows, interval by interval */
    CHECK_TEXT("none", freshet_tell(&service, "fault"));
    check_truth(&service, &sim);
    CHECK_INT(0, freshet_stop(&service));
}
