#include "export/s3_upload.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "export/xml.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PARTS_MAX = 9000 }; /* S3 takes 10,000 */

/* ---- put: one request -------------------------------------------------------------------------- */

enum { PUT_HEADERS_MAX = 3 };

typedef struct Upload {
    S3 *s3;
    Str key;
    const BlobBody *body;
    char sha256[SHA256_HEX_SIZE];
    HttpPair headers[PUT_HEADERS_MAX];
    size_t header_count;
} Upload;

/* What an object carries, whichever way it goes up. */
static void begin(Upload *upload, const S3Upload *asked)
{
    *upload = (Upload){.s3 = asked->s3, .key = asked->key, .body = asked->body};
    sha256_hex(asked->body->sha256, upload->sha256);
    upload->headers[upload->header_count++] = (HttpPair){"content-type", asked->content_type};
    upload->headers[upload->header_count++] = (HttpPair){S3_DIGEST_FIELD, upload->sha256};
    if (asked->storage_class != NULL)
        upload->headers[upload->header_count++] =
            (HttpPair){"x-amz-storage-class", asked->storage_class};
}

static ErrCode put_whole(const Upload *upload, Err *err)
{
    const S3Call call = {
        .method = "PUT",
        .key = upload->key,
        .headers = upload->headers,
        .header_count = upload->header_count,
        .body = upload->body->memory,
        .body_fd = upload->body->fd,
        .body_bytes = upload->body->bytes,
        .body_sha256 = upload->sha256,
    };
    return s3_send(upload->s3, &call, err);
}

/* ---- put: in parts ----------------------------------------------------------------------------- */

static ErrCode begin_parts(const Upload *upload, Buf *ret_id, Err *err)
{
    static const HttpPair UPLOADS = {"uploads", ""};
    const S3Call call = {
        .method = "POST",
        .key = upload->key,
        .query = &UPLOADS,
        .query_count = 1,
        .headers = upload->headers,
        .header_count = upload->header_count,
        .body = STR(""),
    };
    HttpResult result;
    Str id;
    ErrCode rc = s3_call(upload->s3, &call, &result, err);
    if (rc != OK)
        return rc;
    if (!xml_find(buf_view(&result.body), "UploadId", &id, NULL) || !xml_put_text(ret_id, id))
        rc = err_set(err, ERR_UPSTREAM, "s3: an upload was begun without an id");
    buf_put_char(ret_id, '\0');
    http_result_release(&result);
    return rc == OK ? buf_check(ret_id, err) : rc;
}

/* Read once to sign it, and once more to send it: nothing of it is kept in memory. */
static ErrCode digest_part(int fd, int64_t at, int64_t bytes, char ret[static SHA256_HEX_SIZE],
                           Err *err)
{
    unsigned char digest[SHA256_BYTES];
    char *piece = malloc(FILE_PIECE_BYTES);
    Sha256 *sha = sha256_new();
    ErrCode rc = piece != NULL && sha != NULL ? OK : err_set(err, ERR_NO_MEMORY, "s3: no memory");
    for (int64_t done = 0; rc == OK && done < bytes;) {
        int64_t left = bytes - done;
        ssize_t got =
            pread(fd, piece, left < FILE_PIECE_BYTES ? (size_t) left : FILE_PIECE_BYTES, at + done);
        if (got <= 0)
            rc = err_set(err, ERR_STORAGE, "s3: what is to be sent cannot be read: %s",
                         got < 0 ? strerror(errno) : "it is cut");
        else
            sha256_add(sha, (Str){piece, (size_t) got});
        done += got;
    }
    if (rc == OK) {
        sha256_end(sha, digest);
        sha256_hex(digest, ret);
    }
    sha256_free(sha);
    free(piece);
    return rc;
}

