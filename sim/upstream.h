/* sim/upstream.h - the one thing the simulator's threads share: the world, what is laid over it,
 * what goes wrong, and what was asked. Any thread. */
#pragma once
#include "base/lock.h"
#include "sim/answer.h"
#include "sim/exchanges.h"
#include "sim/fault.h"

enum { ROUTES_COUNTED_MAX = 32 };

typedef struct RouteCount {
    const char *route;
    uint64_t requests, not_modified, bytes; /* bytes: of bodies, before they are compressed */
} RouteCount;

/* What those who ask for data cost the upstream; who asks /sim/... is not among them. */
typedef struct Traffic {
    uint64_t requests, sent_bytes; /* also where something went wrong; of bodies, as transferred */
    uint64_t connections, open, most_open;
} Traffic;

typedef struct Upstream {
    const World *world;         /* does not change */
    const Exchanges *exchanges; /* likewise; NULL: the world answers */
    bool gives_304;             /* does not change */
    pthread_rwlock_t lock; /* guards the next group: held for reading while an answer is made */
    Overlay overlay;
    Habits habits;
    Faults faults;
    int64_t latency_ms; /* before each answer, in real time */
    UnixSec changed;    /* when a test last laid something over the world; NO_TIME */
    RouteCount counts[ROUTES_COUNTED_MAX];
    size_t count_count;
    Traffic traffic;
    Lock pause_lock; /* guards the next group */
    Cond stopped;
    bool stopping;
} Upstream;

void upstream_init(Upstream *upstream, const World *world, const Habits *habits, bool gives_304);
void upstream_release(Upstream *upstream);

/* What is out at `now`. */
typedef struct Release {
    UnixSec time, last_modified;
} Release;
Release upstream_release_at(Upstream *upstream, UnixSec now);

/* For whoever holds the lock, or is alone: what is out at `now`. */
View upstream_view_locked(const Upstream *upstream, UnixSec now);

/* True: `ret_fault` befalls the answer to `target`. */
bool upstream_take_fault(Upstream *upstream, Str target, UnixSec now, Fault *ret_fault);
int64_t upstream_skew_s(Upstream *upstream, UnixSec now);
void upstream_answer(Upstream *upstream, UnixSec now, UnixSec release, Str path, Str query,
                     bool wants_csv, Answer *ret_answer);
int64_t upstream_latency_ms(Upstream *upstream);
/* `route` must outlive the Upstream. */
void upstream_count(Upstream *upstream, const char *route, size_t bytes, bool not_modified);
void upstream_count_request(Upstream *upstream);
void upstream_count_sent(Upstream *upstream, size_t bytes);
void upstream_count_opened(Upstream *upstream); /* with the first request for data on it */
void upstream_count_closed(Upstream *upstream);

/* Waits in real time. False: the simulator stops. */
bool upstream_pause(Upstream *upstream, int64_t ms);
void upstream_stop_pauses(Upstream *upstream);
