/* A store that follows another: whatever was applied there, the same is held here. */
#include "store/copy.h"
#include "tests/test_store_kit.h"

#include "store/change.h"

#include <inttypes.h>
#include <stdio.h>

enum { ITEMS_MAX = 4096 };

/* A generation on its way: all of it in memory. */
typedef struct Parcel {
    Arena strings;
    FollowItem items[ITEMS_MAX];
    size_t count, given;
    Writer *stops;  /* once the first was given; NULL: nobody */
    ErrCode broken; /* what comes in place of its end; OK: it ends well */
} Parcel;

static FollowItem *add_item(Parcel *parcel)
{
    REQUIRE(parcel->count < ITEMS_MAX);
    return &parcel->items[parcel->count++];
}

static bool add_row(CopyTable table, Str row, void *ctx)
{
    Parcel *parcel = ctx;
    FollowItem *item = add_item(parcel);
    item->table = table;
    return CHECK(arena_copy(&parcel->strings, row, &item->row));
}

static bool add_reading(const Change *change, void *ctx)
{
    Parcel *parcel = ctx;
    const Reading *reading = change->reading;
    FollowItem *item = add_item(parcel);
    item->is_reading = true;
    item->reading = *reading;
    return CHECK(arena_copy(&parcel->strings, reading->measure_id, &item->reading.measure_id) &&
                 arena_copy(&parcel->strings, reading->raw, &item->reading.raw));
}

static ErrCode next_item(void *ctx, FollowItem *ret_item, bool *ret_more, Err *err)
{
    Parcel *parcel = ctx;
    *ret_more = parcel->given < parcel->count;
    if (parcel->stops != NULL && parcel->given > 0)
        writer_stop(parcel->stops);
    if (*ret_more)
        *ret_item = parcel->items[parcel->given++];
    else if (parcel->broken != OK)
        return err_set(err, parcel->broken, "the parcel broke");
    return OK;
}

static const char *ingester = "1/1";

/* What `from` holds that came after a generation. */
static void pack(Parcel *parcel, const Kit *from, uint64_t after, Followed *ret_end)
{
    const Filter all = {.has_circle = false};
    ChangeQuery query = {.filter = &all, .kinds = CHANGES_READINGS, .after = {.generation = after}};
    ChangeCursor reached;
    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    Err err = {.code = OK};
    *parcel = (Parcel){.strings = arena_init()};
    REQUIRE_OK(store_snapshot(from->store, &snap, &err));
    for (int table = 0; table < COPY_TABLE_COUNT; table++)
        REQUIRE_OK(snapshot_each_row(snap, (CopyTable) table, after, add_row, parcel, &err));
    query.after.epoch = snapshot_info(snap)->epoch;
    REQUIRE_OK(snapshot_each_change(snap, &query, add_reading, parcel, &reached, &err));
    const SnapshotInfo *info = snapshot_info(snap);
    *ret_end = (Followed){.epoch = 0xabcd,
                          .number = info->generation * 10,
                          .as_of = info->as_of,
                          .service = info->service,
                          .resume = (int64_t) info->generation,
                          .ingester = str_of(ingester),
                          .its_epoch = 7,
                          .its_number = info->generation,
                          .whole = after == 0};
}

static ErrCode follow(Kit *to, const Kit *from, uint64_t after, ErrCode broken, Err *err)
{
    static Parcel parcel;
    Followed end;
    Applied applied;
    pack(&parcel, from, after, &end);
    parcel.broken = broken;
    ErrCode rc = writer_follow(to->writer, &end, true, next_item, &parcel, &applied, err);
    arena_release(&parcel.strings);
    return rc;
}

static bool put_row(CopyTable table, Str row, void *ctx)
{
    Buf *out = ctx;
    buf_printf(out, "%s " STR_FMT "\n", copy_table_name(table), STR_ARG(row));
    return true;
}

/* Everything that is told of a store, as text: rows, then readings. */
static Buf all_of(const Kit *kit)
{
    Buf out = buf_init(1 << 20);
    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    Err err = {.code = OK};
    REQUIRE_OK(store_snapshot(kit->store, &snap, &err));
    for (int table = 0; table < COPY_TABLE_COUNT; table++)
        REQUIRE_OK(snapshot_each_row(snap, (CopyTable) table, 0, put_row, &out, &err));
    StoreCounts counts;
    REQUIRE_OK(snapshot_counts(snap, &counts, &err));
    buf_printf(&out, "%" PRId64 " %" PRId64 " %" PRId64 "\n", counts.stations, counts.measures,
               counts.readings);
    CLEANUP(buf_release) Buf held = kit_held(kit->store);
    CLEANUP(buf_release) Buf latest = kit_latest(kit->store);
    buf_put_str(&out, buf_view(&held));
    buf_put_char(&out, '\n');
    buf_put_str(&out, buf_view(&latest));
    return out;
}

