#include "server/exchange.h"

#include "server/ea.h"
#include "server/host.h"
#include "server/route.h"

#include <string.h>

void exchange_check_head(Exchange *x)
{
    const Head *head = x->head;
    Problem *problem = &x->reply.problem;
    if (head->is_http_1_1 && head->host_count != 1)
        problem_set(problem, PROBLEM_BAD_REQUEST,
                    arena_format(x->arena, "The request has %u Host fields; HTTP/1.1 asks for one.",
                                 head->host_count));
    else if (head->has_transfer_encoding && head->content_length_count > 0)
        problem_set(problem, PROBLEM_BAD_REQUEST,
                    STR("The request has both Content-Length and Transfer-Encoding."));
    else if (head->content_length_count > 1)
        problem_set(problem, PROBLEM_BAD_REQUEST,
                    arena_format(x->arena, "The request has %u Content-Length fields.",
                                 head->content_length_count));
    else if (head->bytes > HEAD_MAX_BYTES)
        problem_set(problem, PROBLEM_HEAD_TOO_LARGE,
                    arena_format(x->arena, "The header fields are %zu bytes; at most %d are read.",
                                 head->bytes, HEAD_MAX_BYTES));
}

static bool is_read_method(Str method)
{
    return str_eq(method, STR("GET")) || str_eq(method, STR("HEAD"));
}

static void find_route(Exchange *x)
{
    if (route_find(&x->req))
        return;
    Str near = route_nearest(&x->req);
    Str hint = str_is_none(near)
                   ? STR("")
                   : arena_format(x->arena, " Did you mean '" STR_FMT "'?", STR_ARG(near));
    problem_set(&x->reply.problem, PROBLEM_NOT_FOUND,
                arena_format(x->arena, "'" STR_FMT "' is no path here." STR_FMT,
                             STR_ARG(x->req.target.path), STR_ARG(hint)));
}

static void check_method(Exchange *x)
{
    if (is_read_method(x->head->method))
        return;
    problem_set(&x->reply.problem, PROBLEM_METHOD_NOT_ALLOWED,
                arena_format(x->arena, "'" STR_FMT "' takes %s.", STR_ARG(x->req.target.path),
                             ALLOWED_METHODS));
    reply_header(&x->reply, "Allow", STR(ALLOWED_METHODS));
}

/* Suffix, then `format`, then Accept. */
static void choose_format(Exchange *x)
{
    Request *req = &x->req;
    unsigned offered = req->route->formats;
    if (offered == 0 || (req->has_suffix && req->format < FORMAT_COUNT))
        return;
    bool chosen = false;
    if (!req->has_suffix)
        chosen = req->selection.has_format
                     ? format_find(req->selection.format, offered, &req->format)
                     : format_negotiate(x->head->accept, offered, &req->format);
    if (chosen)
        return;
    Problem *problem = &x->reply.problem;
    problem_set(problem, PROBLEM_NOT_ACCEPTABLE,
                arena_format(x->arena, "'" STR_FMT "' has no form that the request would accept.",
                             STR_ARG(req->target.path)));
    problem->list_name = "available";
    for (unsigned i = 0; i < FORMAT_COUNT; i++)
        if ((offered & FORMAT_BIT(i)) != 0 &&
            !str_list_add(x->arena, &problem->list, str_of(FORMATS[i].media_type)))
            break;
}

bool route_is_country_list(const Route *route)
{
    return route->formats != 0 && route->formats != FORMATS_PAGE &&
           strchr(route->pattern, '{') == NULL;
}

bool route_may_be_spooled(const Route *route)
{
    return route_is_country_list(route) && (route->params & (PARAMS_STATION | EA_LIST)) != 0 &&
           (route->params & PARAMS_FOLLOW) == 0;
}

/* `generation` says which answer, not what is asked: it is no part of the question. */
static void take_wanted(Exchange *x)
{
    Target *target = &x->req.target;
    size_t kept = 0;
    for (size_t i = 0; i < target->param_count; i++) {
        if (str_is_none(x->wanted) && str_eq(target->params[i].name, STR("generation")))
            x->wanted = target->params[i].value;
        else
            target->params[kept++] = target->params[i];
    }
    target->param_count = kept;
    if (x->ahead_of != 0)
        x->wanted = STR_NONE;
}

/* Whom it is meant for, where that was said in the target: a client of a proxy, which we are for the
 * Agency alone. */
static void check_host(Exchange *x)
{
    Str authority = x->req.target.authority;
    if (str_is_none(authority) || x->ahead_of != 0 ||
        host_is_ours(authority, x->site->options->listen, x->site->port))
        return;
    problem_set(&x->reply.problem, PROBLEM_MISDIRECTED,
                arena_format(x->arena, "'" STR_FMT "' is somebody else, and this is no proxy.",
                             STR_ARG(authority)));
}

/* Where the Agency's things are to be found at the address by which the client found us. */
static void find_origin(Exchange *x)
{
    Str host = str_is_none(x->req.target.authority) ? x->head->host : x->req.target.authority;
    if (x->site->options->facade_local_ids && route_is_agency(x->req.route) && host_is_sound(host))
        x->req.origin = arena_format(x->arena, "http://" STR_FMT, STR_ARG(host));
}

void exchange_read_target(Exchange *x)
{
    const ServerOptions *options = x->site->options;
    Problem *problem = &x->reply.problem;
    if (str_eq(x->head->method, STR("CONNECT"))) {
        problem_set(
            problem, PROBLEM_NOT_IMPLEMENTED,
            STR("CONNECT asks for a tunnel, and this is no proxy. A proxy setting for http:// "
                "addresses reaches the Agency's paths here; one for https:// cannot."));
        return;
    }
    if (!target_read(x->head->target, options->max_target_bytes, options->max_parameters, x->arena,
                     &x->req.target, problem))
        return;
    check_host(x);
    if (!exchange_failed(x))
        find_route(x);
    if (!exchange_failed(x))
        find_origin(x);
    if (!exchange_failed(x))
        check_method(x);
    if (!exchange_failed(x) && route_may_be_spooled(x->req.route))
        take_wanted(x);
    if (!exchange_failed(x) &&
        selection_read(&x->req, x->req.route->params, &x->req.selection, problem))
        choose_format(x);
}
