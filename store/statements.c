#include "store/statements.h"

#include "store/rows.h"

#define META_COLUMNS                                                                               \
    "epoch, generation, as_of, fault, since, stations, measures, readings,"                        \
    " is_copy, epoch_before, epoch_before_last"
/* LEFT: a station without readings has no newest time. */
#define STATIONS_WITH_NEWEST                                                                       \
    " FROM station LEFT JOIN station_newest ON station_newest.station = station.key"
/* Their indexes give the order. */
#define SINCE           " WHERE (generation, place) >= (?1, ?2) ORDER BY generation, place"
#define NEAR            "32"
#define SPOOLED_COLUMNS "time, value, flags, received, revision, generation"
/* Of the lists of columns: "measure.label AS label, ", ":label, ", "label = excluded.label, ". */
#define AS_OF_MEASURE(column, member) "measure." #column " AS " #column ", "
#define AS_PARAMETER(column, member)  ":" #column ", "
#define AS_GIVEN(column, member)      #column " = excluded." #column ", "

const SqlText READ_SQL[READ_SQL_COUNT] = {
    [READ_BEGIN] = {"begin snapshot", "BEGIN"},
    [READ_END] = {"end snapshot", "COMMIT"},
    [READ_META] = {"read meta", "SELECT " META_COLUMNS " FROM meta WHERE only = 1"},
    [READ_STATIONS] = {"list stations",
                       "SELECT " STATION_ROW STATIONS_WITH_NEWEST " ORDER BY station.id"},
    [READ_STATION] = {"read station",
                      "SELECT " STATION_ROW STATIONS_WITH_NEWEST " WHERE station.key = ?1"},
    [READ_STATION_BY_ID] = {"find station", "SELECT key, id FROM station WHERE id = ?1"},
    [READ_STATION_BY_ALIAS] = {"find station by another key",
                               "SELECT station.key, station.id FROM station_alias"
                               " CROSS JOIN station ON station.key = station_alias.station"
                               " WHERE kind = ?1 AND value = ?2"},
    [READ_STATION_IDS_FROM] = {"list station ids",
                               "SELECT id FROM station WHERE id >= ?1 ORDER BY id LIMIT " NEAR},
    [READ_STATION_IDS_BEFORE] =
        {"list station ids backwards",
         "SELECT id FROM station WHERE id < ?1 ORDER BY id DESC LIMIT " NEAR},
    [READ_MEASURES] = {"list measures of a station",
                       "SELECT " MEASURE_ROW " FROM measure"
                       " LEFT JOIN delivery ON delivery.measure = measure.key"
                       " WHERE station = ?1 ORDER BY id"},
    [READ_MEASURE] = {"read measure", "SELECT " MEASURE_ROW ", measure.station FROM measure"
                                      " LEFT JOIN delivery ON delivery.measure = measure.key"
                                      " WHERE measure.key = ?1"},
    [READ_MEASURE_IDS] = {"list measure ids of a station",
                          "SELECT id FROM measure WHERE station = ?1 ORDER BY id"},
    [READ_MEASURE_STATION] = {"find measure", "SELECT station.key, station.id FROM measure"
                                              " CROSS JOIN station ON station.key = measure.station"
                                              " WHERE measure.id = ?1"},
    [READ_MEASURE_IDS_FROM] = {"list measure ids",
                               "SELECT id FROM measure WHERE id >= ?1 ORDER BY id LIMIT " NEAR},
    [READ_MEASURE_IDS_BEFORE] =
        {"list measure ids backwards",
         "SELECT id FROM measure WHERE id < ?1 ORDER BY id DESC LIMIT " NEAR},
    [READ_READINGS] = {"list readings",
                       "SELECT " READING_ROW " FROM reading"
                       " WHERE measure = ?1 AND time >= ?2 AND time < ?3 ORDER BY time"},
    [READ_NEWEST] = {"read newest reading", "SELECT " READING_ROW " FROM reading"
                                            " WHERE measure = ?1 ORDER BY time DESC LIMIT 1"},
    [READ_NEWEST_TIME] = {"read measure's newest time",
                          "SELECT max(time) FROM reading WHERE measure = ?1"},
    [READ_FIRST_TIME] = {"read first time",
                         "SELECT min(time) FROM reading WHERE measure = ?1 AND time >= ?2"},
    [READ_WINDOWS] = {"list windows",
                      "SELECT measure.key, station_newest.time FROM station_newest"
                      " CROSS JOIN measure ON measure.station = station_newest.station"},
    [READ_STATIONS_CHANGED] = {"find last change of stations",
                               "SELECT ifnull(max(generation), 0) FROM station"},
    [READ_MEASURES_CHANGED] = {"find last change of measures",
                               "SELECT ifnull(max(generation), 0) FROM measure"},
    [READ_FRESHNESS] = {"count measures by freshness",
                        "SELECT freshness, count(*) FROM delivery GROUP BY freshness"},
    [READ_CHANGED_STATIONS] = {"list changed stations",
                               "SELECT key, generation, place FROM station" SINCE},
    [READ_CHANGED_MEASURES] = {"list changed measures",
                               "SELECT key, generation, place FROM measure" SINCE},
    [READ_CHANGED_READINGS] = {"list changed readings",
                               "SELECT " READING_ROW
                               ", measure, generation, place FROM reading" SINCE},
    [READ_CHANGED_FRESHNESS] = {"list measures whose freshness changed",
                                "SELECT measure, generation, place FROM freshness_change" SINCE},
    [READ_GONE] = {"list what is gone",
                   "SELECT station, measure, generation, place FROM gone" SINCE},
    [READ_GENERATION_FROM] = {"find a generation's time",
                              "SELECT received FROM reading WHERE generation >= ?1"
                              " ORDER BY generation, place LIMIT 1"},
    [READ_ASKED] = {"read what ingesters asked",
                    "SELECT from_time, to_time, asked_at, ingester FROM asked"
                    " WHERE station IS ?1 AND measure IS ?2"},
    [READ_COPY_GONE] = {"copy what is gone", "SELECT station, measure FROM gone"
                                             " WHERE generation > ?1 ORDER BY generation, place"},
    [READ_COPY_STATIONS] = {"copy stations", "SELECT id, " STATION_TEXTS(AS_NAME) STATION_REALS(
                                                 AS_NAME) "type, type_all, listed, unlisted, more"
                                                          " FROM station WHERE generation > ?1"},
    [READ_COPY_MEASURES] =
        {"copy measures", "SELECT measure.id AS id, station.id AS station, " MEASURE_TEXTS(
                              AS_OF_MEASURE) "measure.period_s AS period_s,"
                                             " measure.listed AS listed,"
                                             " measure.unlisted AS unlisted,"
                                             " measure.more AS more FROM measure"
                                             " CROSS JOIN station ON station.key = measure.station"
                                             " WHERE measure.generation > ?1"},
    /* Of rows that are not told themselves: those have theirs with them. */
    [READ_COPY_MORE] = {"copy more of one alone",
                        "SELECT id AS station, NULL AS measure, more FROM station"
                        " WHERE more_generation > ?1 AND generation <= ?1"
                        " UNION ALL SELECT NULL, id, more FROM measure"
                        " WHERE more_generation > ?1 AND generation <= ?1"},
    /* What is expected, and not the habit that it follows from: a replica judges nobody. */
    [READ_COPY_DELIVERIES] = {"copy deliveries",
                              "SELECT measure.id AS measure, prior_s, last_arrival, newest,"
                              " expected_next, late_after, stale_after, silent_after, freshness"
                              " FROM delivery CROSS JOIN measure ON measure.key = delivery.measure"
                              " WHERE delivery.generation > ?1"},
};

