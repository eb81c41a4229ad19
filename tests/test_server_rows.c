/* Every path in JSON, CSV and NDJSON: the same rows, times and decimals in all three. */
#include "base/json.h"
#include "model/field.h"
#include "tests/site.h"

/* ---- a decoder for each form, written for this test alone ------------------------------------ */

enum { CELLS_MAX = 64 };

/* The next cell of a CSV line, unquoted; what is missing is none, "" is the empty text. */
static Str next_cell(Arena *arena, Str *rest, bool *ret_last)
{
    Buf cell = buf_init(1 << 20);
    bool quoted = rest->len > 0 && rest->ptr[0] == '"';
    size_t i = quoted ? 1 : 0;
    for (; i < rest->len; i++) {
        char c = rest->ptr[i];
        if (quoted && c == '"') {
            if (i + 1 < rest->len && rest->ptr[i + 1] == '"')
                i++;
            else {
                i++;
                break;
            }
        } else if (!quoted && (c == ',' || c == '\n'))
            break;
        buf_put_char(&cell, rest->ptr[i]);
    }
    REQUIRE(i < rest->len && (rest->ptr[i] == ',' || rest->ptr[i] == '\n'));
    *ret_last = rest->ptr[i] == '\n';
    *rest = (Str){rest->ptr + i + 1, rest->len - i - 1};
    Str text = STR_NONE;
    if (cell.len > 0 || quoted)
        REQUIRE(arena_copy(arena, buf_view(&cell), &text));
    buf_release(&cell);
    return text;
}

static size_t read_line(Arena *arena, Str *rest, Str cells[static CELLS_MAX])
{
    size_t count = 0;
    bool last = false;
    while (!last) {
        REQUIRE(count < CELLS_MAX);
        cells[count++] = next_cell(arena, rest, &last);
    }
    return count;
}

/* A JSON value as a CSV cell says it: strings unescaped, lists joined by semicolons, null none. */
static Str as_cell(Arena *arena, Str value)
{
    if (value.len == 0 || str_eq(value, STR("null")))
        return STR_NONE;
    Buf cell = buf_init(1 << 20);
    if (value.ptr[0] == '[') {
        Str key, item;
        JsonWalk walk = json_walk(value);
        while (json_next(&walk, &key, &item)) {
            if (cell.len > 0)
                buf_put_char(&cell, ';');
            buf_put_str(&cell, as_cell(arena, item));
        }
    } else if (value.ptr[0] == '"') {
        for (size_t i = 1; i + 1 < value.len; i++) {
            if (value.ptr[i] == '\\')
                i++;
            buf_put_char(&cell, value.ptr[i]);
        }
    } else {
        buf_put_str(&cell, value);
    }
    bool is_empty_list = value.ptr[0] == '[' && cell.len == 0;
    Str text = STR_NONE;
    if (!is_empty_list)
        REQUIRE(arena_copy(arena, buf_view(&cell), &text));
    buf_release(&cell);
    return text;
}

static void check_same_row(Arena *arena, Str object, const Str *names, const Str *cells,
                           size_t count)
{
    for (size_t i = 0; i < count; i++) {
        Str value = STR_NONE;
        if (!json_member(object, names[i], &value))
            value = STR_NONE;
        CHECK_STR(as_cell(arena, value), cells[i]);
    }
}

static void check_same_rows(Str json, Str csv, Str ndjson)
{
    CLEANUP(arena_release) Arena arena = arena_init();
    Str names[CELLS_MAX], cells[CELLS_MAX], key, item = STR_NONE, line = STR_NONE;
    size_t column_count = read_line(&arena, &csv, names), count = 0;
    JsonWalk walk = json_walk(json_at(json, "items"));
    while (json_next(&walk, &key, &item)) {
        REQUIRE(csv.len > 0);
        CHECK_INT(column_count, read_line(&arena, &csv, cells));
        check_same_row(&arena, item, names, cells, column_count);
        REQUIRE(str_cut(ndjson, '\n', &line, &ndjson));
        CHECK_STR(item, line);
        count++;
    }
    CHECK(!walk.broken);
    CHECK_INT(0, csv.len);
    CHECK_INT(0, ndjson.len);
    int64_t told;
    CHECK(str_to_int(json_at(json, "count"), &told));
    CHECK_INT(count, told);
}

