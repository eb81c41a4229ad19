#include "model/render.h"

#include "base/clock.h"
#include "model/london.h"

#include <math.h>
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

static void put_rfc3339(Buf *out, UnixSec time)
{
    char text[CLOCK_TEXT_SIZE];
    clock_format(time, text);
    buf_put(out, text, CLOCK_TEXT_SIZE - 1);
}

/* 2026-07-01T11:00:00+01:00 */
static void put_local_time(Buf *out, UnixSec time)
{
    char text[CLOCK_TEXT_SIZE];
    int offset_s = london_offset_s(time);
    clock_format(time + offset_s, text);
    buf_put(out, text, CLOCK_TEXT_SIZE - 2);
    if (offset_s == 0)
        BUF_LITERAL(out, "+00:00");
    else
        BUF_LITERAL(out, "+01:00");
}

/* 2026-07-01 10:00:00, which Excel takes for a time. */
static void put_excel_time(Buf *out, UnixSec time)
{
    char text[CLOCK_TEXT_SIZE];
    clock_format(time, text);
    text[10] = ' ';
    buf_put(out, text, CLOCK_TEXT_SIZE - 2);
}

/* False: as text, which JSON quotes. */
static bool put_epoch(Buf *out, const Style *style, UnixSec time)
{
    switch (style->times) {
    case TIME_UNIX:
        buf_put_int(out, time);
        return true;
    case TIME_UNIX_MS:
        buf_put_int(out, time * 1000);
        return true;
    default:
        return false;
    }
}

static void put_bool(Buf *out, bool value)
{
    if (value)
        BUF_LITERAL(out, "true");
    else
        BUF_LITERAL(out, "false");
}

/* ---- what rows begin with ---------------------------------------------------------------------- */

typedef void StemFn(Buf *out, const FieldSet *fields, size_t count, const Row *row);

/* The leading fields that are the same in all rows of a measure, and always there. */
static size_t stem_fields(const FieldSet *fields)
{
    size_t count = 0;
    while (count < fields->count && (fields->fields[count]->in & FIELD_OF_MEASURE) != 0)
        count++;
    return count;
}

