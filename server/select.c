#include "server/select.h"

#include "base/clock.h"
#include "model/batch.h"
#include "server/request.h"
#include "server/route.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { BACK_MAX_DAYS = 36500 };

struct Selector {
    const Request *req;
    Selection *selection;
    Problem *problem;
    bool has_lat, has_long, has_dist;
    bool has_from, has_period, has_since;
};

static void fault(Selector *to, ProblemType type, const ParamInfo *info, const char *reason,
                  Str value, const char *sentence)
{
    problem_add(
        to->problem, type,
        (ProblemFault){.parameter = str_of(info->name),
                       .value = value,
                       .reason = reason,
                       .detail = arena_format(to->req->arena, "'%s': %s", info->name, sentence)});
}

static void bad_value(Selector *to, const ParamInfo *info, Str value, const char *sentence)
{
    fault(to, PROBLEM_BAD_PARAMETER, info, "bad", value, sentence);
}

/* ---- lists ----------------------------------------------------------------------------------- */

static StrList *list_of(Selector *to, const ParamInfo *info)
{
    return (StrList *) (void *) ((char *) &to->selection->filter + info->list_offset);
}

static void add(Selector *to, const ParamInfo *info, Str value)
{
    if (!str_list_add(to->req->arena, list_of(to, info), value))
        bad_value(to, info, STR_NONE, "there is no memory for so many values");
}

/* The name as it is: 164 catchments and 23 towns hold commas. */
static void read_text(Selector *to, const ParamInfo *info, Str value)
{
    add(to, info, value);
}

static void read_list(Selector *to, const ParamInfo *info, Str value, bool trim)
{
    Str item, rest = value;
    bool more = true;
    while (more) {
        Str all = rest;
        more = str_cut(all, ',', &item, &rest);
        if (!more)
            item = all;
        if (trim)
            item = str_trim(item);
        if (item.len == 0 && value.len > 0)
            bad_value(to, info, value, "a name in the list is empty");
        else
            add(to, info, item);
    }
}

/* Ids are opaque: a blank at their end is a part of them. */
static void read_ids(Selector *to, const ParamInfo *info, Str value)
{
    read_list(to, info, value, false);
}

static void read_words(Selector *to, const ParamInfo *info, Str value)
{
    read_list(to, info, value, true);
}

static void read_search(Selector *to, const ParamInfo *info, Str value)
{
    if (!filter_words(to->req->arena, value, &to->selection->filter.words))
        bad_value(to, info, STR_NONE, "there is no memory for so many words");
    else if (to->selection->filter.words.count == 0)
        bad_value(to, info, value, "there is no word in it");
}

/* ---- places ---------------------------------------------------------------------------------- */

static bool read_number(Selector *to, const ParamInfo *info, Str text, double least, double most,
                        double *ret)
{
    double value;
    if (!str_to_double(text, &value)) {
        bad_value(to, info, text, "expected a decimal number");
        return false;
    }
    if (value < least || value > most) {
        problem_add(to->problem, PROBLEM_BAD_PARAMETER,
                    (ProblemFault){.parameter = str_of(info->name),
                                   .value = text,
                                   .reason = "bad",
                                   .detail = arena_format(to->req->arena,
                                                          "'%s': expected a number from %g to %g",
                                                          info->name, least, most)});
        return false;
    }
    *ret = value;
    return true;
}

static bool split_four(Str text, Str ret_parts[static 4])
{
    Str rest = text;
    for (int i = 0; i < 3; i++) {
        Str all = rest;
        if (!str_cut(all, ',', &ret_parts[i], &rest))
            return false;
    }
    ret_parts[3] = rest;
    return true;
}

static void read_box(Selector *to, const ParamInfo *info, Str value)
{
    Filter *filter = &to->selection->filter;
    Str parts[4];
    if (!split_four(value, parts)) {
        bad_value(to, info, value, "expected west,south,east,north in degrees");
        return;
    }
    if (!read_number(to, info, str_trim(parts[0]), -180, 180, &filter->west_deg) ||
        !read_number(to, info, str_trim(parts[1]), -90, 90, &filter->south_deg) ||
        !read_number(to, info, str_trim(parts[2]), -180, 180, &filter->east_deg) ||
        !read_number(to, info, str_trim(parts[3]), -90, 90, &filter->north_deg))
        return;
    if (filter->south_deg > filter->north_deg)
        bad_value(to, info, value, "its south lies north of its north: west,south,east,north");
    filter->has_box = true;
}

