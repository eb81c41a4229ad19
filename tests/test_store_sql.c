/* Every statement that is prepared: what SQLite's planner makes of it. */
#include "store/inside.h"
#include "tests/test_store_kit.h"

#include <stdio.h>

typedef struct Plan {
    const char *name; /* of the statement */
    const char *plan; /* its steps, parted by "; "; "" for what only begins, ends or inserts */
} Plan;

#define BY_KEY(table)     "SEARCH " table " USING INTEGER PRIMARY KEY (rowid=?)"
#define NEWEST_OF_STATION BY_KEY("station_newest")
#define SINCE             " ((generation,place)>(?,?))"
#define MAX_ID(table)     "; SCALAR SUBQUERY 1; SEARCH " table /* the last row id: one step */

static const Plan READ_PLANS[READ_SQL_COUNT] = {
    [READ_BEGIN] = {"begin snapshot", ""},
    [READ_END] = {"end snapshot", ""},
    [READ_META] = {"read meta", BY_KEY("meta")},
    /* the one list of everything, in the order of ids: no sorting */
    [READ_STATIONS] = {"list stations",
                       "SCAN station USING INDEX sqlite_autoindex_station_1; " NEWEST_OF_STATION
                       " LEFT-JOIN"},
    [READ_STATION] = {"read station", BY_KEY("station") "; " NEWEST_OF_STATION " LEFT-JOIN"},
    [READ_STATION_BY_ID] =
        {"find station", "SEARCH station USING COVERING INDEX sqlite_autoindex_station_1 (id=?)"},
    [READ_STATION_BY_ALIAS] =
        {"find station by another key",
         "SEARCH station_alias USING PRIMARY KEY (kind=? AND value=?); " BY_KEY("station")},
    [READ_STATION_IDS_FROM] =
        {"list station ids",
         "SEARCH station USING COVERING INDEX sqlite_autoindex_station_1 (id>?)"},
    [READ_STATION_IDS_BEFORE] =
        {"list station ids backwards",
         "SEARCH station USING COVERING INDEX sqlite_autoindex_station_1 (id<?)"},
    [READ_MEASURES] = {"list measures of a station",
                       "SEARCH measure USING INDEX measure_station (station=?); " BY_KEY(
                           "delivery") " LEFT-JOIN"},
    [READ_MEASURE] = {"read measure", BY_KEY("measure") "; " BY_KEY("delivery") " LEFT-JOIN"},
    [READ_MEASURE_IDS] = {"list measure ids of a station",
                          "SEARCH measure USING COVERING INDEX measure_station (station=?)"},
    [READ_MEASURE_STATION] = {"find measure",
                              "SEARCH measure USING COVERING INDEX measure_series (id=?); " BY_KEY(
                                  "station")},
    [READ_MEASURE_IDS_FROM] =
        {"list measure ids",
         "SEARCH measure USING COVERING INDEX sqlite_autoindex_measure_1 (id>?)"},
    [READ_MEASURE_IDS_BEFORE] =
        {"list measure ids backwards",
         "SEARCH measure USING COVERING INDEX sqlite_autoindex_measure_1 (id<?)"},
    [READ_READINGS] = {"list readings",
                       "SEARCH reading USING PRIMARY KEY (measure=? AND time>? AND time<?)"},
    [READ_NEWEST] = {"read newest reading", "SEARCH reading USING PRIMARY KEY (measure=?)"},
    [READ_NEWEST_TIME] = {"read measure's newest time",
                          "SEARCH reading USING PRIMARY KEY (measure=?)"},
    [READ_FIRST_TIME] = {"read first time",
                         "SEARCH reading USING PRIMARY KEY (measure=? AND time>?)"},
    /* all stations, once for each generation */
    [READ_WINDOWS] = {"list windows",
                      "SCAN station_newest; "
                      "SEARCH measure USING COVERING INDEX measure_station (station=?)"},
    /* once an export: some thousands of rows */
    [READ_STATIONS_CHANGED] = {"find last change of stations",
                               "SEARCH station USING COVERING INDEX station_change"},
    [READ_MEASURES_CHANGED] = {"find last change of measures",
                               "SEARCH measure USING COVERING INDEX measure_change"},
    [READ_FRESHNESS] = {"count measures by freshness",
                        "SCAN delivery USING COVERING INDEX delivery_freshness"},
    /* only what came after it, and no sorting */
    [READ_CHANGED_STATIONS] = {"list changed stations",
                               "SEARCH station USING COVERING INDEX station_change" SINCE},
    [READ_CHANGED_MEASURES] = {"list changed measures",
                               "SEARCH measure USING COVERING INDEX measure_change" SINCE},
    [READ_CHANGED_READINGS] = {"list changed readings",
                               "SEARCH reading USING INDEX reading_change" SINCE},
    [READ_CHANGED_FRESHNESS] = {"list measures whose freshness changed",
                                "SEARCH freshness_change USING COVERING INDEX"
                                " freshness_change_change" SINCE},
    [READ_GONE] = {"list what is gone", "SEARCH gone USING PRIMARY KEY" SINCE},
    [READ_GENERATION_FROM] = {"find a generation's time",
                              "SEARCH reading USING INDEX reading_change (generation>?)"},
    [READ_ASKED] = {"read what ingesters asked",
                    "SEARCH asked USING INDEX asked_whose (station=? AND measure=?)"},
    [READ_COPY_GONE] = {"copy what is gone", "SEARCH gone USING PRIMARY KEY (generation>?)"},
    [READ_COPY_STATIONS] = {"copy stations",
                            "SEARCH station USING INDEX station_change (generation>?)"},
    [READ_COPY_MEASURES] = {"copy measures",
                            "SEARCH measure USING INDEX measure_change (generation>?); " BY_KEY(
                                "station")},
    [READ_COPY_MORE] = {"copy more of one alone",
                        "COMPOUND QUERY; LEFT-MOST SUBQUERY; "
                        "SEARCH station USING INDEX station_more (more_generation>?); UNION ALL; "
                        "SEARCH measure USING INDEX measure_more (more_generation>?)"},
    /* nearly all of it comes with every generation */
    [READ_COPY_DELIVERIES] = {"copy deliveries", "SCAN delivery; " BY_KEY("measure")},
};

