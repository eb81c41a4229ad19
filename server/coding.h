/* server/coding.h - the codings an answer can be sent in, and which of them a client would rather
 * have. */
#pragma once
#include "base/compress.h"

typedef enum Coding { CODING_NONE, CODING_ZSTD, CODING_GZIP, CODING_COUNT } Coding;

typedef struct CodingInfo {
    const char *name;   /* as Accept-Encoding and Content-Encoding have it */
    const char *suffix; /* of a strong entity tag: the bytes differ */
    ErrCode (*encode)(Str plain, Buf *out, Err *err); /* NULL: sent as it is */
    Codec codec; /* the same piece by piece, where `encode` is not NULL */
} CodingInfo;

extern const CodingInfo CODINGS[CODING_COUNT];

/* Smaller bodies are sent as they are: they fit one packet either way. */
enum { CODING_MIN_BYTES = 1024 };

/* What `accept` (the text of an Accept-Encoding header; none or empty: as it is) likes best; of
 * equals the first of CODINGS that is a coding. Where nothing is acceptable: as it is, which every
 * client can read. */
Coding coding_negotiate(Str accept);
/* Whether a client that sends `accept` could read it. CODING_NONE unless it is refused by name. */
bool coding_is_acceptable(Str accept, Coding coding);
