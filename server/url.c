#include "server/url.h"

#include "server/route.h"

#include <string.h>

enum { URL_MAX_BYTES = 64 * 1024 };

/* The arguments of a path, in order; others than those that came, where `first` is not none. */
static void put_path(Buf *out, const Request *req, Str first)
{
    Str word, rest = str_of(req->route->pattern + 1);
    size_t arg = 0;
    bool more = true;
    while (more) {
        Str all = rest;
        more = str_cut(all, '/', &word, &rest);
        if (!more)
            word = all;
        buf_put_char(out, '/');
        if (!str_starts(word, STR("{"))) {
            buf_put_str(out, word);
            continue;
        }
        put_encoded(out, arg == 0 && !str_is_none(first) ? first : req->args[arg], "");
        arg++;
    }
}

void url_put_path(Buf *out, const Request *req)
{
    put_path(out, req, STR_NONE);
}

/* Without the parameters `but` and `nor`. */
static void put_query(Buf *out, const Request *req, Str but, Str nor)
{
    char before = '?';
    for (size_t i = 0; i < req->target.param_count; i++) {
        const Param *param = &req->target.params[i];
        if (str_eq(param->name, but) || str_eq(param->name, nor))
            continue;
        buf_put_char(out, before);
        put_encoded(out, param->name, "");
        buf_put_char(out, '=');
        put_encoded(out, param->value, ",:");
        before = '&';
    }
}

static Str finish(const Buf *out, const Request *req)
{
    Str url;
    return out->error == OK && arena_copy(req->arena, buf_view(out), &url) ? url : STR("");
}

Str url_in_format(const Request *req, Format format)
{
    CLEANUP(buf_release) Buf out = buf_init(URL_MAX_BYTES);
    bool takes_suffix = !str_ends(str_of(req->route->pattern), STR("}"));
    put_path(&out, req, STR_NONE);
    if (takes_suffix)
        buf_printf(&out, ".%s", FORMATS[format].name);
    size_t path_len = out.len;
    /* The profile is one of CSV: with another form it would be refused. */
    put_query(&out, req, STR("format"), format == FORMAT_CSV ? STR_NONE : STR("profile"));
    if (!takes_suffix)
        buf_printf(&out, "%cformat=%s", out.len == path_len ? '?' : '&', FORMATS[format].name);
    return finish(&out, req);
}

Str url_with_id(const Request *req, Str id)
{
    CLEANUP(buf_release) Buf out = buf_init(URL_MAX_BYTES);
    put_path(&out, req, id);
    if (req->has_suffix)
        buf_printf(&out, ".%s", FORMATS[req->format].name);
    put_query(&out, req, STR("cursor"), STR_NONE);
    return finish(&out, req);
}

Str url_at_cursor(const Request *req, Str cursor)
{
    CLEANUP(buf_release) Buf out = buf_init(URL_MAX_BYTES);
    put_path(&out, req, STR_NONE);
    if (req->has_suffix)
        buf_printf(&out, ".%s", FORMATS[req->format].name);
    size_t path_len = out.len;
    put_query(&out, req, STR("cursor"), STR_NONE);
    if (!str_is_none(cursor))
        buf_printf(&out, "%ccursor=" STR_FMT, out.len == path_len ? '?' : '&', STR_ARG(cursor));
    return finish(&out, req);
}

Str url_add_cursor(const Request *req, Str url, Str cursor)
{
    bool has_query = url.len > 0 && memchr(url.ptr, '?', url.len) != NULL;
    return arena_format(req->arena, STR_FMT "%ccursor=" STR_FMT, STR_ARG(url),
                        has_query ? '&' : '?', STR_ARG(cursor));
}
