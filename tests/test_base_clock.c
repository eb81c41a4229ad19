#include "base/clock.h"

#include "tests/test.h"

#include <stdlib.h>
#include <time.h>

static const struct {
    UnixSec time;
    const char *text, *http;
} MOMENTS[] = {
    {0, "1970-01-01T00:00:00Z", "Thu, 01 Jan 1970 00:00:00 GMT"},
    {-1, "1969-12-31T23:59:59Z", "Wed, 31 Dec 1969 23:59:59 GMT"},
    {951782400, "2000-02-29T00:00:00Z", "Tue, 29 Feb 2000 00:00:00 GMT"},
    {1709251199, "2024-02-29T23:59:59Z", "Thu, 29 Feb 2024 23:59:59 GMT"},
    {1709251200, "2024-03-01T00:00:00Z", "Fri, 01 Mar 2024 00:00:00 GMT"},
    {1795342567, "2026-11-22T10:16:07Z", "Sun, 22 Nov 2026 10:16:07 GMT"},
    {2147483648, "2038-01-19T03:14:08Z", "Tue, 19 Jan 2038 03:14:08 GMT"},
    {4107542400, "2100-03-01T00:00:00Z", "Mon, 01 Mar 2100 00:00:00 GMT"},
    {253402300799, "9999-12-31T23:59:59Z", "Fri, 31 Dec 9999 23:59:59 GMT"},
    {-62167219200, "0000-01-01T00:00:00Z", "Sat, 01 Jan 0000 00:00:00 GMT"},
};

TEST(clock_formats_and_parses_known_moments)
{
    for (size_t i = 0; i < countof(MOMENTS); i++) {
        char text[CLOCK_TEXT_SIZE], http[CLOCK_HTTP_SIZE];
        UnixSec time = 1;
        CASE(MOMENTS[i].text);
        clock_format(MOMENTS[i].time, text);
        CHECK_TEXT(MOMENTS[i].text, str_of(text));
        CHECK(clock_parse(str_of(text), &time));
        CHECK_INT(MOMENTS[i].time, time);

        clock_format_http(MOMENTS[i].time, http);
        CHECK_TEXT(MOMENTS[i].http, str_of(http));
        CHECK(clock_parse_http(str_of(http), &time));
        CHECK_INT(MOMENTS[i].time, time);
    }
}

TEST(clock_round_trips_every_day_of_1200_years)
{
    for (UnixSec day = -220924800LL * 100; day < 16725225600; day += 86400 + 3607) {
        char text[CLOCK_TEXT_SIZE], http[CLOCK_HTTP_SIZE];
        UnixSec back = 0, http_back = 0;
        clock_format(day, text);
        clock_format_http(day, http);
        REQUIRE(clock_parse(str_of(text), &back) && back == day);
        REQUIRE(clock_parse_http(str_of(http), &http_back) && http_back == day);
        struct tm tm;
        time_t time = day;
        char want[40];
        REQUIRE(gmtime_r(&time, &tm) != NULL);
        REQUIRE(strftime(want, sizeof want, "%Y-%m-%dT%H:%M:%SZ", &tm) > 0);
        if (tm.tm_year + 1900 >= 1000) /* strftime does not pad what is before */
            REQUIRE(CHECK_TEXT(want, str_of(text)));
    }
}