static const Plan WRITE_PLANS[WRITE_SQL_COUNT] = {
    [WRITE_BEGIN] = {"begin", ""},
    [WRITE_COMMIT] = {"commit", ""},
    [WRITE_READ_META] = {"read meta", BY_KEY("meta")},
    [WRITE_META] = {"store meta", BY_KEY("meta")},
    [WRITE_FIND_STATION] = {"find station",
                            "SEARCH station USING INDEX sqlite_autoindex_station_1 (id=?)"},
    [WRITE_ADD_STATION] = {"add station", ""},
    [WRITE_SET_STATION] = {"change station", BY_KEY("station")},
    [WRITE_ADD_BARE_STATION] = {"add bare station", ""},
    /* three that see everything, with a whole list: once a day */
    [WRITE_LISTED_STATIONS] = {"list listed stations", "SCAN station"},
    [WRITE_TYPED_STATIONS] = {"list stations with a type", "SCAN station"},
    [WRITE_LISTED_MEASURES] = {"list listed measures", "SCAN measure"},
    [WRITE_UNLIST_STATION] = {"unlist station", BY_KEY("station")},
    [WRITE_DROP_ALIASES] =
        {"drop other keys",
         "SEARCH station_alias USING COVERING INDEX station_alias_station (station=?)"},
    [WRITE_ADD_ALIAS] = {"add another key", ""},
    [WRITE_SET_TYPE] = {"change type of station", BY_KEY("station")},
    [WRITE_SET_STATION_MORE] = {"store more of station",
                                "SEARCH station USING INDEX sqlite_autoindex_station_1 (id=?)"},
    [WRITE_SET_MEASURE_MORE] = {"store more of measure",
                                "SEARCH measure USING INDEX sqlite_autoindex_measure_1 (id=?)"},
    [WRITE_STATIONS_TO_ASK] = {"list stations to ask for",
                               "SEARCH station USING INDEX sqlite_autoindex_station_1 (id>?)"},
    [WRITE_FIND_MEASURE] = {"find measure",
                            "SEARCH measure USING INDEX sqlite_autoindex_measure_1 (id=?)"},
    [WRITE_FIND_SERIES] = {"find series",
                           "SEARCH measure USING COVERING INDEX measure_series (id=?); "
                           "SEARCH delivery USING INTEGER PRIMARY KEY (rowid=?) LEFT-JOIN; "
                           "SEARCH station_newest USING INTEGER PRIMARY KEY (rowid=?) LEFT-JOIN"},
    [WRITE_ADD_MEASURE] = {"add measure", ""},
    [WRITE_SET_MEASURE] = {"change measure", BY_KEY("measure")},
    [WRITE_UNLIST_MEASURE] = {"unlist measure", BY_KEY("measure")},
    [WRITE_MEASURE_KEYS] = {"list measures of a station",
                            "SEARCH measure USING COVERING INDEX measure_station (station=?)"},
    [WRITE_STATION_ID] = {"read station's id", BY_KEY("station")},
    [WRITE_SET_NEWEST] = {"store station's newest time", ""},
    [WRITE_DROP_NEWEST] = {"drop station's newest time", NEWEST_OF_STATION},
    /* all stations, with each sweep */
    [WRITE_OLDEST_NEWEST] = {"read oldest of the stations' newest times", "SEARCH station_newest"},
    [WRITE_MEASURE_NEWEST] = {"read measure's newest time",
                              "SEARCH reading USING PRIMARY KEY (measure=?)"},
    [WRITE_KNOWN_READINGS] = {"read known readings",
                              "SEARCH reading USING PRIMARY KEY (measure=? AND time>?)"},
    [WRITE_READING_BEFORE] = {"read previous reading",
                              "SEARCH reading USING PRIMARY KEY (measure=? AND time<?)"},
    [WRITE_READING_RAW] = {"read raw reading",
                           "SEARCH reading USING PRIMARY KEY (measure=? AND time=?)"},
    [WRITE_ADD_READING] = {"add reading", ""},
    [WRITE_CORRECT_READING] = {"correct reading",
                               "SEARCH reading USING PRIMARY KEY (measure=? AND time=?)"},
    [WRITE_TRIM] = {"trim readings",
                    "SEARCH reading USING PRIMARY KEY (measure=? AND time<?); "
                    "SCALAR SUBQUERY 1; SEARCH reading USING PRIMARY KEY (measure=?)"},
    [WRITE_TRIM_LIVE] = {"trim readings of a live measure",
                         "SEARCH reading USING PRIMARY KEY (measure=? AND time<?)"},
    [WRITE_TRIMMED] = {"read what is to be trimmed",
                       "SEARCH reading USING PRIMARY KEY (measure=? AND time<?); "
                       "SCALAR SUBQUERY 1; SEARCH reading USING PRIMARY KEY (measure=?)"},
    [WRITE_HELD_READING] = {"read what is to be corrected",
                            "SEARCH reading USING PRIMARY KEY (measure=? AND time=?)"},
    [WRITE_MEASURE_IDS] = {"read ids of measure and station",
                           BY_KEY("measure") "; " BY_KEY("station")},
    [WRITE_READ_EXPECTATION] = {"read what is expected", BY_KEY("delivery")},
    [WRITE_RENEW_DELIVERY] = {"renew delivery", BY_KEY("delivery")},
    [WRITE_DELIVERY] = {"store delivery", ""},
    /* where nothing is newer, and no further than ten that should be; the rest is an index */
    [WRITE_COUNT_EXPECTED] = {"count expected deliveries",
                              "SCAN CONSTANT ROW; SCALAR SUBQUERY 2; CO-ROUTINE (subquery-1);"
                              " SCAN delivery; SCAN (subquery-1); SCALAR SUBQUERY 3;"
                              " SCAN delivery USING COVERING INDEX delivery_freshness"},
    /* once a poll: an index would cost each delivery more */
    [WRITE_CROSSINGS] = {"list measures whose freshness changes", "SCAN delivery"},
    [WRITE_CROSS] = {"store freshness", BY_KEY("delivery")},
    [WRITE_SILENCE] = {"store silence", BY_KEY("delivery")},
    [WRITE_OLD_MEASURES] = {"list measures long in no list",
                            "SEARCH measure USING INDEX measure_unlisted (unlisted<?)"},
    [WRITE_UNLISTED_MEASURES] = {"list measures in no list",
                                 "SCAN measure USING INDEX measure_unlisted"},
    [WRITE_UNLISTED_STATIONS] = {"list stations in no list",
                                 "SCAN station USING INDEX station_unlisted"},
    [WRITE_OLD_STATIONS] = {"list stations long in no list",
                            "SEARCH station USING INDEX station_unlisted (unlisted<?)"},
    [WRITE_MEASURE_STATION] = {"find station of measure", BY_KEY("measure")},
    [WRITE_DROP_READINGS] = {"remove readings", "SEARCH reading USING PRIMARY KEY (measure=?)"},
    [WRITE_DROP_DELIVERY] = {"remove deliveries", BY_KEY("delivery")},
    [WRITE_FRESHNESS_CHANGE] = {"store change of freshness", ""},
    [WRITE_DROP_FRESHNESS_CHANGE] = {"remove change of freshness", BY_KEY("freshness_change")},
    [WRITE_ADD_GONE_MEASURE] = {"note measure as gone", BY_KEY("measure") "; " BY_KEY("station")},
    [WRITE_ADD_GONE_STATION] = {"note station as gone", BY_KEY("station")},
    [WRITE_DROP_MEASURE] = {"remove measure", BY_KEY("measure")},
    [WRITE_DROP_STATION] = {"remove station", BY_KEY("station")},
    [WRITE_COPY_STATION] = {"follow station", ""},
    [WRITE_COPY_MEASURE] = {"follow measure", "SCALAR SUBQUERY 1; SEARCH station USING COVERING "
                                              "INDEX sqlite_autoindex_station_1 (id=?)"},
    [WRITE_COPY_STATION_MORE] = {"follow more of station",
                                 "SEARCH station USING INDEX sqlite_autoindex_station_1 (id=?)"},
    [WRITE_COPY_MEASURE_MORE] = {"follow more of measure",
                                 "SEARCH measure USING INDEX sqlite_autoindex_measure_1 (id=?)"},
    [WRITE_COPY_DELIVERY] = {"follow delivery", "SCALAR SUBQUERY 1; SEARCH measure USING COVERING "
                                                "INDEX sqlite_autoindex_measure_1 (id=?)"},
    [WRITE_DROP_FOLLOWED_ASKED] =
        {"drop what an ingester asks again",
         "SEARCH asked USING INDEX asked_whose (station=? AND measure=? AND from_time>?)"},
    [WRITE_COPY_ASKED] = {"follow what was asked", ""},
    [WRITE_DROP_ASKED_OF_INGESTER] = {"drop what an ingester asked",
                                      "SEARCH asked USING INDEX asked_ingester (ingester=?)"},
    [WRITE_TRIM_FOLLOWED_ASKED] = {"trim what ingesters asked",
                                   "SEARCH asked USING INDEX asked_at (asked_at<?)"},
    [WRITE_COPY_KNOWN_READING] = {"follow correction",
                                  "SEARCH reading USING PRIMARY KEY (measure=? AND time=?)"},
    [WRITE_COPY_NEW_READING] = {"follow reading", ""},
    [WRITE_READ_STATION] = {"read station", BY_KEY("station") "; " NEWEST_OF_STATION " LEFT-JOIN"},
    [WRITE_SET_SOURCE] = {"store source", ""},
    [WRITE_FIND_SOURCE] = {"find source", "SEARCH source USING PRIMARY KEY (ingester=?)"},
    /* one row for each ingester */
    [WRITE_SOURCE_SERVICE] = {"read service of sources",
                              "SCAN source; USE TEMP B-TREE FOR ORDER BY"},
    [WRITE_SET_RESUME] = {"store place in the log", BY_KEY("meta")},
    [WRITE_READ_RESUME] = {"read place in the log", BY_KEY("meta")},
};

