/* What can be asked of a generation: filters, keys, ranges, the order of lists. */
#include "tests/test_store_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Five stations; Thames ones in the south, one without anything. Ids are in order of bytes:
 * capitals before small letters. */
static Kit open_with_network(void)
{
    static const struct {
        const char *id, *reference, *wiski, *rloi, *rloi_all, *label, *river, *status;
        double lat, lon;
    } stations[] = {
        {"1491TH", "1491TH", "w1", "7041", NULL, "Abingdon Lock", "River Thames", "Active", 51.67,
         -1.27},
        {"E6120-anglian", "E6120", "w2", "9472", "9472\n9635", "Wells Quay", "North Sea", "Active",
         52.95, 0.85},
        {"E6120-southern", "E6120", "w3", "7041x", NULL, "Wells", "River Thames", "Suspended", 50.9,
         -1.0},
        {"7041", "other", "1491TH", "1", NULL, "Named by a number", "River Severn", NULL, 52.1,
         -2.2},
        {"055816_TG_319", "055816_TG 319", NULL, NULL, NULL, "Rainfall station", NULL, NULL, 52.0,
         1.0},
    };
    Kit kit = kit_open();
    Batch batch = batch_init();
    for (size_t i = 0; i < countof(stations); i++) {
        Station station = kit_station(stations[i].id);
        station.reference = str_of(stations[i].reference);
        station.wiski_id = str_of(stations[i].wiski);
        station.rloi_id = str_of(stations[i].rloi);
        station.rloi_id_all = str_of(stations[i].rloi_all);
        station.label = str_of(stations[i].label);
        station.river = str_of(stations[i].river);
        station.status = str_of(stations[i].status);
        station.lat_deg = stations[i].lat;
        station.long_deg = stations[i].lon;
        kit_add_station(&batch, station);
    }
    static const struct {
        const char *id, *station, *parameter, *qualifier;
    } measures[] = {
        {"1491TH-level-stage", "1491TH", "level", "Stage"},
        {"1491TH-flow", "1491TH", "flow", ""},
        {"E6120-anglian-level", "E6120-anglian", "level", "Tidal Level"},
        {"rain", "055816_TG_319", "rainfall", "Tipping Bucket Raingauge"},
        {"lost", "edge", "level", "Stage"},
    };
    for (size_t i = 0; i < countof(measures); i++) {
        Measure measure = kit_measure(measures[i].id, measures[i].station);
        measure.parameter = str_of(measures[i].parameter);
        measure.qualifier = str_of(measures[i].qualifier);
        kit_add_measure(&batch, measure);
    }
    REQUIRE(batch_add_type(&batch, STR("E6120-anglian"), STR("Coastal")));
    REQUIRE(batch_add_type(&batch, STR("E6120-anglian"), STR("TideGauge")));
    kit_add_readings(&batch,
                     "1491TH-level-stage/0=1 1491TH-level-stage/15=2 1491TH-flow/15=9 rain/0=0.2");
    (void) kit_apply(&kit, &batch);
    return kit;
}

static StrList one(Str *item, const char *text)
{
    *item = str_of(text);
    return (StrList){.items = item, .count = text != NULL};
}