TEST(clock_parse_takes_the_ways_people_write_times)
{
    enum { T = 1795342567 }; /* 2026-11-22T10:16:07Z */
    static const struct {
        const char *text;
        UnixSec want;
    } cases[] = {
        {"2026-11-22T10:16:07Z", T},
        {"2026-11-22T10:16:07", T}, /* without an offset it is UTC */
        {"2026-11-22t10:16:07z", T},
        {"2026-11-22 10:16:07Z", T},
        {"2026-11-22T10:16:07.999999Z", T}, /* a fraction is cut off */
        {"2026-11-22T10:16:07.1", T},
        {"2026-11-22T10:16:07+00:00", T},
        {"2026-11-22T11:16:07+01:00", T},
        {"2026-11-22T04:46:07-05:30", T},
        {"2026-11-22T10:16:07-00:00", T},
        {"2026-11-23T00:16:07+14:00", T},
        {"2026-11-22", T - (10 * 3600 + 16 * 60 + 7)}, /* its midnight */
        {"2024-02-29T00:00:00Z", 1709164800},
        {"2000-02-29", 951782400},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        UnixSec got = 42;
        CASE(cases[i].text);
        CHECK(clock_parse(str_of(cases[i].text), &got));
        CHECK_INT(cases[i].want, got);
    }
}

TEST(clock_parse_refuses_what_is_no_moment)
{
    static const char *const cases[] = {
        "",
        "2024",
        "2024-05",
        "2024-02-30",
        "2024-02-30T00:00:00Z",
        "2023-02-29T00:00:00Z",
        "1900-02-29",
        "2024-04-31",
        "2024-13-01",
        "2024-00-10",
        "2024-01-00",
        "2024-1-1",
        "24-01-01",
        "+2024-01-01",
        "-2024-01-01",
        "20240101",
        "2024-01-01T",
        "2024-01-01T10",
        "2024-01-01T24:00:00Z",
        "2024-01-01T10:60:00Z",
        "2024-01-01T10:00:60Z",
        "2024-01-01T10:00:00.Z",
        "2024-01-01T10:00:00ZZ",
        "2024-01-01T10:00:00 Z",
        "2024-01-01T10:00:00+24:00",
        "2024-01-01T10:00:00+01:60",
        "2024-01-01T10:00:00+1",
        "2024-01-01T10:00:00+01:00 ",
        " 2024-01-01",
        "2024-01-01 ",
        "2024/01/01",
        "2024-01-01X10:00:00Z",
        "1e9",
        "now",
        "0000-01-01T00:00:00+00:01", /* cannot be written: it is in no year from 0000 to 9999 */
        "9999-12-31T23:59:59-00:01",
    };
    for (size_t i = 0; i < countof(cases); i++) {
        UnixSec got = 42;
        CASE(cases[i]);
        CHECK(!clock_parse(str_of(cases[i]), &got));
        CHECK_INT(42, got);
    }
    UnixSec got = 42;
    CHECK(!clock_parse(STR_NONE, &got));
    CHECK(!clock_parse((Str){"2024-01-01\0", 11}, &got));
    CHECK(!clock_parse((Str){"2024-01-01\0 10:00:00", 20}, &got));
    CHECK_INT(42, got);
}

TEST(clock_parse_http_takes_its_own_format_only)
{
    static const char *const cases[] = {
        "",
        "Sun, 22 Nov 2026 10:16:07 UTC",
        "Sun, 22 Now 2026 10:16:07 GMT",
        "Sun, 31 Nov 2026 10:16:07 GMT",
        "Sun, 00 Nov 2026 10:16:07 GMT",
        "Sun, 22 Nov 2026 24:16:07 GMT",
        "Sun 22 Nov 2026 10:16:07 GMT ",
        "Sunday, 22-Nov-26 10:16:07 GMT",
        "Sun Nov 22 10:16:07 2026",
        "2026-11-22T10:16:07Z",
        "Sun, 22 Nov 2026 10:16:07 GMT ",
    };
    for (size_t i = 0; i < countof(cases); i++) {
        UnixSec got = 42;
        CASE(cases[i]);
        CHECK(!clock_parse_http(str_of(cases[i]), &got));
        CHECK_INT(42, got);
    }
}

