#include "ingest/parse.h"

#include "base/json.h"
#include "ingest/raw_reading.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

/* ---- one value out of whatever a field holds ---------------------------------------------------- */

typedef bool UsableFn(const cJSON *value);

static bool is_text(const cJSON *value)
{
    return cJSON_IsString(value) || cJSON_IsNumber(value);
}

static bool is_object(const cJSON *value)
{
    return cJSON_IsObject(value);
}

/* The value itself or, of an array, its first usable element. NULL: there is none. */
static const cJSON *first_usable(const cJSON *value, UsableFn *usable)
{
    if (value == NULL || usable(value))
        return value;
    if (cJSON_IsArray(value)) {
        const cJSON *element = NULL;
        cJSON_ArrayForEach(element, value)
        {
            if (usable(element))
                return element;
        }
    }
    return NULL;
}

static const cJSON *field(const cJSON *item, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(item, name);
}

/* A text into the arena; a number is written as the decimal it is. */
static bool copy_text(Batch *batch, const cJSON *value, Str *ret)
{
    if (value == NULL)
        return true;
    if (cJSON_IsString(value))
        return arena_copy(&batch->strings, str_of(value->valuestring), ret);
    CLEANUP(buf_release) Buf number = buf_init(64);
    if (value->valuedouble == nearbyint(value->valuedouble) && fabs(value->valuedouble) < 1e15)
        buf_put_int(&number, (int64_t) value->valuedouble);
    else if (isfinite(value->valuedouble))
        buf_put_double(&number, value->valuedouble);
    return number.error == OK && arena_copy(&batch->strings, buf_view(&number), ret);
}

static bool take_text(Batch *batch, const cJSON *item, const char *name, Str *ret)
{
    return copy_text(batch, first_usable(field(item, name), is_text), ret);
}

/* Also all values of an array, one a line, where there are several: a search looks through them. */
static bool take_texts(Batch *batch, const cJSON *item, const char *name, Str *ret_first,
                       Str *ret_all)
{
    const cJSON *value = field(item, name);
    if (!copy_text(batch, first_usable(value, is_text), ret_first))
        return false;
    if (!cJSON_IsArray(value) || cJSON_GetArraySize(value) < 2)
        return true;
    CLEANUP(buf_release) Buf all = buf_init(4096);
    const cJSON *element = NULL;
    cJSON_ArrayForEach(element, value)
    {
        Str text = STR_NONE;
        if (!is_text(element))
            continue;
        if (!copy_text(batch, element, &text))
            return false;
        if (all.len > 0)
            buf_put_char(&all, '\n');
        buf_put_str(&all, text);
    }
    if (all.error == ERR_TOO_LARGE) /* an absurd item: the first value serves */
        return true;
    return all.error == OK && arena_copy(&batch->strings, buf_view(&all), ret_all);
}

static double number_of(const cJSON *value)
{
    double number = NAN;
    value = first_usable(value, is_text);
    if (cJSON_IsNumber(value))
        number = value->valuedouble;
    else if (value != NULL)
        (void) str_to_double(str_trim(str_of(value->valuestring)), &number);
    return isfinite(number) ? number : NAN;
}

/* A reference is the URI itself or an object that carries it as @id. */
static Str uri_of(const cJSON *value)
{
    const cJSON *object = first_usable(value, is_object);
    if (object != NULL)
        value = field(object, "@id");
    value = first_usable(value, is_text);
    return cJSON_IsString(value) ? str_of(value->valuestring) : STR_NONE;
}

static Str last_segment(Str uri)
{
    return str_is_none(uri) ? STR_NONE : str_after_last(uri, '/');
}

/* Key of a station or measure: its notation, else the last segment of its address. */
static bool take_id(Batch *batch, const cJSON *item, Str *ret)
{
    const cJSON *notation = first_usable(field(item, "notation"), is_text);
    if (notation != NULL)
        return copy_text(batch, notation, ret);
    return arena_copy(&batch->strings, last_segment(uri_of(field(item, "@id"))), ret);
}

/* The same, borrowed from the item: what is another shard's shall not be copied. */
static Str peek_id(const cJSON *item)
{
    const cJSON *notation = first_usable(field(item, "notation"), is_text);
    return cJSON_IsString(notation) ? str_of(notation->valuestring)
                                    : last_segment(uri_of(field(item, "@id")));
}

