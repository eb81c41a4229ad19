/* tests/s3_signature.h - signature version 4 as a server checks it: computed anew from what was sent, by code of
 * its own, so that base/sigv4.h is not judged by itself. */
#pragma once
#include "tests/loopback.h"

/* What Authorization says; borrows the request. */
typedef struct S3Claim {
    Str access_key, date, region, service, signed_headers, signature;
} S3Claim;

/* False: it says nothing, or leaves the host or a field x-amz-* that came unsigned. */
bool s3_claim_read(const LoopbackRequest *request, S3Claim *ret_claim);
/* Whether who signed exactly this request has the secret. */
bool s3_claim_holds(const LoopbackRequest *request, const S3Claim *claim, const char *secret_key);

bool s3_put_decoded(Buf *out, Str text); /* false: a % that is none */
void s3_put_hex_digest(Buf *out, Str bytes);