static void check_same(const Kit *one, const Kit *two)
{
    CLEANUP(buf_release) Buf a = all_of(one);
    CLEANUP(buf_release) Buf b = all_of(two);
    CHECK_STR(buf_view(&a), buf_view(&b));
}

static Kit open_source(void)
{
    Kit kit = kit_open();
    Batch batch = batch_init();
    Station station = kit_station("up");
    station.label = STR("Up \"the\" hill\nand down");
    station.reference = STR("ref");
    station.wiski_id = STR("w1");
    station.wiski_id_all = STR("w1\nw2");
    station.lat_deg = 51.123456789;
    station.easting_m = 4;
    station.listed = true;
    kit_add_station(&batch, station);
    kit_add_measures(&batch, "level@up flow@up rain@down");
    kit_add_readings(&batch, "level/0=1.1 level/15=2 rain/0=0.2");
    (void) kit_apply(&kit, &batch);
    return kit;
}

TEST(follow_makes_the_same_store)
{
    Kit one = open_source(), two = kit_open();
    Err err = {.code = OK};
    REQUIRE_OK(follow(&two, &one, 0, OK, &err));
    check_same(&one, &two);

    (void) kit_readings(&one, "level/30=3|9 level/0=1.2 flow/15=7");
    REQUIRE_OK(follow(&two, &one, 1, OK, &err));
    check_same(&one, &two);

    (void) kit_readings(&one, "level/1455=4"); /* more than a day later: trims, and silences flow */
    (void) kit_readings(&one, "level/1470=5 rain/30=0.4");
    REQUIRE_OK(follow(&two, &one, 2, OK, &err)); /* two generations as one */
    check_same(&one, &two);

    kit_reopen(&two);
    check_same(&one, &two);
    kit_close(&one);
    kit_close(&two);
}

static void apply_more(Kit *kit, bool is_measure, const char *id, const char *json)
{
    Batch batch = batch_init();
    const More more = {.is_measure = is_measure, .id = str_of(id), .json = str_of(json)};
    REQUIRE(batch_add_more(&batch, &more));
    CHECK(kit_apply(kit, &batch).changed);
}

static bool count_change(const Change *change, void *ctx)
{
    (void) change;
    (*(int *) ctx)++;
    return true;
}

/* What those who follow the changes of a store are told behind one of its generations. */
static int changes_behind(const Kit *kit, uint64_t generation)
{
    const Filter all = {.has_circle = false};
    const ChangeQuery query = {
        .filter = &all, .kinds = CHANGES_ALL, .after = {.generation = generation}};
    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    ChangeCursor reached;
    int count = 0;
    Err err = {.code = OK};
    REQUIRE_OK(store_snapshot(kit->store, &snap, &err));
    REQUIRE_OK(snapshot_each_change(snap, &query, count_change, &count, &reached, &err));
    return count;
}

/* ---- what was asked for ------------------------------------------------------------------------ */

static void record_asked(Kit *kit, const char *station, const char *measure, int from, int to,
                         UnixSec at)
{
    Err err = {.code = OK};
    const AskedRange range = {.station_id = str_of(station),
                              .measure_id = str_of(measure),
                              .from = KIT_ZERO + from * 60,
                              .to = KIT_ZERO + to * 60,
                              .asked_at = at};
    REQUIRE_OK(writer_record_asked(kit->writer, &range, 1, &err));
}

static bool begin_gaps(UNUSED const Station *station, const Measure *measure,
                       UNUSED const GapCount *count, void *ctx)
{
    buf_printf(ctx, STR_FMT ":", STR_ARG(measure->id));
    return true;
}

static bool put_gap(const Gap *gap, void *ctx)
{
    buf_printf(ctx, " %d..%d %s %d", (int) ((gap->from - KIT_ZERO) / 60),
               (int) ((gap->to - KIT_ZERO) / 60), gap_cause_name(gap->cause),
               gap->asked == NO_TIME ? -1 : (int) (gap->asked - KIT_ZERO));
    return true;
}

