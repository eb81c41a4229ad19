/* server/hub_inside.h - what a hub and its subscribers are made of. Private to server/hub.c, its
 * thread and the requests that wait, and server/subscriber.c, what HTTP threads do. */
#pragma once
#include "base/lock.h"
#include "server/channel.h"
#include "server/hub.h"

#include <pthread.h>

enum { SUBSCRIBER_BUCKETS = 1024 }; /* by address */

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
    uint64_t exports_told; /* the hub's, as far as it knows */
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
    Subscriber *buckets[SUBSCRIBER_BUCKETS];
    unsigned count;
    HubWait waits; /* the ring's own link */
    /* the newest exported generation, its object, and the event that tells of it; how many were told */
    Buf exported;
    Piece *export_pieces[FORMAT_COUNT];
    uint64_t exports_told;
    uint64_t exports_seen; /* its thread's, of store_export_count() */
};

/* All of these: under the hub's lock. */
void ring_init(Link *ring);
Subscriber *ring_first(const Link *ring); /* NULL: nobody */
void ring_take_over(Link *to,
                    Link *from); /* all of `from`, in their order, behind what is in `to` */
void subscriber_enter(Subscriber *subscriber, State state);
void subscriber_wake(Subscriber *subscriber); /* that is held */
/* What it is to be told of exports; NULL: nothing new. */
Piece *subscriber_next_export(const Subscriber *subscriber);
bool subscriber_has_all(const Subscriber *subscriber);
/* The next piece for it that has something in it; NULL: there is none, or it must be rendered. */
Piece *subscriber_next_piece(Subscriber *subscriber);
