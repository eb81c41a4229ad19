/* What is to be read about the service: the page at /, /docs with its files, /openapi.yaml and
 * /openapi.json, /problems/{type}. */
#include "server/assets.h"
#include "server/route.h"

/* A page takes nothing from anywhere else, and nobody frames it. */
static const char PAGE_POLICY[] =
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

static ErrCode finish(Reply *reply, const char *content_type, Err *err)
{
    reply->content_type = content_type;
    if (str_starts(str_of(content_type), STR("text/html")))
        reply_header(reply, "Content-Security-Policy", str_of(PAGE_POLICY));
    return buf_check(&reply->body, err);
}

static ErrCode put_asset(Str path, Reply *reply, Err *err)
{
    for (const Asset *asset = ASSETS; asset->path != NULL; asset++) {
        if (!str_eq(str_of(asset->path), path))
            continue;
        buf_put(&reply->body, asset->bytes, asset->len);
        return finish(reply, asset->content_type, err);
    }
    return err_set(err, ERR_NOT_FOUND, "'" STR_FMT "' is no file here.", STR_ARG(path));
}

ErrCode get_asset(const Request *req, Reply *reply, Err *err)
{
    return put_asset(str_of(req->route->pattern), reply, err);
}

ErrCode get_web_file(const Request *req, Reply *reply, Err *err)
{
    return put_asset(arena_format(req->arena, "/web/" STR_FMT, STR_ARG(req->args[0])), reply, err);
}

/* A browser wants a page; whoever wants anything else gets what /v1 says. */
ErrCode get_root(const Request *req, Reply *reply, Err *err)
{
    return req->format == FORMAT_HTML ? put_asset(STR("/"), reply, err)
                                      : get_service(req, reply, err);
}

ErrCode get_problem(const Request *req, Reply *reply, Err *err)
{
    ProblemType type;
    if (!problem_find(req->args[0], &type))
        return err_set(err, ERR_NOT_FOUND, "'" STR_FMT "' is no type of problem.",
                       STR_ARG(req->args[0]));
    problem_render_page(type, &reply->body);
    return finish(reply, "text/html; charset=utf-8", err);
}
