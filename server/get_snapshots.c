/* /v1/snapshots and /v1/snapshots/latest: the exported generations, as their manifests say it. They come
 * and go without a generation. */
#include "server/exported.h"
#include "server/route.h"

typedef struct Listing {
    JsonWriter json;
    bool only_newest;
    bool any;
} Listing;

static bool add_export(Str manifest, UnixSec exported, void *ctx)
{
    Listing *listing = ctx;
    put_exported(&listing->json, manifest, exported);
    listing->any = true;
    return !listing->only_newest;
}

static ErrCode list(const Request *req, Listing *listing, Err *err)
{
    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    ErrCode rc = store_snapshot(req->site->store, &snap, err);
    return rc == OK ? snapshot_each_export(snap, add_export, listing, err) : rc;
}

static ErrCode finish(Reply *reply, Err *err)
{
    buf_put_char(&reply->body, '\n');
    reply->content_type = FORMATS[FORMAT_JSON].content_type;
    return buf_check(&reply->body, err);
}

ErrCode get_snapshots(const Request *req, Reply *reply, Err *err)
{
    Listing listing = {.json = json_writer(&reply->body)};
    json_open(&listing.json, '{');
    json_key(&listing.json, "items");
    json_open(&listing.json, '[');
    ErrCode rc = list(req, &listing, err);
    json_close(&listing.json, ']');
    json_close(&listing.json, '}');
    return rc == OK ? finish(reply, err) : rc;
}

ErrCode get_latest_snapshot(const Request *req, Reply *reply, Err *err)
{
    Listing listing = {.json = json_writer(&reply->body), .only_newest = true};
    ErrCode rc = list(req, &listing, err);
    if (rc == OK && !listing.any)
        rc = err_set(err, ERR_NOT_FOUND, "Nothing has been exported yet.");
    return rc == OK ? finish(reply, err) : rc;
}
