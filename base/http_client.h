/* base/http_client.h - one HTTP exchange at a time: deadline, ceiling, validators, and signatures of
 * AWS (base/sigv4.h). The only user of libcurl.
 *
 * A client keeps its connections for reuse and belongs to one thread. */
#pragma once
#include "base/sigv4.h"
#include "base/text_file.h"

typedef struct HttpClient HttpClient;

typedef struct HttpClientOptions {
    const char *user_agent;
    int64_t deadline_ms; /* for a whole exchange, redirects included */
    int64_t connect_ms;
    int64_t stall_ms;      /* no byte either way for so long ends it */
    size_t max_body_bytes; /* decoded */
    const char *spool_dir; /* where a body too large for memory goes; borrowed; NULL: nowhere */
    long max_redirects;
    bool no_proxy; /* whatever the environment says: for addresses that only this machine has */
} HttpClientOptions;

typedef struct HttpResult {
    long status;            /* 0: no answer came */
    Buf body;               /* decoded; owned; released by http_result_release(); or, where */
    TextFile text;          /* it is too large for memory, here: see http_body() */
    Buf head;               /* of http_send() only: the fields as they came; owned */
    char content_type[96];  /* "" when absent; lower case, without parameters */
    char last_modified[64]; /* as sent; to be given back as if_modified_since */
    char etag[128];
    UnixSec date;          /* the server's clock; NO_TIME when it does not say */
    int64_t age_s;         /* 0 when it does not say */
    int64_t retry_after_s; /* 0 when it does not say; a date is turned into seconds */
    uint64_t wire_bytes;   /* of body, as transferred */
    int64_t first_byte_us; /* clock_elapsed_us() when the first byte of the body came */
} HttpResult;

/* Owns: *ret_client ends with http_client_close(). Errors: ERR_NO_MEMORY. */
MUST_USE ErrCode http_client_open(const HttpClientOptions *options, HttpClient **ret_client,
                                  Err *err);
void http_client_close(HttpClient *client);
/* Since it was opened: redirects and what failed included, bytes of bodies as transferred. */
typedef struct HttpTotals {
    int64_t requests, wire_bytes;
} HttpTotals;
HttpTotals http_client_totals(const HttpClient *client);
/* From here on at most so many requests, redirects among them, and bytes. It begins with no limit. */
void http_client_allow(HttpClient *client, int64_t requests, int64_t wire_bytes);

/* Any thread: makes a request under way end with ERR_STOPPED soon, and every later one at once. */
void http_client_stop(HttpClient *client);
/* The same, from `at_ms` of clock_elapsed_ms() on, or within a second of it. */
void http_client_stop_at(HttpClient *client, int64_t at_ms);

/* GETs `url`, following redirects to http and https only. `last_modified` and `etag`, where not
 * empty, become conditions. Any status is a success here; judging it is the caller's.
 * Errors: ERR_BUSY (what http_client_allow() allowed is spent), ERR_NETWORK (no connection, name, TLS,
 * time-out, cut off, endless redirects),
 * ERR_TOO_LARGE (body beyond the ceiling), ERR_STORAGE (no room for it in spool_dir), ERR_FORMAT (coding that does not decode), ERR_STOPPED. */
MUST_USE ErrCode http_get(HttpClient *client, const char *url, const char *last_modified,
                          const char *etag, HttpResult *ret_result, Err *err);
void http_result_release(HttpResult *result);
/* Borrows the result. */
Str http_body(const HttpResult *result);
/* All of *result; its body and head, which are large, stay with the caller no more. */
HttpResult http_result_take(HttpResult *result);

/* ---- requests of every kind ---------------------------------------------------------------------- */

typedef struct HttpSigning {
    SigV4 with;        /* at: the server's time, as far as we know */
    const char *token; /* of the session; "" or NULL: none */
    bool says_digest;  /* x-amz-content-sha256, as S3 wants it */
} HttpSigning;

typedef bool HttpSinkFn(Str bytes, void *ctx); /* false: give the transfer up */

/* All texts are as they are meant: encoding and order are made here. */
typedef struct HttpRequest {
    const char *method; /* GET, HEAD, PUT, POST, DELETE */
    const char *origin; /* http://host[:port]; with an empty path, a whole address as it stands */
    Str path;           /* "/bucket/dt=2026-11-22/a b" */
    const HttpPair *query, *headers;
    size_t query_count, header_count;
    Str body;    /* of PUT and POST; none: body_bytes from body_fd, of PUT only */
    int body_fd; /* read with pread(): its position stays */
    int64_t body_at, body_bytes;
    HttpSinkFn *sink; /* takes the body of a 2xx in place of the result's; NULL: nobody */
    void *sink_ctx;
    const HttpSigning *signing; /* NULL: not signed */
} HttpRequest;

/* Sends it, once, following nothing. Any status is a success here. Names of headers are lower case.
 * Errors: those of http_get(), ERR_STORAGE (body_fd cannot be read), ERR_STOPPED also where the sink
 * gave up. */
MUST_USE ErrCode http_send(HttpClient *client, const HttpRequest *request, HttpResult *ret_result,
                           Err *err);
/* A field of the answer to http_send(), case ignored; none when it is not there. Borrowed. */
Str http_result_field(const HttpResult *result, const char *name);

/* Percent-encodes all but unreserved characters (RFC 3986 2.3). */
void http_put_encoded(Buf *out, Str text);
