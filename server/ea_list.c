#include "server/ea.h"

#include "server/url.h"

#include <string.h>

#define META                                                                                       \
    "{\"@context\":\"http://environment.data.gov.uk/flood-monitoring/meta/context.jsonld\","       \
    "\"meta\":{\"publisher\":\"Environment Agency\","                                              \
    "\"licence\":\"http://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/\","   \
    "\"documentation\":\"http://environment.data.gov.uk/flood-monitoring/doc/reference\","         \
    "\"version\":\"0.9\",\"comment\":\"Status: Beta service\",\"hasFormat\":["

/* Parameters are told in the order of their names, for an answer is the same for all who ask the
 * same. */
static void put_query(Buf *out, const Request *req)
{
    char before = '?';
    for (size_t i = 0; i < req->target.param_count; i++) {
        const Param *param = &req->target.params[i];
        buf_put_char(out, before);
        put_encoded(out, param->name, "");
        if (param->value.len > 0) {
            buf_put_char(out, '=');
            put_encoded(out, param->value, "");
        }
        before = '&';
    }
}

static void put_other_forms(Buf *out, const Request *req, bool is_list, const EaStyle *style)
{
    static const char *const FORMS[] = {"csv", "rdf", "ttl", "html"};
    for (size_t i = is_list ? 0 : 1; i < countof(FORMS); i++) {
        buf_put_str(out, i > (is_list ? 0U : 1U) ? STR(",\"") : STR("\""));
        buf_put_str(out, style->origin);
        url_put_path(out, req);
        buf_printf(out, ".%s", FORMS[i]);
        put_query(out, req);
        buf_put_char(out, '"');
    }
    buf_put_char(out, ']');
}

/* ---- one thing ------------------------------------------------------------------------------- */

void ea_single_begin(const Request *req, Reply *reply)
{
    const EaStyle style = ea_style(req);
    reply->content_type = FORMATS[FORMAT_JSON].content_type;
    BUF_LITERAL(&reply->body, META);
    put_other_forms(&reply->body, req, false, &style);
    BUF_LITERAL(&reply->body, "},\"items\":");
}

void ea_single_end(Reply *reply)
{
    buf_put_char(&reply->body, '}');
}

/* ---- lists ----------------------------------------------------------------------------------- */

static void put_header(EaList *list)
{
    Buf *out = &list->reply->body;
    for (size_t i = 0; list->columns[i] != NULL; i++) {
        if (i > 0)
            buf_put_char(out, ',');
        buf_put_str(out, str_of(list->columns[i]));
    }
    buf_put_char(out, '\n');
}

EaList ea_list_begin(const Request *req, Reply *reply, const EaQuery *query,
                     const char *const *columns)
{
    EaList list = {.req = req,
                   .reply = reply,
                   .style = ea_style(req),
                   .columns = columns,
                   .limit = query->limit,
                   .offset = query->offset};
    Buf *out = &reply->body;
    reply->content_type = FORMATS[req->format].content_type;
    if (req->format == FORMAT_CSV) {
        put_header(&list);
        return list;
    }
    BUF_LITERAL(out, META);
    put_other_forms(out, req, true, &list.style);
    if (query->limit != EA_NO_LIMIT) {
        BUF_LITERAL(out, ",\"limit\":");
        buf_put_int(out, query->limit);
    }
    BUF_LITERAL(out, "},\"items\":[");
    return list;
}

EaNext ea_list_next(EaList *list)
{
    if (list->seen++ < list->offset)
        return EA_SKIP;
    if (list->limit != EA_NO_LIMIT && list->count >= list->limit)
        return EA_ENOUGH;
    list->count++;
    return EA_TAKE;
}

void ea_list_end(EaList *list)
{
    if (list->req->format != FORMAT_CSV)
        BUF_LITERAL(&list->reply->body, "]}");
}

/* ---- an item as a line of CSV ---------------------------------------------------------------- */

/* The four digits behind \u; 0 where there are none, which is no character of a text either. */
static uint32_t read_unit(Str digits)
{
    enum { UNIT_DIGITS = 4 };
    uint32_t unit = 0;
    if (digits.len >= UNIT_DIGITS)
        (void) str_to_hex((Str){digits.ptr, UNIT_DIGITS}, &unit);
    return unit;
}

