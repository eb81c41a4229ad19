/* server/hub.h - who follows the changes: subscribers of the stream, and requests that wait.
 *
 * One background thread. It renders what subscribers are to get, piece by piece, each once for all
 * who want the same from the same place; wakes all when a generation is announced; gives those to whom
 * nothing happens a sign of life. It knows no connections: a waiter is held when there is nothing for
 * it, and woken. A subscriber holds one piece at a time and a cursor, so that a slow one costs the
 * others nothing: it goes at its own pace, and is sent off when it does not get through a piece in time.
 *
 * HTTP threads subscribe, read and leave; the ingest thread tells of generations. */
#pragma once
#include "server/feed.h"

#include <sys/types.h>

typedef struct Hub Hub;
typedef struct Subscriber Subscriber;

typedef struct HubHooks {
    void (*hold)(void *waiter); /* on its own HTTP thread; under the hub's lock */
    void (*wake)(void *waiter); /* any thread, once after each hold; under the hub's lock */
    void (*cut)(void *waiter);  /* hub's thread: ends its connection from outside */
} HubHooks;

typedef struct HubOptions {
    unsigned max_subscribers, max_subscribers_per_address; /* 0: no limit */
    int64_t heartbeat_ms;                                  /* between two signs of life */
    int64_t slow_ms; /* for one piece; after that it gets `bye`, after twice that it is cut off */
} HubOptions;

/* Owns: *ret_hub ends with hub_close(). Errors: ERR_NO_MEMORY, ERR_BUSY (too many watchers). */
MUST_USE ErrCode hub_start(Store *store, const HubOptions *options, const HubHooks *hooks,
                           Hub **ret_hub, Err *err);
/* Everybody who is held is woken; subscribers get `bye`, nobody is held any more. */
void hub_drain(Hub *hub);
void hub_stop(Hub *hub);  /* whoever still reads is cut off */
void hub_close(Hub *hub); /* when every subscriber has left; NULL is fine */

/* ---- subscribers ------------------------------------------------------------------------------- */

/* `key` tells the same questions in the same form; it and `feed` are copied. `is_reset`: the stream
 * begins with that. Owns: ends with subscriber_leave(). NULL: no memory. */
Subscriber *hub_subscribe(Hub *hub, Str key, const Feed *feed, Format format,
                          const ChangeCursor *from, bool is_reset);
/* From now on `waiter` stands for it. False: there are too many, in all or of that address. */
MUST_USE bool subscriber_join(Subscriber *subscriber, uint64_t address, void *waiter);
/* Up to `max` bytes. 0: there are none now, and it is held. -1: the end. */
ssize_t subscriber_read(Subscriber *subscriber, char *bytes, size_t max);
void subscriber_leave(Subscriber *subscriber); /* NULL is fine */

/* ---- requests that wait ------------------------------------------------------------------------ */

typedef struct HubWait {
    struct HubWait *before, *after; /* the hub's */
    void *waiter;
    uint64_t generation; /* for one newer than this */
    int64_t until_ms;    /* of clock_elapsed_ms(), at most */
    bool is_held;
} HubWait;

/* Holds wait->waiter until then. False: the hub drains, nothing was held. */
MUST_USE bool hub_hold(Hub *hub, HubWait *wait);
