#include "server/exchange.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The length of name and value with a NUL behind each; of a cursor, where that is left out, nothing. */
static size_t param_bytes(const Param *param, bool has_cursor)
{
    bool is_left_out = !has_cursor && str_eq(param->name, STR("cursor"));
    return is_left_out ? 0 : param->name.len + param->value.len + 2;
}

/* Coding, format, number of segments, then every segment, name and value, and the origin where it
 * matters, with a NUL behind each: none of them holds one, so that two questions never look alike. */
static Str make_key(const Exchange *x, char first, bool has_cursor)
{
    const Target *target = &x->req.target;
    size_t len = 3;
    for (size_t i = 0; i < target->segment_count; i++)
        len += target->segments[i].len + 1;
    for (size_t i = 0; i < target->param_count; i++)
        len += param_bytes(&target->params[i], has_cursor);
    len += str_is_none(x->req.origin) ? 0 : x->req.origin.len + 1;
    char *at = arena_alloc(x->arena, len);
    if (at == NULL)
        return STR_NONE;
    const Str key = {at, len};
    *at++ = first;
    *at++ = (char) ('0' + x->req.format);
    *at++ = (char) ('0' + target->segment_count);
    for (size_t i = 0; i < target->segment_count; i++)
        at = (char *) mempcpy(at, target->segments[i].ptr, target->segments[i].len) + 1;
    for (size_t i = 0; i < target->param_count; i++) {
        const Param *param = &target->params[i];
        if (param_bytes(param, has_cursor) == 0)
            continue;
        at = (char *) mempcpy(at, param->name.ptr, param->name.len) + 1;
        at = (char *) mempcpy(at, param->value.ptr, param->value.len) + 1;
    }
    if (!str_is_none(x->req.origin)) /* names come with values: what stands alone is this */
        memcpy(at, x->req.origin.ptr, x->req.origin.len);
    return key;
}

bool exchange_make_key(Exchange *x)
{
    x->key = make_key(x, (char) ('0' + x->coding), true);
    return !str_is_none(x->key);
}

Str exchange_paged_key(const Exchange *x)
{
    return make_key(x, 'p', false);
}

Str exchange_target(const Exchange *x)
{
    const Target *target = &x->req.target;
    if (str_is_none(x->req.origin))
        return x->head->target;
    return arena_format(x->arena, STR_FMT STR_FMT "%s" STR_FMT, STR_ARG(x->req.origin),
                        STR_ARG(target->path), target->query.len > 0 ? "?" : "",
                        STR_ARG(target->query));
}

static uint64_t hash_on(uint64_t hash, Str text) /* FNV-1a */
{
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (unsigned char) text.ptr[i]) * 1099511628211U;
    return hash;
}

Str exchange_key_in(const Exchange *x, Coding coding)
{
    *(char *) (uintptr_t) x->key.ptr = (char) ('0' + coding); /* the arena's */
    return x->key;
}

/* The question (which holds the format), the build that renders it, and the coding. */
void exchange_make_etag(Exchange *x, const char *tag, Coding coding)
{
    uint64_t hash = hash_on(14695981039346656037U, exchange_key_in(x, CODING_NONE));
    hash = hash_on(hash, str_of(x->site->options->build));
    (void) snprintf(x->etag, sizeof x->etag, "\"%s-%016" PRIx64 "%s\"", tag, hash,
                    CODINGS[coding].suffix);
}

bool exchange_client_holds(Exchange *x, const char *tag)
{
    if (str_is_none(x->head->if_none_match))
        return false;
    for (unsigned i = 0; i < CODING_COUNT; i++) {
        exchange_make_etag(x, tag, (Coding) i);
        if (etag_in_list(str_of(x->etag), x->head->if_none_match) &&
            coding_is_acceptable(x->head->accept_encoding, (Coding) i))
            return true;
    }
    return false;
}

/* Entity tags are quoted and hold no quote, so that commas inside one part nothing. */
bool etag_in_list(Str etag, Str list)
{
    const char *at = list.ptr, *end = list.ptr + list.len;
    while (at < end) {
        const char *open = memchr(at, '"', (size_t) (end - at));
        const char *close = open != NULL ? memchr(open + 1, '"', (size_t) (end - open - 1)) : NULL;
        if (close == NULL)
            return false;
        if (str_eq((Str){open, (size_t) (close - open) + 1}, etag))
            return true;
        at = close + 1;
    }
    return false;
}

/* If-None-Match: * and If-Modified-Since speak of what is there, so that is looked at first. */
static bool is_modified(const Exchange *x, const Finished *finished)
{
    const Head *head = x->head;
    UnixSec since, modified;
    if (finished_status(finished) != 200)
        return true;
    if (!str_is_none(head->if_none_match))
        return !str_eq(str_trim(head->if_none_match), STR("*"));
    return str_is_none(head->if_modified_since) ||
           !clock_parse_http(head->if_modified_since, &since) ||
           !clock_parse_http(finished_header(finished, "Last-Modified"), &modified) ||
           modified > since;
}

Finished *exchange_if_modified(Exchange *x, Finished *finished)
{
    if (finished == NULL || is_modified(x, finished))
        return finished;
    (void) snprintf(x->etag, sizeof x->etag, STR_FMT, STR_ARG(finished_header(finished, "ETag")));
    finished_drop(finished);
    x->reply.header_count = 0;
    return end_not_modified(x);
}