/* The item as it came, without white space and without member `except`. */
static bool take_raw(Batch *batch, Str item, Str except, Str *ret)
{
    CLEANUP(buf_release) Buf raw = buf_init(item.len + 1);
    JsonWalk walk = json_walk(item);
    Str key, value;
    buf_put_char(&raw, '{');
    while (json_next(&walk, &key, &value)) {
        if (str_eq(key, except))
            continue;
        if (raw.len > 1)
            buf_put_char(&raw, ',');
        buf_put_char(&raw, '"');
        buf_put_str(&raw, key);
        BUF_LITERAL(&raw, "\":");
        buf_put_str(&raw, value);
    }
    buf_put_char(&raw, '}');
    Str copy;
    if (raw.error != OK || !arena_copy(&batch->strings, buf_view(&raw), &copy))
        return false;
    char *text = (char *) (uintptr_t) copy.ptr; /* ours, and NUL-terminated: arena_copy() made it */
    cJSON_Minify(text);
    *ret = str_of(text);
    return true;
}

/* ---- stations ---------------------------------------------------------------------------------- */

static bool take_record(Batch *batch, const cJSON *scale, const char *name, double *ret_value,
                        Str *ret_time)
{
    const cJSON *record = first_usable(field(scale, name), is_object);
    *ret_value = number_of(record != NULL ? field(record, "value") : NULL);
    return record == NULL || take_text(batch, record, "dateTime", ret_time);
}

/* Only the full view describes a scale; elsewhere, and for some even there, it is an address (Q9). */
static bool take_scale(Batch *batch, const cJSON *item, const char *name, Scale *ret)
{
    const cJSON *scale = first_usable(field(item, name), is_object);
    *ret = scale_unknown();
    if (scale == NULL)
        return true;
    ret->typical_low = number_of(field(scale, "typicalRangeLow"));
    ret->typical_high = number_of(field(scale, "typicalRangeHigh"));
    return take_record(batch, scale, "maxOnRecord", &ret->record_high, &ret->record_high_time) &&
           take_record(batch, scale, "minOnRecord", &ret->record_low, &ret->record_low_time);
}

/* http://.../def/core/statusActive is Active; anything may stand behind `status` (Q21). */
static Str status_name(Str uri)
{
    Str name = last_segment(uri);
    return str_starts(name, STR("status")) ? (Str){name.ptr + 6, name.len - 6} : name;
}

typedef struct Parse {
    Batch *batch;
    ReadingLimits limits;
    bool listed; /* the document is the whole list */
    Str type;
} Parse;

/* False: no memory. What is wrong with an item is counted in the batch. */
typedef bool ItemFn(Parse *parse, Str text, const cJSON *item);

static bool add_station(Parse *parse, Str text, const cJSON *item)
{
    Batch *batch = parse->batch;
    Station station = {.listed = parse->listed, .newest = NO_TIME};
    Str status = STR_NONE;
    if (!shard_has_station(batch->shard, peek_id(item)))
        return true;
    if (!take_id(batch, item, &station.id))
        return false;
    if (str_is_none(station.id)) {
        batch->item_refused_count++;
        return true;
    }
    station.lat_deg = number_of(field(item, "lat"));
    station.long_deg = number_of(field(item, "long"));
    station.easting_m = number_of(field(item, "easting"));
    station.northing_m = number_of(field(item, "northing"));
    station.datum_offset_m = number_of(field(item, "datumOffset"));
    if (!take_text(batch, item, "stationReference", &station.reference) ||
        !take_texts(batch, item, "label", &station.label, &station.label_all) ||
        !take_texts(batch, item, "riverName", &station.river, &station.river_all) ||
        !take_texts(batch, item, "catchmentName", &station.catchment, &station.catchment_all) ||
        !take_texts(batch, item, "town", &station.town, &station.town_all) ||
        !take_texts(batch, item, "RLOIid", &station.rloi_id, &station.rloi_id_all) ||
        !take_texts(batch, item, "wiskiID", &station.wiski_id, &station.wiski_id_all) ||
        !take_text(batch, item, "gridReference", &station.grid_reference) ||
        !take_text(batch, item, "dateOpened", &station.opened) ||
        !arena_copy(&batch->strings, uri_of(field(item, "status")), &status) ||
        !take_scale(batch, item, "stageScale", &station.stage) ||
        !take_scale(batch, item, "downstageScale", &station.downstage) ||
        !take_raw(batch, text, STR_NONE, &station.raw))
        return false;
    station.status = str_is_none(status) ? STR_NONE : status_name(status);
    return batch_add_station(batch, &station);
}

static bool add_type(Parse *parse, UNUSED Str text, const cJSON *item)
{
    Str id = STR_NONE;
    if (!shard_has_station(parse->batch->shard, peek_id(item)))
        return true;
    if (!take_id(parse->batch, item, &id))
        return false;
    if (str_is_none(id)) {
        parse->batch->item_refused_count++;
        return true;
    }
    return batch_add_type(parse->batch, id, parse->type);
}

/* ---- measures ---------------------------------------------------------------------------------- */