const SqlText WRITE_SQL[WRITE_SQL_COUNT] = {
    [WRITE_BEGIN] = {"begin", "BEGIN IMMEDIATE"},
    [WRITE_COMMIT] = {"commit", "COMMIT"},
    [WRITE_READ_META] = {"read meta", "SELECT " META_COLUMNS " FROM meta WHERE only = 1"},
    [WRITE_META] = {"store meta",
                    "UPDATE meta SET generation = ?1, as_of = ?2, fault = ?3, since = ?4,"
                    " stations = ?5, measures = ?6, readings = ?7, epoch = ?8, is_copy = ?9,"
                    " epoch_before = ?10, epoch_before_last = ?11 WHERE only = 1"},

    [WRITE_FIND_STATION] = {"find station",
                            "SELECT key, type, type_all, listed, raw FROM station WHERE id = ?1"},
    [WRITE_ADD_STATION] =
        {"add station",
         "INSERT INTO station (" STATION_TEXTS(AS_NAME) STATION_REALS(
             AS_NAME) "listed, unlisted, generation, place, id) VALUES (" STATION_TEXTS(AS_MARK)
             STATION_REALS(AS_MARK) "?, ?, ?, ?, ?)"},
    [WRITE_SET_STATION] =
        {"change station",
         "UPDATE station SET " STATION_TEXTS(AS_SET) STATION_REALS(
             AS_SET) "listed = ?, unlisted = ?, generation = ?, place = ? WHERE key = ?"},
    [WRITE_ADD_BARE_STATION] = {"add bare station",
                                "INSERT INTO station (id, listed, unlisted, generation, place) "
                                "VALUES (?1, 0, ?2, ?3, ?4)"},
    [WRITE_LISTED_STATIONS] = {"list listed stations", "SELECT key FROM station WHERE listed = 1"},
    [WRITE_UNLIST_STATION] = {"unlist station", "UPDATE station SET listed = 0, unlisted = ?2, "
                                                "generation = ?3, place = ?4 WHERE key = ?1"},
    [WRITE_DROP_ALIASES] = {"drop other keys", "DELETE FROM station_alias WHERE station = ?1"},
    [WRITE_ADD_ALIAS] = {"add another key",
                         "INSERT OR IGNORE INTO station_alias (kind, value, station)"
                         " VALUES (?1, ?2, ?3)"}, /* an array may repeat a value */
    [WRITE_TYPED_STATIONS] = {"list stations with a type",
                              "SELECT key FROM station WHERE type IS NOT NULL"},
    [WRITE_SET_TYPE] =
        {"change type of station",
         "UPDATE station SET type = ?2, type_all = ?3, generation = ?4, place = ?5 WHERE key = ?1"},

    [WRITE_SET_STATION_MORE] = {"store more of station",
                                "UPDATE station SET more = ?2, more_generation = ?3"
                                " WHERE id = ?1 AND more IS NOT ?2"},
    [WRITE_SET_MEASURE_MORE] = {"store more of measure",
                                "UPDATE measure SET more = ?2, more_generation = ?3"
                                " WHERE id = ?1 AND more IS NOT ?2"},
    [WRITE_STATIONS_TO_ASK] = {"list stations to ask for",
                               "SELECT id FROM station WHERE id > ?1 AND listed = 1"
                               " AND (more IS NULL OR ?2) ORDER BY id LIMIT ?3"},

    [WRITE_FIND_MEASURE] =
        {"find measure", "SELECT key, station, listed, raw, period_s FROM measure WHERE id = ?1"},
    /* Asked for with each poll, of each measure: all that its readings are judged by, and nothing
     * that is long, as `raw` is. */
    [WRITE_FIND_SERIES] = {"find series", "SELECT key, measure.station, period_s,"
                                          " station_newest.time, newest, gaps, prior_s,"
                                          " last_arrival, freshness"
                                          " FROM measure INDEXED BY measure_series"
                                          " LEFT JOIN delivery ON delivery.measure = measure.key"
                                          " LEFT JOIN station_newest"
                                          " ON station_newest.station = measure.station"
                                          " WHERE id = ?1"},
    [WRITE_ADD_MEASURE] =
        {"add measure",
         "INSERT INTO measure (" MEASURE_TEXTS(
             AS_NAME) "period_s, station, listed, unlisted, generation, place, id) VALUES "
                      "(" MEASURE_TEXTS(AS_MARK) "?, ?, ?, ?, ?, ?, ?)"},
    [WRITE_SET_MEASURE] = {"change measure",
                           "UPDATE measure SET " MEASURE_TEXTS(
                               AS_SET) "period_s = ?, station = ?, listed = ?, unlisted = ?, "
                                       "generation = ?, place = ? WHERE key = ?"},
    [WRITE_LISTED_MEASURES] = {"list listed measures", "SELECT key FROM measure WHERE listed = 1"},
    [WRITE_UNLIST_MEASURE] = {"unlist measure", "UPDATE measure SET listed = 0, unlisted = ?2, "
                                                "generation = ?3, place = ?4 WHERE key = ?1"},
    [WRITE_MEASURE_KEYS] = {"list measures of a station",
                            "SELECT key FROM measure WHERE station = ?1"},

    [WRITE_STATION_ID] = {"read station's id", "SELECT id FROM station WHERE key = ?1"},
    [WRITE_SET_NEWEST] = {"store station's newest time",
                          "INSERT OR REPLACE INTO station_newest (station, time)"
                          " VALUES (?1, ?2)"},
    [WRITE_DROP_NEWEST] = {"drop station's newest time",
                           "DELETE FROM station_newest WHERE station = ?1"},
    [WRITE_OLDEST_NEWEST] = {"read oldest of the stations' newest times",
                             "SELECT min(time) FROM station_newest WHERE time >= ?1"},
    [WRITE_MEASURE_NEWEST] = {"read measure's newest time",
                              "SELECT max(time) FROM reading WHERE measure = ?1"},
    [WRITE_KNOWN_READINGS] = {"read known readings",
                              "SELECT time, value, raw IS NOT NULL FROM reading"
                              " WHERE measure = ?1 AND time >= ?2 ORDER BY time"},
    [WRITE_READING_BEFORE] = {"read previous reading",
                              "SELECT value FROM reading WHERE measure = ?1 AND time < ?2"
                              " ORDER BY time DESC LIMIT 1"},
    [WRITE_READING_RAW] = {"read raw reading",
                           "SELECT raw FROM reading WHERE measure = ?1 AND time = ?2"},
    [WRITE_ADD_READING] =
        {"add reading", "INSERT INTO reading"
                        " (measure, time, value, flags, received, revision, raw, generation, place)"
                        " VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6, ?7, ?8)"},
    [WRITE_CORRECT_READING] = {"correct reading",
                               "UPDATE reading SET value = ?3, flags = ?4, received = ?5,"
                               " revision = revision + 1, raw = ?6, generation = ?7, place = ?8"
                               " WHERE measure = ?1 AND time = ?2"},
    /* The newest reading of a measure stays, whatever its age: it is the last known. */
    [WRITE_TRIM] = {"trim readings",
                    "DELETE FROM reading WHERE measure = ?1 AND time < ?2"
                    " AND time < (SELECT max(time) FROM reading WHERE measure = ?1)"},
    [WRITE_TRIM_LIVE] = {"trim readings of a live measure",
                         "DELETE FROM reading WHERE measure = ?1 AND time < ?2"},

    [WRITE_TRIMMED] = {"read what is to be trimmed",
                       "SELECT " SPOOLED_COLUMNS " FROM reading"
                       " WHERE measure = ?1 AND time < ?2 AND generation > ?3"
                       " AND time < (SELECT max(time) FROM reading WHERE measure = ?1)"},
    [WRITE_HELD_READING] = {"read what is to be corrected",
                            "SELECT " SPOOLED_COLUMNS " FROM reading"
                            " WHERE measure = ?1 AND time = ?2 AND generation > ?3"},
    [WRITE_MEASURE_IDS] = {"read ids of measure and station",
                           "SELECT measure.id, station.id FROM measure"
                           " CROSS JOIN station ON station.key = measure.station"
                           " WHERE measure.key = ?1"},

    [WRITE_READ_EXPECTATION] = {"read what is expected",
                                "SELECT freshness, expected_next, late_after, stale_after,"
                                " silent_after FROM delivery WHERE measure = ?1"},
    /* Leaves the index on freshness alone, which would else be taken out and put in again. */
    [WRITE_RENEW_DELIVERY] = {"renew delivery",
                              "UPDATE delivery SET gaps = ?2, prior_s = ?3, last_arrival = ?4,"
                              " newest = ?5, expected_next = ?6, late_after = ?7, stale_after = ?8,"
                              " silent_after = ?9, crosses = ?11, generation = ?12"
                              " WHERE measure = ?1 AND freshness = ?10"},
    [WRITE_DELIVERY] =
        {"store delivery",
         "INSERT OR REPLACE INTO delivery (measure, gaps, prior_s, last_arrival, newest,"
         " expected_next, late_after, stale_after, silent_after, freshness, crosses, generation)"
         " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"},
    [WRITE_COUNT_EXPECTED] = {"count expected deliveries",
                              "SELECT (SELECT count(*) FROM (SELECT 1 FROM delivery"
                              " WHERE expected_next <= ?1 AND late_after >= ?1 LIMIT ?2)),"
                              " (SELECT count(*) FROM delivery)"},
    [WRITE_CROSSINGS] = {"list measures whose freshness changes",
                         "SELECT measure FROM delivery WHERE crosses <= ?1"},
    [WRITE_CROSS] = {"store freshness", "UPDATE delivery SET freshness = ?2, crosses = ?3,"
                                        " generation = ?4 WHERE measure = ?1"},
    [WRITE_SILENCE] = {"store silence",
                       "UPDATE delivery SET freshness = 3, crosses = NULL, generation = ?3"
                       " WHERE measure = ?1 AND newest < ?2 AND freshness <> 3"},
    [WRITE_FRESHNESS_CHANGE] =
        {"store change of freshness",
         "INSERT INTO freshness_change (measure, generation, place) VALUES (?1, ?2, ?3)"
         " ON CONFLICT (measure) DO UPDATE SET generation = excluded.generation,"
         " place = excluded.place"},

    [WRITE_OLD_MEASURES] = {"list measures long in no list",
                            "SELECT key FROM measure WHERE listed = 0 AND unlisted <= ?1"},
    [WRITE_OLD_STATIONS] = {"list stations long in no list",
                            "SELECT key FROM station WHERE listed = 0 AND unlisted <= ?1"},
    [WRITE_UNLISTED_MEASURES] = {"list measures in no list",
                                 "SELECT key, id FROM measure WHERE listed = 0"},
    [WRITE_UNLISTED_STATIONS] = {"list stations in no list",
                                 "SELECT key, id FROM station WHERE listed = 0"},
    [WRITE_MEASURE_STATION] = {"find station of measure",
                               "SELECT station FROM measure WHERE key = ?1"},
    [WRITE_DROP_READINGS] = {"remove readings", "DELETE FROM reading WHERE measure = ?1"},
    [WRITE_DROP_DELIVERY] = {"remove deliveries", "DELETE FROM delivery WHERE measure = ?1"},
    [WRITE_DROP_FRESHNESS_CHANGE] = {"remove change of freshness",
                                     "DELETE FROM freshness_change WHERE measure = ?1"},
    [WRITE_ADD_GONE_MEASURE] = {"note measure as gone",
                                "INSERT INTO gone (generation, place, station, measure)"
                                " SELECT ?2, ?3, station.id, measure.id FROM measure"
                                " CROSS JOIN station ON station.key = measure.station"
                                " WHERE measure.key = ?1"},
    [WRITE_ADD_GONE_STATION] = {"note station as gone",
                                "INSERT INTO gone (generation, place, station, measure)"
                                " SELECT ?2, ?3, id, NULL FROM station WHERE key = ?1"},
    [WRITE_DROP_MEASURE] = {"remove measure", "DELETE FROM measure WHERE key = ?1"},
    [WRITE_DROP_STATION] = {"remove station", "DELETE FROM station WHERE key = ?1"},

    [WRITE_COPY_STATION] =
        {"follow station",
         "INSERT INTO station (" STATION_TEXTS(AS_NAME) STATION_REALS(
             AS_NAME) "type, type_all, listed, unlisted, more, generation, place, id) VALUES"
                      " (" STATION_TEXTS(AS_PARAMETER) STATION_REALS(
                          AS_PARAMETER) ":type, :type_all, :listed, :unlisted, :more, :generation, "
                                        ":place, :id)"
                                        " ON CONFLICT (id) DO UPDATE SET " STATION_TEXTS(AS_GIVEN)
                                            STATION_REALS(AS_GIVEN) AS_GIVEN(type, )
                                                AS_GIVEN(type_all, ) AS_GIVEN(listed, ) AS_GIVEN(
                                                    unlisted, ) "more = excluded.more, generation "
                                                                "= excluded.generation, place = "
                                                                "excluded.place"},
    [WRITE_COPY_MEASURE] =
        {"follow measure",
         "INSERT INTO measure (" MEASURE_TEXTS(
             AS_NAME) "period_s, listed, unlisted, more, generation, place, id, station) VALUES"
                      " (" MEASURE_TEXTS(
                          AS_PARAMETER) ":period_s, :listed, :unlisted, :more, :generation, "
                                        ":place, :id,"
                                        " (SELECT key FROM station WHERE id = :station))"
                                        " ON CONFLICT (id) DO UPDATE SET " MEASURE_TEXTS(AS_GIVEN)
                                            AS_GIVEN(period_s, ) AS_GIVEN(listed, )
                                                AS_GIVEN(unlisted, ) AS_GIVEN(
                                                    station, ) "more = excluded.more, generation = "
                                                               "excluded.generation, place = "
                                                               "excluded.place"},
    [WRITE_COPY_STATION_MORE] = {"follow more of station",
                                 "UPDATE station SET more = :more WHERE id = :station"},
    [WRITE_COPY_MEASURE_MORE] = {"follow more of measure",
                                 "UPDATE measure SET more = :more WHERE id = :measure"},
    [WRITE_COPY_DELIVERY] =
        {"follow delivery",
         "INSERT OR REPLACE INTO delivery (measure, gaps, prior_s, last_arrival, newest,"
         " expected_next, late_after, stale_after, silent_after, freshness, generation)"
         " VALUES ((SELECT key FROM measure WHERE id = :measure), x'', :prior_s, :last_arrival,"
         " :newest, :expected_next, :late_after, :stale_after, :silent_after, :freshness,"
         " :generation)"},
    [WRITE_DROP_FOLLOWED_ASKED] = {"drop what an ingester asks again",
                                   "DELETE FROM asked WHERE ingester = :ingester"
                                   " AND station IS :station AND measure IS :measure"
                                   " AND from_time >= :from_time AND to_time <= :to_time"
                                   " AND asked_at <= :asked_at"},
    [WRITE_COPY_ASKED] = {"follow what was asked",
                          "INSERT INTO asked"
                          " (ingester, station, measure, from_time, to_time, asked_at)"
                          " VALUES (:ingester, :station, :measure, :from_time, :to_time,"
                          " :asked_at)"},
    [WRITE_DROP_ASKED_OF_INGESTER] = {"drop what an ingester asked",
                                      "DELETE FROM asked WHERE ingester = ?1"},
    [WRITE_TRIM_FOLLOWED_ASKED] = {"trim what ingesters asked",
                                   "DELETE FROM asked WHERE asked_at <= ?1"},
    [WRITE_COPY_KNOWN_READING] = {"follow correction",
                                  "UPDATE reading SET value = ?3, flags = ?4, received = ?5,"
                                  " raw = ?6, revision = ?7, generation = ?8, place = ?9"
                                  " WHERE measure = ?1 AND time = ?2"},
    [WRITE_COPY_NEW_READING] =
        {"follow reading", "INSERT INTO reading"
                           " (measure, time, value, flags, received, raw, revision, generation,"
                           " place) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"},
    [WRITE_READ_STATION] = {"read station",
                            "SELECT " STATION_ROW STATIONS_WITH_NEWEST " WHERE station.key = ?1"},
    [WRITE_SET_SOURCE] = {"store source", "INSERT OR REPLACE INTO source"
                                          " (ingester, epoch, generation, fault, since)"
                                          " VALUES (?1, ?2, ?3, ?4, ?5)"},
    [WRITE_FIND_SOURCE] = {"find source",
                           "SELECT epoch, generation FROM source WHERE ingester = ?1"},
    [WRITE_SOURCE_SERVICE] = {"read service of sources",
                              "SELECT fault, since FROM source ORDER BY fault = 0,"
                              " CASE fault WHEN 0 THEN -since ELSE since END, ingester LIMIT 1"},
    [WRITE_SET_RESUME] = {"store place in the log", "UPDATE meta SET resume = ?1 WHERE only = 1"},
    [WRITE_READ_RESUME] = {"read place in the log", "SELECT resume FROM meta WHERE only = 1"},
};

