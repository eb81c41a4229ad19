/* server/peers.h - who is connected: counted, and held to bringing a request in time.
 *
 * libmicrohttpd starts its idle time-out anew with each byte, so that a trickled head would hold a
 * connection for ever. Here a connection has one deadline for a whole head, from its opening or its
 * last answer; a guard thread shuts down those that miss it. */
#pragma once
#include "server/gate.h"
#include "server/hub.h"

#include <sys/socket.h>

typedef struct Peers Peers;

/* One connection. Its request fields belong to the HTTP thread that serves it. */
typedef struct Peer {
    Buf target;                        /* of the request under way, as it came */
    bool is_begun;                     /* its head has been judged */
    bool is_counted;                   /* among the requests under way */
    bool is_surplus;                   /* beyond a limit: it gets 503 and is closed */
    Verdict verdict;                   /* of the request under way, where there is a gate */
    bool is_rendered;                  /* its answer was deferred and is here; the count is ours */
    Rendered rendered;                 /* without a Finished: it could not be */
    struct MHD_Connection *connection; /* suspended while its answer is rendered */
    HubWait wait;                      /* until something changes; until_ms 0: not yet begun */
    int fd;
    uint64_t address;                 /* hash of the peer's, without port */
    _Atomic int64_t waiting_since_ms; /* clock_elapsed_ms(); 0: a request is under way */
    struct Peer *before, *after;      /* in the list of all */
    struct Peer *chain;               /* in the bucket of its address */
} Peer;

typedef struct PeersOptions {
    unsigned max, max_per_address; /* 0: no limit */
    int64_t head_deadline_ms;
    size_t max_target_bytes; /* of Peer.target: what is longer marks it failed */
} PeersOptions;

/* Owns: *ret_peers ends with peers_close(), when every Peer has left. Errors: ERR_NO_MEMORY. */
MUST_USE ErrCode peers_open(const PeersOptions *options, Peers **ret_peers, Err *err);
void peers_close(Peers *peers); /* NULL is fine */

/* Any thread. NULL: no memory. */
Peer *peers_join(Peers *peers, int fd, const struct sockaddr *address);
void peers_leave(Peers *peers, Peer *peer);

void peer_begins(Peers *peers, Peer *peer); /* its head is complete */
void peer_ends(Peers *peers, Peer *peer);   /* its answer is sent, or it was given up */
/* Waits until no request is under way. False: `deadline_ms` of clock_elapsed_ms() passed. */
bool peers_drain(Peers *peers, int64_t deadline_ms);