TEST(clock_parse_duration)
{
    static const struct {
        const char *text;
        int64_t want; /* 0: refused */
    } cases[] = {
        {"PT6H", 21600},
        {"P1D", 86400},
        {"P1W", 604800},
        {"PT15M30S", 930},
        {"P1DT12H", 129600},
        {"P1W2DT3H4M5S", 788645},
        {"PT0H1S", 1},
        {"PT90M", 5400},
        {"", 0},
        {"P", 0},
        {"PT", 0},
        {"P1DT", 0},
        {"P1", 0},
        {"PT1", 0},
        {"6H", 0},
        {"P6H", 0}, /* hours stand behind the T */
        {"PT1D", 0},
        {"P1M", 0}, /* a month has no fixed length */
        {"P1Y", 0},
        {"PT1M1H", 0}, /* wrong order */
        {"PT1H1H", 0},
        {"PT1.5H", 0},
        {"PT-1H", 0},
        {"-PT1H", 0},
        {"+PT1H", 0},
        {"PT0S", 0}, /* not positive */
        {"PTT1H", 0},
        {"pt1h", 0},
        {"PT1H ", 0},
        {"PT99999999999999999999S", 0},
        {"P99999999999999999W", 0},
        {"PT9223372036854775807S", INT64_MAX},
        {"PT1M9223372036854775807S", 0},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        int64_t got = 0;
        CASE(cases[i].text);
        CHECK_INT(cases[i].want != 0, clock_parse_duration(str_of(cases[i].text), &got));
        CHECK_INT(cases[i].want, got);
    }
    int64_t got = 0;
    CHECK(!clock_parse_duration(STR_NONE, &got));
}

TEST(clock_from_civil_counts_seconds)
{
    CHECK_INT(0, clock_from_civil(1970, 1, 1, 0, 0, 0));
    CHECK_INT(1795342567, clock_from_civil(2026, 11, 22, 10, 16, 7));
    CHECK_INT(-62167219200, clock_from_civil(0, 1, 1, 0, 0, 0));
}

TEST(clock_tells_wall_time_and_elapsed_time)
{
    time_t before = time(NULL);
    UnixSec now = clock_now();
    time_t after = time(NULL);
    CHECK(before - 1 <= now && now <= after + 1); /* time() may lag by a tick */
    int64_t ms = clock_now_ms();
    CHECK(ms / 1000 >= now);

    int64_t us = clock_elapsed_us();
    CHECK(clock_elapsed_us() >= us);
    CHECK(clock_elapsed_ms() >= us / 1000);
    CHECK(!clock_is_simulated());
}

TEST(clock_open_does_nothing_without_its_variable)
{
    Err err = {.code = OK};
    unsetenv("FRESHET_CLOCK");
    CHECK_OK(clock_open(&err));
    CHECK(!clock_is_simulated());
    clock_close();
}

TEST(clock_open_refuses_what_is_no_simulator)
{
    static const struct {
        const char *value;
        ErrCode want;
    } cases[] = {
        {"", ERR_INVALID},
        {"localhost", ERR_INVALID},
        {"localhost:", ERR_INVALID},
        {"127.0.0.1:1", ERR_NETWORK}, /* nobody listens there */
    };
    for (size_t i = 0; i < countof(cases); i++) {
        Err err = {.code = OK};
        CASE(cases[i].value);
        setenv("FRESHET_CLOCK", cases[i].value, 1);
        CHECK_INT(cases[i].want, clock_open(&err));
        CHECK_INT(cases[i].want, err.code);
        CHECK(!clock_is_simulated());
    }
    unsetenv("FRESHET_CLOCK");
}

TEST(clock_adds_up_what_a_thread_cost)
{
    Cost sum = {.wall_us = 1000000, .cpu_us = 2000000};
    Cost began = clock_cost();
    while (clock_cost().cpu_us < began.cpu_us + 500) /* nothing but work makes it move */
        ;
    clock_add_cost(&sum, began);
    CHECK(sum.wall_us > 1000000 && sum.cpu_us >= 2000500);
    cost_add(&sum, (Cost){.wall_us = -sum.wall_us, .cpu_us = 1 - sum.cpu_us});
    CHECK_INT(0, sum.wall_us);
    CHECK_INT(1, sum.cpu_us);
}
