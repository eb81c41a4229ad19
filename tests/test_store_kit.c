#include "tests/test_store_kit.h"

#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

StoreOptions kit_options(const char *dir)
{
    return (StoreOptions){
        .data_dir = dir,
        .window_s = WINDOW_MAX_S,
        .reader_count = 4,
        .snapshot_wait_ms = 60000,
        .wal_max_bytes = 1 << 20,
    };
}

static Kit open_with(const char *dir, int64_t spool_max_bytes)
{
    Err err = {.code = OK};
    char note[STORE_NOTE_SIZE] = "";
    Kit kit = {.store = NULL, .now = KIT_ZERO};
    (void) snprintf(kit.dir, sizeof kit.dir, "%s", dir);
    StoreOptions options = kit_options(kit.dir);
    options.spool_max_bytes = spool_max_bytes;
    REQUIRE_OK(store_open(&options, &kit.store, note, &err));
    CHECK_TEXT("", str_of(note));
    REQUIRE_OK(store_writer(kit.store, &kit.writer, &err));
    return kit;
}

Kit kit_open_in(const char *dir)
{
    return open_with(dir, 0);
}

Kit kit_open(void)
{
    return kit_open_in(test_dir());
}

Kit kit_open_spooling(const char *dir, int64_t spool_max_bytes)
{
    return open_with(dir, spool_max_bytes);
}

void kit_close(Kit *kit)
{
    writer_close(TAKE(kit->writer));
    store_close(TAKE(kit->store));
}

void kit_reopen(Kit *kit)
{
    UnixSec now = kit->now;
    kit_close(kit);
    char dir[sizeof kit->dir];
    memcpy(dir, kit->dir, sizeof dir);
    *kit = kit_open_in(dir);
    kit->now = now;
}

/* ---- batches --------------------------------------------------------------------------------- */

Station kit_station(const char *id)
{
    return (Station){
        .id = str_of(id),
        .raw = str_of(id),
        .lat_deg = NAN,
        .long_deg = NAN,
        .easting_m = NAN,
        .northing_m = NAN,
        .datum_offset_m = NAN,
        .stage = scale_unknown(),
        .downstage = scale_unknown(),
        .listed = true,
        .newest = NO_TIME,
    };
}

Measure kit_measure(const char *id, const char *station)
{
    return (Measure){
        .id = str_of(id),
        .station_id = str_of(station),
        .raw = str_of(id),
        .listed = true,
        .newest = NO_TIME,
    };
}

void kit_add_station(Batch *batch, Station station)
{
    REQUIRE(batch_add_station(batch, &station));
}

void kit_add_measure(Batch *batch, Measure measure)
{
    REQUIRE(batch_add_measure(batch, &measure));
}

static Str kept(Batch *batch, Str s)
{
    Str copy = STR_NONE;
    REQUIRE(arena_copy(&batch->strings, s, &copy));
    return copy;
}

/* Cuts the next word off `rest`. */
static bool next_word(Str *rest, Str *word)
{
    *rest = str_trim(*rest);
    if (rest->len == 0)
        return false;
    if (!str_cut(*rest, ' ', word, rest)) {
        *word = *rest;
        *rest = STR("");
    }
    return true;
}

void kit_add_measures(Batch *batch, const char *text)
{
    Str rest = str_of(text), word, id, station;
    while (next_word(&rest, &word)) {
        REQUIRE(str_cut(word, '@', &id, &station));
        Measure measure = kit_measure(kept(batch, id).ptr, kept(batch, station).ptr);
        kit_add_measure(batch, measure);
    }
}

static void add_reading(Batch *batch, Str word)
{
    Str measure, minute, values, head;
    int64_t minutes = 0;
    double *list = arena_alloc(&batch->strings, 8 * sizeof *list);
    size_t count = 0;
    REQUIRE(list != NULL && str_cut(word, '/', &measure, &word) &&
            str_cut(word, '=', &minute, &values));
    REQUIRE(str_to_int(minute, &minutes));
    BatchReading given = {
        .reading = {.measure_id = kept(batch, measure), .time = KIT_ZERO + minutes * 60},
    };
    Str rest = values;
    while (str_cut(rest, '|', &head, &rest))
        REQUIRE(str_to_double(head, &list[count++]));
    REQUIRE(str_to_double(rest, &list[count++]));
    given.reading.value = list[0];
    if (count > 1) {
        given.reading.raw = kept(batch, values);
        given.reading.flags = READING_AMBIGUOUS;
        given.candidates = (Candidates){.values = list, .count = count};
    }
    REQUIRE(batch_add_reading(batch, &given));
}

void kit_add_readings(Batch *batch, const char *text)
{
    Str rest = str_of(text), word;
    while (next_word(&rest, &word))
        add_reading(batch, word);
}

Applied kit_apply(Kit *kit, Batch *batch)
{
    Err err = {.code = OK};
    Applied applied = {.generation = 0};
    ErrCode rc = writer_apply(kit->writer, batch, FAULT_NONE, kit->now++, &applied, &err);
    CHECK_OK(rc);
    CHECK_INT(OK, applied.quarantine_error.code);
    const ReadingCounts *counts = &applied.readings;
    CHECK_INT(counts->received, counts->fresh + counts->late + counts->unchanged +
                                    counts->corrected + counts->expired + counts->quarantined);
    batch_release(batch);
    return applied;
}

Applied kit_readings(Kit *kit, const char *text)
{
    Batch batch = batch_init();
    kit_add_readings(&batch, text);
    return kit_apply(kit, &batch);
}

