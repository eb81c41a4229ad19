#include "base/record_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RECORD_MAX_BYTES = 1 << 30 };

struct RecordFile {
    FILE *stream;
    Buf bytes; /* of the record at hand */
};

/* In front of each: its key and value follow without anything between. */
typedef struct Head {
    int32_t kind;
    uint32_t key_len, value_len;
} Head;

static ErrCode fail(Err *err, const char *what)
{
    return err_set(err, ERR_STORAGE, "a file of records: %s: %s", what, strerror(errno));
}

ErrCode record_file_open(const char *dir, RecordFile **ret_file, Err *err)
{
    RecordFile *file = calloc(1, sizeof *file);
    if (file == NULL)
        return err_set(err, ERR_NO_MEMORY, "no memory for a file of records");
    file->bytes = buf_init(RECORD_MAX_BYTES);
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    file->stream = fd >= 0 ? fdopen(fd, "w+e") : NULL;
    if (file->stream == NULL) {
        ErrCode rc = fail(err, dir);
        if (fd >= 0)
            (void) close(fd);
        free(file);
        return rc;
    }
    *ret_file = file;
    return OK;
}

void record_file_close(RecordFile *file)
{
    if (file == NULL)
        return;
    (void) fclose(file->stream);
    buf_release(&file->bytes);
    free(file);
}

void record_file_closep(RecordFile **file)
{
    record_file_close(*file);
}

static bool put(RecordFile *file, const void *bytes, size_t len)
{
    return len == 0 || fwrite(bytes, 1, len, file->stream) == len;
}

ErrCode record_file_add(RecordFile *file, const Record *record, Err *err)
{
    const Head head = {.kind = record->kind,
                       .key_len = (uint32_t) record->key.len,
                       .value_len = (uint32_t) record->value.len};
    assert(record->key.len < RECORD_MAX_BYTES && record->value.len < RECORD_MAX_BYTES);
    return put(file, &head, sizeof head) && put(file, record->key.ptr, record->key.len) &&
                   put(file, record->value.ptr, record->value.len)
               ? OK
               : fail(err, "write");
}

ErrCode record_file_rewind(RecordFile *file, Err *err)
{
    return fflush(file->stream) == 0 && fseeko(file->stream, 0, SEEK_SET) == 0
               ? OK
               : fail(err, "back to its beginning");
}

ErrCode record_file_next(RecordFile *file, Record *ret_record, bool *ret_more, Err *err)
{
    Head head;
    size_t got = fread(&head, 1, sizeof head, file->stream);
    *ret_more = false;
    if (got == 0 && feof(file->stream))
        return OK;
    if (got != sizeof head)
        return fail(err, "read");
    size_t len = (size_t) head.key_len + head.value_len;
    buf_clear(&file->bytes);
    char *to = buf_reserve(&file->bytes, len + 1);
    if (to == NULL)
        return buf_check(&file->bytes, err);
    if (fread(to, 1, len, file->stream) != len)
        return fail(err, "read");
    *ret_record = (Record){
        .kind = head.kind, .key = {to, head.key_len}, .value = {to + head.key_len, head.value_len}};
    *ret_more = true;
    return OK;
}
