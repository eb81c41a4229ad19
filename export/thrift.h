/* export/thrift.h - Thrift's compact protocol, as far as Parquet's headers need it.
 *
 * Writing: fields in rising order of their ids, into a Buf whose sticky error the caller checks.
 * Reading: a cursor over bytes that may be anything; the first thing that cannot be makes it broken,
 * and everything read after that is zero. */
#pragma once
#include "base/buf.h"

typedef enum ThriftType {
    THRIFT_STOP = 0,
    THRIFT_TRUE = 1,
    THRIFT_FALSE = 2,
    THRIFT_BYTE = 3,
    THRIFT_I16 = 4,
    THRIFT_I32 = 5,
    THRIFT_I64 = 6,
    THRIFT_DOUBLE = 7,
    THRIFT_BINARY = 8,
    THRIFT_LIST = 9,
    THRIFT_SET = 10,
    THRIFT_MAP = 11,
    THRIFT_STRUCT = 12,
} ThriftType;

/* ---- writing ----------------------------------------------------------------------------------- */

enum { THRIFT_DEPTH_MAX = 16 };
typedef struct ThriftWriter {
    Buf *out;
    int last[THRIFT_DEPTH_MAX]; /* field id written last, of each open struct */
    int depth;
} ThriftWriter;

ThriftWriter thrift_writer(Buf *out); /* the outermost struct is open */
void thrift_end(ThriftWriter *thrift);
void thrift_i32(ThriftWriter *thrift, int field, int32_t value);
void thrift_i64(ThriftWriter *thrift, int field, int64_t value);
void thrift_bool(ThriftWriter *thrift, int field, bool value);
void thrift_binary(ThriftWriter *thrift, int field, Str value);
void thrift_open(ThriftWriter *thrift, int field); /* a struct; ends with thrift_end() */
/* A list of `count` elements, which follow as thrift_item_*(). */
void thrift_list(ThriftWriter *thrift, int field, ThriftType element, size_t count);
void thrift_item_open(ThriftWriter *thrift); /* a struct as element; ends with thrift_end() */
void thrift_item_i32(ThriftWriter *thrift, int32_t value);
void thrift_item_binary(ThriftWriter *thrift, Str value);

/* ---- reading ----------------------------------------------------------------------------------- */

typedef struct ThriftReader {
    const unsigned char *at, *end;
    bool broken;
} ThriftReader;

typedef struct ThriftField {
    int id;
    ThriftType type;
} ThriftField;

/* The next field of the struct at hand; false: it ends here. `last`: 0 at first, kept by the caller.
 * What is not read must be passed over with thrift_skip(). */
bool thrift_next(ThriftReader *thrift, int *last, ThriftField *ret_field);
void thrift_skip(ThriftReader *thrift, ThriftType type);
int64_t thrift_read_int(ThriftReader *thrift); /* of any integer type but byte */
Str thrift_read_binary(ThriftReader *thrift);  /* borrowed */
size_t thrift_read_list(ThriftReader *thrift, ThriftType *ret_element);
