#include "store/schema.h"

#include <inttypes.h>
#include <stdio.h>

/* "key" is ours, small and dense: it stands in every reading in place of an id of 40 bytes. A table
 * of readings must one day hold 60 million rows, so it has one index beside its key and no row id,
 * and the columns that are nearly always 0 or NULL cost one byte each.
 *
 * What each poll changes (station_newest) lies apart from what hardly ever changes (station): else
 * every poll would write the whole catalogue to the log. `raw` comes last, so that SQLite need not
 * pass over it to reach the other columns. */
static const char *const STORE_MIGRATIONS[] = {
    "CREATE TABLE meta ("
    " only INTEGER PRIMARY KEY CHECK (only = 1),"
    " epoch INTEGER NOT NULL, generation INTEGER NOT NULL, as_of INTEGER,"
    " fault INTEGER NOT NULL, since INTEGER,"
    " stations INTEGER NOT NULL, measures INTEGER NOT NULL, readings INTEGER NOT NULL" /* rows held
                                                                                        */
    ") STRICT;"

    "CREATE TABLE station ("
    " key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,"
    " reference TEXT, label TEXT, river TEXT, catchment TEXT, town TEXT,"
    " label_all TEXT, river_all TEXT, catchment_all TEXT, town_all TEXT,"
    " type TEXT, type_all TEXT, status TEXT, grid_reference TEXT, opened TEXT,"
    " rloi_id TEXT, wiski_id TEXT, rloi_id_all TEXT, wiski_id_all TEXT,"
    " lat_deg REAL, long_deg REAL, easting_m REAL, northing_m REAL, datum_offset_m REAL,"
    " stage_typical_low REAL, stage_typical_high REAL, stage_record_high REAL, stage_record_low "
    "REAL,"
    " stage_record_high_time TEXT, stage_record_low_time TEXT,"
    " downstage_typical_low REAL, downstage_typical_high REAL,"
    " downstage_record_high REAL, downstage_record_low REAL,"
    " downstage_record_high_time TEXT, downstage_record_low_time TEXT,"
    " listed INTEGER NOT NULL, generation INTEGER NOT NULL, raw TEXT"
    ") STRICT;"

    "CREATE TABLE station_newest (station INTEGER PRIMARY KEY, time INTEGER NOT NULL) STRICT;"

    "CREATE TABLE station_alias ("
    " kind INTEGER NOT NULL, value TEXT NOT NULL, station INTEGER NOT NULL,"
    " PRIMARY KEY (kind, value, station)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX station_alias_station ON station_alias (station);"

    "CREATE TABLE measure ("
    " key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, station INTEGER NOT NULL,"
    " label TEXT, parameter TEXT, parameter_name TEXT, qualifier TEXT, value_type TEXT,"
    " unit TEXT, datum TEXT, period_s INTEGER NOT NULL,"
    " listed INTEGER NOT NULL, generation INTEGER NOT NULL, raw TEXT"
    ") STRICT;"
    "CREATE INDEX measure_station ON measure (station, id);"

    "CREATE TABLE reading ("
    " measure INTEGER NOT NULL, time INTEGER NOT NULL, value REAL NOT NULL,"
    " flags INTEGER NOT NULL, received INTEGER NOT NULL, revision INTEGER NOT NULL,"
    " generation INTEGER NOT NULL, raw TEXT,"
    " PRIMARY KEY (measure, time)"
    ") STRICT, WITHOUT ROWID;"

    "INSERT INTO meta (only, epoch, generation, fault, stations, measures, readings)"
    " VALUES (1, abs(random() % 4294967296), 0, 0, 0, 0, 0);",

    /* Apart from measure, which hardly ever changes. What is to be expected follows from the gaps,
     * the newest and the poll interval; it is kept so that readers need none of them. */
    "CREATE TABLE delivery ("
    " measure INTEGER PRIMARY KEY, gaps BLOB NOT NULL, prior_s INTEGER NOT NULL,"
    " last_arrival INTEGER, newest INTEGER NOT NULL,"
    " expected_next INTEGER, late_after INTEGER, stale_after INTEGER, silent_after INTEGER,"
    " freshness INTEGER NOT NULL, crosses INTEGER, generation INTEGER NOT NULL"
    ") STRICT;"
    "CREATE INDEX delivery_crosses ON delivery (crosses) WHERE crosses IS NOT NULL;"
    "CREATE INDEX delivery_freshness ON delivery (freshness);",

    /* Since when it is in no list; of those that are in one it says nothing. */
    "ALTER TABLE station ADD COLUMN unlisted INTEGER;"
    "ALTER TABLE measure ADD COLUMN unlisted INTEGER;"
    "UPDATE station SET unlisted = (SELECT as_of FROM meta) WHERE listed = 0;"
    "UPDATE measure SET unlisted = (SELECT as_of FROM meta) WHERE listed = 0;"
    "CREATE INDEX station_unlisted ON station (unlisted) WHERE listed = 0;"
    "CREATE INDEX measure_unlisted ON measure (unlisted) WHERE listed = 0;",

    /* What the upstream says only of one thing alone, as JSON; NULL: it was not asked for yet. */
    "ALTER TABLE station ADD COLUMN more TEXT;"
    "ALTER TABLE measure ADD COLUMN more TEXT;",
    /* What changed after a generation. `place` numbers the changes of one, whatever they are of; those
     * made before there were numbers get some, apart by what they are of. What is gone stays here
     * for good: a row for each station that the upstream ever gave up. */
    "ALTER TABLE station ADD COLUMN place INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE measure ADD COLUMN place INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE reading ADD COLUMN place INTEGER NOT NULL DEFAULT 0;"
    "UPDATE station SET place = 3 * key;"
    "UPDATE measure SET place = 3 * key + 1;"
    "UPDATE reading SET place = 3 * nth + 2 FROM (SELECT measure AS m, time AS t, row_number()"
    " OVER (PARTITION BY generation ORDER BY measure, time) AS nth FROM reading)"
    " WHERE measure = m AND time = t;"
    "CREATE TABLE freshness_change ("
    " measure INTEGER PRIMARY KEY, generation INTEGER NOT NULL, place INTEGER NOT NULL"
    ") STRICT;"
    "CREATE TABLE gone ("
    " generation INTEGER NOT NULL, place INTEGER NOT NULL, station TEXT NOT NULL, measure TEXT,"
    " PRIMARY KEY (generation, place)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX station_change ON station (generation, place);"
    "CREATE INDEX measure_change ON measure (generation, place);"
    "CREATE INDEX reading_change ON reading (generation, place);"
    "CREATE INDEX freshness_change_change ON freshness_change (generation, place);",

    /* A copy that is opened as a store goes its own way from its generation on: its first new one
     * draws an epoch, and says whose numbers it continues. 0: there was none before. */
    "ALTER TABLE meta ADD COLUMN is_copy INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE meta ADD COLUMN epoch_before INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE meta ADD COLUMN epoch_before_last INTEGER NOT NULL DEFAULT 0;",

    /* A replica: whose generations it followed, and where in the log it reads on. */
    "CREATE TABLE source ("
    " ingester TEXT PRIMARY KEY, epoch INTEGER NOT NULL, generation INTEGER NOT NULL,"
    " fault INTEGER NOT NULL, since INTEGER"
    ") STRICT, WITHOUT ROWID;"
    "ALTER TABLE meta ADD COLUMN resume INTEGER;",

    /* The generation that brought `more`, which changes nothing of what we say of the row ourselves: so
     * those who follow our changes are not told, and those who keep a whole store are. */
    "ALTER TABLE station ADD COLUMN more_generation INTEGER;"
    "ALTER TABLE measure ADD COLUMN more_generation INTEGER;"
    "CREATE INDEX station_more ON station (more_generation) WHERE more_generation IS NOT NULL;"
    "CREATE INDEX measure_more ON measure (more_generation) WHERE more_generation IS NOT NULL;",

    /* Each delivery moved its entry, which took as long as storing the reading. To look through the
     * whole table once a poll, in its order, takes a tenth of that. */
    "DROP INDEX delivery_crosses;",

    /* A replica: what its ingesters asked the upstream for, as it came with their generations. */
    "CREATE TABLE asked ("
    " ingester TEXT NOT NULL, station TEXT, measure TEXT,"
    " from_time INTEGER NOT NULL, to_time INTEGER NOT NULL, asked_at INTEGER NOT NULL"
    ") STRICT;"
    "CREATE INDEX asked_whose ON asked (station, measure, from_time);"
    "CREATE INDEX asked_at ON asked (asked_at);"
    "CREATE INDEX asked_ingester ON asked (ingester);",

    /* All that each reading asks of its measure, so that a release leaves the rows alone: they hold the
     * long texts, and there are ten times as many pages of them. */
    "CREATE INDEX measure_series ON measure (id, station, period_s);",
};

