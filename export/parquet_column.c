#include "export/parquet_column.h"

#include "base/array.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_BYTES_MAX = 1 << 30, GROUP_BYTES_MAX = 1 << 30 };

void column_init(Column *column, ParquetColumn spec)
{
    *column = (Column){.spec = spec, .bytes = buf_init(TEXT_BYTES_MAX)};
}

void column_release(Column *column)
{
    free(column->numbers);
    free(column->defined);
    free(column->ends);
    free(column->slots);
    buf_release(&column->bytes);
}

void column_clear(Column *column)
{
    column->count = column->value_count = column->text_count = 0;
    buf_clear(&column->bytes);
    if (column->slots != NULL)
        memset(column->slots, 0, column->slot_count * sizeof *column->slots);
}

/* ---- adding ------------------------------------------------------------------------------------ */

static bool make_room(Column *column)
{
    if (column->count < column->cap)
        return true;
    size_t cap = column->cap == 0 ? 1024 : column->cap * 2;
    uint64_t *numbers = reallocarray(column->numbers, cap, sizeof *numbers);
    if (numbers == NULL)
        return false;
    column->numbers = numbers;
    if (column->spec.optional) {
        uint8_t *defined = reallocarray(column->defined, cap, sizeof *defined);
        if (defined == NULL)
            return false;
        column->defined = defined;
    }
    column->cap = cap;
    return true;
}

bool column_add_null(Column *column)
{
    assert(column->spec.optional);
    if (!make_room(column))
        return false;
    column->defined[column->count++] = 0;
    return true;
}

static int64_t as_integer(ParquetType type, uint64_t bits)
{
    return type == PARQUET_INT ? (int32_t) bits : (int64_t) bits;
}

static double as_double(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static bool is_less(const Column *column, uint64_t a, uint64_t b)
{
    switch (column->spec.type) {
    case PARQUET_STRING:
        return str_cmp(column_text(column, a), column_text(column, b)) < 0;
    case PARQUET_DOUBLE:
        return as_double(a) < as_double(b);
    default:
        return as_integer(column->spec.type, a) < as_integer(column->spec.type, b);
    }
}

bool column_add_number(Column *column, uint64_t bits)
{
    if (!make_room(column))
        return false;
    if (column->value_count == 0) {
        column->least = column->greatest = bits;
    } else if (column->numbers[column->value_count - 1] != bits) {
        if (is_less(column, bits, column->least))
            column->least = bits;
        if (is_less(column, column->greatest, bits))
            column->greatest = bits;
    }
    column->numbers[column->value_count++] = bits;
    if (column->spec.optional)
        column->defined[column->count] = 1;
    column->count++;
    return true;
}

/* ---- distinct texts ---------------------------------------------------------------------------- */

Str column_text(const Column *column, uint64_t place)
{
    uint32_t begin = place > 0 ? column->ends[place - 1] : 0;
    return (Str){column->bytes.ptr != NULL ? column->bytes.ptr + begin : "",
                 column->ends[place] - begin};
}

/* FNV-1a: texts are short. */
static uint64_t hash_text(Str text)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (unsigned char) text.ptr[i]) * UINT64_C(1099511628211);
    return hash ^ hash >> 32;
}

static uint32_t *find_slot(const Column *column, Str text)
{
    size_t at = hash_text(text) & (column->slot_count - 1);
    while (column->slots[at] != 0 && !str_eq(column_text(column, column->slots[at] - 1), text))
        at = (at + 1) & (column->slot_count - 1);
    return &column->slots[at];
}

static bool grow_slots(Column *column)
{
    if (column->text_count * 2 < column->slot_count)
        return true;
    size_t count = column->slot_count == 0 ? 256 : column->slot_count * 2;
    uint32_t *slots = calloc(count, sizeof *slots);
    if (slots == NULL)
        return false;
    free(column->slots);
    column->slots = slots;
    column->slot_count = count;
    for (size_t i = 0; i < column->text_count; i++)
        *find_slot(column, column_text(column, i)) = (uint32_t) i + 1;
    return true;
}

static bool add_distinct(Column *column, Str text)
{
    if (!array_room(&column->ends, column->text_count, &column->text_cap, sizeof *column->ends))
        return false;
    buf_put_str(&column->bytes, text);
    column->ends[column->text_count++] = (uint32_t) column->bytes.len;
    return column->bytes.error == OK;
}

