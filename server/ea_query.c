#include "server/ea.h"

#include <math.h>

enum { DEFAULT_LIMIT = 500, LIMIT_MAX = 10000, DAY_S = 86400 };

typedef enum Kind { KIND_TEXT, KIND_NAME, KIND_FLAG, KIND_FULL, KIND_COUNT } Kind;

#define AT(member) offsetof(EaQuery, member)

const EaParam EA_PARAMS[] = {
    {"label", EA_STATION, KIND_TEXT, AT(label)},
    {"town", EA_STATION, KIND_TEXT, AT(town)},
    {"catchmentName", EA_STATION, KIND_TEXT, AT(catchment)},
    {"riverName", EA_STATION, KIND_TEXT, AT(river)},
    {"RLOIid", EA_STATION, KIND_TEXT, AT(rloi_id)},
    {"search", EA_STATION, KIND_TEXT, AT(search)},
    {"status", EA_STATION, KIND_NAME, AT(status)},
    {"type", EA_STATION, KIND_NAME, AT(type)},
    {"lat", EA_STATION, KIND_TEXT, AT(lat)},
    {"long", EA_STATION, KIND_TEXT, AT(lon)},
    {"dist", EA_STATION, KIND_TEXT, AT(dist)},
    {"stationReference", EA_STATION | EA_SERIES, KIND_TEXT, AT(reference)},
    {"station", EA_SERIES, KIND_NAME, AT(station)},
    {"stationType", EA_SERIES, KIND_NAME, AT(type)},
    {"parameter", EA_MEASURE, KIND_TEXT, AT(parameter)},
    {"parameterName", EA_MEASURE, KIND_TEXT, AT(parameter_name)},
    {"qualifier", EA_MEASURE, KIND_TEXT, AT(qualifier)},
    {"latest", EA_TIME, KIND_FLAG, AT(latest)},
    {"today", EA_TIME, KIND_FLAG, AT(today)},
    {"date", EA_TIME, KIND_TEXT, AT(date)},
    {"startdate", EA_TIME, KIND_TEXT, AT(start_date)},
    {"enddate", EA_TIME, KIND_TEXT, AT(end_date)},
    {"since", EA_TIME, KIND_TEXT, AT(since)},
    {"_sorted", EA_TIME, KIND_FLAG, AT(sorted)},
    {"_view", EA_LIST, KIND_FULL, AT(full)},
    {"_limit", EA_LIST, KIND_COUNT, AT(limit)},
    {"_offset", EA_LIST, KIND_COUNT, AT(offset)},
    {0},
};

/* ---- reading --------------------------------------------------------------------------------- */

typedef struct Reader {
    const Request *req;
    Problem *problem;
    EaQuery *query;
    uint64_t seen; /* bits: rows of the table; the first of a repeated parameter counts */
} Reader;

static void bad(Reader *to, ProblemType type, const char *name, Str value, const char *sentence)
{
    problem_add(to->problem, type,
                (ProblemFault){.parameter = str_of(name),
                               .value = value,
                               .reason = "bad",
                               .detail = arena_format(to->req->arena, "'%s': %s", name, sentence)});
}

/* ?latest, ?latest= and ?latest=true are one. */
static bool is_on(Str value)
{
    return !str_eq_nocase(value, STR("false"));
}

static void read_value(Reader *to, const EaParam *param, Str value)
{
    void *at = (char *) to->query + param->at;
    int64_t count = 0;
    switch ((Kind) param->kind) {
    case KIND_TEXT:
        *(Str *) at = value;
        break;
    case KIND_NAME: /* short, or as an address */
        *(Str *) at = str_after_last(value, '/');
        break;
    case KIND_FLAG:
        *(bool *) at = is_on(value);
        break;
    case KIND_FULL:
        *(bool *) at = str_eq(value, STR("full"));
        break;
    case KIND_COUNT:
        if (str_to_int(value, &count) && count >= 0)
            *(int64_t *) at = count;
        else
            bad(to, PROBLEM_BAD_PARAMETER, param->name, value, "expected a whole number");
        break;
    }
}

static void read_param(Reader *to, Str name, Str value)
{
    for (size_t i = 0; EA_PARAMS[i].name != NULL; i++) {
        const EaParam *param = &EA_PARAMS[i];
        if ((param->group & to->req->route->params) == 0 || !str_eq(name, str_of(param->name)))
            continue;
        bool is_empty = value.len == 0 && param->kind != KIND_FLAG;
        if ((to->seen & UINT64_C(1) << i) == 0 && !is_empty)
            read_value(to, param, value);
        to->seen |= UINT64_C(1) << i;
        return;
    }
}

