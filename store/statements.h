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
    READ_READINGS,        /* ?1 measure's key, ?2 from, ?3 to; oldest first */
    READ_NEWEST,          /* ?1 measure's key */
    READ_NEWEST_TIME,     /* ?1 measure's key */
    READ_FIRST_TIME,      /* ?1 measure's key, ?2 from */
    READ_WINDOWS,         /* each measure's key with its station's newest time */
    READ_FRESHNESS,       /* how many measures are how fresh */
    READ_CHANGES,         /* ?1 the generation after which; its generation and measure behind it */
    READ_COPY_STATIONS,   /* ?1 the generation after which */
    READ_COPY_MEASURES,   /* the same */
    READ_COPY_DELIVERIES, /* the same */
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
    WRITE_ADD_BARE_STATION, /* ?1 id, ?2 generation, ?3 now */
    WRITE_LISTED_STATIONS,
    WRITE_UNLIST_STATION, /* ?1 key, ?2 generation, ?3 now */
    WRITE_DROP_ALIASES,   /* ?1 station's key */
    WRITE_ADD_ALIAS,      /* ?1 kind, ?2 value, ?3 station's key */
    WRITE_TYPED_STATIONS,
    WRITE_SET_TYPE, /* ?1 key, ?2 type, ?3 all types, ?4 generation */
    WRITE_FIND_MEASURE,
    WRITE_ADD_MEASURE,
    WRITE_SET_MEASURE,
    WRITE_LISTED_MEASURES,
    WRITE_UNLIST_MEASURE,
    WRITE_MEASURE_KEYS, /* ?1 station's key */
    WRITE_STATION_ID,
    WRITE_STATION_NEWEST, /* ?1 station's key */
    WRITE_SET_NEWEST,     /* ?1 station's key, ?2 time */
    WRITE_DROP_NEWEST,
    WRITE_MEASURE_NEWEST,  /* ?1 measure's key */
    WRITE_KNOWN_READINGS,  /* ?1 measure's key, ?2 from */
    WRITE_READING_BEFORE,  /* ?1 measure's key, ?2 time */
    WRITE_READING_RAW,     /* ?1 measure's key, ?2 time */
    WRITE_ADD_READING,     /* ?1 measure's key, ?2 time, ?3 value, ?4 flags, ?5 received, ?6 raw, ?7
                              generation */
    WRITE_CORRECT_READING, /* the same */
    WRITE_TRIM,            /* ?1 measure's key, ?2 the first time that stays */
    WRITE_READ_DELIVERY,   /* ?1 measure's key */
    WRITE_DELIVERY,        /* ?1 measure's key, then the columns of delivery */
    WRITE_CROSSINGS,       /* ?1 slot */
    WRITE_CROSS,           /* ?1 measure's key, ?2 freshness, ?3 crosses, ?4 generation */
    WRITE_SILENCE,         /* ?1 measure's key, ?2 the first time that stays, ?3 generation */
    WRITE_OLD_MEASURES,    /* ?1 the last time since when */
    WRITE_OLD_STATIONS,    /* the same */
    WRITE_MEASURE_STATION, /* ?1 measure's key */
    WRITE_DROP_READINGS,   /* ?1 measure's key */
    WRITE_DROP_DELIVERY,   /* ?1 measure's key */
    WRITE_DROP_MEASURE,    /* ?1 measure's key */
    WRITE_DROP_STATION,    /* ?1 station's key */
    /* named parameters, as the columns of the copied rows; :generation */
    WRITE_COPY_STATION,
    WRITE_COPY_MEASURE,
    WRITE_COPY_DELIVERY,
    WRITE_COPY_KNOWN_READING, /* as WRITE_ADD_READING, ?8 revision */
    WRITE_COPY_NEW_READING,   /* the same */
    WRITE_READ_STATION,       /* ?1 key */
    WRITE_SET_SOURCE,         /* ?1 ingester, ?2 epoch, ?3 generation, ?4 fault, ?5 since */
    WRITE_FIND_SOURCE,        /* ?1 ingester */
    WRITE_SOURCE_SERVICE,
    WRITE_SET_RESUME, /* ?1 resume, ?2 epoch */
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
    LEDGER_REPEAT_REFUSAL,       /* ?1 received, ?2 reason, ?3 measure id, ?4 raw */
    LEDGER_ADD_REFUSAL,          /* the same */
    LEDGER_TRIM_REFUSALS_BY_AGE, /* ?1 the last time that goes */
    LEDGER_TRIM_REFUSALS_BY_COUNT,
    LEDGER_NEXT_REFUSED_MEASURE, /* ?1 reason, ?2 the measure's id before it */
    LEDGER_RELEASE,              /* ?1 reason, ?2 measure id */
    LEDGER_DROP_ASKED,           /* ?1 station id, ?2 measure id, ?3 from, ?4 to, ?5 asked at */
    LEDGER_ADD_ASKED,            /* the same */
    LEDGER_TRIM_ASKED_BY_AGE,    /* ?1 the last time that goes */
    LEDGER_TRIM_ASKED_BY_COUNT,
    LEDGER_READ_CLOSED,
    LEDGER_SET_CLOSED, /* ?1 bytes, ?2 time of change in nanoseconds */
    LEDGER_DROP_CLOSED,
    LEDGER_WRITE_SQL_COUNT
} LedgerWriteSql;
extern const SqlText LEDGER_WRITE_SQL[LEDGER_WRITE_SQL_COUNT];

typedef enum LedgerReadSql {
    LEDGER_LAST_POLL,
    LEDGER_LAST_GOOD_POLL,
    LEDGER_COUNT_REFUSALS, /* by reason */
    LEDGER_REFUSALS,       /* newest first */
    LEDGER_ASKED,          /* ?1 station id, ?2 measure id; both NULL: of all */
    LEDGER_READ_SQL_COUNT
} LedgerReadSql;
extern const SqlText LEDGER_READ_SQL[LEDGER_READ_SQL_COUNT];

/* Other keys of a station, in the order in which they are tried. */
typedef enum AliasKind { ALIAS_REFERENCE, ALIAS_WISKI, ALIAS_RLOI, ALIAS_KIND_COUNT } AliasKind;
