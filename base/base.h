/* base/base.h - the few words every file uses. */
#pragma once
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_USE                        __attribute__((warn_unused_result))
#define CLEANUP(fn)                     __attribute__((cleanup(fn)))
#define PRINTF_LIKE(fmt_arg, first_arg) __attribute__((format(printf, fmt_arg, first_arg)))
#define UNUSED                          __attribute__((unused))
#define countof(array)                  (sizeof(array) / sizeof((array)[0]))

/* Hands a pointer on: its value is returned and the variable, which CLEANUP would end, becomes NULL. */
#define TAKE(pointer)                                                                              \
    __extension__({                                                                                \
        __typeof__(pointer) take_tmp_ = (pointer);                                                 \
        (pointer) = NULL;                                                                          \
        take_tmp_;                                                                                 \
    })

/* A moment: whole seconds since 1970-01-01T00:00:00Z. Text only at the edges (base/clock.h). */
typedef int64_t UnixSec;

#define NO_TIME INT64_MIN /* where a moment is not known */