const char *kit_counts(const ReadingCounts *counts)
{
    static char text[200];
    const struct {
        int64_t count;
        const char *name;
    } kinds[] = {
        {counts->fresh, "new"},           {counts->late, "late"},
        {counts->unchanged, "unchanged"}, {counts->corrected, "corrected"},
        {counts->expired, "expired"},     {counts->quarantined, "quarantined"},
    };
    size_t len = 0;
    text[0] = '\0';
    for (size_t i = 0; i < countof(kinds); i++)
        if (kinds[i].count > 0)
            len +=
                (size_t) snprintf(text + len, sizeof text - len, "%s%lld %s", len > 0 ? ", " : "",
                                  (long long) kinds[i].count, kinds[i].name);
    return len > 0 ? text : "nothing";
}

/* ---- what is held ---------------------------------------------------------------------------- */

static void put_reading(Buf *out, const Reading *reading)
{
    buf_printf(out, "%s" STR_FMT "/%lld=%.10g", out->len > 0 ? " " : "",
               STR_ARG(reading->measure_id), (long long) (reading->time - KIT_ZERO) / 60,
               reading->value);
    if ((reading->flags & READING_AMBIGUOUS) != 0)
        buf_put_char(out, '?');
    CHECK_INT((reading->flags & READING_AMBIGUOUS) != 0, !str_is_none(reading->raw));
    if ((reading->flags & READING_CORRECTED) != 0)
        buf_printf(out, "!%lld", (long long) reading->revision);
    CHECK_INT((reading->flags & READING_CORRECTED) != 0, reading->revision > 0);
}

static bool any_measure(const Station *station, const Measure *measure, Window window, void *ctx)
{
    (void) station, (void) measure, (void) window, (void) ctx;
    return true;
}

static bool add_held(const Reading *reading, void *ctx)
{
    put_reading(ctx, reading);
    return true;
}

static bool add_latest(const Station *station, const Measure *measure, const Reading *newest,
                       void *ctx)
{
    (void) station;
    CHECK(newest != NULL);
    CHECK_INT(newest->time, measure->newest);
    put_reading(ctx, newest);
    return true;
}

static bool add_station(const Station *station, const Str *measure_ids, size_t count, void *ctx)
{
    Buf *out = ctx;
    (void) measure_ids, (void) count;
    buf_printf(out, "%s" STR_FMT, out->len > 0 ? " " : "", STR_ARG(station->id));
    return true;
}

static bool add_measure(const Station *station, const Measure *measure, const Reading *newest,
                        void *ctx)
{
    Buf *out = ctx;
    (void) newest;
    CHECK_STR(station->id, measure->station_id);
    buf_printf(out, "%s" STR_FMT, out->len > 0 ? " " : "", STR_ARG(measure->id));
    return true;
}

Buf kit_held(Store *store)
{
    Err err = {.code = OK};
    Buf out = buf_init(16 << 20);
    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    const ReadingVisitor visitor = {
        .each_measure = any_measure, .each_reading = add_held, .ctx = &out};
    REQUIRE_OK(store_snapshot(store, &snap, &err));
    CHECK_OK(snapshot_each_reading(snap, &(Filter){0}, window_everything(), &visitor, &err));
    return out;
}

Buf kit_latest(Store *store)
{
    Err err = {.code = OK};
    Buf out = buf_init(16 << 20);
    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    REQUIRE_OK(store_snapshot(store, &snap, &err));
    CHECK_OK(snapshot_each_latest(snap, &(Filter){0}, add_latest, &out, &err));
    return out;
}

Buf kit_station_ids(Store *store, const Filter *filter)
{
    Err err = {.code = OK};
    Buf out = buf_init(16 << 20);
    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    REQUIRE_OK(store_snapshot(store, &snap, &err));
    CHECK_OK(snapshot_each_station(snap, filter, add_station, &out, &err));
    return out;
}

Buf kit_measure_ids(Store *store, const Filter *filter)
{
    Err err = {.code = OK};
    Buf out = buf_init(16 << 20);
    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    REQUIRE_OK(store_snapshot(store, &snap, &err));
    CHECK_OK(snapshot_each_measure(snap, filter, add_measure, &out, &err));
    return out;
}

int64_t kit_sql(const Kit *kit, const char *file, const char *sql)
{
    char path[400];
    sqlite3 *db = NULL;
    sqlite3_stmt *st = NULL;
    (void) snprintf(path, sizeof path, "%s/%s", kit->dir, file);
    REQUIRE(sqlite3_open(path, &db) == SQLITE_OK);
    CHECK_INT(SQLITE_OK, sqlite3_prepare_v2(db, sql, -1, &st, NULL));
    int rc = sqlite3_step(st);
    CHECK(rc == SQLITE_ROW || rc == SQLITE_DONE);
    int64_t value = rc == SQLITE_ROW ? sqlite3_column_int64(st, 0) : 0;
    (void) sqlite3_finalize(st);
    (void) sqlite3_close(db);
    return value;
}

int64_t kit_strays(const Kit *kit)
{
    return kit_sql(
        kit, "freshet.db",
        "SELECT count(*) FROM reading AS r JOIN measure ON measure.key = r.measure"
        " JOIN station_newest AS s ON s.station = measure.station WHERE r.time <= s.time - 86400"
        " AND r.time < (SELECT max(time) FROM reading WHERE measure = r.measure)");
}
