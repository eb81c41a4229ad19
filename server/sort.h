/* server/sort.h - rows that were rendered in one order, to be given in another. */
#pragma once
#include "base/arena.h"
#include "model/field.h"

typedef struct SortEntry {
    Value key;      /* its text lives in the arena */
    size_t at, len; /* of the row's bytes */
    size_t turn;    /* by station, measure, time */
} SortEntry;

typedef struct Sort {
    const Field *by; /* NULL: rows stay as they come */
    bool is_down;
    SortEntry *entries;
    size_t count, cap;
} Sort;

/* Notes that `row` was rendered to [at, at + len). False: no memory. */
MUST_USE bool sort_add(Sort *sort, Arena *arena, const Row *row, size_t at, size_t len);
/* Puts the entries in order: nulls last whatever the direction, equal ones as they came, texts
 * bytewise. */
void sort_finish(Sort *sort);
