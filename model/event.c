#include "model/event.h"

#include "base/clock.h"
#include "model/render.h"

#include <inttypes.h>
#include <stdio.h>

static const char *const NAMES[EVENT_KIND_COUNT] = {
    [EVENT_LOG] = "freshet.log",   [EVENT_BEGIN] = "freshet.begin",
    [EVENT_ROWS] = "freshet.rows", [EVENT_READING] = "freshet.reading",
    [EVENT_END] = "freshet.end",
};

const char *event_name(EventKind kind)
{
    return NAMES[kind];
}

bool event_find(Str name, EventKind *ret)
{
    for (size_t i = 0; i < countof(NAMES); i++) {
        if (str_eq(name, str_of(NAMES[i]))) {
            *ret = (EventKind) i;
            return true;
        }
    }
    return false;
}

/* ---- writing ----------------------------------------------------------------------------------- */

/* Up to and with the key of its data; `nth` tells the records of one generation apart. */
static JsonWriter begin_event(Buf *out, EventKind kind, const EventSource *source, UnixSec time,
                              const char *part, uint64_t nth)
{
    JsonWriter json = json_writer(out);
    char id[64];
    (void) snprintf(id, sizeof id, "%08" PRIx32 "-%" PRIu64 "%s%" PRIu64, source->epoch,
                    source->number, part, nth);
    json_open(&json, '{');
    json_key(&json, "specversion");
    json_text(&json, "1.0");
    json_key(&json, "type");
    json_text(&json, NAMES[kind]);
    json_key(&json, "source");
    buf_printf(out, "\"/freshet/" STR_FMT "\"", STR_ARG(source->ingester));
    json.need_comma = true;
    json_key(&json, "id");
    json_text(&json, id);
    json_key(&json, "time");
    json_time(&json, time);
    json_key(&json, "data");
    return json;
}

void event_put_log(Buf *out, const EventSource *source, UnixSec time)
{
    JsonWriter json = begin_event(out, EVENT_LOG, source, time, ".log", 0);
    json_open(&json, '{');
    json_close(&json, '}');
    json_close(&json, '}');
}

void event_put_begin(Buf *out, const EventSource *source, UnixSec time, uint64_t after)
{
    JsonWriter json = begin_event(out, EVENT_BEGIN, source, time, ".begin", 0);
    json_open(&json, '{');
    json_key(&json, "after");
    json_int(&json, (int64_t) after);
    json_close(&json, '}');
    json_close(&json, '}');
}

void event_put_rows(Buf *out, const EventSource *source, UnixSec time, const char *table, Str rows)
{
    JsonWriter json = begin_event(out, EVENT_ROWS, source, time, ".", 0);
    json_open(&json, '{');
    json_key(&json, "table");
    json_text(&json, table);
    json_key(&json, "rows");
    buf_printf(out, "[" STR_FMT "]", STR_ARG(rows));
    json_close(&json, '}');
    json_close(&json, '}');
}

static FieldSet reading_fields(void)
{
    static const char *const more[] = {"received", "revision", "raw"};
    FieldSet set = field_set_default(READING_FIELDS, FIELD_JSON);
    for (size_t i = 0; i < countof(more); i++)
        field_set_add(&set, field_find(READING_FIELDS, str_of(more[i])));
    return set;
}

void event_put_reading(Buf *out, const EventSource *source, UnixSec time, uint64_t nth,
                       const Row *row)
{
    const FieldSet fields = reading_fields();
    JsonWriter json = begin_event(out, EVENT_READING, source, time, ".", nth);
    render_json(out, &fields, row);
    json_close(&json, '}');
}

void event_put_end(Buf *out, const EventSource *source, const EventEnd *end)
{
    JsonWriter json = begin_event(out, EVENT_END, source, end->as_of, ".end", 0);
    json_open(&json, '{');
    json_key(&json, "as_of");
    json_time(&json, end->as_of);
    json_key(&json, "next_expected");
    json_time(&json, end->next_expected);
    json_key(&json, "fault");
    json_text(&json, fault_name(end->service.fault));
    json_key(&json, "since");
    json_time(&json, end->service.since);
    json_key(&json, "rows");
    json_int(&json, end->rows);
    json_key(&json, "readings");
    json_int(&json, end->readings);
    json_close(&json, '}');
    json_close(&json, '}');
}

/* ---- reading ----------------------------------------------------------------------------------- */

static ErrCode find_data(Str value, Str *ret_data, Err *err)
{
    return json_member(value, STR("data"), ret_data)
               ? OK
               : err_set(err, ERR_FORMAT, "an event without data: " STR_FMT,
                         STR_ARG(((Str){value.ptr, value.len < 80 ? value.len : 80})));
}

