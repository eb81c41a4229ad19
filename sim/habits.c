#include "sim/habits.h"

#include "sim/draw.h"
#include "sim/simtime.h"

#include <math.h>

enum { BY_DELIVERY, BY_READING, BY_LISTING, BY_STATION, BY_GRID };

const RateName RATES[RATE_COUNT] = {
    [RATE_HOURLY] = {"hourly", "of measures are delivered hourly (3)", BY_DELIVERY},
    [RATE_TWICE_DAILY] = {"twice-daily", "of measures are delivered twice a day (9)", BY_DELIVERY},
    [RATE_DAILY] = {"daily", "of measures are delivered daily (3)", BY_DELIVERY},
    [RATE_LATE] = {"late", "of readings come hours behind newer ones", BY_READING},
    [RATE_CORRECTIONS] = {"corrections", "of readings change their value hours later", BY_READING},
    [RATE_DUPLICATES] = {"duplicates", "of readings are told twice in one answer", BY_READING},
    [RATE_ARRAYS] = {"arrays", "of readings have two values, one of them absurd", BY_READING},
    [RATE_MISSING_VALUES] = {"missing-values", "of readings have no value", BY_READING},
    [RATE_EMPTY_TIMES] = {"empty-times", "of readings have an empty dateTime", BY_READING},
    [RATE_SENTINELS] = {"sentinels", "of readings say -32.768", BY_READING},
    [RATE_UNLISTED] = {"unlisted", "of measures are in no list", BY_LISTING},
    [RATE_LISTED_LATER] = {"listed-later", "of measures come into the lists later", BY_LISTING},
    [RATE_VANISHING] = {"vanishing", "of stations are in no list for 6 h of each day", BY_STATION},
    [RATE_OFF_GRID] = {"off-grid", "of measures lie off the quarter hours (0.2)", BY_GRID},
};

/* What is drawn, beside what sim/made.h draws of the same seed. */
enum {
    DRAW_DELIVERY = 2000,
    DRAW_DELIVERY_PHASE,
    DRAW_LISTING,
    DRAW_LISTING_TIME,
    DRAW_VANISHING,
    DRAW_VANISHING_TIME,
};
#define DRAW_ODDITY (6ull << 40) /* a time is added to these */
#define DRAW_DELAY  (7ull << 40)
#define DRAW_COIN   (8ull << 40)

/* ---- setting --------------------------------------------------------------------------------- */

static void set_batching(Habits *habits, uint32_t ppm)
{
    habits->ppm[RATE_HOURLY] = habits->ppm[RATE_DAILY] = ppm / 5;
    habits->ppm[RATE_TWICE_DAILY] = ppm - 2 * (ppm / 5);
}

Habits habits_init(uint64_t seed, UnixSec start)
{
    Habits habits = {.seed = seed, .start = start};
    set_batching(&habits, 150000);
    habits.ppm[RATE_OFF_GRID] = 2000;
    return habits;
}

static ErrCode check_groups(const Habits *habits, Err *err)
{
    for (size_t i = 0; i < RATE_COUNT; i++) {
        uint64_t sum = 0;
        for (size_t k = 0; k < RATE_COUNT; k++)
            sum += RATES[k].group == RATES[i].group ? habits->ppm[k] : 0;
        if (sum > DRAW_MILLION)
            return err_set(err, ERR_INVALID, "%s and its like are more than 100 percent",
                           RATES[i].name);
    }
    return OK;
}

ErrCode habits_set(Habits *habits, Str name, Str percent, Err *err)
{
    Habits changed = *habits;
    double number;
    if (!str_to_double(percent, &number) || number < 0 || number > 100)
        return err_set(err, ERR_INVALID, STR_FMT " is '" STR_FMT "', expected 0 to 100 percent",
                       STR_ARG(name), STR_ARG(percent));
    uint32_t ppm = (uint32_t) lround(number * 10000);
    size_t i = 0;
    while (i < RATE_COUNT && !str_eq(name, str_of(RATES[i].name)))
        i++;
    if (i < RATE_COUNT)
        changed.ppm[i] = ppm;
    else if (str_eq(name, STR("batching")))
        set_batching(&changed, ppm);
    else
        return err_set(err, ERR_INVALID, "'" STR_FMT "' is no rate", STR_ARG(name));
    ErrCode rc = check_groups(&changed, err);
    if (rc == OK)
        *habits = changed;
    return rc;
}

/* ---- what follows from it -------------------------------------------------------------------- */

/* The one of the rates from `first` to `last` that is drawn; RATE_COUNT: none of them. */
static Rate drawn(const Habits *habits, Rate first, Rate last, uint64_t index, uint64_t what)
{
    uint64_t left = draw(habits->seed, index, what) % DRAW_MILLION;
    for (Rate rate = first; rate <= last; rate++) {
        if (left < habits->ppm[rate])
            return rate;
        left -= habits->ppm[rate];
    }
    return RATE_COUNT;
}

Delivery habits_delivery(const Habits *habits, uint32_t measure)
{
    static const int64_t EVERY_S[] = {
        [RATE_HOURLY] = 3600, [RATE_TWICE_DAILY] = 43200, [RATE_DAILY] = 86400};
    Rate rate = drawn(habits, RATE_HOURLY, RATE_DAILY, measure, DRAW_DELIVERY);
    if (rate == RATE_COUNT)
        return (Delivery){0, 0};
    uint64_t quarters = (uint64_t) EVERY_S[rate] / 900;
    uint64_t quarter = draw(habits->seed, measure, DRAW_DELIVERY_PHASE) % quarters;
    return (Delivery){EVERY_S[rate], (int64_t) quarter * 900};
}

Rate habits_oddity(const Habits *habits, uint32_t measure, UnixSec time)
{
    return drawn(habits, RATE_LATE, RATE_SENTINELS, measure, DRAW_ODDITY + (uint64_t) time);
}

int64_t habits_delay_s(const Habits *habits, uint32_t measure, UnixSec time)
{
    uint64_t quarters = draw(habits->seed, measure, DRAW_DELAY + (uint64_t) time) % 25;
    return 3600 + (int64_t) quarters * 900;
}

unsigned habits_coin(const Habits *habits, uint32_t measure, UnixSec time)
{
    return draw(habits->seed, measure, DRAW_COIN + (uint64_t) time) % 2;
}

static Rate listing(const Habits *habits, uint32_t measure)
{
    return drawn(habits, RATE_UNLISTED, RATE_LISTED_LATER, measure, DRAW_LISTING);
}

bool habits_knows_measure(const Habits *habits, uint32_t measure)
{
    return listing(habits, measure) != RATE_UNLISTED;
}

bool habits_lists_measure(const Habits *habits, uint32_t measure, UnixSec now)
{
    uint64_t quarters = draw(habits->seed, measure, DRAW_LISTING_TIME) % 45;
    switch (listing(habits, measure)) {
    case RATE_UNLISTED:
        return false;
    case RATE_LISTED_LATER:
        return now >= habits->start + 3600 + (int64_t) quarters * 900;
    default:
        return true;
    }
}

bool habits_lists_station(const Habits *habits, uint32_t station, UnixSec now)
{
    enum { DAY_S = 86400, AWAY_S = 6 * 3600 };
    if (drawn(habits, RATE_VANISHING, RATE_VANISHING, station, DRAW_VANISHING) == RATE_COUNT)
        return true;
    int64_t from = (int64_t) (draw(habits->seed, station, DRAW_VANISHING_TIME) % DAY_S);
    return now - from - floor_to(now - from, DAY_S) >= AWAY_S;
}
