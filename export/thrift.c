#include "export/thrift.h"

static void put_varint(Buf *out, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        buf_put_char(out, (char) (value | 0x80));
    buf_put_char(out, (char) value);
}

static uint64_t zigzag(int64_t value)
{
    uint64_t twice = (uint64_t) value << 1;
    return value < 0 ? ~twice : twice;
}

/* ---- writing ----------------------------------------------------------------------------------- */

ThriftWriter thrift_writer(Buf *out)
{
    return (ThriftWriter){.out = out, .depth = 0};
}

static void put_field(ThriftWriter *thrift, int field, ThriftType type)
{
    int *last = &thrift->last[thrift->depth], step = field - *last;
    assert(step > 0 && step < 16); /* Parquet's structs are small: the short form is enough */
    buf_put_char(thrift->out, (char) (step << 4 | (int) type));
    *last = field;
}

static void push(ThriftWriter *thrift)
{
    thrift->depth++;
    assert(thrift->depth < THRIFT_DEPTH_MAX);
    thrift->last[thrift->depth] = 0;
}

void thrift_end(ThriftWriter *thrift)
{
    buf_put_char(thrift->out, THRIFT_STOP);
    thrift->depth--; /* -1 behind the outermost: nothing may follow it */
}

void thrift_i32(ThriftWriter *thrift, int field, int32_t value)
{
    put_field(thrift, field, THRIFT_I32);
    put_varint(thrift->out, zigzag(value));
}

void thrift_i64(ThriftWriter *thrift, int field, int64_t value)
{
    put_field(thrift, field, THRIFT_I64);
    put_varint(thrift->out, zigzag(value));
}

void thrift_bool(ThriftWriter *thrift, int field, bool value)
{
    put_field(thrift, field, value ? THRIFT_TRUE : THRIFT_FALSE);
}

void thrift_binary(ThriftWriter *thrift, int field, Str value)
{
    put_field(thrift, field, THRIFT_BINARY);
    thrift_item_binary(thrift, value);
}

void thrift_open(ThriftWriter *thrift, int field)
{
    put_field(thrift, field, THRIFT_STRUCT);
    push(thrift);
}

void thrift_list(ThriftWriter *thrift, int field, ThriftType element, size_t count)
{
    put_field(thrift, field, THRIFT_LIST);
    if (count < 15) {
        buf_put_char(thrift->out, (char) ((int) count << 4 | (int) element));
    } else {
        buf_put_char(thrift->out, (char) (0xF0 | (int) element));
        put_varint(thrift->out, count);
    }
}

void thrift_item_open(ThriftWriter *thrift)
{
    push(thrift);
}

void thrift_item_i32(ThriftWriter *thrift, int32_t value)
{
    put_varint(thrift->out, zigzag(value));
}

void thrift_item_binary(ThriftWriter *thrift, Str value)
{
    put_varint(thrift->out, value.len);
    buf_put_str(thrift->out, value);
}

/* ---- reading ----------------------------------------------------------------------------------- */

static unsigned read_byte(ThriftReader *thrift)
{
    if (thrift->at == thrift->end)
        thrift->broken = true;
    return thrift->broken ? 0 : *thrift->at++;
}

static uint64_t read_varint(ThriftReader *thrift)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        unsigned byte = read_byte(thrift);
        value |= (uint64_t) (byte & 0x7F) << shift;
        if (byte < 0x80)
            return value;
    }
    thrift->broken = true;
    return 0;
}

int64_t thrift_read_int(ThriftReader *thrift)
{
    uint64_t value = read_varint(thrift);
    return (int64_t) (value >> 1 ^ (~(value & 1) + 1));
}

Str thrift_read_binary(ThriftReader *thrift)
{
    uint64_t len = read_varint(thrift);
    if (len > (uint64_t) (thrift->end - thrift->at))
        thrift->broken = true;
    if (thrift->broken)
        return STR("");
    Str value = {(const char *) thrift->at, (size_t) len};
    thrift->at += len;
    return value;
}

size_t thrift_read_list(ThriftReader *thrift, ThriftType *ret_element)
{
    unsigned head = read_byte(thrift);
    uint64_t count = head >> 4 == 15 ? read_varint(thrift) : head >> 4;
    *ret_element = (ThriftType) (head & 15);
    if (count > (uint64_t) (thrift->end - thrift->at)) /* each takes a byte at least */
        thrift->broken = true;
    return thrift->broken ? 0 : (size_t) count;
}

bool thrift_next(ThriftReader *thrift, int *last, ThriftField *ret_field)
{
    unsigned head = read_byte(thrift);
    if (thrift->broken || head == THRIFT_STOP)
        return false;
    int64_t id = head >> 4 != 0 ? *last + (int) (head >> 4) : thrift_read_int(thrift);
    if (id < INT16_MIN || id > INT16_MAX)
        thrift->broken = true;
    *ret_field = (ThriftField){.id = (int) id, .type = (ThriftType) (head & 15)};
    *last = (int) id;
    return !thrift->broken;
}

static void skip_list(ThriftReader *thrift, int depth);
static void skip(ThriftReader *thrift, ThriftType type, int depth);

/* NOLINTNEXTLINE(misc-no-recursion): as deep as `depth` allows */
static void skip_struct(ThriftReader *thrift, int depth)
{
    int last = 0;
    ThriftField field;
    while (thrift_next(thrift, &last, &field))
        skip(thrift, field.type, depth);
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as `depth` allows */
static void skip(ThriftReader *thrift, ThriftType type, int depth)
{
    if (depth == THRIFT_DEPTH_MAX)
        thrift->broken = true;
    if (thrift->broken)
        return;
    switch (type) {
    case THRIFT_TRUE:
    case THRIFT_FALSE:
        break;
    case THRIFT_BYTE:
        (void) read_byte(thrift);
        break;
    case THRIFT_I16:
    case THRIFT_I32:
    case THRIFT_I64:
        (void) read_varint(thrift);
        break;
    case THRIFT_DOUBLE:
        for (int i = 0; i < 8; i++)
            (void) read_byte(thrift);
        break;
    case THRIFT_BINARY:
        (void) thrift_read_binary(thrift);
        break;
    case THRIFT_LIST:
    case THRIFT_SET:
        skip_list(thrift, depth + 1);
        break;
    case THRIFT_STRUCT:
        skip_struct(thrift, depth + 1);
        break;
    default: /* a map, which Parquet has not */
        thrift->broken = true;
    }
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as `depth` allows */
static void skip_list(ThriftReader *thrift, int depth)
{
    ThriftType element;
    size_t count = thrift_read_list(thrift, &element);
    for (size_t i = 0; i < count && !thrift->broken; i++) {
        if (element == THRIFT_TRUE || element == THRIFT_FALSE)
            (void) read_byte(thrift); /* as an element it has a byte of its own */
        else
            skip(thrift, element, depth);
    }
}

void thrift_skip(ThriftReader *thrift, ThriftType type)
{
    skip(thrift, type, 0);
}
