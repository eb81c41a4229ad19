/* sim/item.h - upstream-looking JSON: members with " : " between name and value, one a line.
 *
 * Real answers look so, and a reader that cannot stand white space must notice here. */
#pragma once
#include "base/buf.h"

#define SIM_ROOT "http://environment.data.gov.uk/flood-monitoring"

typedef struct Item {
    Buf *out;
    bool has_members;
} Item;

Item item_open(Buf *out);
void item_close(Item *item);
void item_raw(Item *item, const char *key, Str value); /* a finished JSON value */
void item_text(Item *item, const char *key, Str value);
/* `path` follows SIM_ROOT; `id` follows both. */
void item_uri(Item *item, const char *key, const char *path, Str id);
void item_int(Item *item, const char *key, int64_t value);
/* Rounded to that many decimals; always with a point. */
void item_decimal(Item *item, const char *key, double value, int decimals);
/* The member's name and its " : "; the caller writes the value. */
void item_key(Item *item, const char *key);

/* One member of another item, or all of them; `key` and `value` are raw. */
void item_copy(Item *item, Str key, Str value);
void item_copy_all(Item *item, Str object);

/* A number as the upstream prints it: rounded, no needless zeros, always with a point. */
void put_decimal(Buf *out, double value, int decimals);
/* One reading: {"@id", "dateTime", "measure", "value"}, with "date" where `with_date`; its dateTime is
 * "" unless it `tells_time`. */
void put_reading(Buf *out, Str measure_id, UnixSec time, bool tells_time, Str value,
                 bool with_date);
/* .../data/readings/{measure}/{time with - for :} */
void put_reading_uri(Buf *out, Str measure_id, UnixSec time);
