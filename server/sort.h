/* server/sort.h - rows that were rendered in one order, to be given in another. */
#pragma once
#include "base/arena.h"
#include "model/field.h"

typedef struct SortKey {
    const Field *field;
    bool is_down; /* nulls stay last */
} SortKey;

enum { SORT_KEYS_MAX = 8 };

/* By the first key; those that are equal in it by the second, and so on. */
typedef struct SortOrder {
    SortKey keys[SORT_KEYS_MAX];
    size_t count; /* 0: rows stay as they come */
} SortOrder;

typedef struct SortEntry {
    const Value *values; /* of the keys; with their texts they live in the arena */
    size_t at, len;      /* of the row's bytes */
    size_t turn;         /* by station, measure, time */
} SortEntry;

typedef struct Sort {
    SortOrder order;
    SortEntry *entries;
    size_t count, cap;
} Sort;

/* Notes that `row` was rendered to [at, at + len). False: no memory. */
MUST_USE bool sort_add(Sort *sort, Arena *arena, const Row *row, size_t at, size_t len);
/* Puts the entries in order: nulls last whatever the direction, equal ones as they came, texts
 * bytewise. */
void sort_finish(Sort *sort);
