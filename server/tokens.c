#include "server/tokens.h"

#include "base/file.h"
#include "base/lock.h"
#include "base/sha256.h"

#include <stdlib.h>
#include <string.h>

enum { FILE_MAX_BYTES = 1 << 20 };

typedef struct Digest {
    unsigned char bytes[SHA256_BYTES];
} Digest;

struct Tokens {
    const char *path;
    Lock lock; /* guards what follows */
    Digest *digests;
    size_t count;
};

/* ---- the file -------------------------------------------------------------------------------- */

/* What a request can bring: letters, digits and -._~+/, then any number of =. */
static bool is_token(Str text)
{
    size_t len = text.len;
    while (len > 0 && text.ptr[len - 1] == '=')
        len--;
    for (size_t i = 0; i < len; i++) {
        char c = text.ptr[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_letter && !(c >= '0' && c <= '9') && (c == '\0' || strchr("-._~+/", c) == NULL))
            return false;
    }
    return len > 0;
}

static ErrCode add_digest(Digest **digests, size_t *count, Str token, Err *err)
{
    Digest *more = reallocarray(*digests, *count + 1, sizeof **digests);
    if (more == NULL)
        return err_set(err, ERR_NO_MEMORY, "no memory for tokens");
    sha256_of(token, more[*count].bytes);
    *digests = more;
    ++*count;
    return OK;
}

/* Its sentences name lines, never what stands in them. */
static ErrCode read_digests(const char *path, Digest **digests, size_t *count, Err *err)
{
    CLEANUP(buf_release) Buf text = buf_init(FILE_MAX_BYTES);
    ErrCode rc = OK;
    if (!file_read(path, &text))
        return text.error != OK ? buf_check(&text, err)
                                : err_set(err, ERR_STORAGE, "%s: cannot be read: %m", path);
    Str rest = buf_view(&text), line, tail;
    for (int number = 1; rest.len > 0 && rc == OK; number++, rest = tail) {
        if (!str_cut(rest, '\n', &line, &tail)) {
            line = rest;
            tail = STR("");
        }
        line = str_trim(line);
        if (line.len == 0 || line.ptr[0] == '#')
            continue;
        rc = is_token(line) ? add_digest(digests, count, line, err)
                            : err_set(err, ERR_FORMAT, "%s:%d: no token", path, number);
    }
    if (rc == OK && *count == 0)
        rc = err_set(err, ERR_FORMAT, "%s: there is no token in it", path);
    return rc;
}

ErrCode tokens_reload(Tokens *tokens, Err *err)
{
    Digest *digests = NULL;
    size_t count = 0;
    ErrCode rc = read_digests(tokens->path, &digests, &count, err);
    if (rc == OK) {
        lock_take(&tokens->lock);
        Digest *replaced = tokens->digests;
        tokens->digests = digests;
        tokens->count = count;
        digests = replaced;
        lock_give(&tokens->lock);
    }
    free(digests);
    return rc;
}

ErrCode tokens_open(const char *path, Tokens **ret_tokens, Err *err)
{
    Tokens *tokens = calloc(1, sizeof *tokens);
    if (tokens == NULL)
        return err_set(err, ERR_NO_MEMORY, "no memory for tokens");
    tokens->path = path;
    lock_init(&tokens->lock);
    ErrCode rc = tokens_reload(tokens, err);
    if (rc == OK)
        *ret_tokens = tokens;
    else
        tokens_close(tokens);
    return rc;
}

void tokens_close(Tokens *tokens)
{
    if (tokens == NULL)
        return;
    lock_release(&tokens->lock);
    free(tokens->digests);
    free(tokens);
}

/* ---- requests -------------------------------------------------------------------------------- */

/* All of both are looked at, whatever they hold. */
static unsigned is_same(const Digest *a, const Digest *b)
{
    unsigned differs = 0;
    for (size_t i = 0; i < sizeof a->bytes; i++)
        differs |= (unsigned) (a->bytes[i] ^ b->bytes[i]);
    return differs == 0;
}

TokenJudgement tokens_judge(Tokens *tokens, Str authorization)
{
    Str scheme, token;
    Digest digest;
    unsigned known = 0;
    if (str_is_none(authorization) || !str_cut(authorization, ' ', &scheme, &token) ||
        !str_eq_nocase(scheme, STR("Bearer")))
        return TOKEN_MISSING;
    sha256_of(str_trim(token), digest.bytes);
    lock_take(&tokens->lock);
    for (size_t i = 0; i < tokens->count; i++)
        known |= is_same(&tokens->digests[i], &digest);
    lock_give(&tokens->lock);
    return known != 0 ? TOKEN_GOOD : TOKEN_WRONG;
}
