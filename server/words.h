/* server/words.h - what questions were meant by words that were heard before.
 *
 * Most requests repeat, letter by letter, one that came a moment ago. What such words mean does not
 * change with the generation, so reading them once is enough: from the words to the key of their
 * question in one look. A table of fixed size, where the newer pushes out the older. Any thread. */
#pragma once
#include "base/str.h"

typedef struct Words Words;

/* NULL: no memory. Owns: ends with words_close(). */
Words *words_open(void);
void words_close(Words *words); /* NULL is fine */

/* Of what was said and of its key together; longer ones are not learnt. */
enum { WORDS_MAX_BYTES = 704 };

/* The key that was learnt for `said`, in `room`; none: it was never heard, or is forgotten. */
Str words_find(Words *words, Str said, char room[static WORDS_MAX_BYTES]);
void words_learn(Words *words, Str said, Str key);
