#include "base/json.h"
#include "ingest/parse.h"
#include "model/agency.h"

static bool is_listed(Str key, const char *const *names)
{
    for (; *names != NULL; names++)
        if (str_eq(key, str_of(*names)))
            return true;
    return false;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* A JSON value without the white space between its parts. */
static void put_compact(Buf *out, Str value)
{
    bool in_string = false;
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];
        if (!in_string && is_blank(c))
            continue;
        buf_put_char(out, c);
        if (c == '"')
            in_string = !in_string;
        if (c == '\\' && i + 1 < value.len)
            buf_put_char(out, value.ptr[++i]);
    }
}

static bool add_item(Batch *batch, Str item, bool is_measure)
{
    const char *const *listed = is_measure ? AGENCY_MEASURE_MEMBERS : AGENCY_STATION_MEMBERS;
    CLEANUP(buf_release) Buf json = buf_init(item.len + 2);
    More more = {.is_measure = is_measure};
    Str key, value, notation;
    if (!json_member(item, STR("notation"), &notation) || !str_starts(notation, STR("\""))) {
        batch->item_refused_count++;
        return true;
    }
    JsonWalk walk = json_walk(item);
    buf_put_char(&json, '{');
    while (json_next(&walk, &key, &value)) {
        if (is_listed(key, listed))
            continue;
        buf_printf(&json, "%s\"" STR_FMT "\":", json.len > 1 ? "," : "", STR_ARG(key));
        put_compact(&json, value);
    }
    buf_put_char(&json, '}');
    return json.error == OK && arena_copy(&batch->strings, buf_view(&json), &more.json) &&
           arena_copy(&batch->strings, (Str){notation.ptr + 1, notation.len - 2}, &more.id) &&
           batch_add_more(batch, &more);
}

/* One measure is given bare (Q4). */
static bool add_measures(Batch *batch, Str measures)
{
    Str key, measure;
    if (str_starts(measures, STR("{")))
        return add_item(batch, measures, true);
    JsonWalk walk = json_walk(measures);
    while (json_next(&walk, &key, &measure))
        if (str_starts(measure, STR("{")) && !add_item(batch, measure, true))
            return false;
    return true;
}

ErrCode parse_station_more(Str json, Batch *batch, Err *err)
{
    JsonWalk document = json_walk(json);
    Str key, value, items = STR_NONE, measures;
    while (json_next(&document, &key, &value))
        if (str_eq(key, STR("items")))
            items = value;
    if (document.broken || document.close != '}' || !str_starts(items, STR("{")))
        return err_set(err, ERR_FORMAT, "the body is no document of one station: %zu bytes",
                       json.len);
    bool has_measures = json_member(items, STR("measures"), &measures);
    if (!add_item(batch, items, false) || (has_measures && !add_measures(batch, measures)))
        return err_set(err, ERR_NO_MEMORY, "no memory for a station");
    return OK;
}
