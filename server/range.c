#include "server/range.h"

static bool read_number(Str text, size_t *ret)
{
    int64_t number;
    if (!str_to_int(text, &number) || number < 0)
        return false;
    *ret = (size_t) number;
    return true;
}

/* bytes=-500: the last 500 */
static RangeKind read_last(Str text, size_t len, Slice *ret)
{
    size_t last;
    if (!read_number(text, &last))
        return RANGE_WHOLE;
    if (last == 0 || len == 0)
        return RANGE_OUTSIDE;
    *ret = (Slice){.from = last < len ? len - last : 0, .len = last < len ? last : len};
    return RANGE_PART;
}

RangeKind range_read(Str range, size_t len, Slice *ret)
{
    Str unit, spec, first, last;
    if (str_is_none(range) || !str_cut(range, '=', &unit, &spec) ||
        !str_eq_nocase(str_trim(unit), STR("bytes")) ||
        !str_cut(str_trim(spec), '-', &first, &last))
        return RANGE_WHOLE;
    size_t from, to = len > 0 ? len - 1 : 0;
    if (first.len == 0)
        return read_last(last, len, ret);
    if (!read_number(first, &from) || (last.len > 0 && (!read_number(last, &to) || to < from)))
        return RANGE_WHOLE;
    if (from >= len)
        return RANGE_OUTSIDE;
    if (to >= len)
        to = len - 1;
    *ret = (Slice){.from = from, .len = to - from + 1};
    return RANGE_PART;
}
