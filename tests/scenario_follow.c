/* Clients that keep a copy by following changes, killed now and then for a simulated day: in the end
 * they hold the rows that the service serves, byte for byte. */
#include "tests/events.h"
#include "tests/freshet.h"
#include "tests/site.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SLOTS = 100, SLOT_S = 900 }; /* a day, and some in which rows leave their window */

typedef struct Copy {
    const char *mode;
    char state[400], address[64];
    Process *process;
} Copy;

static Process *start(const Copy *copy, const char *mode)
{
    return process_start((const char *const[]){"/usr/bin/env", "python3", "tests/parts/follow.py",
                                               mode, copy->address, copy->state, NULL},
                         NULL);
}

static void end(Copy *copy)
{
    process_signal(copy->process, SIGKILL);
    CHECK_INT(-SIGKILL, process_wait(copy->process));
}

static bool is_same(const Copy *copy)
{
    Process *process = start(copy, "digest");
    bool same = process_has_line(process, "same");
    CHECK_INT(0, process_wait(process));
    return same || process_has_line(process, "same");
}

/* What is on its way arrives. */
static void check_same(const Copy *copy)
{
    CASE(copy->mode);
    for (int i = 0; i < 20; i++) {
        if (is_same(copy))
            return;
        (void) usleep(500 * 1000);
    }
    CHECK_TEXT("the rows of the service", str_of(copy->mode));
}

TEST(scenario_followers_that_are_killed_end_with_the_same_rows)
{
    const Simulator sim = simulator_start((const char *const[]){
        "--clock", "--stations", "30", "--seed", "11", "--corrections", "2", "--late", "2", NULL});
    SimClock *clock = simclock_connect(sim.clock);
    UnixSec began = simclock_now(clock);
    Freshet service = freshet_start(test_dir(), sim.url, sim.clock, NULL);
    Copy copies[] = {{.mode = "sse"}, {.mode = "poll"}};
    const char *dir = test_dir();
    for (size_t i = 0; i < countof(copies); i++) {
        Copy *copy = &copies[i];
        (void) snprintf(copy->state, sizeof copy->state, "%s/%s", dir, copy->mode);
        (void) snprintf(copy->address, sizeof copy->address, "%s", service.url + strlen("http://"));
    }
    unsigned random = 1;
    simclock_sleep_until(clock, began + 1);
    for (int slot = 1; slot <= SLOTS; slot++) {
        for (size_t i = 0; i < countof(copies); i++) {
            Copy *copy = &copies[i];
            random = random * 1103515245 + 12345;
            unsigned dice = random >> 16 & 7;
            if (copy->process == NULL && (dice < 4 || slot == SLOTS)) {
                copy->process = start(copy, copy->mode);
            } else if (copy->process != NULL && dice == 7 && slot < SLOTS) {
                (void) usleep(random >> 16 & 0xffff); /* in the middle of anything */
                end(copy);
                copy->process = NULL;
            }
        }
        simclock_sleep_until(clock, began + (UnixSec) slot * SLOT_S);
    }
    for (size_t i = 0; i < countof(copies); i++) {
        check_same(&copies[i]);
        end(&copies[i]);
    }
    CHECK_INT(0, freshet_stop(&service));
}

/* A generation is told of as exported when all of it lies there, under the keys that are told. */
TEST(scenario_followers_are_told_of_an_exported_generation)
{
    const Simulator sim =
        simulator_start((const char *const[]){"--stations", "20", "--seed", "3", NULL});
    char dir[300], path[400];
    int64_t port = 0;
    (void) snprintf(dir, sizeof dir, "%s/exports", test_dir());
    Freshet service =
        freshet_start(test_dir(), sim.url, NULL,
                      (const char *const[]){"--export-url", dir, "--export-interval", "2s", NULL});
    REQUIRE(str_to_int(str_after_last(str_of(service.url), ':'), &port));
    Events events = events_open((unsigned) port, "/v1/stream", "");
    Event event;
    while (events_next_named(&events, &event) && !str_eq(event.name, STR("snapshot")))
        event_release(&event);
    REQUIRE(str_eq(event.name, STR("snapshot")));
    CHECK(json_count(json_at(event.data, "objects")) >= 4);
    for (int i = 0; i < 4; i++) {
        char key[40];
        (void) snprintf(key, sizeof key, "objects.%d.key", i);
        (void) snprintf(path, sizeof path, "%s/" STR_FMT, dir,
                        STR_ARG(json_text_at(event.data, key)));
        CASE(path);
        CHECK(access(path, R_OK) == 0);
    }
    event_release(&event);
    events_close(&events);
    CHECK_INT(0, freshet_stop(&service));
}
