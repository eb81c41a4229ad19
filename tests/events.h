/* tests/events.h - one who follows /v1/stream as SSE: events as they come. */
#pragma once
#include "tests/client.h"

typedef struct Events {
    Client client;
    int status;
    Buf text; /* of the body, not yet taken */
} Events;

/* One event, or a comment, or what has no data; texts are none where it has none. */
typedef struct Event {
    Buf block; /* owned: the others borrow it */
    Str id, name, data, retry;
    bool is_comment;
} Event;

/* `fields` as in client_ask(). */
Events events_open(unsigned port, const char *target, const char *fields);
void events_close(Events *events);
/* False: the stream ended, or nothing came for 20 s. The caller releases it. */
bool events_next(Events *events, Event *ret);
/* The next one with a name; everything else is passed over. */
bool events_next_named(Events *events, Event *ret);
void event_release(Event *event);