static const Plan LEDGER_WRITE_PLANS[LEDGER_WRITE_SQL_COUNT] = {
    [LEDGER_BEGIN] = {"begin", ""},
    [LEDGER_COMMIT] = {"commit", ""},
    [LEDGER_ADD_POLL] = {"add poll", ""},
    [LEDGER_TRIM_POLLS] = {"trim polls",
                           "SEARCH poll USING INTEGER PRIMARY KEY (rowid<?)" MAX_ID("poll")},
    [LEDGER_ADD_REFUSAL] = {"add refusal", ""},
    [LEDGER_TRIM_REFUSALS_BY_AGE] =
        {"trim refusals by age", "SEARCH quarantine USING INDEX quarantine_received (received<?)"},
    /* 10,000 steps of an index, with a poll that refused something */
    [LEDGER_TRIM_REFUSALS_BY_COUNT] =
        {"trim refusals by count",
         BY_KEY("quarantine") "; LIST SUBQUERY 1; "
                              "SCAN quarantine USING COVERING INDEX quarantine_received"},
    [LEDGER_LAST_GOOD_SLOT] = {"read time of the last good poll",
                               BY_KEY("poll")
                                   MAX_ID("poll USING COVERING INDEX poll_fault (fault=?)")},
    [LEDGER_REPEAT_REFUSAL] = {"count refusal", "SEARCH quarantine USING INDEX quarantine_same "
                                                "(reason=? AND measure=? AND raw=?)"},
    [LEDGER_LAST_OUTCOME] = {"read outcome of the last poll",
                             "SEARCH poll USING INTEGER PRIMARY KEY (rowid=?); "
                             "SCALAR SUBQUERY 1; SEARCH poll"},
    [LEDGER_NEXT_REFUSED_MEASURE] =
        {"find refused measure",
         "SEARCH quarantine USING COVERING INDEX quarantine_same (reason=? AND measure>?)"},
    [LEDGER_RELEASE] = {"release refusals",
                        "SEARCH quarantine USING INDEX quarantine_same (reason=? AND measure=?)"},
    [LEDGER_DROP_ASKED] =
        {"drop what is asked again",
         "SEARCH asked USING INDEX asked_whose (station=? AND measure=? AND from_time>?)"},
    [LEDGER_ADD_ASKED] = {"add what was asked", ""},
    [LEDGER_TRIM_ASKED_BY_AGE] = {"trim what was asked by age",
                                  "SEARCH asked USING INDEX asked_at (asked_at<?)"},
    [LEDGER_TRIM_ASKED_BY_COUNT] = {"trim what was asked by count",
                                    "SEARCH asked USING INTEGER PRIMARY KEY (rowid<?)" MAX_ID(
                                        "asked")},
    [LEDGER_READ_CLOSED] = {"read mark of orderly close", BY_KEY("closed")},
    [LEDGER_SET_CLOSED] = {"store mark of orderly close", ""},
    [LEDGER_DROP_CLOSED] = {"drop mark of orderly close", BY_KEY("closed")},
    [LEDGER_SET_RESTORED] = {"store where the store came from", ""},
};

