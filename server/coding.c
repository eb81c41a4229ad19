#include "server/coding.h"

const CodingInfo CODINGS[CODING_COUNT] = {
    [CODING_NONE] = {.name = "identity", .suffix = ""},
    [CODING_ZSTD] = {"zstd", "-zstd", compress_zstd, CODEC_ZSTD},
    [CODING_GZIP] = {"gzip", "-gzip", compress_gzip, CODEC_GZIP},
};

/* A q that is none counts as 1, so that a clumsy header is still an answer. */
static double read_q(Str parameter)
{
    double q;
    Str text = str_trim(parameter);
    bool is_q = text.len > 2 && (text.ptr[0] | 0x20) == 'q' && text.ptr[1] == '=';
    return is_q && str_to_double((Str){text.ptr + 2, text.len - 2}, &q) && q >= 0 && q <= 1 ? q : 1;
}

static bool names(Str item, Coding coding)
{
    return str_eq_nocase(item, str_of(CODINGS[coding].name)) ||
           (coding == CODING_GZIP && str_eq_nocase(item, STR("x-gzip"))); /* [RFC 9110 8.4.1.3] */
}

/* The name itself decides, then `*`; negative: neither is there. */
static double liking_of(Str accept, Coding coding)
{
    double of_any = -1;
    Str item, name, parameter, rest = accept;
    bool more = true;
    while (more) {
        Str all = rest;
        more = str_cut(all, ',', &item, &rest);
        if (!more)
            item = all;
        bool has_q = str_cut(item, ';', &name, &parameter);
        name = str_trim(has_q ? name : item);
        double q = has_q ? read_q(parameter) : 1;
        if (names(name, coding))
            return q;
        if (str_eq(name, STR("*")))
            of_any = q;
    }
    return of_any;
}

Coding coding_negotiate(Str accept)
{
    double identity = liking_of(accept, CODING_NONE);
    double best_q = identity > 0 ? identity : 0;
    Coding best = CODING_NONE;
    if (str_trim(accept).len == 0)
        return CODING_NONE;
    for (unsigned i = CODING_NONE + 1; i < CODING_COUNT; i++) {
        double q = liking_of(accept, (Coding) i);
        bool is_first = best == CODING_NONE && q > 0 && q >= best_q;
        if (is_first || q > best_q) {
            best = (Coding) i;
            best_q = q;
        }
    }
    return best;
}

bool coding_is_acceptable(Str accept, Coding coding)
{
    double q = str_trim(accept).len > 0 ? liking_of(accept, coding) : -1;
    return coding == CODING_NONE ? q < 0 || q > 0 : q > 0;
}
