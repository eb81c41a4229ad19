#include "server/exported.h"

#include <stdio.h>

void put_exported(JsonWriter *json, Str manifest, UnixSec exported)
{
    json_open(json, '{');
    json_key(json, "exported");
    json_time(json, exported);
    JsonWalk walk = json_walk(manifest);
    Str key, value;
    while (json_next(&walk, &key, &value)) {
        char name[64];
        (void) snprintf(name, sizeof name, STR_FMT, STR_ARG(key));
        json_key(json, name);
        json_raw(json, value);
    }
    json_close(json, '}');
}

typedef struct Newest {
    JsonWriter *json;
    bool any;
} Newest;

static bool put_first(Str manifest, UnixSec exported, void *ctx)
{
    Newest *newest = ctx;
    put_exported(newest->json, manifest, exported);
    newest->any = true;
    return false;
}

ErrCode put_newest_exported(JsonWriter *json, Snapshot *snap, Err *err)
{
    Newest newest = {.json = json};
    ErrCode rc = snapshot_each_export(snap, put_first, &newest, err);
    if (rc == OK && !newest.any)
        json_raw(json, STR("null"));
    return rc;
}