#define SPOOLED_NUMBERS "time, value, flags, received, revision"

#define POLL_COLUMNS                                                                               \
    "started, finished, fault, detail, unmodified, requests, wire_bytes, fetch_ms, parse_ms,"      \
    " apply_ms, generation, received, fresh, late, unchanged, corrected, expired, quarantined"

const SqlText LEDGER_WRITE_SQL[LEDGER_WRITE_SQL_COUNT] = {
    [LEDGER_BEGIN] = {"begin", "BEGIN IMMEDIATE"},
    [LEDGER_COMMIT] = {"commit", "COMMIT"},
    [LEDGER_ADD_POLL] =
        {"add poll",
         "INSERT INTO poll (" POLL_COLUMNS ") VALUES"
         " (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)"},
    [LEDGER_TRIM_POLLS] = {"trim polls",
                           "DELETE FROM poll WHERE id <= (SELECT max(id) FROM poll) - 1000"},
    [LEDGER_REPEAT_REFUSAL] = {"count refusal",
                               "UPDATE quarantine SET count = count + 1, received = ?1"
                               " WHERE reason = ?2 AND measure IS ?3 AND raw IS ?4"},
    [LEDGER_ADD_REFUSAL] =
        {"add refusal",
         "INSERT INTO quarantine (received, reason, measure, raw, count, first_received)"
         " VALUES (?1, ?2, ?3, ?4, 1, ?1)"},
    [LEDGER_TRIM_REFUSALS_BY_AGE] = {"trim refusals by age",
                                     "DELETE FROM quarantine WHERE received <= ?1"},
    [LEDGER_TRIM_REFUSALS_BY_COUNT] =
        {"trim refusals by count", "DELETE FROM quarantine WHERE id IN (SELECT id FROM quarantine"
                                   " ORDER BY received DESC, id DESC LIMIT -1 OFFSET 10000)"},
    [LEDGER_LAST_GOOD_SLOT] = {"read time of the last good poll",
                               "SELECT started FROM poll"
                               " WHERE id = (SELECT max(id) FROM poll WHERE fault = 0)"},
    [LEDGER_LAST_OUTCOME] = {"read outcome of the last poll",
                             "SELECT generation, fault FROM poll"
                             " WHERE id = (SELECT max(id) FROM poll)"},
    [LEDGER_NEXT_REFUSED_MEASURE] = {"find refused measure", "SELECT measure FROM quarantine"
                                                             " WHERE reason = ?1 AND measure > ?2"
                                                             " ORDER BY measure LIMIT 1"},
    [LEDGER_RELEASE] = {"release refusals",
                        "DELETE FROM quarantine WHERE reason = ?1 AND measure = ?2"},
    [LEDGER_DROP_ASKED] = {"drop what is asked again",
                           "DELETE FROM asked WHERE station IS ?1 AND measure IS ?2"
                           " AND from_time >= ?3 AND to_time <= ?4 AND asked_at <= ?5"},
    [LEDGER_ADD_ASKED] = {"add what was asked",
                          "INSERT INTO asked"
                          " (station, measure, from_time, to_time, asked_at, generation)"
                          " VALUES (?1, ?2, ?3, ?4, ?5, ?6)"},
    [LEDGER_TRIM_ASKED_BY_AGE] = {"trim what was asked by age",
                                  "DELETE FROM asked WHERE asked_at <= ?1"},
    [LEDGER_TRIM_ASKED_BY_COUNT] = {"trim what was asked by count",
                                    "DELETE FROM asked"
                                    " WHERE id <= (SELECT max(id) FROM asked) - 1000000"},
    [LEDGER_READ_CLOSED] = {"read mark of orderly close",
                            "SELECT bytes, changed_ns FROM closed WHERE only = 1"},
    [LEDGER_SET_CLOSED] = {"store mark of orderly close",
                           "INSERT OR REPLACE INTO closed (only, bytes, changed_ns)"
                           " VALUES (1, ?1, ?2)"},
    [LEDGER_DROP_CLOSED] = {"drop mark of orderly close", "DELETE FROM closed WHERE only = 1"},
    [LEDGER_SET_RESTORED] = {"store where the store came from",
                             "INSERT OR REPLACE INTO restored (only, at, generation, source)"
                             " VALUES (1, ?1, ?2, ?3)"},
};

