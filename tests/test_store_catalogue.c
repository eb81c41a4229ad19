/* Stations, measures and types: what is a change, what a list no longer names, what is kept beside.
 */
#include "tests/test_store_kit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static Batch one_station(Station station)
{
    Batch batch = batch_init();
    kit_add_station(&batch, station);
    return batch;
}

static Batch one_measure(Measure measure)
{
    Batch batch = batch_init();
    kit_add_measure(&batch, measure);
    return batch;
}

/* All text members of a station, in one order. */
static size_t texts_of(const Station *s, Str *out)
{
    const Str texts[] = {
        s->id,
        s->reference,
        s->label,
        s->river,
        s->catchment,
        s->town,
        s->label_all,
        s->river_all,
        s->catchment_all,
        s->town_all,
        s->status,
        s->grid_reference,
        s->opened,
        s->rloi_id,
        s->wiski_id,
        s->rloi_id_all,
        s->wiski_id_all,
        s->stage.record_high_time,
        s->stage.record_low_time,
        s->downstage.record_high_time,
        s->downstage.record_low_time,
        s->raw,
    };
    memcpy(out, texts, sizeof texts);
    return countof(texts);
}

static bool compare_station(const Station *station, const Str *measure_ids, size_t count, void *ctx)
{
    const Station *want = ctx;
    Str got_texts[32], want_texts[32];
    (void) measure_ids;
    CHECK_INT(0, count);
    size_t text_count = texts_of(station, got_texts);
    (void) texts_of(want, want_texts);
    for (size_t i = 0; i < text_count; i++)
        CHECK_STR(want_texts[i], got_texts[i]);

    const double *const got_reals[] = {&station->lat_deg, &station->long_deg, &station->easting_m,
                                       &station->northing_m, &station->datum_offset_m};
    const double *const want_reals[] = {&want->lat_deg, &want->long_deg, &want->easting_m,
                                        &want->northing_m, &want->datum_offset_m};
    for (size_t i = 0; i < countof(got_reals); i++)
        CHECK_DOUBLE(*want_reals[i], *got_reals[i]);
    const Scale *got_scales[] = {&station->stage, &station->downstage};
    const Scale *want_scales[] = {&want->stage, &want->downstage};
    for (size_t i = 0; i < countof(got_scales); i++) {
        CHECK_DOUBLE(want_scales[i]->typical_low, got_scales[i]->typical_low);
        CHECK_DOUBLE(want_scales[i]->typical_high, got_scales[i]->typical_high);
        CHECK_DOUBLE(want_scales[i]->record_low, got_scales[i]->record_low);
        CHECK_DOUBLE(want_scales[i]->record_high, got_scales[i]->record_high);
    }
    CHECK_INT(want->listed, station->listed);
    CHECK_INT(NO_TIME, station->newest);
    return true;
}

static void check_station(Store *store, const Station *want)
{
    Err err = {.code = OK};
    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    Filter filter = {.station = {.items = (Str[]){want->id}, .count = 1}};
    REQUIRE_OK(store_snapshot(store, &snap, &err));
    CHECK_OK(
        snapshot_each_station(snap, &filter, compare_station, (void *) (uintptr_t) want, &err));
}

static Station full_station(void)
{
    Station full = kit_station("1491TH");
    full.reference = STR("1491TH ref");
    full.label = STR("Bourton  Dickler ");
    full.river = STR("River Dikler");
    full.catchment = STR("Cotswolds, the");
    full.town = STR("Little Rissington");
    full.label_all = STR("a\nb");
    full.river_all = STR("c\nd");
    full.catchment_all = STR("e\nf");
    full.town_all = STR("g\nh");
    full.status = STR("Active");
    full.grid_reference = STR("SP 1234 5678");
    full.opened = STR("1994-01-01");
    full.rloi_id = STR("7041");
    full.wiski_id = STR("1029TH");
    full.rloi_id_all = STR("7041\n7042");
    full.wiski_id_all = STR("1029TH\n1030TH");
    full.lat_deg = 51.874767;
    full.long_deg = -1.740083;
    full.easting_m = 417990;
    full.northing_m = 219610.5;
    full.datum_offset_m = 0;
    full.stage =
        (Scale){0.068, 0.42, 1.5, -0.1, STR("2007-07-21T01:00:00"), STR("1996-09-01T00:00:00")};
    full.downstage = (Scale){1, 2, 3, 4, STR("x"), STR("")};
    full.raw = STR("{\"@id\":\"...\"}");
    return full;
}

