#include "export/blob_s3.h"

#include "base/clock.h"
#include "base/file.h"
#include "export/s3_upload.h"
#include "export/xml.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    PREFIX_MAX = 512,
    KEY_MAX_BYTES = 1024, /* S3's own limit */
    WHOLE_ATTEMPTS = 3,   /* of an object that came damaged */
};

static const char SCHEME[] = "s3://";

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

/* ---- put and get -------------------------------------------------------------------------------- */

static ErrCode s3_put(void *ctx, Str key, const char *content_type, const char *storage_class,
                      const BlobBody *body, Err *err)
{
    Bucket *bucket = ctx;
    CLEANUP(buf_release) Buf full = buf_init(KEY_MAX_BYTES + 1);
    ErrCode rc = full_key(bucket, key, &full, err);
    if (rc != OK)
        return rc;
    const S3Upload upload = {.s3 = bucket->s3,
                             .key = buf_view(&full),
                             .content_type = content_type,
                             .storage_class = storage_class,
                             .body = body};
    return s3_upload(&upload, err);
}

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
    Str want = http_result_field(&result, S3_DIGEST_FIELD);
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
    rc = s3_send(bucket->s3, &call, err);
    return rc == ERR_NOT_FOUND ? OK : rc;
}

static ErrCode s3_sweep(void *ctx, UnixSec before, BlobTestFn *is_meant, void *test_ctx,
                        int *ret_count, Err *err)
{
    Bucket *bucket = ctx;
    const S3Sweep sweep = {.s3 = bucket->s3,
                           .prefix = bucket->prefix,
                           .before = before,
                           .is_meant = is_meant,
                           .test_ctx = test_ctx};
    return s3_sweep_uploads(&sweep, ret_count, err);
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
        .sweep = s3_sweep,
        .describe = s3_describe,
        .hurry = s3_make_haste,
        .close = bucket_close,
    };
    return OK;
}