TEST(snapshot_filters_stations_and_measures)
{
#define ALL_STATIONS "055816_TG_319 1491TH 7041 E6120-anglian E6120-southern edge"
#define ALL_MEASURES "rain 1491TH-flow 1491TH-level-stage E6120-anglian-level lost"
    static const struct {
        const char *name, *station, *measure, *reference, *rloi, *wiski, *parameter, *qualifier,
            *river, *status, *type, *q;
        const char *stations, *measures;
    } cases[] = {
        {"everything", .stations = ALL_STATIONS, .measures = ALL_MEASURES},
        {"by id", .station = "1491TH", .stations = "1491TH",
         .measures = "1491TH-flow 1491TH-level-stage"},
        {"exact case", .station = "1491th", .stations = "", .measures = ""},
        {"by reference", .station = "055816_TG 319", .stations = "055816_TG_319",
         .measures = "rain"},
        {"a key of two", .station = "E6120", .stations = "E6120-anglian E6120-southern",
         .measures = "E6120-anglian-level"},
        {"an id before another's RLOI id", .station = "7041", .stations = "7041", .measures = ""},
        {"by one of several RLOI ids", .station = "9635", .stations = "E6120-anglian",
         .measures = "E6120-anglian-level"},
        {"nobody", .station = "nobody", .stations = "", .measures = ""},
        {"by measure", .measure = "1491TH-flow", .stations = "1491TH", .measures = "1491TH-flow"},
        {"by unknown measure", .measure = "nobody", .stations = "", .measures = ""},
        {"station and another's measure", .station = "7041", .measure = "rain", .stations = "",
         .measures = ""},
        {"unknown station and a measure", .station = "nobody", .measure = "rain", .stations = "",
         .measures = ""},
        {"reference=", .reference = "E6120", .stations = "E6120-anglian E6120-southern",
         .measures = "E6120-anglian-level"},
        {"reference= is no id", .reference = "7041", .stations = "", .measures = ""},
        {"rloi_id=", .rloi = "7041", .stations = "1491TH",
         .measures = "1491TH-flow 1491TH-level-stage"},
        {"wiski_id=", .wiski = "1491TH", .stations = "7041", .measures = ""},
        {"reference and rloi_id", .reference = "E6120", .rloi = "9635", .stations = "E6120-anglian",
         .measures = "E6120-anglian-level"},
        {"parameter", .parameter = "LEVEL", .stations = "1491TH E6120-anglian edge",
         .measures = "1491TH-level-stage E6120-anglian-level lost"},
        {"qualifier", .qualifier = "stage", .stations = "1491TH edge",
         .measures = "1491TH-level-stage lost"},
        {"river", .river = "river  THAMES", .stations = "1491TH E6120-southern",
         .measures = "1491TH-flow 1491TH-level-stage"},
        {"river and parameter", .river = "River Thames", .parameter = "flow", .stations = "1491TH",
         .measures = "1491TH-flow"},
        {"status", .status = "Suspended", .stations = "E6120-southern", .measures = ""},
        {"type: any of several", .type = "TideGauge", .stations = "E6120-anglian",
         .measures = "E6120-anglian-level"},
        {"q", .q = "wel", .stations = "E6120-anglian E6120-southern",
         .measures = "E6120-anglian-level"},
    };
    Kit kit = open_with_network();
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].name);
        Str s[11];
        Filter filter = {
            .station = one(&s[0], cases[i].station),
            .measure = one(&s[1], cases[i].measure),
            .reference = one(&s[2], cases[i].reference),
            .rloi_id = one(&s[3], cases[i].rloi),
            .wiski_id = one(&s[4], cases[i].wiski),
            .parameter = one(&s[5], cases[i].parameter),
            .qualifier = one(&s[6], cases[i].qualifier),
            .river = one(&s[7], cases[i].river),
            .status = one(&s[8], cases[i].status),
            .type = one(&s[9], cases[i].type),
            .q = one(&s[10], cases[i].q),
        };
        CLEANUP(buf_release) Buf stations = kit_station_ids(kit.store, &filter);
        CLEANUP(buf_release) Buf measures = kit_measure_ids(kit.store, &filter);
        CHECK_STR(str_of(cases[i].stations), stations.len > 0 ? buf_view(&stations) : STR(""));
        CHECK_STR(str_of(cases[i].measures), measures.len > 0 ? buf_view(&measures) : STR(""));
    }

    CASE("bbox");
    Box thames = {.west_deg = -1.5, .south_deg = 50, .east_deg = -0.5, .north_deg = 52};
    Filter box = {.boxes = {&thames, 1}};
    CLEANUP(buf_release) Buf in_box = kit_station_ids(kit.store, &box);
    CHECK_TEXT("1491TH E6120-southern", buf_view(&in_box));
    CASE("circle");
    Filter circle = {.has_circle = true, .lat_deg = 51.67, .long_deg = -1.27, .dist_km = 20};
    CLEANUP(buf_release) Buf in_circle = kit_station_ids(kit.store, &circle);
    CHECK_TEXT("1491TH", buf_view(&in_circle));
    CASE("several stations, each once, in the order of ids");
    Str several[] = {STR("E6120"), STR("E6120-southern"), STR("1491TH"), STR("nobody"),
                     STR("1491TH")};
    Filter many = {.station = {.items = several, .count = countof(several)}};
    CLEANUP(buf_release) Buf of_many = kit_station_ids(kit.store, &many);
    CHECK_TEXT("1491TH E6120-anglian E6120-southern", buf_view(&of_many));
    CASE("several measures");
    Str ids[] = {STR("rain"), STR("lost"), STR("1491TH-flow"), STR("1491TH-level-stage")};
    Filter by_measures = {.measure = {.items = ids, .count = countof(ids)}};
    CLEANUP(buf_release) Buf of_measures = kit_measure_ids(kit.store, &by_measures);
    CHECK_TEXT("rain 1491TH-flow 1491TH-level-stage lost", buf_view(&of_measures));
    kit_close(&kit);
}

