#include "base/str.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char) (c - 'A' + 'a') : c;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

Str str_of(const char *text)
{
    return text != NULL ? (Str){text, strlen(text)} : STR_NONE;
}

bool str_is_none(Str s)
{
    return s.ptr == NULL;
}

bool str_eq(Str a, Str b)
{
    if (a.ptr == NULL || b.ptr == NULL)
        return a.ptr == b.ptr;
    return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0;
}

bool str_eq_nocase(Str a, Str b)
{
    if (a.ptr == NULL || b.ptr == NULL)
        return a.ptr == b.ptr;
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.ptr[i]) != lower(b.ptr[i]))
            return false;
    return true;
}

int str_cmp(Str a, Str b)
{
    if (a.ptr == NULL || b.ptr == NULL)
        return (a.ptr != NULL) - (b.ptr != NULL);
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common > 0 ? memcmp(a.ptr, b.ptr, common) : 0;
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

bool str_starts(Str s, Str prefix)
{
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.ptr, prefix.ptr, prefix.len) == 0);
}

bool str_ends(Str s, Str suffix)
{
    return s.len >= suffix.len &&
           (suffix.len == 0 || memcmp(s.ptr + s.len - suffix.len, suffix.ptr, suffix.len) == 0);
}

bool str_cut(Str s, char at, Str *ret_head, Str *ret_tail)
{
    const char *found = s.len > 0 ? memchr(s.ptr, at, s.len) : NULL;
    if (found == NULL)
        return false;
    size_t head_len = (size_t) (found - s.ptr);
    *ret_head = (Str){s.ptr, head_len};
    *ret_tail = (Str){found + 1, s.len - head_len - 1};
    return true;
}

Str str_trim(Str s)
{
    while (s.len > 0 && is_blank(s.ptr[0])) {
        s.ptr++;
        s.len--;
    }
    while (s.len > 0 && is_blank(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

Str str_after_last(Str s, char at)
{
    for (size_t i = s.len; i > 0; i--)
        if (s.ptr[i - 1] == at)
            return (Str){s.ptr + i, s.len - i};
    return s;
}

bool str_find(Str s, Str part, size_t *ret_at)
{
    if (part.len == 0 || s.len < part.len)
        return false;
    const char *found = memmem(s.ptr, s.len, part.ptr, part.len);
    if (found == NULL)
        return false;
    *ret_at = (size_t) (found - s.ptr);
    return true;
}

bool str_to_int(Str s, int64_t *ret)
{
    bool negative = s.len > 0 && s.ptr[0] == '-';
    size_t i = negative ? 1 : 0;
    int64_t value = 0;
    if (i == s.len)
        return false;
    for (; i < s.len; i++) {
        if (!is_digit(s.ptr[i]))
            return false;
        int digit = s.ptr[i] - '0';
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, digit, &value)) /* negative side: it holds one more */
            return false;
    }
    if (!negative && value == INT64_MIN)
        return false;
    *ret = negative ? value : -value;
    return true;
}

static size_t skip_digits(Str s, size_t i)
{
    while (i < s.len && is_digit(s.ptr[i]))
        i++;
    return i;
}

/* strtod alone would take "inf", "0x1p3", " 1" and "1e5abc". */
static bool is_decimal(Str s)
{
    size_t i = s.len > 0 && (s.ptr[0] == '-' || s.ptr[0] == '+') ? 1 : 0;
    size_t digits_end = skip_digits(s, i);
    size_t digit_count = digits_end - i;
    i = digits_end;
    if (i < s.len && s.ptr[i] == '.') {
        digits_end = skip_digits(s, i + 1);
        digit_count += digits_end - (i + 1);
        i = digits_end;
    }
    if (digit_count == 0)
        return false;
    if (i < s.len && (s.ptr[i] == 'e' || s.ptr[i] == 'E')) {
        i++;
        if (i < s.len && (s.ptr[i] == '-' || s.ptr[i] == '+'))
            i++;
        digits_end = skip_digits(s, i);
        if (digits_end == i)
            return false;
        i = digits_end;
    }
    return i == s.len;
}

int str_hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool str_to_hex(Str s, uint32_t *ret)
{
    uint32_t number = 0;
    if (s.len == 0 || s.len > 8)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        int digit = str_hex_digit(s.ptr[i]);
        if (digit < 0)
            return false;
        number = number << 4 | (uint32_t) digit;
    }
    *ret = number;
    return true;
}

bool str_to_double(Str s, double *ret)
{
    char text[64];
    if (!is_decimal(s) || s.len >= sizeof text)
        return false;
    memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    double value = strtod(text, NULL);
    if (!isfinite(value))
        return false;
    *ret = value;
    return true;
}

size_t str_distance(Str a, Str b)
{
    enum { MAX = 63 };
    size_t row[MAX + 1];
    if (a.len > MAX || b.len > MAX)
        return a.len > b.len ? a.len : b.len;
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t change = diagonal + (lower(a.ptr[i - 1]) != lower(b.ptr[j - 1]) ? 1 : 0);
            size_t insert = row[j - 1] + 1;
            size_t delete = row[j] + 1;
            diagonal = row[j];
            row[j] = change < insert ? change : insert;
            if (delete < row[j])
                row[j] = delete;
        }
    }
    return row[b.len];
}

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0x9fb21c651e98df25U;
    return hash ^ hash >> 32;
}

/* Eight bytes at a time: byte by byte a long target costs as much as all else that is done to find
 * its answer. */
uint64_t str_hash(Str s)
{
    uint64_t hash = s.len, word = 0;
    for (; s.len >= sizeof word; s.ptr += sizeof word, s.len -= sizeof word) {
        memcpy(&word, s.ptr, sizeof word);
        hash = mix(hash, word);
    }
    word = 0;
    if (s.len > 0)
        memcpy(&word, s.ptr, s.len);
    return mix(mix(hash, word), 0);
}
