/* ingest/upstream.h - the upstream's addresses and validators: bytes in, bytes out.
 *
 * Judges an answer by its status and content type; what the bytes mean is ingest/parse.h's.
 * Belongs to the ingest thread. */
#pragma once
#include "base/http_client.h"
#include "ingest/budget.h"
#include "ingest/recorder.h"

/* What is asked for, each with validators of its own. */
typedef enum Feed {
    FEED_READINGS, /* the newest reading of every measure */
    FEED_STATIONS, /* all stations, with their scales */
    FEED_MEASURES, /* all measures */
    FEED_TYPES,    /* stations of one type: FEED_TYPES + index into UPSTREAM_STATION_TYPES */
    FEED_COUNT = FEED_TYPES + 6,
} Feed;

extern const char *const UPSTREAM_STATION_TYPES[FEED_COUNT - FEED_TYPES];

typedef struct Upstream Upstream;

/* `base`: address without a trailing slash; copied. `budget` is kept to and spent, whatever goes wrong;
 * borrowed. `recorder` keeps every exchange; borrowed; NULL:
 * none is kept. Owns: *ret ends with upstream_close(). */
MUST_USE ErrCode upstream_open(const char *base, const HttpClientOptions *http, Budget *budget,
                               Recorder *recorder, Upstream **ret, Err *err);
void upstream_close(Upstream *upstream); /* NULL is fine */
void upstream_stop(Upstream *upstream);  /* any thread: ends a request under way */

/* Asks for `feed`, on condition of what upstream_keep() kept. *ret_answer: status 200 with a JSON or CSV
 * body, or 304 without; ended by http_result_release().
 * Errors: those of http_get(), ERR_BUSY (the budget is spent) among them, ERR_NOT_FOUND (404) and ERR_UPSTREAM (any other status, or 200 with
 * HTML); *ret_retry_after_s is then what the upstream asked for, 0 when it did not. */
MUST_USE ErrCode upstream_fetch(Upstream *upstream, Feed feed, HttpResult *ret_answer,
                                int64_t *ret_retry_after_s, Err *err);
/* Once the answer's content is in the store: asks for it again only when it has changed. */
void upstream_keep(Upstream *upstream, Feed feed, const HttpResult *answer);
/* When what was kept of `feed` was published, by its Last-Modified; NO_TIME: not known. */
UnixSec upstream_modified(const Upstream *upstream, Feed feed);
/* Asks unconditionally next time. */
void upstream_forget(Upstream *upstream, Feed feed);

/* Anything else, never conditional: a page of readings as CSV, one measure. `path` is the part behind
 * the base address, encoded. Otherwise as upstream_fetch(). */
MUST_USE ErrCode upstream_fetch_path(Upstream *upstream, const char *path, HttpResult *ret_answer,
                                     int64_t *ret_retry_after_s, Err *err);

HttpTotals upstream_totals(const Upstream *upstream);

/* Whether the answer is CSV; it is JSON else. */
bool upstream_is_csv(const HttpResult *answer);

/* What the budget leaves in this interval. */
int64_t upstream_requests_left(const Upstream *upstream);