typedef struct Seen {
    Buf text;
    int left; /* callbacks until one says no; -1: never */
} Seen;

static bool note_measures(const Station *station, const Str *ids, size_t count, void *ctx)
{
    Seen *seen = ctx;
    buf_printf(&seen->text, "[" STR_FMT ":", STR_ARG(station->id));
    for (size_t i = 0; i < count; i++)
        buf_printf(&seen->text, " " STR_FMT, STR_ARG(ids[i]));
    buf_put_char(&seen->text, ']');
    return --seen->left != 0;
}

TEST(snapshot_stations_come_with_all_their_measures)
{
    Err err = {.code = OK};
    Kit kit = open_with_network();
    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    REQUIRE_OK(store_snapshot(kit.store, &snap, &err));
    Str flow = STR("flow");
    Filter filter = {.parameter = {.items = &flow, .count = 1}};
    Seen seen = {.text = buf_init(4096), .left = -1};
    CHECK_OK(snapshot_each_station(snap, &filter, note_measures, &seen, &err));
    CHECK_TEXT("[1491TH: 1491TH-flow 1491TH-level-stage]", buf_view(&seen.text));

    CASE("stops early");
    buf_clear(&seen.text);
    seen.left = 2;
    CHECK_OK(snapshot_each_station(snap, &(Filter){0}, note_measures, &seen, &err));
    CHECK_TEXT("[055816_TG_319: rain][1491TH: 1491TH-flow 1491TH-level-stage]",
               buf_view(&seen.text));
    buf_release(&seen.text);
    snapshot_close(TAKE(snap));
    kit_close(&kit);
}

static bool note_newest(const Station *station, const Measure *measure, const Reading *newest,
                        void *ctx)
{
    Seen *seen = ctx;
    (void) station;
    buf_printf(&seen->text, "[" STR_FMT, STR_ARG(measure->id));
    if (newest != NULL)
        buf_printf(&seen->text, " %g", newest->value);
    buf_put_char(&seen->text, ']');
    return --seen->left != 0;
}

TEST(snapshot_measures_come_with_their_newest_reading)
{
    Err err = {.code = OK};
    Kit kit = open_with_network();
    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    REQUIRE_OK(store_snapshot(kit.store, &snap, &err));
    Seen seen = {.text = buf_init(4096), .left = -1};
    CHECK_OK(snapshot_each_measure(snap, &(Filter){0}, note_newest, &seen, &err));
    CHECK_TEXT("[rain 0.2][1491TH-flow 9][1491TH-level-stage 2][E6120-anglian-level][lost]",
               buf_view(&seen.text));
    buf_clear(&seen.text);
    CHECK_OK(snapshot_each_latest(snap, &(Filter){0}, note_newest, &seen, &err));
    CHECK_TEXT("[rain 0.2][1491TH-flow 9][1491TH-level-stage 2]", buf_view(&seen.text));
    buf_clear(&seen.text);
    seen.left = 2;
    CHECK_OK(snapshot_each_latest(snap, &(Filter){0}, note_newest, &seen, &err));
    CHECK_TEXT("[rain 0.2][1491TH-flow 9]", buf_view(&seen.text));
    buf_release(&seen.text);
    snapshot_close(TAKE(snap));
    kit_close(&kit);
}

static bool note_begin(const Station *station, const Measure *measure, Window kept, void *ctx)
{
    Seen *seen = ctx;
    buf_printf(&seen->text, "[" STR_FMT " ", STR_ARG(measure->id));
    if (kept.from == kept.to)
        buf_printf(&seen->text, "nothing]");
    else
        buf_printf(&seen->text, "%lld..%lld]", (long long) kept.from - KIT_ZERO,
                   (long long) kept.to - KIT_ZERO);
    CHECK_INT(kept.from != kept.to, station->newest != NO_TIME);
    return --seen->left != 0;
}

static bool note_reading(const Reading *reading, void *ctx)
{
    Seen *seen = ctx;
    buf_printf(&seen->text, " %lld=%g", (long long) (reading->time - KIT_ZERO) / 60,
               reading->value);
    return --seen->left != 0;
}

