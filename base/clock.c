#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t read_us(clockid_t clock)
{
    struct timespec now;
    (void) clock_gettime(clock, &now);
    return (int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_elapsed_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

int64_t clock_elapsed_ms(void)
{
    return clock_elapsed_us() / 1000;
}

Cost clock_cost(void)
{
    return (Cost){.wall_us = clock_elapsed_us(), .cpu_us = read_us(CLOCK_THREAD_CPUTIME_ID)};
}

void clock_add_cost(Cost *to, Cost begun)
{
    Cost now = clock_cost();
    cost_add(to, (Cost){now.wall_us - begun.wall_us, now.cpu_us - begun.cpu_us});
}

void cost_add(Cost *to, Cost cost)
{
    to->wall_us += cost.wall_us;
    to->cpu_us += cost.cpu_us;
}

UnixSec clock_now(void)
{
    return clock_now_ms() / 1000;
}

/* ---- the calendar: days since 1970-01-01, proleptic Gregorian ----------------------------------- */

enum { DAY_S = 86400, DAYS_OF_400_YEARS = 146097 };

/* Counted in years that begin in March, so that a leap day is the last of its year. */
static int64_t days_from_civil(int64_t year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_OF_400_YEARS + day_of_era - 719468;
}

typedef struct Civil {
    int64_t year;
    int month, day, hour, minute, second, weekday; /* weekday 0: Sunday */
} Civil;

static Civil civil_from_time(UnixSec time)
{
    int64_t days = time / DAY_S - (time % DAY_S < 0 ? 1 : 0);
    int second_of_day = (int) (time - days * DAY_S);
    int64_t shifted = days + 719468;
    int64_t era = (shifted >= 0 ? shifted : shifted - (DAYS_OF_400_YEARS - 1)) / DAYS_OF_400_YEARS;
    int64_t day_of_era = shifted - era * DAYS_OF_400_YEARS;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int month_from_march = (int) ((5 * day_of_year + 2) / 153);
    Civil civil = {
        .day = (int) (day_of_year - (153 * month_from_march + 2) / 5 + 1),
        .month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9,
        .hour = second_of_day / 3600,
        .minute = second_of_day / 60 % 60,
        .second = second_of_day % 60,
        .weekday = (int) (((days + 4) % 7 + 7) % 7),
    };
    civil.year = year_of_era + era * 400 + (civil.month <= 2 ? 1 : 0);
    return civil;
}

UnixSec clock_from_civil(int64_t year, int month, int day, int hour, int minute, int second)
{
    return days_from_civil(year, month, day) * DAY_S + hour * 3600 + minute * 60 + second;
}

static int days_of_month(int64_t year, int month)
{
    static const int DAYS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : DAYS[month - 1];
}

/* ---- writing ----------------------------------------------------------------------------------- */

static char *put_digits(char *to, int64_t value, int width)
{
    for (int i = width - 1; i >= 0; i--) {
        to[i] = (char) ('0' + value % 10);
        value /= 10;
    }
    return to + width;
}

void clock_format(UnixSec time, char text[static CLOCK_TEXT_SIZE])
{
    Civil civil = civil_from_time(time);
    assert(civil.year >= 0 && civil.year <= 9999);
    char *to = put_digits(text, civil.year, 4);
    *to++ = '-';
    to = put_digits(to, civil.month, 2);
    *to++ = '-';
    to = put_digits(to, civil.day, 2);
    *to++ = 'T';
    to = put_digits(to, civil.hour, 2);
    *to++ = ':';
    to = put_digits(to, civil.minute, 2);
    *to++ = ':';
    to = put_digits(to, civil.second, 2);
    *to++ = 'Z';
    *to = '\0';
}

static const char WEEKDAYS[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char MONTHS[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

void clock_format_http(UnixSec time, char text[static CLOCK_HTTP_SIZE])
{
    Civil civil = civil_from_time(time);
    assert(civil.year >= 0 && civil.year <= 9999);
    (void) snprintf(text, CLOCK_HTTP_SIZE, "%s, %02d %s %04d %02d:%02d:%02d GMT",
                    WEEKDAYS[civil.weekday], civil.day, MONTHS[civil.month - 1],
                    (int) (civil.year % 10000), civil.hour, civil.minute, civil.second);
}

/* ---- reading ----------------------------------------------------------------------------------- */

/* Exactly `width` digits at *at; moves it on. */
static bool take_digits(Str *at, size_t width, int *ret)
{
    int value = 0;
    if (at->len < width)
        return false;
    for (size_t i = 0; i < width; i++) {
        if (at->ptr[i] < '0' || at->ptr[i] > '9')
            return false;
        value = value * 10 + (at->ptr[i] - '0');
    }
    *at = (Str){at->ptr + width, at->len - width};
    *ret = value;
    return true;
}

static bool take_char(Str *at, const char *any_of)
{
    if (at->len == 0 || strchr(any_of, at->ptr[0]) == NULL || at->ptr[0] == '\0')
        return false;
    *at = (Str){at->ptr + 1, at->len - 1};
    return true;
}

static bool take_date(Str *at, Civil *civil)
{
    int year = 0;
    if (!take_digits(at, 4, &year) || !take_char(at, "-") || !take_digits(at, 2, &civil->month) ||
        !take_char(at, "-") || !take_digits(at, 2, &civil->day))
        return false;
    civil->year = year;
    return civil->month >= 1 && civil->month <= 12 && civil->day >= 1 &&
           civil->day <= days_of_month(year, civil->month);
}

static bool take_clock(Str *at, Civil *civil)
{
    if (!take_digits(at, 2, &civil->hour) || !take_char(at, ":") ||
        !take_digits(at, 2, &civil->minute))
        return false;
    if (take_char(at, ":")) {
        if (!take_digits(at, 2, &civil->second))
            return false;
        if (take_char(at, ".,")) {
            size_t digits = 0;
            for (int digit; take_digits(at, 1, &digit);)
                digits++;
            if (digits == 0)
                return false;
        }
    }
    return civil->hour <= 23 && civil->minute <= 59 && civil->second <= 59;
}

static bool take_offset(Str *at, int64_t *ret_s)
{
    *ret_s = 0;
    if (at->len == 0 || take_char(at, "Zz"))
        return true;
    bool behind = at->ptr[0] == '-';
    int hours = 0, minutes = 0;
    if (!take_char(at, "+-") || !take_digits(at, 2, &hours))
        return false;
    (void) take_char(at, ":");
    if (!take_digits(at, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *ret_s = (hours * 3600 + minutes * 60) * (behind ? -1 : 1);
    return true;
}

bool clock_parse(Str text, UnixSec *ret)
{
    Civil civil = {.year = 0};
    int64_t offset_s = 0;
    if (!take_date(&text, &civil))
        return false;
    if (text.len > 0 &&
        (!take_char(&text, "Tt ") || !take_clock(&text, &civil) || !take_offset(&text, &offset_s)))
        return false;
    if (text.len > 0)
        return false;
    UnixSec time = clock_from_civil(civil.year, civil.month, civil.day, civil.hour, civil.minute,
                                    civil.second) -
                   offset_s;
    if (time < CLOCK_FIRST || time > CLOCK_LAST) /* an offset led out of what can be written */
        return false;
    *ret = time;
    return true;
}

bool clock_parse_http(Str text, UnixSec *ret)
{
    Civil civil = {.year = 0};
    int year = 0;
    if (text.len != CLOCK_HTTP_SIZE - 1)
        return false;
    text = (Str){text.ptr + 3, text.len - 3}; /* the weekday says nothing that the date does not */
    if (!take_char(&text, ",") || !take_char(&text, " ") || !take_digits(&text, 2, &civil.day) ||
        !take_char(&text, " "))
        return false;
    for (int month = 0; month < 12; month++)
        if (memcmp(text.ptr, MONTHS[month], 3) == 0)
            civil.month = month + 1;
    text = (Str){text.ptr + 3, text.len - 3};
    if (civil.month == 0 || !take_char(&text, " ") || !take_digits(&text, 4, &year) ||
        !take_char(&text, " ") || !take_clock(&text, &civil) || !str_eq(text, STR(" GMT")))
        return false;
    if (civil.day < 1 || civil.day > days_of_month(year, civil.month))
        return false;
    *ret = clock_from_civil(year, civil.month, civil.day, civil.hour, civil.minute, civil.second);
    return true;
}

bool clock_parse_duration(Str text, int64_t *ret_s)
{
    static const struct {
        char letter;
        bool of_time; /* behind the T */
        int64_t seconds;
    } UNITS[] = {{'W', false, 604800},
                 {'D', false, 86400},
                 {'H', true, 3600},
                 {'M', true, 60},
                 {'S', true, 1}};
    size_t unit = 0; /* each at most once, in this order */
    bool in_time = false;
    int64_t total = 0;
    if (!take_char(&text, "P") || text.len == 0)
        return false;
    while (text.len > 0) {
        if (!in_time && take_char(&text, "T")) {
            in_time = true;
            if (text.len == 0)
                return false;
        }
        size_t digits = 0;
        while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9')
            digits++;
        int64_t count = 0;
        if (digits == text.len || !str_to_int((Str){text.ptr, digits}, &count))
            return false;
        while (unit < countof(UNITS) &&
               (UNITS[unit].letter != text.ptr[digits] || UNITS[unit].of_time != in_time))
            unit++;
        int64_t seconds = 0;
        if (unit == countof(UNITS) ||
            __builtin_mul_overflow(count, UNITS[unit].seconds, &seconds) ||
            __builtin_add_overflow(total, seconds, &total))
            return false;
        unit++;
        text = (Str){text.ptr + digits + 1, text.len - digits - 1};
    }
    if (total == 0)
        return false;
    *ret_s = total;
    return true;
}
