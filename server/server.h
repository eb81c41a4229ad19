/* server/server.h - the HTTP side: start and stop.
 *
 * With reply.c the only user of libmicrohttpd. Every answer is a rendering of one Snapshot. */
#pragma once
#include "base/err.h"
#include "server/limit.h"
#include "store/store.h"

typedef struct Server Server;

typedef struct ServerOptions {
    const char *listen; /* 127.0.0.1:8080, [::]:8080, :8080; port 0 lets the system choose */
    unsigned thread_count;
    unsigned max_connections, max_connections_per_address;
    int64_t idle_timeout_s;    /* of a connection */
    size_t max_target_bytes;   /* of path and query; beyond it 414 */
    size_t max_parameters;     /* of one query */
    size_t max_response_bytes; /* of one answer; beyond it `too-large` */
    size_t max_json_items;     /* of one JSON answer; beyond it `too-large` */
    size_t cache_bytes;        /* for finished responses */
    const char *spool_dir;     /* of answers larger than memory, and of lists in pages */
    size_t spool_bytes;        /* for all of them; one may take half */
    const char *build;         /* version, in /v1/status and ETags */
    const char *upstream;      /* told in the service document */
    const char *shard;         /* "2/5": told in /v1/status */
    int64_t poll_interval_s, window_s;
    bool facade_strict;    /* the Agency's paths keep the shapes of its quirks */
    bool facade_local_ids; /* their addresses are ours, and not the Agency's */
    bool
        facade_keeps_history; /* they answer with what is held, and do not send elsewhere for more */
    unsigned max_subscribers, max_subscribers_per_address; /* of the stream; 0: no limit */
    Rate rate;                  /* of requests of one address; count 0: no limit */
    const char *tokens_file;    /* of those who may ask; NULL: anybody */
    int64_t heartbeat_ms;       /* of a stream on which nothing happens */
    int64_t slow_subscriber_ms; /* for one piece of a stream; then it is sent off */
} ServerOptions;

/* Owns: *ret_server ends with server_stop(). Errors: ERR_INVALID (address), ERR_NETWORK (in use),
 * those of server_reload(). */
MUST_USE ErrCode server_start(Store *store, const ServerOptions *options, Server **ret_server,
                              Err *err);
unsigned server_port(const Server *server);
/* Reads the file of tokens anew. Errors: ERR_STORAGE, ERR_FORMAT, ERR_NO_MEMORY: those that were good
 * stay so. */
MUST_USE ErrCode server_reload(Server *server, Err *err);
/* Draining: /ready answers 503, new connections are refused; then waits for requests under way. */
void server_stop(Server *server); /* NULL is fine */