TEST(all_forms_say_the_same)
{
    static const struct {
        const char *path;
        bool takes_suffix;
        int64_t rows;
    } cases[] = {
        {"/v1/stations", true, 11},
        {"/v1/stations/1491TH", false, 1},
        {"/v1/stations/BARE", false, 1},
        {"/v1/stations/1491TH/latest", true, 2},
        {"/v1/stations/1491TH/readings", true, 97},
        {"/v1/stations/BARE/readings", true, 0},
        {"/v1/measures", true, 13},
        {"/v1/measures/1491TH-flow", false, 1},
        {"/v1/measures/1491TH-level/readings", true, 95},
        {"/v1/latest", true, 12},
        {"/v1/readings", true, 109},
        {"/v1/rivers", true, 2},
        {"/v1/catchments", true, 1},
        {"/v1/towns", true, 1},
        {"/v1/parameters", true, 5},
    };
    Inside inside;
    inside_open(&inside, true);
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].path);
        CLEANUP(buf_release) Buf csv_path = buf_init(200), ndjson_path = buf_init(200);
        const char *glue = cases[i].takes_suffix ? "." : "?format=";
        buf_printf(&csv_path, "%s%scsv%c", cases[i].path, glue, '\0');
        buf_printf(&ndjson_path, "%s%sndjson%c", cases[i].path, glue, '\0');
        CLEANUP(asked_release) Asked json = ask(&inside, cases[i].path);
        CLEANUP(asked_release) Asked csv = ask(&inside, csv_path.ptr);
        CLEANUP(asked_release) Asked ndjson = ask(&inside, ndjson_path.ptr);
        CHECK_INT(200, json.status);
        CHECK_TEXT("application/json", asked_header(&json, "Content-Type"));
        CHECK_HAS("text/csv", asked_header(&csv, "Content-Type"));
        CHECK_TEXT("application/x-ndjson", asked_header(&ndjson, "Content-Type"));
        check_same_rows(json.body, csv.body, ndjson.body);
        int64_t count = -1;
        CHECK(str_to_int(asked_header(&csv, "Row-Count"), &count));
        CHECK_INT(cases[i].rows, count);
        CHECK_STR(asked_header(&csv, "Row-Count"), asked_header(&ndjson, "Row-Count"));
        CHECK(str_is_none(asked_header(&json, "Row-Count")));
    }
    inside_close(&inside);
}

/* From the envelope, as the header says it. */
static Str window_of(Arena *arena, Str body)
{
    Str from = json_text_at(body, "window.from"), to = json_text_at(body, "window.to");
    const Str null = STR("null");
    return arena_format(arena, STR_FMT "/" STR_FMT, STR_ARG(str_eq(from, null) ? STR("..") : from),
                        STR_ARG(str_eq(to, null) ? STR("..") : to));
}

/* Of the page behind this one, where there is one. */
static void check_next_page(Inside *inside, Arena *arena, const Asked *asked, Str window)
{
    Str link = asked_header(asked, "Link"), address, rest;
    if (!str_ends(link, STR("; rel=\"next\"")) || !str_cut(link, '>', &address, &rest))
        return;
    Str target = arena_format(arena, STR_FMT, STR_ARG(address));
    CLEANUP(asked_release) Asked next = ask(inside, target.ptr + 1);
    CHECK_INT(200, next.status);
    CHECK_STR(window, asked_header(&next, "Freshet-Window"));
}

TEST(the_window_is_said_in_every_form)
{
    static const struct {
        const char *path, *query, *want; /* NULL: it depends */
        bool is_placed;
    } cases[] = {
        {"/v1/readings", "", NULL, false},
        {"/v1/readings", "&period=PT6H", "2026-11-22T04:00:01Z/2026-11-22T10:00:01Z", false},
        {"/v1/readings", "&from=2026-11-22T09:00:00Z&to=2026-11-22T09:30:00Z",
         "2026-11-22T09:00:00Z/2026-11-22T09:30:00Z", false},
        {"/v1/readings", "&step=PT1H&agg=max&since=PT3H", NULL, false},
        {"/v1/stations/1491TH/readings", "", NULL, false},
        {"/v1/stations/BARE/readings", "", "../..", false},
        {"/v1/measures/1491TH-level/readings", "&period=PT1H", NULL, false},
        {"/v1/stations", "", NULL, true},
        {"/v1/stations", "&station=nowhere", "../..", true},
        {"/v1/latest", "", NULL, true},
        {"/v1/stations/1491TH/latest", "", NULL, true},
        {"/v1/measures", "", NULL, false},
        {"/v1/rivers", "", "../..", false},
        {"/v1/gaps", "", NULL, false},
    };
    static const struct {
        const char *query;
        bool is_map;
    } forms[] = {{"format=json", false},
                 {"format=json&shape=array", false},
                 {"format=json&shape=columns", false},
                 {"format=csv", false},
                 {"format=csv&profile=excel", false},
                 {"format=ndjson", false},
                 {"format=geojson", true},
                 {"format=json&limit=1", false},
                 {"format=csv&limit=1", false},
                 {"format=ndjson&limit=2", false}};
    Inside inside;
    inside_open(&inside, true);
    for (size_t i = 0; i < countof(cases); i++) {
        CLEANUP(arena_release) Arena arena = arena_init();
        Str base = arena_format(&arena, "%s?format=json%s", cases[i].path, cases[i].query);
        CLEANUP(asked_release) Asked json = ask(&inside, base.ptr);
        Str want = window_of(&arena, json.body);
        CHECK_INT(200, json.status);
        if (cases[i].want != NULL)
            CHECK_TEXT(cases[i].want, want);
        for (size_t k = 0; k < countof(forms); k++) {
            Str target =
                arena_format(&arena, "%s?%s%s", cases[i].path, forms[k].query, cases[i].query);
            if (forms[k].is_map && !cases[i].is_placed)
                continue;
            CASE(target.ptr);
            CLEANUP(asked_release) Asked asked = ask(&inside, target.ptr);
            CHECK_INT(200, asked.status);
            CHECK_STR(want, asked_header(&asked, "Freshet-Window"));
            check_next_page(&inside, &arena, &asked, want);
            CHECK_HAS("Freshet-Window", asked_header(&asked, "Access-Control-Expose-Headers"));
        }
    }
    CASE("a matrix");
    CLEANUP(asked_release)
    Asked wide = ask(&inside, "/v1/readings.csv?shape=wide&step=PT15M&station=OCK1&period=PT6H");
    CHECK_TEXT("2026-11-22T04:00:01Z/2026-11-22T10:00:01Z", asked_header(&wide, "Freshet-Window"));
    CASE("of no generation");
    CLEANUP(asked_release) Asked refused = ask(&inside, "/v1/quarantine.csv");
    CHECK(str_is_none(asked_header(&refused, "Freshet-Window")));
    inside_close(&inside);
}