static bool add_measure(Parse *parse, Str text, const cJSON *item)
{
    Batch *batch = parse->batch;
    Measure measure = {.listed = parse->listed, .newest = NO_TIME};
    double period_s = number_of(field(item, "period"));
    if (!shard_has_measure(batch->shard, peek_id(item)))
        return true;
    if (!take_id(batch, item, &measure.id) ||
        !arena_copy(&batch->strings, last_segment(uri_of(field(item, "station"))),
                    &measure.station_id))
        return false;
    if (str_is_none(measure.id) || str_is_none(measure.station_id)) {
        batch->item_refused_count++;
        return true;
    }
    if (period_s >= 1 && period_s <= 366 * 86400.0)
        measure.period_s = (int64_t) period_s;
    Str datum = STR_NONE;
    if (!take_text(batch, item, "label", &measure.label) ||
        !take_text(batch, item, "parameter", &measure.parameter) ||
        !take_text(batch, item, "parameterName", &measure.parameter_name) ||
        !take_text(batch, item, "qualifier", &measure.qualifier) ||
        !take_text(batch, item, "valueType", &measure.value_type) ||
        !take_text(batch, item, "unitName", &measure.unit) ||
        !arena_copy(&batch->strings, uri_of(field(item, "datumType")), &datum) ||
        !take_raw(batch, text, STR("latestReading"), &measure.raw))
        return false;
    measure.datum = last_segment(datum);
    return batch_add_measure(batch, &measure);
}

/* ---- readings ---------------------------------------------------------------------------------- */

/* A value is a number; or an array of them where the upstream has several (Q1). */
static void take_values(const cJSON *value, Str item, RawReading *raw)
{
    const cJSON *element = NULL;
    if (!cJSON_IsArray(value)) {
        raw_reading_add_value(raw, is_text(value) ? number_of(value) : NAN);
        return;
    }
    (void) json_member(item, STR("value"), &raw->values_text);
    cJSON_ArrayForEach(element, value)
    {
        raw_reading_add_value(raw, number_of(element));
    }
}

static bool is_absent(const cJSON *value)
{
    return value == NULL || cJSON_IsNull(value) ||
           (cJSON_IsString(value) && str_trim(str_of(value->valuestring)).len == 0) ||
           (cJSON_IsArray(value) && cJSON_GetArraySize(value) == 0);
}

static bool add_reading(Parse *parse, Str text, const cJSON *item)
{
    const cJSON *value = field(item, "value");
    const cJSON *time = first_usable(field(item, "dateTime"), is_text);
    RawReading raw = {
        .measure_id = last_segment(uri_of(field(item, "measure"))),
        .time = cJSON_IsString(time) ? str_of(time->valuestring) : STR_NONE,
        .item = text,
        .has_value = !is_absent(value),
    };
    if (raw.has_value)
        take_values(value, text, &raw);
    return raw_reading_add(&raw, parse->limits, parse->batch);
}

static bool is_plain_string(Str value)
{
    return value.len >= 2 && value.ptr[0] == '"' && memchr(value.ptr, '\\', value.len) == NULL;
}

static Str unquoted(Str value)
{
    return (Str){value.ptr + 1, value.len - 2};
}

/* Nearly all readings are plain: each member once, measure and time as strings, the value a number.
 * They are taken as they stand, which costs a fifth of making a tree of them. False: it is not so. */
static bool take_plain(Str text, RawReading *ret)
{
    Str key, value, measure = STR_NONE, time = STR_NONE, number = STR_NONE;
    double parsed = NAN;
    JsonWalk walk = json_walk(text);
    while (json_next(&walk, &key, &value)) {
        Str *to = str_eq(key, STR("measure"))    ? &measure
                  : str_eq(key, STR("dateTime")) ? &time
                  : str_eq(key, STR("value"))    ? &number
                                                 : NULL;
        if (to != NULL && !str_is_none(*to))
            return false;
        if (to != NULL)
            *to = value;
    }
    if (walk.broken || walk.close != '}' || !is_plain_string(measure) || !is_plain_string(time) ||
        str_starts(number, STR("+")) || !str_to_double(number, &parsed))
        return false;
    *ret = (RawReading){.measure_id = last_segment(unquoted(measure)),
                        .time = unquoted(time),
                        .item = text,
                        .has_value = true};
    raw_reading_add_value(ret, parsed);
    return true;
}

/* ---- documents --------------------------------------------------------------------------------- */

