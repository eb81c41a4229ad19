/* tests/sim_kit.h - asking the simulator, for the tests that prove it. */
#pragma once
#include "tests/exchange.h"
#include "tests/simclock.h"
#include "tests/test.h"

#define ROOT "http://environment.data.gov.uk/flood-monitoring"

/* A small network, everything prompt, time standing still at 2026-01-20T12:00:00Z. */
Simulator sim_start(void);

/* `path` follows /flood-monitoring. Owned by the caller, all three. */
Exchanged sim_ask(const Simulator *simulator, const char *path);
Buf sim_get(const Simulator *simulator, const char *path); /* the body of a whole 200 */
/* What GET /truth answers; `query` is "" or begins with its ?. */
Buf sim_truth(const Simulator *simulator, const char *query);

Str sim_items(Str body);
size_t sim_count(Str body);
size_t sim_count_at(const Simulator *simulator, const char *path);
Str sim_nth(Str body, size_t n);
/* Text without its quotes, everything else raw; none where the member is not there. */
Str sim_member(Str object, const char *name);
UnixSec sim_time_of(Str reading);
int64_t sim_limit(Str body); /* meta.limit; -1 where there is none */
UnixSec sim_moment(const char *text);