TEST(format_is_said_by_suffix_then_parameter_then_accept)
{
    static const struct {
        const char *target, *accept, *want, *vary;
    } cases[] = {
        {"/v1/latest.csv?format=json", "application/x-ndjson", "text/csv", "Accept-Encoding"},
        {"/v1/latest?format=ndjson", "text/csv", "application/x-ndjson", "Accept, Accept-Encoding"},
        {"/v1/latest", "text/csv", "text/csv", "Accept, Accept-Encoding"},
        {"/v1/latest", NULL, "application/json", "Accept, Accept-Encoding"},
        {"/v1/stations/a.csv", "image/png", "application/problem+json", "Accept, Accept-Encoding"},
        {"/v1/status", "text/csv", "application/json", NULL},
        {"/metrics", "application/openmetrics-text", "text/plain", NULL},
    };
    Inside inside;
    inside_open(&inside, true);
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].target);
        CLEANUP(asked_release) Asked asked = ask_accept(&inside, cases[i].target, cases[i].accept);
        CHECK_HAS(cases[i].want, asked_header(&asked, "Content-Type"));
        CHECK_STR(str_of(cases[i].vary), asked_header(&asked, "Vary"));
    }
    inside_close(&inside);
}

TEST(other_forms_are_named)
{
    static const struct {
        const char *target, *want;
    } cases[] = {
        {"/v1/latest.json?river=River+Thames&format=csv",
         "</v1/latest.csv?river=River%20Thames>; rel=\"alternate\"; type=\"text/csv\", "
         "</v1/latest.ndjson?river=River%20Thames>; rel=\"alternate\"; "
         "type=\"application/x-ndjson\", "
         "</v1/latest.geojson?river=River%20Thames>; rel=\"alternate\"; "
         "type=\"application/geo+json\""},
        {"/v1/measures.csv?profile=excel",
         "</v1/measures.json>; rel=\"alternate\"; type=\"application/json\", "
         "</v1/measures.ndjson>; rel=\"alternate\"; type=\"application/x-ndjson\""},
        {"/v1/stations/SU37%2F63?format=csv",
         "</v1/stations/SU37%2F63?format=json>; rel=\"alternate\"; type=\"application/json\", "
         "</v1/stations/SU37%2F63?format=ndjson>; rel=\"alternate\"; "
         "type=\"application/x-ndjson\", "
         "</v1/stations/SU37%2F63?format=geojson>; rel=\"alternate\"; "
         "type=\"application/geo+json\""},
    };
    Inside inside;
    inside_open(&inside, true);
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].target);
        CLEANUP(asked_release) Asked asked = ask(&inside, cases[i].target);
        CHECK_TEXT(cases[i].want, asked_header(&asked, "Link"));
    }
    inside_close(&inside);
}

/* ---- the envelope ---------------------------------------------------------------------------- */