TEST(snapshot_readings_keep_to_the_window_asked_for)
{
    Err err = {.code = OK};
    Kit kit = open_with_network();
    (void) kit_readings(&kit, "1491TH-level-stage/30=3 1491TH-level-stage/45=4");
    static const struct {
        const char *name;
        int64_t from, to;
        int left;
        const char *want;
    } cases[] = {
        {"everything", -100000, 100000, -1, "[1491TH-level-stage -83699..2701] 0=1 15=2 30=3 45=4"},
        {"from inclusive, to exclusive", 15, 45, -1, "[1491TH-level-stage -83699..2701] 15=2 30=3"},
        {"none in it", 16, 29, -1, "[1491TH-level-stage -83699..2701]"},
        {"empty", 15, 15, -1, "[1491TH-level-stage -83699..2701]"},
        {"before what is kept", -90000, -80000, -1, "[1491TH-level-stage -83699..2701]"},
        {"stops after a reading", -100000, 100000, 3, "[1491TH-level-stage -83699..2701] 0=1 15=2"},
        {"stops at the measure", -100000, 100000, 1, "[1491TH-level-stage -83699..2701]"},
    };
    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    REQUIRE_OK(store_snapshot(kit.store, &snap, &err));
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].name);
        Str id = STR("1491TH-level-stage");
        Filter filter = {.measure = {.items = &id, .count = 1}};
        Seen seen = {.text = buf_init(4096), .left = cases[i].left};
        const ReadingVisitor visitor = {
            .each_measure = note_begin, .each_reading = note_reading, .ctx = &seen};
        Window window = {KIT_ZERO + cases[i].from * 60, KIT_ZERO + cases[i].to * 60};
        CHECK_OK(snapshot_each_reading(snap, &filter, window, &visitor, &err));
        CHECK_TEXT(cases[i].want, buf_view(&seen.text));
        buf_release(&seen.text);
    }
    CASE("every measure is told, also without readings");
    Seen seen = {.text = buf_init(4096), .left = -1};
    const ReadingVisitor visitor = {
        .each_measure = note_begin, .each_reading = note_reading, .ctx = &seen};
    CHECK_OK(snapshot_each_reading(snap, &(Filter){0}, window_everything(), &visitor, &err));
    CHECK_TEXT("[rain -86399..1] 0=0.2[1491TH-flow -83699..2701] 15=9"
               "[1491TH-level-stage -83699..2701] 0=1 15=2 30=3 45=4[E6120-anglian-level "
               "nothing][lost nothing]",
               buf_view(&seen.text));
    buf_release(&seen.text);
    snapshot_close(TAKE(snap));
    kit_close(&kit);
}

static void put_list(Buf *out, const StrList *list)
{
    for (size_t i = 0; i < list->count; i++)
        buf_printf(out, "%s" STR_FMT, i > 0 ? " " : "", STR_ARG(list->items[i]));
}

TEST(snapshot_resolves_a_station_by_id_reference_wiski_and_rloi)
{
    static const struct {
        const char *key;
        bool found, other, ambiguous;
        const char *answer;
    } cases[] = {
        {"1491TH", true, false, false, "1491TH"}, /* its id, though it is another's WISKI id too */
        {"7041", true, false, false, "7041"},     /* and another's RLOI id */
        {"other", true, true, false, "7041"},     /* reference */
        {"055816_TG 319", true, true, false, "055816_TG_319"},
        {"w2", true, true, false, "E6120-anglian"},   /* WISKI id */
        {"9472", true, true, false, "E6120-anglian"}, /* RLOI id, the first of its array */
        {"9635", true, true, false, "E6120-anglian"}, /* and the second */
        {"9472\n9635", false, true, false, ""},       /* not the array */
        {"E6120", false, true, true, "E6120-anglian E6120-southern"},
        {"edge", true, false, false, "edge"},     /* in no list */
        {"1491th", false, true, false, "1491TH"}, /* exact case, but near */
        {"e6120-anglian", false, true, false, "E6120-anglian"},
        {"E6120-anglia", false, true, false, "E6120-anglian"},
        {"1491", false, true, false, "1491TH 7041"},
        {"", false, true, false, ""},
        {"zzzzzzzzzzzzzzz", false, true, false, ""},
    };
    Kit kit = open_with_network();
    Err err = {.code = OK};
    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    REQUIRE_OK(store_snapshot(kit.store, &snap, &err));
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].key);
        CLEANUP(arena_release) Arena arena = arena_init();
        CLEANUP(buf_release) Buf answer = buf_init(4096);
        StationKey key = {.ambiguous = false};
        ErrCode rc = snapshot_resolve_station(snap, str_of(cases[i].key), &arena, &key, &err);
        CHECK_INT(cases[i].found ? OK : ERR_NOT_FOUND, rc);
        CHECK_INT(cases[i].other, key.by_other_key);
        CHECK_INT(cases[i].ambiguous, key.ambiguous);
        if (rc == OK)
            buf_put_str(&answer, key.id);
        else
            put_list(&answer, &key.candidates);
        CHECK_STR(str_of(cases[i].answer), answer.len > 0 ? buf_view(&answer) : STR(""));
    }
    snapshot_close(TAKE(snap));
    kit_close(&kit);
}

