/* ingest/details.h - what the upstream says of a station only when it is asked for that one alone:
 * its area and region, since when its status holds, its local datum. It hardly ever changes, and is
 * asked for behind everything else, a few stations a poll, with half of the budget left untouched.
 *
 * Belongs to the ingest thread. */
#pragma once
#include "ingest/budget.h"
#include "ingest/upstream.h"
#include "store/writer.h"

enum { DETAILS_ID_MAX = 256 };

typedef struct Details {
    size_t per_poll;              /* stations asked for, at most; 0: none ever */
    char after[DETAILS_ID_MAX];   /* the last one asked for */
    UnixSec next_pass;            /* when those that failed are tried again */
    char renewed[DETAILS_ID_MAX]; /* the last one asked for anew */
} Details;

Details details_init(size_t per_poll);

/* Asks for the next ones, and puts what they say into `batch`, to be applied by the caller. Stations
 * that are known are asked again one a poll: the whole country in two months. One that fails is passed
 * over until the next day. Errors: ERR_STOPPED, ERR_STORAGE, ERR_NO_MEMORY. */
MUST_USE ErrCode details_run(Details *details, Upstream *upstream, const Budget *budget,
                             Writer *writer, UnixSec now, Batch *batch, Err *err);
