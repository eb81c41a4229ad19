#include "export/parquet_page.h"

#include "base/compress.h"
#include "export/thrift.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE_BYTES_MAX = 1 << 30 };

void pages_release(Pages *pages)
{
    buf_release(&pages->dictionary);
    buf_release(&pages->data);
    free(pages->entries);
    free(pages->cells);
    *pages = (Pages){.cells = NULL};
}

static ErrCode bad(Err *err, const char *what)
{
    return err_set(err, ERR_FORMAT, "parquet: %s", what);
}

/* ---- page headers ------------------------------------------------------------------------------ */

typedef struct PageHeader {
    int64_t type, plain_bytes, bytes, values, encoding;
} PageHeader;

/* DataPageHeader and DictionaryPageHeader begin alike: values, encoding. */
static void read_inner(ThriftReader *thrift, PageHeader *header)
{
    int last = 0;
    ThriftField field;
    while (thrift_next(thrift, &last, &field)) {
        if (field.id == 1 && field.type == THRIFT_I32)
            header->values = thrift_read_int(thrift);
        else if (field.id == 2 && field.type == THRIFT_I32)
            header->encoding = thrift_read_int(thrift);
        else
            thrift_skip(thrift, field.type);
    }
}

static PageHeader read_header(ThriftReader *thrift)
{
    PageHeader header = {.type = -1, .encoding = -1};
    int64_t *const ints[] = {NULL, &header.type, &header.plain_bytes, &header.bytes};
    int last = 0;
    ThriftField field;
    while (thrift_next(thrift, &last, &field)) {
        if (field.type == THRIFT_I32 && field.id >= 1 && field.id <= 3)
            *ints[field.id] = thrift_read_int(thrift);
        else if (field.type == THRIFT_STRUCT && (field.id == 5 || field.id == 7))
            read_inner(thrift, &header);
        else
            thrift_skip(thrift, field.type);
    }
    return header;
}

/* The page at the front of *bytes goes to `out`; *bytes becomes what is behind it. */
static ErrCode next_page(Str *bytes, PageHeader *ret_header, Buf *out, Err *err)
{
    const unsigned char *at = (const unsigned char *) bytes->ptr;
    ThriftReader thrift = {.at = at, .end = at + bytes->len};
    PageHeader header = read_header(&thrift);
    size_t left = (size_t) (thrift.end - thrift.at);
    if (thrift.broken || header.bytes < 0 || header.plain_bytes < 0 || header.values < 0 ||
        (uint64_t) header.bytes > left || header.plain_bytes > PAGE_BYTES_MAX)
        return bad(err, "a page header is broken");
    size_t plain_bytes = (size_t) header.plain_bytes;
    *out = buf_init(plain_bytes + 1);
    char *to = buf_reserve(out, plain_bytes + 1);
    if (to == NULL)
        return buf_check(out, err);
    if (!compress_unpack((Str){(const char *) thrift.at, (size_t) header.bytes}, to, plain_bytes))
        return bad(err, "a page is not what was compressed");
    buf_grew(out, plain_bytes);
    *bytes = (Str){(const char *) thrift.at + header.bytes, left - (size_t) header.bytes};
    *ret_header = header;
    return OK;
}

/* ---- values ------------------------------------------------------------------------------------ */

static uint64_t get_le(const char *at, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++)
        value |= (uint64_t) (unsigned char) at[i] << (8 * i);
    return value;
}

/* A plain value at the front of *bytes. */
static bool take_plain(Str *bytes, ParquetType type, Cell *ret_cell)
{
    size_t len = parquet_physical(type).bytes, head = 0;
    if (type == PARQUET_STRING) {
        head = 4;
        if (bytes->len < head)
            return false;
        len = (size_t) get_le(bytes->ptr, head);
    }
    if (bytes->len - head < len)
        return false;
    *ret_cell = (Cell){.text = {bytes->ptr + head, len}};
    if (type != PARQUET_STRING)
        ret_cell->bits = get_le(bytes->ptr, len);
    *bytes = (Str){bytes->ptr + head + len, bytes->len - head - len};
    return true;
}