static ErrCode handle_item(Parse *parse, Str text, ItemFn *handle, bool is_reading, Err *err)
{
    RawReading raw;
    bool ok = true;
    if (is_reading && take_plain(text, &raw)) {
        ok = raw_reading_add(&raw, parse->limits, parse->batch);
        return ok ? OK : err_set(err, ERR_NO_MEMORY, "no memory for a reading");
    }
    cJSON *item = cJSON_ParseWithLength(text.ptr, text.len);
    if (cJSON_IsObject(item))
        ok = handle(parse, text, item);
    else if (is_reading)
        ok = batch_add_refusal(parse->batch, REFUSED_BAD_ITEM, STR_NONE, text);
    else
        parse->batch->item_refused_count++;
    cJSON_Delete(item);
    return ok ? OK : err_set(err, ERR_NO_MEMORY, "no memory for an item");
}

static void pass(ParseList *list)
{
    if (list->file != NULL)
        text_file_pass(list->file, list->rest.at);
}

/* An array is passed over item by item, as it will be when they are taken. */
static bool pass_items(JsonWalk *document, ParseList *list)
{
    Str key, item;
    JsonWalk begin = json_enter(document);
    list->single = STR_NONE;
    list->rest = (JsonWalk){.done = true};
    if (begin.close != ']')
        return json_value(document, &list->single) && str_starts(list->single, STR("{"));
    list->rest = begin;
    while (json_next(&list->rest, &key, &item))
        pass(list);
    json_leave(document, &list->rest);
    list->rest = begin;
    return !document->broken;
}

/* All of the document is passed over first: its items are taken when it is too late to refuse it. What
 * else it holds is of no use to us (Q31). */
ErrCode parse_list(Str json, TextFile *file, ParseList *ret_list, Err *err)
{
    ParseList list = {.single = STR_NONE, .file = file};
    JsonWalk document = json_walk(json);
    Str key, value;
    bool has_items = false;
    if (document.close != '}')
        return err_set(err, ERR_FORMAT,
                       json.len == 0 ? "the body is empty" : "the body is no JSON object");
    while (json_next_key(&document, &key))
        if (str_eq(key, STR("items")))
            has_items = pass_items(&document, &list);
        else
            (void) json_value(&document, &value);
    if (document.broken)
        return err_set(err, ERR_FORMAT, "the JSON is broken or ends early: %zu bytes", json.len);
    if (!has_items)
        return err_set(err, ERR_FORMAT, "the document has no list 'items'");
    *ret_list = list;
    return OK;
}

static ErrCode some_items(ParseList *list, size_t most, Parse *parse, ItemFn *handle,
                          bool is_reading, bool *ret_more, Err *err)
{
    Str key, item = list->single;
    size_t count = 0;
    if (!str_is_none(item)) {
        list->single = STR_NONE;
        *ret_more = true;
        return handle_item(parse, item, handle, is_reading, err);
    }
    for (; count < most && json_next(&list->rest, &key, &item); count++) {
        ErrCode rc = handle_item(parse, item, handle, is_reading, err);
        if (rc != OK)
            return rc;
        pass(list);
    }
    *ret_more = count > 0;
    return OK;
}

/* Items are walked one by one, so that memory is that of one item. */
static ErrCode each_item(Str json, Parse *parse, ItemFn *handle, bool is_reading, Err *err)
{
    ParseList list = {.single = STR_NONE};
    bool more = false;
    ErrCode rc = parse_list(json, NULL, &list, err);
    return rc == OK ? some_items(&list, SIZE_MAX, parse, handle, is_reading, &more, err) : rc;
}

ErrCode parse_stations(ParseList *list, size_t most, Batch *batch, bool *ret_more, Err *err)
{
    Parse parse = {.batch = batch, .listed = true};
    return some_items(list, most, &parse, add_station, false, ret_more, err);
}

ErrCode parse_station(Str json, Batch *batch, Err *err)
{
    Parse parse = {.batch = batch};
    return each_item(json, &parse, add_station, false, err);
}

ErrCode parse_measures(ParseList *list, size_t most, Batch *batch, bool *ret_more, Err *err)
{
    Parse parse = {.batch = batch, .listed = true};
    return some_items(list, most, &parse, add_measure, false, ret_more, err);
}

ErrCode parse_measure(Str json, Batch *batch, Err *err)
{
    Parse parse = {.batch = batch};
    return each_item(json, &parse, add_measure, false, err);
}

ErrCode parse_readings(Str json, UnixSec now, size_t max_readings, Batch *batch, Err *err)
{
    Parse parse = {.batch = batch, .limits = {.now = now, .max_readings = max_readings}};
    return each_item(json, &parse, add_reading, true, err);
}

ErrCode parse_station_types(Str json, Str type, Batch *batch, Err *err)
{
    Parse parse = {.batch = batch};
    if (!arena_copy(&batch->strings, type, &parse.type))
        return err_set(err, ERR_NO_MEMORY, "no memory for a station type");
    return each_item(json, &parse, add_type, false, err);
}
