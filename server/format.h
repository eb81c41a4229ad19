/* server/format.h - the forms an answer can have, and which of them a client would rather have. */
#pragma once
#include "base/str.h"

typedef enum Format {
    FORMAT_JSON,
    FORMAT_CSV,
    FORMAT_SSE, /* of the stream alone, which it is unless something else is asked for */
    FORMAT_NDJSON,
    FORMAT_GEOJSON,
    FORMAT_HTML,
    FORMAT_COUNT
} Format;

typedef struct FormatInfo {
    const char *name; /* the suffix of a path and the value of `format` */
    const char *media_type;
    const char *content_type; /* the same, with parameters */
} FormatInfo;

extern const FormatInfo FORMATS[FORMAT_COUNT];

/* Sets of formats are bits. */
#define FORMAT_BIT(format) (1u << (format))
enum {
    FORMATS_ROWS = FORMAT_BIT(FORMAT_JSON) | FORMAT_BIT(FORMAT_CSV) | FORMAT_BIT(FORMAT_NDJSON),
    FORMATS_PUSHED = FORMAT_BIT(FORMAT_SSE) | FORMAT_BIT(FORMAT_NDJSON),
    FORMATS_PLACES = FORMATS_ROWS | FORMAT_BIT(FORMAT_GEOJSON),
    /* a page and the document at its address: by Accept alone, they have no suffixes */
    FORMATS_PAGE = FORMAT_BIT(FORMAT_JSON) | FORMAT_BIT(FORMAT_HTML),
};

/* By its name, case ignored; only among `offered`. */
bool format_find(Str name, unsigned offered, Format *ret);

/* What `accept` (the text of an Accept header; none or empty: anything) likes best of `offered`:
 * the highest q, then what it names more exactly, then what it names first, then our own order.
 * False: nothing of it is acceptable. */
bool format_negotiate(Str accept, unsigned offered, Format *ret);
