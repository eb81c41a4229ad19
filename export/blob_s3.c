#include "export/blob_s3.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "export/xml.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    PREFIX_MAX = 512,
    KEY_MAX_BYTES = 1024, /* S3's own limit */
    PARTS_MAX = 9000,     /* S3 takes 10,000 */
    WHOLE_ATTEMPTS = 3,   /* of an object that came damaged */
};

static const char SCHEME[] = "s3://", DIGEST[] = "x-amz-meta-sha256";

typedef struct Bucket {
    S3 *s3;
    char url[PREFIX_MAX + 80]; /* for describe() */
    char prefix[PREFIX_MAX];   /* "" or ending in a slash */
} Bucket;

bool blob_s3_is_url(const char *url)
{
    return str_starts(str_of(url), str_of(SCHEME));
}

/* ---- keys -------------------------------------------------------------------------------------- */

/* The prefix in front; `out` is cleared. */
static ErrCode full_key(const Bucket *bucket, Str key, Buf *out, Err *err)
{
    buf_clear(out);
    buf_put_str(out, str_of(bucket->prefix));
    buf_put_str(out, key);
    if (out->error != OK || key.len == 0 || memchr(key.ptr, '\0', key.len) != NULL)
        return err_set(err, ERR_INVALID, "s3: '" STR_FMT "' cannot be a key", STR_ARG(key));
    return OK;
}

/* ---- put: one request -------------------------------------------------------------------------- */

enum { PUT_HEADERS_MAX = 3 };

/* What an object carries, whichever way it goes up. */
static size_t object_headers(const char *content_type, const char *storage_class,
                             const char *sha256, HttpPair headers[static PUT_HEADERS_MAX])
{
    size_t count = 0;
    headers[count++] = (HttpPair){"content-type", content_type};
    headers[count++] = (HttpPair){DIGEST, sha256};
    if (storage_class != NULL)
        headers[count++] = (HttpPair){"x-amz-storage-class", storage_class};
    return count;
}

typedef struct Upload {
    Bucket *bucket;
    Str key; /* with its prefix */
    const BlobBody *body;
    char sha256[SHA256_HEX_SIZE];
    HttpPair headers[PUT_HEADERS_MAX];
    size_t header_count;
} Upload;

static ErrCode send(Bucket *bucket, const S3Call *call, Err *err)
{
    HttpResult result;
    ErrCode rc = s3_call(bucket->s3, call, &result, err);
    if (rc == OK)
        http_result_release(&result);
    return rc;
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
    return send(upload->bucket, &call, err);
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
    ErrCode rc = s3_call(upload->bucket->s3, &call, &result, err);
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
    rc = s3_call(upload->bucket->s3, &call, &result, err);
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
    int64_t bytes = upload->body->bytes, size = s3_options(upload->bucket->s3)->part_bytes;
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
    ErrCode rc = s3_call(upload->bucket->s3, &call, &result, err);
    if (rc != OK)
        return rc;
    *ret = str_eq(http_result_field(&result, DIGEST), str_of(upload->sha256));
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
    ErrCode rc = send(upload->bucket, &call, err);
    Err other;
    bool there = false;
    if (rc == ERR_NOT_FOUND && is_there(upload, &there, &other) == OK && there)
        return OK;
    return rc == ERR_NOT_FOUND ? err_set(err, ERR_UPSTREAM, "s3: an upload was lost") : rc;
}

/* What was begun and not completed is paid for until it is aborted. */
static void abort_parts(const Upload *upload, const char *id)
{
    const HttpPair query = {"uploadId", id};
    const S3Call call = {.method = "DELETE", .key = upload->key, .query = &query, .query_count = 1};
    Err err;
    if (send(upload->bucket, &call, &err) != OK)
        log_warn("s3 an upload stays behind key=" LOG_TEXT " error=" LOG_TEXT, upload->key.ptr,
                 err.text);
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
    if (rc != OK)
        abort_parts(upload, id.ptr);
    return rc;
}

static ErrCode s3_put(void *ctx, Str key, const char *content_type, const char *storage_class,
                      const BlobBody *body, Err *err)
{
    Bucket *bucket = ctx;
    CLEANUP(buf_release) Buf full = buf_init(KEY_MAX_BYTES + 1);
    ErrCode rc = full_key(bucket, key, &full, err);
    if (rc != OK)
        return rc;
    Upload upload = {.bucket = bucket, .key = buf_view(&full), .body = body};
    sha256_hex(body->sha256, upload.sha256);
    upload.header_count =
        object_headers(content_type, storage_class, upload.sha256, upload.headers);
    bool in_parts = str_is_none(body->memory) && body->bytes > s3_options(bucket->s3)->part_bytes;
    return in_parts ? put_in_parts(&upload, err) : put_whole(&upload, err);
}

/* ---- get --------------------------------------------------------------------------------------- */

