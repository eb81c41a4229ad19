#include "base/str.h"

#include "tests/test.h"

#include <string.h>

#include <math.h>

TEST(str_none_is_not_empty)
{
    CHECK(str_is_none(STR_NONE));
    CHECK(str_is_none(str_of(NULL)));
    CHECK(!str_is_none(STR("")));
    CHECK(!str_is_none(str_of("")));
    CHECK(str_eq(STR_NONE, STR_NONE));
    CHECK(!str_eq(STR_NONE, STR("")));
    CHECK(!str_eq(STR(""), STR_NONE));
    CHECK(!str_eq_nocase(STR_NONE, STR("")));
}

TEST(str_equality_is_bytewise_and_knows_case)
{
    static const struct {
        const char *a, *b;
        bool eq, eq_nocase;
    } cases[] = {
        {"", "", true, true},
        {"Edgeh1", "Edgeh1", true, true},
        {"Edgeh1", "EdgeH1", false, true}, /* two stations (Q15) */
        {"abc", "abcd", false, false},
        {"[", "{", false, false}, /* apart by the case bit, and no letters */
        {"\xc3\xa9", "\xc3\x89", false, false},
        {"Z", "z", false, true},
        {"@", "`", false, false},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].a);
        CHECK_INT(cases[i].eq, str_eq(str_of(cases[i].a), str_of(cases[i].b)));
        CHECK_INT(cases[i].eq_nocase, str_eq_nocase(str_of(cases[i].a), str_of(cases[i].b)));
    }
    CHECK(!str_eq((Str){"a\0b", 3}, (Str){"a\0c", 3})); /* a NUL is a byte like any other */
}

static int sign(int order)
{
    return (order > 0) - (order < 0);
}

TEST(str_cmp_orders_bytewise_with_none_first)
{
    static const Str ordered[] = {STR_NONE, {"", 0},     {"A", 1},    {"AB", 2},  {"B", 1},
                                  {"a", 1}, {"\x7f", 1}, {"\x80", 1}, {"\xff", 1}};
    for (size_t i = 0; i < countof(ordered); i++)
        for (size_t j = 0; j < countof(ordered); j++)
            CHECK_INT((i > j) - (i < j), sign(str_cmp(ordered[i], ordered[j])));
}

TEST(str_starts_and_ends)
{
    CHECK(str_starts(STR("statusActive"), STR("status")));
    CHECK(str_starts(STR("status"), STR("status")));
    CHECK(str_starts(STR("status"), STR("")));
    CHECK(!str_starts(STR("stat"), STR("status")));
    CHECK(!str_starts(STR("Status"), STR("status")));
    CHECK(str_ends(STR("readings.csv"), STR(".csv")));
    CHECK(str_ends(STR(".csv"), STR(".csv")));
    CHECK(str_ends(STR("x"), STR("")));
    CHECK(!str_ends(STR("csv"), STR(".csv")));
    CHECK(!str_ends(STR("readings.CSV"), STR(".csv")));
}

TEST(str_cuts_at_the_first)
{
    Str head = STR("h"), tail = STR("t");
    CHECK(str_cut(STR("a=b=c"), '=', &head, &tail));
    CHECK_STR(STR("a"), head);
    CHECK_STR(STR("b=c"), tail);
    CHECK(str_cut(STR("="), '=', &head, &tail));
    CHECK_STR(STR(""), head);
    CHECK_STR(STR(""), tail);
    CHECK(str_cut(STR("last|"), '|', &head, &tail));
    CHECK_STR(STR(""), tail);
    CHECK(!str_is_none(tail));

    CHECK(!str_cut(STR("abc"), '=', &head, &tail));
    CHECK_STR(STR("last"), head); /* untouched */
    CHECK(!str_cut(STR_NONE, '=', &head, &tail));

    Str rest = STR("x,y");
    CHECK(str_cut(rest, ',', &head, &rest)); /* the tail may replace what is cut */
    CHECK_STR(STR("x"), head);
    CHECK_STR(STR("y"), rest);
}

TEST(str_trim_takes_blanks_tabs_and_line_ends)
{
    CHECK_STR(STR("RIVER CHERWELL  AT  ENSLOW"),
              str_trim(STR(" \t RIVER CHERWELL  AT  ENSLOW\r\n")));
    CHECK_STR(STR(""), str_trim(STR(" \t\r\n")));
    CHECK_STR(STR(""), str_trim(STR("")));
    CHECK(str_is_none(str_trim(STR_NONE)));
    CHECK_STR(STR("\xc2\xa0"), str_trim(STR("\xc2\xa0"))); /* bytes beyond ASCII are no blanks */
}

TEST(str_after_last_gives_the_notation)
{
    CHECK_STR(STR("1491TH"), str_after_last(STR("http://x/id/stations/1491TH"), '/'));
    CHECK_STR(STR(""), str_after_last(STR("http://x/id/stations/"), '/')); /* a station (Q14) */
    CHECK_STR(STR("plain"), str_after_last(STR("plain"), '/'));
    CHECK_STR(STR(""), str_after_last(STR(""), '/'));
}

