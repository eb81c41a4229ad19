#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    bool retryable;
} CODES[ERR_CODE_COUNT] = {
    [OK] = {"ok", false},
    [ERR_INVALID] = {"invalid", false},
    [ERR_NOT_FOUND] = {"not_found", false},
    [ERR_FORMAT] = {"format", true},
    [ERR_TOO_LARGE] = {"too_large", false},
    [ERR_BUSY] = {"busy", true},
    [ERR_NETWORK] = {"network", true},
    [ERR_UPSTREAM] = {"upstream", true},
    [ERR_STORAGE] = {"storage", true},
    [ERR_CORRUPT] = {"corrupt", false},
    [ERR_NO_MEMORY] = {"no_memory", true},
    [ERR_STOPPED] = {"stopped", false},
};

ErrCode err_set(Err *err, ErrCode code, const char *fmt, ...)
{
    if (err != NULL) {
        va_list args;
        va_start(args, fmt);
        err->code = code;
        (void) vsnprintf(err->text, sizeof err->text, fmt, args);
        va_end(args);
    }
    return code;
}

/* What does not fit is cut off. */
static void append(char *text, size_t size, const char *more)
{
    size_t used = strlen(text);
    size_t len = strnlen(more, size - 1 - used);
    memcpy(text + used, more, len);
    text[used + len] = '\0';
}

ErrCode err_context(Err *err, const char *fmt, ...)
{
    assert(err != NULL && err->code != OK);
    char old[sizeof err->text];
    memcpy(old, err->text, sizeof old);

    va_list args;
    va_start(args, fmt);
    (void) vsnprintf(err->text, sizeof err->text, fmt, args);
    va_end(args);
    append(err->text, sizeof err->text, ": ");
    append(err->text, sizeof err->text, old);
    return err->code;
}

bool err_is_retryable(ErrCode code)
{
    return CODES[code].retryable;
}

const char *err_name(ErrCode code)
{
    return CODES[code].name;
}
