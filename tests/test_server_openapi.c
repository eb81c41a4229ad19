/* openapi.yaml and the program say the same: paths, methods, parameters, columns, problems. */
#include "model/field.h"
#include "server/assets.h"
#include "server/ea.h"
#include "server/route.h"
#include "tests/test.h"

#include <stdio.h>
#include <string.h>

/* ---- a reader of the YAML that openapi.yaml is written in --------------------------------------
 *
 * Block mappings and lists, one key a line, anchors and aliases as whole values. The text of block
 * scalars is read as lines too; nobody asks for them. */

enum { LINES_MAX = 8000, NAMES_MAX = 64, TEXT_MAX = 1 << 20 };

typedef struct Line {
    size_t indent;
    bool is_item;
    Str key, value; /* of an item without a key: the key is none */
} Line;

static Line lines[LINES_MAX];
static size_t line_count;

static Str unquoted(Str text)
{
    bool quoted = text.len >= 2 && (text.ptr[0] == '\'' || text.ptr[0] == '"') &&
                  text.ptr[text.len - 1] == text.ptr[0];
    return quoted ? (Str){text.ptr + 1, text.len - 2} : text;
}

static void read_line(Str text)
{
    Line *line = &lines[line_count];
    *line = (Line){.key = STR_NONE, .value = STR("")};
    while (line->indent < text.len && text.ptr[line->indent] == ' ')
        line->indent++;
    Str rest = str_trim(text);
    if (rest.len == 0 || rest.ptr[0] == '#')
        return;
    if (str_starts(rest, STR("- "))) {
        line->is_item = true;
        rest = str_trim((Str){rest.ptr + 2, rest.len - 2});
    }
    size_t at;
    if (str_find(rest, STR(": "), &at)) {
        line->key = unquoted((Str){rest.ptr, at});
        line->value = unquoted(str_trim((Str){rest.ptr + at + 2, rest.len - at - 2}));
    } else if (str_ends(rest, STR(":"))) {
        line->key = unquoted((Str){rest.ptr, rest.len - 1});
    } else {
        line->value = unquoted(rest);
    }
    line_count++;
    REQUIRE(line_count < LINES_MAX);
}

static Str document(void)
{
    for (const Asset *asset = ASSETS; asset->path != NULL; asset++)
        if (strcmp(asset->path, "/openapi.yaml") == 0)
            return (Str){(const char *) asset->bytes, asset->len};
    test_abort(); /* it is not compiled in */
}

static void read_document(void)
{
    Str line, rest = document();
    line_count = 0;
    while (str_cut(rest, '\n', &line, &rest))
        read_line(line);
}

enum { NOWHERE = LINES_MAX };

/* Where the value of a line begins: behind it, or where its alias is anchored. */
static size_t inside_of(size_t at)
{
    Str value = lines[at].value;
    if (!str_starts(value, STR("*")))
        return at;
    for (size_t i = 0; i < line_count; i++)
        if (str_starts(lines[i].value, STR("&")) && lines[i].value.len == value.len &&
            memcmp(lines[i].value.ptr + 1, value.ptr + 1, value.len - 1) == 0)
            return i;
    CHECK_TEXT("an anchor", value);
    return at;
}

/* The first line below `parent`, or the next one beside `after`; NOWHERE at the end. */
static size_t next_child(size_t parent, size_t after)
{
    size_t first = parent + 1;
    if (first >= line_count || lines[first].indent <= lines[parent].indent)
        return NOWHERE;
    if (after == NOWHERE)
        return first;
    for (size_t i = after + 1; i < line_count && lines[i].indent > lines[parent].indent; i++)
        if (lines[i].indent == lines[first].indent)
            return i;
    return NOWHERE;
}

static size_t find_child(size_t parent, const char *key)
{
    size_t at = NOWHERE;
    if (parent == NOWHERE)
        return NOWHERE;
    parent = inside_of(parent);
    while ((at = next_child(parent, at)) != NOWHERE)
        if (str_eq(lines[at].key, str_of(key)))
            return at;
    return NOWHERE;
}

static size_t find_top(const char *key)
{
    for (size_t i = 0; i < line_count; i++)
        if (lines[i].indent == 0 && str_eq(lines[i].key, str_of(key)))
            return i;
    return NOWHERE;
}

static size_t find_component(const char *kind, Str name)
{
    char key[100];
    (void) snprintf(key, sizeof key, STR_FMT, STR_ARG(name));
    return find_child(find_child(find_top("components"), kind), key);
}

typedef struct Names {
    Str items[NAMES_MAX];
    size_t count;
} Names;

static void add_name(Names *names, Str name)
{
    REQUIRE(names->count < NAMES_MAX);
    names->items[names->count++] = name;
}

