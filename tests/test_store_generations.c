/* One writer, many readers: every snapshot is whole, of one generation, and none older than
 * announced. The names begin with concurrent_ where threads are at work. */
#include "base/clock.h"
#include "base/metrics.h"
#include "tests/test_store_kit.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

enum { MEASURES = 30, GENERATIONS = 150, READERS = 3 };

typedef struct Race {
    Kit *kit;
    atomic_bool over;
    atomic_int snapshots; /* taken by all readers */
} Race;

/* In generation g + 1 every measure has exactly the newest reading of slot g, whose value is g. */
static void apply_slot(Kit *kit, int slot)
{
    CLEANUP(buf_release) Buf text = buf_init(1 << 16);
    for (int m = 0; m < MEASURES; m++)
        buf_printf(&text, "m%02d/%d=%d ", m, slot * 15, slot);
    buf_put_char(&text, '\0');
    Applied applied = kit_readings(kit, buf_view(&text).ptr);
    CHECK_INT(slot + 1, applied.generation);
}

typedef struct View {
    uint64_t generation;
    int64_t count, wrong;
} View;

static bool look_at_latest(const Station *station, const Measure *measure, const Reading *newest,
                           void *ctx)
{
    View *view = ctx;
    (void) measure;
    view->count++;
    view->wrong +=
        newest->value != (double) view->generation - 1 || station->newest != newest->time;
    return true;
}

static bool go_on(const Station *station, const Measure *measure, Window kept, void *ctx)
{
    (void) station, (void) measure, (void) kept, (void) ctx;
    return true;
}

static bool count_reading(const Reading *reading, void *ctx)
{
    View *view = ctx;
    view->count++;
    view->wrong += reading->value * 900 != (double) (reading->time - KIT_ZERO);
    return true;
}

/* One snapshot, looked at twice, so that generations pass in between. */
static uint64_t check_snapshot(Store *store)
{
    Err err = {.code = OK};
    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    uint64_t announced = store_generation(store);
    if (!CHECK_OK(store_snapshot(store, &snap, &err)))
        return 0;
    uint64_t generation = snapshot_info(snap)->generation;
    CHECK(generation >= announced);
    View latest = {.generation = generation}, all = {.generation = generation};
    CHECK_OK(snapshot_each_latest(snap, &(Filter){0}, look_at_latest, &latest, &err));
    const ReadingVisitor visitor = {
        .each_measure = go_on, .each_reading = count_reading, .ctx = &all};
    CHECK_OK(snapshot_each_reading(snap, &(Filter){0}, window_everything(), &visitor, &err));
    int64_t slots = generation - 1 < 96 ? (int64_t) generation - 1 : 96;
    CHECK_INT(generation > 1 ? MEASURES : 0, latest.count);
    CHECK_INT(0, latest.wrong);
    CHECK_INT(slots * MEASURES, all.count);
    CHECK_INT(0, all.wrong);
    StoreCounts counts = {0};
    CHECK_OK(snapshot_counts(snap, &counts, &err));
    CHECK_INT(all.count, counts.readings);
    CHECK_INT(all.count, snapshot_info(snap)->readings);
    if (generation > 1)
        CHECK_INT(KIT_ZERO + ((int64_t) generation - 1) * 900, counts.latest);
    return generation;
}

static void *read_on(void *arg)
{
    Race *race = arg;
    uint64_t last = 0;
    while (!atomic_load(&race->over)) {
        uint64_t generation = check_snapshot(race->kit->store);
        CHECK(generation >= last);
        last = generation;
        atomic_fetch_add(&race->snapshots, 1);
    }
    return NULL;
}

TEST(concurrent_snapshots_are_whole_while_generations_come)
{
    Err err = {.code = OK};
    Kit kit = kit_open();
    Batch batch = batch_init();
    CLEANUP(buf_release) Buf text = buf_init(1 << 16);
    for (int m = 0; m < MEASURES; m++)
        buf_printf(&text, "m%02d@s%02d ", m, m / 2);
    buf_put_char(&text, '\0');
    kit_add_measures(&batch, buf_view(&text).ptr);
    (void) kit_apply(&kit, &batch);

    Race race = {.kit = &kit};
    pthread_t threads[READERS];
    for (size_t i = 0; i < countof(threads); i++)
        REQUIRE(pthread_create(&threads[i], NULL, read_on, &race) == 0);
    for (int slot = 1; slot <= GENERATIONS; slot++) {
        apply_slot(&kit, slot);
        CHECK_OK(writer_checkpoint(kit.writer, &err));
        if (slot % 50 == 0) /* the readers keep up, however busy the machine */
            while (atomic_load(&race.snapshots) < slot / 10)
                (void) check_snapshot(kit.store);
    }
    atomic_store(&race.over, true);
    for (size_t i = 0; i < countof(threads); i++)
        (void) pthread_join(threads[i], NULL);
    CHECK_INT(GENERATIONS + 1, store_generation(kit.store));
    CHECK_INT(GENERATIONS + 1, check_snapshot(kit.store));
    kit_close(&kit);
}