static ErrCode put_part(const Upload *upload, const char *id, int number, int64_t at, int64_t bytes,
                        Buf *completion, Err *err)
{
    char digits[16], sha256[SHA256_HEX_SIZE];
    ErrCode rc = digest_part(upload->body->fd, at, bytes, sha256, err);
    if (rc != OK)
        return rc;
    (void) snprintf(digits, sizeof digits, "%d", number);
    const HttpPair query[] = {{"partNumber", digits}, {"uploadId", id}};
    const S3Call call = {
        .method = "PUT",
        .key = upload->key,
        .query = query,
        .query_count = countof(query),
        .body_fd = upload->body->fd,
        .body_at = at,
        .body_bytes = bytes,
        .body_sha256 = sha256,
    };
    HttpResult result;
    rc = s3_call(upload->s3, &call, &result, err);
    if (rc != OK)
        return rc;
    if (result.etag[0] == '\0')
        rc = err_set(err, ERR_UPSTREAM, "s3: a part came without an entity tag");
    buf_printf(completion, "<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>", number,
               result.etag);
    http_result_release(&result);
    return rc;
}

/* As large as they are set to be, or larger, where there would be too many. */
static ErrCode put_parts(const Upload *upload, const char *id, Buf *completion, Err *err)
{
    int64_t bytes = upload->body->bytes, size = s3_options(upload->s3)->part_bytes;
    if (size < bytes / PARTS_MAX + 1)
        size = bytes / PARTS_MAX + 1;
    BUF_LITERAL(completion, "<CompleteMultipartUpload>");
    for (int64_t at = 0, number = 1; at < bytes; at += size, number++) {
        int64_t left = bytes - at;
        ErrCode rc =
            put_part(upload, id, (int) number, at, left < size ? left : size, completion, err);
        if (rc != OK)
            return rc;
    }
    BUF_LITERAL(completion, "</CompleteMultipartUpload>");
    return buf_check(completion, err);
}

/* Whether the object stands there as it should. */
static ErrCode is_there(const Upload *upload, bool *ret, Err *err)
{
    const S3Call call = {.method = "HEAD", .key = upload->key};
    HttpResult result;
    ErrCode rc = s3_call(upload->s3, &call, &result, err);
    if (rc != OK)
        return rc;
    *ret = str_eq(http_result_field(&result, S3_DIGEST_FIELD), str_of(upload->sha256));
    http_result_release(&result);
    return OK;
}

/* The answer may be lost, and the upload is gone once it is complete: then the object itself tells. */
static ErrCode complete(const Upload *upload, const char *id, Str completion, Err *err)
{
    unsigned char digest[SHA256_BYTES];
    char sha256[SHA256_HEX_SIZE];
    const HttpPair query = {"uploadId", id}, header = {"content-type", "application/xml"};
    sha256_of(completion, digest);
    sha256_hex(digest, sha256);
    const S3Call call = {
        .method = "POST",
        .key = upload->key,
        .query = &query,
        .query_count = 1,
        .headers = &header,
        .header_count = 1,
        .body = completion,
        .body_sha256 = sha256,
    };
    ErrCode rc = s3_send(upload->s3, &call, err);
    Err other;
    bool there = false;
    if (rc == ERR_NOT_FOUND && is_there(upload, &there, &other) == OK && there)
        return OK;
    return rc == ERR_NOT_FOUND ? err_set(err, ERR_UPSTREAM, "s3: an upload was lost") : rc;
}

/* What was begun and not completed is paid for until it is aborted. */
static ErrCode abort_parts(S3 *s3, Str key, const char *id, Err *err)
{
    const HttpPair query = {"uploadId", id};
    const S3Call call = {.method = "DELETE", .key = key, .query = &query, .query_count = 1};
    ErrCode rc = s3_send(s3, &call, err);
    return rc == ERR_NOT_FOUND ? OK : rc;
}

static ErrCode put_in_parts(const Upload *upload, Err *err)
{
    CLEANUP(buf_release) Buf id = buf_init(4096);
    CLEANUP(buf_release) Buf completion = buf_init(4 << 20);
    ErrCode rc = begin_parts(upload, &id, err);
    if (rc != OK)
        return rc;
    rc = put_parts(upload, id.ptr, &completion, err);
    if (rc == OK)
        rc = complete(upload, id.ptr, buf_view(&completion), err);
    Err other;
    if (rc != OK && abort_parts(upload->s3, upload->key, id.ptr, &other) != OK)
        log_warn("s3 an upload stays behind until it is swept key=" LOG_TEXT " error=" LOG_TEXT,
                 upload->key.ptr, other.text);
    return rc;
}

