#include "server/sort.h"

#include <stdlib.h>
#include <string.h>

static bool grow(Sort *sort, Arena *arena)
{
    size_t cap = sort->cap == 0 ? 64 : sort->cap * 2;
    SortEntry *entries = arena_alloc(arena, cap * sizeof *entries);
    if (entries == NULL)
        return false;
    if (sort->count > 0)
        memcpy(entries, sort->entries, sort->count * sizeof *entries);
    sort->entries = entries;
    sort->cap = cap;
    return true;
}

/* A row's text dies with it; the rows of one measure share theirs. */
static bool keep_text(const Sort *sort, Arena *arena, Value *key)
{
    if (key->kind != VALUE_STR)
        return true;
    const Value *last = sort->count > 0 ? &sort->entries[sort->count - 1].key : NULL;
    if (last != NULL && last->kind == VALUE_STR && str_eq(last->as.str, key->as.str)) {
        key->as.str = last->as.str;
        return true;
    }
    return arena_copy(arena, key->as.str, &key->as.str);
}

bool sort_add(Sort *sort, Arena *arena, const Row *row, size_t at, size_t len)
{
    if (sort->count == sort->cap && !grow(sort, arena))
        return false;
    SortEntry entry = {.key = sort->by->value(row), .at = at, .len = len, .turn = sort->count};
    if (!keep_text(sort, arena, &entry.key))
        return false;
    sort->entries[sort->count++] = entry;
    return true;
}

/* Both of one kind: a field has one. */
static int compare_values(const Value *a, const Value *b)
{
    switch (a->kind) {
    case VALUE_STR:
        return str_cmp(a->as.str, b->as.str);
    case VALUE_REAL:
        return (a->as.real > b->as.real) - (a->as.real < b->as.real);
    case VALUE_BOOL:
        return a->as.boolean - b->as.boolean;
    default:
        return (a->as.integer > b->as.integer) - (a->as.integer < b->as.integer);
    }
}

static int compare_entries(const void *left, const void *right, void *is_down)
{
    const SortEntry *a = left, *b = right;
    bool a_is_null = a->key.kind == VALUE_NULL, b_is_null = b->key.kind == VALUE_NULL;
    int order = a_is_null - b_is_null;
    if (!a_is_null && !b_is_null) {
        order = compare_values(&a->key, &b->key);
        if (*(bool *) is_down)
            order = -order;
    }
    return order != 0 ? order : (a->turn > b->turn) - (a->turn < b->turn);
}

void sort_finish(Sort *sort)
{
    if (sort->count > 1)
        qsort_r(sort->entries, sort->count, sizeof *sort->entries, compare_entries, &sort->is_down);
}
