/* base/err.h - errors are values, with a sentence.
 *
 * Set once, where the fact is known; enriched on the way up; logged once, by a worker's loop or by
 * the HTTP layer. The three tables that hang on the code are: retryable (here), HTTP status
 * (server/reply.c), fault of the service (ingest/blame.c). */
#pragma once
#include "base/base.h"

typedef enum ErrCode {
    OK = 0,
    ERR_INVALID,   /* the caller's request or setting is wrong; asking again gives the same      */
    ERR_NOT_FOUND, /* what was named does not exist                                              */
    ERR_FORMAT,    /* a peer's document is not what it should be; its next one may be            */
    ERR_TOO_LARGE, /* a limit of ours was reached: bytes, rows                                   */
    ERR_BUSY,      /* a resource of ours did not come free in time; worth a retry                */
    ERR_NETWORK,   /* no connection, no name, TLS, time-out, cut off; worth a retry              */
    ERR_UPSTREAM,  /* the peer answered, with an error; worth a retry                            */
    ERR_STORAGE,   /* SQLite or the disk failed; worth a slow retry                              */
    ERR_CORRUPT,   /* the store is damaged; it must be set aside                                 */
    ERR_NO_MEMORY, /* an allocation failed; the request or the round ends                        */
    ERR_STOPPED,   /* somebody asked us to stop; not a fault                                     */
    ERR_CODE_COUNT
} ErrCode;

typedef struct Err {
    ErrCode code;
    char text[240];
} Err;

/* Both return the code, so that reporting and returning are one line. */
ErrCode err_set(Err *err, ErrCode code, const char *fmt, ...) PRINTF_LIKE(3, 4); /* NULL is fine */
ErrCode err_context(Err *err, const char *fmt, ...) PRINTF_LIKE(2, 3); /* puts "...: " in front */

bool err_is_retryable(ErrCode code);
const char *err_name(ErrCode code); /* "storage": the label in logs and metrics */