static const Plan LEDGER_READ_PLANS[LEDGER_READ_SQL_COUNT] = {
    [LEDGER_LAST_POLL] = {"read last poll", BY_KEY("poll") MAX_ID("poll")},
    [LEDGER_LAST_GOOD_POLL] = {"read last good poll",
                               BY_KEY("poll")
                                   MAX_ID("poll USING COVERING INDEX poll_fault (fault=?)")},
    /* at most 10,000 rows, counted in the order of the index */
    [LEDGER_COUNT_REFUSALS] = {"count refusals",
                               "SCAN quarantine USING COVERING INDEX quarantine_same"},
    [LEDGER_ASKED] = {"read what was asked",
                      "SEARCH asked USING INDEX asked_whose (station=? AND measure=?)"},
    [LEDGER_COPY_ASKED] = {"copy what was asked", "SEARCH asked USING INDEX asked_generation"
                                                  " (generation>? AND generation<?)"},
    [LEDGER_REFUSALS] = {"list refusals", "SCAN quarantine USING INDEX quarantine_received"},
    [LEDGER_RESTORED] = {"read where the store came from", BY_KEY("restored")},
};

#define MIN_OF_SPOOL "; SCALAR SUBQUERY 1; SEARCH spool"
static const Plan SPOOL_WRITE_PLANS[SPOOL_WRITE_SQL_COUNT] = {
    [SPOOL_BEGIN] = {"begin", ""},
    [SPOOL_COMMIT] = {"commit", ""},
    [SPOOL_READ_MARK] = {"read mark of history", BY_KEY("mark")},
    [SPOOL_FIND_SERIES] = {"find series",
                           "SEARCH series USING COVERING INDEX sqlite_autoindex_series_1"
                           " (measure=? AND station=?)"},
    [SPOOL_ADD_SERIES] = {"add series", ""},
    [SPOOL_ADD] = {"spool reading", ""},
    [SPOOL_FIND_GIVEN] = {"find what was given",
                          "SEARCH given USING PRIMARY KEY (series=? AND time=?)"},
    [SPOOL_SET_GIVEN] = {"remember what was given", ""},
    [SPOOL_TRIM_GIVEN] = {"forget what was given",
                          "SEARCH given USING COVERING INDEX given_received (received<?)"},
    [SPOOL_DROP_OLDEST] = {"drop the oldest of the spool",
                           "SEARCH spool USING INTEGER PRIMARY KEY (rowid<?)" MIN_OF_SPOOL},
    [SPOOL_ADD_LOST] = {"count what was lost", BY_KEY("mark")},
};

