/* model/render.h - rows as JSON, NDJSON, GeoJSON and CSV; the same bytes wherever they go.
 *
 * Pure: a row and a set of fields into a Buf, whose sticky error is checked by the caller. */
#pragma once
#include "base/json.h"
#include "model/field.h"

void render_json(Buf *out, const FieldSet *fields, const Row *row); /* {"station":"1491TH",...} */
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
void render_csv_bom(Buf *out, const Style *style);                 /* in front of a header */
void render_csv_header(Buf *out, const FieldSet *fields);          /* names, LF */
void render_csv(Buf *out, const FieldSet *fields, const Row *row); /* RFC 4180, LF, null is empty */