/* ---- the pool -------------------------------------------------------------------------------- */

static Store *open_pool(const char *dir, size_t readers, int64_t wait_ms)
{
    Err err = {.code = OK};
    char note[STORE_NOTE_SIZE];
    Store *store = NULL;
    StoreOptions options = kit_options(dir);
    options.reader_count = readers;
    options.snapshot_wait_ms = wait_ms;
    REQUIRE_OK(store_open(&options, &store, note, &err));
    return store;
}

TEST(pool_lends_no_more_than_it_has)
{
    Err err = {.code = OK};
    Store *store = open_pool(test_dir(), 2, 1);
    Snapshot *one = NULL, *two = NULL, *three = NULL;
    int64_t busy = metric_get(METRIC_SNAPSHOT_BUSY);
    REQUIRE_OK(store_snapshot(store, &one, &err));
    REQUIRE_OK(store_snapshot(store, &two, &err));
    CHECK_INT(ERR_BUSY, store_snapshot(store, &three, &err));
    CHECK(three == NULL);
    CHECK_INT(busy + 1, metric_get(METRIC_SNAPSHOT_BUSY));
    snapshot_close(one);
    REQUIRE_OK(store_snapshot(store, &three, &err));
    snapshot_close(three);
    snapshot_close(two);
    store_close(store);
}

static void *take_often(void *arg)
{
    for (int i = 0; i < 200; i++) {
        Err err = {.code = OK};
        Snapshot *snap = NULL;
        if (!CHECK_OK(store_snapshot(arg, &snap, &err)))
            break;
        (void) sched_yield(); /* the others come and wait */
        snapshot_close(snap);
    }
    return NULL;
}

TEST(concurrent_pool_waits_for_one_to_come_back)
{
    enum { FOR_EVER_MS = 3600 * 1000 }; /* not to be told would be a hang, not a slow test */
    Store *store = open_pool(test_dir(), 1, FOR_EVER_MS);
    pthread_t threads[4];
    for (size_t i = 0; i < countof(threads); i++)
        REQUIRE(pthread_create(&threads[i], NULL, take_often, store) == 0);
    for (size_t i = 0; i < countof(threads); i++)
        (void) pthread_join(threads[i], NULL);
    store_close(store);
}

/* ---- being told ------------------------------------------------------------------------------ */

static void note_generation(void *ctx, uint64_t generation)
{
    Buf *out = ctx;
    buf_printf(out, "%llu ", (unsigned long long) generation);
}

TEST(watchers_are_told_of_each_generation_and_of_nothing_else)
{
    Err err = {.code = OK};
    Store *store = open_pool(test_dir(), 1, 1000);
    CLEANUP(buf_release) Buf told = buf_init(4096);
    for (int i = 0; i < STORE_WATCHERS_MAX; i++)
        CHECK_OK(store_watch(store, note_generation, &told, &err));
    CHECK_INT(ERR_BUSY, store_watch(store, note_generation, &told, &err));
    Kit kit = {.store = store, .now = KIT_ZERO};
    REQUIRE_OK(store_writer(store, &kit.writer, &err));
    Batch batch = batch_init();
    kit_add_measures(&batch, "level@S");
    (void) kit_apply(&kit, &batch);
    CHECK_TEXT("1 1 1 1 1 1 1 1 ", buf_view(&told));
    (void) kit_readings(&kit, "nobody/0=1");
    (void) kit_readings(&kit, "");
    CHECK_TEXT("1 1 1 1 1 1 1 1 ", buf_view(&told));
    kit_close(&kit);
}

typedef struct Prepared {
    Store *store;
    uint64_t told, seen, announced;
} Prepared;

static void look_ahead(void *ctx, uint64_t generation)
{
    Prepared *prepared = ctx;
    Err err = {.code = OK};
    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    REQUIRE_OK(store_snapshot(prepared->store, &snap, &err));
    prepared->told = generation;
    prepared->seen = snapshot_info(snap)->generation;
    prepared->announced = store_generation(prepared->store);
}