static Buf gaps_of(const Kit *kit)
{
    const Filter all = {.has_circle = false};
    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    Buf out = buf_init(1 << 16);
    const GapVisitor visitor = {begin_gaps, put_gap, &out};
    Err err = {.code = OK};
    REQUIRE_OK(store_snapshot(kit->store, &snap, &err));
    REQUIRE_OK(snapshot_each_gap(snap, &all, &visitor, &err));
    return out;
}

static void check_same_gaps(const Kit *one, const Kit *two)
{
    CLEANUP(buf_release) Buf a = gaps_of(one);
    CLEANUP(buf_release) Buf b = gaps_of(two);
    CHECK_STR(buf_view(&a), buf_view(&b));
}

static Kit open_with_gaps(void)
{
    Kit kit = kit_open();
    Batch batch = batch_init();
    static const char *const IDS[] = {"level", "flow"};
    for (size_t i = 0; i < countof(IDS); i++) {
        Measure measure = kit_measure(IDS[i], "up");
        measure.period_s = 900;
        kit_add_measure(&batch, measure);
    }
    kit_add_readings(&batch, "level/0=1 level/60=2 flow/0=1 flow/45=1 flow/60=2");
    (void) kit_apply(&kit, &batch);
    return kit;
}

/* With the generation that is made next; what is asked anew takes the place of what it covers. */
TEST(follow_tells_what_was_asked_for)
{
    Kit one = open_with_gaps(), two = kit_open(), three = kit_open();
    Err err = {.code = OK};
    record_asked(&one, NULL, NULL, 0, 60, one.now);
    REQUIRE_OK(follow(&two, &one, 0, OK, &err));
    CLEANUP(buf_release) Buf before = gaps_of(&two);
    CHECK_HAS("unasked", buf_view(&before)); /* it was asked behind generation 1 */

    (void) kit_readings(&one, "level/75=1 flow/75=1");
    REQUIRE_OK(follow(&two, &one, 1, OK, &err));
    check_same_gaps(&one, &two);
    record_asked(&one, "up", NULL, 0, 45, one.now);
    record_asked(&one, NULL, "flow", 0, 75, one.now);
    (void) kit_readings(&one, "level/90=1 flow/90=1");
    record_asked(&one, NULL, NULL, -60, 90, one.now);
    (void) kit_readings(&one, "level/105=1 flow/105=1");
    REQUIRE_OK(follow(&two, &one, 2, OK, &err)); /* two generations as one */
    check_same_gaps(&one, &two);
    REQUIRE_OK(follow(&three, &one, 0, OK, &err)); /* and for who begins now */
    check_same_gaps(&one, &three);
    CHECK_INT(kit_sql(&two, "freshet.db", "SELECT count(*) FROM asked"),
              kit_sql(&three, "freshet.db", "SELECT count(*) FROM asked"));

    record_asked(&one, NULL, NULL, -60, 105, one.now);
    (void) kit_readings(&one, "level/120=1 flow/120=1");
    REQUIRE_OK(follow(&two, &one, 0, OK, &err)); /* once more whole: nothing is there twice */
    check_same_gaps(&one, &two);
    CHECK_INT(kit_sql(&one, "ledger.db", "SELECT count(*) FROM asked"),
              kit_sql(&two, "freshet.db", "SELECT count(*) FROM asked"));

    one.now += 27 * 3600;
    (void) kit_readings(&one, "level/1725=1 flow/1725=1");
    REQUIRE_OK(follow(&two, &one, 5, OK, &err));
    CHECK_INT(0, kit_sql(&two, "freshet.db", "SELECT count(*) FROM asked"));
    kit_close(&one);
    kit_close(&two);
    kit_close(&three);
}

/* Of two ingesters each asks for what it has: what one asked of all says nothing of the other's. */
TEST(follow_keeps_apart_what_each_ingester_asked)
{
    Shard first, second;
    REQUIRE(shard_parse(STR("1/2"), &first) && shard_parse(STR("2/2"), &second));
    bool is_first = shard_has_station(first, STR("up"));
    CHECK(is_first != shard_has_station(second, STR("up")));
    for (int has = 0; has < 2; has++) {
        Kit one = open_with_gaps(), two = kit_open();
        Err err = {.code = OK};
        record_asked(&one, NULL, NULL, 0, 60, one.now);
        (void) kit_readings(&one, "level/75=1 flow/75=1");
        ingester = is_first == (has == 1) ? "1/2" : "2/2";
        REQUIRE_OK(follow(&two, &one, 0, OK, &err));
        CLEANUP(buf_release) Buf gaps = gaps_of(&two);
        size_t at;
        CHECK_INT(has, str_find(buf_view(&gaps), STR("upstream"), &at));
        kit_close(&one);
        kit_close(&two);
    }
    ingester = "1/1";
}

