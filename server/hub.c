#include "server/hub.h"

#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/worker.h"
#include "server/sse.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    PIECE_ITEMS = 500,
    PIECE_SEEN = 20000, /* looked at for one piece: some 40 ms, taken or not */
    PIECE_MAX_BYTES = 8 << 20,
    PREPARED_PIECES = 16, /* of a generation, before those are woken who wait for it */
    KEPT_PIECES = 64,     /* of a channel, for others who come to the same place */
    TICK_MS = 250,        /* how exactly deadlines are kept */
    WAKE_AT_ONCE = 256,   /* before others get the lock */
    BUCKETS = 1024,
    RETRY_MIN_MS = 1000, /* with `bye`: spread, so that not all come back together */
    RETRY_SPREAD_MS = 9000,
};

/* Some bytes of a channel, shared: from one cursor to another. */
typedef struct Piece {
    _Atomic unsigned count;
    struct Piece *next; /* the channel's */
    ChangeCursor from, reached;
    size_t len;
    char bytes[];
} Piece;

/* All who want the same. Made by HTTP threads; the hub's thread alone drops it, so that it may walk
 * along them without the lock. */
typedef struct Channel {
    struct Channel *next;
    Arena strings; /* of key and filter */
    Str key;
    Feed feed;
    Format format;
    size_t subscribers;
    uint64_t newest; /* generation; who is behind it has something to get */
    Piece *first, *last;
    size_t piece_count;
} Channel;

typedef struct Link {
    struct Link *before, *after;
} Link;

typedef enum State {
    STATE_NEW,     /* in no list */
    STATE_BUSY,    /* it has something to send */
    STATE_IDLE,    /* held: it has all there is */
    STATE_WANTING, /* held until its next piece is rendered */
} State;

struct Subscriber {
    Link link; /* first: a list of these is a list of subscribers */
    Hub *hub;
    Channel *channel;
    void *waiter;
    uint64_t address;
    struct Subscriber *chain; /* in the bucket of its address */
    State state;
    int64_t since_ms; /* in its list, which is in this order */
    ChangeCursor at;
    bool needs_opening, needs_reset, needs_heartbeat;
    bool is_slow, has_said_bye;
    Piece *piece; /* its HTTP thread's: what is being sent */
    size_t offset;
};

struct Hub {
    Store *store;
    HubOptions options;
    HubHooks hooks;
    pthread_t thread; /* not a worker: its time is that of connections, never a simulation's */
    bool started;
    Lock lock; /* guards what follows */
    Cond change;
    bool draining, stopped;
    uint64_t generation; /* for which all were woken */
    Channel *channels;
    Link idle, wanting, busy;
    Subscriber *buckets[BUCKETS];
    unsigned count;
    HubWait waits; /* the ring's own link */
};

/* ---- rings ------------------------------------------------------------------------------------- */

static void ring_init(Link *ring)
{
    *ring = (Link){ring, ring};
}

static Subscriber *ring_first(const Link *ring)
{
    return ring->after != ring ? (Subscriber *) (void *) ring->after : NULL;
}

static void unlink_from_ring(Link *link)
{
    link->before->after = link->after;
    link->after->before = link->before;
}

static void put_last(Link *ring, Link *link)
{
    *link = (Link){ring->before, ring};
    ring->before->after = link;
    ring->before = link;
}

/* All of `from`, in their order, behind what is in `to`. */
static void ring_take_over(Link *to, Link *from)
{
    if (from->after == from)
        return;
    from->after->before = to->before;
    from->before->after = to;
    to->before->after = from->after;
    to->before = from->before;
    ring_init(from);
}

static void enter(Subscriber *subscriber, State state)
{
    Hub *hub = subscriber->hub;
    lock_assert_held(&hub->lock);
    if (subscriber->state != STATE_NEW)
        unlink_from_ring(&subscriber->link);
    subscriber->state = state;
    subscriber->since_ms = clock_elapsed_ms();
    put_last(state == STATE_BUSY   ? &hub->busy
             : state == STATE_IDLE ? &hub->idle
                                   : &hub->wanting,
             &subscriber->link);
}

