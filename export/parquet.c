#include "export/parquet.h"

#include "base/compress.h"
#include "export/parquet_column.h"
#include "export/thrift.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_BYTES_MAX = 1 << 30, FOOTER_BYTES_MAX = 1 << 28 };

/* What the footer tells of a column of a row group. */
typedef struct Chunk {
    int64_t dictionary_at, data_at; /* offsets in the file; dictionary_at -1: there is none */
    int64_t plain_bytes, bytes;     /* pages with their headers */
    int64_t values, nulls;
    Buf least, greatest;
} Chunk;

typedef struct Group {
    Chunk *chunks; /* owned, one a column */
    int64_t rows;
} Group;

struct ParquetWriter {
    OutFile *file;
    Column columns[PARQUET_COLUMNS_MAX];
    size_t column_count, group_rows;
    size_t at; /* column whose value comes next */
    size_t rows;
    bool no_memory;
    Group *groups; /* owned */
    size_t group_count;
    Encoded encoded;
    Buf squeezed, head;
};

/* ---- begin, close ------------------------------------------------------------------------------ */

ErrCode parquet_begin(const ParquetColumn *columns, size_t column_count, size_t group_rows,
                      OutFile *file, ParquetWriter **ret_writer, Err *err)
{
    assert(column_count >= 1 && column_count <= PARQUET_COLUMNS_MAX);
    assert(group_rows >= 1 && group_rows <= PARQUET_GROUP_ROWS);
    ParquetWriter *writer = calloc(1, sizeof *writer);
    if (writer == NULL)
        return err_set(err, ERR_NO_MEMORY, "export: no memory for a table");
    writer->file = file;
    writer->column_count = column_count;
    writer->group_rows = group_rows;
    for (size_t i = 0; i < column_count; i++)
        column_init(&writer->columns[i], columns[i]);
    writer->encoded = encoded_init();
    writer->squeezed = buf_init(PAGE_BYTES_MAX);
    writer->head = buf_init(FOOTER_BYTES_MAX);
    ErrCode rc = outfile_put(file, STR(PARQUET_MAGIC), err);
    if (rc != OK)
        parquet_close(writer);
    else
        *ret_writer = writer;
    return rc;
}

void parquet_close(ParquetWriter *writer)
{
    if (writer == NULL)
        return;
    for (size_t i = 0; i < writer->column_count; i++)
        column_release(&writer->columns[i]);
    for (size_t g = 0; g < writer->group_count; g++) {
        for (size_t i = 0; i < writer->column_count; i++) {
            buf_release(&writer->groups[g].chunks[i].least);
            buf_release(&writer->groups[g].chunks[i].greatest);
        }
        free(writer->groups[g].chunks);
    }
    free(writer->groups);
    encoded_release(&writer->encoded);
    buf_release(&writer->squeezed);
    buf_release(&writer->head);
    free(writer);
}

/* ---- pages ------------------------------------------------------------------------------------- */

static void put_page_header(Buf *out, int32_t type, Str plain, Str squeezed, size_t values,
                            int32_t encoding)
{
    ThriftWriter thrift = thrift_writer(out);
    thrift_i32(&thrift, 1, type);
    thrift_i32(&thrift, 2, (int32_t) plain.len);
    thrift_i32(&thrift, 3, (int32_t) squeezed.len);
    thrift_open(&thrift, type == PAGE_DATA ? 5 : 7);
    thrift_i32(&thrift, 1, (int32_t) values);
    thrift_i32(&thrift, 2, encoding);
    if (type == PAGE_DATA) {
        thrift_i32(&thrift, 3, ENCODING_RLE); /* of definition levels, then of repetition levels */
        thrift_i32(&thrift, 4, ENCODING_RLE);
    }
    thrift_end(&thrift);
    thrift_end(&thrift);
}

static ErrCode write_page(ParquetWriter *writer, Chunk *chunk, int32_t type, Str plain,
                          size_t values, int32_t encoding, Err *err)
{
    buf_clear(&writer->squeezed);
    buf_clear(&writer->head);
    ErrCode rc = compress_zstd(plain, &writer->squeezed, err);
    if (rc != OK)
        return rc;
    put_page_header(&writer->head, type, plain, buf_view(&writer->squeezed), values, encoding);
    rc = buf_check(&writer->head, err);
    if (rc == OK)
        rc = outfile_put(writer->file, buf_view(&writer->head), err);
    if (rc == OK)
        rc = outfile_put(writer->file, buf_view(&writer->squeezed), err);
    chunk->plain_bytes += (int64_t) (writer->head.len + plain.len);
    chunk->bytes += (int64_t) (writer->head.len + writer->squeezed.len);
    return rc;
}

static ErrCode check_encoded(const Encoded *encoded, Err *err)
{
    const Buf *all[] = {&encoded->dictionary, &encoded->data, &encoded->least, &encoded->greatest};
    ErrCode rc = OK;
    for (size_t i = 0; i < countof(all) && rc == OK; i++)
        rc = buf_check(all[i], err);
    return rc;
}

