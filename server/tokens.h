/* server/tokens.h - bearer tokens [RFC 6750]: who holds one of a file's may ask.
 *
 * The file has one a line; blank lines and those that begin with # are passed over. Of each its SHA-256
 * alone is kept: no token can come into a log, and how long comparing takes tells nothing of it. Any
 * thread. */
#pragma once
#include "base/err.h"
#include "base/str.h"

typedef struct Tokens Tokens;

/* `path` is borrowed for as long. Owns: *ret_tokens ends with tokens_close(). Errors: ERR_STORAGE (it
 * cannot be read), ERR_FORMAT (a line is no token, or there is none), ERR_NO_MEMORY. */
MUST_USE ErrCode tokens_open(const char *path, Tokens **ret_tokens, Err *err);
void tokens_close(Tokens *tokens); /* NULL is fine */
/* As the file is now. Where that fails those that were good stay so. Errors: as above. */
MUST_USE ErrCode tokens_reload(Tokens *tokens, Err *err);

typedef enum TokenJudgement { TOKEN_MISSING, TOKEN_WRONG, TOKEN_GOOD } TokenJudgement;

/* `authorization`: the value of that field; none: there is none. */
TokenJudgement tokens_judge(Tokens *tokens, Str authorization);
