/* base/text_file.h - a text too large for memory: put into a file without a name, then read as one
 * piece, whose pages go back to the system behind the reader.
 *
 * One thread at a time; the file ends with it, whatever happens. */
#pragma once
#include "base/buf.h"

/* All zero: there is none. */
typedef struct TextFile {
    bool is_open;
    int fd;
    size_t len;
    const char *map;    /* NULL: not yet read */
    const char *behind; /* what is before it was given back */
} TextFile;

void text_file_release(TextFile *file); /* none is fine */

/* Adds `bytes` to the file, which is made in the directory `dir` where there is none, and begins with what
 * `held` holds; that is empty then. Errors: ERR_STORAGE; ERR_TOO_LARGE: it would be more than `held` may
 * become. */
MUST_USE ErrCode text_file_go_on(TextFile *file, const char *dir, Buf *held, Str bytes, Err *err);
/* All that was added; nothing may be added after. Errors: ERR_NO_MEMORY. */
MUST_USE ErrCode text_file_map(TextFile *file, Err *err);
/* Borrowed until the release. */
Str text_file_view(const TextFile *file);
/* What is before `upto` need not stay in memory; who reads it again has it read from the file. Costs
 * nothing where that is little. None is fine. */
void text_file_pass(TextFile *file, const char *upto);
