/* model/model.h - what the words mean: station, measure, reading, scale, service.
 *
 * Plain values. Str members are borrowed: whoever hands the struct out says from whom and for how
 * long. A missing text is STR_NONE, a missing number NAN, a missing moment NO_TIME. */
#pragma once
#include "base/base.h"
#include "base/str.h"
#include "model/freshness.h"

/* A river-level scale of a station: what is normal there, and the records. In the measure's unit. */
typedef struct Scale {
    double typical_low,
        typical_high; /* 5 % and 95 % of what is measured; low > high occurs (Q10) */
    double record_high, record_low;
    Str record_high_time, record_low_time; /* as the upstream writes them, without a zone (Q30) */
} Scale;

/* A place. Where the upstream gives several values for one field (Q8) the field holds the first and
 * `*_all` all of them, one a line; `*_all` is none when there is at most one. */
typedef struct Station {
    Str id;        /* the upstream's notation: the key, compared by exact case; "" is one (Q14) */
    Str reference; /* stationReference: neither unique nor equal to id (Q12, Q13) */
    Str label, river, catchment, town;
    Str label_all, river_all, catchment_all, town_all;
    Str type, type_all; /* SingleLevel, Coastal, ...; comes apart from the list; none: not known */
    Str status; /* Active, Suspended, Closed, ukcmf; none for stations without a river page */
    Str grid_reference, opened;
    Str rloi_id, wiski_id, rloi_id_all, wiski_id_all;
    double lat_deg, long_deg; /* WGS84 */
    double easting_m, northing_m;
    double datum_offset_m;
    Scale stage, downstage; /* of qualifier Stage, of qualifier Downstream Stage */
    bool listed;            /* in the upstream's list when that was last read */
    UnixSec newest;         /* time of its newest reading, over all measures; NO_TIME: none */
    Str raw;                /* the upstream's item, JSON without white space; none: never listed */
    Str more; /* a JSON object of what only its answer to this station alone says; none: not known */
} Station;

/* One series at a station. */
typedef struct Measure {
    Str id, station_id;
    Str label, parameter, parameter_name, qualifier, value_type, unit;
    Str datum;        /* last part of the datumType URI: datumASD */
    int64_t period_s; /* 0: not regular, or not said */
    bool listed;
    UnixSec newest;          /* NO_TIME: no reading held */
    Freshness freshness;     /* as judged at the last slot that was; silent without a reading */
    Expectation expectation; /* of its next delivery */
    Str raw;  /* the upstream's item without its latestReading; none: known from a reading only */
    Str more; /* as of a station */
} Measure;

typedef enum ReadingFlag {
    READING_AMBIGUOUS = 1, /* the upstream gave several values (Q1); `raw` holds them */
    READING_SUSPECT = 2,   /* a sentinel, or out of reason (Q22); served as given */
    READING_OFF_GRID = 4,  /* its time is no multiple of the measure's period (Q24) */
    READING_CORRECTED = 8, /* the upstream changed the value of a known time */
} ReadingFlag;

typedef struct Reading {
    Str measure_id;
    UnixSec time;
    double value;     /* in the measure's unit, finite */
    unsigned flags;   /* ReadingFlag, or-ed */
    UnixSec received; /* commit time of the generation that brought this value */
    int64_t revision; /* 0, then one more for each correction */
    Str raw;          /* of an ambiguous reading: all its values, as the upstream wrote them */
} Reading;

typedef enum Fault {
    FAULT_NONE,
    FAULT_UPSTREAM,
    FAULT_NETWORK,
    FAULT_INGEST,
    FAULT_STORE,
    FAULT_COUNT
} Fault;

const char *fault_name(Fault fault); /* "none", "upstream", ... */

/* Whether what is served is being kept up to date, and whose fault it is if not. */
typedef struct Service {
    Fault fault;   /* FAULT_NONE: state is ok; else degraded */
    UnixSec since; /* when the fault began, or ended */
} Service;

/* The scale a measure is judged by: the station's, by qualifier; NULL for what is no water level, has
 * another qualifier, or is not in m, mASD or mAOD. The upstream does not say a scale's unit; it is
 * metres, from the datum that the station publishes its level in. Of the recordings of January 2026,
 * 2,251 stations with a whole scale and a live Stage publish one of the three units, and all but 3 of
 * these values lie within 10 typical ranges of the scale (1,884 inside it), whichever the unit; the 2
 * that publish two have both within 3 ranges. What counts in mm or below a datum does not fit. */
const Scale *measure_scale(const Measure *measure, const Station *station);
Scale scale_unknown(void);

/* Flags that follow from the value itself, to be or-ed to the stored ones: READING_SUSPECT for the
 * constants of Q22 and values beyond ten typical ranges, READING_OFF_GRID. `scale` may be NULL. */
unsigned reading_meaning_flags(const Reading *reading, const Measure *measure, const Scale *scale);