static ErrCode wrong(Err *err, EventKind kind, const char *what)
{
    return err_set(err, ERR_FORMAT, "%s without a proper %s", NAMES[kind], what);
}

static ErrCode find_int(Str data, EventKind kind, const char *key, int64_t *ret, Err *err)
{
    return json_member_int(data, str_of(key), ret) ? OK : wrong(err, kind, key);
}

ErrCode event_read_begin(Str value, uint64_t *ret_after, Err *err)
{
    Str data;
    int64_t after = 0;
    ErrCode rc = find_data(value, &data, err);
    if (rc == OK)
        rc = find_int(data, EVENT_BEGIN, "after", &after, err);
    if (rc == OK && after < 0)
        rc = wrong(err, EVENT_BEGIN, "after");
    *ret_after = (uint64_t) after;
    return rc;
}

ErrCode event_read_rows(Str value, Arena *arena, Str *ret_table, Str *ret_rows, Err *err)
{
    Str data;
    ErrCode rc = find_data(value, &data, err);
    if (rc == OK && !json_member_str(data, STR("table"), arena, ret_table))
        rc = wrong(err, EVENT_ROWS, "table");
    if (rc == OK && !json_member(data, STR("rows"), ret_rows))
        rc = wrong(err, EVENT_ROWS, "rows");
    return rc;
}

/* null is no time. */
static bool member_time(Str data, const char *key, UnixSec *ret)
{
    Str value;
    if (!json_member(data, str_of(key), &value))
        return false;
    if (str_eq(value, STR("null"))) {
        *ret = NO_TIME;
        return true;
    }
    return value.len > 2 && clock_parse((Str){value.ptr + 1, value.len - 2}, ret);
}

/* The flags that are stored follow from the rest: what has a revision was corrected, what has raw
 * text was chosen from several. */
ErrCode event_read_reading(Str value, Arena *arena, Reading *ret_reading, Err *err)
{
    Reading reading = {.raw = STR_NONE};
    Str data, number;
    ErrCode rc = find_data(value, &data, err);
    if (rc != OK)
        return rc;
    if (!json_member_str(data, STR("measure"), arena, &reading.measure_id) ||
        str_is_none(reading.measure_id))
        return wrong(err, EVENT_READING, "measure");
    if (!json_member(data, STR("value"), &number) || !str_to_double(number, &reading.value))
        return wrong(err, EVENT_READING, "value");
    if (!member_time(data, "time", &reading.time) || reading.time == NO_TIME)
        return wrong(err, EVENT_READING, "time");
    if (!member_time(data, "received", &reading.received))
        return wrong(err, EVENT_READING, "received");
    if (!json_member_int(data, STR("revision"), &reading.revision) || reading.revision < 0)
        return wrong(err, EVENT_READING, "revision");
    if (!json_member_str(data, STR("raw"), arena, &reading.raw))
        return wrong(err, EVENT_READING, "raw");
    if (reading.revision > 0)
        reading.flags |= READING_CORRECTED;
    if (!str_is_none(reading.raw))
        reading.flags |= READING_AMBIGUOUS;
    *ret_reading = reading;
    return OK;
}

static bool member_fault(Str data, Fault *ret)
{
    Str value;
    if (!json_member(data, STR("fault"), &value) || value.len < 2)
        return false;
    for (int fault = 0; fault < FAULT_COUNT; fault++) {
        if (str_eq((Str){value.ptr + 1, value.len - 2}, str_of(fault_name((Fault) fault)))) {
            *ret = (Fault) fault;
            return true;
        }
    }
    return false;
}

ErrCode event_read_end(Str value, EventEnd *ret_end, Err *err)
{
    EventEnd end = {.as_of = NO_TIME};
    Str data;
    ErrCode rc = find_data(value, &data, err);
    if (rc != OK)
        return rc;
    if (!member_time(data, "as_of", &end.as_of) || end.as_of == NO_TIME)
        return wrong(err, EVENT_END, "as_of");
    if (!member_time(data, "next_expected", &end.next_expected))
        return wrong(err, EVENT_END, "next_expected");
    if (!member_time(data, "since", &end.service.since))
        return wrong(err, EVENT_END, "since");
    if (!member_fault(data, &end.service.fault))
        return wrong(err, EVENT_END, "fault");
    rc = find_int(data, EVENT_END, "rows", &end.rows, err);
    if (rc == OK)
        rc = find_int(data, EVENT_END, "readings", &end.readings, err);
    if (rc == OK)
        *ret_end = end;
    return rc;
}
