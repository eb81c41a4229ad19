/* /v1/readings, /v1/stations/{station}/readings and /v1/measures/{measure}/readings. */
#include "base/clock.h"
#include "server/resolve.h"
#include "server/route.h"
#include "server/rows.h"
#include "server/wide.h"

/* ---- is there any? --------------------------------------------------------------------------- */

static bool go_on(const Station *station, const Measure *measure, Window kept, void *ctx)
{
    (void) station;
    (void) measure;
    (void) kept;
    (void) ctx;
    return true;
}

static bool note_one(const Reading *reading, void *ctx)
{
    (void) reading;
    *(bool *) ctx = true;
    return false;
}

static ErrCode find_any(const Request *req, const Filter *filter, Window window, bool *ret,
                        Err *err)
{
    *ret = false;
    const ReadingVisitor visitor = {.each_measure = go_on, .each_reading = note_one, .ctx = ret};
    return snapshot_each_reading(req->snap, filter, window, &visitor, err);
}

/* The Agency's files of the days in the window. */
static void name_archive(const Request *req, Window window, Reply *reply)
{
    enum { DAY_S = 86400, DAYS_MAX = 31 };
    const char *upstream = req->site->options->upstream;
    if (upstream == NULL)
        return;
    Problem *problem = &reply->problem;
    problem->list_name = "archive";
    UnixSec last = window.to - 1;
    UnixSec first =
        window.from > last - DAYS_MAX * DAY_S ? window.from : last - DAYS_MAX * DAY_S + DAY_S;
    for (UnixSec day = first - ((first % DAY_S) + DAY_S) % DAY_S; day <= last; day += DAY_S) {
        char date[CLOCK_TEXT_SIZE];
        clock_format(day, date);
        if (!str_list_add(
                req->arena, &problem->list,
                arena_format(req->arena, "%s/archive/readings-%.10s.csv", upstream, date)))
            break;
    }
}

/* Nothing was found up to window.to. That is the answer, unless all that is kept is newer. */
static ErrCode check_retention(const Request *req, const Filter *filter, Window window,
                               Reply *reply, Err *err)
{
    bool has_older = false, has_newer = false;
    const Window before = {.from = INT64_MIN, .to = window.to};
    const Window after = {.from = window.to, .to = INT64_MAX};
    ErrCode rc = find_any(req, filter, before, &has_older, err);
    if (rc == OK && !has_older)
        rc = find_any(req, filter, after, &has_newer, err);
    if (rc != OK || has_older || !has_newer)
        return rc;
    char to[CLOCK_TEXT_SIZE];
    clock_format(window.to, to);
    problem_set(
        &reply->problem, PROBLEM_OUTSIDE_RETENTION,
        arena_format(
            req->arena,
            "The window ends at %s, before the earliest reading that is kept of what was selected.",
            to));
    name_archive(req, window, reply);
    return err_set(err, ERR_NOT_FOUND, "outside what is kept");
}

/* ---- the list -------------------------------------------------------------------------------- */

typedef struct Listing {
    Rows rows;
    Coverage coverage;
    Window window;
    Row row; /* of the measure under way */
    bool anything_kept;
    size_t measure_count;
    const Selection *selection;
    Buckets buckets; /* of the measure under way, where aggregates were asked for */
    Str refused;     /* a measure of which one of them has no meaning; none: there is none */
    const char *refusal;
    Wide wide; /* where a matrix was asked for */
} Listing;

static bool is_wide(const Listing *listing)
{
    return listing->selection->shape == SHAPE_WIDE;
}

/* Of the one aggregate that a matrix is asked for. */
static double wide_value(const Listing *listing, const Bucket *bucket)
{
    unsigned kind = 0;
    while ((listing->selection->aggregates & 1U << kind) == 0)
        kind++;
    return bucket->values[kind];
}

static bool add_bucket(const Bucket *bucket, void *ctx)
{
    Listing *listing = ctx;
    listing->row.bucket = bucket;
    if (is_wide(listing))
        return wide_add_cell(&listing->wide, bucket->time, wide_value(listing, bucket));
    return rows_add(&listing->rows, &listing->row);
}

static bool begin_buckets(Listing *listing, const Measure *measure, Window window)
{
    const Selection *selection = listing->selection;
    for (unsigned i = 0; i < AGGREGATE_KIND_COUNT && listing->refusal == NULL; i++)
        if ((selection->aggregates & 1U << i) != 0)
            listing->refusal = bucket_refuses(measure, (Aggregate) i);
    if (listing->refusal != NULL) {
        if (!arena_copy(listing->rows.req->arena, measure->id, &listing->refused))
            listing->refused = STR("");
        return false;
    }
    const Station *station = listing->row.station;
    listing->buckets = buckets_begin(measure, measure_scale(measure, station), window,
                                     selection->step_s, selection->fill, add_bucket, listing);
    return true;
}

