/* tests/truth.h - what a service holds, what is true, and what a poller of the newest alone would
 * have kept of the same feed: readings as lines `measure,time,value`, to be compared.
 *
 * Main thread only. */
#pragma once
#include "tests/freshet.h"

/* Ordered, each once. */
typedef struct Lines {
    Buf text; /* owns what the items point into */
    Str *items;
    size_t count, cap;
} Lines;
Lines lines_init(void);
void lines_release(Lines *lines);
/* `into` gets those of `more` that it has not. */
void lines_join(Lines *into, const Lines *more);

/* All readings held, and for what has left its station's window the last known. */
Lines served_lines(const Freshet *service);
/* What an ideal ingest would hold at `as_of`, by the simulator. */
Lines true_lines(const Simulator *simulator, UnixSec as_of);

typedef struct Difference {
    size_t lost;     /* true, and not held */
    size_t stale;    /* held with another value */
    size_t untrue;   /* held, and not true */
    char first[200]; /* line of any kind; "": none */
} Difference;
void check_nothing(const Difference *difference);
Difference difference_of(const Lines *truth, const Lines *held);
/* The same, but what became true less than `cycle_s` ago may be missing, and less than `cycle_s` +
 * `sweep_s` ago where it came behind its measure's newest or changed. */
Difference overdue_difference(const Simulator *simulator, UnixSec now, int64_t cycle_s,
                              int64_t sweep_s, const Lines *held);
/* Everything that is true now is served, and nothing else. */
void check_truth(const Freshet *service, const Simulator *simulator, UnixSec now);

/* A poller as most are: asks for the newest of each measure, at most three times where that fails, and
 * keeps what it gets. */
typedef struct LatestOnly {
    Lines kept;
    uint64_t requests, bytes; /* bytes: of bodies, as transferred */
} LatestOnly;
LatestOnly latest_only_init(void);
void latest_only_poll(LatestOnly *poller, const Simulator *simulator);
void latest_only_release(LatestOnly *poller);

/* What the simulator counted, of `traffic` in /sim/stats: "requests", "sent_bytes", ... */
uint64_t traffic_count(const Simulator *simulator, const char *name);
