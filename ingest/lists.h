/* ingest/lists.h - the lists of stations and measures, from their answers into a batch, portion by
 * portion.
 *
 * At a hundred times the stations each has 600 MB of text, and as much of rows: the text stays where it
 * was received, and rows are made when the writer asks for them. Ingest thread. */
#pragma once
#include "base/http_client.h"
#include "ingest/parse.h"

typedef enum ListKind { LIST_STATIONS, LIST_MEASURES, LIST_KIND_COUNT } ListKind;

typedef struct Lists {
    struct {
        HttpResult answer; /* with its body, owned */
        ParseList list;
        bool is_there;
    } of[LIST_KIND_COUNT];
    size_t item_refused_count; /* of what was taken so far: items that were no use */
} Lists;

Lists lists_init(void);
void lists_release(Lists *lists);

/* Takes the body of *answer, whose other members stay, as the whole list of `kind`: `batch` has it from
 * now on, and borrows `lists` until it is released. Errors: ERR_FORMAT: the body stays where it was. */
MUST_USE ErrCode lists_take(Lists *lists, ListKind kind, HttpResult *answer, Batch *batch,
                            Err *err);
