/* sim/params.h - the query part of a target, taken apart and decoded once. */
#pragma once
#include "base/arena.h"
#include "base/err.h"

typedef struct Param {
    Str name, value; /* value is "" for a flag: ?latest, ?latest= */
} Param;

enum { PARAMS_MAX = 64 }; /* what lies beyond is ignored */

typedef struct Params {
    Arena strings;
    Param list[PARAMS_MAX];
    size_t count;
    Str raw; /* borrowed */
} Params;

/* Owns: released with params_release(). Errors: ERR_NO_MEMORY. */
MUST_USE ErrCode params_parse(Str raw, Params *ret_params, Err *err);
void params_release(Params *params);

/* A repeated parameter answers as its first one. */
bool params_get(const Params *params, const char *name, Str *ret_value);
bool params_has(const Params *params, const char *name);

/* %41 becomes A, and + a blank where `plus_is_blank`; a bad escape stays as it is. False: no
 * memory. */
bool percent_decode(Arena *arena, Str text, bool plus_is_blank, Str *ret);
