#include "sim/params.h"

bool percent_decode(Arena *arena, Str text, bool plus_is_blank, Str *ret)
{
    char *to = arena_alloc(arena, text.len + 1);
    size_t len = 0;
    if (to == NULL)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        bool is_escape = text.ptr[i] == '%' && i + 2 < text.len &&
                         str_hex_digit(text.ptr[i + 1]) >= 0 && str_hex_digit(text.ptr[i + 2]) >= 0;
        if (is_escape) {
            to[len++] =
                (char) (str_hex_digit(text.ptr[i + 1]) * 16 + str_hex_digit(text.ptr[i + 2]));
            i += 2;
        } else {
            to[len++] = plus_is_blank && text.ptr[i] == '+' ? ' ' : text.ptr[i];
        }
    }
    *ret = (Str){to, len};
    return true;
}

static bool add_param(Params *params, Str pair)
{
    Str name = pair, value = STR("");
    (void) str_cut(pair, '=', &name, &value);
    Param *param = &params->list[params->count];
    if (!percent_decode(&params->strings, name, true, &param->name) ||
        !percent_decode(&params->strings, value, true, &param->value))
        return false;
    params->count++;
    return true;
}

ErrCode params_parse(Str raw, Params *ret_params, Err *err)
{
    Params params = {.strings = arena_init(), .raw = raw};
    Str rest = raw;
    while (rest.len > 0 && params.count < PARAMS_MAX) {
        Str pair = rest, tail = STR("");
        (void) str_cut(rest, '&', &pair, &tail);
        rest = tail;
        if (pair.len > 0 && !add_param(&params, pair)) {
            arena_release(&params.strings);
            return err_set(err, ERR_NO_MEMORY, "no memory for %zu bytes of query", raw.len);
        }
    }
    *ret_params = params;
    return OK;
}

void params_release(Params *params)
{
    arena_release(&params->strings);
}

bool params_get(const Params *params, const char *name, Str *ret_value)
{
    for (size_t i = 0; i < params->count; i++) {
        if (str_eq(params->list[i].name, str_of(name))) {
            *ret_value = params->list[i].value;
            return true;
        }
    }
    return false;
}

bool params_has(const Params *params, const char *name)
{
    Str ignored;
    return params_get(params, name, &ignored);
}