static const char *const LEDGER_MIGRATIONS[] = {
    "CREATE TABLE poll ("
    " id INTEGER PRIMARY KEY, started INTEGER NOT NULL, finished INTEGER NOT NULL,"
    " fault INTEGER NOT NULL, detail TEXT, unmodified INTEGER NOT NULL,"
    " requests INTEGER NOT NULL, wire_bytes INTEGER NOT NULL,"
    " fetch_ms INTEGER NOT NULL, parse_ms INTEGER NOT NULL, apply_ms INTEGER NOT NULL,"
    " generation INTEGER NOT NULL, received INTEGER NOT NULL, fresh INTEGER NOT NULL,"
    " late INTEGER NOT NULL, unchanged INTEGER NOT NULL, corrected INTEGER NOT NULL,"
    " expired INTEGER NOT NULL, quarantined INTEGER NOT NULL"
    ") STRICT;"
    "CREATE INDEX poll_fault ON poll (fault);"

    "CREATE TABLE quarantine ("
    " id INTEGER PRIMARY KEY, received INTEGER NOT NULL, reason TEXT NOT NULL,"
    " measure TEXT, raw TEXT"
    ") STRICT;"
    "CREATE INDEX quarantine_received ON quarantine (received);"
    "CREATE INDEX quarantine_reason ON quarantine (reason);"

    /* How freshet.db looked when it was last closed in order; no row while it is open. */
    "CREATE TABLE closed ("
    " only INTEGER PRIMARY KEY CHECK (only = 1), bytes INTEGER NOT NULL, changed_ns INTEGER NOT "
    "NULL"
    ") STRICT;",

    /* What is refused at every poll is one row with its count, found by all that tells it apart. */
    "ALTER TABLE quarantine RENAME TO quarantine_1;"
    "CREATE TABLE quarantine ("
    " id INTEGER PRIMARY KEY, reason TEXT NOT NULL, measure TEXT, raw TEXT,"
    " count INTEGER NOT NULL, first_received INTEGER NOT NULL, received INTEGER NOT NULL"
    ") STRICT;"
    "INSERT INTO quarantine (id, reason, measure, raw, count, first_received, received)"
    " SELECT min(id), reason, measure, raw, count(*), min(received), max(received)"
    " FROM quarantine_1 GROUP BY reason, measure, raw;"
    "DROP TABLE quarantine_1;"
    "CREATE INDEX quarantine_received ON quarantine (received);"
    "CREATE INDEX quarantine_same ON quarantine (reason, measure, raw);",

    /* What the upstream was asked for: of a station, of a measure, or, both NULL, of all. */
    "CREATE TABLE asked ("
    " id INTEGER PRIMARY KEY, station TEXT, measure TEXT,"
    " from_time INTEGER NOT NULL, to_time INTEGER NOT NULL, asked_at INTEGER NOT NULL"
    ") STRICT;"
    "CREATE INDEX asked_whose ON asked (station, measure, from_time);"
    "CREATE INDEX asked_at ON asked (asked_at);",

    /* When the store was last filled from elsewhere, with which generation, and from where. */
    "CREATE TABLE restored ("
    " only INTEGER PRIMARY KEY CHECK (only = 1), at INTEGER NOT NULL,"
    " generation TEXT NOT NULL, source TEXT NOT NULL"
    ") STRICT;",

    /* The generation that was to come when it was asked: with that it goes to the log. */
    "ALTER TABLE asked ADD COLUMN"
    " generation INTEGER NOT NULL DEFAULT 0;"
    "CREATE INDEX asked_generation ON asked (generation);",
};