/* Where a body goes: to the end of a Buf, or of a file. What was there before stays. */
typedef struct Arrival {
    Buf *buf; /* NULL: to the file */
    int fd;
    size_t buf_from;
    off_t file_from;
    Sha256 *sha;
    ErrCode failed; /* of our own making */
    int failed_errno;
} Arrival;

static bool arrive(Str bytes, void *ctx)
{
    Arrival *to = ctx;
    sha256_add(to->sha, bytes);
    if (to->buf != NULL) {
        buf_put_str(to->buf, bytes);
        to->failed = to->buf->error;
    }
    if (to->buf == NULL && !file_write(to->fd, bytes)) {
        to->failed = ERR_STORAGE;
        to->failed_errno = errno;
    }
    return to->failed == OK;
}

static bool begin_arrival(void *ctx)
{
    Arrival *to = ctx;
    sha256_free(to->sha);
    to->sha = sha256_new();
    if (to->sha == NULL)
        return false;
    if (to->buf != NULL) {
        to->buf->len = to->buf_from;
        return true;
    }
    return ftruncate(to->fd, to->file_from) == 0 &&
           lseek(to->fd, to->file_from, SEEK_SET) == to->file_from;
}

static ErrCode explain(const Arrival *to, ErrCode rc, Err *err)
{
    if (to->failed == ERR_STORAGE)
        return err_set(err, ERR_STORAGE, "s3: what comes cannot be written: %s",
                       strerror(to->failed_errno));
    return to->failed != OK ? buf_check(to->buf, err) : rc;
}

/* *ret_whole: it is as it was put, or was put by somebody who did not say. */
static ErrCode get_once(Bucket *bucket, Str key, Arrival *to, bool *ret_whole, Err *err)
{
    const S3Call call = {
        .method = "GET", .key = key, .sink = arrive, .sink_ctx = to, .restart = begin_arrival};
    unsigned char digest[SHA256_BYTES];
    char sha256[SHA256_HEX_SIZE];
    HttpResult result;
    ErrCode rc = s3_call(bucket->s3, &call, &result, err);
    if (rc != OK)
        return explain(to, rc, err);
    Str want = http_result_field(&result, DIGEST);
    sha256_end(to->sha, digest);
    sha256_hex(digest, sha256);
    *ret_whole = str_is_none(want) || str_eq(want, str_of(sha256));
    http_result_release(&result);
    return OK;
}

static ErrCode get_to(Bucket *bucket, Str key, Arrival *to, Err *err)
{
    CLEANUP(buf_release) Buf full = buf_init(KEY_MAX_BYTES + 1);
    bool whole = false;
    ErrCode rc = full_key(bucket, key, &full, err);
    for (int i = 0; i < WHOLE_ATTEMPTS && rc == OK && !whole; i++)
        rc = get_once(bucket, buf_view(&full), to, &whole, err);
    sha256_free(to->sha);
    if (rc == OK && !whole)
        rc = err_set(err, ERR_UPSTREAM, "s3: '" STR_FMT "' comes damaged", STR_ARG(key));
    return rc;
}

static ErrCode s3_get(void *ctx, Str key, Buf *out, Err *err)
{
    Arrival to = {.buf = out, .fd = -1, .buf_from = out->len};
    return get_to(ctx, key, &to, err);
}

static ErrCode s3_get_file(void *ctx, Str key, int fd, Err *err)
{
    Arrival to = {.fd = fd, .file_from = lseek(fd, 0, SEEK_END)};
    if (to.file_from < 0)
        return err_set(err, ERR_STORAGE, "s3: no file to write to: %s", strerror(errno));
    return get_to(ctx, key, &to, err);
}

/* ---- list -------------------------------------------------------------------------------------- */

typedef struct Page {
    const Bucket *bucket;
    BlobFn *each;
    void *each_ctx;
    bool goes_on;
    Buf key; /* scratch */
    Buf next;
} Page;

static ErrCode odd_page(Err *err)
{
    return err_set(err, ERR_UPSTREAM, "s3: a list that is none");
}

static ErrCode take_entry(Page *page, Str entry, Err *err)
{
    Str name, size, modified, prefix = str_of(page->bucket->prefix);
    int64_t bytes = 0;
    UnixSec when = NO_TIME;
    buf_clear(&page->key);
    if (!xml_find(entry, "Key", &name, NULL) || !xml_find(entry, "Size", &size, NULL) ||
        !xml_find(entry, "LastModified", &modified, NULL) || !xml_put_text(&page->key, name) ||
        !str_to_int(size, &bytes) || !clock_parse(modified, &when) ||
        !str_starts(buf_view(&page->key), prefix))
        return odd_page(err);
    Str key = {page->key.ptr + prefix.len, page->key.len - prefix.len};
    page->goes_on = page->each(key, bytes, when, page->each_ctx);
    return OK;
}

