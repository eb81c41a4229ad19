#include "server/selector.h"

#include "base/clock.h"
#include "server/route.h"

#include <inttypes.h>
#include <string.h>

/* ---- what of it, in what order, how much ----------------------------------------------------- */

/* Parameters come sorted by name: `agg` was read before `fields` and `sort`. */
static const Field *table_of(const Selector *to)
{
    return to->selection->aggregates != 0 ? BUCKET_FIELDS : to->req->route->fields;
}

static void unknown_field(Selector *to, const ParamInfo *info, Str name)
{
    Arena *arena = to->req->arena;
    StrList names = {.count = 0};
    for (const Field *field = table_of(to); field->name != NULL; field++)
        if (!str_list_add(arena, &names, str_of(field->name)))
            break;
    Str suggestion = nearest_name(name, &names);
    Str hint = str_is_none(suggestion)
                   ? STR("")
                   : arena_format(arena, " Did you mean '" STR_FMT "'?", STR_ARG(suggestion));
    problem_add(to->problem, PROBLEM_BAD_PARAMETER,
                (ProblemFault){
                    .parameter = str_of(info->name),
                    .value = name,
                    .reason = "unknown",
                    .suggestion = suggestion,
                    .detail = arena_format(
                        arena, "'%s': '" STR_FMT "' is not a field of " STR_FMT "." STR_FMT,
                        info->name, STR_ARG(name), STR_ARG(to->req->target.path), STR_ARG(hint))});
}

void param_fields(Selector *to, const ParamInfo *info, Str value)
{
    FieldSet *set = &to->selection->fields;
    Str item, rest = value;
    bool more = true;
    set->chosen = true;
    while (more) {
        Str all = rest;
        more = str_cut(all, ',', &item, &rest);
        Str name = str_trim(more ? item : all);
        const Field *field = field_find(table_of(to), name);
        if (field == NULL)
            unknown_field(to, info, name);
        else if (field_set_has(set, field))
            selector_bad(to, info, name, "a field is named twice");
        else
            field_set_add(set, field);
    }
}

static bool is_sortable(const Field *table, const Field *field)
{
    bool of_readings = table == READING_FIELDS || table == BUCKET_FIELDS;
    return (field->in & FIELD_LIST) == 0 && (!of_readings || strcmp(field->name, "time") == 0 ||
                                             strcmp(field->name, "measure") == 0);
}

static bool has_key(const SortOrder *order, const Field *field)
{
    for (size_t i = 0; i < order->count; i++)
        if (order->keys[i].field == field)
            return true;
    return false;
}

static void add_key(Selector *to, const ParamInfo *info, Str text)
{
    const Field *table = table_of(to);
    SortOrder *order = &to->selection->order;
    bool is_down = str_starts(text, STR("-"));
    Str name = is_down ? (Str){text.ptr + 1, text.len - 1} : text;
    const Field *field = field_find(table, name);
    if (field == NULL)
        unknown_field(to, info, name);
    else if (!is_sortable(table, field))
        selector_bad(to, info, text,
                     (field->in & FIELD_LIST) == 0 ? "readings are sorted by `time` or `measure`"
                                                   : "it is a list, which has no order to sort by");
    else if (has_key(order, field))
        selector_bad(to, info, text, "a field is named twice");
    else if (order->count == SORT_KEYS_MAX)
        selector_bad(to, info, text, "there are too many fields to sort by");
    else
        order->keys[order->count++] = (SortKey){.field = field, .is_down = is_down};
}

void param_sort(Selector *to, const ParamInfo *info, Str value)
{
    Str item, rest = value;
    bool more = true;
    while (more) {
        Str all = rest;
        more = str_cut(all, ',', &item, &rest);
        add_key(to, info, str_trim(more ? item : all));
    }
}

void param_limit(Selector *to, const ParamInfo *info, Str value)
{
    int64_t limit, most = (int64_t) to->req->site->options->max_json_items;
    if (str_to_int(value, &limit) && limit >= 1 && limit <= most)
        to->selection->limit = (size_t) limit;
    else
        selector_bad(
            to, info, value,
            arena_format(to->req->arena, "expected a whole number from 1 to %" PRId64, most).ptr);
}

void param_cursor(Selector *to, const ParamInfo *info, Str value)
{
    (void) info;
    to->selection->cursor = value;
}

void param_time_format(Selector *to, const ParamInfo *info, Str value)
{
    static const char *const WORDS[] = {"rfc3339", "unix", "unixms"};
    static const TimeForm FORMS[] = {TIME_RFC3339, TIME_UNIX, TIME_UNIX_MS};
    size_t choice = selector_choice(to, info, value, WORDS, countof(WORDS));
    if (choice < countof(FORMS))
        to->selection->style.times = FORMS[choice];
}

