/* server/answer.h - from the head of a request to a finished answer; no sockets. */
#pragma once
#include "server/cache.h"

/* The head of a request as it came: nothing of it is believed yet. Missing fields are none. */
typedef struct Head {
    Str method, target;
    bool is_http_1_1;
    Str accept, accept_encoding, if_none_match, if_modified_since, request_id, traceparent;
    unsigned host_count, content_length_count;
    bool has_transfer_encoding;
    size_t bytes; /* of all header fields */
} Head;

enum { EXTRA_MAX = 4 };

/* A finished answer and what goes with it to this client alone. */
typedef struct Answer {
    Finished *finished;      /* counted for the caller, who drops it; NULL: no memory */
    Header extra[EXTRA_MAX]; /* values live in the arena */
    size_t extra_count;
} Answer;

/* Header fields beyond this many bytes are refused: together with the longest target and our own
 * answer's head they fill what libmicrohttpd has for a connection. */
enum { HEAD_MAX_BYTES = 4096 };

/* Any thread. `arena` must outlive the use of the answer. */
Answer answer_request(Site *site, Cache *cache, const Head *head, Arena *arena);
/* What is said to a request that is not even read: too many connections. */
Answer answer_problem(const Head *head, Arena *arena, ProblemType type, const char *detail);

/* Whether one of the entity tags in `list` (If-None-Match) is `etag`, compared weakly. Ours are
 * "<generation or build>-<hash of the question, its form and the build>". */
bool etag_in_list(Str etag, Str list);
