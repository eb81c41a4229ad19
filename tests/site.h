/* tests/site.h - the server's inside without sockets: a request's head in, a finished answer out.
 */
#pragma once
#include "server/answer.h"
#include "tests/client.h"

typedef struct Inside {
    Fixture fixture;
    ServerOptions options;
    Site site;
    Cache *cache;
} Inside;

/* With the little country of fixture_fill(), or nothing stored. */
void inside_open(Inside *inside, bool filled);
void inside_close(Inside *inside);

typedef struct Asked {
    Arena arena;
    Answer answer;
    unsigned status;
    Str body;
} Asked;

Asked ask_head(Inside *inside, const Head *head);
Asked ask(Inside *inside, const char *target);
Asked ask_accept(Inside *inside, const char *target, const char *accept);
void asked_release(Asked *asked);
/* Of the finished answer or of what goes to this client alone. */
Str asked_header(const Asked *asked, const char *name);

/* ---- tables of questions --------------------------------------------------------------------- */

typedef struct BodyCase {
    const char *target, *want; /* 200, and this body to the letter */
} BodyCase;

typedef struct RefusalCase {
    const char *target, *parameter, *says; /* 400, of this parameter, with this in its detail */
} RefusalCase;

void check_bodies(Inside *inside, const BodyCase *cases, size_t count);
void check_refusals(Inside *inside, const RefusalCase *cases, size_t count);

/* ---- looking into bodies --------------------------------------------------------------------- */

/* A member of a JSON document by its path: "service.state", "items.0.value"; raw text, none when it
 * is not there. */
Str json_at(Str document, const char *path);
/* The same, a string without its quotes. */
Str json_text_at(Str document, const char *path);
size_t json_count(Str array);

/* The type of a problem document, without /problems/; none when it is no such document. */
Str problem_type(Str body);
