/* tests/loopback.h - a small HTTP/1.1 server on 127.0.0.1 whose answers a function makes.
 *
 * A thread a connection; the function is called by one of them at a time. Ends with its test. */
#pragma once
#include "base/buf.h"

typedef struct LoopbackRequest {
    Str method, target; /* as sent */
    Str path, query;    /* of the target, without the ?; absolute form without its origin */
    Str head;           /* the fields as they came */
    Str body;
} LoopbackRequest;

typedef struct LoopbackReply {
    int status;
    Buf fields; /* each with its \r\n; Content-Length and Date come by themselves */
    Buf body;
    int64_t date_offset_s; /* of its Date from the true one */
    int64_t cut_at;        /* bytes of the body after which the connection ends; -1: never */
    bool no_answer;        /* the connection ends at once */
} LoopbackReply;

typedef void LoopbackFn(const LoopbackRequest *request, LoopbackReply *reply, void *ctx);

typedef struct Loopback Loopback;
Loopback *loopback_start(LoopbackFn *answer, void *ctx);
const char *loopback_origin(const Loopback *loopback); /* http://127.0.0.1:PORT */
unsigned loopback_port(const Loopback *loopback);
/* Held while the function runs; for a test that looks at what it writes. */
void loopback_lock(Loopback *loopback);
void loopback_unlock(Loopback *loopback);
int loopback_connections(Loopback *loopback); /* accepted so far */

/* A field of a request, case ignored; none when it is not there. */
Str loopback_field(const LoopbackRequest *request, const char *name);
