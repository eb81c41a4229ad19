#include "base/buf.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Buf buf_init(size_t max_bytes)
{
    return (Buf){.max = max_bytes};
}

void buf_release(Buf *buf)
{
    free(buf->ptr);
    *buf = buf_init(buf->max);
}

void buf_clear(Buf *buf)
{
    buf->len = 0;
    buf->error = OK;
}

void buf_shrink(Buf *buf)
{
    char *shrunk = buf->len > 0 ? realloc(buf->ptr, buf->len) : NULL;
    if (shrunk == NULL)
        return; /* there is nothing, or it stays where it is */
    buf->ptr = shrunk;
    buf->cap = buf->len;
}

Str buf_view(const Buf *buf)
{
    return (Str){buf->ptr != NULL ? buf->ptr : "", buf->len};
}

ErrCode buf_check(const Buf *buf, Err *err)
{
    if (buf->error == ERR_TOO_LARGE)
        return err_set(err, buf->error, "more than %zu bytes", buf->max);
    if (buf->error != OK)
        return err_set(err, buf->error, "%s beyond %zu bytes", err_name(buf->error), buf->len);
    return OK;
}

static bool buf_grow(Buf *buf, size_t len)
{
    if (len > buf->max || buf->len > buf->max - len) {
        buf->error = ERR_TOO_LARGE;
        return false;
    }
    size_t need = buf->len + len;
    size_t cap = buf->cap < 256 ? 256 : buf->cap;
    while (cap < need)
        cap += cap / 2;
    if (cap > buf->max)
        cap = buf->max;
    char *ptr = realloc(buf->ptr, cap);
    if (ptr == NULL) {
        buf->error = ERR_NO_MEMORY;
        return false;
    }
    buf->ptr = ptr;
    buf->cap = cap;
    return true;
}

char *buf_reserve(Buf *buf, size_t len)
{
    if (buf->error != OK)
        return NULL;
    if (len > buf->cap - buf->len && !buf_grow(buf, len))
        return NULL;
    return buf->ptr + buf->len;
}

void buf_grew(Buf *buf, size_t len)
{
    assert(len <= buf->cap - buf->len);
    buf->len += len;
}

void buf_put(Buf *buf, const void *bytes, size_t len)
{
    if (len == 0)
        return;
    char *to = buf_reserve(buf, len);
    if (to != NULL) {
        memcpy(to, bytes, len);
        buf->len += len;
    }
}

void buf_put_str(Buf *buf, Str s)
{
    buf_put(buf, s.ptr, s.len);
}

void buf_put_char(Buf *buf, char c)
{
    char *to = buf_reserve(buf, 1);
    if (to != NULL) {
        *to = c;
        buf->len++;
    }
}

void buf_printf(Buf *buf, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *to = len >= 0 ? buf_reserve(buf, (size_t) len + 1) : NULL; /* vsnprintf writes its NUL */
    if (to != NULL) {
        (void) vsnprintf(to, (size_t) len + 1, fmt, again);
        buf->len += (size_t) len;
    }
    va_end(again);
}

/* Digits of `value` at the end of `text`; returns where they begin. */
static char *digits_before(char *end, uint64_t value)
{
    do {
        *--end = (char) ('0' + value % 10);
        value /= 10;
    } while (value > 0);
    return end;
}

void buf_put_int(Buf *buf, int64_t value)
{
    char text[24];
    char *end = text + sizeof text;
    char *begin = digits_before(end, value < 0 ? 0 - (uint64_t) value : (uint64_t) value);
    if (value < 0)
        *--begin = '-';
    buf_put(buf, begin, (size_t) (end - begin));
}

/* The upstream gives up to three decimals, so nearly every value is n / 10^k with a small k. A
 * correctly rounded division of two exact integers is the double nearest to that decimal: equality
 * proves that the decimal reads back as `value`, and the smallest such k makes it the shortest. */
static bool put_short_decimal(Buf *buf, double value)
{
    static const double POWERS[] = {1, 10, 100, 1000, 10000, 100000, 1000000};
    double magnitude = fabs(value);
    if (magnitude >= 1e9)
        return false;
    for (size_t k = 0; k < countof(POWERS); k++) {
        double scaled = nearbyint(magnitude * POWERS[k]);
        if (scaled / POWERS[k] != magnitude)
            continue;
        char text[32];
        char *end = text + sizeof text;
        uint64_t whole = (uint64_t) scaled;
        uint64_t unit = (uint64_t) POWERS[k];
        char *begin = end;
        if (k == 0) {
            *--begin = '0';
        } else {
            begin = digits_before(end, whole % unit);
            while (end - begin < (ptrdiff_t) k)
                *--begin = '0';
        }
        *--begin = '.';
        begin = digits_before(begin, whole / unit);
        if (signbit(value))
            *--begin = '-';
        buf_put(buf, begin, (size_t) (end - begin));
        return true;
    }
    return false;
}

void buf_put_double(Buf *buf, double value)
{
    assert(isfinite(value));
    if (put_short_decimal(buf, value))
        return;
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        (void) snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    /* 1e+300 becomes 1.0e+300: a reader that tells reals by their point must see one. */
    size_t mantissa = strcspn(text, "e");
    bool has_point = memchr(text, '.', mantissa) != NULL;
    buf_put(buf, text, mantissa);
    if (!has_point)
        BUF_LITERAL(buf, ".0");
    buf_put_str(buf, str_of(text + mantissa));
}

void buf_prepend(Buf *buf, Str s)
{
    size_t old_len = buf->len;
    if (s.len == 0 || buf_reserve(buf, s.len) == NULL)
        return;
    memmove(buf->ptr + s.len, buf->ptr, old_len);
    memcpy(buf->ptr, s.ptr, s.len);
    buf->len += s.len;
}
