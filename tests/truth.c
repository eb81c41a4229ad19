#include "tests/truth.h"

#include "base/clock.h"
#include "base/json.h"
#include "tests/sim_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { TEXT_MAX_BYTES = 1 << 30, TRIES = 3 };

/* ---- lines ----------------------------------------------------------------------------------- */

Lines lines_init(void)
{
    return (Lines){.text = buf_init(TEXT_MAX_BYTES)};
}

void lines_release(Lines *lines)
{
    free(lines->items);
    buf_release(&lines->text);
}

static int by_line(const void *a, const void *b)
{
    return str_cmp(*(const Str *) a, *(const Str *) b);
}

static void add_item(Lines *lines, Str line)
{
    if (lines->count == lines->cap) {
        lines->cap = lines->cap * 2 + 1024;
        lines->items = reallocarray(lines->items, lines->cap, sizeof *lines->items);
        REQUIRE(lines->items != NULL);
    }
    lines->items[lines->count++] = line;
}

/* Anew from the text, which may have moved. */
static void order(Lines *lines)
{
    Str line, rest = buf_view(&lines->text);
    REQUIRE(lines->text.error == OK);
    lines->count = 0;
    while (str_cut(rest, '\n', &line, &rest))
        add_item(lines, line);
    qsort(lines->items, lines->count, sizeof *lines->items, by_line);
    size_t kept = 0;
    for (size_t i = 0; i < lines->count; i++)
        if (kept == 0 || !str_eq(lines->items[kept - 1], lines->items[i]))
            lines->items[kept++] = lines->items[i];
    lines->count = kept;
}

static bool has_line(const Lines *lines, Str line)
{
    return lines->count > 0 &&
           bsearch(&line, lines->items, lines->count, sizeof line, by_line) != NULL;
}

void lines_join(Lines *into, const Lines *more)
{
    CLEANUP(buf_release) Buf missing = buf_init(TEXT_MAX_BYTES);
    for (size_t i = 0; i < more->count; i++)
        if (!has_line(into, more->items[i]))
            buf_printf(&missing, STR_FMT "\n", STR_ARG(more->items[i]));
    if (missing.len == 0)
        return;
    buf_put_str(&into->text, buf_view(&missing));
    order(into);
}

/* `measure,time` of a line. */
static Str key_of(Str line)
{
    size_t len = line.len;
    while (len > 0 && line.ptr[len - 1] != ',')
        len--;
    return (Str){line.ptr, len > 0 ? len - 1 : 0};
}

