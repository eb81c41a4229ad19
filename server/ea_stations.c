/* /flood-monitoring/id/stations, one station, its scales. */
#include "model/agency.h"
#include "server/ea.h"
#include "server/resolve.h"

/* ---- the list -------------------------------------------------------------------------------- */

typedef struct Listing {
    EaList list;
    const EaQuery *query;
    Buf item;
} Listing;

static bool add_station(const Station *station, const Str *measure_ids, size_t measure_id_count,
                        void *ctx)
{
    (void) measure_ids;
    (void) measure_id_count;
    Listing *listing = ctx;
    const EaQuery *query = listing->query;
    if (!station->listed || str_is_none(station->raw) || !ea_takes_station(query, station) ||
        (ea_narrows_measures(query) && !ea_nests_measure(station, query)))
        return true;
    EaNext next = ea_list_next(&listing->list);
    if (next != EA_TAKE)
        return next == EA_SKIP;
    buf_clear(&listing->item);
    ea_put_station(&listing->item, station, query->full ? EA_FULL : EA_LISTED, query,
                   &listing->list.style);
    return ea_list_put(&listing->list, buf_view(&listing->item));
}

ErrCode get_ea_stations(const Request *req, Reply *reply, Err *err)
{
    EaQuery query;
    Filter filter;
    ErrCode rc = ea_ask(req, reply, NULL, &query, &filter, err);
    if (rc != OK)
        return rc;
    /* The station says itself which measures it has; the list of measures may say otherwise. */
    filter.parameter = filter.qualifier = (StrList){.count = 0};
    Listing listing = {.list = ea_list_begin(req, reply, &query, AGENCY_STATION_MEMBERS),
                       .query = &query,
                       .item = buf_init(req->site->options->max_response_bytes)};
    reply->spools_from = EA_LIST_IN_MEMORY;
    if (!req->head_alone)
        rc = snapshot_each_station(req->snap, &filter, add_station, &listing, err);
    if (rc == OK)
        rc = buf_check(&listing.item, err);
    buf_release(&listing.item);
    ea_list_end(&listing.list);
    return rc;
}

/* ---- which one ------------------------------------------------------------------------------- */

ErrCode ea_not_found(const Request *req, Reply *reply, Err *err)
{
    problem_set(
        &reply->problem, PROBLEM_NOT_FOUND,
        arena_format(req->arena, "There is no '" STR_FMT "' here.", STR_ARG(req->target.path)));
    return err_set(err, ERR_NOT_FOUND, "not found");
}

typedef struct Named {
    Str reference;
    bool is_it;
} Named;

static bool compare_reference(const Station *station, const Str *measure_ids,
                              size_t measure_id_count, void *ctx)
{
    (void) measure_ids;
    (void) measure_id_count;
    Named *named = ctx;
    named->is_it = str_eq(station->reference, named->reference);
    return false;
}

ErrCode ea_resolve_station(const Request *req, Reply *reply, Filter *filter, Err *err)
{
    Named named = {.reference = req->args[0]};
    ErrCode rc = resolve_station(req, reply, filter, err);
    if (rc != OK || str_eq(filter->station.items[0], named.reference))
        return rc;
    rc = snapshot_each_station(req->snap, filter, compare_reference, &named, err);
    return rc == OK && !named.is_it ? ea_not_found(req, reply, err) : rc;
}

/* ---- one ------------------------------------------------------------------------------------- */

typedef struct Single {
    EaStyle style;
    Station station; /* its texts live in the arena */
    bool found, no_memory;
    Buf measure;        /* the one under way */
    StrList ids, texts; /* of all */
    Arena *arena;
} Single;

static bool copy_station(const Station *station, const Str *measure_ids, size_t measure_id_count,
                         void *ctx)
{
    (void) measure_ids;
    (void) measure_id_count;
    Single *single = ctx;
    Station *copy = &single->station;
    single->found = !str_is_none(station->raw);
    single->no_memory =
        single->found && !(arena_copy(single->arena, station->raw, &copy->raw) &&
                           arena_copy(single->arena, station->more, &copy->more) &&
                           arena_copy(single->arena, station->type, &copy->type) &&
                           arena_copy(single->arena, station->type_all, &copy->type_all));
    return false;
}

static bool add_measure(const Station *station, const Measure *measure, const Reading *newest,
                        void *ctx)
{
    (void) station;
    Single *single = ctx;
    Str id, text;
    if (str_is_none(measure->raw))
        return true;
    buf_clear(&single->measure);
    ea_put_measure(&single->measure, measure, newest, true, EA_LATEST_OBJECT, &single->style);
    single->no_memory = single->measure.error != OK ||
                        !arena_copy(single->arena, measure->id, &id) ||
                        !arena_copy(single->arena, buf_view(&single->measure), &text) ||
                        !str_list_add(single->arena, &single->ids, id) ||
                        !str_list_add(single->arena, &single->texts, text);
    return !single->no_memory;
}

/* The station that the path names, and into `filter` the filter that finds it again. */
static ErrCode find_single(const Request *req, Reply *reply, Single *single, Filter *filter,
                           Err *err)
{
    *filter = (Filter){.has_circle = false};
    ErrCode rc = ea_resolve_station(req, reply, filter, err);
    if (rc == OK)
        rc = snapshot_each_station(req->snap, filter, copy_station, single, err);
    if (rc == OK && single->no_memory)
        rc = err_set(err, ERR_NO_MEMORY, "no memory for a station");
    if (rc == OK && !single->found)
        rc = ea_not_found(req, reply, err);
    return rc;
}

ErrCode get_ea_station(const Request *req, Reply *reply, Err *err)
{
    Single single = {.style = ea_style(req),
                     .arena = req->arena,
                     .measure = buf_init(req->site->options->max_response_bytes)};
    Filter filter;
    ErrCode rc = find_single(req, reply, &single, &filter, err);
    if (rc == OK)
        rc = snapshot_each_measure(req->snap, &filter, add_measure, &single, err);
    if (rc == OK && single.no_memory)
        rc = err_set(err, ERR_NO_MEMORY, "no memory for a station");
    if (rc == OK) {
        ea_single_begin(req, reply);
        ea_put_single_station(&reply->body, &single.station, &single.ids, &single.texts,
                              &single.style);
        ea_single_end(reply);
    }
    buf_release(&single.measure);
    return rc;
}

/* ---- scales ---------------------------------------------------------------------------------- */

static ErrCode get_scale(const Request *req, Reply *reply, const char *name, Err *err)
{
    Single single = {.style = ea_style(req), .arena = req->arena};
    Filter filter;
    Str scale;
    ErrCode rc = find_single(req, reply, &single, &filter, err);
    if (rc != OK)
        return rc;
    /* An address alone says that there is one, and nothing about it (Q9). */
    if (!json_member(single.station.raw, str_of(name), &scale) || str_starts(scale, STR("\"")))
        return ea_not_found(req, reply, err);
    ea_single_begin(req, reply);
    ea_put_value(&reply->body, scale, &single.style);
    ea_single_end(reply);
    return OK;
}

ErrCode get_ea_stage_scale(const Request *req, Reply *reply, Err *err)
{
    return get_scale(req, reply, "stageScale", err);
}

ErrCode get_ea_downstage_scale(const Request *req, Reply *reply, Err *err)
{
    return get_scale(req, reply, "downstageScale", err);
}
