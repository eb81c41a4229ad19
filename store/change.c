#include "store/change.h"

#include "store/lookup.h"
#include "store/meant.h"
#include "store/measures.h"
#include "store/rows.h"

bool snapshot_knows(const Snapshot *snap, uint32_t epoch, uint64_t generation)
{
    const Meta *meta = &snap->meta;
    return (epoch == meta->epoch && generation <= meta->generation) ||
           (epoch == meta->epoch_before && generation <= meta->epoch_before_last);
}

/* ---- what a change is about -------------------------------------------------------------------- */

/* The station, and the measure, of the change at hand: changes lie measure by measure, so that each
 * is read once for all of its readings. Borrows the rows of its two statements. */
typedef struct Owner {
    sqlite3_stmt *measure_st, *station_st;
    int64_t measure_key, station_key; /* 0: none */
    Measure measure;
    Station station;
    bool taken; /* by the filter */
} Owner;

static void owner_end(Owner *owner)
{
    sql_endp(&owner->measure_st);
    sql_endp(&owner->station_st);
    *owner = (Owner){.measure_key = 0};
}

static ErrCode read_row(Db *db, sqlite3_stmt *st, int64_t key, Err *err)
{
    bool row = false;
    sql_bind_int(st, 1, key);
    ErrCode rc = sql_step(db, st, &row, err);
    return rc == OK && !row ? db_corrupt(db, err, "a change of what is not there") : rc;
}

static ErrCode owner_read_station(Owner *owner, Db *db, const Filter *filter, int64_t key, Err *err)
{
    owner->station_st = sql_begin(db, READ_STATION);
    ErrCode rc = read_row(db, owner->station_st, key, err);
    if (rc != OK)
        return rc;
    owner->station = row_station(owner->station_st, &owner->station_key);
    owner->taken = filter_takes_station(filter, &owner->station);
    return OK;
}

static ErrCode owner_read_measure(Owner *owner, Snapshot *snap, const Filter *filter, int64_t key,
                                  Err *err)
{
    Db *db = &snap->db;
    owner->measure_st = sql_begin(db, READ_MEASURE);
    ErrCode rc = read_row(db, owner->measure_st, key, err);
    if (rc != OK)
        return rc;
    owner->measure = row_measure(owner->measure_st, &owner->measure_key);
    int station_column = sqlite3_column_count(owner->measure_st) - 1;
    rc = owner_read_station(owner, db, filter, sql_int(owner->measure_st, station_column), err);
    owner->measure.station_id = owner->station.id;
    return rc != OK || !owner->taken
               ? rc
               : measure_is_taken(snap, filter, &owner->station, &owner->measure,
                                  owner->measure_key, &owner->taken, err);
}

/* ---- the sources: each makes the change of its row, if the filter takes it --------------------- */

typedef struct Follow Follow;
typedef ErrCode TellFn(Follow *follow, sqlite3_stmt *st, Change *change, bool *ret_taken, Err *err);

/* Its rows end in generation and place. */
typedef struct Source {
    ReadSql sql;
    unsigned kinds;
    TellFn *tell;
} Source;

typedef struct Head {
    sqlite3_stmt *st; /* NULL: not asked for, or at its end */
    uint64_t generation, place;
} Head;

enum { SOURCE_COUNT = 5 };

struct Follow {
    Snapshot *snap;
    const ChangeQuery *query;
    Arena strings;
    Filter filter; /* the query's, its stations as ids */
    bool is_empty; /* no station can pass it: only what is gone may */
    Owner owner;
    MeasureIds ids;       /* of the station at hand */
    sqlite3_stmt *newest; /* of the measure at hand */
    Reading reading;
    Head heads[SOURCE_COUNT];
    size_t seen, told;
};

static ErrCode own_measure(Follow *follow, int64_t key, Err *err)
{
    if (follow->owner.measure_key == key)
        return OK;
    owner_end(&follow->owner);
    return owner_read_measure(&follow->owner, follow->snap, &follow->filter, key, err);
}

static void point_at_owner(Follow *follow, Change *change)
{
    change->station = &follow->owner.station;
    change->measure = &follow->owner.measure;
}

static ErrCode tell_station(Follow *follow, sqlite3_stmt *st, Change *change, bool *ret_taken,
                            Err *err)
{
    Owner *owner = &follow->owner;
    int64_t key = sql_int(st, 0);
    owner_end(owner);
    ErrCode rc = owner_read_station(owner, &follow->snap->db, &follow->filter, key, err);
    *ret_taken = rc == OK && owner->taken;
    if (*ret_taken && filter_narrows_measures(&follow->filter))
        rc = station_has_measure(follow->snap, &follow->filter, &owner->station, key, ret_taken,
                                 err);
    if (rc != OK || !*ret_taken)
        return rc;
    change->kind = CHANGE_STATION;
    change->station = &owner->station;
    rc = measure_ids_read(&follow->ids, follow->snap, key, err);
    change->measure_ids = follow->ids.ids;
    change->measure_id_count = follow->ids.count;
    return rc;
}

