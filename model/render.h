/* model/render.h - rows as JSON, NDJSON, GeoJSON and CSV; the same bytes wherever they go.
 *
 * Pure: a row and a set of fields into a Buf, whose sticky error is checked by the caller. */
#pragma once
#include "base/json.h"
#include "model/change.h"
#include "model/field.h"

/* What the rows of one measure begin with alike, kept from row to row: most of a reading's bytes.
 * Begins with no fields; serves one set of fields in one form. */
typedef struct Stem {
    char measure_id[128], text[768];
    size_t id_len, len;
    size_t fields; /* that it says; 0: none */
} Stem;

void render_json(Buf *out, const FieldSet *fields, const Row *row); /* {"station":"1491TH",...} */
void render_json_on(Buf *out, Stem *stem, const FieldSet *fields, const Row *row); /* the same */
/* The fields of each kind of change: those that its own list has when nobody chose. */
typedef struct ChangeFields {
    FieldSet of[CHANGE_KIND_COUNT];
} ChangeFields;
ChangeFields change_fields_default(Style style);
/* The row that a change is about, as its own list has it: {"station":"1491TH",...}. */
void render_change(Buf *out, const ChangeFields *fields, const Change *change);
/* RFC 7946: a Feature, with the station's place; geometry null where that is not known. */
void render_geojson(Buf *out, const FieldSet *fields, const Row *row);
/* The values alone, ["1491TH",0.413,...], null where missing. */
void render_json_array(Buf *out, const FieldSet *fields, const Row *row);
/* Single cells, for rows that no field table describes. */
void render_json_time(Buf *out, const Style *style, UnixSec time);
void render_csv_time(Buf *out, const Style *style, UnixSec time);
void render_csv_text(Buf *out, const Style *style, Str text);
void render_flags(Buf *out, unsigned flags); /* names joined by ; */
/* What render_flags() wrote; false: a name is none of ours. */
MUST_USE bool flags_parse(Str names, unsigned *ret_flags);
void render_csv_line_end(Buf *out, const Style *style);
void render_csv_bom(Buf *out, const Style *style);        /* in front of a header */
void render_csv_header(Buf *out, const FieldSet *fields); /* names, LF */
/* RFC 4180, LF, null is empty */
void render_csv_on(Buf *out, Stem *stem, const FieldSet *fields, const Row *row);
