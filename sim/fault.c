#include "sim/fault.h"

#include "base/clock.h"
#include "sim/draw.h"
#include "sim/params.h"

#include <math.h>
#include <stdio.h>

static const struct {
    const char *name;
    FaultKind kind;
} KINDS[] = {
    {"status", FAULT_STATUS},     {"html", FAULT_HTML},       {"slow", FAULT_SLOW},
    {"trickle", FAULT_TRICKLE},   {"cut", FAULT_CUT},         {"endless", FAULT_ENDLESS},
    {"broken", FAULT_BROKEN},     {"garbage", FAULT_GARBAGE}, {"empty", FAULT_EMPTY},
    {"redirect", FAULT_REDIRECT}, {"down", FAULT_DOWN},       {"stuck", FAULT_STUCK},
    {"skew", FAULT_SKEW},
};

static ErrCode set_kind(Fault *fault, Str value, Err *err)
{
    for (size_t i = 0; i < countof(KINDS); i++) {
        if (str_eq(value, str_of(KINDS[i].name))) {
            fault->kind = KINDS[i].kind;
            return OK;
        }
    }
    return err_set(err, ERR_INVALID, "'" STR_FMT "' is no kind of fault", STR_ARG(value));
}

static ErrCode set_text(char text[static FAULT_TEXT_SIZE], Str value, Err *err)
{
    if (value.len >= FAULT_TEXT_SIZE)
        return err_set(err, ERR_INVALID, "'" STR_FMT "' is longer than %d bytes", STR_ARG(value),
                       FAULT_TEXT_SIZE - 1);
    (void) snprintf(text, FAULT_TEXT_SIZE, STR_FMT, STR_ARG(value));
    return OK;
}

static ErrCode set_number(int64_t *number, Str value, Err *err)
{
    if (!str_to_int(value, number))
        return err_set(err, ERR_INVALID, "'" STR_FMT "' is no whole number", STR_ARG(value));
    return OK;
}

/* A time, or a duration after `base`. */
static ErrCode set_time(UnixSec *time, Str value, UnixSec base, Err *err)
{
    int64_t duration_s;
    if (clock_parse_duration(value, &duration_s))
        *time = base + duration_s;
    else if (!clock_parse(value, time))
        return err_set(err, ERR_INVALID, "'" STR_FMT "' is neither a time nor a duration",
                       STR_ARG(value));
    return OK;
}

static ErrCode set_percent(Fault *fault, Str value, Err *err)
{
    double percent;
    if (!str_to_double(value, &percent) || percent < 0 || percent > 100)
        return err_set(err, ERR_INVALID, "'" STR_FMT "' is no percentage", STR_ARG(value));
    fault->ppm = (uint32_t) lround(percent * 10000);
    return OK;
}

static ErrCode set_param(Fault *fault, const Param *param, UnixSec now, Err *err)
{
    const struct {
        const char *name;
        int64_t *number;
    } numbers[] = {
        {"count", &fault->count},
        {"status", &fault->status},
        {"retry_after", &fault->retry_after_s},
        {"ms", &fault->ms},
        {"bytes", &fault->bytes},
        {"seconds", &fault->seconds},
    };
    for (size_t i = 0; i < countof(numbers); i++)
        if (str_eq(param->name, str_of(numbers[i].name)))
            return set_number(numbers[i].number, param->value, err);
    if (str_eq(param->name, STR("kind")))
        return set_kind(fault, param->value, err);
    if (str_eq(param->name, STR("percent")))
        return set_percent(fault, param->value, err);
    if (str_eq(param->name, STR("path")))
        return set_text(fault->path, param->value, err);
    if (str_eq(param->name, STR("to")))
        return set_text(fault->to, param->value, err);
    if (str_eq(param->name, STR("from")))
        return set_time(&fault->from, param->value, now, err);
    if (str_eq(param->name, STR("for"))) /* counts from `from`, wherever that stands */
        return OK;
    return err_set(err, ERR_INVALID, "'" STR_FMT "' is no parameter of a fault",
                   STR_ARG(param->name));
}

