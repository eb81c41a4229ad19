#include "base/sha256.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

struct Sha256 {
    EVP_MD_CTX *context;
};

Sha256 *sha256_new(void)
{
    Sha256 *sha = calloc(1, sizeof *sha);
    if (sha == NULL)
        return NULL;
    sha->context = EVP_MD_CTX_new();
    if (sha->context != NULL && EVP_DigestInit_ex(sha->context, EVP_sha256(), NULL) == 1)
        return sha;
    sha256_free(sha);
    return NULL;
}

void sha256_free(Sha256 *sha)
{
    if (sha == NULL)
        return;
    EVP_MD_CTX_free(sha->context);
    free(sha);
}

/* Once begun, it cannot fail. */
void sha256_add(Sha256 *sha, Str bytes)
{
    int rc = EVP_DigestUpdate(sha->context, bytes.ptr, bytes.len);
    assert(rc == 1);
    (void) rc;
}

void sha256_end(Sha256 *sha, unsigned char ret[static SHA256_BYTES])
{
    int rc = EVP_DigestFinal_ex(sha->context, ret, NULL);
    assert(rc == 1);
    (void) rc;
}

void sha256_base64(Sha256 *sha, char ret[static SHA256_BASE64_SIZE])
{
    unsigned char digest[SHA256_BYTES];
    sha256_end(sha, digest);
    int len = EVP_EncodeBlock((unsigned char *) ret, digest, sizeof digest);
    assert(len == SHA256_BASE64_SIZE - 1);
    (void) len;
}

void sha256_of(Str bytes, unsigned char ret[static SHA256_BYTES])
{
    int rc = EVP_Digest(bytes.ptr, bytes.len, ret, NULL, EVP_sha256(), NULL);
    assert(rc == 1); /* it allocates a few hundred bytes at most */
    (void) rc;
}

void sha256_hex(const unsigned char digest[static SHA256_BYTES], char ret[static SHA256_HEX_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        ret[2 * i] = digits[digest[i] >> 4];
        ret[2 * i + 1] = digits[digest[i] & 15];
    }
    ret[2 * SHA256_BYTES] = '\0';
}

void sha256_hmac(Str key, Str text, unsigned char ret[static SHA256_BYTES])
{
    unsigned char digest[SHA256_BYTES];
    const unsigned char *done = HMAC(EVP_sha256(), key.ptr, (int) key.len,
                                     (const unsigned char *) text.ptr, text.len, digest, NULL);
    assert(done != NULL); /* it allocates a few hundred bytes at most */
    (void) done;
    memcpy(ret, digest, sizeof digest);
}
