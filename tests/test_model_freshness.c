#include "model/freshness.h"

#include "base/clock.h"
#include "base/json.h"
#include "tests/test.h"

#include <stdlib.h>

enum {
    MIN = 60,
    HOUR = 3600,
    POLL = 15 * MIN,
    PERIOD = 15 * MIN,
    SLOT = 1795342800, /* 2026-11-22T10:20:00Z */
};

/* First seen at SLOT with a newest reading `age_min` old, then delivered after each of the gaps
 * that the text lists, in minutes; the newest reading is then always 20 minutes old. */
static Deliveries delivered(int64_t age_min, const char *gaps_min, UnixSec *ret_newest)
{
    Deliveries deliveries = deliveries_none();
    UnixSec slot = SLOT;
    *ret_newest = slot - age_min * MIN;
    deliveries_add(&deliveries, slot, *ret_newest, PERIOD);
    for (char *at; *gaps_min != '\0'; gaps_min = at) {
        slot += strtoll(gaps_min, &at, 10) * MIN;
        *ret_newest = slot - 20 * MIN;
        deliveries_add(&deliveries, slot, *ret_newest, PERIOD);
    }
    return deliveries;
}

TEST(freshness_names)
{
    static const char *const names[] = {"fresh", "late", "stale", "silent"};
    CHECK_INT(FRESHNESS_COUNT, countof(names));
    for (int i = 0; i < FRESHNESS_COUNT; i++)
        CHECK_TEXT(names[i], str_of(freshness_name((Freshness) i)));
}

TEST(deliveries_begin_with_a_prior_by_the_age_at_first_sight)
{
    static const struct {
        const char *name;
        int64_t age_s, period_s, prior_s;
        bool delivered;
    } cases[] = {
        {"just measured", 18 * MIN, PERIOD, 45 * MIN, true},
        {"ahead of our clock", -30 * MIN, PERIOD, 45 * MIN, true},
        {"a period and 45 minutes", HOUR, PERIOD, 45 * MIN, true},
        {"a second more", HOUR + 1, PERIOD, 13 * HOUR, true},
        {"hourly", HOUR + 45 * MIN, HOUR, 45 * MIN, true},
        {"hourly, a second more", HOUR + 45 * MIN + 1, HOUR, 13 * HOUR, true},
        {"no period, 45 minutes", 45 * MIN, 0, 45 * MIN, true},
        {"no period, a second more", 45 * MIN + 1, 0, 13 * HOUR, true},
        {"read out twice a day", 14 * HOUR, PERIOD, 13 * HOUR, true},
        {"read out once a day", 14 * HOUR + 1, PERIOD, 25 * HOUR, true},
        {"at its latest", 26 * HOUR, PERIOD, 25 * HOUR, true},
        {"brought by no delivery that is known", 26 * HOUR + 1, PERIOD, 25 * HOUR, false},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        Deliveries deliveries = deliveries_none();
        CASE(cases[i].name);
        deliveries_add(&deliveries, SLOT, SLOT - cases[i].age_s, cases[i].period_s);
        CHECK_INT(cases[i].prior_s, deliveries.prior_s);
        CHECK_INT(cases[i].delivered ? SLOT : NO_TIME, deliveries.last_arrival);
        CHECK_INT(0, deliveries.gap_count);
    }
}

TEST(deliveries_keep_the_prior_of_the_first_sight)
{
    UnixSec newest;
    Deliveries deliveries = delivered(9 * 60, "15 15", &newest);
    CHECK_INT(13 * HOUR, deliveries.prior_s);
}

TEST(deliveries_keep_the_last_16_gaps_oldest_first)
{
    Deliveries deliveries = deliveries_none();
    UnixSec slot = SLOT;
    deliveries_add(&deliveries, slot, slot - 20 * MIN, PERIOD);
    for (int i = 1; i <= 20; i++) {
        slot += i * MIN;
        deliveries_add(&deliveries, slot, slot - 20 * MIN, PERIOD);
        CHECK_INT(i < DELIVERY_GAPS ? i : DELIVERY_GAPS, deliveries.gap_count);
    }
    for (int i = 0; i < DELIVERY_GAPS; i++)
        CHECK_INT((i + 5) * MIN, deliveries.gaps_s[i]);
    CHECK_INT(slot, deliveries.last_arrival);
}

