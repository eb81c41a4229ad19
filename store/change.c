#include "store/change.h"

#include "store/inside.h"
#include "store/rows.h"

/* The measure of the row at hand and its station: the rows lie measure by measure, so each is read
 * once for all of its readings. Borrows the rows of its two statements. */
typedef struct Owner {
    sqlite3_stmt *measure_st, *station_st;
    int64_t key; /* of the measure; 0: none yet */
    Measure measure;
    Station station;
    bool taken; /* by the filter */
} Owner;

static void owner_end(Owner *owner)
{
    sql_endp(&owner->measure_st);
    sql_endp(&owner->station_st);
    *owner = (Owner){.key = 0};
}

static ErrCode read_row(Db *db, sqlite3_stmt *st, int64_t key, Err *err)
{
    bool row = false;
    sql_bind_int(st, 1, key);
    ErrCode rc = sql_step(db, st, &row, err);
    return rc == OK && !row ? db_corrupt(db, err, "a reading without its measure or station") : rc;
}

static ErrCode owner_read(Owner *owner, Db *db, const Filter *filter, int64_t key, Err *err)
{
    int64_t ignored = 0;
    owner_end(owner);
    owner->measure_st = sql_begin(db, READ_MEASURE);
    ErrCode rc = read_row(db, owner->measure_st, key, err);
    if (rc != OK)
        return rc;
    owner->measure = row_measure(owner->measure_st, &ignored);
    owner->station_st = sql_begin(db, READ_STATION);
    int station_column = sqlite3_column_count(owner->measure_st) - 1;
    rc = read_row(db, owner->station_st, sql_int(owner->measure_st, station_column), err);
    if (rc != OK)
        return rc;
    owner->station = row_station(owner->station_st, &ignored);
    owner->measure.station_id = owner->station.id;
    owner->key = key;
    owner->taken = filter_takes_station(filter, &owner->station) &&
                   filter_takes_measure(filter, &owner->measure);
    return OK;
}

ErrCode snapshot_each_change(Snapshot *snap, const Filter *filter, uint64_t after, uint64_t taken,
                             ChangeFn *each, void *ctx, Err *err)
{
    CLEANUP(sql_endp) sqlite3_stmt *st = sql_begin(&snap->db, READ_CHANGES);
    CLEANUP(owner_end) Owner owner = {.key = 0};
    uint64_t generation = 0, nth = 0;
    bool going = true;
    sql_bind_int(st, 1, (int64_t) after);
    while (going) {
        bool row = false;
        ErrCode rc = sql_step(&snap->db, st, &row, err);
        if (rc != OK || !row)
            return rc;
        int last = sqlite3_column_count(st) - 1;
        uint64_t made = (uint64_t) sql_int(st, last - 1);
        int64_t key = sql_int(st, last);
        nth = made == generation ? nth + 1 : 0;
        generation = made;
        if (made == after + 1 && nth < taken)
            continue;
        if (key != owner.key)
            rc = owner_read(&owner, &snap->db, filter, key, err);
        if (rc != OK)
            return rc;
        if (!owner.taken)
            continue;
        Reading reading = row_reading(st);
        reading.measure_id = owner.measure.id;
        going = each(generation, nth, &owner.station, &owner.measure, &reading, ctx);
    }
    return OK;
}
