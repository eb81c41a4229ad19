#include "model/london.h"

#include "base/clock.h"
#include "tests/test.h"

TEST(london_changes_its_clocks_on_last_sundays)
{
    static const struct {
        const char *time;
        int want_s;
    } cases[] = {
        {"2024-03-31T00:59:59Z", 0},    {"2024-03-31T01:00:00Z", 3600},
        {"2024-10-27T00:59:59Z", 3600}, {"2024-10-27T01:00:00Z", 0},
        {"2025-03-30T00:59:59Z", 0},    {"2025-03-30T01:00:00Z", 3600},
        {"2026-10-25T00:59:59Z", 3600}, {"2026-10-25T01:00:00Z", 0},
        {"2027-03-28T01:00:00Z", 3600}, {"2030-03-31T01:00:00Z", 3600},
        {"2030-03-31T00:59:59Z", 0},    {"2031-10-26T01:00:00Z", 0},
        {"2026-01-01T00:00:00Z", 0},    {"2025-12-31T23:59:59Z", 0},
        {"2026-07-01T12:00:00Z", 3600},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        UnixSec time = NO_TIME;
        CASE(cases[i].time);
        CHECK(clock_parse(str_of(cases[i].time), &time));
        CHECK_INT(cases[i].want_s, london_offset_s(time));
    }
}