static bool has_name(const Names *names, Str name)
{
    for (size_t i = 0; i < names->count; i++)
        if (str_eq(names->items[i], name))
            return true;
    return false;
}

static void check_same_names(const Names *want, const Names *got)
{
    CHECK_INT(want->count, got->count);
    for (size_t i = 0; i < want->count; i++)
        if (!has_name(got, want->items[i]))
            CHECK_TEXT("a name that is documented", want->items[i]);
    for (size_t i = 0; i < got->count; i++)
        if (!has_name(want, got->items[i]))
            CHECK_TEXT("a name that there is", got->items[i]);
}

/* ---- paths and parameters -------------------------------------------------------------------- */

/* 2: with and without a suffix, which is one of a word. */
static size_t path_forms(const Route *route)
{
    Str pattern = str_of(route->pattern);
    bool ends_in_word = !str_ends(pattern, STR("}")) && !str_ends(pattern, STR("/"));
    return route->formats != 0 && ends_in_word ? 2 : 1;
}

static size_t find_path(const Route *route, bool with_suffix)
{
    char path[200];
    (void) snprintf(path, sizeof path, "%s%s", route->pattern, with_suffix ? ".{suffix}" : "");
    return find_child(find_top("paths"), path);
}

TEST(paths_and_methods_are_the_routes)
{
    read_document();
    size_t want = 0, got = 0, at = NOWHERE;
    for (const Route *route = ROUTES; route->pattern != NULL; route++) {
        for (size_t form = 0; form < path_forms(route); form++) {
            CASE(route->pattern);
            size_t path = find_path(route, form == 1);
            CHECK_TEXT("GET", str_of(route->method));
            CHECK(find_child(path, "get") != NOWHERE);
            want++;
        }
    }
    size_t paths = find_top("paths");
    while ((at = next_child(paths, at)) != NOWHERE) {
        got++;
        size_t below = NOWHERE;
        while ((below = next_child(at, below)) != NOWHERE)
            CHECK(str_eq(lines[below].key, STR("get")) ||
                  str_eq(lines[below].key, STR("parameters")));
    }
    CHECK_INT(want, got);
}

/* Parameters of a path or an operation: `where` is query or path. */
static void collect_params(size_t owner, const char *where, Names *names)
{
    size_t list = find_child(owner, "parameters"), at = NOWHERE;
    if (list == NOWHERE)
        return;
    list = inside_of(list);
    while ((at = next_child(list, at)) != NOWHERE) {
        if (!lines[at].is_item)
            continue;
        Str name = lines[at].value;
        Str place = STR("path"); /* the one that is written in place is one of a path */
        if (str_eq(lines[at].key, STR("$ref"))) {
            size_t param = find_component("parameters", str_after_last(lines[at].value, '/'));
            REQUIRE(param != NOWHERE);
            name = lines[find_child(param, "name")].value;
            place = lines[find_child(param, "in")].value;
        }
        if (str_eq(place, str_of(where)))
            add_name(names, name);
    }
}

static void collect_args(Str pattern, bool with_suffix, Names *names)
{
    Str head, rest = pattern, name;
    while (str_cut(rest, '{', &head, &rest) && str_cut(rest, '}', &name, &rest))
        add_name(names, name);
    if (with_suffix)
        add_name(names, STR("suffix"));
}

TEST(parameters_are_those_that_are_read)
{
    read_document();
    for (const Route *route = ROUTES; route->pattern != NULL; route++) {
        for (size_t form = 0; form < path_forms(route); form++) {
            CASE(route->pattern);
            size_t path = find_path(route, form == 1);
            size_t get = find_child(path, "get");
            REQUIRE(get != NOWHERE);
            Names want = {.count = 0}, got = {.count = 0}, want_args = {.count = 0},
                  got_args = {.count = 0};
            for (const ParamInfo *param = PARAMS; param->name != NULL; param++)
                if ((param->group & route->params) != 0)
                    add_name(&want, str_of(param->name));
            for (const EaParam *param = EA_PARAMS; param->name != NULL; param++)
                if ((param->group & route->params) != 0)
                    add_name(&want, str_of(param->name));
            if ((route->params & PARAMS_STATION) != 0 && (route->params & PARAMS_FOLLOW) == 0)
                add_name(&want, STR("generation")); /* read before the rest */
            collect_params(path, "query", &got);
            collect_params(get, "query", &got);
            check_same_names(&want, &got);
            collect_args(str_of(route->pattern), form == 1, &want_args);
            collect_params(path, "path", &got_args);
            collect_params(get, "path", &got_args);
            check_same_names(&want_args, &got_args);
        }
    }
}

/* ---- the document by itself ------------------------------------------------------------------ */