TEST(str_find_gives_the_first_place)
{
    size_t at = 99;
    CHECK(str_find(STR("abcabc"), STR("bc"), &at));
    CHECK_INT(1, at);
    CHECK(str_find(STR("abc"), STR("abc"), &at));
    CHECK_INT(0, at);
    CHECK(str_find((Str){"a\0bc", 4}, STR("bc"), &at));
    CHECK_INT(2, at);
    at = 99;
    CHECK(!str_find(STR("abc"), STR("bd"), &at));
    CHECK(!str_find(STR("ab"), STR("abc"), &at));
    CHECK(!str_find(STR_NONE, STR("a"), &at));
    CHECK_INT(99, at);
}

TEST(str_to_int_takes_whole_numbers_only)
{
    static const struct {
        const char *text;
        bool ok;
        int64_t value;
    } cases[] = {
        {"0", true, 0},
        {"900", true, 900},
        {"007", true, 7},
        {"-1", true, -1},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"-9223372036854775809", false, 0},
        {"99999999999999999999999", false, 0},
        {"", false, 0},
        {"-", false, 0},
        {"+1", false, 0},
        {"--1", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"1.0", false, 0},
        {"0x10", false, 0},
        {"1e3", false, 0},
        {"12a", false, 0},
        {"\xd9\xa1", false, 0}, /* a digit of another script */
    };
    for (size_t i = 0; i < countof(cases); i++) {
        int64_t got = 42;
        CASE(cases[i].text);
        CHECK_INT(cases[i].ok, str_to_int(str_of(cases[i].text), &got));
        CHECK_INT(cases[i].ok ? cases[i].value : 42, got);
    }
    int64_t got = 42;
    CHECK(!str_to_int(STR_NONE, &got));
    CHECK(!str_to_int((Str){"1\0", 2}, &got));
    CHECK_INT(42, got);
}

TEST(str_to_double_takes_decimals_only)
{
    static const struct {
        const char *text;
        bool ok;
        double value;
    } cases[] = {
        {"0", true, 0},
        {"41.030", true, 41.03},
        {"-0.04", true, -0.04},
        {"-32.768", true, -32.768},
        {"1e3", true, 1000},
        {"1.5E-2", true, 0.015},
        {"2.", true, 2},
        {".5", true, 0.5},
        {"1e400", false, 0},
        {"-1e400", false, 0},
        {"", false, 0},
        {".", false, 0},
        {"-", false, 0},
        {"e5", false, 0},
        {"1e", false, 0},
        {"1e+", false, 0},
        {"inf", false, 0},
        {"NaN", false, 0},
        {"0x1p3", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"1,5", false, 0},
        {"1.2.3", false, 0},
        {"--1", false, 0},
        {"0.260|0.267", false, 0}, /* several values (Q2) are the parser's to tell apart */
    };
    for (size_t i = 0; i < countof(cases); i++) {
        double got = 42;
        CASE(cases[i].text);
        CHECK_INT(cases[i].ok, str_to_double(str_of(cases[i].text), &got));
        CHECK_DOUBLE(cases[i].ok ? cases[i].value : 42, got);
    }
    double got = 42;
    CHECK(!str_to_double(STR_NONE, &got));
    CHECK(!str_to_double((Str){"1\0", 2}, &got));
    CHECK(str_to_double(STR("-0.0"), &got) && signbit(got));
}

TEST(str_distance_counts_typing_errors)
{
    static const struct {
        const char *a, *b;
        size_t want;
    } cases[] = {
        {"", "", 0},
        {"station", "station", 0},
        {"statoin", "station", 2},
        {"Station", "sTATION", 0},
        {"statio", "station", 1},
        {"sstation", "station", 1},
        {"stetion", "station", 1},
        {"", "abc", 3},
        {"kitten", "sitting", 3},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].a);
        CHECK_INT(cases[i].want, str_distance(str_of(cases[i].a), str_of(cases[i].b)));
        CHECK_INT(cases[i].want, str_distance(str_of(cases[i].b), str_of(cases[i].a)));
    }
    char text[64];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = 'x';
    CHECK_INT(0, str_distance((Str){text, 63}, (Str){text, 63}));
    CHECK_INT(64, str_distance((Str){text, 64}, (Str){text, 64})); /* too long to compare */
    CHECK_INT(64, str_distance((Str){text, 64}, STR("")));
}

TEST(str_to_hex_is_strict)
{
    static const struct {
        const char *text;
        bool good;
        uint32_t value;
    } cases[] = {
        {"0", true, 0},   {"0000beef", true, 0xbeef}, {"FFFFffff", true, 0xffffffff},
        {"", false, 0},   {"123456789", false, 0},    {"12g", false, 0},
        {" 1", false, 0}, {"0x1", false, 0},          {"-1", false, 0},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        uint32_t got = 77;
        CASE(cases[i].text);
        CHECK_INT(cases[i].good, str_to_hex(str_of(cases[i].text), &got));
        CHECK_INT(cases[i].good ? cases[i].value : 77, got);
    }
}

TEST(str_hash_tells_texts_apart)
{
    static const char TEXT[] = "\0/v1/stations/1491TH/readings\0";
    uint64_t seen[sizeof TEXT];
    for (size_t len = 0; len < sizeof TEXT; len++) {
        char shifted[sizeof TEXT + 1];
        memcpy(shifted + 1, TEXT, len); /* where it stands in memory is no part of it */
        seen[len] = str_hash((Str){TEXT, len});
        CHECK(seen[len] == str_hash((Str){shifted + 1, len}));
        for (size_t i = 0; i < len; i++)
            CHECK(seen[i] != seen[len]);
    }
}