const SqlText LEDGER_READ_SQL[LEDGER_READ_SQL_COUNT] = {
    [LEDGER_LAST_POLL] = {"read last poll", "SELECT " POLL_COLUMNS " FROM poll"
                                            " WHERE id = (SELECT max(id) FROM poll)"},
    [LEDGER_LAST_GOOD_POLL] = {"read last good poll",
                               "SELECT " POLL_COLUMNS " FROM poll"
                               " WHERE id = (SELECT max(id) FROM poll WHERE fault = 0)"},
    [LEDGER_COUNT_REFUSALS] = {"count refusals",
                               "SELECT reason, count(*) FROM quarantine GROUP BY reason"},
    [LEDGER_REFUSALS] = {"list refusals",
                         "SELECT reason, measure, raw, count, first_received, received"
                         " FROM quarantine ORDER BY received DESC, id DESC"},
    [LEDGER_ASKED] = {"read what was asked", "SELECT from_time, to_time, asked_at FROM asked"
                                             " WHERE station IS ?1 AND measure IS ?2"},
    [LEDGER_COPY_ASKED] = {"copy what was asked",
                           "SELECT station, measure, from_time, to_time, asked_at FROM asked"
                           " WHERE generation > ?1 AND generation <= ?2"},
    [LEDGER_RESTORED] = {"read where the store came from",
                         "SELECT at, generation, source FROM restored WHERE only = 1"},
};

