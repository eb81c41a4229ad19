#include "base/clock.h"
#include "server/ea.h"

#include <string.h>

#define AGENCY "http://environment.data.gov.uk"
#define ROOT   "/flood-monitoring"

enum { TYPES_MAX_BYTES = 4096 };

EaStyle ea_style(const Request *req)
{
    return (EaStyle){.strict = req->site->options->facade_strict,
                     .origin = str_is_none(req->origin) ? STR(AGENCY) : req->origin};
}

/* ---- values ---------------------------------------------------------------------------------- */

static bool is_item_address(Str rest)
{
    return str_starts(rest, STR(AGENCY ROOT "/id/")) || str_starts(rest, STR(AGENCY ROOT "/data/"));
}

/* Only what can be asked for here: the words of the Agency's vocabulary are its own. */
static void put_rewritten(Buf *out, Str text, const EaStyle *style)
{
    size_t at;
    if (str_eq(style->origin, STR(AGENCY))) {
        buf_put_str(out, text);
        return;
    }
    while (str_find(text, STR(AGENCY), &at)) {
        Str rest = {text.ptr + at, text.len - at};
        buf_put(out, text.ptr, at);
        buf_put_str(out, is_item_address(rest) ? style->origin : STR(AGENCY));
        text = (Str){rest.ptr + strlen(AGENCY), rest.len - strlen(AGENCY)};
    }
    buf_put_str(out, text);
}

static Str first_element(Str value)
{
    Str key, element;
    JsonWalk walk = json_walk(value);
    return json_next(&walk, &key, &element) ? element : STR("null");
}

static bool is_array(Str value)
{
    return str_starts(value, STR("["));
}

static bool is_object(Str value)
{
    return str_starts(value, STR("{"));
}

static void put_repaired_object(Buf *out, Str object, const EaStyle *style)
{
    Str key, value;
    JsonWalk walk = json_walk(object);
    char before = '{';
    while (json_next(&walk, &key, &value)) {
        buf_printf(out, "%c\"" STR_FMT "\":", before, STR_ARG(key));
        ea_put_value(out, value, style);
        before = ',';
    }
    BUF_LITERAL(out, "}");
}

void ea_put_value(Buf *out, Str value, const EaStyle *style)
{
    bool may_differ = !style->strict && memchr(value.ptr, '[', value.len) != NULL;
    if (may_differ && is_array(value))
        ea_put_value(out, first_element(value), style);
    else if (may_differ && is_object(value))
        put_repaired_object(out, value, style);
    else
        put_rewritten(out, value, style);
}

/* ---- objects --------------------------------------------------------------------------------- */

/* The members of an object in the order of their names, as the upstream has them: first those of
 * what it listed, then what only its single answers tell. */
typedef struct Members {
    JsonWalk listed, single;
    Str listed_key, listed_value, single_key, single_value;
    bool has_listed, has_single;
} Members;

static void next_listed(Members *members)
{
    members->has_listed = json_next(&members->listed, &members->listed_key, &members->listed_value);
}

static void next_single(Members *members)
{
    members->has_single = json_next(&members->single, &members->single_key, &members->single_value);
}

static Members members_of(Str listed, Str single)
{
    Members members = {.listed = json_walk(listed), .single = json_walk(single)};
    next_listed(&members);
    next_single(&members);
    return members;
}

static bool next_member(Members *members, Str *ret_key, Str *ret_value)
{
    int order = 0;
    if (!members->has_listed && !members->has_single)
        return false;
    if (members->has_listed && members->has_single)
        order = str_cmp(members->listed_key, members->single_key);
    else
        order = members->has_listed ? -1 : 1;
    bool is_listed = order <= 0; /* of both what is listed: it is asked for more often */
    *ret_key = is_listed ? members->listed_key : members->single_key;
    *ret_value = is_listed ? members->listed_value : members->single_value;
    if (order >= 0)
        next_single(members);
    if (order <= 0)
        next_listed(members);
    return true;
}

