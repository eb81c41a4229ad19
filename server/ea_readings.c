/* /flood-monitoring/data/readings, those of a station and of a measure, and one reading. */
#include "base/clock.h"
#include "server/ea.h"
#include "server/ea_newest.h"
#include "server/resolve.h"

static const char *const COLUMNS[] = {"dateTime", "measure", "value", NULL};

typedef struct Listing {
    EaList list;
    const EaQuery *query;
    Buf item;
    EaSeries series;   /* the one under way; its texts live until the next */
    Buf description;   /* of it, in the full view */
    bool takes;        /* the readings of the measure under way */
    UnixSec held_from; /* everything later is held of all that was walked; NO_TIME: nothing is */
    bool stops_at_past, reaches_past; /* the range begins before what is held */
    EaNewest newest;
    bool no_memory;
} Listing;

/* ---- putting --------------------------------------------------------------------------------- */

static bool put_reading(const Reading *reading, Str measure_text, void *ctx)
{
    Listing *listing = ctx;
    EaNext next = ea_list_next(&listing->list);
    if (next != EA_TAKE)
        return next == EA_SKIP;
    buf_clear(&listing->item);
    ea_put_reading(&listing->item, reading, false, measure_text, &listing->list.style);
    return ea_list_put(&listing->list, buf_view(&listing->item));
}

static bool add_reading(const Reading *reading, void *ctx)
{
    Listing *listing = ctx;
    if (!listing->takes)
        return true;
    if (!listing->query->sorted)
        return put_reading(reading, listing->series.text, listing);
    bool is_added = ea_newest_add(&listing->newest, reading, &listing->series);
    listing->no_memory = !is_added && !listing->newest.too_many;
    return is_added;
}

/* ---- walking --------------------------------------------------------------------------------- */

static bool describe(Listing *listing, const Measure *measure)
{
    const Reading newest = {.measure_id = measure->id, .time = measure->newest};
    buf_clear(&listing->description);
    if (!listing->query->full || str_is_none(measure->raw))
        return true;
    ea_put_measure(&listing->description, measure, measure->newest != NO_TIME ? &newest : NULL,
                   true, EA_LATEST_ADDRESS, &listing->list.style);
    listing->series.text = buf_view(&listing->description);
    return listing->description.error == OK;
}

static bool begin_series(Listing *listing, const Station *station, const Measure *measure)
{
    listing->takes =
        ea_takes_station(listing->query, station) && ea_takes_measure(listing->query, measure);
    if (!listing->takes)
        return true;
    listing->series = (EaSeries){.id = measure->id, .text = STR_NONE};
    ea_newest_begin_series(&listing->newest);
    listing->no_memory = !describe(listing, measure);
    return !listing->no_memory;
}

static bool begin_measure(const Station *station, const Measure *measure, Window kept, void *ctx)
{
    Listing *listing = ctx;
    if (!begin_series(listing, station, measure))
        return false;
    if (!listing->takes || kept.from >= kept.to)
        return true;
    if (kept.from > listing->held_from)
        listing->held_from = kept.from;
    listing->reaches_past |= listing->query->has_range && listing->query->range.from < kept.from;
    return !listing->reaches_past || !listing->stops_at_past;
}

static bool add_latest(const Station *station, const Measure *measure, const Reading *newest,
                       void *ctx)
{
    Listing *listing = ctx;
    const Window range = listing->query->range;
    if (!begin_series(listing, station, measure))
        return false;
    if (!listing->takes || newest->time < range.from || newest->time >= range.to)
        return true;
    return add_reading(newest, listing);
}

static ErrCode walk(Listing *listing, const Filter *filter, Err *err)
{
    Snapshot *snap = listing->list.req->snap;
    const ReadingVisitor visitor = {
        .each_measure = begin_measure, .each_reading = add_reading, .ctx = listing};
    return listing->query->latest
               ? snapshot_each_latest(snap, filter, add_latest, listing, err)
               : snapshot_each_reading(snap, filter, listing->query->range, &visitor, err);
}

/* ---- lists ----------------------------------------------------------------------------------- */

static void say_held_from(const Listing *listing, Reply *reply)
{
    char time[CLOCK_TEXT_SIZE];
    if (listing->held_from == NO_TIME)
        return;
    clock_format(listing->held_from, time);
    reply_header(reply, "Held-From", arena_format(listing->list.req->arena, "%s", time));
}

static ErrCode too_many(const Request *req, Reply *reply, Err *err)
{
    problem_set(
        &reply->problem, PROBLEM_TOO_LARGE,
        arena_format(req->arena,
                     "Of '" STR_FMT "' more than %d readings would have to be sorted. Narrow it "
                     "by station, parameter or time, ask for the first with `_limit`, or leave "
                     "`_sorted` out.",
                     STR_ARG(req->target.path), EA_NEWEST_MAX));
    return err_set(err, ERR_TOO_LARGE, "too many readings to sort");
}

