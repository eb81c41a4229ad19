#include "server/resolve.h"

#include "server/url.h"

static ErrCode narrow(const Request *req, StrList *list, Str id, Err *err)
{
    *list = (StrList){.count = 0};
    if (!str_list_add(req->arena, list, id))
        return err_set(err, ERR_NO_MEMORY, "no memory for a filter");
    return OK;
}

/* "'1491' is no station. Did you mean '1491TH'?" */
static void not_found(const Request *req, Reply *reply, const char *kind, const StrList *near)
{
    Str hint = near->count == 0 ? STR("")
                                : arena_format(req->arena, " Did you mean '" STR_FMT "'?",
                                               STR_ARG(near->items[0]));
    problem_set(&reply->problem, PROBLEM_NOT_FOUND,
                arena_format(req->arena, "'" STR_FMT "' is no %s here." STR_FMT,
                             STR_ARG(req->args[0]), kind, STR_ARG(hint)));
    reply->problem.list_name = "candidates";
    reply->problem.list = *near;
}

static void ambiguous(const Request *req, Reply *reply, const StrList *stations)
{
    problem_set(&reply->problem, PROBLEM_NOT_FOUND,
                arena_format(req->arena,
                             "'" STR_FMT "' means %zu stations; ask for one of them by its id.",
                             STR_ARG(req->args[0]), stations->count));
    reply->problem.list_name = "candidates";
    reply->problem.list = *stations;
}

ErrCode resolve_station(const Request *req, Reply *reply, Filter *filter, Err *err)
{
    StationKey key = {.by_other_key = false};
    ErrCode rc = snapshot_resolve_station(req->snap, req->args[0], req->arena, &key, err);
    if (rc == ERR_NOT_FOUND && key.ambiguous)
        ambiguous(req, reply, &key.candidates);
    else if (rc == ERR_NOT_FOUND)
        not_found(req, reply, "station", &key.candidates);
    if (rc != OK)
        return rc;
    if (key.by_other_key)
        reply_header(reply, "Content-Location", url_with_id(req, key.id));
    return narrow(req, &filter->station, key.id, err);
}

ErrCode resolve_measure(const Request *req, Reply *reply, Filter *filter, Err *err)
{
    StrList near = {.count = 0};
    ErrCode rc = snapshot_find_measure(req->snap, req->args[0], req->arena, &near, err);
    if (rc == ERR_NOT_FOUND)
        not_found(req, reply, "measure", &near);
    return rc != OK ? rc : narrow(req, &filter->measure, req->args[0], err);
}
