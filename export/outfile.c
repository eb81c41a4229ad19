#include "export/outfile.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

ErrCode outfile_open(const char *dir, const Until *until, OutFile *ret_file, Err *err)
{
    OutFile file = {
        .fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600), .sha = sha256_new(), .until = until};
    if (file.fd >= 0 && file.sha != NULL) {
        *ret_file = file;
        return OK;
    }
    ErrCode rc = file.sha == NULL ? err_set(err, ERR_NO_MEMORY, "export: no memory for a digest")
                                  : err_set(err, ERR_STORAGE, "export: no file in '%.150s': %s",
                                            dir, strerror(errno));
    outfile_close(&file);
    return rc;
}

void outfile_close(OutFile *file)
{
    if (file->sha == NULL && file->fd <= 0) /* empty */
        return;
    if (file->fd >= 0)
        (void) close(file->fd);
    sha256_free(file->sha);
    *file = (OutFile){.fd = -1};
}

ErrCode outfile_put(OutFile *file, Str bytes, Err *err)
{
    ErrCode rc = until_check(file->until, err);
    if (rc != OK)
        return rc;
    sha256_add(file->sha, bytes);
    file->bytes += (int64_t) bytes.len;
    if (!file_write(file->fd, bytes))
        return err_set(err, ERR_STORAGE, "export: write: %s", strerror(errno));
    return OK;
}

BlobBody outfile_body(OutFile *file)
{
    BlobBody body = {.memory = STR_NONE, .fd = file->fd, .bytes = file->bytes};
    sha256_end(file->sha, body.sha256);
    return body;
}
