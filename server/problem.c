#include "server/problem.h"

#include "base/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const ProblemInfo PROBLEMS[PROBLEM_TYPE_COUNT] = {
    [PROBLEM_NONE] = {"none", "No problem", 200, 0, ""},
    [PROBLEM_UNKNOWN_PARAMETER] =
        {"unknown-parameter", "Unknown parameter", 400, 0,
         "A query parameter has a name that this path does not know. Names are never ignored, "
         "because "
         "a misspelt filter would quietly answer another question. Each unknown name stands in "
         "`errors`, with the nearest known one."},
    [PROBLEM_BAD_PARAMETER] = {"bad-parameter", "Bad parameter", 400, 0,
                               "A query parameter has a value that cannot be meant: no number, out "
                               "of range, empty, given "
                               "twice, or without the other parameters that it needs."},
    [PROBLEM_BAD_TIME] = {"bad-time", "Bad time", 400, 0,
                          "A time is written as RFC 3339 (2026-11-22T10:16:07Z, or with an offset "
                          "such as +01:00), as a "
                          "date (its midnight, UTC), or as seconds or milliseconds since 1970. A "
                          "duration is ISO 8601 "
                          "in weeks, days, hours, minutes and seconds: PT6H, P1D, PT15M30S."},
    [PROBLEM_WINDOW_CONFLICT] =
        {"window-conflict", "Contradicting times", 400, 0,
         "The start of the window is said in two ways, or not at all, or lies behind its end. Use "
         "`from` with or without `to`, or `period` with or without `to`, or `since` alone."},
    [PROBLEM_BAD_REQUEST] = {"bad-request", "Bad request", 400, 0,
                             "The request is no proper HTTP request: its target is not "
                             "percent-encoded as it should be, "
                             "its Host is missing or doubled, or it frames its body in two ways."},
    [PROBLEM_UNAUTHORIZED] =
        {"unauthorized", "Unauthorized", 401, 0,
         "This service asks who wants to know: a request brings one of its operator's tokens as "
         "'Authorization: Bearer <token>'. /live, /ready, /metrics and /v1/status need none."},
    [PROBLEM_NOT_FOUND] =
        {"not-found", "Not found", 404, 0,
         "The path, station or measure does not exist. Identifiers are compared by exact case and "
         "are "
         "percent-encoded in paths. `candidates` lists what is near, or, where a key means several "
         "stations, all of these."},
    [PROBLEM_METHOD_NOT_ALLOWED] = {"method-not-allowed", "Method not allowed", 405, 0,
                                    "Everything here is read only: GET, HEAD and OPTIONS."},
    [PROBLEM_NOT_ACCEPTABLE] =
        {"not-acceptable", "Not acceptable", 406, 0,
         "The path has no form that the request would accept. `available` lists those that it has. "
         "A "
         "suffix of the path (.csv) goes before the parameter `format`, which goes before Accept."},
    [PROBLEM_OUTSIDE_RETENTION] = {"outside-retention", "Outside what is kept", 410, 0,
                                   "The window ends before the earliest reading that is kept of "
                                   "what was selected; each station "
                                   "keeps 24 hours back from its newest reading. `archive` names "
                                   "the Environment Agency's files "
                                   "of the days asked for, which appear there a day or two later."},
    [PROBLEM_CURSOR_EXPIRED] =
        {"cursor-expired", "Cursor expired", 410, 0,
         "A cursor stands in the generation that its list was begun in, so that its pages never "
         "skip or repeat a row. That list is kept until the next generation but one, and for 10 "
         "minutes after its last page, as long as there is room for it. `restart` is the address "
         "at "
         "which the list begins anew."},
    [PROBLEM_TOO_LARGE] =
        {"too-large", "Answer too large", 413, 0,
         "The answer would be larger than this service gives at once, and nothing is ever cut in "
         "silence. Ask for CSV or NDJSON, which have a higher limit, or narrow the request by "
         "station, "
         "measure, parameter or time. Everything there is lies in the objects that "
         "/v1/snapshots/latest names."},
    [PROBLEM_TARGET_TOO_LONG] =
        {"target-too-long", "Target too long", 414, 0,
         "The path and query together are longer than this service reads. Ask several times, each "
         "time for fewer stations or measures."},
    [PROBLEM_RANGE_NOT_SATISFIABLE] =
        {"range-not-satisfiable", "Range not satisfiable", 416, 0,
         "The part asked for begins behind the end of the answer. Content-Range says how long it "
         "is; a download that asks for what follows its end is complete."},
    [PROBLEM_RATE_LIMITED] =
        {"rate-limited", "Too many requests", 429, 0,
         "This address has asked more often than the service's operator allows one. Retry-After "
         "says when the next request passes; RateLimit says on every answer what is left, and "
         "RateLimit-Policy how many requests there are in how many seconds. A cached answer counts "
         "too: Expires says when there can be a new one. /v1/status is never limited."},
    [PROBLEM_HEAD_TOO_LARGE] =
        {"head-too-large", "Request head too large", 431, 0,
         "The header fields of the request are together larger than this service reads."},
    [PROBLEM_MISDIRECTED] =
        {"misdirected", "Misdirected request", 421, 0,
         "The request names another host, as clients of a proxy do. This service is no proxy: it "
         "answers for itself and, under /flood-monitoring, in place of the Environment Agency."},
    [PROBLEM_NOT_IMPLEMENTED] =
        {"not-implemented", "Not implemented", 501, 0,
         "The request asks for a tunnel to another host, as clients of a proxy do for https. This "
         "service is no proxy; a proxy setting for http:// addresses reaches the Environment "
         "Agency's paths here."},
    [PROBLEM_OVERLOADED] =
        {"overloaded", "Overloaded", 503, 1,
         "There are more connections or requests than this service takes at once. Retry-After says "
         "when it is worth trying again."},
    [PROBLEM_UNAVAILABLE] =
        {"unavailable", "Unavailable", 503, 5,
         "The service has no data yet, cannot read its store, or is about to stop. /v1/status says "
         "more; Retry-After says when it is worth trying again."},
};

