#include "server/select.h"

#include "server/route.h"
#include "server/selector.h"

void selector_fault(Selector *to, ProblemType type, const ParamInfo *info, const char *reason,
                    Str value, const char *sentence)
{
    problem_add(
        to->problem, type,
        (ProblemFault){.parameter = str_of(info->name),
                       .value = value,
                       .reason = reason,
                       .detail = arena_format(to->req->arena, "'%s': %s", info->name, sentence)});
}

void selector_bad(Selector *to, const ParamInfo *info, Str value, const char *sentence)
{
    selector_fault(to, PROBLEM_BAD_PARAMETER, info, "bad", value, sentence);
}

void selector_missing(Selector *to, const char *name, const char *sentence)
{
    problem_add(to->problem, PROBLEM_BAD_PARAMETER,
                (ProblemFault){
                    .parameter = str_of(name),
                    .reason = "missing",
                    .detail = arena_format(to->req->arena, "'%s' is missing: %s", name, sentence)});
}

size_t selector_choice(Selector *to, const ParamInfo *info, Str value, const char *const *words,
                       size_t count)
{
    Str list = STR("");
    for (size_t i = 0; i < count; i++) {
        if (str_eq_nocase(value, str_of(words[i])))
            return i;
        list = arena_format(to->req->arena, STR_FMT "%s'%s'", STR_ARG(list), i > 0 ? " or " : "",
                            words[i]);
    }
    selector_bad(to, info, value,
                 arena_format(to->req->arena, "expected " STR_FMT, STR_ARG(list)).ptr);
    return count;
}

void selector_bits(Selector *to, const ParamInfo *info, Str value, const char *const *words,
                   size_t count, unsigned first, unsigned *bits)
{
    Str item, rest = value;
    bool more = true;
    while (more) {
        Str all = rest;
        more = str_cut(all, ',', &item, &rest);
        size_t choice = selector_choice(to, info, str_trim(more ? item : all), words, count);
        if (choice < count)
            *bits |= 1U << (choice + first);
    }
}

const Field *request_fields(const Request *req)
{
    return req->selection.aggregates != 0 ? BUCKET_FIELDS : req->route->fields;
}

/* ---- the table ------------------------------------------------------------------------------- */

#define LIST(name) offsetof(Filter, name)

static const char ONCE[] = "it is given more than once";
static const char ONE_CIRCLE[] = "it is given more than once: which lat, long and dist belong "
                                 "together could not be told; boxes (bbox) can be repeated";

const ParamInfo PARAMS[] = {
    {"station", PARAMS_STATION, NULL, true, param_ids, LIST(station)},
    {"measure", PARAMS_MEASURE | PARAMS_QUARANTINE, NULL, false, param_ids, LIST(measure)},
    {"parameter", PARAMS_MEASURE, NULL, false, param_words, LIST(parameter)},
    {"qualifier", PARAMS_MEASURE, NULL, true, param_text,
     LIST(qualifier)}, /* 207 measures have "" */
    {"freshness", PARAMS_MEASURE, NULL, false, param_freshness, 0},
    {"river", PARAMS_STATION, NULL, false, param_text, LIST(river)},
    {"catchment", PARAMS_STATION, NULL, false, param_text, LIST(catchment)},
    {"town", PARAMS_STATION, NULL, false, param_text, LIST(town)},
    {"status", PARAMS_STATION, NULL, false, param_words, LIST(status)},
    {"type", PARAMS_STATION, NULL, false, param_words, LIST(type)},
    {"reference", PARAMS_STATION, NULL, true, param_text, LIST(reference)},
    {"rloi_id", PARAMS_STATION, NULL, false, param_text, LIST(rloi_id)},
    {"wiski_id", PARAMS_STATION, NULL, false, param_text, LIST(wiski_id)},
    {"q", PARAMS_STATION, NULL, false, param_search, LIST(q)},
    {"bbox", PARAMS_STATION, NULL, false, param_box, 0},
    {"lat", PARAMS_STATION, ONE_CIRCLE, false, param_lat, 0},
    {"long", PARAMS_STATION, ONE_CIRCLE, false, param_long, 0},
    {"dist", PARAMS_STATION, ONE_CIRCLE, false, param_dist, 0},
    {"from", PARAMS_TIME, ONCE, true, param_from, 0},
    {"to", PARAMS_TIME, ONCE, true, param_to, 0},
    {"period", PARAMS_TIME, ONCE, true, param_period, 0},
    {"since", PARAMS_TIME, ONCE, true, param_since, 0},
    {"since", PARAMS_FOLLOW, ONCE, false, param_after, 0},
    {"wait", PARAMS_WAIT, ONCE, false, param_wait, 0},
    {"reason", PARAMS_QUARANTINE, NULL, false, param_reason, 0},
    {"format", PARAMS_FORMAT | PARAMS_STREAM, ONCE, false, param_format, 0},
    {"fields", PARAMS_FORMAT | PARAMS_FOLLOW, ONCE, false, param_fields, 0},
    {"timeformat", PARAMS_FORMAT | PARAMS_FOLLOW, ONCE, false, param_time_format, 0},
    {"profile", PARAMS_FORMAT, ONCE, false, param_profile, 0},
    {"download", PARAMS_FORMAT, ONCE, false, param_download, 0},
    {"tz", PARAMS_READING, ONCE, false, param_zone, 0},
    {"trend", PARAMS_MEANING, NULL, false, param_trend, 0},
    {"state", PARAMS_MEANING, NULL, false, param_state, 0},
    {"shape", PARAMS_LIST, ONCE, false, param_shape, 0},
    {"step", PARAMS_BUCKET, ONCE, false, param_step, 0},
    {"agg", PARAMS_BUCKET, ONCE, false, param_aggregates, 0},
    {"fill", PARAMS_BUCKET, ONCE, false, param_fill, 0},
    {"sort", PARAMS_LIST, ONCE, false, param_sort, 0},
    {"limit", PARAMS_LIST | PARAMS_QUARANTINE | PARAMS_WAIT, ONCE, false, param_limit, 0},
    {"cursor", PARAMS_LIST, ONCE, false, param_cursor, 0},
    {0},
};