bool column_add_text(Column *column, Str text)
{
    uint64_t last = column->value_count > 0 ? column->numbers[column->value_count - 1] : 0;
    if (column->value_count > 0 && str_eq(column_text(column, last), text))
        return column_add_number(column, last);
    if (!grow_slots(column))
        return false;
    uint32_t *slot = find_slot(column, text);
    if (*slot == 0) {
        if (!add_distinct(column, text))
            return false;
        *slot = (uint32_t) column->text_count;
    }
    return column_add_number(column, *slot - 1);
}

/* ---- encoding ---------------------------------------------------------------------------------- */

Encoded encoded_init(void)
{
    return (Encoded){
        .dictionary = buf_init(2 * PARQUET_DICTIONARY_MAX),
        .data = buf_init(GROUP_BYTES_MAX),
        .least = buf_init(TEXT_BYTES_MAX),
        .greatest = buf_init(TEXT_BYTES_MAX),
    };
}

void encoded_release(Encoded *encoded)
{
    buf_release(&encoded->dictionary);
    buf_release(&encoded->data);
    buf_release(&encoded->least);
    buf_release(&encoded->greatest);
}

/* The numbers of a group by the order in which they first come. */
typedef struct NumberDictionary {
    uint64_t *values; /* [count] */
    size_t count, most;
    uint32_t *slots; /* as in Column */
    size_t slot_count;
    uint32_t *places; /* [value_count] of each row's value */
} NumberDictionary;

static void dictionary_release(NumberDictionary *dictionary)
{
    free(dictionary->values);
    free(dictionary->slots);
    free(dictionary->places);
}

static bool dictionary_alloc(NumberDictionary *dictionary, const Column *column, size_t most)
{
    size_t count = column->value_count < most ? column->value_count : most;
    dictionary->most = most;
    for (dictionary->slot_count = 64; dictionary->slot_count < 2 * count;)
        dictionary->slot_count *= 2;
    dictionary->values = calloc(count + 1, sizeof *dictionary->values);
    dictionary->slots = calloc(dictionary->slot_count, sizeof *dictionary->slots);
    dictionary->places = calloc(column->value_count + 1, sizeof *dictionary->places);
    return dictionary->values != NULL && dictionary->slots != NULL && dictionary->places != NULL;
}

static size_t hash_number(uint64_t bits)
{
    bits *= UINT64_C(0x9E3779B97F4A7C15);
    return (size_t) (bits ^ bits >> 32);
}

/* False: there are more distinct ones than `most`. */
static bool dictionary_fill(NumberDictionary *dictionary, const Column *column)
{
    for (size_t i = 0; i < column->value_count; i++) {
        uint64_t bits = column->numbers[i];
        size_t at = hash_number(bits) & (dictionary->slot_count - 1);
        while (dictionary->slots[at] != 0 && dictionary->values[dictionary->slots[at] - 1] != bits)
            at = (at + 1) & (dictionary->slot_count - 1);
        if (dictionary->slots[at] == 0) {
            if (dictionary->count == dictionary->most)
                return false;
            dictionary->values[dictionary->count++] = bits;
            dictionary->slots[at] = (uint32_t) dictionary->count;
        }
        dictionary->places[i] = dictionary->slots[at] - 1;
    }
    return true;
}

static void put_places(Buf *out, const uint32_t *places, size_t count, size_t dictionary_count)
{
    unsigned width = parquet_bit_width((uint32_t) dictionary_count - 1);
    if (width == 0)
        width = 1; /* not every reader takes none */
    buf_put_char(out, (char) width);
    parquet_put_hybrid(out, places, count, width);
}

static void put_plain_text(Buf *out, Str text)
{
    parquet_put_le(out, text.len, 4);
    buf_put_str(out, text);
}

static ErrCode no_memory(Err *err)
{
    return err_set(err, ERR_NO_MEMORY, "export: no memory for a row group");
}

