#include "server/feed.h"

#include <stdio.h>

/* A choice of fields, and the local time, is one of readings. */
Feed feed_of(const Request *req)
{
    const Selection *selection = &req->selection;
    Feed feed = {.filter = selection->filter, .fields = change_fields_default(selection->style)};
    FieldSet *readings = &feed.fields.of[CHANGE_READING];
    if (selection->fields.count > 0)
        *readings = selection->fields;
    if (selection->with_local_time)
        field_set_add(readings, field_find(READING_FIELDS, STR("time_local")));
    readings->style = selection->style;
    feed.fields.of[CHANGE_CORRECTION] = *readings;
    return feed;
}

/* ---- portions ---------------------------------------------------------------------------------- */

typedef struct Taking {
    const Feed *feed;
    Portion *portion;
    size_t max;
} Taking;

static bool take(const Change *change, void *ctx)
{
    static const FeedList LISTS[CHANGE_KIND_COUNT] = {
        [CHANGE_STATION] = FEED_STATIONS,      [CHANGE_MEASURE] = FEED_MEASURES,
        [CHANGE_READING] = FEED_READINGS,      [CHANGE_CORRECTION] = FEED_CORRECTIONS,
        [CHANGE_FRESHNESS] = FEED_FRESHNESS,   [CHANGE_STATION_GONE] = FEED_REMOVALS,
        [CHANGE_MEASURE_GONE] = FEED_REMOVALS,
    };
    Taking *taking = ctx;
    Portion *portion = taking->portion;
    Buf *list = &portion->lists[LISTS[change->kind]];
    portion->counts[LISTS[change->kind]]++;
    if (list->len > 0)
        BUF_LITERAL(list, ",\n");
    render_change(list, &taking->feed->fields, change);
    portion->generation = change->generation;
    return ++portion->count != taking->max && list->error == OK;
}

ErrCode portion_take(Snapshot *snap, const Feed *feed, const ChangeCursor *after,
                     const PortionLimits *limits, Portion *ret_portion, Err *err)
{
    const ChangeQuery query = {.filter = &feed->filter,
                               .kinds = CHANGES_ALL,
                               .after = *after,
                               .one_generation = limits->one_generation,
                               .seen_max = limits->seen};
    Taking taking = {.feed = feed, .portion = ret_portion, .max = limits->items};
    *ret_portion = (Portion){.count = 0};
    for (size_t i = 0; i < FEED_LIST_COUNT; i++)
        ret_portion->lists[i] = buf_init(limits->bytes);
    ErrCode rc = snapshot_each_change(snap, &query, take, &taking, &ret_portion->reached, err);
    for (size_t i = 0; i < FEED_LIST_COUNT && rc == OK; i++)
        rc = buf_check(&ret_portion->lists[i], err);
    return rc;
}

void portion_release(Portion *portion)
{
    for (size_t i = 0; i < FEED_LIST_COUNT; i++)
        buf_release(&portion->lists[i]);
}

/* ---- where it begins --------------------------------------------------------------------------- */

static ErrCode begin_at_time(const Span *span, Snapshot *snap, ChangeCursor *cursor, Err *err)
{
    UnixSec as_of = snapshot_info(snap)->as_of;
    UnixSec since = span->has_back ? as_of - span->back_s : span->from - 1;
    return snapshot_generation_at(snap, since, &cursor->generation, err);
}

ErrCode feed_begin(const Request *req, Snapshot *snap, ChangeCursor *ret, bool *ret_known, Err *err)
{
    const Selection *selection = &req->selection;
    const SnapshotInfo *info = snapshot_info(snap);
    ChangeCursor cursor = {.epoch = info->epoch};
    *ret_known = true;
    if (selection->has_after) {
        *ret_known = snapshot_knows(snap, selection->after.epoch, selection->after.generation);
        cursor.generation = *ret_known ? selection->after.generation : info->generation;
        cursor.taken = *ret_known ? selection->after.taken : 0;
    } else if (span_is_given(&selection->span)) {
        ErrCode rc = begin_at_time(&selection->span, snap, &cursor, err);
        if (rc != OK)
            return rc;
    }
    *ret = cursor;
    return OK;
}

void put_start(JsonWriter *json, Str exported)
{
    static const char *const LISTS[] = {"stations", "measures", "readings", "latest"};
    json_key(json, "start");
    json_open(json, '{');
    for (size_t i = 0; i < countof(LISTS); i++) {
        char path[40];
        (void) snprintf(path, sizeof path, "/v1/%s.ndjson", LISTS[i]);
        json_key(json, LISTS[i]);
        json_text(json, path);
    }
    json_key(json, "snapshot");
    json_raw(json, exported);
    json_close(json, '}');
}