static ErrCode tell_measure(Follow *follow, sqlite3_stmt *st, Change *change, bool *ret_taken,
                            Err *err)
{
    bool row = false;
    ErrCode rc = own_measure(follow, sql_int(st, 0), err);
    *ret_taken = rc == OK && follow->owner.taken;
    if (!*ret_taken)
        return rc;
    sql_endp(&follow->newest);
    follow->newest = sql_begin(&follow->snap->db, READ_NEWEST);
    sql_bind_int(follow->newest, 1, follow->owner.measure_key);
    rc = sql_step(&follow->snap->db, follow->newest, &row, err);
    change->kind = CHANGE_MEASURE;
    point_at_owner(follow, change);
    if (rc != OK || !row)
        return rc;
    follow->reading = row_reading(follow->newest);
    follow->reading.measure_id = follow->owner.measure.id;
    change->reading = &follow->reading;
    return OK;
}

static ErrCode tell_reading(Follow *follow, sqlite3_stmt *st, Change *change, bool *ret_taken,
                            Err *err)
{
    int measure_column = sqlite3_column_count(st) - 3;
    ErrCode rc = own_measure(follow, sql_int(st, measure_column), err);
    *ret_taken = rc == OK && follow->owner.taken;
    if (!*ret_taken)
        return rc;
    follow->reading = row_reading(st);
    follow->reading.measure_id = follow->owner.measure.id;
    change->kind = follow->reading.revision > 0 ? CHANGE_CORRECTION : CHANGE_READING;
    point_at_owner(follow, change);
    change->reading = &follow->reading;
    return OK;
}

static ErrCode tell_freshness(Follow *follow, sqlite3_stmt *st, Change *change, bool *ret_taken,
                              Err *err)
{
    ErrCode rc = own_measure(follow, sql_int(st, 0), err);
    *ret_taken = rc == OK && follow->owner.taken;
    change->kind = CHANGE_FRESHNESS;
    point_at_owner(follow, change);
    return rc;
}

static bool is_in(const StrList *ids, Str id)
{
    for (size_t i = 0; i < ids->count; i++)
        if (str_eq(ids->items[i], id))
            return true;
    return ids->count == 0;
}

/* Who follows a river cannot know from us that a station of it is gone, unless all are told. */
static ErrCode tell_gone(Follow *follow, sqlite3_stmt *st, Change *change, bool *ret_taken,
                         Err *err)
{
    (void) err;
    change->gone_station = sql_str(st, 0);
    change->gone_measure = sql_str(st, 1);
    bool is_station = str_is_none(change->gone_measure);
    change->kind = is_station ? CHANGE_STATION_GONE : CHANGE_MEASURE_GONE;
    *ret_taken = is_in(&follow->query->filter->station, change->gone_station) &&
                 (is_station || is_in(&follow->query->filter->measure, change->gone_measure));
    return OK;
}

static const Source SOURCES[SOURCE_COUNT] = {
    {READ_CHANGED_STATIONS, CHANGE_BIT(CHANGE_STATION), tell_station},
    {READ_CHANGED_MEASURES, CHANGE_BIT(CHANGE_MEASURE), tell_measure},
    {READ_CHANGED_READINGS, CHANGES_READINGS, tell_reading},
    {READ_CHANGED_FRESHNESS, CHANGE_BIT(CHANGE_FRESHNESS), tell_freshness},
    {READ_GONE, CHANGE_BIT(CHANGE_STATION_GONE) | CHANGE_BIT(CHANGE_MEASURE_GONE), tell_gone},
};

/* ---- merged ------------------------------------------------------------------------------------ */

static ErrCode advance(Follow *follow, Head *head, Err *err)
{
    bool row = false;
    ErrCode rc = sql_step(&follow->snap->db, head->st, &row, err);
    if (rc != OK || !row) {
        sql_endp(&head->st);
        head->st = NULL;
        return rc;
    }
    int last = sqlite3_column_count(head->st) - 1;
    head->generation = (uint64_t) sql_int(head->st, last - 1);
    head->place = (uint64_t) sql_int(head->st, last);
    return OK;
}

static ErrCode begin(Follow *follow, Err *err)
{
    const ChangeCursor *after = &follow->query->after;
    ErrCode rc = OK;
    for (size_t i = 0; i < SOURCE_COUNT && rc == OK; i++) {
        Head *head = &follow->heads[i];
        if ((follow->query->kinds & SOURCES[i].kinds) == 0 ||
            (follow->is_empty && SOURCES[i].sql != READ_GONE))
            continue;
        head->st = sql_begin(&follow->snap->db, (int) SOURCES[i].sql);
        sql_bind_int(head->st, 1, (int64_t) after->generation + 1);
        sql_bind_int(head->st, 2, (int64_t) after->taken);
        rc = advance(follow, head, err);
    }
    return rc;
}

