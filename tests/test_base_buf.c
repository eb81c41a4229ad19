#include "base/buf.h"

#include "tests/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TEST(buf_grows_and_shows_what_was_put)
{
    CLEANUP(buf_release) Buf buf = buf_init(1000);
    CHECK_STR(STR(""), buf_view(&buf));
    buf_put(&buf, "ab", 2);
    buf_put(&buf, NULL, 0);
    buf_put_str(&buf, STR("cd"));
    buf_put_str(&buf, STR_NONE);
    buf_put_char(&buf, 'e');
    buf_printf(&buf, "%d-%s", 12, "x");
    BUF_LITERAL(&buf, "!\0");
    CHECK_STR(((Str){"abcde12-x!\0", 11}), buf_view(&buf));
    CHECK_INT(OK, buf.error);
    buf_clear(&buf);
    CHECK_STR(STR(""), buf_view(&buf));
}

TEST(buf_holds_exactly_its_ceiling)
{
    CLEANUP(buf_release) Buf buf = buf_init(1000);
    for (int i = 0; i < 1000; i++)
        buf_put_char(&buf, 'x');
    CHECK_INT(OK, buf.error);
    CHECK_INT(1000, buf.len);
    CHECK(buf.cap <= 1000);
    buf_put_char(&buf, 'y');
    CHECK_INT(ERR_TOO_LARGE, buf.error);
    CHECK_INT(1000, buf.len);
}

TEST(buf_keeps_its_bytes_when_it_shrinks)
{
    CLEANUP(buf_release) Buf buf = buf_init(1000);
    buf_shrink(&buf);
    BUF_LITERAL(&buf, "abc");
    buf_shrink(&buf);
    CHECK_INT(3, buf.cap);
    BUF_LITERAL(&buf, "def");
    CHECK_STR(STR("abcdef"), buf_view(&buf));
}

TEST(buf_error_sticks_until_it_is_cleared)
{
    Err err = {.code = OK};
    CLEANUP(buf_release) Buf buf = buf_init(8);
    CHECK_OK(buf_check(&buf, &err));
    buf_put(&buf, "12345", 5);
    buf_put(&buf, "67890", 5); /* does not fit: nothing of it is put */
    buf_put(&buf, "a", 1);     /* would fit, but what came before is missing */
    CHECK_STR(STR("12345"), buf_view(&buf));
    CHECK_INT(ERR_TOO_LARGE, buf_check(&buf, &err));
    CHECK_INT(ERR_TOO_LARGE, err.code);
    CHECK_HAS("8 bytes", str_of(err.text));
    CHECK(buf_reserve(&buf, 1) == NULL);

    buf_clear(&buf);
    buf_put(&buf, "12345678", 8);
    CHECK_OK(buf_check(&buf, &err));
    CHECK_STR(STR("12345678"), buf_view(&buf));
}

TEST(buf_refuses_sizes_that_overflow)
{
    CLEANUP(buf_release) Buf buf = buf_init(SIZE_MAX);
    buf_put_char(&buf, 'x');
    CHECK(buf_reserve(&buf, SIZE_MAX) == NULL);
    CHECK_INT(ERR_TOO_LARGE, buf.error);
}

TEST(buf_is_usable_after_release)
{
    Buf buf = buf_init(100);
    buf_put_str(&buf, STR("one"));
    buf_release(&buf);
    CHECK(buf.ptr == NULL);
    buf_put_str(&buf, STR("two"));
    CHECK_STR(STR("two"), buf_view(&buf));
    buf_release(&buf);
    buf_release(&buf);
}

TEST(buf_reserve_is_counted_when_it_grew)
{
    CLEANUP(buf_release) Buf buf = buf_init(600);
    char *to = buf_reserve(&buf, 500);
    REQUIRE(to != NULL);
    memset(to, 'z', 500);
    CHECK_INT(0, buf.len);
    buf_grew(&buf, 3);
    CHECK_STR(STR("zzz"), buf_view(&buf));
    CHECK(buf_reserve(&buf, 598) == NULL);
    CHECK_INT(ERR_TOO_LARGE, buf.error);
}

