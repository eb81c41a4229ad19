#include "base/log.h"

#include "base/clock.h"
#include "base/json.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    TEXT_MAX = 2048,
    LINE_MAX_BYTES = 6 * TEXT_MAX + 256, /* an escape takes six bytes; the head less than 256 */
};

static LogLevel least_level = LOG_INFO;
static LogForm line_form = LOG_LOGFMT;

void log_configure(LogLevel least, LogForm form)
{
    least_level = least;
    line_form = form;
}

typedef struct Pair {
    Str key, value;
    bool quoted;
} Pair;

/* A key is what callers write: letters, digits, _ and . up to a "=". */
static bool begins_with_key(Str text)
{
    size_t len = 0;
    while (len < text.len && (text.ptr[len] == '_' || text.ptr[len] == '.' ||
                              (text.ptr[len] >= '0' && text.ptr[len] <= '9') ||
                              (text.ptr[len] >= 'a' && text.ptr[len] <= 'z')))
        len++;
    return len > 0 && len < text.len && text.ptr[len] == '=';
}

static Str after(Str text, size_t len)
{
    return (Str){text.ptr + len, text.len - len};
}

/* Where a quoted value ends: at a quote behind which the text ends or the next pair begins. The
 * argument of a LOG_TEXT brings quotes of its own, and they are not marked. */
static size_t quoted_len(Str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != '"')
            continue;
        if (i + 1 == text.len || (text.ptr[i + 1] == ' ' && begins_with_key(after(text, i + 2))))
            return i;
    }
    return text.len; /* the text was cut at TEXT_MAX */
}

static Str take_word(Str *rest)
{
    Str word = *rest;
    if (!str_cut(*rest, ' ', &word, rest))
        *rest = STR_NONE;
    return word;
}

/* The event may be of several words: it ends where the first pair begins. */
static Str take_event(Str *rest)
{
    Str event = *rest;
    size_t len = 0;
    while (len < event.len && !begins_with_key(after(event, len))) {
        while (len < event.len && event.ptr[len] != ' ')
            len++;
        while (len < event.len && event.ptr[len] == ' ')
            len++;
    }
    *rest = after(event, len);
    return str_trim((Str){event.ptr, len});
}

/* Cuts the next pair off `rest`. A word without "=" is a pair without a value. */
static Pair take_pair(Str *rest)
{
    Pair pair = {.value = STR_NONE};
    Str tail;
    if (begins_with_key(*rest) && str_cut(*rest, '=', &pair.key, &tail) &&
        str_starts(tail, STR("\""))) {
        pair.quoted = true;
        pair.value = (Str){tail.ptr + 1, quoted_len(after(tail, 1))};
        size_t used = 1 + pair.value.len + 1 /* quote */ + 1 /* blank */;
        *rest = used < tail.len ? after(tail, used) : STR_NONE;
        return pair;
    }
    Str word = take_word(rest);
    if (!str_cut(word, '=', &pair.key, &pair.value))
        pair.key = word;
    return pair;
}

/* As it is where no reader can mistake it, else as a quoted string. */
static void put_logfmt_text(Buf *out, Str text, bool quoted)
{
    bool plain = !quoted;
    for (size_t i = 0; plain && i < text.len; i++)
        plain = text.ptr[i] > ' ' && text.ptr[i] < 0x7f && text.ptr[i] != '"';
    if (plain)
        buf_put_str(out, text);
    else
        json_put_string(out, text);
}

static void put_logfmt_pair(Buf *out, const Pair *pair)
{
    if (out->len > 0)
        buf_put_char(out, ' ');
    put_logfmt_text(out, pair->key, false);
    if (str_is_none(pair->value))
        return;
    buf_put_char(out, '=');
    put_logfmt_text(out, pair->value, pair->quoted);
}

/* A value that reads as a number is one, unless it was quoted. */
static void put_json_pair(Buf *out, const Pair *pair)
{
    int64_t integer;
    double real;
    JsonWriter json = json_writer(out);
    buf_put_char(out, out->len == 0 ? '{' : ',');
    json_put_string(out, pair->key);
    buf_put_char(out, ':');
    if (str_is_none(pair->value))
        json_bool(&json, true);
    else if (!pair->quoted && str_to_int(pair->value, &integer))
        json_int(&json, integer);
    else if (!pair->quoted && str_to_double(pair->value, &real))
        json_double(&json, real);
    else
        json_str(&json, pair->value);
}

static void put_pair(Buf *out, const Pair *pair)
{
    if (line_form == LOG_JSON)
        put_json_pair(out, pair);
    else
        put_logfmt_pair(out, pair);
}

static void put_head(Buf *out, const char *key, Str value)
{
    put_pair(out, &(Pair){.key = str_of(key), .value = value});
}

static void put_line(Buf *out, LogLevel level, Str text)
{
    static const char *const NAMES[] = {"debug", "info", "warn", "error"};
    char now[CLOCK_TEXT_SIZE];
    clock_format(clock_now(), now);
    put_head(out, "level", str_of(NAMES[level]));
    put_head(out, "time", str_of(now));
    put_head(out, "component", take_word(&text));
    put_head(out, "event", take_event(&text));
    while (text.len > 0) {
        Pair pair = take_pair(&text);
        if (pair.key.len > 0)
            put_pair(out, &pair);
    }
    if (line_form == LOG_JSON)
        buf_put_char(out, '}');
    buf_put_char(out, '\n');
}

void log_line(LogLevel level, const char *fmt, ...)
{
    if (level < least_level)
        return;
    int kept_errno = errno;
    char text[TEXT_MAX], bytes[LINE_MAX_BYTES];
    va_list args;
    va_start(args, fmt);
    (void) vsnprintf(text, sizeof text, fmt, args);
    va_end(args);

    /* On the stack, and as large as it may become: a line is logged when there is no memory too. */
    Buf line = {.ptr = bytes, .cap = sizeof bytes, .max = sizeof bytes};
    put_line(&line, level, str_of(text));
    ssize_t ignored UNUSED = write(STDERR_FILENO, line.ptr, line.len); /* whom to tell? */
    errno = kept_errno;
}
