#include "server/words.h"

#include "base/lock.h"

#include <stdlib.h>
#include <string.h>

/* 16,384 in all: each of 5,400 stations asked for in three ways. Some 300 bytes each, if ever. */
enum { SETS = 4096, WAYS = 4 };

typedef struct Word {
    uint64_t hash;
    size_t said_len, key_len;
    char text[]; /* what was said, then the key */
} Word;

typedef struct Set {
    Word *ways[WAYS];
    unsigned next; /* to be replaced */
} Set;

struct Words {
    Lock lock; /* guards what follows */
    Set sets[SETS];
};

Words *words_open(void)
{
    Words *words = calloc(1, sizeof *words);
    if (words != NULL)
        lock_init(&words->lock);
    return words;
}

void words_close(Words *words)
{
    if (words == NULL)
        return;
    for (size_t i = 0; i < SETS; i++)
        for (size_t way = 0; way < WAYS; way++)
            free(words->sets[i].ways[way]);
    lock_release(&words->lock);
    free(words);
}

static const Word *find(const Set *set, uint64_t hash, Str said)
{
    for (size_t way = 0; way < WAYS; way++) {
        const Word *word = set->ways[way];
        if (word != NULL && word->hash == hash && str_eq((Str){word->text, word->said_len}, said))
            return word;
    }
    return NULL;
}

Str words_find(Words *words, Str said, char room[static WORDS_MAX_BYTES])
{
    uint64_t hash = str_hash(said);
    Str key = STR_NONE;
    lock_take(&words->lock);
    const Word *word = find(&words->sets[hash % SETS], hash, said);
    if (word != NULL)
        key = (Str){memcpy(room, word->text + said.len, word->key_len), word->key_len};
    lock_give(&words->lock);
    return key;
}

void words_learn(Words *words, Str said, Str key)
{
    uint64_t hash = str_hash(said);
    Word *word =
        said.len + key.len <= WORDS_MAX_BYTES ? malloc(sizeof *word + said.len + key.len) : NULL;
    if (word == NULL)
        return;
    *word = (Word){.hash = hash, .said_len = said.len, .key_len = key.len};
    memcpy(mempcpy(word->text, said.ptr, said.len), key.ptr, key.len);
    lock_take(&words->lock);
    Set *set = &words->sets[hash % SETS];
    if (find(set, hash, said) == NULL) {
        Word **way = &set->ways[set->next++ % WAYS];
        Word *replaced = *way;
        *way = word;
        word = replaced;
    }
    lock_give(&words->lock);
    free(word);
}
