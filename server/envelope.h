/* server/envelope.h - what surrounds the rows of an answer, and how they lie in it. */
#pragma once
#include "base/json.h"
#include "model/coverage.h"
#include "model/field.h"
#include "server/reply.h"

/* What an envelope says of time. */
typedef struct Extent {
    UnixSec from, to;         /* the window; NO_TIME is null */
    const Coverage *coverage; /* NULL: not an answer of readings */
    const char *reason;       /* of there being none; NULL: there are some */
} Extent;

/* The members that every JSON document of a generation begins with. */
void put_generation(JsonWriter *json, const SnapshotInfo *info);
/* licence and attribution */
void put_licence(JsonWriter *json);

/* Whether rows of `format` stand in a document, with a comma between them. */
bool format_has_envelope(Format format);
/* The columns that `req` asks for. */
FieldSet envelope_fields(const Request *req);

/* A document's members up to the one that holds the rows. Without a snapshot it is of no generation. */
void envelope_put_head(Buf *out, const Request *req, const Extent *extent);
/* The window as a header, Freshet-Window: for the forms that have no document around their rows, and for
 * all, so that nobody need open a body for it. */
void envelope_say_window(Reply *reply, const Request *req, const Extent *extent);
/* Makes the `count` rows in the reply's body, between which stand commas, the answer: with `head`
 * in front of them where they stand in a document, and with what says how many there are and where
 * it goes on (`next`; none: this is the end). What failed sticks in the body. */
void envelope_finish(Reply *reply, const Request *req, Str head, size_t count, Str next);