bool ea_names_station(const Request *req)
{
    const unsigned groups = EA_STATION | EA_SERIES;
    for (size_t i = 0; i < req->target.param_count; i++) {
        const Param *param = &req->target.params[i];
        if ((req->route->params & groups) != 0 && param->value.len > 0 &&
            (str_eq(param->name, STR("stationReference")) ||
             ((req->route->params & EA_SERIES) != 0 && str_eq(param->name, STR("station")))))
            return true;
    }
    return false;
}

static bool read_number(Reader *to, const char *name, Str text, double *ret)
{
    if (str_to_double(str_trim(text), ret))
        return true;
    bad(to, PROBLEM_BAD_PARAMETER, name, text, "expected a number");
    return false;
}

static void read_circle(Reader *to)
{
    EaQuery *query = to->query;
    unsigned given = (unsigned) !str_is_none(query->lat) + (unsigned) !str_is_none(query->lon) +
                     (unsigned) !str_is_none(query->dist);
    if (given == 0)
        return;
    if (given < 3) {
        bad(to, PROBLEM_BAD_PARAMETER, "dist", query->dist, "lat, long and dist belong together");
        return;
    }
    query->has_circle = read_number(to, "lat", query->lat, &query->lat_deg) &&
                        read_number(to, "long", query->lon, &query->long_deg) &&
                        read_number(to, "dist", query->dist, &query->dist_km);
}

/* ---- time ------------------------------------------------------------------------------------ */

static UnixSec midnight(UnixSec time)
{
    return time - ((time % DAY_S) + DAY_S) % DAY_S;
}

static bool read_time(Reader *to, const char *name, Str text, UnixSec *ret)
{
    if (str_is_none(text))
        return false;
    if (time_read(to->req->arena, text, ret))
        return true;
    bad(to, PROBLEM_BAD_TIME, name, text, "expected YYYY-MM-DD, for `since` with a time too");
    return false;
}

static void narrow(EaQuery *query, UnixSec from, UnixSec to)
{
    query->has_range = true;
    query->range = window_both(query->range, (Window){.from = from, .to = to});
}

static void read_range(Reader *to, UnixSec as_of)
{
    EaQuery *query = to->query;
    const Window all = window_everything();
    UnixSec time;
    query->range = all;
    if (query->today)
        narrow(query, midnight(as_of), midnight(as_of) + DAY_S);
    if (read_time(to, "date", query->date, &time))
        narrow(query, midnight(time), midnight(time) + DAY_S);
    if (read_time(to, "startdate", query->start_date, &time))
        narrow(query, midnight(time), all.to);
    if (read_time(to, "enddate", query->end_date, &time)) /* that day included */
        narrow(query, all.from, midnight(time) + DAY_S);
    if (read_time(to, "since", query->since, &time)) /* later than it, whatever its fraction */
        narrow(query, time + 1, all.to);
}

/* Lists of readings are cut; of the newest, and of today, only where it was asked for. */
static void settle_limit(EaQuery *query, bool is_of_readings)
{
    if (!is_of_readings)
        return;
    if (query->limit == EA_NO_LIMIT && !query->latest && !query->today)
        query->limit = DEFAULT_LIMIT;
    if (query->limit > LIMIT_MAX)
        query->limit = LIMIT_MAX;
}

static ErrCode read_query(const Request *req, Reply *reply, EaQuery *ret, Err *err)
{
    *ret = (EaQuery){.limit = EA_NO_LIMIT};
    Reader to = {.req = req, .problem = &reply->problem, .query = ret};
    for (size_t i = 0; i < req->target.param_count; i++)
        read_param(&to, req->target.params[i].name, req->target.params[i].value);
    read_circle(&to);
    read_range(&to, snapshot_info(req->snap)->as_of);
    settle_limit(ret, (req->route->params & EA_TIME) != 0);
    return reply->problem.type == PROBLEM_NONE ? OK : err_set(err, ERR_INVALID, "a bad parameter");
}

/* ---- matching -------------------------------------------------------------------------------- */

static bool is_value(Str want, Str first, Str all)
{
    Str rest = str_is_none(all) ? first : all, line;
    if (str_is_none(want))
        return true;
    if (str_is_none(rest))
        return false;
    while (str_cut(rest, '\n', &line, &rest))
        if (str_eq(line, want))
            return true;
    return str_eq(rest, want);
}

static bool holds_nocase(Str text, Str part)
{
    for (size_t i = 0; i + part.len <= text.len; i++)
        if (str_eq_nocase((Str){text.ptr + i, part.len}, part))
            return true;
    return false;
}

