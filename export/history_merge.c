#include "export/history_merge.h"

#include "base/array.h"
#include "export/tables.h"
#include "model/change.h"

#include <stdlib.h>
#include <string.h>

enum {
    INPUTS_MAX = 128, /* files open at once */
    RUN_ROWS = 4096,  /* of a row group of what lies between: some 500 KB */
};

/* A row, and its generation as numbers. */
typedef struct Entry {
    TableReading row;
    ChangeCursor generation;
} Entry;

/* A file that is read, and the row that it is at. */
typedef struct Input {
    Str name; /* "": it lay between */
    OutFile file;
    ParquetReader *reader;
    Entry entry; /* borrows the reader */
} Input;

typedef struct Inputs {
    Input items[INPUTS_MAX];
    size_t count;
    int64_t bytes; /* of memory, that they take */
} Inputs;

/* Files that lie between two passes. */
typedef struct Runs {
    OutFile *files; /* owned */
    size_t count, cap;
} Runs;

static void input_close(Input *input)
{
    parquet_read_close(input->reader);
    outfile_close(&input->file);
}

static void inputs_close(Inputs *inputs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        input_close(&inputs->items[i]);
    memmove(inputs->items, &inputs->items[count],
            (inputs->count - count) * sizeof inputs->items[0]);
    inputs->count -= count;
    inputs->bytes = 0;
    for (size_t i = 0; i < inputs->count; i++)
        inputs->bytes += parquet_read_memory(inputs->items[i].reader);
}

static void inputs_release(Inputs *inputs)
{
    inputs_close(inputs, inputs->count);
}

static void runs_release(Runs *runs)
{
    for (size_t i = 0; i < runs->count; i++)
        outfile_close(&runs->files[i]);
    free(runs->files);
    *runs = (Runs){.files = NULL};
}

/* ---- rows -------------------------------------------------------------------------------------- */

static bool read_entry(const ParquetReader *reader, Entry *ret)
{
    return table_read_reading(reader, &ret->row) &&
           change_cursor_parse(ret->row.generation, &ret->generation);
}

static int compare_int(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

/* The order of history_rows_sort(), within a day. 0: the same reading. */
static int compare(const Entry *a, const Entry *b)
{
    int order = str_cmp(a->row.measure_id, b->row.measure_id);
    if (order == 0)
        order = str_cmp(a->row.station_id, b->row.station_id);
    if (order == 0)
        order = compare_int(a->row.time, b->row.time);
    if (order == 0)
        order = compare_int(a->row.received, b->row.received);
    if (order == 0)
        order = compare_int(a->row.revision, b->row.revision);
    if (order == 0)
        order = compare_int(a->generation.epoch, b->generation.epoch);
    return order != 0 ? order
                      : compare_int((int64_t) a->generation.generation,
                                    (int64_t) b->generation.generation);
}

/* ---- what is read ------------------------------------------------------------------------------ */

static ErrCode next_row(Input *input, bool *ret_row, Err *err)
{
    ErrCode rc = parquet_read_next(input->reader, ret_row, err);
    if (rc == OK && *ret_row && !read_entry(input->reader, &input->entry))
        rc = err_set(err, ERR_FORMAT, "parquet: a row is none of ours");
    return rc == OK ? OK : err_context(err, STR_FMT, STR_ARG(input->name));
}

static ErrCode open_input(const HistoryMerge *merge, Runs *between, size_t place, Input *ret_input,
                          Err *err)
{
    ErrCode rc = OK;
    *ret_input = (Input){.name = STR(""), .file = {.fd = -1}};
    if (between->count > 0) {
        ret_input->file = between->files[place];
        between->files[place] = (OutFile){.fd = -1};
    } else {
        ret_input->name = merge->keys.items[place];
        rc = outfile_open(merge->dir, merge->until, &ret_input->file, err);
        if (rc == OK)
            rc =
                merge->blobs->get_file(merge->blobs->ctx, ret_input->name, ret_input->file.fd, err);
    }
    if (rc == OK)
        rc = parquet_read_open(ret_input->file.fd, READINGS_TABLE.columns,
                               READINGS_TABLE.column_count, &ret_input->reader, err);
    if (rc == OK)
        return OK;
    input_close(ret_input);
    return err_context(err, STR_FMT, STR_ARG(ret_input->name));
}

/* ---- those that are at their least row first --------------------------------------------------- */

typedef struct Heap {
    Input *items[INPUTS_MAX];
    size_t count;
} Heap;

static bool is_before(const Heap *heap, size_t a, size_t b)
{
    return compare(&heap->items[a]->entry, &heap->items[b]->entry) < 0;
}

static void swap(Heap *heap, size_t a, size_t b)
{
    Input *item = heap->items[a];
    heap->items[a] = heap->items[b];
    heap->items[b] = item;
}

static void sink(Heap *heap, size_t at)
{
    for (size_t least = at;; at = least) {
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < heap->count; child++)
            if (is_before(heap, child, least))
                least = child;
        if (least == at)
            return;
        swap(heap, at, least);
    }
}

/* Its row was taken, or it has just come: the next one. */
static ErrCode advance(Heap *heap, size_t at, Err *err)
{
    bool row = false;
    ErrCode rc = next_row(heap->items[at], &row, err);
    if (rc == OK && !row)
        heap->items[at] = heap->items[--heap->count];
    return rc;
}

