#include "base/sigv4.h"

#include "base/clock.h"
#include "base/sha256.h"

#include <stdlib.h>
#include <string.h>

enum { CANONICAL_MAX_BYTES = 256 * 1024 };

void sigv4_date(UnixSec at, char date[static SIGV4_DATE_SIZE])
{
    char text[CLOCK_TEXT_SIZE];
    size_t len = 0;
    clock_format(at, text);
    for (const char *c = text; *c != '\0'; c++)
        if (*c != '-' && *c != ':')
            date[len++] = *c;
    date[len] = '\0';
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const HttpPair *) a)->name, ((const HttpPair *) b)->name);
}

/* Without blanks around it, and runs of them as one. */
static void put_value(Buf *out, const char *value)
{
    Str text = str_trim(str_of(value));
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] != ' ' || text.ptr[i - 1] != ' ')
            buf_put_char(out, text.ptr[i]);
}

static void put_names(Buf *out, const HttpPair *headers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        buf_printf(out, "%s%s", i > 0 ? ";" : "", headers[i].name);
}

static void put_digest(Buf *out, Str bytes)
{
    unsigned char digest[SHA256_BYTES];
    char hex[SHA256_HEX_SIZE];
    sha256_of(bytes, digest);
    sha256_hex(digest, hex);
    buf_put_str(out, str_of(hex));
}

static void put_canonical(Buf *out, const SigV4 *with, const char *method, Str path, Str query,
                          const HttpPair *headers, size_t count)
{
    buf_printf(out, "%s\n" STR_FMT "\n" STR_FMT "\n", method, STR_ARG(path), STR_ARG(query));
    for (size_t i = 0; i < count; i++) {
        buf_printf(out, "%s:", headers[i].name);
        put_value(out, headers[i].value);
        buf_put_char(out, '\n');
    }
    buf_put_char(out, '\n');
    put_names(out, headers, count);
    buf_printf(out, "\n%s", with->body_sha256);
}

/* 20150830/us-east-1/s3/aws4_request */
static void put_scope(Buf *out, const SigV4 *with)
{
    char date[SIGV4_DATE_SIZE];
    sigv4_date(with->at, date);
    buf_printf(out, "%.8s/%s/%s/aws4_request", date, with->region, with->service);
}

/* The secret, hashed through the parts of the scope, and then the text. */
static void sign(const SigV4 *with, Str text, char ret[static SHA256_HEX_SIZE])
{
    CLEANUP(buf_release) Buf first = buf_init(64 * 1024);
    unsigned char key[SHA256_BYTES];
    char date[SIGV4_DATE_SIZE];
    sigv4_date(with->at, date);
    const Str steps[] = {str_of(with->region), str_of(with->service), STR("aws4_request"), text};
    buf_printf(&first, "AWS4%s", with->secret_key);
    sha256_hmac(buf_view(&first), (Str){date, 8}, key);
    for (size_t i = 0; i < countof(steps); i++)
        sha256_hmac((Str){(const char *) key, sizeof key}, steps[i], key);
    if (first.len > 0)
        explicit_bzero(first.ptr, first.len);
    sha256_hex(key, ret);
    explicit_bzero(key, sizeof key);
}

void sigv4_authorization(const SigV4 *with, const char *method, Str path, Str query,
                         HttpPair *headers, size_t header_count, Buf *out)
{
    CLEANUP(buf_release) Buf canonical = buf_init(CANONICAL_MAX_BYTES);
    CLEANUP(buf_release) Buf text = buf_init(CANONICAL_MAX_BYTES);
    char date[SIGV4_DATE_SIZE], signature[SHA256_HEX_SIZE];
    qsort(headers, header_count, sizeof *headers, by_name);
    put_canonical(&canonical, with, method, path, query, headers, header_count);
    sigv4_date(with->at, date);
    buf_printf(&text, "AWS4-HMAC-SHA256\n%s\n", date);
    put_scope(&text, with);
    buf_put_char(&text, '\n');
    put_digest(&text, buf_view(&canonical));
    if (canonical.error != OK || text.error != OK) {
        out->error = canonical.error != OK ? canonical.error : text.error;
        return;
    }
    sign(with, buf_view(&text), signature);
    buf_printf(out, "AWS4-HMAC-SHA256 Credential=%s/", with->access_key);
    put_scope(out, with);
    BUF_LITERAL(out, ", SignedHeaders=");
    put_names(out, headers, header_count);
    buf_printf(out, ", Signature=%s", signature);
}