static void wake(Subscriber *subscriber)
{
    enter(subscriber, STATE_BUSY);
    subscriber->hub->hooks.wake(subscriber->waiter);
}

/* ---- pieces ------------------------------------------------------------------------------------ */

static Piece *piece_new(Str bytes, const ChangeCursor *from, const ChangeCursor *reached)
{
    Piece *piece = malloc(sizeof *piece + bytes.len);
    if (piece == NULL)
        return NULL;
    *piece = (Piece){.count = 1, .from = *from, .reached = *reached, .len = bytes.len};
    if (bytes.len > 0)
        memcpy(piece->bytes, bytes.ptr, bytes.len);
    return piece;
}

static Piece *piece_keep(Piece *piece)
{
    (void) atomic_fetch_add_explicit(&piece->count, 1, memory_order_relaxed);
    return piece;
}

static void piece_drop(Piece *piece)
{
    if (piece != NULL && atomic_fetch_sub_explicit(&piece->count, 1, memory_order_acq_rel) == 1)
        free(piece);
}

static bool is_same_place(const ChangeCursor *a, const ChangeCursor *b)
{
    return a->generation == b->generation && a->taken == b->taken && a->epoch == b->epoch;
}

static Piece *find_piece(const Channel *channel, const ChangeCursor *from)
{
    Piece *piece = channel->first;
    while (piece != NULL && !is_same_place(&piece->from, from))
        piece = piece->next;
    return piece;
}

static void drop_first_piece(Channel *channel)
{
    Piece *piece = channel->first;
    channel->first = piece->next;
    if (channel->first == NULL)
        channel->last = NULL;
    channel->piece_count--;
    piece_drop(piece);
}

static void add_piece(Channel *channel, Piece *piece)
{
    *(channel->last != NULL ? &channel->last->next : &channel->first) = piece;
    channel->last = piece;
    if (++channel->piece_count > KEPT_PIECES)
        drop_first_piece(channel);
}

/* ---- channels ---------------------------------------------------------------------------------- */

static void channel_free(Channel *channel)
{
    while (channel->first != NULL)
        drop_first_piece(channel);
    arena_release(&channel->strings);
    free(channel);
}

static Channel *channel_new(Str key, const Feed *feed, Format format)
{
    Channel *channel = calloc(1, sizeof *channel);
    if (channel == NULL)
        return NULL;
    channel->strings = arena_init();
    channel->feed = *feed;
    channel->format = format;
    if (arena_copy(&channel->strings, key, &channel->key) &&
        filter_copy(&channel->strings, &feed->filter, &channel->feed.filter))
        return channel;
    channel_free(channel);
    return NULL;
}

static Channel *find_channel(const Hub *hub, Str key)
{
    Channel *channel = hub->channels;
    while (channel != NULL && !str_eq(channel->key, key))
        channel = channel->next;
    return channel;
}

/* Its thread's: nobody is left who wants them. */
static void drop_empty_channels(Hub *hub)
{
    lock_assert_held(&hub->lock);
    Channel **place = &hub->channels;
    while (*place != NULL) {
        Channel *channel = *place;
        if (channel->subscribers > 0) {
            place = &channel->next;
            continue;
        }
        *place = channel->next;
        channel_free(channel);
    }
}

/* ---- subscribers: what their HTTP threads do --------------------------------------------------- */

Subscriber *hub_subscribe(Hub *hub, Str key, const Feed *feed, Format format,
                          const ChangeCursor *from, bool is_reset)
{
    Subscriber *subscriber = calloc(1, sizeof *subscriber);
    if (subscriber == NULL)
        return NULL;
    lock_take(&hub->lock);
    Channel *channel = find_channel(hub, key);
    if (channel == NULL && (channel = channel_new(key, feed, format)) != NULL) {
        channel->newest = hub->generation;
        channel->next = hub->channels;
        hub->channels = channel;
    }
    if (channel != NULL)
        channel->subscribers++;
    lock_give(&hub->lock);
    if (channel == NULL) {
        free(subscriber);
        return NULL;
    }
    subscriber->hub = hub;
    subscriber->channel = channel;
    subscriber->at = *from;
    subscriber->needs_opening = true;
    subscriber->needs_reset = is_reset;
    return subscriber;
}