static void put_key(Buf *out, Str key, bool *is_first)
{
    buf_put_char(out, *is_first ? '{' : ',');
    buf_put_char(out, '"');
    buf_put_str(out, key);
    BUF_LITERAL(out, "\":");
    *is_first = false;
}

static void put_end(Buf *out, bool is_first)
{
    buf_put_str(out, is_first ? STR("{}") : STR("}"));
}

/* A list that the upstream writes bare when it has one member (Q4, Q5). */
static void put_list(Buf *out, Str value, const EaStyle *style)
{
    Str key, item;
    char before = '[';
    if (style->strict) {
        put_rewritten(out, value, style);
        return;
    }
    if (!is_array(value)) {
        buf_put_char(out, '[');
        ea_put_value(out, value, style);
        buf_put_char(out, ']');
        return;
    }
    JsonWalk walk = json_walk(value);
    while (json_next(&walk, &key, &item)) {
        buf_put_char(out, before);
        ea_put_value(out, item, style);
        before = ',';
    }
    buf_put_str(out, before == '[' ? STR("[]") : STR("]"));
}

/* "http://.../id/measures/X" in quotes, of any kind of item. */
static void put_address(Buf *out, const char *kind, Str id, const EaStyle *style)
{
    buf_put_char(out, '"');
    buf_put_str(out, style->origin);
    buf_put_str(out, str_of(ROOT));
    buf_put_str(out, str_of(kind));
    buf_put_str(out, id);
    buf_put_char(out, '"');
}

/* ---- types ----------------------------------------------------------------------------------- */

#define VOCABULARY AGENCY ROOT "/def/core/"

/* {"type": [...]}, the names in order; one alone is bare, as the upstream has it. */
static Str types_of(const Str *names, size_t count, Buf *out)
{
    BUF_LITERAL(out, "{\"type\":");
    for (size_t i = 0; i < count; i++) {
        buf_put_str(out, i > 0 ? STR(",\"") : count > 1 ? STR("[\"") : STR("\""));
        buf_put_str(out, STR(VOCABULARY));
        buf_put_str(out, names[i]);
        buf_put_char(out, '"');
    }
    buf_put_str(out, count > 1 ? STR("]}") : STR("}"));
    return buf_view(out);
}

static void insert_name(Str *names, size_t count, Str name)
{
    for (; count > 0 && str_cmp(names[count - 1], name) > 0; count--)
        names[count] = names[count - 1];
    names[count] = name;
}

/* What a single station would say of its type, where it has not been asked for yet: the lists by
 * type told it. */
static Str station_types(const Station *station, Buf *out)
{
    enum { TYPES_MAX = 16 };
    Str names[TYPES_MAX] = {STR("Station")}, rest, name;
    size_t count = 1;
    rest = str_is_none(station->type_all) ? station->type : station->type_all;
    bool more = !str_is_none(rest);
    while (more && count < TYPES_MAX) {
        Str all = rest;
        more = str_cut(all, '\n', &name, &rest);
        insert_name(names, count++, more ? name : all);
    }
    return types_of(names, count, out);
}

/* Of other parameters no single measure was seen. */
static Str measure_types(const Measure *measure, Buf *out)
{
    Str names[2] = {STR("Measure"), STR_NONE};
    if (str_eq(measure->parameter, STR("level")))
        names[1] = STR("WaterLevel");
    else if (str_eq(measure->parameter, STR("rainfall")))
        names[1] = STR("Rainfall");
    return types_of(names, str_is_none(names[1]) ? 1 : 2, out);
}

/* ---- stations -------------------------------------------------------------------------------- */

static bool is_scale(Str key)
{
    return str_eq(key, STR("stageScale")) || str_eq(key, STR("downstageScale"));
}

/* The store holds the full view, where a scale is an object. */
static void put_scale(Buf *out, Str value, EaForm form, const EaStyle *style)
{
    Str address;
    Str scale = is_array(value) ? first_element(value) : value;
    if (form == EA_LISTED && is_object(scale) && json_member(scale, STR("@id"), &address))
        value = address;
    ea_put_value(out, value, style);
}

