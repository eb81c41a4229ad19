/* base/json.h - writing JSON into a Buf, and walking a large document item by item.
 *
 * The walker finds the elements of an array without building a tree of the whole: an answer of
 * 200 MB costs the memory of its largest item. Each item is then handed to cJSON by ingest/parse.c. */
#pragma once
#include "base/arena.h"
#include "base/buf.h"

/* ---- writing: values only; the caller writes its commas and braces through these -------------- */

typedef struct JsonWriter {
    Buf *out;
    bool need_comma; /* a value was written at this level */
} JsonWriter;

JsonWriter json_writer(Buf *out);
void json_open(JsonWriter *json, char bracket);  /* '{' or '[' */
void json_close(JsonWriter *json, char bracket); /* '}' or ']' */
void json_key(JsonWriter *json, const char *key);
void json_str(JsonWriter *json, Str value); /* none writes null */
void json_text(JsonWriter *json, const char *value);
void json_int(JsonWriter *json, int64_t value);
void json_double(JsonWriter *json, double value); /* NAN and infinities write null */
void json_bool(JsonWriter *json, bool value);
void json_null(JsonWriter *json);
void json_time(JsonWriter *json, UnixSec time); /* NO_TIME writes null */
void json_raw(JsonWriter *json, Str value);     /* a finished JSON value, as it is */

/* A quoted JSON string; bytes that are not UTF-8 become U+FFFD. */
void json_put_string(Buf *out, Str value);

/* ---- walking ----------------------------------------------------------------------------------- */

/* The raw text of member `key` of the object `object`, looked for at its top level only.
 * False: not an object, or no such member. */
bool json_member(Str object, Str key, Str *ret_value);

/* The members of an object or the elements of an array, one after the other.
 *     JsonWalk walk = json_walk(text);
 *     while (json_next(&walk, &key, &value)) ...      key is none in an array, raw (escaped) else
 *     if (walk.broken) ...                            the text ended early or was no JSON
 * Values are only delimited, not validated. */
typedef struct JsonWalk {
    const char *at, *end;
    char close;
    bool first, broken, done;
    bool inside; /* of another: more may follow behind it */
} JsonWalk;
JsonWalk json_walk(Str container);
bool json_next(JsonWalk *walk, Str *ret_key, Str *ret_value);

/* In place of json_next(), where a value may be too long to be passed over in one go: the key alone, and
 * then its value, or a walk of that (broken, where it is no container) which json_leave() ends once it
 * is done. */
bool json_next_key(JsonWalk *walk, Str *ret_key);
bool json_value(JsonWalk *walk, Str *ret_value);
JsonWalk json_enter(const JsonWalk *walk);
void json_leave(JsonWalk *walk, const JsonWalk *inner);

/* ---- values as they were meant ----------------------------------------------------------------- */

/* The text of a JSON string, its escapes undone, in `arena`; null is none. False: neither of them,
 * escapes that there are not, or no memory. */
MUST_USE bool json_to_str(Str value, Arena *arena, Str *ret);
/* The value of member `key` of `object`, as that. False also where there is no such member. */
MUST_USE bool json_member_str(Str object, Str key, Arena *arena, Str *ret);
MUST_USE bool json_member_int(Str object, Str key, int64_t *ret);
