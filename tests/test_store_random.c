/* Random batches: the six kinds add up, and the store holds what a plain model of the definitions
 * holds. The model keeps everything in one array and looks at all of it each time. */
#include "tests/test_store_kit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATIONS = 3, MEASURES = 6, HELD_MAX = 4000, BATCH_MAX = 60, ROUNDS = 120 };

typedef struct Held {
    int measure;
    int64_t minute;
    double value;
    bool ambiguous;
    char raw[64]; /* of an ambiguous one */
    int revision;
} Held;

typedef struct Plain {
    Held held[HELD_MAX];
    size_t count;
} Plain;

/* What is given: measure -1 is unknown to the store. */
typedef struct Given {
    int measure;
    int64_t minute;
    double values[3];
    int value_count;
    char raw[64];
} Given;

static int station_of(int measure)
{
    return measure % STATIONS;
}

/* A generator of the test's own: the same rounds on every machine. */
static uint64_t random_state;
static int64_t random_below(int64_t limit)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (int64_t) (random_state >> 33) % limit;
}

/* ---- the model ------------------------------------------------------------------------------- */

static Held *find(Plain *plain, int measure, int64_t minute)
{
    for (size_t i = 0; i < plain->count; i++)
        if (plain->held[i].measure == measure && plain->held[i].minute == minute)
            return &plain->held[i];
    return NULL;
}

static int64_t newest_of_measure(const Plain *plain, int measure)
{
    int64_t newest = INT64_MIN;
    for (size_t i = 0; i < plain->count; i++)
        if (plain->held[i].measure == measure && plain->held[i].minute > newest)
            newest = plain->held[i].minute;
    return newest;
}

static int64_t newest_of_station(const Plain *plain, int station)
{
    int64_t newest = INT64_MIN;
    for (int m = 0; m < MEASURES; m++)
        if (station_of(m) == station && newest_of_measure(plain, m) > newest)
            newest = newest_of_measure(plain, m);
    return newest;
}

static double choose(const Plain *plain, const Given *given)
{
    const Held *before = NULL;
    for (size_t i = 0; i < plain->count; i++)
        if (plain->held[i].measure == given->measure && plain->held[i].minute < given->minute &&
            (before == NULL || plain->held[i].minute > before->minute))
            before = &plain->held[i];
    double best = given->values[0];
    for (int i = 1; i < given->value_count && before != NULL; i++)
        if (fabs(given->values[i] - before->value) < fabs(best - before->value))
            best = given->values[i];
    return best;
}

static bool in_doubt(const Given *given)
{
    for (int i = 1; i < given->value_count; i++)
        if (given->values[i] != given->values[0])
            return true;
    return false;
}

static void give_one(Plain *plain, const Given *given, int64_t stored_newest, ReadingCounts *counts)
{
    Held *known = find(plain, given->measure, given->minute);
    bool doubt = in_doubt(given);
    if (known != NULL && known->ambiguous && given->value_count > 1 &&
        strcmp(known->raw, given->raw) == 0) {
        counts->unchanged++;
        return;
    }
    Held held = {.measure = given->measure, .minute = given->minute, .ambiguous = doubt};
    held.value = doubt ? choose(plain, given) : given->values[0];
    if (doubt)
        memcpy(held.raw, given->raw, sizeof held.raw);
    if (known == NULL) {
        *(given->minute < stored_newest ? &counts->late : &counts->fresh) += 1;
        REQUIRE(plain->count < HELD_MAX);
        plain->held[plain->count++] = held;
    } else if (known->value == held.value && (known->ambiguous || !doubt)) {
        counts->unchanged++;
    } else {
        counts->corrected++;
        held.revision = known->revision + 1;
        *known = held;
    }
}

static int by_minute(const void *a, const void *b)
{
    const Given *one = *(const Given *const *) a, *two = *(const Given *const *) b;
    int order = (one->minute > two->minute) - (one->minute < two->minute);
    return order != 0 ? order : (one > two) - (one < two);
}

