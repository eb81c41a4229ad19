/* sim/upstream.h - the one thing the simulator's threads share: the world, what is laid over it,
 * what goes wrong, and what was asked. Any thread. */
#pragma once
#include "base/lock.h"
#include "sim/answer.h"
#include "sim/fault.h"

enum { ROUTES_COUNTED_MAX = 32 };

typedef struct RouteCount {
    const char *route;
    uint64_t requests, not_modified, bytes; /* bytes: of bodies, before they are compressed */
} RouteCount;

typedef struct Upstream {
    const World *world;    /* does not change */
    bool gives_304;        /* does not change */
    pthread_rwlock_t lock; /* guards the next group: held for reading while an answer is made */
    Overlay overlay;
    Faults faults;
    UnixSec changed; /* when a test last laid something over the world; NO_TIME */
    RouteCount counts[ROUTES_COUNTED_MAX];
    size_t count_count;
    Lock pause_lock; /* guards the next group */
    Cond stopped;
    bool stopping;
} Upstream;

void upstream_init(Upstream *upstream, const World *world, bool gives_304);
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
/* `route` must outlive the Upstream. */
void upstream_count(Upstream *upstream, const char *route, size_t bytes, bool not_modified);

/* Waits in real time. False: the simulator stops. */
bool upstream_pause(Upstream *upstream, int64_t ms);
void upstream_stop_pauses(Upstream *upstream);