TEST(catalogue_gives_back_every_member_of_a_station)
{
    Kit kit = kit_open();
    Station full = full_station(), bare = kit_station("bare"), nameless = kit_station("");
    Batch batch = one_station(full);
    kit_add_station(&batch, bare);
    kit_add_station(&batch, nameless); /* "" is a key like others */
    Applied applied = kit_apply(&kit, &batch);
    CHECK_INT(3, applied.stations_changed);
    check_station(kit.store, &full);
    check_station(kit.store, &bare);
    check_station(kit.store, &nameless);

    full.label = STR("renamed"); /* an update writes all of them, too */
    full.label_all = STR_NONE;
    full.stage = scale_unknown();
    full.raw = STR("{}");
    batch = one_station(full);
    (void) kit_apply(&kit, &batch);
    check_station(kit.store, &full);
    kit_close(&kit);
}

static bool compare_measure(const Station *station, const Measure *measure, const Reading *newest,
                            void *ctx)
{
    const Measure *want = ctx;
    CHECK_STR(want->station_id, station->id);
    CHECK_STR(want->station_id, measure->station_id);
    CHECK_STR(want->id, measure->id);
    CHECK_STR(want->label, measure->label);
    CHECK_STR(want->parameter, measure->parameter);
    CHECK_STR(want->parameter_name, measure->parameter_name);
    CHECK_STR(want->qualifier, measure->qualifier);
    CHECK_STR(want->value_type, measure->value_type);
    CHECK_STR(want->unit, measure->unit);
    CHECK_STR(want->datum, measure->datum);
    CHECK_STR(want->raw, measure->raw);
    CHECK_INT(want->period_s, measure->period_s);
    CHECK_INT(want->listed, measure->listed);
    CHECK_INT(NO_TIME, measure->newest);
    CHECK(newest == NULL);
    return true;
}

TEST(catalogue_gives_back_every_member_of_a_measure)
{
    Err err = {.code = OK};
    Kit kit = kit_open();
    Measure full = kit_measure("m", "S");
    full.label = STR("a label");
    full.parameter = STR("level");
    full.parameter_name = STR("Water Level");
    full.qualifier = STR("");
    full.value_type = STR("instantaneous");
    full.unit = STR("mASD");
    full.datum = STR("datumASD");
    full.period_s = 900;
    for (int round = 0; round < 2; round++) {
        Batch batch = one_measure(full);
        CHECK_INT(1, kit_apply(&kit, &batch).measures_changed);
        CLEANUP(snapshot_closep) Snapshot *snap = NULL;
        REQUIRE_OK(store_snapshot(kit.store, &snap, &err));
        CHECK_OK(snapshot_each_measure(snap, &(Filter){0}, compare_measure, &full, &err));
        full.qualifier = STR("Stage");
        full.period_s = 0;
        full.datum = STR_NONE;
        full.raw = STR("changed");
    }
    kit_close(&kit);
}

TEST(catalogue_writes_only_what_differs)
{
    Kit kit = kit_open();
    Station station = kit_station("S");
    Measure measure = kit_measure("m", "S");
    static const struct {
        const char *name, *raw;
        bool listed, changes;
    } steps[] = {
        {"first", "one", true, true},      {"again", "one", true, false},
        {"other text", "two", true, true}, {"not listed", "two", false, true},
        {"again", "two", false, false},    {"listed again", "two", true, true},
    };
    for (size_t i = 0; i < countof(steps); i++) {
        CASE(steps[i].name);
        station.raw = measure.raw = str_of(steps[i].raw);
        station.listed = measure.listed = steps[i].listed;
        Batch batch = one_station(station);
        Applied applied = kit_apply(&kit, &batch);
        CHECK_INT(steps[i].changes, applied.stations_changed);
        CHECK_INT(steps[i].changes, applied.changed);
        batch = one_measure(measure);
        applied = kit_apply(&kit, &batch);
        CHECK_INT(steps[i].changes, applied.measures_changed);
        CHECK_INT(steps[i].changes, applied.changed);
    }
    kit_close(&kit);
}