static void give(Plain *plain, const Given *given, size_t count, ReadingCounts *counts)
{
    int64_t measure_newest[MEASURES], stored_newest[MEASURES], station_newest[STATIONS];
    for (int m = 0; m < MEASURES; m++)
        measure_newest[m] = stored_newest[m] = newest_of_measure(plain, m);
    for (int s = 0; s < STATIONS; s++)
        station_newest[s] = newest_of_station(plain, s);
    const Given *sorted[BATCH_MAX] = {NULL};
    for (size_t i = 0; i < count; i++) {
        int m = given[i].measure;
        sorted[i] = &given[i];
        if (m >= 0 && given[i].minute > measure_newest[m])
            measure_newest[m] = given[i].minute;
        if (m >= 0 && given[i].minute > station_newest[station_of(m)])
            station_newest[station_of(m)] = given[i].minute;
    }
    qsort(sorted, count, sizeof *sorted, by_minute);

    for (size_t i = 0; i < count; i++) {
        const Given *g = sorted[i];
        bool again = false;
        for (size_t k = i + 1; k < count; k++)
            again = again || (sorted[k]->measure == g->measure && sorted[k]->minute == g->minute);
        if (g->measure < 0)
            counts->quarantined++;
        else if (again)
            counts->unchanged++;
        else if (g->minute <= station_newest[station_of(g->measure)] - 24 * 60 &&
                 g->minute != measure_newest[g->measure])
            counts->expired++;
        else
            give_one(plain, g, stored_newest[g->measure], counts);
    }

    size_t kept = 0;
    for (size_t i = 0; i < plain->count; i++) {
        const Held *held = &plain->held[i];
        if (held->minute > station_newest[station_of(held->measure)] - 24 * 60 ||
            held->minute == measure_newest[held->measure])
            plain->held[kept++] = *held;
    }
    plain->count = kept;
}

/* ---- comparing ------------------------------------------------------------------------------- */

static int by_measure_minute(const void *a, const void *b)
{
    const Held *one = a, *two = b;
    int order = station_of(one->measure) - station_of(two->measure);
    if (order == 0)
        order = one->measure - two->measure;
    return order != 0 ? order : (one->minute > two->minute) - (one->minute < two->minute);
}

static void put_held(Buf *out, const Held *held)
{
    buf_printf(out, "%sm%d/%lld=%.10g", out->len > 0 ? " " : "", held->measure,
               (long long) held->minute, held->value);
    if (held->ambiguous)
        buf_put_char(out, '?');
    if (held->revision > 0)
        buf_printf(out, "!%d", held->revision);
}

static bool check_equal(Store *store, Plain *plain)
{
    CLEANUP(buf_release) Buf want_held = buf_init(1 << 20);
    CLEANUP(buf_release) Buf want_latest = buf_init(1 << 20);
    CLEANUP(buf_release) Buf held = kit_held(store);
    CLEANUP(buf_release) Buf latest = kit_latest(store);
    qsort(plain->held, plain->count, sizeof *plain->held, by_measure_minute);
    for (size_t i = 0; i < plain->count; i++) {
        const Held *h = &plain->held[i];
        if (h->minute > newest_of_station(plain, station_of(h->measure)) - 24 * 60)
            put_held(&want_held, h);
        if (h->minute == newest_of_measure(plain, h->measure))
            put_held(&want_latest, h);
    }
    bool same = CHECK_STR(buf_view(&want_held), buf_view(&held));
    return CHECK_STR(buf_view(&want_latest), buf_view(&latest)) && same;
}

/* ---- random batches -------------------------------------------------------------------------- */

/* Mostly near the front of time; now and then long ago; few values, so that the same come again. */
static Given make_given(int64_t front)
{
    Given given = {.measure = (int) random_below(MEASURES), .value_count = 1};
    if (random_below(20) == 0)
        given.measure = -1;
    /* Measures 0 and 3 share a station; 3 is slow and often silent. */
    int64_t back = random_below(10) == 0 ? random_below(4000) : random_below(100);
    if (given.measure == 3)
        back += 1300;
    given.minute = front - back / 15 * 15;
    if (random_below(6) == 0)
        given.value_count = 2 + (int) random_below(2);
    size_t len = 0;
    for (int i = 0; i < given.value_count; i++) {
        given.values[i] = (double) random_below(5) / 4;
        len += (size_t) snprintf(given.raw + len, sizeof given.raw - len, "%s%.2f",
                                 i > 0 ? "|" : "", given.values[i]);
    }
    return given;
}