static ErrCode write_chunk(ParquetWriter *writer, const Column *column, Chunk *chunk, Err *err)
{
    Encoded *encoded = &writer->encoded;
    ErrCode rc = column_encode(column, encoded, err);
    if (rc == OK)
        rc = check_encoded(encoded, err);
    if (rc != OK)
        return rc;
    *chunk = (Chunk){
        .dictionary_at = -1,
        .values = (int64_t) column->count,
        .nulls = (int64_t) (column->count - column->value_count),
        .least = encoded->least,
        .greatest = encoded->greatest,
    };
    encoded->least = buf_init(encoded->least.max); /* the chunk has them now */
    encoded->greatest = buf_init(encoded->greatest.max);
    bool has_dictionary = encoded->dictionary_count > 0;
    if (has_dictionary) {
        chunk->dictionary_at = writer->file->bytes;
        rc = write_page(writer, chunk, PAGE_DICTIONARY, buf_view(&encoded->dictionary),
                        encoded->dictionary_count, ENCODING_PLAIN, err);
    }
    chunk->data_at = writer->file->bytes;
    if (rc == OK)
        rc = write_page(writer, chunk, PAGE_DATA, buf_view(&encoded->data), column->count,
                        has_dictionary ? ENCODING_RLE_DICTIONARY : ENCODING_PLAIN, err);
    return rc;
}

static ErrCode write_group(ParquetWriter *writer, Err *err)
{
    Group *groups = reallocarray(writer->groups, writer->group_count + 1, sizeof *groups);
    if (groups == NULL)
        return err_set(err, ERR_NO_MEMORY, "export: no memory for a row group");
    writer->groups = groups;
    Group group = {.chunks = calloc(writer->column_count, sizeof *group.chunks),
                   .rows = (int64_t) writer->rows};
    if (group.chunks == NULL)
        return err_set(err, ERR_NO_MEMORY, "export: no memory for a row group");
    groups[writer->group_count++] = group;
    ErrCode rc = OK;
    for (size_t i = 0; i < writer->column_count && rc == OK; i++) {
        rc = write_chunk(writer, &writer->columns[i], &group.chunks[i], err);
        column_clear(&writer->columns[i]);
    }
    writer->rows = 0;
    return rc;
}

/* ---- rows -------------------------------------------------------------------------------------- */

static Column *next_column(ParquetWriter *writer, ParquetType type)
{
    assert(writer->at < writer->column_count);
    Column *column = &writer->columns[writer->at++];
    assert(column->spec.type == type);
    (void) type;
    return column;
}

static void note(ParquetWriter *writer, bool ok)
{
    writer->no_memory = writer->no_memory || !ok;
}

void parquet_str(ParquetWriter *writer, Str value)
{
    Column *column = next_column(writer, PARQUET_STRING);
    note(writer, str_is_none(value) ? column_add_null(column) : column_add_text(column, value));
}

void parquet_time(ParquetWriter *writer, UnixSec value)
{
    Column *column = next_column(writer, PARQUET_TIMESTAMP);
    note(writer, value == NO_TIME ? column_add_null(column)
                                  : column_add_number(column, (uint64_t) (value * 1000)));
}

void parquet_double(ParquetWriter *writer, double value)
{
    uint64_t bits;
    Column *column = next_column(writer, PARQUET_DOUBLE);
    memcpy(&bits, &value, sizeof bits);
    note(writer, isnan(value) ? column_add_null(column) : column_add_number(column, bits));
}

void parquet_int(ParquetWriter *writer, int64_t value)
{
    assert(value >= INT32_MIN && value <= INT32_MAX);
    note(writer, column_add_number(next_column(writer, PARQUET_INT), (uint32_t) value));
}

void parquet_bool(ParquetWriter *writer, bool value)
{
    note(writer, column_add_number(next_column(writer, PARQUET_BOOL), value));
}

ErrCode parquet_end_row(ParquetWriter *writer, Err *err)
{
    assert(writer->at == writer->column_count);
    writer->at = 0;
    if (writer->no_memory)
        return err_set(err, ERR_NO_MEMORY, "export: no memory for a row group");
    return ++writer->rows == writer->group_rows ? write_group(writer, err) : OK;
}

/* ---- footer ------------------------------------------------------------------------------------ */

static void put_schema_column(ThriftWriter *thrift, const ParquetColumn *column)
{
    thrift_item_open(thrift);
    thrift_i32(thrift, 1, parquet_physical(column->type).type);
    thrift_i32(thrift, 3, column->optional ? REPETITION_OPTIONAL : REPETITION_REQUIRED);
    thrift_binary(thrift, 4, str_of(column->name));
    if (column->type == PARQUET_STRING) {
        thrift_i32(thrift, 6, CONVERTED_UTF8);
        thrift_open(thrift, 10); /* logical type */
        thrift_open(thrift, 1);  /* string */
        thrift_end(thrift);
        thrift_end(thrift);
    } else if (column->type == PARQUET_TIMESTAMP) {
        thrift_i32(thrift, 6, CONVERTED_TIMESTAMP_MILLIS);
        thrift_open(thrift, 10);
        thrift_open(thrift, 8);       /* timestamp */
        thrift_bool(thrift, 1, true); /* UTC */
        thrift_open(thrift, 2);       /* unit */
        thrift_open(thrift, 1);       /* milliseconds */
        thrift_end(thrift);
        thrift_end(thrift);
        thrift_end(thrift);
        thrift_end(thrift);
    }
    thrift_end(thrift);
}