static const char *const SPOOL_MIGRATIONS[] = {
    /* Who a reading is of; in place of two ids in every row. */
    "CREATE TABLE series ("
    " key INTEGER PRIMARY KEY, measure TEXT NOT NULL, station TEXT NOT NULL,"
    " UNIQUE (measure, station)"
    ") STRICT;"

    /* Readings that history has not got and the store has no more; the oldest have the least id.
     * held: the store held it; else it came outside its station's window. */
    "CREATE TABLE spool ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, series INTEGER NOT NULL, held INTEGER NOT NULL,"
    " time INTEGER NOT NULL, value REAL NOT NULL, flags INTEGER NOT NULL,"
    " received INTEGER NOT NULL, revision INTEGER NOT NULL,"
    " epoch INTEGER NOT NULL, generation INTEGER NOT NULL"
    ") STRICT;"

    /* What came outside its station's window of late: the upstream gives it again and again. */
    "CREATE TABLE given ("
    " series INTEGER NOT NULL, time INTEGER NOT NULL, value REAL NOT NULL,"
    " revision INTEGER NOT NULL, received INTEGER NOT NULL,"
    " PRIMARY KEY (series, time)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX given_received ON given (received);"

    /* History has all that came up to this generation, and all of the spool up to this id. */
    "CREATE TABLE mark ("
    " only INTEGER PRIMARY KEY CHECK (only = 1), epoch INTEGER NOT NULL,"
    " generation INTEGER NOT NULL, spool_id INTEGER NOT NULL, lost INTEGER NOT NULL"
    ") STRICT;"
    "INSERT INTO mark (only, epoch, generation, spool_id, lost) VALUES (1, 0, 0, 0, 0);"

    /* The increment of history under way, and the keys that it puts. */
    "CREATE TABLE plan ("
    " only INTEGER PRIMARY KEY CHECK (only = 1), epoch INTEGER NOT NULL,"
    " generation INTEGER NOT NULL, spool_id INTEGER NOT NULL"
    ") STRICT;"
    "CREATE TABLE plan_key (key TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;"

    /* Exported generations, with their manifests. */
    "CREATE TABLE export ("
    " generation TEXT PRIMARY KEY, as_of INTEGER NOT NULL, exported INTEGER NOT NULL,"
    " manifest TEXT NOT NULL"
    ") STRICT;"
    "CREATE INDEX export_as_of ON export (as_of);"

    /* Objects that another has replaced, and when they may go. */
    "CREATE TABLE condemned (key TEXT PRIMARY KEY, since INTEGER NOT NULL) STRICT, WITHOUT ROWID;",
};

