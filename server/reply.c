#include "server/reply.h"

#include "base/clock.h"
#include "base/log.h"
#include "server/bytes.h"
#include "server/hub.h"
#include "server/paged.h"

#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- being made ------------------------------------------------------------------------------ */

Reply reply_init(size_t max_bytes)
{
    return (Reply){.status = 200, .body = buf_init(max_bytes)};
}

void reply_release(Reply *reply)
{
    paged_drop(TAKE(reply->paged));
    spool_drop(TAKE(reply->spool));
    subscriber_leave(TAKE(reply->subscriber));
    buf_release(&reply->body);
}

void reply_header(Reply *reply, const char *name, Str value)
{
    assert(reply->header_count < REPLY_HEADERS_MAX);
    reply->headers[reply->header_count++] = (Header){name, value};
}

static ErrCode move_to_spool(Reply *reply, Err *err)
{
    ErrCode rc =
        reply->spool == NULL ? spool_begin(reply->spools, SPOOL_SENT, &reply->spool, err) : OK;
    if (rc == OK)
        rc = spool_append(reply->spool, buf_view(&reply->body), err);
    buf_clear(&reply->body);
    return rc;
}

bool reply_more(Reply *reply)
{
    enum { PIECE_BYTES = 1 << 20 };
    Buf *body = &reply->body;
    Err err = {.code = OK};
    size_t least =
        reply->spool == NULL && reply->spools_from > PIECE_BYTES ? reply->spools_from : PIECE_BYTES;
    if (least > body->max / 2)
        least = body->max / 2; /* what may be spooled is not refused for want of memory */
    if (reply->spools == NULL || body->error != OK || body->len < least)
        return body->error == OK;
    ErrCode rc = move_to_spool(reply, &err);
    if (rc == ERR_STORAGE)
        log_warn("http spool failed error=" LOG_TEXT, err.text);
    body->error = rc;
    return rc == OK;
}

/* As Repr-Digest has it [RFC 9530]. */
static void put_digest(const char *base64, char header[static DIGEST_SIZE])
{
    (void) snprintf(header, DIGEST_SIZE, "sha-256=:%s:", base64);
}

ErrCode reply_seal(Reply *reply, Err *err)
{
    char digest[SHA256_BASE64_SIZE];
    ErrCode rc = buf_check(&reply->body, err); /* nothing is cut in silence */
    if (rc != OK || reply->spool == NULL)
        return rc;
    rc = move_to_spool(reply, err);
    if (rc != OK)
        return rc;
    spool_end(reply->spool, digest);
    put_digest(digest, reply->digest);
    reply_header(reply, "Repr-Digest", str_of(reply->digest));
    reply_header(reply, "Accept-Ranges", STR("bytes"));
    return OK;
}

/* The one place where an error of ours becomes an HTTP status. */
static const ProblemType PROBLEM_OF[ERR_CODE_COUNT] = {
    [ERR_INVALID] = PROBLEM_BAD_PARAMETER, [ERR_NOT_FOUND] = PROBLEM_NOT_FOUND,
    [ERR_FORMAT] = PROBLEM_UNAVAILABLE,    [ERR_TOO_LARGE] = PROBLEM_TOO_LARGE,
    [ERR_BUSY] = PROBLEM_OVERLOADED,       [ERR_NETWORK] = PROBLEM_UNAVAILABLE,
    [ERR_UPSTREAM] = PROBLEM_UNAVAILABLE,  [ERR_STORAGE] = PROBLEM_UNAVAILABLE,
    [ERR_CORRUPT] = PROBLEM_UNAVAILABLE,   [ERR_NO_MEMORY] = PROBLEM_OVERLOADED,
    [ERR_STOPPED] = PROBLEM_UNAVAILABLE,
};

void reply_fail(Reply *reply, Arena *arena, ErrCode code, const Err *err)
{
    const ProblemInfo *info = &PROBLEMS[PROBLEM_OF[code]];
    bool is_ours = info->status >= 500; /* what failed inside is for the log, not for the client */
    problem_set(&reply->problem, PROBLEM_OF[code],
                is_ours ? str_of(info->help) : arena_format(arena, "%s", err->text));
}

void reply_render_problem(Reply *reply, Arena *arena)
{
    const ProblemInfo *info = &PROBLEMS[reply->problem.type];
    reply->status = info->status;
    reply->content_type = "application/problem+json";
    reply->is_bare = false;
    buf_clear(&reply->body);
    spool_drop(TAKE(reply->spool));
    paged_drop(TAKE(reply->paged));
    problem_render(&reply->problem, &reply->body);
    if (info->retry_after_s > 0)
        reply_header(reply, "Retry-After", arena_format(arena, "%u", info->retry_after_s));
}