static unsigned count_of_address(const Hub *hub, uint64_t address)
{
    unsigned count = 0;
    for (const Subscriber *at = hub->buckets[address % BUCKETS]; at != NULL; at = at->chain)
        count += at->address == address;
    return count;
}

static bool has_room(const Hub *hub, uint64_t address)
{
    unsigned max = hub->options.max_subscribers, of_one = hub->options.max_subscribers_per_address;
    return !hub->draining && (max == 0 || hub->count < max) &&
           (of_one == 0 || count_of_address(hub, address) < of_one);
}

bool subscriber_join(Subscriber *subscriber, uint64_t address, void *waiter)
{
    Hub *hub = subscriber->hub;
    lock_take(&hub->lock);
    bool taken = has_room(hub, address);
    if (taken) {
        Subscriber **bucket = &hub->buckets[address % BUCKETS];
        subscriber->waiter = waiter;
        subscriber->address = address;
        subscriber->chain = *bucket;
        *bucket = subscriber;
        hub->count++;
        enter(subscriber, STATE_BUSY);
        cond_signal_all(&hub->change); /* from now on it keeps deadlines */
    }
    lock_give(&hub->lock);
    if (taken)
        metric_add(METRIC_HTTP_SUBSCRIBERS, 1);
    return taken;
}

void subscriber_leave(Subscriber *subscriber)
{
    if (subscriber == NULL)
        return;
    Hub *hub = subscriber->hub;
    lock_take(&hub->lock);
    bool had_joined = subscriber->state != STATE_NEW;
    if (had_joined) {
        Subscriber **place = &hub->buckets[subscriber->address % BUCKETS];
        while (*place != subscriber)
            place = &(*place)->chain;
        *place = subscriber->chain;
        unlink_from_ring(&subscriber->link);
        hub->count--;
    }
    subscriber->channel->subscribers--;
    lock_give(&hub->lock);
    if (had_joined)
        metric_add(METRIC_HTTP_SUBSCRIBERS, -1);
    piece_drop(subscriber->piece);
    free(subscriber);
}

/* What goes to one alone, and moves it nowhere. */
static Piece *make_notice(Subscriber *subscriber)
{
    enum { NOTICE_MAX_BYTES = 2048 };
    CLEANUP(buf_release) Buf text = buf_init(NOTICE_MAX_BYTES);
    const Hub *hub = subscriber->hub;
    Format format = subscriber->channel->format;
    const ChangeCursor *at = &subscriber->at;
    if (subscriber->needs_opening)
        sse_put_opening(&text, format, at);
    if (subscriber->needs_reset)
        sse_put_reset(&text, format, at);
    subscriber->needs_opening = subscriber->needs_reset = false;
    if (hub->draining || subscriber->is_slow) {
        sse_put_bye(&text, format, hub->draining ? "draining" : "slow",
                    RETRY_MIN_MS + arc4random_uniform(RETRY_SPREAD_MS));
        subscriber->has_said_bye = true;
    } else if (subscriber->needs_heartbeat) {
        sse_put_heartbeat(&text, format);
    }
    subscriber->needs_heartbeat = false;
    return text.len > 0 ? piece_new(buf_view(&text), at, at) : NULL;
}

static bool has_all(const Subscriber *subscriber)
{
    return subscriber->at.taken == 0 && subscriber->at.generation >= subscriber->channel->newest;
}

/* The next piece for it that has something in it; NULL: there is none, or it must be rendered. */
static Piece *next_piece(Subscriber *subscriber)
{
    Piece *piece = NULL;
    while (!has_all(subscriber) &&
           (piece = find_piece(subscriber->channel, &subscriber->at)) != NULL && piece->len == 0)
        subscriber->at = piece->reached;
    return has_all(subscriber) ? NULL : piece;
}

static void hold(Subscriber *subscriber)
{
    Hub *hub = subscriber->hub;
    bool is_wanting = !has_all(subscriber);
    enter(subscriber, is_wanting ? STATE_WANTING : STATE_IDLE);
    hub->hooks.hold(subscriber->waiter);
    if (is_wanting)
        cond_signal_all(&hub->change);
}

