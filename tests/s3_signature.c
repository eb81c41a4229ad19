#include "tests/s3_signature.h"

#include "base/http_client.h"
#include "base/sha256.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void hmac(Str key, Str text, unsigned char ret[static SHA256_BYTES])
{
    unsigned char inner[SHA256_BYTES], block[64] = {0}, digest[SHA256_BYTES];
    CLEANUP(buf_release) Buf bytes = buf_init(1 << 20);
    if (key.len > sizeof block) {
        sha256_of(key, digest);
        key = (Str){(const char *) digest, sizeof digest};
    }
    memcpy(block, key.ptr, key.len);
    for (size_t i = 0; i < sizeof block; i++)
        buf_put_char(&bytes, (char) (block[i] ^ 0x36));
    buf_put_str(&bytes, text);
    sha256_of(buf_view(&bytes), inner);
    buf_clear(&bytes);
    for (size_t i = 0; i < sizeof block; i++)
        buf_put_char(&bytes, (char) (block[i] ^ 0x5c));
    buf_put(&bytes, inner, sizeof inner);
    sha256_of(buf_view(&bytes), ret);
}

void s3_put_hex_digest(Buf *out, Str bytes)
{
    unsigned char digest[SHA256_BYTES];
    char hex[SHA256_HEX_SIZE];
    sha256_of(bytes, digest);
    sha256_hex(digest, hex);
    buf_put_str(out, str_of(hex));
}

static int hex_of(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool s3_put_decoded(Buf *out, Str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != '%') {
            buf_put_char(out, text.ptr[i]);
            continue;
        }
        if (i + 2 >= text.len || hex_of(text.ptr[i + 1]) < 0 || hex_of(text.ptr[i + 2]) < 0)
            return false;
        buf_put_char(out, (char) (hex_of(text.ptr[i + 1]) << 4 | hex_of(text.ptr[i + 2])));
        i += 2;
    }
    return true;
}

static bool put_canonical_path(Buf *out, Str path)
{
    CLEANUP(buf_release) Buf decoded = buf_init(8192);
    Str part, rest;
    if (!s3_put_decoded(&decoded, path))
        return false;
    rest = buf_view(&decoded);
    while (str_cut(rest, '/', &part, &rest)) {
        http_put_encoded(out, part);
        buf_put_char(out, '/');
    }
    http_put_encoded(out, rest);
    return true;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}

static bool put_canonical_query(Buf *out, Str query)
{
    char *pairs[16];
    size_t count = 0;
    Str pair, name, value, rest = query;
    bool ok = true;
    while (rest.len > 0 && count < countof(pairs)) {
        CLEANUP(buf_release) Buf decoded_name = buf_init(8192);
        CLEANUP(buf_release) Buf decoded_value = buf_init(8192);
        CLEANUP(buf_release) Buf line = buf_init(16384);
        if (!str_cut(rest, '&', &pair, &rest)) {
            pair = rest;
            rest = STR("");
        }
        name = pair;
        value = STR("");
        (void) str_cut(pair, '=', &name, &value);
        ok = ok && s3_put_decoded(&decoded_name, name) && s3_put_decoded(&decoded_value, value);
        http_put_encoded(&line, buf_view(&decoded_name));
        buf_put_char(&line, '=');
        http_put_encoded(&line, buf_view(&decoded_value));
        buf_put_char(&line, '\0');
        pairs[count++] = strdup(line.ptr);
    }
    if (count > 0)
        qsort(pairs, count, sizeof pairs[0], by_bytes);
    for (size_t i = 0; i < count; i++) {
        buf_printf(out, "%s%s", i > 0 ? "&" : "", pairs[i]);
        free(pairs[i]);
    }
    return ok;
}

static bool read_authorization(Str field, S3Claim *ret)
{
    Str rest, credential, part;
    if (!str_starts(field, STR("AWS4-HMAC-SHA256 Credential=")))
        return false;
    if (!str_cut(field, '=', &part, &rest) || !str_cut(rest, ',', &credential, &rest))
        return false;
    return str_cut(credential, '/', &ret->access_key, &credential) &&
           str_cut(credential, '/', &ret->date, &credential) &&
           str_cut(credential, '/', &ret->region, &credential) &&
           str_cut(credential, '/', &ret->service, &credential) &&
           str_eq(credential, STR("aws4_request")) && str_cut(rest, '=', &part, &rest) &&
           str_cut(rest, ',', &ret->signed_headers, &rest) &&
           str_cut(rest, '=', &part, &ret->signature);
}

