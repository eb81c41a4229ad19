#include "server/selector.h"

#include "base/clock.h"

#include <string.h>

enum { BACK_MAX_DAYS = 36500 };

/* ---- times ----------------------------------------------------------------------------------- */

/* Seconds, or milliseconds where the number is too large to be seconds of our time. */
static bool parse_epoch(Str text, UnixSec *ret)
{
    int64_t number;
    if (!str_to_int(text, &number))
        return false;
    if (number >= 100000000000)
        number /= 1000;
    *ret = number;
    return true;
}

/* An offset's + that was not encoded has become a blank: 10:00:00 01:00. The blank before the time
 * of day has no colon in front of it. */
static Str with_plus(Arena *arena, Str text)
{
    Str copy;
    if (!arena_copy(arena, text, &copy))
        return text;
    for (size_t i = copy.len; i > 0; i--) {
        if (copy.ptr[i - 1] != ' ')
            continue;
        if (memchr(copy.ptr, ':', i) != NULL)
            return arena_format(arena, STR_FMT "+" STR_FMT, STR_ARG(((Str){copy.ptr, i - 1})),
                                STR_ARG(((Str){copy.ptr + i, copy.len - i})));
        break;
    }
    return copy;
}

bool time_read(Arena *arena, Str text, UnixSec *ret)
{
    return (parse_epoch(text, ret) || clock_parse(with_plus(arena, text), ret)) &&
           *ret >= CLOCK_FIRST && *ret <= CLOCK_LAST;
}

static const char EXPECTED_TIME[] =
    "expected a moment that exists: 2026-11-22T10:16:07Z, 2026-11-22, or seconds since 1970";

/* NO_TIME, and the fault told, when it is none. */
static UnixSec read_time(Selector *to, const ParamInfo *info, Str value)
{
    UnixSec time;
    if (time_read(to->req->arena, value, &time))
        return time;
    selector_fault(to, PROBLEM_BAD_TIME, info, "bad", value, EXPECTED_TIME);
    return NO_TIME;
}

void param_from(Selector *to, const ParamInfo *info, Str value)
{
    to->has_from = to->selection->span.has_from = true;
    to->selection->span.from = read_time(to, info, value);
}

void param_to(Selector *to, const ParamInfo *info, Str value)
{
    to->selection->span.has_to = true;
    to->selection->span.to = read_time(to, info, value);
}

static bool read_duration(Str value, int64_t *ret_s)
{
    return clock_parse_duration(value, ret_s) && *ret_s <= (int64_t) BACK_MAX_DAYS * 86400;
}

void param_period(Selector *to, const ParamInfo *info, Str value)
{
    to->has_period = true;
    if (read_duration(value, &to->selection->span.back_s))
        to->selection->span.has_back = true;
    else
        selector_fault(
            to, PROBLEM_BAD_TIME, info, "bad", value,
            "expected a duration of weeks, days, hours, minutes, seconds, at most P36500D: PT6H");
}

void param_since(Selector *to, const ParamInfo *info, Str value)
{
    Span *span = &to->selection->span;
    to->has_since = true;
    if (read_duration(value, &span->back_s)) {
        span->has_back = span->back_excludes = true;
    } else {
        span->from = read_time(to, info, value) + 1; /* exclusive, in whole seconds */
        span->has_from = true;
    }
}

/* What a time cannot be: a cursor. */
void param_after(Selector *to, const ParamInfo *info, Str value)
{
    Selection *selection = to->selection;
    Problem none = {.type = PROBLEM_NONE};
    Problem *problem = to->problem;
    selection->has_after = change_cursor_parse(value, &selection->after);
    if (selection->has_after)
        return;
    to->problem = &none;
    param_since(to, info, value);
    to->problem = problem;
    if (none.type != PROBLEM_NONE)
        selector_fault(to, PROBLEM_BAD_TIME, info, "bad", value,
                       "expected a cursor as `next` gives it, the moment of a commit, or a "
                       "duration: 7f3a1b2c-184467, 2026-11-22T10:16:07Z, PT6H");
}

void param_wait(Selector *to, const ParamInfo *info, Str value)
{
    enum { WAIT_MAX_S = 300 };
    int64_t wait_s;
    if (clock_parse_duration(value, &wait_s) && wait_s <= WAIT_MAX_S)
        to->selection->wait_s = wait_s;
    else
        selector_bad(to, info, value, "expected a duration of at most PT5M");
}

void selector_check_span(Selector *to)
{
    Span *span = &to->selection->span;
    int starts = to->has_from + to->has_period + to->has_since;
    const char *sentence = NULL;
    if (starts > 1)
        sentence = "the start of the window is said in more than one way";
    else if (span->has_to && to->has_since)
        sentence = "`since` stands alone: use `from` with `to`";
    else if (span->has_to && starts == 0)
        sentence = "`to` needs `from` or `period`";
    else if (to->has_from && span->has_to && span->to != NO_TIME && span->from > span->to)
        sentence = "`from` lies behind `to`";
    if (sentence == NULL)
        return;
    const struct {
        const char *name;
        bool is_there;
    } parts[] = {{"from", to->has_from},
                 {"to", span->has_to},
                 {"period", to->has_period},
                 {"since", to->has_since}};
    for (size_t i = 0; i < countof(parts); i++)
        if (parts[i].is_there)
            problem_add(to->problem, PROBLEM_WINDOW_CONFLICT,
                        (ProblemFault){.parameter = str_of(parts[i].name),
                                       .reason = "conflict",
                                       .detail = arena_format(to->req->arena, "'%s': %s",
                                                              parts[i].name, sentence)});
}

bool span_is_given(const Span *span)
{
    return span->has_from || span->has_to || span->has_back;
}

Window span_resolve(const Span *span, UnixSec as_of)
{
    Window window = window_everything();
    if (span->has_to)
        window.to = span->to;
    if (span->has_from)
        window.from = span->from;
    if (span->has_back) {
        UnixSec end = span->has_to ? span->to : as_of;
        UnixSec begin = end - span->back_s + (span->back_excludes ? 1 : 0);
        window.from = begin > CLOCK_FIRST ? begin : CLOCK_FIRST;
        if (!span->back_excludes)
            window.to = end;
    }
    return window;
}