TEST(references_lead_somewhere_and_nothing_is_unused)
{
    static const char *const kinds[] = {"parameters", "headers", "responses", "schemas"};
    read_document();
    for (size_t i = 0; i < line_count; i++) {
        if (!str_eq(lines[i].key, STR("$ref")))
            continue;
        Str name = str_after_last(lines[i].value, '/');
        bool found = false;
        for (size_t k = 0; k < countof(kinds); k++)
            found |= find_component(kinds[k], name) != NOWHERE;
        if (!found)
            CHECK_TEXT("a component", lines[i].value);
    }
    for (size_t k = 0; k < countof(kinds); k++) {
        size_t kind = find_child(find_top("components"), kinds[k]), at = NOWHERE;
        while ((at = next_child(kind, at)) != NOWHERE) {
            char ref[200];
            (void) snprintf(ref, sizeof ref, "#/components/%s/" STR_FMT, kinds[k],
                            STR_ARG(lines[at].key));
            bool used = false;
            for (size_t i = 0; i < line_count && !used; i++)
                used = str_eq(lines[i].key, STR("$ref")) && str_eq(lines[i].value, str_of(ref));
            CASE(ref);
            CHECK(used);
        }
    }
}

TEST(version_is_the_program_s)
{
    read_document();
    CHECK_TEXT(FRESHET_VERSION, lines[find_child(find_top("info"), "version")].value);
}

/* ---- rows and problems ----------------------------------------------------------------------- */

/* The document with each run of white space as one blank. */
static void put_flat(Buf *out)
{
    Str text = document();
    bool in_blank = false;
    for (size_t i = 0; i < text.len; i++) {
        bool blank = text.ptr[i] == ' ' || text.ptr[i] == '\n';
        if (!blank || !in_blank)
            buf_put_char(out, blank ? ' ' : text.ptr[i]);
        in_blank = blank;
    }
}

TEST(columns_and_members_are_the_fields)
{
    static const struct {
        const char *schema;
        const Field *fields;
    } cases[] = {{"Station", STATION_FIELDS},
                 {"Measure", MEASURE_FIELDS},
                 {"Reading", READING_FIELDS},
                 {"Latest", LATEST_FIELDS},
                 {"RiverCount", RIVER_FIELDS},
                 {"CatchmentCount", CATCHMENT_FIELDS},
                 {"TownCount", TOWN_FIELDS},
                 {"ParameterCount", PARAMETER_FIELDS},
                 {"Refusal", QUARANTINE_FIELDS},
                 {"Gap", GAP_FIELDS},
                 {"FreshnessChange", FRESHNESS_FIELDS},
                 {"Removal", REMOVAL_FIELDS}};
    read_document();
    CLEANUP(buf_release) Buf flat = buf_init(TEXT_MAX);
    put_flat(&flat);
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].schema);
        const FieldSet json = field_set_default(cases[i].fields, FIELD_JSON);
        const FieldSet csv = field_set_default(cases[i].fields, FIELD_CSV);
        Names want = {.count = 0}, got = {.count = 0};
        for (size_t k = 0; k < json.count; k++)
            add_name(&want, str_of(json.fields[k]->name));
        size_t members =
            find_child(find_component("schemas", str_of(cases[i].schema)), "properties");
        size_t at = NOWHERE;
        while ((at = next_child(members, at)) != NOWHERE)
            add_name(&got, lines[at].key);
        check_same_names(&want, &got);
        CLEANUP(buf_release) Buf columns = buf_init(TEXT_MAX);
        BUF_LITERAL(&columns, "at the end:");
        for (size_t k = 0; k < csv.count; k++)
            buf_printf(&columns, "%s %s", k > 0 ? "," : "", csv.fields[k]->name);
        BUF_LITERAL(&columns, ". ");
        buf_put_char(&columns, '\0');
        CHECK_HAS(columns.ptr, buf_view(&flat));
    }
}

TEST(problems_are_those_that_there_are)
{
    read_document();
    Names want = {.count = 0}, got = {.count = 0};
    char types[PROBLEM_TYPE_COUNT][64];
    for (unsigned i = PROBLEM_NONE + 1; i < PROBLEM_TYPE_COUNT; i++) {
        (void) snprintf(types[i], sizeof types[i], "/problems/%s", PROBLEMS[i].name);
        add_name(&want, str_of(types[i]));
    }
    size_t members = find_child(find_component("schemas", STR("Problem")), "properties");
    size_t types_at = find_child(find_child(members, "type"), "enum"), at = NOWHERE;
    while ((at = next_child(types_at, at)) != NOWHERE)
        add_name(&got, lines[at].value);
    check_same_names(&want, &got);
}