/* ---- text ------------------------------------------------------------------------------------ */

Str arena_format(Arena *arena, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *text = len >= 0 ? arena_alloc(arena, (size_t) len + 1) : NULL;
    if (text != NULL)
        (void) vsnprintf(text, (size_t) len + 1, fmt, again);
    va_end(again);
    return text != NULL ? (Str){text, (size_t) len} : STR("");
}

/* A third of the letters may be wrong: "statoin" is meant, "xyz" is not. */
Str nearest_name(Str name, const StrList *names)
{
    Str nearest = STR_NONE;
    size_t best = name.len / 3 + 1;
    for (size_t i = 0; i < names->count; i++) {
        size_t distance = str_distance(name, names->items[i]);
        if (distance <= best && distance < names->items[i].len &&
            (str_is_none(nearest) || distance < best)) {
            nearest = names->items[i];
            best = distance;
        }
    }
    return nearest;
}

/* ---- the problem ----------------------------------------------------------------------------- */

void problem_set(Problem *problem, ProblemType type, Str detail)
{
    if (problem->type != PROBLEM_NONE)
        return;
    problem->type = type;
    problem->detail = detail;
}

void problem_add(Problem *problem, ProblemType type, ProblemFault fault)
{
    problem_set(problem, type, fault.detail);
    if (problem->fault_count < PROBLEM_FAULTS_MAX)
        problem->faults[problem->fault_count++] = fault;
}

static void put_member(JsonWriter *json, const char *key, Str value)
{
    if (str_is_none(value))
        return;
    json_key(json, key);
    json_str(json, value);
}

static void put_faults(JsonWriter *json, const Problem *problem)
{
    json_key(json, "errors");
    json_open(json, '[');
    for (size_t i = 0; i < problem->fault_count; i++) {
        const ProblemFault *fault = &problem->faults[i];
        json_open(json, '{');
        put_member(json, "parameter", fault->parameter);
        put_member(json, "reason", str_of(fault->reason));
        put_member(json, "value", fault->value);
        put_member(json, "suggestion", fault->suggestion);
        put_member(json, "detail", fault->detail);
        json_close(json, '}');
    }
    json_close(json, ']');
}

static void put_list(JsonWriter *json, const char *key, const StrList *list)
{
    json_key(json, key);
    json_open(json, '[');
    for (size_t i = 0; i < list->count; i++)
        json_str(json, list->items[i]);
    json_close(json, ']');
}

void problem_render(const Problem *problem, Buf *out)
{
    const ProblemInfo *info = &PROBLEMS[problem->type];
    char type[64];
    (void) snprintf(type, sizeof type, "/problems/%s", info->name);
    JsonWriter json = json_writer(out);
    json_open(&json, '{');
    put_member(&json, "type", str_of(type));
    put_member(&json, "title", str_of(info->title));
    json_key(&json, "status");
    json_int(&json, info->status);
    put_member(&json, "detail", problem->detail);
    if (problem->fault_count > 0)
        put_faults(&json, problem);
    if (problem->list_name != NULL)
        put_list(&json, problem->list_name, &problem->list);
    json_close(&json, '}');
    buf_put_char(out, '\n');
}

bool problem_find(Str name, ProblemType *ret)
{
    for (unsigned i = PROBLEM_NONE + 1; i < PROBLEM_TYPE_COUNT; i++) {
        if (str_eq(str_of(PROBLEMS[i].name), name)) {
            *ret = (ProblemType) i;
            return true;
        }
    }
    return false;
}

void problem_render_page(ProblemType type, Buf *out)
{
    const ProblemInfo *info = &PROBLEMS[type];
    buf_printf(out,
               "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
               "<title>%s</title></head>\n<body><h1>%s</h1>\n<p>HTTP status %u, type "
               "<code>/problems/%s</code></p>\n<p>%s</p>\n"
               "<p>The interface is described at <a href=\"/docs\">/docs</a>.</p>\n"
               "</body></html>\n",
               info->title, info->title, info->status, info->name, info->help);
}