static ErrCode refuse_aggregate(const Listing *listing, Reply *reply, Err *err)
{
    Arena *arena = listing->rows.req->arena;
    problem_add(
        &reply->problem, PROBLEM_BAD_PARAMETER,
        (ProblemFault){.parameter = STR("agg"),
                       .reason = "bad",
                       .detail = arena_format(arena, "'agg': %s (" STR_FMT ")", listing->refusal,
                                              STR_ARG(listing->refused))});
    return err_set(err, ERR_INVALID, "%s", listing->refusal);
}

static bool end_measure(void *ctx)
{
    Listing *listing = ctx;
    coverage_end_measure(&listing->coverage);
    return listing->selection->aggregates == 0 || buckets_end(&listing->buckets);
}

static bool begin_measure(const Station *station, const Measure *measure, Window kept, void *ctx)
{
    Listing *listing = ctx;
    listing->row = (Row){.station = station, .measure = measure};
    listing->measure_count++;
    listing->anything_kept |= kept.from < kept.to;
    coverage_begin_measure(&listing->coverage, measure->period_s,
                           window_both(listing->window, kept), measure->newest);
    if (is_wide(listing) && !wide_add_column(&listing->wide, measure->id))
        return false;
    return listing->selection->aggregates == 0 ||
           begin_buckets(listing, measure, window_both(listing->window, kept));
}

static bool add_reading(const Reading *reading, void *ctx)
{
    Listing *listing = ctx;
    coverage_add(&listing->coverage, reading->time);
    if (listing->selection->aggregates != 0)
        return buckets_add(&listing->buckets, reading);
    if (is_wide(listing))
        return wide_add_cell(&listing->wide, reading->time, reading->value);
    listing->row.reading = reading;
    return rows_add(&listing->rows, &listing->row);
}

static const char *why_none(const Listing *listing, const Span *span, UnixSec as_of)
{
    if (listing->measure_count == 0)
        return REASON_NO_MEASURE;
    if (listing->window.from > as_of)
        return "the window lies in the future";
    if (!listing->anything_kept || !span_is_given(span))
        return REASON_NOTHING_KEPT;
    return "no reading in the window";
}

/* An open end is said as the moment of the generation, or just behind the last reading. */
static Extent extent_of(const Listing *listing, const Span *span, UnixSec as_of)
{
    const Coverage *coverage = &listing->coverage;
    Extent extent = {.from = coverage->earliest, .to = coverage->latest, .coverage = coverage};
    if (coverage->count == 0)
        extent.reason = why_none(listing, span, as_of);
    if (!span_is_given(span))
        return extent;
    extent.from = listing->window.from;
    extent.to = listing->window.to;
    if (extent.to == window_everything().to) {
        extent.to = as_of > extent.from ? as_of : extent.from;
        if (coverage->latest >= extent.to)
            extent.to = coverage->latest + 1;
    }
    return extent;
}

static ErrCode list_readings(const Request *req, Filter filter, Reply *reply, Err *err)
{
    UnixSec as_of = snapshot_info(req->snap)->as_of;
    const Span *span = &req->selection.span;
    Listing listing = {.coverage = coverage_init(),
                       .window = span_resolve(span, as_of),
                       .selection = &req->selection,
                       .wide = wide_begin(req->arena, req->selection.step_s)};
    ErrCode rc = rows_begin(&listing.rows, req, reply, err);
    if (rc != OK || req->head_alone)
        return rc;
    const ReadingVisitor visitor = {.each_measure = begin_measure,
                                    .each_reading = add_reading,
                                    .end_measure = end_measure,
                                    .ctx = &listing};
    rc = snapshot_each_reading(req->snap, &filter, listing.window, &visitor, err);
    if (rc == OK && listing.refusal != NULL)
        rc = refuse_aggregate(&listing, reply, err);
    if (rc == OK && listing.coverage.count == 0 && span->has_to)
        rc = check_retention(req, &filter, listing.window, reply, err);
    if (rc != OK)
        return rc;
    Extent extent = extent_of(&listing, span, as_of);
    if (is_wide(&listing)) {
        /* Without a time asked for the extent ends with the last reading, which is inside. */
        Window grid = {.from = extent.from, .to = extent.to + (span_is_given(span) ? 0 : 1)};
        if (extent.from == NO_TIME)
            grid = (Window){.from = 0, .to = 0};
        rc = wide_end(&listing.wide, grid, &listing.rows, err);
    }
    if (rc != OK)
        return rc;
    return rows_end(&listing.rows, &extent, err);
}

ErrCode get_readings(const Request *req, Reply *reply, Err *err)
{
    return list_readings(req, req->selection.filter, reply, err);
}

ErrCode get_station_readings(const Request *req, Reply *reply, Err *err)
{
    Filter filter = req->selection.filter;
    ErrCode rc = resolve_station(req, reply, &filter, err);
    return rc != OK ? rc : list_readings(req, filter, reply, err);
}

ErrCode get_measure_readings(const Request *req, Reply *reply, Err *err)
{
    Filter filter = req->selection.filter;
    ErrCode rc = resolve_measure(req, reply, &filter, err);
    return rc != OK ? rc : list_readings(req, filter, reply, err);
}
