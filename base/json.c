#include "base/json.h"

#include "base/clock.h"

#include <math.h>
#include <string.h>

/* ---- strings --------------------------------------------------------------------------------- */

/* What stands behind the backslash; 'u': a control character without a letter of its own; 'x': not
 * ASCII, to be looked at; 0: copied as it is. */
static const char ESCAPES[256] = {
    [0x00 ... 0x07] = 'u', ['\b'] = 'b',  ['\t'] = 't',          ['\n'] = 'n',
    [0x0b] = 'u',          ['\f'] = 'f',  ['\r'] = 'r',          [0x0e ... 0x1f] = 'u',
    ['"'] = '"',           ['\\'] = '\\', [0x80 ... 0xff] = 'x',
};

/* Bytes of the well-formed UTF-8 sequence that `at` begins with; 0 where there is none. Second
 * bytes are bounded so that overlong forms, surrogates and what lies beyond U+10FFFF are none. */
static size_t utf8_len(const unsigned char *at, size_t left)
{
    static const struct {
        unsigned char first_min, first_max, second_min, second_max, len;
    } FORMS[] = {
        {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
        {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
        {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    for (size_t i = 0; i < countof(FORMS); i++) {
        if (at[0] < FORMS[i].first_min || at[0] > FORMS[i].first_max)
            continue;
        size_t len = FORMS[i].len;
        if (left < len || at[1] < FORMS[i].second_min || at[1] > FORMS[i].second_max)
            return 0;
        for (size_t k = 2; k < len; k++)
            if (at[k] < 0x80 || at[k] > 0xbf)
                return 0;
        return len;
    }
    return 0;
}

/* Writes the character at `at`, which cannot be copied unseen; returns how many bytes it took. */
static size_t put_special(Buf *out, const unsigned char *at, size_t left)
{
    char escape = ESCAPES[at[0]];
    if (escape == 'x') {
        size_t len = utf8_len(at, left);
        if (len > 0)
            buf_put(out, at, len);
        else
            BUF_LITERAL(out, "\xef\xbf\xbd");
        return len > 0 ? len : 1;
    }
    if (escape == 'u')
        buf_printf(out, "\\u%04x", at[0]);
    else
        buf_put(out, (char[]){'\\', escape}, 2);
    return 1;
}

void json_put_string(Buf *out, Str value)
{
    const unsigned char *at = (const unsigned char *) value.ptr;
    const unsigned char *end = at + value.len;
    buf_put_char(out, '"');
    while (at < end) {
        const unsigned char *run = at;
        while (at < end && ESCAPES[*at] == 0)
            at++;
        buf_put(out, run, (size_t) (at - run));
        if (at < end)
            at += put_special(out, at, (size_t) (end - at));
    }
    buf_put_char(out, '"');
}

/* ---- writing --------------------------------------------------------------------------------- */

JsonWriter json_writer(Buf *out)
{
    return (JsonWriter){.out = out};
}

/* The comma that parts this value from the one before; from now on there is one before. */
static Buf *begin_value(JsonWriter *json)
{
    if (json->need_comma)
        buf_put_char(json->out, ',');
    json->need_comma = true;
    return json->out;
}

void json_open(JsonWriter *json, char bracket)
{
    buf_put_char(begin_value(json), bracket);
    json->need_comma = false;
}

void json_close(JsonWriter *json, char bracket)
{
    buf_put_char(json->out, bracket);
    json->need_comma = true;
}

void json_key(JsonWriter *json, const char *key)
{
    json_put_string(begin_value(json), str_of(key));
    buf_put_char(json->out, ':');
    json->need_comma = false;
}

void json_str(JsonWriter *json, Str value)
{
    if (str_is_none(value))
        json_null(json);
    else
        json_put_string(begin_value(json), value);
}

void json_text(JsonWriter *json, const char *value)
{
    json_str(json, str_of(value));
}

void json_int(JsonWriter *json, int64_t value)
{
    buf_put_int(begin_value(json), value);
}

void json_double(JsonWriter *json, double value)
{
    if (isfinite(value))
        buf_put_double(begin_value(json), value);
    else
        json_null(json);
}

void json_bool(JsonWriter *json, bool value)
{
    json_raw(json, value ? STR("true") : STR("false"));
}

void json_null(JsonWriter *json)
{
    json_raw(json, STR("null"));
}

void json_time(JsonWriter *json, UnixSec time)
{
    if (time == NO_TIME) {
        json_null(json);
        return;
    }
    char text[CLOCK_TEXT_SIZE];
    clock_format(time, text);
    json_text(json, text);
}

void json_raw(JsonWriter *json, Str value)
{
    buf_put_str(begin_value(json), value);
}

/* ---- walking --------------------------------------------------------------------------------- */

/* Each skip_ function returns where its thing ends, or NULL where there is no such thing at `at`.
 */

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
        at++;
    return at;
}

static const char *skip_string(const char *at, const char *end)
{
    if (at == end || *at != '"')
        return NULL;
    for (at++; at < end; at++) {
        char escape = ESCAPES[(unsigned char) *at];
        if (escape == 0 || escape == 'x')
            continue;
        if (escape == '"')
            return at + 1;
        if (escape != '\\')
            return NULL; /* a control character */
        at++;
    }
    return NULL;
}

static bool is_scalar_byte(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == 'E' || c == '-' || c == '+' ||
           c == '.';
}

static const char *skip_scalar(const char *at, const char *end)
{
    const char *begin = at;
    while (at < end && is_scalar_byte(*at))
        at++;
    return at > begin ? at : NULL;
}

/* An object or array with all in it. Which brackets are open is kept as bits, so that the depth is
 * bounded and a document of nothing but brackets costs no stack. */
static const char *skip_container(const char *at, const char *end)
{
    enum { DEPTH_MAX = 64 };
    uint64_t open_braces = 0; /* the lowest bit is the innermost: 1 for {, 0 for [ */
    int depth = 0;
    while (at < end) {
        switch (*at) {
        case '{':
        case '[':
            if (depth++ == DEPTH_MAX)
                return NULL;
            open_braces = open_braces << 1 | (*at == '{');
            at++;
            break;
        case '}':
        case ']':
            if ((open_braces & 1) != (*at == '}'))
                return NULL;
            open_braces >>= 1;
            at++;
            if (--depth == 0)
                return at;
            break;
        case '"':
            at = skip_string(at, end);
            if (at == NULL)
                return NULL;
            break;
        default:
            at++;
        }
    }
    return NULL;
}

static const char *skip_value(const char *at, const char *end)
{
    if (at == end)
        return NULL;
    if (*at == '"')
        return skip_string(at, end);
    if (*at == '{' || *at == '[')
        return skip_container(at, end);
    return skip_scalar(at, end);
}

JsonWalk json_walk(Str container)
{
    JsonWalk walk = {.first = true};
    if (str_is_none(container))
        container = STR("");
    walk.end = container.ptr + container.len;
    walk.at = skip_blanks(container.ptr, walk.end);
    if (walk.at < walk.end && (*walk.at == '{' || *walk.at == '['))
        walk.close = *walk.at++ == '{' ? '}' : ']';
    else
        walk.broken = true;
    return walk;
}

static bool give_up(JsonWalk *walk)
{
    walk->broken = true;
    return false;
}

static bool take_byte(JsonWalk *walk, char byte)
{
    walk->at = skip_blanks(walk->at, walk->end);
    if (walk->at == walk->end || *walk->at != byte)
        return false;
    walk->at++;
    return true;
}

static bool take(JsonWalk *walk, const char *(*skip)(const char *at, const char *end), Str *ret)
{
    const char *begin = skip_blanks(walk->at, walk->end);
    const char *after = skip(begin, walk->end);
    if (after == NULL)
        return false;
    *ret = (Str){begin, (size_t) (after - begin)};
    walk->at = after;
    return true;
}

bool json_next_key(JsonWalk *walk, Str *ret_key)
{
    if (walk->broken || walk->done)
        return false;
    if (take_byte(walk, walk->close)) {
        walk->done = true;
        walk->broken = !walk->inside && skip_blanks(walk->at, walk->end) != walk->end;
        return false;
    }
    if (!walk->first && !take_byte(walk, ','))
        return give_up(walk);
    walk->first = false;

    Str key = STR_NONE;
    if (walk->close == '}') {
        if (!take(walk, skip_string, &key) || !take_byte(walk, ':'))
            return give_up(walk);
        key = (Str){key.ptr + 1, key.len - 2};
    }
    *ret_key = key;
    return true;
}

bool json_value(JsonWalk *walk, Str *ret_value)
{
    return take(walk, skip_value, ret_value) || give_up(walk);
}

bool json_next(JsonWalk *walk, Str *ret_key, Str *ret_value)
{
    Str key, value;
    if (!json_next_key(walk, &key) || !json_value(walk, &value))
        return false;
    *ret_key = key;
    *ret_value = value;
    return true;
}

JsonWalk json_enter(const JsonWalk *walk)
{
    JsonWalk inner = json_walk((Str){walk->at, (size_t) (walk->end - walk->at)});
    inner.inside = true;
    return inner;
}

void json_leave(JsonWalk *walk, const JsonWalk *inner)
{
    walk->at = inner->at;
    walk->broken = inner->broken || !inner->done;
}

bool json_member(Str object, Str key, Str *ret_value)
{
    JsonWalk walk = json_walk(object);
    Str found, value;
    if (walk.close != '}')
        return false;
    while (json_next(&walk, &found, &value)) {
        if (str_eq(found, key)) {
            *ret_value = value;
            return true;
        }
    }
    return false;
}

/* ---- values as they were meant ----------------------------------------------------------------- */

static bool hex4(const char *at, const char *end, uint32_t *ret)
{
    return end - at >= 4 && str_to_hex((Str){at, 4}, ret);
}

static size_t put_utf8(char *to, uint32_t code)
{
    if (code < 0x80) {
        to[0] = (char) code;
        return 1;
    }
    size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = len - 1; i > 0; i--, code >>= 6)
        to[i] = (char) (0x80 | (code & 0x3f));
    to[0] = (char) (first[len] | code);
    return len;
}

/* \uXXXX at `*at`, behind its u; a pair of surrogates is one character. */
static bool unescape_u(const char **at, const char *end, char *to, size_t *ret_len)
{
    uint32_t code = 0, low = 0;
    if (!hex4(*at, end, &code))
        return false;
    *at += 4;
    if (code >= 0xd800 && code < 0xdc00) {
        if (end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u' || !hex4(*at + 2, end, &low) ||
            low < 0xdc00 || low > 0xdfff)
            return false;
        *at += 6;
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    } else if (code >= 0xdc00 && code <= 0xdfff) {
        return false;
    }
    *ret_len = put_utf8(to, code);
    return true;
}

/* Text never grows by it: \uXXXX is at most 3 bytes, a pair 4. */
static bool unescape(Str escaped, char *to, size_t *ret_len)
{
    static const char letters[256] = {['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
                                      ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t'};
    const char *at = escaped.ptr, *end = at + escaped.len;
    size_t len = 0, one = 0;
    while (at < end) {
        if (*at != '\\') {
            to[len++] = *at++;
            continue;
        }
        if (++at == end)
            return false;
        unsigned char letter = (unsigned char) *at++;
        if (letters[letter] != '\0') {
            to[len++] = letters[letter];
        } else if (letter == 'u' && unescape_u(&at, end, to + len, &one)) {
            len += one;
        } else {
            return false;
        }
    }
    *ret_len = len;
    return true;
}

bool json_to_str(Str value, Arena *arena, Str *ret)
{
    size_t len = 0;
    if (str_eq(value, STR("null"))) {
        *ret = STR_NONE;
        return true;
    }
    if (value.len < 2 || value.ptr[0] != '"' || value.ptr[value.len - 1] != '"')
        return false;
    char *to = arena_alloc(arena, value.len); /* with room for a NUL */
    if (to == NULL || !unescape((Str){value.ptr + 1, value.len - 2}, to, &len))
        return false;
    *ret = (Str){to, len};
    return true;
}

bool json_member_str(Str object, Str key, Arena *arena, Str *ret)
{
    Str value;
    return json_member(object, key, &value) && json_to_str(value, arena, ret);
}

bool json_member_int(Str object, Str key, int64_t *ret)
{
    Str value;
    return json_member(object, key, &value) && str_to_int(value, ret);
}