static Str text_of(Str object, const char *name)
{
    Str value;
    bool is_text = json_member(object, str_of(name), &value) && str_starts(value, STR("\""));
    return is_text ? (Str){value.ptr + 1, value.len - 2} : STR_NONE;
}

static bool takes_nested(const EaQuery *query, Str nested)
{
    const Measure measure = {.parameter = text_of(nested, "parameter"),
                             .parameter_name = text_of(nested, "parameterName"),
                             .qualifier = text_of(nested, "qualifier")};
    return ea_takes_measure(query, &measure);
}

bool ea_nests_measure(const Station *station, const EaQuery *query)
{
    Str measures, key, nested;
    if (!json_member(station->raw, STR("measures"), &measures))
        return false;
    JsonWalk walk = json_walk(measures);
    while (json_next(&walk, &key, &nested))
        if (takes_nested(query, nested))
            return true;
    return false;
}

static void put_nested(Buf *out, Str measures, const EaQuery *query, const EaStyle *style)
{
    Str key, nested;
    JsonWalk walk = json_walk(measures);
    char before = '[';
    while (json_next(&walk, &key, &nested)) {
        if (!takes_nested(query, nested))
            continue;
        buf_put_char(out, before);
        ea_put_value(out, nested, style);
        before = ',';
    }
    buf_put_str(out, before == '[' ? STR("[]") : STR("]"));
}

void ea_put_station(Buf *out, const Station *station, EaForm form, const EaQuery *query,
                    const EaStyle *style)
{
    Str key, value;
    bool is_first = true;
    JsonWalk walk = json_walk(station->raw);
    while (json_next(&walk, &key, &value)) {
        put_key(out, key, &is_first);
        if (str_eq(key, STR("measures")))
            put_nested(out, value, query, style);
        else if (is_scale(key))
            put_scale(out, value, form, style);
        else
            ea_put_value(out, value, style);
    }
    put_end(out, is_first);
}

static Str nested_id(Str nested)
{
    Str address = text_of(nested, "@id");
    return str_is_none(address) ? STR_NONE : str_after_last(address, '/');
}

static void put_expanded(Buf *out, Str nested, const StrList *ids, const StrList *texts,
                         const EaStyle *style)
{
    Str id = nested_id(nested);
    for (size_t i = 0; i < ids->count; i++) {
        if (str_eq(ids->items[i], id)) {
            buf_put_str(out, texts->items[i]);
            return;
        }
    }
    ea_put_value(out, nested, style);
}

static size_t element_count(Str array)
{
    Str key, element;
    size_t count = 0;
    JsonWalk walk = json_walk(array);
    while (json_next(&walk, &key, &element))
        count++;
    return count;
}

static void put_all_expanded(Buf *out, Str measures, const StrList *ids, const StrList *texts,
                             const EaStyle *style)
{
    Str key, nested;
    JsonWalk walk = json_walk(measures);
    bool is_bare = style->strict && element_count(measures) == 1;
    if (!is_bare)
        buf_put_char(out, '[');
    for (bool is_first = true; json_next(&walk, &key, &nested); is_first = false) {
        if (!is_first)
            buf_put_char(out, ',');
        put_expanded(out, nested, ids, texts, style);
    }
    if (!is_bare)
        buf_put_char(out, ']');
}

void ea_put_single_station(Buf *out, const Station *station, const StrList *ids,
                           const StrList *texts, const EaStyle *style)
{
    Str key, value;
    bool is_first = true;
    CLEANUP(buf_release) Buf types = buf_init(TYPES_MAX_BYTES);
    Members members = members_of(
        station->raw, str_is_none(station->more) ? station_types(station, &types) : station->more);
    while (next_member(&members, &key, &value)) {
        put_key(out, key, &is_first);
        if (str_eq(key, STR("measures")))
            put_all_expanded(out, value, ids, texts, style);
        else if (str_eq(key, STR("type")))
            put_list(out, value, style);
        else
            ea_put_value(out, value, style);
    }
    put_end(out, is_first);
}