static void put_schema(ThriftWriter *thrift, const ParquetWriter *writer)
{
    thrift_list(thrift, 2, THRIFT_STRUCT, writer->column_count + 1);
    thrift_item_open(thrift);
    thrift_binary(thrift, 4, STR("freshet"));
    thrift_i32(thrift, 5, (int32_t) writer->column_count);
    thrift_end(thrift);
    for (size_t i = 0; i < writer->column_count; i++)
        put_schema_column(thrift, &writer->columns[i].spec);
}

static void put_statistics(ThriftWriter *thrift, const Chunk *chunk)
{
    thrift_open(thrift, 12);
    thrift_i64(thrift, 3, chunk->nulls);
    if (chunk->nulls < chunk->values) {
        thrift_binary(thrift, 5, buf_view(&chunk->greatest));
        thrift_binary(thrift, 6, buf_view(&chunk->least));
    }
    thrift_end(thrift);
}

static void put_chunk(ThriftWriter *thrift, const ParquetColumn *column, const Chunk *chunk)
{
    bool has_dictionary = chunk->dictionary_at >= 0;
    thrift_item_open(thrift);
    thrift_i64(thrift, 2, has_dictionary ? chunk->dictionary_at : chunk->data_at);
    thrift_open(thrift, 3);
    thrift_i32(thrift, 1, parquet_physical(column->type).type);
    thrift_list(thrift, 2, THRIFT_I32, has_dictionary ? 3 : 2);
    thrift_item_i32(thrift, ENCODING_PLAIN);
    thrift_item_i32(thrift, ENCODING_RLE);
    if (has_dictionary)
        thrift_item_i32(thrift, ENCODING_RLE_DICTIONARY);
    thrift_list(thrift, 3, THRIFT_BINARY, 1);
    thrift_item_binary(thrift, str_of(column->name));
    thrift_i32(thrift, 4, SQUEEZED_ZSTD);
    thrift_i64(thrift, 5, chunk->values);
    thrift_i64(thrift, 6, chunk->plain_bytes);
    thrift_i64(thrift, 7, chunk->bytes);
    thrift_i64(thrift, 9, chunk->data_at);
    if (has_dictionary)
        thrift_i64(thrift, 11, chunk->dictionary_at);
    put_statistics(thrift, chunk);
    thrift_end(thrift);
    thrift_end(thrift);
}

static void put_group(ThriftWriter *thrift, const ParquetWriter *writer, const Group *group)
{
    int64_t plain_bytes = 0;
    for (size_t i = 0; i < writer->column_count; i++)
        plain_bytes += group->chunks[i].plain_bytes;
    thrift_item_open(thrift);
    thrift_list(thrift, 1, THRIFT_STRUCT, writer->column_count);
    for (size_t i = 0; i < writer->column_count; i++)
        put_chunk(thrift, &writer->columns[i].spec, &group->chunks[i]);
    thrift_i64(thrift, 2, plain_bytes);
    thrift_i64(thrift, 3, group->rows);
    thrift_end(thrift);
}

/* Statistics of a column without an order are not believed. */
static void put_orders(ThriftWriter *thrift, const ParquetWriter *writer)
{
    thrift_list(thrift, 7, THRIFT_STRUCT, writer->column_count);
    for (size_t i = 0; i < writer->column_count; i++) {
        thrift_item_open(thrift);
        thrift_open(thrift, 1); /* that of its type */
        thrift_end(thrift);
        thrift_end(thrift);
    }
}

static void put_footer(const ParquetWriter *writer, Buf *out)
{
    int64_t rows = 0;
    for (size_t g = 0; g < writer->group_count; g++)
        rows += writer->groups[g].rows;
    ThriftWriter thrift = thrift_writer(out);
    thrift_i32(&thrift, 1, 1); /* version */
    put_schema(&thrift, writer);
    thrift_i64(&thrift, 3, rows);
    thrift_list(&thrift, 4, THRIFT_STRUCT, writer->group_count);
    for (size_t g = 0; g < writer->group_count; g++)
        put_group(&thrift, writer, &writer->groups[g]);
    thrift_binary(&thrift, 6, STR("freshet"));
    put_orders(&thrift, writer);
    thrift_end(&thrift);
}

ErrCode parquet_end(ParquetWriter *writer, Err *err)
{
    ErrCode rc = writer->rows > 0 ? write_group(writer, err) : OK;
    if (rc != OK)
        return rc;
    buf_clear(&writer->head);
    put_footer(writer, &writer->head);
    parquet_put_le(&writer->head, writer->head.len, 4);
    BUF_LITERAL(&writer->head, PARQUET_MAGIC);
    rc = buf_check(&writer->head, err);
    return rc == OK ? outfile_put(writer->file, buf_view(&writer->head), err) : rc;
}
