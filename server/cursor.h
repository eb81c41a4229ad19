/* server/cursor.h - where the next page of a list begins.
 *
 * An opaque text that pins the generation and the question, and says how many rows were taken. The
 * rows of a question and their order are the same for as long as its generation is the newest, so
 * that pages never skip or repeat one. */
#pragma once
#include "server/reply.h"

/* Behind the first `taken` rows of what `req` asks for; empty when there is no memory. */
Str cursor_make(const Request *req, size_t taken);

/* The rows to pass over: 0 without a cursor. Errors: ERR_INVALID, with the problem in `reply`: no
 * cursor of ours, of another question (400), or of a generation that is gone (410). */
MUST_USE ErrCode cursor_read(const Request *req, Reply *reply, size_t *ret_taken, Err *err);
