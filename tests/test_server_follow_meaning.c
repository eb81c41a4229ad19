/* trend= and state= for those who follow: rows against a plain model of what newest values mean. */
#include "base/json.h"
#include "tests/events.h"
#include "tests/site.h"

#include <math.h>
#include <stdio.h>

enum { MEASURES = 8, ROUNDS = 60, PERIOD_S = 900, SENTINEL = MEASURES - 1 };

/* What was given, by slot; NAN where nothing was. */
typedef struct Given {
    double values[MEASURES][ROUNDS];
} Given;

static const double LOW = 0.5, HIGH = 1.5;

static const struct {
    const char *station, *measure;
} NAMES[MEASURES] = {
    {"F0", "F0-level"}, {"F1", "F1-level"}, {"F2", "F2-level"}, {"F3", "F3-level"},
    {"F4", "F4-level"}, {"F5", "F5-level"}, {"F6", "F6-level"}, {"F7", "F7-level"},
};

static void fill(Fixture *fixture, Given *given)
{
    Batch batch = batch_init();
    for (int i = 0; i < MEASURES; i++) {
        Station station = a_station(NAMES[i].station);
        station.stage = (Scale){
            .typical_low = LOW, .typical_high = HIGH, .record_high = NAN, .record_low = NAN};
        const Measure measure = a_measure(NAMES[i].measure, NAMES[i].station, "level", "Stage");
        REQUIRE(batch_add_station(&batch, &station) && batch_add_measure(&batch, &measure));
        for (int k = 0; k < ROUNDS; k++)
            given->values[i][k] = NAN;
    }
    (void) fixture_apply(fixture, &batch, FAULT_NONE);
    batch_release(&batch);
}

/* ---- the model --------------------------------------------------------------------------------- */

static int newest_of(const double values[static ROUNDS])
{
    int at = ROUNDS - 1;
    while (at >= 0 && isnan(values[at]))
        at--;
    return at;
}

/* All values are quarters, so that binary arithmetic is exact. */
static double rounded(double value)
{
    return floor(value * 100 + 0.5) / 100;
}

static bool is_above(const double values[static ROUNDS])
{
    int newest = newest_of(values);
    return newest >= 0 && values[newest] >= HIGH;
}

static bool is_rising(const double values[static ROUNDS])
{
    int newest = newest_of(values), count = 0;
    double sum = 0;
    for (int at = newest - 1; at >= 0 && at > newest - 5; at--)
        if (!isnan(values[at])) {
            sum += values[at];
            count++;
        }
    return count > 0 && rounded(values[newest]) > rounded(sum / count);
}

static const struct {
    const char *query;
    bool above, rising;
} QUESTIONS[] = {{"state=above", true, false},
                 {"trend=rising", false, true},
                 {"state=above&trend=rising", true, true}};

static bool is_wanted(size_t question, const double values[static ROUNDS])
{
    return (!QUESTIONS[question].above || is_above(values)) &&
           (!QUESTIONS[question].rising || is_rising(values));
}

static uint64_t random_state = 7;

static unsigned random_below(unsigned limit)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned) (random_state >> 33) % limit;
}

/* ---- what is given, and what is to be told of it ----------------------------------------------- */

/* Of each measure nothing, the newest, or one that was left out before; of the last always one that
 * every question takes. */
static void choose(const Given *given, int round, Given *ret)
{
    for (int i = 0; i < MEASURES; i++)
        for (int k = 0; k < ROUNDS; k++)
            ret->values[i][k] = NAN;
    for (int i = 0; i < SENTINEL; i++) {
        unsigned dice = random_below(4);
        int at = round - (int) random_below(3);
        if (dice == 0)
            continue;
        if (dice > 1 || at < 0 || !isnan(given->values[i][at]))
            at = round;
        ret->values[i][at] = random_below(9) / 4.0;
    }
    ret->values[SENTINEL][round] = 2 + round / 8.0; /* beyond ten ranges it would be suspect */
}

static void commit(Fixture *fixture, Given *given, const Given *chosen)
{
    Batch batch = batch_init();
    for (int i = 0; i < MEASURES; i++)
        for (int k = 0; k < ROUNDS; k++)
            if (!isnan(chosen->values[i][k])) {
                add_reading(&batch, NAMES[i].measure, FIXTURE_NOW + k * PERIOD_S,
                            chosen->values[i][k]);
                given->values[i][k] = chosen->values[i][k];
            }
    (void) fixture_apply(fixture, &batch, FAULT_NONE);
    batch_release(&batch);
}

static void put_wanted(Buf *out, size_t question, const Given *given, const Given *chosen)
{
    for (int i = 0; i < MEASURES; i++)
        for (int k = 0; k < ROUNDS && is_wanted(question, given->values[i]); k++)
            if (!isnan(chosen->values[i][k])) {
                buf_printf(out, "%s %d %g\n", NAMES[i].measure, k, chosen->values[i][k]);
            }
}