static void end(Follow *follow)
{
    for (size_t i = 0; i < SOURCE_COUNT; i++)
        sql_endp(&follow->heads[i].st);
    sql_endp(&follow->newest);
    owner_end(&follow->owner);
    measure_ids_release(&follow->ids);
    arena_release(&follow->strings);
}

/* SOURCE_COUNT: all are at their end. */
static size_t first_head(const Follow *follow)
{
    size_t first = SOURCE_COUNT;
    for (size_t i = 0; i < SOURCE_COUNT; i++) {
        const Head *head = &follow->heads[i], *best = &follow->heads[first % SOURCE_COUNT];
        if (head->st != NULL &&
            (first == SOURCE_COUNT || head->generation < best->generation ||
             (head->generation == best->generation && head->place < best->place)))
            first = i;
    }
    return first;
}

static ErrCode tell(Follow *follow, size_t source, ChangeFn *each, void *ctx, bool *ret_going,
                    Err *err)
{
    const Head *head = &follow->heads[source];
    Change change = {.generation = head->generation, .place = head->place};
    bool taken = false;
    ErrCode rc = SOURCES[source].tell(follow, head->st, &change, &taken, err);
    if (rc != OK || !taken || (follow->query->kinds & CHANGE_BIT(change.kind)) == 0)
        return rc;
    follow->told++;
    *ret_going = each(&change, ctx);
    return OK;
}

/* Behind what was looked at last; `next` tells whether more of its generation is to come. */
static ChangeCursor cursor_at(const Follow *follow, uint64_t generation, uint64_t place,
                              size_t next)
{
    const Meta *meta = &follow->snap->meta;
    ChangeCursor cursor = {.epoch = meta->epoch, .generation = meta->generation};
    if (next == SOURCE_COUNT)
        return cursor;
    bool is_whole = follow->heads[next].generation > generation;
    cursor.generation = is_whole ? generation : generation - 1;
    cursor.taken = is_whole ? 0 : place + 1;
    return cursor;
}

static ErrCode follow_all(Follow *follow, ChangeFn *each, void *ctx, ChangeCursor *ret_reached,
                          Err *err)
{
    size_t at = first_head(follow);
    ChangeCursor reached = cursor_at(follow, 0, 0, SOURCE_COUNT);
    bool going = true;
    ErrCode rc = OK;
    while (at < SOURCE_COUNT && going && rc == OK) {
        Head *head = &follow->heads[at];
        uint64_t generation = head->generation, place = head->place;
        rc = tell(follow, at, each, ctx, &going, err);
        if (rc == OK)
            rc = advance(follow, head, err);
        at = first_head(follow);
        reached = cursor_at(follow, generation, place, at);
        going = going && ++follow->seen != follow->query->seen_max &&
                !(follow->query->one_generation && follow->told > 0 && reached.taken == 0);
    }
    if (rc == OK)
        *ret_reached = reached;
    return rc;
}

ErrCode snapshot_each_change(Snapshot *snap, const ChangeQuery *query, ChangeFn *each, void *ctx,
                             ChangeCursor *ret_reached, Err *err)
{
    CLEANUP(station_refs_release) StationRefs refs = {.items = NULL};
    Follow follow = {
        .snap = snap, .query = query, .strings = arena_init(), .ids = measure_ids_init()};
    bool all = false;
    ErrCode rc =
        lookup_candidates(snap, query->filter, &follow.strings, &follow.filter, &all, &refs, err);
    follow.is_empty = !all && refs.count == 0;
    if (rc == OK)
        rc = begin(&follow, err);
    if (rc == OK)
        rc = follow_all(&follow, each, ctx, ret_reached, err);
    end(&follow);
    return rc;
}

/* ---- when it was ------------------------------------------------------------------------------- */

/* When the first reading came that is of `generation` or newer. */
static ErrCode came_at(Snapshot *snap, uint64_t generation, UnixSec *ret_time, Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(&snap->db, READ_GENERATION_FROM);
    bool row = false;
    sql_bind_int(st, 1, (int64_t) generation);
    ErrCode rc = sql_step(&snap->db, st, &row, err);
    if (rc == OK)
        *ret_time = row ? sql_time(st, 0) : INT64_MAX;
    return rc;
}

/* Generations come one after the other, and so do their times: halving finds the first that came
 * later. One that brought no reading counts as its next. */
ErrCode snapshot_generation_at(Snapshot *snap, UnixSec time, uint64_t *ret_generation, Err *err)
{
    uint64_t low = 0, high = snap->meta.generation; /* the answer lies in low..high */
    if (snap->meta.as_of != NO_TIME && time >= snap->meta.as_of)
        low = high;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2 + 1;
        UnixSec came = 0;
        ErrCode rc = came_at(snap, middle, &came, err);
        if (rc != OK)
            return rc;
        if (came <= time)
            low = middle;
        else
            high = middle - 1;
    }
    *ret_generation = low;
    return OK;
}