TEST(deliveries_make_no_gap_where_there_is_none)
{
    static const struct {
        const char *name;
        int64_t step_s;
    } cases[] = {{"twice in a slot", 0}, {"a clock set back", -HOUR}};
    for (size_t i = 0; i < countof(cases); i++) {
        UnixSec newest;
        Deliveries deliveries = delivered(20, "15", &newest);
        UnixSec slot = SLOT + 15 * MIN + cases[i].step_s;
        CASE(cases[i].name);
        deliveries_add(&deliveries, slot, newest + PERIOD, PERIOD);
        CHECK_INT(1, deliveries.gap_count);
        CHECK_INT(slot, deliveries.last_arrival);
    }
}

TEST(deliveries_hold_a_gap_of_any_length)
{
    Deliveries deliveries = deliveries_none();
    deliveries_add(&deliveries, 0, 0, PERIOD);
    deliveries_add(&deliveries, INT64_C(9000000000), 0, PERIOD);
    CHECK_INT(UINT32_MAX, deliveries.gaps_s[0]);
}

/* Expected and A count from the last arrival, silent from the newest reading. */
TEST(deliveries_say_what_to_expect)
{
    static const struct {
        const char *name;
        int64_t age_min;
        const char *gaps_min;
        int64_t period_min;
        int64_t expected_min; /* 0: not known */
        int64_t usual_min;    /* A */
        int64_t silent_h;
    } cases[] = {
        {"first sight", 20, "", 15, 0, 45, 24},
        {"two gaps: still the prior", 20, "15 30", 15, 0, 45, 24},
        {"a prior below the period stays", 20, "", 60, 0, 45, 24},
        {"twice a day, first sight", 540, "", 15, 0, 780, 26},
        {"once a day, first sight", 1200, "", 15, 0, 1500, 50},
        {"three gaps", 20, "15 15 15", 15, 15, 15, 24},
        {"the longest of few is A", 20, "15 60 30", 15, 30, 60, 24},
        {"an even number of gaps", 20, "60 15 31 15", 15, 23, 60, 24},
        {"at least the period", 20, "15 15 15", 60, 15, 60, 24},
        {"no period", 20, "15 15 15", 0, 15, 15, 24},
        {"twice a day", 540, "720 720 720", 15, 720, 720, 24},
        {"a little less than twice a day", 540, "720 780 660", 15, 720, 780, 26},
        {"once a day", 1200, "300 1440 1440", 15, 1440, 1440, 48},
        {"of sixteen the last rank", 20, "15 15 15 15 15 15 120 15 15 15 15 15 15 15 15 15", 15, 15,
         120, 24},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        UnixSec newest;
        Deliveries deliveries = delivered(cases[i].age_min, cases[i].gaps_min, &newest);
        UnixSec arrival = deliveries.last_arrival, polled = arrival + POLL;
        Expectation e = deliveries_expect(&deliveries, newest, cases[i].period_min * MIN, POLL);
        int64_t expected_s = cases[i].expected_min * MIN, usual_s = cases[i].usual_min * MIN;
        CASE(cases[i].name);
        CHECK_INT(expected_s == 0 ? NO_TIME : arrival + expected_s, e.expected_next);
        CHECK_INT(polled + usual_s, e.late_after);
        CHECK_INT(polled + 2 * usual_s, e.stale_after);
        CHECK_INT(newest + cases[i].silent_h * HOUR, e.silent_after);
    }
}

TEST(deliveries_forget_what_is_more_than_16_gaps_ago)
{
    Deliveries deliveries = deliveries_none();
    UnixSec slot = SLOT;
    deliveries_add(&deliveries, slot, slot - 20 * MIN, PERIOD);
    slot += 5 * HOUR;
    for (int i = 0; i < DELIVERY_GAPS; i++, slot += 15 * MIN) {
        deliveries_add(&deliveries, slot, slot - 20 * MIN, PERIOD);
        Expectation e = deliveries_expect(&deliveries, slot - 20 * MIN, PERIOD, POLL);
        CHECK_INT(i < 2 ? slot + 45 * MIN + POLL : slot + 5 * HOUR + POLL, e.late_after);
    }
    deliveries_add(&deliveries, slot, slot - 20 * MIN, PERIOD);
    Expectation e = deliveries_expect(&deliveries, slot - 20 * MIN, PERIOD, POLL);
    CHECK_INT(slot + 15 * MIN + POLL, e.late_after);
}