/* ---- readings -------------------------------------------------------------------------------- */

/* 2025-09-05T15-30-00Z: an address holds no colon. */
static void put_reading_address(Buf *out, Str measure_id, const char *time, const EaStyle *style)
{
    buf_put_char(out, '"');
    buf_put_str(out, style->origin);
    buf_put_str(out, STR(ROOT "/data/readings/"));
    buf_put_str(out, measure_id);
    buf_put_char(out, '/');
    for (; *time != '\0'; time++)
        buf_put_char(out, *time == ':' ? '-' : *time);
    buf_put_char(out, '"');
}

/* One number; in strict style all that the upstream gave. What came as CSV parts them by bars (Q2),
 * what came as JSON is an array (Q1). */
static void put_values(Buf *out, const Reading *reading, const EaStyle *style)
{
    if (!style->strict || (reading->flags & READING_AMBIGUOUS) == 0 || str_is_none(reading->raw)) {
        buf_put_double(out, reading->value);
        return;
    }
    buf_put_char(out, '[');
    for (size_t i = 0; i < reading->raw.len; i++) {
        char c = reading->raw.ptr[i];
        if (c == '|')
            buf_put_char(out, ',');
        else if (c != '[' && c != ']' && c > ' ')
            buf_put_char(out, c);
    }
    buf_put_char(out, ']');
}

void ea_put_reading(Buf *out, const Reading *reading, bool with_date, Str measure,
                    const EaStyle *style)
{
    char time[CLOCK_TEXT_SIZE];
    clock_format(reading->time, time);
    BUF_LITERAL(out, "{\"@id\":");
    put_reading_address(out, reading->measure_id, time, style);
    if (with_date)
        buf_printf(out, ",\"date\":\"%.10s\"", time);
    BUF_LITERAL(out, ",\"dateTime\":\"");
    buf_put(out, time, CLOCK_TEXT_SIZE - 1);
    BUF_LITERAL(out, "\",\"measure\":");
    if (str_is_none(measure))
        put_address(out, "/id/measures/", reading->measure_id, style);
    else
        buf_put_str(out, measure);
    BUF_LITERAL(out, ",\"value\":");
    put_values(out, reading, style);
    buf_put_char(out, '}');
}

/* ---- measures -------------------------------------------------------------------------------- */

static void put_latest(Buf *out, const Reading *newest, EaLatest latest, const EaStyle *style)
{
    char time[CLOCK_TEXT_SIZE];
    if (latest == EA_LATEST_OBJECT) {
        ea_put_reading(out, newest, true, STR_NONE, style);
        return;
    }
    clock_format(newest->time, time);
    put_reading_address(out, newest->measure_id, time, style);
}

void ea_put_measure(Buf *out, const Measure *measure, const Reading *newest, bool single,
                    EaLatest latest, const EaStyle *style)
{
    static const Str LATEST = {"latestReading", 13};
    Str key, value;
    bool is_first = true, has_latest = newest == NULL;
    CLEANUP(buf_release) Buf types = buf_init(TYPES_MAX_BYTES);
    Str more = single ? measure->more : STR("{}");
    Members members =
        members_of(measure->raw, str_is_none(more) ? measure_types(measure, &types) : more);
    while (next_member(&members, &key, &value)) {
        if (!has_latest && str_cmp(key, LATEST) > 0) {
            put_key(out, LATEST, &is_first);
            put_latest(out, newest, latest, style);
            has_latest = true;
        }
        put_key(out, key, &is_first);
        if (str_eq(key, STR("type")))
            put_list(out, value, style);
        else
            ea_put_value(out, value, style);
    }
    if (!has_latest) {
        put_key(out, LATEST, &is_first);
        put_latest(out, newest, latest, style);
    }
    put_end(out, is_first);
}