static ErrCode fill_heap(Heap *heap, Inputs *inputs, size_t count, Err *err)
{
    ErrCode rc = OK;
    for (size_t i = 0; i < count && rc == OK; i++) {
        heap->items[heap->count++] = &inputs->items[i];
        rc = advance(heap, heap->count - 1, err);
    }
    for (size_t at = heap->count / 2; at-- > 0;)
        sink(heap, at);
    return rc;
}

/* ---- what is written --------------------------------------------------------------------------- */

typedef struct Output {
    ParquetWriter *writer;
    Buf texts;  /* of the row before, which its entry borrows */
    Entry last; /* no measure: there was none */
} Output;

static void keep_last(Output *output, const Entry *entry)
{
    const TableReading *row = &entry->row;
    buf_clear(&output->texts);
    buf_put_str(&output->texts, row->measure_id);
    buf_put_str(&output->texts, row->station_id);
    output->last = *entry;
    output->last.row.measure_id = (Str){output->texts.ptr, row->measure_id.len};
    output->last.row.station_id =
        (Str){output->texts.ptr + row->measure_id.len, row->station_id.len};
}

/* A file that goes back is not sorted: its row comes behind one that it should have stood before. */
static ErrCode write_entry(Output *output, const Entry *entry, Err *err)
{
    int order = str_is_none(output->last.row.measure_id) ? -1 : compare(&output->last, entry);
    if (order == 0)
        return OK;
    if (order > 0)
        return err_set(err, ERR_FORMAT, "history: a file is not sorted");
    keep_last(output, entry);
    ErrCode rc = buf_check(&output->texts, err);
    return rc == OK ? table_add_reading(output->writer, &entry->row, err) : rc;
}

static ErrCode write_all(Output *output, Inputs *inputs, size_t count, Err *err)
{
    Heap heap = {.count = 0};
    ErrCode rc = fill_heap(&heap, inputs, count, err);
    while (rc == OK && heap.count > 0) {
        rc = write_entry(output, &heap.items[0]->entry, err);
        if (rc == OK)
            rc = advance(&heap, 0, err);
        sink(&heap, 0);
    }
    return rc == OK ? parquet_end(output->writer, err) : rc;
}

/* The first `count` become one file, and are closed. */
static ErrCode merge_inputs(Inputs *inputs, size_t count, size_t group_rows, OutFile *to, Err *err)
{
    Output output = {.texts = buf_init(1 << 20)};
    ErrCode rc = parquet_begin(READINGS_TABLE.columns, READINGS_TABLE.column_count, group_rows, to,
                               &output.writer, err);
    if (rc == OK)
        rc = write_all(&output, inputs, count, err);
    parquet_close(output.writer);
    buf_release(&output.texts);
    inputs_close(inputs, count);
    return rc;
}

/* ---- passes ------------------------------------------------------------------------------------ */

static ErrCode add_run(const HistoryMerge *merge, Inputs *inputs, size_t count, Runs *runs,
                       Err *err)
{
    if (!array_room(&runs->files, runs->count, &runs->cap, sizeof *runs->files))
        return err_set(err, ERR_NO_MEMORY, "history: no memory for a list of files");
    OutFile *file = &runs->files[runs->count];
    ErrCode rc = outfile_open(merge->dir, merge->until, file, err);
    if (rc != OK)
        return rc;
    runs->count++;
    return merge_inputs(inputs, count, RUN_ROWS, file, err);
}

/* What is open takes more than there is. Two are always merged, or it would never end. */
static bool is_too_much(const HistoryMerge *merge, const Inputs *inputs)
{
    return inputs->count > 2 && inputs->bytes > merge->memory_bytes;
}

/* Merges as many at once as there is memory for. What they all fit into is `out`; else *ret_runs is what
 * the next pass begins with. */
static ErrCode pass(const HistoryMerge *merge, Inputs *inputs, Runs *between, OutFile *out,
                    Runs *ret_runs, Err *err)
{
    size_t count = between->count > 0 ? between->count : merge->keys.count;
    ErrCode rc = OK;
    for (size_t i = 0; i < count && rc == OK; i++) {
        if (inputs->count == INPUTS_MAX)
            rc = add_run(merge, inputs, INPUTS_MAX, ret_runs, err);
        if (rc == OK)
            rc = open_input(merge, between, i, &inputs->items[inputs->count], err);
        if (rc != OK)
            break;
        inputs->bytes += parquet_read_memory(inputs->items[inputs->count++].reader);
        if (is_too_much(merge, inputs))
            rc = add_run(merge, inputs, inputs->count - 1, ret_runs, err);
    }
    if (rc != OK)
        return rc;
    return ret_runs->count == 0 ? merge_inputs(inputs, inputs->count, PARQUET_GROUP_ROWS, out, err)
                                : add_run(merge, inputs, inputs->count, ret_runs, err);
}

ErrCode history_merge(const HistoryMerge *merge, OutFile *out, Err *err)
{
    CLEANUP(runs_release) Runs between = {.files = NULL};
    CLEANUP(inputs_release) Inputs inputs = {.count = 0};
    ErrCode rc = OK;
    for (bool more = true; more && rc == OK;) {
        Runs runs = {.files = NULL};
        rc = pass(merge, &inputs, &between, out, &runs, err);
        more = runs.count > 0;
        runs_release(&between);
        between = runs;
    }
    return rc;
}