TEST(catalogue_lets_nothing_known_be_wiped_by_what_has_no_text)
{
    Kit kit = kit_open();
    Batch batch = one_station(full_station());
    kit_add_measures(&batch, "m@1491TH");
    (void) kit_apply(&kit, &batch);

    Station bare = kit_station("1491TH");
    Measure bare_measure = kit_measure("m", "elsewhere");
    bare.raw = bare_measure.raw = STR_NONE;
    bare.listed = bare_measure.listed = false;
    batch = one_station(bare);
    kit_add_measure(&batch, bare_measure);
    CHECK(!kit_apply(&kit, &batch).changed);
    CHECK_INT(0,
              kit_sql(&kit, "freshet.db", "SELECT count(*) FROM station WHERE id = 'elsewhere'"));
    CHECK_INT(1, kit_sql(&kit, "freshet.db", "SELECT listed AND label IS NOT NULL FROM station"));
    kit_close(&kit);
}

TEST(catalogue_takes_the_first_of_doubles)
{
    Kit kit = kit_open();
    for (int round = 0; round < 2; round++) {
        Batch batch = batch_init();
        Station first = kit_station("S"), second = kit_station("S");
        Measure measure = kit_measure("m", "S"), double_measure = kit_measure("m", "S");
        second.raw = double_measure.raw = STR("another");
        kit_add_station(&batch, first);
        kit_add_station(&batch, second);
        kit_add_measure(&batch, measure);
        kit_add_measure(&batch, double_measure);
        batch.has_all_stations = batch.has_all_measures = true;
        CHECK_INT(round == 0, kit_apply(&kit, &batch).changed);
        CHECK_INT(1, kit_sql(&kit, "freshet.db", "SELECT raw = 'S' FROM station"));
        CHECK_INT(1, kit_sql(&kit, "freshet.db", "SELECT raw = 'm' FROM measure"));
    }
    kit_close(&kit);
}

TEST(catalogue_makes_the_station_of_a_measure_that_no_list_names)
{
    Kit kit = kit_open();
    Batch batch = one_measure(kit_measure("m", "S"));
    Applied applied = kit_apply(&kit, &batch);
    CHECK_INT(1, applied.stations_changed);
    CHECK_INT(1, kit_sql(&kit, "freshet.db",
                         "SELECT NOT listed AND raw IS NULL AND label IS NULL"
                         " FROM station WHERE id = 'S'"));
    (void) kit_readings(&kit, "m/0=1");

    Station listed = kit_station("S"); /* the list names it later: the same one is filled */
    listed.label = STR("found");
    batch = one_station(listed);
    CHECK_INT(1, kit_apply(&kit, &batch).stations_changed);
    CHECK_INT(1, kit_sql(&kit, "freshet.db", "SELECT count(*) FROM station"));
    CHECK_INT(1, kit_sql(&kit, "freshet.db", "SELECT listed AND label = 'found' FROM station"));
    CLEANUP(buf_release) Buf held = kit_held(kit.store);
    CHECK_TEXT("m/0=1", buf_view(&held));
    kit_close(&kit);
}

/* Letters of the stations and measures that are listed. */
static void check_listed(const Kit *kit, const char *want, const char *where)
{
    CASE(where);
    char sql[200];
    (void) snprintf(
        sql, sizeof sql,
        "SELECT coalesce((SELECT group_concat(id, '') FROM (SELECT id FROM %s WHERE listed"
        " ORDER BY id)), '') = '%s'",
        where, want);
    CHECK_INT(1, kit_sql(kit, "freshet.db", sql));
}

TEST(catalogue_unlists_what_a_whole_list_does_not_name)
{
    Kit kit = kit_open();
    static const struct {
        const char *given;
        bool whole;
        const char *listed;
        int changed;
    } steps[] = {
        {"ABC", true, "ABC", 3}, {"AB", false, "ABC", 0}, {"AB", true, "AB", 1},
        {"AB", true, "AB", 0},   {"ABD", true, "ABD", 1}, {"AC", true, "AC", 3},
        {"", true, "", 2},       {"", false, "", 0},
    };
    for (size_t i = 0; i < countof(steps); i++) {
        char ids[8][2] = {{0}};
        Batch stations = batch_init(), measures = batch_init();
        for (size_t k = 0; steps[i].given[k] != '\0'; k++) {
            ids[k][0] = steps[i].given[k];
            kit_add_station(&stations, kit_station(ids[k]));
            kit_add_measure(&measures, kit_measure(ids[k], "A"));
        }
        stations.has_all_stations = measures.has_all_measures = steps[i].whole;
        Applied applied = kit_apply(&kit, &stations);
        CHECK_INT(steps[i].changed, applied.stations_changed);
        CHECK_INT(steps[i].changed > 0, applied.changed);
        applied = kit_apply(&kit, &measures);
        CHECK_INT(steps[i].changed, applied.measures_changed);
        check_listed(&kit, steps[i].listed, "station");
        check_listed(&kit, steps[i].listed, "measure");
    }
    CHECK_INT(4,
              kit_sql(&kit, "freshet.db", "SELECT count(*) FROM station")); /* kept, all of them */
    kit_close(&kit);
}

