/* server/range.h - a part of an answer, so that a broken download goes on where it broke
 * [RFC 9110 14]. */
#pragma once
#include "base/str.h"

typedef struct Slice {
    size_t from, len;
} Slice;

typedef enum RangeKind {
    RANGE_WHOLE, /* no range, or none that we serve: several at once, other units, bad syntax */
    RANGE_PART,
    RANGE_OUTSIDE, /* begins behind the end */
} RangeKind;

/* `range`: the text of a Range header, or none; of a body of `len` bytes. */
RangeKind range_read(Str range, size_t len, Slice *ret);
