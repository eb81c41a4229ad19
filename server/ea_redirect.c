/* What the Agency has and we have not: floods, the archive, other forms, older readings. */
#include "server/ea.h"

#define AGENCY "https://environment.data.gov.uk"

ErrCode ea_redirect(const Request *req, Reply *reply, Err *err)
{
    const Target *target = &req->target;
    Str location = arena_format(req->arena, AGENCY STR_FMT "%s" STR_FMT, STR_ARG(target->path),
                                target->query.len > 0 ? "?" : "", STR_ARG(target->query));
    if (location.len == 0)
        return err_set(err, ERR_NO_MEMORY, "no memory for an address");
    if (location.len > REPLY_HEADER_MAX_BYTES) {
        problem_set(&reply->problem, PROBLEM_TARGET_TOO_LONG,
                    STR("The Environment Agency has what was asked for, and path and query are too "
                        "long to be sent there."));
        return err_set(err, ERR_INVALID, "an address of %zu bytes", location.len);
    }
    buf_clear(&reply->body);
    spool_drop(TAKE(reply->spool));
    reply->content_type = NULL;
    reply->status = 307; /* for this time: next time it may be here */
    reply_header(reply, "Location", location);
    return OK;
}

ErrCode get_ea_elsewhere(const Request *req, Reply *reply, Err *err)
{
    return ea_redirect(req, reply, err);
}