static void put_told(Buf *out, Str items)
{
    Str key, item;
    JsonWalk walk = json_walk(items);
    while (json_next(&walk, &key, &item)) {
        int64_t time = 0;
        double value = NAN;
        CHECK(str_to_int(json_at(item, "time"), &time));
        CHECK(str_to_double(json_at(item, "value"), &value));
        buf_printf(out, STR_FMT " %d %g\n", STR_ARG(json_text_at(item, "measure")),
                   (int) ((time - FIXTURE_NOW) / PERIOD_S), value);
    }
}

/* ---- who follows ------------------------------------------------------------------------------- */

static void check_changes(unsigned port, const char *since, size_t question, Str want)
{
    char target[200];
    CLEANUP(buf_release) Buf told = buf_init(1 << 16);
    (void) snprintf(target, sizeof target, "/v1/changes?since=%s&timeformat=unix&%s", since,
                    QUESTIONS[question].query);
    Response response = http_fetch(port, target);
    put_told(&told, json_at(response_body(&response), "items"));
    CHECK_STR(want, buf_view(&told));
    response_release(&response);
}

/* Of a generation, whose last event has its id; what else changed is none of the model's. */
static void check_events(Events *events, Str want)
{
    CLEANUP(buf_release) Buf told = buf_init(1 << 16);
    for (bool whole = false; !whole;) {
        Event event;
        REQUIRE(events_next_named(events, &event));
        whole = !str_is_none(event.id);
        if (str_eq(event.name, STR("readings")))
            put_told(&told, json_at(event.data, "items"));
        event_release(&event);
    }
    CHECK_STR(want, buf_view(&told));
}

TEST(follow_by_trend_and_state_is_told_of_who_is_such_now)
{
    static Given given, chosen;
    ServerOptions options = test_server_options();
    Fixture fixture = fixture_open();
    Server *server = NULL;
    Err err = {.code = OK};
    Events events[countof(QUESTIONS)];
    size_t told = 0, left_out = 0;
    fill(&fixture, &given);
    choose(&given, 0, &chosen);
    commit(&fixture, &given, &chosen);
    REQUIRE_OK(server_start(fixture.store, &options, &server, &err));
    unsigned port = server_port(server);
    for (size_t q = 0; q < countof(QUESTIONS); q++) {
        char target[200];
        (void) snprintf(target, sizeof target, "/v1/stream?timeformat=unix&%s", QUESTIONS[q].query);
        events[q] = events_open(port, target, "");
    }
    for (int round = 1; round < ROUNDS; round++) {
        char since[GENERATION_TAG_SIZE];
        store_generation_tag(fixture.store, store_generation(fixture.store), since);
        choose(&given, round, &chosen);
        commit(&fixture, &given, &chosen);
        for (size_t q = 0; q < countof(QUESTIONS); q++) {
            CLEANUP(buf_release) Buf want = buf_init(1 << 16);
            put_wanted(&want, q, &given, &chosen);
            CASE(QUESTIONS[q].query);
            check_changes(port, since, q, buf_view(&want));
            check_events(&events[q], buf_view(&want));
            told += want.len;
        }
        for (int i = 0; i < SENTINEL; i++)
            left_out += !is_wanted(0, given.values[i]);
    }
    CHECK(told > 0 && left_out > 0);
    for (size_t q = 0; q < countof(QUESTIONS); q++)
        events_close(&events[q]);
    server_stop(server);
    fixture_close(&fixture);
}

/* A station is told while one of its measures is such; what is gone has nothing left to ask. */
TEST(changes_of_stations_by_state_are_those_of_their_measures)
{
    static const struct {
        const char *target, *stations, *measures, *readings;
    } cases[] = {
        {"/v1/changes?state=normal", "1", "1", "95"},
        {"/v1/changes?state=above", "0", "0", "0"},
        {"/v1/changes?trend=falling&station=1491TH", "1", "1", "95"},
        {"/v1/changes?state=normal&parameter=flow", "0", "0", "0"},
    };
    Inside inside;
    inside_open(&inside, true);
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].target);
        CLEANUP(asked_release) Asked asked = ask(&inside, cases[i].target);
        char count[3][24];
        static const char *const LISTS[] = {"stations", "measures", "items"};
        for (size_t k = 0; k < countof(LISTS); k++)
            (void) snprintf(count[k], sizeof count[k], "%zu",
                            json_count(json_at(asked.body, LISTS[k])));
        CHECK_TEXT(cases[i].stations, str_of(count[0]));
        CHECK_TEXT(cases[i].measures, str_of(count[1]));
        CHECK_TEXT(cases[i].readings, str_of(count[2]));
    }
    inside_close(&inside);
}