const SqlText SPOOL_WRITE_SQL[SPOOL_WRITE_SQL_COUNT] = {
    [SPOOL_BEGIN] = {"begin", "BEGIN IMMEDIATE"},
    [SPOOL_COMMIT] = {"commit", "COMMIT"},
    [SPOOL_READ_MARK] = {"read mark of history",
                         "SELECT epoch, generation FROM mark WHERE only = 1"},
    [SPOOL_FIND_SERIES] = {"find series",
                           "SELECT key FROM series WHERE measure = ?1 AND station = ?2"},
    [SPOOL_ADD_SERIES] = {"add series", "INSERT INTO series (measure, station) VALUES (?1, ?2)"},
    [SPOOL_ADD] = {"spool reading",
                   "INSERT INTO spool (series, held, " SPOOLED_NUMBERS ", epoch, generation)"
                   " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"},
    [SPOOL_FIND_GIVEN] = {"find what was given",
                          "SELECT value, revision FROM given WHERE series = ?1 AND time = ?2"},
    [SPOOL_SET_GIVEN] = {"remember what was given",
                         "INSERT OR REPLACE INTO given (series, time, value, revision, received)"
                         " VALUES (?1, ?2, ?3, ?4, ?5)"},
    [SPOOL_TRIM_GIVEN] = {"forget what was given", "DELETE FROM given WHERE received <= ?1"},
    [SPOOL_DROP_OLDEST] = {"drop the oldest of the spool",
                           "DELETE FROM spool WHERE id < (SELECT min(id) FROM spool) + ?1"},
    [SPOOL_ADD_LOST] = {"count what was lost", "UPDATE mark SET lost = lost + ?1 WHERE only = 1"},
};