TEST(a_generation_is_prepared_between_its_commit_and_its_announcement)
{
    Kit kit = kit_open();
    Prepared prepared = {.store = kit.store};
    store_prepare(kit.store, look_ahead, &prepared);
    for (uint64_t generation = 1; generation <= 2; generation++) {
        Batch batch = batch_init();
        kit_add_measures(&batch, generation == 1 ? "level@S" : "rain@T");
        (void) kit_apply(&kit, &batch);
        CHECK_INT(generation, prepared.told);
        CHECK_INT(generation, prepared.seen);
        CHECK_INT(generation - 1, prepared.announced);
        CHECK_INT(generation, store_generation(kit.store));
    }
    store_prepare(kit.store, NULL, NULL);
    (void) kit_readings(&kit, "level/0=1");
    CHECK_INT(2, prepared.told);
    kit_close(&kit);
}

TEST(writer_is_the_only_one)
{
    Err err = {.code = OK};
    Writer *second = NULL;
    Kit kit = kit_open();
    CHECK_INT(ERR_BUSY, store_writer(kit.store, &second, &err));
    writer_close(kit.writer);
    REQUIRE_OK(store_writer(kit.store, &kit.writer, &err));
    kit_close(&kit);
}

TEST(writer_that_stops_gives_up_what_it_applies)
{
    Kit kit = kit_open();
    Batch batch = batch_init();
    Applied applied;
    Err err = {.code = OK};
    kit_add_measures(&batch, "level@S rain@T");
    kit_add_readings(&batch, "level/0=1");
    writer_stop(kit.writer);
    CHECK_INT(ERR_STOPPED, writer_apply(kit.writer, &batch, FAULT_NONE, kit.now, &applied, &err));
    CHECK_INT(0, store_generation(kit.store));
    CHECK_INT(NO_TIME, store_failing_since(kit.store));
    CHECK_INT(0, kit_sql(&kit, "freshet.db", "SELECT count(*) FROM station"));
    kit_reopen(&kit);
    CHECK_INT(1, kit_apply(&kit, &batch).generation);
    kit_close(&kit);
}

typedef struct Stop {
    Writer *writer;
    atomic_bool begins;
} Stop;

static void *stop_soon(void *ctx)
{
    Stop *stop = ctx;
    while (!atomic_load(&stop->begins))
        (void) sched_yield();
    writer_stop(stop->writer);
    return NULL;
}

TEST(concurrent_stop_leaves_a_generation_whole_or_none)
{
    Kit kit = kit_open();
    static Stop stop;
    Batch batch = batch_init();
    Applied applied;
    Err err = {.code = OK};
    pthread_t thread;
    CLEANUP(buf_release) Buf text = buf_init(1 << 20);
    for (int m = 0; m < 2000; m++)
        buf_printf(&text, "m%d@s%d ", m, m);
    buf_put_char(&text, '\0');
    kit_add_measures(&batch, buf_view(&text).ptr);
    stop = (Stop){.writer = kit.writer};
    REQUIRE(pthread_create(&thread, NULL, stop_soon, &stop) == 0);
    atomic_store(&stop.begins, true);
    ErrCode rc = writer_apply(kit.writer, &batch, FAULT_NONE, kit.now, &applied, &err);
    (void) pthread_join(thread, NULL);
    CHECK(rc == OK || rc == ERR_STOPPED);
    CHECK_INT(rc == OK ? 2000 : 0, kit_sql(&kit, "freshet.db", "SELECT count(*) FROM measure"));
    CHECK_INT(rc == OK, store_generation(kit.store));
    batch_release(&batch);
    kit_close(&kit);
}

TEST(store_tells_what_is_newest_without_asking_sqlite)
{
    Kit kit = kit_open();
    Batch batch = batch_init();
    kit_add_measures(&batch, "level@S rain@T");
    kit_add_readings(&batch, "level/0=1");
    (void) kit_apply(&kit, &batch);
    CHECK_INT(1, store_generation(kit.store));
    CHECK_INT(KIT_ZERO, store_as_of(kit.store));
    CHECK_INT(1, metric_get(METRIC_GENERATION));
    CHECK_INT(KIT_ZERO, metric_get(METRIC_AS_OF));
    CHECK_INT(2, metric_get(METRIC_STATIONS));
    CHECK_INT(2, metric_get(METRIC_MEASURES));
    CHECK_INT(1, metric_get(METRIC_READINGS_HELD));
    store_expect_next(kit.store, KIT_ZERO + 900);
    CHECK_INT(KIT_ZERO + 900, store_next_expected(kit.store));
    kit_reopen(&kit);
    CHECK_INT(1, store_generation(kit.store));
    CHECK_INT(KIT_ZERO, store_as_of(kit.store));
    kit_close(&kit);
}