/* Expected after 900 s, late after 1800, stale after 2700. */
TEST(freshness_goes_by_the_slot)
{
    static const struct {
        const char *name;
        int64_t silent_s, at_s;
        Freshness want;
        int64_t changes_s; /* 0: never */
    } cases[] = {
        {"fresh", 86400, 0, FRESHNESS_FRESH, 1801},
        {"expected and not there is no lateness", 86400, 1000, FRESHNESS_FRESH, 1801},
        {"at late_after", 86400, 1800, FRESHNESS_FRESH, 1801},
        {"past late_after", 86400, 1801, FRESHNESS_LATE, 2701},
        {"at stale_after", 86400, 2700, FRESHNESS_LATE, 2701},
        {"past stale_after", 86400, 2701, FRESHNESS_STALE, 86401},
        {"at silent_after", 86400, 86400, FRESHNESS_STALE, 86401},
        {"past silent_after", 86400, 86401, FRESHNESS_SILENT, 0},
        {"old readings came: silent before late", 1000, 0, FRESHNESS_FRESH, 1001},
        {"and so it is", 1000, 1001, FRESHNESS_SILENT, 0},
        {"silent before stale", 2000, 1900, FRESHNESS_LATE, 2001},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        Expectation e = {SLOT + 900, SLOT + 1800, SLOT + 2700, SLOT + cases[i].silent_s};
        UnixSec slot = SLOT + cases[i].at_s;
        UnixSec changes = cases[i].changes_s == 0 ? FRESHNESS_FOR_EVER : SLOT + cases[i].changes_s;
        CASE(cases[i].name);
        CHECK_INT(cases[i].want, freshness_at(&e, slot));
        CHECK_INT(changes, freshness_changes_at(&e, slot));
    }
}

TEST(freshness_without_any_delivery_is_silent_for_ever)
{
    Deliveries deliveries = deliveries_none();
    Expectation e = deliveries_expect(&deliveries, NO_TIME, PERIOD, POLL);
    CHECK_INT(NO_TIME, e.expected_next);
    CHECK_INT(NO_TIME, e.late_after);
    CHECK_INT(NO_TIME, e.stale_after);
    CHECK_INT(NO_TIME, e.silent_after);
    CHECK_INT(FRESHNESS_SILENT, freshness_at(&e, SLOT));
    CHECK_INT(FRESHNESS_FOR_EVER, freshness_changes_at(&e, SLOT));
}

TEST(freshness_of_what_was_dead_when_first_seen)
{
    Deliveries deliveries = deliveries_none();
    UnixSec newest = SLOT - 30 * HOUR;
    deliveries_add(&deliveries, SLOT, newest, PERIOD);
    Expectation e = deliveries_expect(&deliveries, newest, PERIOD, POLL);
    CHECK_INT(FRESHNESS_SILENT, freshness_at(&e, SLOT));

    UnixSec back = SLOT + 40 * HOUR; /* how long it was away before says nothing of its gaps */
    deliveries_add(&deliveries, back, back - 20 * MIN, PERIOD);
    e = deliveries_expect(&deliveries, back - 20 * MIN, PERIOD, POLL);
    CHECK_INT(0, deliveries.gap_count);
    CHECK_INT(FRESHNESS_FRESH, freshness_at(&e, back));
    CHECK_INT(back + 25 * HOUR + POLL, e.late_after);
}

TEST(freshness_changes_at_is_the_next_second_with_another_answer)
{
    UnixSec newest;
    Deliveries deliveries = delivered(1, "1 2 1 3", &newest);
    Expectation e = deliveries_expect(&deliveries, newest, 60, 60);
    UnixSec slot = deliveries.last_arrival;
    UnixSec end = e.silent_after + 10;
    int changes = 0;
    while (slot < end) {
        UnixSec next = freshness_changes_at(&e, slot);
        Freshness now = freshness_at(&e, slot);
        while (++slot < next && slot < end)
            if (freshness_at(&e, slot) != now)
                CHECK_INT(next, slot);
        if (slot == next) {
            CHECK(freshness_at(&e, slot) > now);
            changes++;
        }
    }
    CHECK_INT(3, changes); /* late, stale, silent */
}

/* ---- against what was recorded --------------------------------------------------------------- */

static bool quoted_time(Str json, UnixSec *ret)
{
    return json.len >= 2 && clock_parse((Str){json.ptr + 1, json.len - 2}, ret);
}

static bool newest_of(Str measure, UnixSec *ret_newest, int64_t *ret_period_s)
{
    Str latest, time, period;
    *ret_period_s = 0;
    if (json_member(measure, STR("period"), &period))
        (void) str_to_int(period, ret_period_s);
    return json_member(measure, STR("latestReading"), &latest) &&
           json_member(latest, STR("dateTime"), &time) && quoted_time(time, ret_newest);
}