static Applied apply_types(Kit *kit, const char *text, bool whole)
{
    Batch batch = batch_init();
    Str rest = str_of(text), word, station, type;
    while (rest.len > 0) {
        if (!str_cut(rest, ' ', &word, &rest)) {
            word = rest;
            rest = STR("");
        }
        REQUIRE(str_cut(word, '=', &station, &type));
        REQUIRE(batch_add_type(&batch, station, type));
    }
    batch.has_all_types = whole;
    return kit_apply(kit, &batch);
}

TEST(catalogue_types_come_apart_from_the_list)
{
    Kit kit = kit_open();
    Batch batch = one_station(kit_station("A"));
    kit_add_station(&batch, kit_station("B"));
    (void) kit_apply(&kit, &batch);
    static const struct {
        const char *name, *given;
        bool whole;
        int changed;
        const char *stored;
    } steps[] = {
        {"first", "A=Coastal B=SingleLevel", true, 2, "A:Coastal/- B:SingleLevel/-"},
        {"again, in another order", "B=SingleLevel A=Coastal", true, 0,
         "A:Coastal/- B:SingleLevel/-"},
        {"several", "A=Coastal B=SingleLevel A=TideGauge", true, 1,
         "A:Coastal/Coastal,TideGauge B:SingleLevel/-"},
        {"one twice", "A=Coastal A=Coastal B=SingleLevel", true, 1, "A:Coastal/- B:SingleLevel/-"},
        {"not all", "A=TideGauge", false, 1, "A:TideGauge/- B:SingleLevel/-"},
        {"all: B has none", "A=TideGauge", true, 1, "A:TideGauge/- B:-/-"},
        {"a station that is not here", "A=TideGauge C=Coastal", true, 0, "A:TideGauge/- B:-/-"},
        {"none", "", true, 1, "A:-/- B:-/-"},
    };
    for (size_t i = 0; i < countof(steps); i++) {
        CASE(steps[i].name);
        CHECK_INT(steps[i].changed,
                  apply_types(&kit, steps[i].given, steps[i].whole).stations_changed);
        char sql[400];
        (void) snprintf(sql, sizeof sql,
                        "SELECT '%s' = group_concat(id || ':' || coalesce(type, '-') || '/' ||"
                        " coalesce(replace(type_all, char(10), ','), '-'), ' ')"
                        " FROM (SELECT * FROM station ORDER BY id)",
                        steps[i].stored);
        CHECK_INT(1, kit_sql(&kit, "freshet.db", sql));
    }
    (void) apply_types(&kit, "A=Coastal", true);
    Station changed = kit_station("A"); /* the list knows no types: it wipes none */
    changed.raw = STR("other");
    batch = one_station(changed);
    (void) kit_apply(&kit, &batch);
    CHECK_INT(1, kit_sql(&kit, "freshet.db",
                         "SELECT type = 'Coastal' AND raw = 'other' FROM station"
                         " WHERE id = 'A'"));
    kit_close(&kit);
}

/* "A B|B C": two portions. A PortionFn. */
static ErrCode next_words(void *ctx, Batch *portion, bool *ret_more, Err *err)
{
    Str *rest = ctx, words;
    *ret_more = !str_is_none(*rest);
    if (!*ret_more)
        return OK;
    if (str_eq(*rest, STR("broken")))
        return err_set(err, ERR_NO_MEMORY, "no memory for an item");
    bool last = !str_cut(*rest, '|', &words, rest);
    if (last) {
        words = *rest;
        *rest = STR_NONE;
    }
    while (words.len > 0) {
        Station station = kit_station("");
        if (!str_cut(words, ' ', &station.id, &words)) {
            station.id = words;
            words = STR_NONE;
        }
        station.listed = true;
        kit_add_station(portion, station);
    }
    return OK;
}

