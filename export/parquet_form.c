#include "export/parquet_form.h"

PhysicalType parquet_physical(ParquetType type)
{
    static const PhysicalType types[] = {
        [PARQUET_STRING] = {PHYSICAL_BYTE_ARRAY, 0}, [PARQUET_TIMESTAMP] = {PHYSICAL_INT64, 8},
        [PARQUET_DOUBLE] = {PHYSICAL_DOUBLE, 8},     [PARQUET_INT] = {PHYSICAL_INT32, 4},
        [PARQUET_BOOL] = {PHYSICAL_BOOLEAN, 0},
    };
    return types[type];
}

unsigned parquet_bit_width(uint32_t most)
{
    return most == 0 ? 0 : 32 - (unsigned) __builtin_clz(most);
}

void parquet_put_le(Buf *out, uint64_t value, size_t bytes)
{
    char text[8];
    for (size_t i = 0; i < bytes; i++)
        text[i] = (char) (value >> (8 * i));
    buf_put(out, text, bytes);
}

static void put_varint(Buf *out, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        buf_put_char(out, (char) (value | 0x80));
    buf_put_char(out, (char) value);
}

/* Least significant bits first; what is missing of the last eight is 0. */
static void put_packed(Buf *out, const uint32_t *values, size_t count, unsigned width)
{
    size_t groups = (count + 7) / 8;
    put_varint(out, groups << 1 | 1);
    char *to = buf_reserve(out, groups * width);
    if (to == NULL)
        return;
    uint64_t bits = 0;
    unsigned held = 0;
    size_t len = 0;
    for (size_t i = 0; i < groups * 8; i++) {
        bits |= (uint64_t) (i < count ? values[i] : 0) << held;
        for (held += width; held >= 8; held -= 8, bits >>= 8)
            to[len++] = (char) bits;
    }
    buf_grew(out, groups * width);
}

static size_t run_length(const uint32_t *values, size_t count)
{
    size_t run = 1;
    while (run < count && values[run] == values[0])
        run++;
    return run;
}

void parquet_put_hybrid(Buf *out, const uint32_t *values, size_t count, unsigned width)
{
    enum { RUN_MIN = 16 }; /* a shorter one costs more than it saves behind zstd */
    size_t packed = 0;     /* from where on nothing is written yet */
    for (size_t at = 0; at < count;) {
        size_t run = run_length(values + at, count - at);
        size_t lead =
            (8 - (at - packed) % 8) % 8; /* packed groups are whole: the run gives these */
        if (run < RUN_MIN + lead) {
            at += run;
            continue;
        }
        if (at + lead > packed)
            put_packed(out, values + packed, at + lead - packed, width);
        put_varint(out, (run - lead) << 1);
        parquet_put_le(out, values[at], (width + 7) / 8);
        at += run;
        packed = at;
    }
    if (packed < count)
        put_packed(out, values + packed, count - packed, width);
}
