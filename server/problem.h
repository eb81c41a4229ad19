/* server/problem.h - what went wrong, as a document (RFC 9457, application/problem+json).
 *
 * Every fault of a request is told, not the first alone. Texts are borrowed, mostly from the arena
 * of the request. */
#pragma once
#include "base/arena.h"
#include "base/buf.h"
#include "model/filter.h"

typedef enum ProblemType {
    PROBLEM_NONE,
    PROBLEM_UNKNOWN_PARAMETER,
    PROBLEM_BAD_PARAMETER,
    PROBLEM_BAD_TIME,
    PROBLEM_WINDOW_CONFLICT,
    PROBLEM_BAD_REQUEST,
    PROBLEM_UNAUTHORIZED,
    PROBLEM_NOT_FOUND,
    PROBLEM_METHOD_NOT_ALLOWED,
    PROBLEM_NOT_ACCEPTABLE,
    PROBLEM_OUTSIDE_RETENTION,
    PROBLEM_CURSOR_EXPIRED,
    PROBLEM_TOO_LARGE,
    PROBLEM_TARGET_TOO_LONG,
    PROBLEM_RANGE_NOT_SATISFIABLE,
    PROBLEM_MISDIRECTED,
    PROBLEM_RATE_LIMITED,
    PROBLEM_HEAD_TOO_LARGE,
    PROBLEM_NOT_IMPLEMENTED,
    PROBLEM_OVERLOADED,
    PROBLEM_UNAVAILABLE,
    PROBLEM_TYPE_COUNT
} ProblemType;

typedef struct ProblemInfo {
    const char *name; /* its type is /problems/<name> */
    const char *title;
    unsigned status;
    unsigned retry_after_s; /* 0: trying again is no use */
    const char *help;       /* what its page says: what it means, what to do */
} ProblemInfo;

extern const ProblemInfo PROBLEMS[PROBLEM_TYPE_COUNT];

/* One thing wrong with a request. */
typedef struct ProblemFault {
    Str parameter, value, suggestion, detail; /* those that are none are left out */
    const char *reason;                       /* unknown, bad, conflict, ... */
} ProblemFault;

enum { PROBLEM_FAULTS_MAX = 32 }; /* what a careless client can bring is more; 32 are told */

typedef struct Problem {
    ProblemType type; /* of the first fault; PROBLEM_NONE: nothing is wrong */
    Str detail;
    ProblemFault faults[PROBLEM_FAULTS_MAX];
    size_t fault_count;
    const char *list_name; /* a member that lists what would do: candidates, available, ... */
    StrList list;
} Problem;

/* States the problem, with its sentence. The first one stated stays. */
void problem_set(Problem *problem, ProblemType type, Str detail);
/* Adds a fault; its sentence becomes the problem's when it is the first. */
void problem_add(Problem *problem, ProblemType type, ProblemFault fault);
/* The JSON document. */
void problem_render(const Problem *problem, Buf *out);

/* False: no such name. */
bool problem_find(Str name, ProblemType *ret);
/* The page that a problem's type resolves to. */
void problem_render_page(ProblemType type, Buf *out);

/* Text made in the arena; empty when there is no memory. */
Str arena_format(Arena *arena, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The name nearest to `name`, near enough to be what was meant; none otherwise. */
Str nearest_name(Str name, const StrList *names);
