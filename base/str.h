/* base/str.h - borrowed text with a length.
 *
 * Most of our strings are slices of an upstream body, so length travels with the pointer. A Str owns
 * nothing and is not NUL-terminated. ptr == NULL means missing, which is not the same as empty:
 * "" is a legal station id. */
#pragma once
#include "base/base.h"

typedef struct Str {
    const char *ptr;
    size_t len;
} Str;

#define STR(literal) ((Str){"" literal, sizeof(literal) - 1})
#define STR_NONE     ((Str){NULL, 0})
#define STR_FMT      "%.*s"
#define STR_ARG(s)   (int) (s).len, ((s).ptr != NULL ? (s).ptr : "")

Str str_of(const char *text); /* NULL gives STR_NONE */
bool str_is_none(Str s);
bool str_eq(Str a, Str b);        /* bytewise; none equals only none */
bool str_eq_nocase(Str a, Str b); /* ASCII case ignored */
int str_cmp(Str a, Str b);        /* bytewise order; none before everything */
bool str_starts(Str s, Str prefix);
bool str_ends(Str s, Str suffix);
bool str_cut(Str s, char at, Str *ret_head,
             Str *ret_tail);        /* at the first `at`; false: not there */
Str str_trim(Str s);                /* without blanks, tabs and line ends around it */
Str str_after_last(Str s, char at); /* what follows the last `at`; all of it when there is none */
bool str_find(Str s, Str part, size_t *ret_at);
uint64_t str_hash(Str s); /* for tables in memory; of no defence against who makes them collide */

/* Strict numbers: the whole text, no blanks, no sign tricks, no overflow. False leaves *ret alone. */
bool str_to_int(Str s, int64_t *ret);
int str_hex_digit(char c);              /* its value, of either case; -1: it is none */
bool str_to_hex(Str s, uint32_t *ret);  /* one to eight digits, of either case */
bool str_to_double(Str s, double *ret); /* decimal with optional sign, fraction, exponent; finite */

/* Levenshtein distance, ASCII case ignored; texts longer than 63 bytes are as far apart as they are long. */
size_t str_distance(Str a, Str b);