static void read_lat(Selector *to, const ParamInfo *info, Str value)
{
    to->has_lat = true;
    (void) read_number(to, info, value, -90, 90, &to->selection->filter.lat_deg);
}

static void read_long(Selector *to, const ParamInfo *info, Str value)
{
    to->has_long = true;
    (void) read_number(to, info, value, -180, 180, &to->selection->filter.long_deg);
}

static void read_dist(Selector *to, const ParamInfo *info, Str value)
{
    to->has_dist = true;
    (void) read_number(to, info, value, 0, 20100, &to->selection->filter.dist_km); /* half round */
}

static void check_circle(Selector *to)
{
    if (!to->has_lat && !to->has_long && !to->has_dist)
        return;
    const struct {
        const char *name;
        bool is_there;
    } parts[] = {{"lat", to->has_lat}, {"long", to->has_long}, {"dist", to->has_dist}};
    for (size_t i = 0; i < countof(parts); i++)
        if (!parts[i].is_there)
            problem_add(to->problem, PROBLEM_BAD_PARAMETER,
                        (ProblemFault){.parameter = str_of(parts[i].name),
                                       .reason = "missing",
                                       .detail = arena_format(
                                           to->req->arena,
                                           "'%s' is missing: lat, long and dist (km) go together",
                                           parts[i].name)});
    to->selection->filter.has_circle = true;
}

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

static bool parse_time(Arena *arena, Str text, UnixSec *ret)
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
    if (parse_time(to->req->arena, value, &time))
        return time;
    fault(to, PROBLEM_BAD_TIME, info, "bad", value, EXPECTED_TIME);
    return NO_TIME;
}

static void read_from(Selector *to, const ParamInfo *info, Str value)
{
    to->has_from = to->selection->span.has_from = true;
    to->selection->span.from = read_time(to, info, value);
}

static void read_to(Selector *to, const ParamInfo *info, Str value)
{
    to->selection->span.has_to = true;
    to->selection->span.to = read_time(to, info, value);
}

static bool read_duration(Str value, int64_t *ret_s)
{
    return clock_parse_duration(value, ret_s) && *ret_s <= (int64_t) BACK_MAX_DAYS * 86400;
}

static void read_period(Selector *to, const ParamInfo *info, Str value)
{
    to->has_period = true;
    if (read_duration(value, &to->selection->span.back_s))
        to->selection->span.has_back = true;
    else
        fault(to, PROBLEM_BAD_TIME, info, "bad", value,
              "expected a duration of weeks, days, hours, minutes, seconds, at most P36500D: PT6H");
}

static void read_since(Selector *to, const ParamInfo *info, Str value)
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

static void check_span(Selector *to)
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

/* ---- all of it ------------------------------------------------------------------------------- */

static void read_format(Selector *to, const ParamInfo *info, Str value)
{
    (void) info;
    to->selection->has_format = true;
    to->selection->format = value;
}

static void bad_reason(Selector *to, const ParamInfo *info, Str value)
{
    CLEANUP(buf_release) Buf sentence = buf_init(1024);
    BUF_LITERAL(&sentence, "expected one of");
    for (int i = 0; i < REFUSAL_REASON_COUNT; i++)
        buf_printf(&sentence, "%s %s", i > 0 ? "," : "", refusal_name((RefusalReason) i));
    buf_put_char(&sentence, '\0');
    bad_value(to, info, value, buf_view(&sentence).ptr);
}

static void read_reason(Selector *to, const ParamInfo *info, Str value)
{
    RefusalReason reason;
    if (!refusal_find(value, &reason))
        bad_reason(to, info, value);
    else if (!str_list_add(to->req->arena, &to->selection->reasons, value))
        bad_value(to, info, STR_NONE, "there is no memory for so many values");
}