TEST(snapshot_forgets_the_keys_that_a_station_no_longer_has)
{
    Err err = {.code = OK};
    Kit kit = open_with_network();
    Batch batch = batch_init();
    Station moved = kit_station("E6120-anglian");
    moved.reference = STR("E6121");
    moved.raw = STR("moved");
    kit_add_station(&batch, moved);
    (void) kit_apply(&kit, &batch);
    static const struct {
        const char *key;
        const char *id;
    } cases[] = {
        {"E6120", "E6120-southern"},
        {"E6121", "E6120-anglian"},
        {"9472", ""},
        {"w2", ""},
    };
    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    REQUIRE_OK(store_snapshot(kit.store, &snap, &err));
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].key);
        CLEANUP(arena_release) Arena arena = arena_init();
        StationKey key = {.id = STR("")};
        ErrCode rc = snapshot_resolve_station(snap, str_of(cases[i].key), &arena, &key, &err);
        CHECK_INT(cases[i].id[0] != '\0' ? OK : ERR_NOT_FOUND, rc);
        CHECK_STR(str_of(cases[i].id), rc == OK ? key.id : STR(""));
    }
    snapshot_close(TAKE(snap));
    kit_close(&kit);
}

TEST(snapshot_finds_a_measure_by_its_id_alone)
{
    Err err = {.code = OK};
    Kit kit = open_with_network();
    CLEANUP(arena_release) Arena arena = arena_init();
    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    CLEANUP(buf_release) Buf near_ids = buf_init(4096);
    REQUIRE_OK(store_snapshot(kit.store, &snap, &err));
    StrList near = {.items = NULL};
    CHECK_OK(snapshot_find_measure(snap, STR("lost"), &arena, &near, &err));
    CHECK_INT(ERR_NOT_FOUND,
              snapshot_find_measure(snap, STR("1491TH-level-stagE"), &arena, NULL, &err));
    CHECK_INT(ERR_NOT_FOUND,
              snapshot_find_measure(snap, STR("1491TH-level-stag"), &arena, &near, &err));
    put_list(&near_ids, &near);
    CHECK_TEXT("1491TH-level-stage", buf_view(&near_ids));
    snapshot_close(TAKE(snap));
    kit_close(&kit);
}

TEST(snapshot_names_at_most_five_near_ids_nearest_first)
{
    Err err = {.code = OK};
    Kit kit = kit_open();
    Batch batch = batch_init();
    static const char *const ids[] = {"E7050", "E7051", "E7052",  "E7053",
                                      "E7054", "E7055", "E70500", "F7050"};
    for (size_t i = 0; i < countof(ids); i++)
        kit_add_station(&batch, kit_station(ids[i]));
    (void) kit_apply(&kit, &batch);
    CLEANUP(arena_release) Arena arena = arena_init();
    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    CLEANUP(buf_release) Buf text = buf_init(4096);
    REQUIRE_OK(store_snapshot(kit.store, &snap, &err));
    StationKey key = {.ambiguous = false};
    CHECK_INT(ERR_NOT_FOUND, snapshot_resolve_station(snap, STR("E70501"), &arena, &key, &err));
    put_list(&text, &key.candidates);
    CHECK_TEXT("E7050 E70500 E7051 E7052 E7053", buf_view(&text));
    snapshot_close(TAKE(snap));
    kit_close(&kit);
}

TEST(snapshot_of_an_empty_store_says_so)
{
    Err err = {.code = OK};
    Kit kit = kit_open();
    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    REQUIRE_OK(store_snapshot(kit.store, &snap, &err));
    CHECK_INT(0, snapshot_info(snap)->generation);
    CHECK_INT(NO_TIME, snapshot_info(snap)->as_of);
    CHECK_INT(NO_TIME, snapshot_info(snap)->service.since);
    CHECK_INT(0, store_generation(kit.store));
    CHECK_INT(NO_TIME, store_as_of(kit.store));
    CHECK_INT(NO_TIME, store_next_expected(kit.store));
    snapshot_close(TAKE(snap));
    snapshot_close(NULL);
    CLEANUP(buf_release) Buf held = kit_held(kit.store);
    CHECK_INT(0, held.len);
    kit_close(&kit);
}
