/* store/statements.h - every statement there is, as text, by the connection that prepares it.
 * Private to the folder, and read by the test of query plans.
 *
 * Parameters are told where they are not in the text; see store/rows.h for the lists of columns. */
#pragma once
#include "store/sql.h"

typedef enum ReadSql {
    READ_BEGIN,
    READ_END,
    READ_META,
    READ_STATIONS,           /* all, by id */
    READ_STATION,            /* ?1 key */
    READ_STATION_BY_ID,      /* ?1 id */
    READ_STATION_BY_ALIAS,   /* ?1 kind, ?2 value */
    READ_STATION_IDS_FROM,   /* ?1 id, itself included; the next NEAR_IDS */
    READ_STATION_IDS_BEFORE, /* ?1 id; the NEAR_IDS before it, backwards */
    READ_MEASURES,           /* ?1 station's key; by id */
    READ_MEASURE,            /* ?1 key; the key of its station behind it */
    READ_MEASURE_IDS,        /* ?1 station's key; by id */
    READ_MEASURE_STATION,    /* ?1 measure's id */
    READ_MEASURE_IDS_FROM,
    READ_MEASURE_IDS_BEFORE,
    READ_READINGS,    /* ?1 measure's key, ?2 from, ?3 to; oldest first */
    READ_NEWEST,      /* ?1 measure's key */
    READ_NEWEST_TIME, /* ?1 measure's key */
    READ_FIRST_TIME,  /* ?1 measure's key, ?2 from */
    READ_WINDOWS,     /* each measure's key with its station's newest time */
    READ_FRESHNESS,   /* how many measures are how fresh */
    /* from ?1 generation and ?2 place on, in their order; both behind the rest */
    READ_CHANGED_STATIONS,  /* key */
    READ_CHANGED_MEASURES,  /* key */
    READ_CHANGED_READINGS,  /* the row, then its measure's key */
    READ_CHANGED_FRESHNESS, /* the measure's key */
    READ_GONE,              /* id of a station, or of it and of its measure */
    READ_GENERATION_FROM,   /* ?1 generation; of the first readings from it on: when they came */
    READ_STATIONS_CHANGED,  /* the generation of the station that changed last */
    READ_MEASURES_CHANGED,
    /* what came after generation ?1 */
    READ_ASKED, /* ?1 station id, ?2 measure id; both NULL: of all that their ingester has */
    READ_COPY_GONE,
    READ_COPY_STATIONS,
    READ_COPY_MEASURES,
    READ_COPY_MORE,
    READ_COPY_DELIVERIES,
    READ_SQL_COUNT
} ReadSql;
extern const SqlText READ_SQL[READ_SQL_COUNT];