static bool is_found(Str want, const Station *station)
{
    Str label = str_is_none(station->label_all) ? station->label : station->label_all;
    return str_is_none(want) || holds_nocase(label, want);
}

/* A station may have several, which only the raw item tells: E85123 is Active and Suspended. */
static bool has_status(const Station *station, Str want)
{
    Str value, key, item;
    if (str_is_none(want))
        return true;
    if (str_starts(want, STR("status")))
        want = (Str){want.ptr + 6, want.len - 6};
    if (!json_member(station->raw, STR("status"), &value) || !str_starts(value, STR("[")))
        return str_eq(station->status, want);
    JsonWalk walk = json_walk(value);
    while (json_next(&walk, &key, &item)) {
        Str name = str_after_last(item, '/'); /* statusActive" */
        if (str_starts(name, STR("status")) && str_eq((Str){name.ptr + 6, name.len - 7}, want))
            return true;
    }
    return false;
}

static bool is_within(const EaQuery *query, const Station *station)
{
    return !query->has_circle || (isfinite(station->lat_deg) && isfinite(station->long_deg) &&
                                  distance_km(query->lat_deg, query->long_deg, station->lat_deg,
                                              station->long_deg) <= query->dist_km);
}

bool ea_takes_station(const EaQuery *query, const Station *station)
{
    return is_value(query->label, station->label, station->label_all) &&
           is_value(query->town, station->town, station->town_all) &&
           is_value(query->catchment, station->catchment, station->catchment_all) &&
           is_value(query->river, station->river, station->river_all) &&
           is_value(query->rloi_id, station->rloi_id, station->rloi_id_all) &&
           is_value(query->type, station->type, station->type_all) &&
           is_value(query->station, station->id, STR_NONE) &&
           (is_value(query->reference, station->reference, STR_NONE) ||
            is_value(query->reference, station->id, STR_NONE)) &&
           has_status(station, query->status) && is_found(query->search, station) &&
           is_within(query, station);
}

bool ea_narrows_measures(const EaQuery *query)
{
    return !str_is_none(query->parameter) || !str_is_none(query->parameter_name) ||
           !str_is_none(query->qualifier);
}

bool ea_takes_measure(const EaQuery *query, const Measure *measure)
{
    return is_value(query->parameter, measure->parameter, STR_NONE) &&
           is_value(query->parameter_name, measure->parameter_name, STR_NONE) &&
           is_value(query->qualifier, measure->qualifier, STR_NONE);
}

/* ---- narrowing ------------------------------------------------------------------------------- */

static bool note_station(const Station *station, const Str *measure_ids, size_t measure_id_count,
                         void *ctx)
{
    (void) station;
    (void) measure_ids;
    (void) measure_id_count;
    *(bool *) ctx = true;
    return false;
}

static ErrCode list_of(const Request *req, Str item, StrList *ret, Err *err)
{
    if (str_is_none(item) || str_list_add(req->arena, ret, item))
        return OK;
    return err_set(err, ERR_NO_MEMORY, "no memory for a filter");
}

/* By its id or by its reference: the reference may name several stations, one of which may have it
 * for an id too. */
static ErrCode make_filter(const Request *req, const EaQuery *query, Filter *ret, Err *err)
{
    bool is_reference = false;
    *ret = (Filter){.has_circle = false};
    ErrCode rc = list_of(req, query->parameter, &ret->parameter, err);
    if (rc == OK)
        rc = list_of(req, query->qualifier, &ret->qualifier, err);
    if (rc == OK)
        rc = list_of(req, query->reference, &ret->reference, err);
    if (rc == OK && ret->reference.count > 0) {
        const Filter probe = {.reference = ret->reference};
        rc = snapshot_each_station(req->snap, &probe, note_station, &is_reference, err);
    }
    if (rc != OK)
        return rc;
    if (ret->reference.count > 0 && !is_reference) {
        ret->station = ret->reference;
        ret->reference.count = 0;
    }
    return str_is_none(query->station) ? OK : list_of(req, query->station, &ret->station, err);
}

ErrCode ea_ask(const Request *req, Reply *reply, EaResolveFn *resolve, EaQuery *ret_query,
               Filter *ret_filter, Err *err)
{
    ErrCode rc = read_query(req, reply, ret_query, err);
    if (rc == OK)
        rc = make_filter(req, ret_query, ret_filter, err);
    return rc == OK && resolve != NULL ? resolve(req, reply, ret_filter, err) : rc;
}
