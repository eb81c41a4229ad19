#include "server/cursor.h"

#include "server/route.h"
#include "server/url.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { CURSOR_MAX_BYTES = 128 };

/* ---- base64url, RFC 4648 section 5, without padding: needs no escape in an address ----------- */

static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static Str encode(Arena *arena, Str plain)
{
    char *text = arena_alloc(arena, plain.len * 4 / 3 + 3);
    size_t len = 0;
    uint32_t bits = 0;
    unsigned held = 0;
    if (text == NULL)
        return STR("");
    for (size_t i = 0; i < plain.len; i++) {
        bits = (bits << 8 | (unsigned char) plain.ptr[i]) & 0xffff;
        for (held += 8; held >= 6; held -= 6)
            text[len++] = DIGITS[bits >> (held - 6) & 63];
    }
    if (held > 0)
        text[len++] = DIGITS[bits << (6 - held) & 63];
    return (Str){text, len};
}

static bool decode(Str text, char plain[static CURSOR_MAX_BYTES + 1])
{
    size_t len = 0;
    uint32_t bits = 0;
    unsigned held = 0;
    for (size_t i = 0; i < text.len; i++) {
        const char *digit = memchr(DIGITS, text.ptr[i], sizeof DIGITS - 1);
        if (digit == NULL || len == CURSOR_MAX_BYTES)
            return false;
        bits = (bits << 6 | (uint32_t) (digit - DIGITS)) & 0xffff;
        held += 6;
        if (held < 8)
            continue;
        held -= 8;
        plain[len++] = (char) (bits >> held & 0xff);
    }
    plain[len] = '\0';
    return true;
}

/* ---- what it says ---------------------------------------------------------------------------- */

static uint64_t hash_on(uint64_t hash, Str text) /* FNV-1a, and an end that no text has */
{
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (unsigned char) text.ptr[i]) * 1099511628211U;
    return (hash ^ 256) * 1099511628211U;
}

/* The rows and their order. The form they are written in is another matter: a list may be begun in
 * JSON and followed in CSV. */
static uint64_t question(const Request *req)
{
    uint64_t hash = hash_on(14695981039346656037U, str_of(req->route->pattern));
    for (size_t i = 0; i < ROUTE_ARGS_MAX; i++)
        hash = hash_on(hash, req->args[i]);
    for (size_t i = 0; i < req->target.param_count; i++) {
        const Param *param = &req->target.params[i];
        if (str_eq(param->name, STR("cursor")) || str_eq(param->name, STR("format")))
            continue;
        hash = hash_on(hash_on(hash, param->name), param->value);
    }
    return hash;
}

Str cursor_make(const Request *req, const char *tag, size_t taken)
{
    return encode(req->arena,
                  arena_format(req->arena, "%s %016" PRIx64 " %zu", tag, question(req), taken));
}

/* "<generation> <question> <taken>" */
static bool take_apart(const char *plain, Str *ret_tag, Str *ret_question, size_t *ret_taken)
{
    Str rest, taken;
    int64_t number;
    if (!str_cut(str_of(plain), ' ', ret_tag, &rest) || !str_cut(rest, ' ', ret_question, &taken) ||
        !str_to_int(taken, &number) || number < 0)
        return false;
    *ret_taken = (size_t) number;
    return true;
}

static ErrCode refuse(const Request *req, Reply *reply, const char *sentence, Err *err)
{
    problem_add(&reply->problem, PROBLEM_BAD_PARAMETER,
                (ProblemFault){.parameter = STR("cursor"),
                               .value = req->selection.cursor,
                               .reason = "bad",
                               .detail = str_of(sentence)});
    return err_set(err, ERR_INVALID, "%s", sentence);
}

ErrCode cursor_refuse(const Request *req, Reply *reply, Err *err)
{
    return refuse(req, reply, "'cursor': expected the one of `next`, as it stands there", err);
}

ErrCode cursor_expired(const Request *req, Reply *reply, Str tag, Err *err)
{
    char newest[GENERATION_TAG_SIZE];
    store_generation_tag(req->site->store, store_generation(req->site->store), newest);
    problem_set(&reply->problem, PROBLEM_CURSOR_EXPIRED,
                arena_format(req->arena,
                             "The cursor is of generation " STR_FMT
                             ", of which its list is not kept any longer; the newest is %s. Begin "
                             "the list anew.",
                             STR_ARG(tag), newest));
    reply->problem.list_name = "restart";
    if (!str_list_add(req->arena, &reply->problem.list, url_at_cursor(req, STR_NONE)))
        return err_set(err, ERR_NO_MEMORY, "no memory for an address");
    return err_set(err, ERR_INVALID, "the cursor has expired");
}

ErrCode cursor_read(const Request *req, Reply *reply, Cursor *ret, Err *err)
{
    /* The text that the parts borrow must live as long as the problem that tells of it. */
    char *plain = arena_alloc(req->arena, CURSOR_MAX_BYTES + 1);
    Cursor cursor;
    Str asked;
    if (plain == NULL)
        return err_set(err, ERR_NO_MEMORY, "no memory for a cursor");
    if (!decode(req->selection.cursor, plain) ||
        !take_apart(plain, &cursor.tag, &asked, &cursor.taken))
        return cursor_refuse(req, reply, err);
    if (!str_eq(asked, arena_format(req->arena, "%016" PRIx64, question(req))))
        return refuse(req, reply,
                      "'cursor': it belongs to another question; keep all other parameters as they "
                      "were",
                      err);
    *ret = cursor;
    return OK;
}