typedef enum WriteSql {
    WRITE_BEGIN,
    WRITE_COMMIT,
    WRITE_READ_META,
    WRITE_META,
    WRITE_FIND_STATION, /* ?1 id */
    WRITE_ADD_STATION,
    WRITE_SET_STATION,
    WRITE_ADD_BARE_STATION, /* ?1 id, ?2 now, ?3 generation, ?4 place */
    WRITE_LISTED_STATIONS,
    WRITE_UNLIST_STATION, /* ?1 key, ?2 now, ?3 generation, ?4 place */
    WRITE_DROP_ALIASES,   /* ?1 station's key */
    WRITE_ADD_ALIAS,      /* ?1 kind, ?2 value, ?3 station's key */
    WRITE_TYPED_STATIONS,
    WRITE_SET_TYPE,         /* ?1 key, ?2 type, ?3 all types, ?4 generation, ?5 place */
    WRITE_SET_STATION_MORE, /* ?1 id, ?2 what, ?3 generation */
    WRITE_SET_MEASURE_MORE, /* the same */
    WRITE_STATIONS_TO_ASK,  /* ?1 id, itself excluded, ?2 whether also those with more, ?3 most */
    WRITE_FIND_MEASURE,
    WRITE_FIND_SERIES, /* ?1 measure's id: key, station's, period, the station's newest time, then
                          its delivery */
    WRITE_ADD_MEASURE,
    WRITE_SET_MEASURE,
    WRITE_LISTED_MEASURES,
    WRITE_UNLIST_MEASURE,
    WRITE_MEASURE_KEYS, /* ?1 station's key */
    WRITE_STATION_ID,
    WRITE_SET_NEWEST, /* ?1 station's key, ?2 time */
    WRITE_DROP_NEWEST,
    WRITE_OLDEST_NEWEST,   /* ?1 not older than this */
    WRITE_MEASURE_NEWEST,  /* ?1 measure's key */
    WRITE_KNOWN_READINGS,  /* ?1 measure's key, ?2 from */
    WRITE_READING_BEFORE,  /* ?1 measure's key, ?2 time */
    WRITE_READING_RAW,     /* ?1 measure's key, ?2 time */
    WRITE_ADD_READING,     /* ?1 measure's key, ?2 time, ?3 value, ?4 flags, ?5 received, ?6 raw, ?7
                              generation, ?8 place */
    WRITE_CORRECT_READING, /* the same */
    WRITE_TRIM,            /* ?1 measure's key, ?2 the first time that stays */
    WRITE_TRIM_LIVE,       /* the same, of a measure whose newest reading stays */
    WRITE_TRIMMED,         /* the same, ?3 a generation: what it takes that is newer */
    WRITE_HELD_READING,    /* ?1 measure's key, ?2 time, ?3 a generation: if it is newer */
    WRITE_MEASURE_IDS,     /* ?1 measure's key: its id and its station's */
    WRITE_READ_EXPECTATION, /* ?1 measure's key */
    WRITE_RENEW_DELIVERY,   /* as the next; only where its freshness stays the same */
    WRITE_DELIVERY,         /* ?1 measure's key, then the columns of delivery */
    WRITE_COUNT_EXPECTED,   /* ?1 slot, ?2 most; also counts all deliveries */
    WRITE_CROSSINGS,        /* ?1 slot */
    WRITE_CROSS,            /* ?1 measure's key, ?2 freshness, ?3 crosses, ?4 generation */
    WRITE_SILENCE,          /* ?1 measure's key, ?2 the first time that stays, ?3 generation */
    WRITE_FRESHNESS_CHANGE, /* ?1 measure's key, ?2 generation, ?3 place */
    WRITE_OLD_MEASURES,     /* ?1 the last time since when */
    WRITE_OLD_STATIONS,     /* the same */
    WRITE_UNLISTED_MEASURES,
    WRITE_UNLISTED_STATIONS,
    WRITE_MEASURE_STATION, /* ?1 measure's key */
    WRITE_DROP_READINGS,   /* ?1 measure's key */
    WRITE_DROP_DELIVERY,   /* ?1 measure's key */
    WRITE_DROP_FRESHNESS_CHANGE,
    WRITE_ADD_GONE_MEASURE, /* ?1 key, ?2 generation, ?3 place */
    WRITE_ADD_GONE_STATION, /* the same */
    WRITE_DROP_MEASURE,     /* ?1 measure's key */
    WRITE_DROP_STATION,     /* ?1 station's key */
    /* named parameters, as the columns of the copied rows; :generation, :place */
    WRITE_COPY_STATION,
    WRITE_COPY_MEASURE,
    WRITE_COPY_STATION_MORE,
    WRITE_COPY_MEASURE_MORE,
    WRITE_COPY_DELIVERY,
    WRITE_DROP_FOLLOWED_ASKED,    /* and :ingester */
    WRITE_COPY_ASKED,             /* the same */
    WRITE_DROP_ASKED_OF_INGESTER, /* ?1 ingester */
    WRITE_TRIM_FOLLOWED_ASKED,    /* ?1 time */
    WRITE_COPY_KNOWN_READING, /* ?1 measure's key, ?2 time, ?3 value, ?4 flags, ?5 received, ?6 raw,
                                 ?7 revision, ?8 generation, ?9 place */
    WRITE_COPY_NEW_READING,   /* the same */
    WRITE_READ_STATION,       /* ?1 key */
    WRITE_SET_SOURCE,         /* ?1 ingester, ?2 epoch, ?3 generation, ?4 fault, ?5 since */
    WRITE_FIND_SOURCE,        /* ?1 ingester */
    WRITE_SOURCE_SERVICE,
    WRITE_SET_RESUME, /* ?1 resume */
    WRITE_READ_RESUME,
    WRITE_SQL_COUNT
} WriteSql;
extern const SqlText WRITE_SQL[WRITE_SQL_COUNT];

typedef enum LedgerWriteSql {
    LEDGER_BEGIN,
    LEDGER_COMMIT,
    LEDGER_ADD_POLL,
    LEDGER_TRIM_POLLS,
    LEDGER_LAST_GOOD_SLOT,
    LEDGER_LAST_OUTCOME,         /* generation and fault of the last poll */
    LEDGER_REPEAT_REFUSAL,       /* ?1 received, ?2 reason, ?3 measure id, ?4 raw */
    LEDGER_ADD_REFUSAL,          /* the same */
    LEDGER_TRIM_REFUSALS_BY_AGE, /* ?1 the last time that goes */
    LEDGER_TRIM_REFUSALS_BY_COUNT,
    LEDGER_NEXT_REFUSED_MEASURE, /* ?1 reason, ?2 the measure's id before it */
    LEDGER_RELEASE,              /* ?1 reason, ?2 measure id */
    LEDGER_DROP_ASKED,           /* ?1 station id, ?2 measure id, ?3 from, ?4 to, ?5 asked at */
    LEDGER_ADD_ASKED,            /* the same, ?6 generation */
    LEDGER_TRIM_ASKED_BY_AGE,    /* ?1 the last time that goes */
    LEDGER_TRIM_ASKED_BY_COUNT,
    LEDGER_READ_CLOSED,
    LEDGER_SET_CLOSED, /* ?1 bytes, ?2 time of change in nanoseconds */
    LEDGER_DROP_CLOSED,
    LEDGER_SET_RESTORED, /* ?1 at, ?2 generation, ?3 source */
    LEDGER_WRITE_SQL_COUNT
} LedgerWriteSql;
extern const SqlText LEDGER_WRITE_SQL[LEDGER_WRITE_SQL_COUNT];

