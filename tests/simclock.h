/* tests/simclock.h - freshet-sim for a test that drives: its clock, and its control.
 *
 * A driver that is awake holds time still: it can ask a service and compare. simclock_sleep_until()
 * lets time run, through everything that others sleep for, up to a moment; at that moment others
 * may be about to do their work, so whoever wants to see what came of T sleeps until T + 1; and a poll
 * of freshet may take some seconds, as it makes a generation a second at most. Main thread only. */
#pragma once
#include "base/base.h"
#include "tests/process.h"

typedef struct Simulator {
    Process *process;
    char url[128];    /* http://127.0.0.1:PORT/flood-monitoring */
    char origin[128]; /* http://127.0.0.1:PORT */
    char clock[64]; /* 127.0.0.1:PORT, for FRESHET_CLOCK and simclock_connect(); "" without --clock
                     */
} Simulator;

/* `options` end with NULL; a port of the system's choice is added. Ends with its test. */
Simulator simulator_start(const char *const options[]);
/* POST or DELETE /sim/..., as sim/control.h has it; aborts the test unless it is taken. */
void simulator_do(const Simulator *simulator, const char *method, const char *target, Str body);

typedef struct SimClock SimClock; /* lives until its test ends, or simclock_close() */

/* Time stands still from here on. Before the service is started, or it would run away in between.
 */
SimClock *simclock_connect(const char *address);
UnixSec simclock_now(const SimClock *clock);
/* Aborts the test when time does not get there in 120 real seconds. */
void simclock_sleep_until(SimClock *clock, UnixSec until);
/* The driver leaves: time runs by the others alone. */
void simclock_close(SimClock *clock);