TEST(freshness_at_first_sight_of_a_recorded_country)
{
    CLEANUP(buf_release) Buf body = buf_init(0);
    if (!test_recording("measures-all-2025-09-05T155534Z.json.gz", &body))
        test_skip("no recordings");
    UnixSec slot = clock_from_civil(2025, 9, 5, 15, 50, 0);
    int live = 0, hours_old = 0, healthy = 0, silent = 0;
    Str items, key, item;
    REQUIRE(json_member(buf_view(&body), STR("items"), &items));
    JsonWalk walk = json_walk(items);
    while (json_next(&walk, &key, &item)) {
        UnixSec newest;
        int64_t period_s;
        if (!newest_of(item, &newest, &period_s))
            continue;
        Deliveries deliveries = deliveries_none();
        deliveries_add(&deliveries, slot, newest, period_s);
        Expectation e = deliveries_expect(&deliveries, newest, period_s, POLL);
        Freshness freshness = freshness_at(&e, slot);
        int64_t age_s = slot - newest;
        bool is_hours_old = age_s > 6 * HOUR && age_s <= 12 * HOUR;
        live++;
        hours_old += is_hours_old;
        healthy += is_hours_old && freshness == FRESHNESS_FRESH;
        silent += freshness == FRESHNESS_SILENT;
        CHECK(freshness == (age_s <= 26 * HOUR ? FRESHNESS_FRESH : FRESHNESS_SILENT));
    }
    CHECK_INT(5275, live);
    CHECK(hours_old > 850); /* gauges that are read out twice a day */
    CHECK_INT(hours_old, healthy);
    CHECK(silent > 0 && silent < live / 10);
}

typedef struct Replay {
    Str station;
    Deliveries deliveries;
    UnixSec newest;
    int polls, seen[FRESHNESS_COUNT];
} Replay;

static void replay_poll(Replay *replay, UnixSec slot, UnixSec newest)
{
    if (newest > replay->newest)
        deliveries_add(&replay->deliveries, slot, newest, PERIOD);
    replay->newest = newest;
    Expectation e = deliveries_expect(&replay->deliveries, newest, PERIOD, 30 * MIN);
    replay->polls++;
    replay->seen[freshness_at(&e, slot)]++;
}

/* Time of the poll, station, time of its newest reading. */
static bool read_poll(Str row, UnixSec *ret_slot, Str *ret_station, UnixSec *ret_newest)
{
    Str polled, time;
    return str_cut(row, ',', &polled, &row) && str_cut(row, ',', ret_station, &row) &&
           str_cut(row, ',', &time, &row) && clock_parse(polled, ret_slot) &&
           clock_parse(time, ret_newest);
}

/* Two gauges that never failed, and one that was away for weeks; polled every 20 to 30 minutes. */
TEST(freshness_over_months_of_recorded_polls)
{
    CLEANUP(buf_release) Buf body = buf_init(0);
    if (!test_recording("polls-newest-reading-3-stations-2025-04-to-2025-12.csv.gz", &body))
        test_skip("no recordings");
    Replay replays[] = {
        {.station = STR("L1705A")}, {.station = STR("L1707A")}, {.station = STR("L1602")}};
    for (size_t i = 0; i < countof(replays); i++)
        replays[i].deliveries = deliveries_none();
    Str rest = buf_view(&body), row;
    (void) str_cut(rest, '\n', &row, &rest); /* the header */
    while (str_cut(rest, '\n', &row, &rest)) {
        UnixSec slot = 0, newest = 0;
        Str station = STR_NONE;
        REQUIRE(read_poll(row, &slot, &station, &newest));
        for (size_t i = 0; i < countof(replays); i++)
            if (str_eq(station, replays[i].station))
                replay_poll(&replays[i], slot, newest);
    }
    for (size_t i = 0; i < 2; i++) {
        CASE(i == 0 ? "L1705A" : "L1707A");
        CHECK(replays[i].polls > 15000);
        CHECK(replays[i].seen[FRESHNESS_FRESH] * 100 > replays[i].polls * 99);
        CHECK_INT(0, replays[i].seen[FRESHNESS_SILENT]); /* away for 20.7 h at most */
    }
    CASE("L1602");
    CHECK(replays[2].seen[FRESHNESS_SILENT] * 10 > replays[2].polls);
    CHECK(replays[2].seen[FRESHNESS_FRESH] * 10 > replays[2].polls * 7); /* it came back */
}
