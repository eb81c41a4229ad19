/* /v1/stream: the changes as they happen, or from a cursor on. Its body is the hub's to give. */
#include "server/hub.h"
#include "server/route.h"

/* Format, then every parameter but `since`, which says where one begins, not what one wants. */
static Str key_of(const Request *req)
{
    Str key = arena_format(req->arena, "%s", FORMATS[req->format].name);
    for (size_t i = 0; i < req->target.param_count; i++) {
        const Param *param = &req->target.params[i];
        if (str_eq(param->name, STR("since")) || str_eq(param->name, STR("format")))
            continue;
        key = arena_format(req->arena, STR_FMT "&%zu:" STR_FMT "=%zu:" STR_FMT, STR_ARG(key),
                           param->name.len, STR_ARG(param->name), param->value.len,
                           STR_ARG(param->value));
    }
    return key;
}

/* One who comes back says where it was; that counts before its first address. What is no cursor is
 * of another server: it is told so. */
static ErrCode find_begin(const Request *req, ChangeCursor *ret, bool *ret_known, Err *err)
{
    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    ErrCode rc = store_snapshot(req->site->store, &snap, err);
    if (rc != OK)
        return rc;
    const SnapshotInfo *info = snapshot_info(snap);
    Request from = *req;
    bool comes_back = req->last_event_id.len > 0;
    if (comes_back) {
        from.selection.after = (ChangeCursor){.generation = UINT64_MAX};
        from.selection.has_after = true;
        (void) change_cursor_parse(req->last_event_id, &from.selection.after);
    } else if (!req->selection.has_after && !span_is_given(&req->selection.span)) {
        from.selection.after = (ChangeCursor){.epoch = info->epoch, .generation = info->generation};
        from.selection.has_after = true;
    }
    return feed_begin(&from, snap, ret, ret_known, err);
}

ErrCode get_stream(const Request *req, Reply *reply, Err *err)
{
    ChangeCursor from;
    bool known = true;
    if (req->site->hub == NULL || req->site->draining)
        return err_set(err, ERR_STOPPED, "there is no stream now");
    reply->content_type = FORMATS[req->format].content_type;
    reply_header(reply, "X-Accel-Buffering", STR("no")); /* nginx would gather events */
    if (req->head_alone)
        return OK;
    ErrCode rc = find_begin(req, &from, &known, err);
    if (rc != OK)
        return rc;
    const Feed feed = feed_of(req);
    reply->subscriber =
        hub_subscribe(req->site->hub, key_of(req), &feed, req->format, &from, !known);
    if (reply->subscriber == NULL)
        return err_set(err, ERR_NO_MEMORY, "no memory for a subscriber");
    return OK;
}
