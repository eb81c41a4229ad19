/* base/sha256.h - SHA-256 of bytes that come in pieces. One thread at a time. */
#pragma once
#include "base/err.h"
#include "base/str.h"

typedef struct Sha256 Sha256;
enum { SHA256_BYTES = 32, SHA256_BASE64_SIZE = 45, SHA256_HEX_SIZE = 65 };

/* NULL: no memory. Owns: ends with sha256_free(). */
Sha256 *sha256_new(void);
void sha256_free(Sha256 *sha); /* NULL is fine */
void sha256_add(Sha256 *sha, Str bytes);
/* Of all that was added; nothing can be added after it. As base64 and NUL, or as bytes. */
void sha256_base64(Sha256 *sha, char ret[static SHA256_BASE64_SIZE]);
void sha256_end(Sha256 *sha, unsigned char ret[static SHA256_BYTES]);

/* Of bytes that are all there. */
void sha256_of(Str bytes, unsigned char ret[static SHA256_BYTES]);
/* A digest as lower-case hex digits and NUL. */
void sha256_hex(const unsigned char digest[static SHA256_BYTES], char ret[static SHA256_HEX_SIZE]);
/* Keyed (RFC 2104). `ret` may be the key. */
void sha256_hmac(Str key, Str text, unsigned char ret[static SHA256_BYTES]);
