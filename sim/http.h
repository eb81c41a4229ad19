/* sim/http.h - the wire: libmicrohttpd, coding, headers, and the faults that only a wire can have.
 */
#pragma once
#include "sim/upstream.h"

typedef struct HttpServer HttpServer;

/* A thread for each connection, so that a fault may sleep in it.
 * Owns: ends with http_server_stop(). Errors: ERR_NETWORK (address in use or impossible). */
MUST_USE ErrCode http_server_start(Upstream *upstream, const char *host, uint16_t port,
                                   HttpServer **ret_server, Err *err);
uint16_t http_server_port(const HttpServer *server);
void http_server_stop(HttpServer *server); /* NULL is fine */
