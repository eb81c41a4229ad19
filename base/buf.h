/* base/buf.h - owned, growing bytes with a ceiling and a sticky error.
 *
 * A Buf knows from birth how large it may become. Appending past that, or out of memory, marks it
 * failed and every later append does nothing, so that rendering code is straight and the end is
 * checked once. */
#pragma once
#include "base/err.h"
#include "base/str.h"

typedef struct Buf {
    char *ptr; /* NULL while nothing was appended */
    size_t len, cap, max;
    ErrCode error; /* OK, ERR_TOO_LARGE, ERR_NO_MEMORY, or what its owner says */
} Buf;

Buf buf_init(size_t max_bytes);
void buf_release(Buf *buf);                  /* frees; the Buf is empty and usable again */
void buf_clear(Buf *buf);                    /* keeps the memory, forgets bytes and error */
void buf_shrink(Buf *buf);                   /* keeps the bytes, gives back what they do not need */
Str buf_view(const Buf *buf);                /* borrowed until the next append */
ErrCode buf_check(const Buf *buf, Err *err); /* what stuck, as an error with the ceiling named */

void buf_put(Buf *buf, const void *bytes, size_t len);
void buf_put_str(Buf *buf, Str s);
void buf_put_char(Buf *buf, char c);
void buf_printf(Buf *buf, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_put_int(Buf *buf, int64_t value);
/* The shortest decimal that reads back as the same double, always with a point: 1.0, -0.04, 41.03.
 * `value` must be finite. */
void buf_put_double(Buf *buf, double value);

/* Room for `len` more bytes, to be written by the caller and then counted with buf_grew().
 * NULL when it does not fit. */
char *buf_reserve(Buf *buf, size_t len);
void buf_grew(Buf *buf, size_t len);

/* Puts `s` in front of what is there: one move of the body, for an envelope known last. */
void buf_prepend(Buf *buf, Str s);

#define BUF_LITERAL(buf, literal) buf_put((buf), "" literal, sizeof(literal) - 1)