typedef enum LedgerReadSql {
    LEDGER_LAST_POLL,
    LEDGER_LAST_GOOD_POLL,
    LEDGER_COUNT_REFUSALS, /* by reason */
    LEDGER_REFUSALS,       /* newest first */
    LEDGER_ASKED,          /* ?1 station id, ?2 measure id; both NULL: of all */
    LEDGER_COPY_ASKED,     /* after generation ?1, up to ?2 */
    LEDGER_RESTORED,
    LEDGER_READ_SQL_COUNT
} LedgerReadSql;
extern const SqlText LEDGER_READ_SQL[LEDGER_READ_SQL_COUNT];

typedef enum SpoolWriteSql {
    SPOOL_BEGIN,
    SPOOL_COMMIT,
    SPOOL_READ_MARK,
    SPOOL_FIND_SERIES, /* ?1 measure id, ?2 station id */
    SPOOL_ADD_SERIES,  /* the same */
    SPOOL_ADD, /* ?1 series, ?2 held, ?3 time, ?4 value, ?5 flags, ?6 received, ?7 revision, ?8
                          epoch, ?9 generation */
    SPOOL_FIND_GIVEN,  /* ?1 series, ?2 time */
    SPOOL_SET_GIVEN,   /* ?1 series, ?2 time, ?3 value, ?4 revision, ?5 received */
    SPOOL_TRIM_GIVEN,  /* ?1 the last time that goes */
    SPOOL_DROP_OLDEST, /* ?1 how many */
    SPOOL_ADD_LOST,    /* ?1 how many */
    SPOOL_WRITE_SQL_COUNT
} SpoolWriteSql;
extern const SqlText SPOOL_WRITE_SQL[SPOOL_WRITE_SQL_COUNT];

typedef enum SpoolReadSql {
    SPOOL_COUNT,        /* of rows that wait, and how many were lost */
    SPOOL_LIST_EXPORTS, /* newest first */
    SPOOL_READ_SQL_COUNT
} SpoolReadSql;
extern const SqlText SPOOL_READ_SQL[SPOOL_READ_SQL_COUNT];

/* Of the export thread's connection to spool.db. */
typedef enum ExportSql {
    EXPORT_BEGIN,
    EXPORT_COMMIT,
    EXPORT_READ_MARK,
    EXPORT_SET_MARK,  /* ?1 epoch, ?2 generation, ?3 spool id */
    EXPORT_LAST_ID,   /* ?1 spool id, ?2 how many rows behind it at most */
    EXPORT_ROWS,      /* ?1 spool id after which, ?2 up to which */
    EXPORT_DROP_ROWS, /* ?1 how many at most */
    EXPORT_READ_PLAN,
    EXPORT_SET_PLAN, /* ?1 epoch, ?2 generation, ?3 spool id */
    EXPORT_DROP_PLAN,
    EXPORT_PLAN_KEYS,
    EXPORT_ADD_PLAN_KEY, /* ?1 key */
    EXPORT_DROP_PLAN_KEYS,
    EXPORT_ADD,          /* ?1 generation, ?2 as of, ?3 exported, ?4 manifest */
    EXPORT_LIST,         /* newest first */
    EXPORT_DROP,         /* ?1 generation */
    EXPORT_CONDEMN,      /* ?1 key, ?2 since */
    EXPORT_CONDEMNED,    /* ?1 the last since that counts */
    EXPORT_IS_CONDEMNED, /* ?1 key */
    EXPORT_SPARE,        /* ?1 key */
    EXPORT_SQL_COUNT
} ExportSql;
extern const SqlText EXPORT_SQL[EXPORT_SQL_COUNT];

/* Other keys of a station, in the order in which they are tried. */
typedef enum AliasKind { ALIAS_REFERENCE, ALIAS_WISKI, ALIAS_RLOI, ALIAS_KIND_COUNT } AliasKind;