/* Makes it that of the row's measure; one that is too long is none. */
static void stem_take(Stem *stem, const FieldSet *fields, const Row *row, StemFn *put)
{
    Str id = row->measure != NULL ? row->measure->id : STR_NONE;
    if (stem->fields > 0 && str_eq((Str){stem->measure_id, stem->id_len}, id))
        return;
    *stem = (Stem){.fields = 0};
    if (id.ptr == NULL || id.len > sizeof stem->measure_id)
        return;
    Buf text = {.ptr = stem->text, .cap = sizeof stem->text, .max = sizeof stem->text};
    size_t count = stem_fields(fields);
    put(&text, fields, count, row);
    if (text.error != OK)
        return;
    memcpy(stem->measure_id, id.ptr, id.len);
    stem->id_len = id.len;
    stem->len = text.len;
    stem->fields = count;
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

void render_json_time(Buf *out, const Style *style, UnixSec time)
{
    if (put_epoch(out, style, time))
        return;
    buf_put_char(out, '"');
    put_rfc3339(out, time);
    buf_put_char(out, '"');
}

static void put_json_value(Buf *out, const Style *style, const Value *value)
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
        render_json_time(out, style, value->as.integer);
        break;
    case VALUE_LOCAL_TIME:
        buf_put_char(out, '"');
        put_local_time(out, value->as.integer);
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

static char put_json_members(Buf *out, const FieldSet *fields, size_t from, size_t to,
                             const Row *row)
{
    char before = from == 0 ? '{' : ',';
    for (size_t i = from; i < to; i++) {
        const Field *field = fields->fields[i];
        Value value = field->value(row);
        if (value.kind == VALUE_NULL && !value.stays && (field->in & FIELD_OMIT_NULL) != 0 &&
            !fields->chosen)
            continue;
        buf_put_char(out, before);
        buf_put_char(out, '"');
        buf_put(out, field->name, strlen(field->name));
        BUF_LITERAL(out, "\":");
        put_json_value(out, &fields->style, &value);
        before = ',';
    }
    return before;
}

void render_json(Buf *out, const FieldSet *fields, const Row *row)
{
    if (put_json_members(out, fields, 0, fields->count, row) == '{')
        buf_put_char(out, '{');
    buf_put_char(out, '}');
}

static void put_json_stem(Buf *out, const FieldSet *fields, size_t count, const Row *row)
{
    (void) put_json_members(out, fields, 0, count, row);
}

void render_json_on(Buf *out, Stem *stem, const FieldSet *fields, const Row *row)
{
    stem_take(stem, fields, row, put_json_stem);
    if (stem->fields == 0) {
        render_json(out, fields, row);
        return;
    }
    buf_put(out, stem->text, stem->len);
    (void) put_json_members(out, fields, stem->fields, fields->count, row);
    buf_put_char(out, '}');
}

void render_json_array(Buf *out, const FieldSet *fields, const Row *row)
{
    char before = '[';
    for (size_t i = 0; i < fields->count; i++) {
        Value value = fields->fields[i]->value(row);
        buf_put_char(out, before);
        put_json_value(out, &fields->style, &value);
        before = ',';
    }
    buf_put_char(out, ']');
}

/* ---- changes ----------------------------------------------------------------------------------- */

ChangeFields change_fields_default(Style style)
{
    static const Field *const TABLES[CHANGE_KIND_COUNT] = {
        [CHANGE_STATION] = STATION_FIELDS,      [CHANGE_MEASURE] = MEASURE_FIELDS,
        [CHANGE_READING] = READING_FIELDS,      [CHANGE_CORRECTION] = READING_FIELDS,
        [CHANGE_FRESHNESS] = FRESHNESS_FIELDS,  [CHANGE_STATION_GONE] = REMOVAL_FIELDS,
        [CHANGE_MEASURE_GONE] = REMOVAL_FIELDS,
    };
    ChangeFields fields;
    for (size_t i = 0; i < CHANGE_KIND_COUNT; i++) {
        fields.of[i] = field_set_default(TABLES[i], FIELD_JSON);
        fields.of[i].style = style;
    }
    return fields;
}

void render_change(Buf *out, const ChangeFields *fields, const Change *change)
{
    const Station gone_station = {.id = change->gone_station};
    const Measure gone_measure = {.id = change->gone_measure};
    bool is_gone = change->station == NULL;
    const Row row = {
        .station = is_gone ? &gone_station : change->station,
        .measure = is_gone ? &gone_measure : change->measure,
        .reading = change->reading,
        .measure_ids = change->measure_ids,
        .measure_id_count = change->measure_id_count,
    };
    render_json(out, &fields->of[change->kind], &row);
}

/* ---- GeoJSON ----------------------------------------------------------------------------------- */

static void put_geometry(Buf *out, const Station *station)
{
    if (isnan(station->lat_deg) || isnan(station->long_deg)) {
        BUF_LITERAL(out, "null");
        return;
    }
    BUF_LITERAL(out, "{\"type\":\"Point\",\"coordinates\":[");
    buf_put_double(out, station->long_deg);
    buf_put_char(out, ',');
    buf_put_double(out, station->lat_deg);
    BUF_LITERAL(out, "]}");
}

void render_geojson(Buf *out, const FieldSet *fields, const Row *row)
{
    BUF_LITERAL(out, "{\"type\":\"Feature\",\"id\":");
    json_put_string(out, row->measure != NULL ? row->measure->id : row->station->id);
    BUF_LITERAL(out, ",\"geometry\":");
    put_geometry(out, row->station);
    BUF_LITERAL(out, ",\"properties\":");
    render_json(out, fields, row);
    buf_put_char(out, '}');
}

/* ---- CSV --------------------------------------------------------------------------------------- */

/* Excel runs a cell that begins like a formula; behind an apostrophe it is a text. */
static bool begins_like_formula(Str text)
{
    char c = text.len > 0 ? text.ptr[0] : '\0';
    return c == '=' || c == '+' || c == '-' || c == '@';
}

/* Quoted only where RFC 4180 asks for it, and for the empty text: without quotes that would read as
 * missing, and "" is a station's id. */
void render_csv_text(Buf *out, const Style *style, Str text)
{
    bool quote = text.len == 0;
    bool neutralise = style->excel && begins_like_formula(text);
    for (size_t i = 0; i < text.len && !quote; i++)
        quote =
            text.ptr[i] == ',' || text.ptr[i] == '"' || text.ptr[i] == '\n' || text.ptr[i] == '\r';
    if (!quote) {
        if (neutralise)
            buf_put_char(out, '\'');
        buf_put_str(out, text);
        return;
    }
    buf_put_char(out, '"');
    if (neutralise)
        buf_put_char(out, '\'');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"')
            buf_put_char(out, '"');
        buf_put_char(out, text.ptr[i]);
    }
    buf_put_char(out, '"');
}