const SqlText SPOOL_READ_SQL[SPOOL_READ_SQL_COUNT] = {
    [SPOOL_COUNT] = {"count the spool",
                     "SELECT epoch, generation, lost,"
                     " ifnull((SELECT max(id) FROM spool) - (SELECT min(id) FROM spool) + 1, 0)"
                     " FROM mark WHERE only = 1"},
    [SPOOL_LIST_EXPORTS] = {"list exports", "SELECT manifest, exported FROM export"
                                            " ORDER BY as_of DESC"},
};

const SqlText EXPORT_SQL[EXPORT_SQL_COUNT] = {
    [EXPORT_BEGIN] = {"begin", "BEGIN IMMEDIATE"},
    [EXPORT_COMMIT] = {"commit", "COMMIT"},
    [EXPORT_READ_MARK] = {"read mark of history",
                          "SELECT epoch, generation, spool_id FROM mark WHERE only = 1"},
    [EXPORT_SET_MARK] =
        {"move mark of history",
         "UPDATE mark SET epoch = ?1, generation = ?2, spool_id = ?3 WHERE only = 1"},
    [EXPORT_LAST_ID] = {"find end of spool", "SELECT ifnull(min(max(id), ?1 + ?2), ?1) FROM spool"},
    [EXPORT_ROWS] = {"read spool", "SELECT measure, station, held, " SPOOLED_NUMBERS
                                   ", epoch, generation FROM spool"
                                   " CROSS JOIN series ON series.key = spool.series"
                                   " WHERE id > ?1 AND id <= ?2 ORDER BY id"},
    [EXPORT_DROP_ROWS] = {"drop what history has",
                          "DELETE FROM spool WHERE id <= (SELECT spool_id FROM mark)"
                          " AND id < (SELECT min(id) FROM spool) + ?1"},
    [EXPORT_READ_PLAN] = {"read plan",
                          "SELECT epoch, generation, spool_id FROM plan WHERE only = 1"},
    [EXPORT_SET_PLAN] = {"write down plan", "INSERT INTO plan (only, epoch, generation, spool_id)"
                                            " VALUES (1, ?1, ?2, ?3)"},
    [EXPORT_DROP_PLAN] = {"drop plan", "DELETE FROM plan WHERE only = 1"},
    [EXPORT_PLAN_KEYS] = {"read planned keys", "SELECT key FROM plan_key ORDER BY key"},
    [EXPORT_ADD_PLAN_KEY] = {"write down planned key", "INSERT INTO plan_key (key) VALUES (?1)"},
    [EXPORT_DROP_PLAN_KEYS] = {"drop planned keys", "DELETE FROM plan_key"},
    [EXPORT_ADD] = {"add export", "INSERT OR REPLACE INTO export"
                                  " (generation, as_of, exported, manifest)"
                                  " VALUES (?1, ?2, ?3, ?4)"},
    [EXPORT_LIST] = {"list exports", "SELECT generation, as_of FROM export ORDER BY as_of DESC"},
    [EXPORT_DROP] = {"drop export", "DELETE FROM export WHERE generation = ?1"},
    [EXPORT_CONDEMN] = {"condemn object",
                        "INSERT OR IGNORE INTO condemned (key, since) VALUES (?1, ?2)"},
    [EXPORT_CONDEMNED] = {"list condemned objects",
                          "SELECT key FROM condemned WHERE since <= ?1 ORDER BY key"},
    [EXPORT_IS_CONDEMNED] = {"find condemned object", "SELECT 1 FROM condemned WHERE key = ?1"},
    [EXPORT_SPARE] = {"forget condemned object", "DELETE FROM condemned WHERE key = ?1"},
};
