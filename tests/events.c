#include "tests/events.h"

#include <string.h>

enum { TEXT_MAX_BYTES = 64 << 20 };

Events events_open(unsigned port, const char *target, const char *fields)
{
    Events events = {.client = client_open(port), .text = buf_init(TEXT_MAX_BYTES)};
    CLEANUP(buf_release) Buf request = buf_init(1 << 16);
    buf_printf(&request, "GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", target, fields);
    client_send(&events.client, buf_view(&request));
    Response response = client_receive_head(&events.client);
    events.status = response.status;
    response_release(&response);
    return events;
}

void events_close(Events *events)
{
    client_close(&events->client);
    buf_release(&events->text);
}

static void read_line(Event *event, Str line)
{
    static const struct {
        Str name;
        size_t at;
    } FIELDS[] = {
        {{"id: ", 4}, offsetof(Event, id)},
        {{"event: ", 7}, offsetof(Event, name)},
        {{"data: ", 6}, offsetof(Event, data)},
        {{"retry: ", 7}, offsetof(Event, retry)},
    };
    event->is_comment |= str_starts(line, STR(":"));
    for (size_t i = 0; i < countof(FIELDS); i++)
        if (str_starts(line, FIELDS[i].name))
            *(Str *) (void *) ((char *) event + FIELDS[i].at) =
                (Str){line.ptr + FIELDS[i].name.len, line.len - FIELDS[i].name.len};
}

bool events_next(Events *events, Event *ret)
{
    size_t at = 0;
    *ret = (Event){.block = buf_init(TEXT_MAX_BYTES)};
    while (!str_find(buf_view(&events->text), STR("\n\n"), &at))
        if (!client_receive_chunk(&events->client, &events->text))
            return false;
    buf_put(&ret->block, events->text.ptr, at + 2);
    memmove(events->text.ptr, events->text.ptr + at + 2, events->text.len - at - 2);
    events->text.len -= at + 2;
    Str line, rest = buf_view(&ret->block);
    while (str_cut(rest, '\n', &line, &rest))
        read_line(ret, line);
    return true;
}

bool events_next_named(Events *events, Event *ret)
{
    while (events_next(events, ret)) {
        if (!str_is_none(ret->name))
            return true;
        event_release(ret);
    }
    return false;
}

void event_release(Event *event)
{
    buf_release(&event->block);
}