/* It is a part of the store, and nothing of what we say ourselves. */
TEST(follow_takes_more_of_one_alone_and_tells_no_change)
{
    Kit one = open_source(), two = kit_open();
    Err err = {.code = OK};
    REQUIRE_OK(follow(&two, &one, 0, OK, &err));
    apply_more(&one, false, "up", "{\"x\":\"1\"}"); /* 2 */
    apply_more(&one, true, "level", "{\"y\":2}");
    CHECK_INT(0, changes_behind(&one, 1));
    REQUIRE_OK(follow(&two, &one, 1, OK, &err));
    check_same(&one, &two);
    CHECK_INT(0, changes_behind(&two, 10));

    apply_more(&one, false, "up", "{\"x\":3}"); /* 4 */
    Batch batch = batch_init();
    Station other = kit_station("up");
    other.raw = STR("{\"x\":4}"); /* and the station is another */
    kit_add_station(&batch, other);
    (void) kit_apply(&one, &batch);
    REQUIRE_OK(follow(&two, &one, 3, OK, &err));
    check_same(&one, &two);
    CHECK_INT(1, changes_behind(&two, 30));
    kit_close(&one);
    kit_close(&two);
}

TEST(follow_gives_the_number_epoch_and_place_it_was_told)
{
    Kit one = open_source(), two = kit_open();
    Err err = {.code = OK};
    char tag[GENERATION_TAG_SIZE];
    int64_t resume = 0;
    uint32_t epoch = 0;
    uint64_t number = 0;
    REQUIRE_OK(writer_resume(two.writer, &resume, &err));
    CHECK_INT(-1, resume);
    CHECK(writer_followed(two.writer, STR("1/1"), &epoch, &number, &err) == ERR_NOT_FOUND);
    REQUIRE_OK(follow(&two, &one, 0, OK, &err));
    kit_reopen(&two);
    CHECK_INT(10, (int64_t) store_generation(two.store));
    CHECK_INT(store_as_of(one.store), store_as_of(two.store));
    store_generation_tag(two.store, 10, tag);
    CHECK_TEXT("0000abcd-10", str_of(tag));
    REQUIRE_OK(writer_resume(two.writer, &resume, &err));
    CHECK_INT(1, resume);
    REQUIRE_OK(writer_followed(two.writer, STR("1/1"), &epoch, &number, &err));
    CHECK_INT(7, epoch);
    CHECK_INT(1, (int64_t) number);
    kit_close(&one);
    kit_close(&two);
}

TEST(follow_stops_between_two_items_and_leaves_nothing)
{
    Kit one = open_source(), two = kit_open();
    Err err = {.code = OK};
    Followed end;
    Applied applied;
    static Parcel parcel;
    pack(&parcel, &one, 0, &end);
    parcel.stops = two.writer;
    CHECK(writer_follow(two.writer, &end, true, next_item, &parcel, &applied, &err) == ERR_STOPPED);
    CHECK_INT(0, (int64_t) store_generation(two.store));
    CHECK_INT(0, kit_sql(&two, "freshet.db", "SELECT count(*) FROM station"));
    arena_release(&parcel.strings);
    kit_close(&one);
    kit_close(&two);
}

TEST(follow_takes_all_of_a_generation_or_nothing)
{
    Kit one = open_source(), two = kit_open();
    Err err = {.code = OK};
    REQUIRE_OK(follow(&two, &one, 0, OK, &err));
    CLEANUP(buf_release) Buf before = all_of(&two);
    (void) kit_readings(&one, "level/30=3");
    CHECK(follow(&two, &one, 1, ERR_NETWORK, &err) == ERR_NETWORK);
    CLEANUP(buf_release) Buf after = all_of(&two);
    CHECK_STR(buf_view(&before), buf_view(&after));
    CHECK_INT(10, (int64_t) store_generation(two.store));
    REQUIRE_OK(follow(&two, &one, 1, OK, &err));
    check_same(&one, &two);
    CHECK(follow(&two, &one, 1, OK, &err) == ERR_INVALID); /* the same once more */
    kit_close(&one);
    kit_close(&two);
}