static const Plan SPOOL_READ_PLANS[SPOOL_READ_SQL_COUNT] = {
    [SPOOL_COUNT] = {"count the spool", BY_KEY("mark") "; SCALAR SUBQUERY 1; SEARCH spool; "
                                                       "SCALAR SUBQUERY 2; SEARCH spool"},
    [SPOOL_LIST_EXPORTS] = {"list exports", "SCAN export USING INDEX export_as_of"},
};

static const Plan EXPORT_PLANS[EXPORT_SQL_COUNT] = {
    [EXPORT_BEGIN] = {"begin", ""},
    [EXPORT_COMMIT] = {"commit", ""},
    [EXPORT_READ_MARK] = {"read mark of history", BY_KEY("mark")},
    [EXPORT_SET_MARK] = {"move mark of history", BY_KEY("mark")},
    [EXPORT_LAST_ID] = {"find end of spool", "SEARCH spool"},
    [EXPORT_ROWS] = {"read spool",
                     "SEARCH spool USING INTEGER PRIMARY KEY (rowid>? AND rowid<?); " BY_KEY(
                         "series")},
    [EXPORT_DROP_ROWS] = {"drop what history has",
                          "SEARCH spool USING INTEGER PRIMARY KEY (rowid<?); SCALAR SUBQUERY 1; "
                          "SCAN mark; SCALAR SUBQUERY 2; SEARCH spool"},
    [EXPORT_READ_PLAN] = {"read plan", BY_KEY("plan")},
    [EXPORT_SET_PLAN] = {"write down plan", ""},
    [EXPORT_DROP_PLAN] = {"drop plan", BY_KEY("plan")},
    [EXPORT_PLAN_KEYS] = {"read planned keys", "SCAN plan_key"},
    [EXPORT_ADD_PLAN_KEY] = {"write down planned key", ""},
    [EXPORT_DROP_PLAN_KEYS] = {"drop planned keys", ""},
    [EXPORT_ADD] = {"add export", ""},
    [EXPORT_LIST] = {"list exports", "SCAN export USING INDEX export_as_of"},
    [EXPORT_DROP] = {"drop export",
                     "SEARCH export USING INDEX sqlite_autoindex_export_1 (generation=?)"},
    [EXPORT_CONDEMN] = {"condemn object", ""},
    [EXPORT_CONDEMNED] = {"list condemned objects", "SCAN condemned"},
    [EXPORT_IS_CONDEMNED] = {"find condemned object", "SEARCH condemned USING PRIMARY KEY (key=?)"},
    [EXPORT_SPARE] = {"forget condemned object", "SEARCH condemned USING PRIMARY KEY (key=?)"},
};