const Schema STORE_SCHEMA = {
    .application_id = 0x66726573, /* "fres" */
    .migrations = STORE_MIGRATIONS,
    .version = countof(STORE_MIGRATIONS),
};

const Schema LEDGER_SCHEMA = {
    .application_id = 0x6672656c, /* "frel" */
    .migrations = LEDGER_MIGRATIONS,
    .version = countof(LEDGER_MIGRATIONS),
};

const Schema SPOOL_SCHEMA = {
    .application_id = 0x66726570, /* "frep" */
    .migrations = SPOOL_MIGRATIONS,
    .version = countof(SPOOL_MIGRATIONS),
};

ErrCode schema_find(Db *db, const Schema *schema, SchemaFound *ret_found, int64_t *ret_version,
                    Err *err)
{
    int64_t owner = 0, version = 0, tables = 0;
    ErrCode rc = db_query_int(db, "PRAGMA application_id", &owner, err);
    if (rc == OK)
        rc = db_query_int(db, "PRAGMA user_version", &version, err);
    if (rc == OK)
        rc = db_query_int(db, "SELECT count(*) FROM sqlite_schema", &tables, err);
    if (rc != OK)
        return rc;
    if (owner == 0 && tables == 0)
        *ret_found =
            SCHEMA_NONE; /* a process may be killed between making the file and its tables */
    else if (owner != schema->application_id || version < 1)
        *ret_found = SCHEMA_FOREIGN;
    else
        *ret_found = version > schema->version ? SCHEMA_NEWER : SCHEMA_OURS;
    *ret_version = version;
    return OK;
}

ErrCode schema_migrate(Db *db, const Schema *schema, Err *err)
{
    int64_t version = 0;
    ErrCode rc = db_query_int(db, "PRAGMA user_version", &version, err);
    if (rc != OK || version == schema->version)
        return rc;

    char stamp[96];
    (void) snprintf(stamp, sizeof stamp,
                    "PRAGMA application_id = %" PRId64 "; PRAGMA user_version = %" PRId64,
                    schema->application_id, schema->version);
    rc = db_exec(db, "BEGIN IMMEDIATE", err);
    for (int64_t i = version; rc == OK && i < schema->version; i++)
        if (sqlite3_exec(db->handle, schema->migrations[i], NULL, NULL, NULL) != SQLITE_OK)
            rc = db_fail(db, err, "make tables");
    if (rc == OK)
        rc = db_exec(db, stamp, err);
    if (rc == OK)
        rc = db_exec(db, "COMMIT", err);
    if (rc != OK)
        db_rollback(db);
    return rc;
}
