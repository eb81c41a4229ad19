/* Whose fault it is, at each minute of a day in which everything goes wrong, one thing after the other.
 *
 * What /v1/status says is the outcome of the last poll. So what is expected is what the script says
 * was wrong when that poll was made: by DEFINITIONS, from the script's table, without the log. */
#include "base/clock.h"
#include "tests/freshet.h"
#include "tests/site.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum {
    DAY_MIN = 24 * 60,
    SLOT_MIN = 5,
    CYCLE_MIN = 15,
    RETRY_MIN = 5,        /* as OPTIONS have it */
    RELEASE_PHASE_S = 201 /* past the quarter hour */
};

static const char *const OPTIONS[] = {
    "--poll-jitter",      "0s", "--retry-min", "5m", "--retry-max", "5m",
    "--upstream-timeout", "1s", NULL};
/* The lists alone cost nine requests, so that each interval's budget ends before they are had. */
static const char *const POOR[] = {"--poll-jitter",
                                   "0s",
                                   "--upstream-budget",
                                   "3",
                                   "--retry-min",
                                   "5m",
                                   "--retry-max",
                                   "5m",
                                   NULL};

typedef enum How {
    BY_FAULT,   /* of the simulator */
    BY_RELEASE, /* likewise, and seen once a release was missed */
    BY_START,   /* freshet is started anew, otherwise */
    BY_DISK,    /* files cannot grow */
} How;

typedef struct Trouble {
    int64_t from_min, for_min;
    How how;
    const char *spec;           /* of the fault */
    const char *const *options; /* of the start */
    const char *upstream;       /* likewise; NULL: the simulator */
    const char *want;
} Trouble;

static const Trouble DAY[] = {
    {60, 60, BY_FAULT, "kind=status&status=503", NULL, NULL, "upstream"},
    {135, 30, BY_FAULT, "kind=status&status=500&path=/data", NULL, NULL, "upstream"},
    {180, 40, BY_FAULT, "kind=html", NULL, NULL, "upstream"},
    {240, 60, BY_RELEASE, "kind=stuck", NULL, NULL, "upstream"},
    {330, 30, BY_FAULT, "kind=down", NULL, NULL, "network"},
    {375, 18, BY_FAULT, "kind=slow&ms=60000", NULL, NULL, "network"},
    {420, 40, BY_FAULT, "kind=skew&seconds=7200", NULL, NULL, "ingest"},
    {480, 40, BY_FAULT, "kind=skew&seconds=-7200", NULL, NULL, "ingest"},
    {540, 30, BY_START, NULL, OPTIONS, "http://127.0.0.1:1", "network"}, /* nobody listens there */
    {600, 40, BY_START, NULL, POOR, NULL, "ingest"},
    {690, 40, BY_DISK, NULL, NULL, NULL, "store"},
    {765, 20, BY_FAULT, "kind=garbage", NULL, NULL, "upstream"},
    {810, 20, BY_FAULT, "kind=broken", NULL, NULL, "upstream"},
    {855, 20, BY_FAULT, "kind=cut", NULL, NULL, "network"},
    {900, 50, BY_FAULT, "kind=status&status=429&retry_after=1200", NULL, NULL, "upstream"},
    {975, 20, BY_FAULT, "kind=empty", NULL, NULL, "upstream"},
    {1020, 20, BY_FAULT, "kind=redirect", NULL, NULL, "network"},
    {1080, 90, BY_FAULT, "kind=status&status=404", NULL, NULL, "upstream"},
};

typedef struct Blame {
    Simulator sim;
    SimClock *clock;
    UnixSec began;
    const char *dir;
    Freshet service;
    UnixSec begun[countof(DAY)], ended[countof(DAY)]; /* 0: not yet */
} Blame;

/* ---- what is expected ------------------------------------------------------------------------ */

static bool is_met(const Blame *blame, size_t trouble, UnixSec poll)
{
    UnixSec from = blame->begun[trouble], until = blame->ended[trouble];
    UnixSec release = poll - (poll - RELEASE_PHASE_S) % (CYCLE_MIN * 60);
    return from != 0 && poll >= from && (until == 0 || poll < until) &&
           (DAY[trouble].how != BY_RELEASE || release > from);
}

static const char *wanted_of_poll(const Blame *blame, UnixSec poll)
{
    for (size_t i = 0; i < countof(DAY); i++)
        if (DAY[i].how != BY_DISK && is_met(blame, i, poll))
            return DAY[i].want;
    return "none";
}

/* What is stored cannot say that nothing can be stored: the first slot in it is the first to fail, and
 * the first try after it is the first that does not. NULL: either may be. */