static void check_plans(const Kit *kit, const char *file, const SqlText *sql, const Plan *plans,
                        size_t count)
{
    char path[400];
    sqlite3 *db = NULL;
    (void) snprintf(path, sizeof path, "%s/%s", kit->dir, file);
    REQUIRE(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK);
    for (size_t i = 0; i < count; i++) {
        CLEANUP(buf_release) Buf explain = buf_init(16384);
        CLEANUP(buf_release) Buf plan = buf_init(16384);
        sqlite3_stmt *st = NULL;
        REQUIRE(plans[i].name != NULL); /* every statement has a row above */
        CASE(plans[i].name);
        CHECK_TEXT(plans[i].name, str_of(sql[i].name));
        buf_printf(&explain, "EXPLAIN QUERY PLAN %s", sql[i].text);
        CHECK_INT(SQLITE_OK,
                  sqlite3_prepare_v2(db, buf_view(&explain).ptr, (int) explain.len, &st, NULL));
        while (sqlite3_step(st) == SQLITE_ROW)
            buf_printf(&plan, "%s%s", plan.len > 0 ? "; " : "",
                       (const char *) sqlite3_column_text(st, 3));
        (void) sqlite3_finalize(st);
        CHECK_STR(str_of(plans[i].plan), plan.len > 0 ? buf_view(&plan) : STR(""));
    }
    (void) sqlite3_close(db);
}

