#include "base/clock.h"
#include "base/metrics.h"
#include "server/hub_inside.h"
#include "server/sse.h"

#include <stdlib.h>
#include <string.h>

enum {
    RETRY_MIN_MS = 1000, /* with `bye`: spread, so that not all come back together */
    RETRY_SPREAD_MS = 9000,
};

/* ---- rings ------------------------------------------------------------------------------------- */

void ring_init(Link *ring)
{
    *ring = (Link){ring, ring};
}

Subscriber *ring_first(const Link *ring)
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

void ring_take_over(Link *to, Link *from)
{
    if (from->after == from)
        return;
    from->after->before = to->before;
    from->before->after = to;
    to->before->after = from->after;
    to->before = from->before;
    ring_init(from);
}

void subscriber_enter(Subscriber *subscriber, State state)
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

void subscriber_wake(Subscriber *subscriber)
{
    subscriber_enter(subscriber, STATE_BUSY);
    subscriber->hub->hooks.wake(subscriber->waiter);
}

static Channel *find_channel(const Hub *hub, Str key)
{
    Channel *channel = hub->channels;
    while (channel != NULL && !str_eq(channel->key, key))
        channel = channel->next;
    return channel;
}

/* ---- coming and going -------------------------------------------------------------------------- */

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
    for (const Subscriber *at = hub->buckets[address % SUBSCRIBER_BUCKETS]; at != NULL;
         at = at->chain)
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
        Subscriber **bucket = &hub->buckets[address % SUBSCRIBER_BUCKETS];
        subscriber->waiter = waiter;
        subscriber->address = address;
        subscriber->chain = *bucket;
        *bucket = subscriber;
        hub->count++;
        subscriber->exports_told = hub->exports_told;
        subscriber_enter(subscriber, STATE_BUSY);
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
        Subscriber **place = &hub->buckets[subscriber->address % SUBSCRIBER_BUCKETS];
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
    enum { NOTICE_MAX_BYTES = 1 << 18 }; /* a manifest is some 2 KB of it */
    CLEANUP(buf_release) Buf text = buf_init(NOTICE_MAX_BYTES);
    const Hub *hub = subscriber->hub;
    Format format = subscriber->channel->format;
    const ChangeCursor *at = &subscriber->at;
    if (subscriber->needs_opening)
        sse_put_opening(&text, format, at);
    if (subscriber->needs_reset)
        sse_put_reset(&text, format, at,
                      hub->exported.len > 0 ? buf_view(&hub->exported) : STR("null"));
    subscriber->needs_opening = subscriber->needs_reset = false;
    if (hub->draining || subscriber->is_slow) {
        sse_put_bye(&text, format, hub->draining ? "draining" : "slow",
                    RETRY_MIN_MS + arc4random_uniform(RETRY_SPREAD_MS));
        subscriber->has_said_bye = true;
    } else if (subscriber->needs_heartbeat) {
        sse_put_heartbeat(&text, format);
    }
    subscriber->needs_heartbeat = false;
    return text.len > 0 ? piece_new_notice(buf_view(&text)) : NULL;
}

Piece *subscriber_next_export(const Subscriber *subscriber)
{
    const Hub *hub = subscriber->hub;
    return subscriber->exports_told < hub->exports_told
               ? hub->export_pieces[subscriber->channel->format]
               : NULL;
}

bool subscriber_has_all(const Subscriber *subscriber)
{
    return subscriber->at.taken == 0 && subscriber->at.generation >= subscriber->channel->newest;
}

Piece *subscriber_next_piece(Subscriber *subscriber)
{
    Piece *piece = NULL;
    while (!subscriber_has_all(subscriber) &&
           (piece = channel_find(subscriber->channel, &subscriber->at)) != NULL && piece->len == 0)
        subscriber->at = piece->reached;
    return subscriber_has_all(subscriber) ? NULL : piece;
}

static void hold(Subscriber *subscriber)
{
    Hub *hub = subscriber->hub;
    bool is_wanting = !subscriber_has_all(subscriber);
    subscriber_enter(subscriber, is_wanting ? STATE_WANTING : STATE_IDLE);
    hub->hooks.hold(subscriber->waiter);
    if (is_wanting)
        cond_signal_all(&hub->change);
}

/* False: there is nothing, and it is held. */
static bool take_next(Subscriber *subscriber)
{
    Hub *hub = subscriber->hub;
    lock_take(&hub->lock);
    if (subscriber->piece != NULL && !subscriber->piece->is_notice)
        subscriber->at = subscriber->piece->reached;
    piece_drop(TAKE(subscriber->piece));
    subscriber->offset = 0;
    if (!subscriber->has_said_bye) {
        subscriber->piece = make_notice(subscriber);
        if (subscriber->piece == NULL && !subscriber->has_said_bye) {
            Piece *shared = subscriber_next_export(subscriber);
            subscriber->exports_told = hub->exports_told;
            if (shared == NULL)
                shared = subscriber_next_piece(subscriber);
            subscriber->piece = shared != NULL ? piece_keep(shared) : NULL;
        }
        if (subscriber->piece != NULL)
            subscriber_enter(subscriber, STATE_BUSY);
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
