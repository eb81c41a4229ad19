/* export/credentials.h - who we are to AWS, found where its own tools find it: the environment, the
 * shared files and their profile, the container's endpoint, the instance's metadata (version 2).
 *
 * What expires is fetched again before it does. Nothing of it is ever logged. One thread at a time. */
#pragma once
#include "base/err.h"

typedef struct CredentialSource CredentialSource;

typedef struct CredentialOptions {
    const char *(*env)(const char *name); /* getenv() in main, a table in tests */
    const char *container_origin;         /* of relative addresses; NULL: http://169.254.170.2 */
} CredentialOptions;

/* Borrowed until the next call. */
typedef struct Credentials {
    const char *access_key, *secret_key;
    const char *token; /* "": none */
} Credentials;

/* Owns: *ret_source ends with credentials_close(). Errors: ERR_NO_MEMORY. */
MUST_USE ErrCode credentials_open(const CredentialOptions *options, CredentialSource **ret_source,
                                  Err *err);
void credentials_close(CredentialSource *source); /* NULL is fine; wipes them */

/* Any thread: as http_client_stop_at(). */
void credentials_stop_at(CredentialSource *source, int64_t at_ms);

/* Those that hold at `now`. While they do, an endpoint that fails to give newer ones harms nobody.
 * Errors: ERR_INVALID (none anywhere, or a file that cannot be read), ERR_NETWORK, ERR_UPSTREAM,
 * ERR_FORMAT (an endpoint's answer is of no use). */
MUST_USE ErrCode credentials_get(CredentialSource *source, UnixSec now, Credentials *ret, Err *err);
/* They were refused: the next call looks for them anew. */
void credentials_drop(CredentialSource *source);

/* What the environment or the profile says, else "". Borrowed from the source. */
const char *credentials_region(CredentialSource *source);