static ErrCode encode_numbers(const Column *column, Encoded *encoded, Err *err)
{
    size_t bytes = parquet_physical(column->spec.type).bytes;
    CLEANUP(dictionary_release) NumberDictionary dictionary = {.count = 0};
    if (!dictionary_alloc(&dictionary, column, PARQUET_DICTIONARY_MAX / bytes))
        return no_memory(err);
    if (dictionary_fill(&dictionary, column)) {
        for (size_t i = 0; i < dictionary.count; i++)
            parquet_put_le(&encoded->dictionary, dictionary.values[i], bytes);
        encoded->dictionary_count = dictionary.count;
        put_places(&encoded->data, dictionary.places, column->value_count, dictionary.count);
    } else {
        for (size_t i = 0; i < column->value_count; i++)
            parquet_put_le(&encoded->data, column->numbers[i], bytes);
    }
    return OK;
}

static ErrCode encode_texts(const Column *column, Encoded *encoded, Err *err)
{
    if (column->bytes.len + 4 * column->text_count > PARQUET_DICTIONARY_MAX) {
        for (size_t i = 0; i < column->value_count; i++)
            put_plain_text(&encoded->data, column_text(column, column->numbers[i]));
        return OK;
    }
    uint32_t *places = calloc(column->value_count + 1, sizeof *places);
    if (places == NULL)
        return no_memory(err);
    for (size_t i = 0; i < column->value_count; i++)
        places[i] = (uint32_t) column->numbers[i];
    for (size_t i = 0; i < column->text_count; i++)
        put_plain_text(&encoded->dictionary, column_text(column, i));
    encoded->dictionary_count = column->text_count;
    put_places(&encoded->data, places, column->value_count, column->text_count);
    free(places);
    return OK;
}

static void encode_bools(const Column *column, Encoded *encoded)
{
    for (size_t i = 0; i < column->value_count; i += 8) {
        unsigned byte = 0;
        for (size_t k = 0; k < 8 && i + k < column->value_count; k++)
            byte |= (unsigned) column->numbers[i + k] << k;
        buf_put_char(&encoded->data, (char) byte);
    }
}

/* One bit a row, behind their length. */
static ErrCode encode_levels(const Column *column, Encoded *encoded, Err *err)
{
    if (!column->spec.optional)
        return OK;
    uint32_t *levels = calloc(column->count + 1, sizeof *levels);
    if (levels == NULL)
        return no_memory(err);
    CLEANUP(buf_release) Buf packed = buf_init(GROUP_BYTES_MAX);
    for (size_t i = 0; i < column->count; i++)
        levels[i] = column->defined[i];
    parquet_put_hybrid(&packed, levels, column->count, 1);
    free(levels);
    parquet_put_le(&encoded->data, packed.len, 4);
    buf_put_str(&encoded->data, buf_view(&packed));
    return packed.error == OK ? OK : no_memory(err);
}

/* -0.0 and 0.0 are equal but not the same bits: a bound is the one that is right for both. */
static uint64_t bound(const Column *column, uint64_t bits, bool is_least)
{
    if (column->spec.type != PARQUET_DOUBLE || as_double(bits) != 0.0)
        return bits;
    return is_least ? UINT64_C(1) << 63 : 0;
}

static void put_bound(const Column *column, uint64_t bits, bool is_least, Buf *out)
{
    if (column->spec.type == PARQUET_STRING)
        buf_put_str(out, column_text(column, bits));
    else if (column->spec.type == PARQUET_BOOL)
        buf_put_char(out, (char) bits);
    else
        parquet_put_le(out, bound(column, bits, is_least),
                       parquet_physical(column->spec.type).bytes);
}

ErrCode column_encode(const Column *column, Encoded *encoded, Err *err)
{
    buf_clear(&encoded->dictionary);
    buf_clear(&encoded->data);
    buf_clear(&encoded->least);
    buf_clear(&encoded->greatest);
    encoded->dictionary_count = 0;
    ErrCode rc = encode_levels(column, encoded, err);
    if (rc != OK || column->value_count == 0)
        return rc;
    put_bound(column, column->least, true, &encoded->least);
    put_bound(column, column->greatest, false, &encoded->greatest);
    switch (column->spec.type) {
    case PARQUET_STRING:
        return encode_texts(column, encoded, err);
    case PARQUET_BOOL:
        encode_bools(column, encoded);
        return OK;
    default:
        return encode_numbers(column, encoded, err);
    }
}
