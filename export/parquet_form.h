/* export/parquet_form.h - the numbers of the Parquet format, for writer and reader. Private to the
 * folder. */
#pragma once
#include "export/parquet.h"

#define PARQUET_MAGIC "PAR1"

/* parquet.thrift: Type, Encoding, CompressionCodec, PageType, ConvertedType, FieldRepetitionType */
enum {
    PHYSICAL_BOOLEAN = 0,
    PHYSICAL_INT32 = 1,
    PHYSICAL_INT64 = 2,
    PHYSICAL_DOUBLE = 5,
    PHYSICAL_BYTE_ARRAY = 6,

    ENCODING_PLAIN = 0,
    ENCODING_RLE = 3,
    ENCODING_RLE_DICTIONARY = 8,

    SQUEEZED_ZSTD = 6,

    PAGE_DATA = 0,
    PAGE_DICTIONARY = 2,

    CONVERTED_UTF8 = 0,
    CONVERTED_TIMESTAMP_MILLIS = 9,

    REPETITION_REQUIRED = 0,
    REPETITION_OPTIONAL = 1,
};

typedef struct PhysicalType {
    int32_t type;
    size_t bytes; /* of a plain value; 0: its length stands before it */
} PhysicalType;
PhysicalType parquet_physical(ParquetType type);

/* Bits that hold 0 to `most`. */
unsigned parquet_bit_width(uint32_t most);
/* Runs and packed groups of eight, as Parquet's RLE hybrid; width 1 to 32. */
void parquet_put_hybrid(Buf *out, const uint32_t *values, size_t count, unsigned width);
void parquet_put_le(Buf *out, uint64_t value, size_t bytes); /* little-endian */