/* False: there is nothing, and it is held. */
static bool take_next(Subscriber *subscriber)
{
    Hub *hub = subscriber->hub;
    lock_take(&hub->lock);
    if (subscriber->piece != NULL)
        subscriber->at = subscriber->piece->reached;
    piece_drop(TAKE(subscriber->piece));
    subscriber->offset = 0;
    if (!subscriber->has_said_bye) {
        subscriber->piece = make_notice(subscriber);
        if (subscriber->piece == NULL && !subscriber->has_said_bye) {
            Piece *shared = next_piece(subscriber);
            subscriber->piece = shared != NULL ? piece_keep(shared) : NULL;
        }
        if (subscriber->piece != NULL)
            enter(subscriber, STATE_BUSY);
        else if (!subscriber->has_said_bye)
            hold(subscriber);
    }
    bool goes_on = subscriber->piece != NULL;
    lock_give(&hub->lock);
    return goes_on;
}

ssize_t subscriber_read(Subscriber *subscriber, char *bytes, size_t max)
{
    const Piece *piece = subscriber->piece;
    if (piece == NULL || subscriber->offset == piece->len) {
        if (subscriber->has_said_bye || !take_next(subscriber))
            return subscriber->has_said_bye ? -1 : 0;
        piece = subscriber->piece;
    }
    size_t rest = piece->len - subscriber->offset, len = rest < max ? rest : max;
    memcpy(bytes, piece->bytes + subscriber->offset, len);
    subscriber->offset += len;
    return (ssize_t) len;
}

/* ---- rendering: the hub's thread --------------------------------------------------------------- */

static const PortionLimits LIMITS = {
    .items = PIECE_ITEMS, .seen = PIECE_SEEN, .one_generation = true, .bytes = PIECE_MAX_BYTES};

/* *ret_generation: of the snapshot. NULL: it could not be made. */
static Piece *render(const Hub *hub, const Channel *channel, const ChangeCursor *from,
                     uint64_t *ret_generation, Err *err)
{
    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    CLEANUP(portion_release) Portion portion = {.count = 0};
    CLEANUP(buf_release) Buf text = buf_init(PIECE_MAX_BYTES);
    ErrCode rc = store_snapshot(hub->store, &snap, err);
    if (rc == OK)
        rc = portion_take(snap, &channel->feed, from, &LIMITS, &portion, err);
    if (rc != OK)
        return NULL;
    *ret_generation = snapshot_info(snap)->generation;
    snapshot_close(TAKE(snap));
    sse_put_portion(&text, channel->format, &portion);
    return buf_check(&text, err) == OK ? piece_new(buf_view(&text), from, &portion.reached) : NULL;
}

/* Adds the piece that follows `from`, and tells where it ends. False: it could not be made; who wants
 * it goes on waiting, and it is tried again. */
static bool add_next(Hub *hub, Channel *channel, ChangeCursor *from)
{
    Err err = {.code = ERR_NO_MEMORY, .text = "no memory for a piece"};
    uint64_t generation = 0;
    Piece *piece = render(hub, channel, from, &generation, &err);
    if (piece == NULL) {
        log_warn("stream not rendered error=" LOG_TEXT, err.text);
        return false;
    }
    *from = piece->reached;
    lock_take(&hub->lock);
    if (channel->newest < generation)
        channel->newest = generation;
    add_piece(channel, piece);
    lock_give(&hub->lock);
    return true;
}

/* What the new generation brings, ahead of those who ask for it. The rest of a very large one is
 * rendered as the first of them gets there. */
static void prepare(Hub *hub, Channel *channel, uint64_t generation)
{
    ChangeCursor at = {.epoch = store_epoch(hub->store), .generation = channel->newest};
    bool goes_on = true;
    for (int i = 0; i < PREPARED_PIECES && goes_on; i++)
        goes_on = at.generation < generation && add_next(hub, channel, &at);
    lock_take(&hub->lock);
    if (channel->newest < generation)
        channel->newest = generation;
    lock_give(&hub->lock);
}

