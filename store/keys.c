#include "base/array.h"
#include "store/apply.h"

#include <stdlib.h>
#include <string.h>

void key_set_release(KeySet *set)
{
    free(set->words);
    *set = (KeySet){.words = NULL};
}

bool key_set_has(const KeySet *set, int64_t key)
{
    size_t word = (size_t) key / 64;
    return word < set->count && (set->words[word] >> (key % 64) & 1) != 0;
}

ErrCode key_set_add(KeySet *set, int64_t key, bool *ret_new, Err *err)
{
    assert(key > 0);
    size_t word = (size_t) key / 64;
    if (word >= set->count) {
        size_t count = word + 1 + word / 2;
        uint64_t *words = reallocarray(set->words, count, sizeof *words);
        if (words == NULL)
            return err_set(err, ERR_NO_MEMORY, "no memory for %zu keys", count * 64);
        memset(words + set->count, 0, (count - set->count) * sizeof *words);
        set->words = words;
        set->count = count;
    }
    *ret_new = !key_set_has(set, key);
    set->words[word] |= (uint64_t) 1 << (key % 64);
    return OK;
}

void key_list_release(KeyList *list)
{
    free(list->keys);
    *list = (KeyList){.keys = NULL};
}

ErrCode key_list_add(KeyList *list, int64_t key, Err *err)
{
    if (!array_room(&list->keys, list->count, &list->cap, sizeof key))
        return err_set(err, ERR_NO_MEMORY, "no memory for more than %zu keys", list->count);
    list->keys[list->count++] = key;
    return OK;
}

ErrCode key_list_read(KeyList *list, Db *db, sqlite3_stmt *st, Err *err)
{
    list->count = 0;
    for (;;) {
        bool row = false;
        ErrCode rc = sql_step(db, st, &row, err);
        if (rc == OK && row)
            rc = key_list_add(list, sql_int(st, 0), err);
        if (rc != OK || !row)
            return rc;
    }
}
