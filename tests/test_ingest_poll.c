/* When the upstream is asked. */
#include "base/clock.h"
#include "ingest/poll.h"
#include "tests/test.h"

TEST(poll_slots_lie_five_minutes_past_the_quarter_hours)
{
    static const struct {
        const char *now;
        int64_t interval_s;
        const char *want;
    } cases[] = {
        {"2026-11-22T10:00:00Z", 900, "2026-11-22T10:05:00Z"},
        {"2026-11-22T10:04:59Z", 900, "2026-11-22T10:05:00Z"},
        {"2026-11-22T10:05:00Z", 900, "2026-11-22T10:20:00Z"}, /* at a slot: the next one */
        {"2026-11-22T10:05:09Z", 900, "2026-11-22T10:20:00Z"},
        {"2026-11-22T23:55:00Z", 900, "2026-11-23T00:05:00Z"},
        {"2026-11-22T10:06:00Z", 1800, "2026-11-22T10:35:00Z"},
        {"2026-11-22T10:06:00Z", 3600, "2026-11-22T11:05:00Z"},
        {"2026-11-22T10:06:00Z", 2,
         "2026-11-22T10:06:02Z"}, /* no multiple of 15 min: from now on */
        {"2026-11-22T10:06:00Z", 1000, "2026-11-22T10:22:40Z"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        UnixSec now = 0, want = 0;
        CASE(cases[i].now);
        REQUIRE(clock_parse(str_of(cases[i].now), &now) &&
                clock_parse(str_of(cases[i].want), &want));
        CHECK_INT(want, poll_next_slot(now, cases[i].interval_s));
    }
}
