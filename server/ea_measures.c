/* /flood-monitoring/id/measures, one measure, those of a station. */
#include "model/agency.h"
#include "server/ea.h"
#include "server/resolve.h"

typedef struct Listing {
    EaList list;
    const EaQuery *query;
    Buf item;
} Listing;

static bool add_measure(const Station *station, const Measure *measure, const Reading *newest,
                        void *ctx)
{
    Listing *listing = ctx;
    const EaQuery *query = listing->query;
    if (!measure->listed || str_is_none(measure->raw) || !ea_takes_station(query, station) ||
        !ea_takes_measure(query, measure))
        return true;
    EaNext next = ea_list_next(&listing->list);
    if (next != EA_TAKE)
        return next == EA_SKIP;
    buf_clear(&listing->item);
    ea_put_measure(&listing->item, measure, newest, query->full, EA_LATEST_OBJECT,
                   &listing->list.style);
    return ea_list_put(&listing->list, buf_view(&listing->item));
}

static ErrCode list_measures(const Request *req, Reply *reply, const EaQuery *query,
                             const Filter *filter, Err *err)
{
    Listing listing = {.list = ea_list_begin(req, reply, query, AGENCY_MEASURE_MEMBERS),
                       .query = query,
                       .item = buf_init(req->site->options->max_response_bytes)};
    ErrCode rc = OK;
    reply->spools_from = EA_LIST_IN_MEMORY;
    if (!req->head_alone)
        rc = snapshot_each_measure(req->snap, filter, add_measure, &listing, err);
    if (rc == OK)
        rc = buf_check(&listing.item, err);
    buf_release(&listing.item);
    ea_list_end(&listing.list);
    return rc;
}

ErrCode get_ea_measures(const Request *req, Reply *reply, Err *err)
{
    EaQuery query;
    Filter filter;
    ErrCode rc = ea_ask(req, reply, NULL, &query, &filter, err);
    return rc == OK ? list_measures(req, reply, &query, &filter, err) : rc;
}

ErrCode get_ea_station_measures(const Request *req, Reply *reply, Err *err)
{
    EaQuery query;
    Filter filter;
    ErrCode rc = ea_ask(req, reply, ea_resolve_station, &query, &filter, err);
    return rc == OK ? list_measures(req, reply, &query, &filter, err) : rc;
}

/* ---- one ------------------------------------------------------------------------------------- */

typedef struct Single {
    EaStyle style;
    Buf *out;
    bool found;
} Single;

static bool put_single(const Station *station, const Measure *measure, const Reading *newest,
                       void *ctx)
{
    (void) station;
    Single *single = ctx;
    single->found = !str_is_none(measure->raw);
    if (single->found)
        ea_put_measure(single->out, measure, newest, true, EA_LATEST_OBJECT, &single->style);
    return false;
}

ErrCode get_ea_measure(const Request *req, Reply *reply, Err *err)
{
    Single single = {.style = ea_style(req), .out = &reply->body};
    Filter filter = {.has_circle = false};
    ErrCode rc = resolve_measure(req, reply, &filter, err);
    if (rc != OK)
        return rc;
    ea_single_begin(req, reply);
    rc = snapshot_each_measure(req->snap, &filter, put_single, &single, err);
    if (rc == OK && !single.found)
        rc = ea_not_found(req, reply, err);
    ea_single_end(reply);
    return rc;
}
