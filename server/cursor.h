/* server/cursor.h - where the next page of a list begins.
 *
 * An opaque text that pins the generation and the question, and says how many rows were taken. The
 * rows of a question and their order are the same for as long as its generation can be told, so that
 * pages never skip or repeat one. */
#pragma once
#include "server/reply.h"

typedef struct Cursor {
    Str tag; /* of its generation; borrowed from the request's arena */
    size_t taken;
} Cursor;

/* Behind the first `taken` rows of what `req` asks for, in the generation `tag`; empty when there is
 * no memory. */
Str cursor_make(const Request *req, const char *tag, size_t taken);

/* That of the selection, which has one. Errors: ERR_INVALID, with the problem in `reply`: it is none
 * of ours, or of another question; ERR_NO_MEMORY. */
MUST_USE ErrCode cursor_read(const Request *req, Reply *reply, Cursor *ret, Err *err);
/* The problem that no page begins there. */
ErrCode cursor_refuse(const Request *req, Reply *reply, Err *err);
/* The problem that its generation cannot be told any longer. */
ErrCode cursor_expired(const Request *req, Reply *reply, Str tag, Err *err);