ErrCode s3_upload(const S3Upload *asked, Err *err)
{
    Upload upload;
    begin(&upload, asked);
    bool in_parts =
        str_is_none(asked->body->memory) && asked->body->bytes > s3_options(asked->s3)->part_bytes;
    return in_parts ? put_in_parts(&upload, err) : put_whole(&upload, err);
}

/* ---- what was never completed -------------------------------------------------------------------- */

typedef struct Markers {
    Buf key, id; /* where the next page begins; empty: at the first */
} Markers;

static ErrCode odd_list(Err *err)
{
    return err_set(err, ERR_UPSTREAM, "s3: a list of uploads that is none");
}

/* The text of an element, with a NUL behind it; `out` is cleared. */
static bool take_text(Str xml, const char *name, Buf *out)
{
    Str content;
    buf_clear(out);
    if (!xml_find(xml, name, &content, NULL) || !xml_put_text(out, content))
        return false;
    buf_put_char(out, '\0');
    return out->error == OK;
}

static ErrCode sweep_one(const S3Sweep *sweep, Str entry, int *count, Err *err)
{
    CLEANUP(buf_release) Buf key = buf_init(64 * 1024);
    CLEANUP(buf_release) Buf id = buf_init(64 * 1024);
    Str begun;
    size_t prefix_len = strlen(sweep->prefix);
    UnixSec when = NO_TIME;
    if (!take_text(entry, "Key", &key) || !take_text(entry, "UploadId", &id) ||
        !xml_find(entry, "Initiated", &begun, NULL) || !clock_parse(begun, &when) ||
        strncmp(key.ptr, sweep->prefix, prefix_len) != 0)
        return odd_list(err);
    if (when >= sweep->before || !sweep->is_meant(str_of(key.ptr + prefix_len), sweep->test_ctx))
        return OK;
    ErrCode rc = abort_parts(sweep->s3, str_of(key.ptr), id.ptr, err);
    *count += rc == OK;
    return rc;
}

static ErrCode sweep_page(const S3Sweep *sweep, Markers *markers, bool *ret_more, int *count,
                          Err *err)
{
    char most[16];
    (void) snprintf(most, sizeof most, "%d", s3_options(sweep->s3)->list_page);
    const HttpPair query[] = {{"uploads", ""},
                              {"max-uploads", most},
                              {"prefix", sweep->prefix},
                              {"key-marker", markers->key.ptr},
                              {"upload-id-marker", markers->id.ptr}};
    const S3Call call = {.method = "GET",
                         .key = STR_NONE,
                         .query = query,
                         .query_count = countof(query) - (markers->key.len > 0 ? 0 : 2)};
    HttpResult result;
    ErrCode rc = s3_call(sweep->s3, &call, &result, err);
    if (rc != OK)
        return rc;
    Str xml = buf_view(&result.body), rest = xml, entry, truncated = STR("");
    while (rc == OK && xml_find(rest, "Upload", &entry, &rest))
        rc = sweep_one(sweep, entry, count, err);
    *ret_more = xml_find(xml, "IsTruncated", &truncated, NULL) && str_eq(truncated, STR("true"));
    if (rc == OK && *ret_more &&
        (!take_text(xml, "NextKeyMarker", &markers->key) ||
         !take_text(xml, "NextUploadIdMarker", &markers->id)))
        rc = odd_list(err);
    http_result_release(&result);
    return rc;
}

ErrCode s3_sweep_uploads(const S3Sweep *sweep, int *ret_count, Err *err)
{
    Markers markers = {.key = buf_init(64 * 1024), .id = buf_init(64 * 1024)};
    ErrCode rc = OK;
    *ret_count = 0;
    for (bool more = true; more && rc == OK;)
        rc = sweep_page(sweep, &markers, &more, ret_count, err);
    buf_release(&markers.key);
    buf_release(&markers.id);
    return rc;
}