/* ---- waking: the hub's thread ------------------------------------------------------------------ */

/* Wakes who has something to send; the others are held on. */
static void sort_out(Subscriber *subscriber)
{
    if (next_piece(subscriber) != NULL || subscriber->hub->draining ||
        subscriber->needs_heartbeat) {
        wake(subscriber);
        return;
    }
    int64_t since_ms = subscriber->since_ms;
    enter(subscriber, has_all(subscriber) ? STATE_IDLE : STATE_WANTING);
    subscriber->since_ms = since_ms; /* nothing was sent: its sign of life is still due */
}

/* All who are held in `ring`; others get the lock now and then. */
static void sort_out_all(Hub *hub, Link *ring)
{
    Link todo;
    size_t done = 0;
    lock_take(&hub->lock);
    ring_init(&todo);
    ring_take_over(&todo, ring);
    for (Subscriber *next; (next = ring_first(&todo)) != NULL; done++) {
        if (done % WAKE_AT_ONCE == WAKE_AT_ONCE - 1) {
            lock_give(&hub->lock);
            lock_take(&hub->lock);
            if ((next = ring_first(&todo)) == NULL)
                break;
        }
        sort_out(next);
    }
    lock_give(&hub->lock);
}

static void wake_waits(Hub *hub, uint64_t generation, int64_t now_ms)
{
    lock_assert_held(&hub->lock);
    for (HubWait *wait = hub->waits.after, *after; wait != &hub->waits; wait = after) {
        after = wait->after;
        if (wait->generation >= generation && wait->until_ms > now_ms && !hub->draining)
            continue;
        wait->before->after = wait->after;
        wait->after->before = wait->before;
        wait->is_held = false;
        hub->hooks.wake(wait->waiter);
    }
}

static void tell_generation(Hub *hub, uint64_t generation)
{
    lock_take(&hub->lock);
    drop_empty_channels(hub);
    Channel *first = hub->channels;
    hub->generation = generation;
    lock_give(&hub->lock);
    for (Channel *channel = first; channel != NULL; channel = channel->next)
        prepare(hub, channel, generation);
    sort_out_all(hub, &hub->idle);
}

/* One piece for the first who wants one; who wants the same gets it too. False: it failed. */
static bool serve_one(Hub *hub)
{
    lock_take(&hub->lock);
    const Subscriber *first = ring_first(&hub->wanting);
    Channel *channel = first != NULL ? first->channel : NULL;
    ChangeCursor at = first != NULL ? first->at : (ChangeCursor){.epoch = 0};
    lock_give(&hub->lock);
    if (channel == NULL)
        return true;
    bool made = add_next(hub, channel, &at);
    if (made)
        sort_out_all(hub, &hub->wanting);
    return made;
}

static void give_signs_of_life(Hub *hub, int64_t now_ms)
{
    for (Subscriber *next; (next = ring_first(&hub->idle)) != NULL &&
                           now_ms - next->since_ms >= hub->options.heartbeat_ms;) {
        next->needs_heartbeat = true;
        wake(next);
    }
}

/* First it is asked to end, at the end of its piece; then it is cut off. */
static void send_off_the_slow(Hub *hub, int64_t now_ms)
{
    for (Subscriber *next; (next = ring_first(&hub->busy)) != NULL &&
                           now_ms - next->since_ms >= hub->options.slow_ms;) {
        if (next->is_slow)
            hub->hooks.cut(next->waiter);
        else
            metric_add(METRIC_HTTP_SUBSCRIBERS_SLOW, 1);
        next->is_slow = true;
        enter(next, STATE_BUSY);
    }
}

static void keep_deadlines(Hub *hub)
{
    int64_t now_ms = clock_elapsed_ms();
    lock_take(&hub->lock);
    give_signs_of_life(hub, now_ms);
    send_off_the_slow(hub, now_ms);
    wake_waits(hub, store_generation(hub->store), now_ms);
    lock_give(&hub->lock);
}