/* ---- finished -------------------------------------------------------------------------------- */

struct Finished {
    _Atomic unsigned count;
    unsigned status;
    bool is_bare; /* goes to HEAD alone */
    UnixSec expires;
    Bytes *bytes;
    struct MHD_Response *response; /* shared by all who need no header of their own */
};

/* What libmicrohttpd allocates for a response and its headers, about. */
enum { RESPONSE_BYTES = 2000 };
static const char EXPIRES[] = "Expires", ETAG[] = "ETag", DIGEST[] = "Repr-Digest";

static void drop_bytes(void *bytes)
{
    bytes_drop(bytes);
}

static Slice all_of(const Bytes *bytes)
{
    return (Slice){.from = 0, .len = bytes->len};
}

/* From a file: by a descriptor of its own, which libmicrohttpd closes. The file outlives the bytes
 * while it is being sent. */
static struct MHD_Response *response_over_file(int fd, Slice slice)
{
    struct MHD_Response *response =
        fd >= 0 ? MHD_create_response_from_fd_at_offset64(slice.len, fd, slice.from) : NULL;
    if (response == NULL && fd >= 0)
        (void) close(fd);
    return response;
}

static struct MHD_Response *response_over(Bytes *bytes, Slice slice)
{
    if (bytes_is_file(bytes))
        return response_over_file(bytes_dup(bytes), slice);
    struct MHD_Response *response = MHD_create_response_from_buffer_with_free_callback_cls(
        slice.len, bytes->len > 0 ? bytes->ptr + slice.from : NULL, drop_bytes, bytes_keep(bytes));
    if (response == NULL)
        bytes_drop(bytes);
    return response;
}

static ssize_t read_nothing(void *cls, uint64_t position, char *bytes, size_t max)
{
    (void) cls;
    (void) position;
    (void) bytes;
    (void) max;
    return MHD_CONTENT_READER_END_OF_STREAM; /* HEAD never comes here */
}

/* For HEAD, of a body whose length is not known. libmicrohttpd would say that it comes in chunks, and
 * send the last of them too, unless the connection ends with it. */
static struct MHD_Response *response_without_body(void)
{
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 1, read_nothing, NULL, NULL);
    if (response != NULL)
        (void) MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
    return response;
}

static bool add_headers(struct MHD_Response *response, const Header *headers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char text[REPLY_HEADER_MAX_BYTES + 1];
        Str value = headers[i].value;
        assert(value.len < sizeof text);
        memcpy(text, value.ptr, value.len);
        text[value.len] = '\0';
        if (MHD_add_response_header(response, headers[i].name, text) != MHD_YES)
            return false;
    }
    return true;
}

static bool add_expires(struct MHD_Response *response, UnixSec expires)
{
    char text[CLOCK_HTTP_SIZE];
    if (expires == NO_TIME)
        return true;
    clock_format_http(expires, text);
    return MHD_add_response_header(response, EXPIRES, text) == MHD_YES;
}

/* Takes one count of `bytes` and the response, whatever comes of it. */
static Finished *finished_new(unsigned status, UnixSec expires, Bytes *bytes,
                              struct MHD_Response *response)
{
    Finished *made = response != NULL ? malloc(sizeof *made) : NULL;
    if (made == NULL) {
        if (response != NULL)
            MHD_destroy_response(response);
        bytes_drop(bytes);
        return NULL;
    }
    *made = (Finished){
        .count = 1, .status = status, .expires = expires, .bytes = bytes, .response = response};
    return made;
}

/* The response, or NULL when something could not be added to it. */
static struct MHD_Response *unless(bool failed, struct MHD_Response *response)
{
    if (!failed)
        return response;
    MHD_destroy_response(response);
    return NULL;
}

Finished *reply_finish(Reply *reply, UnixSec expires)
{
    if (reply->is_bare)
        buf_clear(&reply->body);
    Bytes *bytes =
        reply->spool != NULL ? bytes_of_spool(TAKE(reply->spool)) : bytes_take(&reply->body);
    if (bytes == NULL)
        return NULL;
    struct MHD_Response *response =
        reply->is_bare ? response_without_body() : response_over(bytes, all_of(bytes));
    if (reply->content_type != NULL)
        reply_header(reply, "Content-Type", str_of(reply->content_type));
    if (response != NULL)
        response = unless(!add_headers(response, reply->headers, reply->header_count) ||
                              !add_expires(response, expires),
                          response);
    Finished *finished = finished_new(reply->status, expires, bytes, response);
    if (finished != NULL)
        finished->is_bare = reply->is_bare;
    return finished;
}

/* Where a response becomes another: all headers but `without`. */
typedef struct Copying {
    struct MHD_Response *to;
    const char *const *without; /* ends with NULL; NULL: none is left out */
    bool failed;
} Copying;