static void read_freshness(Selector *to, const ParamInfo *info, Str value)
{
    Str item, rest = value;
    bool more = true;
    while (more) {
        Str all = rest;
        more = str_cut(all, ',', &item, &rest);
        Freshness freshness;
        if (freshness_find(str_trim(more ? item : all), &freshness))
            to->selection->filter.freshness |= 1u << freshness;
        else
            bad_value(to, info, value, "expected fresh, late, stale, silent, or several of them");
    }
}

/* ---- what of it, in what order, how much ----------------------------------------------------- */

/* Parameters come sorted by name: `agg` was read before `fields` and `sort`. */
static const Field *table_of(const Selector *to)
{
    return to->selection->aggregates != 0 ? BUCKET_FIELDS : to->req->route->fields;
}

const Field *request_fields(const Request *req)
{
    return req->selection.aggregates != 0 ? BUCKET_FIELDS : req->route->fields;
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

static void read_fields(Selector *to, const ParamInfo *info, Str value)
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
            bad_value(to, info, name, "a field is named twice");
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

static void read_sort(Selector *to, const ParamInfo *info, Str value)
{
    const Field *table = table_of(to);
    bool is_down = str_starts(value, STR("-"));
    Str name = is_down ? (Str){value.ptr + 1, value.len - 1} : value;
    const Field *field = field_find(table, name);
    if (field == NULL) {
        unknown_field(to, info, name);
    } else if (!is_sortable(table, field)) {
        bad_value(to, info, value,
                  (field->in & FIELD_LIST) == 0 ? "readings are sorted by `time` or `measure`"
                                                : "it is a list, which has no order to sort by");
    } else {
        to->selection->sort = field;
        to->selection->sort_is_down = is_down;
    }
}

static void read_limit(Selector *to, const ParamInfo *info, Str value)
{
    int64_t limit, most = (int64_t) to->req->site->options->max_json_items;
    if (str_to_int(value, &limit) && limit >= 1 && limit <= most)
        to->selection->limit = (size_t) limit;
    else
        bad_value(
            to, info, value,
            arena_format(to->req->arena, "expected a whole number from 1 to %" PRId64, most).ptr);
}

static void read_cursor(Selector *to, const ParamInfo *info, Str value)
{
    (void) info;
    to->selection->cursor = value;
}

/* One of a few words; the number of words when it is none of them, which is told. */
static size_t read_choice(Selector *to, const ParamInfo *info, Str value, const char *const *words,
                          size_t count)
{
    Str list = STR("");
    for (size_t i = 0; i < count; i++) {
        if (str_eq(value, str_of(words[i])))
            return i;
        list = arena_format(to->req->arena, STR_FMT "%s'%s'", STR_ARG(list), i > 0 ? " or " : "",
                            words[i]);
    }
    bad_value(to, info, value,
              arena_format(to->req->arena, "expected " STR_FMT, STR_ARG(list)).ptr);
    return count;
}

static void read_time_format(Selector *to, const ParamInfo *info, Str value)
{
    static const char *const WORDS[] = {"rfc3339", "unix", "unixms"};
    static const TimeForm FORMS[] = {TIME_RFC3339, TIME_UNIX, TIME_UNIX_MS};
    size_t choice = read_choice(to, info, value, WORDS, countof(WORDS));
    if (choice < countof(FORMS))
        to->selection->style.times = FORMS[choice];
}

static void read_zone(Selector *to, const ParamInfo *info, Str value)
{
    static const char *const WORDS[] = {"UTC", "Europe/London"};
    to->selection->with_local_time = read_choice(to, info, value, WORDS, countof(WORDS)) == 1;
}

static void read_profile(Selector *to, const ParamInfo *info, Str value)
{
    static const char *const WORDS[] = {"excel"};
    to->selection->style.excel = read_choice(to, info, value, WORDS, countof(WORDS)) == 0;
}

/* ---- shapes and buckets ---------------------------------------------------------------------- */

static void read_shape(Selector *to, const ParamInfo *info, Str value)
{
    static const char *const WORDS[] = {"items", "array", "columns", "wide"};
    size_t choice = read_choice(to, info, value, WORDS, countof(WORDS));
    if (choice < countof(WORDS))
        to->selection->shape = (Shape) choice;
}

/* A list of words into a set of bits: the position of each among `words`, and `first` in front. */
static void read_bits(Selector *to, const ParamInfo *info, Str value, const char *const *words,
                      size_t count, unsigned first, unsigned *bits)
{
    Str item, rest = value;
    bool more = true;
    while (more) {
        Str all = rest;
        more = str_cut(all, ',', &item, &rest);
        size_t choice = read_choice(to, info, str_trim(more ? item : all), words, count);
        if (choice < count)
            *bits |= 1U << (choice + first);
    }
}

static void read_aggregates(Selector *to, const ParamInfo *info, Str value)
{
    const char *words[AGGREGATE_KIND_COUNT];
    for (unsigned i = 0; i < AGGREGATE_KIND_COUNT; i++)
        words[i] = aggregate_name((Aggregate) i);
    read_bits(to, info, value, words, countof(words), 0, &to->selection->aggregates);
}

static void read_trend(Selector *to, const ParamInfo *info, Str value)
{
    const char *words[TREND_COUNT - 1];
    for (unsigned i = 0; i < countof(words); i++)
        words[i] = trend_name((Trend) (i + 1));
    read_bits(to, info, value, words, countof(words), 1, &to->selection->trends);
}

static void read_state(Selector *to, const ParamInfo *info, Str value)
{
    const char *words[LEVEL_STATE_COUNT - 1];
    for (unsigned i = 0; i < countof(words); i++)
        words[i] = level_state_name((LevelState) (i + 1));
    read_bits(to, info, value, words, countof(words), 1, &to->selection->states);
}

static void read_step(Selector *to, const ParamInfo *info, Str value)
{
    enum { STEP_MIN_S = 60, STEP_MAX_S = 86400 };
    int64_t step_s;
    if (clock_parse_duration(value, &step_s) && step_s >= STEP_MIN_S && step_s <= STEP_MAX_S)
        to->selection->step_s = step_s;
    else
        bad_value(to, info, value, "expected a duration from PT1M to P1D");
}

static void read_fill(Selector *to, const ParamInfo *info, Str value)
{
    static const char *const WORDS[] = {"null", "previous", "linear"};
    static const Fill FILLS[] = {FILL_NULL, FILL_PREVIOUS, FILL_LINEAR};
    size_t choice = read_choice(to, info, value, WORDS, countof(WORDS));
    if (choice < countof(FILLS))
        to->selection->fill = FILLS[choice];
}

static void missing(Selector *to, const char *name, const char *sentence)
{
    problem_add(to->problem, PROBLEM_BAD_PARAMETER,
                (ProblemFault){
                    .parameter = str_of(name),
                    .reason = "missing",
                    .detail = arena_format(to->req->arena, "'%s' is missing: %s", name, sentence)});
}

/* A matrix has its own columns, in its own order, and is whole. */
static void check_wide(Selector *to)
{
    const Selection *selection = to->selection;
    const struct {
        const char *name;
        bool is_there;
    } others[] = {{"fields", selection->fields.count > 0},
                  {"sort", selection->sort != NULL},
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
    else if (selection->step_s == 0)
        missing(to, "step", "`shape=wide` needs the step of its grid, such as PT15M");
    else if ((selection->aggregates & (selection->aggregates - 1)) != 0)
        problem_add(to->problem, PROBLEM_BAD_PARAMETER,
                    (ProblemFault){.parameter = STR("agg"),
                                   .reason = "bad",
                                   .detail = STR("'agg': a cell of `shape=wide` holds one value; "
                                                 "ask for one")});
}

static void check_buckets(Selector *to)
{
    const Selection *selection = to->selection;
    if (to->problem->type != PROBLEM_NONE)
        return;
    if (selection->aggregates == 0 && selection->fill != FILL_NONE)
        missing(to, "agg", "`fill` fills buckets, which are made by `step` and `agg`");
    else if (selection->shape == SHAPE_WIDE)
        check_wide(to);
    else if (selection->aggregates != 0 && selection->step_s == 0)
        missing(to, "step", "`agg` needs the length of its buckets, such as PT1H");
    else if (selection->aggregates == 0 && selection->step_s != 0)
        missing(to, "agg", "`step` needs to know what to say of each bucket, such as mean");
}

static void read_download(Selector *to, const ParamInfo *info, Str value)
{
    static const char *const WORDS[] = {"0", "1"};
    to->selection->download = read_choice(to, info, value, WORDS, countof(WORDS)) == 1;
}

#define LIST(name) offsetof(Filter, name)

const ParamInfo PARAMS[] = {
    {"station", PARAMS_STATION, false, true, read_ids, LIST(station)},
    {"measure", PARAMS_MEASURE | PARAMS_QUARANTINE, false, false, read_ids, LIST(measure)},
    {"parameter", PARAMS_MEASURE, false, false, read_words, LIST(parameter)},
    {"qualifier", PARAMS_MEASURE, false, true, read_text,
     LIST(qualifier)}, /* 207 measures have "" */
    {"freshness", PARAMS_MEASURE, false, false, read_freshness, 0},
    {"river", PARAMS_STATION, false, false, read_text, LIST(river)},
    {"catchment", PARAMS_STATION, false, false, read_text, LIST(catchment)},
    {"town", PARAMS_STATION, false, false, read_text, LIST(town)},
    {"status", PARAMS_STATION, false, false, read_words, LIST(status)},
    {"type", PARAMS_STATION, false, false, read_words, LIST(type)},
    {"reference", PARAMS_STATION, false, true, read_text, LIST(reference)},
    {"rloi_id", PARAMS_STATION, false, false, read_text, LIST(rloi_id)},
    {"wiski_id", PARAMS_STATION, false, false, read_text, LIST(wiski_id)},
    {"q", PARAMS_STATION, true, false, read_search, 0},
    {"bbox", PARAMS_STATION, true, false, read_box, 0},
    {"lat", PARAMS_STATION, true, false, read_lat, 0},
    {"long", PARAMS_STATION, true, false, read_long, 0},
    {"dist", PARAMS_STATION, true, false, read_dist, 0},
    {"from", PARAMS_TIME, true, true, read_from, 0},
    {"to", PARAMS_TIME, true, true, read_to, 0},
    {"period", PARAMS_TIME, true, true, read_period, 0},
    {"since", PARAMS_TIME, true, true, read_since, 0},
    {"reason", PARAMS_QUARANTINE, false, false, read_reason, 0},
    {"format", PARAMS_FORMAT, true, false, read_format, 0},
    {"fields", PARAMS_FORMAT, true, false, read_fields, 0},
    {"timeformat", PARAMS_FORMAT, true, false, read_time_format, 0},
    {"profile", PARAMS_FORMAT, true, false, read_profile, 0},
    {"download", PARAMS_FORMAT, true, false, read_download, 0},
    {"tz", PARAMS_READING, true, false, read_zone, 0},
    {"trend", PARAMS_MEANING, false, false, read_trend, 0},
    {"state", PARAMS_MEANING, false, false, read_state, 0},
    {"shape", PARAMS_LIST, true, false, read_shape, 0},
    {"step", PARAMS_BUCKET, true, false, read_step, 0},
    {"agg", PARAMS_BUCKET, true, false, read_aggregates, 0},
    {"fill", PARAMS_BUCKET, true, false, read_fill, 0},
    {"sort", PARAMS_LIST, true, false, read_sort, 0},
    {"limit", PARAMS_LIST | PARAMS_QUARANTINE, true, false, read_limit, 0},
    {"cursor", PARAMS_LIST, true, false, read_cursor, 0},
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
    if (info->once && is_repeated)
        bad_value(to, info, param->value, "it is given more than once");
    else if (param->value.len == 0 && !info->may_be_empty)
        bad_value(to, info, param->value, "it has no value");
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
    check_circle(&to);
    check_span(&to);
    check_buckets(&to);
    return problem->type == PROBLEM_NONE;
}