static ErrCode take_page(Page *page, Str xml, Err *err)
{
    Str entry, rest = xml, truncated = STR(""), next;
    ErrCode rc = OK;
    while (rc == OK && page->goes_on && xml_find(rest, "Contents", &entry, &rest))
        rc = take_entry(page, entry, err);
    buf_clear(&page->next);
    if (rc != OK || !page->goes_on || !xml_find(xml, "IsTruncated", &truncated, NULL) ||
        !str_eq(truncated, STR("true"))) {
        page->goes_on = false;
        return rc;
    }
    if (!xml_find(xml, "NextContinuationToken", &next, NULL) || !xml_put_text(&page->next, next))
        return odd_page(err);
    buf_put_char(&page->next, '\0');
    return OK;
}

static ErrCode list_page(Bucket *bucket, const char *prefix, Page *page, Err *err)
{
    char page_keys[16];
    (void) snprintf(page_keys, sizeof page_keys, "%d", s3_options(bucket->s3)->list_page);
    const HttpPair query[] = {{"list-type", "2"},
                              {"max-keys", page_keys},
                              {"prefix", prefix},
                              {"continuation-token", page->next.len > 0 ? page->next.ptr : ""}};
    const S3Call call = {.method = "GET",
                         .key = STR_NONE,
                         .query = query,
                         .query_count = countof(query) - (page->next.len > 0 ? 0 : 1)};
    HttpResult result;
    ErrCode rc = s3_call(bucket->s3, &call, &result, err);
    if (rc != OK)
        return rc;
    rc = take_page(page, buf_view(&result.body), err);
    http_result_release(&result);
    return rc;
}

static ErrCode s3_list(void *ctx, Str prefix, BlobFn *each, void *each_ctx, Err *err)
{
    Bucket *bucket = ctx;
    CLEANUP(buf_release) Buf full = buf_init(KEY_MAX_BYTES + 1);
    Page page = {.bucket = bucket,
                 .each = each,
                 .each_ctx = each_ctx,
                 .goes_on = true,
                 .key = buf_init(64 * 1024),
                 .next = buf_init(64 * 1024)};
    buf_put_str(&full, str_of(bucket->prefix));
    buf_put_str(&full, prefix);
    buf_put_char(&full, '\0');
    ErrCode rc = buf_check(&full, err);
    while (rc == OK && page.goes_on)
        rc = list_page(bucket, full.ptr, &page, err);
    buf_release(&page.key);
    buf_release(&page.next);
    return rc;
}

/* ---- the rest ---------------------------------------------------------------------------------- */

static ErrCode s3_remove(void *ctx, Str key, Err *err)
{
    Bucket *bucket = ctx;
    CLEANUP(buf_release) Buf full = buf_init(KEY_MAX_BYTES + 1);
    ErrCode rc = full_key(bucket, key, &full, err);
    if (rc != OK)
        return rc;
    const S3Call call = {.method = "DELETE", .key = buf_view(&full)};
    rc = send(bucket, &call, err);
    return rc == ERR_NOT_FOUND ? OK : rc;
}

static void s3_describe(void *ctx, Buf *out)
{
    const Bucket *bucket = ctx;
    buf_put_str(out, str_of(bucket->url));
}

static void s3_make_haste(void *ctx, int64_t at_ms)
{
    const Bucket *bucket = ctx;
    s3_hurry(bucket->s3, at_ms);
}

static void bucket_close(void *ctx)
{
    Bucket *bucket = ctx;
    s3_close(bucket->s3);
    free(bucket);
}

ErrCode blob_s3_open(const char *url, const S3Options *options, BlobStore *ret_blobs, Err *err)
{
    Str name = {url + strlen(SCHEME), strlen(url) - strlen(SCHEME)}, prefix = STR("");
    (void) str_cut(name, '/', &name, &prefix);
    while (str_ends(prefix, STR("/")))
        prefix.len--;
    if (prefix.len >= PREFIX_MAX - 1)
        return err_set(err, ERR_INVALID, "s3: the prefix in '%.100s...' is too long", url);
    Bucket *bucket = calloc(1, sizeof *bucket);
    if (bucket == NULL)
        return err_set(err, ERR_NO_MEMORY, "s3: no memory");
    (void) snprintf(bucket->url, sizeof bucket->url, "%s" STR_FMT "%s" STR_FMT, SCHEME,
                    STR_ARG(name), prefix.len > 0 ? "/" : "", STR_ARG(prefix));
    (void) snprintf(bucket->prefix, sizeof bucket->prefix, STR_FMT "%s", STR_ARG(prefix),
                    prefix.len > 0 ? "/" : "");
    ErrCode rc = s3_open(options, name, &bucket->s3, err);
    if (rc != OK) {
        free(bucket);
        return rc;
    }
    *ret_blobs = (BlobStore){
        .ctx = bucket,
        .put = s3_put,
        .get = s3_get,
        .get_file = s3_get_file,
        .list = s3_list,
        .remove = s3_remove,
        .describe = s3_describe,
        .hurry = s3_make_haste,
        .close = bucket_close,
    };
    return OK;
}