TEST(envelope_says_what_the_rows_are)
{
    Inside inside;
    inside_open(&inside, true);
    CLEANUP(asked_release) Asked asked = ask(&inside, "/v1/stations/1491TH/readings");
    static const struct {
        const char *path, *want;
    } members[] = {
        {"as_of", "2026-11-22T10:00:01Z"},
        {"service.state", "ok"},
        {"service.fault", "none"},
        {"window.from", "2026-11-21T09:45:00Z"},
        {"window.to", "2026-11-22T09:30:00Z"},
        {"coverage.earliest", "2026-11-21T09:45:00Z"},
        {"coverage.latest", "2026-11-22T09:30:00Z"},
        {"coverage.reason", NULL},
        {"licence", "OGL-UK-3.0"},
        {"attribution",
         "this uses Environment Agency flood and river level data from the real-time "
         "data API (Beta)"},
        {"count", "97"},
        {"next", "null"},
        {"complete", "true"},
        {"items.0.measure", "1491TH-flow"},
        {"items.0.value", "12.0"},
        {"items.0.flags.0", "off_grid"},
        {"items.1.value", "-32.768"},
        {"items.1.flags.0", "suspect"},
        {"items.2.flags", NULL},
        {"items.96.value", "0.413"},
        {"items.96.time", "2026-11-22T09:30:00Z"},
    };
    for (size_t i = 0; i < countof(members); i++) {
        CASE(members[i].path);
        CHECK_STR(str_of(members[i].want), json_text_at(asked.body, members[i].path));
    }
    CHECK(str_ends(asked.body, STR("\"complete\":true}\n"))); /* last: a cut body never parses */
    char tag[GENERATION_TAG_SIZE];
    store_generation_tag(inside.fixture.store, 1, tag);
    CHECK_TEXT(tag, json_text_at(asked.body, "generation"));
    inside_close(&inside);
}

TEST(coverage_counts_the_missing_slot)
{
    Inside inside;
    inside_open(&inside, true);
    CLEANUP(asked_release) Asked asked = ask(&inside, "/v1/measures/1491TH-level/readings");
    CHECK_TEXT("96", json_at(asked.body, "coverage.expected"));
    CHECK_TEXT("95", json_at(asked.body, "coverage.received"));
    inside_close(&inside);
}

TEST(no_readings_is_an_answer_with_its_reason)
{
    static const struct {
        const char *target, *reason;
    } cases[] = {
        {"/v1/stations/BARE/readings", "no measure matches"},
        {"/v1/measures/FAR1-wind/readings", "no reading of it is kept"},
        {"/v1/stations/1491TH/readings?parameter=wind", "no measure matches"},
        {"/v1/stations/1491TH/readings?from=2030-01-01", "the window lies in the future"},
        {"/v1/readings?from=2026-11-22T09:31:00Z&to=2026-11-22T09:44:00Z",
         "no reading in the window"},
        {"/v1/readings?river=Nile", "no measure matches"},
    };
    Inside inside;
    inside_open(&inside, true);
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].target);
        CLEANUP(asked_release) Asked asked = ask(&inside, cases[i].target);
        CHECK_INT(200, asked.status);
        CHECK_TEXT("0", json_at(asked.body, "count"));
        CHECK_TEXT(cases[i].reason, json_text_at(asked.body, "coverage.reason"));
        CHECK_TEXT("null", json_at(asked.body, "coverage.completeness"));
    }
    inside_close(&inside);
}

TEST(latest_keeps_what_has_left_the_window)
{
    Inside inside;
    inside_open(&inside, true);
    CLEANUP(asked_release) Asked latest = ask(&inside, "/v1/stations/FAR1/latest");
    CLEANUP(asked_release) Asked readings = ask(&inside, "/v1/stations/FAR1/readings");
    CHECK_TEXT("2", json_at(latest.body, "count"));
    CHECK_TEXT("FAR1-temp", json_text_at(latest.body, "items.0.measure"));
    CHECK_TEXT("FAR1-tide", json_text_at(latest.body, "items.1.measure"));
    CHECK_TEXT("1", json_at(readings.body, "count"));
    CHECK_TEXT("FAR1-tide", json_text_at(readings.body, "items.0.measure"));
    inside_close(&inside);
}

TEST(too_large_is_refused_never_cut)
{
    Inside inside;
    inside_open(&inside, true);
    inside.options.max_response_bytes = 1000;
    static const char *const targets[] = {
        "/v1/stations/1491TH/readings", "/v1/stations/1491TH/readings.csv",
        "/v1/stations/1491TH/readings.ndjson?sort=time", "/v1/stations/1491TH/readings?sort=time"};
    for (size_t i = 0; i < countof(targets); i++) {
        CASE(targets[i]);
        CLEANUP(asked_release) Asked asked = ask(&inside, targets[i]);
        CHECK_INT(413, asked.status);
        CHECK_TEXT("too-large", problem_type(asked.body));
        CHECK_HAS("1000 bytes", json_text_at(asked.body, "detail"));
    }
    inside_close(&inside);
}