/* The first item that is not less than `text`. */
static size_t lower_bound(const Lines *lines, Str text)
{
    size_t from = 0, to = lines->count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (str_cmp(lines->items[middle], text) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static bool has_key(const Lines *lines, Str line)
{
    Str key = key_of(line);
    size_t at = lower_bound(lines, key);
    return at < lines->count && str_eq(key_of(lines->items[at]), key);
}

/* Whether the measure of `line` has no line as new as this. Times are text of one length. */
static bool is_ahead_of(const Lines *lines, Str line)
{
    char behind[512];
    Str measure, rest;
    REQUIRE(str_cut(line, ',', &measure, &rest));
    (void) snprintf(behind, sizeof behind, STR_FMT "-", STR_ARG(measure)); /* '-' follows ',' */
    size_t at = lower_bound(lines, str_of(behind));
    behind[measure.len] = ',';
    return at == 0 || !str_starts(lines->items[at - 1], str_of(behind)) ||
           str_cmp(key_of(lines->items[at - 1]), key_of(line)) < 0;
}

/* ---- what is served, what is true ------------------------------------------------------------ */

Lines served_lines(const Freshet *service)
{
    static const char *const TARGETS[] = {"/v1/readings.csv", "/v1/latest.csv"};
    Lines lines = lines_init();
    for (size_t i = 0; i < countof(TARGETS); i++) {
        CLEANUP(buf_release) Buf csv = freshet_get(service, TARGETS[i]);
        Str line, rest = buf_view(&csv);
        (void) str_cut(rest, '\n', &line, &rest);
        while (str_cut(rest, '\n', &line, &rest))
            buf_printf(&lines.text, STR_FMT "," STR_FMT "," STR_FMT "\n",
                       STR_ARG(csv_cell(line, 1)), STR_ARG(csv_cell(line, 5)),
                       STR_ARG(csv_cell(line, 6)));
    }
    order(&lines); /* what is newest stands in both */
    return lines;
}

Lines true_lines(const Simulator *simulator, UnixSec as_of)
{
    char query[64], text[CLOCK_TEXT_SIZE];
    Lines lines = lines_init();
    clock_format(as_of, text);
    (void) snprintf(query, sizeof query, "?as_of=%s", text);
    CLEANUP(buf_release) Buf csv = sim_truth(simulator, query);
    Str header, rest = buf_view(&csv);
    REQUIRE(str_cut(rest, '\n', &header, &rest));
    buf_put_str(&lines.text, rest);
    order(&lines);
    return lines;
}

/* ---- comparing ------------------------------------------------------------------------------- */

static void count_missing(Difference *difference, const Lines *held, Str line)
{
    size_t *count = has_key(held, line) ? &difference->stale : &difference->lost;
    if ((*count)++ == 0)
        (void) snprintf(difference->first, sizeof difference->first, STR_FMT, STR_ARG(line));
}

static void count_untrue(Difference *difference, Str line)
{
    if (difference->untrue++ == 0)
        (void) snprintf(difference->first, sizeof difference->first, STR_FMT, STR_ARG(line));
}

void check_nothing(const Difference *difference)
{
    CHECK_INT(0, difference->lost);
    CHECK_INT(0, difference->stale);
    CHECK_INT(0, difference->untrue);
    CHECK_TEXT("", str_of(difference->first));
}

Difference difference_of(const Lines *truth, const Lines *held)
{
    Difference difference = {.lost = 0};
    for (size_t i = 0; i < truth->count; i++)
        if (!has_line(held, truth->items[i]))
            count_missing(&difference, held, truth->items[i]);
    for (size_t i = 0; i < held->count; i++)
        if (!has_key(truth, held->items[i]))
            count_untrue(&difference, held->items[i]);
    return difference;
}

Difference overdue_difference(const Simulator *simulator, UnixSec now, int64_t cycle_s,
                              int64_t sweep_s, const Lines *held)
{
    CLEANUP(lines_release) Lines truth = true_lines(simulator, now);
    CLEANUP(lines_release) Lines cycle_ago = true_lines(simulator, now - cycle_s);
    CLEANUP(lines_release) Lines sweep_ago = true_lines(simulator, now - cycle_s - sweep_s);
    Difference difference = {.lost = 0};
    for (size_t i = 0; i < truth.count; i++) {
        Str line = truth.items[i];
        bool is_due = has_line(&sweep_ago, line) ||
                      (has_line(&cycle_ago, line) && is_ahead_of(&sweep_ago, line));
        if (is_due && !has_line(held, line))
            count_missing(&difference, held, line);
    }
    for (size_t i = 0; i < held->count; i++) {
        Str line = held->items[i];
        if (!has_line(&truth, line) && !has_line(&cycle_ago, line) && !has_line(&sweep_ago, line))
            count_untrue(&difference, line);
    }
    return difference;
}

void check_truth(const Freshet *service, const Simulator *simulator, UnixSec now)
{
    CLEANUP(lines_release) Lines held = served_lines(service);
    CLEANUP(lines_release) Lines truth = true_lines(simulator, now);
    Difference difference = difference_of(&truth, &held);
    CHECK(truth.count > 100);
    check_nothing(&difference);
}

/* ---- a poller of the newest ------------------------------------------------------------------ */

LatestOnly latest_only_init(void)
{
    return (LatestOnly){.kept = lines_init()};
}

void latest_only_release(LatestOnly *poller)
{
    lines_release(&poller->kept);
}

static Buf gunzip(Str coded)
{
    Buf plain = buf_init(TEXT_MAX_BYTES);
    z_stream z = {.next_in = (Bytef *) (uintptr_t) coded.ptr, .avail_in = (uInt) coded.len};
    REQUIRE(inflateInit2(&z, 15 + 16) == Z_OK);
    int rc = Z_OK;
    while (rc == Z_OK) {
        char *to = buf_reserve(&plain, 1 << 16);
        z.next_out = (Bytef *) to;
        z.avail_out = 1 << 16;
        rc = inflate(&z, Z_NO_FLUSH);
        buf_grew(&plain, (1u << 16) - z.avail_out);
    }
    (void) inflateEnd(&z);
    REQUIRE(rc == Z_STREAM_END);
    return plain;
}

/* The first of several values, as many do. */
static bool value_of(Str item, double *ret)
{
    Str raw = sim_member(item, "value"), key;
    JsonWalk walk = json_walk(raw);
    if (raw.len > 0 && raw.ptr[0] == '[')
        (void) json_next(&walk, &key, &raw);
    return str_to_double(raw, ret);
}

static void keep_newest(LatestOnly *poller, Str body)
{
    CLEANUP(lines_release) Lines got = lines_init();
    JsonWalk walk = json_walk(sim_items(body));
    Str key, item;
    double value;
    while (json_next(&walk, &key, &item)) {
        if (!value_of(item, &value))
            continue;
        buf_printf(&got.text, STR_FMT "," STR_FMT ",",
                   STR_ARG(str_after_last(sim_member(item, "measure"), '/')),
                   STR_ARG(sim_member(item, "dateTime")));
        buf_put_double(&got.text, value);
        buf_put_char(&got.text, '\n');
    }
    order(&got);
    lines_join(&poller->kept, &got);
}

void latest_only_poll(LatestOnly *poller, const Simulator *simulator)
{
    char url[256];
    (void) snprintf(url, sizeof url, "%s/data/readings?latest", simulator->url);
    for (int i = 0; i < TRIES; i++) {
        CLEANUP(exchanged_release)
        Exchanged got = exchange("GET", url, "Accept-Encoding: gzip\r\n", STR_NONE);
        poller->requests++;
        poller->bytes += got.body.len;
        if (got.status != 200 || !got.is_whole ||
            !str_eq(exchanged_field(&got, "Content-Encoding"), STR("gzip")) ||
            !str_eq(exchanged_field(&got, "Content-Type"), STR("application/json")))
            continue;
        CLEANUP(buf_release) Buf plain = gunzip(buf_view(&got.body));
        keep_newest(poller, buf_view(&plain));
        return;
    }
}

uint64_t traffic_count(const Simulator *simulator, const char *name)
{
    char url[256];
    int64_t count = -1;
    (void) snprintf(url, sizeof url, "%s/sim/stats", simulator->origin);
    CLEANUP(buf_release) Buf stats = must_get(url);
    REQUIRE(str_to_int(sim_member(sim_member(buf_view(&stats), "traffic"), name), &count));
    return (uint64_t) count;
}
