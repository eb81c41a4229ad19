#include "server/peers.h"

#include "base/clock.h"
#include "base/lock.h"
#include "base/metrics.h"

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    BUCKETS = 1024,
    GUARD_PAUSE_MS = 500,
    SURPLUS_DEADLINE_MS = 2000, /* it would only hold a place for nothing */
};

struct Peers {
    PeersOptions options;
    pthread_t guard; /* not a worker: its sleep is real time, never a simulation's */
    _Atomic int64_t under_way;
    Lock lock; /* guards what follows */
    Cond change;
    bool stopping;
    unsigned count; /* without the surplus */
    Peer *first;
    Peer *buckets[BUCKETS];
};

/* ---- deadlines ------------------------------------------------------------------------------- */

static void shut_overdue(Peers *peers)
{
    int64_t now_ms = clock_elapsed_ms();
    for (Peer *peer = peers->first; peer != NULL; peer = peer->after) {
        int64_t since_ms = peer->waiting_since_ms;
        int64_t limit_ms = peer->is_surplus ? SURPLUS_DEADLINE_MS : peers->options.head_deadline_ms;
        if (since_ms != 0 && now_ms - since_ms > limit_ms)
            (void) shutdown(peer->fd, SHUT_RDWR); /* its HTTP thread sees the end and closes it */
    }
}

static void *guard(void *ctx)
{
    Peers *peers = ctx;
    lock_take(&peers->lock);
    while (!peers->stopping) {
        (void) cond_wait(&peers->change, &peers->lock, clock_elapsed_ms() + GUARD_PAUSE_MS);
        shut_overdue(peers);
    }
    lock_give(&peers->lock);
    return NULL;
}

ErrCode peers_open(const PeersOptions *options, Peers **ret_peers, Err *err)
{
    Peers *peers = calloc(1, sizeof *peers);
    if (peers == NULL)
        return err_set(err, ERR_NO_MEMORY, "no memory for the list of connections");
    peers->options = *options;
    lock_init(&peers->lock);
    cond_init(&peers->change);
    int failure = pthread_create(&peers->guard, NULL, guard, peers);
    if (failure != 0) {
        cond_release(&peers->change);
        lock_release(&peers->lock);
        free(peers);
        return err_set(err, ERR_NO_MEMORY, "start of the guard thread: %s", strerror(failure));
    }
    (void) pthread_setname_np(peers->guard, "http-guard");
    *ret_peers = peers;
    return OK;
}

void peers_close(Peers *peers)
{
    if (peers == NULL)
        return;
    lock_take(&peers->lock);
    peers->stopping = true;
    cond_signal_all(&peers->change);
    lock_give(&peers->lock);
    (void) pthread_join(peers->guard, NULL);
    assert(peers->first == NULL);
    cond_release(&peers->change);
    lock_release(&peers->lock);
    free(peers);
}

/* ---- coming and going ------------------------------------------------------------------------ */

static uint64_t hash_on(uint64_t hash, const void *bytes, size_t len) /* FNV-1a */
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ at[i]) * 1099511628211U;
    return hash;
}

/* One house has a /64: its addresses count as one. */
static uint64_t hash_address(const struct sockaddr *address)
{
    enum { NETWORK_BYTES = 8 };
    const uint64_t seed = 14695981039346656037U;
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *) (const void *) address;
        return hash_on(seed, &v4->sin_addr, sizeof v4->sin_addr);
    }
    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *) (const void *) address;
        if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) /* the last 4 bytes are the address */
            return hash_on(seed, &v6->sin6_addr.s6_addr[12], 4);
        return hash_on(seed, &v6->sin6_addr, NETWORK_BYTES);
    }
    return seed;
}

static unsigned count_of_address(const Peers *peers, uint64_t address)
{
    unsigned count = 0;
    for (const Peer *peer = peers->buckets[address % BUCKETS]; peer != NULL; peer = peer->chain)
        count += peer->address == address && !peer->is_surplus;
    return count;
}

static bool is_surplus(const Peers *peers, uint64_t address)
{
    const PeersOptions *options = &peers->options;
    return (options->max > 0 && peers->count >= options->max) ||
           (options->max_per_address > 0 &&
            count_of_address(peers, address) >= options->max_per_address);
}

Peer *peers_join(Peers *peers, int fd, const struct sockaddr *address)
{
    Peer *peer = calloc(1, sizeof *peer);
    if (peer == NULL)
        return NULL;
    peer->target = buf_init(peers->options.max_target_bytes);
    peer->fd = fd;
    peer->address = hash_address(address);
    peer->waiting_since_ms = clock_elapsed_ms();
    lock_take(&peers->lock);
    peer->is_surplus = is_surplus(peers, peer->address);
    peers->count += !peer->is_surplus;
    Peer **bucket = &peers->buckets[peer->address % BUCKETS];
    peer->chain = *bucket;
    *bucket = peer;
    peer->after = peers->first;
    if (peers->first != NULL)
        peers->first->before = peer;
    peers->first = peer;
    lock_give(&peers->lock);
    metric_add(METRIC_HTTP_CONNECTIONS, 1);
    return peer;
}

void peers_leave(Peers *peers, Peer *peer)
{
    peer_ends(peers, peer);
    lock_take(&peers->lock);
    peers->count -= !peer->is_surplus;
    Peer **slot = &peers->buckets[peer->address % BUCKETS];
    while (*slot != peer)
        slot = &(*slot)->chain;
    *slot = peer->chain;
    *(peer->before != NULL ? &peer->before->after : &peers->first) = peer->after;
    if (peer->after != NULL)
        peer->after->before = peer->before;
    lock_give(&peers->lock);
    metric_add(METRIC_HTTP_CONNECTIONS, -1);
    buf_release(&peer->target);
    free(peer);
}

/* ---- requests -------------------------------------------------------------------------------- */

void peer_begins(Peers *peers, Peer *peer)
{
    peer->waiting_since_ms = 0;
    peer->is_counted = true;
    (void) atomic_fetch_add_explicit(&peers->under_way, 1, memory_order_relaxed);
}

void peer_ends(Peers *peers, Peer *peer)
{
    peer->is_begun = false;
    peer->waiting_since_ms = clock_elapsed_ms();
    if (!peer->is_counted)
        return;
    peer->is_counted = false;
    (void) atomic_fetch_sub_explicit(&peers->under_way, 1, memory_order_release);
}

bool peers_drain(Peers *peers, int64_t deadline_ms)
{
    enum { PAUSE_MS = 5 };
    bool in_time = true;
    lock_take(&peers->lock);
    while (peers->under_way > 0 && in_time) {
        int64_t now_ms = clock_elapsed_ms();
        in_time = now_ms < deadline_ms;
        (void) cond_wait(&peers->change, &peers->lock, now_ms + PAUSE_MS);
    }
    lock_give(&peers->lock);
    return in_time;
}
