#include "server/gate.h"

#include "base/metrics.h"
#include "server/tokens.h"

#include <inttypes.h>
#include <stdlib.h>

struct Gate {
    Rate rate;
    Limit *limit;   /* NULL: there is none */
    Tokens *tokens; /* NULL: anybody may ask */
};

ErrCode gate_open(const GateOptions *options, Gate **ret_gate, Err *err)
{
    bool has_limit = options->rate.count > 0;
    *ret_gate = NULL;
    if (!has_limit && options->tokens_file == NULL)
        return OK;
    Gate *gate = calloc(1, sizeof *gate);
    if (gate == NULL)
        return err_set(err, ERR_NO_MEMORY, "no memory for the gate");
    gate->rate = options->rate;
    gate->limit = has_limit ? limit_open(options->rate) : NULL;
    ErrCode rc = has_limit && gate->limit == NULL
                     ? err_set(err, ERR_NO_MEMORY, "no memory for the limit of requests")
                     : OK;
    if (rc == OK && options->tokens_file != NULL)
        rc = tokens_open(options->tokens_file, &gate->tokens, err);
    if (rc == OK)
        *ret_gate = gate;
    else
        gate_close(gate);
    return rc;
}

void gate_close(Gate *gate)
{
    if (gate == NULL)
        return;
    limit_close(gate->limit);
    tokens_close(gate->tokens);
    free(gate);
}

ErrCode gate_reload(Gate *gate, Err *err)
{
    return gate->tokens != NULL ? tokens_reload(gate->tokens, err) : OK;
}

/* As they are written: an address spelt otherwise is one of those that are asked for their token. */
static bool is_open(const Head *head)
{
    static const char *const PATHS[] = {"/live", "/ready", "/metrics", "/v1/status"};
    Str path = head->target, query;
    (void) str_cut(head->target, '?', &path, &query);
    bool open = str_eq(head->method, STR("OPTIONS"));
    for (size_t i = 0; i < countof(PATHS) && !open; i++)
        open = str_eq(path, str_of(PATHS[i]));
    return open;
}

/* What a browser must have before anybody can type a token: pages, and the contract that they are made of. */
static bool is_page(const Head *head)
{
    static const char *const PATHS[] = {"/", "/docs", "/openapi.json", "/openapi.yaml"};
    Str path = head->target, query;
    (void) str_cut(head->target, '?', &path, &query);
    bool page = str_starts(path, STR("/web/")) || str_starts(path, STR("/problems/"));
    for (size_t i = 0; i < countof(PATHS) && !page; i++)
        page = str_eq(path, str_of(PATHS[i]));
    return page;
}

Verdict gate_judge(Gate *gate, const Head *head, Str authorization, uint64_t address,
                   int64_t now_us)
{
    Verdict verdict = {.refusal = PROBLEM_NONE};
    if (is_open(head))
        return verdict;
    if (gate->limit != NULL) { /* first, so that tokens cannot be tried at will */
        verdict.is_limited = true;
        verdict.allowance = limit_take(gate->limit, address, now_us);
    }
    if (verdict.allowance.is_refused) {
        verdict.refusal = PROBLEM_RATE_LIMITED;
    } else if (gate->tokens != NULL && !is_page(head)) {
        TokenJudgement token = tokens_judge(gate->tokens, authorization);
        verdict.is_token_wrong = token == TOKEN_WRONG;
        if (token != TOKEN_GOOD)
            verdict.refusal = PROBLEM_UNAUTHORIZED;
    }
    return verdict;
}

Answer gate_refuse(const Verdict *verdict, const Head *head, Arena *arena)
{
    if (verdict->refusal == PROBLEM_RATE_LIMITED) {
        metric_add(METRIC_HTTP_RATE_LIMITED, 1);
        Answer late = answer_problem(head, arena, PROBLEM_RATE_LIMITED,
                                     "This address has asked as often as it may for now.");
        answer_add(&late, "Retry-After",
                   arena_format(arena, "%" PRId64, verdict->allowance.retry_after_s));
        return late;
    }
    metric_add(METRIC_HTTP_UNAUTHORIZED, 1);
    Answer refused =
        answer_problem(head, arena, PROBLEM_UNAUTHORIZED,
                       verdict->is_token_wrong
                           ? "The token of Authorization is not one that is known here."
                           : "This service asks for a token: 'Authorization: Bearer <token>'.");
    answer_add(&refused, "WWW-Authenticate",
               verdict->is_token_wrong ? STR("Bearer realm=\"freshet\", error=\"invalid_token\"")
                                       : STR("Bearer realm=\"freshet\""));
    return refused;
}

void gate_tell(const Gate *gate, const Verdict *verdict, Answer *answer, Arena *arena)
{
    if (!verdict->is_limited)
        return;
    answer_add(answer, "RateLimit-Policy",
               arena_format(arena, "\"address\";q=%" PRId64 ";w=%" PRId64, gate->rate.count,
                            gate->rate.window_s));
    answer_add(answer, "RateLimit",
               arena_format(arena, "\"address\";r=%" PRId64 ";t=%" PRId64,
                            verdict->allowance.remaining, verdict->allowance.reset_s));
}