ErrCode fault_parse(Str spec, UnixSec now, Fault *ret_fault, Err *err)
{
    CLEANUP(params_release) Params params = {.count = 0};
    Fault fault = {.count = INT64_MAX,
                   .from = now,
                   .until = INT64_MAX,
                   .status = 503,
                   .ms = 1000,
                   .bytes = -1,
                   .ppm = DRAW_MILLION};
    ErrCode rc = params_parse(spec, &params, err);
    for (size_t i = 0; rc == OK && i < params.count; i++)
        rc = set_param(&fault, &params.list[i], now, err);
    Str duration;
    if (rc == OK && params_get(&params, "for", &duration))
        rc = set_time(&fault.until, duration, fault.from, err);
    if (rc != OK)
        return rc;
    if (fault.kind == FAULT_NONE)
        return err_set(err, ERR_INVALID, "a fault needs its kind: '" STR_FMT "'", STR_ARG(spec));
    *ret_fault = fault;
    return OK;
}

static bool is_over(const Fault *fault)
{
    return fault->count == 0;
}

ErrCode faults_add(Faults *faults, const Fault *fault, Err *err)
{
    size_t place = 0;
    while (place < faults->count && !is_over(&faults->list[place]))
        place++;
    if (place == FAULTS_MAX)
        return err_set(err, ERR_TOO_LARGE, "more than %d faults", FAULTS_MAX);
    faults->list[place] = *fault;
    if (place == faults->count)
        faults->count++;
    return OK;
}

static ErrCode add_line(Faults *faults, Str line, UnixSec start, Err *err)
{
    Str when, spec;
    UnixSec from;
    Fault fault;
    if (!str_cut(line, ' ', &when, &spec))
        return err_set(err, ERR_INVALID, "'" STR_FMT "' is not a time and a fault", STR_ARG(line));
    if (str_starts(when, STR("+")))
        when = (Str){when.ptr + 1, when.len - 1};
    ErrCode rc = set_time(&from, when, start, err);
    if (rc == OK)
        rc = fault_parse(str_trim(spec), from, &fault, err);
    return rc == OK ? faults_add(faults, &fault, err) : rc;
}

ErrCode faults_add_script(Faults *faults, Str script, UnixSec start, Err *err)
{
    Str rest = script;
    for (int number = 1; rest.len > 0; number++) {
        Str line = rest, tail = STR("");
        (void) str_cut(rest, '\n', &line, &tail);
        rest = tail;
        line = str_trim(line);
        if (line.len == 0 || line.ptr[0] == '#')
            continue;
        if (add_line(faults, line, start, err) != OK)
            return err_context(err, "line %d", number);
    }
    return OK;
}

static bool is_active(const Fault *fault, UnixSec now)
{
    return !is_over(fault) && fault->from <= now && now < fault->until;
}

/* These two are states of the whole upstream, not mishaps of one answer. */
static bool is_state(FaultKind kind)
{
    return kind == FAULT_STUCK || kind == FAULT_SKEW;
}

/* By its place and by how many answers it could have befallen: the same run, the same failures. */
static bool strikes(Fault *fault, size_t place)
{
    return draw(place, fault->seen++, 0) % DRAW_MILLION < fault->ppm;
}

bool faults_take(Faults *faults, Str target, UnixSec now, Fault *ret_fault)
{
    for (size_t i = 0; i < faults->count; i++) {
        Fault *fault = &faults->list[i];
        if (is_state(fault->kind) || !is_active(fault, now) ||
            !str_starts(target, str_of(fault->path)) || !strikes(fault, i))
            continue;
        if (fault->count != INT64_MAX)
            fault->count--;
        *ret_fault = *fault;
        return true;
    }
    return false;
}

UnixSec faults_stuck_since(const Faults *faults, UnixSec now)
{
    for (size_t i = 0; i < faults->count; i++)
        if (faults->list[i].kind == FAULT_STUCK && is_active(&faults->list[i], now))
            return faults->list[i].from;
    return NO_TIME;
}

int64_t faults_skew_s(const Faults *faults, UnixSec now)
{
    for (size_t i = 0; i < faults->count; i++)
        if (faults->list[i].kind == FAULT_SKEW && is_active(&faults->list[i], now))
            return faults->list[i].seconds;
    return 0;
}
