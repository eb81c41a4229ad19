#include "sim/upstream.h"

#include "base/clock.h"
#include "sim/simtime.h"

#include <string.h>

void upstream_init(Upstream *upstream, const World *world, const Habits *habits, bool gives_304)
{
    *upstream =
        (Upstream){.world = world, .habits = *habits, .gives_304 = gives_304, .changed = NO_TIME};
    (void) pthread_rwlock_init(&upstream->lock, NULL);
    lock_init(&upstream->pause_lock);
    cond_init(&upstream->stopped);
}

void upstream_release(Upstream *upstream)
{
    overlay_release(&upstream->overlay);
    (void) pthread_rwlock_destroy(&upstream->lock);
    cond_release(&upstream->stopped);
    lock_release(&upstream->pause_lock);
}

View upstream_view_locked(const Upstream *upstream, UnixSec now)
{
    UnixSec stuck = faults_stuck_since(&upstream->faults, now);
    return (View){.world = upstream->world,
                  .overlay = &upstream->overlay,
                  .habits = &upstream->habits,
                  .now = now,
                  .release = release_at(stuck != NO_TIME && stuck < now ? stuck : now)};
}

Release upstream_release_at(Upstream *upstream, UnixSec now)
{
    pthread_rwlock_rdlock(&upstream->lock);
    UnixSec time = upstream_view_locked(upstream, now).release, changed = upstream->changed;
    pthread_rwlock_unlock(&upstream->lock);
    return (Release){.time = time, .last_modified = changed > time ? changed : time};
}

bool upstream_take_fault(Upstream *upstream, Str target, UnixSec now, Fault *ret_fault)
{
    pthread_rwlock_wrlock(&upstream->lock);
    bool taken = faults_take(&upstream->faults, target, now, ret_fault);
    pthread_rwlock_unlock(&upstream->lock);
    return taken;
}

int64_t upstream_skew_s(Upstream *upstream, UnixSec now)
{
    pthread_rwlock_rdlock(&upstream->lock);
    int64_t skew_s = faults_skew_s(&upstream->faults, now);
    pthread_rwlock_unlock(&upstream->lock);
    return skew_s;
}

int64_t upstream_latency_ms(Upstream *upstream)
{
    pthread_rwlock_rdlock(&upstream->lock);
    int64_t latency_ms = upstream->latency_ms;
    pthread_rwlock_unlock(&upstream->lock);
    return latency_ms;
}

void upstream_answer(Upstream *upstream, UnixSec now, UnixSec release, Str path, Str query,
                     bool wants_csv, Answer *ret_answer)
{
    pthread_rwlock_rdlock(&upstream->lock);
    View view = upstream_view_locked(upstream, now);
    view.release = release; /* the one whose Last-Modified is told */
    answer_get(&view, path, query, wants_csv, ret_answer);
    pthread_rwlock_unlock(&upstream->lock);
}

void upstream_count(Upstream *upstream, const char *route, size_t bytes, bool not_modified)
{
    pthread_rwlock_wrlock(&upstream->lock);
    size_t i = 0;
    while (i < upstream->count_count && strcmp(upstream->counts[i].route, route) != 0)
        i++;
    if (i == upstream->count_count && i < ROUTES_COUNTED_MAX)
        upstream->counts[upstream->count_count++] = (RouteCount){.route = route};
    if (i < ROUTES_COUNTED_MAX) {
        upstream->counts[i].requests++;
        upstream->counts[i].bytes += bytes;
        upstream->counts[i].not_modified += not_modified ? 1 : 0;
    }
    pthread_rwlock_unlock(&upstream->lock);
}

void upstream_count_request(Upstream *upstream)
{
    pthread_rwlock_wrlock(&upstream->lock);
    upstream->traffic.requests++;
    pthread_rwlock_unlock(&upstream->lock);
}

void upstream_count_sent(Upstream *upstream, size_t bytes)
{
    pthread_rwlock_wrlock(&upstream->lock);
    upstream->traffic.sent_bytes += bytes;
    pthread_rwlock_unlock(&upstream->lock);
}

void upstream_count_opened(Upstream *upstream)
{
    pthread_rwlock_wrlock(&upstream->lock);
    Traffic *traffic = &upstream->traffic;
    traffic->connections++;
    traffic->open++;
    if (traffic->open > traffic->most_open)
        traffic->most_open = traffic->open;
    pthread_rwlock_unlock(&upstream->lock);
}

void upstream_count_closed(Upstream *upstream)
{
    pthread_rwlock_wrlock(&upstream->lock);
    upstream->traffic.open--;
    pthread_rwlock_unlock(&upstream->lock);
}

bool upstream_pause(Upstream *upstream, int64_t ms)
{
    int64_t deadline_ms = clock_elapsed_ms() + ms;
    lock_take(&upstream->pause_lock);
    while (!upstream->stopping && cond_wait(&upstream->stopped, &upstream->pause_lock, deadline_ms))
        continue;
    bool go_on = !upstream->stopping;
    lock_give(&upstream->pause_lock);
    return go_on;
}

void upstream_stop_pauses(Upstream *upstream)
{
    lock_take(&upstream->pause_lock);
    upstream->stopping = true;
    cond_signal_all(&upstream->stopped);
    lock_give(&upstream->pause_lock);
}
