/* /v1/changes: what changed since a cursor, and the cursor from which to go on. */
#include "server/exported.h"
#include "server/feed.h"
#include "server/route.h"
#include "server/rows.h"

enum { PAGE_ITEMS = 10000 };

static PortionLimits limits_of(const Request *req)
{
    const ServerOptions *options = req->site->options;
    size_t items = req->selection.limit > 0 ? req->selection.limit : PAGE_ITEMS;
    return (PortionLimits){.items =
                               items < options->max_json_items ? items : options->max_json_items,
                           .bytes = options->max_response_bytes};
}

static void put_list(JsonWriter *json, const char *name, const Buf *list)
{
    json_key(json, name);
    BUF_LITERAL(json->out, "[\n");
    buf_put_str(json->out, buf_view(list));
    BUF_LITERAL(json->out, "\n]");
    json->need_comma = true;
}

/* The readings are the items, as in every list; all else has the name of its list. */
static void put_lists(JsonWriter *json, const Portion *portion)
{
    static const struct {
        const char *name;
        FeedList list;
    } LISTS[] = {
        {"items", FEED_READINGS},    {"corrections", FEED_CORRECTIONS}, {"stations", FEED_STATIONS},
        {"measures", FEED_MEASURES}, {"freshness", FEED_FRESHNESS},     {"removals", FEED_REMOVALS},
    };
    for (size_t i = 0; i < countof(LISTS); i++)
        put_list(json, LISTS[i].name, &portion->lists[LISTS[i].list]);
}

/* `exported` as put_start() has it; none: the cursor was known. */
static void put_end(JsonWriter *json, const Portion *portion, Str exported,
                    const SnapshotInfo *info)
{
    char next[CHANGE_CURSOR_SIZE];
    const ChangeCursor *reached = &portion->reached;
    change_cursor_format(reached, next);
    json_key(json, "count");
    json_int(json, (int64_t) portion->counts[FEED_READINGS]);
    json_key(json, "next");
    json_text(json, next);
    json_key(json, "more");
    json_bool(json, reached->generation < info->generation);
    json_key(json, "reset");
    json_bool(json, exported.len > 0);
    if (exported.len > 0)
        put_start(json, exported);
    json_key(json, "complete");
    json_bool(json, true);
    json_close(json, '}');
    buf_put_char(json->out, '\n');
}

ErrCode get_changes(const Request *req, Reply *reply, Err *err)
{
    const SnapshotInfo *info = snapshot_info(req->snap);
    const Feed feed = feed_of(req);
    const PortionLimits limits = limits_of(req);
    CLEANUP(portion_release) Portion portion = {.count = 0};
    CLEANUP(buf_release) Buf exported = buf_init(limits.bytes);
    JsonWriter exported_json = json_writer(&exported);
    ChangeCursor after;
    bool known = true;
    ErrCode rc = feed_begin(req, req->snap, &after, &known, err);
    reply->content_type = FORMATS[FORMAT_JSON].content_type;
    if (rc != OK || req->head_alone)
        return rc;
    rc = portion_take(req->snap, &feed, &after, &limits, &portion, err);
    if (rc == OK && !known)
        rc = put_newest_exported(&exported_json, req->snap, err);
    if (rc != OK)
        return rc;
    JsonWriter json = json_writer(&reply->body);
    json_open(&json, '{');
    put_generation(&json, info);
    put_licence(&json);
    put_lists(&json, &portion);
    put_end(&json, &portion, buf_view(&exported), info);
    if (known) /* of no rows: whoever waits may be held */
        reply_header(reply, "Row-Count", arena_format(req->arena, "%zu", portion.count));
    return buf_check(&reply->body, err);
}