static ErrCode list_readings(const Request *req, Reply *reply, const EaQuery *query,
                             const Filter *filter, Err *err)
{
    const int64_t most = query->limit == EA_NO_LIMIT ? -1 : query->offset + query->limit;
    Listing listing = {.list = ea_list_begin(req, reply, query, COLUMNS),
                       .query = query,
                       .item = buf_init(req->site->options->max_response_bytes),
                       .description = buf_init(1 << 20),
                       .newest = ea_newest_init(req->arena, most),
                       .held_from = NO_TIME,
                       .stops_at_past = !req->site->options->facade_keeps_history};
    if (query->latest || query->limit != EA_NO_LIMIT)
        reply->spools_from = EA_LIST_IN_MEMORY;
    ErrCode rc = req->head_alone ? OK : walk(&listing, filter, err);
    if (rc == OK && listing.no_memory)
        rc = err_set(err, ERR_NO_MEMORY, "no memory for the readings");
    if (rc == OK && listing.newest.too_many)
        rc = too_many(req, reply, err);
    if (rc == OK && listing.reaches_past && listing.stops_at_past) {
        rc = ea_redirect(req, reply, err);
    } else if (rc == OK) {
        if (query->sorted)
            ea_newest_each(&listing.newest, put_reading, &listing);
        if (listing.reaches_past)
            say_held_from(&listing, reply);
        ea_list_end(&listing.list);
        rc = buf_check(&listing.item, err);
    }
    buf_release(&listing.item);
    buf_release(&listing.description);
    ea_newest_release(&listing.newest);
    return rc;
}

ErrCode get_ea_readings(const Request *req, Reply *reply, Err *err)
{
    EaQuery query;
    Filter filter;
    ErrCode rc = ea_ask(req, reply, NULL, &query, &filter, err);
    return rc == OK ? list_readings(req, reply, &query, &filter, err) : rc;
}

ErrCode get_ea_station_readings(const Request *req, Reply *reply, Err *err)
{
    EaQuery query;
    Filter filter;
    ErrCode rc = ea_ask(req, reply, ea_resolve_station, &query, &filter, err);
    return rc == OK ? list_readings(req, reply, &query, &filter, err) : rc;
}

ErrCode get_ea_measure_readings(const Request *req, Reply *reply, Err *err)
{
    EaQuery query;
    Filter filter;
    ErrCode rc = ea_ask(req, reply, resolve_measure, &query, &filter, err);
    return rc == OK ? list_readings(req, reply, &query, &filter, err) : rc;
}

/* ---- one ------------------------------------------------------------------------------------- */

typedef struct Single {
    EaStyle style;
    UnixSec time;
    Buf *out;
    Buf measure; /* its description */
    UnixSec kept_from;
    bool found;
} Single;

static bool describe_single(const Station *station, const Measure *measure, const Reading *newest,
                            void *ctx)
{
    (void) station;
    Single *single = ctx;
    if (!str_is_none(measure->raw))
        ea_put_measure(&single->measure, measure, newest, true, EA_LATEST_ADDRESS, &single->style);
    single->found = newest != NULL && newest->time == single->time; /* perhaps the last known */
    if (single->found)
        ea_put_reading(single->out, newest, true, buf_view(&single->measure), &single->style);
    return false;
}

static bool note_kept(const Station *station, const Measure *measure, Window kept, void *ctx)
{
    (void) station;
    (void) measure;
    Single *single = ctx;
    single->kept_from = kept.from < kept.to ? kept.from : NO_TIME;
    return true;
}

static bool put_single(const Reading *reading, void *ctx)
{
    Single *single = ctx;
    single->found = true;
    ea_put_reading(single->out, reading, true, buf_view(&single->measure), &single->style);
    return false;
}

/* 2025-08-07T05-15-00Z: in an address the colons are hyphens. */
static bool read_address_time(const Request *req, UnixSec *ret)
{
    char text[CLOCK_TEXT_SIZE];
    Str time = req->args[1];
    if (time.len != CLOCK_TEXT_SIZE - 1)
        return false;
    for (size_t i = 0; i < time.len; i++)
        text[i] = (i == 13 || i == 16) && time.ptr[i] == '-' ? ':' : time.ptr[i];
    return clock_parse((Str){text, time.len}, ret);
}

ErrCode get_ea_reading(const Request *req, Reply *reply, Err *err)
{
    Single single = {.style = ea_style(req),
                     .out = &reply->body,
                     .measure = buf_init(1 << 20),
                     .kept_from = NO_TIME};
    Filter filter = {.has_circle = false};
    if (!read_address_time(req, &single.time))
        return ea_not_found(req, reply, err);
    ErrCode rc = resolve_measure(req, reply, &filter, err);
    if (rc != OK)
        return rc;
    ea_single_begin(req, reply);
    rc = snapshot_each_measure(req->snap, &filter, describe_single, &single, err);
    if (rc == OK && !single.found) {
        const ReadingVisitor visitor = {
            .each_measure = note_kept, .each_reading = put_single, .ctx = &single};
        rc = snapshot_each_reading(req->snap, &filter,
                                   (Window){.from = single.time, .to = single.time + 1}, &visitor,
                                   err);
    }
    ea_single_end(reply);
    bool is_past = single.kept_from != NO_TIME && single.time < single.kept_from;
    if (rc == OK && !single.found)
        rc = is_past && !req->site->options->facade_keeps_history ? ea_redirect(req, reply, err)
                                                                  : ea_not_found(req, reply, err);
    buf_release(&single.measure);
    return rc;
}
