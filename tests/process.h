/* tests/process.h - a program of ours as a child of a test, which ends with the test.
 *
 * What the child writes to stdout and stderr is gathered, in the order it comes. Main thread only.
 */
#pragma once
#include "base/str.h"

#include <signal.h>

typedef struct Process
    Process; /* lives until its test ends; a child still running then is killed */

/* argv[0]: a program that lies beside the test program's folder (freshet, freshet-sim), or a path
 * with a slash. Both arrays end with NULL; `env` holds NAME=value that are added, or is NULL.
 * Aborts the test when it cannot be started. */
Process *process_start(const char *const argv[], const char *const env[]);

/* Waits for a whole line with `part` in it, from the beginning of what was written, and gives it
 * without its end. Aborts the test, telling the output, when the child ends or 60 s pass without.
 */
Str process_wait_line(Process *process, const char *part);
/* True: a line with `part` is there now. */
bool process_has_line(Process *process, const char *part);

/* All that was written so far. Borrowed; after process_wait() it stays as it is. */
Str process_output(Process *process);

void process_signal(Process *process, int signal_number);
/* Waits for its end: the exit status, or minus the signal that ended it. After 60 s it is killed.
 */
int process_wait(Process *process);
pid_t process_pid(const Process *process);