TEST(sql_of_every_statement_uses_the_index_it_is_meant_to)
{
    Kit kit = kit_open();
    check_plans(&kit, "freshet.db", READ_SQL, READ_PLANS, READ_SQL_COUNT);
    check_plans(&kit, "freshet.db", WRITE_SQL, WRITE_PLANS, WRITE_SQL_COUNT);
    check_plans(&kit, "ledger.db", LEDGER_WRITE_SQL, LEDGER_WRITE_PLANS, LEDGER_WRITE_SQL_COUNT);
    check_plans(&kit, "ledger.db", LEDGER_READ_SQL, LEDGER_READ_PLANS, LEDGER_READ_SQL_COUNT);
    check_plans(&kit, "spool.db", SPOOL_WRITE_SQL, SPOOL_WRITE_PLANS, SPOOL_WRITE_SQL_COUNT);
    check_plans(&kit, "spool.db", SPOOL_READ_SQL, SPOOL_READ_PLANS, SPOOL_READ_SQL_COUNT);
    check_plans(&kit, "spool.db", EXPORT_SQL, EXPORT_PLANS, EXPORT_SQL_COUNT);
    kit_close(&kit);
}

TEST(sql_of_readers_cannot_write)
{
    Err err = {.code = OK};
    Kit kit = kit_open();
    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    REQUIRE_OK(store_snapshot(kit.store, &snap, &err));
    CHECK_INT(ERR_STORAGE, db_exec(&snap->db, "UPDATE meta SET generation = 99", &err));
    CHECK_HAS("readonly", str_of(err.text));
    CHECK_HAS("freshet.db", str_of(err.text));
    snapshot_close(TAKE(snap));
    kit_close(&kit);
}

static int64_t pragma(Db *db, const char *sql)
{
    Err err = {.code = OK};
    int64_t value = -1;
    CHECK_OK(db_query_int(db, sql, &value, &err));
    return value;
}

TEST(sql_of_the_writer_waits_for_the_disk_and_checkpoints_by_order_only)
{
    Kit kit = kit_open();
    Db *db = &kit.store->files.store;
    CHECK_INT(2, pragma(db, "PRAGMA synchronous")); /* FULL */
    CHECK_INT(0, pragma(db, "PRAGMA wal_autocheckpoint"));
    CHECK_INT(1, pragma(db, "SELECT journal_mode = 'wal' FROM pragma_journal_mode"));
    kit_close(&kit);
}