static bool is_left_out(const Copying *copying, const char *name)
{
    const char *const *names = copying->without;
    while (names != NULL && *names != NULL && strcmp(name, *names) != 0)
        names++;
    return names != NULL && *names != NULL;
}

static enum MHD_Result copy_header(void *cls, enum MHD_ValueKind kind, const char *name,
                                   const char *value)
{
    (void) kind;
    Copying *copying = cls;
    if (is_left_out(copying, name))
        return MHD_YES;
    copying->failed = MHD_add_response_header(copying->to, name, value) != MHD_YES;
    return copying->failed ? MHD_NO : MHD_YES;
}

/* The headers of `finished` over `bytes`. */
static struct MHD_Response *response_like(const Finished *finished, Bytes *bytes, Slice slice,
                                          const char *const *without)
{
    Copying copying = {.to = finished->is_bare ? response_without_body()
                                               : response_over(bytes, slice),
                       .without = without};
    if (copying.to == NULL)
        return NULL;
    (void) MHD_get_response_headers(finished->response, copy_header, &copying);
    return unless(copying.failed, copying.to);
}

Finished *finished_again(Finished *finished, UnixSec expires)
{
    struct MHD_Response *response = response_like(
        finished, finished->bytes, all_of(finished->bytes), (const char *const[]){EXPIRES, NULL});
    if (response != NULL)
        response = unless(!add_expires(response, expires), response);
    return finished_new(finished->status, expires, bytes_keep(finished->bytes), response);
}

static enum MHD_Result put_header(void *cls, enum MHD_ValueKind kind, const char *name,
                                  const char *value)
{
    (void) kind;
    Buf *out = cls;
    if (strcmp(name, EXPIRES) != 0) {
        buf_put(out, name, strlen(name) + 1);
        buf_put(out, value, strlen(value) + 1);
    }
    return MHD_YES;
}

void finished_put_headers(const Finished *finished, Buf *out)
{
    (void) MHD_get_response_headers(finished->response, put_header, out);
}

static bool add_block_headers(struct MHD_Response *response, const char *at, const char *end)
{
    while (at < end) {
        const char *value = at + strlen(at) + 1;
        if (MHD_add_response_header(response, at, value) != MHD_YES)
            return false;
        at = value + strlen(value) + 1;
    }
    return true;
}

Finished *finished_of_block(unsigned status, UnixSec expires, char *block, size_t headers_bytes,
                            size_t body_bytes)
{
    const char *body = block + headers_bytes;
    Bytes *bytes = bytes_of_block(block, headers_bytes, body_bytes);
    if (bytes == NULL)
        return NULL;
    struct MHD_Response *response = response_over(bytes, all_of(bytes));
    if (response != NULL)
        response = unless(
            !add_block_headers(response, block, body) || !add_expires(response, expires), response);
    return finished_new(status, expires, bytes, response);
}

/* "tag" as "tag-gzip" */
static bool add_coded_etag(struct MHD_Response *response, Str etag, const CodingInfo *coding)
{
    char text[128];
    if (etag.len < 2)
        return true;
    int len = snprintf(text, sizeof text, "%.*s%s\"", (int) etag.len - 1, etag.ptr, coding->suffix);
    assert(len > 0 && (size_t) len < sizeof text);
    return MHD_add_response_header(response, ETAG, text) == MHD_YES;
}

static Bytes *encode_body(Str plain, Coding coding)
{
    enum { ROOM_BYTES = 64 * 1024 };
    Err err = {.code = OK};
    CLEANUP(buf_release) Buf coded = buf_init(plain.len * 2 + ROOM_BYTES);
    return CODINGS[coding].encode(plain, &coded, &err) == OK ? bytes_take(&coded) : NULL;
}

static Bytes *encode_spool(const Spool *plain, Coding coding, Spools *spools, char *header)
{
    char digest[SHA256_BASE64_SIZE];
    Spool *coded = NULL;
    Err err = {.code = OK};
    ErrCode rc = spool_compress(spools, plain, CODINGS[coding].codec, &coded, digest, &err);
    if (rc == ERR_STORAGE)
        log_warn("http spool failed error=" LOG_TEXT, err.text);
    if (rc != OK)
        return NULL;
    put_digest(digest, header);
    return bytes_of_spool(coded);
}