static const char *wanted_of_disk(const Blame *blame, UnixSec now, const char *otherwise)
{
    const int64_t cycle_s = CYCLE_MIN * 60, slot_s = SLOT_MIN * 60;
    for (size_t i = 0; i < countof(DAY); i++) {
        UnixSec from = blame->begun[i], until = blame->ended[i];
        if (DAY[i].how != BY_DISK || from == 0 ||
            now < (from - slot_s) / cycle_s * cycle_s + cycle_s + slot_s)
            continue;
        if (until == 0)
            return DAY[i].want;
        if (now <= until + RETRY_MIN * 60)
            return NULL;
    }
    return otherwise;
}

static bool disk_is_bad(const Blame *blame, UnixSec now)
{
    const char *want = wanted_of_disk(blame, now, "none");
    return want == NULL || strcmp(want, "store") == 0;
}

/* ---- what goes wrong ------------------------------------------------------------------------- */

static void limit_files(const Blame *blame, rlim_t bytes)
{
    const struct rlimit limit = {.rlim_cur = bytes, .rlim_max = RLIM_INFINITY};
    REQUIRE(prlimit(process_pid(blame->service.process), RLIMIT_FSIZE, &limit, NULL) == 0);
}

static void start_anew(Blame *blame, const char *const options[], const char *upstream)
{
    CHECK_INT(0, freshet_stop(&blame->service));
    blame->service = freshet_start(blame->dir, upstream != NULL ? upstream : blame->sim.url,
                                   blame->sim.clock, options);
}

static void begin(Blame *blame, size_t which)
{
    const Trouble *trouble = &DAY[which];
    char target[256];
    blame->begun[which] = simclock_now(blame->clock);
    switch (trouble->how) {
    case BY_START:
        start_anew(blame, trouble->options, trouble->upstream);
        break;
    case BY_DISK:
        limit_files(blame, 1);
        break;
    default:
        (void) snprintf(target, sizeof target, "/sim/fault?%s", trouble->spec);
        simulator_do(&blame->sim, "POST", target, STR_NONE);
    }
}

static void end(Blame *blame, size_t which)
{
    blame->ended[which] = simclock_now(blame->clock);
    switch (DAY[which].how) {
    case BY_START:
        start_anew(blame, OPTIONS, NULL);
        break;
    case BY_DISK:
        limit_files(blame, RLIM_INFINITY);
        break;
    default:
        simulator_do(&blame->sim, "DELETE", "/sim/fault", STR_NONE);
    }
}

static void follow_script(Blame *blame, int64_t minute)
{
    for (size_t i = 0; i < countof(DAY); i++) {
        if (DAY[i].from_min == minute)
            begin(blame, i);
        if (DAY[i].from_min + DAY[i].for_min == minute)
            end(blame, i);
    }
}

/* ---- the day --------------------------------------------------------------------------------- */

/* What a poll brings is committed second by second: while one is under way, the last says little. The
 * next is known once it is over. */
static Buf settled_status(const Blame *blame)
{
    for (int seconds = 0; seconds < 40; seconds++) {
        Buf status = freshet_get(&blame->service, "/v1/status");
        UnixSec next = NO_TIME, now = simclock_now(blame->clock);
        if (clock_parse(json_text_at(buf_view(&status), "next_poll"), &next) && next > now)
            return status;
        buf_release(&status);
        simclock_sleep_until(blame->clock, now + 1);
    }
    test_abort();
}

/* True: it is as the script says. */
static bool check_minute(const Blame *blame)
{
    CLEANUP(buf_release) Buf status = settled_status(blame);
    UnixSec now = simclock_now(blame->clock), poll = NO_TIME;
    Str fault = json_text_at(buf_view(&status), "fault");
    REQUIRE(clock_parse(json_text_at(buf_view(&status), "last_poll.started"), &poll));
    const char *want = wanted_of_disk(blame, now, wanted_of_poll(blame, poll));
    bool is_told = want == NULL || CHECK_TEXT(want, fault);
    bool is_recent = disk_is_bad(blame, now) || now - poll <= (CYCLE_MIN + 6) * 60;
    CHECK_TEXT(str_eq(fault, STR("none")) ? "ok" : "degraded",
               json_text_at(buf_view(&status), "state"));
    return CHECK(is_recent) && is_told;
}

TEST(scenario_blame_is_right_at_each_minute_of_a_day_of_faults)
{
    Blame blame = {.sim =
                       simulator_start((const char *const[]){"--clock", "--stations", "60", NULL}),
                   .dir = test_dir_in_memory()};
    size_t wrong = 0;
    blame.clock = simclock_connect(blame.sim.clock);
    blame.began = simclock_now(blame.clock);
    blame.service = freshet_start(blame.dir, blame.sim.url, blame.sim.clock, OPTIONS);
    for (int64_t minute = 0; minute <= DAY_MIN && wrong < 5; minute++) {
        char when[32];
        simclock_sleep_until(blame.clock, blame.began + minute * 60 + 1);
        (void) snprintf(when, sizeof when, "minute %d", (int) minute);
        CASE(when);
        wrong += check_minute(&blame) ? 0 : 1;
        follow_script(&blame, minute);
    }
    CHECK_INT(0, freshet_stop(&blame.service));
}
