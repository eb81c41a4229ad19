#include "server/request.h"

#include <string.h>

/* ---- percent-encoding ------------------------------------------------------------------------ */

static bool is_plain(Str s, bool plus_is_blank)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] == '%' || (plus_is_blank && s.ptr[i] == '+'))
            return false;
    return true;
}

/* Decodes once. A NUL is refused: nothing is named by one, and much would be cut at it. */
static bool decode(Str s, bool plus_is_blank, Arena *arena, Str *ret)
{
    if (is_plain(s, plus_is_blank)) {
        *ret = s;
        return true;
    }
    char *to = arena_alloc(arena, s.len);
    if (to == NULL)
        return false;
    size_t len = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] != '%') {
            to[len++] = plus_is_blank && s.ptr[i] == '+' ? ' ' : s.ptr[i];
            continue;
        }
        int high = i + 2 < s.len ? str_hex_digit(s.ptr[i + 1]) : -1;
        int low = i + 2 < s.len ? str_hex_digit(s.ptr[i + 2]) : -1;
        if (high < 0 || low < 0 || high + low == 0)
            return false;
        to[len++] = (char) (high * 16 + low);
        i += 2;
    }
    *ret = (Str){to, len};
    return true;
}

static bool is_unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

void put_encoded(Buf *out, Str text, const char *keep)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (is_unreserved(c) || (c != '\0' && strchr(keep, c) != NULL))
            buf_put_char(out, c);
        else
            buf_printf(out, "%%%02X", (unsigned) (unsigned char) c);
    }
}

/* ---- the target ------------------------------------------------------------------------------ */

/* A proxy's client sends http://host/path; what follows the host is left, which may be nothing. None:
 * it was not in this form. */
static Str cut_authority(Str *raw)
{
    static const char *const SCHEMES[] = {"http://", "https://"};
    for (size_t i = 0; i < countof(SCHEMES); i++) {
        size_t at = strlen(SCHEMES[i]);
        if (raw->len < at || !str_eq_nocase((Str){raw->ptr, at}, str_of(SCHEMES[i])))
            continue;
        while (at < raw->len && raw->ptr[at] != '/' && raw->ptr[at] != '?')
            at++;
        size_t scheme_len = strlen(SCHEMES[i]);
        Str authority = {raw->ptr + scheme_len, at - scheme_len};
        *raw = (Str){raw->ptr + at, raw->len - at};
        return authority;
    }
    return STR_NONE;
}

static bool read_segments(Str path, Arena *arena, Target *target)
{
    Str rest = {path.ptr + 1, path.len - 1}; /* behind the first slash */
    bool more = true;
    while (more) {
        Str head, all = rest;
        more = str_cut(all, '/', &head, &rest);
        if (target->segment_count < TARGET_SEGMENTS_MAX &&
            !decode(more ? head : all, false, arena, &target->segments[target->segment_count]))
            return false;
        target->segment_count++;
    }
    return true;
}

static size_t count_params(Str query)
{
    size_t count = query.len > 0;
    for (size_t i = 0; i < query.len; i++)
        count += query.ptr[i] == '&';
    return count;
}

/* Sorted, so that one question has one finished answer however it was spelt. Insertion keeps equal
 * names in their order; there are few. */
static void insert_param(Target *target, Param param)
{
    size_t at = target->param_count++;
    for (; at > 0 && str_cmp(target->params[at - 1].name, param.name) > 0; at--)
        target->params[at] = target->params[at - 1];
    target->params[at] = param;
}

static bool read_params(Str query, Arena *arena, Target *target)
{
    Str rest = query;
    bool more = query.len > 0;
    while (more) {
        Str item, all = rest;
        more = str_cut(all, '&', &item, &rest);
        if (!more)
            item = all;
        if (item.len == 0)
            continue; /* "?a=1&" and "&&" are common and harmless */
        Str name = item, value = STR("");
        Param param;
        (void) str_cut(item, '=', &name, &value);
        if (!decode(name, true, arena, &param.name) || !decode(value, true, arena, &param.value))
            return false;
        insert_param(target, param);
    }
    return true;
}

bool target_read(Str raw, size_t max_bytes, size_t max_params, Arena *arena, Target *ret,
                 Problem *problem)
{
    Target target = {.segment_count = 0};
    if (raw.len > max_bytes) {
        problem_set(problem, PROBLEM_TARGET_TOO_LONG,
                    arena_format(arena, "Path and query are %zu bytes; at most %zu are read.",
                                 raw.len, max_bytes));
        return false;
    }
    target.authority = cut_authority(&raw);
    if (!str_cut(raw, '?', &target.path, &target.query)) {
        target.path = raw;
        target.query = STR("");
    }
    if (!str_is_none(target.authority) && target.path.len == 0)
        target.path = STR("/");
    if (target.path.len == 0 || target.path.ptr[0] != '/') {
        problem_set(problem, PROBLEM_BAD_REQUEST,
                    STR("The target of the request does not begin with a slash."));
        return false;
    }
    size_t param_count = count_params(target.query);
    if (param_count > max_params) {
        problem_set(problem, PROBLEM_BAD_PARAMETER,
                    arena_format(arena, "The query has %zu parameters; at most %zu are read.",
                                 param_count, max_params));
        return false;
    }
    target.params =
        param_count > 0 ? arena_alloc(arena, param_count * sizeof *target.params) : NULL;
    if ((param_count > 0 && target.params == NULL) || !read_segments(target.path, arena, &target) ||
        !read_params(target.query, arena, &target)) {
        problem_set(problem, PROBLEM_BAD_REQUEST,
                    STR("The target of the request is not percent-encoded as it should be."));
        return false;
    }
    *ret = target;
    return true;
}
