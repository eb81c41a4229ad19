/* server/answer.h - from the head of a request to a finished answer; no sockets. */
#pragma once
#include "server/cache.h"

/* The head of a request as it came: nothing of it is believed yet. Missing fields are none. */
typedef struct Head {
    Str method, target;
    bool is_http_1_1;
    Str accept, accept_encoding, if_none_match, if_modified_since, range, if_range, last_event_id,
        request_id, traceparent;
    Str host;
    unsigned host_count, content_length_count;
    bool has_transfer_encoding;
    size_t bytes; /* of all header fields */
} Head;

enum { EXTRA_MAX = 6 };

/* A question that must be rendered and is heavy. `generation` was the newest announced. */
typedef struct Deferred {
    uint64_t generation;
    Str key; /* canonical; borrowed from the arena */
} Deferred;

/* What was rendered for it. */
typedef struct Rendered {
    Finished *finished;
    int64_t render_us;
} Rendered;

/* A finished answer and what goes with it to this client alone. */
typedef struct Answer {
    Finished *finished; /* counted for the caller, who drops it; NULL: no memory, or deferred */
    bool is_deferred;
    Deferred deferred;
    bool is_idle;                  /* of changes: there are none, so that it may wait */
    int64_t wait_s;                /* for at most so long; 0: not at all */
    int64_t render_us;             /* 0: nothing had to be rendered */
    struct Subscriber *subscriber; /* the caller's: gives the body, behind the head; or NULL */
    Header extra[EXTRA_MAX];       /* values live in the arena */
    size_t extra_count;
} Answer;

/* Header fields beyond this many bytes are refused: together with the longest target and our own
 * answer's head they fill what libmicrohttpd has for a connection. */
enum { HEAD_MAX_BYTES = 4096 };

/* Renders whatever must be. Any thread. `arena` must outlive the use of the answer. */
Answer answer_request(Site *site, Cache *cache, const Head *head, Arena *arena);
/* The same, but what would take more than a few milliseconds is deferred: a list that no station
 * and no measure narrows, in rendering or in compressing. For the threads that serve others too. Of
 * such a list HEAD is answered without its rows, unless it is kept; without what only these would
 * tell, then: lengths, the window, the next page, errors. */
Answer answer_at_once(Site *site, Cache *cache, const Head *head, Arena *arena);
/* The answer to what was deferred, from what was rendered for it; takes its count over. */
Answer answer_rendered(Site *site, Cache *cache, const Head *head, Arena *arena,
                       const Rendered *rendered);
/* Renders the answer of `generation`, which is committed and not yet announced, into the cache. */
void answer_ahead(Site *site, Cache *cache, uint64_t generation, const Question *question);
/* What is said to a request that is not even read: too many connections. */
Answer answer_problem(const Head *head, Arena *arena, ProblemType type, const char *detail);

/* A header for this client alone; the value must live as long as the arena of the answer. */
void answer_add(Answer *answer, const char *name, Str value);

/* Whether one of the entity tags in `list` (If-None-Match) is `etag`, compared weakly. Ours are
 * "<generation or build>-<hash of the question, its form and the build>". */
bool etag_in_list(Str etag, Str list);