static bool take_varint(Str *bytes, uint64_t *ret)
{
    *ret = 0;
    for (unsigned shift = 0; shift < 64 && bytes->len > 0; shift += 7) {
        unsigned char byte = (unsigned char) bytes->ptr[0];
        *bytes = (Str){bytes->ptr + 1, bytes->len - 1};
        *ret |= (uint64_t) (byte & 0x7F) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

static uint32_t get_packed(const char *at, size_t place, unsigned width)
{
    uint32_t value = 0;
    for (unsigned bit = 0; bit < width; bit++) {
        size_t from = place * width + bit;
        value |= (uint32_t) ((unsigned char) at[from / 8] >> from % 8 & 1) << bit;
    }
    return value;
}

/* Runs and packed groups, `count` values of them. */
static bool take_hybrid(Str bytes, unsigned width, uint32_t *values, size_t count)
{
    for (size_t done = 0; done < count;) {
        uint64_t head = 0;
        if (!take_varint(&bytes, &head))
            return false;
        bool packed = (head & 1) != 0;
        uint64_t len = packed ? (head >> 1) * width : (width + 7) / 8;
        uint64_t values_here = packed ? (head >> 1) * 8 : head >> 1;
        if (head >> 1 > UINT32_MAX || len > bytes.len || values_here == 0)
            return false;
        uint32_t run = packed ? 0 : (uint32_t) get_le(bytes.ptr, len);
        for (uint64_t i = 0; i < values_here && done < count; i++)
            values[done++] = packed ? get_packed(bytes.ptr, i, width) : run;
        bytes = (Str){bytes.ptr + len, bytes.len - len};
    }
    return true;
}

/* ---- a column ---------------------------------------------------------------------------------- */

static bool make_room(Pages *pages, size_t rows)
{
    if (rows <= pages->cap)
        return true;
    Cell *cells = reallocarray(pages->cells, rows, sizeof *cells);
    if (cells == NULL)
        return false;
    pages->cells = cells;
    pages->cap = rows;
    return true;
}

static ErrCode decode_dictionary(Pages *pages, ParquetType type, const PageHeader *header, Err *err)
{
    Str bytes = buf_view(&pages->dictionary);
    if (header->encoding != ENCODING_PLAIN || (uint64_t) header->values > bytes.len)
        return bad(err, "a dictionary is broken");
    pages->entry_count = (size_t) header->values;
    pages->entries = calloc(pages->entry_count + 1, sizeof *pages->entries);
    if (pages->entries == NULL)
        return err_set(err, ERR_NO_MEMORY, "parquet: no memory for a dictionary");
    for (size_t i = 0; i < pages->entry_count; i++)
        if (!take_plain(&bytes, type, &pages->entries[i]))
            return bad(err, "a dictionary is cut");
    return OK;
}

/* Which rows are null, and how many are not. */
static bool take_levels(Pages *pages, const ParquetColumn *column, Str *bytes, uint32_t *scratch,
                        size_t rows, size_t *ret_count)
{
    *ret_count = rows;
    for (size_t i = 0; i < rows; i++)
        pages->cells[i] = (Cell){.is_null = false};
    if (!column->optional)
        return true;
    uint64_t len = bytes->len >= 4 ? get_le(bytes->ptr, 4) : UINT64_MAX;
    if (len > bytes->len - 4 || !take_hybrid((Str){bytes->ptr + 4, (size_t) len}, 1, scratch, rows))
        return false;
    for (size_t i = 0; i < rows; i++) {
        pages->cells[i].is_null = scratch[i] == 0;
        *ret_count -= scratch[i] == 0;
    }
    *bytes = (Str){bytes->ptr + 4 + len, bytes->len - 4 - (size_t) len};
    return true;
}

static bool take_by_dictionary(Pages *pages, Str bytes, uint32_t *scratch, size_t rows,
                               size_t count)
{
    unsigned width = bytes.len > 0 ? (unsigned char) bytes.ptr[0] : 99;
    if (width > 32 || !take_hybrid((Str){bytes.ptr + 1, bytes.len - 1}, width, scratch, count))
        return false;
    for (size_t i = 0, next = 0; i < rows; i++) {
        if (pages->cells[i].is_null)
            continue;
        uint32_t place = scratch[next++];
        if (place >= pages->entry_count)
            return false;
        pages->cells[i] = pages->entries[place];
    }
    return true;
}

static bool take_plainly(Pages *pages, ParquetType type, Str bytes, size_t rows)
{
    for (size_t i = 0, next = 0; i < rows; i++) {
        if (pages->cells[i].is_null)
            continue;
        if (type != PARQUET_BOOL) {
            if (!take_plain(&bytes, type, &pages->cells[i]))
                return false;
        } else {
            if (next / 8 >= bytes.len)
                return false;
            pages->cells[i].bits = get_packed(bytes.ptr, next++, 1);
        }
    }
    return true;
}

static ErrCode decode_data(Pages *pages, const ParquetColumn *column, const PageHeader *header,
                           size_t rows, Err *err)
{
    Str bytes = buf_view(&pages->data);
    size_t count = 0;
    uint32_t *scratch = calloc(rows + 1, sizeof *scratch);
    if (scratch == NULL || !make_room(pages, rows)) {
        free(scratch);
        return err_set(err, ERR_NO_MEMORY, "parquet: no memory for %zu rows", rows);
    }
    bool ok = header->type == PAGE_DATA && (uint64_t) header->values == rows &&
              take_levels(pages, column, &bytes, scratch, rows, &count);
    if (ok && count > 0)
        ok = header->encoding == ENCODING_RLE_DICTIONARY
                 ? take_by_dictionary(pages, bytes, scratch, rows, count)
                 : header->encoding == ENCODING_PLAIN &&
                       take_plainly(pages, column->type, bytes, rows);
    free(scratch);
    return ok ? OK : bad(err, "a page is broken");
}

ErrCode pages_decode(Pages *pages, const ParquetColumn *column, Str bytes, size_t rows, Err *err)
{
    PageHeader header = {.type = -1};
    buf_release(&pages->dictionary);
    buf_release(&pages->data);
    free(pages->entries);
    pages->entries = NULL;
    pages->entry_count = 0;
    ErrCode rc = next_page(&bytes, &header, &pages->data, err);
    if (rc == OK && header.type == PAGE_DICTIONARY) {
        pages->dictionary = pages->data;
        pages->data = (Buf){.ptr = NULL};
        rc = decode_dictionary(pages, column->type, &header, err);
        if (rc == OK)
            rc = next_page(&bytes, &header, &pages->data, err);
    }
    return rc == OK ? decode_data(pages, column, &header, rows, err) : rc;
}