static const ParamInfo *find_param(Str name, unsigned allowed)
{
    for (const ParamInfo *info = PARAMS; info->name != NULL; info++)
        if ((info->group & allowed) != 0 && str_eq(str_of(info->name), name))
            return info;
    return NULL;
}

static void unknown_param(Selector *to, unsigned allowed, Str name)
{
    Arena *arena = to->req->arena;
    StrList names = {.count = 0};
    for (const ParamInfo *info = PARAMS; info->name != NULL; info++)
        if ((info->group & allowed) != 0 && !str_list_add(arena, &names, str_of(info->name)))
            break;
    Str suggestion = nearest_name(name, &names);
    Str hint = str_is_none(suggestion)
                   ? STR("")
                   : arena_format(arena, " Did you mean '" STR_FMT "'?", STR_ARG(suggestion));
    problem_add(
        to->problem, PROBLEM_UNKNOWN_PARAMETER,
        (ProblemFault){.parameter = name,
                       .reason = "unknown",
                       .suggestion = suggestion,
                       .detail = arena_format(
                           arena, "'" STR_FMT "' is not a parameter of " STR_FMT "." STR_FMT,
                           STR_ARG(name), STR_ARG(to->req->target.path), STR_ARG(hint))});
}

static void read_param(Selector *to, const ParamInfo *info, const Param *param, bool is_repeated)
{
    if (info->once != NULL && is_repeated)
        selector_bad(to, info, param->value, info->once);
    else if (param->value.len == 0 && !info->may_be_empty)
        selector_bad(to, info, param->value, "it has no value");
    else
        info->read(to, info, param->value);
}

bool selection_read(const Request *req, unsigned allowed, Selection *ret, Problem *problem)
{
    *ret = (Selection){.cursor = STR_NONE};
    if ((allowed & PARAMS_IGNORED) != 0)
        return true;
    Selector to = {.req = req, .selection = ret, .problem = problem};
    const Target *target = &req->target;
    for (size_t i = 0; i < target->param_count; i++) {
        const Param *param = &target->params[i];
        bool is_repeated = i > 0 && str_eq(target->params[i - 1].name, param->name);
        const ParamInfo *info = find_param(param->name, allowed);
        if (info == NULL)
            unknown_param(&to, allowed, param->name);
        else
            read_param(&to, info, param, is_repeated);
    }
    selector_check_circle(&to);
    selector_check_span(&to);
    selector_check_buckets(&to);
    return problem->type == PROBLEM_NONE;
}