static void put_given(Buf *out, const Given *given)
{
    if (given->measure < 0)
        buf_printf(out, " x/%lld=%s", (long long) given->minute, given->raw);
    else
        buf_printf(out, " m%d/%lld=%s", given->measure, (long long) given->minute, given->raw);
}

static void check_round(Kit *kit, Plain *plain, const Given *given, size_t count, size_t refusals)
{
    CLEANUP(buf_release) Buf text = buf_init(1 << 20);
    ReadingCounts want = {.received = (int64_t) (count + refusals),
                          .quarantined = (int64_t) refusals};
    Batch batch = batch_init();
    buf_put_char(&text, ' ');
    for (size_t i = 0; i < count; i++)
        put_given(&text, &given[i]);
    buf_put_char(&text, '\0');
    kit_add_readings(&batch, buf_view(&text).ptr);
    for (size_t i = 0; i < refusals; i++)
        REQUIRE(batch_add_refusal(&batch, REFUSED_NO_VALUE, STR_NONE, STR("{}")));
    uint64_t generation = store_generation(kit->store);
    Applied applied = kit_apply(kit, &batch);

    give(plain, given, count, &want);
    CHECK_INT(want.received, applied.readings.received);
    CHECK_INT(want.fresh, applied.readings.fresh);
    CHECK_INT(want.late, applied.readings.late);
    CHECK_INT(want.unchanged, applied.readings.unchanged);
    CHECK_INT(want.corrected, applied.readings.corrected);
    CHECK_INT(want.expired, applied.readings.expired);
    CHECK_INT(want.quarantined, applied.readings.quarantined);
    CHECK_INT(plain->count, applied.readings_held);
    bool changes = want.fresh + want.late + want.corrected > 0;
    CHECK_INT(generation + changes, store_generation(kit->store));
    CHECK_INT(0, kit_strays(kit));
    if (!check_equal(kit->store, plain))
        test_abort();
}

static void run_rounds(const char *dir, uint64_t seed)
{
    static Plain plain;
    char name[32];
    (void) snprintf(name, sizeof name, "seed %llu", (unsigned long long) seed);
    CASE(name);
    random_state = seed;
    plain.count = 0;
    Kit kit = kit_open_in(dir);
    Batch batch = batch_init();
    kit_add_measures(&batch, "m0@s0 m1@s1 m2@s2 m3@s0 m4@s1 m5@s2");
    (void) kit_apply(&kit, &batch);

    int64_t front = 0;
    Given given[BATCH_MAX];
    size_t count = 0;
    for (int round = 0; round < ROUNDS; round++) {
        if (random_below(5) > 0 || round == 0) { /* else the same batch once more */
            front += random_below(8) == 0 ? random_below(3000) : random_below(40);
            count = (size_t) random_below(BATCH_MAX);
            for (size_t i = 0; i < count; i++)
                given[i] = make_given(front);
        }
        check_round(&kit, &plain, given, count, (size_t) random_below(3));
    }
    CHECK_INT(kit_sql(&kit, "freshet.db", "SELECT count(*) FROM reading"), plain.count);
    CHECK_INT(plain.count, kit_sql(&kit, "freshet.db", "SELECT readings FROM meta"));
    kit_reopen(&kit);
    CHECK(check_equal(kit.store, &plain));
    kit_close(&kit);
}

TEST(random_batches_leave_what_a_plain_model_holds)
{
    const char *base = test_dir();
    for (uint64_t seed = 1; seed <= 8; seed++) {
        char dir[300];
        (void) snprintf(dir, sizeof dir, "%s/%d", base, (int) seed);
        run_rounds(dir, seed);
    }
}
