#include "server/sse.h"

#include <inttypes.h>
#include <stdio.h>

enum { RETRY_MS = 5000 };

/* ---- frames ------------------------------------------------------------------------------------ */

/* Up to the members of the event's object. `id` is none where there is none. */
static void open_event(Buf *out, Format format, const char *event, Str id)
{
    if (format == FORMAT_SSE) {
        if (!str_is_none(id))
            buf_printf(out, "id: " STR_FMT "\n", STR_ARG(id));
        buf_printf(out, "event: %s\ndata: {", event);
        return;
    }
    buf_printf(out, "{\"event\":\"%s\",", event);
    if (!str_is_none(id))
        buf_printf(out, "\"id\":\"" STR_FMT "\",", STR_ARG(id));
}

static void close_event(Buf *out, Format format)
{
    BUF_LITERAL(out, "}\n");
    if (format == FORMAT_SSE)
        buf_put_char(out, '\n');
}

static Str cursor_text(const ChangeCursor *cursor, char text[static CHANGE_CURSOR_SIZE])
{
    change_cursor_format(cursor, text);
    return str_of(text);
}

/* ---- events ------------------------------------------------------------------------------------ */

/* Items lie a line each; an event is one line. */
static void put_items(Buf *out, const Buf *list)
{
    Str line, rest = buf_view(list);
    while (str_cut(rest, '\n', &line, &rest))
        buf_put_str(out, line);
    buf_put_str(out, rest);
}

void sse_put_portion(Buf *out, Format format, const Portion *portion)
{
    static const char *const NAMES[FEED_LIST_COUNT] = {
        [FEED_STATIONS] = "stations",   [FEED_MEASURES] = "measures",
        [FEED_READINGS] = "readings",   [FEED_CORRECTIONS] = "corrections",
        [FEED_FRESHNESS] = "freshness", [FEED_REMOVALS] = "removals",
    };
    char tag[CHANGE_CURSOR_SIZE];
    const ChangeCursor whole = {.epoch = portion->reached.epoch, .generation = portion->generation};
    Str id = cursor_text(&whole, tag);
    size_t last = FEED_LIST_COUNT;
    for (size_t i = 0; i < FEED_LIST_COUNT; i++)
        if (portion->lists[i].len > 0)
            last = i;
    bool is_whole = portion->reached.taken == 0;
    for (size_t i = 0; i < FEED_LIST_COUNT; i++) {
        if (portion->lists[i].len == 0)
            continue;
        open_event(out, format, NAMES[i], is_whole && i == last ? id : STR_NONE);
        buf_printf(out, "\"generation\":\"" STR_FMT "\",\"items\":[", STR_ARG(id));
        put_items(out, &portion->lists[i]);
        buf_put_char(out, ']');
        close_event(out, format);
    }
}

void sse_put_opening(Buf *out, Format format, const ChangeCursor *cursor)
{
    char text[CHANGE_CURSOR_SIZE];
    Str id = cursor_text(cursor, text);
    if (format == FORMAT_SSE)
        buf_printf(out, "retry: %d\nid: " STR_FMT "\n\n", RETRY_MS, STR_ARG(id));
    else
        buf_printf(out, "{\"event\":\"open\",\"id\":\"" STR_FMT "\"}\n", STR_ARG(id));
}

void sse_put_reset(Buf *out, Format format, const ChangeCursor *cursor, Str exported)
{
    char text[CHANGE_CURSOR_SIZE];
    Str id = cursor_text(cursor, text);
    open_event(out, format, "reset", id);
    JsonWriter json = json_writer(out);
    json_key(&json, "generation");
    json_str(&json, id);
    put_start(&json, exported);
    close_event(out, format);
}

void sse_put_snapshot(Buf *out, Format format, Str exported)
{
    assert(exported.len >= 2); /* its braces are the event's */
    open_event(out, format, "snapshot", STR_NONE);
    buf_put(out, exported.ptr + 1, exported.len - 2);
    close_event(out, format);
}

void sse_put_bye(Buf *out, Format format, const char *reason, int64_t retry_ms)
{
    if (format == FORMAT_SSE)
        buf_printf(out, "retry: %" PRId64 "\n", retry_ms);
    open_event(out, format, "bye", STR_NONE);
    buf_printf(out, "\"reason\":\"%s\",\"retry_ms\":%" PRId64, reason, retry_ms);
    close_event(out, format);
}

void sse_put_heartbeat(Buf *out, Format format)
{
    if (format == FORMAT_SSE)
        BUF_LITERAL(out, ":\n\n");
    else
        BUF_LITERAL(out, "{\"event\":\"heartbeat\"}\n");
}
