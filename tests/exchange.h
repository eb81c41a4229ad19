/* tests/exchange.h - one HTTP exchange over a plain socket, seen as it is on the wire.
 *
 * For tests only: no redirects, no decoding of gzip, loopback, a connection each. Main thread only.
 */
#pragma once
#include "base/buf.h"

typedef struct Exchanged {
    int status;    /* 0: the connection ended without an answer */
    Buf head;      /* the status line and header fields, as they came */
    Buf body;      /* without chunk marks */
    bool is_whole; /* the body ended as its head says, not because the connection did */
} Exchanged;

/* `url`: http://host:port/..., sent as it stands. `fields`: more header lines, each with its \r\n,
 * or
 * "". `body` none: the method has none. Aborts the test when nobody listens. Owned by the caller.
 */
Exchanged exchange(const char *method, const char *url, const char *fields, Str body);
void exchanged_release(Exchanged *exchanged);
/* The value of a header field; "" where it is not there. Borrowed. */
Str exchanged_field(const Exchanged *exchanged, const char *name);

/* A connection to the host and port of `url`; -1: nobody listens. The caller closes it. */
int exchange_connect(const char *url);

/* GET; aborts the test unless the answer is a whole 200. Owned by the caller. */
Buf must_get(const char *url);
