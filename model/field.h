/* model/field.h - the named columns of what we serve, each with the one function that knows its value.
 *
 * JSON members, CSV cells, NDJSON and GeoJSON properties are all made from these tables, so that no
 * format can say something else than another. A new field is a new row in model/field.c. */
#pragma once
#include "base/buf.h"
#include "model/bucket.h"
#include "model/meaning.h"

/* A name that stations or measures share. */
typedef struct ValueCount {
    Str value;
    int64_t stations, measures;
} ValueCount;

/* What one row of an answer is about; members that a resource has no use for are NULL. Borrowed. */
typedef struct Row {
    const Station *station;
    const Measure *measure;
    const Reading *reading;    /* of readings; of measures and latest: the newest, or NULL */
    const Meaning *meaning;    /* of latest; NULL: nobody asks for it */
    const Bucket *bucket;      /* of aggregates */
    const ValueCount *counted; /* of rivers and the like: all else is NULL */
    const Str *measure_ids;    /* of a station */
    size_t measure_id_count;
    const struct QuarantineItem *refusal;
    const struct Gap *gap; /* with the count of its measure's slots */
    const struct GapCount *gap_count;
} Row;

typedef enum ValueKind {
    VALUE_NULL,
    VALUE_STR,
    VALUE_REAL,
    VALUE_INT,
    VALUE_TIME,
    VALUE_LOCAL_TIME, /* as the clocks of England show it, with its offset */
    VALUE_BOOL,
    VALUE_STRS,  /* a list of texts: [..] in JSON, joined by ; in CSV */
    VALUE_FLAGS, /* ReadingFlag bits: a list of their names; no bit is null */
} ValueKind;

typedef struct Value {
    ValueKind kind;
    bool stays; /* a null that says something: FIELD_OMIT_NULL does not leave it out */
    union {
        Str str;
        double real;
        int64_t integer; /* also VALUE_TIME, VALUE_LOCAL_TIME, VALUE_FLAGS */
        bool boolean;
        struct {
            const Str *items;
            size_t count;
        } strs;
    } as;
} Value;

typedef struct Field {
    const char *name;
    Value (*value)(const Row *row);
    unsigned in; /* where it stands when nobody chose: FIELD_JSON, FIELD_CSV, or-ed */
} Field;

enum {
    FIELD_JSON = 1,
    FIELD_CSV = 2,
    FIELD_OMIT_NULL = 4,  /* the JSON member is absent when null, unless it was asked for by name */
    FIELD_LIST = 8,       /* several values: no order to sort by */
    FIELD_MEANING = 32,   /* needs the row's meaning */
    FIELD_AGGREGATE = 16, /* stands where its aggregate was asked for */
    FIELD_OF_MEASURE = 64 /* the same in all rows of a measure */
};

/* The tables, in the fixed order of the CSV columns; each ends with a NULL name. */
extern const Field STATION_FIELDS[], MEASURE_FIELDS[], READING_FIELDS[], LATEST_FIELDS[],
    QUARANTINE_FIELDS[], GAP_FIELDS[], FRESHNESS_FIELDS[], REMOVAL_FIELDS[], BUCKET_FIELDS[],
    RIVER_FIELDS[], CATCHMENT_FIELDS[], TOWN_FIELDS[], PARAMETER_FIELDS[];

typedef enum TimeForm { TIME_RFC3339, TIME_UNIX, TIME_UNIX_MS } TimeForm;

/* How values are written. */
typedef struct Style {
    TimeForm times;
    bool excel; /* CSV as Excel reads it: BOM, CRLF, times without T and Z, no cell a formula */
} Style;

enum { FIELD_SET_MAX = 64 };
typedef struct FieldSet {
    const Field *fields[FIELD_SET_MAX];
    size_t count;
    bool chosen; /* by name: exactly these, null or not */
    Style style;
} FieldSet;

/* The default columns of a table for JSON (FIELD_JSON) or CSV (FIELD_CSV). */
FieldSet field_set_default(const Field *table, unsigned where);
/* Behind the others, unless it is one of them. */
void field_set_add(FieldSet *set, const Field *field);
bool field_set_has(const FieldSet *set, const Field *field);
/* NULL when the table has no such field. */
const Field *field_find(const Field *table, Str name);