TEST(buf_prepend_puts_in_front)
{
    CLEANUP(buf_release) Buf buf = buf_init(12);
    buf_prepend(&buf, STR("items"));
    buf_prepend(&buf, STR(""));
    buf_prepend(&buf, STR("head:"));
    CHECK_STR(STR("head:items"), buf_view(&buf));
    buf_prepend(&buf, STR("..."));
    CHECK_INT(ERR_TOO_LARGE, buf.error);
    CHECK_STR(STR("head:items"), buf_view(&buf));
}

TEST(buf_put_int_writes_every_size)
{
    static const struct {
        int64_t value;
        const char *want;
    } cases[] = {
        {0, "0"},
        {-1, "-1"},
        {1234567890123, "1234567890123"},
        {INT64_MAX, "9223372036854775807"},
        {INT64_MIN, "-9223372036854775808"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CLEANUP(buf_release) Buf buf = buf_init(100);
        buf_put_int(&buf, cases[i].value);
        CHECK_TEXT(cases[i].want, buf_view(&buf));
    }
}

TEST(buf_put_double_writes_the_shortest_decimal_with_a_point)
{
    static const struct {
        double value;
        const char *want;
    } cases[] = {
        {0, "0.0"},
        {-0.0, "-0.0"},
        {1, "1.0"},
        {-0.04, "-0.04"},
        {41.03, "41.03"},
        {0.1 + 0.2, "0.30000000000000004"},
        {-32.768, "-32.768"},
        {9636, "9636.0"},
        {4129.92, "4129.92"},
        {0.001, "0.001"},
        {0.0000015, "1.5e-06"},
        {999999999.999, "999999999.999"},
        {1e9, "1000000000.0"},
        {123456789012345680.0, "1.2345678901234568e+17"},
        {1e300, "1.0e+300"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CLEANUP(buf_release) Buf buf = buf_init(100);
        CASE(cases[i].want);
        buf_put_double(&buf, cases[i].value);
        CHECK_TEXT(cases[i].want, buf_view(&buf));
    }
}

/* Writes `value` into `text`, which it fits, with a NUL. */
static void write_double(double value, char text[static 64])
{
    Buf buf = {.ptr = text, .cap = 63, .max = 63};
    buf_put_double(&buf, value);
    text[buf.len] = '\0';
}

static bool reads_back(const char *text, double value)
{
    double got = strtod(text, NULL);
    return got == value && signbit(got) == signbit(value) && strchr(text, '.') != NULL;
}

TEST(buf_put_double_writes_thousandths_as_they_are_written)
{
    for (int64_t n = -300000; n <= 300000; n++) {
        char want[64], got[64];
        int64_t magnitude = n < 0 ? -n : n;
        int len = snprintf(want, sizeof want, "%s%lld.%03lld", n < 0 ? "-" : "",
                           (long long) (magnitude / 1000), (long long) (magnitude % 1000));
        while (want[len - 1] == '0' && want[len - 2] != '.')
            want[--len] = '\0';
        write_double((double) n / 1000, got);
        if (!CHECK_TEXT(want, str_of(got)))
            return; /* one is enough */
    }
}

/* xorshift: the same sequence everywhere. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

TEST(buf_put_double_reads_back_whatever_the_bits)
{
    uint64_t state = 88172645463325252;
    for (int i = 0; i < 100000; i++) {
        uint64_t bits = next_random(&state);
        double value,
            plain = (double) (int64_t) bits / 9007199254740992.0; /* +-1024: the usual size */
        char text[64];
        memcpy(&value, &bits, sizeof value);
        if (isfinite(value)) {
            write_double(value, text);
            if (!CHECK(reads_back(text, value)))
                return;
        }
        write_double(plain, text);
        if (!CHECK(reads_back(text, plain)))
            return;
    }
}
