#include "server/format.h"

const FormatInfo FORMATS[FORMAT_COUNT] = {
    [FORMAT_JSON] = {"json", "application/json", "application/json"},
    [FORMAT_CSV] = {"csv", "text/csv", "text/csv; charset=utf-8; header=present"},
    [FORMAT_SSE] = {"sse", "text/event-stream", "text/event-stream"},
    [FORMAT_NDJSON] = {"ndjson", "application/x-ndjson", "application/x-ndjson"},
    [FORMAT_GEOJSON] = {"geojson", "application/geo+json", "application/geo+json"},
    [FORMAT_HTML] = {"html", "text/html", "text/html; charset=utf-8"},
};

/* NDJSON has no registered type: clients use each of these. */
static const struct {
    const char *media_type;
    Format format;
} NAMES[] = {
    {"application/json", FORMAT_JSON},
    {"text/csv", FORMAT_CSV},
    {"text/event-stream", FORMAT_SSE},
    {"application/x-ndjson", FORMAT_NDJSON},
    {"application/ndjson", FORMAT_NDJSON},
    {"application/jsonl", FORMAT_NDJSON},
    {"application/x-jsonlines", FORMAT_NDJSON},
    {"application/geo+json", FORMAT_GEOJSON},
    {"application/vnd.geo+json", FORMAT_GEOJSON},
    {"text/html", FORMAT_HTML},
    {"application/xhtml+xml", FORMAT_HTML},
};

bool format_find(Str name, unsigned offered, Format *ret)
{
    for (unsigned i = 0; i < FORMAT_COUNT; i++) {
        if ((offered & FORMAT_BIT(i)) != 0 && str_eq_nocase(str_of(FORMATS[i].name), name)) {
            *ret = (Format) i;
            return true;
        }
    }
    return false;
}

/* ---- Accept ---------------------------------------------------------------------------------- */

typedef struct Range { /* text/csv;q=0.5 */
    Str type;
    double q;
    size_t position;
} Range;

typedef struct Liking {
    double q; /* negative: not named at all */
    int exactness;
    size_t position;
} Liking;

/* A q that is none counts as 1, so that a clumsy header is still an answer. */
static double read_q(Str parameters)
{
    Str head, rest = parameters;
    bool more = true;
    while (more) {
        Str all = rest;
        more = str_cut(all, ';', &head, &rest);
        Str parameter = str_trim(more ? head : all);
        double q;
        if (parameter.len > 2 && (parameter.ptr[0] == 'q' || parameter.ptr[0] == 'Q') &&
            parameter.ptr[1] == '=' &&
            str_to_double((Str){parameter.ptr + 2, parameter.len - 2}, &q) && q >= 0 && q <= 1)
            return q;
    }
    return 1;
}

static bool next_range(Str *rest, Range *ret)
{
    if (rest->len == 0)
        return false;
    Str item, tail, type, parameters;
    if (!str_cut(*rest, ',', &item, &tail)) {
        item = *rest;
        tail = (Str){rest->ptr + rest->len, 0};
    }
    bool has_parameters = str_cut(item, ';', &type, &parameters);
    ret->type = str_trim(has_parameters ? type : item);
    ret->q = has_parameters ? read_q(parameters) : 1;
    ret->position++;
    *rest = tail;
    return true;
}

/* 2: names it; 1: type/<any>; 0: anything; -1: something else. */
static int range_exactness(Str range, Str media_type)
{
    if (str_eq_nocase(range, media_type))
        return 2;
    if (str_eq(range, STR("*/*")) || str_eq(range, STR("*")))
        return 0;
    Str range_type, range_subtype, type, subtype;
    if (str_cut(range, '/', &range_type, &range_subtype) && str_eq(range_subtype, STR("*")) &&
        str_cut(media_type, '/', &type, &subtype) && str_eq_nocase(range_type, type))
        return 1;
    return -1;
}

/* The most exact range decides, whatever its q: "text/csv;q=0, *" is anything but CSV. */
static Liking like(Str accept, Str media_type)
{
    Liking liking = {.q = -1, .exactness = -1};
    Range range = {.position = 0};
    while (next_range(&accept, &range)) {
        int exactness = range_exactness(range.type, media_type);
        if (exactness > liking.exactness)
            liking = (Liking){.q = range.q, .exactness = exactness, .position = range.position};
    }
    return liking;
}

static bool is_better(Liking a, Liking b)
{
    if (a.q > b.q || a.q < b.q)
        return a.q > b.q;
    if (a.exactness != b.exactness)
        return a.exactness > b.exactness;
    return a.position < b.position;
}

bool format_negotiate(Str accept, unsigned offered, Format *ret)
{
    if (str_trim(accept).len == 0)
        accept = STR("*/*");
    Liking best = {.q = 0};
    bool found = false;
    for (size_t i = 0; i < countof(NAMES); i++) {
        if ((offered & FORMAT_BIT(NAMES[i].format)) == 0)
            continue;
        Liking liking = like(accept, str_of(NAMES[i].media_type));
        if (liking.q > 0 && (!found || is_better(liking, best))) {
            best = liking;
            found = true;
            *ret = NAMES[i].format;
        }
    }
    return found;
}