/* Sleeps until there may be something to do. False: stop now. */
static bool rest(Hub *hub, bool is_failing)
{
    lock_take(&hub->lock);
    bool has_work = ring_first(&hub->wanting) != NULL && !is_failing;
    bool is_watched = hub->count > 0 || hub->waits.after != &hub->waits;
    if (!hub->stopped && !has_work && hub->generation == store_generation(hub->store))
        (void) cond_wait(&hub->change, &hub->lock,
                         is_watched ? clock_elapsed_ms() + TICK_MS : INT64_MAX);
    bool goes_on = !hub->stopped;
    lock_give(&hub->lock);
    return goes_on;
}

static void *run(void *ctx)
{
    Hub *hub = ctx;
    bool is_failing = false;
    worker_give_way();
    while (rest(hub, is_failing)) {
        uint64_t generation = store_generation(hub->store);
        if (generation != hub->generation) /* which no other thread writes */
            tell_generation(hub, generation);
        is_failing = !serve_one(hub);
        keep_deadlines(hub);
    }
    return NULL;
}

/* ---- requests that wait ------------------------------------------------------------------------ */

bool hub_hold(Hub *hub, HubWait *wait)
{
    lock_take(&hub->lock);
    bool taken = !hub->draining;
    if (taken) {
        wait->is_held = true;
        wait->before = hub->waits.before;
        wait->after = &hub->waits;
        hub->waits.before->after = wait;
        hub->waits.before = wait;
        hub->hooks.hold(wait->waiter);
        cond_signal_all(&hub->change); /* it may sleep for ever, or the generation be there */
    }
    lock_give(&hub->lock);
    return taken;
}

/* ---- start and stop ---------------------------------------------------------------------------- */

static void told(void *ctx, uint64_t generation)
{
    Hub *hub = ctx;
    (void) generation;
    lock_take(&hub->lock);
    cond_signal_all(&hub->change);
    lock_give(&hub->lock);
}

ErrCode hub_start(Store *store, const HubOptions *options, const HubHooks *hooks, Hub **ret_hub,
                  Err *err)
{
    Hub *hub = calloc(1, sizeof *hub);
    if (hub == NULL)
        return err_set(err, ERR_NO_MEMORY, "no memory for the stream");
    *hub = (Hub){.store = store, .options = *options, .hooks = *hooks};
    hub->generation = store_generation(store);
    hub->waits = (HubWait){.before = &hub->waits, .after = &hub->waits};
    lock_init(&hub->lock);
    cond_init(&hub->change);
    ring_init(&hub->idle);
    ring_init(&hub->wanting);
    ring_init(&hub->busy);
    ErrCode rc = store_watch(store, told, hub, err);
    int failure = rc == OK ? pthread_create(&hub->thread, NULL, run, hub) : 0;
    if (failure != 0)
        rc = err_set(err, ERR_NO_MEMORY, "start of the stream thread: %s", strerror(failure));
    if (rc != OK) {
        hub_close(hub);
        return rc;
    }
    (void) pthread_setname_np(hub->thread, "stream");
    hub->started = true;
    *ret_hub = hub;
    return OK;
}

void hub_drain(Hub *hub)
{
    lock_take(&hub->lock);
    hub->draining = true;
    wake_waits(hub, 0, 0);
    lock_give(&hub->lock);
    sort_out_all(hub, &hub->idle);
    sort_out_all(hub, &hub->wanting);
}

void hub_stop(Hub *hub)
{
    lock_take(&hub->lock);
    hub->stopped = true;
    for (const Link *link = hub->busy.after; link != &hub->busy; link = link->after)
        hub->hooks.cut(((const Subscriber *) (const void *) link)->waiter);
    cond_signal_all(&hub->change);
    lock_give(&hub->lock);
    if (hub->started)
        (void) pthread_join(hub->thread, NULL);
    hub->started = false;
}

void hub_close(Hub *hub)
{
    if (hub == NULL)
        return;
    store_unwatch(hub->store, told, hub);
    hub_stop(hub);
    assert(hub->count == 0);
    lock_take(&hub->lock);
    drop_empty_channels(hub);
    lock_give(&hub->lock);
    cond_release(&hub->change);
    lock_release(&hub->lock);
    free(hub);
}