/* A list is one cell, its items joined by semicolons. */
static void put_csv_strs(Buf *out, const Style *style, const Str *items, size_t count)
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
        render_csv_text(out, style, buf_view(&joined));
}

void render_flags(Buf *out, unsigned flags)
{
    const char *before = "";
    for (size_t i = 0; i < countof(FLAGS); i++) {
        if ((flags & FLAGS[i].flag) == 0)
            continue;
        buf_printf(out, "%s%s", before, FLAGS[i].name);
        before = ";";
    }
}

static bool find_flag(Str name, unsigned *flags)
{
    for (size_t i = 0; i < countof(FLAGS); i++) {
        if (str_eq(name, str_of(FLAGS[i].name))) {
            *flags |= FLAGS[i].flag;
            return true;
        }
    }
    return false;
}

bool flags_parse(Str names, unsigned *ret_flags)
{
    Str name, rest = names;
    unsigned flags = 0;
    while (str_cut(rest, ';', &name, &rest))
        if (!find_flag(name, &flags))
            return false;
    if (!find_flag(rest, &flags))
        return false;
    *ret_flags = flags;
    return true;
}

void render_csv_time(Buf *out, const Style *style, UnixSec time)
{
    if (put_epoch(out, style, time))
        return;
    if (style->excel)
        put_excel_time(out, time);
    else
        put_rfc3339(out, time);
}

static void put_csv_local_time(Buf *out, const Style *style, UnixSec time)
{
    if (style->excel)
        put_excel_time(out, time + london_offset_s(time));
    else
        put_local_time(out, time);
}

static void put_csv_value(Buf *out, const Style *style, const Value *value)
{
    switch (value->kind) {
    case VALUE_NULL:
        break;
    case VALUE_STR:
        render_csv_text(out, style, value->as.str);
        break;
    case VALUE_REAL:
        buf_put_double(out, value->as.real);
        break;
    case VALUE_INT:
        buf_put_int(out, value->as.integer);
        break;
    case VALUE_TIME:
        render_csv_time(out, style, value->as.integer);
        break;
    case VALUE_LOCAL_TIME:
        put_csv_local_time(out, style, value->as.integer);
        break;
    case VALUE_BOOL:
        put_bool(out, value->as.boolean);
        break;
    case VALUE_STRS:
        put_csv_strs(out, style, value->as.strs.items, value->as.strs.count);
        break;
    case VALUE_FLAGS:
        render_flags(out, (unsigned) value->as.integer);
        break;
    }
}

void render_csv_line_end(Buf *out, const Style *style)
{
    if (style->excel)
        buf_put_char(out, '\r');
    buf_put_char(out, '\n');
}

void render_csv_bom(Buf *out, const Style *style)
{
    if (style->excel)
        BUF_LITERAL(out, "\xef\xbb\xbf"); /* without it Excel takes UTF-8 for Windows-1252 */
}

void render_csv_header(Buf *out, const FieldSet *fields)
{
    render_csv_bom(out, &fields->style);
    for (size_t i = 0; i < fields->count; i++) {
        if (i > 0)
            buf_put_char(out, ',');
        buf_put(out, fields->fields[i]->name, strlen(fields->fields[i]->name));
    }
    render_csv_line_end(out, &fields->style);
}

static void put_csv_cells(Buf *out, const FieldSet *fields, size_t from, size_t to, const Row *row)
{
    for (size_t i = from; i < to; i++) {
        Value value = fields->fields[i]->value(row);
        if (i > 0)
            buf_put_char(out, ',');
        put_csv_value(out, &fields->style, &value);
    }
}

static void put_csv_stem(Buf *out, const FieldSet *fields, size_t count, const Row *row)
{
    put_csv_cells(out, fields, 0, count, row);
}

void render_csv_on(Buf *out, Stem *stem, const FieldSet *fields, const Row *row)
{
    stem_take(stem, fields, row, put_csv_stem);
    buf_put(out, stem->text, stem->len);
    put_csv_cells(out, fields, stem->fields, fields->count, row);
    render_csv_line_end(out, &fields->style);
}
