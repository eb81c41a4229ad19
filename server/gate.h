/* server/gate.h - whether a request is answered at all: how often its address may ask, and who.
 *
 * Judged once, from the head, before anything of the request is read. What says how the service is
 * (/live, /ready, /metrics, /v1/status) and what browsers ask beforehand (OPTIONS) always passes. The pages, and the
 * contract that they are made of, are counted like the rest, and given to who brings no token: it is typed there. */
#pragma once
#include "server/answer.h"
#include "server/limit.h"

typedef struct Gate Gate;

typedef struct GateOptions {
    Rate rate;               /* of one address; count 0: no limit */
    const char *tokens_file; /* borrowed for as long; NULL: whoever comes */
} GateOptions;

/* *ret_gate NULL: the options ask nothing, and every request passes. Owns: ends with gate_close().
 * Errors: as tokens_open(). */
MUST_USE ErrCode gate_open(const GateOptions *options, Gate **ret_gate, Err *err);
void gate_close(Gate *gate); /* NULL is fine */
/* Reads the tokens anew. Any thread. Errors: as tokens_reload(). */
MUST_USE ErrCode gate_reload(Gate *gate, Err *err);

typedef struct Verdict {
    ProblemType refusal; /* PROBLEM_NONE: it passes */
    bool is_token_wrong; /* and not missing */
    bool is_limited;     /* its address has an allowance, which it was counted against */
    Allowance allowance;
} Verdict;

/* `authorization`: that field's value, or none. `address` as Peer has it. Any thread, no allocation. */
Verdict gate_judge(Gate *gate, const Head *head, Str authorization, uint64_t address,
                   int64_t now_us);
/* The answer to one that was refused. */
Answer gate_refuse(const Verdict *verdict, const Head *head, Arena *arena);
/* Says on an answer what is left of the allowance [draft-ietf-httpapi-ratelimit-headers]. */
void gate_tell(const Gate *gate, const Verdict *verdict, Answer *answer, Arena *arena);
