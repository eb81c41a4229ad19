/* / and /v1: what this service is, how fresh, how to ask it. */
#include "server/route.h"
#include "server/rows.h"

#include <inttypes.h>
#include <stdio.h>

static void put_duration(JsonWriter *json, const char *key, int64_t seconds)
{
    static const struct {
        int64_t seconds;
        char letter;
    } units[] = {{3600, 'H'}, {60, 'M'}, {1, 'S'}};
    size_t i = 0;
    while (seconds % units[i].seconds != 0)
        i++;
    char text[32];
    (void) snprintf(text, sizeof text, "PT%" PRId64 "%c", seconds / units[i].seconds,
                    units[i].letter);
    json_key(json, key);
    json_text(json, text);
}

static void put_window(JsonWriter *json, int64_t window_s, const StoreCounts *counts)
{
    json_key(json, "window");
    json_open(json, '{');
    put_duration(json, "length", window_s);
    json_key(json, "earliest");
    json_time(json, counts->earliest);
    json_key(json, "latest");
    json_time(json, counts->latest);
    json_close(json, '}');
}

static void put_counts(JsonWriter *json, const StoreCounts *counts)
{
    json_key(json, "counts");
    json_open(json, '{');
    json_key(json, "stations");
    json_int(json, counts->stations);
    json_key(json, "measures");
    json_int(json, counts->measures);
    json_key(json, "readings");
    json_int(json, counts->readings);
    json_close(json, '}');
}

static void put_links(JsonWriter *json)
{
    json_key(json, "links");
    json_open(json, '[');
    for (const Route *route = ROUTES; route->pattern != NULL; route++) {
        json_open(json, '{');
        json_key(json, "href");
        json_text(json, route->pattern);
        json_key(json, "formats");
        json_open(json, '[');
        for (unsigned i = 0; i < FORMAT_COUNT; i++)
            if ((route->formats & FORMAT_BIT(i)) != 0)
                json_text(json, FORMATS[i].name);
        json_close(json, ']');
        json_close(json, '}');
    }
    json_close(json, ']');
}

ErrCode get_service(const Request *req, Reply *reply, Err *err)
{
    const ServerOptions *options = req->site->options;
    StoreCounts counts;
    ErrCode rc = snapshot_counts(req->snap, &counts, err);
    if (rc != OK)
        return rc;
    JsonWriter json = json_writer(&reply->body);
    json_open(&json, '{');
    json_key(&json, "title");
    json_text(&json, "freshet: river levels, flows and rainfall of England, the last 24 hours");
    put_generation(&json, snapshot_info(req->snap));
    put_duration(&json, "cadence", options->poll_interval_s);
    put_window(&json, options->window_s, &counts);
    put_counts(&json, &counts);
    json_key(&json, "description");
    json_text(&json, "/openapi.yaml");
    json_key(&json, "docs");
    json_text(&json, "/docs");
    json_key(&json, "upstream");
    json_text(&json, options->upstream);
    json_key(&json, "build");
    json_text(&json, options->build);
    put_licence(&json);
    put_links(&json);
    json_close(&json, '}');
    buf_put_char(&reply->body, '\n');
    reply->content_type = FORMATS[FORMAT_JSON].content_type;
    return buf_check(&reply->body, err);
}
