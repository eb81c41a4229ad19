#include "ingest/details.h"

#include "base/log.h"
#include "ingest/parse.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { PASS_S = 86400 };

Details details_init(size_t per_poll)
{
    return (Details){.per_poll = per_poll};
}

/* Half of what there is stays for polls that fail and are tried again. */
static bool is_affordable(const Budget *budget)
{
    return budget->requests < budget->max_requests / 2 && budget->bytes < budget->max_bytes / 2;
}

static void note_id(char to[static DETAILS_ID_MAX], Str id)
{
    if (id.len < DETAILS_ID_MAX)
        (void) snprintf(to, DETAILS_ID_MAX, STR_FMT, STR_ARG(id));
}

/* *ret_go_on false: the upstream would rather not be asked now. */
static ErrCode ask(Upstream *upstream, Str id, Batch *batch, bool *ret_go_on, Err *err)
{
    CLEANUP(buf_release) Buf path = buf_init(4096);
    HttpResult answer;
    int64_t retry_after_s = 0;
    BUF_LITERAL(&path, "/id/stations/");
    http_put_encoded(&path, id);
    buf_put_char(&path, '\0');
    *ret_go_on = true;
    if (buf_check(&path, err) != OK)
        return OK; /* no id is so long */
    ErrCode rc = upstream_fetch_path(upstream, path.ptr, &answer, &retry_after_s, err);
    if (rc == ERR_STOPPED)
        return rc;
    if (rc != OK) {
        *ret_go_on = (rc == ERR_UPSTREAM || rc == ERR_NOT_FOUND) && retry_after_s == 0;
        log_debug("ingest station not told error=" LOG_TEXT, err->text);
        return OK;
    }
    rc = parse_station_more(http_body(&answer), batch, err);
    http_result_release(&answer);
    return rc == ERR_FORMAT ? OK : rc;
}

static ErrCode ask_each(const StrList *ids, char after[static DETAILS_ID_MAX], Upstream *upstream,
                        const Budget *budget, Batch *batch, bool *ret_go_on, Err *err)
{
    ErrCode rc = OK;
    for (size_t i = 0; i < ids->count && rc == OK && *ret_go_on && is_affordable(budget); i++) {
        rc = ask(upstream, ids->items[i], batch, ret_go_on, err);
        note_id(after, ids->items[i]);
    }
    return rc;
}

ErrCode details_run(Details *details, Upstream *upstream, const Budget *budget, Writer *writer,
                    UnixSec now, Batch *batch, Err *err)
{
    CLEANUP(arena_release) Arena arena = arena_init();
    StrList ids = {.count = 0};
    bool go_on = true;
    ErrCode rc = OK;
    if (details->per_poll == 0)
        return OK;
    if (now >= details->next_pass) {
        rc = writer_stations_to_ask(writer, str_of(details->after), false, details->per_poll,
                                    &arena, &ids, err);
        if (rc == OK && ids.count < details->per_poll) { /* to the end; then from the beginning */
            details->next_pass = now + PASS_S;
            details->after[0] = '\0';
        }
    }
    if (rc == OK)
        rc = ask_each(&ids, details->after, upstream, budget, batch, &go_on, err);
    if (rc != OK || ids.count > 0)
        return rc;
    rc = writer_stations_to_ask(writer, str_of(details->renewed), true, 1, &arena, &ids, err);
    if (rc == OK && ids.count == 0)
        details->renewed[0] = '\0';
    return rc == OK ? ask_each(&ids, details->renewed, upstream, budget, batch, &go_on, err) : rc;
}
