/* base/sha256.h - SHA-256 of bytes that come in pieces. One thread at a time. */
#pragma once
#include "base/err.h"
#include "base/str.h"

typedef struct Sha256 Sha256;
enum { SHA256_BYTES = 32, SHA256_BASE64_SIZE = 45 };

/* NULL: no memory. Owns: ends with sha256_free(). */
Sha256 *sha256_new(void);
void sha256_free(Sha256 *sha); /* NULL is fine */
void sha256_add(Sha256 *sha, Str bytes);
/* Of all that was added, as base64 and NUL; nothing can be added after it. */
void sha256_base64(Sha256 *sha, char ret[static SHA256_BASE64_SIZE]);
