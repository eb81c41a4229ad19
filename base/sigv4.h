/* base/sigv4.h - signature version 4, with which AWS wants its requests signed. Pure.
 *
 * Our own and not libcurl's: that one (7.88) sends x-amz-date twice when it is given the time, and has no
 * other way to be told it, which a clock that differs from the server's makes necessary; and what it
 * makes of paths, queries and headers changes with its versions. */
#pragma once
#include "base/buf.h"

typedef struct HttpPair {
    const char *name, *value;
} HttpPair;

typedef struct SigV4 {
    const char *access_key, *secret_key, *region, *service;
    const char *body_sha256; /* 64 hex digits */
    UnixSec at;
} SigV4;

enum { SIGV4_DATE_SIZE = 17, SIGV4_HEADERS_MAX = 16 };
void sigv4_date(UnixSec at, char date[static SIGV4_DATE_SIZE]); /* 20150830T123600Z */

/* The value of Authorization is appended to `out`. `path` and `query` are encoded as RFC 3986 has it,
 * the query's parts sorted and each with its `=`. `headers`: all that are signed, with lower-case names,
 * host and x-amz-date among them, at most SIGV4_HEADERS_MAX, in any order; they are sorted. */
void sigv4_authorization(const SigV4 *with, const char *method, Str path, Str query,
                         HttpPair *headers, size_t header_count, Buf *out);
