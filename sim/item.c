#include "sim/item.h"

#include "base/clock.h"
#include "base/json.h"

#include <math.h>
#include <stdio.h>

Item item_open(Buf *out)
{
    BUF_LITERAL(out, "{ ");
    return (Item){.out = out};
}

void item_close(Item *item)
{
    BUF_LITERAL(item->out, "\n  }");
}

void item_key(Item *item, const char *key)
{
    if (item->has_members)
        BUF_LITERAL(item->out, " ,");
    item->has_members = true;
    BUF_LITERAL(item->out, "\n    \"");
    buf_put_str(item->out, str_of(key));
    BUF_LITERAL(item->out, "\" : ");
}

void item_raw(Item *item, const char *key, Str value)
{
    item_key(item, key);
    buf_put_str(item->out, value);
}

void item_text(Item *item, const char *key, Str value)
{
    item_key(item, key);
    json_put_string(item->out, value);
}

void item_uri(Item *item, const char *key, const char *path, Str id)
{
    item_key(item, key);
    BUF_LITERAL(item->out, "\"" SIM_ROOT);
    buf_put_str(item->out, str_of(path));
    buf_put_str(item->out, id);
    buf_put_char(item->out, '"');
}

void item_int(Item *item, const char *key, int64_t value)
{
    item_key(item, key);
    buf_put_int(item->out, value);
}

void item_decimal(Item *item, const char *key, double value, int decimals)
{
    item_key(item, key);
    put_decimal(item->out, value, decimals);
}

void item_copy(Item *item, Str key, Str value)
{
    char name[64];
    (void) snprintf(name, sizeof name, STR_FMT, STR_ARG(key));
    item_raw(item, name, value);
}

void item_copy_all(Item *item, Str object)
{
    JsonWalk walk = json_walk(object);
    Str key, value;
    while (json_next(&walk, &key, &value))
        item_copy(item, key, value);
}

void put_decimal(Buf *out, double value, int decimals)
{
    static const double POWERS[] = {1, 10, 100, 1000, 10000, 100000, 1000000};
    double power = POWERS[decimals];
    double rounded = nearbyint(value * power) / power;
    buf_put_double(out, rounded + 0.0); /* -0.0 would print its sign */
}

static void time_text(UnixSec time, char colon, char text[static CLOCK_TEXT_SIZE])
{
    clock_format(time, text);
    text[13] = text[16] = colon;
}

void put_reading_uri(Buf *out, Str measure_id, UnixSec time)
{
    char text[CLOCK_TEXT_SIZE];
    time_text(time, '-', text);
    BUF_LITERAL(out, SIM_ROOT "/data/readings/");
    buf_put_str(out, measure_id);
    buf_put_char(out, '/');
    buf_put(out, text, CLOCK_TEXT_SIZE - 1);
}

void put_reading(Buf *out, Str measure_id, UnixSec time, bool tells_time, Str value, bool with_date)
{
    char text[CLOCK_TEXT_SIZE];
    time_text(time, ':', text);
    Item item = item_open(out);
    item_key(&item, "@id");
    buf_put_char(out, '"');
    put_reading_uri(out, measure_id, time);
    buf_put_char(out, '"');
    if (with_date)
        item_text(&item, "date", (Str){text, 10});
    item_text(&item, "dateTime", (Str){text, tells_time ? CLOCK_TEXT_SIZE - 1 : 0});
    item_uri(&item, "measure", "/id/measures/", measure_id);
    if (!str_is_none(value))
        item_raw(&item, "value", value);
    item_close(&item);
}
