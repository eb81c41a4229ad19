/* server/sse.h - a portion of changes as the events of a stream.
 *
 * As SSE: `event: readings`, `data: {...}`, and with the last event of a generation its `id: `. As
 * NDJSON a line an event: {"event":"readings","id":"...","generation":"...","items":[...]}. */
#pragma once
#include "server/feed.h"

/* One event a list, of at most as many items as the portion has. Nothing, where it has none. */
void sse_put_portion(Buf *out, Format format, const Portion *portion);
/* Ahead of all: how long to wait before coming back, and where the stream stands. */
void sse_put_opening(Buf *out, Format format, const ChangeCursor *cursor);
/* That the cursor was not ours; the stream goes on from `cursor`, behind what its lists hold. `exported`
 * as put_start() has it. */
void sse_put_reset(Buf *out, Format format, const ChangeCursor *cursor, Str exported);
/* That a generation was exported: `exported` is its object. It is no place in the stream. */
void sse_put_snapshot(Buf *out, Format format, Str exported);
/* The end, with the time after which to come back. */
void sse_put_bye(Buf *out, Format format, const char *reason, int64_t retry_ms);
/* Now and then, so that proxies keep the connection and the dead are found. */
void sse_put_heartbeat(Buf *out, Format format);