static void put_utf8(Buf *out, unsigned code)
{
    static const unsigned char FIRST[] = {0x00, 0xc0, 0xe0, 0xf0};
    unsigned more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    buf_put_char(out, (char) (FIRST[more] | code >> 6 * more));
    while (more-- > 0)
        buf_put_char(out, (char) (0x80 | (code >> 6 * more & 0x3f)));
}

/* \u00e9 at the beginning of `text`, or a pair of surrogates; returns how long it is. */
static size_t put_escaped(Buf *out, Str text)
{
    enum { REPLACEMENT = 0xfffd, ESCAPE_LEN = 6 };
    const Str behind = {text.ptr + 2, text.len - 2};
    unsigned unit = read_unit(behind), low = 0;
    if (unit >= 0xd800 && unit < 0xdc00 && text.len >= 2 * ESCAPE_LEN && text.ptr[6] == '\\')
        low = read_unit((Str){text.ptr + 8, text.len - 8});
    if (low >= 0xdc00 && low < 0xe000) {
        put_utf8(out, 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00));
        return 2 * ESCAPE_LEN;
    }
    bool is_half = unit >= 0xd800 && unit < 0xe000;
    put_utf8(out, is_half || unit == 0 ? REPLACEMENT : unit);
    return text.len < ESCAPE_LEN ? text.len : ESCAPE_LEN;
}

/* A JSON string's text: escapes undone. */
static void put_text(Buf *out, Str quoted)
{
    static const char LETTERS[] = "bfnrt", MEANINGS[] = "\b\f\n\r\t";
    Str text = {quoted.ptr + 1, quoted.len - 2};
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != '\\' || i + 1 == text.len) {
            buf_put_char(out, text.ptr[i]);
        } else if (text.ptr[i + 1] == 'u') {
            i += put_escaped(out, (Str){text.ptr + i, text.len - i}) - 1;
        } else {
            const char *letter = strchr(LETTERS, text.ptr[++i]);
            buf_put_char(out, letter != NULL ? MEANINGS[letter - LETTERS] : text.ptr[i]);
        }
    }
}

/* Several values are parted by bars, as in the upstream's own CSV; a thing is its address. */
static void put_cell_text(Buf *out, Str value)
{
    Str key, item;
    JsonWalk walk = json_walk(value);
    if (str_starts(value, STR("\""))) {
        put_text(out, value);
    } else if (str_starts(value, STR("["))) {
        for (bool is_first = true; json_next(&walk, &key, &item); is_first = false) {
            if (!is_first)
                buf_put_char(out, '|');
            put_cell_text(out, item);
        }
    } else if (str_starts(value, STR("{"))) {
        if (json_member(value, STR("@id"), &item))
            put_cell_text(out, item);
    } else {
        buf_put_str(out, value);
    }
}

static void put_cell(Buf *out, Str value)
{
    CLEANUP(buf_release) Buf text = buf_init(1 << 20);
    put_cell_text(&text, value);
    Str cell = buf_view(&text);
    bool needs_quotes = false;
    for (size_t i = 0; i < cell.len && !needs_quotes; i++)
        needs_quotes = strchr(",\"\r\n", cell.ptr[i]) != NULL;
    if (!needs_quotes) {
        buf_put_str(out, cell);
        return;
    }
    buf_put_char(out, '"');
    for (size_t i = 0; i < cell.len; i++) {
        if (cell.ptr[i] == '"')
            buf_put_char(out, '"');
        buf_put_char(out, cell.ptr[i]);
    }
    buf_put_char(out, '"');
}

bool ea_list_put(EaList *list, Str item)
{
    Buf *out = &list->reply->body;
    Str value;
    if (list->req->format != FORMAT_CSV) {
        if (list->count > 1)
            buf_put_char(out, ',');
        buf_put_str(out, item);
        return reply_more(list->reply);
    }
    for (size_t i = 0; list->columns[i] != NULL; i++) {
        if (i > 0)
            buf_put_char(out, ',');
        if (json_member(item, str_of(list->columns[i]), &value))
            put_cell(out, value);
    }
    buf_put_char(out, '\n');
    return reply_more(list->reply);
}