TEST(catalogue_takes_a_list_portion_by_portion)
{
    static const struct {
        const char *portions, *listed, *all;
    } steps[] = {
        {"A B|C", "A,B,C", "A,B,C"},
        {"||B|B A", "A,B", "A,B,C"}, /* a double is one, and C is in no portion */
        {"C", "C", "A,B,C"},
    };
    Kit kit = kit_open();
    for (size_t i = 0; i < countof(steps); i++) {
        Batch batch = batch_init();
        Str rest = str_of(steps[i].portions);
        CASE(steps[i].portions);
        batch.next_portion = next_words;
        batch.portion_ctx = &rest;
        batch.has_all_stations = true;
        (void) kit_apply(&kit, &batch);
        char sql[300];
        (void) snprintf(sql, sizeof sql,
                        "SELECT '%s' = (SELECT group_concat(id) FROM"
                        " (SELECT id FROM station WHERE listed ORDER BY id)) AND '%s' ="
                        " (SELECT group_concat(id) FROM (SELECT id FROM station ORDER BY id))",
                        steps[i].listed, steps[i].all);
        CHECK_INT(1, kit_sql(&kit, "freshet.db", sql));
    }

    CASE("one that fails leaves nothing of those before it");
    Batch batch = batch_init();
    Str rest = STR("D E|broken");
    Applied applied;
    Err err = {.code = OK};
    batch.next_portion = next_words;
    batch.portion_ctx = &rest;
    CHECK_INT(ERR_NO_MEMORY, writer_apply(kit.writer, &batch, FAULT_NONE, kit.now, &applied, &err));
    CHECK_INT(3, kit_sql(&kit, "freshet.db", "SELECT count(*) FROM station"));
    kit_close(&kit);
}

TEST(catalogue_counts_what_it_holds)
{
    Err err = {.code = OK};
    Kit kit = kit_open();
    for (int round = 0; round < 2; round++) {
        StoreCounts counts = {0};
        CLEANUP(snapshot_closep) Snapshot *snap = NULL;
        REQUIRE_OK(store_snapshot(kit.store, &snap, &err));
        REQUIRE_OK(snapshot_counts(snap, &counts, &err));
        CHECK_INT(round == 0 ? 0 : 2, counts.stations);
        CHECK_INT(round == 0 ? 0 : 3, counts.measures);
        CHECK_INT(round == 0 ? 0 : 4, counts.readings);
        CHECK_INT(round == 0 ? NO_TIME : KIT_ZERO + 60 * 60,
                  counts.earliest); /* not the last known */
        CHECK_INT(round == 0 ? NO_TIME : KIT_ZERO + 3000 * 60, counts.latest);
        CHECK(counts.store_bytes > 0);
        Batch batch = batch_init();
        kit_add_measures(&batch, "a@S b@S c@T");
        kit_add_readings(&batch, "a/3000=1 b/0=1 c/60=1 c/120=1");
        (void) kit_apply(&kit, &batch);
    }
    kit_close(&kit);
}

TEST(catalogue_service_changes_with_its_fault)
{
    Err err = {.code = OK};
    Kit kit = kit_open();
    static const struct {
        Fault fault;
        bool changes;
        UnixSec since;
    } steps[] = {
        {FAULT_NONE, false, NO_TIME},         {FAULT_NETWORK, true, KIT_ZERO + 1},
        {FAULT_NETWORK, false, KIT_ZERO + 1}, {FAULT_UPSTREAM, true, KIT_ZERO + 3},
        {FAULT_NONE, true, KIT_ZERO + 4},
    };
    for (size_t i = 0; i < countof(steps); i++) {
        Batch batch = batch_init();
        Applied applied = {.generation = 0};
        CHECK_OK(writer_apply(kit.writer, &batch, steps[i].fault, kit.now++, &applied, &err));
        CHECK_INT(steps[i].changes, applied.changed);
        CHECK_INT(steps[i].fault, writer_service(kit.writer).fault);
        CHECK_INT(steps[i].since, writer_service(kit.writer).since);
        CLEANUP(snapshot_closep) Snapshot *snap = NULL;
        REQUIRE_OK(store_snapshot(kit.store, &snap, &err));
        CHECK_INT(steps[i].fault, snapshot_info(snap)->service.fault);
        CHECK_INT(steps[i].since, snapshot_info(snap)->service.since);
    }
    kit_reopen(&kit);
    CHECK_INT(KIT_ZERO + 4, writer_service(kit.writer).since);
    kit_close(&kit);
}

TEST(catalogue_service_is_known_since_the_first_generation)
{
    Kit kit = kit_open();
    Batch batch = one_station(kit_station("S"));
    (void) kit_apply(&kit, &batch);
    CHECK_INT(KIT_ZERO, writer_service(kit.writer).since);
    kit_close(&kit);
}
