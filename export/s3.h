/* export/s3.h - one signed request to a bucket, sent until it is answered for good.
 *
 * What passes by itself is tried again with growing, jittered pauses: 5xx, 429, time-outs, cut
 * connections. What the answer teaches is learnt and tried at once: the server's clock, the bucket's
 * region, that the credentials have ended. One thread at a time, s3_hurry() excepted. */
#pragma once
#include "base/http_client.h"

typedef struct S3 S3;

typedef enum S3Style { S3_STYLE_AUTO, S3_STYLE_PATH, S3_STYLE_HOST } S3Style;

typedef struct S3Options {
    /* AWS's own variables: credentials, region, endpoint (AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL). */
    const char *(*env)(const char *name);
    S3Style style; /* AUTO: the path's with an endpoint of one's own, the host's with AWS */
    int attempts;  /* of one request, at most */
    int64_t retry_min_ms, retry_max_ms;
    int64_t deadline_ms, connect_ms, stall_ms; /* of one attempt */
    int64_t part_bytes;                        /* larger objects go up in parts of this size */
    int list_page;                             /* keys asked for at once */
    uint64_t jitter_seed;
} S3Options;

S3Options s3_options_default(const char *(*env)(const char *name), uint64_t jitter_seed);

/* Asks nobody anything yet. Owns: *ret_s3 ends with s3_close().
 * Errors: ERR_INVALID (no bucket's name, an endpoint that is no address), ERR_NO_MEMORY. */
MUST_USE ErrCode s3_open(const S3Options *options, Str bucket, S3 **ret_s3, Err *err);
void s3_close(S3 *s3); /* NULL is fine */
/* Any thread: pauses end, from now on each request is sent once, and from `at_ms` of clock_elapsed_ms() on,
 * or within a second of it, all end with ERR_STOPPED. */
void s3_hurry(S3 *s3, int64_t at_ms);

typedef struct S3Call {
    const char *method;
    Str key; /* none: the bucket itself */
    const HttpPair *query, *headers;
    size_t query_count, header_count;
    Str body; /* none: body_bytes of body_fd from body_at on */
    int body_fd;
    int64_t body_at, body_bytes;
    const char *body_sha256; /* 64 hex digits; NULL: of nothing */
    HttpSinkFn *sink;        /* as in HttpRequest */
    void *sink_ctx;
    bool (*restart)(void *sink_ctx); /* before every attempt; false: cannot */
} S3Call;

/* *ret_result is a 2xx's and ends with http_result_release().
 * Errors: ERR_NOT_FOUND (no such key), ERR_INVALID (refused: permission, signature, no such bucket),
 * ERR_NETWORK and ERR_UPSTREAM (every attempt failed), ERR_STORAGE (the file, or restart), ERR_STOPPED
 * (the sink gave up), those of credentials_get(). */
MUST_USE ErrCode s3_call(S3 *s3, const S3Call *call, HttpResult *ret_result, Err *err);

/* The same, where the body of the answer tells nothing. */
MUST_USE ErrCode s3_send(S3 *s3, const S3Call *call, Err *err);

const S3Options *s3_options(const S3 *s3);
