/* server/paged.h - a list that was rendered once, whole, to be given in pages.
 *
 * Its rows lie one behind the other, packed in pieces, and behind them the places where pages begin,
 * so that a page costs two reads however long the list is: in a spool, or in memory while they are
 * few. Rows are much alike: packed they are a twentieth, which takes less time than to write the
 * rest. What surrounds the rows of a page is kept too: all pages say the same of the whole, also
 * when their generation has gone by.
 *
 * Written by the one who renders it, then ended, kept and only read: counted, any thread. */
#pragma once
#include "server/reply.h"

typedef struct Paged Paged;

/* What its pages have in common. */
typedef struct PagedInfo {
    const SnapshotInfo *info; /* of the generation it is of */
    Str head;                 /* before the rows of each page, as envelope_put_head() wrote it */
    const Header *headers;    /* that the handler gave the reply */
    size_t header_count;
    size_t row_count; /* of all pages */
} PagedInfo;

/* Pages of `limit` rows, the first of which begins at `first` of what is appended. NULL: no memory.
 * Owns: the caller has the one count. */
Paged *paged_begin(Spools *spools, size_t limit, size_t first);
/* The next page begins `ahead` bytes behind what was appended so far. */
void paged_mark(Paged *paged, size_t ahead);
/* Errors: those of spool_begin() and spool_append(). */
MUST_USE ErrCode paged_append(Paged *paged, Str bytes, Err *err);
/* All rows are there; texts are copied. Errors: those of paged_append(). */
MUST_USE ErrCode paged_end(Paged *paged, const PagedInfo *of, Err *err);

Paged *paged_keep(Paged *paged); /* one more count */
void paged_drop(Paged *paged);   /* NULL is fine */

const char *paged_tag(const Paged *paged); /* of its generation */
uint64_t paged_generation(const Paged *paged);
UnixSec paged_as_of(const Paged *paged);
size_t paged_disk_bytes(const Paged *paged); /* 0: it has no file */
size_t paged_memory_bytes(const Paged *paged);
size_t paged_page_bytes(const Paged *paged); /* of one page, about */
/* Whether a page begins behind the first `taken` rows. */
bool paged_has(const Paged *paged, size_t taken);

/* Makes `reply` the page behind the first `taken` rows of what `req` asks for, of which paged_has()
 * was true. Errors: ERR_STORAGE, ERR_TOO_LARGE, ERR_NO_MEMORY. */
MUST_USE ErrCode paged_give(const Paged *paged, const Request *req, size_t taken, Reply *reply,
                            Err *err);
