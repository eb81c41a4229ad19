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
static bool keep_text(const Value *last, Arena *arena, Value *value)
{
    if (value->kind != VALUE_STR)
        return true;
    if (last != NULL && last->kind == VALUE_STR && str_eq(last->as.str, value->as.str)) {
        value->as.str = last->as.str;
        return true;
    }
    return arena_copy(arena, value->as.str, &value->as.str);
}

bool sort_add(Sort *sort, Arena *arena, const Row *row, size_t at, size_t len)
{
    const SortOrder *order = &sort->order;
    const Value *last = sort->count > 0 ? sort->entries[sort->count - 1].values : NULL;
    Value *values = arena_alloc(arena, order->count * sizeof *values);
    if (values == NULL || (sort->count == sort->cap && !grow(sort, arena)))
        return false;
    for (size_t i = 0; i < order->count; i++) {
        values[i] = order->keys[i].field->value(row);
        if (!keep_text(last != NULL ? &last[i] : NULL, arena, &values[i]))
            return false;
    }
    sort->entries[sort->count] =
        (SortEntry){.values = values, .at = at, .len = len, .turn = sort->count};
    sort->count++;
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

static int compare_by(const SortKey *key, const Value *a, const Value *b)
{
    bool a_is_null = a->kind == VALUE_NULL, b_is_null = b->kind == VALUE_NULL;
    if (a_is_null || b_is_null)
        return a_is_null - b_is_null;
    int order = compare_values(a, b);
    return key->is_down ? -order : order;
}

static int compare_entries(const void *left, const void *right, void *ctx)
{
    const SortEntry *a = left, *b = right;
    const SortOrder *by = ctx;
    int order = 0;
    for (size_t i = 0; i < by->count && order == 0; i++)
        order = compare_by(&by->keys[i], &a->values[i], &b->values[i]);
    return order != 0 ? order : (a->turn > b->turn) - (a->turn < b->turn);
}

void sort_finish(Sort *sort)
{
    if (sort->count > 1)
        qsort_r(sort->entries, sort->count, sizeof *sort->entries, compare_entries, &sort->order);
}
