#include "export/parquet_read.h"

#include "base/file.h"
#include "export/parquet_page.h"
#include "export/thrift.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TAIL_BYTES = 8, FOOTER_BYTES_MAX = 1 << 28, CHUNK_BYTES_MAX = 1 << 30 };

/* Where the pages of a column of a row group lie. */
typedef struct Place {
    int64_t from, bytes, plain_bytes;
} Place;

typedef struct Group {
    int64_t rows, plain_bytes;
} Group;

struct ParquetReader {
    int fd;
    int64_t file_bytes;
    const ParquetColumn *columns;
    size_t column_count;
    Group *groups; /* owned */
    Place *places; /* owned; of each group its columns */
    size_t group_count, next_group;
    int64_t rows;
    Pages pages[PARQUET_COLUMNS_MAX]; /* of the group under way */
    size_t rows_left;                 /* of it, behind the row at hand */
    Cell cells[PARQUET_COLUMNS_MAX];  /* the row at hand */
};

static ErrCode bad(Err *err, const char *what)
{
    return err_set(err, ERR_FORMAT, "parquet: %s", what);
}

static ErrCode read_bytes(const ParquetReader *reader, int64_t from, int64_t len, Buf *out,
                          Err *err)
{
    if (from < 0 || len < 0 || len > CHUNK_BYTES_MAX || from > reader->file_bytes - len)
        return bad(err, "it points beyond its end");
    *out = buf_init((size_t) len + 1);
    char *to = buf_reserve(out, (size_t) len + 1);
    if (to == NULL)
        return buf_check(out, err);
    for (int64_t done = 0; done < len;) {
        int64_t left = len - done;
        ssize_t got =
            pread(reader->fd, to + done, left < FILE_PIECE_BYTES ? (size_t) left : FILE_PIECE_BYTES,
                  from + done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return err_set(err, ERR_STORAGE, "parquet: read: %s",
                           got < 0 ? strerror(errno) : "it became shorter");
        done += got;
    }
    buf_grew(out, (size_t) len);
    return OK;
}

/* ---- footer ------------------------------------------------------------------------------------ */

/* False: it is another column than we have there. */
static bool read_schema_column(ThriftReader *thrift, const ParquetColumn *column)
{
    int64_t type = -1, repetition = -1;
    Str name = STR_NONE;
    int last = 0;
    ThriftField field;
    while (thrift_next(thrift, &last, &field)) {
        if (field.id == 1 && field.type == THRIFT_I32)
            type = thrift_read_int(thrift);
        else if (field.id == 3 && field.type == THRIFT_I32)
            repetition = thrift_read_int(thrift);
        else if (field.id == 4 && field.type == THRIFT_BINARY)
            name = thrift_read_binary(thrift);
        else
            thrift_skip(thrift, field.type);
    }
    return type == parquet_physical(column->type).type &&
           repetition == (column->optional ? REPETITION_OPTIONAL : REPETITION_REQUIRED) &&
           str_eq(name, str_of(column->name));
}

static bool read_schema(ThriftReader *thrift, const ParquetReader *reader)
{
    ThriftType element;
    size_t count = thrift_read_list(thrift, &element);
    if (element != THRIFT_STRUCT || count != reader->column_count + 1)
        return false;
    thrift_skip(thrift, THRIFT_STRUCT); /* the root */
    bool ok = true;
    for (size_t i = 0; i < reader->column_count && ok; i++)
        ok = read_schema_column(thrift, &reader->columns[i]);
    return ok && !thrift->broken;
}

static void read_column_metadata(ThriftReader *thrift, Place *place)
{
    int64_t data_at = -1, dictionary_at = -1;
    int last = 0;
    ThriftField field;
    while (thrift_next(thrift, &last, &field)) {
        if (field.id == 6 && field.type == THRIFT_I64)
            place->plain_bytes = thrift_read_int(thrift);
        else if (field.id == 7 && field.type == THRIFT_I64)
            place->bytes = thrift_read_int(thrift);
        else if (field.id == 9 && field.type == THRIFT_I64)
            data_at = thrift_read_int(thrift);
        else if (field.id == 11 && field.type == THRIFT_I64)
            dictionary_at = thrift_read_int(thrift);
        else
            thrift_skip(thrift, field.type);
    }
    place->from = dictionary_at >= 0 ? dictionary_at : data_at;
}

static void read_chunk(ThriftReader *thrift, Place *place)
{
    int last = 0;
    ThriftField field;
    *place = (Place){.from = -1};
    while (thrift_next(thrift, &last, &field)) {
        if (field.id == 3 && field.type == THRIFT_STRUCT)
            read_column_metadata(thrift, place);
        else
            thrift_skip(thrift, field.type);
    }
}

static void read_group(ThriftReader *thrift, const ParquetReader *reader, Group *group,
                       Place *places)
{
    int last = 0;
    ThriftField field;
    while (thrift_next(thrift, &last, &field)) {
        if (field.id == 1 && field.type == THRIFT_LIST) {
            ThriftType element;
            if (thrift_read_list(thrift, &element) != reader->column_count)
                thrift->broken = true;
            for (size_t i = 0; i < reader->column_count && !thrift->broken; i++)
                read_chunk(thrift, &places[i]);
        } else if (field.id == 3 && field.type == THRIFT_I64) {
            group->rows = thrift_read_int(thrift);
        } else {
            thrift_skip(thrift, field.type);
        }
    }
    if (group->rows < 1 || group->rows > PARQUET_GROUP_ROWS)
        thrift->broken = true;
    for (size_t i = 0; i < reader->column_count && !thrift->broken; i++) {
        thrift->broken = places[i].plain_bytes < 0 || places[i].plain_bytes > CHUNK_BYTES_MAX;
        group->plain_bytes += places[i].plain_bytes;
    }
}

static void read_groups(ThriftReader *thrift, ParquetReader *reader)
{
    ThriftType element;
    size_t count = thrift_read_list(thrift, &element);
    if (element != THRIFT_STRUCT || reader->groups != NULL)
        thrift->broken = true;
    if (thrift->broken)
        return;
    reader->groups = calloc(count + 1, sizeof *reader->groups);
    reader->places = calloc(count + 1, reader->column_count * sizeof *reader->places);
    if (reader->groups == NULL || reader->places == NULL)
        thrift->broken = true;
    for (size_t i = 0; i < count && !thrift->broken; i++) {
        read_group(thrift, reader, &reader->groups[reader->group_count++],
                   &reader->places[i * reader->column_count]);
        reader->rows += reader->groups[i].rows;
    }
}

static ErrCode parse_footer(ParquetReader *reader, Str footer, Err *err)
{
    const unsigned char *at = (const unsigned char *) footer.ptr;
    ThriftReader thrift = {.at = at, .end = at + footer.len};
    bool is_ours = false;
    int last = 0;
    ThriftField field;
    while (thrift_next(&thrift, &last, &field)) {
        if (field.id == 2 && field.type == THRIFT_LIST)
            is_ours = read_schema(&thrift, reader);
        else if (field.id == 4 && field.type == THRIFT_LIST)
            read_groups(&thrift, reader);
        else
            thrift_skip(&thrift, field.type);
    }
    if (thrift.broken || reader->groups == NULL)
        return bad(err, "its footer is broken");
    return is_ours ? OK : bad(err, "its columns are not ours");
}

static ErrCode read_footer(ParquetReader *reader, Err *err)
{
    CLEANUP(buf_release) Buf tail = buf_init(0);
    CLEANUP(buf_release) Buf footer = buf_init(0);
    int64_t end = reader->file_bytes - TAIL_BYTES;
    ErrCode rc = read_bytes(reader, end, TAIL_BYTES, &tail, err);
    if (rc != OK)
        return rc;
    if (!str_ends(buf_view(&tail), STR(PARQUET_MAGIC)))
        return bad(err, "it does not end as one");
    int64_t len = 0;
    for (int i = 3; i >= 0; i--)
        len = len << 8 | (unsigned char) tail.ptr[i];
    if (len > FOOTER_BYTES_MAX)
        return bad(err, "its footer is too large");
    rc = read_bytes(reader, end - len, len, &footer, err);
    return rc == OK ? parse_footer(reader, buf_view(&footer), err) : rc;
}

/* ---- open, close ------------------------------------------------------------------------------- */

ErrCode parquet_read_open(int fd, const ParquetColumn *columns, size_t column_count,
                          ParquetReader **ret_reader, Err *err)
{
    struct stat st;
    ParquetReader *reader = calloc(1, sizeof *reader);
    if (reader == NULL)
        return err_set(err, ERR_NO_MEMORY, "parquet: no memory");
    reader->fd = fd;
    reader->columns = columns;
    reader->column_count = column_count;
    ErrCode rc = OK;
    if (fstat(fd, &st) != 0)
        rc = err_set(err, ERR_STORAGE, "parquet: %s", strerror(errno));
    reader->file_bytes = rc == OK ? (int64_t) st.st_size : 0;
    if (rc == OK)
        rc = read_footer(reader, err);
    if (rc != OK)
        parquet_read_close(reader);
    else
        *ret_reader = reader;
    return rc;
}

void parquet_read_close(ParquetReader *reader)
{
    if (reader == NULL)
        return;
    for (size_t i = 0; i < reader->column_count; i++)
        pages_release(&reader->pages[i]);
    free(reader->groups);
    free(reader->places);
    free(reader);
}

int64_t parquet_read_rows(const ParquetReader *reader)
{
    return reader->rows;
}

int64_t parquet_read_memory(const ParquetReader *reader)
{
    int64_t most = 0;
    for (size_t i = 0; i < reader->group_count; i++)
        if (reader->groups[i].plain_bytes > most)
            most = reader->groups[i].plain_bytes;
    return most;
}

/* ---- rows -------------------------------------------------------------------------------------- */

static ErrCode open_group(ParquetReader *reader, Err *err)
{
    const Group *group = &reader->groups[reader->next_group];
    const Place *places = &reader->places[reader->next_group * reader->column_count];
    ErrCode rc = OK;
    for (size_t i = 0; i < reader->column_count && rc == OK; i++) {
        CLEANUP(buf_release) Buf bytes = buf_init(0);
        rc = read_bytes(reader, places[i].from, places[i].bytes, &bytes, err);
        if (rc == OK)
            rc = pages_open(&reader->pages[i], &reader->columns[i], buf_view(&bytes),
                            places[i].plain_bytes, (size_t) group->rows, err);
    }
    reader->next_group++;
    reader->rows_left = rc == OK ? (size_t) group->rows : 0;
    return rc;
}

ErrCode parquet_read_next(ParquetReader *reader, bool *ret_row, Err *err)
{
    if (reader->rows_left == 0) {
        *ret_row = reader->next_group < reader->group_count;
        ErrCode rc = *ret_row ? open_group(reader, err) : OK;
        if (rc != OK || !*ret_row)
            return rc;
    }
    reader->rows_left--;
    for (size_t i = 0; i < reader->column_count; i++)
        if (!pages_next(&reader->pages[i], &reader->cells[i]))
            return bad(err, "a page is broken");
    *ret_row = true;
    return OK;
}

static const Cell *cell_at(const ParquetReader *reader, size_t column, ParquetType type)
{
    assert(column < reader->column_count && reader->columns[column].type == type);
    (void) type;
    return &reader->cells[column];
}

Str parquet_read_str(const ParquetReader *reader, size_t column)
{
    const Cell *cell = cell_at(reader, column, PARQUET_STRING);
    return cell->is_null ? STR_NONE : cell->text;
}

UnixSec parquet_read_time(const ParquetReader *reader, size_t column)
{
    const Cell *cell = cell_at(reader, column, PARQUET_TIMESTAMP);
    return cell->is_null ? NO_TIME : (int64_t) cell->bits / 1000;
}

double parquet_read_double(const ParquetReader *reader, size_t column)
{
    const Cell *cell = cell_at(reader, column, PARQUET_DOUBLE);
    double value;
    memcpy(&value, &cell->bits, sizeof value);
    return cell->is_null ? NAN : value;
}

int64_t parquet_read_int(const ParquetReader *reader, size_t column)
{
    return (int32_t) cell_at(reader, column, PARQUET_INT)->bits;
}
