/* sim/answer.h - what the upstream answers to a GET: path and query to a document. No sockets. */
#pragma once
#include "sim/view.h"

typedef struct Answer {
    unsigned status;
    const char *content_type;
    Buf body;          /* owned; released with answer_release() */
    const char *route; /* the pattern of its path: /id/stations/{id}; for counting */
} Answer;

enum { ANSWER_MAX_BYTES = 1 << 30 };

/* `path` follows /flood-monitoring and is still encoded, `query` is what follows `?`; `wants_csv`:
 * by the Accept header. Always gives an answer: errors are HTML, as they are there. */
void answer_get(const View *view, Str path, Str query, bool wants_csv, Answer *ret_answer);
void answer_release(Answer *answer);

/* The HTML page that stands for an error. Owns: as above. */
Answer answer_error(unsigned status);
