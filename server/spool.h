/* server/spool.h - answers larger than memory: each a file without a name, under the data
 * directory, within a budget for all.
 *
 * A Spool is written by the one who renders it and then only read, through its descriptor. It is
 * counted: its room comes back when the last who sends it is done. */
#pragma once
#include "base/compress.h"
#include "base/sha256.h"

typedef struct Spools Spools; /* any thread */
typedef struct Spool Spool;

/* Owns: ends with spools_close(), after every Spool. NULL: no memory. */
Spools *spools_open(const char *dir, size_t max_bytes);
void spools_close(Spools *spools);              /* NULL is fine */
size_t spools_most_bytes(const Spools *spools); /* that one answer may take */

/* What is sent as it stands has a digest of its own; what is read in parts needs none. */
typedef enum SpoolUse { SPOOL_SENT, SPOOL_READ } SpoolUse;

/* Owns: the caller has the one count. Errors: ERR_STORAGE, ERR_NO_MEMORY. */
MUST_USE ErrCode spool_begin(Spools *spools, SpoolUse use, Spool **ret_spool, Err *err);
/* Errors: ERR_TOO_LARGE (one answer may take half of the budget), ERR_BUSY (the rest is taken by
 * answers that are being sent), ERR_STORAGE. */
MUST_USE ErrCode spool_append(Spool *spool, Str bytes, Err *err);
/* Nothing is appended any more to one that is sent: `digest` becomes that of all of it. */
void spool_end(Spool *spool, char digest[static SHA256_BASE64_SIZE]);

/* The same bytes compressed, in a spool of their own that has ended; `digest` becomes its own.
 * Errors: as spool_begin() and spool_append(). */
MUST_USE ErrCode spool_compress(Spools *spools, const Spool *plain, Codec by, Spool **ret_spool,
                                char digest[static SHA256_BASE64_SIZE], Err *err);

/* `len` bytes from `at` on, which were appended; any thread. Errors: ERR_STORAGE. */
MUST_USE ErrCode spool_read(const Spool *spool, size_t at, char *to, size_t len, Err *err);

Spool *spool_keep(Spool *spool); /* one more count; any thread */
void spool_drop(Spool *spool);   /* NULL is fine */
size_t spool_bytes(const Spool *spool);
int spool_dup(const Spool *spool); /* a descriptor for one who closes it; -1: there are too many */