void param_zone(Selector *to, const ParamInfo *info, Str value)
{
    static const char *const WORDS[] = {"UTC", "Europe/London"};
    to->selection->with_local_time = selector_choice(to, info, value, WORDS, countof(WORDS)) == 1;
}

void param_profile(Selector *to, const ParamInfo *info, Str value)
{
    static const char *const WORDS[] = {"excel"};
    to->selection->style.excel = selector_choice(to, info, value, WORDS, countof(WORDS)) == 0;
}

void param_format(Selector *to, const ParamInfo *info, Str value)
{
    (void) info;
    to->selection->has_format = true;
    to->selection->format = value;
}

void param_download(Selector *to, const ParamInfo *info, Str value)
{
    static const char *const WORDS[] = {"0", "1"};
    to->selection->download = selector_choice(to, info, value, WORDS, countof(WORDS)) == 1;
}

/* ---- shapes and buckets ---------------------------------------------------------------------- */

void param_shape(Selector *to, const ParamInfo *info, Str value)
{
    static const char *const WORDS[] = {"items", "array", "columns", "wide"};
    size_t choice = selector_choice(to, info, value, WORDS, countof(WORDS));
    if (choice < countof(WORDS))
        to->selection->shape = (Shape) choice;
}

void param_aggregates(Selector *to, const ParamInfo *info, Str value)
{
    const char *words[AGGREGATE_KIND_COUNT];
    to->has_agg = true;
    for (unsigned i = 0; i < AGGREGATE_KIND_COUNT; i++)
        words[i] = aggregate_name((Aggregate) i);
    selector_bits(to, info, value, words, countof(words), 0, &to->selection->aggregates);
}

void param_step(Selector *to, const ParamInfo *info, Str value)
{
    enum { STEP_MIN_S = 60, STEP_MAX_S = 86400 };
    int64_t step_s;
    to->has_step = true;
    if (clock_parse_duration(value, &step_s) && step_s >= STEP_MIN_S && step_s <= STEP_MAX_S)
        to->selection->step_s = step_s;
    else
        selector_bad(to, info, value, "expected a duration from PT1M to P1D");
}

void param_fill(Selector *to, const ParamInfo *info, Str value)
{
    static const char *const WORDS[] = {"null", "previous", "linear"};
    static const Fill FILLS[] = {FILL_NULL, FILL_PREVIOUS, FILL_LINEAR};
    to->has_fill = true;
    size_t choice = selector_choice(to, info, value, WORDS, countof(WORDS));
    if (choice < countof(FILLS))
        to->selection->fill = FILLS[choice];
}

/* A matrix has its own columns, in its own order, and is whole. */
static void check_wide(Selector *to)
{
    const Selection *selection = to->selection;
    const struct {
        const char *name;
        bool is_there;
    } others[] = {{"fields", selection->fields.count > 0},
                  {"sort", selection->order.count > 0},
                  {"limit", selection->limit > 0},
                  {"cursor", !str_is_none(selection->cursor)},
                  {"tz", selection->with_local_time}};
    for (size_t i = 0; i < countof(others); i++)
        if (others[i].is_there)
            problem_add(
                to->problem, PROBLEM_BAD_PARAMETER,
                (ProblemFault){.parameter = str_of(others[i].name),
                               .reason = "conflict",
                               .detail = arena_format(to->req->arena, "'%s': not with `shape=wide`",
                                                      others[i].name)});
    if (to->req->route->fields != READING_FIELDS)
        problem_add(to->problem, PROBLEM_BAD_PARAMETER,
                    (ProblemFault){.parameter = STR("shape"),
                                   .value = STR("wide"),
                                   .reason = "bad",
                                   .detail = STR("'shape': wide is one of readings")});
    else if (!to->has_step)
        selector_missing(to, "step", "`shape=wide` needs the step of its grid, such as PT15M");
    else if ((selection->aggregates & (selection->aggregates - 1)) != 0)
        problem_add(to->problem, PROBLEM_BAD_PARAMETER,
                    (ProblemFault){.parameter = STR("agg"),
                                   .reason = "bad",
                                   .detail = STR("'agg': a cell of `shape=wide` holds one value; "
                                                 "ask for one")});
}

void selector_check_buckets(Selector *to)
{
    if (to->has_fill && !to->has_agg)
        selector_missing(to, "agg", "`fill` fills buckets, which are made by `step` and `agg`");
    else if (to->selection->shape == SHAPE_WIDE)
        check_wide(to);
    else if (to->has_agg && !to->has_step)
        selector_missing(to, "step", "`agg` needs the length of its buckets, such as PT1H");
    else if (to->has_step && !to->has_agg)
        selector_missing(to, "agg",
                         "`step` needs to know what to say of each bucket, such as mean");
}
