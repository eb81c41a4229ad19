/* tests/freshet.h - the real program, freshet, for a scenario: started, asked over HTTP, ended.
 *
 * Main thread only; it ends with its test. */
#pragma once
#include "tests/exchange.h"
#include "tests/simclock.h"
#include "tests/test.h"

typedef struct Freshet {
    Process *process;
    char url[64]; /* http://127.0.0.1:PORT */
} Freshet;

/* On a free port, with its data in `data_dir`. `upstream`: an address. `clock`: of a simulator, or NULL
 * for the real one. `more`: further arguments, ended by NULL, or NULL. Returns when it serves. */
Freshet freshet_start(const char *data_dir, const char *upstream, const char *clock,
                      const char *const more[]);
/* SIGTERM; the exit status. */
int freshet_stop(Freshet *service);

/* The body of a 200; aborts the test otherwise. Owned by the caller. */
Buf freshet_get(const Freshet *service, const char *target);
/* Only the status of a GET. */
int freshet_status(const Freshet *service, const char *target);
/* A member of /v1/status: "fault", "last_poll.received". Borrowed until the next call. */
Str freshet_tell(const Freshet *service, const char *path);
/* Asks /v1/status until `path` is `want`, at most 60 s. */
void freshet_wait(const Freshet *service, const char *path, const char *want);

/* The cell `at` of a CSV line without quotes, from 0 on. */
Str csv_cell(Str line, size_t at);