Finished *finished_coded(const Finished *finished, Coding coding, Spools *spools)
{
    const CodingInfo *info = &CODINGS[coding];
    const Spool *spool = finished->bytes->spool;
    char digest[DIGEST_SIZE];
    Bytes *bytes = spool != NULL ? encode_spool(spool, coding, spools, digest)
                                 : encode_body(finished_body(finished), coding);
    if (bytes == NULL)
        return NULL;
    struct MHD_Response *response =
        response_like(finished, bytes, all_of(bytes), (const char *const[]){ETAG, DIGEST, NULL});
    bool failed = response == NULL ||
                  !add_coded_etag(response, finished_header(finished, ETAG), info) ||
                  MHD_add_response_header(response, "Content-Encoding", info->name) != MHD_YES ||
                  (spool != NULL && MHD_add_response_header(response, DIGEST, digest) != MHD_YES);
    if (failed && response != NULL)
        response = unless(true, response);
    return finished_new(finished->status, finished->expires, bytes, response);
}

Finished *finished_part(const Finished *finished, Slice slice)
{
    char text[80];
    Bytes *bytes = finished->bytes;
    (void) snprintf(text, sizeof text, "bytes %zu-%zu/%zu", slice.from, slice.from + slice.len - 1,
                    bytes->len);
    struct MHD_Response *response = response_like(finished, bytes, slice, NULL);
    if (response != NULL)
        response =
            unless(MHD_add_response_header(response, "Content-Range", text) != MHD_YES, response);
    return finished_new(206, finished->expires, bytes_keep(bytes), response);
}

Finished *finished_keep(Finished *finished)
{
    (void) atomic_fetch_add_explicit(&finished->count, 1, memory_order_relaxed);
    return finished;
}

void finished_drop(Finished *finished)
{
    if (finished == NULL ||
        atomic_fetch_sub_explicit(&finished->count, 1, memory_order_acq_rel) > 1)
        return;
    MHD_destroy_response(finished->response);
    bytes_drop(finished->bytes);
    free(finished);
}

void finished_dropp(Finished **finished)
{
    finished_drop(*finished);
}

bool finished_queue(Finished *finished, struct MHD_Connection *connection, const Header *extra,
                    size_t extra_count)
{
    if (extra_count == 0)
        return MHD_queue_response(connection, finished->status, finished->response) == MHD_YES;
    struct MHD_Response *response =
        response_like(finished, finished->bytes, all_of(finished->bytes), NULL);
    if (response != NULL)
        response = unless(!add_headers(response, extra, extra_count), response);
    if (response == NULL)
        return false;
    bool queued = MHD_queue_response(connection, finished->status, response) == MHD_YES;
    MHD_destroy_response(response); /* the connection has its own count */
    return queued;
}

/* libmicrohttpd gives each response a buffer of its own, which only HTTP/1.0 uses: chunks are
 * made in the memory of the connection. More than a page of that at once would only be touched. */
enum { STREAM_BUFFER_BYTES = 256, STREAM_CHUNK_BYTES = 4096 };

static ssize_t read_stream(void *cls, uint64_t position, char *bytes, size_t max)
{
    (void) position;
    ssize_t len = subscriber_read(cls, bytes, max < STREAM_CHUNK_BYTES ? max : STREAM_CHUNK_BYTES);
    return len >= 0 ? len : MHD_CONTENT_READER_END_OF_STREAM;
}

static void end_stream(void *cls)
{
    subscriber_leave(cls);
}

bool finished_queue_stream(const Finished *finished, struct MHD_Connection *connection,
                           const Header *extra, size_t extra_count, Subscriber *subscriber)
{
    Copying copying = {.to =
                           MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BUFFER_BYTES,
                                                             read_stream, subscriber, end_stream)};
    if (copying.to == NULL) {
        subscriber_leave(subscriber);
        return false;
    }
    (void) MHD_get_response_headers(finished->response, copy_header, &copying);
    bool queued = !copying.failed && add_headers(copying.to, extra, extra_count) &&
                  MHD_queue_response(connection, finished->status, copying.to) == MHD_YES;
    MHD_destroy_response(copying.to); /* the connection has its own count */
    return queued;
}

unsigned finished_status(const Finished *finished)
{
    return finished->status;
}

UnixSec finished_expires(const Finished *finished)
{
    return finished->expires;
}

Str finished_body(const Finished *finished)
{
    const Bytes *bytes = finished->bytes;
    return bytes->ptr != NULL ? (Str){bytes->ptr, bytes->len} : STR("");
}

size_t finished_body_bytes(const Finished *finished)
{
    return finished->bytes->len;
}

bool finished_is_spooled(const Finished *finished)
{
    return finished->bytes->spool != NULL;
}

Str finished_header(const Finished *finished, const char *name)
{
    return str_of(MHD_get_response_header(finished->response, name));
}

size_t finished_memory_bytes(const Finished *finished)
{
    return sizeof *finished + sizeof *finished->bytes + finished_body(finished).len +
           RESPONSE_BYTES;
}
