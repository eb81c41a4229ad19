#include "model/change.h"

#include <inttypes.h>
#include <stdio.h>

const char *change_kind_name(ChangeKind kind)
{
    static const char *const NAMES[CHANGE_KIND_COUNT] = {
        [CHANGE_STATION] = "stations",      [CHANGE_MEASURE] = "measures",
        [CHANGE_READING] = "readings",      [CHANGE_CORRECTION] = "corrections",
        [CHANGE_FRESHNESS] = "freshness",   [CHANGE_STATION_GONE] = "removals",
        [CHANGE_MEASURE_GONE] = "removals",
    };
    return NAMES[kind];
}

void change_cursor_format(const ChangeCursor *cursor, char text[static CHANGE_CURSOR_SIZE])
{
    int len = snprintf(text, CHANGE_CURSOR_SIZE, "%08" PRIx32 "-%" PRIu64, cursor->epoch,
                       cursor->generation);
    if (cursor->taken > 0)
        (void) snprintf(text + len, CHANGE_CURSOR_SIZE - (size_t) len, ".%" PRIu64, cursor->taken);
}

/* Lower-case hex, as it is written; a date has other dashes, a number none. */
bool epoch_parse(Str text, uint32_t *ret)
{
    uint32_t epoch = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool is_digit = c >= '0' && c <= '9';
        if (!is_digit && (c < 'a' || c > 'f'))
            return false;
        epoch = epoch << 4 | (uint32_t) (is_digit ? c - '0' : c - 'a' + 10);
    }
    *ret = epoch;
    return text.len == 8;
}

static bool parse_number(Str text, uint64_t *ret)
{
    int64_t number = 0;
    if (!str_to_int(text, &number) || number < 0)
        return false;
    *ret = (uint64_t) number;
    return true;
}

bool change_cursor_parse(Str text, ChangeCursor *ret)
{
    ChangeCursor cursor = {.taken = 0};
    Str epoch, rest, generation, taken;
    if (!str_cut(text, '-', &epoch, &rest))
        return false;
    bool has_taken = str_cut(rest, '.', &generation, &taken);
    if (!has_taken)
        generation = rest;
    if (!epoch_parse(epoch, &cursor.epoch) || !parse_number(generation, &cursor.generation) ||
        (has_taken && !parse_number(taken, &cursor.taken)))
        return false;
    *ret = cursor;
    return true;
}

ChangeCursor change_cursor_behind(uint32_t epoch, const Change *change)
{
    return (ChangeCursor){
        .epoch = epoch, .generation = change->generation - 1, .taken = change->place + 1};
}