/* Every x-amz-* field that came must be signed, and the host. */
static bool all_signed(const LoopbackRequest *request, const S3Claim *claim)
{
    CLEANUP(buf_release) Buf list = buf_init(8192);
    Str line, name, value, rest = request->head;
    size_t at;
    buf_printf(&list, ";" STR_FMT ";", STR_ARG(claim->signed_headers));
    if (!str_find(buf_view(&list), STR(";host;"), &at))
        return false;
    while (str_cut(rest, '\n', &line, &rest)) {
        char wanted[128];
        if (!str_cut(line, ':', &name, &value) || !str_starts(name, STR("x-amz-")))
            continue;
        (void) snprintf(wanted, sizeof wanted, ";" STR_FMT ";", STR_ARG(name));
        if (!str_find(buf_view(&list), str_of(wanted), &at))
            return false;
    }
    return true;
}

static void put_canonical_request(Buf *out, const LoopbackRequest *request, const S3Claim *claim,
                                  bool *ret_ok)
{
    Str name, rest = claim->signed_headers;
    buf_printf(out, STR_FMT "\n", STR_ARG(request->method));
    *ret_ok = put_canonical_path(out, request->path);
    buf_put_char(out, '\n');
    *ret_ok = put_canonical_query(out, request->query) && *ret_ok;
    buf_put_char(out, '\n');
    for (bool more = true; more;) {
        more = str_cut(rest, ';', &name, &rest);
        if (!more)
            name = rest;
        char text[128];
        (void) snprintf(text, sizeof text, STR_FMT, STR_ARG(name));
        buf_printf(out, "%s:" STR_FMT "\n", text, STR_ARG(loopback_field(request, text)));
    }
    buf_printf(out, "\n" STR_FMT "\n" STR_FMT, STR_ARG(claim->signed_headers),
               STR_ARG(loopback_field(request, "x-amz-content-sha256")));
}

static void sign(const LoopbackRequest *request, const S3Claim *claim, const char *secret_key,
                 Str canonical, char ret[static SHA256_HEX_SIZE])
{
    CLEANUP(buf_release) Buf text = buf_init(8192);
    unsigned char key[SHA256_BYTES];
    char first[300];
    buf_printf(&text,
               "AWS4-HMAC-SHA256\n" STR_FMT "\n" STR_FMT "/" STR_FMT "/" STR_FMT "/aws4_request\n",
               STR_ARG(loopback_field(request, "x-amz-date")), STR_ARG(claim->date),
               STR_ARG(claim->region), STR_ARG(claim->service));
    s3_put_hex_digest(&text, canonical);
    (void) snprintf(first, sizeof first, "AWS4%s", secret_key);
    hmac(str_of(first), claim->date, key);
    const Str steps[] = {claim->region, claim->service, STR("aws4_request"), buf_view(&text)};
    for (size_t i = 0; i < countof(steps); i++)
        hmac((Str){(const char *) key, sizeof key}, steps[i], key);
    sha256_hex(key, ret);
}

bool s3_claim_read(const LoopbackRequest *request, S3Claim *ret_claim)
{
    return read_authorization(loopback_field(request, "Authorization"), ret_claim) &&
           !str_is_none(loopback_field(request, "x-amz-content-sha256")) &&
           all_signed(request, ret_claim);
}

bool s3_claim_holds(const LoopbackRequest *request, const S3Claim *claim, const char *secret_key)
{
    CLEANUP(buf_release) Buf canonical = buf_init(64 * 1024);
    char signature[SHA256_HEX_SIZE];
    bool well_formed = false;
    put_canonical_request(&canonical, request, claim, &well_formed);
    sign(request, claim, secret_key, buf_view(&canonical), signature);
    return well_formed && str_eq(claim->signature, str_of(signature));
}
