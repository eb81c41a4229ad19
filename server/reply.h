/* server/reply.h - an answer: first being made, then finished and shared.
 *
 * A handler fills a Reply. Once finished its bytes never change: a Finished is counted, may be sent
 * by several threads at once, and may lie in the cache. With server.c the only user of
 * libmicrohttpd. */
#pragma once
#include "server/coding.h"
#include "server/range.h"
#include "server/request.h"
#include "server/spool.h"

struct MHD_Connection;
struct Paged;
struct Subscriber;

typedef struct Header {
    const char *name;
    Str value; /* without control characters; borrowed while the Reply lives */
} Header;

enum { REPLY_HEADERS_MAX = 24, REPLY_HEADER_MAX_BYTES = 4096, DIGEST_SIZE = 64 };

typedef struct Reply {
    unsigned status; /* 200 unless said */
    const char *content_type;
    Buf body; /* owned */
    Header headers[REPLY_HEADERS_MAX];
    size_t header_count;
    Spools *spools;                /* where a body larger than memory goes; NULL: nowhere */
    size_t spools_from;            /* so many bytes of it stay in memory; 0: a megabyte */
    Spool *spool;                  /* owned: what came before `body`; NULL while it all fits */
    char digest[DIGEST_SIZE];      /* Repr-Digest of a spooled body */
    struct Paged *paged;           /* owned: the list of which this is a page; NULL: of none */
    struct Subscriber *subscriber; /* owned: gives the body; NULL: it is here */
    bool is_bare;                  /* of a body that is not made: it has no length */
    Problem problem;               /* of type PROBLEM_NONE: the body is the answer */
} Reply;

/* What goes wrong in a handler is an ErrCode with a sentence, or, where more is known, a problem
 * that it sets in the reply before it returns the code. */
typedef ErrCode Handler(const Request *req, Reply *reply, Err *err);

Reply reply_init(size_t max_bytes);
void reply_release(Reply *reply);
void reply_header(Reply *reply, const char *name, Str value);

/* To be called between rows: moves a body that has grown large on to a spool. False: no more can be
 * taken, and the error sticks in the body. */
bool reply_more(Reply *reply);
/* The body is whole: what has a spool goes there to its last byte, and gets Repr-Digest and
 * Accept-Ranges. Errors: as spool_append(). */
MUST_USE ErrCode reply_seal(Reply *reply, Err *err);

/* Turns the reply into the problem that `code` stands for, where it has not set one itself. */
void reply_fail(Reply *reply, Arena *arena, ErrCode code, const Err *err);
/* Makes the body of a reply with a problem, and the headers that every problem has. */
void reply_render_problem(Reply *reply, Arena *arena);

/* ---- finished -------------------------------------------------------------------------------- */

typedef struct Finished Finished;

/* Takes the body over and copies the headers. `expires` becomes the header Expires; NO_TIME: none.
 * The caller holds the one count; NULL: no memory. */
Finished *reply_finish(Reply *reply, UnixSec expires);
/* The same bytes with another Expires; NULL: no memory. */
Finished *finished_again(Finished *finished, UnixSec expires);
/* The same answer in a coding: its bytes encoded, Content-Encoding, and an entity tag and a digest
 * of its own. One that is spooled becomes another in `spools`. NULL: no memory, or no room there. */
Finished *finished_coded(const Finished *finished, Coding coding, Spools *spools);
/* A part of the body of a 200, as 206 with Content-Range. NULL: no memory. */
Finished *finished_part(const Finished *finished, Slice slice);
/* The headers but Expires, each as "name\0value\0". */
void finished_put_headers(const Finished *finished, Buf *out);
/* Made of such headers and the body that stands behind them in one block, which is taken over
 * whatever comes of it. NULL: no memory. */
Finished *finished_of_block(unsigned status, UnixSec expires, char *block, size_t headers_bytes,
                            size_t body_bytes);
Finished *finished_keep(Finished *finished); /* one more count; any thread */
void finished_drop(Finished *finished);      /* NULL is fine */
void finished_dropp(Finished **finished);    /* for CLEANUP */

unsigned finished_status(const Finished *finished);
UnixSec finished_expires(const Finished *finished);
Str finished_body(const Finished *finished);
size_t finished_body_bytes(const Finished *finished);
bool finished_is_spooled(const Finished *finished);              /* then finished_body() is empty */
Str finished_header(const Finished *finished, const char *name); /* none: it has no such header */
size_t finished_memory_bytes(const Finished *finished);

/* Hands it to the connection; with headers of its own the same bytes are sent in a response made
 * for this request alone. False: not possible, the connection must be closed. */
bool finished_queue(Finished *finished, struct MHD_Connection *connection, const Header *extra,
                    size_t extra_count);
/* The head of `finished`, then what the subscriber gets, for as long as it does. Takes the subscriber
 * over, which must have joined. False: as above. */
bool finished_queue_stream(const Finished *finished, struct MHD_Connection *connection,
                           const Header *extra, size_t extra_count, struct Subscriber *subscriber);
