#include "model/render.h"

#include "base/clock.h"

#include <string.h>

static const struct {
    ReadingFlag flag;
    const char *name;
} FLAGS[] = {
    {READING_AMBIGUOUS, "ambiguous"},
    {READING_SUSPECT, "suspect"},
    {READING_OFF_GRID, "off_grid"},
    {READING_CORRECTED, "corrected"},
};

static void put_time(Buf *out, UnixSec time)
{
    char text[CLOCK_TEXT_SIZE];
    clock_format(time, text);
    buf_put(out, text, CLOCK_TEXT_SIZE - 1);
}

static void put_bool(Buf *out, bool value)
{
    if (value)
        BUF_LITERAL(out, "true");
    else
        BUF_LITERAL(out, "false");
}

/* ---- JSON -------------------------------------------------------------------------------------- */

static void put_json_strs(Buf *out, const Str *items, size_t count)
{
    buf_put_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_put_char(out, ',');
        json_put_string(out, items[i]);
    }
    buf_put_char(out, ']');
}

static void put_json_flags(Buf *out, unsigned flags)
{
    const char *before = "[";
    for (size_t i = 0; i < countof(FLAGS); i++) {
        if ((flags & FLAGS[i].flag) == 0)
            continue;
        buf_printf(out, "%s\"%s\"", before, FLAGS[i].name);
        before = ",";
    }
    buf_put_char(out, ']');
}

static void put_json_value(Buf *out, const Value *value)
{
    switch (value->kind) {
    case VALUE_NULL:
        BUF_LITERAL(out, "null");
        break;
    case VALUE_STR:
        json_put_string(out, value->as.str);
        break;
    case VALUE_REAL:
        buf_put_double(out, value->as.real);
        break;
    case VALUE_INT:
        buf_put_int(out, value->as.integer);
        break;
    case VALUE_TIME:
        buf_put_char(out, '"');
        put_time(out, value->as.integer);
        buf_put_char(out, '"');
        break;
    case VALUE_BOOL:
        put_bool(out, value->as.boolean);
        break;
    case VALUE_STRS:
        put_json_strs(out, value->as.strs.items, value->as.strs.count);
        break;
    case VALUE_FLAGS:
        put_json_flags(out, (unsigned) value->as.integer);
        break;
    }
}

void render_json(Buf *out, const FieldSet *fields, const Row *row)
{
    char before = '{';
    for (size_t i = 0; i < fields->count; i++) {
        const Field *field = fields->fields[i];
        Value value = field->value(row);
        if (value.kind == VALUE_NULL && (field->in & FIELD_OMIT_NULL) != 0 && !fields->chosen)
            continue;
        buf_put_char(out, before);
        buf_put_char(out, '"');
        buf_put(out, field->name, strlen(field->name));
        BUF_LITERAL(out, "\":");
        put_json_value(out, &value);
        before = ',';
    }
    if (before == '{')
        buf_put_char(out, '{');
    buf_put_char(out, '}');
}

/* ---- CSV --------------------------------------------------------------------------------------- */

/* Quoted only where RFC 4180 asks for it, and for the empty text: without quotes that would read as
 * missing, and "" is a station's id. */
static void put_csv_text(Buf *out, Str text)
{
    bool quote = text.len == 0;
    for (size_t i = 0; i < text.len && !quote; i++)
        quote =
            text.ptr[i] == ',' || text.ptr[i] == '"' || text.ptr[i] == '\n' || text.ptr[i] == '\r';
    if (!quote) {
        buf_put_str(out, text);
        return;
    }
    buf_put_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"')
            buf_put_char(out, '"');
        buf_put_char(out, text.ptr[i]);
    }
    buf_put_char(out, '"');
}

/* A list is one cell, its items joined by semicolons. */
static void put_csv_strs(Buf *out, const Str *items, size_t count)
{
    if (count == 0)
        return;
    CLEANUP(buf_release) Buf joined = buf_init(out->max);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_put_char(&joined, ';');
        buf_put_str(&joined, items[i]);
    }
    if (joined.error != OK)
        out->error = joined.error;
    else
        put_csv_text(out, buf_view(&joined));
}

static void put_csv_flags(Buf *out, unsigned flags)
{
    const char *before = "";
    for (size_t i = 0; i < countof(FLAGS); i++) {
        if ((flags & FLAGS[i].flag) == 0)
            continue;
        buf_printf(out, "%s%s", before, FLAGS[i].name);
        before = ";";
    }
}

static void put_csv_value(Buf *out, const Value *value)
{
    switch (value->kind) {
    case VALUE_NULL:
        break;
    case VALUE_STR:
        put_csv_text(out, value->as.str);
        break;
    case VALUE_REAL:
        buf_put_double(out, value->as.real);
        break;
    case VALUE_INT:
        buf_put_int(out, value->as.integer);
        break;
    case VALUE_TIME:
        put_time(out, value->as.integer);
        break;
    case VALUE_BOOL:
        put_bool(out, value->as.boolean);
        break;
    case VALUE_STRS:
        put_csv_strs(out, value->as.strs.items, value->as.strs.count);
        break;
    case VALUE_FLAGS:
        put_csv_flags(out, (unsigned) value->as.integer);
        break;
    }
}

void render_csv_header(Buf *out, const FieldSet *fields)
{
    for (size_t i = 0; i < fields->count; i++) {
        if (i > 0)
            buf_put_char(out, ',');
        buf_put(out, fields->fields[i]->name, strlen(fields->fields[i]->name));
    }
    buf_put_char(out, '\n');
}

void render_csv(Buf *out, const FieldSet *fields, const Row *row)
{
    for (size_t i = 0; i < fields->count; i++) {
        Value value = fields->fields[i]->value(row);
        if (i > 0)
            buf_put_char(out, ',');
        put_csv_value(out, &value);
    }
    buf_put_char(out, '\n');
}
