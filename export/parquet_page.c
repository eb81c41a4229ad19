#include "export/parquet_page.h"

#include "base/compress.h"
#include "export/thrift.h"

#include <stdlib.h>
#include <string.h>

void pages_release(Pages *pages)
{
    buf_release(&pages->dictionary);
    buf_release(&pages->data);
    free(pages->texts);
    *pages = (Pages){.texts = NULL};
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

/* The page at the front of *bytes, at most `most` bytes of it, goes to `out`; *bytes becomes what is
 * behind it. */
static ErrCode next_page(Str *bytes, int64_t most, PageHeader *ret_header, Buf *out, Err *err)
{
    const unsigned char *at = (const unsigned char *) bytes->ptr;
    ThriftReader thrift = {.at = at, .end = at + bytes->len};
    PageHeader header = read_header(&thrift);
    size_t left = (size_t) (thrift.end - thrift.at);
    if (thrift.broken || header.bytes < 0 || header.plain_bytes < 0 || header.values < 0 ||
        (uint64_t) header.bytes > left || header.plain_bytes > most)
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

/* A value of at most 32 bits lies in at most five bytes. */
static uint32_t get_packed(const char *at, uint64_t place, unsigned width)
{
    uint64_t from = place * width;
    unsigned shift = (unsigned) (from % 8);
    uint64_t bits = get_le(at + from / 8, (shift + width + 7) / 8) >> shift;
    return (uint32_t) (bits & ((UINT64_C(1) << width) - 1));
}

static bool next_run(Hybrid *hybrid)
{
    uint64_t head = 0;
    if (!take_varint(&hybrid->rest, &head) || head >> 1 == 0 || head >> 1 > UINT32_MAX)
        return false;
    bool packed = (head & 1) != 0;
    uint64_t len = packed ? (head >> 1) * hybrid->width : (hybrid->width + 7) / 8;
    if (len > hybrid->rest.len)
        return false;
    hybrid->packed = packed ? hybrid->rest.ptr : NULL;
    hybrid->value = packed ? 0 : (uint32_t) get_le(hybrid->rest.ptr, len);
    hybrid->place = 0;
    hybrid->left = packed ? (head >> 1) * 8 : head >> 1;
    hybrid->rest = (Str){hybrid->rest.ptr + len, hybrid->rest.len - len};
    return true;
}

static bool hybrid_next(Hybrid *hybrid, uint32_t *ret)
{
    if (hybrid->left == 0 && !next_run(hybrid))
        return false;
    *ret = hybrid->packed != NULL ? get_packed(hybrid->packed, hybrid->place, hybrid->width)
                                  : hybrid->value;
    hybrid->place++;
    hybrid->left--;
    return true;
}

/* ---- opening ----------------------------------------------------------------------------------- */

static ErrCode index_texts(Pages *pages, Err *err)
{
    Str all = buf_view(&pages->dictionary), rest = all;
    Cell text;
    pages->texts = calloc(pages->entry_count + 1, sizeof *pages->texts);
    if (pages->texts == NULL)
        return err_set(err, ERR_NO_MEMORY, "parquet: no memory for a dictionary");
    for (size_t i = 0; i < pages->entry_count; i++) {
        pages->texts[i] = (uint32_t) (rest.ptr - all.ptr);
        if (!take_plain(&rest, PARQUET_STRING, &text))
            return bad(err, "a dictionary is cut");
    }
    return OK;
}

static ErrCode open_dictionary(Pages *pages, const PageHeader *header, Err *err)
{
    size_t bytes = parquet_physical(pages->column->type).bytes;
    if (header->encoding != ENCODING_PLAIN || pages->column->type == PARQUET_BOOL ||
        pages->dictionary.len > UINT32_MAX ||
        (uint64_t) header->values > pages->dictionary.len / (bytes > 0 ? bytes : 1))
        return bad(err, "a dictionary is broken");
    pages->entry_count = (size_t) header->values;
    return pages->column->type == PARQUET_STRING ? index_texts(pages, err) : OK;
}

/* Behind their length, in front of the values. */
static bool open_levels(Pages *pages, Str *bytes)
{
    if (!pages->column->optional)
        return true;
    uint64_t len = bytes->len >= 4 ? get_le(bytes->ptr, 4) : UINT64_MAX;
    if (bytes->len < 4 || len > bytes->len - 4)
        return false;
    pages->levels = (Hybrid){.rest = {bytes->ptr + 4, (size_t) len}, .width = 1};
    *bytes = (Str){bytes->ptr + 4 + len, bytes->len - 4 - (size_t) len};
    return true;
}

static bool open_values(Pages *pages, Str bytes, int64_t encoding)
{
    pages->by_dictionary = encoding == ENCODING_RLE_DICTIONARY;
    if (!pages->by_dictionary) {
        pages->plain = bytes;
        return encoding == ENCODING_PLAIN;
    }
    if (bytes.len == 0 || (unsigned char) bytes.ptr[0] > 32)
        return false;
    pages->places =
        (Hybrid){.rest = {bytes.ptr + 1, bytes.len - 1}, .width = (unsigned char) bytes.ptr[0]};
    return true;
}

ErrCode pages_open(Pages *pages, const ParquetColumn *column, Str bytes, int64_t plain_bytes,
                   size_t rows, Err *err)
{
    PageHeader header = {.type = -1};
    pages_release(pages);
    pages->column = column;
    ErrCode rc = next_page(&bytes, plain_bytes, &header, &pages->data, err);
    if (rc == OK && header.type == PAGE_DICTIONARY) {
        pages->dictionary = pages->data;
        pages->data = (Buf){.ptr = NULL};
        rc = open_dictionary(pages, &header, err);
        if (rc == OK)
            rc = next_page(&bytes, plain_bytes, &header, &pages->data, err);
    }
    if (rc != OK)
        return rc;
    Str data = buf_view(&pages->data);
    bool ok = header.type == PAGE_DATA && (uint64_t) header.values == rows &&
              open_levels(pages, &data) && open_values(pages, data, header.encoding);
    return ok ? OK : bad(err, "a page is broken");
}

/* ---- a value ----------------------------------------------------------------------------------- */

static bool next_of_dictionary(Pages *pages, Cell *ret)
{
    size_t bytes = parquet_physical(pages->column->type).bytes;
    uint32_t place = 0;
    if (!hybrid_next(&pages->places, &place) || place >= pages->entry_count)
        return false;
    size_t at = bytes > 0 ? place * bytes : pages->texts[place];
    Str rest = {pages->dictionary.ptr + at, pages->dictionary.len - at};
    return take_plain(&rest, pages->column->type, ret);
}

static bool next_bool(Pages *pages, Cell *ret)
{
    if (pages->bit / 8 >= pages->plain.len)
        return false;
    *ret = (Cell){.bits = get_packed(pages->plain.ptr, pages->bit++, 1)};
    return true;
}

bool pages_next(Pages *pages, Cell *ret_cell)
{
    uint32_t defined = 1;
    if (pages->column->optional && !hybrid_next(&pages->levels, &defined))
        return false;
    if (defined == 0) {
        *ret_cell = (Cell){.is_null = true};
        return true;
    }
    if (pages->by_dictionary)
        return next_of_dictionary(pages, ret_cell);
    return pages->column->type == PARQUET_BOOL
               ? next_bool(pages, ret_cell)
               : take_plain(&pages->plain, pages->column->type, ret_cell);
}
